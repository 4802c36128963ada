/* SPDX-License-Identifier: Apache-2.0 */
/* Rewriting of graphs. One file a pass, one ordered table; each pass takes a graph whose types are inferred, leaves it so, and
 * says how much it changed. None changes what the model computes, beyond rounding in float arithmetic. */
#ifndef FERRY_PASSES_PASSES_H
#define FERRY_PASSES_PASSES_H

#include "base/log.h"
#include "ir/graph.h"

/* Which passes run. PLAIN keeps to standard ONNX operators (for `simplify`); FUSE adds what only Ferry's operators can say. */
typedef enum ferry_pass_level { FERRY_PASS_PLAIN = 0, FERRY_PASS_FUSE = 1 } ferry_pass_level;

typedef ferry_status (*ferry_pass_function)(ferry_graph *graph, int *changes, ferry_error *error);

typedef struct ferry_pass {
    const char *name;
    ferry_pass_level level;
    ferry_pass_function run;
    const char *purpose;
} ferry_pass;

extern const ferry_pass ferry_passes[];
extern const int ferry_pass_count;

/* Runs the table over and over until nothing changes; then compacts, sorts and verifies. Bodies of control flow too. */
ferry_status ferry_passes_run(ferry_graph *graph, ferry_pass_level level, const ferry_log *log, ferry_error *error);

/* Computes float16 and bfloat16 in float32: constants widen, inputs and outputs keep their types through a Cast. For devices
 * without narrow arithmetic. Run once, before the others. */
ferry_status ferry_pass_widen(ferry_graph *graph, int *changes, ferry_error *error);

ferry_status ferry_pass_fold_constants(ferry_graph *graph, int *changes, ferry_error *error);
ferry_status ferry_pass_eliminate(ferry_graph *graph, int *changes, ferry_error *error);
ferry_status ferry_pass_common_subexpressions(ferry_graph *graph, int *changes, ferry_error *error);
ferry_status ferry_pass_dead_code(ferry_graph *graph, int *changes, ferry_error *error);
ferry_status ferry_pass_fold_affine(ferry_graph *graph, int *changes, ferry_error *error);
ferry_status ferry_pass_fold_padding(ferry_graph *graph, int *changes, ferry_error *error);
ferry_status ferry_pass_match_activations(ferry_graph *graph, int *changes, ferry_error *error);
ferry_status ferry_pass_fuse_activation(ferry_graph *graph, int *changes, ferry_error *error);
ferry_status ferry_pass_lower_integer(ferry_graph *graph, int *changes, ferry_error *error);
ferry_status ferry_pass_fuse_head(ferry_graph *graph, int *changes, ferry_error *error);
ferry_status ferry_pass_fuse_residual(ferry_graph *graph, int *changes, ferry_error *error);

#endif
