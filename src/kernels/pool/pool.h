/* SPDX-License-Identifier: Apache-2.0 */
/* Max and average pooling of floats in one to three dimensions, plain or channel-blocked. */
#ifndef FERRY_KERNELS_POOL_POOL_H
#define FERRY_KERNELS_POOL_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpu.h"

/* A window over depth, height, width; fewer dimensions are leading ones of size 1. A window's part outside the input does not
 * take part; output o covers the inputs o*stride - before + k*dilation, k < kernel. Every window must meet the input, unless it
 * is an average that counts padding. All numbers below 2^31. */
typedef struct ferry_pooling {
    int64_t input[3], output[3], kernel[3], stride[3], dilation[3], before[3], after[3];
    bool count_padding; /* averages divide by the window's positions inside input + before + after, not only inside the input */
} ferry_pooling;

/* One plane (plain: one channel; blocked: one block of the set's channels, pixels of `block` floats) into output rows [first,
 * last) of output[0] * output[1]. in and out are the plane's starts and do not overlap. */
typedef void (*ferry_pool_function)(const ferry_pooling *pooling, float *out, const float *in, int64_t first, int64_t last);

/* The sum, or the maximum, of `pixels` pixels of one block, a channel a lane: out[block]. Sums go in float over runs of at most
 * 256 pixels, which are added in double. */
typedef void (*ferry_pool_global_function)(float *out, const float *in, int64_t pixels);

typedef struct ferry_pool_table {
    ferry_pool_function max_plain, average_plain;
    ferry_pool_function max_blocked[3], average_blocked[3]; /* c4, c8, c16: see ferry_pool_block_index */
    ferry_pool_global_function sum_global[3], max_global[3];
} ferry_pool_table;

static inline int ferry_pool_block_index(int block) { return block == 4 ? 0 : block == 8 ? 1 : 2; }

/* Every entry is set; those of the blocks narrower or wider than the CPU's vectors are the reference's. */
void ferry_pool_init(ferry_pool_table *table, uint32_t features);

#define FERRY_KERNEL_SET(set, need) void ferry_pool_init_##set(ferry_pool_table *table);
#include "kernels/sets.def"

/* The part [*first, *last) of a window of output o that lies inside the input, along one dimension (indices k of the kernel).
 */
static inline void ferry_pool_window(const ferry_pooling *p, int d, int64_t o, int64_t *first, int64_t *last) {
    int64_t start = o * p->stride[d] - p->before[d], dilation = p->dilation[d];
    int64_t from = start < 0 ? (-start + dilation - 1) / dilation : 0;
    int64_t room = p->input[d] - start; /* inputs from start on */
    int64_t to = room <= 0 ? 0 : (room + dilation - 1) / dilation;
    *first = from;
    *last = to < p->kernel[d] ? to : p->kernel[d];
    if (*last < *first) *last = *first;
}

/* Positions of the window along one dimension that lie inside before + input + after. */
static inline int64_t ferry_pool_padded_window(const ferry_pooling *p, int d, int64_t o) {
    int64_t room = p->before[d] + p->input[d] + p->after[d] - o * p->stride[d];
    int64_t inside = room <= 0 ? 0 : (room + p->dilation[d] - 1) / p->dilation[d];
    return inside < p->kernel[d] ? inside : p->kernel[d];
}

#endif
