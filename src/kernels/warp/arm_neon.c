/* SPDX-License-Identifier: Apache-2.0 */
/* The vertical, colour and store kernels for AArch64. Bit-equal to ref.c: SQRDMULH is (2ab + 2^15) >> 16, which is the
 * rule's (ab + 2^14) >> 15. */
#include <arm_neon.h>

#include "kernels/warp/warp.h"

#if defined(__aarch64__) || defined(FERRY_EMULATE_NEON)

static inline int16x8_t multiply_high(int16x8_t a, int16_t b) {
    int16x4_t low = vshrn_n_s32(vmull_n_s16(vget_low_s16(a), b), 16);
    return vcombine_s16(low, vshrn_n_s32(vmull_n_s16(vget_high_s16(a), b), 16));
}

void ferry_warp_vertical_neon(const int16_t *row0, const int16_t *row1, const int16_t weights[2], int count, uint8_t *out) {
    for (int i = 0; i < count; i += 8) {
        int16x8_t sum =
            vaddq_s16(multiply_high(vld1q_s16(row0 + i), weights[0]), multiply_high(vld1q_s16(row1 + i), weights[1]));
        vst1_u8(out + i, vqmovun_s16(vshrq_n_s16(vaddq_s16(sum, vdupq_n_s16(2)), 2)));
    }
}

static inline int16x8_t blend(const ferry_warp_yuv_rows *rows, int component, int i, const int16_t weights[2]) {
    return vaddq_s16(vqrdmulhq_n_s16(vld1q_s16(rows->row0[component] + i), weights[0]),
                     vqrdmulhq_n_s16(vld1q_s16(rows->row1[component] + i), weights[1]));
}

static inline int16x8_t center(int16x8_t value, int offset) {
    return vshlq_n_s16(vsubq_s16(value, vdupq_n_s16((int16_t)offset)), 3);
}

static inline uint8x8_t round_sixteenths(int16x8_t value) {
    return vqmovun_s16(vshrq_n_s16(vaddq_s16(value, vdupq_n_s16(8)), 4));
}

void ferry_warp_yuv_neon(const ferry_warp_colors *colors, const ferry_warp_yuv_rows *rows) {
    for (int i = 0; i < rows->count; i += 8) {
        int16x8_t y = vqrdmulhq_n_s16(center(blend(rows, 0, i, rows->luma_weights), 8 * colors->luma_offset), colors->luma);
        int16x8_t u = center(blend(rows, 1, i, rows->chroma_weights), 1024);
        int16x8_t v = center(blend(rows, 2, i, rows->chroma_weights), 1024);
        int16x8_t green = vsubq_s16(y, vqrdmulhq_n_s16(u, colors->green_u));
        vst1_u8(rows->out[0] + i, round_sixteenths(vaddq_s16(y, vqrdmulhq_n_s16(v, colors->red_v))));
        vst1_u8(rows->out[1] + i, round_sixteenths(vsubq_s16(green, vqrdmulhq_n_s16(v, colors->green_v))));
        vst1_u8(rows->out[2] + i, round_sixteenths(vaddq_s16(y, vqrdmulhq_n_s16(u, colors->blue_u))));
    }
}

/* AArch64 divides in hardware, so this is the definition itself. */
static inline float32x4_t normalize(const ferry_warp_scale *scale, uint16x4_t x) {
    float32x4_t value = vdivq_f32(vcvtq_f32_u32(vmovl_u16(x)), vdupq_n_f32(scale->divisor));
    return vdivq_f32(vsubq_f32(value, vdupq_n_f32(scale->mean)), vdupq_n_f32(scale->deviation));
}

void ferry_warp_store_f32_neon(const ferry_warp_scale *scale, const uint8_t *row, int count, void *out, int step) {
    float *elements = out;
    int i = 0;
    for (; step == 1 && i + 8 <= count; i += 8) {
        uint16x8_t x = vmovl_u8(vld1_u8(row + i));
        vst1q_f32(elements + i, normalize(scale, vget_low_u16(x)));
        vst1q_f32(elements + i + 4, normalize(scale, vget_high_u16(x)));
    }
    ferry_warp_store_f32_ref(scale, row + i, count - i, elements + (ptrdiff_t)i * step, step);
}

#else
typedef int ferry_warp_neon_needs_aarch64;
#endif
