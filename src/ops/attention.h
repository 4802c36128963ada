/* SPDX-License-Identifier: Apache-2.0 */
/* Heads: attention operators take batch x heads x length x size, or the same with heads folded into the last dimension. */
#ifndef FERRY_OPS_ATTENTION_H
#define FERRY_OPS_ATTENTION_H

#include "ops/support.h"

/* Where element (batch, head, step, i) of a rank-4 or folded rank-3 tensor lies: the sum of the products with these strides. */
typedef struct ferry_heads {
    int64_t batch, heads, steps, size;
    int64_t batch_stride, head_stride, step_stride;
} ferry_heads;

/* heads: of a rank-3 tensor, from an attribute. False when its last dimension cannot be split so. */
static inline bool ferry_heads_of(const ferry_shape *shape, int64_t heads, ferry_heads *result) {
    if (shape->rank == 4) {
        int64_t steps = shape->dims[2], size = shape->dims[3];
        *result = (ferry_heads){shape->dims[0], shape->dims[1], steps, size, shape->dims[1] * steps * size, steps * size, size};
        return true;
    }
    if (shape->rank != 3 || heads < 1 || shape->dims[2] % heads) return false;
    int64_t steps = shape->dims[1], width = shape->dims[2], size = width / heads;
    *result = (ferry_heads){shape->dims[0], heads, steps, size, steps * width, size, width};
    return true;
}

static inline int64_t ferry_heads_row(const ferry_heads *heads, int64_t batch, int64_t head, int64_t step) {
    return batch * heads->batch_stride + head * heads->head_stride + step * heads->step_stride;
}

/* Probabilities from scores, in place; a row that is wholly -infinity becomes 0. */
void ferry_softmax_row(double *row, int64_t count);

#endif
