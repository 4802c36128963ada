/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling: every window, stride, padding and layout against the definition; the definition against numbers worked out by hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "kernels/pool/pool.h"

typedef struct window {
    int64_t input[3], kernel[3], stride[3], dilation[3], before[3], after[3];
} window;

static const window windows[] = {
    {{1, 20, 20}, {1, 5, 5}, {1, 1, 1}, {1, 1, 1}, {0, 2, 2}, {0, 2, 2}}, /* YOLO's SPPF */
    {{1, 23, 17}, {1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}, /* ResNet's stem */
    {{1, 15, 19}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}, /* Inception */
    {{1, 12, 13}, {1, 2, 2}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 1}},
    {{1, 9, 31}, {1, 3, 2}, {1, 1, 3}, {1, 2, 4}, {0, 2, 1}, {0, 0, 3}},
    {{1, 1, 40}, {1, 1, 7}, {1, 1, 1}, {1, 1, 1}, {0, 0, 3}, {0, 0, 3}}, /* one dimension */
    {{5, 6, 7}, {2, 3, 2}, {2, 1, 2}, {1, 1, 1}, {1, 1, 0}, {0, 1, 1}},  /* three */
    {{1, 3, 3}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 2, 2}, {0, 2, 2}},  /* windows wider than the interior */
    {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
    {{1, 4, 50}, {1, 1, 3}, {1, 1, 1}, {1, 1, 16}, {0, 0, 16}, {0, 0, 16}}, /* atrous */
};

static ferry_pooling pooling_of(const window *w, bool count_padding) {
    ferry_pooling p = {.count_padding = count_padding};
    for (int d = 0; d < 3; d++) {
        p.input[d] = w->input[d], p.kernel[d] = w->kernel[d], p.stride[d] = w->stride[d];
        p.dilation[d] = w->dilation[d], p.before[d] = w->before[d], p.after[d] = w->after[d];
        p.output[d] = (p.before[d] + p.input[d] + p.after[d] - (p.kernel[d] - 1) * p.dilation[d] - 1) / p.stride[d] + 1;
    }
    return p;
}

static void compare(const ferry_pooling *p, ferry_pool_function reference, ferry_pool_function function, int lanes,
                    double tolerance, ferry_check_random *random, const char *what) {
    size_t in_count = (size_t)(p->input[0] * p->input[1] * p->input[2] * lanes);
    int64_t rows = p->output[0] * p->output[1];
    size_t out_count = (size_t)(rows * p->output[2] * lanes);
    ferry_check_buffer in = ferry_check_make_floats(in_count), out = ferry_check_make_floats(out_count);
    ferry_check_buffer expected = ferry_check_make_floats(out_count);
    ferry_check_fill(random, FERRY_CHECK_UNIFORM, in.floats, in_count);
    if (tolerance == 0) in.floats[in_count / 2] = NAN, in.floats[in_count / 3] = -INFINITY;
    reference(p, expected.floats, in.floats, 0, rows);
    function(p, out.floats, in.floats, 0, rows / 3);
    function(p, out.floats, in.floats, rows / 3, rows);
    ferry_check_close(expected.floats, out.floats, out_count, tolerance, tolerance, "%s, %d lanes, input %dx%dx%d", what, lanes,
                      (int)p->input[0], (int)p->input[1], (int)p->input[2]);
    ferry_check_free(&in, "in");
    ferry_check_free(&out, "out");
    ferry_check_free(&expected, "expected");
}

static void against_the_definition(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {21};
    ferry_pool_table reference, table;
    ferry_pool_init(&reference, 0);
    for (size_t m = 0; m < count; m++)
        for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
            for (int counts = 0; counts < 2; counts++) {
                ferry_pooling p = pooling_of(&windows[i], counts);
                ferry_pool_init(&table, masks[m]);
                compare(&p, reference.max_plain, table.max_plain, 1, 0, &random, "max");
                compare(&p, reference.average_plain, table.average_plain, 1, 1e-6, &random, "average");
                for (int block = 4, b = 0; block <= 16; block *= 2, b++) {
                    compare(&p, reference.max_blocked[b], table.max_blocked[b], block, 0, &random, "max");
                    compare(&p, reference.average_blocked[b], table.average_blocked[b], block, 1e-6, &random, "average");
                }
            }
}

static void global(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {22};
    ferry_pool_table reference, table;
    ferry_pool_init(&reference, 0);
    for (size_t m = 0; m < count; m++)
        for (int pixels = 1; pixels < 1200; pixels = pixels * 3 + 1)
            for (int block = 4, b = 0; block <= 16; block *= 2, b++) {
                ferry_pool_init(&table, masks[m]);
                ferry_check_buffer in = ferry_check_make_floats((size_t)(pixels * block)),
                                   out = ferry_check_make_floats((size_t)block);
                float expected[16];
                ferry_check_fill(&random, FERRY_CHECK_UNIFORM, in.floats, (size_t)(pixels * block));
                reference.sum_global[b](expected, in.floats, pixels);
                table.sum_global[b](out.floats, in.floats, pixels);
                ferry_check_close(expected, out.floats, (size_t)block, 1e-6, 1e-5, "sum of %d", pixels);
                in.floats[pixels * block / 2] = NAN;
                reference.max_global[b](expected, in.floats, pixels);
                table.max_global[b](out.floats, in.floats, pixels);
                ferry_check_close(expected, out.floats, (size_t)block, 0, 0, "max of %d", pixels);
                ferry_check_free(&in, "in");
                ferry_check_free(&out, "out");
            }
}

static void by_hand(void **state) {
    (void)state;
    const window w = {{1, 3, 3}, {1, 2, 2}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 0, 0}};
    const float in[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const float highest[4] = {1, 3, 7, 9}, mean[4] = {1, 2.5f, 5.5f, 7}, padded_mean[4] = {0.25f, 1.25f, 2.75f, 7};
    float out[4];
    ferry_pool_table table;
    ferry_pool_init(&table, 0);
    ferry_pooling p = pooling_of(&w, false);
    table.max_plain(&p, out, in, 0, 2);
    assert_memory_equal(out, highest, sizeof out);
    table.average_plain(&p, out, in, 0, 2);
    assert_memory_equal(out, mean, sizeof out);
    p.count_padding = true;
    table.average_plain(&p, out, in, 0, 2);
    assert_memory_equal(out, padded_mean, sizeof out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_the_definition), cmocka_unit_test(global),
                                       cmocka_unit_test(by_hand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
