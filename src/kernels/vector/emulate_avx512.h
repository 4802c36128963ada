/* SPDX-License-Identifier: Apache-2.0 */
/* For the kernel tests only: AVX-512 through SIMDe, and the few intrinsics that SIMDe 0.7.4 lacks or gets wrong, one lane
 * at a time. */
#ifndef FERRY_KERNELS_VECTOR_EMULATE_AVX512_H
#define FERRY_KERNELS_VECTOR_EMULATE_AVX512_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#define FERRY_EMULATED_(lane_statement)                                                                                        \
    do {                                                                                                                       \
        for (int lane = 0; lane < 16; lane++) {                                                                                \
            lane_statement;                                                                                                    \
        }                                                                                                                      \
    } while (0)

FERRY_INLINE simde__m512 ferry_maskz_loadu_ps(unsigned mask, const float *p) {
    float lanes[16] = {0};
    FERRY_EMULATED_(if (mask >> lane & 1) lanes[lane] = p[lane]);
    return simde_mm512_loadu_ps(lanes);
}
FERRY_INLINE void ferry_mask_storeu_ps(float *p, unsigned mask, simde__m512 v) {
    float lanes[16];
    simde_mm512_storeu_ps(lanes, v);
    FERRY_EMULATED_(if (mask >> lane & 1) p[lane] = lanes[lane]);
}
FERRY_INLINE float ferry_reduce_add_ps(simde__m512 v) {
    float lanes[16];
    simde_mm512_storeu_ps(lanes, v);
    for (int width = 8; width > 0; width /= 2)
        for (int lane = 0; lane < width; lane++) lanes[lane] += lanes[lane + width];
    return lanes[0];
}
FERRY_INLINE float ferry_reduce_max_ps(simde__m512 v) {
    float lanes[16];
    simde_mm512_storeu_ps(lanes, v);
    FERRY_EMULATED_(lanes[0] = lanes[lane] > lanes[0] ? lanes[lane] : lanes[0]);
    return lanes[0];
}
FERRY_INLINE float ferry_reduce_min_ps(simde__m512 v) {
    float lanes[16];
    simde_mm512_storeu_ps(lanes, v);
    FERRY_EMULATED_(lanes[0] = lanes[lane] < lanes[0] ? lanes[lane] : lanes[0]);
    return lanes[0];
}
FERRY_INLINE int32_t ferry_float_to_int32(float value) {
    return value >= -2147483648.0f && value < 2147483648.0f ? (int32_t)value : INT32_MIN;
}
FERRY_INLINE simde__m512i ferry_cvtps_epi32(simde__m512 v) {
    float lanes[16];
    int32_t result[16];
    simde_mm512_storeu_ps(lanes, v);
    FERRY_EMULATED_(result[lane] = ferry_float_to_int32(rintf(lanes[lane])));
    return simde_mm512_loadu_si512(result);
}
FERRY_INLINE simde__m512i ferry_cvttps_epi32(simde__m512 v) {
    float lanes[16];
    int32_t result[16];
    simde_mm512_storeu_ps(lanes, v);
    FERRY_EMULATED_(result[lane] = ferry_float_to_int32(truncf(lanes[lane])));
    return simde_mm512_loadu_si512(result);
}
FERRY_INLINE simde__m512 ferry_cvtepi32_ps(simde__m512i v) {
    int32_t lanes[16];
    float result[16];
    simde_mm512_storeu_si512(lanes, v);
    FERRY_EMULATED_(result[lane] = (float)lanes[lane]);
    return simde_mm512_loadu_ps(result);
}
FERRY_INLINE simde__m512i ferry_srai_epi32(simde__m512i v, unsigned count) {
    int32_t lanes[16];
    simde_mm512_storeu_si512(lanes, v);
    FERRY_EMULATED_(lanes[lane] >>= count);
    return simde_mm512_loadu_si512(lanes);
}
/* SIMDe's own gives wrong digits for some modes. Only whole-number rounding (scale 0) is wanted. */
FERRY_INLINE simde__m512 ferry_roundscale_ps(simde__m512 v, int mode) {
    float lanes[16];
    simde_mm512_storeu_ps(lanes, v);
    FERRY_EMULATED_(lanes[lane] = (mode & 3) == 0   ? rintf(lanes[lane])
                                  : (mode & 3) == 1 ? floorf(lanes[lane])
                                  : (mode & 3) == 2 ? ceilf(lanes[lane])
                                                    : truncf(lanes[lane]));
    return simde_mm512_loadu_ps(lanes);
}

#undef _mm512_roundscale_ps
#define _mm512_roundscale_ps ferry_roundscale_ps
#define _mm512_maskz_loadu_ps ferry_maskz_loadu_ps
#define _mm512_mask_storeu_ps ferry_mask_storeu_ps
#define _mm512_reduce_add_ps ferry_reduce_add_ps
#define _mm512_reduce_max_ps ferry_reduce_max_ps
#define _mm512_reduce_min_ps ferry_reduce_min_ps
#define _mm512_cvtps_epi32 ferry_cvtps_epi32
#define _mm512_cvttps_epi32 ferry_cvttps_epi32
#define _mm512_cvtepi32_ps ferry_cvtepi32_ps
#define _mm512_srai_epi32 ferry_srai_epi32

#endif
