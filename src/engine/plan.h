/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: what an engine file holds and the runtime executes. The compiler writes it once; nobody changes it afterwards, so
 * any number of contexts share one plan and its weights. */
#ifndef FERRY_ENGINE_PLAN_H
#define FERRY_ENGINE_PLAN_H

#include "ops/ops.h"

typedef enum ferry_plan_storage {
    FERRY_STORAGE_COMPUTED = 0, /* an activation, or an input */
    FERRY_STORAGE_WEIGHTS = 1,  /* a constant at `offset` of the weights section */
    FERRY_STORAGE_PACKED = 2    /* a constant whose contents live on only in a node's packed weights */
} ferry_plan_storage;

typedef struct ferry_plan_value {
    const char *name;
    ferry_value_kind kind;
    ferry_dtype dtype; /* UNDEFINED when only running tells */
    ferry_layout layout;
    ferry_plan_storage storage;
    bool ranked;
    ferry_shape shape;      /* -1 for a dimension that depends on the inputs' shapes or contents */
    const char **dim_names; /* NULL, or `rank` entries, NULL where the dimension is known: for inputs and outputs */
    uint64_t offset, bytes; /* WEIGHTS */
    const void *data;       /* resolved when the plan is opened */
} ferry_plan_value;

typedef struct ferry_plan_node {
    const char *name;
    const ferry_op *op;
    const char *implementation;  /* name in the backend's list */
    ferry_attributes attributes; /* graphs are ferry_plan_graph * */
    int input_count, output_count;
    int32_t *inputs, *outputs;            /* indices of values; -1 = absent */
    uint64_t packed_offset, packed_bytes; /* in the weights section */
    const void *packed;                   /* resolved when the plan is opened; NULL when packed_bytes is 0 */
} ferry_plan_node;

typedef struct ferry_plan_graph {
    const char *name;
    int value_count, node_count, input_count, output_count;
    ferry_plan_value *values;
    ferry_plan_node *nodes;
    int32_t *inputs, *outputs;
    int index; /* in plan->graphs */
} ferry_plan_graph;

typedef struct ferry_plan_metadata {
    const char *key, *value;
} ferry_plan_metadata;

typedef struct ferry_plan {
    ferry_arena arena; /* owns everything but weights */
    int graph_count;
    ferry_plan_graph **graphs; /* [0] is the model; the others are bodies of control flow, after their users' graph */
    int metadata_count;
    ferry_plan_metadata *metadata;
    uint32_t features;            /* FERRY_CPU_* bits that the chosen implementations need */
    const char *producer;         /* "ferry 0.1.0" */
    const char *precision;        /* "fp32" ... */
    const unsigned char *weights; /* FERRY_ALIGNMENT-aligned; not owned */
    uint64_t weights_bytes;
} ferry_plan;

#endif
