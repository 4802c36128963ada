/* SPDX-License-Identifier: Apache-2.0 */
/* MatMul and Gemm. */
#include "ops/matmul.h"

#include "ops/activation.h"

/* ---- rows ---- */

/* With B's rows contiguous every row of B is added once; otherwise B is transposed and each element is a dot product. */
#define DEFINE_ROW(name, value, sum, wide)                                                                                     \
    void name(const ferry_matrix_row *row, const value *a, const value *b, sum *sums) {                                        \
        if (row->b_step != 1) {                                                                                                \
            for (int64_t j = 0; j < row->columns; j++) {                                                                       \
                wide total = 0;                                                                                                \
                const value *column = b + j * row->b_step;                                                                     \
                for (int64_t k = 0; k < row->inner; k++) total += (wide)a[k * row->a_step] * (wide)column[k * row->b_row];     \
                sums[j] = (sum)total;                                                                                          \
            }                                                                                                                  \
            return;                                                                                                            \
        }                                                                                                                      \
        for (int64_t j = 0; j < row->columns; j++) sums[j] = 0;                                                                \
        for (int64_t k = 0; k < row->inner; k++) {                                                                             \
            wide factor = (wide)a[k * row->a_step];                                                                            \
            const value *from = b + k * row->b_row;                                                                            \
            for (int64_t j = 0; j < row->columns; j++) sums[j] = (sum)((wide)sums[j] + factor * (wide)from[j]);                \
        }                                                                                                                      \
    }

DEFINE_ROW(ferry_matrix_row_float, float, double, double)
DEFINE_ROW(ferry_matrix_row_double, double, double, double)
DEFINE_ROW(ferry_matrix_row_integer, int64_t, int64_t, uint64_t)

/* ---- matmul's shapes ---- */

/* A vector counts as one row (left) or one column (right), which the result then lacks. */
static ferry_shape as_matrix(const ferry_shape *shape, bool left) {
    if (shape->rank != 1) return *shape;
    return (ferry_shape){.rank = 2, .dims = {left ? 1 : shape->dims[0], left ? shape->dims[0] : 1}};
}

ferry_status ferry_matmul_shape(const ferry_inference *inference, int a, int b, ferry_shape *shape, bool *ranked) {
    const ferry_shape *shape_a = ferry_rule_shape(inference, a), *shape_b = ferry_rule_shape(inference, b);
    *ranked = false;
    FERRY_TRY(ferry_rule_rank(inference, a, 1, FERRY_MAX_RANK));
    FERRY_TRY(ferry_rule_rank(inference, b, 1, FERRY_MAX_RANK));
    if (!shape_a || !shape_b) return FERRY_OK;
    ferry_shape left = as_matrix(shape_a, true), right = as_matrix(shape_b, false), batch;
    int64_t inner, rows = left.dims[left.rank - 2], columns = right.dims[right.rank - 1];
    FERRY_TRY(ferry_rule_same_dim(inference, left.dims[left.rank - 1], right.dims[right.rank - 2],
                                  "the last dimension of the left and the last but one of the right matrix", &inner));
    left.rank -= 2;
    right.rank -= 2;
    FERRY_TRY(ferry_rule_broadcast(inference, &left, &right, &batch));
    if (shape_a->rank != 1) batch.dims[batch.rank++] = rows;
    if (shape_b->rank != 1) batch.dims[batch.rank++] = columns;
    *shape = batch;
    *ranked = true;
    return FERRY_OK;
}

void ferry_matmul_geometry_of(const ferry_shape *a, const ferry_shape *b, ferry_matmul_geometry *geometry) {
    ferry_shape left = as_matrix(a, true), right = as_matrix(b, false), batch;
    *geometry = (ferry_matmul_geometry){
        .rows = left.dims[left.rank - 2], .inner = left.dims[left.rank - 1], .columns = right.dims[right.rank - 1]};
    left.rank -= 2;
    right.rank -= 2;
    if (!ferry_shape_broadcast(&left, &right, &batch)) return;
    geometry->batch_rank = batch.rank;
    geometry->batches = ferry_shape_count(&batch);
    for (int i = 0; i < batch.rank; i++) geometry->batch_dims[i] = batch.dims[i];
    ferry_shape_broadcast_strides(&left, &batch, geometry->a_strides);
    ferry_shape_broadcast_strides(&right, &batch, geometry->b_strides);
}

void ferry_matmul_batch(const ferry_matmul_geometry *geometry, int64_t batch, int64_t *a, int64_t *b) {
    *a = *b = 0;
    for (int i = geometry->batch_rank - 1; i >= 0; i--) {
        int64_t at = batch % geometry->batch_dims[i];
        batch /= geometry->batch_dims[i];
        *a += at * geometry->a_strides[i];
        *b += at * geometry->b_strides[i];
    }
}

void ferry_matmul_integers(const ferry_matmul_geometry *geometry, const int64_t *a, const int64_t *b, int64_t *y) {
    const ferry_matmul_geometry *g = geometry;
    ferry_matrix_row row = {.inner = g->inner, .columns = g->columns, .a_step = 1, .b_row = g->columns, .b_step = 1};
    for (int64_t batch = 0; batch < g->batches; batch++) {
        int64_t at_a, at_b;
        ferry_matmul_batch(g, batch, &at_a, &at_b);
        for (int64_t i = 0; i < g->rows; i++)
            ferry_matrix_row_integer(&row, a + (at_a * g->rows + i) * g->inner, b + at_b * g->inner * g->columns,
                                     y + (batch * g->rows + i) * g->columns);
    }
}

/* ---- operands of any type ---- */

/* The elements of A and B in the type that the product is computed in; only the pair that fits the dtype is set. */
typedef struct operands {
    const float *float_a, *float_b;
    const double *double_a, *double_b;
    const int64_t *integer_a, *integer_b;
} operands;

static ferry_status read_operands(ferry_evaluation *evaluation, operands *in) {
    const ferry_tensor *a = ferry_input(evaluation, 0), *b = ferry_input(evaluation, 1);
    *in = (operands){0};
    if (!ferry_dtype_is_float(a->dtype)) {
        FERRY_NEED(in->integer_a, ferry_evaluation_integers(evaluation, a));
        FERRY_NEED(in->integer_b, ferry_evaluation_integers(evaluation, b));
    } else if (a->dtype == FERRY_FLOAT64) {
        FERRY_NEED(in->double_a, ferry_evaluation_doubles(evaluation, a));
        FERRY_NEED(in->double_b, ferry_evaluation_doubles(evaluation, b));
    } else {
        FERRY_NEED(in->float_a, ferry_evaluation_floats(evaluation, a));
        FERRY_NEED(in->float_b, ferry_evaluation_floats(evaluation, b));
    }
    return FERRY_OK;
}

static void product_row(const ferry_matrix_row *row, const operands *in, int64_t a, int64_t b, double *sums,
                        int64_t *integer_sums) {
    if (in->integer_a)
        ferry_matrix_row_integer(row, in->integer_a + a, in->integer_b + b, integer_sums);
    else if (in->double_a)
        ferry_matrix_row_double(row, in->double_a + a, in->double_b + b, sums);
    else
        ferry_matrix_row_float(row, in->float_a + a, in->float_b + b, sums);
}

/* ---- MatMul ---- */

/* Input 2, a pass's doing: a bias over the columns. */
ferry_status ferry_infer_matmul(ferry_inference *inference) {
    ferry_dtype dtype;
    ferry_shape shape;
    bool ranked;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 2, FERRY_DTYPES_NUMBER, &dtype));
    FERRY_TRY(ferry_matmul_shape(inference, 0, 1, &shape, &ranked));
    ferry_rule_output(inference, 0, dtype, ranked ? &shape : NULL);
    if (!ranked) return FERRY_OK;
    int64_t columns = ferry_rule_shape(inference, 1)->rank > 1 ? shape.dims[shape.rank - 1] : 1;
    return ferry_rule_vector(inference, 2, "the bias", columns);
}

ferry_status ferry_evaluate_matmul(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *a = ferry_input(evaluation, 0), *b = ferry_input(evaluation, 1), *bias = ferry_input(evaluation, 2);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    ferry_matmul_geometry g;
    ferry_matmul_geometry_of(&a->shape, &b->shape, &g);
    operands in;
    ferry_activation activation;
    FERRY_TRY(read_operands(evaluation, &in));
    FERRY_TRY(ferry_activation_read(evaluation->attributes, &activation, evaluation->error));
    double *sums;
    int64_t *integer_sums;
    FERRY_SCRATCH(sums, evaluation, g.columns);
    FERRY_SCRATCH(integer_sums, evaluation, g.columns);
    ferry_matrix_row row = {.inner = g.inner, .columns = g.columns, .a_step = 1, .b_row = g.columns, .b_step = 1};
    for (int64_t i = 0; i < g.batches * g.rows; i++) {
        int64_t at_a, at_b;
        ferry_matmul_batch(&g, i / g.rows, &at_a, &at_b);
        product_row(&row, &in, (at_a * g.rows + i % g.rows) * g.inner, at_b * g.inner * g.columns, sums, integer_sums);
        for (int64_t j = 0; j < g.columns; j++) {
            double extra = bias ? ferry_load_double(bias->dtype, bias->data, j) : 0;
            if (in.integer_a)
                ferry_store_int64(y->dtype, y->data, i * g.columns + j, integer_sums[j]);
            else
                ferry_store_double(y->dtype, y->data, i * g.columns + j, ferry_activate(activation, sums[j] + extra));
        }
    }
    return FERRY_OK;
}

/* ---- Gemm ---- */

ferry_status ferry_infer_gemm(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 2, FERRY_DTYPES_NUMBER, &dtype));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, 2));
    FERRY_TRY(ferry_rule_rank(inference, 1, 2, 2));
    const ferry_shape *a = ferry_rule_shape(inference, 0), *b = ferry_rule_shape(inference, 1),
                      *c = ferry_rule_shape(inference, 2);
    bool turn_a = ferry_attribute_integer(inference->attributes, "transA", 0) != 0;
    bool turn_b = ferry_attribute_integer(inference->attributes, "transB", 0) != 0;
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!a || !b) return FERRY_OK;
    int64_t inner;
    FERRY_TRY(ferry_rule_same_dim(inference, a->dims[!turn_a], b->dims[turn_b], "the inner dimensions of A and B", &inner));
    ferry_shape shape = {.rank = 2, .dims = {a->dims[turn_a], b->dims[!turn_b]}}, joined;
    if (c) {
        FERRY_TRY(ferry_rule_broadcast(inference, &shape, c, &joined));
        if (joined.rank != 2 || ferry_dims_clash(joined.dims[0], shape.dims[0]) ||
            ferry_dims_clash(joined.dims[1], shape.dims[1]))
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                              "Gemm: C must be broadcast to the product, not the product to C");
    }
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

typedef struct gemm_finish {
    float alpha, beta;
    ferry_activation activation;
    const ferry_tensor *c;
    int64_t c_strides[FERRY_MAX_RANK];
    ferry_tensor *y;
} gemm_finish;

static void finish_row(const gemm_finish *finish, int64_t row, int64_t columns, const double *sums,
                       const int64_t *integer_sums) {
    ferry_tensor *y = finish->y;
    const ferry_tensor *c = finish->c;
    for (int64_t j = 0; j < columns; j++) {
        int64_t from = row * finish->c_strides[0] + j * finish->c_strides[1], to = row * columns + j;
        if (integer_sums && finish->alpha == 1 && finish->beta == 1) {
            uint64_t extra = c ? (uint64_t)ferry_load_int64(c->dtype, c->data, from) : 0;
            ferry_store_int64(y->dtype, y->data, to, (int64_t)((uint64_t)integer_sums[j] + extra));
            continue;
        }
        double product = integer_sums ? (double)integer_sums[j] : sums[j];
        double extra = c ? (double)finish->beta * ferry_load_double(c->dtype, c->data, from) : 0;
        ferry_store_double(y->dtype, y->data, to, ferry_activate(finish->activation, (double)finish->alpha * product + extra));
    }
}

ferry_status ferry_evaluate_gemm(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *a = ferry_input(evaluation, 0), *b = ferry_input(evaluation, 1);
    gemm_finish finish = {.c = ferry_input(evaluation, 2),
                          .y = ferry_output(evaluation, 0),
                          .alpha = ferry_attribute_real(evaluation->attributes, "alpha", 1),
                          .beta = ferry_attribute_real(evaluation->attributes, "beta", 1)};
    if (!finish.y) return FERRY_OK;
    bool turn_a = ferry_attribute_integer(evaluation->attributes, "transA", 0) != 0;
    bool turn_b = ferry_attribute_integer(evaluation->attributes, "transB", 0) != 0;
    int64_t rows = a->shape.dims[turn_a], inner = a->shape.dims[!turn_a], columns = b->shape.dims[!turn_b];
    operands in;
    FERRY_TRY(read_operands(evaluation, &in));
    FERRY_TRY(ferry_activation_read(evaluation->attributes, &finish.activation, evaluation->error));
    if (finish.c) ferry_shape_broadcast_strides(&finish.c->shape, &finish.y->shape, finish.c_strides);
    double *sums;
    int64_t *integer_sums;
    FERRY_SCRATCH(sums, evaluation, columns);
    FERRY_SCRATCH(integer_sums, evaluation, columns);
    ferry_matrix_row row = {.inner = inner,
                            .columns = columns,
                            .a_step = turn_a ? rows : 1,
                            .b_row = turn_b ? 1 : columns,
                            .b_step = turn_b ? inner : 1};
    for (int64_t i = 0; i < rows; i++) {
        product_row(&row, &in, turn_a ? i : i * inner, 0, sums, integer_sums);
        finish_row(&finish, i, columns, sums, in.integer_a ? integer_sums : NULL);
    }
    return FERRY_OK;
}
