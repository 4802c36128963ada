/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels under detection heads and non-maximum suppression. Most are written once in generic.inc, in loops that compilers turn
 * into vectors, and compiled once an instruction set; results are the same to the bit everywhere. No allocation. NaN never
 * wins. */
#ifndef FERRY_KERNELS_DETECT_DETECT_H
#define FERRY_KERNELS_DETECT_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes the indices i with values[i * stride] > threshold, ascending; returns how many. `indices` holds `count`. */
typedef int ferry_detect_above_fn(const float *values, int count, ptrdiff_t stride, float threshold, int32_t *indices);
/* The greatest values[i] * scale and the first index that has it; -infinity and 0 when there is none. */
typedef float ferry_detect_row_max_fn(const float *values, int count, float scale, int32_t *index);
/* For each of `count` columns the greatest of `rows` values (row r at values + r * stride) and its first row. */
typedef void ferry_detect_column_max_fn(const float *values, ptrdiff_t stride, int rows, int count, float *best,
                                        int32_t *index);

/* Boxes already kept, by coordinate. */
typedef struct ferry_detect_boxes {
    float *x0, *y0, *x1, *y1, *area;
    int count;
} ferry_detect_boxes;

/* Whether box (x0 y0 x1 y1, of `area`) overlaps any of `boxes` by an intersection over union above `threshold`. `extra` is
 * added to widths and heights of intersections: 0, or 1 where coordinates count pixels inclusively (areas made likewise). */
typedef bool ferry_detect_overlaps_fn(const float box[4], float area, const ferry_detect_boxes *boxes, float threshold,
                                      float extra);

typedef struct ferry_detect_kernels {
    ferry_detect_above_fn *above;
    ferry_detect_row_max_fn *row_max;
    ferry_detect_column_max_fn *column_max;
    ferry_detect_overlaps_fn *overlaps;
} ferry_detect_kernels;

#define FERRY_DETECT_SET(suffix, features)                                                                                     \
    ferry_detect_above_fn ferry_detect_above_##suffix;                                                                         \
    ferry_detect_row_max_fn ferry_detect_row_max_##suffix;                                                                     \
    ferry_detect_column_max_fn ferry_detect_column_max_##suffix;                                                               \
    ferry_detect_overlaps_fn ferry_detect_overlaps_##suffix;
#include "kernels/detect/detect.def"
#undef FERRY_DETECT_SET

/* The best kernels for a machine with `features` (base/cpu.h). */
void ferry_detect_select(uint32_t features, ferry_detect_kernels *kernels);

#endif
