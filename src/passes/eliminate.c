/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that change nothing, and chains that one operator can do. */
#include <string.h>

#include "passes/passes.h"
#include "passes/tools.h"

static bool first_output_only(const ferry_graph_node *node) {
    for (int i = 1; i < node->output_count; i++)
        if (node->outputs[i] && (node->outputs[i]->uses.count || node->outputs[i]->is_output)) return false;
    return node->output_count > 0 && node->outputs[0] != NULL;
}

static bool same_type(const ferry_graph_node *node) {
    const ferry_value_type *in = &node->inputs[0]->type, *out = &node->outputs[0]->type;
    return in->kind == FERRY_VALUE_TENSOR && in->dtype == out->dtype && ferry_same_shape(in, out);
}

static bool transpose_is_identity(const ferry_graph_node *node) {
    int64_t count;
    const int64_t *permutation = ferry_attribute_integers(&node->attributes, "perm", &count);
    if (!permutation) return node->inputs[0]->type.ranked && node->inputs[0]->type.shape.rank <= 1;
    for (int64_t i = 0; i < count; i++)
        if (permutation[i] != i) return false;
    return true;
}

static bool pad_is_empty(const ferry_graph_node *node) {
    const ferry_graph_value *pads = ferry_node_input(node, 1);
    if (!ferry_value_is_constant(pads) || !pads->type.values) return false;
    for (int64_t i = 0; i < ferry_shape_count(&pads->type.shape); i++)
        if (pads->type.values[i] != 0) return false;
    return true;
}

static bool training(const ferry_graph_node *node) {
    const ferry_graph_value *mode = ferry_node_input(node, 2);
    double value = 0;
    return mode && !(ferry_constant_scalar(mode, &value) && value == 0);
}

static bool slice_keeps_all(const ferry_graph_node *node) {
    const ferry_graph_value *steps = ferry_node_input(node, 4);
    if (steps && !steps->type.values) return false;
    for (int64_t i = 0; steps && i < ferry_shape_count(&steps->type.shape); i++)
        if (steps->type.values[i] != 1) return false;
    return same_type(node);
}

static bool scalar_is(const ferry_graph_value *value, double wanted) {
    double scalar;
    return value && ferry_constant_scalar(value, &scalar) && scalar == wanted;
}

/* x+0, x-0, x*1, x/1, x^1, with the constant on the right; the result must have x's shape. */
static bool is_neutral(const ferry_graph_node *node) {
    const ferry_graph_value *right = ferry_node_input(node, 1);
    switch (ferry_op_index_of(node->op)) {
    case FERRY_OP_Add:
    case FERRY_OP_Sub: return scalar_is(right, 0) && same_type(node);
    case FERRY_OP_Mul:
    case FERRY_OP_Div:
    case FERRY_OP_Pow: return scalar_is(right, 1) && same_type(node);
    default: return false;
    }
}

static bool changes_nothing(const ferry_graph_node *node) {
    switch (ferry_op_index_of(node->op)) {
    case FERRY_OP_Identity: return true;
    case FERRY_OP_Dropout: return first_output_only(node) && !training(node);
    case FERRY_OP_Cast:
    case FERRY_OP_CastLike:
        return node->inputs[0]->type.dtype == node->outputs[0]->type.dtype &&
               node->outputs[0]->type.dtype != FERRY_DTYPE_UNDEFINED;
    case FERRY_OP_Transpose: return transpose_is_identity(node);
    case FERRY_OP_Pad: return pad_is_empty(node);
    case FERRY_OP_Concat:
    case FERRY_OP_Sum:
    case FERRY_OP_Max:
    case FERRY_OP_Min:
    case FERRY_OP_Mean: return node->input_count == 1;
    case FERRY_OP_Slice: return slice_keeps_all(node);
    case FERRY_OP_Expand:
    case FERRY_OP_Reshape:
    case FERRY_OP_Flatten:
    case FERRY_OP_Squeeze:
    case FERRY_OP_Unsqueeze: return same_type(node);
    default: return is_neutral(node);
    }
}

/* The Identity that carries a constant or an input to a graph output must stay. */
static bool removable(const ferry_graph_node *node) {
    if (node->removed || node->input_count < 1 || !node->inputs[0] || !first_output_only(node)) return false;
    if (node->inputs[0]->type.kind != FERRY_VALUE_TENSOR) return false;
    bool input_is_free = node->inputs[0]->producer && !node->inputs[0]->is_output;
    return input_is_free || !node->outputs[0]->is_output;
}

/* Reshape(Reshape(x)) and its kin: only the last shape counts, when it says its dimensions outright. */
static ferry_status skip_inner_view(ferry_graph_node *node, int *changes, ferry_error *error) {
    if (!ferry_node_is(node, FERRY_OP_Reshape) || !node->inputs[0]) return FERRY_OK;
    ferry_graph_node *inner = node->inputs[0]->producer;
    if (!inner || inner->removed || !(inner->op->flags & FERRY_OP_VIEW) || !inner->inputs[0] ||
        inner->inputs[0]->type.kind != FERRY_VALUE_TENSOR)
        return FERRY_OK;
    const ferry_graph_value *target = ferry_node_input(node, 1);
    if (!target || !target->type.values) return FERRY_OK;
    for (int64_t i = 0; i < ferry_shape_count(&target->type.shape); i++)
        if (target->type.values[i] == 0) return FERRY_OK; /* 0 copies a dimension of the inner shape */
    ++*changes;
    return ferry_node_set_input(node, 0, inner->inputs[0], error);
}

/* Transpose(Transpose(x)): one permutation. */
static ferry_status join_transposes(ferry_graph *graph, ferry_graph_node *node, int *changes, ferry_error *error) {
    if (!ferry_node_is(node, FERRY_OP_Transpose) || !node->inputs[0]) return FERRY_OK;
    const ferry_graph_node *inner = node->inputs[0]->producer;
    if (!ferry_node_is(inner, FERRY_OP_Transpose)) return FERRY_OK;
    int64_t outer_count, inner_count, joined[FERRY_MAX_RANK];
    const int64_t *outer = ferry_attribute_integers(&node->attributes, "perm", &outer_count);
    const int64_t *first = ferry_attribute_integers(&inner->attributes, "perm", &inner_count);
    if (!outer || !first || outer_count != inner_count || outer_count > FERRY_MAX_RANK) return FERRY_OK;
    for (int64_t i = 0; i < outer_count; i++) joined[i] = first[outer[i]];
    FERRY_TRY(ferry_set_integers(graph, node, "perm", joined, outer_count, error));
    ++*changes;
    return ferry_node_set_input(node, 0, inner->inputs[0], error);
}

ferry_status ferry_pass_eliminate(ferry_graph *graph, int *changes, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        if (node->removed) continue;
        FERRY_TRY(skip_inner_view(node, changes, error));
        FERRY_TRY(join_transposes(graph, node, changes, error));
        if (!removable(node) || !changes_nothing(node)) continue;
        FERRY_TRY(ferry_replace_node(graph, node, node->inputs[0], error));
        ++*changes;
    }
    return FERRY_OK;
}
