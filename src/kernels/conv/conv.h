/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution in float32: the ways (tactics) to compute it, each with its own packed weights. Kernels are pure: one thread, no
 * allocation; a caller runs the tasks of a plan on as many threads as it likes, in any order.
 *
 * Definition (ONNX Conv): output[n][o][y][x] = fused(bias[o] + sum over i, ky, kx of
 *   input[n][g*I + i][y*stride_height - pad_top + ky*dilation_height][...] * weights[o][i][ky][kx]), zero outside the input,
 * with g = o / (out_channels/groups), I = in_channels/groups. 1-D convolutions have height 1. */
#ifndef FERRY_KERNELS_CONV_CONV_H
#define FERRY_KERNELS_CONV_CONV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/gemm/fused.h"

typedef struct ferry_conv_params {
    int32_t batch, groups;
    int32_t in_channels, in_height, in_width; /* channels of all groups */
    int32_t out_channels, out_height, out_width;
    int32_t kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
    int32_t pad_top, pad_left; /* below and on the right as much as the output size asks for */
    /* Elements from an image of the batch to the next; 0 means packed. A larger stride lets a tensor be a slice of channel
     * blocks of a larger one. */
    int64_t in_batch_stride, out_batch_stride, residual_batch_stride;
    ferry_fused fused;
    bool residual; /* a tensor shaped and laid out as the output is added */
} ferry_conv_params;

typedef struct ferry_conv_arguments {
    const float *input;    /* layout as the tactic's in_block says */
    const float *weights;  /* packed by the tactic */
    const float *bias;     /* out_channels, zeros up to a multiple of the block; NULL means 0 */
    const float *residual; /* when params.residual; may not overlap output */
    float *output;         /* blocked; channels beyond out_channels in the last block are written as 0 */
} ferry_conv_arguments;

/* How a tactic divides one convolution; made by its plan function, opaque otherwise. Plain data, copy freely. */
typedef struct ferry_conv_plan {
    int64_t tasks;
    size_t workspace_bytes; /* for each thread; aligned to 64; contents need not survive between tasks */
    int64_t bands, band_rows, splits, split_panels, chunk;
    bool copies;
} ferry_conv_plan;

/* Everything but run is plain C of the reference set: it works at build time for targets that this machine is not. */
typedef struct ferry_conv_tactic ferry_conv_tactic;
struct ferry_conv_tactic {
    const char *name;  /* "direct" ... */
    const char *isa;   /* "avx2" ... */
    uint32_t features; /* bits of base/cpu.h that run needs */
    int block;         /* the output's (and residual's) channels a block: nChw{block}c */
    int in_block;      /* the input's: 1 means plain NCHW */
    int panel_blocks;  /* output blocks that a register tile holds */
    int depth;         /* steps of k whose panel of weights the first-level cache holds */
    /* Whether it can compute these params; otherwise *why (may be NULL) says why not. Params need not be valid. */
    bool (*accepts)(const ferry_conv_tactic *tactic, const ferry_conv_params *params, const char **why);
    size_t (*packed_bytes)(const ferry_conv_tactic *tactic, const ferry_conv_params *params);
    /* weights: plain [out_channels][in_channels/groups][kernel_height][kernel_width]; packed: aligned to 64. Packed bytes and
     * contents depend on channels, kernel and groups only, not on sizes, batch or strides. */
    void (*pack)(const ferry_conv_tactic *tactic, const ferry_conv_params *params, const float *weights, float *packed);
    void (*plan)(const ferry_conv_tactic *tactic, const ferry_conv_params *params, int threads, ferry_conv_plan *plan);
    /* Estimated time in multiply-add vector instructions; only for putting tactics of one set in order. */
    double (*cost)(const ferry_conv_tactic *tactic, const ferry_conv_params *params);
    /* 0 <= task < plan->tasks. Tasks write disjoint parts of the output. */
    void (*run)(const ferry_conv_tactic *tactic, const ferry_conv_params *params, const ferry_conv_plan *plan,
                const ferry_conv_arguments *arguments, int64_t task, void *workspace);
};

/* The tactics of the widest set within `features` (bits of base/cpu.h), best guess first; *count of them. */
const ferry_conv_tactic *ferry_conv_tactics(uint32_t features, size_t *count);
/* The cheapest by cost among those that accept and read an input of in_block (0: any); NULL when none does. */
const ferry_conv_tactic *ferry_conv_choose(uint32_t features, const ferry_conv_params *params, int in_block);

/* Whether all sizes are positive, products fit, groups divide the channels, and pads and dilations are sane; *why as above. */
bool ferry_conv_valid(const ferry_conv_params *params, const char **why);
/* The output size of one dimension, or 0 when the kernel does not fit. */
int32_t ferry_conv_out_size(int32_t in, int32_t kernel, int32_t stride, int32_t dilation, int32_t pad_begin, int32_t pad_end);
/* Multiply-adds of the definition. */
double ferry_conv_multiply_adds(const ferry_conv_params *params);

/* The definition with plain tensors and plain weights, accumulated in double: for tests and for what no tactic accepts.
 * Computes rows [first, last) of batch*out_channels*out_height; batch strides are honoured. bias may be NULL. */
void ferry_conv_reference(const ferry_conv_params *params, const ferry_conv_arguments *arguments, int64_t first, int64_t last);

/* Places in every set's table. */
enum { FERRY_CONV_DEPTHWISE, FERRY_CONV_DIRECT_PLAIN, FERRY_CONV_WINOGRAD, FERRY_CONV_DIRECT, FERRY_CONV_TACTICS };
extern const ferry_conv_tactic ferry_conv_tactics_portable[FERRY_CONV_TACTICS], ferry_conv_tactics_sse41[FERRY_CONV_TACTICS],
    ferry_conv_tactics_avx2[FERRY_CONV_TACTICS], ferry_conv_tactics_avx512[FERRY_CONV_TACTICS],
    ferry_conv_tactics_neon[FERRY_CONV_TACTICS];

#endif
