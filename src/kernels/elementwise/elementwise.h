/* SPDX-License-Identifier: Apache-2.0 */
/* Binary functions of floats with NumPy broadcasting, in any layout that strides can describe. */
#ifndef FERRY_KERNELS_ELEMENTWISE_ELEMENTWISE_H
#define FERRY_KERNELS_ELEMENTWISE_ELEMENTWISE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpu.h"

typedef enum ferry_binary {
#define FERRY_BINARY(name, zero) FERRY_BINARY_##name,
#include "kernels/elementwise/binary.def"
#undef FERRY_BINARY
    FERRY_BINARY_COUNT
} ferry_binary;

/* out[i] = f(a[i], b[i]) for i in [0, count). out may be a or b; otherwise nothing overlaps. Any alignment. In the forms
 * "scalar" only b[0], or only a[0], is read. */
typedef void (*ferry_binary_function)(float *out, const float *a, const float *b, int64_t count);

typedef enum ferry_binary_form {
    FERRY_VECTOR_VECTOR,
    FERRY_VECTOR_SCALAR,
    FERRY_SCALAR_VECTOR,
    FERRY_BINARY_FORMS
} ferry_binary_form;

typedef struct ferry_binary_table {
    ferry_binary_function run[FERRY_BINARY_COUNT][FERRY_BINARY_FORMS];
} ferry_binary_table;

bool ferry_binary_keeps_zero(ferry_binary function);

void ferry_binary_init(ferry_binary_table *table, uint32_t features);

#define FERRY_KERNEL_SET(set, need) void ferry_binary_init_##set(ferry_binary_table *table);
#include "kernels/sets.def"

enum { FERRY_BROADCAST_RANK = 10 };

/* A contiguous output and two operands, each read through strides in elements (0 where it repeats, and along the innermost
 * dimension 0 or 1). Made by ferry_broadcast_make, which drops dimensions of 1 and merges what can be walked as one. */
typedef struct ferry_broadcast {
    int rank; /* at least 1 */
    int64_t dims[FERRY_BROADCAST_RANK], a[FERRY_BROADCAST_RANK], b[FERRY_BROADCAST_RANK];
    int64_t elements;
} ferry_broadcast;

/* rank in 0 .. FERRY_BROADCAST_RANK, dims the output's. False when an innermost stride is neither 0 nor 1. */
bool ferry_broadcast_make(ferry_broadcast *broadcast, int rank, const int64_t *dims, const int64_t *a_strides,
                          const int64_t *b_strides);

/* Writes the output's elements [first, last), counted in its own order; any split of [0, elements) into ranges covers it.
 * Where the innermost dimension is short both ends are rounded up to its multiples, so that a range may write up to one
 * innermost dimension more, and less at its start, than asked. out may be an operand that does not repeat. */
void ferry_binary_run(const ferry_binary_table *table, ferry_binary function, const ferry_broadcast *broadcast, float *out,
                      const float *a, const float *b, int64_t first, int64_t last);

#endif
