/* SPDX-License-Identifier: Apache-2.0 */
/* The pass fuse-head: a detector's end written out as exporters do gives the same numbers as the DetectionHead that replaces
 * it, and what is no such end stays as it is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "passes/passes.h"

enum { ANCHORS = 3, VALUES = 7, HEIGHT = 2, WIDTH = 3, BATCH = 2, MAX_NODES = 32, MAX_VALUES = 64 };

static ferry_graph_value *insert(ferry_graph *graph, ferry_op_index op, ferry_attribute *attribute, int count,
                                 ferry_graph_value **inputs) {
    ferry_graph_value *output;
    ferry_attributes attributes = {attribute, attribute ? 1 : 0};
    ferry_error error = {0};
    if (ferry_graph_insert(graph, &ferry_ops[op], &attributes, count, inputs, "v", NULL, &output, &error) != FERRY_OK)
        fail_msg("%s", error.message);
    return output;
}

static ferry_graph_value *constant(ferry_graph *graph, ferry_dtype dtype, int rank, const int64_t *dims, const void *data) {
    ferry_graph_value *value;
    ferry_tensor tensor = {.dtype = dtype, .shape = ferry_shape_make(rank, dims), .data = (void *)data};
    assert_int_equal(ferry_graph_add_constant(graph, NULL, &tensor, true, &value, NULL), FERRY_OK);
    return value;
}

static ferry_graph_value *number(ferry_graph *graph, float x) { return constant(graph, FERRY_FLOAT32, 0, NULL, &x); }

static ferry_graph_value *integers(ferry_graph *graph, int64_t count, const int64_t *values) {
    return constant(graph, FERRY_INT64, 1, &count, values);
}

static ferry_graph_value *pair(ferry_graph *graph, ferry_op_index op, ferry_graph_value *a, ferry_graph_value *b) {
    return insert(graph, op, NULL, 2, (ferry_graph_value *[]){a, b});
}

/* Values [first, last) of the rows, by a Slice. */
static ferry_graph_value *slice(ferry_graph *graph, ferry_graph_value *rows, int64_t first, int64_t last) {
    static const int64_t axis = 4, step = 1;
    ferry_graph_value *inputs[5] = {rows, integers(graph, 1, &first), integers(graph, 1, &last), integers(graph, 1, &axis),
                                    integers(graph, 1, &step)};
    return insert(graph, FERRY_OP_Slice, NULL, 5, inputs);
}

/* YOLOv5's end; `cubic` spoils it with a third power. */
static ferry_graph *make_graph(bool cubic) {
    static const int64_t shape[5] = {BATCH, ANCHORS, VALUES, HEIGHT, WIDTH}, order[5] = {0, 1, 3, 4, 2};
    static const int64_t grid_dims[5] = {1, 1, HEIGHT, WIDTH, 2}, anchor_dims[5] = {1, ANCHORS, 1, 1, 2};
    float grid[HEIGHT * WIDTH * 2], anchors[ANCHORS * 2];
    for (int i = 0; i < HEIGHT * WIDTH * 2; i++) grid[i] = (float)(i % 2 ? i / 2 / WIDTH : i / 2 % WIDTH) - 0.5f;
    for (int i = 0; i < ANCHORS * 2; i++) anchors[i] = 10.0f + 3.0f * (float)i;
    ferry_graph *graph;
    ferry_graph_value *x, *parts[3];
    ferry_value_type type = {
        .dtype = FERRY_FLOAT32, .ranked = true, .shape = {.rank = 4, .dims = {BATCH, ANCHORS * VALUES, HEIGHT, WIDTH}}};
    assert_int_equal(ferry_graph_create("head", &graph, NULL), FERRY_OK);
    assert_int_equal(ferry_graph_add_input(graph, "x", &type, &x, NULL), FERRY_OK);
    ferry_attribute perm = {.name = "perm", .type = FERRY_ATTRIBUTE_INTS, .count = 5, .value.integers = order};
    ferry_attribute last_axis = {.name = "axis", .type = FERRY_ATTRIBUTE_INT, .value.integer = -1};
    ferry_graph_value *rows = pair(graph, FERRY_OP_Reshape, x, integers(graph, 5, shape));
    rows = insert(graph, FERRY_OP_Transpose, &perm, 1, &rows);
    rows = insert(graph, FERRY_OP_Sigmoid, NULL, 1, &rows);
    ferry_graph_value *xy = slice(graph, rows, 0, 2), *wh = slice(graph, rows, 2, 4);
    xy = pair(graph, FERRY_OP_Add, pair(graph, FERRY_OP_Mul, xy, number(graph, 2.0f)),
              constant(graph, FERRY_FLOAT32, 5, grid_dims, grid));
    parts[0] = pair(graph, FERRY_OP_Mul, xy, number(graph, 8.0f));
    wh = pair(graph, FERRY_OP_Pow, pair(graph, FERRY_OP_Mul, wh, number(graph, 2.0f)), number(graph, cubic ? 3.0f : 2.0f));
    parts[1] = pair(graph, FERRY_OP_Mul, constant(graph, FERRY_FLOAT32, 5, anchor_dims, anchors), wh);
    parts[2] = slice(graph, rows, 4, VALUES);
    ferry_graph_value *joined = insert(graph, FERRY_OP_Concat, &last_axis, 3, parts);
    assert_int_equal(ferry_graph_mark_output(graph, joined, NULL), FERRY_OK);
    return graph;
}

/* Runs every node's reference evaluation; the output's memory lives in the arena. */
static const float *evaluate(ferry_graph *graph, const float *x, ferry_arena *arena) {
    ferry_value values[MAX_VALUES] = {0};
    for (size_t i = 0; i < graph->values.count; i++) {
        ferry_graph_value *v = graph->values.items[i];
        assert_true(i < MAX_VALUES);
        v->index = (int32_t)i;
        values[i].tensor = ferry_value_tensor(v);
    }
    values[graph->inputs.items[0]->index].tensor.data = (void *)x;
    for (size_t n = 0; n < graph->nodes.count; n++) {
        ferry_graph_node *node = graph->nodes.items[n];
        const ferry_value *inputs[8];
        ferry_value *output = &values[node->outputs[0]->index];
        size_t bytes;
        for (int i = 0; i < node->input_count; i++) inputs[i] = &values[node->inputs[i]->index];
        assert_true(ferry_tensor_bytes(output->tensor.dtype, FERRY_LAYOUT_PLAIN, &output->tensor.shape, &bytes));
        output->tensor.data = ferry_arena_allocate(arena, 1, bytes);
        ferry_error error = {0};
        ferry_evaluation evaluation = {.op = node->op,
                                       .attributes = &node->attributes,
                                       .input_count = node->input_count,
                                       .output_count = 1,
                                       .inputs = inputs,
                                       .outputs = &output,
                                       .scratch = arena,
                                       .error = &error};
        if (node->op->evaluate(&evaluation) != FERRY_OK) fail_msg("%s: %s", node->op->name, error.message);
    }
    return values[graph->outputs.items[0]->index].tensor.data;
}

static int count_nodes(const ferry_graph *graph, ferry_op_index op) {
    int count = 0;
    for (size_t i = 0; i < graph->nodes.count; i++) count += ferry_node_is(graph->nodes.items[i], op);
    return count;
}

static void fuses_and_keeps_the_numbers(void **state) {
    (void)state;
    float x[BATCH * ANCHORS * VALUES * HEIGHT * WIDTH];
    enum { COUNT = sizeof x / sizeof *x };
    for (int i = 0; i < COUNT; i++) x[i] = (float)(i * 37 % 101) / 20.0f - 2.5f;
    ferry_graph *graph = make_graph(false);
    ferry_arena arena = {0};
    const float *before = evaluate(graph, x, &arena);
    assert_int_equal(ferry_passes_run(graph, FERRY_PASS_FUSE, NULL, NULL), FERRY_OK);
    assert_int_equal(count_nodes(graph, FERRY_OP_DetectionHead), 1);
    assert_int_equal(graph->nodes.count, 1);
    const float *after = evaluate(graph, x, &arena);
    for (int i = 0; i < COUNT; i++)
        if (fabsf(before[i] - after[i]) > 1e-5f * fabsf(before[i]) + 1e-5f)
            fail_msg("element %d: %g became %g", i, (double)before[i], (double)after[i]);
    ferry_arena_release(&arena);
    ferry_graph_destroy(graph);
}

static void leaves_others_alone(void **state) {
    (void)state;
    ferry_graph *graph = make_graph(true);
    assert_int_equal(ferry_passes_run(graph, FERRY_PASS_FUSE, NULL, NULL), FERRY_OK);
    assert_int_equal(count_nodes(graph, FERRY_OP_DetectionHead), 0);
    assert_int_equal(count_nodes(graph, FERRY_OP_Concat), 1);
    ferry_graph_destroy(graph);
    graph = make_graph(false); /* simplify keeps to standard operators */
    assert_int_equal(ferry_passes_run(graph, FERRY_PASS_PLAIN, NULL, NULL), FERRY_OK);
    assert_int_equal(count_nodes(graph, FERRY_OP_DetectionHead), 0);
    ferry_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(fuses_and_keeps_the_numbers), cmocka_unit_test(leaves_others_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
