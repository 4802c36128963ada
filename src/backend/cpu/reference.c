/* SPDX-License-Identifier: Apache-2.0 */
/* Last in every list: the operator's reference evaluation. Accepts whatever the operator table knows, in plain layout. */
#include "backend/cpu/cpu.h"

static bool accepts(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    (void)inputs; /* PLAIN everywhere, as they come */
    (void)outputs;
    if (!call->op->evaluate) return ferry_reject(reason, "%s has no reference evaluation", call->op->name);
    return true;
}

static ferry_status run(ferry_call *call) {
    ferry_arena scratch = {0};
    ferry_evaluation evaluation = {
        .op = call->op,
        .attributes = call->attributes,
        .input_count = call->input_count,
        .output_count = call->output_count,
        .inputs = call->inputs,
        .outputs = call->outputs,
        .scratch = &scratch,
        .error = call->error,
    };
    if (call->runtime) {
        evaluation.allocate = call->runtime->allocate;
        evaluation.run_graph = call->runtime->run_graph;
        evaluation.user = call->runtime->user;
        evaluation.random = call->runtime->random;
    }
    ferry_status status = call->op->evaluate(&evaluation);
    ferry_arena_release(&scratch);
    return status;
}

static const ferry_implementation reference = {.name = "reference", .accepts = accepts, .run = run};
static const ferry_implementation allocating = {
    .name = "reference", .flags = FERRY_IMPLEMENTATION_ALLOCATES, .accepts = accepts, .run = run};

const ferry_implementation *ferry_cpu_reference_for(const ferry_op *op) {
    if (!op->evaluate) return NULL;
    return op->flags & (FERRY_OP_DATA_DEPENDENT | FERRY_OP_NOT_FOLDABLE) ? &allocating : &reference;
}
