/* SPDX-License-Identifier: Apache-2.0 */
/* The operators: one table of names, arity, attributes, shape rules and reference evaluations. The IR and its importer, the
 * verifier, constant folding, the runtime's re-planning, the last-resort implementation and the docs all read this table.
 *
 * Semantics are those of the newest ONNX opset: the importer rewrites older forms (attributes that became inputs and so on).
 * Where an old form cannot be said in the new words, an internal attribute says it; internal attributes start with '_'. */
#ifndef FERRY_OPS_OPS_H
#define FERRY_OPS_OPS_H

#include "base/error.h"
#include "base/memory.h"
#include "ops/attribute.h"
#include "ops/symbols.h"
#include "tensor/tensor.h"

/* ---- values ---- */

typedef enum ferry_value_kind { FERRY_VALUE_TENSOR = 0, FERRY_VALUE_SEQUENCE = 1, FERRY_VALUE_OPTIONAL = 2 } ferry_value_kind;

/* What an operator reads and writes when it runs. SEQUENCE: `count` items. OPTIONAL: one item, or none. */
typedef struct ferry_value {
    ferry_value_kind kind;
    ferry_tensor tensor; /* kind TENSOR */
    struct ferry_value *items;
    int64_t count;
} ferry_value;

/* What is known of a value before it runs. */
typedef struct ferry_value_type {
    ferry_value_kind kind;
    ferry_dtype dtype;     /* of the tensor, or of a sequence's or optional's tensors; UNDEFINED = not known */
    bool ranked;           /* false: nothing is known of the shape */
    ferry_shape shape;     /* dimensions may be symbolic (ops/symbols.h) */
    const void *data;      /* contents in PLAIN layout when constant, else NULL */
    const int64_t *values; /* a tensor of rank 0 or 1 whose elements are known integers, perhaps symbolic (the dtype may still
                              be a float one, as in Cast(Shape(x))); else NULL */
    ferry_value_kind element_kind; /* of an OPTIONAL: what it may hold */
} ferry_value_type;

/* ---- shape inference ---- */

typedef struct ferry_op ferry_op;

typedef struct ferry_inference {
    const ferry_op *op;
    const ferry_attributes *attributes;
    int input_count, output_count;
    const ferry_value_type *const *inputs; /* NULL for an absent optional input */
    ferry_value_type *outputs;             /* zeroed; the rule fills dtype, ranked, shape, and values where it can */
    ferry_symbols *symbols;                /* NULL when everything is known */
    ferry_arena *arena;                    /* for `values` arrays; lives as long as the outputs */
    /* For operators with sub-graphs: infers graph (an attribute's) from input types to output types; NULL at run time. */
    ferry_status (*infer_graph)(struct ferry_inference *inference, void *graph, int input_count,
                                const ferry_value_type *const *inputs, int output_count, ferry_value_type *outputs);
    void *user;
    ferry_error *error;
} ferry_inference;

/* Reports FERRY_ERROR_SHAPE when types disagree. A rule that cannot know a shape leaves `ranked` false or a dimension
 * FERRY_DIM_UNKNOWN; it must know the dtype whenever the inputs' dtypes are known. Never allocates but from the arena. */
typedef ferry_status (*ferry_infer_function)(ferry_inference *inference);

/* ---- reference evaluation ---- */

typedef struct ferry_evaluation {
    const ferry_op *op;
    const ferry_attributes *attributes;
    int input_count, output_count;
    const ferry_value *const *inputs; /* NULL for absent ones; tensors are PLAIN */
    ferry_value *const *outputs; /* NULL for outputs nobody wants. Where inference knew the shape, dtype, shape and data are
                                    set and the function writes data; else data is NULL and it calls
                                    ferry_evaluation_allocate first */
    ferry_status (*allocate)(struct ferry_evaluation *evaluation, size_t bytes,
                             void **memory); /* lives as long as the outputs */
    ferry_arena *scratch;                    /* released after the call */
    /* Runs a sub-graph; `outputs` point at values that stay alive until the next call of run_graph on the same graph, or until
     * the evaluation returns. NULL where sub-graphs cannot run. */
    ferry_status (*run_graph)(struct ferry_evaluation *evaluation, void *graph, int input_count,
                              const ferry_value *const *inputs, int output_count, const ferry_value **outputs);
    void *user;
    uint64_t *random; /* state of the random generator */
    ferry_error *error;
} ferry_evaluation;

/* Scalar, single-threaded, every dtype that ONNX names for the operator. This is the definition that faster
 * implementations are compared with, the means of constant folding, and what runs when nothing faster accepts. */
typedef ferry_status (*ferry_evaluate_function)(ferry_evaluation *evaluation);

/* Sets outputs[index] to a tensor of this dtype and shape, with memory. Keeps memory that is there and large enough. */
ferry_status ferry_evaluation_allocate(ferry_evaluation *evaluation, int index, ferry_dtype dtype, const ferry_shape *shape);
/* Scratch memory, zeroed; NULL (and the error set) when there is none. */
void *ferry_evaluation_scratch(ferry_evaluation *evaluation, size_t count, size_t size);

static inline const ferry_tensor *ferry_input(const ferry_evaluation *evaluation, int index) {
    return index < evaluation->input_count && evaluation->inputs[index] ? &evaluation->inputs[index]->tensor : NULL;
}
static inline ferry_tensor *ferry_output(const ferry_evaluation *evaluation, int index) {
    return index < evaluation->output_count && evaluation->outputs[index] ? &evaluation->outputs[index]->tensor : NULL;
}

/* ---- the table ---- */

enum {
    FERRY_OP_ELEMENTWISE = 1 << 0, /* one element in, one out, at the same place (or broadcast) */
    FERRY_OP_COMMUTATIVE = 1 << 1,
    FERRY_OP_NOT_FOLDABLE = 1 << 2, /* random, stateful or has sub-graphs: never evaluated at build */
    FERRY_OP_VIEW = 1 << 3, /* output 0 has input 0's bytes in the same order: Reshape, Squeeze, Flatten, Identity ... */
    FERRY_OP_DATA_DEPENDENT =
        1 << 4,                  /* output shapes depend on the contents of inputs that are usually computed: NonZero ... */
    FERRY_OP_INTERNAL = 1 << 5,  /* ours, not ONNX's: Reorder ... */
    FERRY_OP_CONTAINERS = 1 << 6 /* takes sequences or optionals; every other operator is given tensors only */
};

enum { FERRY_MANY = 65535 }; /* no upper bound on inputs or outputs */

struct ferry_op {
    const char *name;   /* ONNX's name */
    const char *domain; /* "" for ai.onnx, "ai.onnx.ml", "com.microsoft" ... */
    int min_inputs, max_inputs, min_outputs, max_outputs;
    /* "axis:i=0 pads:I auto_pad:s=NOTSET then_branch:g! _flatten:i=0": name ':' type [= default | '!' required]. Types: i int,
     * f float, s string, I ints, F floats, S strings, t tensor, g graph. */
    const char *attributes;
    ferry_infer_function infer;
    ferry_evaluate_function evaluate; /* NULL only for operators that the runtime itself performs */
    unsigned flags;
};

/* Every operator has an index: FERRY_OP_Conv and so on, for switches. Not stable between versions; files hold names. */
typedef enum ferry_op_index {
#define FERRY_OP(name, ...) FERRY_OP_##name,
#include "ops/ops.def"
#undef FERRY_OP
    FERRY_OP_COUNT
} ferry_op_index;

extern const ferry_op ferry_ops[FERRY_OP_COUNT];

/* NULL when there is no such operator. Domain "ai.onnx" equals "". */
const ferry_op *ferry_op_find(const char *domain, const char *name);
static inline ferry_op_index ferry_op_index_of(const ferry_op *op) { return (ferry_op_index)(op - ferry_ops); }

/* Checks counts of inputs and outputs and the attributes' names and types against the table. */
ferry_status ferry_op_verify(const ferry_op *op, const ferry_attributes *attributes, int input_count, int output_count,
                             ferry_error *error);
/* Runs the shape rule with checks around it. */
ferry_status ferry_op_infer(ferry_inference *inference);

#endif
