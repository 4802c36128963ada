/* SPDX-License-Identifier: Apache-2.0 */
/* What all direct convolutions share, whatever the instruction set: panels of output channels, the input channels that each
 * needs, the packing of weights, and the division into tasks. */
#ifndef FERRY_KERNELS_CONV_SHAPE_H
#define FERRY_KERNELS_CONV_SHAPE_H

#include "kernels/conv/conv.h"

/* Output channels are cut into panels of `blocks` blocks (the last may be shorter), each needing the input blocks
 * [start, start + span): all of them without groups, those its groups touch otherwise (weights of strangers are 0). */
typedef struct ferry_conv_panels {
    int blocks;
    int64_t out_blocks, count, span;
} ferry_conv_panels;

ferry_conv_panels ferry_conv_panels_of(const ferry_conv_tactic *tactic, const ferry_conv_params *params);
int64_t ferry_conv_panel_start(const ferry_conv_tactic *tactic, const ferry_conv_params *params,
                               const ferry_conv_panels *panels, int64_t panel);

/* Sizes as the direct kernel sees them: a 1x1 convolution of stride 1 is one long column of pixels. */
typedef struct ferry_conv_frame {
    int64_t in_height, in_width, out_height, out_width;
    int64_t kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width, pad_top, pad_left;
    int64_t in_blocks, in_plane, out_plane; /* planes in floats, of one block */
    int64_t in_batch, out_batch, residual_batch;
    int64_t reach_width; /* input columns that a row of outputs touches */
    bool padded;         /* some output touches something outside the input */
    int64_t run, taps;   /* contiguous input values a tap, taps an input block */
} ferry_conv_frame;

ferry_conv_frame ferry_conv_frame_of(const ferry_conv_params *params, int in_block, int out_block);
/* Input rows that `rows` rows of output touch. */
static inline int64_t ferry_conv_reach_rows(const ferry_conv_frame *g, int64_t rows) {
    return (rows - 1) * g->stride_height + (g->kernel_height - 1) * g->dilation_height + 1;
}

/* What reading weights once from memory costs, in vector instructions: about 12 bytes a nanosecond, 6 instructions a
 * nanosecond. */
static inline double ferry_conv_reading_cost(size_t bytes) { return (double)bytes * 0.5; }

/* Divides rows into bands of at most max_rows, and panels into splits, so that `threads` threads have enough to do but a task
 * keeps min_pixels where it can. Fills bands, band_rows, splits, split_panels and tasks. */
void ferry_conv_divide(ferry_conv_plan *plan, int64_t batch, int64_t rows, int64_t row_pixels, int64_t max_rows,
                       int64_t min_pixels, int64_t panels, int threads);

/* The methods of the direct tactics. Packed order: panel, input block of its span, ky, kx, channel of the block, output channel
 * of the panel. */
bool ferry_conv_direct_accepts(const ferry_conv_tactic *tactic, const ferry_conv_params *params, const char **why);
size_t ferry_conv_direct_packed_bytes(const ferry_conv_tactic *tactic, const ferry_conv_params *params);
void ferry_conv_direct_pack(const ferry_conv_tactic *tactic, const ferry_conv_params *params, const float *weights,
                            float *packed);
void ferry_conv_direct_plan(const ferry_conv_tactic *tactic, const ferry_conv_params *params, int threads,
                            ferry_conv_plan *plan);
double ferry_conv_direct_cost(const ferry_conv_tactic *tactic, const ferry_conv_params *params);

/* Those of the depthwise tactic. Packed order: channel block, ky, kx, channel of the block. */
bool ferry_conv_depthwise_accepts(const ferry_conv_tactic *tactic, const ferry_conv_params *params, const char **why);
size_t ferry_conv_depthwise_packed_bytes(const ferry_conv_tactic *tactic, const ferry_conv_params *params);
void ferry_conv_depthwise_pack(const ferry_conv_tactic *tactic, const ferry_conv_params *params, const float *weights,
                               float *packed);
void ferry_conv_depthwise_plan(const ferry_conv_tactic *tactic, const ferry_conv_params *params, int threads,
                               ferry_conv_plan *plan);
double ferry_conv_depthwise_cost(const ferry_conv_tactic *tactic, const ferry_conv_params *params);

#endif
