/* SPDX-License-Identifier: Apache-2.0 */
#include "onnx/decode.h"

#include <limits.h>
#include <string.h>

/* The field numbers of onnx.proto that are read here. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_DOMAIN = 4,
    MODEL_VERSION = 5,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14,
    MODEL_FUNCTION = 25
};
enum {
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    GRAPH_VALUE_INFO = 13,
    GRAPH_SPARSE = 15
};
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5, NODE_DOMAIN = 7, NODE_OVERLOAD = 8 };
enum {
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_F = 2,
    ATTRIBUTE_I = 3,
    ATTRIBUTE_S = 4,
    ATTRIBUTE_T = 5,
    ATTRIBUTE_G = 6,
    ATTRIBUTE_FLOATS = 7,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_STRINGS = 9,
    ATTRIBUTE_TENSORS = 10,
    ATTRIBUTE_GRAPHS = 11,
    ATTRIBUTE_TP = 14,
    ATTRIBUTE_TYPE_PROTOS = 15,
    ATTRIBUTE_TYPE = 20,
    ATTRIBUTE_REFERENCE = 21,
    ATTRIBUTE_SPARSE = 22,
    ATTRIBUTE_SPARSES = 23
};
enum {
    FUNCTION_NAME = 1,
    FUNCTION_INPUT = 4,
    FUNCTION_OUTPUT = 5,
    FUNCTION_NODE = 7,
    FUNCTION_OPSET = 9,
    FUNCTION_DOMAIN = 10,
    FUNCTION_DEFAULT = 11,
    FUNCTION_OVERLOAD = 13
};

/* ---- attributes ---- */

static ferry_status decode_graph(ferry_decoder *decode, ferry_protobuf message, ferry_onnx_graph *graph);

/* All integers of a repeated field into one array. */
static ferry_status decode_integers(const ferry_decoder *decode, const ferry_protobuf *whole, uint32_t number,
                                    ferry_onnx_attribute *attribute) {
    ferry_protobuf message = *whole;
    size_t count, filled = 0;
    int64_t *items = NULL;
    FERRY_TRY(ferry_protobuf_count_values(whole, number, FERRY_PROTOBUF_VARINT, &count));
    FERRY_TRY(ferry_decode_allocate(decode, count, sizeof *items, &items));
    while (filled < count) {
        ferry_protobuf_field field;
        ferry_protobuf_values values;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (field.number != number) continue;
        FERRY_TRY(ferry_protobuf_values_open(&message, &field, FERRY_PROTOBUF_VARINT, &values));
        for (bool more = true; more;) {
            uint64_t value = 0;
            FERRY_TRY(ferry_protobuf_values_next(&values, &value, &more));
            if (more) items[filled++] = (int64_t)value;
        }
    }
    attribute->integers = items;
    attribute->count = (int64_t)count;
    return FERRY_OK;
}

static ferry_status decode_reals(const ferry_decoder *decode, const ferry_protobuf *whole, uint32_t number,
                                 ferry_onnx_attribute *attribute) {
    ferry_protobuf message = *whole;
    size_t count, filled = 0;
    float *items = NULL;
    FERRY_TRY(ferry_protobuf_count_values(whole, number, FERRY_PROTOBUF_FIXED32, &count));
    FERRY_TRY(ferry_decode_allocate(decode, count, sizeof *items, &items));
    while (filled < count) {
        ferry_protobuf_field field;
        ferry_protobuf_values values;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (field.number != number) continue;
        FERRY_TRY(ferry_protobuf_values_open(&message, &field, FERRY_PROTOBUF_FIXED32, &values));
        for (bool more = true; more;) {
            uint64_t value = 0;
            FERRY_TRY(ferry_protobuf_values_next(&values, &value, &more));
            if (more) items[filled++] = ferry_protobuf_float_of(value);
        }
    }
    attribute->reals = items;
    attribute->count = (int64_t)count;
    return FERRY_OK;
}

static ferry_status decode_strings(const ferry_decoder *decode, ferry_protobuf message, size_t count,
                                   ferry_onnx_attribute *attribute) {
    ferry_string *items = NULL;
    FERRY_TRY(ferry_decode_allocate(decode, count, sizeof *items, &items));
    attribute->strings = items;
    attribute->count = (int64_t)count;
    for (size_t filled = 0; filled < count;) {
        ferry_protobuf_field field;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (field.number == ATTRIBUTE_STRINGS) FERRY_TRY(ferry_protobuf_string(&message, &field, &items[filled++]));
    }
    return FERRY_OK;
}

/* Files before IR version 2 do not write the type: then the one field that is there tells it. */
static int guess_type(const size_t counts[FERRY_PROTOBUF_CENSUS]) {
    static const struct {
        int field, type;
    } table[] = {{ATTRIBUTE_INTS, FERRY_ONNX_INTS},
                 {ATTRIBUTE_FLOATS, FERRY_ONNX_FLOATS},
                 {ATTRIBUTE_STRINGS, FERRY_ONNX_STRINGS},
                 {ATTRIBUTE_T, FERRY_ONNX_TENSOR},
                 {ATTRIBUTE_G, FERRY_ONNX_GRAPH},
                 {ATTRIBUTE_S, FERRY_ONNX_STRING},
                 {ATTRIBUTE_I, FERRY_ONNX_INT},
                 {ATTRIBUTE_F, FERRY_ONNX_FLOAT},
                 {ATTRIBUTE_SPARSE, FERRY_ONNX_SPARSE_TENSOR},
                 {ATTRIBUTE_TP, FERRY_ONNX_TYPE_PROTO}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (counts[table[i].field]) return table[i].type;
    return 0;
}

static ferry_status decode_attribute_tensor(const ferry_decoder *decode, const ferry_protobuf *inner,
                                            ferry_onnx_attribute *attribute) {
    ferry_onnx_tensor *tensor = NULL;
    FERRY_TRY(ferry_decode_allocate(decode, 1, sizeof *tensor, &tensor));
    attribute->tensor = tensor;
    return ferry_decode_tensor(decode, *inner, tensor);
}

static ferry_status decode_attribute_sparse(const ferry_decoder *decode, const ferry_protobuf *inner,
                                            ferry_onnx_attribute *attribute) {
    ferry_onnx_sparse *sparse = NULL;
    FERRY_TRY(ferry_decode_allocate(decode, 1, sizeof *sparse, &sparse));
    attribute->sparse = sparse;
    return ferry_decode_sparse(decode, *inner, sparse);
}

static ferry_status decode_attribute_graph(ferry_decoder *decode, const ferry_protobuf *inner,
                                           ferry_onnx_attribute *attribute) {
    ferry_onnx_graph *graph = NULL;
    FERRY_TRY(ferry_decode_allocate(decode, 1, sizeof *graph, &graph));
    attribute->graph = graph;
    return decode_graph(decode, *inner, graph);
}

static ferry_status decode_attribute_field(ferry_decoder *decode, const ferry_protobuf *message,
                                           const ferry_protobuf_field *field, ferry_onnx_attribute *attribute) {
    ferry_protobuf inner;
    int64_t number;
    switch (field->number) {
    case ATTRIBUTE_NAME: return ferry_decode_text(decode, message, field, &attribute->name);
    case ATTRIBUTE_REFERENCE: return ferry_decode_text(decode, message, field, &attribute->reference);
    case ATTRIBUTE_F: return ferry_protobuf_real(message, field, &attribute->real);
    case ATTRIBUTE_I: return ferry_protobuf_integer(message, field, &attribute->integer);
    case ATTRIBUTE_S: return ferry_protobuf_string(message, field, &attribute->string);
    case ATTRIBUTE_TYPE:
        FERRY_TRY(ferry_protobuf_integer(message, field, &number));
        attribute->type = number > 0 && number <= FERRY_ONNX_TYPE_PROTOS ? (int)number : 0;
        return FERRY_OK;
    case ATTRIBUTE_T:
        FERRY_TRY(ferry_protobuf_message(message, field, &inner));
        return decode_attribute_tensor(decode, &inner, attribute);
    case ATTRIBUTE_SPARSE:
        FERRY_TRY(ferry_protobuf_message(message, field, &inner));
        return decode_attribute_sparse(decode, &inner, attribute);
    case ATTRIBUTE_G:
        FERRY_TRY(ferry_protobuf_message(message, field, &inner));
        return decode_attribute_graph(decode, &inner, attribute);
    case ATTRIBUTE_TP: return ferry_protobuf_message(message, field, &attribute->type_message);
    default: return FERRY_OK;
    }
}

static ferry_status decode_attribute(ferry_decoder *decode, ferry_protobuf message, ferry_onnx_attribute *attribute) {
    const ferry_protobuf whole = message;
    size_t counts[FERRY_PROTOBUF_CENSUS];
    *attribute = (ferry_onnx_attribute){.name = "", .at = message.at};
    FERRY_TRY(ferry_protobuf_census(&message, counts));
    for (;;) {
        ferry_protobuf_field field;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) break;
        FERRY_TRY(decode_attribute_field(decode, &message, &field, attribute));
    }
    if (!*attribute->name)
        return ferry_fail(decode->error, FERRY_ERROR_FORMAT, "byte %zu: an attribute has no name", attribute->at);
    if (attribute->reference && !*attribute->reference) attribute->reference = NULL;
    if (!attribute->type) attribute->type = guess_type(counts);
    bool absent = (attribute->type == FERRY_ONNX_TENSOR && !attribute->tensor) ||
                  (attribute->type == FERRY_ONNX_GRAPH && !attribute->graph) ||
                  (attribute->type == FERRY_ONNX_SPARSE_TENSOR && !attribute->sparse) ||
                  (attribute->type == FERRY_ONNX_TYPE_PROTO && !attribute->type_message.base);
    if (absent && !attribute->reference)
        return ferry_fail(decode->error, FERRY_ERROR_FORMAT, "byte %zu: attribute '%.128s' has no value", attribute->at,
                          attribute->name);
    if (attribute->type == FERRY_ONNX_INTS) return decode_integers(decode, &whole, ATTRIBUTE_INTS, attribute);
    if (attribute->type == FERRY_ONNX_FLOATS) return decode_reals(decode, &whole, ATTRIBUTE_FLOATS, attribute);
    if (attribute->type == FERRY_ONNX_STRINGS) return decode_strings(decode, whole, counts[ATTRIBUTE_STRINGS], attribute);
    return FERRY_OK;
}

/* ---- nodes ---- */

static ferry_status decode_name(const ferry_decoder *decode, const ferry_protobuf *message, const ferry_protobuf_field *field,
                                const char **name) {
    FERRY_TRY(ferry_decode_text(decode, message, field, name));
    if (strcmp(*name, "ai.onnx") == 0) *name = "";
    return FERRY_OK;
}

static ferry_status decode_node(ferry_decoder *decode, ferry_protobuf message, ferry_onnx_node *node) {
    size_t counts[FERRY_PROTOBUF_CENSUS];
    *node = (ferry_onnx_node){.name = "", .op = "", .domain = "", .overload = "", .at = message.at};
    FERRY_TRY(ferry_protobuf_census(&message, counts));
    if (counts[NODE_INPUT] > 65535 || counts[NODE_OUTPUT] > 65535 || counts[NODE_ATTRIBUTE] > 65535)
        return ferry_fail(decode->error, FERRY_ERROR_FORMAT,
                          "byte %zu: a node has more than 65535 inputs, outputs or attributes", node->at);
    FERRY_TRY(ferry_decode_allocate(decode, counts[NODE_INPUT], sizeof *node->inputs, &node->inputs));
    FERRY_TRY(ferry_decode_allocate(decode, counts[NODE_OUTPUT], sizeof *node->outputs, &node->outputs));
    FERRY_TRY(ferry_decode_allocate(decode, counts[NODE_ATTRIBUTE], sizeof *node->attributes, &node->attributes));
    for (;;) {
        ferry_protobuf_field field;
        ferry_protobuf inner;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) break;
        switch (field.number) {
        case NODE_INPUT: FERRY_TRY(ferry_decode_text(decode, &message, &field, &node->inputs[node->input_count++])); break;
        case NODE_OUTPUT: FERRY_TRY(ferry_decode_text(decode, &message, &field, &node->outputs[node->output_count++])); break;
        case NODE_NAME: FERRY_TRY(ferry_decode_text(decode, &message, &field, &node->name)); break;
        case NODE_OP: FERRY_TRY(ferry_decode_text(decode, &message, &field, &node->op)); break;
        case NODE_DOMAIN: FERRY_TRY(decode_name(decode, &message, &field, &node->domain)); break;
        case NODE_OVERLOAD: FERRY_TRY(ferry_decode_text(decode, &message, &field, &node->overload)); break;
        case NODE_ATTRIBUTE:
            FERRY_TRY(ferry_protobuf_message(&message, &field, &inner));
            FERRY_TRY(decode_attribute(decode, inner, &node->attributes[node->attribute_count++]));
            break;
        default: break;
        }
    }
    if (!*node->op)
        return ferry_fail(decode->error, FERRY_ERROR_FORMAT, "byte %zu: node '%.128s' names no operator", node->at, node->name);
    return FERRY_OK;
}

/* ---- graphs ---- */

static ferry_status decode_value_info(const ferry_decoder *decode, ferry_protobuf message, ferry_onnx_value_info *info) {
    *info = (ferry_onnx_value_info){.name = ""};
    for (;;) {
        ferry_protobuf_field field;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) return FERRY_OK;
        if (field.number == 1) FERRY_TRY(ferry_decode_text(decode, &message, &field, &info->name));
        if (field.number != 2) continue;
        FERRY_TRY(ferry_protobuf_message(&message, &field, &info->type_message));
        info->has_type = true;
    }
}

static ferry_status decode_graph_part(ferry_decoder *decode, uint32_t number, const ferry_protobuf *inner,
                                      ferry_onnx_graph *graph) {
    switch (number) {
    case GRAPH_NODE: return decode_node(decode, *inner, &graph->nodes[graph->node_count++]);
    case GRAPH_INITIALIZER: return ferry_decode_tensor(decode, *inner, &graph->initializers[graph->initializer_count++]);
    case GRAPH_SPARSE: return ferry_decode_sparse(decode, *inner, &graph->sparse[graph->sparse_count++]);
    case GRAPH_INPUT: return decode_value_info(decode, *inner, &graph->inputs[graph->input_count++]);
    case GRAPH_OUTPUT: return decode_value_info(decode, *inner, &graph->outputs[graph->output_count++]);
    default: return decode_value_info(decode, *inner, &graph->value_infos[graph->value_info_count++]);
    }
}

static bool is_graph_part(uint32_t number) {
    return number == GRAPH_NODE || number == GRAPH_INITIALIZER || number == GRAPH_SPARSE || number == GRAPH_INPUT ||
           number == GRAPH_OUTPUT || number == GRAPH_VALUE_INFO;
}

static ferry_status decode_graph(ferry_decoder *decode, ferry_protobuf message, ferry_onnx_graph *graph) {
    size_t counts[FERRY_PROTOBUF_CENSUS];
    *graph = (ferry_onnx_graph){.name = ""};
    if (decode->depth >= FERRY_ONNX_MAX_DEPTH)
        return ferry_fail(decode->error, FERRY_ERROR_UNSUPPORTED, "byte %zu: graphs nest more than %d deep", message.at,
                          FERRY_ONNX_MAX_DEPTH);
    decode->depth++;
    FERRY_TRY(ferry_protobuf_census(&message, counts));
    FERRY_TRY(ferry_decode_allocate(decode, counts[GRAPH_NODE], sizeof *graph->nodes, &graph->nodes));
    FERRY_TRY(ferry_decode_allocate(decode, counts[GRAPH_INITIALIZER], sizeof *graph->initializers, &graph->initializers));
    FERRY_TRY(ferry_decode_allocate(decode, counts[GRAPH_SPARSE], sizeof *graph->sparse, &graph->sparse));
    FERRY_TRY(ferry_decode_allocate(decode, counts[GRAPH_INPUT], sizeof *graph->inputs, &graph->inputs));
    FERRY_TRY(ferry_decode_allocate(decode, counts[GRAPH_OUTPUT], sizeof *graph->outputs, &graph->outputs));
    FERRY_TRY(ferry_decode_allocate(decode, counts[GRAPH_VALUE_INFO], sizeof *graph->value_infos, &graph->value_infos));
    for (;;) {
        ferry_protobuf_field field;
        ferry_protobuf inner;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) break;
        if (field.number == GRAPH_NAME) FERRY_TRY(ferry_decode_text(decode, &message, &field, &graph->name));
        if (!is_graph_part(field.number)) continue;
        FERRY_TRY(ferry_protobuf_message(&message, &field, &inner));
        FERRY_TRY(decode_graph_part(decode, field.number, &inner, graph));
    }
    decode->depth--;
    return FERRY_OK;
}

/* ---- functions and the model ---- */

static ferry_status decode_opset(const ferry_decoder *decode, ferry_protobuf message, ferry_onnx_opset *opset) {
    *opset = (ferry_onnx_opset){.domain = ""};
    for (;;) {
        ferry_protobuf_field field;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) return FERRY_OK;
        if (field.number == 1) FERRY_TRY(decode_name(decode, &message, &field, &opset->domain));
        if (field.number == 2) FERRY_TRY(ferry_protobuf_integer(&message, &field, &opset->version));
    }
}

static ferry_status decode_function_field(ferry_decoder *decode, const ferry_protobuf *message,
                                          const ferry_protobuf_field *field, ferry_onnx_function *function) {
    ferry_protobuf inner;
    switch (field->number) {
    case FUNCTION_NAME: return ferry_decode_text(decode, message, field, &function->name);
    case FUNCTION_DOMAIN: return decode_name(decode, message, field, &function->domain);
    case FUNCTION_OVERLOAD: return ferry_decode_text(decode, message, field, &function->overload);
    case FUNCTION_INPUT: return ferry_decode_text(decode, message, field, &function->inputs[function->input_count++]);
    case FUNCTION_OUTPUT: return ferry_decode_text(decode, message, field, &function->outputs[function->output_count++]);
    case FUNCTION_NODE:
        FERRY_TRY(ferry_protobuf_message(message, field, &inner));
        return decode_node(decode, inner, &function->nodes[function->node_count++]);
    case FUNCTION_DEFAULT:
        FERRY_TRY(ferry_protobuf_message(message, field, &inner));
        return decode_attribute(decode, inner, &function->defaults[function->default_count++]);
    case FUNCTION_OPSET:
        FERRY_TRY(ferry_protobuf_message(message, field, &inner));
        return decode_opset(decode, inner, &function->opsets.items[function->opsets.count++]);
    default: return FERRY_OK;
    }
}

static ferry_status decode_function(ferry_decoder *decode, ferry_protobuf message, ferry_onnx_function *function) {
    size_t counts[FERRY_PROTOBUF_CENSUS];
    *function = (ferry_onnx_function){.name = "", .domain = "", .overload = "", .at = message.at};
    FERRY_TRY(ferry_protobuf_census(&message, counts));
    FERRY_TRY(ferry_decode_allocate(decode, counts[FUNCTION_INPUT], sizeof *function->inputs, &function->inputs));
    FERRY_TRY(ferry_decode_allocate(decode, counts[FUNCTION_OUTPUT], sizeof *function->outputs, &function->outputs));
    FERRY_TRY(ferry_decode_allocate(decode, counts[FUNCTION_NODE], sizeof *function->nodes, &function->nodes));
    FERRY_TRY(ferry_decode_allocate(decode, counts[FUNCTION_DEFAULT], sizeof *function->defaults, &function->defaults));
    FERRY_TRY(ferry_decode_allocate(decode, counts[FUNCTION_OPSET], sizeof *function->opsets.items, &function->opsets.items));
    for (;;) {
        ferry_protobuf_field field;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) return FERRY_OK;
        FERRY_TRY(decode_function_field(decode, &message, &field, function));
    }
}

static ferry_status decode_model_field(ferry_decoder *decode, const ferry_protobuf *message, const ferry_protobuf_field *field,
                                       ferry_onnx_model *model) {
    ferry_protobuf inner;
    switch (field->number) {
    case MODEL_IR_VERSION: return ferry_protobuf_integer(message, field, &model->ir_version);
    case MODEL_VERSION: return ferry_protobuf_integer(message, field, &model->model_version);
    case MODEL_PRODUCER: return ferry_decode_text(decode, message, field, &model->producer_name);
    case MODEL_PRODUCER_VERSION: return ferry_decode_text(decode, message, field, &model->producer_version);
    case MODEL_DOMAIN: return ferry_decode_text(decode, message, field, &model->domain);
    case MODEL_GRAPH:
        if (model->has_graph) return ferry_fail(decode->error, FERRY_ERROR_FORMAT, "byte %zu: a second graph", field->at);
        model->has_graph = true;
        FERRY_TRY(ferry_protobuf_message(message, field, &inner));
        return decode_graph(decode, inner, &model->graph);
    case MODEL_OPSET:
        FERRY_TRY(ferry_protobuf_message(message, field, &inner));
        return decode_opset(decode, inner, &model->opsets.items[model->opsets.count++]);
    case MODEL_METADATA:
        FERRY_TRY(ferry_protobuf_message(message, field, &inner));
        return ferry_decode_pair(decode, inner, &model->metadata[model->metadata_count++]);
    case MODEL_FUNCTION:
        FERRY_TRY(ferry_protobuf_message(message, field, &inner));
        return decode_function(decode, inner, &model->functions[model->function_count++]);
    default: return FERRY_OK;
    }
}

ferry_status ferry_onnx_decode_model(const void *file, size_t bytes, ferry_arena *arena, ferry_onnx_model *model,
                                     ferry_error *error) {
    ferry_decoder decode = {.arena = arena, .error = error};
    ferry_protobuf message = ferry_protobuf_open(file, bytes, error);
    size_t counts[FERRY_PROTOBUF_CENSUS];
    *model = (ferry_onnx_model){.producer_name = "", .producer_version = "", .domain = ""};
    if (bytes == 0) return ferry_fail(error, FERRY_ERROR_FORMAT, "the file is empty");
    FERRY_TRY(ferry_protobuf_census(&message, counts));
    FERRY_TRY(ferry_decode_allocate(&decode, counts[MODEL_OPSET], sizeof *model->opsets.items, &model->opsets.items));
    FERRY_TRY(ferry_decode_allocate(&decode, counts[MODEL_METADATA], sizeof *model->metadata, &model->metadata));
    FERRY_TRY(ferry_decode_allocate(&decode, counts[MODEL_FUNCTION], sizeof *model->functions, &model->functions));
    for (;;) {
        ferry_protobuf_field field;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) break;
        FERRY_TRY(decode_model_field(&decode, &message, &field, model));
    }
    if (!model->has_graph) return ferry_fail(error, FERRY_ERROR_FORMAT, "no graph in the file; is this an ONNX model?");
    return FERRY_OK;
}

int64_t ferry_onnx_opset_version(const ferry_onnx_opsets *opsets, const char *domain) {
    for (size_t i = 0; i < opsets->count; i++)
        if (strcmp(opsets->items[i].domain, domain) == 0) return opsets->items[i].version;
    return 0;
}
