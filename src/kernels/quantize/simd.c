/* SPDX-License-Identifier: Apache-2.0 */
/* Quantisation on vectors; compiled once an instruction set. The narrowing and widening loops have constant lengths: the
 * compiler makes them the set's pack and unpack instructions. */
#include "kernels/quantize/quantize.h"
#include "kernels/vector/vector.h"

enum { GROUP = 4 * FERRY_VEC };

/* The clamp comes before the conversion, so that the integers fit. NaN becomes the lower bound: vec_max gives its second
 * operand. */
FERRY_INLINE void quantize_group(int32_t *q, const float *in, vec scale, vec low, vec high, vec_int zero_point) {
    for (int i = 0; i < GROUP; i += FERRY_VEC) {
        vec x = vec_round(vec_div(vec_load(in + i), scale));
        x = vec_select(vec_less(low, x), x, low);
        x = vec_min(x, high);
        vec_int_store(q + i, vec_int_add(vec_to_int(x), zero_point));
    }
}

#define QUANTIZE(name, type, lowest, highest)                                                                                  \
    static void quantize_##name(void *out, const float *in, int64_t count, float scale, int32_t zero_point) {                  \
        const vec s = vec_set1(scale), low = vec_set1((float)((lowest)-zero_point)),                                           \
                  high = vec_set1((float)((highest)-zero_point));                                                              \
        const vec_int zero = vec_int_set1(zero_point);                                                                         \
        type *to = out;                                                                                                        \
        int32_t q[GROUP];                                                                                                      \
        int64_t i = 0;                                                                                                         \
        for (; i + GROUP <= count; i += GROUP) {                                                                               \
            quantize_group(q, in + i, s, low, high, zero);                                                                     \
            for (int k = 0; k < GROUP; k++) to[i + k] = (type)q[k];                                                            \
        }                                                                                                                      \
        if (i == count) return;                                                                                                \
        float rest[GROUP] = {0.0f};                                                                                            \
        memcpy(rest, in + i, (size_t)(count - i) * sizeof *rest);                                                              \
        quantize_group(q, rest, s, low, high, zero);                                                                           \
        for (int64_t k = 0; k < count - i; k++) to[i + k] = (type)q[k];                                                        \
    }                                                                                                                          \
    static void dequantize_##name(float *out, const void *in, int64_t count, float scale, int32_t zero_point) {                \
        const type *from = in;                                                                                                 \
        for (int64_t i = 0; i < count; i++) out[i] = (float)(from[i] - zero_point) * scale;                                    \
    }

QUANTIZE(u8, uint8_t, 0, 255)
QUANTIZE(s8, int8_t, -128, 127)

void FERRY_ISA(ferry_quantize_init)(ferry_quantize_table *table) {
    *table = (ferry_quantize_table){quantize_u8, quantize_s8, dequantize_u8, dequantize_s8};
}
