/* SPDX-License-Identifier: Apache-2.0 */
/* An ONNX file taken apart: messages as plain structs that point into the file, nothing interpreted yet. Tensors keep their
 * data where it lies. Field meanings are those of onnx.proto (ONNX IR specification). */
#ifndef FERRY_ONNX_MODEL_H
#define FERRY_ONNX_MODEL_H

#include "base/memory.h"
#include "onnx/protobuf.h"
#include "tensor/tensor.h"

/* Graphs inside attributes of nodes of graphs ... nest at most so deep. */
enum { FERRY_ONNX_MAX_DEPTH = 24 };

/* AttributeProto.AttributeType */
enum {
    FERRY_ONNX_FLOAT = 1,
    FERRY_ONNX_INT = 2,
    FERRY_ONNX_STRING = 3,
    FERRY_ONNX_TENSOR = 4,
    FERRY_ONNX_GRAPH = 5,
    FERRY_ONNX_FLOATS = 6,
    FERRY_ONNX_INTS = 7,
    FERRY_ONNX_STRINGS = 8,
    FERRY_ONNX_TENSORS = 9,
    FERRY_ONNX_GRAPHS = 10,
    FERRY_ONNX_SPARSE_TENSOR = 11,
    FERRY_ONNX_SPARSE_TENSORS = 12,
    FERRY_ONNX_TYPE_PROTO = 13,
    FERRY_ONNX_TYPE_PROTOS = 14
};

typedef struct ferry_onnx_graph ferry_onnx_graph;

/* TensorProto: header decoded and checked (rank, dimensions, size), data still in the message. */
typedef struct ferry_onnx_tensor {
    const char *name;
    ferry_dtype dtype;
    ferry_shape shape;
    int64_t elements;
    size_t bytes;           /* of the data in memory, sub-byte types packed */
    ferry_protobuf message; /* the TensorProto, from its first field */
    bool has_raw;
    size_t raw_begin, raw_end;
    bool external;
    const char *location;                     /* external data: a path relative to the model's folder */
    int64_t external_offset, external_length; /* length -1: not given */
} ferry_onnx_tensor;

/* SparseTensorProto: the non-zero values and their places (NNZ linear indices, or NNZ x rank coordinates). */
typedef struct ferry_onnx_sparse {
    ferry_onnx_tensor values, indices;
    ferry_shape shape;
    size_t at;
} ferry_onnx_sparse;

typedef struct ferry_onnx_attribute {
    const char *name;
    const char *reference; /* the attribute of the enclosing function that this one takes its value from, or NULL */
    int type;
    size_t at;
    int64_t integer;
    float real;
    ferry_string string;
    int64_t count; /* of the list that `type` names */
    const int64_t *integers;
    const float *reals;
    const ferry_string *strings;
    const ferry_onnx_tensor *tensor;
    const ferry_onnx_sparse *sparse;
    const ferry_onnx_graph *graph;
    ferry_protobuf type_message; /* TYPE_PROTO */
} ferry_onnx_attribute;

typedef struct ferry_onnx_node {
    const char *name, *op, *domain, *overload; /* "" when absent; domain "ai.onnx" reads as "" */
    int input_count, output_count, attribute_count;
    const char **inputs, **outputs; /* "" for absent ones */
    ferry_onnx_attribute *attributes;
    size_t at;
} ferry_onnx_node;

typedef struct ferry_onnx_value_info {
    const char *name;
    bool has_type;
    ferry_protobuf type_message;
} ferry_onnx_value_info;

struct ferry_onnx_graph {
    const char *name;
    size_t node_count, initializer_count, sparse_count, input_count, output_count, value_info_count;
    ferry_onnx_node *nodes;
    ferry_onnx_tensor *initializers;
    ferry_onnx_sparse *sparse; /* sparse initializers, named by their values tensor */
    ferry_onnx_value_info *inputs, *outputs, *value_infos;
};

typedef struct ferry_onnx_opset {
    const char *domain;
    int64_t version;
} ferry_onnx_opset;

typedef struct ferry_onnx_opsets {
    ferry_onnx_opset *items;
    size_t count;
} ferry_onnx_opsets;

typedef struct ferry_onnx_function {
    const char *name, *domain, *overload;
    size_t input_count, output_count, default_count, node_count;
    const char **inputs, **outputs;
    ferry_onnx_attribute *defaults; /* attribute_proto: attributes with default values */
    ferry_onnx_node *nodes;
    ferry_onnx_opsets opsets;
    size_t at;
} ferry_onnx_function;

typedef struct ferry_onnx_pair {
    const char *key, *value;
} ferry_onnx_pair;

typedef struct ferry_onnx_model {
    int64_t ir_version, model_version;
    const char *producer_name, *producer_version, *domain;
    ferry_onnx_opsets opsets;
    bool has_graph;
    ferry_onnx_graph graph;
    size_t function_count, metadata_count;
    ferry_onnx_function *functions;
    ferry_onnx_pair *metadata;
} ferry_onnx_model;

/* Decodes a ModelProto. Everything is allocated from `arena` (a small multiple of the file's own size at most) and points into
 * the file, which must outlive it. FERRY_ERROR_FORMAT with a byte offset where the file is malformed. */
ferry_status ferry_onnx_decode_model(const void *file, size_t bytes, ferry_arena *arena, ferry_onnx_model *model,
                                     ferry_error *error);
/* A TensorProto by itself, from a message positioned at its first field. */
ferry_status ferry_onnx_decode_tensor(ferry_protobuf message, ferry_arena *arena, ferry_onnx_tensor *tensor);

/* The imported version of a domain, or 0. */
int64_t ferry_onnx_opset_version(const ferry_onnx_opsets *opsets, const char *domain);

#endif
