/* SPDX-License-Identifier: Apache-2.0 */
/* The importer's own structs: scopes of names, and what import.c, nodes.c and bodies.c ask of each other. */
#ifndef FERRY_ONNX_IMPORT_H
#define FERRY_ONNX_IMPORT_H

#include "onnx/onnx.h"
#include "onnx/opset.h"
#include "onnx/source.h"
#include "onnx/types.h"

/* Inlined functions nest at most so deep, and inlining makes at most so many nodes: a few lines of functions that call
 * functions could otherwise fill any memory. */
enum { FERRY_ONNX_MAX_CALLS = 32, FERRY_ONNX_MAX_INLINED = 1 << 18 };

typedef struct ferry_importer {
    ferry_onnx_model model;
    ferry_onnx_source *source;
    ferry_onnx_report *report;
    ferry_arena arena; /* the decoded model and everything else that ends with the import */
    int64_t inlined;   /* nodes that came from functions */
    ferry_error *error;
} ferry_importer;

/* An outer value that a body reads, and the input through which it comes. */
typedef struct ferry_capture {
    ferry_graph_value *outer, *inner;
} ferry_capture;

/* Where names mean something: a graph, a body or a function that is being inlined. */
typedef struct ferry_scope {
    ferry_importer *importer;
    ferry_graph *graph;         /* a function shares its caller's */
    struct ferry_scope *parent; /* of a body: where it looks names up that it does not know; else NULL */
    const ferry_onnx_opsets *opsets;
    const char *prefix; /* of names in the graph; "" or "call/" */
    ferry_map names;    /* to indices of `values` */
    FERRY_VECTOR(ferry_graph_value *) values;
    FERRY_VECTOR(ferry_capture) captures;
    const ferry_onnx_graph *declared; /* whose value_info may be believed, with their names in `claims`; NULL: none */
    ferry_map claims;                 /* to indices of declared->value_infos, then of declared->outputs */
    /* of a function, and of the bodies in it: */
    const ferry_onnx_function *function;
    const ferry_onnx_node *call;
    struct ferry_scope *caller; /* the scope in which `call` stands */
    const char **output_names;  /* of a function: the names in the graph that the call's outputs have */
    int depth;                  /* of calls */
} ferry_scope;

void ferry_scope_free(ferry_scope *scope);
/* FERRY_ERROR_FORMAT when the scope has the name already. value may be NULL: an absent input of a function. */
ferry_status ferry_scope_bind(ferry_scope *scope, const char *name, ferry_graph_value *value);
/* What a name stands for; in bodies, outer values are captured. *value is NULL (and found false) when nothing has the name. */
ferry_status ferry_scope_find(ferry_scope *scope, const char *name, ferry_graph_value **value, bool *found);
/* The name that a value of the scope gets in the graph. The memory is the importer's arena's. */
ferry_status ferry_scope_graph_name(ferry_scope *scope, const char *name, const char **graph_name);

/* import.c: initialisers, nodes in order, for graphs and bodies alike; inputs are bound before. */
ferry_status ferry_import_contents(ferry_scope *scope, const ferry_onnx_graph *graph);
ferry_status ferry_import_nodes(ferry_scope *scope, const ferry_onnx_node *nodes, size_t count);
ferry_status ferry_import_warn(ferry_importer *importer, const char *format, ...) FERRY_PRINTF(2, 3);
/* Joins what the model declares of a value that was just made with what inference found. */
ferry_status ferry_import_claim(ferry_scope *scope, const char *name, ferry_graph_value *value);

/* nodes.c */
ferry_status ferry_import_node(ferry_scope *scope, const ferry_onnx_node *node);

/* bodies.c: a graph attribute becomes a closed graph. captures: the bodies' scopes, in step with `bodies`. */
ferry_status ferry_import_body(ferry_scope *scope, const ferry_onnx_graph *graph, ferry_scope *body, ferry_graph **result);
/* Gives all bodies of one node the same captured inputs, in the same order, and appends the outer values to `inputs`. */
ferry_status ferry_import_join_captures(ferry_scope *scope, ferry_scope *bodies, size_t count, ferry_onnx_call *call);
/* A call of one of the model's functions, inlined. */
ferry_status ferry_import_function(ferry_scope *scope, const ferry_onnx_function *function, const ferry_onnx_node *node);

#endif
