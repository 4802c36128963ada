/* SPDX-License-Identifier: Apache-2.0 */
#include "media/color.h"

#include <math.h>

/* Kr and Kb: ITU-R BT.601-7 2.5.1, BT.709-6 3.2, BT.2020-2 table 4. */
typedef struct luma {
    double red, blue;
} luma;

static luma luma_of(ferry_color_matrix matrix) {
    switch (matrix) {
    case FERRY_MATRIX_BT709: return (luma){0.2126, 0.0722};
    case FERRY_MATRIX_BT2020: return (luma){0.2627, 0.0593};
    default: return (luma){0.299, 0.114};
    }
}

bool ferry_pixel_format_is_yuv(ferry_pixel_format format) { return format >= FERRY_PIXEL_NV12 && format <= FERRY_PIXEL_P010; }

ferry_color_matrix ferry_matrix_of(const ferry_image *image) {
    if (image->matrix != FERRY_MATRIX_UNSPECIFIED) return image->matrix;
    return image->height < 720 ? FERRY_MATRIX_BT601 : FERRY_MATRIX_BT709;
}

bool ferry_range_is_full(const ferry_image *image) {
    if (image->range != FERRY_RANGE_UNSPECIFIED) return image->range == FERRY_RANGE_FULL;
    return !ferry_pixel_format_is_yuv(image->format);
}

static uint8_t clip(double value) { return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)lround(value); }

void ferry_rgb_to_yuv(ferry_color_matrix matrix, bool full, const uint8_t rgb[3], uint8_t yuv[3]) {
    luma k = luma_of(matrix);
    double y = k.red * rgb[0] + (1 - k.red - k.blue) * rgb[1] + k.blue * rgb[2];
    double u = (rgb[2] - y) / (2 * (1 - k.blue)), v = (rgb[0] - y) / (2 * (1 - k.red));
    double luma_scale = full ? 1 : 219.0 / 255, chroma_scale = full ? 1 : 224.0 / 255;
    yuv[0] = clip(y * luma_scale + (full ? 0 : 16));
    yuv[1] = clip(u * chroma_scale + 128);
    yuv[2] = clip(v * chroma_scale + 128);
}

ferry_yuv_factors ferry_yuv_factors_of(ferry_color_matrix matrix, bool full, int bits) {
    luma k = luma_of(matrix);
    double green = 1 - k.red - k.blue, scale = 65536.0 / (1 << (bits - 8));
    double full_scale = 65536.0 * 255 / ((1 << bits) - 1);
    double y = full ? full_scale : scale * 255 / 219, c = full ? full_scale : scale * 255 / 224;
    return (ferry_yuv_factors){
        .black = full ? 0 : 16 << (bits - 8),
        .y = (int32_t)lround(y),
        .red_v = (int32_t)lround(c * 2 * (1 - k.red)),
        .green_u = (int32_t)lround(-c * 2 * (1 - k.blue) * k.blue / green),
        .green_v = (int32_t)lround(-c * 2 * (1 - k.red) * k.red / green),
        .blue_u = (int32_t)lround(c * 2 * (1 - k.blue)),
    };
}
