/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of math.h over arrays, one table an instruction set: what the tests and benchmarks of vector/ call. */
#ifndef FERRY_KERNELS_VECTOR_PROBE_H
#define FERRY_KERNELS_VECTOR_PROBE_H

#include <stdint.h>

typedef void (*ferry_vector_map)(const float *x, float *y, int64_t count); /* count: any; x may be y */

typedef struct ferry_vector_probe {
    const char *isa;
    int lanes;
    ferry_vector_map exp, sigmoid, silu, tanh, erf, gelu, mish;
    /* Sum, highest and lowest of `lanes` values, and their rounding, floor and conversion to int and back. */
    void (*lanes_test)(const float *x, float across[3], float *rounded, float *floored, float *converted);
    /* Runs `rounds` x 12 independent fused multiply-adds on registers; returns the floating-point operations done. A
     * benchmark divides them by the time taken to learn this core's ceiling. */
    double (*peak)(int64_t rounds, float *sink);
} ferry_vector_probe;

/* The widest set within `features` (bits of base/cpu.h); never NULL. */
const ferry_vector_probe *ferry_vector_probe_for(uint32_t features);

extern const ferry_vector_probe ferry_vector_probe_portable, ferry_vector_probe_sse41, ferry_vector_probe_avx2,
    ferry_vector_probe_avx512, ferry_vector_probe_neon;

#endif
