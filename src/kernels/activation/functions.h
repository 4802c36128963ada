/* SPDX-License-Identifier: Apache-2.0 */
/* One inline function per line of unary.def on a vector: apply_<name>(x, alpha, beta). Where NaN may come it is the second
 * operand of vec_min and vec_max, so that it stays. Polynomials: weighted minimax fits (Lawson's iteration) in high precision,
 * rounded to float; the bounds stand in activation.h and are measured by tests/kernels/activation.c. */
#ifndef FERRY_KERNELS_ACTIVATION_FUNCTIONS_H
#define FERRY_KERNELS_ACTIVATION_FUNCTIONS_H

#include "kernels/vector/math.h"

FERRY_INLINE vec clamp_vector(vec x, vec low, vec high) { return vec_min(high, vec_max(low, x)); }

/* log(1 + f) for f in sqrt(1/2)-1 .. sqrt(2)-1. */
FERRY_INLINE vec log_of_mantissa(vec f, vec exponent) {
    vec p = vec_fmadd(vec_set1(-7.63212070e-2f), f, vec_set1(1.27564296e-1f));
    p = vec_fmadd(p, f, vec_set1(-1.31584868e-1f));
    p = vec_fmadd(p, f, vec_set1(1.42023981e-1f));
    p = vec_fmadd(p, f, vec_set1(-1.66236311e-1f));
    p = vec_fmadd(p, f, vec_set1(2.00012103e-1f));
    p = vec_fmadd(p, f, vec_set1(-2.50008106e-1f));
    p = vec_fmadd(p, f, vec_set1(3.33333313e-1f));
    vec square = vec_mul(f, f);
    vec tail = vec_mul(vec_mul(p, f), square);
    tail = vec_fmadd(exponent, vec_set1(-2.12194440e-4f), tail); /* ln 2 in two parts */
    tail = vec_fnmadd(square, vec_set1(0.5f), tail);
    return vec_fmadd(exponent, vec_set1(0.693359375f), vec_add(f, tail));
}

/* x finite and normal; splits x = (1 + f) 2^exponent with 1 + f in sqrt(1/2) .. sqrt(2). */
FERRY_INLINE vec log_of_normal(vec x, vec exponent_bias) {
    enum { SQRT_HALF = 0x3f3504f3 };
    vec_int bits = vec_int_add(vec_bits(x), vec_int_set1(0x3f800000 - SQRT_HALF));
    vec exponent = vec_from_int(vec_int_sub(vec_int_shift_right(bits, 23), vec_int_set1(127)));
    vec mantissa = vec_float(vec_int_add(vec_int_and(bits, vec_int_set1(0x007fffff)), vec_int_set1(SQRT_HALF)));
    return log_of_mantissa(vec_sub(mantissa, vec_set1(1.0f)), vec_add(exponent, exponent_bias));
}

FERRY_INLINE vec log_vector(vec x) {
    vec_mask denormal = vec_less(x, vec_set1(1.17549435e-38f));
    vec scaled = vec_select(denormal, vec_mul(x, vec_set1(8388608.0f)), x);
    vec result = log_of_normal(scaled, vec_select(denormal, vec_set1(-23.0f), vec_zero()));
    result = vec_select(vec_less(x, vec_set1(INFINITY)), result, x); /* infinity and NaN map to themselves */
    result = vec_select(vec_less(x, vec_zero()), vec_set1(NAN), result);
    return vec_select(vec_equal(x, vec_zero()), vec_set1(-INFINITY), result);
}

/* log(1 + u) for u in 0 .. 1: the rounding of 1 + u is put right to first order. */
FERRY_INLINE vec log1p_vector(vec u) {
    vec y = vec_add(vec_set1(1.0f), u);
    vec lost = vec_sub(u, vec_sub(y, vec_set1(1.0f)));
    return vec_add(log_of_normal(y, vec_zero()), vec_div(lost, y));
}

/* e^x - 1 for x <= 0 without cancellation near 0; -1 below -87. */
FERRY_INLINE vec negative_expm1_vector(vec x) {
    x = vec_max(vec_set1(-87.0f), x);
    vec n = vec_round(vec_mul(x, vec_set1(1.44269504f)));
    vec r = vec_fnmadd(n, vec_set1(0.693359375f), x);
    r = vec_fnmadd(n, vec_set1(-2.12194440e-4f), r);
    vec p = vec_fmadd(vec_set1(1.98503709e-4f), r, vec_set1(1.39405672e-3f));
    p = vec_fmadd(p, r, vec_set1(8.33338033e-3f));
    p = vec_fmadd(p, r, vec_set1(4.16663624e-2f));
    p = vec_fmadd(p, r, vec_set1(1.66666657e-1f));
    p = vec_fmadd(p, r, vec_set1(0.5f));
    p = vec_fmadd(p, vec_mul(r, r), r);
    vec power = vec_power_of_two_(n);
    return vec_fmadd(power, p, vec_sub(power, vec_set1(1.0f)));
}

FERRY_INLINE vec copy_sign(vec magnitude, vec sign) {
    return vec_float(vec_int_or(vec_bits(magnitude), vec_int_and(vec_bits(sign), vec_int_set1(INT32_MIN))));
}

#define FERRY_APPLY(name)                                                                                                      \
    FERRY_INLINE vec apply_##name(__attribute__((unused)) vec x, __attribute__((unused)) vec alpha,                            \
                                  __attribute__((unused)) vec beta)

FERRY_APPLY(relu) { return vec_max(vec_zero(), x); }
FERRY_APPLY(leaky_relu) { return vec_select(vec_less(x, vec_zero()), vec_mul(x, alpha), x); }
FERRY_APPLY(thresholded_relu) { return vec_select(vec_less_equal(x, alpha), vec_zero(), x); }
FERRY_APPLY(clip) { return clamp_vector(x, alpha, beta); }
FERRY_APPLY(sigmoid) { return vec_sigmoid(x); }
FERRY_APPLY(silu) {
    x = vec_max(vec_set1(-87.0f), x);
    return vec_div(x, vec_add(vec_set1(1.0f), vec_exp_clamped(vec_neg(vec_mul(x, alpha)))));
}
FERRY_APPLY(hard_sigmoid) { return clamp_vector(vec_fmadd(x, alpha, beta), vec_zero(), vec_set1(1.0f)); }
FERRY_APPLY(hard_swish) {
    vec finite = vec_max(vec_set1(-3.40282347e38f), x); /* -infinity * 0 would be NaN */
    return vec_mul(finite, clamp_vector(vec_fmadd(x, alpha, beta), vec_zero(), vec_set1(1.0f)));
}
FERRY_APPLY(tanh) { return copy_sign(vec_tanh(x), x); } /* -0 stays -0 */
FERRY_APPLY(gelu) { return vec_gelu(vec_max(vec_set1(-20.0f), x)); }
FERRY_APPLY(gelu_tanh) {
    x = vec_max(vec_set1(-20.0f), x);
    vec u = vec_fmadd(vec_mul(vec_mul(x, x), x), vec_set1(0.0713548163f), vec_mul(x, vec_set1(1.59576912f)));
    return vec_div(x, vec_add(vec_set1(1.0f), vec_exp_clamped(vec_neg(u))));
}
FERRY_APPLY(mish) { return vec_mish(vec_max(vec_set1(-87.0f), x)); }
FERRY_APPLY(elu) {
    return vec_select(vec_less(x, vec_zero()), vec_mul(alpha, negative_expm1_vector(vec_min(vec_zero(), x))), x);
}
FERRY_APPLY(selu) { return vec_mul(beta, apply_elu(x, alpha, beta)); }
FERRY_APPLY(celu) {
    vec negative = vec_mul(alpha, negative_expm1_vector(vec_min(vec_zero(), vec_div(x, alpha))));
    return vec_select(vec_less(x, vec_zero()), negative, x);
}
FERRY_APPLY(softplus) { return vec_add(vec_max(vec_zero(), x), log1p_vector(vec_exp(vec_neg(vec_abs(x))))); }
FERRY_APPLY(softsign) {
    vec finite = clamp_vector(x, vec_set1(-3.40282347e38f), vec_set1(3.40282347e38f));
    return vec_div(finite, vec_add(vec_set1(1.0f), vec_abs(finite)));
}
FERRY_APPLY(exp) { return vec_exp(x); }
FERRY_APPLY(log) { return log_vector(x); }
FERRY_APPLY(erf) { return copy_sign(vec_erf(x), x); }
FERRY_APPLY(sqrt) { return vec_sqrt(x); }
FERRY_APPLY(reciprocal) { return vec_div(vec_set1(1.0f), x); }
FERRY_APPLY(square) { return vec_mul(x, x); }
FERRY_APPLY(cube) { return vec_mul(vec_mul(x, x), x); }
FERRY_APPLY(neg) { return vec_neg(x); }
FERRY_APPLY(abs) { return vec_abs(x); }
FERRY_APPLY(sign) {
    vec positive = vec_select(vec_less(vec_zero(), x), vec_set1(1.0f), x);
    return vec_select(vec_less(x, vec_zero()), vec_set1(-1.0f), positive);
}
FERRY_APPLY(floor) { return vec_floor(x); }
FERRY_APPLY(ceil) { return copy_sign(vec_ceil(x), x); }
FERRY_APPLY(round) { return copy_sign(vec_round(x), x); }
FERRY_APPLY(affine) { return vec_fmadd(x, alpha, beta); }

#undef FERRY_APPLY

#endif
