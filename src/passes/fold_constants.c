/* SPDX-License-Identifier: Apache-2.0 */
/* Constant folding: nodes whose inputs are constants are evaluated by the operator table's reference; values that the shape
 * rules know in full become constants even when their inputs are not. */
#include <string.h>

#include "passes/passes.h"
#include "passes/tools.h"

/* What may be computed at build time is bounded: folding must not blow up the file (Expand, ConstantOfShape). */
enum { FOLD_BYTES = 1 << 20 };

typedef struct folding {
    ferry_graph *graph;
    ferry_arena results;
    uint64_t random;
} folding;

static ferry_status allocate_result(ferry_evaluation *evaluation, size_t bytes, void **memory) {
    folding *f = evaluation->user;
    unsigned char *block = ferry_arena_allocate(&f->results, bytes + FERRY_ALIGNMENT, 1);
    if (!block) return ferry_fail_memory(evaluation->error, bytes);
    *memory = (void *)ferry_align_up((uintptr_t)block, FERRY_ALIGNMENT);
    return FERRY_OK;
}

static bool outputs_small(const ferry_graph_node *node, size_t input_bytes) {
    for (int i = 0; i < node->output_count; i++) {
        const ferry_graph_value *value = node->outputs[i];
        if (!value) continue;
        const ferry_value_type *type = &value->type;
        size_t bytes;
        if (type->kind != FERRY_VALUE_TENSOR) return false;
        if (!type->ranked) continue; /* depends on contents: as large as its inputs at most, in practice */
        bool known = true;
        for (int d = 0; d < type->shape.rank; d++) known &= ferry_dim_known(type->shape.dims[d]);
        if (known && (!ferry_tensor_bytes(type->dtype, FERRY_LAYOUT_PLAIN, &type->shape, &bytes) ||
                      (bytes > FOLD_BYTES && bytes > 8 * input_bytes)))
            return false;
    }
    return true;
}

static bool foldable(const ferry_graph_node *node) {
    if (node->removed || !node->op->evaluate || (node->op->flags & FERRY_OP_NOT_FOLDABLE)) return false;
    size_t input_bytes = 0;
    for (int i = 0; i < node->input_count; i++) {
        if (!node->inputs[i]) continue;
        size_t bytes;
        const ferry_value_type *type = &node->inputs[i]->type;
        if (!ferry_value_is_constant(node->inputs[i])) return false;
        if (!ferry_tensor_bytes(type->dtype, FERRY_LAYOUT_PLAIN, &type->shape, &bytes)) return false;
        input_bytes += bytes;
    }
    return outputs_small(node, input_bytes);
}

static ferry_status run_node(folding *f, const ferry_graph_node *node, ferry_value *outputs, ferry_error *error) {
    ferry_arena scratch = {0};
    ferry_value *inputs = ferry_arena_allocate(&scratch, (size_t)node->input_count, sizeof *inputs);
    const ferry_value **input_list = ferry_arena_allocate(&scratch, (size_t)node->input_count, sizeof *input_list);
    ferry_value **output_list = ferry_arena_allocate(&scratch, (size_t)node->output_count, sizeof *output_list);
    ferry_status status = FERRY_ERROR_OUT_OF_MEMORY;
    if (inputs && input_list && output_list) {
        for (int i = 0; i < node->input_count; i++)
            if (node->inputs[i]) {
                inputs[i].tensor = ferry_value_tensor(node->inputs[i]);
                input_list[i] = &inputs[i];
            }
        for (int i = 0; i < node->output_count; i++) output_list[i] = node->outputs[i] ? &outputs[i] : NULL;
        ferry_evaluation evaluation = {.op = node->op,
                                       .attributes = &node->attributes,
                                       .input_count = node->input_count,
                                       .output_count = node->output_count,
                                       .inputs = input_list,
                                       .outputs = output_list,
                                       .allocate = allocate_result,
                                       .scratch = &scratch,
                                       .user = f,
                                       .random = &f->random,
                                       .error = error};
        status = node->op->evaluate(&evaluation);
    }
    ferry_arena_release(&scratch);
    return status;
}

static ferry_status fold(folding *f, ferry_graph_node *node, int *changes, ferry_error *error) {
    ferry_value *outputs = ferry_arena_allocate(&f->results, (size_t)node->output_count, sizeof *outputs);
    if (!outputs) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while folding constants");
    /* A reference that cannot compute it (an unsupported type) leaves the node as it is: the build tells later. */
    ferry_status status = run_node(f, node, outputs, NULL);
    if (status == FERRY_ERROR_OUT_OF_MEMORY) return ferry_fail(error, status, "out of memory while folding constants");
    if (status != FERRY_OK) return FERRY_OK;
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i] && (outputs[i].kind != FERRY_VALUE_TENSOR || outputs[i].tensor.dtype == FERRY_STRING))
            return FERRY_OK;
    for (int i = 0; i < node->output_count; i++) {
        if (!node->outputs[i]) continue;
        ferry_graph_value *constant;
        FERRY_TRY(ferry_graph_add_constant(f->graph, NULL, &outputs[i].tensor, true, &constant, error));
        FERRY_TRY(ferry_graph_replace_uses(f->graph, node->outputs[i], constant, error));
    }
    ++*changes;
    return FERRY_OK;
}

/* Output 0 known by the shape rules, all numbers. */
static bool values_known(const ferry_graph_value *value) {
    if (!value || !value->type.values || !value->type.ranked || value->type.shape.rank > 1 || ferry_value_is_constant(value))
        return false;
    if (value->type.dtype != FERRY_INT64 && value->type.dtype != FERRY_INT32) return false;
    if (value->type.shape.rank == 1 && !ferry_dim_known(value->type.shape.dims[0])) return false;
    for (int64_t i = 0; i < ferry_shape_count(&value->type.shape); i++)
        if (!ferry_dim_known(value->type.values[i])) return false;
    return true;
}

static ferry_status fold_values(ferry_graph *graph, ferry_graph_node *node, int *changes, ferry_error *error) {
    ferry_graph_value *value = node->outputs[0], *constant;
    int64_t count = ferry_shape_count(&value->type.shape);
    ferry_tensor tensor = {.dtype = value->type.dtype, .shape = value->type.shape};
    tensor.data = ferry_arena_allocate(&graph->arena, (size_t)count, sizeof(int64_t));
    if (!tensor.data) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while folding constants");
    for (int64_t i = 0; i < count; i++) ferry_store_int64(tensor.dtype, tensor.data, i, value->type.values[i]);
    FERRY_TRY(ferry_graph_add_constant(graph, NULL, &tensor, false, &constant, error));
    FERRY_TRY(ferry_graph_replace_uses(graph, value, constant, error));
    ++*changes;
    return FERRY_OK;
}

/* A constant that takes a graph output's place is carried by an Identity, which must not be folded again. */
static bool carries_output(const ferry_graph_node *node) {
    return ferry_node_is(node, FERRY_OP_Identity) && node->outputs[0] && node->outputs[0]->is_output;
}

static bool unused(const ferry_graph_node *node) {
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i] && (node->outputs[i]->uses.count > 0 || node->outputs[i]->is_output)) return false;
    return true;
}

ferry_status ferry_pass_fold_constants(ferry_graph *graph, int *changes, ferry_error *error) {
    folding f = {.graph = graph, .random = 1};
    ferry_status status = FERRY_OK;
    for (size_t i = 0; i < graph->nodes.count && status == FERRY_OK; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        if (node->removed || carries_output(node) || unused(node)) continue;
        if (node->output_count == 1 && values_known(node->outputs[0]))
            status = fold_values(graph, node, changes, error);
        else if (foldable(node))
            status = fold(&f, node, changes, error);
        if (status == FERRY_OK && unused(node)) ferry_graph_remove_node(graph, node);
        /* Later nodes now see constants: bring their types (and known values) up to date. */
        if (status == FERRY_OK && !node->removed) status = ferry_node_infer(graph, node, error);
    }
    ferry_arena_release(&f.results);
    return status;
}
