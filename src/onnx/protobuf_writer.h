/* SPDX-License-Identifier: Apache-2.0 */
/* Writing protobuf's wire format in two passes of the same code: the first measures and notes the lengths of nested messages,
 * the second writes. So weights of any size go straight to the file, without a copy. */
#ifndef FERRY_ONNX_PROTOBUF_WRITER_H
#define FERRY_ONNX_PROTOBUF_WRITER_H

#include "base/file.h"
#include "base/memory.h"
#include <ferry/tensor.h>

enum { FERRY_PROTOBUF_MAX_OPEN = 160 };

/* Zero-initialise to measure; ferry_protobuf_writer_rewind turns it to writing. Errors are kept in `status`, so that only the
 * end needs a check. */
typedef struct ferry_protobuf_writer {
    bool writing;
    ferry_file_writer *file; /* or */
    unsigned char *memory;   /* `size` bytes as measured */
    uint64_t size;           /* so far */
    FERRY_VECTOR(uint64_t) lengths;
    size_t next; /* length to be written */
    struct {
        size_t length;
        uint64_t start;
    } open[FERRY_PROTOBUF_MAX_OPEN];
    int depth;
    ferry_status status;
    ferry_error *error;
} ferry_protobuf_writer;

void ferry_protobuf_writer_rewind(ferry_protobuf_writer *writer, ferry_file_writer *file, unsigned char *memory);
void ferry_protobuf_writer_free(ferry_protobuf_writer *writer);

void ferry_protobuf_begin(ferry_protobuf_writer *writer, uint32_t field); /* a nested message, up to the matching end */
void ferry_protobuf_end(ferry_protobuf_writer *writer);
void ferry_protobuf_put_integer(ferry_protobuf_writer *writer, uint32_t field, int64_t value);
void ferry_protobuf_put_real(ferry_protobuf_writer *writer, uint32_t field, float value);
void ferry_protobuf_put_bytes(ferry_protobuf_writer *writer, uint32_t field, const void *data, size_t bytes);
void ferry_protobuf_put_text(ferry_protobuf_writer *writer, uint32_t field, const char *text);

#endif
