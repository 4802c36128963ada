/* SPDX-License-Identifier: Apache-2.0 */
/* Binary functions: rows of every form and length, and broadcast shapes split into ranges, against plain loops. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "kernels/elementwise/elementwise.h"

static void rows(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {3};
    ferry_binary_table reference, table;
    ferry_binary_init(&reference, 0);
    for (size_t m = 0; m < count; m++) {
        ferry_binary_init(&table, masks[m]);
        for (int f = 0; f < FERRY_BINARY_COUNT; f++)
            for (int form = 0; form < FERRY_BINARY_FORMS; form++)
                for (int n = 1; n <= 70; n += n < 36 ? 1 : 17) {
                    ferry_check_data kind = (ferry_check_data)(n % FERRY_CHECK_KINDS);
                    size_t a_count = form == FERRY_SCALAR_VECTOR ? 1 : (size_t)n,
                           b_count = form == FERRY_VECTOR_SCALAR ? 1 : (size_t)n;
                    ferry_check_buffer a = ferry_check_make_floats(a_count), b = ferry_check_make_floats(b_count);
                    ferry_check_buffer out = ferry_check_make_floats((size_t)n);
                    ferry_check_fill(&random, kind, a.floats, a_count);
                    ferry_check_fill(&random, kind, b.floats, b_count);
                    if (n % 5 == 0) a.floats[0] = NAN;
                    if (n % 7 == 0) b.floats[0] = NAN;
                    float expected[80];
                    reference.run[f][form](expected, a.floats, b.floats, n);
                    table.run[f][form](out.floats, a.floats, b.floats, n);
                    ferry_check_close(expected, out.floats, (size_t)n, 0, 0, "function %d form %d n=%d mask %x", f, form, n,
                                      masks[m]);
                    ferry_check_free(&a, "a");
                    ferry_check_free(&b, "b");
                    ferry_check_free(&out, "out");
                }
    }
}

typedef struct shapes {
    int rank;
    int64_t dims[5];
    unsigned a_repeats, b_repeats; /* bit i: the operand has 1 in dimension i */
} shapes;

static const shapes cases[] = {
    {1, {37}, 0, 0},
    {1, {37}, 0, 1},
    {0, {0}, 0, 0},
    {2, {5, 64}, 0, 1},        /* a bias row */
    {2, {5, 64}, 2, 0},        /* a column on the left */
    {2, {9, 3}, 0, 1},         /* short rows, row repeats */
    {2, {9, 3}, 0, 2},         /* short rows, column repeats */
    {2, {9, 3}, 1, 2},         /* an outer product */
    {2, {2, 300}, 1, 2},       /* an outer product of long rows */
    {3, {3, 700, 2}, 0, 2},    /* anchors of a detector */
    {4, {2, 3, 50, 8}, 0, 4},  /* blocked channels, one factor a channel and picture */
    {4, {2, 3, 50, 8}, 0, 5},  /* blocked channels, one factor a channel */
    {4, {2, 3, 50, 8}, 0, 10}, /* blocked channels, one factor a pixel */
    {4, {1, 1, 5, 1}, 0, 15},
    {5, {2, 3, 2, 3, 4}, 1, 2 | 8},
    {5, {3, 1, 4, 1, 40}, 4, 1},
    {3, {4, 0, 3}, 0, 0},
    {2, {1200, 31}, 0, 1},
};

static int64_t strides_of(const shapes *s, unsigned repeats, int64_t *strides) {
    int64_t total = 1;
    for (int i = s->rank - 1; i >= 0; i--) {
        bool one = repeats >> i & 1;
        strides[i] = one ? 0 : total;
        total *= one ? 1 : s->dims[i];
    }
    return total;
}

static void expect(const ferry_binary_table *reference, ferry_binary f, const shapes *s, const int64_t *sa, const int64_t *sb,
                   const float *a, const float *b, float *out, int64_t total) {
    for (int64_t i = 0; i < total; i++) {
        int64_t rest = i, at_a = 0, at_b = 0;
        for (int d = s->rank - 1; d >= 0; d--) {
            at_a += rest % s->dims[d] * sa[d];
            at_b += rest % s->dims[d] * sb[d];
            rest /= s->dims[d];
        }
        reference->run[f][FERRY_VECTOR_VECTOR](out + i, a + at_a, b + at_b, 1);
    }
}

static void check_case(const shapes *s, uint32_t mask, ferry_check_random *random) {
    ferry_binary_table reference, table;
    ferry_binary_init(&reference, 0);
    ferry_binary_init(&table, mask);
    int64_t sa[5], sb[5], total = 1;
    for (int i = 0; i < s->rank; i++) total *= s->dims[i];
    int64_t count_a = strides_of(s, s->a_repeats, sa), count_b = strides_of(s, s->b_repeats, sb);
    ferry_check_buffer a = ferry_check_make_floats((size_t)count_a), b = ferry_check_make_floats((size_t)count_b);
    ferry_check_buffer expected = ferry_check_make_floats((size_t)total), out = ferry_check_make_floats((size_t)total);
    ferry_check_fill(random, FERRY_CHECK_UNIFORM, a.floats, (size_t)count_a);
    ferry_check_fill(random, FERRY_CHECK_UNIFORM, b.floats, (size_t)count_b);
    ferry_broadcast broadcast;
    assert_true(ferry_broadcast_make(&broadcast, s->rank, s->dims, sa, sb));
    assert_int_equal(broadcast.elements, total);
    for (int f = 0; f < 3; f++) {
        expect(&reference, (ferry_binary)f, s, sa, sb, a.floats, b.floats, expected.floats, total);
        for (int parts = 1; parts <= 7; parts += 3) {
            memset(out.data, 0xCD, (size_t)total * 4);
            for (int p = 0; p < parts; p++)
                ferry_binary_run(&table, (ferry_binary)f, &broadcast, out.floats, a.floats, b.floats, total * p / parts,
                                 total * (p + 1) / parts);
            ferry_check_close(expected.floats, out.floats, (size_t)total, 0, 0, "case %d function %d parts %d",
                              (int)(s - cases), f, parts);
        }
    }
    ferry_check_free(&a, "a");
    ferry_check_free(&b, "b");
    ferry_check_free(&expected, "expected");
    ferry_check_free(&out, "out");
}

static void broadcasting(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {11};
    for (size_t m = 0; m < count; m++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i], masks[m], &random);
}

static void refuses_odd_strides(void **state) {
    (void)state;
    ferry_broadcast broadcast;
    const int64_t dims[2] = {3, 4}, transposed[2] = {1, 3}, plain[2] = {4, 1};
    assert_false(ferry_broadcast_make(&broadcast, 2, dims, plain, transposed));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(broadcasting),
                                       cmocka_unit_test(refuses_odd_strides)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
