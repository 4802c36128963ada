/* SPDX-License-Identifier: Apache-2.0 */
/* Stands before the compiler's own arm_neon.h on machines without NEON: SIMDe's portable version under the same names. */
#ifndef FERRY_TESTS_EMULATED_ARM_NEON_H
#define FERRY_TESTS_EMULATED_ARM_NEON_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/arm/neon.h>
#pragma GCC diagnostic pop

/* Debian 12's SIMDe lacks the division. */
static inline float32x4_t vdivq_f32(float32x4_t a, float32x4_t b) {
    float x[4], y[4];
    vst1q_f32(x, a);
    vst1q_f32(y, b);
    for (int i = 0; i < 4; i++) x[i] /= y[i];
    return vld1q_f32(x);
}

#endif
