/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/graph.h"

#include <stdio.h>
#include <string.h>

static ferry_status no_memory(ferry_error *error) {
    return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while changing the graph");
}

/* The outermost graph's arena holds the structs of all bodies, so that one release frees everything. */
static ferry_graph *outermost(ferry_graph *graph) {
    while (graph->parent) graph = graph->parent;
    return graph;
}

ferry_status ferry_graph_create(const char *name, ferry_graph **result, ferry_error *error) {
    *result = NULL;
    ferry_graph *graph = ferry_calloc(1, sizeof *graph);
    if (!graph) return no_memory(error);
    graph->symbols = ferry_symbols_create();
    graph->name = ferry_arena_strdup(&graph->arena, name ? name : "");
    if (!graph->symbols || !graph->name) {
        ferry_graph_destroy(graph);
        return no_memory(error);
    }
    *result = graph;
    return FERRY_OK;
}

ferry_status ferry_graph_create_body(ferry_graph *parent, const char *name, ferry_graph **result, ferry_error *error) {
    *result = NULL;
    ferry_graph *graph = ferry_calloc(1, sizeof *graph);
    if (!graph) return no_memory(error);
    ferry_graph *root = outermost(parent);
    graph->parent = parent;
    graph->symbols = root->symbols;
    graph->name = ferry_arena_strdup(&graph->arena, name ? name : "");
    if (!graph->name || !ferry_vector_push(&root->bodies, graph)) {
        graph->symbols = NULL;
        ferry_arena_release(&graph->arena);
        ferry_free(graph);
        return no_memory(error);
    }
    *result = graph;
    return FERRY_OK;
}

static void release(ferry_graph *graph) {
    for (size_t i = 0; i < graph->values.count; i++) ferry_vector_free(&graph->values.items[i]->uses);
    ferry_vector_free(&graph->nodes);
    ferry_vector_free(&graph->values);
    ferry_vector_free(&graph->inputs);
    ferry_vector_free(&graph->outputs);
    ferry_vector_free(&graph->metadata);
    ferry_vector_free(&graph->bodies);
    ferry_map_free(&graph->value_names);
    ferry_map_free(&graph->node_names);
    if (graph->release_source) graph->release_source(graph->source);
    ferry_arena_release(&graph->arena);
    ferry_free(graph);
}

void ferry_graph_destroy(ferry_graph *graph) {
    if (!graph) return;
    for (size_t i = 0; i < graph->bodies.count; i++) release(graph->bodies.items[i]);
    ferry_symbols_destroy(graph->symbols);
    release(graph);
}

/* ---- building ---- */

/* A name that is free in `names`: the wanted one, or hint_N. */
static const char *free_name(ferry_graph *graph, const ferry_map *names, const char *hint) {
    char text[256];
    for (unsigned i = (unsigned)names->count; i < UINT32_MAX; i++) {
        snprintf(text, sizeof text, "%.200s_%u", hint && *hint ? hint : "value", i);
        if (ferry_map_get(names, text) < 0) return ferry_arena_strdup(&graph->arena, text);
    }
    return NULL;
}

static ferry_status add_value(ferry_graph *graph, const char *name, const char *hint, const ferry_value_type *type,
                              ferry_graph_value **result, ferry_error *error) {
    if (name && *name && ferry_map_get(&graph->value_names, name) >= 0)
        return ferry_fail(error, FERRY_ERROR_FORMAT, "the name '%s' is given to two values of the graph", name);
    ferry_graph_value *value = ferry_arena_allocate(&graph->arena, 1, sizeof *value);
    if (!value) return no_memory(error);
    value->name = name && *name ? ferry_arena_strdup(&graph->arena, name) : free_name(graph, &graph->value_names, hint);
    if (type) value->type = *type;
    if (!value->name || !ferry_vector_push(&graph->values, value)) return no_memory(error);
    value->index = (int32_t)graph->values.count - 1;
    if (!ferry_map_set(&graph->value_names, value->name, (int64_t)graph->values.count - 1)) return no_memory(error);
    *result = value;
    return FERRY_OK;
}

ferry_status ferry_graph_add_value(ferry_graph *graph, const char *name, const ferry_value_type *type,
                                   ferry_graph_value **value, ferry_error *error) {
    return add_value(graph, name, "value", type, value, error);
}

ferry_status ferry_graph_add_input(ferry_graph *graph, const char *name, const ferry_value_type *type,
                                   ferry_graph_value **value, ferry_error *error) {
    FERRY_TRY(add_value(graph, name, "input", type, value, error));
    return ferry_vector_push(&graph->inputs, *value) ? FERRY_OK : no_memory(error);
}

/* Small integer constants also serve shape rules as `values`. */
static ferry_status note_values(ferry_graph *graph, ferry_value_type *type, ferry_error *error) {
    enum { MAX_VALUES = 256 };
    if ((type->dtype != FERRY_INT64 && type->dtype != FERRY_INT32) || type->shape.rank > 1 || !type->data) return FERRY_OK;
    int64_t count = ferry_shape_count(&type->shape);
    if (count > MAX_VALUES) return FERRY_OK;
    int64_t *values = ferry_arena_allocate(&graph->arena, (size_t)count, sizeof *values);
    if (!values) return no_memory(error);
    for (int64_t i = 0; i < count; i++) values[i] = ferry_load_int64(type->dtype, type->data, i);
    type->values = values;
    return FERRY_OK;
}

ferry_status ferry_graph_add_constant(ferry_graph *graph, const char *name, const ferry_tensor *tensor, bool copy,
                                      ferry_graph_value **value, ferry_error *error) {
    static const char empty[FERRY_ALIGNMENT];
    size_t bytes;
    if (!ferry_tensor_bytes(tensor->dtype, FERRY_LAYOUT_PLAIN, &tensor->shape, &bytes))
        return ferry_fail(error, FERRY_ERROR_SHAPE, "constant '%s' has an impossible shape", name ? name : "");
    ferry_value_type type = {.dtype = tensor->dtype, .ranked = true, .shape = tensor->shape, .data = tensor->data};
    if (copy && bytes) {
        type.data = ferry_arena_copy(&graph->arena, tensor->data, bytes);
        if (!type.data) return ferry_fail_memory(error, bytes);
    }
    if (!type.data) type.data = empty; /* no elements: any address will do */
    FERRY_TRY(note_values(graph, &type, error));
    return add_value(graph, name, "constant", &type, value, error);
}

ferry_status ferry_graph_mark_output(ferry_graph *graph, ferry_graph_value *value, ferry_error *error) {
    value->is_output = true;
    return ferry_vector_push(&graph->outputs, value) ? FERRY_OK : no_memory(error);
}

ferry_graph_value *ferry_graph_find(const ferry_graph *graph, const char *name) {
    int64_t index = ferry_map_get(&graph->value_names, name);
    return index < 0 ? NULL : graph->values.items[index];
}

static bool insert_node(ferry_graph *graph, ferry_graph_node *node, const ferry_graph_node *before) {
    if (!ferry_vector_push(&graph->nodes, node)) return false;
    size_t last = graph->nodes.count - 1, place = last;
    if (before)
        for (place = 0; place < last && graph->nodes.items[place] != before;) place++;
    memmove(&graph->nodes.items[place + 1], &graph->nodes.items[place], (last - place) * sizeof *graph->nodes.items);
    graph->nodes.items[place] = node;
    return true;
}

static ferry_status link_node(ferry_graph_node *node, ferry_error *error) {
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] && !ferry_vector_push(&node->inputs[i]->uses, ((ferry_use){node, i}))) return no_memory(error);
    for (int i = 0; i < node->output_count; i++) {
        ferry_graph_value *value = node->outputs[i];
        if (!value) continue;
        if (value->producer || ferry_value_is_constant(value))
            return ferry_fail(error, FERRY_ERROR_FORMAT, "node '%s' (%s): value '%s' is already made elsewhere", node->name,
                              node->op->name, value->name);
        value->producer = node;
        value->producer_output = i;
    }
    return FERRY_OK;
}

ferry_status ferry_graph_add_node(ferry_graph *graph, const char *name, const ferry_op *op, const ferry_attributes *attributes,
                                  int input_count, ferry_graph_value *const *inputs, int output_count,
                                  ferry_graph_value *const *outputs, ferry_graph_node *before, ferry_graph_node **result,
                                  ferry_error *error) {
    ferry_graph_node *node = ferry_arena_allocate(&graph->arena, 1, sizeof *node);
    if (!node) return no_memory(error);
    bool named = name && *name && ferry_map_get(&graph->node_names, name) < 0;
    node->name =
        named ? ferry_arena_strdup(&graph->arena, name) : free_name(graph, &graph->node_names, name && *name ? name : op->name);
    node->op = op;
    node->input_count = input_count;
    node->output_count = output_count;
    node->inputs = ferry_arena_copy(&graph->arena, inputs, (size_t)input_count * sizeof *inputs);
    node->outputs = ferry_arena_copy(&graph->arena, outputs, (size_t)output_count * sizeof *outputs);
    if (!node->name || !node->inputs || !node->outputs) return no_memory(error);
    ferry_status status = ferry_op_verify(op, attributes, input_count, output_count, error);
    if (status != FERRY_OK) {
        ferry_error_prefix(error, "node '%s' (%s): ", node->name, op->name);
        return status;
    }
    if (attributes && !ferry_attributes_copy(&graph->arena, attributes, &node->attributes)) return no_memory(error);
    if (!insert_node(graph, node, before) || !ferry_map_set(&graph->node_names, node->name, (int64_t)graph->nodes.count - 1))
        return no_memory(error);
    FERRY_TRY(link_node(node, error));
    if (result) *result = node;
    return FERRY_OK;
}

ferry_status ferry_graph_insert(ferry_graph *graph, const ferry_op *op, const ferry_attributes *attributes, int input_count,
                                ferry_graph_value *const *inputs, const char *hint, ferry_graph_node *before,
                                ferry_graph_value **output, ferry_error *error) {
    ferry_graph_node *node;
    FERRY_TRY(add_value(graph, NULL, hint, NULL, output, error));
    FERRY_TRY(ferry_graph_add_node(graph, NULL, op, attributes, input_count, inputs, 1, output, before, &node, error));
    return ferry_node_infer(graph, node, error);
}

ferry_status ferry_graph_add_metadata(ferry_graph *graph, const char *key, const char *value, ferry_error *error) {
    char *text = ferry_arena_strdup(&graph->arena, value);
    if (!text) return no_memory(error);
    for (size_t i = 0; i < graph->metadata.count; i++)
        if (strcmp(graph->metadata.items[i].key, key) == 0) {
            graph->metadata.items[i].value = text;
            return FERRY_OK;
        }
    ferry_metadata entry = {ferry_arena_strdup(&graph->arena, key), text};
    return entry.key && ferry_vector_push(&graph->metadata, entry) ? FERRY_OK : no_memory(error);
}

const char *ferry_graph_metadata(const ferry_graph *graph, const char *key) {
    for (size_t i = 0; i < graph->metadata.count; i++)
        if (strcmp(graph->metadata.items[i].key, key) == 0) return graph->metadata.items[i].value;
    return NULL;
}

/* ---- asking ---- */

ferry_tensor ferry_value_tensor(const ferry_graph_value *value) {
    ferry_tensor tensor = {.dtype = value->type.dtype, .layout = value->layout, .shape = value->type.shape};
    tensor.data = (void *)value->type.data;
    return tensor;
}

ferry_graph_node *ferry_value_single_user(const ferry_graph_value *value) {
    return value->uses.count == 1 && !value->is_output ? value->uses.items[0].node : NULL;
}
