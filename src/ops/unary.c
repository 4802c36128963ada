/* SPDX-License-Identifier: Apache-2.0 */
/* Unary maths and activations. Each operator is one expression of x; <tgmath.h> makes it float or double. */
#include <math.h>
#include <tgmath.h>

#include "ops/elementwise.h"

/* ---- shape rules ---- */

static ferry_status infer_unary(ferry_inference *inference, unsigned set) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, set));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), ferry_rule_shape(inference, 0));
    return ferry_values_elementwise(inference);
}

ferry_status ferry_infer_unary_float(ferry_inference *inference) { return infer_unary(inference, FERRY_DTYPES_FLOAT); }
ferry_status ferry_infer_unary_number(ferry_inference *inference) { return infer_unary(inference, FERRY_DTYPES_NUMBER); }
ferry_status ferry_infer_unary_integer(ferry_inference *inference) { return infer_unary(inference, FERRY_DTYPES_INTEGER); }
ferry_status ferry_infer_not(ferry_inference *inference) { return infer_unary(inference, FERRY_DTYPES_BOOL); }

/* IsNaN, IsInf */
ferry_status ferry_infer_float_test(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT | FERRY_DTYPES_FLOAT8 | FERRY_DTYPE_BIT(FERRY_FLOAT4E2M1)));
    ferry_rule_output(inference, 0, FERRY_BOOL, ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

/* ---- rows ---- */

typedef struct parameters {
    float alpha, beta;
} parameters;

/* In the expressions: x is the element, alpha and beta the parameters, T the type. */
#define ROW(name, type, out_type, expression)                                                                                  \
    static void name(const ferry_row *row) {                                                                                   \
        typedef type T;                                                                                                        \
        const T *in = row->in[0];                                                                                              \
        out_type *out = row->out;                                                                                              \
        const parameters *p = row->parameters;                                                                                 \
        const T alpha = (T)(p ? p->alpha : 0), beta = (T)(p ? p->beta : 0);                                                    \
        (void)alpha, (void)beta;                                                                                               \
        for (int64_t i = 0; i < row->count; i++) {                                                                             \
            const T x = in[i * row->step[0]];                                                                                  \
            out[i] = (out_type)(expression);                                                                                   \
        }                                                                                                                      \
    }

#define FLOAT_ROWS(name, expression)                                                                                           \
    ROW(name##_float, float, float, expression)                                                                                \
    ROW(name##_double, double, double, expression)

/* A float operator with up to two float attributes. */
#define UNARY_WITH(name, first, first_default, second, second_default, expression)                                             \
    FLOAT_ROWS(name, expression)                                                                                               \
    ferry_status ferry_evaluate_##name(ferry_evaluation *evaluation) {                                                         \
        static const ferry_rows rows = {name##_float, name##_double, NULL, NULL};                                              \
        parameters p = {ferry_attribute_real(evaluation->attributes, first, first_default),                                    \
                        ferry_attribute_real(evaluation->attributes, second, second_default)};                                 \
        return ferry_elementwise(evaluation, 1, &rows, false, &p);                                                             \
    }
#define UNARY(name, expression) UNARY_WITH(name, "", 0, "", 0, expression)

/* An operator for integers too. */
#define UNARY_NUMBER(name, expression, integer_expression, natural_expression)                                                 \
    FLOAT_ROWS(name, expression)                                                                                               \
    ROW(name##_int64, int64_t, int64_t, integer_expression)                                                                    \
    ROW(name##_uint64, uint64_t, uint64_t, natural_expression)                                                                 \
    ferry_status ferry_evaluate_##name(ferry_evaluation *evaluation) {                                                         \
        static const ferry_rows rows = {name##_float, name##_double, name##_int64, name##_uint64};                             \
        return ferry_elementwise(evaluation, 1, &rows, false, NULL);                                                           \
    }

#define SIGMOID(v) ((v) < 0 ? exp(v) / (1 + exp(v)) : 1 / (1 + exp(-(v))))
#define SOFTPLUS(v) (((v) > 0 ? (v) : (T)0) + log1p(exp(-fabs(v))))
#define CLAMP01(v) ((v) < 0 ? (T)0 : (v) > 1 ? (T)1 : (v))

UNARY_NUMBER(Abs, fabs(x), x < 0 ? (int64_t)(0 - (uint64_t)x) : x, x)
UNARY_NUMBER(Neg, -x, (int64_t)(0 - (uint64_t)x), 0 - x)
UNARY_NUMBER(Sign, x != x ? x : (T)((x > 0) - (x < 0)), (x > 0) - (x < 0), x > 0)
UNARY_NUMBER(Relu, x < 0 ? (T)0 : x, x < 0 ? 0 : x, x)

UNARY(Acos, acos(x))
UNARY(Acosh, acosh(x))
UNARY(Asin, asin(x))
UNARY(Asinh, asinh(x))
UNARY(Atan, atan(x))
UNARY(Atanh, atanh(x))
UNARY(Ceil, ceil(x))
UNARY(Cos, cos(x))
UNARY(Cosh, cosh(x))
UNARY(Erf, erf(x))
UNARY(Exp, exp(x))
UNARY(Floor, floor(x))
UNARY(Log, log(x))
UNARY(Reciprocal, 1 / x)
UNARY(Round, nearbyint(x))
UNARY(Sigmoid, SIGMOID(x))
UNARY(Sin, sin(x))
UNARY(Sinh, sinh(x))
UNARY(Softplus, SOFTPLUS(x))
UNARY(Softsign, x / (1 + fabs(x)))
UNARY(Sqrt, sqrt(x))
UNARY(Tan, tan(x))
UNARY(Tanh, tanh(x))
UNARY(HardSwish, x *CLAMP01(x / 6 + (T)0.5))
UNARY(Mish, x *tanh(SOFTPLUS(x)))
UNARY_WITH(Celu, "alpha", 1.0f, "", 0, x > 0 ? x : alpha * expm1(x / alpha))
UNARY_WITH(Elu, "alpha", 1.0f, "", 0, x > 0 ? x : alpha * expm1(x))
UNARY_WITH(HardSigmoid, "alpha", 0.2f, "beta", 0.5f, CLAMP01(alpha *x + beta))
UNARY_WITH(LeakyRelu, "alpha", 0.01f, "", 0, x < 0 ? alpha * x : x)
UNARY_WITH(Selu, "alpha", 1.67326319217681884765625f, "gamma", 1.05070102214813232421875f, beta *(x > 0 ? x : alpha * expm1(x)))
UNARY_WITH(Swish, "alpha", 1.0f, "", 0, x *SIGMOID(alpha *x))
UNARY_WITH(ThresholdedRelu, "alpha", 1.0f, "", 0, x > alpha ? x : (T)0)

FLOAT_ROWS(gelu_erf, (T)0.5 * x * (1 + erf(x * (T)0.70710678118654752440)))
FLOAT_ROWS(gelu_tanh, (T)0.5 * x * (1 + tanh((T)0.79788456080286535588 * (x + (T)0.044715 * x * x * x))))

ferry_status ferry_evaluate_Gelu(ferry_evaluation *evaluation) {
    static const ferry_rows exact = {gelu_erf_float, gelu_erf_double, NULL, NULL};
    static const ferry_rows approximate = {gelu_tanh_float, gelu_tanh_double, NULL, NULL};
    bool by_tanh = ferry_attribute_is(evaluation->attributes, "approximate", "tanh", false);
    return ferry_elementwise(evaluation, 1, by_tanh ? &approximate : &exact, false, NULL);
}

/* alpha is lambd, beta is bias. Integers compare and shift in double, as NumPy's promotion does. */
#define SHRINK(v) ((v) < -alpha ? (v) + beta : (v) > alpha ? (v)-beta : (T)0)
FLOAT_ROWS(shrink, SHRINK(x))
#define SHRINK_INTEGER                                                                                                         \
    ((double)x < -(double)p->alpha  ? (double)x + (double)p->beta                                                              \
     : (double)x > (double)p->alpha ? (double)x - (double)p->beta                                                              \
                                    : 0)
ROW(shrink_int64, int64_t, int64_t, SHRINK_INTEGER)

ferry_status ferry_evaluate_Shrink(ferry_evaluation *evaluation) {
    static const ferry_rows rows = {shrink_float, shrink_double, shrink_int64, NULL};
    parameters p = {ferry_attribute_real(evaluation->attributes, "lambd", 0.5f),
                    ferry_attribute_real(evaluation->attributes, "bias", 0.0f)};
    if (!(fabsf(p.alpha) < 1e9f && fabsf(p.beta) < 1e9f) && !ferry_dtype_is_float(ferry_input(evaluation, 0)->dtype))
        return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT,
                          "Shrink: lambd %g or bias %g is out of range for integers", (double)p.alpha, (double)p.beta);
    return ferry_elementwise(evaluation, 1, &rows, false, &p);
}

ROW(bitwise_not, int64_t, int64_t, ~x)
ferry_status ferry_evaluate_BitwiseNot(ferry_evaluation *evaluation) {
    static const ferry_rows rows = {NULL, NULL, bitwise_not, NULL};
    return ferry_elementwise(evaluation, 1, &rows, false, NULL);
}

/* ---- tests: the output is bool ---- */

ROW(logical_not, int64_t, uint8_t, x == 0)
ferry_status ferry_evaluate_Not(ferry_evaluation *evaluation) {
    static const ferry_rows rows = {NULL, NULL, logical_not, NULL};
    return ferry_elementwise(evaluation, 1, &rows, true, NULL);
}

ROW(is_nan_float, float, uint8_t, isnan(x))
ROW(is_nan_double, double, uint8_t, isnan(x))
ferry_status ferry_evaluate_IsNaN(ferry_evaluation *evaluation) {
    static const ferry_rows rows = {is_nan_float, is_nan_double, NULL, NULL};
    return ferry_elementwise(evaluation, 1, &rows, true, NULL);
}

/* alpha: positive infinity counts; beta: negative infinity counts */
ROW(is_inf_float, float, uint8_t, isinf(x) && (x > 0 ? alpha : beta) != 0)
ROW(is_inf_double, double, uint8_t, isinf(x) && (x > 0 ? alpha : beta) != 0)
ferry_status ferry_evaluate_IsInf(ferry_evaluation *evaluation) {
    static const ferry_rows rows = {is_inf_float, is_inf_double, NULL, NULL};
    parameters p = {ferry_attribute_integer(evaluation->attributes, "detect_positive", 1) != 0,
                    ferry_attribute_integer(evaluation->attributes, "detect_negative", 1) != 0};
    return ferry_elementwise(evaluation, 1, &rows, true, &p);
}
