/* SPDX-License-Identifier: Apache-2.0 */
#include "onnx_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned char *bytes_of(emitter emit, size_t *size) {
    writer out = {0};
    emit(&out);
    *size = (size_t)out.size;
    unsigned char *memory = malloc(*size + 1);
    if (!memory || out.status != FERRY_OK) abort();
    ferry_protobuf_writer_rewind(&out, NULL, memory);
    emit(&out);
    ferry_protobuf_writer_free(&out);
    return memory;
}

void put_opset(writer *out, uint32_t field, const char *domain, int64_t version) {
    ferry_protobuf_begin(out, field);
    ferry_protobuf_put_text(out, 1, domain);
    ferry_protobuf_put_integer(out, 2, version);
    ferry_protobuf_end(out);
}

void put_head(writer *out, int64_t ir, int64_t opset) {
    ferry_protobuf_put_integer(out, 1, ir);
    ferry_protobuf_put_text(out, 2, "by hand");
    put_opset(out, 8, "", opset);
}

void begin_graph(writer *out, const char *name) {
    ferry_protobuf_begin(out, 7);
    ferry_protobuf_put_text(out, 2, name);
}

/* The next word of a list, ended by `separator` or the end; false when there is none. */
static bool next_word(const char **list, char separator, char word[64]) {
    size_t length = 0;
    if (!**list) return false;
    while (**list && **list != separator && length < 63) word[length++] = *(*list)++;
    word[length] = 0;
    if (**list == separator) (*list)++;
    return true;
}

void put_value(writer *out, uint32_t field, const char *name, int dtype, const char *dims) {
    char word[64];
    ferry_protobuf_begin(out, field);
    ferry_protobuf_put_text(out, 1, name);
    ferry_protobuf_begin(out, 2);
    ferry_protobuf_begin(out, 1);
    ferry_protobuf_put_integer(out, 1, dtype);
    if (dims) {
        ferry_protobuf_begin(out, 2);
        while (next_word(&dims, ',', word)) {
            ferry_protobuf_begin(out, 1);
            if ((*word >= '0' && *word <= '9') || *word == '-')
                ferry_protobuf_put_integer(out, 1, atoll(word));
            else
                ferry_protobuf_put_text(out, 2, word);
            ferry_protobuf_end(out);
        }
        ferry_protobuf_end(out);
    }
    for (int i = 0; i < 3; i++) ferry_protobuf_end(out);
}

void put_tensor_head(writer *out, const char *name, int dtype, const char *dims) {
    char word[64];
    while (next_word(&dims, ',', word)) ferry_protobuf_put_integer(out, 1, atoll(word));
    ferry_protobuf_put_integer(out, 2, dtype);
    if (name) ferry_protobuf_put_text(out, 8, name);
}

void put_initializer(writer *out, const char *name, int dtype, const char *dims, const void *raw, size_t bytes) {
    ferry_protobuf_begin(out, 5);
    put_tensor_head(out, name, dtype, dims);
    ferry_protobuf_put_bytes(out, 9, raw, bytes);
    ferry_protobuf_end(out);
}

void put_initializer_floats(writer *out, const char *name, const char *dims, const float *values, size_t count) {
    put_initializer(out, name, 1, dims, values, count * sizeof *values);
}

void put_initializer_integers(writer *out, const char *name, const char *dims, const int64_t *values, size_t count) {
    put_initializer(out, name, 7, dims, values, count * sizeof *values);
}

static void put_names(writer *out, uint32_t field, const char *names) {
    char word[64];
    while (next_word(&names, ' ', word)) ferry_protobuf_put_text(out, field, strcmp(word, "-") == 0 ? "" : word);
}

void begin_node(writer *out, uint32_t field, const char *op, const char *inputs, const char *outputs) {
    ferry_protobuf_begin(out, field);
    put_names(out, 1, inputs);
    put_names(out, 2, outputs);
    ferry_protobuf_put_text(out, 4, op);
}

void put_node(writer *out, const char *op, const char *inputs, const char *outputs) {
    begin_node(out, 1, op, inputs, outputs);
    ferry_protobuf_end(out);
}

void put_domain(writer *out, const char *domain) { ferry_protobuf_put_text(out, 7, domain); }

static void begin_attribute(writer *out, const char *name, int type) {
    ferry_protobuf_begin(out, 5);
    ferry_protobuf_put_text(out, 1, name);
    ferry_protobuf_put_integer(out, 20, type);
}

void put_attribute_int(writer *out, const char *name, int64_t value) {
    begin_attribute(out, name, 2);
    ferry_protobuf_put_integer(out, 3, value);
    ferry_protobuf_end(out);
}

void put_attribute_float(writer *out, const char *name, float value) {
    begin_attribute(out, name, 1);
    ferry_protobuf_put_real(out, 2, value);
    ferry_protobuf_end(out);
}

void put_attribute_string(writer *out, const char *name, const char *value) {
    begin_attribute(out, name, 3);
    ferry_protobuf_put_text(out, 4, value);
    ferry_protobuf_end(out);
}

void put_attribute_ints(writer *out, const char *name, const char *values) {
    char word[64];
    begin_attribute(out, name, 7);
    while (next_word(&values, ',', word)) ferry_protobuf_put_integer(out, 8, atoll(word));
    ferry_protobuf_end(out);
}

void put_attribute_floats(writer *out, const char *name, const float *values, size_t count) {
    begin_attribute(out, name, 6);
    ferry_protobuf_put_bytes(out, 7, values, count * sizeof *values); /* packed */
    ferry_protobuf_end(out);
}

void put_attribute_reference(writer *out, const char *name, const char *reference, int type) {
    begin_attribute(out, name, type);
    ferry_protobuf_put_text(out, 21, reference);
    ferry_protobuf_end(out);
}

void begin_attribute_graph(writer *out, const char *name) {
    begin_attribute(out, name, 5);
    ferry_protobuf_begin(out, 6);
    ferry_protobuf_put_text(out, 2, name);
}
