/* SPDX-License-Identifier: Apache-2.0 */
/* Linear quantisation of one value, shared by the quantised operators: real = scale * (quantised - zero_point). */
#ifndef FERRY_OPS_CONV_QUANTIZED_H
#define FERRY_OPS_CONV_QUANTIZED_H

#include <math.h>

#include "ops/support.h"

/* Smallest and largest integer of an integer dtype of at most 32 bits. */
static inline int64_t ferry_dtype_lowest(ferry_dtype dtype) {
    return ferry_dtype_is_signed_integer(dtype) ? -((int64_t)1 << (ferry_dtype_bits(dtype) - 1)) : 0;
}
static inline int64_t ferry_dtype_highest(ferry_dtype dtype) {
    int bits = ferry_dtype_bits(dtype);
    return ((int64_t)1 << (ferry_dtype_is_signed_integer(dtype) ? bits - 1 : bits)) - 1;
}
/* value (already divided by the scale) to the nearest integer, ties to even, plus the zero point, saturated. NaN gives the
 * lowest. */
static inline int64_t ferry_quantize_value(double value, int64_t zero_point, ferry_dtype dtype) {
    double rounded = nearbyint(value) + (double)zero_point;
    double low = (double)ferry_dtype_lowest(dtype), high = (double)ferry_dtype_highest(dtype);
    return rounded >= high ? (int64_t)high : rounded >= low ? (int64_t)rounded : (int64_t)low;
}

/* A scale and zero point an operator gives for a whole tensor or along one axis (`count` of each; count 1 = the whole). */
typedef struct ferry_scales {
    const double *scale;
    const int64_t *zero;
    int64_t count;
} ferry_scales;

/* Reads inputs scale (-1: all 1) and zero (may be absent: all 0). */
ferry_status ferry_scales_read(ferry_evaluation *evaluation, int scale, int zero, ferry_scales *scales);
static inline double ferry_scale_at(const ferry_scales *scales, int64_t channel) {
    return scales->scale[scales->count == 1 ? 0 : channel];
}
static inline int64_t ferry_zero_at(const ferry_scales *scales, int64_t channel) {
    return scales->zero[scales->count == 1 ? 0 : channel];
}
/* Rule: input `index` is a scalar or vector of one element, or (length not 1) a vector of `length`. */
ferry_status ferry_rule_scales(const ferry_inference *inference, int index, int64_t length);

#endif
