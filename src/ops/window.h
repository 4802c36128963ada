/* SPDX-License-Identifier: Apache-2.0 */
/* Sliding windows: what convolutions and pools share. Reads kernel_shape, strides, dilations, pads, auto_pad and ceil_mode,
 * computes output sizes, and walks over the rows of input elements that each tap of the window meets. */
#ifndef FERRY_OPS_WINDOW_H
#define FERRY_OPS_WINDOW_H

#include "ops/ops.h"

enum { FERRY_MAX_SPATIAL = FERRY_MAX_RANK - 2 };

typedef struct ferry_window {
    int rank; /* spatial dimensions */
    int64_t kernel[FERRY_MAX_SPATIAL], stride[FERRY_MAX_SPATIAL], dilation[FERRY_MAX_SPATIAL];
    int64_t pad_begin[FERRY_MAX_SPATIAL], pad_end[FERRY_MAX_SPATIAL];
    bool same_upper, same_lower; /* auto_pad: pads follow from the input's size */
    bool ceil_mode;
} ferry_window;

/* Reads a node's attributes. kernel: the window's size where weights say it (an entry may be unknown or symbolic), or NULL to
 * take attribute kernel_shape, which must then be there. Refuses lists of a wrong length and sizes outside 1..2^31, pads
 * outside 0..2^31. */
ferry_status ferry_window_read(const ferry_attributes *attributes, int rank, const int64_t *kernel, ferry_window *window,
                               ferry_error *error);
/* Sets pads that auto_pad SAME_UPPER or SAME_LOWER ask for. `input`: known spatial sizes. */
void ferry_window_resolve(ferry_window *window, const int64_t *input);
/* The output's size along a spatial axis for a known or symbolic input size; FERRY_ERROR_SHAPE when the window does not fit. */
ferry_status ferry_window_output(const ferry_window *window, int axis, int64_t input, ferry_symbols *symbols, int64_t *output,
                                 ferry_error *error);
/* Number of taps: product of the kernel's sizes. */
int64_t ferry_window_taps(const ferry_window *window);

/* A walk over (tap, row) pairs. After each ferry_rows_next that gives true: output elements output, output + 1, ...
 * output + count - 1 meet input elements input, input + step, ... at this tap. Padding is never visited. */
typedef struct ferry_rows {
    const ferry_window *window;
    int64_t in[FERRY_MAX_SPATIAL], out[FERRY_MAX_SPATIAL], in_stride[FERRY_MAX_SPATIAL], out_stride[FERRY_MAX_SPATIAL];
    int64_t position[FERRY_MAX_SPATIAL], low[FERRY_MAX_SPATIAL], high[FERRY_MAX_SPATIAL], at[FERRY_MAX_SPATIAL];
    bool inside_tap;
    int64_t tap, input, output, count, step;
} ferry_rows;

/* in, out: spatial sizes (window->rank of them, at least 1 dimension). */
void ferry_rows_begin(ferry_rows *rows, const ferry_window *window, const int64_t *in, const int64_t *out);
bool ferry_rows_next(ferry_rows *rows);

#endif
