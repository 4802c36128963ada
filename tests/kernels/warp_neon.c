/* SPDX-License-Identifier: Apache-2.0 */
/* The NEON kernels of the warp family, over SIMDe's emulation, against plain C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FERRY_EMULATE_NEON 1
#include "kernels/warp/arm_neon.c"

static uint32_t random_state = 3;
static uint32_t random_bits(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

enum { COUNT = 3 * FERRY_WARP_PAD };

static void vertical_and_yuv(void **state) {
    (void)state;
    int16_t in[6][COUNT];
    uint8_t expected[3][COUNT], got[3][COUNT];
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 6 * COUNT; i++)
            in[i / COUNT][i % COUNT] = (int16_t)(random_bits() % 5 ? random_bits() % 32641 : random_bits() % 2 ? 32640 : 0);
        const int16_t b = (int16_t)(round % 7 ? random_bits() % 2049 : 2048), c0 = (int16_t)(random_bits() % 2049);
        const int16_t weights[2] = {b, (int16_t)(2048 - b)};
        ferry_warp_yuv_rows rows = {.row0 = {in[0], in[1], in[2]},
                                    .row1 = {in[3], in[4], in[5]},
                                    .luma_weights = {weights[0], weights[1]},
                                    .chroma_weights = {c0, (int16_t)(2048 - c0)},
                                    .count = COUNT};
        ferry_warp_colors colors;
        ferry_warp_fill_colors((ferry_color_matrix)(1 + round % 3), (ferry_color_range)(1 + round % 2), &colors);
        ferry_warp_vertical_ref(in[0], in[1], weights, COUNT, expected[0]);
        ferry_warp_vertical_neon(in[0], in[1], weights, COUNT, got[0]);
        assert_memory_equal(expected[0], got[0], COUNT);
        for (int c = 0; c < 3; c++) rows.out[c] = expected[c];
        ferry_warp_yuv_ref(&colors, &rows);
        for (int c = 0; c < 3; c++) rows.out[c] = got[c];
        ferry_warp_yuv_neon(&colors, &rows);
        assert_memory_equal(expected, got, sizeof got);
    }
}

static void store(void **state) {
    (void)state;
    for (int count = 0; count < 40; count++)
        for (int step = 1; step < 4; step++) {
            const ferry_warp_normalization normalization = {.divisor = 255, .mean = 0.485f, .deviation = 0.229f};
            ferry_warp_scale scale;
            ferry_warp_fill_scale(&normalization, FERRY_WARP_F32, &scale);
            uint8_t row[40];
            float expected[120] = {0}, got[120] = {0};
            for (int i = 0; i < 40; i++) row[i] = (uint8_t)random_bits();
            ferry_warp_store_f32_ref(&scale, row, count, expected, step);
            ferry_warp_store_f32_neon(&scale, row, count, got, step);
            assert_memory_equal(expected, got, sizeof got);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(vertical_and_yuv), cmocka_unit_test(store)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
