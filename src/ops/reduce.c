/* SPDX-License-Identifier: Apache-2.0 */
/* Reduce*: one pass over the input, each row added to the accumulators of the outputs it belongs to. Floats accumulate in
 * double, integers in (wrapping) 64 bits. */
#include <math.h>
#include <string.h>

#include "ops/elementwise.h"

/* ---- shape rule ---- */

/* The mask of reduced axes; *known is false when the axes are an input that is not known. No axes: all, or none (noop). */
static ferry_status reduced_axes(const ferry_inference *inference, int rank, unsigned *mask, bool *known) {
    int64_t count = 0;
    const int64_t *axes = ferry_rule_values(inference, 1, &count);
    *known = axes || !ferry_rule_input(inference, 1);
    *mask = 0;
    if (axes && count > 0) return ferry_rule_axes(inference, axes, count, rank, NULL, mask);
    bool none = ferry_attribute_integer(inference->attributes, "noop_with_empty_axes", 0) != 0;
    if (!none) *mask = (1u << rank) - 1;
    return FERRY_OK;
}

static ferry_status infer_reduce(ferry_inference *inference, unsigned set) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, set));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPE_BIT(FERRY_INT64)));
    FERRY_TRY(ferry_rule_rank(inference, 1, 0, 1));
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    bool keep = ferry_attribute_integer(inference->attributes, "keepdims", 1) != 0, known;
    unsigned mask;
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!in) return FERRY_OK;
    FERRY_TRY(reduced_axes(inference, in->rank, &mask, &known));
    if (!known) {
        if (keep) ferry_rule_output_rank(inference, 0, dtype, in->rank);
        return FERRY_OK;
    }
    ferry_shape shape = {0};
    for (int i = 0; i < in->rank; i++) {
        bool reduced = (mask & (1u << i)) != 0;
        if (!reduced || keep) shape.dims[shape.rank++] = reduced ? 1 : in->dims[i];
    }
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

/* The product of a known list: the number of elements that a model computes from Shape. */
static ferry_status product_values(ferry_inference *inference) {
    int64_t count, product = 1;
    const int64_t *values = ferry_rule_values(inference, 0, &count);
    if (!values || inference->output_count < 1 || !inference->outputs[0].ranked || ferry_rule_shape(inference, 0)->rank != 1)
        return FERRY_OK;
    const ferry_shape *out = &inference->outputs[0].shape;
    if (out->rank == 1 && out->dims[0] != 1) return FERRY_OK;
    for (int64_t i = 0; i < count; i++) product = ferry_dim_multiply(inference->symbols, product, values[i]);
    return ferry_rule_set_values(inference, 0, &product, 1);
}

ferry_status ferry_infer_reduce(ferry_inference *inference) { return infer_reduce(inference, FERRY_DTYPES_NUMBER); }
ferry_status ferry_infer_reduce_order(ferry_inference *inference) {
    return infer_reduce(inference, FERRY_DTYPES_NUMBER | FERRY_DTYPES_BOOL);
}
ferry_status ferry_infer_reduce_prod(ferry_inference *inference) {
    FERRY_TRY(infer_reduce(inference, FERRY_DTYPES_NUMBER));
    return product_values(inference);
}

/* ---- rows: in[0 .. count) joins acc, which stays in place (step 0) or moves along (step 1) ---- */

typedef struct reduction_row {
    int64_t count;
    const void *in;
    void *accumulator; /* double for floats, int64 or uint64 for integers */
    int64_t step;
    const double *shift; /* LogSumExp: the maximum of each output */
} reduction_row;
typedef void (*reduction_function)(const reduction_row *row);

/* x is the element (in the accumulator's type), a the accumulator. */
#define ROW(name, in_type, type, expression)                                                                                   \
    static void name(const reduction_row *row) {                                                                               \
        const in_type *in = row->in;                                                                                           \
        type *accumulator = row->accumulator;                                                                                  \
        const int64_t step = row->step;                                                                                        \
        if (step == 0) {                                                                                                       \
            type a = *accumulator;                                                                                             \
            for (int64_t i = 0; i < row->count; i++) {                                                                         \
                const type x = (type)in[i];                                                                                    \
                a = (expression);                                                                                              \
            }                                                                                                                  \
            *accumulator = a;                                                                                                  \
            return;                                                                                                            \
        }                                                                                                                      \
        for (int64_t i = 0; i < row->count; i++) {                                                                             \
            const type x = (type)in[i], a = accumulator[i];                                                                    \
            accumulator[i] = (expression);                                                                                     \
        }                                                                                                                      \
    }

#define ROWS(name, real, integer, natural)                                                                                     \
    ROW(name##_float, float, double, real)                                                                                     \
    ROW(name##_double, double, double, real)                                                                                   \
    ROW(name##_int64, int64_t, int64_t, integer)                                                                               \
    ROW(name##_uint64, uint64_t, uint64_t, natural)

#define WRAP(operator, left, right) (int64_t)((uint64_t)(left) operator(uint64_t)(right))
ROWS(add, a + x, WRAP(+, a, x), a + x)
ROWS(add_absolute, a + fabs(x), x < 0 ? WRAP(-, a, x) : WRAP(+, a, x), a + x)
ROWS(add_square, a + x * x, WRAP(+, a, WRAP(*, x, x)), a + x * x)
ROWS(multiply, a *x, WRAP(*, a, x), a *x)
ROWS(largest, x > a || x != x ? x : a, x > a ? x : a, x > a ? x : a)
ROWS(smallest, x < a || x != x ? x : a, x < a ? x : a, x < a ? x : a)

#define EXP_ROW(name, in_type)                                                                                                 \
    static void name(const reduction_row *row) {                                                                               \
        const in_type *in = row->in;                                                                                           \
        double *accumulator = row->accumulator;                                                                                \
        for (int64_t i = 0; i < row->count; i++) accumulator[i * row->step] += exp((double)in[i] - row->shift[i * row->step]); \
    }
EXP_ROW(add_exp_float, float)
EXP_ROW(add_exp_double, double)

typedef enum finish { FINISH_NONE, FINISH_MEAN, FINISH_ROOT, FINISH_LOG, FINISH_LOG_EXP } finish;

typedef struct reduction {
    reduction_function rows[4]; /* by ferry_compute */
    finish finish;
    int start; /* of the accumulator: 0, 1, or below / above everything */
} reduction;
enum { START_ZERO, START_ONE, START_LOWEST, START_HIGHEST };

#define OF(name)                                                                                                               \
    { name##_float, name##_double, name##_int64, name##_uint64 }
static const reduction reduce_sum = {OF(add), FINISH_NONE, START_ZERO}, reduce_mean = {OF(add), FINISH_MEAN, START_ZERO},
                       reduce_l1 = {OF(add_absolute), FINISH_NONE, START_ZERO},
                       reduce_l2 = {OF(add_square), FINISH_ROOT, START_ZERO},
                       reduce_square = {OF(add_square), FINISH_NONE, START_ZERO},
                       reduce_log = {OF(add), FINISH_LOG, START_ZERO}, reduce_prod = {OF(multiply), FINISH_NONE, START_ONE},
                       reduce_max = {OF(largest), FINISH_NONE, START_LOWEST},
                       reduce_min = {OF(smallest), FINISH_NONE, START_HIGHEST},
                       reduce_log_exp = {{add_exp_float, add_exp_double, NULL, NULL}, FINISH_LOG_EXP, START_ZERO};

/* ---- the walk ---- */

/* The input's dimensions, neighbours of the same kind merged, with the output stride of each (0 when reduced). */
typedef struct walk {
    int rank;
    int64_t dims[FERRY_MAX_RANK], out_strides[FERRY_MAX_RANK];
    int64_t outputs, reduced; /* elements of the output; elements that join into each */
} walk;

static void plan_walk(const ferry_shape *in, unsigned mask, walk *w) {
    int64_t stride = 1;
    *w = (walk){.outputs = 1, .reduced = 1};
    int64_t dims[FERRY_MAX_RANK], strides[FERRY_MAX_RANK];
    int count = 0;
    for (int i = in->rank - 1; i >= 0; i--) { /* innermost first */
        bool reduced = (mask & (1u << i)) != 0;
        *(reduced ? &w->reduced : &w->outputs) *= in->dims[i];
        bool merge = count > 0 && (strides[count - 1] == 0) == reduced;
        if (merge) {
            dims[count - 1] *= in->dims[i];
        } else {
            dims[count] = in->dims[i];
            strides[count++] = reduced ? 0 : stride;
        }
        if (!reduced) stride *= in->dims[i];
    }
    w->rank = count;
    for (int i = 0; i < count; i++) {
        w->dims[i] = dims[count - 1 - i];
        w->out_strides[i] = strides[count - 1 - i];
    }
}

static void run_walk(const walk *w, reduction_function row, const void *in, size_t in_size, void *accumulators,
                     const double *shifts) {
    if (w->outputs == 0 || w->reduced == 0) return;
    int inner = w->rank - 1;
    reduction_row run = {w->rank ? w->dims[inner] : 1, in, accumulators, w->rank ? w->out_strides[inner] : 0, shifts};
    int64_t at[FERRY_MAX_RANK] = {0}, place = 0;
    for (;;) {
        row(&run);
        run.in = (const char *)run.in + (size_t)run.count * in_size;
        int i = inner - 1;
        for (; i >= 0; i--) {
            bool carry = ++at[i] == w->dims[i];
            place += (carry ? 1 - w->dims[i] : 1) * w->out_strides[i];
            if (!carry) break;
            at[i] = 0;
        }
        if (i < 0) return;
        run.accumulator = (char *)accumulators + place * (int64_t)sizeof(double);
        run.shift = shifts ? shifts + place : NULL;
    }
}

/* ---- evaluation ---- */

static bool is_real(ferry_compute compute) { return compute == FERRY_COMPUTE_FLOAT || compute == FERRY_COMPUTE_DOUBLE; }

/* The least and greatest number of an integer type, as the accumulator holds it. */
static int64_t integer_extreme(ferry_dtype dtype, bool highest) {
    if (dtype == FERRY_BOOL) return highest;
    int bits = ferry_dtype_bits(dtype);
    if (!ferry_dtype_is_signed_integer(dtype)) return highest ? (bits == 64 ? -1 : (INT64_C(1) << bits) - 1) : 0;
    return highest ? INT64_MAX >> (64 - bits) : INT64_MIN >> (64 - bits);
}

static void start_accumulators(void *memory, int64_t count, ferry_compute compute, ferry_dtype dtype, int start) {
    for (int64_t i = 0; i < count; i++) {
        if (is_real(compute))
            ((double *)memory)[i] = start == START_ZERO     ? 0
                                    : start == START_ONE    ? 1
                                    : start == START_LOWEST ? -INFINITY
                                                            : INFINITY;
        else
            ((int64_t *)memory)[i] = start <= START_ONE ? start : integer_extreme(dtype, start == START_HIGHEST);
    }
}

static double finish_value(finish how, double value, double reduced, double shift) {
    switch (how) {
    case FINISH_MEAN: return value / reduced;
    case FINISH_ROOT: return sqrt(value);
    case FINISH_LOG: return log(value);
    case FINISH_LOG_EXP: return log(value) + shift;
    case FINISH_NONE: break;
    }
    return value;
}

static void store_results(const reduction *r, const walk *w, ferry_compute compute, const ferry_tensor *out, const void *memory,
                          const double *shifts) {
    for (int64_t i = 0; i < w->outputs; i++) {
        if (!is_real(compute) && r->finish == FINISH_NONE) {
            ferry_store_int64(out->dtype, out->data, i, ((const int64_t *)memory)[i]);
            continue;
        }
        double value = is_real(compute)                  ? ((const double *)memory)[i]
                       : compute == FERRY_COMPUTE_UINT64 ? (double)((const uint64_t *)memory)[i]
                                                         : (double)((const int64_t *)memory)[i];
        ferry_store_double(out->dtype, out->data, i,
                           finish_value(r->finish, value, (double)w->reduced, shifts ? shifts[i] : 0));
    }
}

/* The shift of LogSumExp: each output's maximum, or 0 where that is infinite, so that inf - inf does not arise. */
static double *find_shifts(ferry_evaluation *evaluation, const walk *w, ferry_compute compute, const void *view, size_t size) {
    double *shifts = ferry_evaluation_scratch(evaluation, (size_t)w->outputs, sizeof *shifts);
    if (!shifts) return NULL;
    start_accumulators(shifts, w->outputs, compute, FERRY_FLOAT64, START_LOWEST);
    run_walk(w, reduce_max.rows[compute], view, size, shifts, NULL);
    for (int64_t i = 0; i < w->outputs; i++)
        if (isinf(shifts[i])) shifts[i] = 0;
    return shifts;
}

static unsigned evaluated_mask(const ferry_evaluation *evaluation, int rank) {
    const ferry_tensor *axes = ferry_input(evaluation, 1);
    unsigned mask = 0;
    int64_t count = axes ? ferry_shape_count(&axes->shape) : 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t axis = ferry_load_int64(axes->dtype, axes->data, i);
        mask |= 1u << (axis < 0 ? axis + rank : axis);
    }
    bool none = ferry_attribute_integer(evaluation->attributes, "noop_with_empty_axes", 0) != 0;
    return count == 0 && !none ? (1u << rank) - 1 : mask;
}

static ferry_status reduce(ferry_evaluation *evaluation, const reduction *r) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    ferry_compute compute = ferry_compute_of(in->dtype);
    if (!is_real(compute) && !r->rows[compute]) compute = FERRY_COMPUTE_DOUBLE; /* LogSumExp of integers */
    walk w;
    plan_walk(&in->shape, evaluated_mask(evaluation, in->shape.rank), &w);
    size_t size = compute == FERRY_COMPUTE_FLOAT ? sizeof(float) : sizeof(double);
    const void *view = ferry_compute_view(evaluation, compute, in);
    void *accumulators = ferry_evaluation_scratch(evaluation, (size_t)w.outputs, sizeof(double));
    if ((!view && ferry_shape_count(&in->shape) > 0) || !accumulators) return FERRY_ERROR_OUT_OF_MEMORY;
    double *shifts = NULL;
    if (r->finish == FINISH_LOG_EXP && !(shifts = find_shifts(evaluation, &w, compute, view, size)))
        return FERRY_ERROR_OUT_OF_MEMORY;
    start_accumulators(accumulators, w.outputs, compute, in->dtype, r->start);
    run_walk(&w, r->rows[compute], view, size, accumulators, shifts);
    store_results(r, &w, compute, out, accumulators, shifts);
    return FERRY_OK;
}

ferry_status ferry_evaluate_ReduceL1(ferry_evaluation *evaluation) { return reduce(evaluation, &reduce_l1); }
ferry_status ferry_evaluate_ReduceL2(ferry_evaluation *evaluation) { return reduce(evaluation, &reduce_l2); }
ferry_status ferry_evaluate_ReduceLogSum(ferry_evaluation *evaluation) { return reduce(evaluation, &reduce_log); }
ferry_status ferry_evaluate_ReduceLogSumExp(ferry_evaluation *evaluation) { return reduce(evaluation, &reduce_log_exp); }
ferry_status ferry_evaluate_ReduceMax(ferry_evaluation *evaluation) { return reduce(evaluation, &reduce_max); }
ferry_status ferry_evaluate_ReduceMean(ferry_evaluation *evaluation) { return reduce(evaluation, &reduce_mean); }
ferry_status ferry_evaluate_ReduceMin(ferry_evaluation *evaluation) { return reduce(evaluation, &reduce_min); }
ferry_status ferry_evaluate_ReduceProd(ferry_evaluation *evaluation) { return reduce(evaluation, &reduce_prod); }
ferry_status ferry_evaluate_ReduceSum(ferry_evaluation *evaluation) { return reduce(evaluation, &reduce_sum); }
ferry_status ferry_evaluate_ReduceSumSquare(ferry_evaluation *evaluation) { return reduce(evaluation, &reduce_square); }
