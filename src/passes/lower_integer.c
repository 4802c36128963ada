/* SPDX-License-Identifier: Apache-2.0 */
/* ConvInteger and MatMulInteger in float32, for devices whose float kernels are the faster ones: (x - zero point) and (w - zero
 * point) are exact in float32, products are below 2^16, and sums keep 24 bits, so that a result differs from the int32 one by
 * at most one part in 2^23 of the sum of magnitudes. The int32 output is restored by Round and Cast, or left out where a Cast
 * to float follows. */
#include "passes/passes.h"
#include "passes/tools.h"

static ferry_status cast(ferry_graph *graph, ferry_graph_value *from, ferry_dtype to, ferry_graph_node *before,
                         ferry_graph_value **result, ferry_error *error) {
    ferry_attribute attribute = {.name = "to", .type = FERRY_ATTRIBUTE_INT, .value.integer = to};
    ferry_attributes attributes = {&attribute, 1};
    return ferry_graph_insert(graph, &ferry_ops[FERRY_OP_Cast], &attributes, 1, &from, from->name, before, result, error);
}

static bool is_scalar(const ferry_graph_value *value) {
    if (!value->type.ranked) return false;
    const ferry_shape *shape = &value->type.shape;
    return shape->rank == 0 || (shape->rank == 1 && shape->dims[0] == 1);
}

/* float(x) - float(zero point); constants are folded by the next round. */
static ferry_status centre(ferry_graph *graph, ferry_graph_value *x, ferry_graph_value *zero_point, ferry_graph_node *before,
                           ferry_graph_value **result, ferry_error *error) {
    FERRY_TRY(cast(graph, x, FERRY_FLOAT32, before, result, error));
    if (!zero_point) return FERRY_OK;
    ferry_graph_value *operands[2] = {*result, NULL};
    FERRY_TRY(cast(graph, zero_point, FERRY_FLOAT32, before, &operands[1], error));
    return ferry_graph_insert(graph, &ferry_ops[FERRY_OP_Sub], NULL, 2, operands, x->name, before, result, error);
}

/* All readers turn the sum into float32 at once: they read the float sum. */
static ferry_status skip_casts(ferry_graph *graph, ferry_graph_value *sum, const ferry_graph_value *integer,
                               ferry_error *error) {
    for (size_t i = integer->uses.count; i-- > 0;) {
        ferry_graph_node *user = integer->uses.items[i].node;
        if (ferry_node_is(user, FERRY_OP_Cast) && user->outputs[0] && user->outputs[0]->type.dtype == FERRY_FLOAT32)
            FERRY_TRY(ferry_replace_node(graph, user, sum, error));
    }
    return FERRY_OK;
}

static ferry_status lower(ferry_graph *graph, ferry_graph_node *node, ferry_op_index op, ferry_error *error) {
    ferry_graph_value *inputs[2], *sum, *rounded, *integer;
    for (int i = 0; i < 2; i++)
        FERRY_TRY(centre(graph, node->inputs[i], ferry_node_input(node, i + 2), node, &inputs[i], error));
    FERRY_TRY(
        ferry_graph_insert(graph, &ferry_ops[op], &node->attributes, 2, inputs, node->outputs[0]->name, node, &sum, error));
    FERRY_TRY(skip_casts(graph, sum, node->outputs[0], error));
    if (node->outputs[0]->uses.count == 0 && !node->outputs[0]->is_output) {
        ferry_graph_remove_node(graph, node);
        return FERRY_OK;
    }
    FERRY_TRY(ferry_graph_insert(graph, &ferry_ops[FERRY_OP_Round], NULL, 1, &sum, sum->name, node, &rounded, error));
    FERRY_TRY(cast(graph, rounded, FERRY_INT32, node, &integer, error));
    return ferry_replace_node(graph, node, integer, error);
}

/* Zero points that vary along an axis would need a shape of their own: only single ones are lowered. */
static bool zero_points_scalar(const ferry_graph_node *node) {
    for (int i = 2; i < 4; i++)
        if (ferry_node_input(node, i) && !is_scalar(node->inputs[i])) return false;
    return true;
}

ferry_status ferry_pass_lower_integer(ferry_graph *graph, int *changes, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        bool conv = ferry_node_is(node, FERRY_OP_ConvInteger), matmul = ferry_node_is(node, FERRY_OP_MatMulInteger);
        if ((!conv && !matmul) || !node->outputs[0] || !zero_points_scalar(node)) continue;
        FERRY_TRY(lower(graph, node, conv ? FERRY_OP_Conv : FERRY_OP_MatMul, error));
        ++*changes;
    }
    return FERRY_OK;
}
