/* SPDX-License-Identifier: Apache-2.0 */
/* Conv, then Add of a tensor of the same shape: the convolution adds it while writing (input 3). */
#include "passes/passes.h"
#include "passes/tools.h"

static bool takes_residual(const ferry_graph_node *conv, const ferry_graph_node *add) {
    return ferry_node_is(conv, FERRY_OP_Conv) && !ferry_node_input(conv, 3) && ferry_feeds_only(conv, add) &&
           conv->outputs[0]->type.dtype == FERRY_FLOAT32 && ferry_same_shape(&conv->outputs[0]->type, &add->outputs[0]->type);
}

/* Which operand is made by the convolution to fuse into: of two, the one that runs later, whose partner then is ready. */
static int choose_operand(const ferry_graph *graph, const ferry_graph_node *add) {
    bool first = add->inputs[0] && takes_residual(add->inputs[0]->producer, add);
    bool second = add->inputs[1] && takes_residual(add->inputs[1]->producer, add);
    if (!first && !second) return -1;
    if (first != second) return first ? 0 : 1;
    for (size_t i = graph->nodes.count; i-- > 0;) {
        if (graph->nodes.items[i] == add->inputs[0]->producer) return 0;
        if (graph->nodes.items[i] == add->inputs[1]->producer) return 1;
    }
    return -1;
}

/* The convolution moves to the place of the Add, where the residual is there for sure. */
static ferry_status fuse(ferry_graph *graph, ferry_graph_node *add, int operand, ferry_error *error) {
    ferry_graph_node *conv = add->inputs[operand]->producer, *fused;
    ferry_graph_value *residual = add->inputs[1 - operand], *output;
    ferry_graph_value *inputs[4] = {conv->inputs[0], conv->inputs[1], ferry_node_input(conv, 2), residual};
    FERRY_TRY(ferry_graph_add_value(graph, NULL, &add->outputs[0]->type, &output, error));
    FERRY_TRY(ferry_graph_add_node(graph, conv->name, conv->op, &conv->attributes, 4, inputs, 1, &output, add, &fused, error));
    FERRY_TRY(ferry_replace_node(graph, add, output, error));
    ferry_graph_remove_node(graph, conv);
    return FERRY_OK;
}

ferry_status ferry_pass_fuse_residual(ferry_graph *graph, int *changes, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        if (!ferry_node_is(node, FERRY_OP_Add) || !node->inputs[0] || !node->inputs[1] || node->inputs[0] == node->inputs[1])
            continue;
        int operand = choose_operand(graph, node);
        if (operand < 0 || !ferry_same_shape(&node->inputs[1 - operand]->type, &node->outputs[0]->type)) continue;
        if (ferry_value_is_constant(node->inputs[1 - operand])) continue;
        FERRY_TRY(fuse(graph, node, operand, error));
        ++*changes;
    }
    return FERRY_OK;
}
