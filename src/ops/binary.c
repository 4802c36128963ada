/* SPDX-License-Identifier: Apache-2.0 */
/* Operators of two inputs that broadcast (arithmetic, comparison, logic, bits), and those of many (Sum, Mean, Max, Min). */
#include <math.h>
#include <string.h>
#include <tgmath.h>

#include "ops/elementwise.h"

/* ---- shape rules ---- */

static ferry_status output_broadcast(ferry_inference *inference, ferry_dtype dtype) {
    const ferry_shape *first = ferry_rule_shape(inference, 0);
    if (!first) {
        ferry_rule_output(inference, 0, dtype, NULL);
        return FERRY_OK;
    }
    ferry_shape shape = *first;
    for (int i = 1; i < inference->input_count; i++) {
        const ferry_shape *next = ferry_rule_shape(inference, i);
        if (!next) {
            ferry_rule_output(inference, 0, dtype, NULL);
            return FERRY_OK;
        }
        FERRY_TRY(ferry_rule_broadcast(inference, &shape, next, &shape));
    }
    ferry_rule_output(inference, 0, dtype, &shape);
    return ferry_values_elementwise(inference);
}

/* Inputs of one type from the set; the output has it too, or is bool. */
static ferry_status infer_broadcast(ferry_inference *inference, unsigned set, bool test) {
    ferry_dtype dtype;
    for (int i = 1; i < inference->input_count; i++)
        if (!inference->inputs[i])
            return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "%s: input %d is absent", inference->op->name, i);
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, inference->input_count - 1, set, &dtype));
    return output_broadcast(inference, test ? FERRY_BOOL : dtype);
}

ferry_status ferry_infer_arithmetic(ferry_inference *inference) {
    return infer_broadcast(inference, FERRY_DTYPES_NUMBER, false);
}
ferry_status ferry_infer_comparison(ferry_inference *inference) {
    return infer_broadcast(inference, FERRY_DTYPES_NUMBER, true);
}
ferry_status ferry_infer_logic(ferry_inference *inference) { return infer_broadcast(inference, FERRY_DTYPES_BOOL, true); }
ferry_status ferry_infer_bitwise(ferry_inference *inference) { return infer_broadcast(inference, FERRY_DTYPES_INTEGER, false); }
ferry_status ferry_infer_equal(ferry_inference *inference) {
    return infer_broadcast(inference, FERRY_DTYPES_NUMBER | FERRY_DTYPES_BOOL | FERRY_DTYPE_BIT(FERRY_STRING), true);
}

ferry_status ferry_infer_pow(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_NUMBER));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_NUMBER));
    return output_broadcast(inference, ferry_rule_dtype(inference, 0));
}

ferry_status ferry_infer_mod(ferry_inference *inference) {
    FERRY_TRY(infer_broadcast(inference, FERRY_DTYPES_NUMBER, false));
    int64_t mode = ferry_attribute_integer(inference->attributes, "fmod", 0);
    if (mode == 0 || mode == 1) return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "Mod: fmod must be 0 or 1, it is %lld", (long long)mode);
}

ferry_status ferry_infer_bit_shift(ferry_inference *inference) {
    const ferry_attributes *attributes = inference->attributes;
    if (!ferry_attribute_is(attributes, "direction", "LEFT", false) &&
        !ferry_attribute_is(attributes, "direction", "RIGHT", false))
        return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "BitShift: direction must be LEFT or RIGHT");
    return ferry_infer_bitwise(inference);
}

/* The slope broadcasts to x, never the other way round. */
ferry_status ferry_infer_prelu(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 1, FERRY_DTYPES_NUMBER, &dtype));
    const ferry_shape *x = ferry_rule_shape(inference, 0), *slope = ferry_rule_shape(inference, 1);
    ferry_shape both;
    if (x && slope) {
        FERRY_TRY(ferry_rule_broadcast(inference, x, slope, &both));
        bool fits = both.rank == x->rank;
        for (int i = 0; fits && i < x->rank; i++)
            fits = !ferry_dim_known(x->dims[i]) || !ferry_dim_known(both.dims[i]) || x->dims[i] == both.dims[i];
        if (!fits)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "PRelu: the slope does not broadcast to the input's shape");
    }
    ferry_rule_output(inference, 0, dtype, x);
    return FERRY_OK;
}

ferry_status ferry_infer_swiglu(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 1, FERRY_DTYPES_FLOAT, &dtype));
    const ferry_shape *a = ferry_rule_shape(inference, 0), *b = ferry_rule_shape(inference, 1);
    if (!a || !b) {
        ferry_rule_output(inference, 0, dtype, a ? a : b);
        return FERRY_OK;
    }
    if (a->rank != b->rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "SwiGLU: inputs must have one shape, ranks are %d and %d",
                          (int)a->rank, (int)b->rank);
    ferry_shape shape = *a;
    for (int i = 0; i < a->rank; i++)
        FERRY_TRY(ferry_rule_same_dim(inference, a->dims[i], b->dims[i], "the inputs' dimensions", &shape.dims[i]));
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

/* ---- rows ---- */

/* In the expressions: a and b are the elements, p the parameters, T the type. */
#define ROW(name, type, out_type, expression)                                                                                  \
    static void name(const ferry_row *row) {                                                                                   \
        typedef type T;                                                                                                        \
        const T *first = row->in[0], *second = row->in[1];                                                                     \
        out_type *out = row->out;                                                                                              \
        const void *p = row->parameters;                                                                                       \
        const int64_t step_a = row->step[0], step_b = row->step[1];                                                            \
        (void)p;                                                                                                               \
        if (step_a == 1 && step_b == 1) {                                                                                      \
            for (int64_t i = 0; i < row->count; i++) {                                                                         \
                const T a = first[i], b = second[i];                                                                           \
                (void)b;                                                                                                       \
                out[i] = (out_type)(expression);                                                                               \
            }                                                                                                                  \
            return;                                                                                                            \
        }                                                                                                                      \
        for (int64_t i = 0; i < row->count; i++) {                                                                             \
            const T a = first[i * step_a], b = second[i * step_b];                                                             \
            (void)b;                                                                                                           \
            out[i] = (out_type)(expression);                                                                                   \
        }                                                                                                                      \
    }

#define ROWS(name, real, integer, natural)                                                                                     \
    ROW(name##_float, float, float, real)                                                                                      \
    ROW(name##_double, double, double, real)                                                                                   \
    ROW(name##_int64, int64_t, int64_t, integer)                                                                               \
    ROW(name##_uint64, uint64_t, uint64_t, natural)                                                                            \
    static const ferry_rows name##_rows = {name##_float, name##_double, name##_int64, name##_uint64};

#define BINARY(name, real, integer, natural)                                                                                   \
    ROWS(name, real, integer, natural)                                                                                         \
    ferry_status ferry_evaluate_##name(ferry_evaluation *evaluation) {                                                         \
        return ferry_elementwise(evaluation, 2, &name##_rows, false, NULL);                                                    \
    }

#define TEST_ROWS(name, expression)                                                                                            \
    ROW(name##_float, float, uint8_t, expression)                                                                              \
    ROW(name##_double, double, uint8_t, expression)                                                                            \
    ROW(name##_int64, int64_t, uint8_t, expression)                                                                            \
    ROW(name##_uint64, uint64_t, uint8_t, expression)                                                                          \
    static const ferry_rows name##_rows = {name##_float, name##_double, name##_int64, name##_uint64};

#define TEST(name, expression)                                                                                                 \
    TEST_ROWS(name, expression)                                                                                                \
    ferry_status ferry_evaluate_##name(ferry_evaluation *evaluation) {                                                         \
        return ferry_elementwise(evaluation, 2, &name##_rows, true, NULL);                                                     \
    }

#define INTEGER(name, expression)                                                                                              \
    ROW(name##_int64, int64_t, int64_t, expression)                                                                            \
    ferry_status ferry_evaluate_##name(ferry_evaluation *evaluation) {                                                         \
        static const ferry_rows rows = {NULL, NULL, name##_int64, NULL};                                                       \
        return ferry_elementwise(evaluation, 2, &rows, false, NULL);                                                           \
    }

/* Integer division truncates; by zero gives 0, where C (and ONNX) leave it open; INT64_MIN / -1 wraps. */
static inline int64_t divide(int64_t a, int64_t b) { return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b; }

#define WRAP(operator) (int64_t)((uint64_t)a operator(uint64_t) b)
BINARY(Add, a + b, WRAP(+), a + b)
BINARY(Sub, a - b, WRAP(-), a - b)
BINARY(Mul, a *b, WRAP(*), a *b)
BINARY(Div, a / b, divide(a, b), b == 0 ? 0 : a / b)
TEST(Greater, a > b)
TEST(GreaterOrEqual, a >= b)
TEST(Less, a < b)
TEST(LessOrEqual, a <= b)
TEST(And, a &&b)
TEST(Or, a || b)
TEST(Xor, (a != 0) != (b != 0))
INTEGER(BitwiseAnd, a &b)
INTEGER(BitwiseOr, a | b)
INTEGER(BitwiseXor, a ^ b)
BINARY(PRelu, a < 0 ? a * b : a, a < 0 ? WRAP(*) : a, a)

/* ---- Equal ---- */

TEST_ROWS(equal, a == b)

static void equal_strings(const ferry_row *row) {
    const ferry_string *a = row->in[0], *b = row->in[1];
    uint8_t *out = row->out;
    for (int64_t i = 0; i < row->count; i++, a += row->step[0], b += row->step[1])
        out[i] = a->length == b->length && (a->length == 0 || memcmp(a->text, b->text, a->length) == 0);
}

ferry_status ferry_evaluate_Equal(ferry_evaluation *evaluation) {
    const ferry_tensor *a = ferry_input(evaluation, 0), *b = ferry_input(evaluation, 1);
    if (a->dtype != FERRY_STRING) return ferry_elementwise(evaluation, 2, &equal_rows, true, NULL);
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *out = ferry_output(evaluation, 0);
    const ferry_operand operands[] = {{a->data, &a->shape, sizeof(ferry_string)}, {b->data, &b->shape, sizeof(ferry_string)}};
    if (out) ferry_broadcast_rows(&out->shape, 2, operands, out->data, 1, equal_strings, NULL);
    return FERRY_OK;
}

/* ---- Pow: the exponent has a type of its own ---- */

/* Wraps like repeated multiplication; a negative exponent leaves 0 except for bases 1 and -1. */
static uint64_t integer_power(int64_t base, int64_t exponent) {
    if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent & 1 ? UINT64_MAX : 1) : 0;
    uint64_t result = 1, square = (uint64_t)base;
    for (; exponent; exponent >>= 1, square *= square)
        if (exponent & 1) result *= square;
    return result;
}

ROWS(power, pow(a, b), (int64_t)integer_power(a, b), integer_power((int64_t)a, (int64_t)b))

ferry_status ferry_evaluate_Pow(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    ferry_compute base = ferry_compute_of(ferry_input(evaluation, 0)->dtype),
                  exponent = ferry_compute_of(ferry_input(evaluation, 1)->dtype);
    bool integers = base == FERRY_COMPUTE_INT64 || base == FERRY_COMPUTE_UINT64;
    bool same = base == exponent || (integers && exponent != FERRY_COMPUTE_FLOAT && exponent != FERRY_COMPUTE_DOUBLE);
    return ferry_elementwise_as(evaluation, same ? base : FERRY_COMPUTE_DOUBLE, 2, &power_rows, false, NULL);
}

/* ---- Mod ---- */

static double floor_mod(double a, double b) {
    double rest = fmod(a, b);
    if (rest == 0) return copysign(0.0, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
}

static int64_t floor_mod_integer(int64_t a, int64_t b) {
    if (b == 0 || b == -1) return 0;
    int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

ROWS(floor_modulo, floor_mod(a, b), floor_mod_integer(a, b), b == 0 ? 0 : a % b)
ROWS(truncate_modulo, fmod(a, b), b == 0 || b == -1 ? 0 : a % b, b == 0 ? 0 : a % b)

ferry_status ferry_evaluate_Mod(ferry_evaluation *evaluation) {
    bool truncate = ferry_attribute_integer(evaluation->attributes, "fmod", 0) == 1;
    return ferry_elementwise(evaluation, 2, truncate ? &truncate_modulo_rows : &floor_modulo_rows, false, NULL);
}

/* ---- BitShift ---- */

static int64_t shift_left(int64_t a, int64_t b, int64_t bits) { return b < 0 || b >= bits ? 0 : (int64_t)((uint64_t)a << b); }
static int64_t shift_right(int64_t a, int64_t b, int64_t bits) { return b < 0 || b >= bits ? (a < 0 ? -1 : 0) : a >> b; }

ROW(left_int64, int64_t, int64_t, shift_left(a, b, *(const int64_t *)p))
ROW(left_uint64, uint64_t, uint64_t, b >= 64 ? 0 : a << b)
ROW(right_int64, int64_t, int64_t, shift_right(a, b, *(const int64_t *)p))
ROW(right_uint64, uint64_t, uint64_t, b >= 64 ? 0 : a >> b)

ferry_status ferry_evaluate_BitShift(ferry_evaluation *evaluation) {
    static const ferry_rows left = {NULL, NULL, left_int64, left_uint64}, right = {NULL, NULL, right_int64, right_uint64};
    int64_t bits = ferry_dtype_bits(ferry_input(evaluation, 0)->dtype);
    bool to_left = ferry_attribute_is(evaluation->attributes, "direction", "LEFT", false);
    return ferry_elementwise(evaluation, 2, to_left ? &left : &right, false, &bits);
}

/* ---- SwiGLU ---- */

#define SIGMOID(v) ((v) < 0 ? exp(v) / (1 + exp(v)) : 1 / (1 + exp(-(v))))
ROW(swiglu_float, float, float, a *SIGMOID(*(const float *)p *a) * b)
ROW(swiglu_double, double, double, a *SIGMOID((double)*(const float *)p *a) * b)

ferry_status ferry_evaluate_SwiGLU(ferry_evaluation *evaluation) {
    static const ferry_rows rows = {swiglu_float, swiglu_double, NULL, NULL};
    float alpha = ferry_attribute_real(evaluation->attributes, "alpha", 1.0f);
    return ferry_elementwise(evaluation, 2, &rows, false, &alpha);
}

/* ---- many inputs: the output is the accumulator ---- */

ROWS(first, a, a, a)
ROWS(sum, a + b, WRAP(+), a + b)
ROWS(largest, a != a || a > b ? a : b, a > b ? a : b, a > b ? a : b)
ROWS(smallest, a != a || a < b ? a : b, a < b ? a : b, a < b ? a : b)

static ferry_status accumulate(ferry_evaluation *evaluation, const ferry_rows *rows, bool mean) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    ferry_compute compute = ferry_compute_of(out->dtype);
    size_t size = compute == FERRY_COMPUTE_FLOAT ? sizeof(float) : sizeof(int64_t);
    /* Not in the output itself: it may share memory with an input that is still to be read. */
    int64_t count = ferry_shape_count(&out->shape);
    void *total = ferry_evaluation_scratch(evaluation, (size_t)count, size);
    if (!total) return FERRY_ERROR_OUT_OF_MEMORY;
    for (int i = 0; i < evaluation->input_count; i++) {
        const ferry_tensor *in = ferry_input(evaluation, i);
        const void *view = ferry_compute_view(evaluation, compute, in);
        if (!view && ferry_shape_count(&in->shape) > 0) return FERRY_ERROR_OUT_OF_MEMORY;
        ferry_operand added = {view, &in->shape, size};
        const ferry_operand operands[] = {i == 0 ? added : (ferry_operand){total, &out->shape, size}, added};
        ferry_broadcast_rows(&out->shape, 2, operands, total, size, ferry_rows_for(i == 0 ? &first_rows : rows, compute), NULL);
    }
    for (int64_t i = 0; mean && i < count; i++) {
        if (compute == FERRY_COMPUTE_FLOAT) ((float *)total)[i] /= (float)evaluation->input_count;
        if (compute == FERRY_COMPUTE_DOUBLE) ((double *)total)[i] /= (double)evaluation->input_count;
    }
    ferry_compute_store(compute, out, total);
    return FERRY_OK;
}

ferry_status ferry_infer_mean(ferry_inference *inference) { return infer_broadcast(inference, FERRY_DTYPES_FLOAT, false); }
ferry_status ferry_evaluate_Sum(ferry_evaluation *evaluation) { return accumulate(evaluation, &sum_rows, false); }
ferry_status ferry_evaluate_Mean(ferry_evaluation *evaluation) { return accumulate(evaluation, &sum_rows, true); }
ferry_status ferry_evaluate_Max(ferry_evaluation *evaluation) { return accumulate(evaluation, &largest_rows, false); }
ferry_status ferry_evaluate_Min(ferry_evaluation *evaluation) { return accumulate(evaluation, &smallest_rows, false); }
