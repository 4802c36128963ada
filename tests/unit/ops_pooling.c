/* SPDX-License-Identifier: Apache-2.0 */
/* Pools, resizing, normalisation, quantisation: corners that the ONNX suite leaves out, and refusals. */
#include <math.h>

#include "ops_harness.h"

static void test_pools_ignore_padding(void **state) {
    (void)state;
    ops_run run = {0};
    ops_list(&run, "kernel_shape", INTS(3), 1);
    ops_list(&run, "pads", INTS(1, 1), 2);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2), FLOATS(-5, -7));
    EXPECT(&run, "MaxPool", FERRY_FLOAT32, SHAPE(1, 1, 2), -5, -5);
    ops_list(&run, "kernel_shape", INTS(3), 1);
    ops_list(&run, "pads", INTS(1, 1), 2);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2), FLOATS(3, 9));
    EXPECT(&run, "AveragePool", FERRY_FLOAT32, SHAPE(1, 1, 2), 6, 6);
    ops_list(&run, "kernel_shape", INTS(3), 1);
    ops_list(&run, "pads", INTS(1, 1), 2);
    ops_integer(&run, "count_include_pad", 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2), FLOATS(3, 9));
    EXPECT(&run, "AveragePool", FERRY_FLOAT32, SHAPE(1, 1, 2), 4, 4);
}

static void test_ceil_mode_drops_windows_in_the_padding(void **state) {
    (void)state;
    ops_run run = {0};
    ops_list(&run, "kernel_shape", INTS(2), 1);
    ops_list(&run, "strides", INTS(3), 1);
    ops_list(&run, "pads", INTS(0, 1), 2);
    ops_integer(&run, "ceil_mode", 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 3), FLOATS(1, 2, 3));
    EXPECT(&run, "MaxPool", FERRY_FLOAT32, SHAPE(1, 1, 1), 2);
}

static void test_max_pool_of_bytes_and_nan(void **state) {
    (void)state;
    ops_run run = {0};
    const int8_t bytes[] = {-128, -3, -128, -100};
    ops_list(&run, "kernel_shape", INTS(2), 1);
    ops_list(&run, "strides", INTS(2), 1);
    ops_input(&run, FERRY_INT8, SHAPE(1, 1, 4), bytes);
    EXPECT(&run, "MaxPool", FERRY_INT8, SHAPE(1, 1, 2), -3, -100);
    ops_list(&run, "kernel_shape", INTS(2), 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 3), FLOATS(1, NAN, 2));
    EXPECT(&run, "MaxPool", FERRY_FLOAT32, SHAPE(1, 1, 2), NAN, NAN);
}

static void test_resize_copies_exactly(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(INT64_MAX, 3));
    ops_input(&run, FERRY_FLOAT32, SHAPE(0), NULL);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(2));
    assert_int_equal(ops_evaluate(&run, "Resize", 1), FERRY_OK);
    const int64_t *out = run.outputs[0].tensor.data;
    assert_true(out[0] == INT64_MAX && out[1] == INT64_MAX && out[2] == 3 && out[3] == 3);
    ops_release(&run);
    ops_text(&run, "mode", "linear");
    ops_text(&run, "coordinate_transformation_mode", "align_corners");
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(0, 4));
    ops_input(&run, FERRY_FLOAT32, SHAPE(0), NULL);
    ops_input(&run, FERRY_FLOAT32, SHAPE(0), NULL);
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(5));
    EXPECT(&run, "Resize", FERRY_FLOAT32, SHAPE(5), 0, 1, 2, 3, 4);
}

static void test_resize_refuses_nonsense(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(1));
    ops_refused(&run, "Resize", FERRY_ERROR_SHAPE, "neither scales (input 2) nor sizes (input 3)");
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(0), NULL);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(-1));
    ops_refused(&run, "Resize", FERRY_ERROR_SHAPE, "scale -1 of axis 0 is not positive");
    ops_input(&run, FERRY_FLOAT32, SHAPE(0), FLOATS(0));
    ops_input(&run, FERRY_FLOAT32, SHAPE(0), NULL);
    ops_input(&run, FERRY_FLOAT32, SHAPE(0), NULL);
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(4));
    ops_refused(&run, "Resize", FERRY_ERROR_SHAPE, "an empty input cannot be enlarged");
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2), FLOATS(0));
    ops_list(&run, "kernel_shape", INTS(4294967296), 1);
    ops_refused(&run, "MaxPool", FERRY_ERROR_SHAPE, "outside 1..2^31");
}

static void test_unpooling_checks_indices(void **state) {
    (void)state;
    ops_run run = {0};
    ops_list(&run, "kernel_shape", INTS(2), 1);
    ops_list(&run, "strides", INTS(2), 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2), FLOATS(5, 6));
    ops_input(&run, FERRY_INT64, SHAPE(1, 1, 2), INTS(1, 2));
    EXPECT(&run, "MaxUnpool", FERRY_FLOAT32, SHAPE(1, 1, 4), 0, 5, 6, 0);
    ops_list(&run, "kernel_shape", INTS(2), 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1), FLOATS(5));
    ops_input(&run, FERRY_INT64, SHAPE(1, 1, 1), INTS(-1));
    ops_refused(&run, "MaxUnpool", FERRY_ERROR_INVALID_ARGUMENT, "index -1 is outside 2 elements");
}

static void test_regions_check_their_picture(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1, 1), FLOATS(5));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 4), FLOATS(0, 0, 1, 1));
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(7));
    ops_refused(&run, "RoiAlign", FERRY_ERROR_INVALID_ARGUMENT, "region 0 lies in picture 7 of 1");
}

static void test_normalisations(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 2), FLOATS(1, 3, 5, 5));
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(1, 2));
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(0, 1));
    ops_attribute(&run, "epsilon", FERRY_ATTRIBUTE_FLOAT)->value.real = 0x1p-40f;
    EXPECT(&run, "LayerNormalization", FERRY_FLOAT32, SHAPE(2, 2), -1, 3, 0, 1);
    ops_integer(&run, "num_groups", 2);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 3), FLOATS(1, 2, 3));
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(1, 1, 1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(0, 0, 0));
    ops_refused(&run, "GroupNormalization", FERRY_ERROR_SHAPE, "3 channels cannot be split into 2 groups");
    ops_integer(&run, "axis", 5);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 2), FLOATS(0, 0, 3, 4));
    ops_refused(&run, "LpNormalization", FERRY_ERROR_SHAPE, "axis 5 is outside a rank-2 input");
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 2), FLOATS(0, 0, 3, 4));
    EXPECT(&run, "LpNormalization", FERRY_FLOAT32, SHAPE(2, 2), 0, 0, 0.6, 0.8);
}

static void test_losses_check_labels(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 2), FLOATS(0, 0));
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(2));
    ops_refused(&run, "SoftmaxCrossEntropyLoss", FERRY_ERROR_INVALID_ARGUMENT, "label 2 at position 0 is outside 2 classes");
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 2), FLOATS(1000, 1000));
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(1));
    EXPECT(&run, "SoftmaxCrossEntropyLoss", FERRY_FLOAT32, SHAPE(), log(2));
}

static void test_quantisation_rounds_and_saturates(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(6), FLOATS(0.5f, 1.5f, -0.5f, 1e30f, -1e30f, NAN));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(1));
    ops_input(&run, FERRY_UINT8, SHAPE(), BYTES(10));
    EXPECT(&run, "QuantizeLinear", FERRY_UINT8, SHAPE(6), 10, 12, 10, 255, 0, 0);
    ops_integer(&run, "axis", 0);
    ops_integer(&run, "block_size", 2);
    const int8_t levels[] = {1, 2, 3};
    ops_input(&run, FERRY_INT8, SHAPE(3), levels);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(10, 100));
    EXPECT(&run, "DequantizeLinear", FERRY_FLOAT32, SHAPE(3), 10, 20, 300);
    ops_integer(&run, "axis", 0);
    ops_input(&run, FERRY_INT8, SHAPE(3), levels);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(10, 100));
    ops_refused(&run, "DequantizeLinear", FERRY_ERROR_SHAPE, "must be a vector of 3 values");
    ops_integer(&run, "output_dtype", FERRY_INT4);
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(-9, 7.4f, 3));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(1));
    EXPECT(&run, "QuantizeLinear", FERRY_INT4, SHAPE(3), -8, 7, 3);
}

static void test_constant_input_quantises_dynamically(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(0, 0));
    assert_int_equal(ops_evaluate(&run, "DynamicQuantizeLinear", 3), FERRY_OK);
    ops_check_output(&run, 0, FERRY_UINT8, SHAPE(2), (const double[]){0, 0});
    ops_check_output(&run, 1, FERRY_FLOAT32, SHAPE(), (const double[]){1});
    ops_release(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools_ignore_padding),
        cmocka_unit_test(test_ceil_mode_drops_windows_in_the_padding),
        cmocka_unit_test(test_max_pool_of_bytes_and_nan),
        cmocka_unit_test(test_resize_copies_exactly),
        cmocka_unit_test(test_resize_refuses_nonsense),
        cmocka_unit_test(test_unpooling_checks_indices),
        cmocka_unit_test(test_regions_check_their_picture),
        cmocka_unit_test(test_normalisations),
        cmocka_unit_test(test_losses_check_labels),
        cmocka_unit_test(test_quantisation_rounds_and_saturates),
        cmocka_unit_test(test_constant_input_quantises_dynamically),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
