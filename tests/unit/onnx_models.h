/* SPDX-License-Identifier: Apache-2.0 */
/* A table of small models: what the reader must accept, and what it must refuse and with which words. Unit tests read them, the
 * fuzzers start from them. */
#ifndef FERRY_TEST_ONNX_MODELS_H
#define FERRY_TEST_ONNX_MODELS_H

#include "onnx_bytes.h"

typedef struct sample {
    const char *name;
    emitter emit;
    ferry_status status; /* of reading */
    const char *message; /* part of the error's message, or NULL */
} sample;

extern const sample samples[];
extern const size_t sample_count;
/* NULL when there is none of that name. */
const sample *find_sample(const char *name);

#endif
