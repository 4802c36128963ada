/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions, arguments of extremes and softmax, over rows and columns of many sizes, against double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "kernels/reduce/reduce.h"

typedef struct extent {
    int64_t count, columns, gap; /* stride = columns + gap; one column of stride 1 is a row */
} extent;

static const extent extents[] = {{1, 1, 0},    {5, 1, 0},     {8, 1, 0},   {33, 1, 0}, {100, 1, 0},
                                 {1000, 1, 0}, {20000, 1, 0}, {1, 7, 0},   {3, 5, 2},  {17, 16, 0},
                                 {64, 33, 1},  {65, 70, 0},   {300, 3, 4}, {9, 1, 5},  {2, 130, 0}};
enum { EXTENTS = sizeof extents / sizeof *extents };

static int64_t stride_of(const extent *e) { return e->columns == 1 && e->gap == 0 ? 1 : e->columns + e->gap; }

static ferry_check_buffer make_input(const extent *e, ferry_check_data kind, ferry_check_random *random) {
    size_t size = (size_t)((e->count - 1) * stride_of(e) + e->columns);
    ferry_check_buffer in = ferry_check_make_floats(size);
    ferry_check_fill(random, kind, in.floats, size);
    return in;
}

static void reductions(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {41};
    ferry_reduce_table table, reference;
    ferry_reduce_init(&reference, 0);
    for (size_t m = 0; m < count; m++)
        for (int i = 0; i < EXTENTS * FERRY_REDUCTION_COUNT; i++) {
            const extent *e = &extents[i % EXTENTS];
            int r = i / EXTENTS;
            ferry_reduce_init(&table, masks[m]);
            ferry_check_buffer in = make_input(e, FERRY_CHECK_UNIFORM, &random);
            ferry_check_buffer out = ferry_check_make_floats((size_t)e->columns),
                               expected = ferry_check_make_floats((size_t)e->columns);
            if (r == FERRY_REDUCTION_log_sum || r == FERRY_REDUCTION_prod) /* positive, and products that stay representable */
                for (size_t k = 0; k < in.size / 4; k++) in.floats[k] = 1.0f + 0.01f * in.floats[k];
            reference.run[r](expected.floats, in.floats, e->count, stride_of(e), e->columns);
            table.run[r](out.floats, in.floats, e->count, stride_of(e), e->columns);
            ferry_check_close(expected.floats, out.floats, (size_t)e->columns, 3e-6, 2e-7 * sqrt((double)e->count),
                              "reduction %d of %d x %d, mask %x", r, (int)e->count, (int)e->columns, masks[m]);
            ferry_check_free(&in, "in");
            ferry_check_free(&out, "out");
            ferry_check_free(&expected, "expected");
        }
}

static void extremes_and_nan(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {42};
    ferry_reduce_table table, reference;
    ferry_reduce_init(&reference, 0);
    for (size_t m = 0; m < count; m++)
        for (int i = 0; i < EXTENTS * 4; i++) {
            const extent *e = &extents[i % EXTENTS];
            ferry_reduce_init(&table, masks[m]);
            ferry_check_buffer in = make_input(e, FERRY_CHECK_WIDE, &random);
            ferry_check_buffer out = ferry_check_make_floats((size_t)e->columns),
                               expected = ferry_check_make_floats((size_t)e->columns);
            if (i >= EXTENTS) in.floats[(size_t)ferry_check_int(&random, 0, (int)(in.size / 4 - 1))] = NAN;
            for (int r = FERRY_REDUCTION_max; r <= FERRY_REDUCTION_min; r++) {
                reference.run[r](expected.floats, in.floats, e->count, stride_of(e), e->columns);
                table.run[r](out.floats, in.floats, e->count, stride_of(e), e->columns);
                ferry_check_close(expected.floats, out.floats, (size_t)e->columns, 0, 0, "extreme %d of %d x %d", r,
                                  (int)e->count, (int)e->columns);
            }
            ferry_check_free(&in, "in");
            ferry_check_free(&out, "out");
            ferry_check_free(&expected, "expected");
        }
}

static void arguments(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {43};
    ferry_reduce_table table, reference;
    ferry_reduce_init(&reference, 0);
    for (size_t m = 0; m < count; m++)
        for (int i = 0; i < EXTENTS * 2; i++)
            for (int last = 0; last < 2; last++) {
                const extent *e = &extents[i % EXTENTS];
                ferry_reduce_init(&table, masks[m]);
                ferry_check_buffer in = make_input(e, i < EXTENTS ? FERRY_CHECK_UNIFORM : FERRY_CHECK_INTEGERS, &random);
                ferry_check_buffer out = ferry_check_make((size_t)e->columns * 8),
                                   expected = ferry_check_make((size_t)e->columns * 8);
                reference.arg_max(expected.data, in.floats, e->count, stride_of(e), e->columns, last);
                table.arg_max(out.data, in.floats, e->count, stride_of(e), e->columns, last);
                assert_memory_equal(expected.data, out.data, out.size);
                reference.arg_min(expected.data, in.floats, e->count, stride_of(e), e->columns, last);
                table.arg_min(out.data, in.floats, e->count, stride_of(e), e->columns, last);
                assert_memory_equal(expected.data, out.data, out.size);
                ferry_check_free(&in, "in");
                ferry_check_free(&out, "out");
                ferry_check_free(&expected, "expected");
            }
}

static void softmaxes(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {44};
    ferry_reduce_table table, reference;
    ferry_reduce_init(&reference, 0);
    for (size_t m = 0; m < count; m++)
        for (int i = 0; i < EXTENTS * 4; i++) {
            const extent *e = &extents[i % EXTENTS];
            bool logarithm = i / EXTENTS % 2;
            ferry_reduce_init(&table, masks[m]);
            ferry_check_buffer in = make_input(e, FERRY_CHECK_UNIFORM, &random), out = ferry_check_make(in.size),
                               expected = ferry_check_make(in.size);
            if (i >= 2 * EXTENTS)
                for (size_t k = 0; k < in.size / 4; k++) in.floats[k] *= 300.0f; /* most exponentials vanish */
            if (i % 3 == 0 && e->count > 2) in.floats[0] = -INFINITY;
            (logarithm ? reference.log_softmax : reference.softmax)(expected.floats, in.floats, e->count, stride_of(e),
                                                                    e->columns);
            (logarithm ? table.log_softmax : table.softmax)(out.floats, in.floats, e->count, stride_of(e), e->columns);
            ferry_check_close(expected.floats, out.floats, in.size / 4, 5e-6, logarithm ? 2e-6 : 1e-38,
                              "softmax %d of %d x %d, mask %x", logarithm, (int)e->count, (int)e->columns, masks[m]);
            (logarithm ? table.log_softmax : table.softmax)(in.floats, in.floats, e->count, stride_of(e),
                                                            e->columns); /* in place */
            assert_memory_equal(in.data, out.data, stride_of(e) == e->columns ? in.size : 4);
            ferry_check_free(&in, "in");
            ferry_check_free(&out, "out");
            ferry_check_free(&expected, "expected");
        }
}

static void nothing_to_reduce(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    for (size_t m = 0; m < count; m++) {
        ferry_reduce_table table;
        ferry_reduce_init(&table, masks[m]);
        const float nothing[20] = {0};
        float out[20];
        for (int columns = 1; columns <= 20; columns += 19) {
            table.run[FERRY_REDUCTION_sum](out, nothing, 0, columns, columns);
            assert_true(out[columns - 1] == 0.0f);
            table.run[FERRY_REDUCTION_prod](out, nothing, 0, columns, columns);
            assert_true(out[columns - 1] == 1.0f);
            table.run[FERRY_REDUCTION_max](out, nothing, 0, columns, columns);
            assert_true(out[columns - 1] == -INFINITY);
            table.run[FERRY_REDUCTION_log_sum_exp](out, nothing, 0, columns, columns);
            assert_true(out[columns - 1] == -INFINITY);
            table.run[FERRY_REDUCTION_mean](out, nothing, 0, columns, columns);
            assert_true(isnan(out[columns - 1]));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(reductions), cmocka_unit_test(extremes_and_nan),
                                       cmocka_unit_test(arguments), cmocka_unit_test(softmaxes),
                                       cmocka_unit_test(nothing_to_reduce)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
