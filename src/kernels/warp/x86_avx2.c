/* SPDX-License-Identifier: Apache-2.0 */
/* The pixel kernels with AVX2: 8 outputs a step horizontally, 16 vertically. Bit-equal to ref.c. */
#include <immintrin.h>
#include <string.h>

#include "kernels/warp/warp.h"

/* Two outputs j and j + 4, eight bytes each, as eight 16-bit values a lane. */
static inline __m256i load_two(const uint8_t *row, const int32_t *first, int step, int j) {
    __m128i low = _mm_loadl_epi64((const __m128i *)(row + (ptrdiff_t)first[j] * step));
    __m128i high = _mm_loadl_epi64((const __m128i *)(row + (ptrdiff_t)first[j + 4] * step));
    return _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(low, high));
}

/* Picks for each component the pair (first, second) out of eight 16-bit values: a shuffle of bytes within a lane. */
static __m256i pair_shuffle(const ferry_warp_columns *columns) {
    uint8_t mask[16];
    memset(mask, 0x80, sizeof mask);
    for (int c = 0; c < columns->components; c++)
        for (int tap = 0; tap < 2; tap++) {
            int value = columns->offset[c] + tap * columns->step;
            mask[4 * c + 2 * tap] = (uint8_t)(2 * value);
            mask[4 * c + 2 * tap + 1] = (uint8_t)(2 * value + 1);
        }
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)mask));
}

static inline __m256i weigh(__m256i samples, __m256i shuffle, __m256i weights) {
    return _mm256_srai_epi32(_mm256_madd_epi16(_mm256_shuffle_epi8(samples, shuffle), weights), 4);
}

/* Outputs i to i + 7. Lanes hold outputs 0..3 and 4..7, so that weights spread by in-lane shuffles and rows come out in order.
 */
static inline void eight_outputs(const ferry_warp_columns *columns, const uint8_t *row, __m256i shuffle, int i,
                                 int16_t *const out[3]) {
    const int32_t *first = columns->first + i;
    const int step = columns->step;
    const __m256i weights = _mm256_loadu_si256((const __m256i *)(columns->weights + 2 * i));
    __m256i a = weigh(load_two(row, first, step, 0), shuffle, _mm256_shuffle_epi32(weights, 0x00));
    __m256i b = weigh(load_two(row, first, step, 1), shuffle, _mm256_shuffle_epi32(weights, 0x55));
    __m256i c = weigh(load_two(row, first, step, 2), shuffle, _mm256_shuffle_epi32(weights, 0xaa));
    __m256i d = weigh(load_two(row, first, step, 3), shuffle, _mm256_shuffle_epi32(weights, 0xff));
    const __m256i by_component = _mm256_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15, 0, 1, 8, 9, 2, 3, 10,
                                                  11, 4, 5, 12, 13, 6, 7, 14, 15);
    __m256i ab = _mm256_shuffle_epi8(_mm256_packs_epi32(a, b), by_component);
    __m256i cd = _mm256_shuffle_epi8(_mm256_packs_epi32(c, d), by_component);
    __m256i low = _mm256_permute4x64_epi64(_mm256_unpacklo_epi32(ab, cd), 0xd8);
    _mm_storeu_si128((__m128i *)(out[0] + i), _mm256_castsi256_si128(low));
    if (columns->components > 1) _mm_storeu_si128((__m128i *)(out[1] + i), _mm256_extracti128_si256(low, 1));
    if (columns->components > 2) {
        __m256i high = _mm256_permute4x64_epi64(_mm256_unpackhi_epi32(ab, cd), 0xd8);
        _mm_storeu_si128((__m128i *)(out[2] + i), _mm256_castsi256_si128(high));
    }
}

/* Outputs from `begin` on one by one: near the right edge eight bytes would reach beyond the row. */
static void scalar_outputs(const ferry_warp_columns *columns, const uint8_t *row, int begin, int16_t *const out[3]) {
    for (int c = 0; c < columns->components; c++) {
        const uint8_t *base = row + columns->offset[c];
        for (int i = begin; i < columns->padded; i++) {
            int first = base[(ptrdiff_t)columns->first[i] * columns->step];
            int second = base[(ptrdiff_t)columns->second[i] * columns->step];
            out[c][i] = (int16_t)((first * columns->weights[2 * i] + second * columns->weights[2 * i + 1]) >> 4);
        }
    }
}

void ferry_warp_horizontal_avx2(const ferry_warp_columns *columns, const uint8_t *row, int16_t *const out[3]) {
    if (columns->wide) {
        ferry_warp_horizontal_ref(columns, row, out);
        return;
    }
    const __m256i shuffle = pair_shuffle(columns);
    for (int i = 0; i < columns->safe; i += 8) eight_outputs(columns, row, shuffle, i, out);
    scalar_outputs(columns, row, columns->safe, out);
}

/* Eight outputs of one component: two groups of four, a lane each. */
static inline __m128i weigh_groups(__m256i samples, const uint8_t *mask0, const uint8_t *mask1, __m256i weights) {
    __m256i mask = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_load_si128((const __m128i *)mask0)),
                                           _mm_load_si128((const __m128i *)mask1), 1);
    __m256i sums = weigh(samples, mask, weights);
    return _mm_packs_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

void ferry_warp_horizontal_group_avx2(const ferry_warp_columns *columns, const uint8_t *row, int16_t *const out[3]) {
    const int components = columns->components;
    const uint8_t *masks = columns->group_masks;
    for (int i = 0; i < columns->padded; i += 8, masks += 32 * components) {
        const int32_t *base = columns->group_base + i / 4;
        __m256i samples = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(row + base[0]))),
                                                  _mm_loadu_si128((const __m128i *)(row + base[1])), 1);
        __m256i weights = _mm256_loadu_si256((const __m256i *)(columns->weights + 2 * i));
        for (int c = 0; c < components; c++) {
            __m128i values = weigh_groups(samples, masks + 16 * c, masks + 16 * (components + c), weights);
            _mm_storeu_si128((__m128i *)(out[c] + i), values);
        }
    }
}

static inline __m256i load16(const int16_t *row) { return _mm256_loadu_si256((const __m256i *)row); }

static inline void store_bytes(uint8_t *out, __m256i a, __m256i b) {
    _mm256_storeu_si256((__m256i *)out, _mm256_permute4x64_epi64(_mm256_packus_epi16(a, b), 0xd8));
}

static inline __m256i blend_exact(const int16_t *row0, const int16_t *row1, __m256i weight0, __m256i weight1) {
    __m256i sum = _mm256_add_epi16(_mm256_mulhi_epi16(load16(row0), weight0), _mm256_mulhi_epi16(load16(row1), weight1));
    return _mm256_srai_epi16(_mm256_add_epi16(sum, _mm256_set1_epi16(2)), 2);
}

void ferry_warp_vertical_avx2(const int16_t *row0, const int16_t *row1, const int16_t weights[2], int count, uint8_t *out) {
    const __m256i weight0 = _mm256_set1_epi16(weights[0]), weight1 = _mm256_set1_epi16(weights[1]);
    for (int i = 0; i < count; i += 32)
        store_bytes(out + i, blend_exact(row0 + i, row1 + i, weight0, weight1),
                    blend_exact(row0 + i + 16, row1 + i + 16, weight0, weight1));
}

/* Sixteen pixels as 16 * R, G, B, not yet rounded. */
typedef struct rgb16 {
    __m256i r, g, b;
} rgb16;

static inline __m256i blend_rounded(const ferry_warp_yuv_rows *rows, int component, int i, __m256i weight0, __m256i weight1) {
    return _mm256_add_epi16(_mm256_mulhrs_epi16(load16(rows->row0[component] + i), weight0),
                            _mm256_mulhrs_epi16(load16(rows->row1[component] + i), weight1));
}

static inline __m256i center(__m256i value, int offset) {
    return _mm256_slli_epi16(_mm256_sub_epi16(value, _mm256_set1_epi16((int16_t)offset)), 3);
}

static inline __m256i round_sixteenths(__m256i value) {
    return _mm256_srai_epi16(_mm256_add_epi16(value, _mm256_set1_epi16(8)), 4);
}

static inline rgb16 convert16(const ferry_warp_colors *colors, const ferry_warp_yuv_rows *rows, int i) {
    const __m256i c0 = _mm256_set1_epi16(rows->chroma_weights[0]), c1 = _mm256_set1_epi16(rows->chroma_weights[1]);
    __m256i y = blend_rounded(rows, 0, i, _mm256_set1_epi16(rows->luma_weights[0]), _mm256_set1_epi16(rows->luma_weights[1]));
    __m256i u = center(blend_rounded(rows, 1, i, c0, c1), 1024), v = center(blend_rounded(rows, 2, i, c0, c1), 1024);
    y = _mm256_mulhrs_epi16(center(y, 8 * colors->luma_offset), _mm256_set1_epi16(colors->luma));
    __m256i green = _mm256_sub_epi16(y, _mm256_mulhrs_epi16(u, _mm256_set1_epi16(colors->green_u)));
    return (rgb16){.r = round_sixteenths(_mm256_add_epi16(y, _mm256_mulhrs_epi16(v, _mm256_set1_epi16(colors->red_v)))),
                   .g = round_sixteenths(_mm256_sub_epi16(green, _mm256_mulhrs_epi16(v, _mm256_set1_epi16(colors->green_v)))),
                   .b = round_sixteenths(_mm256_add_epi16(y, _mm256_mulhrs_epi16(u, _mm256_set1_epi16(colors->blue_u))))};
}

void ferry_warp_yuv_avx2(const ferry_warp_colors *colors, const ferry_warp_yuv_rows *rows) {
    for (int i = 0; i < rows->count; i += 32) {
        rgb16 low = convert16(colors, rows, i), high = convert16(colors, rows, i + 16);
        store_bytes(rows->out[0] + i, low.r, high.r);
        store_bytes(rows->out[1] + i, low.g, high.g);
        store_bytes(rows->out[2] + i, low.b, high.b);
    }
}

/* Correctly rounded quotient for all but odd divisors, which the plan has found out (Markstein, "Computation of elementary
 * functions on the IBM RISC System/6000", 1990). */
static inline __m256 divide(__m256 x, __m256 divisor, __m256 reciprocal) {
    __m256 quotient = _mm256_mul_ps(x, reciprocal);
    return _mm256_fmadd_ps(_mm256_fnmadd_ps(quotient, divisor, x), reciprocal, quotient);
}

void ferry_warp_store_f32_avx2(const ferry_warp_scale *scale, const uint8_t *row, int count, void *out, int step) {
    if (step != 1 || !scale->arithmetic) {
        ferry_warp_store_f32_ref(scale, row, count, out, step);
        return;
    }
    float *elements = out;
    const __m256 divisor = _mm256_set1_ps(scale->divisor), mean = _mm256_set1_ps(scale->mean);
    const __m256 deviation = _mm256_set1_ps(scale->deviation), reciprocal = _mm256_set1_ps(scale->divisor_reciprocal);
    const __m256 deviation_reciprocal = _mm256_set1_ps(scale->deviation_reciprocal);
    const bool divides = scale->divisor != 1.0f, shifts = scale->mean != 0.0f || scale->deviation != 1.0f;
    int i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256 x = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(row + i))));
        if (divides) x = divide(x, divisor, reciprocal);
        if (shifts) x = divide(_mm256_sub_ps(x, mean), deviation, deviation_reciprocal);
        _mm256_storeu_ps(elements + i, x);
    }
    ferry_warp_store_f32_ref(scale, row + i, count - i, elements + i, 1);
}
