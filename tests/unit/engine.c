/* SPDX-License-Identifier: Apache-2.0 */
/* From a graph to an engine in memory and back: what is written is read, what is damaged is refused, what is loaded runs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/map.h"
#include "compile/compile.h"
#include "engine/file.h"
#include "runtime/frame.h"

enum { ROWS = 3, COLUMNS = 5 };

static ferry_graph_value *add_node(ferry_graph *graph, ferry_op_index op, int count, ferry_graph_value **inputs,
                                   const char *name) {
    ferry_graph_value *value;
    ferry_graph_node *node;
    assert_int_equal(ferry_graph_add_value(graph, name, NULL, &value, NULL), FERRY_OK);
    assert_int_equal(ferry_graph_add_node(graph, NULL, &ferry_ops[op], NULL, count, inputs, 1, &value, NULL, &node, NULL),
                     FERRY_OK);
    assert_int_equal(ferry_node_infer(graph, node, NULL), FERRY_OK);
    return value;
}

/* y = relu(x + c) * x, with x: batch x COLUMNS */
static ferry_graph *make_graph(void) {
    ferry_graph *graph;
    assert_int_equal(ferry_graph_create("test", &graph, NULL), FERRY_OK);
    ferry_value_type type = {.dtype = FERRY_FLOAT32, .ranked = true, .shape = {2, {0, COLUMNS}}};
    type.shape.dims[0] = ferry_symbol_named(graph->symbols, "batch");
    ferry_graph_value *x, *c;
    assert_int_equal(ferry_graph_add_input(graph, "x", &type, &x, NULL), FERRY_OK);
    float constants[COLUMNS] = {-2, -1, 0, 1, 2};
    ferry_tensor tensor = {.dtype = FERRY_FLOAT32, .shape = {1, {COLUMNS}}, .data = constants};
    assert_int_equal(ferry_graph_add_constant(graph, "c", &tensor, true, &c, NULL), FERRY_OK);
    ferry_graph_value *sum = add_node(graph, FERRY_OP_Add, 2, (ferry_graph_value *[]){x, c}, "sum");
    ferry_graph_value *positive = add_node(graph, FERRY_OP_Relu, 1, &sum, "positive");
    ferry_graph_value *y = add_node(graph, FERRY_OP_Mul, 2, (ferry_graph_value *[]){positive, x}, "y");
    assert_int_equal(ferry_graph_mark_output(graph, y, NULL), FERRY_OK);
    assert_int_equal(ferry_graph_add_metadata(graph, "task", "test", NULL), FERRY_OK);
    return graph;
}

static void make_engine(unsigned char **data, size_t *bytes) {
    ferry_graph *graph = make_graph();
    ferry_compile_settings settings = {.features = ferry_cpu_features(), .threads = 1, .producer = "test"};
    ferry_compiled compiled;
    ferry_error error = {FERRY_OK, ""};
    if (ferry_compile(graph, &settings, &compiled, &error) != FERRY_OK) fail_msg("%s", error.message);
    assert_int_equal(ferry_engine_serialize(compiled.plan, data, bytes, NULL), FERRY_OK);
    ferry_compiled_release(&compiled);
    ferry_graph_destroy(graph);
}

static void loaded_engine_runs(void **state) {
    (void)state;
    unsigned char *data;
    size_t bytes;
    make_engine(&data, &bytes);
    ferry_plan *plan;
    ferry_error error = {FERRY_OK, ""};
    assert_int_equal(ferry_engine_parse(data, bytes, ferry_cpu_features(), &plan, &error), FERRY_OK);
    assert_int_equal(plan->metadata_count, 1);
    assert_string_equal(plan->metadata[0].value, "test");
    assert_string_equal(plan->graphs[0]->values[plan->graphs[0]->inputs[0]].dim_names[0], "batch");
    int budget = 10;
    ferry_frame *frame;
    assert_int_equal(ferry_frame_create(plan, plan->graphs[0], ferry_cpu_features(), NULL, &budget, &frame, &error), FERRY_OK);
    assert_false(ferry_frame_shaped(frame));
    for (int64_t rows = ROWS; rows <= 2 * ROWS; rows += ROWS) { /* plans anew for another batch */
        ferry_shape shape = {2, {rows, COLUMNS}};
        assert_int_equal(ferry_frame_set_shape(frame, 0, &shape, &error), FERRY_OK);
        assert_int_equal(ferry_frame_plan(frame, &error), FERRY_OK);
        float *x = frame->values[plan->graphs[0]->inputs[0]].value.tensor.data;
        for (int64_t i = 0; i < rows * COLUMNS; i++) x[i] = (float)i - 7;
        assert_int_equal(ferry_frame_run(frame, &error), FERRY_OK);
        const ferry_tensor *y = &frame->values[plan->graphs[0]->outputs[0]].value.tensor;
        assert_int_equal(ferry_shape_count(&y->shape), rows * COLUMNS);
        for (int64_t i = 0; i < rows * COLUMNS; i++) {
            float sum = x[i] + (float)(i % COLUMNS - 2);
            assert_true(((const float *)y->data)[i] == (sum > 0 ? sum : 0) * x[i]);
        }
    }
    ferry_shape wrong = {2, {ROWS, COLUMNS + 1}};
    assert_int_equal(ferry_frame_set_shape(frame, 0, &wrong, &error), FERRY_ERROR_SHAPE);
    ferry_frame_destroy(frame);
    ferry_plan_destroy(plan);
    ferry_aligned_free(data);
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    unsigned char *data;
    size_t bytes;
    make_engine(&data, &bytes);
    for (size_t length = 0; length < bytes; length++) {
        unsigned char *part = ferry_aligned_malloc(length);
        memcpy(part, data, length);
        ferry_plan *plan;
        ferry_error error = {FERRY_OK, ""};
        assert_int_not_equal(ferry_engine_parse(part, length, ferry_cpu_features(), &plan, &error), FERRY_OK);
        assert_null(plan);
        assert_true(strlen(error.message) > 0);
        ferry_aligned_free(part);
    }
    ferry_aligned_free(data);
}

/* The checksums made good again after a change, so that the reader's own checks are what is tested. */
static void mend(unsigned char *data) {
    uint64_t offset, bytes, hash;
    memcpy(&offset, data + 24, 8);
    memcpy(&bytes, data + 32, 8);
    hash = ferry_hash64(data + offset, (size_t)bytes, 0);
    memcpy(data + 56, &hash, 8);
    hash = ferry_hash64(data, 72, 0);
    memcpy(data + 72, &hash, 8);
}

static void run_if_it_parses(const unsigned char *data, size_t bytes) {
    ferry_plan *plan;
    ferry_error error = {FERRY_OK, ""};
    if (ferry_engine_parse(data, bytes, ferry_cpu_features(), &plan, &error) != FERRY_OK) return;
    int budget = 10;
    ferry_frame *frame;
    if (ferry_frame_create(plan, plan->graphs[0], ferry_cpu_features(), NULL, &budget, &frame, &error) == FERRY_OK) {
        ferry_shape shape = {2, {ROWS, COLUMNS}};
        bool ready = frame->graph->input_count == 1 && ferry_frame_set_shape(frame, 0, &shape, &error) == FERRY_OK;
        if (ready && ferry_frame_plan(frame, &error) == FERRY_OK) {
            memset(frame->values[frame->graph->inputs[0]].value.tensor.data, 0, frame->values[frame->graph->inputs[0]].bytes);
            (void)ferry_frame_run(frame, &error);
        }
        ferry_frame_destroy(frame);
    }
    ferry_plan_destroy(plan);
}

static void damage_is_refused_or_harmless(void **state) {
    (void)state;
    unsigned char *data;
    size_t bytes;
    make_engine(&data, &bytes);
    uint64_t offset, plan_bytes;
    memcpy(&offset, data + 24, 8);
    memcpy(&plan_bytes, data + 32, 8);
    for (uint64_t i = 0; i < offset + plan_bytes; i++) /* a flipped bit is seen by a checksum */
        for (int bit = 0; bit < 8; bit += 3) {
            ferry_plan *plan;
            data[i] ^= (unsigned char)(1 << bit);
            assert_int_not_equal(ferry_engine_parse(data, bytes, ferry_cpu_features(), &plan, NULL), FERRY_OK);
            data[i] ^= (unsigned char)(1 << bit);
        }
    uint32_t random = 1;
    for (int round = 0; round < 4000; round++) { /* an attacker mends the checksums: nothing may crash */
        unsigned char *copy = ferry_aligned_malloc(bytes);
        memcpy(copy, data, bytes);
        for (int k = 0; k < 1 + round % 4; k++) {
            random = random * 1664525u + 1013904223u;
            uint64_t place = offset + (random >> 8) % plan_bytes;
            random = random * 1664525u + 1013904223u;
            copy[place] = round % 2 ? (unsigned char)(random >> 24) : (unsigned char)(copy[place] + (random >> 30) - 1);
        }
        mend(copy);
        run_if_it_parses(copy, bytes);
        ferry_aligned_free(copy);
    }
    ferry_aligned_free(data);
}

static void other_machines_are_named(void **state) {
    (void)state;
    unsigned char *data;
    size_t bytes;
    make_engine(&data, &bytes);
    ferry_plan *plan;
    ferry_error error;
    uint32_t needed = FERRY_CPU_AVX512 | FERRY_CPU_I8MM;
    memcpy(data + 16, &needed, 4);
    mend(data);
    assert_int_equal(ferry_engine_parse(data, bytes, FERRY_CPU_SSE41, &plan, &error), FERRY_ERROR_CPU_FEATURE);
    assert_non_null(strstr(error.message, "avx512"));
    uint32_t newer = FERRY_ENGINE_FORMAT + 1;
    memcpy(data + 8, &newer, 4);
    assert_int_equal(ferry_engine_parse(data, bytes, FERRY_CPU_SSE41, &plan, &error), FERRY_ERROR_VERSION);
    ferry_aligned_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loaded_engine_runs),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(damage_is_refused_or_harmless),
        cmocka_unit_test(other_machines_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
