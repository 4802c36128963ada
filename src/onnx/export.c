/* SPDX-License-Identifier: Apache-2.0 */
/* A graph as an ONNX model. Bodies are opened again: their captured inputs vanish, and what stands behind them is read by its
 * outer name, as ONNX wants it. */
#include <stdio.h>
#include <string.h>

#include "onnx/onnx.h"
#include "onnx/protobuf_writer.h"

enum { OLDEST_OPSET = 17 };
static const uint64_t inline_limit = (uint64_t)2000 * 1024 * 1024; /* below protobuf's 2 GiB, with room for the rest */

/* A graph that is being written, and the node whose body it is. */
typedef struct level {
    const ferry_graph *graph;
    const struct level *outer; /* NULL for the model's graph */
    const ferry_graph_node *owner;
    size_t own_inputs; /* the inputs behind these are captured */
} level;

typedef struct exporter {
    ferry_protobuf_writer writer;
    ferry_file_writer *data; /* weights beside the model, or NULL */
    const char *data_name;
    uint64_t data_offset;
    uint64_t weight_bytes;
    int64_t opset;
    ferry_error *error;
} exporter;

static void fail(exporter *export, ferry_status status) {
    if (export->writer.status == FERRY_OK) export->writer.status = status;
}

/* ---- which opset ---- */

/* Operators whose form in the table is younger than OLDEST_OPSET, and the first opset that has it. */
static const struct {
    const char *op;
    int64_t since;
} newer[] = {{"AffineGrid", 20},
             {"Attention", 24},
             {"AveragePool", 19},
             {"BitCast", 26},
             {"BitwiseAnd", 18},
             {"BitwiseNot", 18},
             {"BitwiseOr", 18},
             {"BitwiseXor", 18},
             {"CenterCropPad", 18},
             {"Col2Im", 18},
             {"CumProd", 26},
             {"DFT", 20},
             {"DeformConv", 19},
             {"Gelu", 20},
             {"GridSample", 20},
             {"GroupNormalization", 21},
             {"ImageDecoder", 20},
             {"LpPool", 18},
             {"Mish", 18},
             {"OptionalGetElement", 18},
             {"OptionalHasElement", 18},
             {"RMSNormalization", 23},
             {"ReduceL1", 18},
             {"ReduceL2", 18},
             {"ReduceLogSum", 18},
             {"ReduceLogSumExp", 18},
             {"ReduceMax", 18},
             {"ReduceMean", 18},
             {"ReduceMin", 18},
             {"ReduceProd", 18},
             {"ReduceSumSquare", 18},
             {"RegexFullMatch", 20},
             {"Resize", 18},
             {"RotaryEmbedding", 23},
             {"ScatterElements", 18},
             {"ScatterND", 18},
             {"Split", 18},
             {"StringConcat", 20},
             {"StringSplit", 20},
             {"Swish", 24},
             {"TensorScatter", 24},
             {"SwiGLU", 28},
             {"CausalConvWithState", 27},
             {"LinearAttention", 27}};

/* Attributes that came later than their operators. */
static const struct {
    const char *op, *attribute;
    int64_t since;
} newer_attributes[] = {{"Attention", "left_window_size", 25},
                        {"Attention", "right_window_size", 25},
                        {"Cast", "saturate", 19},
                        {"Cast", "round_mode", 24},
                        {"CastLike", "saturate", 19},
                        {"CastLike", "round_mode", 24},
                        {"DequantizeLinear", "block_size", 21},
                        {"DequantizeLinear", "output_dtype", 23},
                        {"QuantizeLinear", "block_size", 21},
                        {"QuantizeLinear", "output_dtype", 21},
                        {"QuantizeLinear", "precision", 23},
                        {"QuantizeLinear", "saturate", 19},
                        {"Range", "stash_type", 27},
                        {"SpaceToDepth", "mode", 28}};

/* The first opset in which most operators take an element type. */
static int64_t dtype_since(ferry_dtype dtype) {
    if (dtype == FERRY_UINT2 || dtype == FERRY_INT2) return 25;
    if (dtype == FERRY_FLOAT8E8M0) return 24;
    if (dtype == FERRY_FLOAT4E2M1) return 23;
    if (dtype == FERRY_BFLOAT16) return 22;
    if (dtype == FERRY_UINT4 || dtype == FERRY_INT4) return 21;
    return dtype >= FERRY_FLOAT8E4M3FN && dtype <= FERRY_FLOAT8E5M2FNUZ ? 19 : OLDEST_OPSET;
}

static void need_opset(exporter *export, int64_t version) { export->opset = ferry_max_int64(export->opset, version); }

static void need_opset_for_node(exporter *export, const ferry_graph_node *node) {
    if (*node->op->domain) return;
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++)
        if (strcmp(newer[i].op, node->op->name) == 0) need_opset(export, newer[i].since);
    for (size_t i = 0; i < sizeof newer_attributes / sizeof *newer_attributes; i++)
        if (strcmp(newer_attributes[i].op, node->op->name) == 0 &&
            ferry_attribute_find(&node->attributes, newer_attributes[i].attribute))
            need_opset(export, newer_attributes[i].since);
    if (strcmp(node->op->name, "Pad") == 0 && node->input_count > 3) need_opset(export, 18);
    if (strcmp(node->op->name, "Pad") == 0 && ferry_attribute_is(&node->attributes, "mode", "wrap", false))
        need_opset(export, 19);
}

static void need_opset_for_graph(exporter *export, const ferry_graph *graph) {
    for (size_t i = 0; i < graph->values.count; i++) {
        const ferry_graph_value *value = graph->values.items[i];
        size_t bytes;
        need_opset(export, dtype_since(value->type.dtype));
        if (ferry_value_is_constant(value) &&
            ferry_tensor_bytes(value->type.dtype, FERRY_LAYOUT_PLAIN, &value->type.shape, &bytes))
            export->weight_bytes += bytes;
    }
    for (size_t i = 0; i < graph->nodes.count; i++) {
        const ferry_graph_node *node = graph->nodes.items[i];
        if (node->removed) continue;
        need_opset_for_node(export, node);
        for (int a = 0; a < node->attributes.count; a++)
            if (node->attributes.items[a].type == FERRY_ATTRIBUTE_GRAPH)
                need_opset_for_graph(export, node->attributes.items[a].value.graph);
    }
}

/* IR versions of ONNX's releases. */
static int64_t ir_version_for(int64_t opset) {
    static const struct { int64_t opset, ir; } table[] = {{28, 14}, {25, 13}, {24, 12}, {23, 11}, {21, 10}, {19, 9}, {0, 8}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (opset >= table[i].opset) return table[i].ir;
    return 8;
}

/* ---- names ---- */

static int captured_count(const ferry_graph_node *node) {
    if (strcmp(node->op->name, "If") == 0) return node->input_count - 1;
    return (int)ferry_attribute_integer(&node->attributes, "_captures", 0);
}

/* The place of a value among the captured inputs of its graph, or -1. */
static int64_t capture_index(const level *at, const ferry_graph_value *value) {
    if (value->producer || ferry_value_is_constant(value)) return -1;
    for (size_t i = at->own_inputs; i < at->graph->inputs.count; i++)
        if (at->graph->inputs.items[i] == value) return (int64_t)(i - at->own_inputs);
    return -1;
}

static const char *written_name(const level *at, const ferry_graph_value *value, char text[288]) {
    int64_t capture = at->outer ? capture_index(at, value) : -1;
    if (capture >= 0) {
        int first = at->owner->input_count - captured_count(at->owner);
        return written_name(at->outer, at->owner->inputs[first + capture], text);
    }
    if (!at->outer) return value->name;
    /* ONNX has one space of names for a graph and its bodies: a body's values carry the name of the node that owns it */
    snprintf(text, 288, "%.120s/%.40s/%.120s", at->owner->name, at->graph->name, value->name);
    return text;
}

/* ---- tensors ---- */

enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_STRINGS = 6,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14
};

static void put_pair(exporter *export, uint32_t field, const char *key, const char *value) {
    ferry_protobuf_begin(&export->writer, field);
    ferry_protobuf_put_text(&export->writer, 1, key);
    ferry_protobuf_put_text(&export->writer, 2, value);
    ferry_protobuf_end(&export->writer);
}

/* In the file beside the model, on a page's border. Both passes count offsets alike; only the second writes. */
static void put_external(exporter *export, const void *data, size_t bytes) {
    char number[32];
    export->data_offset = (export->data_offset + 4095) / 4096 * 4096;
    put_pair(export, TENSOR_EXTERNAL, "location", export->data_name);
    snprintf(number, sizeof number, "%llu", (unsigned long long)export->data_offset);
    put_pair(export, TENSOR_EXTERNAL, "offset", number);
    snprintf(number, sizeof number, "%zu", bytes);
    put_pair(export, TENSOR_EXTERNAL, "length", number);
    ferry_protobuf_put_integer(&export->writer, TENSOR_LOCATION, 1);
    export->data_offset += bytes;
    if (!export->writer.writing) return;
    fail(export, ferry_file_writer_align(export->data, 4096, export->error));
    fail(export, ferry_file_writer_write(export->data, data, bytes, export->error));
}

static void put_tensor(exporter *export, uint32_t field, const char *name, const ferry_tensor *tensor) {
    ferry_protobuf_writer *writer = &export->writer;
    size_t bytes = 0;
    (void)ferry_tensor_bytes(tensor->dtype, FERRY_LAYOUT_PLAIN, &tensor->shape, &bytes);
    ferry_protobuf_begin(writer, field);
    for (int i = 0; i < tensor->shape.rank; i++) ferry_protobuf_put_integer(writer, TENSOR_DIMS, tensor->shape.dims[i]);
    ferry_protobuf_put_integer(writer, TENSOR_TYPE, tensor->dtype);
    if (name) ferry_protobuf_put_text(writer, TENSOR_NAME, name);
    if (tensor->dtype == FERRY_STRING) {
        const ferry_string *strings = tensor->data;
        for (int64_t i = 0; i < ferry_shape_count(&tensor->shape); i++)
            ferry_protobuf_put_bytes(writer, TENSOR_STRINGS, strings[i].text, strings[i].length);
    } else if (export->data_name && bytes >= 1024) {
        put_external(export, tensor->data, bytes);
    } else {
        ferry_protobuf_put_bytes(writer, TENSOR_RAW, tensor->data, bytes);
    }
    ferry_protobuf_end(writer);
}

/* ---- types ---- */

static void put_shape(exporter *export, const ferry_graph *graph, const ferry_shape *shape) {
    ferry_protobuf_writer *writer = &export->writer;
    char text[256];
    ferry_protobuf_begin(writer, 2);
    for (int i = 0; i < shape->rank; i++) {
        ferry_protobuf_begin(writer, 1);
        if (ferry_dim_known(shape->dims[i]))
            ferry_protobuf_put_integer(writer, 1, shape->dims[i]);
        else if (shape->dims[i] != FERRY_DIM_UNKNOWN)
            ferry_protobuf_put_text(writer, 2, ferry_dim_text(graph->symbols, shape->dims[i], text, sizeof text));
        ferry_protobuf_end(writer);
    }
    ferry_protobuf_end(writer);
}

/* The contents of a TypeProto. */
static void put_type(exporter *export, const ferry_graph *graph, const ferry_value_type *type) {
    enum { TYPE_TENSOR = 1, TYPE_SEQUENCE = 4, TYPE_OPTIONAL = 9 };
    ferry_protobuf_writer *writer = &export->writer;
    if (type->kind == FERRY_VALUE_TENSOR) {
        ferry_protobuf_begin(writer, TYPE_TENSOR);
        ferry_protobuf_put_integer(writer, 1, type->dtype);
        if (type->ranked) put_shape(export, graph, &type->shape);
        ferry_protobuf_end(writer);
        return;
    }
    ferry_value_type element = {.kind = type->kind == FERRY_VALUE_OPTIONAL ? type->element_kind : FERRY_VALUE_TENSOR,
                                .dtype = type->dtype};
    if (element.kind == FERRY_VALUE_OPTIONAL) element.kind = FERRY_VALUE_TENSOR;
    ferry_protobuf_begin(writer, type->kind == FERRY_VALUE_SEQUENCE ? TYPE_SEQUENCE : TYPE_OPTIONAL);
    ferry_protobuf_begin(writer, 1);
    put_type(export, graph, &element);
    ferry_protobuf_end(writer);
    ferry_protobuf_end(writer);
}

static void put_value_info(exporter *export, uint32_t field, const level *at, const ferry_graph_value *value,
                           const char *name) {
    ferry_protobuf_begin(&export->writer, field);
    ferry_protobuf_put_text(&export->writer, 1, name);
    if (value->type.dtype) {
        ferry_protobuf_begin(&export->writer, 2);
        put_type(export, at->graph, &value->type);
        ferry_protobuf_end(&export->writer);
    }
    ferry_protobuf_end(&export->writer);
}

/* ---- nodes ---- */

static void put_graph(exporter *export, uint32_t field, const level *at);

static void put_body(exporter *export, uint32_t field, const level *at, const ferry_graph_node *node, const ferry_graph *body) {
    size_t captures = (size_t)captured_count(node);
    level inner = {.graph = body, .outer = at, .owner = node, .own_inputs = body->inputs.count};
    if (captures > body->inputs.count) {
        fail(export, ferry_fail(export->error, FERRY_ERROR_INTERNAL, "node '%.128s' (%s): its body lacks captured inputs",
                                node->name, node->op->name));
        return;
    }
    inner.own_inputs -= captures;
    put_graph(export, field, &inner);
}

static void put_optional_type(exporter *export, const level *at, const ferry_attribute *attribute) {
    const int64_t *numbers = attribute->value.integers;
    ferry_value_type type = {
        .kind = (ferry_value_kind)numbers[0], .element_kind = (ferry_value_kind)numbers[1], .dtype = (ferry_dtype)numbers[2]};
    ferry_protobuf_put_text(&export->writer, 1, "type");
    ferry_protobuf_put_integer(&export->writer, 20, 13);
    ferry_protobuf_begin(&export->writer, 14);
    put_type(export, at->graph, &type);
    ferry_protobuf_end(&export->writer);
}

static void put_attribute_value(exporter *export, const level *at, const ferry_graph_node *node,
                                const ferry_attribute *attribute) {
    /* our types to AttributeProto's */
    static const int64_t types[] = {
        [FERRY_ATTRIBUTE_INT] = 2,    [FERRY_ATTRIBUTE_FLOAT] = 1,   [FERRY_ATTRIBUTE_STRING] = 3, [FERRY_ATTRIBUTE_INTS] = 7,
        [FERRY_ATTRIBUTE_FLOATS] = 6, [FERRY_ATTRIBUTE_STRINGS] = 8, [FERRY_ATTRIBUTE_TENSOR] = 4, [FERRY_ATTRIBUTE_GRAPH] = 5};
    ferry_protobuf_writer *writer = &export->writer;
    ferry_protobuf_put_text(writer, 1, attribute->name);
    ferry_protobuf_put_integer(writer, 20, types[attribute->type]);
    switch (attribute->type) {
    case FERRY_ATTRIBUTE_INT: ferry_protobuf_put_integer(writer, 3, attribute->value.integer); break;
    case FERRY_ATTRIBUTE_FLOAT: ferry_protobuf_put_real(writer, 2, attribute->value.real); break;
    case FERRY_ATTRIBUTE_STRING:
        ferry_protobuf_put_bytes(writer, 4, attribute->value.string.text, attribute->value.string.length);
        break;
    case FERRY_ATTRIBUTE_INTS:
        for (int64_t i = 0; i < attribute->count; i++) ferry_protobuf_put_integer(writer, 8, attribute->value.integers[i]);
        break;
    case FERRY_ATTRIBUTE_FLOATS:
        for (int64_t i = 0; i < attribute->count; i++) ferry_protobuf_put_real(writer, 7, attribute->value.reals[i]);
        break;
    case FERRY_ATTRIBUTE_STRINGS:
        for (int64_t i = 0; i < attribute->count; i++)
            ferry_protobuf_put_bytes(writer, 9, attribute->value.strings[i].text, attribute->value.strings[i].length);
        break;
    case FERRY_ATTRIBUTE_TENSOR: put_tensor(export, 5, NULL, attribute->value.tensor); break;
    case FERRY_ATTRIBUTE_GRAPH: put_body(export, 6, at, node, attribute->value.graph); break;
    }
}

/* Internal attributes that say nothing, or that the form of the file says. */
static bool is_implied(const ferry_attribute *attribute) {
    if (strcmp(attribute->name, "_captures") == 0) return true;
    return *attribute->name == '_' && attribute->type == FERRY_ATTRIBUTE_INT && attribute->value.integer == 0;
}

static void put_attributes(exporter *export, const level *at, const ferry_graph_node *node) {
    for (int i = 0; i < node->attributes.count; i++) {
        const ferry_attribute *attribute = &node->attributes.items[i];
        bool is_type =
            strcmp(attribute->name, "_type") == 0 && attribute->type == FERRY_ATTRIBUTE_INTS && attribute->count == 3;
        if (is_implied(attribute)) continue;
        if (*attribute->name == '_' && !is_type) {
            fail(export, ferry_fail(export->error, FERRY_ERROR_UNSUPPORTED,
                                    "node '%.128s' (%s): attribute '%s' is Ferry's own and cannot be said in ONNX; write the "
                                    "graph before it is optimised",
                                    node->name, node->op->name, attribute->name));
            return;
        }
        ferry_protobuf_begin(&export->writer, 5);
        if (is_type)
            put_optional_type(export, at, attribute);
        else
            put_attribute_value(export, at, node, attribute);
        ferry_protobuf_end(&export->writer);
    }
}

static void put_node(exporter *export, const level *at, const ferry_graph_node *node) {
    ferry_protobuf_writer *writer = &export->writer;
    char text[288];
    int inputs = node->input_count;
    for (int i = 0; i < node->attributes.count; i++)
        if (node->attributes.items[i].type == FERRY_ATTRIBUTE_GRAPH) {
            inputs = node->input_count - captured_count(node);
            break;
        }
    if (node->op->flags & FERRY_OP_INTERNAL) {
        fail(export, ferry_fail(export->error, FERRY_ERROR_UNSUPPORTED,
                                "node '%.128s' (%s): the operator is Ferry's own and cannot be said in ONNX", node->name,
                                node->op->name));
        return;
    }
    ferry_protobuf_begin(writer, 1);
    for (int i = 0; i < inputs; i++)
        ferry_protobuf_put_text(writer, 1, node->inputs[i] ? written_name(at, node->inputs[i], text) : "");
    for (int i = 0; i < node->output_count; i++)
        ferry_protobuf_put_text(writer, 2, node->outputs[i] ? written_name(at, node->outputs[i], text) : "");
    ferry_protobuf_put_text(writer, 3, node->name);
    ferry_protobuf_put_text(writer, 4, node->op->name);
    put_attributes(export, at, node);
    if (*node->op->domain) ferry_protobuf_put_text(writer, 7, node->op->domain);
    ferry_protobuf_end(writer);
}

/* ---- graphs ---- */

static void put_constants(exporter *export, const level *at) {
    char text[288];
    for (size_t i = 0; i < at->graph->values.count; i++) {
        const ferry_graph_value *value = at->graph->values.items[i];
        if (!ferry_value_is_constant(value) || (value->uses.count == 0 && !value->is_output)) continue;
        ferry_tensor tensor = ferry_value_tensor(value);
        put_tensor(export, 5, written_name(at, value, text), &tensor);
    }
}

/* An output of a body must be made in it: an outer value that only passes through is copied. */
static void put_output(exporter *export, const level *at, const ferry_graph_value *value, size_t index, uint32_t pass) {
    ferry_protobuf_writer *writer = &export->writer;
    char text[288], copy[320];
    const char *name = written_name(at, value, text);
    bool passes = at->outer && capture_index(at, value) >= 0;
    if (passes) {
        snprintf(copy, sizeof copy, "%.200s/%.40s/output_%zu", at->owner->name, at->graph->name, index);
        if (pass == 1) {
            ferry_protobuf_begin(writer, 1);
            ferry_protobuf_put_text(writer, 1, name);
            ferry_protobuf_put_text(writer, 2, copy);
            ferry_protobuf_put_text(writer, 4, "Identity");
            ferry_protobuf_end(writer);
        }
        name = copy;
    }
    if (pass == 12) put_value_info(export, 12, at, value, name);
}

static void put_graph(exporter *export, uint32_t field, const level *at) {
    const ferry_graph *graph = at->graph;
    char text[288];
    ferry_protobuf_begin(&export->writer, field);
    for (size_t i = 0; i < graph->nodes.count; i++)
        if (!graph->nodes.items[i]->removed) put_node(export, at, graph->nodes.items[i]);
    for (size_t i = 0; i < graph->outputs.count; i++) put_output(export, at, graph->outputs.items[i], i, 1);
    ferry_protobuf_put_text(&export->writer, 2, *graph->name ? graph->name : "graph");
    put_constants(export, at);
    for (size_t i = 0; i < at->own_inputs; i++)
        put_value_info(export, 11, at, graph->inputs.items[i], written_name(at, graph->inputs.items[i], text));
    for (size_t i = 0; i < graph->outputs.count; i++) put_output(export, at, graph->outputs.items[i], i, 12);
    for (size_t i = 0; i < graph->values.count && !at->outer; i++) {
        const ferry_graph_value *value = graph->values.items[i];
        if (value->producer && !value->is_output && value->type.dtype && value->type.ranked)
            put_value_info(export, 13, at, value, value->name);
    }
    ferry_protobuf_end(&export->writer);
}

/* ---- the model ---- */

static void put_opset(exporter *export, const char *domain, int64_t version) {
    ferry_protobuf_begin(&export->writer, 8);
    ferry_protobuf_put_text(&export->writer, 1, domain);
    ferry_protobuf_put_integer(&export->writer, 2, version);
    ferry_protobuf_end(&export->writer);
}

static bool uses_domain(const ferry_graph *graph, const char *domain) {
    for (size_t i = 0; i < graph->nodes.count; i++) {
        const ferry_graph_node *node = graph->nodes.items[i];
        if (node->removed) continue;
        if (strcmp(node->op->domain, domain) == 0) return true;
        for (int a = 0; a < node->attributes.count; a++)
            if (node->attributes.items[a].type == FERRY_ATTRIBUTE_GRAPH &&
                uses_domain(node->attributes.items[a].value.graph, domain))
                return true;
    }
    return false;
}

static void put_model(exporter *export, const ferry_graph *graph) {
    static const struct {
        const char *domain;
        int64_t version;
    } others[] = {{"ai.onnx.ml", 5}, {"com.microsoft", 1}};
    level top = {.graph = graph, .own_inputs = graph->inputs.count};
    export->data_offset = 0;
    ferry_protobuf_put_integer(&export->writer, 1, ir_version_for(export->opset));
    ferry_protobuf_put_text(&export->writer, 2, "ferry");
    put_opset(export, "", export->opset);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (uses_domain(graph, others[i].domain)) put_opset(export, others[i].domain, others[i].version);
    put_graph(export, 7, &top);
    for (size_t i = 0; i < graph->metadata.count; i++)
        put_pair(export, 14, graph->metadata.items[i].key, graph->metadata.items[i].value);
}

static ferry_status measure(exporter *export, const ferry_graph *graph) {
    export->opset = OLDEST_OPSET;
    export->writer.error = export->error;
    need_opset_for_graph(export, graph);
    put_model(export, graph);
    return export->writer.status;
}

ferry_status ferry_onnx_write_memory(const ferry_graph *graph, unsigned char **data, size_t *bytes, ferry_error *error) {
    exporter export = {.error = error};
    unsigned char *memory = NULL;
    *data = NULL;
    ferry_status status = measure(&export, graph);
    size_t size = (size_t) export.writer.size;
    if (status == FERRY_OK && !(memory = ferry_malloc(size))) status = ferry_fail_memory(error, size);
    if (status == FERRY_OK) {
        ferry_protobuf_writer_rewind(&export.writer, NULL, memory);
        put_model(&export, graph);
        status = export.writer.status;
    }
    ferry_protobuf_writer_free(&export.writer);
    if (status != FERRY_OK) {
        ferry_free(memory);
        return status;
    }
    *data = memory;
    *bytes = size;
    return FERRY_OK;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The second pass; commits the weights before the model that names them. */
static ferry_status write_files(exporter *export, const ferry_graph *graph, const char *path, const char *data_path,
                                ferry_error *error) {
    ferry_file_writer *model = NULL;
    ferry_status status = ferry_file_writer_open(path, &model, error);
    if (status == FERRY_OK && export->data_name) status = ferry_file_writer_open(data_path, &export->data, error);
    if (status == FERRY_OK) {
        ferry_protobuf_writer_rewind(&export->writer, model, NULL);
        put_model(export, graph);
        status = export->writer.status;
    }
    if (status == FERRY_OK && export->data) status = ferry_file_writer_commit(&export->data, error);
    if (status == FERRY_OK) status = ferry_file_writer_commit(&model, error);
    ferry_file_writer_abort(&export->data);
    ferry_file_writer_abort(&model);
    return status;
}

ferry_status ferry_onnx_write(const ferry_graph *graph, const char *path, uint64_t inline_bytes, ferry_error *error) {
    exporter export = {.error = error};
    uint64_t limit = inline_bytes && inline_bytes < inline_limit ? inline_bytes : inline_limit;
    size_t length = strlen(path) + 6;
    char *data_path = ferry_malloc(length);
    if (!data_path) return ferry_fail_memory(error, length);
    snprintf(data_path, length, "%s.data", path);
    need_opset_for_graph(&export, graph); /* adds up the weights */
    if (export.weight_bytes > limit) export.data_name = base_name(data_path);
    ferry_status status = measure(&export, graph);
    if (status == FERRY_OK) status = write_files(&export, graph, path, data_path, error);
    ferry_protobuf_writer_free(&export.writer);
    ferry_free(data_path);
    if (status != FERRY_OK) ferry_error_prefix(error, "%.256s: ", path);
    return status;
}
