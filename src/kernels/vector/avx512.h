/* SPDX-License-Identifier: Apache-2.0 */
/* vector.h on AVX-512 (F, BW, DQ, VL): 16 floats. The kernel tests also compile it through SIMDe (FERRY_EMULATE_AVX512). */
#ifndef FERRY_KERNELS_VECTOR_AVX512_H
#define FERRY_KERNELS_VECTOR_AVX512_H

#if defined(FERRY_EMULATE_AVX512)
#include "kernels/vector/emulate_avx512.h"
#else
#include <immintrin.h>
#endif

#define FERRY_VEC 16
#define FERRY_FMA 1
#define FERRY_ISA(name) name##_avx512
#define FERRY_ISA_TEXT "avx512"
#define FERRY_ISA_NEED FERRY_NEED_AVX512

typedef __m512 vec;
typedef __m512i vec_int;
typedef __mmask16 vec_mask;

FERRY_INLINE vec vec_zero(void) { return _mm512_setzero_ps(); }
FERRY_INLINE vec vec_set1(float x) { return _mm512_set1_ps(x); }
FERRY_INLINE vec vec_load(const float *p) { return _mm512_loadu_ps(p); }
FERRY_INLINE void vec_store(float *p, vec v) { _mm512_storeu_ps(p, v); }
FERRY_INLINE __mmask16 vec_tail_(int n) { return (__mmask16)((1u << n) - 1u); }
FERRY_INLINE vec vec_load_partial(const float *p, int n) { return _mm512_maskz_loadu_ps(vec_tail_(n), p); }
FERRY_INLINE void vec_store_partial(float *p, vec v, int n) { _mm512_mask_storeu_ps(p, vec_tail_(n), v); }
FERRY_INLINE vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
FERRY_INLINE vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
FERRY_INLINE vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
FERRY_INLINE vec vec_div(vec a, vec b) { return _mm512_div_ps(a, b); }
FERRY_INLINE vec vec_sqrt(vec a) { return _mm512_sqrt_ps(a); }
FERRY_INLINE vec vec_neg(vec a) {
    return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(a), _mm512_set1_epi32(INT32_MIN)));
}
FERRY_INLINE vec vec_abs(vec a) { return _mm512_abs_ps(a); }
FERRY_INLINE vec vec_fmadd(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
#if defined(FERRY_EMULATE_AVX512)
FERRY_INLINE void vec_accumulate(vec *sum, vec a, vec b) { *sum = vec_fmadd(a, b, *sum); }
#else
/* *sum += a*b in place. GCC would let the result wander into a multiplicand's register and spill accumulators for it. */
FERRY_INLINE void vec_accumulate(vec *sum, vec a, vec b) { __asm__("vfmadd231ps %2, %1, %0" : "+v"(*sum) : "v"(a), "v"(b)); }
#endif
FERRY_INLINE vec vec_fnmadd(vec a, vec b, vec c) { return _mm512_fnmadd_ps(a, b, c); }
FERRY_INLINE vec vec_min(vec a, vec b) { return _mm512_min_ps(a, b); }
FERRY_INLINE vec vec_max(vec a, vec b) { return _mm512_max_ps(a, b); }
FERRY_INLINE vec vec_round(vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
FERRY_INLINE vec vec_floor(vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
FERRY_INLINE vec vec_ceil(vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }
FERRY_INLINE vec vec_trunc(vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
FERRY_INLINE vec_mask vec_less(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
FERRY_INLINE vec_mask vec_less_equal(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
FERRY_INLINE vec_mask vec_equal(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
FERRY_INLINE vec_mask vec_mask_and(vec_mask a, vec_mask b) { return (vec_mask)(a & b); }
FERRY_INLINE vec_mask vec_mask_or(vec_mask a, vec_mask b) { return (vec_mask)(a | b); }
FERRY_INLINE vec_mask vec_mask_not(vec_mask a) { return (vec_mask)~a; }
FERRY_INLINE vec vec_select(vec_mask m, vec a, vec b) { return _mm512_mask_blend_ps(m, b, a); }
FERRY_INLINE vec_int vec_to_int(vec a) { return _mm512_cvtps_epi32(a); }
FERRY_INLINE vec_int vec_truncate(vec a) { return _mm512_cvttps_epi32(a); }
FERRY_INLINE vec vec_from_int(vec_int a) { return _mm512_cvtepi32_ps(a); }
FERRY_INLINE vec_int vec_bits(vec a) { return _mm512_castps_si512(a); }
FERRY_INLINE vec vec_float(vec_int a) { return _mm512_castsi512_ps(a); }
FERRY_INLINE vec_int vec_int_set1(int32_t x) { return _mm512_set1_epi32(x); }
FERRY_INLINE vec_int vec_int_load(const int32_t *p) { return _mm512_loadu_si512(p); }
FERRY_INLINE void vec_int_store(int32_t *p, vec_int v) { _mm512_storeu_si512(p, v); }
FERRY_INLINE vec_int vec_int_add(vec_int a, vec_int b) { return _mm512_add_epi32(a, b); }
FERRY_INLINE vec_int vec_int_sub(vec_int a, vec_int b) { return _mm512_sub_epi32(a, b); }
FERRY_INLINE vec_int vec_int_and(vec_int a, vec_int b) { return _mm512_and_si512(a, b); }
FERRY_INLINE vec_int vec_int_or(vec_int a, vec_int b) { return _mm512_or_si512(a, b); }
#define vec_int_shift_left(a, n) _mm512_slli_epi32(a, n)
#define vec_int_shift_right(a, n) _mm512_srli_epi32(a, n)
#define vec_int_shift_right_signed(a, n) _mm512_srai_epi32(a, n)
FERRY_INLINE float vec_sum(vec a) { return _mm512_reduce_add_ps(a); }
FERRY_INLINE float vec_highest(vec a) { return _mm512_reduce_max_ps(a); }
FERRY_INLINE float vec_lowest(vec a) { return _mm512_reduce_min_ps(a); }

#endif
