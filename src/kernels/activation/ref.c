/* SPDX-License-Identifier: Apache-2.0 */
/* The unary functions by their definitions, through the C library in double precision. */
#include <math.h>

#include "kernels/activation/activation.h"

const ferry_unary_info ferry_unary_infos[FERRY_UNARY_COUNT] = {
#define FERRY_UNARY(name, alpha, beta, zero) {#name, alpha, beta, zero},
#include "kernels/activation/unary.def"
#undef FERRY_UNARY
};

static double clamp(double x, double low, double high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}
static double negative_expm1(double x, double alpha) { return x < 0 ? alpha * expm1(x) : x; }
/* x * gate, and its limit 0 where x is -infinity. */
static double gated(double x, double gate) { return x == -INFINITY ? 0.0 : x * gate; }
static double logistic(double x) { return 1.0 / (1.0 + exp(-x)); }
static double log_1_plus_exp(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))) + (isnan(x) ? NAN : 0.0); }

/* FERRY_UNARY's expressions: x, a (alpha), b (beta) are doubles. */
#define EVALUATE(name, expression)                                                                                             \
    static void name##_reference(float *out, const float *in, int64_t count, float alpha, float beta) {                        \
        const double a = (double)alpha, b = (double)beta;                                                                      \
        (void)a, (void)b;                                                                                                      \
        for (int64_t i = 0; i < count; i++) {                                                                                  \
            const double x = (double)in[i];                                                                                    \
            out[i] = (float)(expression);                                                                                      \
        }                                                                                                                      \
    }

EVALUATE(relu, x < 0 ? 0.0 : x)
EVALUATE(leaky_relu, x < 0 ? a * x : x)
EVALUATE(thresholded_relu, x > a ? x : x != x ? x : 0.0)
EVALUATE(clip, clamp(x, a, b))
EVALUATE(sigmoid, logistic(x))
EVALUATE(silu, gated(x, logistic(a *x)))
EVALUATE(hard_sigmoid, clamp(a *x + b, 0.0, 1.0))
EVALUATE(hard_swish, gated(x, clamp(a *x + b, 0.0, 1.0)))
EVALUATE(tanh, tanh(x))
EVALUATE(gelu, gated(x, 0.5 * erfc(-x * 0.70710678118654752)))
EVALUATE(gelu_tanh, gated(x, logistic(1.5957691216057308 * (x + 0.044715 * x * x * x))))
EVALUATE(mish, gated(x, tanh(log_1_plus_exp(x))))
EVALUATE(elu, negative_expm1(x, a))
EVALUATE(selu, b *negative_expm1(x, a))
EVALUATE(celu, x < 0 ? a * expm1(x / a) : x)
EVALUATE(softplus, log_1_plus_exp(x))
EVALUATE(softsign, isinf(x) ? copysign(1.0, x) : x / (1.0 + fabs(x)))
EVALUATE(exp, exp(x))
EVALUATE(log, log(x))
EVALUATE(erf, erf(x))
EVALUATE(sqrt, sqrt(x))
EVALUATE(reciprocal, 1.0 / x)
EVALUATE(square, x *x)
EVALUATE(cube, x *x *x)
EVALUATE(neg, -x)
EVALUATE(abs, fabs(x))
EVALUATE(sign, x > 0 ? 1.0 : x < 0 ? -1.0 : x)
EVALUATE(floor, floor(x))
EVALUATE(ceil, ceil(x))
EVALUATE(round, rint(x))
EVALUATE(affine, a *x + b)

void ferry_unary_init(ferry_unary_table *table, uint32_t features) {
    (void)features;
#define FERRY_UNARY(name, alpha, beta, zero) table->run[FERRY_UNARY_##name] = name##_reference;
#include "kernels/activation/unary.def"
#undef FERRY_UNARY
#define FERRY_KERNEL_SET(set, need)                                                                                            \
    if ((features & (need)) == (need)) ferry_unary_init_##set(table);
#include "kernels/sets.def"
}
