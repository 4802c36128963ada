/* SPDX-License-Identifier: Apache-2.0 */
/* From an optimised graph to a plan: implementations and layouts chosen, weights packed. */
#ifndef FERRY_COMPILE_COMPILE_H
#define FERRY_COMPILE_COMPILE_H

#include "backend/backend.h"
#include "base/log.h"
#include "engine/plan.h"
#include "ir/graph.h"

typedef enum ferry_tune_level {
    FERRY_TUNE_LEVEL_OFF = 0,
    FERRY_TUNE_LEVEL_FAST = 1,
    FERRY_TUNE_LEVEL_FULL = 2
} ferry_tune_level;

typedef struct ferry_compile_settings {
    uint32_t features; /* of the target */
    int threads;       /* that the engine is tuned for; 0 = one a processor */
    ferry_tune_level tune;
    const char *timing_cache; /* path, or NULL */
    bool allow_lossy;
    const ferry_log *log;
    void (*progress)(void *user, const char *stage, int64_t done, int64_t total); /* may be NULL */
    void *user;
    const char *producer;
} ferry_compile_settings;

/* A plan and the memory of its weights. */
typedef struct ferry_compiled {
    ferry_plan *plan;
    unsigned char *weights; /* from ferry_aligned_malloc */
} ferry_compiled;

/* Runs all passes on the graph (which is changed) and compiles it. */
ferry_status ferry_compile(ferry_graph *graph, const ferry_compile_settings *settings, ferry_compiled *compiled,
                           ferry_error *error);
void ferry_compiled_release(ferry_compiled *compiled);

/* ---- parts, in files of their own ---- */

/* What was chosen for a node; kept in an array that node->index points into. */
typedef struct ferry_choice {
    const ferry_implementation *implementation;
    size_t packed_bytes;
} ferry_choice;

typedef struct ferry_choices {
    FERRY_VECTOR(ferry_choice) items;
} ferry_choices;

/* A node as a ferry_call, with memory of its own in an arena. Symbolic dimensions become -1, as does an unknown rank. */
ferry_status ferry_make_call(const ferry_graph_node *node, const ferry_compile_settings *settings, ferry_arena *arena,
                             ferry_call *call, ferry_error *error);

typedef struct ferry_tuner ferry_tuner;
ferry_status ferry_tuner_create(const ferry_compile_settings *settings, ferry_tuner **tuner, ferry_error *error);
/* Saves the timing cache, if there is one and it grew; a cache that cannot be written is told in the log. Takes NULL. */
void ferry_tuner_destroy(ferry_tuner *tuner);
/* The best of the candidates (all with the layouts `inputs` and `outputs`), timed on the real shape where that is known; else
 * the first. `node` for the log. */
const ferry_implementation *ferry_tuner_choose(ferry_tuner *tuner, const ferry_graph_node *node, const ferry_layout *inputs,
                                               const ferry_layout *outputs, const ferry_implementation *const *candidates,
                                               int count);

/* Chooses for every node of the graph, in order, and inserts Reorder where layouts differ. Nodes end up numbered (node->index)
 * by their place in `choices`. */
ferry_status ferry_choose(ferry_graph *graph, const ferry_compile_settings *settings, ferry_tuner *tuner,
                          ferry_choices *choices, ferry_error *error);
/* Packs and writes the plan. */
ferry_status ferry_emit(ferry_graph *graph, const ferry_compile_settings *settings, const ferry_choices *choices,
                        ferry_compiled *compiled, ferry_error *error);

#endif
