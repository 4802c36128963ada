/* SPDX-License-Identifier: Apache-2.0 */
/* Transposes in plain C, by tiles so that both sides stay in cache, and their dispatch. */
#include "kernels/movement/elements.h"
#include "kernels/movement/movement.h"

enum { TILE = 16 };

#define TRANSPOSE(type, name)                                                                                                  \
    static void name##_tile(type *out, int64_t out_stride, const type *in, int64_t in_stride, int64_t rows, int64_t columns) { \
        for (int64_t c = 0; c < columns; c++)                                                                                  \
            for (int64_t r = 0; r < rows; r++) out[c * out_stride + r] = in[r * in_stride + c];                                \
    }                                                                                                                          \
    static void name(void *out, int64_t out_stride, const void *in, int64_t in_stride, int64_t rows, int64_t columns) {        \
        type *to = out;                                                                                                        \
        const type *from = in;                                                                                                 \
        for (int64_t c = 0; c < columns; c += TILE)                                                                            \
            for (int64_t r = 0; r < rows; r += TILE)                                                                           \
                name##_tile(to + c * out_stride + r, out_stride, from + r * in_stride + c, in_stride,                          \
                            rows - r < TILE ? rows - r : TILE, columns - c < TILE ? columns - c : TILE);                       \
    }

TRANSPOSE(bytes1, transpose_1)
TRANSPOSE(bytes2, transpose_2)
TRANSPOSE(bytes4, transpose_4)
TRANSPOSE(bytes8, transpose_8)
TRANSPOSE(bytes16, transpose_16)

void ferry_movement_init(ferry_movement_table *table, uint32_t features) {
    (void)features;
    *table = (ferry_movement_table){{transpose_1, transpose_2, transpose_4, transpose_8, transpose_16}};
#define FERRY_KERNEL_SET(set, need)                                                                                            \
    if ((features & (need)) == (need)) ferry_movement_init_##set(table);
#include "kernels/sets.def"
}
