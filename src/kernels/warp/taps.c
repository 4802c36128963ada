/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of the pixel kernels. Float and double stand exactly where OpenCV's resize has them: the weights depend on it. */
#include <math.h>
#include <string.h>

#include "kernels/warp/warp.h"
#include "tensor/half.h"

static int clamp_index(int index, int count) { return index < 0 ? 0 : index >= count ? count - 1 : index; }

void ferry_warp_fill_taps(int source, int target, int begin, int count, int padded, bool vertical, int32_t *first,
                          int32_t *second, int16_t *weights) {
    const double scale = 1.0 / ((double)target / source);
    for (int i = 0; i < count; i++) {
        float position = (float)((begin + i + 0.5) * scale - 0.5);
        int index = (int)floorf(position);
        float fraction = position - (float)index;
        if (!vertical && (index < 0 || index >= source - 1)) fraction = 0;
        first[i] = clamp_index(index, source);
        second[i] = fraction == 0 && !vertical ? first[i] : clamp_index(index + 1, source);
        weights[2 * i] = (int16_t)lrintf((1.0f - fraction) * FERRY_WARP_ONE);
        weights[2 * i + 1] = (int16_t)lrintf(fraction * FERRY_WARP_ONE);
    }
    for (int i = count; i < padded; i++) {
        first[i] = second[i] = first[count - 1];
        weights[2 * i] = weights[2 * i + 1] = 0;
    }
}

void ferry_warp_halve_taps(int count, int32_t *first, int32_t *second, int16_t *weights) {
    for (int i = 0; i < count; i++) {
        first[i] >>= 1;
        second[i] >>= 1;
        if (first[i] != second[i]) continue;
        weights[2 * i] = (int16_t)(weights[2 * i] + weights[2 * i + 1]);
        weights[2 * i + 1] = 0;
    }
}

static void fill_mask(const ferry_warp_columns *columns, int group, int component, int base, uint8_t mask[16]) {
    memset(mask, 0x80, 16);
    for (int j = 0; j < FERRY_WARP_GROUP; j++) {
        int i = group * FERRY_WARP_GROUP + j;
        mask[4 * j] = (uint8_t)(columns->first[i] * columns->step + columns->offset[component] - base);
        mask[4 * j + 2] = (uint8_t)(columns->second[i] * columns->step + columns->offset[component] - base);
    }
}

/* The highest byte that a group reads. */
static int group_end(const ferry_warp_columns *columns, int group) {
    int end = 0;
    for (int j = 0; j < FERRY_WARP_GROUP; j++)
        for (int c = 0; c < columns->components; c++) {
            int position = columns->second[group * FERRY_WARP_GROUP + j] * columns->step + columns->offset[c];
            if (position > end) end = position;
        }
    return end;
}

static bool groups_fit(const ferry_warp_columns *columns, int row_bytes) {
    if (columns->wide || columns->components > 2 || row_bytes < 16) return false;
    for (int group = 0; group < columns->padded / FERRY_WARP_GROUP; group++)
        if (group_end(columns, group) - columns->first[group * FERRY_WARP_GROUP] * columns->step >= 16) return false;
    return true;
}

bool ferry_warp_fill_groups(ferry_warp_columns *columns, int row_bytes, int32_t *group_base, uint8_t *group_masks) {
    int safe = 0;
    while (safe < columns->padded && columns->first[safe] * columns->step + 8 <= row_bytes) safe++;
    columns->safe = safe / 8 * 8;
    columns->group_base = NULL;
    columns->group_masks = NULL;
    if (!groups_fit(columns, row_bytes)) return false;
    for (int group = 0; group < columns->padded / FERRY_WARP_GROUP; group++) {
        int base = columns->first[group * FERRY_WARP_GROUP] * columns->step;
        if (base > row_bytes - 16) base = row_bytes - 16;
        group_base[group] = base;
        for (int c = 0; c < columns->components; c++)
            fill_mask(columns, group, c, base, group_masks + 16 * (group * columns->components + c));
    }
    columns->group_base = group_base;
    columns->group_masks = group_masks;
    return true;
}

/* The vector kernel's arithmetic, step for step. */
static float divide_by_reciprocal(float x, float divisor, float reciprocal) {
    float quotient = x * reciprocal;
    return fmaf(fmaf(-quotient, divisor, x), reciprocal, quotient);
}

static float normalize_quickly(const ferry_warp_scale *scale, float x) {
    x = divide_by_reciprocal(x, scale->divisor, scale->divisor_reciprocal);
    return divide_by_reciprocal(x - scale->mean, scale->deviation, scale->deviation_reciprocal);
}

static uint8_t quantize(const ferry_warp_normalization *normalization, int x, float value) {
    if (normalization->quant_scale == 0) return (uint8_t)x;
    int low = normalization->is_signed ? -128 : 0, high = normalization->is_signed ? 127 : 255;
    float code = rintf(value / normalization->quant_scale) + (float)normalization->zero_point;
    return (uint8_t)(int)(code < (float)low ? (float)low : code > (float)high ? (float)high : code);
}

void ferry_warp_fill_scale(const ferry_warp_normalization *normalization, ferry_warp_element element, ferry_warp_scale *scale) {
    scale->divisor = normalization->divisor;
    scale->mean = normalization->mean;
    scale->deviation = normalization->deviation;
    scale->divisor_reciprocal = 1.0f / scale->divisor;
    scale->deviation_reciprocal = 1.0f / scale->deviation;
    scale->arithmetic = element == FERRY_WARP_F32;
    for (int x = 0; x < 256; x++) {
        float value = ((float)x / scale->divisor - scale->mean) / scale->deviation;
        if (element == FERRY_WARP_F32) {
            scale->table.f32[x] = value;
            if (!(normalize_quickly(scale, (float)x) == value)) scale->arithmetic = false;
        } else if (element == FERRY_WARP_F16) {
            scale->table.f16[x] = ferry_float_to_half(value);
        } else {
            scale->table.u8[x] = quantize(normalization, x, value);
        }
    }
}

static int16_t coefficient(double factor) { return (int16_t)lrint(factor * 8192); }

void ferry_warp_fill_colors(ferry_color_matrix matrix, ferry_color_range range, ferry_warp_colors *colors) {
    /* ITU-R BT.601-7, BT.709-6, BT.2020-2: luma weights of red and blue. */
    const double red = matrix == FERRY_MATRIX_BT601 ? 0.299 : matrix == FERRY_MATRIX_BT709 ? 0.2126 : 0.2627;
    const double blue = matrix == FERRY_MATRIX_BT601 ? 0.114 : matrix == FERRY_MATRIX_BT709 ? 0.0722 : 0.0593;
    const double green = 1 - red - blue;
    const double luma = range == FERRY_RANGE_FULL ? 1 : 255.0 / 219, chroma = range == FERRY_RANGE_FULL ? 1 : 255.0 / 224;
    colors->luma_offset = range == FERRY_RANGE_FULL ? 0 : 16;
    colors->luma = coefficient(luma);
    colors->red_v = coefficient(2 * (1 - red) * chroma);
    colors->blue_u = coefficient(2 * (1 - blue) * chroma);
    colors->green_u = coefficient(2 * (1 - blue) * blue / green * chroma);
    colors->green_v = coefficient(2 * (1 - red) * red / green * chroma);
}
