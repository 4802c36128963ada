/* SPDX-License-Identifier: Apache-2.0 */
/* vector.h without intrinsics: 4 floats that the compiler maps to what the machine has. No fused multiply-add. */
#ifndef FERRY_KERNELS_VECTOR_PORTABLE_H
#define FERRY_KERNELS_VECTOR_PORTABLE_H

#define FERRY_VEC 4
#define FERRY_FMA 0
#define FERRY_ISA(name) name##_portable
#define FERRY_ISA_TEXT "portable"
#define FERRY_ISA_NEED 0u

/* GCC's and Clang's vector extension: arithmetic and comparisons a lane at a time, comparisons giving 0 or -1. */
typedef float vec __attribute__((vector_size(FERRY_VEC * 4)));
typedef int32_t vec_int __attribute__((vector_size(FERRY_VEC * 4)));
typedef uint32_t vec_unsigned_ __attribute__((vector_size(FERRY_VEC * 4)));
typedef vec_int vec_mask;

#define FERRY_EACH_(type, expression)                                                                                          \
    type result;                                                                                                               \
    for (int i = 0; i < FERRY_VEC; i++) result[i] = (expression);                                                              \
    return result

FERRY_INLINE vec vec_set1(float x) { return (vec){x, x, x, x}; }
FERRY_INLINE vec vec_zero(void) { return (vec){0}; }
FERRY_INLINE vec vec_load(const float *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}
FERRY_INLINE void vec_store(float *p, vec v) { memcpy(p, &v, sizeof v); }
FERRY_INLINE vec vec_load_partial(const float *p, int n) {
    float lanes[FERRY_VEC] = {0};
    memcpy(lanes, p, (size_t)n * sizeof *p);
    return vec_load(lanes);
}
FERRY_INLINE void vec_store_partial(float *p, vec v, int n) { memcpy(p, &v, (size_t)n * sizeof *p); }
FERRY_INLINE vec vec_add(vec a, vec b) { return a + b; }
FERRY_INLINE vec vec_sub(vec a, vec b) { return a - b; }
FERRY_INLINE vec vec_mul(vec a, vec b) { return a * b; }
FERRY_INLINE vec vec_div(vec a, vec b) { return a / b; }
FERRY_INLINE vec vec_sqrt(vec a) { FERRY_EACH_(vec, sqrtf(a[i])); }
FERRY_INLINE vec vec_neg(vec a) { return -a; }
FERRY_INLINE vec vec_abs(vec a) { return (vec)((vec_int)a & INT32_MAX); }
FERRY_INLINE vec vec_fmadd(vec a, vec b, vec c) { return a * b + c; }
FERRY_INLINE void vec_accumulate(vec *sum, vec a, vec b) { *sum += a * b; }
FERRY_INLINE vec vec_fnmadd(vec a, vec b, vec c) { return c - a * b; }
FERRY_INLINE vec_mask vec_less(vec a, vec b) { return a < b; }
FERRY_INLINE vec_mask vec_less_equal(vec a, vec b) { return a <= b; }
FERRY_INLINE vec_mask vec_equal(vec a, vec b) { return a == b; }
FERRY_INLINE vec_mask vec_mask_and(vec_mask a, vec_mask b) { return a & b; }
FERRY_INLINE vec_mask vec_mask_or(vec_mask a, vec_mask b) { return a | b; }
FERRY_INLINE vec_mask vec_mask_not(vec_mask a) { return ~a; }
FERRY_INLINE vec vec_select(vec_mask m, vec a, vec b) { return (vec)(((vec_int)a & m) | ((vec_int)b & ~m)); }
FERRY_INLINE vec vec_min(vec a, vec b) { return vec_select(a < b, a, b); }
FERRY_INLINE vec vec_max(vec a, vec b) { return vec_select(a > b, a, b); }
FERRY_INLINE vec vec_round(vec a) { FERRY_EACH_(vec, rintf(a[i])); }
FERRY_INLINE vec vec_floor(vec a) { FERRY_EACH_(vec, floorf(a[i])); }
FERRY_INLINE vec vec_ceil(vec a) { FERRY_EACH_(vec, ceilf(a[i])); }
FERRY_INLINE vec vec_trunc(vec a) { FERRY_EACH_(vec, truncf(a[i])); }
/* As x86 does: INT32_MIN for what does not fit, NaN included. */
FERRY_INLINE int32_t vec_convert_(float x) { return x >= -2147483648.0f && x < 2147483648.0f ? (int32_t)x : INT32_MIN; }
FERRY_INLINE vec_int vec_to_int(vec a) { FERRY_EACH_(vec_int, vec_convert_(rintf(a[i]))); }
FERRY_INLINE vec_int vec_truncate(vec a) { FERRY_EACH_(vec_int, vec_convert_(a[i])); }
FERRY_INLINE vec vec_from_int(vec_int a) { FERRY_EACH_(vec, (float)a[i]); }
FERRY_INLINE vec_int vec_bits(vec a) { return (vec_int)a; }
FERRY_INLINE vec vec_float(vec_int a) { return (vec)a; }
FERRY_INLINE vec_int vec_int_set1(int32_t x) { return (vec_int){x, x, x, x}; }
FERRY_INLINE vec_int vec_int_load(const int32_t *p) {
    vec_int v;
    memcpy(&v, p, sizeof v);
    return v;
}
FERRY_INLINE void vec_int_store(int32_t *p, vec_int v) { memcpy(p, &v, sizeof v); }
/* Wrapping, as vector units do. */
FERRY_INLINE vec_int vec_int_add(vec_int a, vec_int b) { return (vec_int)((vec_unsigned_)a + (vec_unsigned_)b); }
FERRY_INLINE vec_int vec_int_sub(vec_int a, vec_int b) { return (vec_int)((vec_unsigned_)a - (vec_unsigned_)b); }
FERRY_INLINE vec_int vec_int_and(vec_int a, vec_int b) { return a & b; }
FERRY_INLINE vec_int vec_int_or(vec_int a, vec_int b) { return a | b; }
FERRY_INLINE vec_int vec_int_shift_left(vec_int a, int n) { return (vec_int)((vec_unsigned_)a << n); }
FERRY_INLINE vec_int vec_int_shift_right(vec_int a, int n) { return (vec_int)((vec_unsigned_)a >> n); }
FERRY_INLINE vec_int vec_int_shift_right_signed(vec_int a, int n) { return a >> n; }
FERRY_INLINE float vec_sum(vec a) { return (a[0] + a[2]) + (a[1] + a[3]); }
FERRY_INLINE float vec_highest(vec a) {
    float result = a[0];
    for (int i = 1; i < FERRY_VEC; i++) result = a[i] > result ? a[i] : result;
    return result;
}
FERRY_INLINE float vec_lowest(vec a) {
    float result = a[0];
    for (int i = 1; i < FERRY_VEC; i++) result = a[i] < result ? a[i] : result;
    return result;
}

#endif
