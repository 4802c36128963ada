/* SPDX-License-Identifier: Apache-2.0 */
#include "onnx/types.h"

enum { TYPE_TENSOR = 1, TYPE_SEQUENCE = 4, TYPE_MAP = 5, TYPE_OPAQUE = 7, TYPE_SPARSE = 8, TYPE_OPTIONAL = 9 };
enum { MAX_NAME = 256 };

static ferry_status read_dimension(ferry_protobuf message, ferry_symbols *symbols, int64_t *dim) {
    enum { DIM_VALUE = 1, DIM_PARAM = 2 };
    *dim = FERRY_DIM_UNKNOWN;
    for (;;) {
        ferry_protobuf_field field;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) break;
        if (field.number == DIM_VALUE) {
            FERRY_TRY(ferry_protobuf_integer(&message, &field, dim));
            if (*dim < 0) *dim = FERRY_DIM_UNKNOWN; /* -1 is how some exporters say "any" */
        } else if (field.number == DIM_PARAM) {
            ferry_string text;
            char name[MAX_NAME];
            FERRY_TRY(ferry_protobuf_string(&message, &field, &text));
            if (text.length == 0) continue;
            size_t length = text.length < sizeof name ? text.length : sizeof name - 1;
            for (size_t i = 0; i < length; i++) name[i] = text.text[i] ? text.text[i] : '?';
            name[length] = 0;
            *dim = ferry_symbol_named(symbols, name);
        }
    }
    if (*dim == FERRY_DIM_UNKNOWN) *dim = ferry_symbol_fresh(symbols);
    return FERRY_OK;
}

static ferry_status read_shape(ferry_protobuf message, ferry_symbols *symbols, ferry_shape *shape) {
    for (;;) {
        ferry_protobuf_field field;
        ferry_protobuf inner;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) return FERRY_OK;
        if (field.number != 1) continue;
        if (shape->rank == FERRY_MAX_RANK)
            return ferry_fail(message.error, FERRY_ERROR_UNSUPPORTED, "byte %zu: a value has more than %d dimensions", field.at,
                              FERRY_MAX_RANK);
        FERRY_TRY(ferry_protobuf_message(&message, &field, &inner));
        FERRY_TRY(read_dimension(inner, symbols, &shape->dims[shape->rank++]));
    }
}

static ferry_status read_tensor_type(ferry_protobuf message, ferry_symbols *symbols, ferry_value_type *type) {
    for (;;) {
        ferry_protobuf_field field;
        ferry_protobuf inner;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) return FERRY_OK;
        if (field.number == 1) {
            int64_t number;
            FERRY_TRY(ferry_protobuf_integer(&message, &field, &number));
            type->dtype = number > 0 && number < 1000 && ferry_dtype_bits((ferry_dtype)number) ? (ferry_dtype)number
                                                                                               : FERRY_DTYPE_UNDEFINED;
            if (number && !type->dtype)
                return ferry_fail(message.error, FERRY_ERROR_UNSUPPORTED, "byte %zu: element type %lld is not known", field.at,
                                  (long long)number);
        } else if (field.number == 2) {
            FERRY_TRY(ferry_protobuf_message(&message, &field, &inner));
            type->ranked = true;
            type->shape.rank = 0;
            FERRY_TRY(read_shape(inner, symbols, &type->shape));
        }
    }
}

static ferry_status read_type(ferry_protobuf message, ferry_symbols *symbols, int depth, ferry_value_type *type);

/* The element type inside a sequence or an optional. */
static ferry_status read_container(ferry_protobuf message, ferry_symbols *symbols, ferry_value_kind kind, int depth,
                                   ferry_value_type *type) {
    ferry_value_type element = {0};
    for (;;) {
        ferry_protobuf_field field;
        ferry_protobuf inner;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) break;
        if (field.number != 1) continue;
        FERRY_TRY(ferry_protobuf_message(&message, &field, &inner));
        FERRY_TRY(read_type(inner, symbols, depth + 1, &element));
    }
    if (element.kind == FERRY_VALUE_OPTIONAL || (kind == FERRY_VALUE_SEQUENCE && element.kind != FERRY_VALUE_TENSOR))
        return ferry_fail(message.error, FERRY_ERROR_UNSUPPORTED,
                          "byte %zu: only sequences of tensors and optionals of those are supported", message.at);
    *type = (ferry_value_type){.kind = kind, .dtype = element.dtype, .element_kind = element.kind};
    return FERRY_OK;
}

static ferry_status read_type(ferry_protobuf message, ferry_symbols *symbols, int depth, ferry_value_type *type) {
    size_t at = message.at;
    *type = (ferry_value_type){0};
    for (;;) {
        ferry_protobuf_field field;
        ferry_protobuf inner;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (!field.number) return FERRY_OK;
        if (field.type != FERRY_PROTOBUF_BYTES) continue;
        FERRY_TRY(ferry_protobuf_message(&message, &field, &inner));
        switch (field.number) {
        case TYPE_SPARSE: /* sparse tensors are made dense on reading */
        case TYPE_TENSOR: FERRY_TRY(read_tensor_type(inner, symbols, type)); break;
        case TYPE_SEQUENCE:
        case TYPE_OPTIONAL:
            if (depth > 2) return ferry_fail(message.error, FERRY_ERROR_UNSUPPORTED, "byte %zu: types nest too deeply", at);
            FERRY_TRY(read_container(inner, symbols,
                                     field.number == TYPE_SEQUENCE ? FERRY_VALUE_SEQUENCE : FERRY_VALUE_OPTIONAL, depth, type));
            break;
        case TYPE_MAP:
        case TYPE_OPAQUE:
            return ferry_fail(message.error, FERRY_ERROR_UNSUPPORTED,
                              "byte %zu: values of type map or opaque are not supported", at);
        default: break;
        }
    }
}

ferry_status ferry_onnx_read_type(ferry_protobuf message, ferry_symbols *symbols, ferry_value_type *type) {
    return read_type(message, symbols, 0, type);
}
