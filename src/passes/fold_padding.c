/* SPDX-License-Identifier: Apache-2.0 */
/* Pad with zeros on spatial axes, then Conv: the convolution pads by itself. Negative pads (cropping) stay. */
#include "passes/passes.h"
#include "passes/tools.h"

/* pads[2*rank] of a constant zero Pad; false when it pads anything else. */
static bool read_pads(const ferry_graph_node *pad, int rank, int64_t pads[2 * FERRY_MAX_RANK]) {
    const ferry_graph_value *amounts = ferry_node_input(pad, 1), *fill = ferry_node_input(pad, 2),
                            *axes = ferry_node_input(pad, 3);
    double value;
    if (!ferry_attribute_is(&pad->attributes, "mode", "constant", true)) return false;
    if (!amounts || !amounts->type.values || !ferry_value_is_constant(amounts)) return false;
    if (fill && !(ferry_constant_scalar(fill, &value) && value == 0)) return false;
    if (axes && !(ferry_value_is_constant(axes) && axes->type.values)) return false;
    int64_t count = ferry_shape_count(&amounts->type.shape) / 2;
    if (axes ? ferry_shape_count(&axes->type.shape) != count : count != rank) return false;
    for (int i = 0; i < 2 * rank; i++) pads[i] = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t axis = axes ? axes->type.values[i] : i;
        if (axis < 0) axis += rank;
        if (axis < 0 || axis >= rank) return false;
        pads[axis] = amounts->type.values[i];
        pads[axis + rank] = amounts->type.values[i + count];
        bool spatial = axis >= 2;
        if (pads[axis] < 0 || pads[axis + rank] < 0 || (!spatial && (pads[axis] || pads[axis + rank]))) return false;
    }
    return true;
}

static ferry_status fold(ferry_graph *graph, ferry_graph_node *conv, ferry_graph_node *pad, int *changes, ferry_error *error) {
    int rank = conv->outputs[0]->type.ranked ? conv->outputs[0]->type.shape.rank : 0, spatial = rank - 2;
    int64_t pads[2 * FERRY_MAX_RANK], joined[2 * FERRY_MAX_RANK], count;
    if (spatial < 1 || !ferry_attribute_is(&conv->attributes, "auto_pad", "NOTSET", true) || !read_pads(pad, rank, pads))
        return FERRY_OK;
    const int64_t *own = ferry_attribute_integers(&conv->attributes, "pads", &count);
    if (own && count != 2 * spatial) return FERRY_OK;
    for (int i = 0; i < spatial; i++) {
        joined[i] = (own ? own[i] : 0) + pads[i + 2];
        joined[i + spatial] = (own ? own[i + spatial] : 0) + pads[i + 2 + rank];
    }
    FERRY_TRY(ferry_set_integers(graph, conv, "pads", joined, 2 * spatial, error));
    FERRY_TRY(ferry_node_set_input(conv, 0, pad->inputs[0], error));
    ++*changes;
    return FERRY_OK;
}

ferry_status ferry_pass_fold_padding(ferry_graph *graph, int *changes, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        if (!ferry_node_is(node, FERRY_OP_Conv) || !node->inputs[0] || !node->outputs[0]) continue;
        ferry_graph_node *pad = node->inputs[0]->producer;
        if (ferry_node_is(pad, FERRY_OP_Pad)) FERRY_TRY(fold(graph, node, pad, changes, error));
    }
    return FERRY_OK;
}
