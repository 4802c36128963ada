/* SPDX-License-Identifier: Apache-2.0 */
#include "media/convert.h"

#include <string.h>

#include <ferry/media.h>

#include "media/color.h"

/* Where a format keeps Y, U and V: plane, first byte, bytes to the next, and shifts of chroma. */
typedef struct yuv_place {
    struct {
        int plane, offset, step;
    } y, u, v;
    int shift_x, shift_y;
} yuv_place;

static const yuv_place yuv_places[] = {
    [FERRY_PIXEL_NV12] = {{0, 0, 1}, {1, 0, 2}, {1, 1, 2}, 1, 1},
    [FERRY_PIXEL_NV21] = {{0, 0, 1}, {1, 1, 2}, {1, 0, 2}, 1, 1},
    [FERRY_PIXEL_YUV420P] = {{0, 0, 1}, {1, 0, 1}, {2, 0, 1}, 1, 1},
    [FERRY_PIXEL_YUV422P] = {{0, 0, 1}, {1, 0, 1}, {2, 0, 1}, 1, 0},
    [FERRY_PIXEL_YUV444P] = {{0, 0, 1}, {1, 0, 1}, {2, 0, 1}, 0, 0},
    [FERRY_PIXEL_YUYV] = {{0, 0, 2}, {0, 1, 4}, {0, 3, 4}, 1, 0},
    [FERRY_PIXEL_P010] = {{0, 0, 2}, {1, 0, 4}, {1, 2, 4}, 1, 1},
};

static inline uint8_t clip(int32_t value) { return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value; }

static inline const uint8_t *sample_row(const ferry_image *image, int plane, int offset, int row) {
    return image->planes[plane] + (ptrdiff_t)row * image->strides[plane] + offset;
}

static inline void store(const ferry_row_converter *c, int32_t y, int32_t u, int32_t v, uint8_t *target) {
    int32_t level = (y - c->black) * c->y + 32768;
    target[c->red] = clip((level + v * c->red_v) >> 16);
    target[1] = clip((level + u * c->green_u + v * c->green_v) >> 16);
    target[c->blue] = clip((level + u * c->blue_u) >> 16);
}

static void convert_yuv8(const ferry_row_converter *c, int row, uint8_t *target) {
    const ferry_image *image = c->image;
    const yuv_place *place = &yuv_places[image->format];
    const uint8_t *y = sample_row(image, place->y.plane, place->y.offset, row);
    const uint8_t *u = sample_row(image, place->u.plane, place->u.offset, row >> place->shift_y);
    const uint8_t *v = sample_row(image, place->v.plane, place->v.offset, row >> place->shift_y);
    for (int x = 0; x < image->width; x++) {
        ptrdiff_t at = (ptrdiff_t)(x >> place->shift_x) * place->u.step;
        store(c, y[(ptrdiff_t)x * place->y.step], u[at] - 128, v[at] - 128, target + 3 * (ptrdiff_t)x);
    }
}

static inline int32_t ten_bits(const uint8_t *sample) { return (sample[0] | sample[1] << 8) >> 6; }

static void convert_p010(const ferry_row_converter *c, int row, uint8_t *target) {
    const ferry_image *image = c->image;
    const uint8_t *y = sample_row(image, 0, 0, row), *uv = sample_row(image, 1, 0, row >> 1);
    for (int x = 0; x < image->width; x++) {
        const uint8_t *pair = uv + (ptrdiff_t)(x >> 1) * 4;
        store(c, ten_bits(y + 2 * (ptrdiff_t)x), ten_bits(pair) - 512, ten_bits(pair + 2) - 512, target + 3 * (ptrdiff_t)x);
    }
}

static void convert_gray(const ferry_row_converter *c, int row, uint8_t *target) {
    const uint8_t *gray = sample_row(c->image, 0, 0, row);
    for (int x = 0; x < c->image->width; x++) store(c, gray[x], 0, 0, target + 3 * (ptrdiff_t)x);
}

static void convert_rgb(const ferry_row_converter *c, int row, uint8_t *target) {
    ferry_pixel_format format = c->image->format;
    int step = format == FERRY_PIXEL_RGB24 || format == FERRY_PIXEL_BGR24 ? 3 : 4;
    int red = format == FERRY_PIXEL_RGB24 || format == FERRY_PIXEL_RGBA32 ? 0 : 2;
    const uint8_t *pixel = sample_row(c->image, 0, 0, row);
    if (step == 3 && red == c->red) {
        memcpy(target, pixel, (size_t)c->image->width * 3);
        return;
    }
    for (int x = 0; x < c->image->width; x++, pixel += step, target += 3) {
        target[c->red] = pixel[red];
        target[1] = pixel[1];
        target[c->blue] = pixel[2 - red];
    }
}

ferry_row_converter ferry_row_converter_for(const ferry_image *image, bool bgr) {
    bool ten = image->format == FERRY_PIXEL_P010;
    ferry_yuv_factors f = ferry_yuv_factors_of(ferry_matrix_of(image), ferry_range_is_full(image), ten ? 10 : 8);
    return (ferry_row_converter){image, f.black, f.y, f.red_v, f.green_u, f.green_v, f.blue_u, bgr ? 2 : 0, bgr ? 0 : 2};
}

void ferry_convert_row(const ferry_row_converter *converter, int row, uint8_t *target) {
    switch (converter->image->format) {
    case FERRY_PIXEL_GRAY8: convert_gray(converter, row, target); break;
    case FERRY_PIXEL_P010: convert_p010(converter, row, target); break;
    case FERRY_PIXEL_RGB24:
    case FERRY_PIXEL_BGR24:
    case FERRY_PIXEL_RGBA32:
    case FERRY_PIXEL_BGRA32: convert_rgb(converter, row, target); break;
    default: convert_yuv8(converter, row, target); break;
    }
}

/* Bytes a row and rows of each plane, from the layout of a packed picture. */
static size_t packed_strides(const ferry_image *image, ptrdiff_t strides[3]) {
    ferry_image packed;
    size_t bytes = 0;
    if (ferry_image_layout(image->format, image->width, image->height, NULL, &packed, &bytes, NULL) != FERRY_OK) return 0;
    memcpy(strides, packed.strides, sizeof packed.strides);
    return bytes;
}

static int plane_rows(const ferry_image *image, int plane) {
    bool halved = plane > 0 && image->format != FERRY_PIXEL_YUV422P && image->format != FERRY_PIXEL_YUV444P;
    return halved ? (image->height + 1) / 2 : image->height;
}

void ferry_image_copy_pixels(const ferry_image *source, const ferry_image *target) {
    ptrdiff_t bytes[3];
    if (!packed_strides(source, bytes)) return;
    for (int plane = 0; plane < ferry_pixel_format_planes(source->format); plane++)
        for (int row = 0; row < plane_rows(source, plane); row++)
            memcpy(target->planes[plane] + (ptrdiff_t)row * target->strides[plane],
                   source->planes[plane] + (ptrdiff_t)row * source->strides[plane], (size_t)bytes[plane]);
}

ferry_status ferry_picture_convert(const ferry_image *source, ferry_pixel_format format, ferry_image *copy,
                                   ferry_error *error) {
    if (!source || !copy || source == copy)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "a conversion needs two different pictures");
    *copy = (ferry_image){0};
    FERRY_TRY(ferry_image_check(source, error));
    bool rgb = format == FERRY_PIXEL_RGB24 || format == FERRY_PIXEL_BGR24;
    if (!rgb && format != source->format)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED,
                          "pixel format %d cannot be made from format %d: only RGB24, BGR24 or a copy", (int)format,
                          (int)source->format);
    FERRY_TRY(ferry_image_allocate(format, source->width, source->height, copy, error));
    if (format == source->format) {
        copy->matrix = source->matrix;
        copy->range = source->range;
        ferry_image_copy_pixels(source, copy);
        return FERRY_OK;
    }
    ferry_row_converter converter = ferry_row_converter_for(source, format == FERRY_PIXEL_BGR24);
    for (int row = 0; row < source->height; row++)
        ferry_convert_row(&converter, row, copy->planes[0] + (ptrdiff_t)row * copy->strides[0]);
    return FERRY_OK;
}

void ferry_picture_free(ferry_image *image) { ferry_image_free(image); }
