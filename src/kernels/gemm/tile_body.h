/* SPDX-License-Identifier: Apache-2.0 */
/* The register tile that convolution and matrix multiplication share: `pixels` rows of results times `blocks` vectors of output
 * channels, accumulated over k in registers, once an instruction set.
 *
 * k runs over `taps` x `run`: result[p][j] += input[p][offsets[t] + r] * weights[t*run + r][j]. A convolution's tap
 * is a kernel position of a channel block and its run the block's channels; a matrix product is one tap whose run is K. Each
 * step broadcasts one input value a pixel against `blocks` vectors of weights, which convolution packs in just that order. */
#ifndef FERRY_KERNELS_GEMM_TILE_BODY_H
#define FERRY_KERNELS_GEMM_TILE_BODY_H

#include "kernels/gemm/fused_body.h"

/* blocks x pixels accumulators + blocks weights + 1 broadcast must fit the register file: 16 registers, or 32 with AVX-512 and
 * AArch64. 12 accumulators or more keep two multiply-add units busy over a latency of 4 or 5 cycles. */
#if defined(FERRY_KERNEL_SET_AVX512) || defined(__aarch64__)
#define TILE_BLOCKS 4
#else
#define TILE_BLOCKS 2
#endif
#define TILE_PIXELS 6

typedef struct tile_job {
    const float *weights;     /* taps*run rows of blocks vectors */
    ptrdiff_t weight_step;    /* floats from a row of weights to the next: blocks*FERRY_VEC when packed */
    const ptrdiff_t *offsets; /* taps */
    ptrdiff_t taps, run;
    ptrdiff_t block_stride,
        pixel_stride; /* of output, in floats: from a vector of channels to the next, from a pixel to the next */
    ptrdiff_t residual_block_stride, residual_pixel_stride;
    const float *bias;        /* blocks vectors, added at the first chunk of k */
    const ferry_fused *fused; /* applied at the last chunk */
    bool first;               /* start from the bias (NULL: zero); otherwise from what output holds */
    bool last;                /* finish: residual and activation */
    bool row_major;           /* write no lane beyond `lanes` of the last vector; otherwise write zeros there */
    int lanes;                /* valid lanes of the last vector: 1 .. FERRY_VEC */
} tile_job;

/* Applies residual and activation to a tile at values[j*pixels + p] and stores it. */
static __attribute__((noinline, unused)) void tile_finish(const tile_job *job, vec *values, int blocks, int pixels,
                                                          float *output, const float *residual) {
    const int count = blocks * pixels, whole = job->lanes == FERRY_VEC ? count : count - pixels;
    vec added[TILE_BLOCKS * TILE_PIXELS];
    if (residual) {
        for (int i = 0; i < count; i++) {
            const float *from = residual + i / pixels * job->residual_block_stride + i % pixels * job->residual_pixel_stride;
            added[i] = i < whole ? vec_load(from) : vec_load_partial(from, job->lanes);
        }
        if (!job->fused->residual_after)
            for (int i = 0; i < count; i++) values[i] = vec_add(values[i], added[i]);
    }
    fused_activate(job->fused, values, count);
    if (residual && job->fused->residual_after)
        for (int i = 0; i < count; i++) values[i] = vec_add(values[i], added[i]);
    for (int j = 0, i = 0; j < blocks; j++) {
        for (int p = 0; p < pixels; p++, i++) {
            float *to = output + j * job->block_stride + p * job->pixel_stride;
            if (i < whole)
                vec_store(to, values[i]);
            else if (job->row_major)
                vec_store_partial(to, values[i], job->lanes);
            else
                vec_store(to, vec_keep(values[i], job->lanes));
        }
    }
}

FERRY_INLINE vec tile_read(const tile_job *job, const float *from, int j, int blocks) {
    return job->row_major && j == blocks - 1 ? vec_load_partial(from, job->lanes) : vec_load(from);
}

/* One step of k: every pixel's value at `at` against blocks vectors of weights. */
#define TILE_STEP(at)                                                                                                          \
    do {                                                                                                                       \
        vec w[TILE_BLOCKS];                                                                                                    \
        FERRY_UNROLL for (int j = 0; j < blocks; j++) w[j] = vec_load(weights + j * FERRY_VEC);                                \
        FERRY_UNROLL for (int p = 0; p < pixels; p++) {                                                                        \
            vec x = vec_set1(input[p][at]);                                                                                    \
            FERRY_UNROLL for (int j = 0; j < blocks; j++) vec_accumulate(&sum[j * TILE_PIXELS + p], x, w[j]);                  \
        }                                                                                                                      \
        weights += step;                                                                                                       \
    } while (0)

FERRY_INLINE void tile_any(const tile_job *job, const float *const *inputs, float *output, const float *residual,
                           const int blocks, const int pixels) {
    vec sum[TILE_BLOCKS * TILE_PIXELS];
    const float *input[TILE_PIXELS];
    FERRY_UNROLL for (int p = 0; p < pixels; p++) input[p] = inputs[p];
    FERRY_UNROLL for (int j = 0; j < blocks; j++) {
        FERRY_UNROLL for (int p = 0; p < pixels; p++) {
            sum[j * TILE_PIXELS + p] = !job->first
                                           ? tile_read(job, output + j * job->block_stride + p * job->pixel_stride, j, blocks)
                                       : job->bias ? vec_load(job->bias + j * FERRY_VEC)
                                                   : vec_zero();
        }
    }
    const float *weights = job->weights;
    const ptrdiff_t run = job->run, step = job->weight_step;
    for (ptrdiff_t t = 0; t < job->taps; t++) {
        ptrdiff_t at = job->offsets[t], end = at + run;
        for (; at + 2 <= end; at += 2) {
            TILE_STEP(at);
            TILE_STEP(at + 1);
        }
        if (at < end) TILE_STEP(at);
    }
    vec values[TILE_BLOCKS * TILE_PIXELS];
    FERRY_UNROLL for (int j = 0; j < blocks; j++) {
        FERRY_UNROLL for (int p = 0; p < pixels; p++) values[j * pixels + p] = sum[j * TILE_PIXELS + p];
    }
    if (job->last && (residual || job->fused->kind != FERRY_FUSED_NONE || job->lanes < FERRY_VEC)) {
        tile_finish(job, values, blocks, pixels, output, residual);
        return;
    }
    FERRY_UNROLL for (int j = 0; j < blocks; j++) {
        FERRY_UNROLL for (int p = 0; p < pixels; p++) {
            float *to = output + j * job->block_stride + p * job->pixel_stride;
            if (job->row_major && j == blocks - 1 && job->lanes < FERRY_VEC)
                vec_store_partial(to, sum[j * TILE_PIXELS + p], job->lanes);
            else
                vec_store(to, sum[j * TILE_PIXELS + p]);
        }
    }
}

typedef void (*tile_function)(const tile_job *job, const float *const *inputs, float *output, const float *residual);

#define TILE(blocks, pixels)                                                                                                   \
    static __attribute__((noinline)) void tile_##blocks##x##pixels(const tile_job *job, const float *const *inputs,            \
                                                                   float *output, const float *residual) {                     \
        tile_any(job, inputs, output, residual, blocks, pixels);                                                               \
    }
#define TILE_ROW(blocks) TILE(blocks, 1) TILE(blocks, 2) TILE(blocks, 3) TILE(blocks, 4) TILE(blocks, 5) TILE(blocks, 6)
#define TILE_NAMES(blocks)                                                                                                     \
    { tile_##blocks##x1, tile_##blocks##x2, tile_##blocks##x3, tile_##blocks##x4, tile_##blocks##x5, tile_##blocks##x6 }
TILE_ROW(1)
TILE_ROW(2)
#if TILE_BLOCKS == 4
TILE_ROW(3)
TILE_ROW(4)
#endif

/* [blocks - 1][pixels - 1] */
static const tile_function tile_functions[TILE_BLOCKS][TILE_PIXELS] = {
    TILE_NAMES(1),
    TILE_NAMES(2),
#if TILE_BLOCKS == 4
    TILE_NAMES(3),
    TILE_NAMES(4),
#endif
};

/* Pixels of the next tile when `rest` remain: tiles as even as can be, since a small last one wastes multiply-adds. */
FERRY_INLINE int tile_next(int64_t rest) {
    int64_t tiles = (rest + TILE_PIXELS - 1) / TILE_PIXELS;
    return (int)((rest + tiles - 1) / tiles);
}

#endif
