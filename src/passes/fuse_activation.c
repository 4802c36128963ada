/* SPDX-License-Identifier: Apache-2.0 */
/* An activation that is the only reader of a Conv, Gemm or MatMul becomes its epilogue: attributes _activation,
 * _activation_alpha and _activation_beta. */
#include <float.h>
#include <string.h>

#include "passes/passes.h"
#include "passes/tools.h"

typedef struct activation {
    const char *name;
    float alpha, beta;
} activation;

static bool read_clip(const ferry_graph_node *node, activation *result) {
    double low = -FLT_MAX, high = FLT_MAX;
    const ferry_graph_value *minimum = ferry_node_input(node, 1), *maximum = ferry_node_input(node, 2);
    if (minimum && !ferry_constant_scalar(minimum, &low)) return false;
    if (maximum && !ferry_constant_scalar(maximum, &high)) return false;
    *result = low == 0 && !maximum ? (activation){"relu", 0, 0} : (activation){"clip", (float)low, (float)high};
    return true;
}

static bool read_activation(const ferry_graph_node *node, activation *result) {
    const ferry_attributes *attributes = &node->attributes;
    switch (ferry_op_index_of(node->op)) {
    case FERRY_OP_Relu: *result = (activation){"relu", 0, 0}; return true;
    case FERRY_OP_LeakyRelu:
        *result = (activation){"leaky_relu", ferry_attribute_real(attributes, "alpha", 0.01f), 0};
        return true;
    case FERRY_OP_Sigmoid: *result = (activation){"sigmoid", 0, 0}; return true;
    case FERRY_OP_Tanh: *result = (activation){"tanh", 0, 0}; return true;
    case FERRY_OP_HardSwish: *result = (activation){"hard_swish", 0, 0}; return true;
    case FERRY_OP_Mish: *result = (activation){"mish", 0, 0}; return true;
    case FERRY_OP_HardSigmoid:
        *result = (activation){"hard_sigmoid", ferry_attribute_real(attributes, "alpha", 0.2f),
                               ferry_attribute_real(attributes, "beta", 0.5f)};
        return true;
    case FERRY_OP_Swish: *result = (activation){"silu", 0, 0}; return ferry_attribute_real(attributes, "alpha", 1.0f) == 1.0f;
    case FERRY_OP_Gelu:
        *result = (activation){"gelu", 0, 0};
        return ferry_attribute_is(attributes, "approximate", "none", true);
    case FERRY_OP_Clip: return read_clip(node, result);
    default: return false;
    }
}

static bool takes_epilogue(const ferry_graph_node *node) {
    bool kind =
        ferry_node_is(node, FERRY_OP_Conv) || ferry_node_is(node, FERRY_OP_Gemm) || ferry_node_is(node, FERRY_OP_MatMul);
    return kind && !ferry_attribute_find(&node->attributes, "_activation") && node->outputs[0] &&
           node->outputs[0]->type.dtype == FERRY_FLOAT32;
}

ferry_status ferry_pass_fuse_activation(ferry_graph *graph, int *changes, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        activation a;
        if (node->removed || node->input_count < 1 || !node->inputs[0] || !read_activation(node, &a)) continue;
        ferry_graph_node *layer = node->inputs[0]->producer;
        if (!takes_epilogue(layer) || !ferry_feeds_only(layer, node)) continue;
        FERRY_TRY(ferry_set_text(graph, layer, "_activation", a.name, error));
        FERRY_TRY(ferry_set_real(graph, layer, "_activation_alpha", a.alpha, error));
        FERRY_TRY(ferry_set_real(graph, layer, "_activation_beta", a.beta, error));
        /* A residual that was fused before stands inside the activation: ResNet's add, then ReLU. */
        if (ferry_node_input(layer, 3)) FERRY_TRY(ferry_set_integer(graph, layer, "_residual_first", 1, error));
        FERRY_TRY(ferry_replace_node(graph, node, layer->outputs[0], error));
        ++*changes;
    }
    return FERRY_OK;
}
