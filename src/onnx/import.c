/* SPDX-License-Identifier: Apache-2.0 */
/* From the decoded model to the graph: inputs, constants, nodes in order, outputs. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "onnx/import.h"

static ferry_status no_memory(const ferry_importer *importer) {
    return ferry_fail(importer->error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while reading the model");
}

ferry_status ferry_import_warn(ferry_importer *importer, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    char *copy = ferry_arena_strdup(&importer->report->arena, text);
    return copy && ferry_vector_push(&importer->report->warnings, copy) ? FERRY_OK : no_memory(importer);
}

/* ---- what the model declares ---- */

static ferry_status note_claims(ferry_scope *scope, const ferry_onnx_graph *graph) {
    scope->declared = graph;
    for (size_t i = 0; i < graph->value_info_count + graph->output_count; i++) {
        const ferry_onnx_value_info *info =
            i < graph->value_info_count ? &graph->value_infos[i] : &graph->outputs[i - graph->value_info_count];
        if (info->has_type && *info->name && !ferry_map_set(&scope->claims, info->name, (int64_t)i))
            return no_memory(scope->importer);
    }
    return FERRY_OK;
}

static bool shapes_contradict(const ferry_shape *a, const ferry_shape *b) {
    if (a->rank != b->rank) return true;
    for (int i = 0; i < a->rank; i++)
        if (ferry_dim_known(a->dims[i]) && ferry_dim_known(b->dims[i]) && a->dims[i] != b->dims[i]) return true;
    return false;
}

static ferry_status join_shapes(ferry_scope *scope, ferry_graph_value *value, const ferry_value_type *claim) {
    ferry_shape *shape = &value->type.shape;
    char a[FERRY_SHAPE_TEXT], b[FERRY_SHAPE_TEXT];
    if (!claim->ranked || claim->kind != FERRY_VALUE_TENSOR) return FERRY_OK;
    if (!value->type.ranked) {
        value->type.ranked = true;
        *shape = claim->shape;
        return FERRY_OK;
    }
    if (shapes_contradict(shape, &claim->shape))
        return ferry_import_warn(scope->importer,
                                 "'%s' is declared with shape %s but computed as %s; the declaration is ignored", value->name,
                                 ferry_shape_text(&claim->shape, a, sizeof a), ferry_shape_text(shape, b, sizeof b));
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] == FERRY_DIM_UNKNOWN) shape->dims[i] = claim->shape.dims[i];
    return FERRY_OK;
}

ferry_status ferry_import_claim(ferry_scope *scope, const char *name, ferry_graph_value *value) {
    int64_t index = scope->declared ? ferry_map_get(&scope->claims, name) : -1;
    ferry_value_type claim;
    if (index < 0) return FERRY_OK;
    size_t infos = scope->declared->value_info_count, place = (size_t)index;
    const ferry_onnx_value_info *info =
        place < infos ? &scope->declared->value_infos[place] : &scope->declared->outputs[place - infos];
    FERRY_TRY(ferry_onnx_read_type(info->type_message, scope->graph->symbols, &claim));
    if (!value->type.dtype) {
        value->type.dtype = claim.dtype;
        value->type.kind = claim.kind;
        value->type.element_kind = claim.element_kind;
    } else if (claim.dtype && claim.dtype != value->type.dtype) {
        return ferry_import_warn(scope->importer, "'%s' is declared %s but computed as %s; the declaration is ignored",
                                 value->name, ferry_dtype_name(claim.dtype), ferry_dtype_name(value->type.dtype));
    }
    return value->type.kind == FERRY_VALUE_TENSOR ? join_shapes(scope, value, &claim) : FERRY_OK;
}

/* ---- constants ---- */

static ferry_status add_constant(ferry_scope *scope, const char *name, const ferry_tensor *tensor) {
    ferry_importer *importer = scope->importer;
    ferry_graph_value *value;
    const char *graph_name;
    size_t bytes = 0;
    FERRY_TRY(ferry_scope_graph_name(scope, name, &graph_name));
    FERRY_TRY(ferry_graph_add_constant(scope->graph, graph_name, tensor, false, &value, importer->error));
    (void)ferry_tensor_bytes(tensor->dtype, FERRY_LAYOUT_PLAIN, &tensor->shape, &bytes);
    importer->report->weight_bytes += bytes;
    importer->report->parameters += ferry_shape_count(&tensor->shape);
    return ferry_scope_bind(scope, name, value);
}

static ferry_status import_constants(ferry_scope *scope, const ferry_onnx_graph *graph) {
    ferry_importer *importer = scope->importer;
    ferry_graph *root = scope->graph;
    ferry_tensor tensor;
    while (root->parent) root = root->parent;
    for (size_t i = 0; i < graph->initializer_count; i++) {
        if (!*graph->initializers[i].name)
            return ferry_fail(importer->error, FERRY_ERROR_FORMAT, "byte %zu: an initialiser has no name",
                              graph->initializers[i].message.at);
        FERRY_TRY(ferry_onnx_tensor_load(importer->source, &graph->initializers[i], &root->arena, &tensor, importer->error));
        FERRY_TRY(add_constant(scope, graph->initializers[i].name, &tensor));
    }
    for (size_t i = 0; i < graph->sparse_count; i++) {
        FERRY_TRY(ferry_onnx_sparse_load(importer->source, &graph->sparse[i], &root->arena, &tensor, importer->error));
        FERRY_TRY(add_constant(scope, graph->sparse[i].values.name, &tensor));
    }
    return FERRY_OK;
}

/* ---- graphs ---- */

ferry_status ferry_import_nodes(ferry_scope *scope, const ferry_onnx_node *nodes, size_t count) {
    uint32_t *order;
    FERRY_TRY(ferry_onnx_order_nodes(nodes, count, &scope->importer->arena, &order, scope->importer->error));
    for (size_t i = 0; i < count; i++) FERRY_TRY(ferry_import_node(scope, &nodes[order ? order[i] : i]));
    return FERRY_OK;
}

ferry_status ferry_import_contents(ferry_scope *scope, const ferry_onnx_graph *graph) {
    ferry_error *error = scope->importer->error;
    FERRY_TRY(ferry_import_nodes(scope, graph->nodes, graph->node_count));
    for (size_t i = 0; i < graph->output_count; i++) {
        const char *name = graph->outputs[i].name;
        ferry_graph_value *value;
        bool found;
        FERRY_TRY(ferry_scope_find(scope, name, &value, &found));
        if (!value)
            return ferry_fail(error, FERRY_ERROR_FORMAT, "output '%.256s' of graph '%.128s' is made by no node", name,
                              graph->name);
        ferry_graph_value *result = value;
        if (value->is_output) /* a second output with the same contents */
            FERRY_TRY(
                ferry_graph_insert(scope->graph, ferry_op_find("", "Identity"), NULL, 1, &value, name, NULL, &result, error));
        FERRY_TRY(ferry_graph_mark_output(scope->graph, result, error));
    }
    return FERRY_OK;
}

static bool is_initializer(const ferry_scope *scope, const char *name) { return ferry_map_get(&scope->names, name) >= 0; }

static ferry_status import_inputs(ferry_scope *scope, const ferry_onnx_graph *graph, bool outermost) {
    ferry_importer *importer = scope->importer;
    for (size_t i = 0; i < graph->input_count; i++) {
        const ferry_onnx_value_info *info = &graph->inputs[i];
        ferry_value_type type = {0};
        ferry_graph_value *value;
        const char *graph_name;
        if (is_initializer(scope, info->name)) continue; /* a default that we do not let anybody override */
        if (info->has_type) FERRY_TRY(ferry_onnx_read_type(info->type_message, scope->graph->symbols, &type));
        if (outermost && type.dtype == FERRY_DTYPE_UNDEFINED)
            return ferry_fail(importer->error, FERRY_ERROR_FORMAT, "input '%.256s' of the model has no element type",
                              info->name);
        if (!outermost) { /* what the node passes decides; declarations of bodies are often out of date */
            type.ranked = false;
            type.shape = (ferry_shape){0};
        }
        FERRY_TRY(ferry_scope_graph_name(scope, info->name, &graph_name));
        FERRY_TRY(ferry_graph_add_input(scope->graph, graph_name, &type, &value, importer->error));
        FERRY_TRY(ferry_scope_bind(scope, info->name, value));
    }
    return FERRY_OK;
}

/* ---- bodies ---- */

ferry_status ferry_import_body(ferry_scope *scope, const ferry_onnx_graph *graph, ferry_scope *body, ferry_graph **result) {
    FERRY_TRY(ferry_graph_create_body(scope->graph, graph->name, result, scope->importer->error));
    *body = (ferry_scope){.importer = scope->importer,
                          .graph = *result,
                          .parent = scope,
                          .opsets = scope->opsets,
                          .prefix = "",
                          .function = scope->function,
                          .call = scope->call,
                          .caller = scope->caller,
                          .depth = scope->depth};
    /* Unlike in the model itself, an initialiser that is also an input is none: inputs of a body are always passed. */
    FERRY_TRY(import_inputs(body, graph, false));
    FERRY_TRY(import_constants(body, graph));
    return ferry_import_contents(body, graph);
}

/* ---- the model ---- */

static ferry_status copy_text(ferry_importer *importer, const char *text, const char **copy) {
    *copy = ferry_arena_strdup(&importer->report->arena, text);
    return *copy ? FERRY_OK : no_memory(importer);
}

static int64_t count_nodes(const ferry_onnx_node *nodes, size_t count) {
    int64_t total = (int64_t)count;
    for (size_t i = 0; i < count; i++)
        for (int a = 0; a < nodes[i].attribute_count; a++)
            if (nodes[i].attributes[a].graph)
                total += count_nodes(nodes[i].attributes[a].graph->nodes, nodes[i].attributes[a].graph->node_count);
    return total;
}

static ferry_status describe(ferry_importer *importer) {
    const ferry_onnx_model *model = &importer->model;
    ferry_onnx_report *report = importer->report;
    report->ir_version = model->ir_version;
    report->model_version = model->model_version;
    report->opset = ferry_onnx_opset_version(&model->opsets, "");
    report->file_bytes = importer->source->file.bytes;
    report->functions = (int64_t)model->function_count;
    report->nodes = count_nodes(model->graph.nodes, model->graph.node_count);
    for (size_t i = 0; i < model->function_count; i++)
        report->nodes += count_nodes(model->functions[i].nodes, model->functions[i].node_count);
    FERRY_TRY(copy_text(importer, model->producer_name, &report->producer_name));
    FERRY_TRY(copy_text(importer, model->producer_version, &report->producer_version));
    return copy_text(importer, model->domain, &report->domain);
}

static ferry_status import_metadata(ferry_importer *importer, ferry_graph *graph) {
    for (size_t i = 0; i < importer->model.metadata_count; i++)
        FERRY_TRY(ferry_graph_add_metadata(graph, importer->model.metadata[i].key, importer->model.metadata[i].value,
                                           importer->error));
    return FERRY_OK;
}

static ferry_status import_graph(ferry_importer *importer, ferry_graph *graph) {
    const ferry_onnx_graph *source = &importer->model.graph;
    ferry_scope scope = {.importer = importer, .graph = graph, .opsets = &importer->model.opsets, .prefix = ""};
    ferry_status status = note_claims(&scope, source);
    if (status == FERRY_OK) status = import_constants(&scope, source);
    if (status == FERRY_OK) status = import_inputs(&scope, source, true);
    if (status == FERRY_OK) status = ferry_import_contents(&scope, source);
    ferry_scope_free(&scope);
    return status;
}

/* One line with as many of the operators as fit; the report has them all. */
static ferry_status fail_unsupported(const ferry_importer *importer) {
    const ferry_onnx_report *report = importer->report;
    char text[700];
    size_t length = 0;
    for (size_t i = 0; i < report->unsupported.count && length < sizeof text - 200; i++) {
        const ferry_onnx_unsupported *one = &report->unsupported.items[i];
        length += (size_t)snprintf(text + length, 200, "%s%.60s%s%.40s (node '%.60s', opset %lld)", i ? ", " : "", one->domain,
                                   *one->domain ? "." : "", one->op, one->node, (long long)one->opset);
    }
    text[length] = 0;
    return ferry_fail(importer->error, FERRY_ERROR_UNSUPPORTED, "%zu unsupported operators: %s", report->unsupported.count,
                      text);
}

static ferry_status import_model(ferry_importer *importer, ferry_graph *graph) {
    if (importer->report->opset > FERRY_ONNX_NEWEST_OPSET)
        FERRY_TRY(ferry_import_warn(importer,
                                    "the model's opset %lld is newer than %d, the newest known; it is read as that one",
                                    (long long)importer->report->opset, FERRY_ONNX_NEWEST_OPSET));
    FERRY_TRY(import_metadata(importer, graph));
    FERRY_TRY(import_graph(importer, graph));
    if (importer->report->unsupported.count) return fail_unsupported(importer);
    return ferry_graph_verify(graph, importer->error);
}

/* Owns `source` from here on. */
static ferry_status read_source(ferry_onnx_source *source, ferry_graph **graph, ferry_onnx_report *report, ferry_error *error) {
    ferry_onnx_report own = {0};
    ferry_importer importer = {.source = source, .report = report ? report : &own, .error = error};
    ferry_status status =
        ferry_onnx_decode_model(source->file.data, source->file.bytes, &importer.arena, &importer.model, error);
    if (status == FERRY_OK) status = describe(&importer);
    if (status == FERRY_OK && graph) status = ferry_graph_create(importer.model.graph.name, graph, error);
    if (status == FERRY_OK && graph) {
        (*graph)->source = source;
        (*graph)->release_source = ferry_onnx_source_close;
        status = import_model(&importer, *graph);
        if (status != FERRY_OK) {
            ferry_graph_destroy(*graph);
            *graph = NULL;
        }
    } else {
        ferry_onnx_source_close(source);
    }
    ferry_arena_release(&importer.arena);
    ferry_onnx_report_free(&own);
    return status;
}

ferry_status ferry_onnx_read(const char *path, ferry_graph **graph, ferry_onnx_report *report, ferry_error *error) {
    ferry_onnx_source *source;
    *graph = NULL;
    FERRY_TRY(ferry_onnx_source_open(path, &source, error));
    ferry_status status = read_source(source, graph, report, error);
    if (status != FERRY_OK) ferry_error_prefix(error, "%.256s: ", path);
    return status;
}

ferry_status ferry_onnx_read_memory(const void *data, size_t bytes, const char *folder, ferry_graph **graph,
                                    ferry_onnx_report *report, ferry_error *error) {
    ferry_onnx_source *source;
    *graph = NULL;
    FERRY_TRY(ferry_onnx_source_memory(data, bytes, folder, &source, error));
    return read_source(source, graph, report, error);
}

ferry_status ferry_onnx_probe(const char *path, ferry_onnx_report *report, ferry_error *error) {
    ferry_onnx_source *source;
    FERRY_TRY(ferry_onnx_source_open(path, &source, error));
    ferry_status status = read_source(source, NULL, report, error);
    if (status != FERRY_OK) ferry_error_prefix(error, "%.256s: ", path);
    return status;
}

void ferry_onnx_report_free(ferry_onnx_report *report) {
    ferry_vector_free(&report->unsupported);
    ferry_vector_free(&report->warnings);
    ferry_arena_release(&report->arena);
    *report = (ferry_onnx_report){0};
}
