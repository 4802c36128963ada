/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a small ONNX model node by node, straight as protobuf (onnx.proto, IR version 8). For tools: the first failure
 * (memory, disk) sticks and onnx_writer_save reports it. */
#ifndef FERRY_TOOLS_ONNX_WRITER_H
#define FERRY_TOOLS_ONNX_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct onnx_buffer {
    unsigned char *data;
    size_t used, capacity;
} onnx_buffer;

/* Zero-initialise. `graph` and `metadata` collect fields of GraphProto and ModelProto. */
typedef struct onnx_writer {
    onnx_buffer graph, metadata;
    bool failed;
} onnx_writer;

typedef struct onnx_attribute {
    const char *name;
    const int64_t *values; /* one value: INT; more: INTS */
    int count;
    const char *text; /* STRING when not NULL */
    bool list;        /* INTS even if there is one value */
} onnx_attribute;

/* A dimension of -1 is a symbolic one, called d and its place: d2. */
void onnx_writer_input(onnx_writer *writer, const char *name, const int64_t *dims, int rank);
void onnx_writer_output(onnx_writer *writer, const char *name, const int64_t *dims, int rank);
void onnx_writer_floats(onnx_writer *writer, const char *name, const float *values, const int64_t *dims, int rank);
void onnx_writer_integers(onnx_writer *writer, const char *name, const int64_t *values, int count);
/* inputs and outputs: names separated by spaces; "-" stands for an absent input. The node is named after its first output. */
void onnx_writer_node(onnx_writer *writer, const char *operator_name, const char *inputs, const char *outputs,
                      const onnx_attribute *attributes, int count);
void onnx_writer_metadata(onnx_writer *writer, const char *key, const char *value);

/* Writes to `path` by way of a temporary name, and frees. False with a message on stderr at failure. */
bool onnx_writer_save(onnx_writer *writer, const char *path, const char *producer, int64_t opset);

#endif
