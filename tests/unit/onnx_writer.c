/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "onnx/onnx.h"
#include "onnx_models.h"

static ferry_graph *read_sample(const sample *model) {
    size_t size;
    unsigned char *bytes = bytes_of(model->emit, &size);
    ferry_graph *graph = NULL;
    ferry_error error = {0};
    if (ferry_onnx_read_memory(bytes, size, NULL, &graph, NULL, &error) != FERRY_OK)
        fail_msg("%s: %s", model->name, error.message);
    free(bytes);
    return graph;
}

static void assert_same_type(const char *sample_name, const ferry_graph_value *a, const ferry_graph_value *b) {
    if (a->type.dtype != b->type.dtype || a->type.kind != b->type.kind || a->type.ranked != b->type.ranked ||
        a->type.shape.rank != b->type.shape.rank)
        fail_msg("%s: types of '%s' and '%s' differ", sample_name, a->name, b->name);
    if (!ferry_value_is_constant(a)) return;
    size_t bytes;
    assert_true(ferry_value_is_constant(b));
    assert_true(ferry_shape_equal(&a->type.shape, &b->type.shape));
    assert_true(ferry_tensor_bytes(a->type.dtype, FERRY_LAYOUT_PLAIN, &a->type.shape, &bytes));
    if (a->type.dtype != FERRY_STRING && bytes) assert_memory_equal(a->type.data, b->type.data, bytes);
}

static void assert_same_graph(const char *sample_name, const ferry_graph *a, const ferry_graph *b) {
    assert_int_equal(a->nodes.count, b->nodes.count);
    assert_int_equal(a->inputs.count, b->inputs.count);
    assert_int_equal(a->outputs.count, b->outputs.count);
    for (size_t i = 0; i < a->inputs.count; i++) assert_same_type(sample_name, a->inputs.items[i], b->inputs.items[i]);
    for (size_t i = 0; i < a->outputs.count; i++) assert_same_type(sample_name, a->outputs.items[i], b->outputs.items[i]);
    for (size_t i = 0; i < a->nodes.count; i++) {
        const ferry_graph_node *x = a->nodes.items[i], *y = b->nodes.items[i];
        assert_string_equal(x->op->name, y->op->name);
        assert_int_equal(x->input_count, y->input_count);
        assert_int_equal(x->attributes.count, y->attributes.count);
        for (int k = 0; k < x->input_count; k++) {
            assert_true((x->inputs[k] == NULL) == (y->inputs[k] == NULL));
            if (x->inputs[k]) assert_same_type(sample_name, x->inputs[k], y->inputs[k]);
        }
        for (int k = 0; k < x->attributes.count; k++) {
            const ferry_attribute *other = ferry_attribute_find(&y->attributes, x->attributes.items[k].name);
            assert_non_null(other);
            assert_int_equal(x->attributes.items[k].type, other->type);
            if (other->type == FERRY_ATTRIBUTE_GRAPH)
                assert_same_graph(sample_name, x->attributes.items[k].value.graph, other->value.graph);
        }
    }
}

/* Softmax of old opsets cannot be said in ONNX's new words. */
static bool is_writable(const sample *model) { return model->status == FERRY_OK && strcmp(model->name, "softmax_11") != 0; }

static void what_is_written_reads_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < sample_count; i++) {
        if (!is_writable(&samples[i])) continue;
        ferry_graph *graph = read_sample(&samples[i]), *again = NULL;
        ferry_error error = {0};
        unsigned char *bytes;
        size_t size;
        if (ferry_onnx_write_memory(graph, &bytes, &size, &error) != FERRY_OK)
            fail_msg("%s: writing: %s", samples[i].name, error.message);
        if (ferry_onnx_read_memory(bytes, size, NULL, &again, NULL, &error) != FERRY_OK)
            fail_msg("%s: reading again: %s", samples[i].name, error.message);
        assert_same_graph(samples[i].name, graph, again);
        ferry_free(bytes);
        ferry_graph_destroy(graph);
        ferry_graph_destroy(again);
    }
}

static void refuses_what_onnx_cannot_say(void **state) {
    (void)state;
    ferry_graph *graph = read_sample(find_sample("softmax_11"));
    ferry_error error = {0};
    unsigned char *bytes;
    size_t size;
    assert_int_equal(ferry_onnx_write_memory(graph, &bytes, &size, &error), FERRY_ERROR_UNSUPPORTED);
    assert_null(bytes);
    assert_non_null(strstr(error.message, "_flatten"));
    ferry_graph_destroy(graph);
}

static void survives_every_failing_allocation(void **state) {
    (void)state;
    ferry_graph *graph = read_sample(find_sample("loop_captures"));
    ferry_status status = FERRY_ERROR_OUT_OF_MEMORY;
    for (int64_t n = 1; status == FERRY_ERROR_OUT_OF_MEMORY && n < 1000; n++) {
        ferry_error error = {0};
        unsigned char *bytes = NULL;
        size_t size;
        ferry_allocation_fail_after(n);
        status = ferry_onnx_write_memory(graph, &bytes, &size, &error);
        ferry_allocation_fail_after(0);
        assert_true((bytes != NULL) == (status == FERRY_OK));
        ferry_free(bytes);
    }
    assert_int_equal(status, FERRY_OK);
    ferry_graph_destroy(graph);
}

/* A weight of 4 KiB goes beside the model when there is room for 1 KiB in it. */
static void big_weight(writer *out) {
    static float values[1024];
    for (int i = 0; i < 1024; i++) values[i] = (float)i;
    put_head(out, 8, 17);
    begin_graph(out, "big");
    put_node(out, "Add", "x weight", "y");
    put_initializer_floats(out, "weight", "1024", values, 1024);
    put_input(out, "x", 1, "1024");
    put_output(out, "y", 1, "1024");
    ferry_protobuf_end(out);
}

static void large_weights_go_beside_the_model(void **state) {
    (void)state;
    const sample model = {"big", big_weight, FERRY_OK, NULL};
    char folder[] = "/tmp/ferry-onnx-XXXXXX", path[64], data[64];
    ferry_graph *graph = read_sample(&model), *again = NULL;
    ferry_error error = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/big.onnx", folder);
    snprintf(data, sizeof data, "%s/big.onnx.data", folder);
    assert_int_equal(ferry_onnx_write(graph, path, 0, &error), FERRY_OK);
    assert_int_not_equal(access(data, F_OK), 0);
    assert_int_equal(ferry_onnx_write(graph, path, 1024, &error), FERRY_OK);
    assert_int_equal(access(data, F_OK), 0);
    if (ferry_onnx_read(path, &again, NULL, &error) != FERRY_OK) fail_msg("%s", error.message);
    assert_same_graph("big", graph, again);
    ferry_graph_destroy(graph);
    ferry_graph_destroy(again);
    unlink(path);
    unlink(data);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(refuses_what_onnx_cannot_say),
        cmocka_unit_test(survives_every_failing_allocation),
        cmocka_unit_test(large_weights_go_beside_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
