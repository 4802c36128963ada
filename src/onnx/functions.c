/* SPDX-License-Identifier: Apache-2.0 */
/* Captured values of bodies, and the inlining of functions. */
#include <stdio.h>
#include <string.h>

#include "onnx/import.h"

static ferry_status no_memory(const ferry_scope *scope) {
    return ferry_fail(scope->importer->error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while reading the model");
}

/* ---- captures ---- */

static ferry_graph_value *captured_as(const ferry_scope *body, const ferry_graph_value *outer) {
    for (size_t i = 0; i < body->captures.count; i++)
        if (body->captures.items[i].outer == outer) return body->captures.items[i].inner;
    return NULL;
}

/* Puts the body's captured inputs into the order of `outers`, behind its own inputs; adds those that it lacks. */
static ferry_status align_captures(ferry_scope *body, ferry_graph_value *const *outers, size_t count) {
    ferry_graph *graph = body->graph;
    size_t own = graph->inputs.count - body->captures.count;
    for (size_t i = 0; i < count; i++) {
        ferry_graph_value *inner = captured_as(body, outers[i]);
        if (inner) continue;
        FERRY_TRY(ferry_graph_add_input(graph, NULL, &outers[i]->type, &inner, body->importer->error));
        if (!ferry_vector_push(&body->captures, ((ferry_capture){outers[i], inner}))) return no_memory(body);
    }
    for (size_t i = 0; i < count; i++) graph->inputs.items[own + i] = captured_as(body, outers[i]);
    return FERRY_OK;
}

ferry_status ferry_import_join_captures(ferry_scope *scope, ferry_scope *bodies, size_t count, ferry_onnx_call *call) {
    size_t first = call->inputs.count;
    for (size_t b = 0; b < count; b++)
        for (size_t i = 0; i < bodies[b].captures.count; i++) {
            ferry_graph_value *outer = bodies[b].captures.items[i].outer;
            bool known = false;
            for (size_t k = first; k < call->inputs.count; k++) known |= call->inputs.items[k] == outer;
            if (!known && !ferry_vector_push(&call->inputs, outer)) return no_memory(scope);
        }
    size_t captures = call->inputs.count - first;
    if (captures == 0) return FERRY_OK;
    for (size_t b = 0; b < count; b++) FERRY_TRY(align_captures(&bodies[b], call->inputs.items + first, captures));
    if (strcmp(call->op, "If") != 0) return ferry_onnx_set_integer(call, "_captures", (int64_t)captures);
    return FERRY_OK;
}

/* ---- functions ---- */

static ferry_status refuse_recursion(const ferry_scope *scope, const ferry_onnx_function *function,
                                     const ferry_onnx_node *node) {
    ferry_importer *importer = scope->importer;
    for (const ferry_scope *at = scope; at; at = at->caller)
        if (at->function == function)
            return ferry_fail(importer->error, FERRY_ERROR_FORMAT, "byte %zu: function '%.128s' calls itself", function->at,
                              function->name);
    if (scope->depth >= FERRY_ONNX_MAX_CALLS)
        return ferry_fail(importer->error, FERRY_ERROR_UNSUPPORTED, "byte %zu: functions nest more than %d deep", node->at,
                          FERRY_ONNX_MAX_CALLS);
    importer->inlined += (int64_t)function->node_count;
    if (importer->inlined > FERRY_ONNX_MAX_INLINED)
        return ferry_fail(importer->error, FERRY_ERROR_UNSUPPORTED, "byte %zu: inlining functions makes more than %d nodes",
                          node->at, FERRY_ONNX_MAX_INLINED);
    return FERRY_OK;
}

static ferry_status make_prefix(ferry_scope *scope, const ferry_onnx_node *node, const char **prefix) {
    const char *name = *node->name ? node->name : node->output_count && *node->outputs[0] ? node->outputs[0] : node->op;
    size_t length = strlen(scope->prefix) + strlen(name) + 2;
    char *text = ferry_arena_allocate(&scope->importer->arena, length, 1);
    if (!text) return no_memory(scope);
    snprintf(text, length, "%s%s/", scope->prefix, name);
    *prefix = text;
    return FERRY_OK;
}

static ferry_status bind_inputs(ferry_scope *scope, ferry_scope *inner, const ferry_onnx_node *node) {
    const ferry_onnx_function *function = inner->function;
    ferry_error *error = scope->importer->error;
    if ((size_t)node->input_count > function->input_count || (size_t)node->output_count > function->output_count)
        return ferry_fail(error, FERRY_ERROR_FORMAT,
                          "byte %zu: node '%.128s' has more inputs or outputs than function '%.128s'", node->at, node->name,
                          function->name);
    for (size_t i = 0; i < function->input_count; i++) {
        const char *name = i < (size_t)node->input_count ? node->inputs[i] : "";
        ferry_graph_value *value = NULL;
        bool found = true;
        if (*name) FERRY_TRY(ferry_scope_find(scope, name, &value, &found));
        if (!found)
            return ferry_fail(error, FERRY_ERROR_FORMAT, "byte %zu: node '%.128s' (%.64s) reads '%.256s', which nothing makes",
                              node->at, node->name, node->op, name);
        FERRY_TRY(ferry_scope_bind(inner, function->inputs[i], value));
    }
    return FERRY_OK;
}

/* Chosen before the function's nodes are made, which then take them. */
static ferry_status name_outputs(ferry_scope *scope, ferry_scope *inner, const ferry_onnx_node *node) {
    inner->output_names =
        ferry_arena_allocate(&scope->importer->arena, (size_t)node->output_count, sizeof *inner->output_names);
    if (!inner->output_names) return no_memory(scope);
    for (int i = 0; i < node->output_count; i++)
        if (*node->outputs[i]) FERRY_TRY(ferry_scope_graph_name(scope, node->outputs[i], &inner->output_names[i]));
    return FERRY_OK;
}

/* A function may hand an input straight through: then a copy carries the caller's name. */
static ferry_status bind_outputs(ferry_scope *scope, ferry_scope *inner, const ferry_onnx_node *node) {
    ferry_error *error = scope->importer->error;
    for (int i = 0; i < node->output_count; i++) {
        ferry_graph_value *value, *copy;
        const char *wanted = inner->output_names[i];
        bool found;
        if (!*node->outputs[i]) continue;
        FERRY_TRY(ferry_scope_find(inner, inner->function->outputs[i], &value, &found));
        if (!value)
            return ferry_fail(error, FERRY_ERROR_FORMAT, "byte %zu: function '%.128s' does not make its output '%.256s'",
                              inner->function->at, inner->function->name, inner->function->outputs[i]);
        if (!ferry_graph_find(scope->graph, wanted)) {
            ferry_graph_node *made;
            FERRY_TRY(ferry_graph_add_value(scope->graph, wanted, NULL, &copy, error));
            FERRY_TRY(ferry_graph_add_node(scope->graph, NULL, ferry_op_find("", "Identity"), NULL, 1, &value, 1, &copy, NULL,
                                           &made, error));
            FERRY_TRY(ferry_node_infer(scope->graph, made, error));
            value = copy;
        }
        FERRY_TRY(ferry_scope_bind(scope, node->outputs[i], value));
    }
    return FERRY_OK;
}

ferry_status ferry_import_function(ferry_scope *scope, const ferry_onnx_function *function, const ferry_onnx_node *node) {
    FERRY_TRY(refuse_recursion(scope, function, node));
    ferry_scope inner = {.importer = scope->importer,
                         .graph = scope->graph,
                         .opsets = function->opsets.count ? &function->opsets : scope->opsets,
                         .function = function,
                         .call = node,
                         .caller = scope,
                         .depth = scope->depth + 1};
    ferry_status status = make_prefix(scope, node, &inner.prefix);
    if (status == FERRY_OK) status = bind_inputs(scope, &inner, node);
    if (status == FERRY_OK) status = name_outputs(scope, &inner, node);
    if (status == FERRY_OK) status = ferry_import_nodes(&inner, function->nodes, function->node_count);
    if (status == FERRY_OK) status = bind_outputs(scope, &inner, node);
    ferry_scope_free(&inner);
    return status;
}
