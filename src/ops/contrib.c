/* SPDX-License-Identifier: Apache-2.0 */
/* Floating-point operators of com.microsoft that exporters write: fused normalisations and activations, and products with
 * weights quantised on the fly or in blocks of a few bits. */
#include <math.h>

#include "ops/conv_quantized.h"
#include "ops/matmul.h"

/* ---- BiasGelu, FastGelu, QuickGelu ---- */

/* X and an optional bias over the last dimension. */
ferry_status ferry_infer_bias_activation(ferry_inference *inference) {
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_vector(inference, 1, "the bias", x && x->rank ? x->dims[x->rank - 1] : FERRY_DIM_UNKNOWN));
    if (ferry_rule_input(inference, 1)) FERRY_TRY(ferry_rule_rank(inference, 0, 1, FERRY_MAX_RANK));
    return ferry_infer_same_float(inference);
}

static double exact_gelu(double x, double alpha) {
    (void)alpha;
    return 0.5 * x * (1 + erf(x * 0.70710678118654752440));
}

/* Hendrycks and Gimpel, 2016: the tanh approximation. */
static double tanh_gelu(double x, double alpha) {
    (void)alpha;
    return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

static double sigmoid_gelu(double x, double alpha) { return x / (1 + exp(-alpha * x)); }

static ferry_status evaluate_bias_activation(ferry_evaluation *evaluation, double (*function)(double x, double alpha)) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *bias = ferry_input(evaluation, 1);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    double alpha = ferry_attribute_real(evaluation->attributes, "alpha", 1.702f);
    int64_t count = ferry_shape_count(&x->shape), width = bias ? bias->shape.dims[0] : 1;
    for (int64_t i = 0; i < count; i++) {
        double extra = bias ? ferry_load_double(bias->dtype, bias->data, i % width) : 0;
        ferry_store_double(y->dtype, y->data, i, function(ferry_load_double(x->dtype, x->data, i) + extra, alpha));
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_bias_gelu(ferry_evaluation *evaluation) { return evaluate_bias_activation(evaluation, exact_gelu); }
ferry_status ferry_evaluate_fast_gelu(ferry_evaluation *evaluation) { return evaluate_bias_activation(evaluation, tanh_gelu); }
ferry_status ferry_evaluate_quick_gelu(ferry_evaluation *evaluation) {
    return evaluate_bias_activation(evaluation, sigmoid_gelu);
}

/* ---- SkipLayerNormalization and its RMS form ---- */

/* input, skip, gamma, beta, bias (RMS: input, skip, gamma, bias) -> output, mean, inverse deviation, sum */
static ferry_status infer_skip(ferry_inference *inference, int last) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, last, FERRY_DTYPES_FLOAT, &dtype));
    FERRY_TRY(ferry_rule_rank(inference, 0, 1, FERRY_MAX_RANK));
    const ferry_shape *x = ferry_rule_shape(inference, 0), *skip = ferry_rule_shape(inference, 1);
    for (int i = 2; i <= last; i++)
        FERRY_TRY(ferry_rule_vector(inference, i, "scale or bias", x ? x->dims[x->rank - 1] : FERRY_DIM_UNKNOWN));
    ferry_rule_output(inference, 0, dtype, x);
    ferry_rule_output(inference, 3, dtype, x);
    ferry_shape reduced, joined;
    if (x) {
        reduced = *x;
        reduced.dims[x->rank - 1] = 1;
        if (skip) FERRY_TRY(ferry_rule_broadcast(inference, x, skip, &joined));
        if (skip && joined.rank != x->rank)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: the skip does not fit the input", inference->op->name);
        for (int d = 0; skip && d < x->rank; d++)
            FERRY_TRY(
                ferry_rule_same_dim(inference, x->dims[d], joined.dims[d], "dimensions of input and sum", &joined.dims[d]));
    }
    for (int i = 1; i < 3; i++) ferry_rule_output(inference, i, FERRY_FLOAT32, x ? &reduced : NULL);
    return FERRY_OK;
}

ferry_status ferry_infer_skip_layer_normalization(ferry_inference *inference) { return infer_skip(inference, 4); }
ferry_status ferry_infer_skip_rms_normalization(ferry_inference *inference) { return infer_skip(inference, 3); }

static ferry_status evaluate_skip(ferry_evaluation *evaluation, const ferry_tensor *beta, const ferry_tensor *bias,
                                  bool centre) {
    const ferry_tensor *x = ferry_input(evaluation, 0), *skip = ferry_input(evaluation, 1), *gamma = ferry_input(evaluation, 2);
    ferry_tensor *y = ferry_output(evaluation, 0), *means = ferry_output(evaluation, 1),
                 *inverses = ferry_output(evaluation, 2), *sums = ferry_output(evaluation, 3);
    int64_t width = x->shape.dims[x->shape.rank - 1], count = ferry_shape_count(&x->shape), strides[FERRY_MAX_RANK],
            index[FERRY_MAX_RANK] = {0};
    double epsilon = ferry_attribute_real(evaluation->attributes, "epsilon", 1e-5f), *row;
    FERRY_SCRATCH(row, evaluation, width);
    ferry_shape_broadcast_strides(&skip->shape, &x->shape, strides);
    for (int64_t first = 0; first < count; first += width) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < width; i++) {
            int64_t at = 0;
            for (int d = 0; d < x->shape.rank; d++) at += index[d] * strides[d];
            row[i] = ferry_load_double(x->dtype, x->data, first + i) + ferry_load_double(skip->dtype, skip->data, at);
            if (bias) row[i] += ferry_load_double(bias->dtype, bias->data, i);
            if (sums) ferry_store_double(sums->dtype, sums->data, first + i, row[i]);
            sum += row[i];
            ferry_next_index(x->shape.rank, x->shape.dims, index);
        }
        double mean = centre ? sum / (double)width : 0;
        for (int64_t i = 0; i < width; i++) squares += (row[i] - mean) * (row[i] - mean);
        double inverse = 1 / sqrt(squares / (double)width + epsilon);
        if (means) ferry_store_double(means->dtype, means->data, first / width, mean);
        if (inverses) ferry_store_double(inverses->dtype, inverses->data, first / width, inverse);
        for (int64_t i = 0; y && i < width; i++) {
            double value = (row[i] - mean) * inverse * ferry_load_double(gamma->dtype, gamma->data, i);
            ferry_store_double(y->dtype, y->data, first + i,
                               value + (beta ? ferry_load_double(beta->dtype, beta->data, i) : 0));
        }
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_skip_layer_normalization(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    return evaluate_skip(evaluation, ferry_input(evaluation, 3), ferry_input(evaluation, 4), true);
}

ferry_status ferry_evaluate_skip_rms_normalization(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    return evaluate_skip(evaluation, NULL, ferry_input(evaluation, 3), false);
}

/* ---- MatMulNBits: A (..., K), B (N, blocks, packed), scales (N, blocks), zero points, g_idx, bias ---- */

typedef struct bits_layout {
    int64_t inner, columns, bits, block, blocks, block_bytes;
} bits_layout;

static ferry_status read_bits_layout(const ferry_attributes *attributes, ferry_error *error, bits_layout *layout) {
    *layout = (bits_layout){.inner = ferry_attribute_integer(attributes, "K", 0),
                            .columns = ferry_attribute_integer(attributes, "N", 0),
                            .bits = ferry_attribute_integer(attributes, "bits", 4),
                            .block = ferry_attribute_integer(attributes, "block_size", 0)};
    if (layout->inner < 1 || layout->columns < 1 || layout->block < 16 || (layout->block & (layout->block - 1)) ||
        layout->block > 1 << 20 || layout->inner > INT32_MAX || layout->columns > INT32_MAX ||
        (layout->bits != 2 && layout->bits != 4 && layout->bits != 8))
        return ferry_fail(error, FERRY_ERROR_SHAPE,
                          "MatMulNBits: K, N, bits (2, 4 or 8) or block_size (a power of two from 16) is out of range");
    layout->blocks = ferry_ceil_div(layout->inner, layout->block);
    layout->block_bytes = layout->block * layout->bits / 8;
    return FERRY_OK;
}

/* An input's elements, if its shape is known, must be this many. */
static ferry_status check_elements(const ferry_inference *inference, int index, int64_t wanted) {
    const ferry_shape *shape = ferry_rule_shape(inference, index);
    int64_t count;
    if (!shape || !ferry_shape_elements(shape, &count) || count == wanted) return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: input %d has %lld elements, not %lld", inference->op->name,
                      index, (long long)count, (long long)wanted);
}

ferry_status ferry_infer_matmul_n_bits(ferry_inference *inference) {
    bits_layout layout;
    FERRY_TRY(read_bits_layout(inference->attributes, inference->error, &layout));
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, 1 << FERRY_UINT8));
    FERRY_TRY(ferry_rule_dtypes(inference, 2, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, 3, FERRY_DTYPES_FLOAT | 1 << FERRY_UINT8));
    FERRY_TRY(ferry_rule_rank(inference, 0, 1, FERRY_MAX_RANK));
    FERRY_TRY(check_elements(inference, 1, layout.columns * layout.blocks * layout.block_bytes));
    FERRY_TRY(check_elements(inference, 2, layout.columns * layout.blocks));
    int64_t packed_zeros = layout.columns * ferry_ceil_div(layout.blocks * layout.bits, 8);
    FERRY_TRY(check_elements(inference, 3,
                             ferry_rule_dtype(inference, 3) == FERRY_UINT8 ? packed_zeros : layout.columns * layout.blocks));
    FERRY_TRY(ferry_rule_vector(inference, 5, "the bias", layout.columns));
    if (ferry_rule_input(inference, 4))
        return ferry_fail(inference->error, FERRY_ERROR_UNSUPPORTED, "MatMulNBits: g_idx is not supported");
    const ferry_shape *a = ferry_rule_shape(inference, 0);
    ferry_shape shape = a ? *a : (ferry_shape){0};
    if (a && ferry_dims_clash(a->dims[a->rank - 1], layout.inner))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "MatMulNBits: A has %lld columns but K is %lld",
                          (long long)a->dims[a->rank - 1], (long long)layout.inner);
    if (a) shape.dims[shape.rank - 1] = layout.columns;
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), a ? &shape : NULL);
    return FERRY_OK;
}

static double small_integer(const uint8_t *bytes, int64_t index, int64_t bits) {
    int64_t per_byte = 8 / bits;
    return (double)((bytes[index / per_byte] >> (index % per_byte * bits)) & ((1 << bits) - 1));
}

/* One row of the transposed weights, dequantised. Without zero points the middle of the range is zero. */
static void unpack_column(const ferry_evaluation *evaluation, const bits_layout *layout, int64_t column, double *weights) {
    const uint8_t *packed = ferry_input(evaluation, 1)->data;
    const ferry_tensor *scales = ferry_input(evaluation, 2), *zeros = ferry_input(evaluation, 3);
    int64_t zero_bytes = ferry_ceil_div(layout->blocks * layout->bits, 8);
    for (int64_t b = 0; b < layout->blocks; b++) {
        int64_t place = column * layout->blocks + b;
        double scale = ferry_load_double(scales->dtype, scales->data, place), zero = (double)(1 << (layout->bits - 1));
        if (zeros && zeros->dtype == FERRY_UINT8)
            zero = small_integer((const uint8_t *)zeros->data + column * zero_bytes, b, layout->bits);
        if (zeros && zeros->dtype != FERRY_UINT8) zero = ferry_load_double(zeros->dtype, zeros->data, place);
        for (int64_t i = 0; i < layout->block && b * layout->block + i < layout->inner; i++)
            weights[b * layout->block + i] =
                (small_integer(packed + place * layout->block_bytes, i, layout->bits) - zero) * scale;
    }
}

ferry_status ferry_evaluate_matmul_n_bits(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *a = ferry_input(evaluation, 0), *bias = ferry_input(evaluation, 5);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    bits_layout layout;
    FERRY_TRY(read_bits_layout(evaluation->attributes, evaluation->error, &layout));
    const double *values;
    double *weights;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, a));
    FERRY_SCRATCH(weights, evaluation, layout.inner);
    int64_t rows = ferry_shape_product(&a->shape, 0, a->shape.rank - 1);
    for (int64_t column = 0; column < layout.columns; column++) {
        unpack_column(evaluation, &layout, column, weights);
        for (int64_t row = 0; row < rows; row++) {
            double sum = bias ? ferry_load_double(bias->dtype, bias->data, column) : 0;
            for (int64_t k = 0; k < layout.inner; k++) sum += values[row * layout.inner + k] * weights[k];
            ferry_store_double(y->dtype, y->data, row * layout.columns + column, sum);
        }
    }
    return FERRY_OK;
}

/* ---- DynamicQuantizeMatMul: A (float32), B (bytes), B's scale, zero, bias ---- */

ferry_status ferry_infer_dynamic_quantize_matmul(ferry_inference *inference) {
    ferry_shape shape;
    bool ranked;
    FERRY_TRY(ferry_rule_dtypes(inference, 0, 1 << FERRY_FLOAT32));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, 1 << FERRY_INT8 | 1 << FERRY_UINT8));
    FERRY_TRY(ferry_rule_rank(inference, 1, 2, 2));
    FERRY_TRY(ferry_matmul_shape(inference, 0, 1, &shape, &ranked));
    const ferry_shape *b = ferry_rule_shape(inference, 1);
    int64_t columns = b ? b->dims[1] : FERRY_DIM_UNKNOWN;
    FERRY_TRY(ferry_rule_scales(inference, 2, columns));
    FERRY_TRY(ferry_rule_scales(inference, 3, columns));
    FERRY_TRY(ferry_rule_vector(inference, 4, "the bias", columns));
    ferry_rule_output(inference, 0, FERRY_FLOAT32, ranked ? &shape : NULL);
    return FERRY_OK;
}

/* As DynamicQuantizeLinear does: 8 bits over a range that holds 0. */
static float quantize_to_bytes(const float *values, int64_t count, int64_t *quantized) {
    float low = 0, high = 0;
    for (int64_t i = 0; i < count; i++) low = fminf(low, values[i]), high = fmaxf(high, values[i]);
    float scale = high == low ? 1 : (high - low) / 255;
    int64_t zero = ferry_quantize_value(-low / scale, 0, FERRY_UINT8);
    for (int64_t i = 0; i < count; i++) quantized[i] = ferry_quantize_value(values[i] / scale, zero, FERRY_UINT8) - zero;
    return scale;
}

ferry_status ferry_evaluate_dynamic_quantize_matmul(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *a = ferry_input(evaluation, 0), *b = ferry_input(evaluation, 1), *bias = ferry_input(evaluation, 4);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t a_count = ferry_shape_count(&a->shape), b_count = ferry_shape_count(&b->shape),
            count = ferry_shape_count(&y->shape), *left, *right, *sums;
    ferry_scales scales;
    ferry_matmul_geometry g;
    FERRY_TRY(ferry_scales_read(evaluation, 2, 3, &scales));
    FERRY_SCRATCH(left, evaluation, a_count);
    FERRY_SCRATCH(right, evaluation, b_count);
    FERRY_SCRATCH(sums, evaluation, count);
    ferry_matmul_geometry_of(&a->shape, &b->shape, &g);
    float scale = quantize_to_bytes(a->data, a_count, left);
    for (int64_t i = 0; i < b_count; i++)
        right[i] = ferry_load_int64(b->dtype, b->data, i) - ferry_zero_at(&scales, i % g.columns);
    ferry_matmul_integers(&g, left, right, sums);
    for (int64_t i = 0; i < count; i++) {
        double value = (double)sums[i] * scale * ferry_scale_at(&scales, i % g.columns);
        if (bias) value += ferry_load_double(bias->dtype, bias->data, i % g.columns);
        ((float *)y->data)[i] = (float)value;
    }
    return FERRY_OK;
}
