/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd's minimal filtering F(4x4, 3x3) for 3x3 convolutions of stride 1 (Lavin and Gray, "Fast algorithms for convolutional
 * neural networks", 2015, sections 4.1 and 4.3): 36 products of matrices replace 144 multiplications a tile and channel pair.
 * Outputs are computed in tiles of 4x4, each from 6x6 inputs. Rounding errors are some ten times those of direct convolution.
 */
#ifndef FERRY_KERNELS_CONV_WINOGRAD_H
#define FERRY_KERNELS_CONV_WINOGRAD_H

#include "kernels/conv/shape.h"

enum {
    FERRY_WINOGRAD_OUT = 4,     /* outputs of a tile, each way */
    FERRY_WINOGRAD_IN = 6,      /* inputs of a tile, each way */
    FERRY_WINOGRAD_POINTS = 36, /* products */
    FERRY_WINOGRAD_SKEW = 16    /* floats between matrices, lest they all fall into the same cache sets */
};

/* Sizes of one task: `tiles` tiles, all input channels, the output blocks of its panels. */
typedef struct ferry_winograd_sizes {
    int64_t tiles_across, tiles;   /* of an image */
    int64_t in_channels;           /* whole blocks */
    int64_t in_matrix, out_matrix; /* floats from the matrix of a point to the next, for transformed inputs and products */
} ferry_winograd_sizes;

ferry_winograd_sizes ferry_winograd_sizes_of(const ferry_conv_tactic *tactic, const ferry_conv_params *params,
                                             int64_t task_tiles, int64_t out_blocks);

/* The methods of the tactic. Packed order: point, panel, input channel, output channel of the panel. */
bool ferry_conv_winograd_accepts(const ferry_conv_tactic *tactic, const ferry_conv_params *params, const char **why);
size_t ferry_conv_winograd_packed_bytes(const ferry_conv_tactic *tactic, const ferry_conv_params *params);
void ferry_conv_winograd_pack(const ferry_conv_tactic *tactic, const ferry_conv_params *params, const float *weights,
                              float *packed);
void ferry_conv_winograd_plan(const ferry_conv_tactic *tactic, const ferry_conv_params *params, int threads,
                              ferry_conv_plan *plan);
double ferry_conv_winograd_cost(const ferry_conv_tactic *tactic, const ferry_conv_params *params);

#endif
