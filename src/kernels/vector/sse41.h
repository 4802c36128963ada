/* SPDX-License-Identifier: Apache-2.0 */
/* vector.h on SSE4.1: 4 floats, no fused multiply-add. */
#ifndef FERRY_KERNELS_VECTOR_SSE41_H
#define FERRY_KERNELS_VECTOR_SSE41_H

#include <smmintrin.h>

#define FERRY_VEC 4
#define FERRY_FMA 0
#define FERRY_ISA(name) name##_sse41
#define FERRY_ISA_TEXT "sse41"
#define FERRY_ISA_NEED FERRY_NEED_SSE41

typedef __m128 vec;
typedef __m128i vec_int;
typedef __m128 vec_mask;

FERRY_INLINE vec vec_zero(void) { return _mm_setzero_ps(); }
FERRY_INLINE vec vec_set1(float x) { return _mm_set1_ps(x); }
FERRY_INLINE vec vec_load(const float *p) { return _mm_loadu_ps(p); }
FERRY_INLINE void vec_store(float *p, vec v) { _mm_storeu_ps(p, v); }
FERRY_INLINE vec vec_load_partial(const float *p, int n) {
    float lanes[4] = {0};
    memcpy(lanes, p, (size_t)n * sizeof *p);
    return _mm_loadu_ps(lanes);
}
FERRY_INLINE void vec_store_partial(float *p, vec v, int n) {
    float lanes[4];
    _mm_storeu_ps(lanes, v);
    memcpy(p, lanes, (size_t)n * sizeof *p);
}
FERRY_INLINE vec vec_add(vec a, vec b) { return _mm_add_ps(a, b); }
FERRY_INLINE vec vec_sub(vec a, vec b) { return _mm_sub_ps(a, b); }
FERRY_INLINE vec vec_mul(vec a, vec b) { return _mm_mul_ps(a, b); }
FERRY_INLINE vec vec_div(vec a, vec b) { return _mm_div_ps(a, b); }
FERRY_INLINE vec vec_sqrt(vec a) { return _mm_sqrt_ps(a); }
FERRY_INLINE vec vec_neg(vec a) { return _mm_xor_ps(a, _mm_set1_ps(-0.0f)); }
FERRY_INLINE vec vec_abs(vec a) { return _mm_andnot_ps(_mm_set1_ps(-0.0f), a); }
FERRY_INLINE vec vec_fmadd(vec a, vec b, vec c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
FERRY_INLINE void vec_accumulate(vec *sum, vec a, vec b) { *sum = vec_fmadd(a, b, *sum); }
FERRY_INLINE vec vec_fnmadd(vec a, vec b, vec c) { return _mm_sub_ps(c, _mm_mul_ps(a, b)); }
FERRY_INLINE vec vec_min(vec a, vec b) { return _mm_min_ps(a, b); }
FERRY_INLINE vec vec_max(vec a, vec b) { return _mm_max_ps(a, b); }
FERRY_INLINE vec vec_round(vec a) { return _mm_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
FERRY_INLINE vec vec_floor(vec a) { return _mm_floor_ps(a); }
FERRY_INLINE vec vec_ceil(vec a) { return _mm_ceil_ps(a); }
FERRY_INLINE vec vec_trunc(vec a) { return _mm_round_ps(a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
FERRY_INLINE vec_mask vec_less(vec a, vec b) { return _mm_cmplt_ps(a, b); }
FERRY_INLINE vec_mask vec_less_equal(vec a, vec b) { return _mm_cmple_ps(a, b); }
FERRY_INLINE vec_mask vec_equal(vec a, vec b) { return _mm_cmpeq_ps(a, b); }
FERRY_INLINE vec_mask vec_mask_and(vec_mask a, vec_mask b) { return _mm_and_ps(a, b); }
FERRY_INLINE vec_mask vec_mask_or(vec_mask a, vec_mask b) { return _mm_or_ps(a, b); }
FERRY_INLINE vec_mask vec_mask_not(vec_mask a) { return _mm_xor_ps(a, _mm_castsi128_ps(_mm_set1_epi32(-1))); }
FERRY_INLINE vec vec_select(vec_mask m, vec a, vec b) { return _mm_blendv_ps(b, a, m); }
FERRY_INLINE vec_int vec_to_int(vec a) { return _mm_cvtps_epi32(a); }
FERRY_INLINE vec_int vec_truncate(vec a) { return _mm_cvttps_epi32(a); }
FERRY_INLINE vec vec_from_int(vec_int a) { return _mm_cvtepi32_ps(a); }
FERRY_INLINE vec_int vec_bits(vec a) { return _mm_castps_si128(a); }
FERRY_INLINE vec vec_float(vec_int a) { return _mm_castsi128_ps(a); }
FERRY_INLINE vec_int vec_int_set1(int32_t x) { return _mm_set1_epi32(x); }
FERRY_INLINE vec_int vec_int_load(const int32_t *p) { return _mm_loadu_si128((const __m128i *)p); }
FERRY_INLINE void vec_int_store(int32_t *p, vec_int v) { _mm_storeu_si128((__m128i *)p, v); }
FERRY_INLINE vec_int vec_int_add(vec_int a, vec_int b) { return _mm_add_epi32(a, b); }
FERRY_INLINE vec_int vec_int_sub(vec_int a, vec_int b) { return _mm_sub_epi32(a, b); }
FERRY_INLINE vec_int vec_int_and(vec_int a, vec_int b) { return _mm_and_si128(a, b); }
FERRY_INLINE vec_int vec_int_or(vec_int a, vec_int b) { return _mm_or_si128(a, b); }
#define vec_int_shift_left(a, n) _mm_slli_epi32(a, n)
#define vec_int_shift_right(a, n) _mm_srli_epi32(a, n)
#define vec_int_shift_right_signed(a, n) _mm_srai_epi32(a, n)

FERRY_INLINE float vec_sum(vec a) {
    a = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(a, _mm_shuffle_ps(a, a, 1)));
}
FERRY_INLINE float vec_highest(vec a) {
    a = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_max_ss(a, _mm_shuffle_ps(a, a, 1)));
}
FERRY_INLINE float vec_lowest(vec a) {
    a = _mm_min_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_min_ss(a, _mm_shuffle_ps(a, a, 1)));
}

#endif
