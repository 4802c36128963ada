/* SPDX-License-Identifier: Apache-2.0 */
#include "onnx/protobuf_writer.h"

#include <string.h>

#include "onnx/protobuf.h"

static void fail_memory(ferry_protobuf_writer *writer, size_t bytes) {
    if (writer->status == FERRY_OK) writer->status = ferry_fail_memory(writer->error, bytes);
}

static void put(ferry_protobuf_writer *writer, const void *data, size_t bytes) {
    if (writer->status != FERRY_OK || bytes == 0) return;
    if (writer->writing && writer->file) writer->status = ferry_file_writer_write(writer->file, data, bytes, writer->error);
    if (writer->writing && writer->memory) memcpy(writer->memory + writer->size, data, bytes);
    writer->size += bytes;
}

static void put_varint(ferry_protobuf_writer *writer, uint64_t value) {
    unsigned char bytes[10];
    size_t count = 0;
    for (; value >= 0x80; value >>= 7) bytes[count++] = (unsigned char)(value | 0x80);
    bytes[count++] = (unsigned char)value;
    put(writer, bytes, count);
}

static void put_tag(ferry_protobuf_writer *writer, uint32_t field, ferry_protobuf_type type) {
    put_varint(writer, (uint64_t)field << 3 | (uint64_t)type);
}

void ferry_protobuf_writer_rewind(ferry_protobuf_writer *writer, ferry_file_writer *file, unsigned char *memory) {
    writer->writing = true;
    writer->file = file;
    writer->memory = memory;
    writer->size = 0;
    writer->next = 0;
    writer->depth = 0;
}

void ferry_protobuf_writer_free(ferry_protobuf_writer *writer) { ferry_vector_free(&writer->lengths); }

void ferry_protobuf_begin(ferry_protobuf_writer *writer, uint32_t field) {
    put_tag(writer, field, FERRY_PROTOBUF_BYTES);
    if (writer->status != FERRY_OK) return;
    if (writer->writing) {
        put_varint(writer, writer->lengths.items[writer->next++]);
        return;
    }
    if (writer->depth == FERRY_PROTOBUF_MAX_OPEN) {
        writer->status = ferry_fail(writer->error, FERRY_ERROR_UNSUPPORTED, "bodies nest too deeply to be written");
        return;
    }
    if (!ferry_vector_push(&writer->lengths, 0)) {
        fail_memory(writer, sizeof(uint64_t));
        return;
    }
    writer->open[writer->depth].length = writer->lengths.count - 1;
    writer->open[writer->depth++].start = writer->size;
}

void ferry_protobuf_end(ferry_protobuf_writer *writer) {
    if (writer->writing || writer->status != FERRY_OK) return;
    writer->depth--;
    uint64_t length = writer->size - writer->open[writer->depth].start;
    writer->lengths.items[writer->open[writer->depth].length] = length;
    put_varint(writer, length); /* measured here; where it stands makes no difference to the sum */
}

void ferry_protobuf_put_integer(ferry_protobuf_writer *writer, uint32_t field, int64_t value) {
    put_tag(writer, field, FERRY_PROTOBUF_VARINT);
    put_varint(writer, (uint64_t)value);
}

void ferry_protobuf_put_real(ferry_protobuf_writer *writer, uint32_t field, float value) {
    put_tag(writer, field, FERRY_PROTOBUF_FIXED32);
    put(writer, &value, sizeof value);
}

void ferry_protobuf_put_bytes(ferry_protobuf_writer *writer, uint32_t field, const void *data, size_t bytes) {
    put_tag(writer, field, FERRY_PROTOBUF_BYTES);
    put_varint(writer, bytes);
    put(writer, data, bytes);
}

void ferry_protobuf_put_text(ferry_protobuf_writer *writer, uint32_t field, const char *text) {
    ferry_protobuf_put_bytes(writer, field, text, strlen(text));
}
