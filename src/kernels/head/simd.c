/* SPDX-License-Identifier: Apache-2.0 */
/* Heads on vectors; compiled once an instruction set. A row gathers its values block by block: the first and the last block are
 * shared with the neighbouring anchors, so only their own lanes are read and written. */
#include "kernels/head/head.h"
#include "kernels/vector/math.h"

static void run(const ferry_head *head, float *out, const float *in, int64_t anchor, int64_t first, int64_t last) {
    const int64_t start = anchor * head->values, stop = start + head->values, plane = head->pixels * FERRY_VEC;
    const int64_t first_block = start / FERRY_VEC;
    const int lead = (int)(start % FERRY_VEC); /* lanes of the first block that belong to the anchor before */
    for (int64_t pixel = first; pixel < last; pixel++) {
        float *row = out + (anchor * head->pixels + pixel) * head->values, *to = row;
        const float *from = in + first_block * plane + pixel * FERRY_VEC;
        int64_t channel = start;
        if (lead > 0) {
            int64_t own = FERRY_VEC - lead < head->values ? FERRY_VEC - lead : head->values;
            vec_store_partial(to, vec_sigmoid(vec_load_partial(from + lead, (int)own)), (int)own);
            to += own, channel += own, from += plane;
        }
        for (; channel + FERRY_VEC <= stop; channel += FERRY_VEC, to += FERRY_VEC, from += plane)
            vec_store(to, vec_sigmoid(vec_load(from)));
        if (channel < stop)
            vec_store_partial(to, vec_sigmoid(vec_load_partial(from, (int)(stop - channel))), (int)(stop - channel));
        ferry_head_boxes(head, row, anchor, pixel);
    }
}

void FERRY_ISA(ferry_head_init)(ferry_head_table *table) { table->run[ferry_head_block_index(FERRY_VEC)] = run; }
