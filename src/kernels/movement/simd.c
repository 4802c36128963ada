/* SPDX-License-Identifier: Apache-2.0 */
/* Transposes of 4-byte elements by square tiles in registers; compiled once an instruction set. The shuffles are the compiler's
 * vector extension (GCC 12, clang), which every set maps to its own unpack instructions. */
#include "kernels/movement/elements.h"
#include "kernels/movement/movement.h"
#include "kernels/vector/vector.h"

typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));
typedef float oct __attribute__((vector_size(32), aligned(4), may_alias));

#if FERRY_VEC >= 8
enum { SIDE = 8 };

FERRY_INLINE oct low(oct a, oct b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13); }
FERRY_INLINE oct high(oct a, oct b) { return __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15); }
FERRY_INLINE oct low_pairs(oct a, oct b) { return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13); }
FERRY_INLINE oct high_pairs(oct a, oct b) { return __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15); }
FERRY_INLINE oct low_half(oct a, oct b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11); }
FERRY_INLINE oct high_half(oct a, oct b) { return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15); }
#define ROW(r) (*(const oct *)(in + (r)*in_stride))
#define COLUMN(c) (*(oct *)(out + (c)*out_stride))

FERRY_INLINE void square(float *out, int64_t out_stride, const float *in, int64_t in_stride) {
    oct a0 = low(ROW(0), ROW(1)), a1 = high(ROW(0), ROW(1)), a2 = low(ROW(2), ROW(3)), a3 = high(ROW(2), ROW(3));
    oct a4 = low(ROW(4), ROW(5)), a5 = high(ROW(4), ROW(5)), a6 = low(ROW(6), ROW(7)), a7 = high(ROW(6), ROW(7));
    oct b0 = low_pairs(a0, a2), b1 = high_pairs(a0, a2), b2 = low_pairs(a1, a3), b3 = high_pairs(a1, a3);
    oct b4 = low_pairs(a4, a6), b5 = high_pairs(a4, a6), b6 = low_pairs(a5, a7), b7 = high_pairs(a5, a7);
    COLUMN(0) = low_half(b0, b4), COLUMN(1) = low_half(b1, b5), COLUMN(2) = low_half(b2, b6), COLUMN(3) = low_half(b3, b7);
    COLUMN(4) = high_half(b0, b4), COLUMN(5) = high_half(b1, b5), COLUMN(6) = high_half(b2, b6), COLUMN(7) = high_half(b3, b7);
}
#else
enum { SIDE = 4 };
#define ROW(r) (*(const quad *)(in + (r)*in_stride))
#define COLUMN(c) (*(quad *)(out + (c)*out_stride))

FERRY_INLINE void square(float *out, int64_t out_stride, const float *in, int64_t in_stride) {
    quad a0 = __builtin_shufflevector(ROW(0), ROW(1), 0, 4, 1, 5), a1 = __builtin_shufflevector(ROW(0), ROW(1), 2, 6, 3, 7);
    quad a2 = __builtin_shufflevector(ROW(2), ROW(3), 0, 4, 1, 5), a3 = __builtin_shufflevector(ROW(2), ROW(3), 2, 6, 3, 7);
    COLUMN(0) = __builtin_shufflevector(a0, a2, 0, 1, 4, 5), COLUMN(1) = __builtin_shufflevector(a0, a2, 2, 3, 6, 7);
    COLUMN(2) = __builtin_shufflevector(a1, a3, 0, 1, 4, 5), COLUMN(3) = __builtin_shufflevector(a1, a3, 2, 3, 6, 7);
}
#endif

static void border(float *out_data, int64_t out_stride, const float *in_data, int64_t in_stride, int64_t rows,
                   int64_t columns) {
    bytes4 *out = (bytes4 *)out_data;
    const bytes4 *in = (const bytes4 *)in_data;
    for (int64_t c = 0; c < columns; c++)
        for (int64_t r = 0; r < rows; r++) out[c * out_stride + r] = in[r * in_stride + c];
}

/* Along the output's rows first when the input is narrow (a channel block), so that writes stay sequential on the longer side.
 */
static void transpose_4(void *out_data, int64_t out_stride, const void *in_data, int64_t in_stride, int64_t rows,
                        int64_t columns) {
    enum { STRIPE = 64 }; /* rows taken together: their cache lines are used up before they are pushed out */
    float *out = out_data;
    const float *in = in_data;
    for (int64_t stripe = 0; stripe < rows; stripe += STRIPE) {
        int64_t stop = rows - stripe < STRIPE ? rows : stripe + STRIPE, whole = stripe + (stop - stripe) / SIDE * SIDE, c = 0;
        for (; c + 2 * SIDE <= columns; c += 2 * SIDE) { /* two tiles side by side use up the input's cache lines at once */
            for (int64_t r = stripe; r < whole; r += SIDE) {
                square(out + c * out_stride + r, out_stride, in + r * in_stride + c, in_stride);
                square(out + (c + SIDE) * out_stride + r, out_stride, in + r * in_stride + c + SIDE, in_stride);
            }
            border(out + c * out_stride + whole, out_stride, in + whole * in_stride + c, in_stride, stop - whole, 2 * SIDE);
        }
        for (; c + SIDE <= columns; c += SIDE) {
            for (int64_t r = stripe; r < whole; r += SIDE)
                square(out + c * out_stride + r, out_stride, in + r * in_stride + c, in_stride);
            border(out + c * out_stride + whole, out_stride, in + whole * in_stride + c, in_stride, stop - whole, SIDE);
        }
        border(out + c * out_stride + stripe, out_stride, in + stripe * in_stride + c, in_stride, stop - stripe, columns - c);
    }
}

void FERRY_ISA(ferry_movement_init)(ferry_movement_table *table) { table->transpose[2] = transpose_4; }
