/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/tools.h"

#include <string.h>

bool ferry_constant_scalar(const ferry_graph_value *value, double *scalar) {
    if (!ferry_value_is_constant(value) || value->type.dtype == FERRY_STRING || ferry_shape_count(&value->type.shape) != 1)
        return false;
    *scalar = ferry_load_double(value->type.dtype, value->type.data, 0);
    return true;
}

float *ferry_constant_floats(ferry_graph *graph, const ferry_graph_value *value, int64_t *count) {
    if (!ferry_value_is_constant(value) || value->type.dtype == FERRY_STRING) return NULL;
    *count = ferry_shape_count(&value->type.shape);
    float *floats = ferry_arena_allocate(&graph->arena, (size_t)*count, sizeof *floats);
    if (!floats) return NULL;
    if (value->type.dtype == FERRY_FLOAT32)
        memcpy(floats, value->type.data, (size_t)*count * sizeof *floats);
    else
        for (int64_t i = 0; i < *count; i++) floats[i] = (float)ferry_load_double(value->type.dtype, value->type.data, i);
    return floats;
}

ferry_status ferry_make_floats(ferry_graph *graph, const char *hint, int rank, const int64_t *dims, const float *values,
                               ferry_graph_value **value, ferry_error *error) {
    ferry_tensor tensor = {.dtype = FERRY_FLOAT32, .shape = ferry_shape_make(rank, dims), .data = (void *)values};
    (void)hint;
    return ferry_graph_add_constant(graph, NULL, &tensor, true, value, error);
}

float *ferry_constant_per_channel(ferry_graph *graph, const ferry_graph_value *value, int rank, int64_t channels) {
    if (!ferry_value_is_constant(value) || channels < 1 || rank < 2) return NULL;
    const ferry_shape *shape = &value->type.shape;
    if (shape->rank > rank) return NULL;
    for (int i = 0; i < shape->rank; i++) {
        bool is_channel = i + rank - shape->rank == 1;
        if (shape->dims[i] != 1 && !(is_channel && shape->dims[i] == channels)) return NULL;
    }
    int64_t count;
    float *given = ferry_constant_floats(graph, value, &count);
    if (!given || count == channels) return given;
    float *repeated = ferry_arena_allocate(&graph->arena, (size_t)channels, sizeof *repeated);
    for (int64_t i = 0; repeated && i < channels; i++) repeated[i] = given[0];
    return repeated;
}

bool ferry_same_shape(const ferry_value_type *a, const ferry_value_type *b) {
    if (!a->ranked || !b->ranked || a->shape.rank != b->shape.rank) return false;
    for (int i = 0; i < a->shape.rank; i++)
        if (!ferry_dim_equal(a->shape.dims[i], b->shape.dims[i])) return false;
    return true;
}

ferry_status ferry_set_integer(ferry_graph *graph, ferry_graph_node *node, const char *name, int64_t value,
                               ferry_error *error) {
    ferry_attribute attribute = {.name = name, .type = FERRY_ATTRIBUTE_INT, .value.integer = value};
    return ferry_node_set_attribute(graph, node, &attribute, error);
}

ferry_status ferry_set_real(ferry_graph *graph, ferry_graph_node *node, const char *name, float value, ferry_error *error) {
    ferry_attribute attribute = {.name = name, .type = FERRY_ATTRIBUTE_FLOAT, .value.real = value};
    return ferry_node_set_attribute(graph, node, &attribute, error);
}

ferry_status ferry_set_text(ferry_graph *graph, ferry_graph_node *node, const char *name, const char *value,
                            ferry_error *error) {
    ferry_attribute attribute = {.name = name, .type = FERRY_ATTRIBUTE_STRING, .value.string = {value, strlen(value)}};
    return ferry_node_set_attribute(graph, node, &attribute, error);
}

ferry_status ferry_set_integers(ferry_graph *graph, ferry_graph_node *node, const char *name, const int64_t *values,
                                int64_t count, ferry_error *error) {
    ferry_attribute attribute = {.name = name, .type = FERRY_ATTRIBUTE_INTS, .count = count, .value.integers = values};
    return ferry_node_set_attribute(graph, node, &attribute, error);
}

ferry_status ferry_replace_node(ferry_graph *graph, ferry_graph_node *old, ferry_graph_value *value, ferry_error *error) {
    FERRY_TRY(ferry_graph_replace_uses(graph, old->outputs[0], value, error));
    ferry_graph_remove_node(graph, old);
    return FERRY_OK;
}
