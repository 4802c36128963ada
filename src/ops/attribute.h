/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of a node: a short list of named, typed values. Plain data; whoever built the list owns it. */
#ifndef FERRY_OPS_ATTRIBUTE_H
#define FERRY_OPS_ATTRIBUTE_H

#include "base/memory.h"
#include "tensor/tensor.h"

/* The values stand in engine files: never renumber. */
typedef enum ferry_attribute_type {
    FERRY_ATTRIBUTE_INT = 1,
    FERRY_ATTRIBUTE_FLOAT = 2,
    FERRY_ATTRIBUTE_STRING = 3,
    FERRY_ATTRIBUTE_INTS = 4,
    FERRY_ATTRIBUTE_FLOATS = 5,
    FERRY_ATTRIBUTE_STRINGS = 6,
    FERRY_ATTRIBUTE_TENSOR = 7,
    FERRY_ATTRIBUTE_GRAPH = 8
} ferry_attribute_type;

typedef struct ferry_attribute {
    const char *name;
    ferry_attribute_type type;
    int64_t count; /* of INTS, FLOATS, STRINGS */
    union {
        int64_t integer;
        float real;
        ferry_string string;
        const int64_t *integers;
        const float *reals;
        const ferry_string *strings;
        const ferry_tensor *tensor; /* PLAIN */
        void *graph;                /* a ferry_graph * in the IR, a ferry_plan_graph * in a plan */
    } value;
} ferry_attribute;

typedef struct ferry_attributes {
    ferry_attribute *items;
    int count;
} ferry_attributes;

/* NULL when absent. */
const ferry_attribute *ferry_attribute_find(const ferry_attributes *attributes, const char *name);
/* The value, or the fallback when the attribute is absent or of another type. */
int64_t ferry_attribute_integer(const ferry_attributes *attributes, const char *name, int64_t fallback);
float ferry_attribute_real(const ferry_attributes *attributes, const char *name, float fallback);
/* Whether a STRING attribute equals text; `fallback` when it is absent. */
bool ferry_attribute_is(const ferry_attributes *attributes, const char *name, const char *text, bool fallback);
/* The list and its length, or NULL and 0. */
const int64_t *ferry_attribute_integers(const ferry_attributes *attributes, const char *name, int64_t *count);
const float *ferry_attribute_reals(const ferry_attributes *attributes, const char *name, int64_t *count);
const ferry_tensor *ferry_attribute_tensor(const ferry_attributes *attributes, const char *name);

/* A deep copy into the arena; graphs stay pointers to the same graph. False when out of memory. */
bool ferry_attributes_copy(ferry_arena *arena, const ferry_attributes *from, ferry_attributes *to);

#endif
