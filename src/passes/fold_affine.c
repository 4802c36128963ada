/* SPDX-License-Identifier: Apache-2.0 */
/* y = scale[c] * x + shift[c] behind a convolution is a convolution: batch norm, Mul, Div, Add and Sub with constants that are
 * the same for all positions of a channel. A lone batch norm behind something else stays. */
#include <math.h>
#include <string.h>

#include "passes/passes.h"
#include "passes/tools.h"

typedef struct affine {
    float *scale, *shift; /* `channels` each; scale NULL = 1, shift NULL = 0 */
} affine;

static bool batch_norm_affine(ferry_graph *graph, const ferry_graph_node *node, int64_t channels, affine *result) {
    if (ferry_attribute_integer(&node->attributes, "training_mode", 0) != 0) return false;
    float *parts[4]; /* scale, bias, mean, variance */
    for (int i = 0; i < 4; i++) {
        int64_t count;
        parts[i] = ferry_constant_floats(graph, ferry_node_input(node, i + 1), &count);
        if (!parts[i] || count != channels) return false;
    }
    double epsilon = ferry_attribute_real(&node->attributes, "epsilon", 1e-5f);
    for (int64_t c = 0; c < channels; c++) {
        double scale = parts[0][c] / sqrt((double)parts[3][c] + epsilon);
        parts[1][c] = (float)(parts[1][c] - parts[2][c] * scale);
        parts[0][c] = (float)scale;
    }
    *result = (affine){parts[0], parts[1]};
    return true;
}

/* The constant operand of a binary node and which one it is. */
static float *constant_operand(ferry_graph *graph, const ferry_graph_node *node, int rank, int64_t channels, int *which) {
    for (int i = 0; i < 2; i++) {
        float *values = ferry_constant_per_channel(graph, ferry_node_input(node, i), rank, channels);
        if (!values) continue;
        *which = i;
        return values;
    }
    return NULL;
}

static bool binary_affine(ferry_graph *graph, const ferry_graph_node *node, int rank, int64_t channels, affine *result) {
    int which;
    float *values = constant_operand(graph, node, rank, channels, &which);
    if (!values) return false;
    ferry_op_index op = ferry_op_index_of(node->op);
    if (which == 0 && (op == FERRY_OP_Div || op == FERRY_OP_Sub)) return false; /* constant / x, constant - x */
    *result = (affine){0};
    for (int64_t c = 0; c < channels; c++) {
        if (op == FERRY_OP_Div) values[c] = 1.0f / values[c];
        if (op == FERRY_OP_Sub) values[c] = -values[c];
        if (!isfinite(values[c])) return false;
    }
    *(op == FERRY_OP_Mul || op == FERRY_OP_Div ? &result->scale : &result->shift) = values;
    return true;
}

static bool read_affine(ferry_graph *graph, const ferry_graph_node *node, int rank, int64_t channels, affine *result) {
    switch (ferry_op_index_of(node->op)) {
    case FERRY_OP_BatchNormalization: return batch_norm_affine(graph, node, channels, result);
    case FERRY_OP_Mul:
    case FERRY_OP_Div:
    case FERRY_OP_Add:
    case FERRY_OP_Sub: return binary_affine(graph, node, rank, channels, result);
    default: return false;
    }
}

/* Channels of a convolution's output; 0 when it cannot be folded into. ConvTranspose weights are C x M/group. */
static int64_t output_channels(const ferry_graph_node *conv) {
    const ferry_graph_value *weight = ferry_node_input(conv, 1), *bias = ferry_node_input(conv, 2);
    bool transposed = ferry_node_is(conv, FERRY_OP_ConvTranspose);
    if (!transposed && !ferry_node_is(conv, FERRY_OP_Conv)) return 0;
    if (!ferry_value_is_constant(weight) || weight->type.dtype != FERRY_FLOAT32 || weight->type.shape.rank < 3) return 0;
    if (bias && !ferry_value_is_constant(bias)) return 0;
    if (ferry_attribute_find(&conv->attributes, "_activation") || ferry_node_input(conv, 3)) return 0;
    int64_t group = ferry_attribute_integer(&conv->attributes, "group", 1);
    return transposed ? weight->type.shape.dims[1] * group : weight->type.shape.dims[0];
}

static void scale_weights(float *weights, const ferry_shape *shape, bool transposed, int64_t group, const float *scale) {
    int64_t inner = ferry_shape_product(shape, 2, shape->rank);
    for (int64_t a = 0; a < shape->dims[0]; a++)
        for (int64_t b = 0; b < shape->dims[1]; b++) {
            int64_t channel = transposed ? a / (shape->dims[0] / group) * shape->dims[1] + b : a;
            float *row = weights + (a * shape->dims[1] + b) * inner;
            for (int64_t i = 0; i < inner; i++) row[i] *= scale[channel];
        }
}

static ferry_status fold_into(ferry_graph *graph, ferry_graph_node *conv, int64_t channels, const affine *a,
                              ferry_error *error) {
    if (a->scale) {
        const ferry_graph_value *old = conv->inputs[1];
        int64_t count, group = ferry_attribute_integer(&conv->attributes, "group", 1);
        float *weights = ferry_constant_floats(graph, old, &count);
        if (!weights) return ferry_fail_memory(error, (unsigned long long)channels);
        scale_weights(weights, &old->type.shape, ferry_node_is(conv, FERRY_OP_ConvTranspose), group, a->scale);
        ferry_tensor tensor = {.dtype = FERRY_FLOAT32, .shape = old->type.shape, .data = weights};
        ferry_graph_value *fresh;
        FERRY_TRY(ferry_graph_add_constant(graph, NULL, &tensor, false, &fresh, error));
        FERRY_TRY(ferry_node_set_input(conv, 1, fresh, error));
    }
    float *bias = ferry_arena_allocate(&graph->arena, (size_t)channels, sizeof *bias);
    if (!bias) return ferry_fail_memory(error, (unsigned long long)channels * 4);
    if (ferry_node_input(conv, 2)) {
        int64_t count;
        const float *old = ferry_constant_floats(graph, conv->inputs[2], &count);
        if (!old || count != channels) return ferry_fail(error, FERRY_ERROR_SHAPE, "a bias does not fit its convolution");
        memcpy(bias, old, (size_t)channels * sizeof *bias);
    }
    for (int64_t c = 0; c < channels; c++) bias[c] = bias[c] * (a->scale ? a->scale[c] : 1) + (a->shift ? a->shift[c] : 0);
    ferry_tensor tensor = {.dtype = FERRY_FLOAT32, .shape = ferry_shape_make(1, &channels), .data = bias};
    ferry_graph_value *value;
    FERRY_TRY(ferry_graph_add_constant(graph, NULL, &tensor, false, &value, error));
    return conv->input_count > 2 ? ferry_node_set_input(conv, 2, value, error)
                                 : ferry_node_add_input(graph, conv, value, error);
}

static ferry_graph_node *conv_operand(const ferry_graph_node *node) {
    for (int i = 0; i < node->input_count && i < 2; i++) {
        ferry_graph_node *producer = node->inputs[i] ? node->inputs[i]->producer : NULL;
        if (producer && output_channels(producer) > 0 && ferry_feeds_only(producer, node)) return producer;
    }
    return NULL;
}

static bool other_outputs_used(const ferry_graph_node *node) {
    for (int i = 1; i < node->output_count; i++)
        if (node->outputs[i] && (node->outputs[i]->uses.count || node->outputs[i]->is_output)) return true;
    return false;
}

ferry_status ferry_pass_fold_affine(ferry_graph *graph, int *changes, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        ferry_graph_node *conv = node->removed || !node->outputs[0] ? NULL : conv_operand(node);
        affine a;
        if (!conv || other_outputs_used(node) || !ferry_same_shape(&conv->outputs[0]->type, &node->outputs[0]->type)) continue;
        int64_t channels = output_channels(conv);
        if (!read_affine(graph, node, conv->outputs[0]->type.shape.rank, channels, &a)) continue;
        FERRY_TRY(fold_into(graph, conv, channels, &a, error));
        FERRY_TRY(ferry_replace_node(graph, node, conv->outputs[0], error));
        ++*changes;
    }
    return FERRY_OK;
}
