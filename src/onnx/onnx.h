/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX in and out: the face of this folder.
 *
 * Reading. A model of any opset from 1 on becomes a graph of operators with the newest semantics (ops/ops.h). Initialisers
 * become constants, also where they are listed as inputs; Constant nodes become constants; functions of the model are inlined;
 * bodies of If, Loop and Scan become closed graphs: what a body reads from outside is passed as extra inputs at the end of the
 * node's inputs and of the body's inputs (all branches of an If take the same ones), and on Loop and Scan the internal
 * attribute
 * `_captures` tells how many there are. Shapes are inferred node by node on the way; what the model declares about values fills
 * in what inference does not know, and where the two contradict each other a warning is noted and inference wins. */
#ifndef FERRY_ONNX_ONNX_H
#define FERRY_ONNX_ONNX_H

#include "ir/graph.h"

/* A node whose operator Ferry does not know. */
typedef struct ferry_onnx_unsupported {
    const char *node, *op, *domain; /* domain "" is ai.onnx */
    int64_t opset;
} ferry_onnx_unsupported;

/* What reading found out. All memory belongs to the report. Zero-initialise it; release it with ferry_onnx_report_free. */
typedef struct ferry_onnx_report {
    FERRY_VECTOR(ferry_onnx_unsupported) unsupported;      /* every one in the file, one entry a node */
    FERRY_VECTOR(const char *) warnings;                   /* one line each */
    int64_t ir_version, model_version, opset;              /* opset of the default domain */
    const char *producer_name, *producer_version, *domain; /* "" when the file names none */
    uint64_t file_bytes, weight_bytes;                     /* of the model file; of all constants in memory */
    int64_t parameters;                                    /* elements of all initialisers */
    int64_t nodes, functions;                              /* in the file, bodies included */
    ferry_arena arena;
} ferry_onnx_report;
void ferry_onnx_report_free(ferry_onnx_report *report);

/* Reads a model file and the external data beside it. On success *graph is sorted, inferred and verified, and keeps the file
 * mapped: large constants point into it (aligned to their element's size only). The file must not change meanwhile. On failure
 * *graph is NULL. Unknown operators: FERRY_ERROR_UNSUPPORTED, after the whole file has been looked at; report, which may be
 * NULL, lists them all. Malformed input: FERRY_ERROR_FORMAT or FERRY_ERROR_SHAPE with a byte offset or a node's name; memory
 * use stays within a small multiple of the file's size. */
ferry_status ferry_onnx_read(const char *path, ferry_graph **graph, ferry_onnx_report *report, ferry_error *error);
/* The same from memory, which may be freed afterwards: constants are copied. `folder` is where external data lies; NULL refuses
 * it. */
ferry_status ferry_onnx_read_memory(const void *data, size_t bytes, const char *folder, ferry_graph **graph,
                                    ferry_onnx_report *report, ferry_error *error);
/* Fills a report's facts about a file (versions, producer, counts) without importing it. */
ferry_status ferry_onnx_probe(const char *path, ferry_onnx_report *report, ferry_error *error);

/* Writes a graph as an ONNX model of the oldest opset from 17 on that has all of its operators, with names, shapes and
 * metadata, atomically. When the weights take more than `inline_bytes` (0: 2000 MiB, which is also the most), those of 1 KiB or
 * more go to `path`.data beside it. Operators and attributes that are Ferry's own ('_') cannot be said in ONNX:
 * FERRY_ERROR_UNSUPPORTED naming the node. Values of bodies are renamed "node/body/value", since ONNX has one space of names
 * for all. */
ferry_status ferry_onnx_write(const ferry_graph *graph, const char *path, uint64_t inline_bytes, ferry_error *error);
/* The same into memory that the caller releases with ferry_free; weights always inside. */
ferry_status ferry_onnx_write_memory(const ferry_graph *graph, unsigned char **data, size_t *bytes, ferry_error *error);

/* Test data: files with one TensorProto, SequenceProto or OptionalProto (`kind` tells which; files do not). All memory comes
 * from `arena`. */
ferry_status ferry_onnx_read_value(const char *path, const ferry_value_type *type, ferry_arena *arena, ferry_value *value,
                                   ferry_error *error);
ferry_status ferry_onnx_read_value_memory(const void *data, size_t bytes, const ferry_value_type *type, ferry_arena *arena,
                                          ferry_value *value, ferry_error *error);

#endif
