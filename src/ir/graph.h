/* SPDX-License-Identifier: Apache-2.0 */
/* The graph that importers build and passes change. Values are written once (SSA); nodes stand in topological order. All
 * memory belongs to the graph's arena, so nothing is freed one by one. A graph is used by one thread at a time. */
#ifndef FERRY_IR_GRAPH_H
#define FERRY_IR_GRAPH_H

#include "base/map.h"
#include "ops/ops.h"

typedef struct ferry_graph ferry_graph;
typedef struct ferry_graph_node ferry_graph_node;
typedef struct ferry_graph_value ferry_graph_value;

typedef struct ferry_use {
    ferry_graph_node *node;
    int input;
} ferry_use;

struct ferry_graph_value {
    const char *name;           /* unique in its graph, never empty */
    ferry_value_type type;      /* `data` is set for constants */
    ferry_layout layout;        /* PLAIN until the compiler assigns layouts */
    ferry_graph_node *producer; /* NULL for graph inputs and constants */
    int producer_output;
    FERRY_VECTOR(ferry_use) uses; /* by nodes of the same graph */
    bool is_output;               /* of the graph */
    int32_t index;                /* scratch for passes and the compiler */
};

struct ferry_graph_node {
    const char *name; /* unique in its graph; made up where the model has none */
    const ferry_op *op;
    ferry_attributes attributes;
    int input_count, output_count;
    ferry_graph_value **inputs;  /* NULL for absent optional inputs */
    ferry_graph_value **outputs; /* NULL for outputs that nobody named */
    bool removed;
    int32_t index; /* scratch */
};

/* A named string that travels with the model: metadata_props of ONNX. */
typedef struct ferry_metadata {
    const char *key, *value;
} ferry_metadata;

struct ferry_graph {
    ferry_arena arena;
    const char *name;
    FERRY_VECTOR(ferry_graph_node *) nodes; /* removed nodes stay until ferry_graph_compact */
    FERRY_VECTOR(ferry_graph_value *) values;
    FERRY_VECTOR(ferry_graph_value *) inputs;
    FERRY_VECTOR(ferry_graph_value *) outputs;
    FERRY_VECTOR(ferry_metadata) metadata;
    ferry_map value_names, node_names;
    ferry_symbols *symbols;             /* shared by a graph and its sub-graphs; owned by the outermost */
    FERRY_VECTOR(ferry_graph *) bodies; /* of the outermost graph: every sub-graph made for it */
    ferry_graph *parent; /* of a sub-graph. Sub-graphs are closed: what a body captures from outside is passed as extra
                            inputs at the end of the node's inputs and of the body's inputs */
    /* Large constants may lie outside the arena, in the file that the importer mapped; released with the graph. */
    void (*release_source)(void *source);
    void *source;
};

ferry_status ferry_graph_create(const char *name, ferry_graph **graph, ferry_error *error);
/* A body for an If, Loop or Scan: belongs to the parent and dies with it. */
ferry_status ferry_graph_create_body(ferry_graph *parent, const char *name, ferry_graph **graph, ferry_error *error);
void ferry_graph_destroy(ferry_graph *graph); /* takes NULL; refuses nothing: sub-graphs go with their outermost graph */

/* ---- building ---- */

/* A new value. The name is copied; NULL or "" makes one up from `hint`; a name that is taken is an error of the model. */
ferry_status ferry_graph_add_value(ferry_graph *graph, const char *name, const ferry_value_type *type,
                                   ferry_graph_value **value, ferry_error *error);
ferry_status ferry_graph_add_input(ferry_graph *graph, const char *name, const ferry_value_type *type,
                                   ferry_graph_value **value, ferry_error *error);
/* A constant. copy: the tensor's bytes are copied into the arena; otherwise they must outlive the graph. PLAIN only. */
ferry_status ferry_graph_add_constant(ferry_graph *graph, const char *name, const ferry_tensor *tensor, bool copy,
                                      ferry_graph_value **value, ferry_error *error);
ferry_status ferry_graph_mark_output(ferry_graph *graph, ferry_graph_value *value, ferry_error *error);
ferry_graph_value *ferry_graph_find(const ferry_graph *graph, const char *name); /* NULL when there is none */

/* Appends a node (or puts it before `before`, if that is not NULL). Inputs may hold NULL. Outputs: each entry an existing value
 * without producer, or NULL for an unused output. Attributes are copied deeply, graphs excepted. Verifies arity and attribute
 * types; does not infer. */
ferry_status ferry_graph_add_node(ferry_graph *graph, const char *name, const ferry_op *op, const ferry_attributes *attributes,
                                  int input_count, ferry_graph_value *const *inputs, int output_count,
                                  ferry_graph_value *const *outputs, ferry_graph_node *before, ferry_graph_node **node,
                                  ferry_error *error);
/* The common case of a pass: one new output value named after `hint`, types inferred at once. */
ferry_status ferry_graph_insert(ferry_graph *graph, const ferry_op *op, const ferry_attributes *attributes, int input_count,
                                ferry_graph_value *const *inputs, const char *hint, ferry_graph_node *before,
                                ferry_graph_value **output, ferry_error *error);

ferry_status ferry_graph_add_metadata(ferry_graph *graph, const char *key, const char *value, ferry_error *error);
const char *ferry_graph_metadata(const ferry_graph *graph, const char *key); /* NULL when absent */

/* ---- changing ---- */

ferry_status ferry_node_set_input(ferry_graph_node *node, int index, ferry_graph_value *value, ferry_error *error);
ferry_status ferry_node_add_input(ferry_graph *graph, ferry_graph_node *node, ferry_graph_value *value, ferry_error *error);
ferry_status ferry_node_set_attribute(ferry_graph *graph, ferry_graph_node *node, const ferry_attribute *attribute,
                                      ferry_error *error);
void ferry_node_remove_attribute(ferry_graph_node *node, const char *name);
/* Every use of `from` (graph outputs too, which then keep from's name) becomes a use of `to`. */
ferry_status ferry_graph_replace_uses(ferry_graph *graph, ferry_graph_value *from, ferry_graph_value *to, ferry_error *error);
/* Takes a node out; its outputs must have no uses left. */
void ferry_graph_remove_node(ferry_graph *graph, ferry_graph_node *node);
/* Drops removed nodes from the list, and values that nothing makes or uses. */
void ferry_graph_compact(ferry_graph *graph);
/* Sorts nodes topologically (stable). FERRY_ERROR_FORMAT names a node of a cycle or one with a dangling input. */
ferry_status ferry_graph_sort(ferry_graph *graph, ferry_error *error);

/* ---- asking ---- */

static inline bool ferry_value_is_constant(const ferry_graph_value *value) { return value && value->type.data != NULL; }
static inline bool ferry_node_is(const ferry_graph_node *node, ferry_op_index op) {
    return node && !node->removed && ferry_op_index_of(node->op) == op;
}
/* The contents of a constant as a tensor view; data is NULL when the value is not constant. */
ferry_tensor ferry_value_tensor(const ferry_graph_value *value);
/* The single node that uses the value when it has exactly one use and is no graph output; else NULL. */
ferry_graph_node *ferry_value_single_user(const ferry_graph_value *value);

/* ---- inference and checks ---- */

/* Infers a node's outputs from its inputs, joining with what the model claims; a contradiction is FERRY_ERROR_SHAPE. */
ferry_status ferry_node_infer(ferry_graph *graph, ferry_graph_node *node, ferry_error *error);
ferry_status ferry_graph_infer(ferry_graph *graph, ferry_error *error); /* all nodes in order; messages name the node */
/* Structure: order, single producers, uses in step with inputs, arity, attributes, outputs known. For tests and after passes.
 */
ferry_status ferry_graph_verify(const ferry_graph *graph, ferry_error *error);
/* Gives inputs concrete dimensions: `name` of an input, and its shape. Call before ferry_graph_infer. */
ferry_status ferry_graph_set_input_shape(ferry_graph *graph, const char *name, const ferry_shape *shape, ferry_error *error);

#endif
