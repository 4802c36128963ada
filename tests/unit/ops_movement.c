/* SPDX-License-Identifier: Apache-2.0 */
/* Movement operators on elements of every width, their edge cases and refusals. */
#include "ops_harness.h"

static void test_transpose_of_every_width(void **state) {
    (void)state;
    static const ferry_dtype dtypes[] = {FERRY_UINT8, FERRY_FLOAT16, FERRY_FLOAT32,   FERRY_FLOAT64,
                                         FERRY_UINT4, FERRY_INT2,    FERRY_COMPLEX128};
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++) {
        ops_run run = {0};
        _Alignas(16) uint8_t memory[6 * 16] = {0};
        bool tiny = dtypes[k] == FERRY_INT2;
        for (int i = 0; i < 6; i++) ferry_store_double(dtypes[k], memory, i, tiny ? i % 2 : i);
        ops_input(&run, dtypes[k], SHAPE(2, 3), memory);
        if (tiny)
            EXPECT(&run, "Transpose", dtypes[k], SHAPE(3, 2), 0, 1, 1, 0, 0, 1);
        else
            EXPECT(&run, "Transpose", dtypes[k], SHAPE(3, 2), 0, 3, 1, 4, 2, 5);
    }
}

static void test_strings_get_memory_of_their_own(void **state) {
    (void)state;
    ops_run run = {0};
    char text[] = "abc";
    const ferry_string strings[] = {{text, 1}, {text + 1, 2}};
    ops_integer(&run, "axis", 0);
    ops_input(&run, FERRY_STRING, SHAPE(2), strings);
    ops_input(&run, FERRY_STRING, SHAPE(2), strings);
    assert_int_equal(ops_evaluate(&run, "Concat", 1), FERRY_OK);
    memset(text, 'x', 3);
    const ferry_string *out = run.outputs[0].tensor.data;
    assert_int_equal(out[3].length, 2);
    assert_memory_equal(out[3].text, "bc", 2);
    ops_release(&run);
}

static void test_reshape_targets(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 3), FLOATS(1, 2, 3, 4, 5, 6));
    ops_input(&run, FERRY_INT64, SHAPE(3), INTS(0, -1, 1));
    EXPECT(&run, "Reshape", FERRY_FLOAT32, SHAPE(2, 3, 1), 1, 2, 3, 4, 5, 6);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(7));
    ops_input(&run, FERRY_INT64, SHAPE(0), INTS(0));
    EXPECT(&run, "Reshape", FERRY_FLOAT32, SHAPE(), 7);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 3), FLOATS(1, 2, 3, 4, 5, 6));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(4, -1));
    ops_refused(&run, "Reshape", FERRY_ERROR_SHAPE, "6 elements do not fill");
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(1));
    ops_input(&run, FERRY_INT64, SHAPE(9), INTS(1, 1, 1, 1, 1, 1, 1, 1, 1));
    ops_refused(&run, "Reshape", FERRY_ERROR_SHAPE, "limit of 8");
}

static void slice(ops_run *run, const int64_t *starts, const int64_t *ends, const int64_t *steps) {
    static const float data[] = {0, 1, 2, 3, 4};
    static const int64_t axis = -1;
    ops_input(run, FERRY_FLOAT32, SHAPE(5), data);
    ops_input(run, FERRY_INT64, SHAPE(1), starts);
    ops_input(run, FERRY_INT64, SHAPE(1), ends);
    ops_input(run, FERRY_INT64, SHAPE(1), &axis);
    ops_input(run, FERRY_INT64, SHAPE(1), steps);
}

static void test_slice_bounds(void **state) {
    (void)state;
    ops_run run = {0};
    slice(&run, INTS(1), INTS(INT64_MAX), INTS(2));
    EXPECT(&run, "Slice", FERRY_FLOAT32, SHAPE(2), 1, 3);
    slice(&run, INTS(-1), INTS(INT64_MIN), INTS(-2));
    EXPECT(&run, "Slice", FERRY_FLOAT32, SHAPE(3), 4, 2, 0);
    slice(&run, INTS(100), INTS(-100), INTS(-3));
    EXPECT(&run, "Slice", FERRY_FLOAT32, SHAPE(2), 4, 1);
    slice(&run, INTS(3), INTS(1), INTS(1));
    EXPECT(&run, "Slice", FERRY_FLOAT32, SHAPE(0), 0);
    slice(&run, INTS(INT64_MIN), INTS(INT64_MAX), INTS(INT64_MAX));
    EXPECT(&run, "Slice", FERRY_FLOAT32, SHAPE(1), 0);
    slice(&run, INTS(0), INTS(5), INTS(0));
    ops_refused(&run, "Slice", FERRY_ERROR_INVALID_ARGUMENT, "step of axis 0 is 0");
}

static void test_pad_modes(void **state) {
    (void)state;
    ops_run run = {0};
    ops_text(&run, "mode", "reflect");
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(1, 2, 3));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(4, 1));
    EXPECT(&run, "Pad", FERRY_FLOAT32, SHAPE(8), 1, 2, 3, 2, 1, 2, 3, 2);
    ops_text(&run, "mode", "edge");
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(1, 2, 3));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(-1, 2));
    EXPECT(&run, "Pad", FERRY_FLOAT32, SHAPE(4), 2, 3, 3, 3);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 2), FLOATS(1, 2));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(1, -1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(9));
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(-1));
    EXPECT(&run, "Pad", FERRY_FLOAT32, SHAPE(1, 2), 9, 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(1, 2, 3));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(INT64_MAX, INT64_MAX));
    ops_refused(&run, "Pad", FERRY_ERROR_SHAPE, "cannot be told");
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(1, 2, 3));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(-2, -2));
    ops_refused(&run, "Pad", FERRY_ERROR_SHAPE, "dimension 0 of output 0 is -1");
}

static void test_indices(void **state) {
    (void)state;
    ops_run run = {0};
    ops_integer(&run, "axis", 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 3), FLOATS(1, 2, 3, 4, 5, 6));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(-1, 0));
    EXPECT(&run, "Gather", FERRY_FLOAT32, SHAPE(2, 2), 3, 1, 6, 4);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2), FLOATS(1, 2));
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(2));
    ops_refused(&run, "Gather", FERRY_ERROR_INVALID_ARGUMENT, "index 2 is outside -2 to 1");
    ops_integer(&run, "axis", 5);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1, 2), FLOATS(1, 2));
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(0));
    ops_refused(&run, "Gather", FERRY_ERROR_SHAPE, "axis 5 is outside a rank-4 input");
    ops_input(&run, FERRY_FLOAT32, SHAPE(0), FLOATS(0));
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(0));
    ops_refused(&run, "Gather", FERRY_ERROR_INVALID_ARGUMENT, "index 0 is outside");
    ops_text(&run, "reduction", "add");
    ops_input(&run, FERRY_FLOAT32, SHAPE(4), FLOATS(1, 2, 3, 4));
    ops_input(&run, FERRY_INT64, SHAPE(3, 1), INTS(1, 1, -1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(10, 20, 30));
    EXPECT(&run, "ScatterND", FERRY_FLOAT32, SHAPE(4), 1, 32, 3, 34);
}

static void test_absurd_sizes(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(1), FLOATS(1));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(1000000000, 1000000000));
    ops_refused(&run, "Expand", FERRY_ERROR_SHAPE, "more than memory can hold");
    ops_input(&run, FERRY_INT64, SHAPE(3), INTS(1000000000, 1000000000, 0));
    ops_refused(&run, "ConstantOfShape", FERRY_ERROR_SHAPE, "more than memory can hold");
    ops_input(&run, FERRY_INT64, SHAPE(1), INTS(1000000000));
    ops_refused(&run, "ConstantOfShape", FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(0));
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(INT64_MAX));
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(1));
    ops_refused(&run, "Range", FERRY_ERROR_SHAPE, "more than memory can hold");
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(0));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(0));
    ops_refused(&run, "Range", FERRY_ERROR_INVALID_ARGUMENT, "has no end");
}

static void test_contents_decide_the_size(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 2), FLOATS(0, 1, 2, 0));
    EXPECT(&run, "NonZero", FERRY_INT64, SHAPE(2, 2), 0, 1, 1, 0);
    ops_integer(&run, "axis", 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(2, 3), FLOATS(1, 2, 3, 4, 5, 6));
    ops_input(&run, FERRY_BOOL, SHAPE(2), BYTES(0, 1));
    EXPECT(&run, "Compress", FERRY_FLOAT32, SHAPE(2, 1), 2, 5);
    ops_integer(&run, "sorted", 0);
    ops_input(&run, FERRY_FLOAT32, SHAPE(5), FLOATS(3, 1, 3, 2, 1));
    if (ops_evaluate(&run, "Unique", 4) != FERRY_OK) fail_msg("%s", run.error.message);
    ops_check_output(&run, 0, FERRY_FLOAT32, SHAPE(3), (const double[]){3, 1, 2});
    ops_check_output(&run, 1, FERRY_INT64, SHAPE(3), (const double[]){0, 1, 3});
    ops_check_output(&run, 2, FERRY_INT64, SHAPE(5), (const double[]){0, 1, 0, 2, 1});
    ops_check_output(&run, 3, FERRY_INT64, SHAPE(3), (const double[]){2, 2, 1});
    ops_release(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transpose_of_every_width),
        cmocka_unit_test(test_strings_get_memory_of_their_own),
        cmocka_unit_test(test_reshape_targets),
        cmocka_unit_test(test_slice_bounds),
        cmocka_unit_test(test_pad_modes),
        cmocka_unit_test(test_indices),
        cmocka_unit_test(test_absurd_sizes),
        cmocka_unit_test(test_contents_decide_the_size),
    };
    return cmocka_run_group_tests_name("ops movement", tests, NULL, NULL);
}
