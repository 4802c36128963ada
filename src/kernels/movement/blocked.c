/* SPDX-License-Identifier: Apache-2.0 */
/* Between plain and blocked layouts: a block is the transpose of its channels' planes. */
#include <string.h>

#include "kernels/movement/movement.h"

enum { FOUR_BYTES = 2 };

void ferry_to_blocked(const ferry_movement_table *table, void *blocked, const void *plain, int64_t plane, int64_t pixels,
                      int channels, int block) {
    table->transpose[FOUR_BYTES](blocked, block, plain, plane, channels, pixels);
    if (channels < block) ferry_zero_tail(blocked, pixels, channels, block);
}

void ferry_from_blocked(const ferry_movement_table *table, void *plain, const void *blocked, int64_t plane, int64_t pixels,
                        int channels, int block) {
    table->transpose[FOUR_BYTES](plain, plane, blocked, block, pixels, channels);
}

void ferry_reblock(float *out, const float *in, int64_t pixels, int64_t channels, int64_t index, int out_block, int in_block) {
    int part = out_block < in_block ? out_block : in_block;
    for (int lane = 0; lane < out_block; lane += part) {
        int64_t channel = index * out_block + lane;
        bool present = channel / in_block < (channels + in_block - 1) / in_block;
        const float *from = present ? in + channel / in_block * in_block * pixels + channel % in_block : NULL;
        for (int64_t p = 0; p < pixels; p++) {
            float *to = out + p * out_block + lane;
            if (present)
                memcpy(to, from + p * in_block, (size_t)part * sizeof *to);
            else
                memset(to, 0, (size_t)part * sizeof *to);
        }
    }
}

void ferry_zero_tail(float *blocked, int64_t pixels, int channels, int block) {
    for (int64_t p = 0; p < pixels; p++)
        for (int lane = channels; lane < block; lane++) blocked[p * block + lane] = 0.0f;
}
