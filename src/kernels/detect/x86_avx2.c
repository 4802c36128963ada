/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

#define FERRY_DETECT_NAME(name) ferry_detect_##name##_avx2
#include "kernels/detect/generic.inc"

/* The maximum first, then where it stands: two passes over a row in the first-level cache are quicker than carrying indices.
 * max_ps(new, old) keeps the old value where the new one is not a number. */
static float row_maximum(const float *values, int count, __m256 scale) {
    __m256 a = _mm256_set1_ps(-INFINITY), b = a;
    int i = 0;
    for (; i + 16 <= count; i += 16) {
        a = _mm256_max_ps(_mm256_mul_ps(_mm256_loadu_ps(values + i), scale), a);
        b = _mm256_max_ps(_mm256_mul_ps(_mm256_loadu_ps(values + i + 8), scale), b);
    }
    a = _mm256_max_ps(a, b);
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    m = _mm_max_ss(m, _mm_movehdup_ps(m));
    for (; i < count; i++) m = _mm_max_ss(_mm_mul_ss(_mm_load_ss(values + i), _mm256_castps256_ps128(scale)), m);
    return _mm_cvtss_f32(m);
}

float ferry_detect_row_max_avx2(const float *values, int count, float scale, int32_t *index) {
    const __m256 scales = _mm256_set1_ps(scale);
    const float best = row_maximum(values, count, scales);
    const __m256 wanted = _mm256_set1_ps(best);
    int i = 0;
    *index = 0;
    if (best == -INFINITY) return best;
    for (; i + 8 <= count; i += 8) {
        __m256 equal = _mm256_cmp_ps(_mm256_mul_ps(_mm256_loadu_ps(values + i), scales), wanted, _CMP_EQ_OQ);
        const int bits = _mm256_movemask_ps(equal);
        if (bits) {
            *index = i + __builtin_ctz((unsigned)bits);
            return best;
        }
    }
    for (; i < count; i++)
        if (values[i] * scale == best) {
            *index = i;
            break;
        }
    return best;
}
