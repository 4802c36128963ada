/* SPDX-License-Identifier: Apache-2.0 */
/* Memory sharing never changes a result: random graphs of element-wise operators, joins, cuts and views run once as they are
 * and once with every value also an output, which forbids nearly all sharing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "compile/compile.h"
#include "engine/file.h"
#include "runtime/frame.h"

enum { STEPS = 14, CHANNELS = 16, SIDE = 4, GRAPHS = 300, MAX_VALUES = 64 };

static uint32_t draw(uint32_t *random, uint32_t below) {
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 10) % below;
}

typedef struct builder {
    ferry_graph *graph;
    ferry_graph_value *values[MAX_VALUES];
    int count;
    uint32_t random;
} builder;

static void add_node(builder *b, ferry_op_index op, const ferry_attributes *attributes, int inputs, ferry_graph_value **in,
                     int outputs) {
    ferry_graph_value *out[2];
    ferry_graph_node *node;
    for (int i = 0; i < outputs; i++) assert_int_equal(ferry_graph_add_value(b->graph, NULL, NULL, &out[i], NULL), FERRY_OK);
    assert_int_equal(
        ferry_graph_add_node(b->graph, NULL, &ferry_ops[op], attributes, inputs, in, outputs, out, NULL, &node, NULL),
        FERRY_OK);
    assert_int_equal(ferry_node_infer(b->graph, node, NULL), FERRY_OK);
    for (int i = 0; i < outputs; i++) b->values[b->count++] = out[i];
}

static ferry_graph_value *any(builder *b) { return b->values[draw(&b->random, (uint32_t)b->count)]; }

/* Another value of the same shape; always finds x itself. */
static ferry_graph_value *partner(builder *b, const ferry_graph_value *x) {
    for (int tries = 0; tries < 20; tries++) {
        ferry_graph_value *y = any(b);
        if (ferry_shape_equal(&x->type.shape, &y->type.shape)) return y;
    }
    return (ferry_graph_value *)x;
}

static ferry_attributes axis_one(void) {
    static ferry_attribute axis = {.name = "axis", .type = FERRY_ATTRIBUTE_INT, .value.integer = 1};
    return (ferry_attributes){&axis, 1};
}

static void add_view(builder *b, ferry_graph_value *x) {
    int64_t target[3] = {x->type.shape.dims[0], x->type.shape.dims[1], x->type.shape.dims[2] * x->type.shape.dims[3]};
    int64_t back[4] = {x->type.shape.dims[0], x->type.shape.dims[1], x->type.shape.dims[2], x->type.shape.dims[3]};
    ferry_tensor flat = {.dtype = FERRY_INT64, .shape = {1, {3}}, .data = target};
    ferry_tensor full = {.dtype = FERRY_INT64, .shape = {1, {4}}, .data = back};
    ferry_graph_value *shape;
    assert_int_equal(ferry_graph_add_constant(b->graph, NULL, &flat, true, &shape, NULL), FERRY_OK);
    add_node(b, FERRY_OP_Reshape, NULL, 2, (ferry_graph_value *[]){x, shape}, 1);
    ferry_graph_value *middle = b->values[--b->count]; /* rank 3 stays hidden */
    add_node(b, FERRY_OP_Relu, NULL, 1, &middle, 1);
    middle = b->values[--b->count];
    assert_int_equal(ferry_graph_add_constant(b->graph, NULL, &full, true, &shape, NULL), FERRY_OK);
    add_node(b, FERRY_OP_Reshape, NULL, 2, (ferry_graph_value *[]){middle, shape}, 1);
}

static void add_step(builder *b) {
    ferry_graph_value *x = any(b);
    ferry_attributes axis = axis_one();
    switch (draw(&b->random, 6)) {
    case 0: add_node(b, FERRY_OP_Relu, NULL, 1, &x, 1); break;
    case 1: add_node(b, FERRY_OP_Add, NULL, 2, (ferry_graph_value *[]){x, partner(b, x)}, 1); break;
    case 2: add_node(b, FERRY_OP_Mul, NULL, 2, (ferry_graph_value *[]){x, partner(b, x)}, 1); break;
    case 3:
        if (x->type.shape.dims[1] <= 64) add_node(b, FERRY_OP_Concat, &axis, 2, (ferry_graph_value *[]){x, any(b)}, 1);
        break;
    case 4:
        if (x->type.shape.dims[1] % 32 == 0) {
            ferry_attribute attributes[2] = {{.name = "axis", .type = FERRY_ATTRIBUTE_INT, .value.integer = 1},
                                             {.name = "num_outputs", .type = FERRY_ATTRIBUTE_INT, .value.integer = 2}};
            ferry_attributes both = {attributes, 2};
            add_node(b, FERRY_OP_Split, &both, 1, &x, 2);
        }
        break;
    default: add_view(b, x); break;
    }
}

static ferry_graph *make_graph(uint32_t seed, bool all_outputs) {
    builder b = {.random = seed};
    assert_int_equal(ferry_graph_create("random", &b.graph, NULL), FERRY_OK);
    ferry_value_type type = {.dtype = FERRY_FLOAT32, .ranked = true, .shape = {4, {1, CHANNELS, SIDE, SIDE}}};
    assert_int_equal(ferry_graph_add_input(b.graph, "x", &type, &b.values[b.count++], NULL), FERRY_OK);
    assert_int_equal(ferry_graph_add_input(b.graph, "y", &type, &b.values[b.count++], NULL), FERRY_OK);
    for (int i = 0; i < STEPS; i++) add_step(&b);
    for (int i = 0; i < 3; i++) { /* the results that are compared come first */
        ferry_graph_value *x = b.values[b.count - 1 - i % (b.count - 1)], *sum;
        add_node(&b, FERRY_OP_Add, NULL, 2, (ferry_graph_value *[]){x, x}, 1);
        sum = b.values[--b.count];
        assert_int_equal(ferry_graph_mark_output(b.graph, sum, NULL), FERRY_OK);
    }
    for (size_t i = 0; all_outputs && i < b.graph->values.count; i++) {
        ferry_graph_value *value = b.graph->values.items[i];
        if (value->producer && !value->is_output) assert_int_equal(ferry_graph_mark_output(b.graph, value, NULL), FERRY_OK);
    }
    return b.graph;
}

/* Runs a graph; the first three outputs are copied to `results`. Passes are skipped so that the graphs stay as drawn. */
static void run_graph(uint32_t seed, bool all_outputs, float **results, size_t *sizes, size_t *memory) {
    ferry_graph *graph = make_graph(seed, all_outputs);
    ferry_compile_settings settings = {.features = ferry_cpu_features(), .threads = 1};
    ferry_tuner *tuner;
    ferry_choices choices = {0};
    ferry_compiled compiled;
    ferry_error error = {FERRY_OK, ""};
    assert_int_equal(ferry_tuner_create(&settings, &tuner, &error), FERRY_OK);
    assert_int_equal(ferry_choose(graph, &settings, tuner, &choices, &error), FERRY_OK);
    assert_int_equal(ferry_emit(graph, &settings, &choices, &compiled, &error), FERRY_OK);
    int budget = 1;
    ferry_frame *frame;
    assert_int_equal(
        ferry_frame_create(compiled.plan, compiled.plan->graphs[0], settings.features, NULL, &budget, &frame, &error),
        FERRY_OK);
    assert_int_equal(ferry_frame_plan(frame, &error), FERRY_OK);
    for (int input = 0; input < 2; input++) {
        float *x = frame->values[frame->graph->inputs[input]].value.tensor.data;
        for (int i = 0; i < CHANNELS * SIDE * SIDE; i++) x[i] = (float)((i * 37 + input * 11) % 17 - 8) / 8;
    }
    for (int run = 0; run < 2; run++) /* the second run finds what the first left */
        if (ferry_frame_run(frame, &error) != FERRY_OK) fail_msg("%s", error.message);
    for (int i = 0; i < 3; i++) {
        const ferry_frame_value *value = &frame->values[frame->graph->outputs[i]];
        sizes[i] = value->bytes;
        results[i] = malloc(value->bytes);
        memcpy(results[i], value->value.tensor.data, value->bytes);
    }
    *memory = frame->activation_bytes;
    ferry_frame_destroy(frame);
    ferry_compiled_release(&compiled);
    ferry_vector_free(&choices.items);
    ferry_tuner_destroy(tuner);
    ferry_graph_destroy(graph);
}

static void sharing_changes_nothing(void **state) {
    (void)state;
    size_t saved = 0;
    for (uint32_t seed = 1; seed <= GRAPHS; seed++) {
        float *shared[3], *apart[3];
        size_t shared_sizes[3], apart_sizes[3], shared_memory, apart_memory;
        run_graph(seed, false, shared, shared_sizes, &shared_memory);
        run_graph(seed, true, apart, apart_sizes, &apart_memory);
        assert_true(shared_memory <= apart_memory);
        saved += apart_memory - shared_memory;
        for (int i = 0; i < 3; i++) {
            assert_int_equal(shared_sizes[i], apart_sizes[i]);
            if (memcmp(shared[i], apart[i], shared_sizes[i]) != 0) fail_msg("graph %u: output %d differs", seed, i);
            free(shared[i]);
            free(apart[i]);
        }
    }
    assert_true(saved > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sharing_changes_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
