/* SPDX-License-Identifier: Apache-2.0 */
#include "case.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "compile/compile.h"
#include "onnx/onnx.h"
#include "runtime/frame.h"

const char *const outcome_names[OUTCOME_COUNT] = {"passed", "wrong", "failed", "unsupported"};

/* What the data sets of one model share. */
typedef struct session {
    const case_settings *settings;
    const char *folder;
    int input_count, output_count;
    ferry_value_type *inputs, *outputs; /* as the model declares them */
    ferry_compiled compiled;
    ferry_frame *frame;
    ferry_arena arena;
    ferry_error error;
} session;

static ferry_status keep_types(session *run, const ferry_graph *graph) {
    run->input_count = (int)graph->inputs.count;
    run->output_count = (int)graph->outputs.count;
    run->inputs = ferry_arena_allocate(&run->arena, graph->inputs.count, sizeof *run->inputs);
    run->outputs = ferry_arena_allocate(&run->arena, graph->outputs.count, sizeof *run->outputs);
    if (!run->inputs || !run->outputs) return ferry_fail_memory(&run->error, 0);
    for (int i = 0; i < run->input_count; i++) run->inputs[i] = graph->inputs.items[i]->type;
    for (int i = 0; i < run->output_count; i++) run->outputs[i] = graph->outputs.items[i]->type;
    return FERRY_OK;
}

static ferry_status build(session *run) {
    char path[4096];
    ferry_graph *graph;
    ferry_compile_settings settings = {
        .features = run->settings->features, .threads = 1, .tune = FERRY_TUNE_LEVEL_OFF, .producer = "conformance"};
    snprintf(path, sizeof path, "%s/model.onnx", run->folder);
    FERRY_TRY(ferry_onnx_read(path, &graph, NULL, &run->error));
    ferry_status status = keep_types(run, graph);
    if (status == FERRY_OK) status = ferry_compile(graph, &settings, &run->compiled, &run->error);
    ferry_graph_destroy(graph);
    return status;
}

static ferry_status read_file(session *run, int set, const char *what, int index, const ferry_value_type *type,
                              ferry_arena *arena, ferry_value *value) {
    char path[4096];
    snprintf(path, sizeof path, "%s/test_data_set_%d/%s_%d.pb", run->folder, set, what, index);
    FERRY_TRY(ferry_onnx_read_value(path, type, arena, value, &run->error));
    /* The files come from numpy, which had no bfloat16: the bits stand there as uint16. */
    bool bits = value->kind == FERRY_VALUE_TENSOR && type->dtype == FERRY_BFLOAT16 && value->tensor.dtype == FERRY_UINT16;
    if (bits) value->tensor.dtype = FERRY_BFLOAT16;
    return FERRY_OK;
}

/* Tensors as the runtime wants them: aligned. */
static ferry_status align(session *run, ferry_value *value, ferry_arena *arena) {
    size_t bytes;
    if (value->kind != FERRY_VALUE_TENSOR) return FERRY_OK;
    if (!ferry_tensor_bytes(value->tensor.dtype, FERRY_LAYOUT_PLAIN, &value->tensor.shape, &bytes)) return FERRY_ERROR_SHAPE;
    unsigned char *memory = ferry_arena_allocate(arena, 1, bytes + FERRY_ALIGNMENT);
    if (!memory) return ferry_fail_memory(&run->error, bytes);
    memory += FERRY_ALIGNMENT - (uintptr_t)memory % FERRY_ALIGNMENT;
    if (bytes) memcpy(memory, value->tensor.data, bytes);
    value->tensor.data = memory;
    return FERRY_OK;
}

static ferry_status run_set(session *run, int set, ferry_arena *arena) {
    ferry_value *inputs = ferry_arena_allocate(arena, (size_t)run->input_count, sizeof *inputs);
    const ferry_value **pointers = ferry_arena_allocate(arena, (size_t)run->input_count, sizeof *pointers);
    if (!inputs || !pointers) return ferry_fail_memory(&run->error, 0);
    for (int i = 0; i < run->input_count; i++) {
        FERRY_TRY(read_file(run, set, "input", i, &run->inputs[i], arena, &inputs[i]));
        FERRY_TRY(align(run, &inputs[i], arena));
        pointers[i] = &inputs[i];
    }
    FERRY_TRY(ferry_frame_lend_inputs(run->frame, run->input_count, pointers, &run->error));
    FERRY_TRY(ferry_frame_plan(run->frame, &run->error));
    return ferry_frame_run(run->frame, &run->error);
}

static ferry_status compare_set(session *run, int set, ferry_arena *arena, case_result *result) {
    for (int i = 0; i < run->output_count; i++) {
        ferry_value expected;
        char why[256];
        const ferry_value *actual = &run->frame->values[run->frame->graph->outputs[i]].value;
        ferry_value_type type = run->outputs[i];
        type.kind = actual->kind;
        type.dtype = actual->tensor.dtype;
        FERRY_TRY(read_file(run, set, "output", i, &type, arena, &expected));
        if (values_agree(actual, &expected, &run->settings->tolerance, why, sizeof why)) continue;
        result->outcome = WRONG;
        snprintf(result->message, sizeof result->message, "output %d of set %d: %s", i, set, why);
        return FERRY_OK;
    }
    return FERRY_OK;
}

static bool has_set(const session *run, int set) {
    char path[4096];
    struct stat info;
    snprintf(path, sizeof path, "%s/test_data_set_%d", run->folder, set);
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static ferry_status run_all(session *run, case_result *result) {
    int budget = FERRY_MAX_FRAMES, sets = 0;
    FERRY_TRY(build(run));
    FERRY_TRY(ferry_frame_create(run->compiled.plan, run->compiled.plan->graphs[0], run->settings->features, NULL, &budget,
                                 &run->frame, &run->error));
    for (; has_set(run, sets) && result->outcome == PASSED; sets++) {
        ferry_arena arena = {0};
        ferry_status status = run_set(run, sets, &arena);
        if (status == FERRY_OK) status = compare_set(run, sets, &arena, result);
        ferry_arena_release(&arena);
        FERRY_TRY(status);
    }
    return sets ? FERRY_OK : ferry_fail(&run->error, FERRY_ERROR_NOT_FOUND, "no test_data_set_0");
}

void case_run(const char *folder, const case_settings *settings, case_result *result) {
    session run = {.settings = settings, .folder = folder};
    memset(result, 0, sizeof *result);
    ferry_status status = run_all(&run, result);
    if (status != FERRY_OK) {
        result->outcome = status == FERRY_ERROR_UNSUPPORTED ? UNSUPPORTED : FAILED;
        snprintf(result->message, sizeof result->message, "%s: %.440s", ferry_status_name(status), run.error.message);
    }
    ferry_frame_destroy(run.frame);
    ferry_compiled_release(&run.compiled);
    ferry_arena_release(&run.arena);
}
