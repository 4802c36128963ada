/* SPDX-License-Identifier: Apache-2.0 */
/* vector.h on NEON: 4 floats; AArch64, and ARMv7 with VFPv4 (which lacks division, rounding and sums across lanes). */
#ifndef FERRY_KERNELS_VECTOR_NEON_H
#define FERRY_KERNELS_VECTOR_NEON_H

#include <arm_neon.h>

#define FERRY_VEC 4
#define FERRY_FMA 1
#define FERRY_ISA(name) name##_neon
#define FERRY_ISA_TEXT "neon"
#define FERRY_ISA_NEED FERRY_NEED_NEON

typedef float32x4_t vec;
typedef int32x4_t vec_int;
typedef uint32x4_t vec_mask;

FERRY_INLINE vec vec_zero(void) { return vdupq_n_f32(0.0f); }
FERRY_INLINE vec vec_set1(float x) { return vdupq_n_f32(x); }
FERRY_INLINE vec vec_load(const float *p) { return vld1q_f32(p); }
FERRY_INLINE void vec_store(float *p, vec v) { vst1q_f32(p, v); }
FERRY_INLINE vec vec_load_partial(const float *p, int n) {
    float lanes[4] = {0};
    memcpy(lanes, p, (size_t)n * sizeof *p);
    return vld1q_f32(lanes);
}
FERRY_INLINE void vec_store_partial(float *p, vec v, int n) {
    float lanes[4];
    vst1q_f32(lanes, v);
    memcpy(p, lanes, (size_t)n * sizeof *p);
}
FERRY_INLINE vec vec_add(vec a, vec b) { return vaddq_f32(a, b); }
FERRY_INLINE vec vec_sub(vec a, vec b) { return vsubq_f32(a, b); }
FERRY_INLINE vec vec_mul(vec a, vec b) { return vmulq_f32(a, b); }
FERRY_INLINE vec vec_neg(vec a) { return vnegq_f32(a); }
FERRY_INLINE vec vec_abs(vec a) { return vabsq_f32(a); }
FERRY_INLINE vec vec_fmadd(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
FERRY_INLINE void vec_accumulate(vec *sum, vec a, vec b) { *sum = vec_fmadd(a, b, *sum); }
FERRY_INLINE vec vec_fnmadd(vec a, vec b, vec c) { return vfmsq_f32(c, a, b); }
FERRY_INLINE vec vec_min(vec a, vec b) { return vminq_f32(a, b); }
FERRY_INLINE vec vec_max(vec a, vec b) { return vmaxq_f32(a, b); }
FERRY_INLINE vec_mask vec_less(vec a, vec b) { return vcltq_f32(a, b); }
FERRY_INLINE vec_mask vec_less_equal(vec a, vec b) { return vcleq_f32(a, b); }
FERRY_INLINE vec_mask vec_equal(vec a, vec b) { return vceqq_f32(a, b); }
FERRY_INLINE vec_mask vec_mask_and(vec_mask a, vec_mask b) { return vandq_u32(a, b); }
FERRY_INLINE vec_mask vec_mask_or(vec_mask a, vec_mask b) { return vorrq_u32(a, b); }
FERRY_INLINE vec_mask vec_mask_not(vec_mask a) { return vmvnq_u32(a); }
FERRY_INLINE vec vec_select(vec_mask m, vec a, vec b) { return vbslq_f32(m, a, b); }
FERRY_INLINE vec_int vec_truncate(vec a) { return vcvtq_s32_f32(a); }
FERRY_INLINE vec vec_from_int(vec_int a) { return vcvtq_f32_s32(a); }
FERRY_INLINE vec_int vec_bits(vec a) { return vreinterpretq_s32_f32(a); }
FERRY_INLINE vec vec_float(vec_int a) { return vreinterpretq_f32_s32(a); }
FERRY_INLINE vec_int vec_int_set1(int32_t x) { return vdupq_n_s32(x); }
FERRY_INLINE vec_int vec_int_load(const int32_t *p) { return vld1q_s32(p); }
FERRY_INLINE void vec_int_store(int32_t *p, vec_int v) { vst1q_s32(p, v); }
FERRY_INLINE vec_int vec_int_add(vec_int a, vec_int b) { return vaddq_s32(a, b); }
FERRY_INLINE vec_int vec_int_sub(vec_int a, vec_int b) { return vsubq_s32(a, b); }
FERRY_INLINE vec_int vec_int_and(vec_int a, vec_int b) { return vandq_s32(a, b); }
FERRY_INLINE vec_int vec_int_or(vec_int a, vec_int b) { return vorrq_s32(a, b); }
#define vec_int_shift_left(a, n) vshlq_n_s32(a, n)
#define vec_int_shift_right(a, n) vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a), n))
#define vec_int_shift_right_signed(a, n) vshrq_n_s32(a, n)

#if defined(__aarch64__)
FERRY_INLINE vec vec_div(vec a, vec b) { return vdivq_f32(a, b); }
FERRY_INLINE vec vec_sqrt(vec a) { return vsqrtq_f32(a); }
FERRY_INLINE vec vec_round(vec a) { return vrndnq_f32(a); }
FERRY_INLINE vec vec_floor(vec a) { return vrndmq_f32(a); }
FERRY_INLINE vec vec_ceil(vec a) { return vrndpq_f32(a); }
FERRY_INLINE vec vec_trunc(vec a) { return vrndq_f32(a); }
FERRY_INLINE vec_int vec_to_int(vec a) { return vcvtnq_s32_f32(a); }
FERRY_INLINE float vec_sum(vec a) { return vaddvq_f32(a); }
FERRY_INLINE float vec_highest(vec a) { return vmaxvq_f32(a); }
FERRY_INLINE float vec_lowest(vec a) { return vminvq_f32(a); }
#else
#define FERRY_LANES_(name, expression)                                                                                         \
    FERRY_INLINE vec name(vec a) {                                                                                             \
        float lanes[4];                                                                                                        \
        vst1q_f32(lanes, a);                                                                                                   \
        for (int i = 0; i < 4; i++) lanes[i] = expression(lanes[i]);                                                           \
        return vld1q_f32(lanes);                                                                                               \
    }
FERRY_LANES_(vec_sqrt, sqrtf)
FERRY_LANES_(vec_round, rintf)
FERRY_LANES_(vec_floor, floorf)
FERRY_LANES_(vec_ceil, ceilf)
FERRY_LANES_(vec_trunc, truncf)
FERRY_INLINE vec vec_div(vec a, vec b) {
    float x[4], y[4];
    vst1q_f32(x, a);
    vst1q_f32(y, b);
    for (int i = 0; i < 4; i++) x[i] /= y[i];
    return vld1q_f32(x);
}
FERRY_INLINE vec_int vec_to_int(vec a) { return vcvtq_s32_f32(vec_round(a)); }
FERRY_INLINE float vec_sum(vec a) {
    float32x2_t half = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(vpadd_f32(half, half), 0);
}
FERRY_INLINE float vec_highest(vec a) {
    float32x2_t half = vmax_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(vpmax_f32(half, half), 0);
}
FERRY_INLINE float vec_lowest(vec a) {
    float32x2_t half = vmin_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(vpmin_f32(half, half), 0);
}
#endif

#endif
