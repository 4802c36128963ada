/* SPDX-License-Identifier: Apache-2.0 */
/* What the convolution operators share: the geometry of a checked convolution. */
#ifndef FERRY_OPS_CONV_H
#define FERRY_OPS_CONV_H

#include "ops/support.h"
#include "ops/window.h"

/* x: batch, groups * in_channels, in...; weights: groups * out_channels, in_channels, kernel...; y: batch, groups *
 * out_channels, out.... Channels are those of one group. */
typedef struct ferry_conv_sizes {
    ferry_window window;
    int64_t batch, groups, in_channels, out_channels, in_size, out_size, taps;
    int64_t in[FERRY_MAX_SPATIAL], out[FERRY_MAX_SPATIAL];
} ferry_conv_sizes;

/* Shape rule of a convolution whose data is input `x` and weights input `w`; `bias` is the index of an optional input of one
 * value an output channel, or -1. Sets *shape; *ranked tells whether it is known. */
ferry_status ferry_conv_shape(ferry_inference *inference, int x, int w, int bias, ferry_shape *shape, bool *ranked);
/* After ferry_evaluation_prepare: the geometry of inputs x, w and of output y. */
ferry_status ferry_conv_sizes_of(const ferry_evaluation *evaluation, const ferry_tensor *x, const ferry_tensor *w,
                                 const ferry_tensor *y, ferry_conv_sizes *geometry);
/* Attribute group, at least 1. */
ferry_status ferry_conv_groups(const ferry_inference *inference, const char *name, int64_t *groups);

#endif
