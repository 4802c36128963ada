/* SPDX-License-Identifier: Apache-2.0 */
/* Models and the builder. */
#include <ferry/builder.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "compile/compile.h"
#include "onnx/onnx.h"
#include "sdk/engine.h"

/* ---- model ---- */

struct ferry_model {
    ferry_graph *graph; /* as read; building works on a graph of its own, read anew */
    ferry_onnx_report report;
    char *path;
    const char **dim_names; /* for infos: FERRY_MAX_RANK entries an input and an output */
};

static void tell_report(const ferry_onnx_report *report, ferry_message_function message, void *user) {
    char line[512];
    if (!message) return;
    for (size_t i = 0; i < report->warnings.count; i++) message(user, FERRY_MESSAGE_WARNING, report->warnings.items[i]);
    for (size_t i = 0; i < report->unsupported.count; i++) {
        const ferry_onnx_unsupported *u = &report->unsupported.items[i];
        snprintf(line, sizeof line, "unsupported operator: %s (domain '%s', opset %lld), node '%s'", u->op,
                 *u->domain ? u->domain : "ai.onnx", (long long)u->opset, u->node);
        message(user, FERRY_MESSAGE_ERROR, line);
    }
}

static ferry_status name_dimensions(ferry_model *model, ferry_error *error) {
    const ferry_graph *graph = model->graph;
    size_t count = graph->inputs.count + graph->outputs.count;
    model->dim_names = ferry_arena_allocate(&model->graph->arena, count * FERRY_MAX_RANK, sizeof *model->dim_names);
    if (!model->dim_names) return ferry_fail_memory(error, count * FERRY_MAX_RANK * sizeof(char *));
    for (size_t v = 0; v < count; v++) {
        const ferry_graph_value *value =
            v < graph->inputs.count ? graph->inputs.items[v] : graph->outputs.items[v - graph->inputs.count];
        for (int i = 0; value->type.ranked && i < value->type.shape.rank; i++) {
            char text[128];
            if (ferry_dim_known(value->type.shape.dims[i])) continue;
            ferry_dim_text(graph->symbols, value->type.shape.dims[i], text, sizeof text);
            model->dim_names[v * FERRY_MAX_RANK + (size_t)i] = ferry_arena_strdup(&model->graph->arena, text);
        }
    }
    return FERRY_OK;
}

ferry_status ferry_model_load(const char *path, ferry_message_function message, void *user, ferry_model **result,
                              ferry_error *error) {
    *result = NULL;
    ferry_model *model = ferry_calloc(1, sizeof *model);
    if (!model) return ferry_fail_memory(error, sizeof *model);
    model->path = ferry_strdup(path);
    ferry_status status =
        model->path ? ferry_onnx_read(path, &model->graph, &model->report, error) : ferry_fail_memory(error, strlen(path));
    tell_report(&model->report, message, user);
    if (status == FERRY_OK) status = name_dimensions(model, error);
    if (status != FERRY_OK) {
        ferry_model_destroy(model);
        return status;
    }
    *result = model;
    return FERRY_OK;
}

void ferry_model_destroy(ferry_model *model) {
    if (!model) return;
    ferry_graph_destroy(model->graph);
    ferry_onnx_report_free(&model->report);
    ferry_free(model->path);
    ferry_free(model);
}

int ferry_model_input_count(const ferry_model *model) { return (int)model->graph->inputs.count; }
int ferry_model_output_count(const ferry_model *model) { return (int)model->graph->outputs.count; }

static void fill_shape(const ferry_value_type *type, ferry_shape *shape) {
    *shape = (ferry_shape){.rank = -1};
    if (!type->ranked) return;
    *shape = type->shape;
    for (int i = 0; i < shape->rank; i++)
        if (!ferry_dim_known(shape->dims[i])) shape->dims[i] = -1;
}

static void describe_value(const ferry_model *model, const ferry_graph_value *value, size_t slot, ferry_binding_info *info) {
    *info = (ferry_binding_info){.name = value->name, .dtype = value->type.dtype};
    fill_shape(&value->type, &info->shape);
    bool named = false;
    for (int i = 0; i < info->shape.rank; i++) named |= info->shape.dims[i] < 0;
    if (named) info->dim_names = &model->dim_names[slot * FERRY_MAX_RANK];
}

ferry_status ferry_model_input(const ferry_model *model, int index, ferry_binding_info *info, ferry_error *error) {
    if (index < 0 || index >= ferry_model_input_count(model))
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "input %d does not exist", index);
    describe_value(model, model->graph->inputs.items[index], (size_t)index, info);
    return FERRY_OK;
}

ferry_status ferry_model_output(const ferry_model *model, int index, ferry_binding_info *info, ferry_error *error) {
    if (index < 0 || index >= ferry_model_output_count(model))
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "output %d does not exist", index);
    describe_value(model, model->graph->outputs.items[index], model->graph->inputs.count + (size_t)index, info);
    return FERRY_OK;
}

int ferry_model_layer_count(const ferry_model *model) { return (int)model->graph->nodes.count; }

ferry_status ferry_model_layer(const ferry_model *model, int index, ferry_layer_info *info, ferry_error *error) {
    if (index < 0 || index >= ferry_model_layer_count(model))
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "layer %d does not exist", index);
    const ferry_graph_node *node = model->graph->nodes.items[index];
    *info = (ferry_layer_info){.name = node->name, .type = node->op->name, .implementation = "", .layout = ""};
    info->shape.rank = -1;
    for (int i = 0; i < node->input_count; i++) {
        size_t bytes;
        const ferry_graph_value *value = node->inputs[i];
        if (ferry_value_is_constant(value) && ferry_tensor_bytes(value->type.dtype, value->layout, &value->type.shape, &bytes))
            info->weight_bytes += bytes;
    }
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i]) {
            info->dtype = node->outputs[i]->type.dtype;
            fill_shape(&node->outputs[i]->type, &info->shape);
            break;
        }
    return FERRY_OK;
}

const char *ferry_model_metadata(const ferry_model *model, const char *key) { return ferry_graph_metadata(model->graph, key); }
int ferry_model_metadata_count(const ferry_model *model) { return (int)model->graph->metadata.count; }

void ferry_model_metadata_at(const ferry_model *model, int index, const char **key, const char **value) {
    bool exists = index >= 0 && index < ferry_model_metadata_count(model);
    *key = exists ? model->graph->metadata.items[index].key : NULL;
    *value = exists ? model->graph->metadata.items[index].value : NULL;
}

ferry_status ferry_model_set_metadata(ferry_model *model, const char *key, const char *value, ferry_error *error) {
    return ferry_graph_add_metadata(model->graph, key, value, error);
}

void ferry_model_describe(const ferry_model *model, ferry_model_info *info) {
    const ferry_onnx_report *report = &model->report;
    *info = (ferry_model_info){.file_bytes = report->file_bytes,
                               .weight_bytes = report->weight_bytes,
                               .parameters = report->parameters,
                               .ir_version = report->ir_version,
                               .opset = report->opset,
                               .producer = report->producer_name ? report->producer_name : ""};
}

/* ---- builder ---- */

void ferry_build_settings_default(ferry_build_settings *settings) {
    *settings = (ferry_build_settings){.struct_size = sizeof *settings, .tuning = FERRY_TUNE_FAST, .allow_lossy = 1};
}

typedef struct forwarding {
    const ferry_build_settings *settings;
    ferry_log log;
} forwarding;

static void forward_message(void *user, ferry_log_level level, const char *message) {
    const forwarding *f = user;
    f->settings->message(f->settings->user, (ferry_message_level)level, message);
}

static ferry_status read_settings(const ferry_build_settings *settings, forwarding *f, ferry_compile_settings *out,
                                  ferry_error *error) {
    if (settings->struct_size != sizeof *settings)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT,
                          "settings.struct_size is %zu, not %zu: call ferry_build_settings_default first",
                          settings->struct_size, sizeof *settings);
    *f = (forwarding){settings, {settings->message ? forward_message : NULL, f, FERRY_LOG_VERBOSE}};
    *out = (ferry_compile_settings){
        .features = ferry_cpu_features(),
        .threads = settings->threads,
        .tune = (ferry_tune_level)settings->tuning,
        .timing_cache = settings->timing_cache_path,
        .allow_lossy = settings->allow_lossy != 0,
        .log = &f->log,
        .progress = settings->progress,
        .user = settings->user,
        .producer = "ferry " FERRY_VERSION,
    };
    if (settings->target_features && !ferry_cpu_features_parse(settings->target_features, &out->features))
        return ferry_fail(
            error, FERRY_ERROR_INVALID_ARGUMENT,
            "unknown CPU feature in target '%s'; known: baseline sse41 avx2 avx512 avx512vnni avx512bf16 avxvnni neon "
            "fp16 dotprod i8mm bf16",
            settings->target_features);
    return FERRY_OK;
}

static ferry_status fix_shapes(ferry_graph *graph, const ferry_build_settings *settings, ferry_error *error) {
    for (int i = 0; i < settings->shape_count; i++)
        FERRY_TRY(ferry_graph_set_input_shape(graph, settings->shape_names[i], &settings->shapes[i], error));
    return settings->shape_count > 0 ? ferry_graph_infer(graph, error) : FERRY_OK;
}

static ferry_status compile_model(const ferry_model *model, const ferry_build_settings *settings, ferry_compiled *compiled,
                                  ferry_graph **graph, ferry_error *error) {
    forwarding f;
    ferry_compile_settings compile_settings;
    FERRY_TRY(read_settings(settings, &f, &compile_settings, error));
    FERRY_TRY(ferry_onnx_read(model->path, graph, NULL, error));
    for (size_t i = 0; i < model->graph->metadata.count; i++)
        FERRY_TRY(ferry_graph_add_metadata(*graph, model->graph->metadata.items[i].key, model->graph->metadata.items[i].value,
                                           error));
    FERRY_TRY(fix_shapes(*graph, settings, error));
    return ferry_compile(*graph, &compile_settings, compiled, error);
}

static void fill_report(const ferry_model *model, const ferry_compiled *compiled, double start, uint64_t file_bytes,
                        ferry_build_report *report) {
    if (!report) return;
    *report = (ferry_build_report){.layers = compiled->plan->graphs[0]->node_count,
                                   .nodes_before = (int64_t)model->graph->nodes.count,
                                   .weight_bytes = compiled->plan->weights_bytes,
                                   .file_bytes = file_bytes,
                                   .seconds = ferry_time_seconds() - start};
}

/* Compiles, then hands the plan on: to a file when path is given, else to memory. */
static ferry_status build(const ferry_model *model, const ferry_build_settings *settings, const char *path,
                          unsigned char **memory, size_t *bytes, ferry_build_report *report, ferry_error *error) {
    ferry_build_settings defaults;
    ferry_build_settings_default(&defaults);
    if (!settings) settings = &defaults;
    double start = ferry_time_seconds();
    ferry_compiled compiled = {0};
    ferry_graph *graph = NULL;
    ferry_status status = compile_model(model, settings, &compiled, &graph, error);
    if (status == FERRY_OK && settings->progress) settings->progress(settings->user, "write", 0, 1);
    if (status == FERRY_OK)
        status =
            path ? ferry_engine_write(compiled.plan, path, error) : ferry_engine_serialize(compiled.plan, memory, bytes, error);
    if (status == FERRY_OK) {
        uint64_t file_bytes = path ? 0 : *bytes;
        ferry_file_map map;
        if (path && ferry_file_map_open(path, &map, NULL) == FERRY_OK) {
            file_bytes = map.bytes;
            ferry_file_map_close(&map);
        }
        fill_report(model, &compiled, start, file_bytes, report);
        if (settings->progress) settings->progress(settings->user, "write", 1, 1);
    }
    ferry_compiled_release(&compiled);
    ferry_graph_destroy(graph);
    return status;
}

ferry_status ferry_build(const ferry_model *model, const ferry_build_settings *settings, const char *path,
                         ferry_build_report *report, ferry_error *error) {
    return build(model, settings, path, NULL, NULL, report, error);
}

ferry_status ferry_build_engine(const ferry_model *model, const ferry_build_settings *settings, ferry_engine **engine,
                                ferry_build_report *report, ferry_error *error) {
    unsigned char *memory;
    size_t bytes;
    *engine = NULL;
    FERRY_TRY(build(model, settings, NULL, &memory, &bytes, report, error));
    return ferry_engine_adopt(memory, bytes, engine, error);
}
