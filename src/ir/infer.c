/* SPDX-License-Identifier: Apache-2.0 */
/* Shape inference over a graph and its sub-graphs, and the check of a graph's structure. */
#include <string.h>

#include "ir/graph.h"

/* A dimension known from two sides: a number wins over a symbol, the rule's symbol over the model's. */
static bool join_dimension(int64_t inferred, int64_t claimed, int64_t *joined) {
    if (ferry_dim_known(inferred) && ferry_dim_known(claimed) && inferred != claimed) return false;
    if (inferred == FERRY_DIM_UNKNOWN)
        *joined = claimed;
    else
        *joined = ferry_dim_known(claimed) ? claimed : inferred;
    return true;
}

static ferry_status join(ferry_value_type *claimed, const ferry_value_type *inferred, const char *name, ferry_error *error) {
    ferry_value_type joined = *inferred;
    if (claimed->dtype != FERRY_DTYPE_UNDEFINED && inferred->dtype != FERRY_DTYPE_UNDEFINED &&
        claimed->dtype != inferred->dtype)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "'%s' is declared %s but computed as %s", name,
                          ferry_dtype_name(claimed->dtype), ferry_dtype_name(inferred->dtype));
    if (joined.dtype == FERRY_DTYPE_UNDEFINED) {
        joined.dtype = claimed->dtype;
        joined.kind = claimed->kind;
    }
    if (!inferred->ranked) {
        joined.ranked = claimed->ranked;
        joined.shape = claimed->shape;
    } else if (claimed->ranked && joined.kind == FERRY_VALUE_TENSOR) {
        bool fits = claimed->shape.rank == inferred->shape.rank;
        for (int i = 0; i < inferred->shape.rank && fits; i++)
            fits = join_dimension(inferred->shape.dims[i], claimed->shape.dims[i], &joined.shape.dims[i]);
        if (!fits) {
            char a[FERRY_SHAPE_TEXT], b[FERRY_SHAPE_TEXT];
            return ferry_fail(error, FERRY_ERROR_SHAPE, "'%s' is declared with shape %s but computed as %s", name,
                              ferry_shape_text(&claimed->shape, a, sizeof a), ferry_shape_text(&inferred->shape, b, sizeof b));
        }
    }
    *claimed = joined;
    return FERRY_OK;
}

/* Inference for the bodies of If, Loop and Scan: the rule gives the types of the body's inputs. */
static ferry_status infer_body(ferry_inference *inference, void *graph_pointer, int input_count,
                               const ferry_value_type *const *inputs, int output_count, ferry_value_type *outputs) {
    ferry_graph *graph = graph_pointer;
    if ((size_t)input_count != graph->inputs.count || (size_t)output_count > graph->outputs.count)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "body '%s' takes %zu inputs and gives %zu outputs, not %d and %d", graph->name, graph->inputs.count,
                          graph->outputs.count, input_count, output_count);
    for (int i = 0; i < input_count; i++)
        if (inputs[i]) {
            ferry_value_type *type = &graph->inputs.items[i]->type;
            if (type->ranked && inputs[i]->ranked && type->shape.rank != inputs[i]->shape.rank) type->ranked = false;
            ferry_value_type known = *inputs[i];
            known.data = NULL; /* contents belong to the outer graph */
            FERRY_TRY(join(type, &known, graph->inputs.items[i]->name, inference->error));
        }
    FERRY_TRY(ferry_graph_infer(graph, inference->error));
    for (int i = 0; i < output_count; i++) {
        outputs[i] = graph->outputs.items[i]->type;
        outputs[i].data = NULL;
        outputs[i].values = NULL;
    }
    return FERRY_OK;
}

static ferry_status infer_node(ferry_graph *graph, ferry_graph_node *node, ferry_arena *scratch, ferry_error *error) {
    const ferry_value_type **inputs = ferry_arena_allocate(scratch, (size_t)node->input_count, sizeof *inputs);
    ferry_value_type *outputs = ferry_arena_allocate(scratch, (size_t)node->output_count, sizeof *outputs);
    if (!inputs || !outputs) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
    for (int i = 0; i < node->input_count; i++) inputs[i] = node->inputs[i] ? &node->inputs[i]->type : NULL;
    ferry_inference inference = {
        .op = node->op,
        .attributes = &node->attributes,
        .input_count = node->input_count,
        .output_count = node->output_count,
        .inputs = inputs,
        .outputs = outputs,
        .symbols = graph->symbols,
        .arena = &graph->arena,
        .infer_graph = infer_body,
        .error = error,
    };
    FERRY_TRY(ferry_op_infer(&inference));
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i]) FERRY_TRY(join(&node->outputs[i]->type, &outputs[i], node->outputs[i]->name, error));
    return FERRY_OK;
}

ferry_status ferry_node_infer(ferry_graph *graph, ferry_graph_node *node, ferry_error *error) {
    ferry_arena scratch = {0};
    ferry_status status = infer_node(graph, node, &scratch, error);
    ferry_arena_release(&scratch);
    if (status != FERRY_OK) ferry_error_prefix(error, "node '%s' (%s): ", node->name, node->op->name);
    return status;
}

ferry_status ferry_graph_infer(ferry_graph *graph, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++)
        if (!graph->nodes.items[i]->removed) FERRY_TRY(ferry_node_infer(graph, graph->nodes.items[i], error));
    return FERRY_OK;
}

ferry_status ferry_graph_set_input_shape(ferry_graph *graph, const char *name, const ferry_shape *shape, ferry_error *error) {
    ferry_graph_value *value = ferry_graph_find(graph, name);
    bool is_input = false;
    for (size_t i = 0; i < graph->inputs.count; i++) is_input |= graph->inputs.items[i] == value;
    if (!value || !is_input) return ferry_fail(error, FERRY_ERROR_NOT_FOUND, "the model has no input '%s'", name);
    ferry_value_type wanted = {.dtype = value->type.dtype, .ranked = true, .shape = *shape};
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 0)
            wanted.shape.dims[i] =
                value->type.ranked && value->type.shape.rank == shape->rank ? value->type.shape.dims[i] : FERRY_DIM_UNKNOWN;
    return join(&value->type, &wanted, name, error);
}

/* ---- structure ---- */

static ferry_status verify_node(const ferry_graph *graph, const ferry_graph_node *node, ferry_error *error) {
    FERRY_TRY(ferry_op_verify(node->op, &node->attributes, node->input_count, node->output_count, error));
    for (int i = 0; i < node->input_count; i++) {
        const ferry_graph_value *value = node->inputs[i];
        if (!value) continue;
        bool used = false;
        for (size_t u = 0; u < value->uses.count; u++)
            used |= value->uses.items[u].node == node && value->uses.items[u].input == i;
        if (!used) return ferry_fail(error, FERRY_ERROR_INTERNAL, "input %d ('%s') does not list this use", i, value->name);
        if (value->producer && value->producer->index >= node->index)
            return ferry_fail(error, FERRY_ERROR_INTERNAL, "input %d ('%s') is made later", i, value->name);
        if (ferry_graph_find(graph, value->name) != value)
            return ferry_fail(error, FERRY_ERROR_INTERNAL, "input %d ('%s') is not a value of this graph", i, value->name);
    }
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i] && (node->outputs[i]->producer != node || node->outputs[i]->producer_output != i))
            return ferry_fail(error, FERRY_ERROR_INTERNAL, "output %d ('%s') names another producer", i,
                              node->outputs[i]->name);
    return FERRY_OK;
}

ferry_status ferry_graph_verify(const ferry_graph *graph, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++) graph->nodes.items[i]->index = (int32_t)i;
    for (size_t i = 0; i < graph->nodes.count; i++) {
        const ferry_graph_node *node = graph->nodes.items[i];
        if (node->removed) continue;
        ferry_status status = verify_node(graph, node, error);
        if (status != FERRY_OK) {
            ferry_error_prefix(error, "node '%s' (%s): ", node->name, node->op->name);
            return status;
        }
    }
    for (size_t i = 0; i < graph->outputs.count; i++)
        if (!graph->outputs.items[i]->is_output)
            return ferry_fail(error, FERRY_ERROR_INTERNAL, "output '%s' is not marked as one", graph->outputs.items[i]->name);
    return FERRY_OK;
}
