/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the engine file's reader and what trusts it: checksums are made right again, so that mutations get behind them; an
 * engine that is accepted is made ready to run. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/map.h"
#include "compile/compile.h"
#include "engine/file.h"
#include "onnx/onnx.h"
#include "onnx_models.h"
#include "runtime/frame.h"
#include "target.h"

enum { PLAN = 24, WEIGHTS = 40, PLAN_HASH = 56, WEIGHTS_HASH = 64, HEADER_HASH = 72 };

/* A plan may ask for more memory than there is: the library reports that, so AddressSanitizer need not stop. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }

static uint64_t number_at(const unsigned char *data, size_t at) {
    uint64_t value;
    memcpy(&value, data + at, sizeof value);
    return value;
}

static void repair_section(unsigned char *data, size_t size, size_t section, size_t hash) {
    uint64_t offset = number_at(data, section), bytes = number_at(data, section + 8);
    if (offset > size || bytes > size - offset) return;
    uint64_t value = ferry_hash64(data + offset, (size_t)bytes, 0);
    memcpy(data + hash, &value, sizeof value);
}

static void repair_checksums(unsigned char *data, size_t size) {
    if (size < FERRY_ENGINE_HEADER_BYTES) return;
    repair_section(data, size, PLAN, PLAN_HASH);
    repair_section(data, size, WEIGHTS, WEIGHTS_HASH);
    uint64_t value = ferry_hash64(data, HEADER_HASH, 0);
    memcpy(data + HEADER_HASH, &value, sizeof value);
}

static void prepare(const ferry_plan *plan) {
    int budget = FERRY_MAX_FRAMES;
    ferry_frame *frame;
    ferry_error error = {0};
    if (ferry_frame_create(plan, plan->graphs[0], ferry_cpu_features(), NULL, &budget, &frame, &error) != FERRY_OK) return;
    if (ferry_frame_shaped(frame)) (void)ferry_frame_plan(frame, &error); /* a refusal is as good */
    ferry_frame_destroy(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned char *copy = ferry_aligned_malloc(size);
    ferry_plan *plan;
    ferry_error error = {0};
    if (!copy) return 0;
    if (size) memcpy(copy, data, size);
    repair_checksums(copy, size);
    ferry_status status = ferry_engine_parse(copy, size, ferry_cpu_features(), &plan, &error);
    if ((status == FERRY_OK) != (plan != NULL) || (status != FERRY_OK && !*error.message)) abort();
    if (plan) prepare(plan);
    ferry_plan_destroy(plan);
    ferry_aligned_free(copy);
    return 0;
}

static unsigned char *compile_sample(const sample *model, size_t *size) {
    size_t model_size;
    unsigned char *bytes = bytes_of(model->emit, &model_size), *engine = NULL;
    ferry_graph *graph;
    ferry_compiled compiled;
    ferry_compile_settings settings = {.features = ferry_cpu_features(), .threads = 1, .producer = "fuzz"};
    ferry_error error;
    ferry_status status = ferry_onnx_read_memory(bytes, model_size, NULL, &graph, NULL, &error);
    free(bytes);
    if (status != FERRY_OK) abort();
    if (ferry_compile(graph, &settings, &compiled, &error) != FERRY_OK) abort();
    if (ferry_engine_serialize(compiled.plan, &engine, size, &error) != FERRY_OK) abort();
    ferry_compiled_release(&compiled);
    ferry_graph_destroy(graph);
    return engine;
}

uint8_t *fuzz_seed(size_t index, size_t *size, const char **name) {
    for (size_t i = 0; i < sample_count; i++) {
        if (samples[i].status != FERRY_OK || index--) continue;
        unsigned char *engine = compile_sample(&samples[i], size);
        uint8_t *seed = malloc(*size);
        if (!seed) abort();
        memcpy(seed, engine, *size);
        ferry_aligned_free(engine);
        *name = samples[i].name;
        return seed;
    }
    return NULL;
}
