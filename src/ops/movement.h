/* SPDX-License-Identifier: Apache-2.0 */
/* Moving elements without looking at them: any element type as blocks of bytes. For src/ops only. */
#ifndef FERRY_OPS_MOVEMENT_H
#define FERRY_OPS_MOVEMENT_H

#include "ops/rules.h"

/* A tensor's elements, `size` bytes each; 4- and 2-bit elements take a byte of their own here. */
typedef struct ferry_elements {
    size_t size;
    int64_t count;
    unsigned char *data;
} ferry_elements;

/* Read: the tensor's own memory, unpacked to scratch where needed. */
ferry_status ferry_elements_of(ferry_evaluation *evaluation, const ferry_tensor *tensor, ferry_elements *elements);
/* Write: where to put the elements of an output, then store them (packs, and gives strings memory of their own). */
ferry_status ferry_elements_for(ferry_evaluation *evaluation, const ferry_tensor *tensor, ferry_elements *elements);
ferry_status ferry_elements_store(ferry_evaluation *evaluation, const ferry_tensor *tensor, const ferry_elements *elements);

/* A block of elements on both sides. Strides in elements; an in stride may be 0 or negative. */
enum { FERRY_BLOCK_RANK = 2 * FERRY_MAX_RANK };
typedef struct ferry_block {
    int rank;
    int64_t dims[FERRY_BLOCK_RANK], in_strides[FERRY_BLOCK_RANK], out_strides[FERRY_BLOCK_RANK];
} ferry_block;
void ferry_block_copy(const ferry_block *block, const unsigned char *in, unsigned char *out, size_t size);
/* Appends a dimension. */
static inline void ferry_block_add(ferry_block *block, int64_t dim, int64_t in_stride, int64_t out_stride) {
    block->dims[block->rank] = dim;
    block->in_strides[block->rank] = in_stride;
    block->out_strides[block->rank++] = out_stride;
}

/* Reads input `index` (int32, int64 ...) and turns it into [0, limit) with negative values counting from the end; an index
 * outside is FERRY_ERROR_INVALID_ARGUMENT "Gather: index 7 is outside -5 to 4". */
ferry_status ferry_normalize_index(ferry_evaluation *evaluation, int64_t index, int64_t limit, int64_t *result);

/* Output 0 has the elements of input 0 in the same order: carries known `values` along when the output's rank is 0 or 1. */
ferry_status ferry_values_carry(ferry_inference *inference);

#endif
