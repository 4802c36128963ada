/* SPDX-License-Identifier: Apache-2.0 */
/* What shape rules and reference evaluations share, and the declarations of all of them. For src/ops only. */
#ifndef FERRY_OPS_RULES_H
#define FERRY_OPS_RULES_H

#include "ops/ops.h"

/* Every entry of the table names two functions. */
#define FERRY_OP(name, domain, min_inputs, max_inputs, min_outputs, max_outputs, attributes, infer, evaluate, flags)           \
    ferry_status infer(ferry_inference *inference);                                                                            \
    ferry_status evaluate(ferry_evaluation *evaluation);
#include "ops/ops.def"
#undef FERRY_OP

/* ---- sets of element types ---- */

#define FERRY_DTYPE_BIT(dtype) (1u << (dtype))
enum {
    FERRY_DTYPES_FLOAT = 1 << FERRY_FLOAT16 | 1 << FERRY_FLOAT32 | 1 << FERRY_FLOAT64 | 1 << FERRY_BFLOAT16,
    FERRY_DTYPES_SIGNED = 1 << FERRY_INT8 | 1 << FERRY_INT16 | 1 << FERRY_INT32 | 1 << FERRY_INT64,
    FERRY_DTYPES_UNSIGNED = 1 << FERRY_UINT8 | 1 << FERRY_UINT16 | 1 << FERRY_UINT32 | 1 << FERRY_UINT64,
    FERRY_DTYPES_INTEGER = FERRY_DTYPES_SIGNED | FERRY_DTYPES_UNSIGNED,
    FERRY_DTYPES_NUMBER = FERRY_DTYPES_FLOAT | FERRY_DTYPES_INTEGER,
    FERRY_DTYPES_FLOAT8 = 1 << FERRY_FLOAT8E4M3FN | 1 << FERRY_FLOAT8E4M3FNUZ | 1 << FERRY_FLOAT8E5M2 |
                          1 << FERRY_FLOAT8E5M2FNUZ | 1 << FERRY_FLOAT8E8M0,
    FERRY_DTYPES_PACKED = 1 << FERRY_UINT4 | 1 << FERRY_INT4 | 1 << FERRY_FLOAT4E2M1 | 1 << FERRY_UINT2 | 1 << FERRY_INT2,
    FERRY_DTYPES_INDEX = 1 << FERRY_INT32 | 1 << FERRY_INT64,
    FERRY_DTYPES_BOOL = 1 << FERRY_BOOL,
    FERRY_DTYPES_ANY = (1 << (FERRY_INT2 + 1)) - 2
};

/* FERRY_ERROR_SHAPE unless input `index` is absent, of unknown type, or of a type in the set. */
ferry_status ferry_rule_dtypes(const ferry_inference *inference, int index, unsigned set);
/* The same for a group of inputs that must share one type; *dtype is it, or UNDEFINED when none is known. */
ferry_status ferry_rule_same_dtype(const ferry_inference *inference, int first, int last, unsigned set, ferry_dtype *dtype);

/* ---- shape rules ---- */

/* NULL for an absent optional input. */
static inline const ferry_value_type *ferry_rule_input(const ferry_inference *inference, int index) {
    return index < inference->input_count ? inference->inputs[index] : NULL;
}
/* The shape, or NULL when the input is absent or nothing is known of its shape. */
static inline const ferry_shape *ferry_rule_shape(const ferry_inference *inference, int index) {
    const ferry_value_type *type = ferry_rule_input(inference, index);
    return type && type->ranked ? &type->shape : NULL;
}
static inline ferry_dtype ferry_rule_dtype(const ferry_inference *inference, int index) {
    const ferry_value_type *type = ferry_rule_input(inference, index);
    return type ? type->dtype : FERRY_DTYPE_UNDEFINED;
}

/* Both do nothing for outputs that nobody asked for. shape NULL: nothing is known of it. */
void ferry_rule_output(ferry_inference *inference, int index, ferry_dtype dtype, const ferry_shape *shape);
/* An output whose rank is known and dimensions are not. */
void ferry_rule_output_rank(ferry_inference *inference, int index, ferry_dtype dtype, int rank);

/* FERRY_ERROR_SHAPE "... expects rank 4, input 0 has rank 3". An unranked or absent input passes. */
ferry_status ferry_rule_rank(const ferry_inference *inference, int index, int low, int high);
/* Turns axis in [-rank, rank) into [0, rank): "axis 5 is outside a rank-4 input". */
ferry_status ferry_rule_axis(const ferry_inference *inference, int64_t axis, int rank, int *result);
/* A list of distinct axes; *mask has bit i for axis i. result may be NULL, else has room for FERRY_MAX_RANK. */
ferry_status ferry_rule_axes(const ferry_inference *inference, const int64_t *axes, int64_t count, int rank, int *result,
                             unsigned *mask);
/* The elements of a small (at most 4096) input of rank 0 or 1 when they are known, perhaps symbolically; else NULL. Reads both
 * `values` and constant `data`. The memory is the arena's or the input's. */
const int64_t *ferry_rule_values(const ferry_inference *inference, int index, int64_t *count);
/* True when input `index` is a known number: constant data (any numeric type) with at least one element. */
bool ferry_rule_scalar(const ferry_inference *inference, int index, double *value);
/* Sets `values` of a output when all of its elements are known. */
ferry_status ferry_rule_set_values(ferry_inference *inference, int index, const int64_t *values, int64_t count);
/* Joins two dimensions that must be equal; FERRY_ERROR_SHAPE with `what` when they provably differ. */
ferry_status ferry_rule_same_dim(const ferry_inference *inference, int64_t a, int64_t b, const char *what, int64_t *result);
/* NumPy broadcasting with symbols. */
ferry_status ferry_rule_broadcast(const ferry_inference *inference, const ferry_shape *a, const ferry_shape *b,
                                  ferry_shape *result);
/* Product of dims[first..last-1], symbolic ones too. */
int64_t ferry_rule_product(const ferry_inference *inference, const ferry_shape *shape, int first, int last);
/* A dimension that only running can tell. */
static inline int64_t ferry_rule_fresh(const ferry_inference *inference) { return ferry_symbol_fresh(inference->symbols); }

/* Every output has the first input's type (and values). */
ferry_status ferry_infer_same_type(ferry_inference *inference);

/* ---- evaluation ---- */

/* Runs the operator's shape rule on the inputs as they are (contents included) and gives memory to every wanted output.
 * Evaluations call it first: afterwards ranks, dtypes, axes and sizes are as the rule checked them. An output whose shape is
 * still unknown is an error, except for operators flagged DATA_DEPENDENT or CONTAINERS, which allocate it themselves. */
ferry_status ferry_evaluation_prepare(ferry_evaluation *evaluation);
/* The same without allocating: the types go to types[0..output_count-1]. */
ferry_status ferry_evaluation_infer(ferry_evaluation *evaluation, ferry_value_type *types);

/* The elements converted: the tensor's own memory when it has that type already, else scratch; NULL when out of memory (the
 * error is set). as_int64 wraps uint64 and truncates floats. */
const float *ferry_evaluation_floats(ferry_evaluation *evaluation, const ferry_tensor *tensor);
const double *ferry_evaluation_doubles(ferry_evaluation *evaluation, const ferry_tensor *tensor);
const int64_t *ferry_evaluation_integers(ferry_evaluation *evaluation, const ferry_tensor *tensor);
/* Where to compute an output: its own memory when it has that type, else scratch. Store afterwards: converts, or does nothing
 * when `values` is the tensor's memory. Floats round to nearest even; integers wrap. */
float *ferry_evaluation_float_output(ferry_evaluation *evaluation, const ferry_tensor *tensor);
double *ferry_evaluation_double_output(ferry_evaluation *evaluation, const ferry_tensor *tensor);
int64_t *ferry_evaluation_integer_output(ferry_evaluation *evaluation, const ferry_tensor *tensor);
void ferry_store_floats(const ferry_tensor *tensor, const float *values);
void ferry_store_doubles(const ferry_tensor *tensor, const double *values);
void ferry_store_integers(const ferry_tensor *tensor, const int64_t *values);

/* Gives the strings of an output memory of its own, that lives as long as the output. Nothing for other types. */
ferry_status ferry_evaluation_own_strings(ferry_evaluation *evaluation, const ferry_tensor *tensor);
/* Copies a tensor's elements (same dtype, same count) to outputs[index]; strings deeply. */
ferry_status ferry_evaluation_copy(ferry_evaluation *evaluation, int index, const ferry_tensor *source);
/* Copies a tensor, sequence or optional deeply into memory that lives as long as the outputs. */
ferry_status ferry_evaluation_copy_value(ferry_evaluation *evaluation, const ferry_value *source, ferry_value *target);
/* The whole of input 0 to output 0, whatever their shapes and layouts: Identity, Reshape, Reorder ... */
ferry_status ferry_evaluate_copy(ferry_evaluation *evaluation);

/* FERRY_ERROR_UNSUPPORTED: "Conv: int16 is not supported". */
ferry_status ferry_evaluation_unsupported(ferry_evaluation *evaluation, ferry_dtype dtype);

#endif
