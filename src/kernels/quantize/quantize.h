/* SPDX-License-Identifier: Apache-2.0 */
/* Between floats and 8-bit integers, as ONNX's QuantizeLinear and DequantizeLinear define it. */
#ifndef FERRY_KERNELS_QUANTIZE_QUANTIZE_H
#define FERRY_KERNELS_QUANTIZE_QUANTIZE_H

#include <stdint.h>

#include "base/cpu.h"

/* out[i] = saturate(round(in[i] / scale) + zero_point), ties to even; NaN gives what the lowest value gives. out is uint8_t for
 * quantize_u8 (zero_point 0 .. 255), int8_t for quantize_s8 (-128 .. 127). */
typedef void (*ferry_quantize_function)(void *out, const float *in, int64_t count, float scale, int32_t zero_point);
/* out[i] = (in[i] - zero_point) * scale. */
typedef void (*ferry_dequantize_function)(float *out, const void *in, int64_t count, float scale, int32_t zero_point);

typedef struct ferry_quantize_table {
    ferry_quantize_function quantize_u8, quantize_s8;
    ferry_dequantize_function dequantize_u8, dequantize_s8;
} ferry_quantize_table;

void ferry_quantize_init(ferry_quantize_table *table, uint32_t features);

#define FERRY_KERNEL_SET(set, need) void ferry_quantize_init_##set(ferry_quantize_table *table);
#include "kernels/sets.def"

/* Scale and zero point that DynamicQuantizeLinear takes for values in low .. high (0 is included in the range). */
void ferry_quantize_dynamic(float low, float high, float *scale, uint8_t *zero_point);

#endif
