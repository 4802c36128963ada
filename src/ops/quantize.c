/* SPDX-License-Identifier: Apache-2.0 */
/* QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear: per tensor, per axis and blocked; integers of 16, 8, 4 and 2 bits,
 * float8 and float4. */
#include <math.h>

#include "ops/conv_quantized.h"
#include "tensor/half.h"

enum {
    QUANTIZED =
        1 << FERRY_INT8 | 1 << FERRY_UINT8 | 1 << FERRY_INT16 | 1 << FERRY_UINT16 | FERRY_DTYPES_FLOAT8 | FERRY_DTYPES_PACKED,
    REAL = FERRY_DTYPES_FLOAT | 1 << FERRY_INT32,
    SCALE = FERRY_DTYPES_FLOAT | 1 << FERRY_INT32 | 1 << FERRY_FLOAT8E8M0
};

/* Where the scale of an element lies. */
typedef struct scale_map {
    int64_t length, inner, block, blocks; /* of the axis; block 0 = per axis; length 0 = one scale for all */
} scale_map;

static int64_t scale_index(const scale_map *map, int64_t element) {
    if (map->length == 0) return 0;
    int64_t at = element / map->inner % map->length;
    if (map->block == 0) return at;
    return (element / (map->inner * map->length) * map->blocks + at / map->block) * map->inner + element % map->inner;
}

/* A scalar (or single value), a vector along `axis`, or, with block_size, a tensor of x's rank with x's dimensions but
 * ceil(x's / block_size) along the axis. */
static ferry_status check_scale(const ferry_inference *inference, int index, const ferry_shape *x) {
    const ferry_shape *scale = ferry_rule_shape(inference, index);
    int64_t block = ferry_attribute_integer(inference->attributes, "block_size", 0);
    if (block < 0)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: block_size %lld is negative", inference->op->name,
                          (long long)block);
    if (!scale || !x || scale->rank == 0) return FERRY_OK;
    if (block == 0 && scale->rank == 1 && scale->dims[0] == 1) return FERRY_OK;
    int axis;
    int64_t wished = ferry_attribute_integer(inference->attributes, "axis", 1);
    if (block == 0 && scale->rank == 1 && !ferry_dim_known(scale->dims[0]) && (wished >= x->rank || wished < -x->rank))
        return FERRY_OK;
    FERRY_TRY(ferry_rule_axis(inference, wished, x->rank, &axis));
    if (block == 0) return ferry_rule_vector(inference, index, "the scale or zero point", x->dims[axis]);
    FERRY_TRY(ferry_rule_rank(inference, index, x->rank, x->rank));
    for (int i = 0; i < x->rank; i++) {
        int64_t joined, wanted = i == axis ? ferry_dim_ceil_divide(inference->symbols, x->dims[i], block) : x->dims[i];
        FERRY_TRY(ferry_rule_same_dim(inference, scale->dims[i], wanted,
                                      "dimensions of the scale and those that the blocks give", &joined));
    }
    return FERRY_OK;
}

static ferry_status check_scale_and_zero(const ferry_inference *inference) {
    const ferry_shape *x = ferry_rule_shape(inference, 0), *scale = ferry_rule_shape(inference, 1),
                      *zero = ferry_rule_shape(inference, 2);
    FERRY_TRY(ferry_rule_dtypes(inference, 1, SCALE));
    FERRY_TRY(check_scale(inference, 1, x));
    FERRY_TRY(check_scale(inference, 2, x));
    int64_t scales, zeros;
    if (scale && zero && ferry_shape_elements(scale, &scales) && ferry_shape_elements(zero, &zeros) && scales != zeros)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: %lld scales but %lld zero points", inference->op->name,
                          (long long)scales, (long long)zeros);
    return FERRY_OK;
}

static scale_map map_scales(const ferry_evaluation *evaluation, const ferry_tensor *x, const ferry_tensor *scale) {
    scale_map map = {0};
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", 1);
    map.block = ferry_attribute_integer(evaluation->attributes, "block_size", 0);
    if (scale->shape.rank == 0 || (map.block == 0 && scale->shape.dims[0] == 1)) return map;
    if (axis < 0) axis += x->shape.rank;
    map.length = x->shape.dims[axis];
    map.inner = ferry_shape_product(&x->shape, (int)axis + 1, x->shape.rank);
    map.blocks = map.block ? scale->shape.dims[axis] : 0;
    return map;
}

/* ---- QuantizeLinear ---- */

ferry_status ferry_infer_quantize_linear(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, REAL));
    FERRY_TRY(ferry_rule_dtypes(inference, 2, QUANTIZED));
    FERRY_TRY(check_scale_and_zero(inference));
    ferry_dtype named = (ferry_dtype)ferry_attribute_integer(inference->attributes, "output_dtype", 0);
    ferry_dtype zero = ferry_rule_dtype(inference, 2), dtype = zero ? zero : named ? named : FERRY_UINT8;
    if ((unsigned)dtype > FERRY_INT2 || !(QUANTIZED & FERRY_DTYPE_BIT(dtype)) || (named && zero && named != zero))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "QuantizeLinear: output_dtype %d does not fit a zero point of type %s", (int)named,
                          ferry_dtype_name(zero));
    ferry_rule_output(inference, 0, dtype, ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

/* x / scale rounded to the type that the division is said to be done in. */
static double divide(double x, double scale, ferry_dtype precision) {
    if (precision == FERRY_FLOAT64) return x / scale;
    float quotient = (float)x / (float)scale;
    if (precision == FERRY_FLOAT16) return ferry_half_to_float(ferry_float_to_half(quotient));
    if (precision == FERRY_BFLOAT16) return ferry_bfloat16_to_float(ferry_float_to_bfloat16(quotient));
    return quotient;
}

static void store_quantized(ferry_tensor *y, int64_t index, double value, int64_t zero, bool saturate) {
    if (!ferry_dtype_is_float(y->dtype))
        ferry_store_int64(y->dtype, y->data, index, ferry_quantize_value(value, zero, y->dtype));
    else if (ferry_dtype_bits(y->dtype) == 8)
        ((uint8_t *)y->data)[index] = ferry_float_to_float8((int)y->dtype, (float)value, saturate);
    else
        ferry_store_double(y->dtype, y->data, index, value);
}

ferry_status ferry_evaluate_quantize_linear(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *scale = ferry_input(evaluation, 1), *zero = ferry_input(evaluation, 2);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    bool saturate = ferry_attribute_integer(evaluation->attributes, "saturate", 1) != 0;
    ferry_dtype precision = (ferry_dtype)ferry_attribute_integer(evaluation->attributes, "precision", 0);
    if (!precision) precision = scale->dtype;
    scale_map map = map_scales(evaluation, x, scale);
    int64_t count = ferry_shape_count(&x->shape);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = scale_index(&map, i),
                offset = zero && !ferry_dtype_is_float(y->dtype) ? ferry_load_int64(zero->dtype, zero->data, at) : 0;
        double value =
            divide(ferry_load_double(x->dtype, x->data, i), ferry_load_double(scale->dtype, scale->data, at), precision);
        store_quantized(y, i, value, offset, saturate);
    }
    return FERRY_OK;
}

/* ---- DequantizeLinear ---- */

ferry_status ferry_infer_dequantize_linear(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, QUANTIZED | 1 << FERRY_INT32));
    FERRY_TRY(check_scale_and_zero(inference));
    ferry_dtype named = (ferry_dtype)ferry_attribute_integer(inference->attributes, "output_dtype", 0);
    ferry_dtype dtype = named ? named : ferry_rule_dtype(inference, 1);
    if (dtype && ((unsigned)dtype > FERRY_INT2 || !(FERRY_DTYPES_FLOAT & FERRY_DTYPE_BIT(dtype))))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "DequantizeLinear: the output cannot be of type %s; output_dtype says which",
                          ferry_dtype_name(dtype));
    ferry_rule_output(inference, 0, dtype, ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

ferry_status ferry_evaluate_dequantize_linear(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *scale = ferry_input(evaluation, 1), *zero = ferry_input(evaluation, 2);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    scale_map map = map_scales(evaluation, x, scale);
    int64_t count = ferry_shape_count(&x->shape);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = scale_index(&map, i);
        double value = ferry_load_double(x->dtype, x->data, i) - (zero ? ferry_load_double(zero->dtype, zero->data, at) : 0);
        ferry_store_double(y->dtype, y->data, i, value * ferry_load_double(scale->dtype, scale->data, at));
    }
    return FERRY_OK;
}

/* ---- DynamicQuantizeLinear ---- */

ferry_status ferry_infer_dynamic_quantize_linear(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, 1 << FERRY_FLOAT32));
    ferry_shape scalar = {0};
    ferry_rule_output(inference, 0, FERRY_UINT8, ferry_rule_shape(inference, 0));
    ferry_rule_output(inference, 1, FERRY_FLOAT32, &scalar);
    ferry_rule_output(inference, 2, FERRY_UINT8, &scalar);
    return FERRY_OK;
}

ferry_status ferry_evaluate_dynamic_quantize_linear(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0), *scale_out = ferry_output(evaluation, 1),
                 *zero_out = ferry_output(evaluation, 2);
    const float *values = x->data;
    int64_t count = ferry_shape_count(&x->shape);
    float low = 0, high = 0; /* the range always holds 0, so that zero stays exact */
    for (int64_t i = 0; i < count; i++) {
        low = fminf(low, values[i]);
        high = fmaxf(high, values[i]);
    }
    float scale = high == low ? 1 : (high - low) / 255;
    int64_t zero = ferry_quantize_value(-low / scale, 0, FERRY_UINT8);
    for (int64_t i = 0; y && i < count; i++)
        ((uint8_t *)y->data)[i] = (uint8_t)ferry_quantize_value(values[i] / scale, zero, FERRY_UINT8);
    if (scale_out) *(float *)scale_out->data = scale;
    if (zero_out) *(uint8_t *)zero_out->data = (uint8_t)zero;
    return FERRY_OK;
}
