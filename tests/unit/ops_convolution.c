/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions and matrix products: what the ONNX suite leaves out: fused activations and residuals, wrapping integers, empty
 * dimensions, symbolic sizes, refusals. */
#include <math.h>

#include "ops_harness.h"

static void test_fused_activation_and_residual(void **state) {
    (void)state;
    ops_run run = {0};
    ops_text(&run, "_activation", "relu");
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1, 3), FLOATS(1, -2, 3));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1, 1), FLOATS(2));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1, 3), FLOATS(-10, 10, -10));
    EXPECT(&run, "Conv", FERRY_FLOAT32, SHAPE(1, 1, 1, 3), 3 - 10, 0 + 10, 7 - 10);
    ops_text(&run, "_activation", "relu");
    ops_integer(&run, "_residual_first", 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1, 3), FLOATS(1, -2, 3));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1, 1), FLOATS(2));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1, 3), FLOATS(-10, 10, -10));
    EXPECT(&run, "Conv", FERRY_FLOAT32, SHAPE(1, 1, 1, 3), 0, 7, 0);
}

/* The value of each activation at x = 2, through a product of 1x1 matrices. */
static void test_every_activation(void **state) {
    (void)state;
    const struct {
        const char *name;
        float alpha, beta;
        double expected;
    } cases[] = {
        {"relu", 0, 0, 2},
        {"leaky_relu", 0.5f, 0, 2},
        {"clip", 0, 1.5f, 1.5},
        {"sigmoid", 0, 0, 1 / (1 + exp(-2))},
        {"silu", 0, 0, 2 / (1 + exp(-2))},
        {"hard_swish", 0, 0, 2 * (2.0 / 6 + 0.5)},
        {"hard_sigmoid", 0.25f, 0.125f, 0.625},
        {"tanh", 0, 0, tanh(2)},
        {"gelu", 0, 0, 1 + erf(sqrt(2))},
        {"mish", 0, 0, 2 * tanh(log(1 + exp(2)))},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ops_run run = {0};
        ops_text(&run, "_activation", cases[i].name);
        ops_attribute(&run, "_activation_alpha", FERRY_ATTRIBUTE_FLOAT)->value.real = cases[i].alpha;
        ops_attribute(&run, "_activation_beta", FERRY_ATTRIBUTE_FLOAT)->value.real = cases[i].beta;
        ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1), FLOATS(2));
        ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1), FLOATS(1));
        EXPECT(&run, "MatMul", FERRY_FLOAT32, SHAPE(1, 1), cases[i].expected);
    }
}

static void test_padding_dilation_and_groups(void **state) {
    (void)state;
    ops_run run = {0};
    ops_list(&run, "pads", INTS(2, 0), 2);
    ops_list(&run, "dilations", INTS(2), 1);
    ops_integer(&run, "group", 2);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 2, 3), FLOATS(1, 2, 3, 4, 5, 6));
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 1, 2), FLOATS(10, 1, 100, 1));
    EXPECT(&run, "Conv", FERRY_FLOAT32, SHAPE(1, 2, 3), 1, 2, 13, 4, 5, 406);
    ops_text(&run, "auto_pad", "SAME_LOWER");
    ops_input(&run, FERRY_FLOAT64, SHAPE(1, 1, 3), ((const double[]){1, 2, 3}));
    ops_input(&run, FERRY_FLOAT64, SHAPE(1, 1, 2), ((const double[]){10, 1}));
    EXPECT(&run, "Conv", FERRY_FLOAT64, SHAPE(1, 1, 3), 1, 12, 23);
}

static void test_transposed_convolution_shapes_its_output(void **state) {
    (void)state;
    ops_run run = {0};
    ops_list(&run, "strides", INTS(2), 1);
    ops_list(&run, "output_padding", INTS(1), 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2), FLOATS(1, 2));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2), FLOATS(3, 4));
    EXPECT(&run, "ConvTranspose", FERRY_FLOAT32, SHAPE(1, 1, 5), 3, 4, 6, 8, 0);
    ops_list(&run, "strides", INTS(2), 1);
    ops_list(&run, "output_shape", INTS(3), 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2), FLOATS(1, 2));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2), FLOATS(3, 4));
    EXPECT(&run, "ConvTranspose", FERRY_FLOAT32, SHAPE(1, 1, 3), 4, 6, 8);
}

static void test_integer_products_wrap_exactly(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_INT64, SHAPE(1, 2), INTS(INT64_C(1) << 60, 3));
    ops_input(&run, FERRY_INT64, SHAPE(2, 1), INTS(5, 7));
    assert_int_equal(ops_evaluate(&run, "MatMul", 1), FERRY_OK);
    assert_true(*(int64_t *)run.outputs[0].tensor.data == (INT64_C(5) << 60) + 21);
    ops_release(&run);
    ops_input(&run, FERRY_UINT8, SHAPE(1, 2), BYTES(255, 0));
    ops_input(&run, FERRY_UINT8, SHAPE(2, 1), BYTES(255, 1));
    ops_input(&run, FERRY_UINT8, SHAPE(), BYTES(1));
    ops_input(&run, FERRY_UINT8, SHAPE(), BYTES(128));
    EXPECT(&run, "MatMulInteger", FERRY_INT32, SHAPE(1, 1), 254 * 127 + -1 * -127);
}

static void test_quantised_convolution_rounds_half_to_even(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_UINT8, SHAPE(1, 1, 3), BYTES(1, 3, 255));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(1));
    ops_input(&run, FERRY_UINT8, SHAPE(), BYTES(0));
    ops_input(&run, FERRY_UINT8, SHAPE(1, 1, 1), BYTES(1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(0.5f));
    ops_input(&run, FERRY_UINT8, SHAPE(), BYTES(0));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(1));
    ops_input(&run, FERRY_UINT8, SHAPE(), BYTES(200));
    EXPECT(&run, "QLinearConv", FERRY_UINT8, SHAPE(1, 1, 3), 200, 202, 255);
}

static void test_empty_products(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 0), FLOATS(0));
    ops_input(&run, FERRY_FLOAT32, SHAPE(0, 1), FLOATS(0));
    EXPECT(&run, "MatMul", FERRY_FLOAT32, SHAPE(2, 1), 0, 0);
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(1, 2, 3));
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(4, 5, 6));
    EXPECT(&run, "MatMul", FERRY_FLOAT32, SHAPE(), 32);
}

static void test_einsum(void **state) {
    (void)state;
    ops_run run = {0};
    ops_text(&run, "equation", "ij,jk");
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 2), FLOATS(1, 2));
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 1), FLOATS(3, 4));
    EXPECT(&run, "Einsum", FERRY_FLOAT32, SHAPE(1, 1), 11);
    ops_text(&run, "equation", "...ii->...");
    ops_input(&run, FERRY_INT32, SHAPE(2, 2, 2), ((const int32_t[]){1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT(&run, "Einsum", FERRY_INT32, SHAPE(2), 5, 13);
    ops_text(&run, "equation", "ij->ik");
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1), FLOATS(1));
    ops_refused(&run, "Einsum", FERRY_ERROR_SHAPE, "an output label that no input has");
}

static void test_refusals_say_what_is_wrong(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 3, 4, 4), FLOATS(0));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 2, 3, 3), FLOATS(0));
    ops_refused(&run, "Conv", FERRY_ERROR_SHAPE, "the input has 3 channels but the weights want 2");
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2, 2), FLOATS(0));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 3, 3), FLOATS(0));
    ops_refused(&run, "Conv", FERRY_ERROR_SHAPE, "does not fit the padded input of 2");
    ops_list(&run, "strides", INTS(0, 1), 2);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2, 2), FLOATS(0));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1, 1), FLOATS(0));
    ops_refused(&run, "Conv", FERRY_ERROR_SHAPE, "attribute strides has the value 0");
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 3), FLOATS(0));
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 3), FLOATS(0));
    ops_refused(&run, "MatMul", FERRY_ERROR_SHAPE, "3 and 2");
    ops_text(&run, "_activation", "loud");
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1), FLOATS(1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1), FLOATS(1));
    ops_refused(&run, "Gemm", FERRY_ERROR_UNSUPPORTED, "there is no activation 'loud'");
}

/* Stride 2 over a symbolic height: the rule gives the same expression as floor((height - 1) / 2) + 1. */
static void test_symbolic_output_size(void **state) {
    (void)state;
    ferry_arena arena = {0};
    ferry_error error = {0};
    ferry_symbols *symbols = ferry_symbols_create();
    int64_t height = ferry_symbol_named(symbols, "height");
    ferry_value_type x = {.dtype = FERRY_FLOAT32, .ranked = true, .shape = ops_shape((const int64_t[]){0, 1, 3, height, 8}, 4)};
    ferry_value_type w = {.dtype = FERRY_FLOAT32, .ranked = true, .shape = SHAPE(16, 3, 3, 3)}, y = {0};
    const ferry_value_type *inputs[] = {&x, &w};
    ferry_attribute items[] = {{.name = "strides", .type = FERRY_ATTRIBUTE_INTS, .count = 2, .value.integers = INTS(2, 2)},
                               {.name = "pads", .type = FERRY_ATTRIBUTE_INTS, .count = 4, .value.integers = INTS(1, 1, 1, 1)}};
    ferry_attributes attributes = {items, 2};
    ferry_inference inference = {.op = ferry_op_find("", "Conv"),
                                 .attributes = &attributes,
                                 .input_count = 2,
                                 .output_count = 1,
                                 .inputs = inputs,
                                 .outputs = &y,
                                 .symbols = symbols,
                                 .arena = &arena,
                                 .error = &error};
    assert_int_equal(ferry_op_infer(&inference), FERRY_OK);
    assert_true(y.ranked);
    int64_t expected = ferry_dim_add(symbols, ferry_dim_floor_divide(symbols, ferry_dim_add(symbols, height, -1), 2), 1);
    assert_true(ferry_dim_equal(y.shape.dims[2], expected));
    assert_int_equal(y.shape.dims[1], 16);
    assert_int_equal(y.shape.dims[3], 4);
    ferry_symbols_destroy(symbols);
    ferry_arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fused_activation_and_residual),
        cmocka_unit_test(test_every_activation),
        cmocka_unit_test(test_padding_dilation_and_groups),
        cmocka_unit_test(test_transposed_convolution_shapes_its_output),
        cmocka_unit_test(test_integer_products_wrap_exactly),
        cmocka_unit_test(test_quantised_convolution_rounds_half_to_even),
        cmocka_unit_test(test_empty_products),
        cmocka_unit_test(test_einsum),
        cmocka_unit_test(test_refusals_say_what_is_wrong),
        cmocka_unit_test(test_symbolic_output_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
