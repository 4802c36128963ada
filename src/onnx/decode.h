/* SPDX-License-Identifier: Apache-2.0 */
/* What model.c and model_tensor.c share while they take a file apart. */
#ifndef FERRY_ONNX_DECODE_H
#define FERRY_ONNX_DECODE_H

#include "onnx/model.h"

typedef struct ferry_decoder {
    ferry_arena *arena;
    ferry_error *error;
    int depth; /* of graphs within graphs */
} ferry_decoder;

ferry_status ferry_decode_no_memory(const ferry_decoder *decode, size_t bytes);
/* `memory` points to a pointer, which is set to count * size zeroed bytes of the arena. */
ferry_status ferry_decode_allocate(const ferry_decoder *decode, size_t count, size_t size, void *memory);
/* A terminated copy of a string field. Names with a zero byte inside cannot be told apart once terminated: refused. */
ferry_status ferry_decode_text(const ferry_decoder *decode, const ferry_protobuf *message, const ferry_protobuf_field *field,
                               const char **result);
ferry_status ferry_decode_pair(const ferry_decoder *decode, ferry_protobuf message, ferry_onnx_pair *pair);
ferry_status ferry_decode_tensor(const ferry_decoder *decode, ferry_protobuf message, ferry_onnx_tensor *tensor);
ferry_status ferry_decode_sparse(const ferry_decoder *decode, ferry_protobuf message, ferry_onnx_sparse *sparse);

#endif
