/* SPDX-License-Identifier: Apache-2.0 */
/* vector.h on AVX2 + FMA: 8 floats. */
#ifndef FERRY_KERNELS_VECTOR_AVX2_H
#define FERRY_KERNELS_VECTOR_AVX2_H

#include <immintrin.h>

#define FERRY_VEC 8
#define FERRY_FMA 1
#define FERRY_ISA(name) name##_avx2
#define FERRY_ISA_TEXT "avx2"
#define FERRY_ISA_NEED FERRY_NEED_AVX2

typedef __m256 vec;
typedef __m256i vec_int;
typedef __m256 vec_mask;

FERRY_INLINE vec vec_zero(void) { return _mm256_setzero_ps(); }
FERRY_INLINE vec vec_set1(float x) { return _mm256_set1_ps(x); }
FERRY_INLINE vec vec_load(const float *p) { return _mm256_loadu_ps(p); }
FERRY_INLINE void vec_store(float *p, vec v) { _mm256_storeu_ps(p, v); }
FERRY_INLINE __m256i vec_tail_(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
FERRY_INLINE vec vec_load_partial(const float *p, int n) { return _mm256_maskload_ps(p, vec_tail_(n)); }
FERRY_INLINE void vec_store_partial(float *p, vec v, int n) { _mm256_maskstore_ps(p, vec_tail_(n), v); }
FERRY_INLINE vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
FERRY_INLINE vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
FERRY_INLINE vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
FERRY_INLINE vec vec_div(vec a, vec b) { return _mm256_div_ps(a, b); }
FERRY_INLINE vec vec_sqrt(vec a) { return _mm256_sqrt_ps(a); }
FERRY_INLINE vec vec_neg(vec a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)); }
FERRY_INLINE vec vec_abs(vec a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
FERRY_INLINE vec vec_fmadd(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
/* *sum += a*b in place. GCC would let the result wander into a multiplicand's register and spill accumulators for it. */
FERRY_INLINE void vec_accumulate(vec *sum, vec a, vec b) { __asm__("vfmadd231ps %2, %1, %0" : "+x"(*sum) : "x"(a), "x"(b)); }
FERRY_INLINE vec vec_fnmadd(vec a, vec b, vec c) { return _mm256_fnmadd_ps(a, b, c); }
FERRY_INLINE vec vec_min(vec a, vec b) { return _mm256_min_ps(a, b); }
FERRY_INLINE vec vec_max(vec a, vec b) { return _mm256_max_ps(a, b); }
FERRY_INLINE vec vec_round(vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
FERRY_INLINE vec vec_floor(vec a) { return _mm256_floor_ps(a); }
FERRY_INLINE vec vec_ceil(vec a) { return _mm256_ceil_ps(a); }
FERRY_INLINE vec vec_trunc(vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
FERRY_INLINE vec_mask vec_less(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
FERRY_INLINE vec_mask vec_less_equal(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
FERRY_INLINE vec_mask vec_equal(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
FERRY_INLINE vec_mask vec_mask_and(vec_mask a, vec_mask b) { return _mm256_and_ps(a, b); }
FERRY_INLINE vec_mask vec_mask_or(vec_mask a, vec_mask b) { return _mm256_or_ps(a, b); }
FERRY_INLINE vec_mask vec_mask_not(vec_mask a) { return _mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1))); }
FERRY_INLINE vec vec_select(vec_mask m, vec a, vec b) { return _mm256_blendv_ps(b, a, m); }
FERRY_INLINE vec_int vec_to_int(vec a) { return _mm256_cvtps_epi32(a); }
FERRY_INLINE vec_int vec_truncate(vec a) { return _mm256_cvttps_epi32(a); }
FERRY_INLINE vec vec_from_int(vec_int a) { return _mm256_cvtepi32_ps(a); }
FERRY_INLINE vec_int vec_bits(vec a) { return _mm256_castps_si256(a); }
FERRY_INLINE vec vec_float(vec_int a) { return _mm256_castsi256_ps(a); }
FERRY_INLINE vec_int vec_int_set1(int32_t x) { return _mm256_set1_epi32(x); }
FERRY_INLINE vec_int vec_int_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
FERRY_INLINE void vec_int_store(int32_t *p, vec_int v) { _mm256_storeu_si256((__m256i *)p, v); }
FERRY_INLINE vec_int vec_int_add(vec_int a, vec_int b) { return _mm256_add_epi32(a, b); }
FERRY_INLINE vec_int vec_int_sub(vec_int a, vec_int b) { return _mm256_sub_epi32(a, b); }
FERRY_INLINE vec_int vec_int_and(vec_int a, vec_int b) { return _mm256_and_si256(a, b); }
FERRY_INLINE vec_int vec_int_or(vec_int a, vec_int b) { return _mm256_or_si256(a, b); }
#define vec_int_shift_left(a, n) _mm256_slli_epi32(a, n)
#define vec_int_shift_right(a, n) _mm256_srli_epi32(a, n)
#define vec_int_shift_right_signed(a, n) _mm256_srai_epi32(a, n)

FERRY_INLINE float vec_sum(vec a) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
FERRY_INLINE float vec_highest(vec a) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}
FERRY_INLINE float vec_lowest(vec a) {
    __m128 half = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_min_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_min_ss(half, _mm_movehdup_ps(half)));
}

#endif
