/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise operators: broadcasting, what narrow types do, corners of arithmetic, and refusals. */
#include <math.h>

#include "ops_harness.h"
#include "tensor/half.h"

static void test_broadcasting(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 1, 3), FLOATS(1, 2, 3, 4, 5, 6));
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 1), FLOATS(10, 20));
    EXPECT(&run, "Add", FERRY_FLOAT32, SHAPE(2, 2, 3), 11, 12, 13, 21, 22, 23, 14, 15, 16, 24, 25, 26);
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(2));
    ops_input(&run, FERRY_FLOAT32, SHAPE(0, 3), FLOATS(0));
    EXPECT(&run, "Mul", FERRY_FLOAT32, SHAPE(0, 3), 0);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(1, NAN));
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 1), FLOATS(5, -5));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(3));
    EXPECT(&run, "Max", FERRY_FLOAT32, SHAPE(2, 2), 5, NAN, 3, NAN);
}

static void test_integers_wrap_and_never_trap(void **state) {
    (void)state;
    ops_run run = {0};
    const int8_t a[] = {127, -128, 100, -7}, b[] = {1, -1, 100, 0};
    ops_input(&run, FERRY_INT8, SHAPE(4), a);
    ops_input(&run, FERRY_INT8, SHAPE(4), b);
    EXPECT(&run, "Add", FERRY_INT8, SHAPE(4), -128, 127, -56, -7);
    ops_input(&run, FERRY_INT8, SHAPE(4), a);
    ops_input(&run, FERRY_INT8, SHAPE(4), b);
    EXPECT(&run, "Div", FERRY_INT8, SHAPE(4), 127, -128, 1, 0);
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(INT64_MIN, -7));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(-1, 2));
    EXPECT(&run, "Div", FERRY_INT64, SHAPE(2), (double)INT64_MIN, -3);
    ops_input(&run, FERRY_INT64, SHAPE(3), INTS(-7, 7, 5));
    ops_input(&run, FERRY_INT64, SHAPE(3), INTS(3, -3, 0));
    EXPECT(&run, "Mod", FERRY_INT64, SHAPE(3), 2, -2, 0);
    ops_integer(&run, "fmod", 1);
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(-7, 7));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(3, -3));
    EXPECT(&run, "Mod", FERRY_INT64, SHAPE(2), -1, 1);
    const uint64_t top[] = {UINT64_MAX, 1u}, one[] = {1u, UINT64_MAX};
    ops_input(&run, FERRY_UINT64, SHAPE(2), top);
    ops_input(&run, FERRY_UINT64, SHAPE(2), one);
    EXPECT(&run, "Greater", FERRY_BOOL, SHAPE(2), 1, 0);
}

static void test_shifts_by_any_amount(void **state) {
    (void)state;
    ops_run run = {0};
    const int8_t a[] = {-8, -8, -8, 8}, b[] = {1, 100, -1, 8};
    ops_text(&run, "direction", "RIGHT");
    ops_input(&run, FERRY_INT8, SHAPE(4), a);
    ops_input(&run, FERRY_INT8, SHAPE(4), b);
    EXPECT(&run, "BitShift", FERRY_INT8, SHAPE(4), -4, -1, -1, 0);
}

static void test_power_keeps_the_base_type(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_INT64, SHAPE(4), INTS(2, -3, 2, -1));
    ops_input(&run, FERRY_INT64, SHAPE(4), INTS(10, 3, -1, -3));
    EXPECT(&run, "Pow", FERRY_INT64, SHAPE(4), 1024, -27, 0, -1);
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(9, 4));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(0.5f));
    EXPECT(&run, "Pow", FERRY_INT64, SHAPE(2), 3, 2);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(2, 3));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(3, -1));
    EXPECT(&run, "Pow", FERRY_FLOAT32, SHAPE(2), 8, 1.0 / 3);
}

static void test_half_precision_rounds_at_the_end(void **state) {
    (void)state;
    ops_run run = {0};
    const uint16_t a[] = {ferry_float_to_half(2048), ferry_float_to_half(65504)},
                   b[] = {ferry_float_to_half(1), ferry_float_to_half(65504)};
    ops_input(&run, FERRY_FLOAT16, SHAPE(2), a);
    ops_input(&run, FERRY_FLOAT16, SHAPE(2), b);
    EXPECT(&run, "Add", FERRY_FLOAT16, SHAPE(2), 2048, INFINITY);
}

static void test_activations_at_the_ends(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(4), FLOATS(-1000, 1000, 0, NAN));
    EXPECT(&run, "Sigmoid", FERRY_FLOAT32, SHAPE(4), 0, 1, 0.5, NAN);
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(-1000, 1000, 0));
    EXPECT(&run, "Softplus", FERRY_FLOAT32, SHAPE(3), 0, 1000, 0.693147181);
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(-1000, 1000, 0));
    EXPECT(&run, "Mish", FERRY_FLOAT32, SHAPE(3), 0, 1000, 0);
    ops_input(&run, FERRY_FLOAT32, SHAPE(4), FLOATS(0.5f, 1.5f, 2.5f, -0.5f));
    EXPECT(&run, "Round", FERRY_FLOAT32, SHAPE(4), 0, 2, 2, 0);
}

static void test_clip_bounds(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(-5, 0, 5));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), NULL);
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(1));
    EXPECT(&run, "Clip", FERRY_FLOAT32, SHAPE(3), -5, 0, 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(-5, 0, 5));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(3));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(2));
    EXPECT(&run, "Clip", FERRY_FLOAT32, SHAPE(3), 2, 2, 2);
}

static void test_cast(void **state) {
    (void)state;
    ops_run run = {0};
    ops_integer(&run, "to", FERRY_INT4);
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(-9, 7.9f, 8));
    EXPECT(&run, "Cast", FERRY_INT4, SHAPE(3), 7, 7, -8);
    ops_integer(&run, "to", FERRY_BOOL);
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(-0.0f, 0.1f, NAN));
    EXPECT(&run, "Cast", FERRY_BOOL, SHAPE(3), 0, 1, 1);
    const ferry_string texts[] = {{"3.14", 4}, {"-INF", 4}, {"1e-5", 4}};
    ops_integer(&run, "to", FERRY_FLOAT32);
    ops_input(&run, FERRY_STRING, SHAPE(3), texts);
    EXPECT(&run, "Cast", FERRY_FLOAT32, SHAPE(3), 3.14, -INFINITY, 1e-5);
    const ferry_string word = {"ferry", 5};
    ops_integer(&run, "to", FERRY_INT32);
    ops_input(&run, FERRY_STRING, SHAPE(), &word);
    ops_refused(&run, "Cast", FERRY_ERROR_INVALID_ARGUMENT, "\"ferry\" is not a number");
}

static void test_numbers_as_text(void **state) {
    (void)state;
    ops_run run = {0};
    ops_integer(&run, "to", FERRY_STRING);
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(0.1f, 2, -INFINITY));
    assert_int_equal(ops_evaluate(&run, "Cast", 1), FERRY_OK);
    const ferry_string *texts = run.outputs[0].tensor.data;
    assert_memory_equal(texts[0].text, "0.1", 3);
    assert_int_equal(texts[1].length, 3);
    assert_memory_equal(texts[1].text, "2.0", 3);
    assert_memory_equal(texts[2].text, "-inf", 4);
    ops_release(&run);
}

static void test_refusals(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 3), FLOATS(1, 2, 3, 4, 5, 6));
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(1, 2));
    ops_refused(&run, "Add", FERRY_ERROR_SHAPE, "2x3 and 2 do not broadcast");
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(1));
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(1));
    ops_refused(&run, "Add", FERRY_ERROR_SHAPE, "input 0 is float32 and input 1 is int64");
    ops_input(&run, FERRY_BOOL, SHAPE(1), BYTES(1));
    ops_refused(&run, "Exp", FERRY_ERROR_SHAPE, "input 0 has type bool");
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(1));
    ops_refused(&run, "Cast", FERRY_ERROR_INVALID_ARGUMENT, "needs the attribute 'to'");
    ops_integer(&run, "alpha", 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(1));
    ops_refused(&run, "Elu", FERRY_ERROR_INVALID_ARGUMENT, "'alpha' must be a float");
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(1, 2));
    ops_input(&run, FERRY_FLOAT32, SHAPE(3, 2), FLOATS(1, 2, 3, 4, 5, 6));
    ops_refused(&run, "PRelu", FERRY_ERROR_SHAPE, "slope does not broadcast");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broadcasting),
        cmocka_unit_test(test_integers_wrap_and_never_trap),
        cmocka_unit_test(test_shifts_by_any_amount),
        cmocka_unit_test(test_power_keeps_the_base_type),
        cmocka_unit_test(test_half_precision_rounds_at_the_end),
        cmocka_unit_test(test_activations_at_the_ends),
        cmocka_unit_test(test_clip_bounds),
        cmocka_unit_test(test_cast),
        cmocka_unit_test(test_numbers_as_text),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("ops elementwise", tests, NULL, NULL);
}
