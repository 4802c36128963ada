/* SPDX-License-Identifier: Apache-2.0 */
/* float16 and bfloat16 graphs on devices that compute in float32. */
#include <string.h>

#include "passes/passes.h"
#include "passes/tools.h"

static bool is_narrow(ferry_dtype dtype) { return dtype == FERRY_FLOAT16 || dtype == FERRY_BFLOAT16; }

static ferry_status widen_constant(ferry_graph *graph, ferry_graph_value *value, ferry_error *error) {
    int64_t count;
    float *floats = ferry_constant_floats(graph, value, &count);
    if (!floats) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while widening '%s'", value->name);
    value->type.data = floats;
    value->type.dtype = FERRY_FLOAT32;
    return FERRY_OK;
}

/* Attributes that say a narrow type say float32 instead: Cast's `to`, Constant-like values. */
static ferry_status widen_attributes(ferry_graph *graph, ferry_graph_node *node, ferry_error *error) {
    static const char *const names[] = {"to", "dtype", "output_dtype", "_dtype", "stash_type"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const ferry_attribute *attribute = ferry_attribute_find(&node->attributes, names[i]);
        if (attribute && attribute->type == FERRY_ATTRIBUTE_INT && is_narrow((ferry_dtype)attribute->value.integer))
            FERRY_TRY(ferry_set_integer(graph, node, names[i], FERRY_FLOAT32, error));
    }
    const ferry_attribute *value = ferry_attribute_find(&node->attributes, "value");
    if (!value || value->type != FERRY_ATTRIBUTE_TENSOR || !is_narrow(value->value.tensor->dtype)) return FERRY_OK;
    ferry_tensor *wide = ferry_arena_copy(&graph->arena, value->value.tensor, sizeof *wide);
    int64_t count = ferry_shape_count(&value->value.tensor->shape);
    float *floats = ferry_arena_allocate(&graph->arena, (size_t)count, sizeof *floats);
    if (!wide || !floats) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
    for (int64_t i = 0; i < count; i++) floats[i] = (float)ferry_load_double(wide->dtype, wide->data, i);
    wide->dtype = FERRY_FLOAT32;
    wide->data = floats;
    ferry_attribute changed = {.name = "value", .type = FERRY_ATTRIBUTE_TENSOR, .value.tensor = wide};
    return ferry_node_set_attribute(graph, node, &changed, error);
}

static ferry_status add_cast(ferry_graph *graph, ferry_graph_value *from, ferry_dtype to, ferry_graph_node *before,
                             ferry_graph_value **result, ferry_error *error) {
    ferry_attribute attribute = {.name = "to", .type = FERRY_ATTRIBUTE_INT, .value.integer = to};
    ferry_attributes attributes = {&attribute, 1};
    return ferry_graph_insert(graph, &ferry_ops[FERRY_OP_Cast], &attributes, 1, &from, from->name, before, result, error);
}

/* x stays narrow for the caller; everything inside reads its float32 copy. */
static ferry_status widen_input(ferry_graph *graph, ferry_graph_value *input, ferry_error *error) {
    if (input->uses.count == 0) return FERRY_OK;
    ferry_graph_value *wide;
    ferry_graph_node *first = graph->nodes.count ? graph->nodes.items[0] : NULL;
    FERRY_TRY(add_cast(graph, input, FERRY_FLOAT32, first, &wide, error));
    for (size_t i = input->uses.count; i-- > 0;) {
        ferry_use use = input->uses.items[i];
        if (use.node != wide->producer) FERRY_TRY(ferry_node_set_input(use.node, use.input, wide, error));
    }
    return FERRY_OK;
}

/* The narrow output keeps its name and type: the value computed inside gets a new, wide one. */
static ferry_status widen_output(ferry_graph *graph, ferry_graph_value *output, ferry_error *error) {
    ferry_graph_node *producer = output->producer;
    if (!producer) return FERRY_OK; /* an input or a constant handed through */
    ferry_dtype narrow = output->type.dtype;
    ferry_value_type type = output->type;
    type.dtype = FERRY_FLOAT32;
    ferry_graph_value *wide;
    FERRY_TRY(ferry_graph_add_value(graph, NULL, &type, &wide, error));
    int index = output->producer_output;
    producer->outputs[index] = wide;
    wide->producer = producer;
    wide->producer_output = index;
    output->producer = NULL;
    for (size_t i = output->uses.count; i-- > 0;) {
        ferry_use use = output->uses.items[i];
        FERRY_TRY(ferry_node_set_input(use.node, use.input, wide, error));
    }
    ferry_attribute attribute = {.name = "to", .type = FERRY_ATTRIBUTE_INT, .value.integer = narrow};
    ferry_attributes attributes = {&attribute, 1};
    return ferry_graph_add_node(graph, NULL, &ferry_ops[FERRY_OP_Cast], &attributes, 1, &wide, 1, &output, NULL, NULL, error);
}

static bool keeps_types(const ferry_graph *graph) {
    for (size_t i = 0; i < graph->nodes.count; i++) {
        const ferry_graph_node *node = graph->nodes.items[i];
        for (int a = 0; a < node->attributes.count; a++)
            if (node->attributes.items[a].type == FERRY_ATTRIBUTE_GRAPH)
                return true; /* bodies keep the types they were given */
        if (ferry_node_is(node, FERRY_OP_BitCast)) return true;
    }
    return false;
}

ferry_status ferry_pass_widen(ferry_graph *graph, int *changes, ferry_error *error) {
    bool any = false;
    for (size_t i = 0; i < graph->values.count; i++) any |= is_narrow(graph->values.items[i]->type.dtype);
    if (!any || keeps_types(graph)) return FERRY_OK;
    for (size_t i = 0; i < graph->outputs.count; i++)
        if (is_narrow(graph->outputs.items[i]->type.dtype)) FERRY_TRY(widen_output(graph, graph->outputs.items[i], error));
    for (size_t i = 0; i < graph->inputs.count; i++)
        if (is_narrow(graph->inputs.items[i]->type.dtype)) FERRY_TRY(widen_input(graph, graph->inputs.items[i], error));
    for (size_t i = 0; i < graph->values.count; i++) {
        ferry_graph_value *value = graph->values.items[i];
        bool boundary = value->is_output;
        for (size_t k = 0; k < graph->inputs.count; k++) boundary |= graph->inputs.items[k] == value;
        if (!is_narrow(value->type.dtype) || boundary) continue;
        if (ferry_value_is_constant(value))
            FERRY_TRY(widen_constant(graph, value, error));
        else
            value->type.dtype = FERRY_FLOAT32;
        ++*changes;
    }
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        bool to_boundary = ferry_node_is(node, FERRY_OP_Cast) && node->outputs[0] && node->outputs[0]->is_output;
        if (!node->removed && !to_boundary) FERRY_TRY(widen_attributes(graph, node, error));
    }
    FERRY_TRY(ferry_graph_sort(graph, error));
    return ferry_graph_infer(graph, error);
}
