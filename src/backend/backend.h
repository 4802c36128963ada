/* SPDX-License-Identifier: Apache-2.0 */
/* What a device offers: for every operator an ordered list of implementations, best first, the reference last. The compiler
 * asks each whether it accepts a node, lets it pack the constants, and writes its name into the plan; the runtime finds it by
 * that name, prepares it for concrete shapes and runs it. */
#ifndef FERRY_BACKEND_BACKEND_H
#define FERRY_BACKEND_BACKEND_H

#include "base/cpu.h"
#include "base/pool.h"
#include "ops/ops.h"

/* A node as an implementation sees it, at build and at run time. */
typedef struct ferry_call {
    const ferry_op *op;
    const ferry_attributes *attributes;
    int input_count, output_count;
    /* Tensors: dtype, layout and shape are set. At build a dimension that is not known yet is -1 (and the rank of a value of
     * unknown rank is -1), and `data` is set for constants only. From prepare on all shapes are known; from run on all data. A
     * constant that was packed has data NULL. NULL entries are absent optional inputs, or outputs that nobody wants. */
    const ferry_value *const *inputs;
    ferry_value *const *outputs;
    const void *packed; /* what `pack` wrote, aligned to FERRY_ALIGNMENT; NULL when packed_bytes gave 0 */
    size_t packed_bytes;
    uint32_t features;      /* of the CPU, or of the target at build */
    int threads;            /* how many the pool has */
    ferry_pool *pool;       /* set for run */
    void *state;            /* state_bytes of memory, zeroed before the first prepare; kept between prepare and run */
    void *workspace;        /* set for run: workspace_bytes, aligned, contents undefined; shared with other nodes */
    size_t workspace_bytes; /* prepare sets it */
    ferry_error *error;
    struct ferry_call_runtime *runtime; /* the runtime's own; see backend/cpu/reference.c */
} ferry_call;

static inline const ferry_tensor *ferry_call_input(const ferry_call *call, int index) {
    return index < call->input_count && call->inputs[index] ? &call->inputs[index]->tensor : NULL;
}
static inline ferry_tensor *ferry_call_output(const ferry_call *call, int index) {
    return index < call->output_count && call->outputs[index] ? &call->outputs[index]->tensor : NULL;
}

/* Why an implementation does not apply, for --verbose. */
typedef struct ferry_reason {
    char text[160];
} ferry_reason;
/* Writes the reason and returns false: `return ferry_reject(reason, "group %d", group)`. */
bool ferry_reject(ferry_reason *reason, const char *format, ...) FERRY_PRINTF(2, 3);

enum {
    /* Output 0 may share memory with an input of the same bytes that nobody reads afterwards. */
    FERRY_IMPLEMENTATION_IN_PLACE = 1 << 0,
    /* run has nothing to do when output 0's data is input 0's data (Reshape and its kin): the runtime lets them share. */
    FERRY_IMPLEMENTATION_VIEW = 1 << 1,
    /* Output shapes are known only by running: the function allocates its outputs (reference implementations only). */
    FERRY_IMPLEMENTATION_ALLOCATES = 1 << 2
};

typedef struct ferry_implementation {
    const char *name;  /* unique: "conv.direct.avx2" */
    uint32_t features; /* FERRY_CPU_* bits that it needs */
    unsigned flags;
    size_t state_bytes;
    uint64_t packed_inputs; /* bit i: input i's contents are not needed once packed */

    /* Build. May it run this node? Looks at op attributes, dtypes, constants, ranks, known dimensions and the layouts in which
     * the inputs come. On true it has set, for every input, the layout that it wants (the compiler inserts Reorder where that
     * differs), and for every output the layout that it writes; both arrays come filled with PLAIN. On false it has said why.
     */
    bool (*accepts)(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason);
    /* Build; both may be NULL. Sees the constants. */
    size_t (*packed_bytes)(const ferry_call *call);
    void (*pack)(const ferry_call *call, void *packed); /* memory is zeroed */
    /* Build; may be NULL. Estimated time in arbitrary but consistent units (about nanoseconds), to order candidates. */
    double (*cost)(const ferry_call *call);

    /* Run. prepare: shapes known, called when a context is made and after each change of shapes; fills state, sets
     * workspace_bytes, checks; NULL = nothing to do. It must not allocate. run: computes outputs; must not allocate. */
    ferry_status (*prepare)(ferry_call *call);
    ferry_status (*run)(ferry_call *call);

    /* May be NULL. For nodes that only join or cut (Concat, Split, Slice): the byte offset at which part `index` (an input of a
     * join, an output of a cut) lies as one piece inside the whole, for the call's shapes and layouts; false when it is not one
     * piece. When all parts lie in the whole, run copies nothing for those whose data already is in place. */
    bool (*part)(const ferry_call *call, int index, size_t *offset);
    bool joins; /* `part` speaks of inputs inside output 0; otherwise of outputs inside input 0 */
} ferry_implementation;

typedef struct ferry_backend {
    const char *name; /* "cpu" */
    /* The i-th implementation of an operator in order of preference, or NULL behind the last. */
    const ferry_implementation *(*implementation)(const ferry_op *op, int index);
} ferry_backend;

const ferry_backend *ferry_cpu_backend(void);
/* NULL when the backend has no implementation of that name for the operator. */
const ferry_implementation *ferry_backend_find(const ferry_backend *backend, const ferry_op *op, const char *name);

/* The channel block that a CPU with these features works in: c16 with AVX-512, c8 with AVX2, else c4. */
ferry_layout ferry_cpu_block_layout(uint32_t features);

/* Splits [0, count) over the pool in about threads*4 ranges of at least `grain` and calls body(user, first, last, thread). */
typedef void (*ferry_range_body)(void *user, int64_t first, int64_t last, int thread);
void ferry_parallel_ranges(ferry_pool *pool, int64_t count, int64_t grain, ferry_range_body body, void *user);

#endif
