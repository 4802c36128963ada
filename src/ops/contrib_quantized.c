/* SPDX-License-Identifier: Apache-2.0 */
/* Quantised operators of com.microsoft that quantised models hold: each dequantises, computes in double and quantises again. */
#include <math.h>
#include <string.h>

#include "ops/conv_quantized.h"
#include "ops/matmul.h"
#include "ops/window.h"

enum { BYTES = 1 << FERRY_INT8 | 1 << FERRY_UINT8 };

/* The real numbers that a quantised tensor stands for; scale and zero are inputs of one value each. */
static ferry_status read_real(ferry_evaluation *evaluation, int tensor, int scale, int zero, const double **values) {
    const ferry_tensor *x = ferry_input(evaluation, tensor);
    ferry_scales scales;
    FERRY_TRY(ferry_scales_read(evaluation, scale, zero, &scales));
    int64_t count = ferry_shape_count(&x->shape);
    double *result;
    FERRY_SCRATCH(result, evaluation, count);
    for (int64_t i = 0; i < count; i++)
        result[i] = scales.scale[0] * (double)(ferry_load_int64(x->dtype, x->data, i) - scales.zero[0]);
    *values = result;
    return FERRY_OK;
}

static void store_quantized(ferry_tensor *y, int64_t index, double value, const ferry_scales *scales) {
    ferry_store_int64(y->dtype, y->data, index, ferry_quantize_value(value / scales->scale[0], scales->zero[0], y->dtype));
}

/* Inputs `first`... are scalars or of one element. */
static ferry_status check_scalars(const ferry_inference *inference, int first, int count) {
    for (int i = first; i < first + count; i++) FERRY_TRY(ferry_rule_scales(inference, i, 1));
    return FERRY_OK;
}

/* ---- QLinearAdd and QLinearMul: A, scale, zero, B, scale, zero, C's scale, zero ---- */

ferry_status ferry_infer_qlinear_binary(ferry_inference *inference) {
    ferry_shape shape;
    FERRY_TRY(ferry_rule_dtypes(inference, 0, BYTES));
    FERRY_TRY(ferry_rule_dtypes(inference, 3, BYTES));
    FERRY_TRY(check_scalars(inference, 1, 2));
    FERRY_TRY(check_scalars(inference, 4, 4));
    const ferry_shape *a = ferry_rule_shape(inference, 0), *b = ferry_rule_shape(inference, 3);
    if (a && b) FERRY_TRY(ferry_rule_broadcast(inference, a, b, &shape));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), a && b ? &shape : NULL);
    return FERRY_OK;
}

static ferry_status evaluate_binary(ferry_evaluation *evaluation, bool multiply) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    const double *a, *b;
    ferry_scales scales;
    FERRY_TRY(read_real(evaluation, 0, 1, 2, &a));
    FERRY_TRY(read_real(evaluation, 3, 4, 5, &b));
    FERRY_TRY(ferry_scales_read(evaluation, 6, 7, &scales));
    int64_t a_strides[FERRY_MAX_RANK], b_strides[FERRY_MAX_RANK], index[FERRY_MAX_RANK] = {0},
                                                                  count = ferry_shape_count(&y->shape);
    ferry_shape_broadcast_strides(&ferry_input(evaluation, 0)->shape, &y->shape, a_strides);
    ferry_shape_broadcast_strides(&ferry_input(evaluation, 3)->shape, &y->shape, b_strides);
    for (int64_t i = 0; i < count; i++) {
        int64_t at_a = 0, at_b = 0;
        for (int d = 0; d < y->shape.rank; d++) at_a += index[d] * a_strides[d], at_b += index[d] * b_strides[d];
        store_quantized(y, i, multiply ? a[at_a] * b[at_b] : a[at_a] + b[at_b], &scales);
        ferry_next_index(y->shape.rank, y->shape.dims, index);
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_qlinear_add(ferry_evaluation *evaluation) { return evaluate_binary(evaluation, false); }
ferry_status ferry_evaluate_qlinear_mul(ferry_evaluation *evaluation) { return evaluate_binary(evaluation, true); }

/* ---- QLinearSigmoid and QLinearLeakyRelu: X, scale, zero, Y's scale, zero ---- */

ferry_status ferry_infer_qlinear_unary(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, BYTES));
    FERRY_TRY(check_scalars(inference, 1, 4));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

static ferry_status evaluate_unary(ferry_evaluation *evaluation, bool sigmoid) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    const double *x;
    ferry_scales scales;
    FERRY_TRY(read_real(evaluation, 0, 1, 2, &x));
    FERRY_TRY(ferry_scales_read(evaluation, 3, 4, &scales));
    double alpha = ferry_attribute_real(evaluation->attributes, "alpha", 0.01f);
    int64_t count = ferry_shape_count(&y->shape);
    for (int64_t i = 0; i < count; i++)
        store_quantized(y, i, sigmoid ? 1 / (1 + exp(-x[i])) : x[i] < 0 ? alpha * x[i] : x[i], &scales);
    return FERRY_OK;
}

ferry_status ferry_evaluate_qlinear_sigmoid(ferry_evaluation *evaluation) { return evaluate_unary(evaluation, true); }
ferry_status ferry_evaluate_qlinear_leaky_relu(ferry_evaluation *evaluation) { return evaluate_unary(evaluation, false); }

/* ---- QLinearConcat: Y's scale, zero, then tensor, scale, zero of each part ---- */

ferry_status ferry_infer_qlinear_concat(ferry_inference *inference) {
    if (inference->input_count < 5 || (inference->input_count - 2) % 3)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "QLinearConcat: %d inputs; two, then three for each part are expected", inference->input_count);
    FERRY_TRY(check_scalars(inference, 0, 2));
    ferry_dtype dtype = ferry_rule_dtype(inference, 1);
    ferry_shape shape = {0};
    int axis = 0;
    bool known = true;
    for (int i = 2; i < inference->input_count; i += 3) {
        const ferry_shape *part = ferry_rule_shape(inference, i);
        FERRY_TRY(ferry_rule_dtypes(inference, i, BYTES));
        FERRY_TRY(check_scalars(inference, i + 1, 2));
        known &= part != NULL;
        if (!part || !known) continue;
        if (i == 2) {
            shape = *part;
            FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", 0), shape.rank, &axis));
            continue;
        }
        FERRY_TRY(ferry_rule_rank(inference, i, shape.rank, shape.rank));
        for (int d = 0; d < shape.rank; d++) {
            if (d == axis)
                shape.dims[d] = ferry_dim_add(inference->symbols, shape.dims[d], part->dims[d]);
            else
                FERRY_TRY(
                    ferry_rule_same_dim(inference, shape.dims[d], part->dims[d], "dimensions off the axis", &shape.dims[d]));
        }
    }
    ferry_rule_output(inference, 0, dtype ? dtype : ferry_rule_dtype(inference, 2), known ? &shape : NULL);
    return FERRY_OK;
}

ferry_status ferry_evaluate_qlinear_concat(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", 0), place = 0;
    if (axis < 0) axis += y->shape.rank;
    int64_t inner = ferry_shape_product(&y->shape, (int)axis + 1, y->shape.rank), row = y->shape.dims[axis] * inner;
    ferry_scales scales;
    FERRY_TRY(ferry_scales_read(evaluation, 0, 1, &scales));
    for (int p = 2; p < evaluation->input_count; p += 3) {
        const double *values;
        FERRY_TRY(read_real(evaluation, p, p + 1, p + 2, &values));
        const ferry_shape *shape = &ferry_input(evaluation, p)->shape;
        int64_t run = shape->dims[axis] * inner, count = ferry_shape_count(shape);
        for (int64_t i = 0; i < count; i++) store_quantized(y, i / run * row + place + i % run, values[i], &scales);
        place += run;
    }
    return FERRY_OK;
}

/* ---- QLinearAveragePool and QLinearGlobalAveragePool: X, scale, zero, Y's scale, zero ---- */

static ferry_status refuse_channels_last(const ferry_attributes *attributes, ferry_error *error) {
    if (!ferry_attribute_integer(attributes, "channels_last", 0)) return FERRY_OK;
    return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "channels_last pools are not supported");
}

ferry_status ferry_infer_qlinear_average_pool(ferry_inference *inference) {
    FERRY_TRY(refuse_channels_last(inference->attributes, inference->error));
    FERRY_TRY(ferry_infer_qlinear_unary(inference));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    if (!x) return FERRY_OK;
    ferry_window window;
    ferry_shape shape = *x;
    FERRY_TRY(ferry_window_read(inference->attributes, x->rank - 2, NULL, &window, inference->error));
    for (int i = 0; i < window.rank; i++)
        FERRY_TRY(ferry_window_output(&window, i, x->dims[2 + i], inference->symbols, &shape.dims[2 + i], inference->error));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

ferry_status ferry_infer_qlinear_global_average_pool(ferry_inference *inference) {
    FERRY_TRY(refuse_channels_last(inference->attributes, inference->error));
    FERRY_TRY(ferry_infer_qlinear_unary(inference));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, FERRY_MAX_RANK));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    if (!x) return FERRY_OK;
    ferry_shape shape = *x;
    for (int i = 2; i < x->rank; i++) shape.dims[i] = 1;
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

/* Sums and counts of one plane; with padding counted, every window has the same count. */
static void average_plane(const ferry_window *window, const int64_t *in, const int64_t *out, const double *x, int64_t size,
                          double *sums, double *counts) {
    for (int64_t i = 0; i < size; i++) sums[i] = counts[i] = 0;
    ferry_rows rows;
    ferry_rows_begin(&rows, window, in, out);
    while (ferry_rows_next(&rows))
        for (int64_t i = 0; i < rows.count; i++) {
            sums[rows.output + i] += x[rows.input + i * rows.step];
            counts[rows.output + i]++;
        }
}

ferry_status ferry_evaluate_qlinear_average_pool(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y || ferry_shape_count(&y->shape) == 0) return FERRY_OK;
    const double *values;
    ferry_scales scales;
    ferry_window window;
    FERRY_TRY(read_real(evaluation, 0, 1, 2, &values));
    FERRY_TRY(ferry_scales_read(evaluation, 3, 4, &scales));
    FERRY_TRY(ferry_window_read(evaluation->attributes, x->shape.rank - 2, NULL, &window, evaluation->error));
    ferry_window_resolve(&window, x->shape.dims + 2);
    bool padded = ferry_attribute_integer(evaluation->attributes, "count_include_pad", 0) != 0;
    int64_t planes = x->shape.dims[0] * x->shape.dims[1], in_size = ferry_shape_product(&x->shape, 2, x->shape.rank),
            out_size = ferry_shape_product(&y->shape, 2, y->shape.rank);
    double *sums, *counts, taps = (double)ferry_window_taps(&window);
    FERRY_SCRATCH(sums, evaluation, out_size);
    FERRY_SCRATCH(counts, evaluation, out_size);
    for (int64_t p = 0; p < planes; p++) {
        average_plane(&window, x->shape.dims + 2, y->shape.dims + 2, values + p * in_size, out_size, sums, counts);
        for (int64_t i = 0; i < out_size; i++)
            store_quantized(y, p * out_size + i, sums[i] / (padded ? taps : fmax(counts[i], 1)), &scales);
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_qlinear_global_average_pool(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    const double *values;
    ferry_scales scales;
    FERRY_TRY(read_real(evaluation, 0, 1, 2, &values));
    FERRY_TRY(ferry_scales_read(evaluation, 3, 4, &scales));
    int64_t size = ferry_shape_product(&x->shape, 2, x->shape.rank), planes = ferry_shape_count(&y->shape);
    for (int64_t p = 0; p < planes; p++) {
        double sum = 0;
        for (int64_t i = 0; i < size; i++) sum += values[p * size + i];
        store_quantized(y, p, sum / (double)ferry_max_int64(size, 1), &scales);
    }
    return FERRY_OK;
}

/* ---- QGemm: A, scale, zero, B, scale, zero, C (int32), Y's scale, zero; without Y's scale the output is float32 ---- */

ferry_status ferry_infer_qgemm(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, BYTES));
    FERRY_TRY(ferry_rule_dtypes(inference, 3, BYTES));
    FERRY_TRY(ferry_rule_dtypes(inference, 6, 1 << FERRY_INT32));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, 2));
    FERRY_TRY(ferry_rule_rank(inference, 3, 2, 2));
    const ferry_shape *a = ferry_rule_shape(inference, 0), *b = ferry_rule_shape(inference, 3),
                      *c = ferry_rule_shape(inference, 6);
    bool turn_a = ferry_attribute_integer(inference->attributes, "transA", 0) != 0,
         turn_b = ferry_attribute_integer(inference->attributes, "transB", 0) != 0;
    ferry_dtype zero = ferry_rule_dtype(inference, 8);
    ferry_dtype dtype = !ferry_rule_input(inference, 7) ? FERRY_FLOAT32 : zero ? zero : ferry_rule_dtype(inference, 0);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!a || !b) return FERRY_OK;
    int64_t inner;
    FERRY_TRY(ferry_rule_same_dim(inference, a->dims[!turn_a], b->dims[turn_b], "the inner dimensions of A and B", &inner));
    ferry_shape shape = {.rank = 2, .dims = {a->dims[turn_a], b->dims[!turn_b]}}, joined;
    FERRY_TRY(check_scalars(inference, 1, 2));
    for (int i = 4; i < 6; i++) FERRY_TRY(ferry_rule_scales(inference, i, shape.dims[1]));
    FERRY_TRY(check_scalars(inference, 7, 2));
    if (c) FERRY_TRY(ferry_rule_broadcast(inference, &shape, c, &joined));
    if (c && (joined.rank != 2 || ferry_dims_clash(joined.dims[0], shape.dims[0]) ||
              ferry_dims_clash(joined.dims[1], shape.dims[1])))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "QGemm: C must be broadcast to the product");
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

ferry_status ferry_evaluate_qgemm(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *a = ferry_input(evaluation, 0), *b = ferry_input(evaluation, 3), *c = ferry_input(evaluation, 6);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    bool turn_a = ferry_attribute_integer(evaluation->attributes, "transA", 0) != 0,
         turn_b = ferry_attribute_integer(evaluation->attributes, "transB", 0) != 0;
    double alpha = ferry_attribute_real(evaluation->attributes, "alpha", 1);
    ferry_scales a_scales, b_scales, y_scales;
    FERRY_TRY(ferry_scales_read(evaluation, 1, 2, &a_scales));
    FERRY_TRY(ferry_scales_read(evaluation, 4, 5, &b_scales));
    if (ferry_input(evaluation, 7)) FERRY_TRY(ferry_scales_read(evaluation, 7, 8, &y_scales));
    int64_t rows = y->shape.dims[0], columns = y->shape.dims[1], inner = a->shape.dims[!turn_a],
            c_strides[FERRY_MAX_RANK] = {0};
    if (c) ferry_shape_broadcast_strides(&c->shape, &y->shape, c_strides);
    for (int64_t i = 0; i < rows * columns; i++) {
        int64_t row = i / columns, column = i % columns, sum = 0, zero = ferry_zero_at(&b_scales, column);
        for (int64_t k = 0; k < inner; k++)
            sum += (ferry_load_int64(a->dtype, a->data, turn_a ? k * rows + row : row * inner + k) - a_scales.zero[0]) *
                   (ferry_load_int64(b->dtype, b->data, turn_b ? column * inner + k : k * columns + column) - zero);
        if (c) sum += ferry_load_int64(c->dtype, c->data, row * c_strides[0] + column * c_strides[1]);
        double value = alpha * (double)sum * a_scales.scale[0] * ferry_scale_at(&b_scales, column);
        if (ferry_input(evaluation, 7))
            store_quantized(y, i, value, &y_scales);
        else
            ferry_store_double(y->dtype, y->data, i, value);
    }
    return FERRY_OK;
}
