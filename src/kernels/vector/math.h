/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions on vectors. The polynomials are weighted minimax fits in double precision (Lawson's iteration) rounded
 * to float; errors are in units of the last place, measured by tests/kernels/vector.c over the whole range, with or without
 * FMA. NaN in gives NaN out, infinities as libm has them, unless said otherwise. */
#ifndef FERRY_KERNELS_VECTOR_MATH_H
#define FERRY_KERNELS_VECTOR_MATH_H

#include "kernels/vector/vector.h"

/* The reduction of e^x after Cody and Waite, x = n*ln2 + r with |r| <= ln2/2. Adding 1.5*2^23 rounds x/ln2 to a whole number,
 * which then stands in the low bits of the sum: *whole holds it as an integer, plus a constant that the shift by 23 loses. */
FERRY_INLINE vec vec_exp_remainder_(vec x, vec *n, vec_int *whole) {
    const vec magic = vec_set1(12582912.0f);
    vec sum = vec_fmadd(x, vec_set1(1.44269504f), magic);
    *n = vec_sub(sum, magic);
    *whole = vec_bits(sum);
    return vec_fnmadd(*n, vec_set1(-2.12194440e-4f), vec_fnmadd(*n, vec_set1(0.693359375f), x));
}

/* e^r for |r| <= ln2/2. */
FERRY_INLINE vec vec_exp_polynomial_(vec r) {
    vec p = vec_fmadd(vec_set1(0.00139505381f), r, vec_set1(0.00836891774f));
    p = vec_fmadd(p, r, vec_set1(0.041666206f));
    p = vec_fmadd(p, r, vec_set1(0.166665182f));
    p = vec_fmadd(p, r, vec_set1(0.5f));
    p = vec_fmadd(p, r, vec_set1(1.0f));
    return vec_fmadd(p, r, vec_set1(1.0f));
}

/* 2^n for whole n in -126 .. 127. */
FERRY_INLINE vec vec_power_of_two_(vec n) {
    return vec_float(vec_int_shift_left(vec_int_add(vec_to_int(n), vec_int_set1(127)), 23));
}

/* e^x; at most 1.5 ulp, denormal results included; 0 below -104, infinity above 88.73. */
FERRY_INLINE vec vec_exp(vec x) {
    vec n, clamped = vec_min(vec_set1(89.0f), vec_max(vec_set1(-104.5f), x));
    vec_int whole;
    vec mantissa = vec_exp_polynomial_(vec_exp_remainder_(clamped, &n, &whole));
    vec half = vec_trunc(vec_mul(n, vec_set1(0.5f))); /* 2^n in two steps, since n reaches -151 and 128 */
    return vec_mul(vec_mul(mantissa, vec_power_of_two_(half)), vec_power_of_two_(vec_sub(n, half)));
}

/* e^x for x clamped to -87 .. 87, at most 1.5 ulp of that: never denormal, never infinite. The power of two is added straight
 * to the exponent's bits, which may turn a NaN into a number: for callers whose result depends on x by another way too. */
FERRY_INLINE vec vec_exp_no_nan_(vec x) {
    vec n, clamped = vec_min(vec_set1(87.0f), vec_max(vec_set1(-87.0f), x));
    vec_int whole;
    vec mantissa = vec_exp_polynomial_(vec_exp_remainder_(clamped, &n, &whole));
    return vec_float(vec_int_add(vec_bits(mantissa), vec_int_shift_left(whole, 23)));
}

/* The same, and NaN stays NaN. */
FERRY_INLINE vec vec_exp_clamped(vec x) {
    vec n, clamped = vec_min(vec_set1(87.0f), vec_max(vec_set1(-87.0f), x));
    vec_int whole;
    vec mantissa = vec_exp_polynomial_(vec_exp_remainder_(clamped, &n, &whole));
    return vec_mul(mantissa, vec_float(vec_int_shift_left(vec_int_add(whole, vec_int_set1(127)), 23)));
}

/* 1/(1+e^-x); at most 2.5 ulp for x >= -87; below that it stays at 1.6e-38. */
FERRY_INLINE vec vec_sigmoid(vec x) { return vec_div(vec_set1(1.0f), vec_add(vec_set1(1.0f), vec_exp_clamped(vec_neg(x)))); }

/* x/(1+e^-x); at most 2.5 ulp for x >= -87; -infinity gives -infinity * 1.6e-38. */
FERRY_INLINE vec vec_silu(vec x) { return vec_div(x, vec_add(vec_set1(1.0f), vec_exp_no_nan_(vec_neg(x)))); }

/* tanh(x); at most 2 ulp. A polynomial near 0, 1 - 2/(e^2|x| + 1) beyond 0.625. */
FERRY_INLINE vec vec_tanh(vec x) {
    vec a = vec_abs(x), z = vec_mul(x, x);
    vec p = vec_fmadd(vec_set1(-0.00571703678f), z, vec_set1(0.0206505787f));
    p = vec_fmadd(p, z, vec_set1(-0.0537434965f));
    p = vec_fmadd(p, z, vec_set1(0.133314908f));
    p = vec_fmadd(p, z, vec_set1(-0.333332837f));
    vec small = vec_fmadd(vec_mul(p, z), x, x);
    vec e = vec_exp_no_nan_(vec_add(a, a));
    vec large = vec_sub(vec_set1(1.0f), vec_div(vec_set1(2.0f), vec_add(e, vec_set1(1.0f))));
    large = vec_select(vec_less(x, vec_zero()), vec_neg(large), large);
    return vec_select(vec_less(vec_set1(0.625f), a), large, small);
}

/* erf(x); at most 2 ulp. x*P(x^2) near 0, 1 - e^(-|x| Q(|x|)) beyond 0.88, where Q fits -log(erfc(t))/t. */
FERRY_INLINE vec vec_erf(vec x) {
    vec a = vec_abs(x), z = vec_mul(x, x);
    vec p = vec_fmadd(vec_set1(-0.000611129159f), z, vec_set1(0.00501622818f));
    p = vec_fmadd(p, z, vec_set1(-0.0267819576f));
    p = vec_fmadd(p, z, vec_set1(0.112822302f));
    p = vec_fmadd(p, z, vec_set1(-0.376125336f));
    p = vec_fmadd(p, z, vec_set1(0.128379107f));
    vec small = vec_fmadd(p, x, x);
    vec t = vec_min(vec_set1(4.0f), a);
    vec q = vec_fmadd(vec_set1(9.95893333e-06f), t, vec_set1(-0.000310085859f));
    q = vec_fmadd(q, t, vec_set1(0.00359083456f));
    q = vec_fmadd(q, t, vec_set1(-0.0236531049f));
    q = vec_fmadd(q, t, vec_set1(0.106110707f));
    q = vec_fmadd(q, t, vec_set1(0.635227382f));
    q = vec_fmadd(q, t, vec_set1(1.1286298f));
    vec large = vec_sub(vec_set1(1.0f), vec_exp_no_nan_(vec_neg(vec_mul(q, t))));
    large = vec_select(vec_less(x, vec_zero()), vec_neg(large), large);
    return vec_select(vec_less(vec_set1(0.88f), a), large, small);
}

/* x/2 * (1 + erf(x/sqrt 2)); absolute error at most 2 ulp of x (the tail for x < -3 keeps that, not its own relative error). */
FERRY_INLINE vec vec_gelu(vec x) {
    vec half = vec_mul(x, vec_set1(0.5f));
    return vec_fmadd(half, vec_erf(vec_mul(x, vec_set1(0.70710678f))), half);
}

/* x * tanh(log(1 + e^x)) = x * m/(m + 2) with m = e^x (e^x + 2); at most 4 ulp for x >= -87. */
FERRY_INLINE vec vec_mish(vec x) {
    vec e = vec_exp_no_nan_(vec_min(vec_set1(30.0f), x));
    vec m = vec_mul(e, vec_add(e, vec_set1(2.0f)));
    return vec_mul(x, vec_div(m, vec_add(m, vec_set1(2.0f))));
}

#endif
