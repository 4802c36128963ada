/* SPDX-License-Identifier: Apache-2.0 */
/* The last step of anchor-based detectors (YOLOv3 to v7): from the channels of a blocked convolution output straight to rows of
 * (x, y, w, h, objectness, classes ...), with sigmoid and the arithmetic of boxes on the way. */
#ifndef FERRY_KERNELS_HEAD_HEAD_H
#define FERRY_KERNELS_HEAD_HEAD_H

#include <stdint.h>

#include "base/cpu.h"

/* One picture: input [ceil(anchors*values/block)][pixels][block], output [anchors][pixels][values]. Value k of a row is s =
 * sigmoid(x), and for k < boxes it becomes (c2*s + c1)*s + c0, the coefficients lying in `coefficients`
 * [anchors][pixels][3][boxes] in the order c0, c1, c2. 0 <= boxes <= values. */
typedef struct ferry_head {
    int64_t anchors, values, boxes, pixels;
    int block;
    const float *coefficients;
} ferry_head;

/* Writes the rows of pixels [first, last) of one anchor. */
typedef void (*ferry_head_function)(const ferry_head *head, float *out, const float *in, int64_t anchor, int64_t first,
                                    int64_t last);

/* For c4, c8 and c16. */
typedef struct ferry_head_table {
    ferry_head_function run[3];
} ferry_head_table;

static inline int ferry_head_block_index(int block) { return block == 4 ? 0 : block == 8 ? 1 : 2; }

void ferry_head_init(ferry_head_table *table, uint32_t features);

#define FERRY_KERNEL_SET(set, need) void ferry_head_init_##set(ferry_head_table *table);
#include "kernels/sets.def"

/* The arithmetic of one row's boxes, after the sigmoid. */
static inline void ferry_head_boxes(const ferry_head *head, float *row, int64_t anchor, int64_t pixel) {
    const float *c = head->coefficients + (anchor * head->pixels + pixel) * 3 * head->boxes;
    for (int64_t k = 0; k < head->boxes; k++) row[k] = (c[2 * head->boxes + k] * row[k] + c[head->boxes + k]) * row[k] + c[k];
}

#endif
