/* SPDX-License-Identifier: Apache-2.0 */
/* vector.h in plain C: 4 floats that any compiler may map to what the machine has. No fused multiply-add. */
#ifndef FERRY_KERNELS_VECTOR_PORTABLE_H
#define FERRY_KERNELS_VECTOR_PORTABLE_H

#define FERRY_VEC 4
#define FERRY_FMA 0
#define FERRY_ISA(name) name##_portable
#define FERRY_ISA_TEXT "portable"
#define FERRY_ISA_NEED 0u

typedef struct vec {
    float lane[FERRY_VEC];
} vec;
typedef struct vec_int {
    int32_t lane[FERRY_VEC];
} vec_int;
typedef vec_int vec_mask; /* 0 or -1 */

#define FERRY_EACH_(type, expression)                                                                                          \
    type result;                                                                                                               \
    for (int i = 0; i < FERRY_VEC; i++) result.lane[i] = (expression);                                                         \
    return result

FERRY_INLINE vec vec_set1(float x) { FERRY_EACH_(vec, x); }
FERRY_INLINE vec vec_zero(void) { return vec_set1(0.0f); }
FERRY_INLINE vec vec_load(const float *p) { FERRY_EACH_(vec, p[i]); }
FERRY_INLINE void vec_store(float *p, vec v) { memcpy(p, v.lane, sizeof v.lane); }
FERRY_INLINE vec vec_load_partial(const float *p, int n) { FERRY_EACH_(vec, i < n ? p[i] : 0.0f); }
FERRY_INLINE void vec_store_partial(float *p, vec v, int n) { memcpy(p, v.lane, (size_t)n * sizeof *p); }
FERRY_INLINE vec vec_add(vec a, vec b) { FERRY_EACH_(vec, a.lane[i] + b.lane[i]); }
FERRY_INLINE vec vec_sub(vec a, vec b) { FERRY_EACH_(vec, a.lane[i] - b.lane[i]); }
FERRY_INLINE vec vec_mul(vec a, vec b) { FERRY_EACH_(vec, a.lane[i] * b.lane[i]); }
FERRY_INLINE vec vec_div(vec a, vec b) { FERRY_EACH_(vec, a.lane[i] / b.lane[i]); }
FERRY_INLINE vec vec_sqrt(vec a) { FERRY_EACH_(vec, sqrtf(a.lane[i])); }
FERRY_INLINE vec vec_neg(vec a) { FERRY_EACH_(vec, -a.lane[i]); }
FERRY_INLINE vec vec_abs(vec a) { FERRY_EACH_(vec, fabsf(a.lane[i])); }
FERRY_INLINE vec vec_fmadd(vec a, vec b, vec c) { FERRY_EACH_(vec, a.lane[i] * b.lane[i] + c.lane[i]); }
FERRY_INLINE void vec_accumulate(vec *sum, vec a, vec b) { *sum = vec_fmadd(a, b, *sum); }
FERRY_INLINE vec vec_fnmadd(vec a, vec b, vec c) { FERRY_EACH_(vec, c.lane[i] - a.lane[i] * b.lane[i]); }
FERRY_INLINE vec vec_min(vec a, vec b) { FERRY_EACH_(vec, a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]); }
FERRY_INLINE vec vec_max(vec a, vec b) { FERRY_EACH_(vec, a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]); }
FERRY_INLINE vec vec_round(vec a) { FERRY_EACH_(vec, rintf(a.lane[i])); }
FERRY_INLINE vec vec_floor(vec a) { FERRY_EACH_(vec, floorf(a.lane[i])); }
FERRY_INLINE vec vec_ceil(vec a) { FERRY_EACH_(vec, ceilf(a.lane[i])); }
FERRY_INLINE vec vec_trunc(vec a) { FERRY_EACH_(vec, truncf(a.lane[i])); }
FERRY_INLINE vec_mask vec_less(vec a, vec b) { FERRY_EACH_(vec_mask, -(a.lane[i] < b.lane[i])); }
FERRY_INLINE vec_mask vec_less_equal(vec a, vec b) { FERRY_EACH_(vec_mask, -(a.lane[i] <= b.lane[i])); }
FERRY_INLINE vec_mask vec_equal(vec a, vec b) { FERRY_EACH_(vec_mask, -(a.lane[i] == b.lane[i])); }
FERRY_INLINE vec_mask vec_mask_and(vec_mask a, vec_mask b) { FERRY_EACH_(vec_mask, a.lane[i] & b.lane[i]); }
FERRY_INLINE vec_mask vec_mask_or(vec_mask a, vec_mask b) { FERRY_EACH_(vec_mask, a.lane[i] | b.lane[i]); }
FERRY_INLINE vec_mask vec_mask_not(vec_mask a) { FERRY_EACH_(vec_mask, ~a.lane[i]); }
FERRY_INLINE vec vec_select(vec_mask m, vec a, vec b) { FERRY_EACH_(vec, m.lane[i] ? a.lane[i] : b.lane[i]); }
/* As x86 does: INT32_MIN for what does not fit, NaN included. */
FERRY_INLINE int32_t vec_convert_(float x) { return x >= -2147483648.0f && x < 2147483648.0f ? (int32_t)x : INT32_MIN; }
FERRY_INLINE vec_int vec_to_int(vec a) { FERRY_EACH_(vec_int, vec_convert_(rintf(a.lane[i]))); }
FERRY_INLINE vec_int vec_truncate(vec a) { FERRY_EACH_(vec_int, vec_convert_(a.lane[i])); }
FERRY_INLINE vec vec_from_int(vec_int a) { FERRY_EACH_(vec, (float)a.lane[i]); }
FERRY_INLINE vec_int vec_bits(vec a) {
    vec_int result;
    memcpy(&result, &a, sizeof result);
    return result;
}
FERRY_INLINE vec vec_float(vec_int a) {
    vec result;
    memcpy(&result, &a, sizeof result);
    return result;
}
FERRY_INLINE vec_int vec_int_set1(int32_t x) { FERRY_EACH_(vec_int, x); }
FERRY_INLINE vec_int vec_int_load(const int32_t *p) { FERRY_EACH_(vec_int, p[i]); }
FERRY_INLINE void vec_int_store(int32_t *p, vec_int v) { memcpy(p, v.lane, sizeof v.lane); }
/* Wrapping, as vector units do. */
FERRY_INLINE vec_int vec_int_add(vec_int a, vec_int b) {
    FERRY_EACH_(vec_int, (int32_t)((uint32_t)a.lane[i] + (uint32_t)b.lane[i]));
}
FERRY_INLINE vec_int vec_int_sub(vec_int a, vec_int b) {
    FERRY_EACH_(vec_int, (int32_t)((uint32_t)a.lane[i] - (uint32_t)b.lane[i]));
}
FERRY_INLINE vec_int vec_int_and(vec_int a, vec_int b) { FERRY_EACH_(vec_int, a.lane[i] & b.lane[i]); }
FERRY_INLINE vec_int vec_int_or(vec_int a, vec_int b) { FERRY_EACH_(vec_int, a.lane[i] | b.lane[i]); }
FERRY_INLINE vec_int vec_int_shift_left(vec_int a, int n) { FERRY_EACH_(vec_int, (int32_t)((uint32_t)a.lane[i] << n)); }
FERRY_INLINE vec_int vec_int_shift_right(vec_int a, int n) { FERRY_EACH_(vec_int, (int32_t)((uint32_t)a.lane[i] >> n)); }
FERRY_INLINE vec_int vec_int_shift_right_signed(vec_int a, int n) { FERRY_EACH_(vec_int, a.lane[i] >> n); }
FERRY_INLINE float vec_sum(vec a) { return (a.lane[0] + a.lane[2]) + (a.lane[1] + a.lane[3]); }
FERRY_INLINE float vec_highest(vec a) {
    float result = a.lane[0];
    for (int i = 1; i < FERRY_VEC; i++) result = a.lane[i] > result ? a.lane[i] : result;
    return result;
}
FERRY_INLINE float vec_lowest(vec a) {
    float result = a.lane[0];
    for (int i = 1; i < FERRY_VEC; i++) result = a.lane[i] < result ? a.lane[i] : result;
    return result;
}

#endif
