/* SPDX-License-Identifier: Apache-2.0 */
/* TensorProto, SequenceProto and OptionalProto by themselves: the files of test data. */
#include "onnx/onnx.h"
#include "onnx/source.h"

/* The fields of SequenceProto and OptionalProto agree: 3 tensor(s), 5 sequence(s). */
enum { CONTAINER_TENSOR = 3, CONTAINER_SEQUENCE = 5 };

typedef struct reader {
    ferry_onnx_source source;
    ferry_arena *arena;
    ferry_error *error;
} reader;

static ferry_status read_tensor(reader *read, ferry_protobuf message, ferry_value *value) {
    ferry_onnx_tensor tensor;
    FERRY_TRY(ferry_onnx_decode_tensor(message, read->arena, &tensor));
    value->kind = FERRY_VALUE_TENSOR;
    return ferry_onnx_tensor_load(&read->source, &tensor, read->arena, &value->tensor, read->error);
}

static ferry_status read_container(reader *read, ferry_protobuf message, ferry_value_kind kind, ferry_value *value);

static ferry_status read_item(reader *read, const ferry_protobuf *message, const ferry_protobuf_field *field,
                              ferry_value *item) {
    ferry_protobuf inner;
    FERRY_TRY(ferry_protobuf_message(message, field, &inner));
    if (field->number == CONTAINER_TENSOR) return read_tensor(read, inner, item);
    return read_container(read, inner, FERRY_VALUE_SEQUENCE, item);
}

/* A sequence may only hold tensors, so that nesting ends at an optional of a sequence. */
static ferry_status read_container(reader *read, ferry_protobuf message, ferry_value_kind kind, ferry_value *value) {
    size_t counts[FERRY_PROTOBUF_CENSUS];
    *value = (ferry_value){.kind = kind};
    FERRY_TRY(ferry_protobuf_census(&message, counts));
    size_t count = counts[CONTAINER_TENSOR] + counts[CONTAINER_SEQUENCE];
    if (kind == FERRY_VALUE_SEQUENCE && counts[CONTAINER_SEQUENCE])
        return ferry_fail(read->error, FERRY_ERROR_UNSUPPORTED, "byte %zu: sequences of sequences are not supported",
                          message.at);
    if (kind == FERRY_VALUE_OPTIONAL && count > 1)
        return ferry_fail(read->error, FERRY_ERROR_FORMAT, "byte %zu: an optional holds more than one value", message.at);
    value->items = ferry_arena_allocate(read->arena, count, sizeof *value->items);
    if (!value->items) return ferry_fail_memory(read->error, count * sizeof *value->items);
    while ((size_t)value->count < count) {
        ferry_protobuf_field field;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (field.number != CONTAINER_TENSOR && field.number != CONTAINER_SEQUENCE) continue;
        FERRY_TRY(read_item(read, &message, &field, &value->items[value->count]));
        value->count++;
    }
    return FERRY_OK;
}

ferry_status ferry_onnx_read_value_memory(const void *data, size_t bytes, const ferry_value_type *type, ferry_arena *arena,
                                          ferry_value *value, ferry_error *error) {
    reader read = {.source = {.file = {data, bytes}, .borrowed = true}, .arena = arena, .error = error};
    ferry_protobuf message = ferry_protobuf_open(data, bytes, error);
    *value = (ferry_value){0};
    if (type->kind == FERRY_VALUE_TENSOR) return read_tensor(&read, message, value);
    return read_container(&read, message, type->kind, value);
}

ferry_status ferry_onnx_read_value(const char *path, const ferry_value_type *type, ferry_arena *arena, ferry_value *value,
                                   ferry_error *error) {
    ferry_file_map map;
    FERRY_TRY(ferry_file_map_open(path, &map, error));
    ferry_status status = ferry_onnx_read_value_memory(map.data, map.bytes, type, arena, value, error);
    ferry_file_map_close(&map);
    if (status != FERRY_OK) ferry_error_prefix(error, "%.256s: ", path);
    return status;
}
