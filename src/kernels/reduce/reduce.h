/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions of floats along one (collapsed) axis, arguments of extremes, and softmax. */
#ifndef FERRY_KERNELS_REDUCE_REDUCE_H
#define FERRY_KERNELS_REDUCE_REDUCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpu.h"

typedef enum ferry_reduction {
#define FERRY_REDUCTION(name) FERRY_REDUCTION_##name,
#include "kernels/reduce/reduction.def"
#undef FERRY_REDUCTION
    FERRY_REDUCTION_COUNT
} ferry_reduction;

/* The functions of a table see `columns` columns of `count` elements: element i of column j is in[i * stride + j]. A contiguous
 * row is one column of stride 1. No result depends on how columns are split over calls. */

/* out[j] = the reduction of column j. Sums are cascaded (runs of 64 in float, runs added in float): errors grow with the square
 * root of the count, not with the count. count 0 gives the neutral element: 0 for sums, 1 for prod, -infinity for max and
 * log_sum_exp, infinity for min; mean gives NaN. */
typedef void (*ferry_reduce_function)(float *out, const float *in, int64_t count, int64_t stride, int64_t columns);

/* out[j] = the position of the greatest (least) element of column j; of several equal ones the first, or the last. NaN is never
 * chosen unless it comes first. 1 <= count < 2^31. */
typedef void (*ferry_arg_function)(int64_t *out, const float *in, int64_t count, int64_t stride, int64_t columns, bool last);

/* out[i * stride + j] = exp(x - max) / sum, or its logarithm, column by column; out may be in. */
typedef void (*ferry_softmax_function)(float *out, const float *in, int64_t count, int64_t stride, int64_t columns);

/* Short contiguous rows, one behind the other, are turned into columns on the stack, many at a time: `turned` holds
 * FERRY_SHORT_ROWS rows of at most FERRY_SHORT_ROW elements. */
enum { FERRY_SHORT_ROW = 24, FERRY_SHORT_ROWS = 64 };
void ferry_turn_rows(float *turned, const float *rows, int64_t row_count,
                     int64_t count); /* element i of row r to turned[i * row_count + r] */
void ferry_turn_back(float *rows, const float *turned, int64_t row_count, int64_t count);

typedef struct ferry_reduce_table {
    ferry_reduce_function run[FERRY_REDUCTION_COUNT];
    ferry_arg_function arg_max, arg_min;
    ferry_softmax_function softmax, log_softmax;
} ferry_reduce_table;

void ferry_reduce_init(ferry_reduce_table *table, uint32_t features);

#define FERRY_KERNEL_SET(set, need) void ferry_reduce_init_##set(ferry_reduce_table *table);
#include "kernels/sets.def"

#endif
