/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded pull reader of protobuf's wire format over memory (protobuf.dev, "Encoding"). It allocates nothing and trusts
 * nothing: every length is checked against the message that holds it, and every error tells the byte offset in the file. */
#ifndef FERRY_ONNX_PROTOBUF_H
#define FERRY_ONNX_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include <ferry/tensor.h>

typedef enum ferry_protobuf_type {
    FERRY_PROTOBUF_VARINT = 0,
    FERRY_PROTOBUF_FIXED64 = 1,
    FERRY_PROTOBUF_BYTES = 2,
    FERRY_PROTOBUF_FIXED32 = 5
} ferry_protobuf_type;

/* One message. `base` is the file's first byte; `at` and `end` are offsets from it. Copy it to read the message again. */
typedef struct ferry_protobuf {
    const unsigned char *base;
    size_t at, end;
    ferry_error *error;
} ferry_protobuf;

typedef struct ferry_protobuf_field {
    uint32_t number; /* 0 after the last field */
    ferry_protobuf_type type;
    uint64_t value;    /* VARINT, FIXED32, FIXED64 */
    size_t begin, end; /* BYTES: offsets of the contents */
    size_t at;         /* offset of the tag, for messages */
} ferry_protobuf_field;

ferry_protobuf ferry_protobuf_open(const void *base, size_t bytes, ferry_error *error);

/* The next field; groups (obsolete) are skipped whole. */
ferry_status ferry_protobuf_next(ferry_protobuf *message, ferry_protobuf_field *field);

/* Typed access to a field just read; FERRY_ERROR_FORMAT when its wire type is another. Enclosed messages and strings are views.
 */
ferry_status ferry_protobuf_message(const ferry_protobuf *message, const ferry_protobuf_field *field, ferry_protobuf *inner);
ferry_status ferry_protobuf_string(const ferry_protobuf *message, const ferry_protobuf_field *field, ferry_string *text);
ferry_status ferry_protobuf_integer(const ferry_protobuf *message, const ferry_protobuf_field *field, int64_t *value);
ferry_status ferry_protobuf_real(const ferry_protobuf *message, const ferry_protobuf_field *field, float *value);

/* The values of one occurrence of a repeated number field: all of them when packed, else the single one. `element` is the
 * wire type of a value. */
typedef struct ferry_protobuf_values {
    ferry_protobuf packed;
    ferry_protobuf_type element;
    uint64_t single;
    bool has_single;
} ferry_protobuf_values;
ferry_status ferry_protobuf_values_open(const ferry_protobuf *message, const ferry_protobuf_field *field,
                                        ferry_protobuf_type element, ferry_protobuf_values *values);
/* *more is false, and *value untouched, after the last. */
ferry_status ferry_protobuf_values_next(ferry_protobuf_values *values, uint64_t *value, bool *more);

/* Counts the occurrences of each field number below FERRY_PROTOBUF_CENSUS in a message, which stays at its place. */
enum { FERRY_PROTOBUF_CENSUS = 32 };
ferry_status ferry_protobuf_census(const ferry_protobuf *message, size_t counts[FERRY_PROTOBUF_CENSUS]);
/* How many values a repeated number field has in a message, packed ones included. */
ferry_status ferry_protobuf_count_values(const ferry_protobuf *message, uint32_t number, ferry_protobuf_type element,
                                         size_t *count);

float ferry_protobuf_float_of(uint64_t fixed32);
double ferry_protobuf_double_of(uint64_t fixed64);

#endif
