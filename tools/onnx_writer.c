/* SPDX-License-Identifier: Apache-2.0 */
/* The protobuf wire format (varints, and length-delimited fields) is all that ONNX needs here. */
#include "onnx_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Field numbers of onnx.proto. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER = 2,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OPERATOR = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_STRING = 4,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_TYPE = 20,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TYPE_INT = 2,
    TYPE_STRING = 3,
    TYPE_INTS = 7,
    TYPE_FLOAT32 = 1,
    TYPE_INT64 = 7,
    WIRE_VARINT = 0,
    WIRE_BYTES = 2
};

static void put(onnx_writer *writer, onnx_buffer *buffer, const void *data, size_t bytes) {
    if (writer->failed || bytes == 0) return;
    if (buffer->used + bytes > buffer->capacity) {
        size_t capacity = (buffer->used + bytes) * 2;
        unsigned char *grown = realloc(buffer->data, capacity);
        if (!grown) {
            writer->failed = true;
            return;
        }
        buffer->data = grown;
        buffer->capacity = capacity;
    }
    memcpy(buffer->data + buffer->used, data, bytes);
    buffer->used += bytes;
}

static void put_varint(onnx_writer *writer, onnx_buffer *buffer, uint64_t value) {
    unsigned char bytes[10];
    size_t count = 0;
    do {
        bytes[count++] = (unsigned char)((value & 127) | (value > 127 ? 128 : 0));
        value >>= 7;
    } while (value);
    put(writer, buffer, bytes, count);
}

static void put_integer(onnx_writer *writer, onnx_buffer *buffer, int field, int64_t value) {
    put_varint(writer, buffer, (uint64_t)field << 3 | WIRE_VARINT);
    put_varint(writer, buffer, (uint64_t)value);
}

static void put_bytes(onnx_writer *writer, onnx_buffer *buffer, int field, const void *data, size_t bytes) {
    put_varint(writer, buffer, (uint64_t)field << 3 | WIRE_BYTES);
    put_varint(writer, buffer, bytes);
    put(writer, buffer, data, bytes);
}

static void put_text(onnx_writer *writer, onnx_buffer *buffer, int field, const char *text) {
    put_bytes(writer, buffer, field, text, strlen(text));
}

/* Appends a finished message as a field, and frees it. */
static void put_message(onnx_writer *writer, onnx_buffer *buffer, int field, onnx_buffer *message) {
    put_bytes(writer, buffer, field, message->data, message->used);
    free(message->data);
    *message = (onnx_buffer){0};
}

/* ValueInfoProto{name=1, type=2}, TypeProto{tensor_type=1}, Tensor{elem_type=1, shape=2}, TensorShapeProto{dim=1{dim_value=1,
 * dim_param=2}}
 */
static void put_value(onnx_writer *writer, int field, const char *name, const int64_t *dims, int rank) {
    onnx_buffer value = {0}, type = {0}, tensor = {0}, shape = {0};
    for (int i = 0; i < rank; i++) {
        onnx_buffer dim = {0};
        char symbol[16];
        snprintf(symbol, sizeof symbol, "d%d", i);
        if (dims[i] >= 0)
            put_integer(writer, &dim, 1, dims[i]);
        else
            put_text(writer, &dim, 2, symbol);
        put_message(writer, &shape, 1, &dim);
    }
    put_integer(writer, &tensor, 1, TYPE_FLOAT32);
    put_message(writer, &tensor, 2, &shape);
    put_message(writer, &type, 1, &tensor);
    put_text(writer, &value, 1, name);
    put_message(writer, &value, 2, &type);
    put_message(writer, &writer->graph, field, &value);
}

void onnx_writer_input(onnx_writer *writer, const char *name, const int64_t *dims, int rank) {
    put_value(writer, GRAPH_INPUT, name, dims, rank);
}

void onnx_writer_output(onnx_writer *writer, const char *name, const int64_t *dims, int rank) {
    put_value(writer, GRAPH_OUTPUT, name, dims, rank);
}

static void put_tensor(onnx_writer *writer, const char *name, int type, const void *data, size_t element, const int64_t *dims,
                       int rank) {
    onnx_buffer tensor = {0};
    size_t bytes = element;
    for (int i = 0; i < rank; i++) {
        put_integer(writer, &tensor, TENSOR_DIMS, dims[i]);
        bytes *= (size_t)dims[i];
    }
    put_integer(writer, &tensor, TENSOR_TYPE, type);
    put_text(writer, &tensor, TENSOR_NAME, name);
    put_bytes(writer, &tensor, TENSOR_RAW, data, bytes);
    put_message(writer, &writer->graph, GRAPH_INITIALIZER, &tensor);
}

void onnx_writer_floats(onnx_writer *writer, const char *name, const float *values, const int64_t *dims, int rank) {
    put_tensor(writer, name, TYPE_FLOAT32, values, sizeof *values, dims, rank);
}

void onnx_writer_integers(onnx_writer *writer, const char *name, const int64_t *values, int count) {
    int64_t dim = count;
    put_tensor(writer, name, TYPE_INT64, values, sizeof *values, &dim, 1);
}

static void put_names(onnx_writer *writer, onnx_buffer *node, int field, const char *names) {
    while (*names) {
        size_t length = strcspn(names, " ");
        bool absent = length == 1 && *names == '-';
        put_bytes(writer, node, field, names, absent ? 0 : length);
        names += length + (names[length] == ' ');
    }
}

static void put_attribute(onnx_writer *writer, onnx_buffer *node, const onnx_attribute *given) {
    onnx_buffer attribute = {0};
    bool list = given->list || given->count > 1;
    put_text(writer, &attribute, ATTRIBUTE_NAME, given->name);
    for (int i = 0; i < given->count; i++)
        put_integer(writer, &attribute, list ? ATTRIBUTE_INTS : ATTRIBUTE_INT, given->values[i]);
    if (given->text) put_text(writer, &attribute, ATTRIBUTE_STRING, given->text);
    put_integer(writer, &attribute, ATTRIBUTE_TYPE, given->text ? TYPE_STRING : list ? TYPE_INTS : TYPE_INT);
    put_message(writer, node, NODE_ATTRIBUTE, &attribute);
}

void onnx_writer_node(onnx_writer *writer, const char *operator_name, const char *inputs, const char *outputs,
                      const onnx_attribute *attributes, int count) {
    onnx_buffer node = {0};
    put_names(writer, &node, NODE_INPUT, inputs);
    put_names(writer, &node, NODE_OUTPUT, outputs);
    put_bytes(writer, &node, NODE_NAME, outputs, strcspn(outputs, " "));
    put_text(writer, &node, NODE_OPERATOR, operator_name);
    for (int i = 0; i < count; i++) put_attribute(writer, &node, &attributes[i]);
    put_message(writer, &writer->graph, GRAPH_NODE, &node);
}

void onnx_writer_metadata(onnx_writer *writer, const char *key, const char *value) {
    onnx_buffer entry = {0};
    put_text(writer, &entry, 1, key);
    put_text(writer, &entry, 2, value);
    put_message(writer, &writer->metadata, MODEL_METADATA, &entry);
}

static bool write_file(const onnx_buffer *model, const char *path) {
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *file = fopen(temporary, "wb");
    bool good = file && fwrite(model->data, 1, model->used, file) == model->used;
    if (file && fclose(file) != 0) good = false;
    if (good && rename(temporary, path) == 0) return true;
    fprintf(stderr, "cannot write '%s': %s\n", path, strerror(errno));
    remove(temporary);
    return false;
}

bool onnx_writer_save(onnx_writer *writer, const char *path, const char *producer, int64_t opset) {
    onnx_buffer model = {0}, set = {0};
    const int64_t ir_version = 8;
    put_integer(writer, &model, MODEL_IR_VERSION, ir_version);
    put_text(writer, &model, MODEL_PRODUCER, producer);
    put_text(writer, &writer->graph, GRAPH_NAME, "main");
    put_message(writer, &model, MODEL_GRAPH, &writer->graph);
    put_integer(writer, &set, 2, opset);
    put_message(writer, &model, MODEL_OPSET, &set);
    put(writer, &model, writer->metadata.data, writer->metadata.used);
    free(writer->metadata.data);
    writer->metadata = (onnx_buffer){0};
    if (writer->failed) fputs("out of memory\n", stderr);
    bool good = !writer->failed && write_file(&model, path);
    free(model.data);
    return good;
}
