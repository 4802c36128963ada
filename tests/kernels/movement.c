/* SPDX-License-Identifier: Apache-2.0 */
/* Movement against element-by-element loops: transposes, boxes with all kinds of strides, padding, gathering, blocked layouts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "kernels/movement/movement.h"

static void fill_bytes(ferry_check_random *random, ferry_check_buffer *b) {
    for (size_t i = 0; i < b->size; i++) b->bytes[i] = (uint8_t)ferry_check_bits(random);
}

static void transposes(void **state) {
    (void)state;
    static const int sizes[] = {1, 2, 3, 4, 7, 8, 9, 16, 17, 63, 65, 130};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {5};
    for (size_t m = 0; m < count; m++)
        for (int i = 0; i < COUNT * COUNT * 5; i++) {
            int rows = sizes[i / 5 % COUNT], columns = sizes[i / 5 / COUNT], gap = i % 3;
            size_t element = (size_t)1 << i % 5, in_stride = (size_t)(columns + gap), out_stride = (size_t)(rows + gap);
            ferry_movement_table table;
            ferry_movement_init(&table, masks[m]);
            ferry_check_buffer in = ferry_check_make((((size_t)rows - 1) * in_stride + (size_t)columns) * element);
            ferry_check_buffer out = ferry_check_make((((size_t)columns - 1) * out_stride + (size_t)rows) * element);
            fill_bytes(&random, &in);
            table.transpose[i % 5](out.data, (int64_t)out_stride, in.data, (int64_t)in_stride, rows, columns);
            for (size_t r = 0; r < (size_t)rows; r++)
                for (size_t c = 0; c < (size_t)columns; c++)
                    assert_memory_equal(out.bytes + (c * out_stride + r) * element, in.bytes + (r * in_stride + c) * element,
                                        element);
            if (gap && columns > 1) assert_int_equal(out.bytes[(size_t)rows * element], 0xCD);
            ferry_check_free(&in, "in");
            ferry_check_free(&out, "out");
        }
}

typedef struct box {
    const char *what;
    size_t element;
    int rank;
    int64_t dims[6], in[6], out[6];
    int64_t in_start, in_elements, out_start, out_elements;
} box;

static const box boxes[] = {
    {"copy", 4, 3, {2, 3, 4}, {12, 4, 1}, {12, 4, 1}, 0, 24, 0, 24},
    {"scalar", 8, 0, {0}, {0}, {0}, 0, 1, 0, 1},
    {"last two swapped", 4, 3, {5, 17, 33}, {561, 1, 17}, {561, 33, 1}, 0, 2805, 0, 2805},
    {"NCHW to NHWC", 4, 4, {2, 9, 10, 11}, {990, 10, 1, 90}, {990, 110, 11, 1}, 0, 1980, 0, 2200},
    {"NHWC to NCHW of 3 bytes", 1, 4, {2, 3, 7, 5}, {105, 1, 15, 3}, {105, 35, 5, 1}, 0, 210, 0, 210},
    {"outer dims swapped", 4, 3, {6, 4, 20}, {20, 120, 1}, {80, 20, 1}, 0, 480, 0, 480},
    {"channel shuffle with pairs", 4, 4, {3, 4, 5, 2}, {10, 30, 2, 1}, {40, 10, 2, 1}, 0, 120, 0, 120},
    {"slice with a step", 2, 2, {4, 5}, {24, 2}, {5, 1}, 3, 100, 0, 20},
    {"reverse", 4, 1, {9}, {-1}, {1}, 8, 9, 0, 9},
    {"reverse rows", 4, 2, {4, 6}, {-6, 1}, {6, 1}, 18, 24, 0, 24},
    {"concat part", 4, 2, {3, 4}, {4, 1}, {10, 1}, 0, 12, 5, 30},
    {"expand inner", 4, 2, {5, 7}, {1, 0}, {7, 1}, 0, 5, 0, 35},
    {"expand outer", 4, 2, {5, 7}, {0, 1}, {7, 1}, 0, 7, 0, 35},
    {"tile", 1, 4, {2, 3, 2, 4}, {0, 4, 0, 1}, {24, 8, 4, 1}, 0, 12, 0, 48},
    {"odd pairs", 4, 2, {5, 2}, {3, 1}, {2, 1}, 1, 16, 0, 10},
    {"depth to space", 4, 6, {1, 2, 2, 2, 3, 4}, {96, 12, 48, 24, 4, 1}, {96, 48, 8, 1, 16, 2}, 0, 96, 0, 96},
    {"16 bytes", 16, 2, {7, 9}, {1, 7}, {9, 1}, 0, 63, 0, 63},
    {"empty", 4, 2, {3, 0}, {1, 1}, {1, 1}, 0, 1, 0, 1},
};

static void check_box(const box *b, uint32_t mask, int parts, ferry_check_random *random) {
    ferry_movement_table table;
    ferry_movement_init(&table, mask);
    ferry_check_buffer in = ferry_check_make((size_t)b->in_elements * b->element);
    ferry_check_buffer out = ferry_check_make((size_t)b->out_elements * b->element);
    ferry_check_buffer expected = ferry_check_make((size_t)b->out_elements * b->element);
    fill_bytes(random, &in);
    int64_t total = 1;
    for (int d = 0; d < b->rank; d++) total *= b->dims[d];
    for (int64_t i = 0; i < total; i++) {
        int64_t rest = i, from = b->in_start, to = b->out_start;
        for (int d = b->rank - 1; d >= 0; d--) {
            from += rest % b->dims[d] * b->in[d];
            to += rest % b->dims[d] * b->out[d];
            rest /= b->dims[d];
        }
        memcpy(expected.bytes + (size_t)to * b->element, in.bytes + (size_t)from * b->element, b->element);
    }
    ferry_move move;
    ferry_move_make(&move, b->element, b->rank, b->dims, b->in, b->out);
    for (int p = 0; p < parts; p++)
        ferry_move_run(&table, &move, out.bytes + (size_t)b->out_start * b->element,
                       in.bytes + (size_t)b->in_start * b->element, move.rows * p / parts, move.rows * (p + 1) / parts);
    if (memcmp(out.data, expected.data, out.size) != 0) fail_msg("%s in %d parts, mask %x", b->what, parts, mask);
    ferry_check_free(&in, "in");
    ferry_check_free(&out, "out");
    ferry_check_free(&expected, "expected");
}

static void strided_copies(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {6};
    for (size_t m = 0; m < count; m++)
        for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++)
            for (int parts = 1; parts <= 3; parts++) check_box(&boxes[i], masks[m], parts, &random);
}

/* Padding of a row of known numbers, written out by hand (numpy.pad's results). */
static void padding_by_hand(void **state) {
    (void)state;
    static const struct {
        ferry_padding_mode mode;
        int64_t before;
        int32_t expected[9];
    } rows[] = {
        {FERRY_PADDING_CONSTANT, 3, {7, 7, 7, 1, 2, 3, 7, 7, 7}},  {FERRY_PADDING_EDGE, 3, {1, 1, 1, 1, 2, 3, 3, 3, 3}},
        {FERRY_PADDING_REFLECT, 3, {2, 3, 2, 1, 2, 3, 2, 1, 2}},   {FERRY_PADDING_WRAP, 3, {1, 2, 3, 1, 2, 3, 1, 2, 3}},
        {FERRY_PADDING_CONSTANT, -1, {2, 3, 7, 7, 7, 7, 7, 7, 7}}, {FERRY_PADDING_EDGE, -2, {3, 3, 3, 3, 3, 3, 3, 3, 3}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int32_t in[3] = {1, 2, 3}, seven = 7;
        int32_t out[9];
        ferry_padding p = {
            .mode = rows[i].mode, .element = 4, .rank = 1, .input = {3}, .output = {9}, .before = {rows[i].before}};
        memcpy(p.value, &seven, sizeof seven);
        ferry_padding_run(&p, out, in, 0, 1);
        assert_memory_equal(out, rows[i].expected, sizeof out);
    }
}

/* In three dimensions every mode must equal padding one axis after the other. */
static void padding_is_separable(void **state) {
    (void)state;
    ferry_check_random random = {8};
    for (int mode = 0; mode < 4; mode++) {
        ferry_padding whole = {.mode = (ferry_padding_mode)mode,
                               .element = 2,
                               .rank = 3,
                               .input = {3, 4, 5},
                               .output = {6, 7, 11},
                               .before = {1, 2, 3},
                               .value = {9, 8}};
        ferry_check_buffer in = ferry_check_make(60 * 2), out = ferry_check_make(6 * 7 * 11 * 2);
        fill_bytes(&random, &in);
        ferry_padding_run(&whole, out.data, in.data, 0, 20);
        ferry_padding_run(&whole, out.data, in.data, 20, 42);
        unsigned char steps[2][6 * 7 * 11 * 2];
        memcpy(steps[0], in.data, in.size);
        for (int axis = 0; axis < 3; axis++) {
            ferry_padding one = whole;
            int64_t rows = 1;
            for (int d = 0; d < 3; d++) {
                one.input[d] = d < axis ? whole.output[d] : whole.input[d];
                one.output[d] = d <= axis ? whole.output[d] : whole.input[d];
                one.before[d] = d == axis ? whole.before[d] : 0;
                if (d < 2) rows *= one.output[d];
            }
            ferry_padding_run(&one, steps[(axis + 1) % 2], steps[axis % 2], 0, rows);
        }
        assert_memory_equal(out.data, steps[1], out.size);
        ferry_check_free(&in, "in");
        ferry_check_free(&out, "out");
    }
}

static void gathering(void **state) {
    (void)state;
    ferry_check_random random = {9};
    const int64_t wide[5] = {2, -1, 0, -3, 2};
    const int32_t narrow[5] = {2, -1, 0, -3, 2};
    static const size_t inner[] = {1, 4, 8, 12, 100};
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
        for (int is_wide = 0; is_wide < 2; is_wide++) {
            ferry_gather g = {.axis = 3,
                              .count = 5,
                              .inner_bytes = inner[i],
                              .indices = is_wide ? (const void *)wide : narrow,
                              .wide = is_wide};
            ferry_check_buffer in = ferry_check_make(2 * 3 * inner[i]), out = ferry_check_make(2 * 5 * inner[i]);
            fill_bytes(&random, &in);
            assert_int_equal(ferry_gather_check(&g), -1);
            ferry_gather_run(&g, out.data, in.data, 0, 3);
            ferry_gather_run(&g, out.data, in.data, 3, 10);
            for (size_t o = 0; o < 2; o++)
                for (size_t k = 0; k < 5; k++)
                    assert_memory_equal(out.bytes + (o * 5 + k) * inner[i],
                                        in.bytes + (o * 3 + (size_t)((wide[k] + 3) % 3)) * inner[i], inner[i]);
            ferry_check_free(&in, "in");
            ferry_check_free(&out, "out");
        }
    const int64_t bad[3] = {0, 3, 1};
    ferry_gather g = {.axis = 3, .count = 3, .inner_bytes = 4, .indices = bad, .wide = true};
    assert_int_equal(ferry_gather_check(&g), 1);
    const int64_t low[2] = {0, -4};
    g.indices = low, g.count = 2;
    assert_int_equal(ferry_gather_check(&g), 1);
}

static float blocked_at(const float *blocked, int64_t pixels, int block, int64_t channel, int64_t pixel) {
    return blocked[(channel / block * pixels + pixel) * block + channel % block];
}

static void blocking(void **state) {
    (void)state;
    static const int blocks[] = {4, 8, 16};
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {10};
    for (size_t m = 0; m < count; m++)
        for (int i = 0; i < 3 * 20 * 5; i++) {
            int block = blocks[i % 3], channels = 1 + i / 3 % 20, pixels = 1 + i / 60 * 19,
                count_blocks = (channels + block - 1) / block;
            ferry_movement_table table;
            ferry_movement_init(&table, masks[m]);
            ferry_check_buffer plain = ferry_check_make_floats((size_t)(channels * pixels)),
                               back = ferry_check_make_floats((size_t)(channels * pixels));
            ferry_check_buffer blocked = ferry_check_make_floats((size_t)(count_blocks * block * pixels));
            ferry_check_fill(&random, FERRY_CHECK_UNIFORM, plain.floats, (size_t)(channels * pixels));
            for (int b = 0; b < count_blocks; b++) {
                int real = channels - b * block < block ? channels - b * block : block;
                ferry_to_blocked(&table, blocked.floats + b * block * pixels, plain.floats + b * block * pixels, pixels, pixels,
                                 real, block);
                ferry_from_blocked(&table, back.floats + b * block * pixels, blocked.floats + b * block * pixels, pixels,
                                   pixels, real, block);
            }
            for (int c = 0; c < count_blocks * block; c++)
                for (int p = 0; p < pixels; p++)
                    assert_true(blocked_at(blocked.floats, pixels, block, c, p) ==
                                (c < channels ? plain.floats[c * pixels + p] : 0.0f));
            assert_memory_equal(back.data, plain.data, plain.size);
            int other = blocks[(i + 1) % 3], other_count = (channels + other - 1) / other;
            ferry_check_buffer reblocked = ferry_check_make_floats((size_t)(other_count * other * pixels));
            for (int b = 0; b < other_count; b++)
                ferry_reblock(reblocked.floats + b * other * pixels, blocked.floats, pixels, channels, b, other, block);
            for (int c = 0; c < other_count * other; c++)
                for (int p = 0; p < pixels; p++)
                    assert_true(blocked_at(reblocked.floats, pixels, other, c, p) ==
                                (c < channels ? plain.floats[c * pixels + p] : 0.0f));
            ferry_check_free(&plain, "plain");
            ferry_check_free(&back, "back");
            ferry_check_free(&blocked, "blocked");
            ferry_check_free(&reblocked, "reblocked");
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(transposes),      cmocka_unit_test(strided_copies),
                                       cmocka_unit_test(padding_by_hand), cmocka_unit_test(padding_is_separable),
                                       cmocka_unit_test(gathering),       cmocka_unit_test(blocking)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
