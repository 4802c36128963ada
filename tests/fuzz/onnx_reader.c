/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the ONNX reader; what it accepts is written and must be readable again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx.h"
#include "onnx_models.h"
#include "target.h"

/* A model that the writer made must read. Shapes may clash where the reader only warned, so only malformed files are faults. */
static void write_and_read_again(const ferry_graph *graph) {
    unsigned char *bytes;
    size_t size;
    ferry_graph *again;
    ferry_error error = {0};
    if (ferry_onnx_write_memory(graph, &bytes, &size, &error) != FERRY_OK) return;
    if (ferry_onnx_read_memory(bytes, size, NULL, &again, NULL, &error) == FERRY_ERROR_FORMAT) {
        fprintf(stderr, "what was written cannot be read: %s\n", error.message);
        abort();
    }
    ferry_free(bytes);
    ferry_graph_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ferry_graph *graph;
    ferry_onnx_report report = {0};
    ferry_error error = {0};
    ferry_status status = ferry_onnx_read_memory(data, size, NULL, &graph, &report, &error);
    if ((status == FERRY_OK) != (graph != NULL) || (status != FERRY_OK && !*error.message)) abort();
    if (graph) write_and_read_again(graph);
    ferry_graph_destroy(graph);
    ferry_onnx_report_free(&report);
    return 0;
}

uint8_t *fuzz_seed(size_t index, size_t *size, const char **name) {
    size_t at = 0;
    for (; at < sample_count; at++) {
        if (strcmp(samples[at].name, "exploding_functions") == 0) continue; /* slow by design */
        if (index-- == 0) break;
    }
    if (at >= sample_count) return NULL;
    *name = samples[at].name;
    return bytes_of(samples[at].emit, size);
}
