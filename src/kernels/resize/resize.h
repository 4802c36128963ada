/* SPDX-License-Identifier: Apache-2.0 */
/* Resizing of floats along depth, height and width, as ONNX's Resize defines it. Where a sample is taken and how it is weighed
 * is said once, by tables made when the shapes become known; the kernels only read the tables. */
#ifndef FERRY_KERNELS_RESIZE_RESIZE_H
#define FERRY_KERNELS_RESIZE_RESIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

typedef enum ferry_resize_mode { FERRY_RESIZE_NEAREST, FERRY_RESIZE_LINEAR, FERRY_RESIZE_CUBIC } ferry_resize_mode;

typedef enum ferry_resize_coordinates {
    FERRY_COORDINATES_HALF_PIXEL,
    FERRY_COORDINATES_HALF_PIXEL_SYMMETRIC,
    FERRY_COORDINATES_PYTORCH_HALF_PIXEL,
    FERRY_COORDINATES_ALIGN_CORNERS,
    FERRY_COORDINATES_ASYMMETRIC,
    FERRY_COORDINATES_CROP /* tf_crop_and_resize */
} ferry_resize_coordinates;

typedef enum ferry_resize_rounding {
    FERRY_ROUNDING_PREFER_FLOOR,
    FERRY_ROUNDING_PREFER_CEIL,
    FERRY_ROUNDING_FLOOR,
    FERRY_ROUNDING_CEIL
} ferry_resize_rounding;

typedef struct ferry_resize_rule {
    ferry_resize_mode mode;
    ferry_resize_coordinates coordinates;
    ferry_resize_rounding rounding; /* of NEAREST */
    double cubic_coefficient;       /* -0.75 */
    bool exclude_outside;           /* samples outside weigh nothing, the rest is scaled up to 1 */
    bool antialias;                 /* LINEAR and CUBIC: the filter widens when the axis shrinks */
} ferry_resize_rule;

/* One axis: output o is the sum over k < taps of weight[o*taps + k] * input[index[o*taps + k]]. */
typedef struct ferry_resize_axis {
    int64_t input, output;
    int taps;
    bool doubles; /* taps is 1 and index[o] is o/2: the common case of upsampling */
    int32_t *index;
    float *weight;
} ferry_resize_axis;

/* Taps an output of this axis needs; below 2^24. */
int ferry_resize_taps(const ferry_resize_rule *rule, int64_t input, int64_t output, double scale);

/* Fills axis, whose input, output, index and weight are set (arrays of output*taps; 1 <= input, output < 2^31). scale:
 * output/input as the model gives it. roi_start, roi_end: for CROP, in units of the input, otherwise ignored. Returns false
 * when an output of CROP lies outside the input and would need the extrapolation value; the table then repeats the border. */
bool ferry_resize_table(const ferry_resize_rule *rule, double scale, double roi_start, double roi_end, ferry_resize_axis *axis);

/* Depth, height, width; an axis of 1 to 1 has one tap. */
typedef struct ferry_resizing {
    ferry_resize_axis axis[3];
} ferry_resizing;

/* One plane (plain: one channel; blocked: one block of the CPU's channels) into output rows [first, last) of depth*height.
 * workspace: axis[2].input * lanes floats, the caller's own while it runs. */
typedef void (*ferry_resize_function)(const ferry_resizing *resizing, float *out, const float *in, float *workspace,
                                      int64_t first, int64_t last);

typedef struct ferry_resize_functions {
    ferry_resize_function plain;
    ferry_resize_function blocked[3]; /* c4, c8, c16 */
} ferry_resize_functions;

static inline int ferry_resize_block_index(int block) { return block == 4 ? 0 : block == 8 ? 1 : 2; }

void ferry_resize_init(ferry_resize_functions *functions, uint32_t features);

#define FERRY_KERNEL_SET(set, need) void ferry_resize_init_##set(ferry_resize_functions *functions);
#include "kernels/sets.def"

#endif
