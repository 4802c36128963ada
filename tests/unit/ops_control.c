/* SPDX-License-Identifier: Apache-2.0 */
/* Control flow over bodies written as C functions, sequences and optionals, recurrent networks, attention, strings, signals,
 * random numbers and suppression: corners that the ONNX suite leaves out, and refusals. */
#include <math.h>

#include "ops_harness.h"

/* ---- bodies ---- */

typedef void (*body)(int input_count, const ferry_value *const *inputs, ferry_value *outputs);

typedef struct body_memory {
    ferry_value outputs[4];
    int64_t numbers[4][4];
} body_memory;

static body_memory memory;

static ferry_status run_body(ferry_evaluation *evaluation, void *graph, int input_count, const ferry_value *const *inputs,
                             int output_count, const ferry_value **outputs) {
    (void)evaluation;
    for (int i = 0; i < 4; i++) memory.outputs[i].tensor = (ferry_tensor){.dtype = FERRY_INT64, .data = memory.numbers[i]};
    (*(body *)graph)(input_count, inputs, memory.outputs);
    for (int i = 0; i < output_count; i++) outputs[i] = &memory.outputs[i];
    return FERRY_OK;
}

static int64_t number_of(const ferry_value *value) { return *(const int64_t *)value->tensor.data; }

/* number, cond, a, captured -> a + captured < 20, a + captured, number */
static void count_up(int input_count, const ferry_value *const *inputs, ferry_value *outputs) {
    assert_int_equal(input_count, 4);
    int64_t sum = number_of(inputs[2]) + number_of(inputs[3]);
    *(int64_t *)outputs[0].tensor.data = sum < 20;
    *(int64_t *)outputs[1].tensor.data = sum;
    *(int64_t *)outputs[2].tensor.data = number_of(inputs[0]);
}

/* Returns its input itself, so that input and output share memory, and swaps two values. */
static void swap(int input_count, const ferry_value *const *inputs, ferry_value *outputs) {
    (void)input_count;
    outputs[0] = *inputs[1];
    outputs[1] = *inputs[3];
    outputs[2] = *inputs[2];
}

/* sum, x -> sum + x, sum + x */
static void add_up(int input_count, const ferry_value *const *inputs, ferry_value *outputs) {
    (void)input_count;
    *(int64_t *)outputs[0].tensor.data = *(int64_t *)outputs[1].tensor.data = number_of(inputs[0]) + number_of(inputs[1]);
}

static ferry_status evaluate_with_body(ops_run *run, const char *name, const char *attribute, body *graph, int output_count) {
    ops_attribute(run, attribute, FERRY_ATTRIBUTE_GRAPH)->value.graph = graph;
    for (int i = 0; i < output_count; i++) run->output_pointers[i] = &run->outputs[i];
    const ferry_op *op = ferry_op_find("", name);
    ferry_evaluation evaluation = {.op = op,
                                   .attributes = &run->attributes,
                                   .input_count = run->input_count,
                                   .output_count = output_count,
                                   .inputs = run->input_pointers,
                                   .outputs = run->output_pointers,
                                   .allocate = ops_allocate,
                                   .scratch = &run->scratch,
                                   .run_graph = run_body,
                                   .user = &run->arena,
                                   .error = &run->error};
    return op->evaluate(&evaluation);
}

static void test_loop_carries_collects_and_captures(void **state) {
    (void)state;
    ops_run run = {0};
    body graph = count_up;
    ops_integer(&run, "_captures", 1);
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(100));
    ops_input(&run, FERRY_BOOL, SHAPE(), BYTES(1));
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(1));
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(7));
    assert_int_equal(evaluate_with_body(&run, "Loop", "body", &graph, 2), FERRY_OK);
    ops_check_output(&run, 0, FERRY_INT64, SHAPE(), (const double[]){22});
    ops_check_output(&run, 1, FERRY_INT64, SHAPE(3), (const double[]){0, 1, 2});
    ops_release(&run);
}

static void test_loop_survives_a_body_that_swaps(void **state) {
    (void)state;
    for (int trips = 0; trips < 4; trips++) {
        ops_run run = {0};
        body graph = swap;
        ops_input(&run, FERRY_INT64, SHAPE(), INTS(trips));
        ops_input(&run, FERRY_BOOL, SHAPE(), NULL);
        ops_input(&run, FERRY_INT64, SHAPE(), INTS(10));
        ops_input(&run, FERRY_INT64, SHAPE(), INTS(20));
        assert_int_equal(evaluate_with_body(&run, "Loop", "body", &graph, 2), FERRY_OK);
        ops_check_output(&run, 0, FERRY_INT64, SHAPE(), (const double[]){trips % 2 ? 20 : 10});
        ops_check_output(&run, 1, FERRY_INT64, SHAPE(), (const double[]){trips % 2 ? 10 : 20});
        ops_release(&run);
    }
}

static void test_scan_runs_backwards_along_an_axis(void **state) {
    (void)state;
    ops_run run = {0};
    body graph = add_up;
    ops_integer(&run, "num_scan_inputs", 1);
    ops_list(&run, "scan_input_directions", INTS(1), 1);
    ops_list(&run, "scan_output_directions", INTS(1), 1);
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(0));
    ops_input(&run, FERRY_INT64, SHAPE(3), INTS(1, 10, 100));
    assert_int_equal(evaluate_with_body(&run, "Scan", "body", &graph, 2), FERRY_OK);
    ops_check_output(&run, 0, FERRY_INT64, SHAPE(), (const double[]){111});
    ops_check_output(&run, 1, FERRY_INT64, SHAPE(3), (const double[]){111, 110, 100});
    ops_release(&run);
}

static void test_bodies_cannot_run_everywhere(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_BOOL, SHAPE(), BYTES(1));
    ops_refused(&run, "If", FERRY_ERROR_UNSUPPORTED, "bodies cannot run here");
}

/* ---- sequences ---- */

static void test_sequences(void **state) {
    (void)state;
    ops_run run = {0};
    ferry_value items[2] = {{.tensor = {.dtype = FERRY_FLOAT32, .shape = SHAPE(1), .data = (void *)(uintptr_t)FLOATS(1)}},
                            {.tensor = {.dtype = FERRY_FLOAT32, .shape = SHAPE(2), .data = (void *)(uintptr_t)FLOATS(2, 3)}}};
    ops_integer(&run, "axis", -1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(0));
    run.inputs[0] = (ferry_value){.kind = FERRY_VALUE_SEQUENCE, .items = items, .count = 2};
    EXPECT(&run, "ConcatFromSequence", FERRY_FLOAT32, SHAPE(3), 1, 2, 3);
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(0));
    run.inputs[0] = (ferry_value){.kind = FERRY_VALUE_SEQUENCE, .items = items, .count = 2};
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(-2));
    EXPECT(&run, "SequenceAt", FERRY_FLOAT32, SHAPE(1), 1);
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(0));
    run.inputs[0] = (ferry_value){.kind = FERRY_VALUE_SEQUENCE, .items = items, .count = 2};
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(2));
    ops_refused(&run, "SequenceAt", FERRY_ERROR_INVALID_ARGUMENT, "position 2 is outside a sequence of 2");
    ops_input(&run, FERRY_FLOAT32, SHAPE(3), FLOATS(1, 2, 3));
    ops_input(&run, FERRY_INT64, SHAPE(2), INTS(1, 1));
    ops_refused(&run, "SplitToSequence", FERRY_ERROR_INVALID_ARGUMENT, "add up to 2, not 3");
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(0));
    run.inputs[0] = (ferry_value){.kind = FERRY_VALUE_OPTIONAL};
    ops_refused(&run, "OptionalGetElement", FERRY_ERROR_INVALID_ARGUMENT, "the optional is empty");
}

/* ---- recurrent networks and attention ---- */

static void test_reverse_rnn_starts_at_the_sequence_end(void **state) {
    (void)state;
    ops_run run = {0};
    const ferry_string names[] = {{"Affine", 6}};
    const float one = 1, zero = 0;
    ferry_attribute *a = ops_attribute(&run, "activations", FERRY_ATTRIBUTE_STRINGS);
    a->value.strings = names, a->count = 1;
    a = ops_attribute(&run, "activation_alpha", FERRY_ATTRIBUTE_FLOATS);
    a->value.reals = &one, a->count = 1;
    a = ops_attribute(&run, "activation_beta", FERRY_ATTRIBUTE_FLOATS);
    a->value.reals = &zero, a->count = 1;
    ops_text(&run, "direction", "reverse");
    ops_input(&run, FERRY_FLOAT32, SHAPE(3, 1, 1), FLOATS(1, 10, 100));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1), FLOATS(1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1), FLOATS(1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), NULL);
    ops_input(&run, FERRY_INT32, SHAPE(1), ((const int32_t[]){2}));
    assert_int_equal(ops_evaluate(&run, "RNN", 2), FERRY_OK);
    ops_check_output(&run, 0, FERRY_FLOAT32, SHAPE(3, 1, 1, 1), (const double[]){11, 10, 0});
    ops_check_output(&run, 1, FERRY_FLOAT32, SHAPE(1, 1, 1), (const double[]){11});
    ops_release(&run);
}

static void test_recurrent_refusals(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 1), FLOATS(1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 3, 1), FLOATS(1, 1, 1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 4, 1), FLOATS(1, 1, 1, 1));
    ops_refused(&run, "LSTM", FERRY_ERROR_SHAPE, "dimension 1 of input 1 is 3, it should be 4");
}

static void test_attention_hides_fully_masked_rows(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2, 1), FLOATS(1, 1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2, 1), FLOATS(1, 1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 2, 1), FLOATS(3, 5));
    ops_input(&run, FERRY_BOOL, SHAPE(2, 2), BYTES(1, 1, 0, 0));
    EXPECT(&run, "Attention", FERRY_FLOAT32, SHAPE(1, 1, 2, 1), 4, 0);
    ops_integer(&run, "q_num_heads", 3);
    ops_integer(&run, "kv_num_heads", 2);
    for (int i = 0; i < 3; i++) ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 6), FLOATS(1, 1, 1, 1, 1, 1));
    ops_refused(&run, "Attention", FERRY_ERROR_SHAPE, "head");
}

/* ---- strings, signals, suppression, random numbers ---- */

static void test_string_split_pads(void **state) {
    (void)state;
    ops_run run = {0};
    const ferry_string texts[] = {{"a,,b", 4}, {"", 0}};
    ops_text(&run, "delimiter", ",");
    ops_input(&run, FERRY_STRING, SHAPE(2), texts);
    assert_int_equal(ops_evaluate(&run, "StringSplit", 2), FERRY_OK);
    const ferry_string *out = run.outputs[0].tensor.data;
    assert_int_equal(run.outputs[0].tensor.shape.dims[1], 3);
    assert_memory_equal(out[0].text, "a", 1);
    assert_int_equal(out[1].length, 0);
    assert_memory_equal(out[2].text, "b", 1);
    ops_check_output(&run, 1, FERRY_INT64, SHAPE(2), (const double[]){3, 1});
    ops_release(&run);
}

static void test_dft_of_any_length(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT64, SHAPE(1, 3, 1), ((const double[]){1, 1, 1}));
    assert_int_equal(ops_evaluate(&run, "DFT", 1), FERRY_OK);
    const double *out = run.outputs[0].tensor.data;
    assert_true(fabs(out[0] - 3) < 1e-12 && fabs(out[2]) < 1e-12 && fabs(out[3]) < 1e-12);
    ops_release(&run);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 3, 1), FLOATS(1, 1, 1));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), NULL);
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(2));
    ops_refused(&run, "DFT", FERRY_ERROR_SHAPE, "the last axis holds real and imaginary parts");
}

static void test_suppression_keeps_ties_in_order(void **state) {
    (void)state;
    ops_run run = {0};
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 3, 4), FLOATS(0, 0, 1, 1, 0, 0, 1, 1, 5, 5, 6, 6));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 3), FLOATS(0.5f, 0.5f, 0.1f));
    ops_input(&run, FERRY_INT64, SHAPE(), INTS(10));
    ops_input(&run, FERRY_FLOAT32, SHAPE(), FLOATS(0.5f));
    EXPECT(&run, "NonMaxSuppression", FERRY_INT64, SHAPE(2, 3), 0, 0, 0, 0, 0, 2);
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 3, 4), FLOATS(0, 0, 1, 1, 0, 0, 1, 1, 5, 5, 6, 6));
    ops_input(&run, FERRY_FLOAT32, SHAPE(1, 1, 3), FLOATS(0.5f, 0.5f, 0.1f));
    assert_int_equal(ops_evaluate(&run, "NonMaxSuppression", 1), FERRY_OK);
    assert_int_equal(run.outputs[0].tensor.shape.dims[0], 0);
    ops_release(&run);
}

static void test_a_seed_repeats(void **state) {
    (void)state;
    double drawn[2];
    for (int i = 0; i < 2; i++) {
        ops_run run = {0};
        ops_list(&run, "shape", INTS(1000), 1);
        ops_attribute(&run, "seed", FERRY_ATTRIBUTE_FLOAT)->value.real = 7;
        assert_int_equal(ops_evaluate(&run, "RandomNormal", 1), FERRY_OK);
        const float *values = run.outputs[0].tensor.data;
        double sum = 0, squares = 0;
        for (int k = 0; k < 1000; k++) sum += values[k], squares += (double)values[k] * values[k];
        assert_true(fabs(sum / 1000) < 0.15 && fabs(squares / 1000 - 1) < 0.2);
        drawn[i] = sum;
        ops_release(&run);
    }
    assert_true(drawn[0] == drawn[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop_carries_collects_and_captures),
        cmocka_unit_test(test_loop_survives_a_body_that_swaps),
        cmocka_unit_test(test_scan_runs_backwards_along_an_axis),
        cmocka_unit_test(test_bodies_cannot_run_everywhere),
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_reverse_rnn_starts_at_the_sequence_end),
        cmocka_unit_test(test_recurrent_refusals),
        cmocka_unit_test(test_attention_hides_fully_masked_rows),
        cmocka_unit_test(test_string_split_pads),
        cmocka_unit_test(test_dft_of_any_length),
        cmocka_unit_test(test_suppression_keeps_ties_in_order),
        cmocka_unit_test(test_a_seed_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
