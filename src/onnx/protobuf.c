/* SPDX-License-Identifier: Apache-2.0 */
#include "onnx/protobuf.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw tensor data is used as it lies in the file");

enum { WIRE_GROUP = 3, WIRE_GROUP_END = 4, MAX_GROUP_DEPTH = 32 };

ferry_protobuf ferry_protobuf_open(const void *base, size_t bytes, ferry_error *error) {
    return (ferry_protobuf){.base = base, .at = 0, .end = bytes, .error = error};
}

static ferry_status truncated(const ferry_protobuf *message, size_t at) {
    return ferry_fail(message->error, FERRY_ERROR_FORMAT,
                      "byte %zu: the data ends in the middle of a field; the file is truncated or corrupt", at);
}

static ferry_status read_varint(ferry_protobuf *message, uint64_t *value) {
    uint64_t result = 0;
    size_t at = message->at;
    for (int shift = 0; shift < 70; shift += 7) {
        if (message->at >= message->end) return truncated(message, at);
        uint64_t byte = message->base[message->at++];
        if (shift < 64) result |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = result;
            return FERRY_OK;
        }
    }
    return ferry_fail(message->error, FERRY_ERROR_FORMAT, "byte %zu: a number is longer than 10 bytes", at);
}

static ferry_status read_fixed(ferry_protobuf *message, size_t bytes, uint64_t *value) {
    if (message->end - message->at < bytes) return truncated(message, message->at);
    *value = 0;
    memcpy(value, message->base + message->at, bytes);
    message->at += bytes;
    return FERRY_OK;
}

static ferry_status read_tag(ferry_protobuf *message, uint32_t *number, unsigned *type) {
    size_t at = message->at;
    uint64_t tag;
    FERRY_TRY(read_varint(message, &tag));
    if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
        return ferry_fail(message->error, FERRY_ERROR_FORMAT,
                          "byte %zu: not a field of a protobuf message; is this an ONNX file?", at);
    *number = (uint32_t)(tag >> 3);
    *type = (unsigned)(tag & 7);
    return FERRY_OK;
}

static ferry_status read_contents(ferry_protobuf *message, unsigned type, ferry_protobuf_field *field) {
    field->type = (ferry_protobuf_type)type;
    if (type == FERRY_PROTOBUF_VARINT) return read_varint(message, &field->value);
    if (type == FERRY_PROTOBUF_FIXED64) return read_fixed(message, 8, &field->value);
    if (type == FERRY_PROTOBUF_FIXED32) return read_fixed(message, 4, &field->value);
    if (type != FERRY_PROTOBUF_BYTES)
        return ferry_fail(message->error, FERRY_ERROR_FORMAT, "byte %zu: unknown wire type %u; is this an ONNX file?",
                          field->at, type);
    uint64_t length;
    FERRY_TRY(read_varint(message, &length));
    if (length > message->end - message->at)
        return ferry_fail(message->error, FERRY_ERROR_FORMAT,
                          "byte %zu: a field claims %llu bytes, but only %zu are left; the file is truncated or corrupt",
                          field->at, (unsigned long long)length, message->end - message->at);
    field->begin = message->at;
    field->end = message->at = message->at + (size_t)length;
    return FERRY_OK;
}

static ferry_status skip_group(ferry_protobuf *message, uint32_t group) {
    uint32_t open[MAX_GROUP_DEPTH] = {group};
    int depth = 1;
    while (depth > 0) {
        ferry_protobuf_field field = {.at = message->at};
        uint32_t number;
        unsigned type;
        FERRY_TRY(read_tag(message, &number, &type));
        if (type == WIRE_GROUP) {
            if (depth == MAX_GROUP_DEPTH)
                return ferry_fail(message->error, FERRY_ERROR_FORMAT, "byte %zu: groups nest too deeply", field.at);
            open[depth++] = number;
        } else if (type == WIRE_GROUP_END) {
            if (open[--depth] != number)
                return ferry_fail(message->error, FERRY_ERROR_FORMAT, "byte %zu: a group ends that did not begin", field.at);
        } else {
            FERRY_TRY(read_contents(message, type, &field));
        }
    }
    return FERRY_OK;
}

ferry_status ferry_protobuf_next(ferry_protobuf *message, ferry_protobuf_field *field) {
    memset(field, 0, sizeof *field);
    while (message->at < message->end) {
        unsigned type;
        field->at = message->at;
        FERRY_TRY(read_tag(message, &field->number, &type));
        if (type != WIRE_GROUP) return read_contents(message, type, field);
        FERRY_TRY(skip_group(message, field->number));
        field->number = 0;
    }
    return FERRY_OK;
}

static ferry_status expect(const ferry_protobuf *message, const ferry_protobuf_field *field, ferry_protobuf_type type) {
    if (field->type == type) return FERRY_OK;
    return ferry_fail(message->error, FERRY_ERROR_FORMAT, "byte %zu: field %u has wire type %d where ONNX has %d", field->at,
                      field->number, (int)field->type, (int)type);
}

ferry_status ferry_protobuf_message(const ferry_protobuf *message, const ferry_protobuf_field *field, ferry_protobuf *inner) {
    FERRY_TRY(expect(message, field, FERRY_PROTOBUF_BYTES));
    *inner = (ferry_protobuf){.base = message->base, .at = field->begin, .end = field->end, .error = message->error};
    return FERRY_OK;
}

ferry_status ferry_protobuf_string(const ferry_protobuf *message, const ferry_protobuf_field *field, ferry_string *text) {
    FERRY_TRY(expect(message, field, FERRY_PROTOBUF_BYTES));
    *text = (ferry_string){(const char *)message->base + field->begin, field->end - field->begin};
    return FERRY_OK;
}

ferry_status ferry_protobuf_integer(const ferry_protobuf *message, const ferry_protobuf_field *field, int64_t *value) {
    FERRY_TRY(expect(message, field, FERRY_PROTOBUF_VARINT));
    *value = (int64_t)field->value;
    return FERRY_OK;
}

ferry_status ferry_protobuf_real(const ferry_protobuf *message, const ferry_protobuf_field *field, float *value) {
    FERRY_TRY(expect(message, field, FERRY_PROTOBUF_FIXED32));
    *value = ferry_protobuf_float_of(field->value);
    return FERRY_OK;
}

ferry_status ferry_protobuf_values_open(const ferry_protobuf *message, const ferry_protobuf_field *field,
                                        ferry_protobuf_type element, ferry_protobuf_values *values) {
    *values = (ferry_protobuf_values){.element = element};
    if (field->type == FERRY_PROTOBUF_BYTES) return ferry_protobuf_message(message, field, &values->packed);
    FERRY_TRY(expect(message, field, element));
    values->single = field->value;
    values->has_single = true;
    return FERRY_OK;
}

ferry_status ferry_protobuf_values_next(ferry_protobuf_values *values, uint64_t *value, bool *more) {
    *more = values->has_single || values->packed.at < values->packed.end;
    if (!*more) return FERRY_OK;
    if (values->has_single) {
        values->has_single = false;
        *value = values->single;
        return FERRY_OK;
    }
    if (values->element == FERRY_PROTOBUF_VARINT) return read_varint(&values->packed, value);
    return read_fixed(&values->packed, values->element == FERRY_PROTOBUF_FIXED64 ? 8 : 4, value);
}

ferry_status ferry_protobuf_census(const ferry_protobuf *message, size_t counts[FERRY_PROTOBUF_CENSUS]) {
    ferry_protobuf copy = *message;
    ferry_protobuf_field field;
    memset(counts, 0, FERRY_PROTOBUF_CENSUS * sizeof *counts);
    for (;;) {
        FERRY_TRY(ferry_protobuf_next(&copy, &field));
        if (!field.number) return FERRY_OK;
        if (field.number < FERRY_PROTOBUF_CENSUS) counts[field.number]++;
    }
}

static ferry_status count_packed(ferry_protobuf_values *values, size_t *count) {
    uint64_t ignored;
    bool more = true;
    if (!values->has_single && values->element != FERRY_PROTOBUF_VARINT) {
        size_t width = values->element == FERRY_PROTOBUF_FIXED64 ? 8 : 4, bytes = values->packed.end - values->packed.at;
        if (bytes % width) return truncated(&values->packed, values->packed.end);
        *count += bytes / width;
        return FERRY_OK;
    }
    while (more) {
        FERRY_TRY(ferry_protobuf_values_next(values, &ignored, &more));
        *count += more;
    }
    return FERRY_OK;
}

ferry_status ferry_protobuf_count_values(const ferry_protobuf *message, uint32_t number, ferry_protobuf_type element,
                                         size_t *count) {
    ferry_protobuf copy = *message;
    ferry_protobuf_field field;
    *count = 0;
    for (;;) {
        FERRY_TRY(ferry_protobuf_next(&copy, &field));
        if (!field.number) return FERRY_OK;
        if (field.number != number) continue;
        ferry_protobuf_values values;
        FERRY_TRY(ferry_protobuf_values_open(&copy, &field, element, &values));
        FERRY_TRY(count_packed(&values, count));
    }
}

float ferry_protobuf_float_of(uint64_t fixed32) {
    uint32_t bits = (uint32_t)fixed32;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double ferry_protobuf_double_of(uint64_t fixed64) {
    double value;
    memcpy(&value, &fixed64, sizeof value);
    return value;
}
