/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/cpu.h"

const char *ferry_version(void) { return FERRY_VERSION; }

ferry_engine *ferry_engine_retain(ferry_engine *engine) {
    atomic_fetch_add(&engine->references, 1);
    return engine;
}

void ferry_engine_release(ferry_engine *engine) {
    if (!engine || atomic_fetch_sub(&engine->references, 1) != 1) return;
    ferry_plan_destroy(engine->plan);
    ferry_file_map_close(&engine->map);
    ferry_aligned_free(engine->memory);
    ferry_free(engine);
}

static ferry_status open_plan(ferry_engine *engine, const void *data, size_t bytes, ferry_error *error) {
    engine->references = 1;
    engine->bytes = bytes;
    FERRY_TRY(ferry_engine_parse(data, bytes, ferry_cpu_features(), &engine->plan, error));
    char features[64];
    snprintf(engine->target, sizeof engine->target, "cpu: %s",
             ferry_cpu_features_text(engine->plan->features, features, sizeof features));
    return FERRY_OK;
}

ferry_status ferry_engine_load(const char *path, ferry_engine **result, ferry_error *error) {
    *result = NULL;
    ferry_engine *engine = ferry_calloc(1, sizeof *engine);
    if (!engine) return ferry_fail_memory(error, sizeof *engine);
    engine->references = 1;
    ferry_status status = ferry_file_map_open(path, &engine->map, error);
    if (status == FERRY_OK) {
        status = open_plan(engine, engine->map.data, engine->map.bytes, error);
        if (status != FERRY_OK) ferry_error_prefix(error, "'%s': ", path);
    }
    if (status != FERRY_OK) {
        ferry_engine_release(engine);
        return status;
    }
    *result = engine;
    return FERRY_OK;
}

ferry_status ferry_engine_adopt(unsigned char *memory, size_t bytes, ferry_engine **result, ferry_error *error) {
    *result = NULL;
    ferry_engine *engine = ferry_calloc(1, sizeof *engine);
    if (!engine) {
        ferry_aligned_free(memory);
        return ferry_fail_memory(error, sizeof *engine);
    }
    engine->memory = memory;
    ferry_status status = open_plan(engine, memory, bytes, error);
    if (status != FERRY_OK) {
        ferry_engine_release(engine);
        return status;
    }
    *result = engine;
    return FERRY_OK;
}

ferry_status ferry_engine_load_memory(const void *data, size_t bytes, ferry_engine **engine, ferry_error *error) {
    *engine = NULL;
    unsigned char *memory = ferry_aligned_malloc(bytes);
    if (!memory) return ferry_fail_memory(error, bytes);
    if (bytes) memcpy(memory, data, bytes);
    return ferry_engine_adopt(memory, bytes, engine, error);
}

void ferry_engine_destroy(ferry_engine *engine) { ferry_engine_release(engine); }

/* ---- asking ---- */

static const ferry_plan_graph *main_graph(const ferry_engine *engine) { return engine->plan->graphs[0]; }

int ferry_engine_input_count(const ferry_engine *engine) { return main_graph(engine)->input_count; }
int ferry_engine_output_count(const ferry_engine *engine) { return main_graph(engine)->output_count; }

static ferry_status describe_binding(const ferry_engine *engine, const int32_t *indices, int count, int index, const char *what,
                                     ferry_binding_info *info, ferry_error *error) {
    if (index < 0 || index >= count)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "%s %d does not exist; the model has %d", what, index, count);
    const ferry_plan_value *value = &main_graph(engine)->values[indices[index]];
    *info = (ferry_binding_info){value->name, value->dtype, value->shape, (const char *const *)value->dim_names};
    if (!value->ranked) info->shape.rank = -1;
    return FERRY_OK;
}

ferry_status ferry_engine_input(const ferry_engine *engine, int index, ferry_binding_info *info, ferry_error *error) {
    const ferry_plan_graph *graph = main_graph(engine);
    return describe_binding(engine, graph->inputs, graph->input_count, index, "input", info, error);
}

ferry_status ferry_engine_output(const ferry_engine *engine, int index, ferry_binding_info *info, ferry_error *error) {
    const ferry_plan_graph *graph = main_graph(engine);
    return describe_binding(engine, graph->outputs, graph->output_count, index, "output", info, error);
}

int ferry_engine_layer_count(const ferry_engine *engine) { return main_graph(engine)->node_count; }

static uint64_t node_weight_bytes(const ferry_plan_graph *graph, const ferry_plan_node *node) {
    uint64_t bytes = node->packed_bytes;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0) bytes += graph->values[node->inputs[i]].bytes;
    return bytes;
}

ferry_status ferry_engine_layer(const ferry_engine *engine, int index, ferry_layer_info *info, ferry_error *error) {
    const ferry_plan_graph *graph = main_graph(engine);
    if (index < 0 || index >= graph->node_count)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "layer %d does not exist; the engine has %d", index,
                          graph->node_count);
    const ferry_plan_node *node = &graph->nodes[index];
    *info = (ferry_layer_info){
        .name = node->name, .type = node->op->name, .implementation = node->implementation, .layout = "plain"};
    info->shape.rank = -1;
    info->weight_bytes = node_weight_bytes(graph, node);
    for (int i = 0; i < node->output_count; i++) {
        if (node->outputs[i] < 0) continue;
        const ferry_plan_value *value = &graph->values[node->outputs[i]];
        info->dtype = value->dtype;
        info->layout = ferry_layout_name(value->layout);
        if (value->ranked) info->shape = value->shape;
        break;
    }
    return FERRY_OK;
}

void ferry_engine_describe(const ferry_engine *engine, ferry_engine_info *info) {
    *info = (ferry_engine_info){engine->bytes, engine->plan->weights_bytes, engine->plan->producer, engine->plan->precision,
                                engine->target};
}

const char *ferry_engine_metadata(const ferry_engine *engine, const char *key) {
    for (int i = 0; i < engine->plan->metadata_count; i++)
        if (strcmp(engine->plan->metadata[i].key, key) == 0) return engine->plan->metadata[i].value;
    return NULL;
}

int ferry_engine_metadata_count(const ferry_engine *engine) { return engine->plan->metadata_count; }

void ferry_engine_metadata_at(const ferry_engine *engine, int index, const char **key, const char **value) {
    bool exists = index >= 0 && index < engine->plan->metadata_count;
    *key = exists ? engine->plan->metadata[index].key : NULL;
    *value = exists ? engine->plan->metadata[index].value : NULL;
}
