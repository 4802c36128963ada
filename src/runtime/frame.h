/* SPDX-License-Identifier: Apache-2.0 */
/* A frame: one graph of a plan made ready to run: its values, its nodes bound to implementations, its memory. A context is the
 * frame of the main graph; bodies of control flow have frames of their own inside the frame that calls them.
 *
 * Planning walks the nodes once: infers shapes, computes small shape tensors at once, prepares implementations, lets values
 * share memory and gives every buffer its place. Nodes whose shapes depend on contents are deferred: they are inferred, given
 * memory and prepared while running. Only deferred nodes allocate during a run. */
#ifndef FERRY_RUNTIME_FRAME_H
#define FERRY_RUNTIME_FRAME_H

#include "backend/backend.h"
#include "backend/cpu/cpu.h"
#include "engine/plan.h"

typedef struct ferry_frame ferry_frame;

typedef struct ferry_frame_value {
    ferry_value value;
    const ferry_plan_value *plan;
    bool shaped;         /* the shape is known before the run */
    bool contents;       /* data is known before the run: constants and early results */
    void *bound;         /* the caller's memory, aligned to FERRY_ALIGNMENT, or NULL */
    size_t bytes;        /* of the tensor, when shaped */
    int32_t first, last; /* nodes between which it lives; inputs from -1, outputs to node_count */
    int32_t root;        /* the value in whose buffer it lies; itself for a buffer of its own; see memory.c */
    size_t offset;       /* within the root's buffer, or of the buffer within the frame's memory */
    bool pinned;         /* may not share: inputs and constants */
    bool is_output;
} ferry_frame_value;

typedef struct ferry_frame_node {
    const ferry_plan_node *plan;
    const ferry_implementation *implementation;
    ferry_call call;
    bool done;     /* computed while planning */
    bool deferred; /* shapes are known only when running */
    uint64_t runs, total_ns, min_ns;
} ferry_frame_node;

struct ferry_frame {
    const ferry_plan *plan;
    const ferry_plan_graph *graph;
    uint32_t features;
    ferry_pool *pool; /* not owned */
    ferry_frame_value *values;
    ferry_frame_node *nodes;
    ferry_arena arena;       /* tables and states: lives as long as the frame */
    ferry_arena shape_arena; /* early results and inference: released at each planning */
    ferry_arena run_arena;   /* inference of deferred nodes: released at each run */
    unsigned char *memory;   /* activations and workspace */
    size_t memory_bytes, activation_bytes, workspace_bytes;
    FERRY_VECTOR(void *) heap; /* memory of deferred outputs, released at the next run */
    FERRY_VECTOR(ferry_frame *) bodies;
    struct ferry_call_runtime runtime;
    uint64_t random;
    bool planned, profile;
};

/* How many frames of bodies a plan may make in all: a hostile plan could nest them exponentially. */
enum { FERRY_MAX_FRAMES = 4096 };

/* features: of this CPU. budget counts frames down across the recursion. The plan must outlive the frame. */
ferry_status ferry_frame_create(const ferry_plan *plan, const ferry_plan_graph *graph, uint32_t features, ferry_pool *pool,
                                int *budget, ferry_frame **frame, ferry_error *error);
void ferry_frame_destroy(ferry_frame *frame); /* takes NULL */

/* Sets the shape of input `index`; the frame must be planned anew afterwards if it changed. */
ferry_status ferry_frame_set_shape(ferry_frame *frame, int index, const ferry_shape *shape, ferry_error *error);
/* Sets all inputs to values of the caller's, sequences and optionals too (NULL: an absent optional); tensors must be aligned to
 * FERRY_ALIGNMENT. Nothing is copied: they must stay until the run is over. The frame must be planned anew when `planned` is
 * false afterwards. */
ferry_status ferry_frame_lend_inputs(ferry_frame *frame, int count, const ferry_value *const *inputs, ferry_error *error);
/* Whether every input has a shape. */
bool ferry_frame_shaped(const ferry_frame *frame);
ferry_status ferry_frame_plan(ferry_frame *frame, ferry_error *error);
ferry_status ferry_frame_run(ferry_frame *frame, ferry_error *error);

/* Parts of planning and running, in files of their own. */
ferry_status ferry_frame_infer_node(ferry_frame *frame, ferry_frame_node *node, bool running, bool *known, ferry_error *error);
ferry_status ferry_frame_plan_shapes(ferry_frame *frame, ferry_error *error);
ferry_status ferry_frame_plan_memory(ferry_frame *frame, ferry_error *error);
/* Points every planned value at its memory; again after a change of `bound`. */
void ferry_frame_point(ferry_frame *frame);
ferry_status ferry_frame_allocate(ferry_frame *frame, size_t bytes, void **memory, ferry_error *error);

#endif
