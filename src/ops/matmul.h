/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products for reference evaluations: NumPy's matmul shapes, and row loops for floats, doubles and integers. */
#ifndef FERRY_OPS_MATMUL_H
#define FERRY_OPS_MATMUL_H

#include "ops/support.h"

/* One matrix product with strides in elements: sum[j] = sum over k of a[k * a_step] * b[k * b_row + j * b_step], j < columns.
 * Integers wrap around as C's unsigned arithmetic does. */
typedef struct ferry_matrix_row {
    int64_t inner, columns, a_step, b_row, b_step;
} ferry_matrix_row;

void ferry_matrix_row_float(const ferry_matrix_row *row, const float *a, const float *b, double *sums);
void ferry_matrix_row_double(const ferry_matrix_row *row, const double *a, const double *b, double *sums);
void ferry_matrix_row_integer(const ferry_matrix_row *row, const int64_t *a, const int64_t *b, int64_t *sums);

/* Shape of matmul(inputs a, b); *ranked tells whether it is known. */
ferry_status ferry_matmul_shape(const ferry_inference *inference, int a, int b, ferry_shape *shape, bool *ranked);

/* matmul as a list of products: a batch of rows x inner by inner x columns. */
typedef struct ferry_matmul_geometry {
    int64_t batches, rows, inner, columns;
    int batch_rank;
    int64_t batch_dims[FERRY_MAX_RANK], a_strides[FERRY_MAX_RANK], b_strides[FERRY_MAX_RANK]; /* in matrices */
} ferry_matmul_geometry;

/* The shapes must have passed ferry_matmul_shape. */
void ferry_matmul_geometry_of(const ferry_shape *a, const ferry_shape *b, ferry_matmul_geometry *geometry);
/* The numbers of the a and b matrices of a batch. */
void ferry_matmul_batch(const ferry_matmul_geometry *geometry, int64_t batch, int64_t *a, int64_t *b);

/* y = matmul of integers already freed of their zero points; y has batches * rows * columns elements. */
void ferry_matmul_integers(const ferry_matmul_geometry *geometry, const int64_t *a, const int64_t *b, int64_t *y);

#endif
