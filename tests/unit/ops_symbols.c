/* SPDX-License-Identifier: Apache-2.0 */
/* Symbolic dimensions: normal forms, bounds, reading and evaluating. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ops/symbols.h"

static int setup(void **state) {
    *state = ferry_symbols_create();
    return *state ? 0 : -1;
}

static int teardown(void **state) {
    ferry_symbols_destroy(*state);
    return 0;
}

static void assert_dim(ferry_symbols *symbols, int64_t dim, const char *expected) {
    char text[256];
    assert_string_equal(ferry_dim_text(symbols, dim, text, sizeof text), expected);
}

static void test_equal_expressions_share_a_code(void **state) {
    ferry_symbols *s = *state;
    int64_t h = ferry_symbol_named(s, "h"), w = ferry_symbol_named(s, "w");
    assert_int_equal(h, ferry_symbol_named(s, "h"));
    assert_int_not_equal(h, w);
    assert_int_equal(ferry_dim_subtract(s, ferry_dim_add(s, h, 1), 1), h);
    assert_int_equal(ferry_dim_multiply(s, ferry_dim_add(s, h, w), 2),
                     ferry_dim_add(s, ferry_dim_multiply(s, 2, w), ferry_dim_multiply(s, h, 2)));
    assert_int_equal(ferry_dim_subtract(s, h, h), 0);
    int64_t square = ferry_dim_multiply(s, ferry_dim_add(s, h, 1), ferry_dim_subtract(s, h, 1));
    assert_int_equal(ferry_dim_add(s, square, 1), ferry_dim_multiply(s, h, h));
}

static void test_known_numbers_need_no_table(void **state) {
    (void)state;
    assert_int_equal(ferry_dim_add(NULL, 2, 3), 5);
    assert_int_equal(ferry_dim_floor_divide(NULL, -7, 2), -4);
    assert_int_equal(ferry_dim_ceil_divide(NULL, 7, 2), 4);
    assert_int_equal(ferry_dim_minimum(NULL, -1, 4), -1);
    assert_true(ferry_dim_floor_divide(NULL, 1, 0) == FERRY_DIM_UNKNOWN);
    assert_true(ferry_dim_multiply(NULL, INT64_MAX, 2) == FERRY_DIM_UNKNOWN);
    assert_true(ferry_dim_add(NULL, INT64_MAX, 1) == FERRY_DIM_UNKNOWN);
    assert_true(ferry_dim_add(NULL, FERRY_DIM_UNKNOWN, 1) == FERRY_DIM_UNKNOWN);
    assert_false(ferry_dim_equal(FERRY_DIM_UNKNOWN, FERRY_DIM_UNKNOWN));
}

static void test_division(void **state) {
    ferry_symbols *s = *state;
    int64_t n = ferry_symbol_named(s, "n"), h = ferry_symbol_named(s, "h");
    int64_t area = ferry_dim_multiply(s, ferry_dim_multiply(s, n, 12), ferry_dim_add(s, h, 1));
    assert_int_equal(ferry_dim_floor_divide(s, area, ferry_dim_multiply(s, n, 4)),
                     ferry_dim_multiply(s, 3, ferry_dim_add(s, h, 1)));
    assert_int_equal(ferry_dim_floor_divide(s, area, ferry_dim_add(s, h, 1)), ferry_dim_multiply(s, n, 12));
    int64_t half = ferry_dim_floor_divide(s, ferry_dim_subtract(s, h, 1), 2); /* a convolution of stride 2 */
    assert_int_equal(ferry_dim_add(s, half, 1), ferry_dim_ceil_divide(s, h, 2));
    assert_int_equal(ferry_dim_floor_divide(s, ferry_dim_floor_divide(s, h, 2), 3), ferry_dim_floor_divide(s, h, 6));
    assert_int_equal(ferry_dim_floor_divide(s, ferry_dim_multiply(s, h, 4), 8), ferry_dim_floor_divide(s, h, 2));
    assert_dim(s, ferry_dim_add(s, ferry_dim_floor_divide(s, ferry_dim_add(s, h, 1), 2), n), "n + floor((h + 1)/2)");
}

static void test_minimum_and_maximum(void **state) {
    ferry_symbols *s = *state;
    int64_t h = ferry_symbol_named(s, "h"), w = ferry_symbol_named(s, "w");
    assert_int_equal(ferry_dim_minimum(s, h, INT64_MAX), h);
    assert_int_equal(ferry_dim_minimum(s, h, ferry_dim_add(s, h, 3)), h);
    assert_int_equal(ferry_dim_maximum(s, h, 0), h);
    assert_int_equal(ferry_dim_maximum(s, ferry_dim_subtract(s, h, 1), 0), ferry_dim_subtract(s, h, 1));
    assert_int_equal(ferry_dim_maximum(s, h, w), ferry_dim_maximum(s, w, h));
    assert_dim(s, ferry_dim_maximum(s, h, w), "max(h, w)");
}

static int64_t lookup(void *user, const char *name) {
    (void)user;
    return strcmp(name, "h") == 0 ? 641 : strcmp(name, "w") == 0 ? 10 : -1;
}

static void test_evaluate(void **state) {
    ferry_symbols *s = *state;
    int64_t h = ferry_symbol_named(s, "h"), w = ferry_symbol_named(s, "w"), value;
    int64_t dim = ferry_dim_add(s, ferry_dim_multiply(s, w, ferry_dim_floor_divide(s, h, 2)), -7);
    assert_true(ferry_dim_evaluate(s, dim, lookup, NULL, &value));
    assert_int_equal(value, 320 * 10 - 7);
    assert_true(ferry_dim_evaluate(s, ferry_dim_minimum(s, h, w), lookup, NULL, &value));
    assert_int_equal(value, 10);
    assert_false(ferry_dim_evaluate(s, ferry_dim_add(s, dim, ferry_symbol_named(s, "other")), lookup, NULL, &value));
    assert_false(ferry_dim_evaluate(s, ferry_symbol_fresh(s), lookup, NULL, &value));
}

/* A hostile chain doubles its expression at each step; it must end in "unknown", not in exponential time. */
static void test_growth_is_bounded(void **state) {
    ferry_symbols *s = *state;
    int64_t h = ferry_symbol_named(s, "h"), dim = h;
    for (int i = 0; i < 200; i++) dim = ferry_dim_floor_divide(s, ferry_dim_multiply(s, dim, dim), ferry_dim_add(s, h, i));
    assert_true(dim == FERRY_DIM_UNKNOWN);
    assert_true(ferry_symbol_fresh(s) != ferry_symbol_fresh(s));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_equal_expressions_share_a_code, setup, teardown),
        cmocka_unit_test(test_known_numbers_need_no_table),
        cmocka_unit_test_setup_teardown(test_division, setup, teardown),
        cmocka_unit_test_setup_teardown(test_minimum_and_maximum, setup, teardown),
        cmocka_unit_test_setup_teardown(test_evaluate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_growth_is_bounded, setup, teardown),
    };
    return cmocka_run_group_tests_name("ops symbols", tests, NULL, NULL);
}
