/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions and operators along an axis: corners that the ONNX suite leaves out, and refusals. */
#include <math.h>

#include "ops_harness.h"

static void test_reduce_over_any_axes(void **state) {
    (void)state;
    ops_run run = {0};
    ops_integer(&run, "keepdims", 0);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 2, 2), FLOATS(1, 2, 3, 4, 5, 6, 7, 8));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(0, -1));
    EXPECT(&run, "ReduceSum", FERRY_FLOAT32, SHAPE(2), 14, 22);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 2), FLOATS(1, 2, 3, 4));
    EXPECT(&run, "ReduceMean", FERRY_FLOAT32, SHAPE(1, 1), 2.5);
    ops_integer(&run, "noop_with_empty_axes", 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(-3, 4));
    EXPECT(&run, "ReduceSumSquare", FERRY_FLOAT32, SHAPE(2), 9, 16);
}

static void test_reduce_nothing(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(0, 2), FLOATS(0));
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(0));
    EXPECT(&run, "ReduceMax", FERRY_FLOAT32, SHAPE(1, 2), -INFINITY, -INFINITY);
    const int8_t none = 0;
    ops_input(&run, FERRY_INT8, SHAPE(0), &none);
    EXPECT(&run, "ReduceMin", FERRY_INT8, SHAPE(1), 127);
    ops_input(&run, FERRY_FLOAT32, SHAPE(0), FLOATS(0));
    EXPECT(&run, "ReduceProd", FERRY_FLOAT32, SHAPE(1), 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(0), FLOATS(0));
    EXPECT(&run, "ReduceLogSumExp", FERRY_FLOAT32, SHAPE(1), -INFINITY);
}

static void test_large_numbers_stay_finite(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(1000, 1000));
    EXPECT(&run, "ReduceLogSumExp", FERRY_FLOAT32, SHAPE(1), 1000 + 0.69314718056);
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(1e30f, 1e30f, -1000));
    EXPECT(&run, "Softmax", FERRY_FLOAT32, SHAPE(3), 0.5, 0.5, 0);
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(16777216, 1, 1));
    EXPECT(&run, "ReduceSum", FERRY_FLOAT32, SHAPE(1), 16777218);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(1, NAN));
    EXPECT(&run, "ReduceMax", FERRY_FLOAT32, SHAPE(1), NAN);
}

static void test_old_softmax_flattens(void **state) {
    (void)state;
    ops_run run = {0};
    ops_integer(&run, "axis", 1);
    ops_integer(&run, "_flatten", 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 2, 2), FLOATS(0, 0, 0, 0));
    EXPECT(&run, "Softmax", FERRY_FLOAT32, SHAPE(1, 2, 2), 0.25, 0.25, 0.25, 0.25);
}

static void test_arguments_and_ties(void **state) {
    (void)state;
    ops_run run = {0};
    ops_integer(&run, "axis", 0);
    ops_integer(&run, "select_last_index", 1);
    ops_input(&run, FERRY_INT64, SHAPE(4), INTS(2, 7, 7, 1));
    EXPECT(&run, "ArgMax", FERRY_INT64, SHAPE(1), 2);
    ops_input(&run, FERRY_INT64, SHAPE(0), INTS(0));
    ops_refused(&run, "ArgMin", FERRY_ERROR_SHAPE, "axis 0 is empty");
    ops_integer(&run, "largest", 0);
    ops_input(&run, FERRY_FLOAT32, SHAPE(6), FLOATS(4, 1, 3, 1, NAN, 2));
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(4));
    if (ops_evaluate(&run, "TopK", 2) != FERRY_OK) fail_msg("%s", run.error.message);
    ops_check_output(&run, 0, FERRY_FLOAT32, SHAPE(4), (const double[]){1, 1, 2, 3});
    ops_check_output(&run, 1, FERRY_INT64, SHAPE(4), (const double[]){1, 3, 5, 2});
    ops_release(&run);
}

static void test_cumulate(void **state) {
    (void)state;
    ops_run run = {0};
    ops_integer(&run, "exclusive", 1);
    ops_integer(&run, "reverse", 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 3), FLOATS(1, 2, 3, 4, 5, 6));
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(-1));
    EXPECT(&run, "CumSum", FERRY_FLOAT32, SHAPE(2, 3), 5, 3, 0, 11, 6, 0);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(1, 2));
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(1));
    ops_refused(&run, "CumSum", FERRY_ERROR_SHAPE, "axis 1 is outside a rank-1 input");
}

static void test_refusals(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 2), FLOATS(1, 2, 3, 4));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(1, -1));
    ops_refused(&run, "ReduceSum", FERRY_ERROR_SHAPE, "axis 1 is listed twice");
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(1, 2));
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(3));
    assert_int_equal(ops_evaluate(&run, "TopK", 2), FERRY_ERROR_SHAPE);
    assert_non_null(strstr(run.error.message, "k (3)"));
    ops_release(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reduce_over_any_axes),
        cmocka_unit_test(test_reduce_nothing),
        cmocka_unit_test(test_large_numbers_stay_finite),
        cmocka_unit_test(test_old_softmax_flattens),
        cmocka_unit_test(test_arguments_and_ties),
        cmocka_unit_test(test_cumulate),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("ops reduction", tests, NULL, NULL);
}
