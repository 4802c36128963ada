/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/compile.h"

#include "base/cpu.h"
#include "engine/file.h"
#include "passes/passes.h"

static void tell(const ferry_compile_settings *settings, const char *stage, int64_t done, int64_t total) {
    if (settings->progress) settings->progress(settings->user, stage, done, total);
}

static ferry_status optimise(ferry_graph *graph, const ferry_compile_settings *settings, ferry_error *error) {
    int changes = 0;
    tell(settings, "simplify", 0, 1);
    FERRY_TRY(ferry_pass_widen(graph, &changes, error));
    if (changes)
        ferry_log_write(settings->log, FERRY_LOG_INFO, "half-precision tensors are computed in float32 on this device");
    FERRY_TRY(ferry_passes_run(graph, FERRY_PASS_FUSE, settings->log, error));
    tell(settings, "simplify", 1, 1);
    return FERRY_OK;
}

static ferry_status choose_all(ferry_graph *graph, const ferry_compile_settings *settings, ferry_choices *choices,
                               ferry_error *error) {
    ferry_tuner *tuner;
    FERRY_TRY(ferry_tuner_create(settings, &tuner, error));
    ferry_status status = ferry_choose(graph, settings, tuner, choices, error);
    for (size_t i = 0; i < graph->bodies.count && status == FERRY_OK; i++)
        status = ferry_choose(graph->bodies.items[i], settings, tuner, choices, error);
    ferry_tuner_destroy(tuner);
    return status;
}

ferry_status ferry_compile(ferry_graph *graph, const ferry_compile_settings *settings, ferry_compiled *compiled,
                           ferry_error *error) {
    *compiled = (ferry_compiled){0};
    ferry_choices choices = {0};
    ferry_status status = optimise(graph, settings, error);
    if (status == FERRY_OK) status = choose_all(graph, settings, &choices, error);
    if (status == FERRY_OK) status = ferry_emit(graph, settings, &choices, compiled, error);
    ferry_vector_free(&choices.items);
    if (status != FERRY_OK) ferry_compiled_release(compiled);
    return status;
}

void ferry_compiled_release(ferry_compiled *compiled) {
    ferry_plan_destroy(compiled->plan);
    ferry_aligned_free(compiled->weights);
    *compiled = (ferry_compiled){0};
}
