/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions compiled for each set; half precision by instructions where the set has them. */
#include "kernels/convert/convert.h"
#include "kernels/vector/vector.h"
#include "tensor/half.h"

#if defined(__F16C__)
#include <immintrin.h>
enum { HALVES = 8 };
FERRY_INLINE void widen(float *out, const uint16_t *in) {
    _mm256_storeu_ps(out, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)in)));
}
FERRY_INLINE void narrow(uint16_t *out, const float *in) {
    _mm_storeu_si128((__m128i *)out, _mm256_cvtps_ph(_mm256_loadu_ps(in), _MM_FROUND_TO_NEAREST_INT));
}
#else
enum { HALVES = 1 };
FERRY_INLINE void widen(float *out, const uint16_t *in) { *out = ferry_half_to_float(*in); }
FERRY_INLINE void narrow(uint16_t *out, const float *in) { *out = ferry_float_to_half(*in); }
#endif

static void convert_float16_float32(void *out, const void *in, int64_t count) {
    const uint16_t *x = in;
    float *y = out;
    int64_t i = 0;
    for (; i + HALVES <= count; i += HALVES) widen(y + i, x + i);
    for (; i < count; i++) y[i] = ferry_half_to_float(x[i]);
}

static void convert_float32_float16(void *out, const void *in, int64_t count) {
    const float *x = in;
    uint16_t *y = out;
    int64_t i = 0;
    for (; i + HALVES <= count; i += HALVES) narrow(y + i, x + i);
    for (; i < count; i++) y[i] = ferry_float_to_half(x[i]);
}

#include "kernels/convert/convert_body.h"

void FERRY_ISA(ferry_convert_init)(ferry_convert_table *table) { fill_table(table); }
