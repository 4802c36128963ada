/* SPDX-License-Identifier: Apache-2.0 */
/* Turning pictures upright, and the EXIF tag that says how (Exif 2.32, 4.6.4; TIFF 6.0, section 2). */
#include <string.h>

#include "media/convert.h"

/* A walk over the source in the target's order: where it starts and how it steps, in bytes. */
typedef struct walk {
    const uint8_t *start;
    ptrdiff_t step_x, step_y;
} walk;

static walk walk_for(const uint8_t *pixels, ptrdiff_t stride, int width, int height, int bytes, int orientation) {
    const uint8_t *right = pixels + (ptrdiff_t)(width - 1) * bytes, *bottom = pixels + (ptrdiff_t)(height - 1) * stride;
    const uint8_t *corner = bottom + (ptrdiff_t)(width - 1) * bytes;
    switch (orientation) {
    case FERRY_ORIENT_MIRROR: return (walk){right, -bytes, stride};
    case FERRY_ORIENT_TURN_180: return (walk){corner, -bytes, -stride};
    case FERRY_ORIENT_FLIP: return (walk){bottom, bytes, -stride};
    case FERRY_ORIENT_TRANSPOSE: return (walk){pixels, stride, bytes};
    case FERRY_ORIENT_TURN_90: return (walk){bottom, -stride, bytes};
    case FERRY_ORIENT_TRANSVERSE: return (walk){corner, -stride, -bytes};
    case FERRY_ORIENT_TURN_270: return (walk){right, stride, -bytes};
    default: return (walk){pixels, bytes, stride};
    }
}

static void copy_pixels(uint8_t *target, const uint8_t *source, ptrdiff_t step, int bytes, int count) {
    for (int x = 0; x < count; x++, target += bytes, source += step)
        for (int i = 0; i < bytes; i++) target[i] = source[i];
}

/* In tiles, so that a transposed walk reuses the cache lines it touches. */
static void orient_plane(walk from, uint8_t *target, ptrdiff_t stride, int width, int height, int bytes) {
    enum { TILE = 32 };
    for (int y0 = 0; y0 < height; y0 += TILE)
        for (int x0 = 0; x0 < width; x0 += TILE)
            for (int y = y0; y < height && y < y0 + TILE; y++)
                copy_pixels(target + y * stride + (ptrdiff_t)x0 * bytes, from.start + y * from.step_y + x0 * from.step_x,
                            from.step_x, bytes, width - x0 < TILE ? width - x0 : TILE);
}

static int sample_bytes(ferry_pixel_format format, int plane) {
    switch (format) {
    case FERRY_PIXEL_RGB24:
    case FERRY_PIXEL_BGR24: return 3;
    case FERRY_PIXEL_RGBA32:
    case FERRY_PIXEL_BGRA32: return 4;
    case FERRY_PIXEL_NV12:
    case FERRY_PIXEL_NV21: return plane ? 2 : 1;
    case FERRY_PIXEL_P010: return plane ? 4 : 2;
    default: return 1;
    }
}

static int halved(int side, bool half) { return half ? (side + 1) / 2 : side; }

void ferry_image_orient(const ferry_image *source, int orientation, const ferry_image *target) {
    for (int plane = 0; plane < ferry_pixel_format_planes(source->format); plane++) {
        bool half_x = plane > 0 && source->format != FERRY_PIXEL_YUV444P;
        bool half_y = half_x && source->format != FERRY_PIXEL_YUV422P;
        int width = halved(source->width, half_x), height = halved(source->height, half_y);
        int bytes = sample_bytes(source->format, plane);
        walk from = walk_for(source->planes[plane], source->strides[plane], width, height, bytes, orientation);
        bool turned = orientation >= FERRY_ORIENT_TRANSPOSE;
        orient_plane(from, target->planes[plane], target->strides[plane], turned ? height : width, turned ? width : height,
                     bytes);
    }
}

ferry_status ferry_image_make_upright(ferry_image *image, int orientation, ferry_error *error) {
    if (orientation <= FERRY_ORIENT_UPRIGHT || orientation > FERRY_ORIENT_TURN_270) return FERRY_OK;
    bool turned = orientation >= FERRY_ORIENT_TRANSPOSE;
    ferry_image upright;
    FERRY_TRY(ferry_image_allocate(image->format, turned ? image->height : image->width, turned ? image->width : image->height,
                                   &upright, error));
    upright.matrix = image->matrix;
    upright.range = image->range;
    ferry_image_orient(image, orientation, &upright);
    ferry_image_free(image);
    *image = upright;
    return FERRY_OK;
}

static uint32_t read_number(const uint8_t *at, int bytes, bool big_endian) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint32_t)at[i] << 8 * (big_endian ? bytes - 1 - i : i);
    return value;
}

int ferry_exif_orientation(const uint8_t *tiff, size_t bytes) {
    enum { HEADER = 8, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };
    if (bytes < HEADER + 2) return 1;
    bool big = memcmp(tiff, "MM", 2) == 0;
    if (!big && memcmp(tiff, "II", 2) != 0) return 1;
    if (read_number(tiff + 2, 2, big) != 42) return 1;
    uint32_t directory = read_number(tiff + 4, 4, big);
    if (directory < HEADER || directory > bytes - 2) return 1;
    uint32_t entries = read_number(tiff + directory, 2, big);
    for (size_t i = 0, at = (size_t)directory + 2; i < entries && at + ENTRY <= bytes; i++, at += ENTRY) {
        if (read_number(tiff + at, 2, big) != TAG_ORIENTATION || read_number(tiff + at + 2, 2, big) != TYPE_SHORT) continue;
        uint32_t value = read_number(tiff + at + 8, 2, big);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
