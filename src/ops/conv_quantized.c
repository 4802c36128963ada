/* SPDX-License-Identifier: Apache-2.0 */
/* ConvInteger, QLinearConv, MatMulInteger, QLinearMatMul, and the dynamically quantised relatives of com.microsoft. Sums are
 * exact in int64; int32 results wrap. */
#include "ops/conv_quantized.h"

#include "ops/conv.h"
#include "ops/matmul.h"

#define CONV_(name) integer_##name
#define CONV_VALUE int64_t
#define CONV_SUM int64_t
#define CONV_NO_SPREAD
#include "ops/conv_template.h"

enum { BYTES = 1 << FERRY_INT8 | 1 << FERRY_UINT8 };

/* ---- scales ---- */

ferry_status ferry_scales_read(ferry_evaluation *evaluation, int scale, int zero, ferry_scales *scales) {
    const ferry_tensor *scale_tensor = scale < 0 ? NULL : ferry_input(evaluation, scale);
    const ferry_tensor *zero_tensor = ferry_input(evaluation, zero);
    static const double one = 1;
    int64_t scale_count = scale_tensor ? ferry_shape_count(&scale_tensor->shape) : 1;
    int64_t zero_count = zero_tensor ? ferry_shape_count(&zero_tensor->shape) : scale_count;
    scales->count = ferry_max_int64(scale_count, zero_count);
    if (scale_count < 1 || zero_count < 1 || (scale_count != zero_count && scale_count != 1 && zero_count != 1))
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "%s: %lld scales (input %d) and %lld zero points (input %d)",
                          evaluation->op->name, (long long)scale_count, scale, (long long)zero_count, zero);
    double *reals;
    int64_t *integers;
    FERRY_SCRATCH(reals, evaluation, scales->count);
    FERRY_SCRATCH(integers, evaluation, scales->count);
    for (int64_t i = 0; i < scales->count; i++) {
        reals[i] = scale_tensor ? ferry_load_double(scale_tensor->dtype, scale_tensor->data, scale_count == 1 ? 0 : i) : one;
        integers[i] = zero_tensor ? ferry_load_int64(zero_tensor->dtype, zero_tensor->data, zero_count == 1 ? 0 : i) : 0;
    }
    scales->scale = reals;
    scales->zero = integers;
    return FERRY_OK;
}

ferry_status ferry_rule_scales(const ferry_inference *inference, int index, int64_t length) {
    const ferry_shape *shape = ferry_rule_shape(inference, index);
    if (!shape || shape->rank == 0 || (shape->rank == 1 && (shape->dims[0] == 1 || !ferry_dims_clash(shape->dims[0], length))))
        return FERRY_OK;
    char text[FERRY_SHAPE_TEXT];
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: input %d of shape %s must be a scalar or one value a channel",
                      inference->op->name, index, ferry_shape_text(shape, text, sizeof text));
}

/* The elements of a tensor less the zero points of the channel that each lies in; size elements a channel. */
static ferry_status read_centred(ferry_evaluation *evaluation, const ferry_tensor *tensor, const ferry_scales *scales,
                                 int64_t channels, int64_t size, const int64_t **values) {
    int64_t *result, count = ferry_shape_count(&tensor->shape);
    FERRY_SCRATCH(result, evaluation, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t channel = scales->count == 1 ? 0 : i / size % channels;
        result[i] = ferry_load_int64(tensor->dtype, tensor->data, i) - ferry_zero_at(scales, channel);
    }
    *values = result;
    return FERRY_OK;
}

/* ---- convolutions ---- */

ferry_status ferry_infer_conv_integer(ferry_inference *inference) {
    ferry_shape shape;
    bool ranked;
    FERRY_TRY(ferry_rule_dtypes(inference, 0, BYTES));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, BYTES));
    FERRY_TRY(ferry_conv_shape(inference, 0, 1, -1, &shape, &ranked));
    FERRY_TRY(ferry_rule_scales(inference, 2, 1));
    FERRY_TRY(ferry_rule_scales(inference, 3, ranked ? shape.dims[1] : FERRY_DIM_UNKNOWN));
    ferry_rule_output(inference, 0, FERRY_INT32, ranked ? &shape : NULL);
    return FERRY_OK;
}

/* x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias */
ferry_status ferry_infer_qlinear_conv(ferry_inference *inference) {
    ferry_shape shape;
    bool ranked;
    FERRY_TRY(ferry_rule_dtypes(inference, 0, BYTES));
    FERRY_TRY(ferry_rule_dtypes(inference, 3, BYTES));
    FERRY_TRY(ferry_rule_dtypes(inference, 7, BYTES));
    FERRY_TRY(ferry_rule_dtypes(inference, 8, 1 << FERRY_INT32));
    FERRY_TRY(ferry_conv_shape(inference, 0, 3, 8, &shape, &ranked));
    for (int i = 1; i < 8; i++)
        if (i != 3)
            FERRY_TRY(ferry_rule_scales(inference, i, i == 4 || i == 5 ? (ranked ? shape.dims[1] : FERRY_DIM_UNKNOWN) : 1));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 7), ranked ? &shape : NULL);
    return FERRY_OK;
}

typedef struct quantized_conv {
    const ferry_tensor *x, *w, *bias;
    ferry_scales x_scales, w_scales, y_scales;
    bool requantize;
} quantized_conv;

static void finish_plane(const quantized_conv *conv, ferry_tensor *y, int64_t channel, int64_t first, int64_t count,
                         const int64_t *sums) {
    int64_t bias = conv->bias ? ferry_load_int64(conv->bias->dtype, conv->bias->data, channel) : 0;
    double scale = conv->x_scales.scale[0] * ferry_scale_at(&conv->w_scales, channel);
    for (int64_t i = 0; i < count; i++) {
        int64_t value = sums[i] + bias;
        if (conv->requantize)
            value = ferry_quantize_value((double)value * scale / conv->y_scales.scale[0], conv->y_scales.zero[0], y->dtype);
        ferry_store_int64(y->dtype, y->data, first + i, value);
    }
}

static ferry_status quantized_convolve(ferry_evaluation *evaluation, const quantized_conv *conv) {
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    ferry_conv_sizes g;
    FERRY_TRY(ferry_conv_sizes_of(evaluation, conv->x, conv->w, y, &g));
    int64_t channels = g.groups * g.out_channels, *sums;
    const int64_t *x, *w;
    FERRY_TRY(read_centred(evaluation, conv->x, &conv->x_scales, 1, 1, &x));
    FERRY_TRY(read_centred(evaluation, conv->w, &conv->w_scales, channels, g.in_channels * g.taps, &w));
    FERRY_SCRATCH(sums, evaluation, g.out_size);
    for (int64_t plane = 0; plane < g.batch * channels && g.out_size; plane++) {
        int64_t n = plane / channels, channel = plane % channels, group = channel / g.out_channels;
        integer_plane(&g.window, g.in, g.out, g.in_channels, x + (n * g.groups + group) * g.in_channels * g.in_size,
                      w + channel * g.in_channels * g.taps, sums);
        finish_plane(conv, y, channel, plane * g.out_size, g.out_size, sums);
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_conv_integer(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    quantized_conv conv = {.x = ferry_input(evaluation, 0), .w = ferry_input(evaluation, 1)};
    FERRY_TRY(ferry_scales_read(evaluation, -1, 2, &conv.x_scales));
    FERRY_TRY(ferry_scales_read(evaluation, -1, 3, &conv.w_scales));
    return quantized_convolve(evaluation, &conv);
}

ferry_status ferry_evaluate_qlinear_conv(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    quantized_conv conv = {.x = ferry_input(evaluation, 0),
                           .w = ferry_input(evaluation, 3),
                           .bias = ferry_input(evaluation, 8),
                           .requantize = true};
    FERRY_TRY(ferry_scales_read(evaluation, 1, 2, &conv.x_scales));
    FERRY_TRY(ferry_scales_read(evaluation, 4, 5, &conv.w_scales));
    FERRY_TRY(ferry_scales_read(evaluation, 6, 7, &conv.y_scales));
    return quantized_convolve(evaluation, &conv);
}

/* ---- matrix products ---- */

/* Scales of matrix operands are scalars, one a row of A, one a column of B, or a matrix's shape with the other dimension 1. */
static ferry_status check_matrix_scales(const ferry_inference *inference, int matrix, int scales, bool by_row) {
    const ferry_shape *shape = ferry_rule_shape(inference, matrix), *own = ferry_rule_shape(inference, scales);
    if (!shape || !own || own->rank == 0) return FERRY_OK;
    int64_t count, channels = shape->dims[shape->rank - (by_row && shape->rank > 1 ? 2 : 1)];
    if (!ferry_shape_elements(own, &count) || count == 1) return FERRY_OK;
    int64_t all = ferry_rule_product(inference, shape, 0, shape->rank);
    int64_t lines = shape->rank > 0 ? ferry_dim_floor_divide(inference->symbols, all,
                                                             shape->dims[shape->rank - (by_row            ? 1
                                                                                        : shape->rank > 1 ? 2
                                                                                                          : 1)])
                                    : 1;
    if (!ferry_dims_clash(count, channels) || !ferry_dims_clash(count, lines)) return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: input %d has %lld values, but input %d has %lld %s",
                      inference->op->name, scales, (long long)count, matrix, (long long)channels, by_row ? "rows" : "columns");
}

ferry_status ferry_infer_matmul_integer(ferry_inference *inference) {
    ferry_shape shape;
    bool ranked;
    FERRY_TRY(ferry_rule_dtypes(inference, 0, BYTES));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, BYTES));
    FERRY_TRY(ferry_matmul_shape(inference, 0, 1, &shape, &ranked));
    FERRY_TRY(check_matrix_scales(inference, 0, 2, true));
    FERRY_TRY(check_matrix_scales(inference, 1, 3, false));
    ferry_rule_output(inference, 0, FERRY_INT32, ranked ? &shape : NULL);
    return FERRY_OK;
}

/* a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero */
ferry_status ferry_infer_qlinear_matmul(ferry_inference *inference) {
    ferry_shape shape;
    bool ranked;
    unsigned types = BYTES | FERRY_DTYPES_FLOAT8;
    FERRY_TRY(ferry_rule_dtypes(inference, 0, types));
    FERRY_TRY(ferry_rule_dtypes(inference, 3, types));
    FERRY_TRY(ferry_rule_dtypes(inference, 7, types));
    FERRY_TRY(ferry_matmul_shape(inference, 0, 3, &shape, &ranked));
    for (int i = 1; i < 3; i++) FERRY_TRY(check_matrix_scales(inference, 0, i, true));
    for (int i = 4; i < 6; i++) FERRY_TRY(check_matrix_scales(inference, 3, i, false));
    for (int i = 6; i < 8; i++)
        FERRY_TRY(ferry_rule_scales(inference, i, ranked && shape.rank > 1 ? shape.dims[shape.rank - 2] : 1));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 7), ranked ? &shape : NULL);
    return FERRY_OK;
}

/* A matrix operand as integers without its zero points: by row (A) or by column (B); scales may also run over all lines of
 * a batch. */
static ferry_status read_matrix(ferry_evaluation *evaluation, const ferry_tensor *tensor, const ferry_scales *scales,
                                bool by_row, int64_t rows, int64_t columns, const int64_t **values) {
    int64_t *result, count = ferry_shape_count(&tensor->shape), lines = by_row ? rows : columns;
    bool over_batch = scales->count != 1 && scales->count != lines;
    FERRY_SCRATCH(result, evaluation, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t matrix = i / (rows * columns), line = by_row ? i / columns % rows : i % columns;
        int64_t at = over_batch ? matrix * lines + line : line;
        if (scales->count != 1 && at >= scales->count) at = line % scales->count;
        result[i] = ferry_load_int64(tensor->dtype, tensor->data, i) - ferry_zero_at(scales, at);
    }
    *values = result;
    return FERRY_OK;
}

ferry_status ferry_evaluate_matmul_integer(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *a = ferry_input(evaluation, 0), *b = ferry_input(evaluation, 1);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    ferry_scales a_scales, b_scales;
    const int64_t *a_values, *b_values;
    int64_t *sums;
    ferry_matmul_geometry g;
    FERRY_TRY(ferry_scales_read(evaluation, -1, 2, &a_scales));
    FERRY_TRY(ferry_scales_read(evaluation, -1, 3, &b_scales));
    ferry_matmul_geometry_of(&a->shape, &b->shape, &g);
    FERRY_TRY(read_matrix(evaluation, a, &a_scales, true, g.rows, g.inner, &a_values));
    FERRY_TRY(read_matrix(evaluation, b, &b_scales, false, g.inner, g.columns, &b_values));
    FERRY_NEED(sums, ferry_evaluation_integer_output(evaluation, y));
    ferry_matmul_integers(&g, a_values, b_values, sums);
    ferry_store_integers(y, sums);
    return FERRY_OK;
}

ferry_status ferry_evaluate_qlinear_matmul(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *a = ferry_input(evaluation, 0), *b = ferry_input(evaluation, 3);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    if (!(BYTES & FERRY_DTYPE_BIT(a->dtype)) || !(BYTES & FERRY_DTYPE_BIT(y->dtype)))
        return ferry_evaluation_unsupported(evaluation, a->dtype);
    ferry_scales a_scales, b_scales, y_scales;
    const int64_t *a_values, *b_values;
    int64_t *sums;
    ferry_matmul_geometry g;
    FERRY_TRY(ferry_scales_read(evaluation, 1, 2, &a_scales));
    FERRY_TRY(ferry_scales_read(evaluation, 4, 5, &b_scales));
    FERRY_TRY(ferry_scales_read(evaluation, 6, 7, &y_scales));
    ferry_matmul_geometry_of(&a->shape, &b->shape, &g);
    FERRY_TRY(read_matrix(evaluation, a, &a_scales, true, g.rows, g.inner, &a_values));
    FERRY_TRY(read_matrix(evaluation, b, &b_scales, false, g.inner, g.columns, &b_values));
    int64_t count = ferry_shape_count(&y->shape);
    FERRY_SCRATCH(sums, evaluation, count);
    ferry_matmul_integers(&g, a_values, b_values, sums);
    for (int64_t i = 0; i < count; i++) {
        int64_t row = i / g.columns % g.rows, column = i % g.columns;
        double scale = ferry_scale_at(&a_scales, row % a_scales.count) * ferry_scale_at(&b_scales, column % b_scales.count);
        double real = (double)sums[i] * scale / ferry_scale_at(&y_scales, row % y_scales.count);
        ferry_store_int64(y->dtype, y->data, i,
                          ferry_quantize_value(real, ferry_zero_at(&y_scales, row % y_scales.count), y->dtype));
    }
    return FERRY_OK;
}
