/* SPDX-License-Identifier: Apache-2.0 */
/* The machinery under the elementwise operators: broadcasting by rows, and four types to compute in. For src/ops only. */
#ifndef FERRY_OPS_ELEMENTWISE_H
#define FERRY_OPS_ELEMENTWISE_H

#include "ops/rules.h"

enum { FERRY_MAX_OPERANDS = 3 };

/* One run of elements along the innermost dimension. Steps are in elements: 1, or 0 for an operand that repeats. */
typedef struct ferry_row {
    int64_t count;
    const void *in[FERRY_MAX_OPERANDS];
    int64_t step[FERRY_MAX_OPERANDS];
    void *out;
    const void *parameters;
} ferry_row;
typedef void (*ferry_row_function)(const ferry_row *row);

typedef struct ferry_operand {
    const void *data;
    const ferry_shape *shape;
    size_t size; /* bytes an element */
} ferry_operand;

/* Calls row for every run of the broadcast of the operands' shapes to `shape`, in order. out is contiguous. */
void ferry_broadcast_rows(const ferry_shape *shape, int count, const ferry_operand *operands, void *out, size_t out_size,
                          ferry_row_function row, const void *parameters);

/* The types in which elementwise operators compute. Narrower floats widen to float and round at the end; narrower integers
 * widen to int64 and wrap at the end, which is what their own arithmetic would give. */
typedef enum ferry_compute {
    FERRY_COMPUTE_FLOAT,
    FERRY_COMPUTE_DOUBLE,
    FERRY_COMPUTE_INT64,
    FERRY_COMPUTE_UINT64,
    FERRY_COMPUTE_NONE
} ferry_compute;
ferry_compute ferry_compute_of(ferry_dtype dtype);
/* The elements in that type, or NULL when out of memory. */
const void *ferry_compute_view(ferry_evaluation *evaluation, ferry_compute compute, const ferry_tensor *tensor);
void *ferry_compute_output(ferry_evaluation *evaluation, ferry_compute compute, const ferry_tensor *tensor);
void ferry_compute_store(ferry_compute compute, const ferry_tensor *tensor, const void *values);

/* One row function a type; NULL where the operator does not exist for it. natural NULL: as for int64. */
typedef struct ferry_rows {
    ferry_row_function of_float, of_double, of_int64, of_uint64;
} ferry_rows;
ferry_row_function ferry_rows_for(const ferry_rows *rows, ferry_compute compute);

/* Prepares, then applies rows to the first `count` inputs, which have one dtype. test: the rows write bytes, for a bool output;
 * otherwise they write the type they compute in. */
ferry_status ferry_elementwise(ferry_evaluation *evaluation, int count, const ferry_rows *rows, bool test,
                               const void *parameters);
/* The same in a type the caller names, without preparing. */
ferry_status ferry_elementwise_as(ferry_evaluation *evaluation, ferry_compute compute, int count, const ferry_rows *rows,
                                  bool test, const void *parameters);

/* Sets output 0's `values` from those of inputs 0 and 1 (and 2 for Where), when they are known: shape arithmetic. */
ferry_status ferry_values_elementwise(ferry_inference *inference);

#endif
