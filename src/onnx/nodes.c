/* SPDX-License-Identifier: Apache-2.0 */
/* One node of the file: attributes, inputs, normalisation, outputs. */
#include <string.h>

#include "onnx/import.h"

enum { MAX_BODIES = 8 };

/* What is under way for one node. */
typedef struct builder {
    ferry_scope *scope;
    const ferry_onnx_node *node;
    ferry_onnx_call call;
    ferry_scope bodies[MAX_BODIES];
    size_t body_count;
    ferry_arena arena;
} builder;

static ferry_status no_memory(const builder *build) {
    return ferry_fail(build->scope->importer->error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while reading the model");
}

/* ---- attributes ---- */

/* The attribute that a reference inside a function stands for, and the scope in which that one is written. NULL: the caller
 * gave none and there is no default. */
static const ferry_onnx_attribute *resolve(const ferry_onnx_attribute *attribute, ferry_scope **scope) {
    while (attribute && attribute->reference) {
        const ferry_onnx_attribute *found = NULL;
        const ferry_onnx_function *function = (*scope)->function;
        const ferry_onnx_node *call = (*scope)->call;
        if (!function) return NULL;
        for (int i = 0; i < call->attribute_count && !found; i++)
            if (strcmp(call->attributes[i].name, attribute->reference) == 0) found = &call->attributes[i];
        if (found) {
            *scope = (*scope)->caller;
            attribute = found;
            continue;
        }
        for (size_t i = 0; i < function->default_count; i++)
            if (strcmp(function->defaults[i].name, attribute->reference) == 0)
                return function->defaults[i].reference ? NULL : &function->defaults[i];
        return NULL;
    }
    return attribute;
}

static ferry_status convert_tensor(builder *build, const ferry_onnx_attribute *from, ferry_attribute *to) {
    ferry_importer *importer = build->scope->importer;
    ferry_tensor *tensor = ferry_arena_allocate(&build->arena, 1, sizeof *tensor);
    if (!tensor) return no_memory(build);
    to->type = FERRY_ATTRIBUTE_TENSOR;
    to->value.tensor = tensor;
    if (from->type == FERRY_ONNX_TENSOR)
        return ferry_onnx_tensor_load(importer->source, from->tensor, &build->arena, tensor, importer->error);
    return ferry_onnx_sparse_load(importer->source, from->sparse, &build->arena, tensor, importer->error);
}

static ferry_status convert_graph(builder *build, const ferry_onnx_attribute *from, ferry_scope *scope, ferry_attribute *to) {
    ferry_graph *graph;
    if (build->body_count == MAX_BODIES)
        return ferry_fail(build->scope->importer->error, FERRY_ERROR_UNSUPPORTED, "byte %zu: a node has more than %d bodies",
                          from->at, MAX_BODIES);
    FERRY_TRY(ferry_import_body(scope, from->graph, &build->bodies[build->body_count++], &graph));
    to->type = FERRY_ATTRIBUTE_GRAPH;
    to->value.graph = graph;
    return FERRY_OK;
}

/* A type says what an Optional may hold: three integers, kind, kind of its element, dtype. */
static ferry_status convert_type(builder *build, const ferry_onnx_attribute *from, ferry_attribute *to) {
    ferry_value_type type;
    int64_t *numbers = ferry_arena_allocate(&build->arena, 3, sizeof *numbers);
    if (!numbers) return no_memory(build);
    ferry_protobuf message = from->type_message;
    FERRY_TRY(ferry_onnx_read_type(message, build->scope->graph->symbols, &type));
    numbers[0] = type.kind;
    numbers[1] = type.element_kind;
    numbers[2] = type.dtype;
    to->name = "_type";
    to->type = FERRY_ATTRIBUTE_INTS;
    to->count = 3;
    to->value.integers = numbers;
    return FERRY_OK;
}

static ferry_status convert(builder *build, const ferry_onnx_attribute *from, ferry_scope *scope, ferry_attribute *to) {
    to->count = from->count;
    switch (from->type) {
    case FERRY_ONNX_INT:
        to->type = FERRY_ATTRIBUTE_INT;
        to->value.integer = from->integer;
        return FERRY_OK;
    case FERRY_ONNX_FLOAT:
        to->type = FERRY_ATTRIBUTE_FLOAT;
        to->value.real = from->real;
        return FERRY_OK;
    case FERRY_ONNX_STRING:
        to->type = FERRY_ATTRIBUTE_STRING;
        to->value.string = from->string;
        return FERRY_OK;
    case FERRY_ONNX_INTS:
        to->type = FERRY_ATTRIBUTE_INTS;
        to->value.integers = from->integers;
        return FERRY_OK;
    case FERRY_ONNX_FLOATS:
        to->type = FERRY_ATTRIBUTE_FLOATS;
        to->value.reals = from->reals;
        return FERRY_OK;
    case FERRY_ONNX_STRINGS:
        to->type = FERRY_ATTRIBUTE_STRINGS;
        to->value.strings = from->strings;
        return FERRY_OK;
    case FERRY_ONNX_TENSOR:
    case FERRY_ONNX_SPARSE_TENSOR: return convert_tensor(build, from, to);
    case FERRY_ONNX_GRAPH: return convert_graph(build, from, scope, to);
    case FERRY_ONNX_TYPE_PROTO: return convert_type(build, from, to);
    default:
        return ferry_fail(build->scope->importer->error, FERRY_ERROR_UNSUPPORTED,
                          "byte %zu: attribute '%.128s' of node '%.128s' (%.64s) has type %d, which is not supported", from->at,
                          from->name, build->node->name, build->node->op, from->type);
    }
}

static ferry_status convert_attributes(builder *build) {
    for (int i = 0; i < build->node->attribute_count; i++) {
        ferry_scope *scope = build->scope;
        const ferry_onnx_attribute *from = resolve(&build->node->attributes[i], &scope);
        ferry_attribute to = {.name = build->node->attributes[i].name};
        if (!from) continue;
        FERRY_TRY(convert(build, from, scope, &to));
        if (!ferry_vector_push(&build->call.attributes, to)) return no_memory(build);
    }
    return FERRY_OK;
}

/* ---- inputs ---- */

static ferry_status find_inputs(builder *build) {
    const ferry_onnx_node *node = build->node;
    for (int i = 0; i < node->input_count; i++) {
        ferry_graph_value *value = NULL;
        bool found = true;
        if (*node->inputs[i]) FERRY_TRY(ferry_scope_find(build->scope, node->inputs[i], &value, &found));
        if (!found)
            return ferry_fail(build->scope->importer->error, FERRY_ERROR_FORMAT,
                              "byte %zu: node '%.128s' (%.64s) reads '%.256s', which nothing makes", node->at, node->name,
                              node->op, node->inputs[i]);
        if (!ferry_vector_push(&build->call.inputs, value)) return no_memory(build);
    }
    return FERRY_OK;
}

/* Absent inputs at the end are the same as none. But where captured values follow, every place counts: a Loop's first two. */
static ferry_status settle_inputs(builder *build) {
    ferry_onnx_call *call = &build->call;
    if (build->body_count && strcmp(call->op, "Loop") == 0 && call->inputs.count < 2)
        return ferry_onnx_set_input(call, 1, ferry_onnx_call_input(call, 1));
    while (!build->body_count && call->inputs.count && !call->inputs.items[call->inputs.count - 1]) call->inputs.count--;
    return FERRY_OK;
}

/* ---- Constant ---- */

static ferry_status copy_list(builder *build, const ferry_attribute *attribute, ferry_tensor *tensor) {
    static const struct {
        ferry_attribute_type type;
        ferry_dtype dtype;
        size_t size;
        bool list;
    } table[] = {{FERRY_ATTRIBUTE_INT, FERRY_INT64, 8, false},
                 {FERRY_ATTRIBUTE_FLOAT, FERRY_FLOAT32, 4, false},
                 {FERRY_ATTRIBUTE_STRING, FERRY_STRING, sizeof(ferry_string), false},
                 {FERRY_ATTRIBUTE_INTS, FERRY_INT64, 8, true},
                 {FERRY_ATTRIBUTE_FLOATS, FERRY_FLOAT32, 4, true},
                 {FERRY_ATTRIBUTE_STRINGS, FERRY_STRING, sizeof(ferry_string), true}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].type != attribute->type) continue;
        int64_t count = table[i].list ? attribute->count : 1;
        const void *data = table[i].list ? (const void *)attribute->value.integers : (const void *)&attribute->value;
        tensor->dtype = table[i].dtype;
        tensor->shape = ferry_shape_make(table[i].list ? 1 : 0, &count);
        tensor->data = ferry_arena_copy(&build->scope->graph->arena, data, (size_t)count * table[i].size);
        return tensor->data ? FERRY_OK : no_memory(build);
    }
    return ferry_fail(build->scope->importer->error, FERRY_ERROR_FORMAT, "node '%.128s' (Constant) has no usable value",
                      build->call.name);
}

/* Strings of attributes lie in the file, which a model read from memory does not keep. */
static ferry_status own_strings(builder *build, ferry_tensor *tensor) {
    ferry_string *strings = tensor->data;
    if (tensor->dtype != FERRY_STRING || !build->scope->importer->source->borrowed) return FERRY_OK;
    for (int64_t i = 0; i < ferry_shape_count(&tensor->shape); i++) {
        strings[i].text = ferry_arena_strndup(&build->scope->graph->arena, strings[i].text, strings[i].length);
        if (!strings[i].text) return no_memory(build);
    }
    return FERRY_OK;
}

static ferry_status import_constant(builder *build) {
    ferry_scope *scope = build->scope;
    ferry_importer *importer = scope->importer;
    ferry_tensor tensor = {0};
    ferry_graph_value *value;
    const char *graph_name;
    if (build->node->output_count != 1 || build->node->attribute_count != 1)
        return ferry_fail(importer->error, FERRY_ERROR_FORMAT,
                          "byte %zu: node '%.128s' (Constant) needs one attribute and one output", build->node->at,
                          build->node->name);
    const ferry_onnx_attribute *from = resolve(&build->node->attributes[0], &scope);
    scope = build->scope;
    if (from && from->type == FERRY_ONNX_TENSOR) {
        FERRY_TRY(ferry_onnx_tensor_load(importer->source, from->tensor, &scope->graph->arena, &tensor, importer->error));
    } else if (from && from->type == FERRY_ONNX_SPARSE_TENSOR) {
        FERRY_TRY(ferry_onnx_sparse_load(importer->source, from->sparse, &scope->graph->arena, &tensor, importer->error));
    } else {
        ferry_attribute attribute = {0};
        if (from) FERRY_TRY(convert(build, from, scope, &attribute));
        FERRY_TRY(copy_list(build, &attribute, &tensor));
        FERRY_TRY(own_strings(build, &tensor));
    }
    if (!*build->node->outputs[0]) return FERRY_OK;
    FERRY_TRY(ferry_scope_graph_name(scope, build->node->outputs[0], &graph_name));
    FERRY_TRY(ferry_graph_add_constant(scope->graph, graph_name, &tensor, false, &value, importer->error));
    return ferry_scope_bind(scope, build->node->outputs[0], value);
}

/* ---- outputs ---- */

static ferry_status add_outputs(builder *build, ferry_graph_value **outputs) {
    ferry_scope *scope = build->scope;
    for (int i = 0; i < build->node->output_count; i++) {
        const char *graph_name;
        if (!*build->node->outputs[i]) continue;
        FERRY_TRY(ferry_scope_graph_name(scope, build->node->outputs[i], &graph_name));
        FERRY_TRY(ferry_graph_add_value(scope->graph, graph_name, NULL, &outputs[i], scope->importer->error));
        FERRY_TRY(ferry_scope_bind(scope, build->node->outputs[i], outputs[i]));
    }
    return FERRY_OK;
}

static ferry_status note_unsupported(builder *build) {
    ferry_onnx_report *report = build->scope->importer->report;
    ferry_onnx_unsupported one = {ferry_arena_strdup(&report->arena, build->call.name),
                                  ferry_arena_strdup(&report->arena, build->call.op),
                                  ferry_arena_strdup(&report->arena, build->call.domain), build->call.version};
    return one.node && one.op && one.domain && ferry_vector_push(&report->unsupported, one) ? FERRY_OK : no_memory(build);
}

/* Once an operator is unknown nothing behind it can be inferred; the rest is only searched for more of them. */
static bool is_lost(const builder *build) { return build->scope->importer->report->unsupported.count > 0; }

static ferry_status add_node(builder *build, const ferry_op *op) {
    ferry_scope *scope = build->scope;
    ferry_onnx_call *call = &build->call;
    ferry_error *error = scope->importer->error;
    ferry_graph_value **outputs = ferry_arena_allocate(&build->arena, (size_t)build->node->output_count, sizeof *outputs);
    ferry_graph_node *made;
    if (!outputs) return no_memory(build);
    FERRY_TRY(add_outputs(build, outputs));
    if (!op) return note_unsupported(build);
    if (is_lost(build)) return FERRY_OK;
    ferry_attributes attributes = {call->attributes.items, (int)call->attributes.count};
    FERRY_TRY(ferry_graph_add_node(scope->graph, call->name, op, &attributes, (int)call->inputs.count, call->inputs.items,
                                   call->output_count, outputs, NULL, &made, error));
    FERRY_TRY(ferry_node_infer(scope->graph, made, error));
    for (int i = 0; i < call->output_count; i++)
        if (outputs[i]) FERRY_TRY(ferry_import_claim(scope, build->node->outputs[i], outputs[i]));
    return FERRY_OK;
}

/* ---- the node ---- */

static const ferry_onnx_function *find_function(const ferry_importer *importer, const ferry_onnx_node *node) {
    const ferry_onnx_model *model = &importer->model;
    for (size_t i = 0; i < model->function_count; i++)
        if (strcmp(model->functions[i].name, node->op) == 0 && strcmp(model->functions[i].domain, node->domain) == 0 &&
            strcmp(model->functions[i].overload, node->overload) == 0)
            return &model->functions[i];
    return NULL;
}

/* Nodes without a name are called after their first output. */
static ferry_status name_node(builder *build) {
    const ferry_onnx_node *node = build->node;
    build->call.name = *node->name ? node->name : node->op;
    for (int i = 0; i < node->output_count && !*node->name; i++)
        if (*node->outputs[i]) {
            build->call.name = node->outputs[i];
            break;
        }
    if (!*build->scope->prefix) return FERRY_OK;
    size_t prefix = strlen(build->scope->prefix), length = strlen(build->call.name);
    char *text = ferry_arena_allocate(&build->arena, prefix + length + 1, 1);
    if (!text) return no_memory(build);
    memcpy(text, build->scope->prefix, prefix);
    memcpy(text + prefix, build->call.name, length);
    build->call.name = text;
    return FERRY_OK;
}

static ferry_status build_node(builder *build) {
    const ferry_onnx_node *node = build->node;
    ferry_onnx_call *call = &build->call;
    bool *wanted = ferry_arena_allocate(&build->arena, (size_t)node->output_count, sizeof *wanted);
    if (!wanted) return no_memory(build);
    for (int i = 0; i < node->output_count; i++) wanted[i] = *node->outputs[i] != 0;
    call->wanted = wanted;
    FERRY_TRY(name_node(build));
    if (!*node->domain && strcmp(node->op, "Constant") == 0) return import_constant(build);
    FERRY_TRY(find_inputs(build));
    FERRY_TRY(convert_attributes(build));
    FERRY_TRY(settle_inputs(build));
    if (is_lost(build))
        call->op = ferry_onnx_newest_name(call->op);
    else
        FERRY_TRY(ferry_onnx_normalize(call));
    FERRY_TRY(ferry_import_join_captures(build->scope, build->bodies, build->body_count, call));
    return add_node(build, ferry_op_find(call->domain, call->op));
}

ferry_status ferry_import_node(ferry_scope *scope, const ferry_onnx_node *node) {
    ferry_importer *importer = scope->importer;
    const ferry_onnx_function *function = find_function(importer, node);
    if (function) return ferry_import_function(scope, function, node);
    int64_t version = ferry_onnx_opset_version(scope->opsets, node->domain);
    builder build = {.scope = scope, .node = node};
    build.call = (ferry_onnx_call){.graph = scope->graph,
                                   .arena = &build.arena,
                                   .op = node->op,
                                   .domain = node->domain,
                                   .version = version > 0 ? version : 1, /* the specification's default */
                                   .output_count = node->output_count,
                                   .error = importer->error};
    ferry_status status = build_node(&build);
    for (size_t i = 0; i < build.body_count; i++) ferry_scope_free(&build.bodies[i]);
    ferry_vector_free(&build.call.inputs);
    ferry_vector_free(&build.call.attributes);
    ferry_arena_release(&build.arena);
    return status;
}
