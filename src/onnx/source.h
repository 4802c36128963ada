/* SPDX-License-Identifier: Apache-2.0 */
/* Where a model's bytes come from, and its tensors' data: the mapped file, and files of external data beside it. */
#ifndef FERRY_ONNX_SOURCE_H
#define FERRY_ONNX_SOURCE_H

#include "base/file.h"
#include "onnx/model.h"

typedef struct ferry_onnx_external {
    char *location;
    ferry_file_map map;
} ferry_onnx_external;

/* The graph that is read keeps it alive (ferry_graph.source), since large constants point into the maps. */
typedef struct ferry_onnx_source {
    ferry_file_map file;
    bool borrowed; /* the file's bytes belong to the caller, who may free them: nothing may point into them afterwards */
    char *folder;  /* of the model, where external data lies; NULL: external data is refused */
    FERRY_VECTOR(ferry_onnx_external) externals;
} ferry_onnx_source;

/* Maps a file. On failure nothing is left. */
ferry_status ferry_onnx_source_open(const char *path, ferry_onnx_source **source, ferry_error *error);
/* Takes the caller's bytes. folder may be NULL. */
ferry_status ferry_onnx_source_memory(const void *data, size_t bytes, const char *folder, ferry_onnx_source **source,
                                      ferry_error *error);
void ferry_onnx_source_close(void *source); /* takes NULL; void * so that a graph can call it */

/* A tensor's contents as a PLAIN tensor: a view of the map where the bytes can be used as they are (raw or external data,
 * aligned to the element's size), else a converted copy in `arena`. Data of a wrong length is FERRY_ERROR_FORMAT; nothing
 * larger than a small multiple of what the file really holds is allocated. External files must lie in the model's folder. */
ferry_status ferry_onnx_tensor_load(ferry_onnx_source *source, const ferry_onnx_tensor *tensor, ferry_arena *arena,
                                    ferry_tensor *result, ferry_error *error);
/* A sparse tensor made dense. Refused when the dense tensor would take more than FERRY_ONNX_MAX_DENSE bytes. */
#define FERRY_ONNX_MAX_DENSE ((size_t)1 << 28)
ferry_status ferry_onnx_sparse_load(ferry_onnx_source *source, const ferry_onnx_sparse *sparse, ferry_arena *arena,
                                    ferry_tensor *result, ferry_error *error);

#endif
