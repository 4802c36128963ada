/* SPDX-License-Identifier: Apache-2.0 */
/* Quantisation by its definition, and the dispatch. */
#include <math.h>

#include "kernels/quantize/quantize.h"

static int32_t quantize_one(float x, float scale, int32_t zero_point, int32_t low, int32_t high) {
    float q = rintf(x / scale);
    if (!(q > (float)(low - zero_point))) return low;
    return q < (float)(high - zero_point) ? (int32_t)q + zero_point : high;
}

static void quantize_u8(void *out, const float *in, int64_t count, float scale, int32_t zero_point) {
    for (int64_t i = 0; i < count; i++) ((uint8_t *)out)[i] = (uint8_t)quantize_one(in[i], scale, zero_point, 0, 255);
}

static void quantize_s8(void *out, const float *in, int64_t count, float scale, int32_t zero_point) {
    for (int64_t i = 0; i < count; i++) ((int8_t *)out)[i] = (int8_t)quantize_one(in[i], scale, zero_point, -128, 127);
}

static void dequantize_u8(float *out, const void *in, int64_t count, float scale, int32_t zero_point) {
    for (int64_t i = 0; i < count; i++) out[i] = (float)(((const uint8_t *)in)[i] - zero_point) * scale;
}

static void dequantize_s8(float *out, const void *in, int64_t count, float scale, int32_t zero_point) {
    for (int64_t i = 0; i < count; i++) out[i] = (float)(((const int8_t *)in)[i] - zero_point) * scale;
}

void ferry_quantize_init(ferry_quantize_table *table, uint32_t features) {
    (void)features;
    *table = (ferry_quantize_table){quantize_u8, quantize_s8, dequantize_u8, dequantize_s8};
#define FERRY_KERNEL_SET(set, need)                                                                                            \
    if ((features & (need)) == (need)) ferry_quantize_init_##set(table);
#include "kernels/sets.def"
}

void ferry_quantize_dynamic(float low, float high, float *scale, uint8_t *zero_point) {
    low = low < 0.0f ? low : 0.0f;
    high = high > 0.0f ? high : 0.0f;
    *scale = (high - low) / 255.0f;
    float exact = *scale > 0.0f ? 0.0f - low / *scale : 0.0f;
    float rounded = rintf(exact);
    *zero_point = (uint8_t)(rounded < 0.0f ? 0.0f : rounded > 255.0f ? 255.0f : rounded);
}
