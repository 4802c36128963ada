/* SPDX-License-Identifier: Apache-2.0 */
/* Heads one value at a time, and their dispatch. */
#include <math.h>

#include "kernels/head/head.h"

static void run(const ferry_head *head, float *out, const float *in, int64_t anchor, int64_t first, int64_t last) {
    for (int64_t pixel = first; pixel < last; pixel++) {
        float *row = out + (anchor * head->pixels + pixel) * head->values;
        for (int64_t k = 0; k < head->values; k++) {
            int64_t channel = anchor * head->values + k;
            double x = (double)in[(channel / head->block * head->pixels + pixel) * head->block + channel % head->block];
            row[k] = (float)(1.0 / (1.0 + exp(-x)));
        }
        ferry_head_boxes(head, row, anchor, pixel);
    }
}

void ferry_head_init(ferry_head_table *table, uint32_t features) {
    (void)features;
    *table = (ferry_head_table){{run, run, run}};
#define FERRY_KERNEL_SET(set, need)                                                                                            \
    if ((features & (need)) == (need)) ferry_head_init_##set(table);
#include "kernels/sets.def"
}
