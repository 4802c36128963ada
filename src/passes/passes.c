/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/passes.h"

const ferry_pass ferry_passes[] = {
    {"fold-constants", FERRY_PASS_PLAIN, ferry_pass_fold_constants, "computes what depends on constants and fixed shapes only"},
    {"eliminate", FERRY_PASS_PLAIN, ferry_pass_eliminate, "removes operators that change nothing"},
    {"common-subexpressions", FERRY_PASS_PLAIN, ferry_pass_common_subexpressions, "computes equal things once"},
    {"lower-integer", FERRY_PASS_FUSE, ferry_pass_lower_integer, "computes integer convolutions by float kernels"},
    {"fold-affine", FERRY_PASS_PLAIN, ferry_pass_fold_affine, "folds batch norm, scales and biases into convolutions"},
    {"fold-padding", FERRY_PASS_PLAIN, ferry_pass_fold_padding, "folds zero padding into convolutions"},
    {"match-activations", FERRY_PASS_FUSE, ferry_pass_match_activations, "finds SiLU, HardSwish, Mish and GELU written out"},
    {"fuse-activation", FERRY_PASS_FUSE, ferry_pass_fuse_activation, "makes activations part of the layer before"},
    {"fuse-residual", FERRY_PASS_FUSE, ferry_pass_fuse_residual, "makes a residual addition part of the convolution"},
    {"fuse-head", FERRY_PASS_FUSE, ferry_pass_fuse_head, "makes the end of an anchor-based detector one step"},
    {"dead-code", FERRY_PASS_PLAIN, ferry_pass_dead_code, "drops what no output needs"},
};
const int ferry_pass_count = sizeof ferry_passes / sizeof *ferry_passes;

enum { MAX_ROUNDS = 32 };

static ferry_status run_graph(ferry_graph *graph, ferry_pass_level level, const ferry_log *log, ferry_error *error) {
    for (int round = 0; round < MAX_ROUNDS; round++) {
        int total = 0;
        for (int i = 0; i < ferry_pass_count; i++) {
            if (ferry_passes[i].level > level) continue;
            int changes = 0;
            ferry_status status = ferry_passes[i].run(graph, &changes, error);
            if (status != FERRY_OK) {
                ferry_error_prefix(error, "pass %s: ", ferry_passes[i].name);
                return status;
            }
            ferry_graph_compact(graph);
            if (changes) ferry_log_write(log, FERRY_LOG_VERBOSE, "%s: %d changes", ferry_passes[i].name, changes);
            total += changes;
        }
        if (total == 0) break;
    }
    FERRY_TRY(ferry_graph_sort(graph, error));
    return ferry_graph_verify(graph, error);
}

ferry_status ferry_passes_run(ferry_graph *graph, ferry_pass_level level, const ferry_log *log, ferry_error *error) {
    FERRY_TRY(run_graph(graph, level, log, error));
    for (size_t i = 0; i < graph->bodies.count; i++) FERRY_TRY(run_graph(graph->bodies.items[i], level, log, error));
    return FERRY_OK;
}
