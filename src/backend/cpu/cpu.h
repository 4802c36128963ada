/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the CPU backend. */
#ifndef FERRY_BACKEND_CPU_CPU_H
#define FERRY_BACKEND_CPU_CPU_H

#include "backend/backend.h"

/* The scalar evaluation of ops.def as an implementation, for operators that have one; NULL otherwise. */
const ferry_implementation *ferry_cpu_reference_for(const ferry_op *op);

/* What the runtime lends to reference implementations: memory for outputs of unknown shape, scratch, sub-graphs, randomness. */
struct ferry_call_runtime {
    ferry_status (*allocate)(ferry_evaluation *evaluation, size_t bytes, void **memory);
    ferry_status (*run_graph)(ferry_evaluation *evaluation, void *graph, int input_count, const ferry_value *const *inputs,
                              int output_count, const ferry_value **outputs);
    void *user; /* becomes evaluation->user */
    uint64_t *random;
};

#endif
