/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of a model, and what all of the decoding shares. */
#include "onnx/decode.h"

#include <string.h>

/* The field numbers of onnx.proto that are read here. */
enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_SEGMENT = 3,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14
};
enum { PAIR_KEY = 1, PAIR_VALUE = 2, SPARSE_VALUES = 1, SPARSE_INDICES = 2, SPARSE_DIMS = 3 };

ferry_status ferry_decode_no_memory(const ferry_decoder *decode, size_t bytes) {
    return ferry_fail_memory(decode->error, bytes);
}

ferry_status ferry_decode_allocate(const ferry_decoder *decode, size_t count, size_t size, void *memory) {
    void *block = ferry_arena_allocate(decode->arena, count, size);
    if (!block) return ferry_decode_no_memory(decode, count * size);
    memcpy(memory, &block, sizeof block);
    return FERRY_OK;
}

/* A terminated copy of a string field. Names with a zero byte inside cannot be told apart once terminated: refused. */
ferry_status ferry_decode_text(const ferry_decoder *decode, const ferry_protobuf *message, const ferry_protobuf_field *field,
                               const char **result) {
    ferry_string view;
    FERRY_TRY(ferry_protobuf_string(message, field, &view));
    if (memchr(view.text, 0, view.length))
        return ferry_fail(decode->error, FERRY_ERROR_FORMAT, "byte %zu: a name holds a zero byte", field->begin);
    *result = ferry_arena_strndup(decode->arena, view.text, view.length);
    return *result ? FERRY_OK : ferry_decode_no_memory(decode, view.length);
}

ferry_status ferry_decode_pair(const ferry_decoder *decode, ferry_protobuf message, ferry_onnx_pair *pair) {
    *pair = (ferry_onnx_pair){"", ""};
    for (;;) {
        ferry_protobuf_field field;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) return FERRY_OK;
        if (field.number == PAIR_KEY) FERRY_TRY(ferry_decode_text(decode, &message, &field, &pair->key));
        if (field.number == PAIR_VALUE) FERRY_TRY(ferry_decode_text(decode, &message, &field, &pair->value));
    }
}

/* ---- tensors ---- */

static ferry_status decode_decimal(const ferry_decoder *decode, const ferry_onnx_pair *pair, size_t at, int64_t *value) {
    int64_t result = 0;
    const char *digit = pair->value;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        if (__builtin_mul_overflow(result, (int64_t)10, &result) ||
            __builtin_add_overflow(result, (int64_t)(*digit - '0'), &result))
            break;
    if (*digit || digit == pair->value)
        return ferry_fail(decode->error, FERRY_ERROR_FORMAT, "byte %zu: external data's %s '%.64s' is not a number", at,
                          pair->key, pair->value);
    *value = result;
    return FERRY_OK;
}

static ferry_status decode_external(const ferry_decoder *decode, const ferry_protobuf *message,
                                    const ferry_protobuf_field *field, ferry_onnx_tensor *tensor) {
    ferry_protobuf inner;
    ferry_onnx_pair pair;
    FERRY_TRY(ferry_protobuf_message(message, field, &inner));
    FERRY_TRY(ferry_decode_pair(decode, inner, &pair));
    if (strcmp(pair.key, "location") == 0) tensor->location = pair.value;
    if (strcmp(pair.key, "offset") == 0) return decode_decimal(decode, &pair, field->at, &tensor->external_offset);
    if (strcmp(pair.key, "length") == 0) return decode_decimal(decode, &pair, field->at, &tensor->external_length);
    return FERRY_OK;
}

static ferry_status decode_dims(const ferry_decoder *decode, const ferry_protobuf *message, const ferry_protobuf_field *field,
                                ferry_shape *shape) {
    ferry_protobuf_values values;
    FERRY_TRY(ferry_protobuf_values_open(message, field, FERRY_PROTOBUF_VARINT, &values));
    for (;;) {
        uint64_t dim = 0;
        bool more;
        FERRY_TRY(ferry_protobuf_values_next(&values, &dim, &more));
        if (!more) return FERRY_OK;
        if (shape->rank == FERRY_MAX_RANK)
            return ferry_fail(decode->error, FERRY_ERROR_UNSUPPORTED, "byte %zu: a tensor has more than %d dimensions",
                              field->at, FERRY_MAX_RANK);
        if (dim > INT64_MAX)
            return ferry_fail(decode->error, FERRY_ERROR_FORMAT, "byte %zu: a tensor has a negative dimension", field->at);
        shape->dims[shape->rank++] = (int64_t)dim;
    }
}

static ferry_status decode_tensor_field(const ferry_decoder *decode, const ferry_protobuf *message,
                                        const ferry_protobuf_field *field, ferry_onnx_tensor *tensor) {
    int64_t number = 0;
    switch (field->number) {
    case TENSOR_DIMS: return decode_dims(decode, message, field, &tensor->shape);
    case TENSOR_NAME: return ferry_decode_text(decode, message, field, &tensor->name);
    case TENSOR_EXTERNAL: return decode_external(decode, message, field, tensor);
    case TENSOR_SEGMENT:
        return ferry_fail(decode->error, FERRY_ERROR_UNSUPPORTED, "byte %zu: tensors in segments are not supported", field->at);
    case TENSOR_TYPE:
        FERRY_TRY(ferry_protobuf_integer(message, field, &number));
        tensor->dtype =
            number > 0 && number < 1000 && ferry_dtype_bits((ferry_dtype)number) ? (ferry_dtype)number : FERRY_DTYPE_UNDEFINED;
        if (tensor->dtype) return FERRY_OK;
        return ferry_fail(decode->error, FERRY_ERROR_UNSUPPORTED, "byte %zu: element type %lld of a tensor is not known",
                          field->at, (long long)number);
    case TENSOR_LOCATION:
        FERRY_TRY(ferry_protobuf_integer(message, field, &number));
        tensor->external = number == 1;
        return FERRY_OK;
    case TENSOR_RAW:
        if (field->type != FERRY_PROTOBUF_BYTES)
            return ferry_fail(decode->error, FERRY_ERROR_FORMAT, "byte %zu: raw_data is not bytes", field->at);
        tensor->has_raw = true;
        tensor->raw_begin = field->begin;
        tensor->raw_end = field->end;
        return FERRY_OK;
    default: return FERRY_OK;
    }
}

ferry_status ferry_decode_tensor(const ferry_decoder *decode, ferry_protobuf message, ferry_onnx_tensor *tensor) {
    *tensor = (ferry_onnx_tensor){.name = "", .message = message, .location = "", .external_length = -1};
    for (;;) {
        ferry_protobuf_field field;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) break;
        FERRY_TRY(decode_tensor_field(decode, &message, &field, tensor));
    }
    if (!tensor->dtype)
        return ferry_fail(decode->error, FERRY_ERROR_FORMAT, "byte %zu: tensor '%.128s' has no element type",
                          tensor->message.at, tensor->name);
    if (!ferry_shape_elements(&tensor->shape, &tensor->elements) ||
        !ferry_tensor_bytes(tensor->dtype, FERRY_LAYOUT_PLAIN, &tensor->shape, &tensor->bytes))
        return ferry_fail(decode->error, FERRY_ERROR_FORMAT, "byte %zu: tensor '%.128s' is larger than any memory",
                          tensor->message.at, tensor->name);
    return FERRY_OK;
}

ferry_status ferry_onnx_decode_tensor(ferry_protobuf message, ferry_arena *arena, ferry_onnx_tensor *tensor) {
    ferry_decoder decode = {.arena = arena, .error = message.error};
    return ferry_decode_tensor(&decode, message, tensor);
}

ferry_status ferry_decode_sparse(const ferry_decoder *decode, ferry_protobuf message, ferry_onnx_sparse *sparse) {
    bool has_values = false, has_indices = false;
    sparse->at = message.at;
    for (;;) {
        ferry_protobuf_field field;
        ferry_protobuf inner;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) break;
        if (field.number == SPARSE_DIMS) FERRY_TRY(decode_dims(decode, &message, &field, &sparse->shape));
        if (field.number != SPARSE_VALUES && field.number != SPARSE_INDICES) continue;
        FERRY_TRY(ferry_protobuf_message(&message, &field, &inner));
        FERRY_TRY(ferry_decode_tensor(decode, inner, field.number == SPARSE_VALUES ? &sparse->values : &sparse->indices));
        *(field.number == SPARSE_VALUES ? &has_values : &has_indices) = true;
    }
    if (has_values && has_indices) return FERRY_OK;
    return ferry_fail(decode->error, FERRY_ERROR_FORMAT, "byte %zu: a sparse tensor lacks its values or its indices",
                      sparse->at);
}
