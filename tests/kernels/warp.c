/* SPDX-License-Identifier: Apache-2.0 */
/* Every vector kernel of the warp and detect families against plain C, bit for bit: odd sizes, extreme values, memory of
 * exactly the size that the contract names (the address sanitizer guards its ends). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "kernels/detect/detect.h"
#include "kernels/warp/warp.h"

static uint32_t random_state = 3;
static uint32_t random_bits(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* Each bit of the machine's features alone, and all together. */
static int masks(uint32_t list[33]) {
    int count = 0;
    for (int bit = 0; bit < 32; bit++)
        if (ferry_cpu_features() >> bit & 1) list[count++] = 1u << bit;
    list[count++] = ferry_cpu_features();
    return count;
}

/* --- horizontal ---------------------------------------------------------------------------------------------------------- */

static const struct layout {
    int step, components, offset[3], shift;
    bool wide;
} layouts[] = {
    {1, 1, {0}, 0, false},    {3, 3, {0, 1, 2}, 0, false}, {3, 3, {2, 1, 0}, 0, false}, {4, 3, {0, 1, 2}, 0, false},
    {2, 2, {0, 1}, 1, false}, {2, 2, {1, 0}, 1, false},    {1, 1, {0}, 1, false},       {2, 1, {0}, 0, false},
    {4, 2, {1, 3}, 1, false}, {2, 1, {0}, 0, true},        {4, 2, {0, 2}, 1, true},
};

static void check_horizontal(const struct layout *layout, int source, int target, int begin, int count) {
    const int padded = (count + FERRY_WARP_PAD - 1) / FERRY_WARP_PAD * FERRY_WARP_PAD;
    const int row_bytes = ((source + layout->shift) >> layout->shift) * layout->step;
    int32_t *first = calloc((size_t)padded, 4), *second = calloc((size_t)padded, 4), *base = calloc((size_t)padded, 4);
    int16_t *weights = calloc((size_t)padded, 4);
    uint8_t *group_masks = aligned_alloc(64, (size_t)padded * 16), *row = malloc((size_t)row_bytes);
    for (int i = 0; i < row_bytes; i++) row[i] = random_bits() % 4 ? (uint8_t)random_bits() : random_bits() % 2 ? 255 : 0;
    ferry_warp_fill_taps(source, target, begin, count, padded, false, first, second, weights);
    if (layout->shift) ferry_warp_halve_taps(padded, first, second, weights);
    ferry_warp_columns columns = {.count = count,
                                  .padded = padded,
                                  .step = layout->step,
                                  .components = layout->components,
                                  .offset = {layout->offset[0], layout->offset[1], layout->offset[2]},
                                  .wide = layout->wide,
                                  .first = first,
                                  .second = second,
                                  .weights = weights};
    const bool grouped = ferry_warp_fill_groups(&columns, row_bytes, base, group_masks);
    int16_t *expected[3], *got[3];
    for (int c = 0; c < 3; c++) expected[c] = malloc((size_t)padded * 2), got[c] = malloc((size_t)padded * 2);
    ferry_warp_horizontal_ref(&columns, row, expected);
    uint32_t list[33];
    for (int m = masks(list) - 1; m >= 0; m--) {
        ferry_warp_kernels kernels;
        ferry_warp_select(list[m], &kernels);
        for (int form = 0; form < 2; form++) {
            ferry_warp_horizontal_fn *kernel = form ? kernels.horizontal_group : kernels.horizontal;
            if (!kernel || (form && !grouped)) continue;
            for (int c = 0; c < layout->components; c++) memset(got[c], 0x5a, (size_t)padded * 2);
            kernel(&columns, row, got);
            for (int c = 0; c < layout->components; c++)
                if (memcmp(expected[c], got[c], (size_t)count * 2) != 0)
                    fail_msg("mask %x, form %d, step %d: %d to %d differs", list[m], form, layout->step, source, target);
        }
    }
    for (int c = 0; c < 3; c++) free(expected[c]), free(got[c]);
    free(first), free(second), free(base), free(weights), free(group_masks), free(row);
}

static void horizontal(void **state) {
    (void)state;
    static const int sizes[] = {1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 40, 100, 333};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++)
        for (int s = 0; s < SIZES; s++)
            for (int t = 0; t < SIZES; t++) {
                check_horizontal(&layouts[l], sizes[s], sizes[t], 0, sizes[t]);
                if (sizes[t] > 4) check_horizontal(&layouts[l], sizes[s], sizes[t], sizes[t] / 4, sizes[t] / 2);
            }
}

/* --- vertical, colour, store -------------------------------------------------------------------------------------------------
 */

static int16_t *h_row(int count) {
    int16_t *row = malloc((size_t)count * 2);
    for (int i = 0; i < count; i++)
        row[i] = (int16_t)(random_bits() % 5 ? random_bits() % 32641 : random_bits() % 2 ? 32640 : 0);
    return row;
}

static void vertical_and_yuv(void **state) {
    (void)state;
    uint32_t list[33];
    const int mask_count = masks(list);
    for (int round = 0; round < 60; round++) {
        const int count = FERRY_WARP_PAD * (1 + round % 5);
        const int16_t b0 = (int16_t)(round % 7 ? random_bits() % 2049 : 2048), c0 = (int16_t)(random_bits() % 2049);
        int16_t *in[6];
        uint8_t *expected[3], *got[3];
        for (int i = 0; i < 6; i++) in[i] = h_row(count);
        for (int c = 0; c < 3; c++) expected[c] = malloc((size_t)count), got[c] = malloc((size_t)count);
        const int16_t weights[2] = {b0, (int16_t)(2048 - b0)};
        ferry_warp_yuv_rows rows = {.row0 = {in[0], in[1], in[2]},
                                    .row1 = {in[3], in[4], in[5]},
                                    .luma_weights = {weights[0], weights[1]},
                                    .chroma_weights = {c0, (int16_t)(2048 - c0)},
                                    .count = count};
        ferry_warp_colors colors;
        ferry_warp_fill_colors((ferry_color_matrix)(1 + round % 3), (ferry_color_range)(1 + round % 2), &colors);
        for (int m = 0; m < mask_count; m++) {
            ferry_warp_kernels kernels;
            ferry_warp_select(list[m], &kernels);
            ferry_warp_vertical_ref(in[0], in[1], weights, count, expected[0]);
            kernels.vertical(in[0], in[1], weights, count, got[0]);
            assert_memory_equal(expected[0], got[0], (size_t)count);
            for (int c = 0; c < 3; c++) rows.out[c] = expected[c];
            ferry_warp_yuv_ref(&colors, &rows);
            for (int c = 0; c < 3; c++) rows.out[c] = got[c];
            kernels.yuv(&colors, &rows);
            for (int c = 0; c < 3; c++) assert_memory_equal(expected[c], got[c], (size_t)count);
        }
        for (int i = 0; i < 6; i++) free(in[i]);
        for (int c = 0; c < 3; c++) free(expected[c]), free(got[c]);
    }
}

static void store(void **state) {
    (void)state;
    uint32_t list[33];
    const int mask_count = masks(list);
    for (int count = 0; count < 70; count++)
        for (int step = 1; step < 4; step++) {
            const ferry_warp_normalization normalization = {
                .divisor = count % 2 ? 255 : 1, .mean = count % 3 ? 0.485f : 0, .deviation = count % 3 ? 0.229f : 1};
            ferry_warp_scale scale;
            ferry_warp_fill_scale(&normalization, FERRY_WARP_F32, &scale);
            uint8_t *row = malloc((size_t)count + 1);
            for (int i = 0; i < count; i++) row[i] = (uint8_t)random_bits();
            const size_t bytes = count ? ((size_t)(count - 1) * (size_t)step + 1) * sizeof(float) : 1;
            float *expected = calloc(1, bytes), *got = calloc(1, bytes);
            ferry_warp_store_f32_ref(&scale, row, count, expected, step);
            for (int m = 0; m < mask_count; m++) {
                ferry_warp_kernels kernels;
                ferry_warp_select(list[m], &kernels);
                kernels.store_f32(&scale, row, count, got, step);
                assert_memory_equal(expected, got, bytes);
            }
            free(row), free(expected), free(got);
        }
}

/* --- detect ----------------------------------------------------------------------------------------------------------------
 */

static float score(void) {
    const uint32_t kind = random_bits() % 20;
    return kind == 0 ? NAN : kind == 1 ? 1.0f : kind == 2 ? -INFINITY : (float)(random_bits() % 64) / 64;
}

static void maxima(void **state) {
    (void)state;
    uint32_t list[33];
    const int mask_count = masks(list);
    for (int count = 0; count < 300; count += 1 + count / 9) {
        float *values = malloc(((size_t)count * 7 + 1) * sizeof *values);
        for (int i = 0; i < 7 * count; i++) values[i] = score();
        float *best = malloc(((size_t)count + 1) * sizeof *best), *other = malloc(((size_t)count + 1) * sizeof *other);
        int32_t *index = calloc((size_t)count + 1, 4), *other_index = calloc((size_t)count + 1, 4);
        for (int m = 0; m < mask_count; m++) {
            ferry_detect_kernels kernels;
            ferry_detect_select(list[m], &kernels);
            int32_t a, b;
            assert_true(ferry_detect_row_max_ref(values, count, 0.7f, &a) == kernels.row_max(values, count, 0.7f, &b));
            assert_int_equal(a, b);
            ferry_detect_column_max_ref(values, count, 7, count, best, index);
            kernels.column_max(values, count, 7, count, other, other_index);
            assert_memory_equal(best, other, (size_t)count * sizeof *best);
            assert_memory_equal(index, other_index, (size_t)count * 4);
            for (int i = 0; i < count; i++) { /* the definition */
                float top = -INFINITY;
                int32_t row = 0;
                for (int r = 0; r < 7; r++)
                    if (values[r * count + i] > top) top = values[r * count + i], row = r;
                assert_true(best[i] == top && index[i] == row);
            }
            const int found = ferry_detect_above_ref(values, count, 7, 0.5f, index);
            assert_int_equal(found, kernels.above(values, count, 7, 0.5f, other_index));
            assert_memory_equal(index, other_index, (size_t)found * 4);
            for (int i = 0, next = 0; i < count; i++)
                if (values[7 * i] > 0.5f) assert_int_equal(index[next++], i);
        }
        free(values), free(best), free(other), free(index), free(other_index);
    }
}

static void overlaps(void **state) {
    (void)state;
    uint32_t list[33];
    const int mask_count = masks(list);
    for (int count = 0; count < 60; count++) {
        float *rows[5];
        for (int k = 0; k < 5; k++) rows[k] = malloc((size_t)count * sizeof(float) + 1);
        for (int i = 0; i < count; i++) {
            rows[0][i] = (float)(random_bits() % 500), rows[1][i] = (float)(random_bits() % 500);
            rows[2][i] = rows[0][i] + (float)(random_bits() % 90), rows[3][i] = rows[1][i] + (float)(random_bits() % 90);
            rows[4][i] = (rows[2][i] - rows[0][i]) * (rows[3][i] - rows[1][i]);
        }
        const ferry_detect_boxes boxes = {rows[0], rows[1], rows[2], rows[3], rows[4], count};
        for (int round = 0; round < 50; round++) {
            const float x = (float)(random_bits() % 500), y = (float)(random_bits() % 500), box[4] = {x, y, x + 60, y + 40};
            bool expected = false;
            for (int i = 0; i < count; i++) {
                float w = fmaxf(fminf(box[2], rows[2][i]) - fmaxf(box[0], rows[0][i]), 0);
                float h = fmaxf(fminf(box[3], rows[3][i]) - fmaxf(box[1], rows[1][i]), 0);
                expected = expected || w * h / (rows[4][i] + 2400 - w * h) > 0.1f;
            }
            for (int m = 0; m < mask_count; m++) {
                ferry_detect_kernels kernels;
                ferry_detect_select(list[m], &kernels);
                assert_int_equal(kernels.overlaps(box, 2400, &boxes, 0.1f, 0), expected);
            }
        }
        for (int k = 0; k < 5; k++) free(rows[k]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(horizontal), cmocka_unit_test(vertical_and_yuv),
                                       cmocka_unit_test(store), cmocka_unit_test(maxima), cmocka_unit_test(overlaps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
