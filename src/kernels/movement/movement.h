/* SPDX-License-Identifier: Apache-2.0 */
/* Moving elements of any size without computing: strided copies (transpose, slice, concat, split, expand, tile,
 * depth-to-space), padding, gathering, and changes between plain and blocked layouts. */
#ifndef FERRY_KERNELS_MOVEMENT_MOVEMENT_H
#define FERRY_KERNELS_MOVEMENT_MOVEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

/* out[c * out_stride + r] = in[r * in_stride + c] for r in [0, rows), c in [0, columns); strides in elements. */
typedef void (*ferry_transpose_function)(void *out, int64_t out_stride, const void *in, int64_t in_stride, int64_t rows,
                                         int64_t columns);

/* For elements of 1, 2, 4, 8 and 16 bytes: index is the logarithm. */
typedef struct ferry_movement_table {
    ferry_transpose_function transpose[5];
} ferry_movement_table;

void ferry_movement_init(ferry_movement_table *table, uint32_t features);

#define FERRY_KERNEL_SET(set, need) void ferry_movement_init_##set(ferry_movement_table *table);
#include "kernels/sets.def"

/* ---- strided copies ---- */

enum { FERRY_MOVE_RANK = 16 };

/* A copy of a box of elements: out[sum c_i out_i] = in[sum c_i in_i] for all coordinates c. Strides count elements and may be
 * negative or, for the input, 0. */
typedef struct ferry_move {
    size_t element; /* bytes: 1, 2, 4, 8, 16, or any number for rows that are contiguous on both sides */
    int rank;       /* at least 1 after ferry_move_make */
    int64_t dims[FERRY_MOVE_RANK], in[FERRY_MOVE_RANK], out[FERRY_MOVE_RANK];
    int64_t rows;    /* product of all dims but the last: the unit in which the copy is split over threads */
    bool transposes; /* the last two dimensions are (contiguous in the input, contiguous in the output) */
} ferry_move;

/* Drops dimensions of 1, merges what can be walked as one, widens elements where short runs are contiguous on both sides, and
 * orders the loops. element is 1, 2, 4, 8 or 16; rank at most FERRY_MOVE_RANK. Distinct coordinates must write distinct
 * elements. */
void ferry_move_make(ferry_move *move, size_t element, int rank, const int64_t *dims, const int64_t *in_strides,
                     const int64_t *out_strides);
/* Copies the rows [first, last) of move->rows. in and out point at the elements of coordinates 0, and do not overlap. */
void ferry_move_run(const ferry_movement_table *table, const ferry_move *move, void *out, const void *in, int64_t first,
                    int64_t last);

/* ---- padding ---- */

typedef enum ferry_padding_mode {
    FERRY_PADDING_CONSTANT,
    FERRY_PADDING_EDGE,
    FERRY_PADDING_REFLECT,
    FERRY_PADDING_WRAP
} ferry_padding_mode;

enum { FERRY_PADDING_RANK = 8 };

/* A negative `before` (or an output smaller than before + input) crops. Modes other than CONSTANT need an input without zero
 * dimensions where the output has elements; REFLECT repeats its mirror as often as needed. */
typedef struct ferry_padding {
    ferry_padding_mode mode;
    size_t element; /* bytes: 1, 2, 4, 8, 16 */
    int rank;       /* at least 1 */
    int64_t input[FERRY_PADDING_RANK], output[FERRY_PADDING_RANK], before[FERRY_PADDING_RANK];
    unsigned char value[16]; /* of CONSTANT: one element */
} ferry_padding;

/* Writes output rows [first, last) of the product of all output dims but the last. Both tensors are row-major. */
void ferry_padding_run(const ferry_padding *padding, void *out, const void *in, int64_t first, int64_t last);

/* ---- gathering along an axis ---- */

/* Input [outer, axis, inner], output [outer, count, inner], of `inner_bytes` a slice. Indices are 32- or 64-bit, negative ones
 * count from the end. */
typedef struct ferry_gather {
    int64_t axis, count;
    size_t inner_bytes;
    const void *indices;
    bool wide; /* int64 rather than int32 */
} ferry_gather;

/* The position of the first index outside [-axis, axis), or -1. To be asked before ferry_gather_run. */
int64_t ferry_gather_check(const ferry_gather *gather);
/* Writes the slices [first, last) of outer*count. */
void ferry_gather_run(const ferry_gather *gather, void *out, const void *in, int64_t first, int64_t last);

/* ---- blocked layouts ---- */

/* Elements of 4 bytes. Moves `pixels` pixels of one channel block. Plain side: channel c at plain + c * plane (plane: elements
 * from a channel to the next). Blocked side: pixel p at blocked + p * block. channels <= block of the block are real: the
 * others are written as 0 by to_blocked and skipped by from_blocked. */
void ferry_to_blocked(const ferry_movement_table *table, void *blocked, const void *plain, int64_t plane, int64_t pixels,
                      int channels, int block);
void ferry_from_blocked(const ferry_movement_table *table, void *plain, const void *blocked, int64_t plane, int64_t pixels,
                        int channels, int block);
/* One block of out_block channels of `pixels` pixels, gathered from or cut out of blocks of in_block: `in` is the picture's
 * first block, `index` the output block's number, channels the picture's. */
void ferry_reblock(float *out, const float *in, int64_t pixels, int64_t channels, int64_t index, int out_block, int in_block);
/* Sets the channels from `channels` (1 .. block) on to zero in `pixels` pixels of a block. */
void ferry_zero_tail(float *blocked, int64_t pixels, int channels, int block);

#endif
