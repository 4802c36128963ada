/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "onnx/import.h"

static ferry_status no_memory(const ferry_scope *scope) {
    return ferry_fail(scope->importer->error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while reading the model");
}

void ferry_scope_free(ferry_scope *scope) {
    ferry_map_free(&scope->names);
    ferry_map_free(&scope->claims);
    ferry_vector_free(&scope->values);
    ferry_vector_free(&scope->captures);
}

ferry_status ferry_scope_bind(ferry_scope *scope, const char *name, ferry_graph_value *value) {
    if (ferry_map_get(&scope->names, name) >= 0)
        return ferry_fail(scope->importer->error, FERRY_ERROR_FORMAT, "two values of graph '%.128s' have the name '%.256s'",
                          scope->graph->name, name);
    if (!ferry_vector_push(&scope->values, value) || !ferry_map_set(&scope->names, name, (int64_t)scope->values.count - 1))
        return no_memory(scope);
    return FERRY_OK;
}

/* The name itself, or with a number behind it when a value of the graph has it. */
static ferry_status free_name(ferry_scope *scope, const char *name, const char **result) {
    size_t length = strlen(name);
    *result = name;
    if (!ferry_graph_find(scope->graph, name)) return FERRY_OK;
    char *text = ferry_arena_allocate(&scope->importer->arena, length + 16, 1);
    if (!text) return no_memory(scope);
    memcpy(text, name, length);
    *result = text;
    for (unsigned i = 2; i < UINT32_MAX; i++) {
        char digits[12];
        int count = 0;
        for (unsigned rest = i; rest; rest /= 10) digits[count++] = (char)('0' + rest % 10);
        text[length] = '_';
        for (int d = 0; d < count; d++) text[length + 1 + (size_t)d] = digits[count - 1 - d];
        text[length + 1 + (size_t)count] = 0;
        if (!ferry_graph_find(scope->graph, text)) break;
    }
    return FERRY_OK;
}

ferry_status ferry_scope_graph_name(ferry_scope *scope, const char *name, const char **graph_name) {
    *graph_name = name;
    if (!*scope->prefix) return FERRY_OK;
    if (scope->output_names) /* what a function gives has the name that its caller wants */
        for (size_t i = 0; i < scope->function->output_count && i < (size_t)scope->call->output_count; i++)
            if (strcmp(scope->function->outputs[i], name) == 0 && *scope->call->outputs[i]) {
                *graph_name = scope->output_names[i];
                return FERRY_OK;
            }
    size_t prefix = strlen(scope->prefix), length = strlen(name);
    char *text = ferry_arena_allocate(&scope->importer->arena, prefix + length + 1, 1);
    if (!text) return no_memory(scope);
    memcpy(text, scope->prefix, prefix);
    memcpy(text + prefix, name, length);
    return free_name(scope, text, graph_name);
}

/* An outer value inside a body: constants are shared, anything else comes through a new input. */
static ferry_status capture(ferry_scope *scope, const char *name, ferry_graph_value *outer, ferry_graph_value **inner) {
    ferry_error *error = scope->importer->error;
    const char *free;
    FERRY_TRY(free_name(scope, name, &free));
    if (ferry_value_is_constant(outer)) {
        ferry_tensor tensor = ferry_value_tensor(outer);
        FERRY_TRY(ferry_graph_add_constant(scope->graph, free, &tensor, false, inner, error));
        return ferry_scope_bind(scope, name, *inner);
    }
    FERRY_TRY(ferry_graph_add_input(scope->graph, free, &outer->type, inner, error));
    if (!ferry_vector_push(&scope->captures, ((ferry_capture){outer, *inner}))) return no_memory(scope);
    return ferry_scope_bind(scope, name, *inner);
}

ferry_status ferry_scope_find(ferry_scope *scope, const char *name, ferry_graph_value **value, bool *found) {
    int64_t index = ferry_map_get(&scope->names, name);
    *value = index < 0 ? NULL : scope->values.items[index];
    *found = index >= 0;
    if (*found || !scope->parent) return FERRY_OK;
    ferry_graph_value *outer;
    FERRY_TRY(ferry_scope_find(scope->parent, name, &outer, found));
    if (!*found) return FERRY_OK;
    if (!outer) return ferry_scope_bind(scope, name, NULL);
    return capture(scope, name, outer, value);
}
