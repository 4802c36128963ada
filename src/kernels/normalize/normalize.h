/* SPDX-License-Identifier: Apache-2.0 */
/* Normalisation of floats: affine maps a channel, moments, layer and RMS normalisation of rows, local response. */
#ifndef FERRY_KERNELS_NORMALIZE_NORMALIZE_H
#define FERRY_KERNELS_NORMALIZE_NORMALIZE_H

#include <stdint.h>

#include "base/cpu.h"

/* Mean and variance (of the population) of `count` >= 1 floats, in two passes so that a large mean does not drown the variance.
 */
typedef struct ferry_moments {
    float mean, variance;
} ferry_moments;
typedef ferry_moments (*ferry_moments_function)(const float *in, int64_t count);

/* A blocked plane of `pixels` pixels: lane l becomes in * scale[l] + shift[l]. Lanes with scale and shift 0 stay (or become)
 * zero. out may be in. */
typedef void (*ferry_affine_blocked_function)(float *out, const float *in, int64_t pixels, const float *scale,
                                              const float *shift);
/* Mean and variance of every lane of such a plane; pixels >= 1. */
typedef void (*ferry_moments_blocked_function)(float *mean, float *variance, const float *in, int64_t pixels);

/* One row: out = (in - mean) * inverse * scale + shift with inverse = 1 / sqrt(variance + epsilon). For RMS normalisation mean
 * is 0 and variance the mean of squares. scale and shift have `count` elements or are NULL (1 and 0). out may be in. Writes
 * mean and inverse to statistics[0] and [1]. */
typedef void (*ferry_normalize_row_function)(float *out, const float *in, int64_t count, const float *scale, const float *shift,
                                             float epsilon, float statistics[2]);

/* Local response normalisation across channels (ONNX LRN): x / (bias + alpha/size * sum of squares)^beta over the channels
 * c - (size-1)/2 .. c + size/2. Plain planes `plane` floats apart, pixels [0, pixels) of each. in and out do not overlap. */
typedef struct ferry_lrn {
    int64_t channels, plane, size;
    float alpha, beta, bias;
} ferry_lrn;
typedef void (*ferry_lrn_function)(const ferry_lrn *lrn, float *out, const float *in, int64_t pixels);

typedef struct ferry_normalize_table {
    ferry_moments_function moments;
    ferry_affine_blocked_function affine_blocked[3]; /* c4, c8, c16 */
    ferry_moments_blocked_function moments_blocked[3];
    ferry_normalize_row_function layer_norm, rms_norm;
    ferry_lrn_function lrn;
} ferry_normalize_table;

static inline int ferry_normalize_block_index(int block) { return block == 4 ? 0 : block == 8 ? 1 : 2; }

void ferry_normalize_init(ferry_normalize_table *table, uint32_t features);

#define FERRY_KERNEL_SET(set, need) void ferry_normalize_init_##set(ferry_normalize_table *table);
#include "kernels/sets.def"

#endif
