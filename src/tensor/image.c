/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/image.h"

#include <string.h>

#include "base/memory.h"

enum { MAX_SIDE = 65535 };

/* For each plane: bytes a sample group, and by how many bits width and height are shifted. */
typedef struct plane_rule {
    int bytes, shift_x, shift_y;
} plane_rule;

static const struct {
    int planes;
    plane_rule plane[3];
} formats[] = {
    [FERRY_PIXEL_RGB24] = {1, {{3, 0, 0}}},
    [FERRY_PIXEL_BGR24] = {1, {{3, 0, 0}}},
    [FERRY_PIXEL_RGBA32] = {1, {{4, 0, 0}}},
    [FERRY_PIXEL_BGRA32] = {1, {{4, 0, 0}}},
    [FERRY_PIXEL_GRAY8] = {1, {{1, 0, 0}}},
    [FERRY_PIXEL_NV12] = {2, {{1, 0, 0}, {2, 1, 1}}},
    [FERRY_PIXEL_NV21] = {2, {{1, 0, 0}, {2, 1, 1}}},
    [FERRY_PIXEL_YUV420P] = {3, {{1, 0, 0}, {1, 1, 1}, {1, 1, 1}}},
    [FERRY_PIXEL_YUV422P] = {3, {{1, 0, 0}, {1, 1, 0}, {1, 1, 0}}},
    [FERRY_PIXEL_YUV444P] = {3, {{1, 0, 0}, {1, 0, 0}, {1, 0, 0}}},
    [FERRY_PIXEL_YUYV] = {1, {{4, 1, 0}}},
    [FERRY_PIXEL_P010] = {2, {{2, 0, 0}, {4, 1, 1}}},
};
enum { FORMAT_COUNT = sizeof formats / sizeof *formats };

int ferry_pixel_format_planes(ferry_pixel_format format) {
    return (unsigned)format < FORMAT_COUNT ? formats[format].planes : 0;
}

static ferry_status check_size(ferry_pixel_format format, int width, int height, ferry_error *error) {
    if (ferry_pixel_format_planes(format) == 0)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "unknown pixel format %d", (int)format);
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "picture size %dx%d is outside 1x1 to %dx%d", width, height,
                          MAX_SIDE, MAX_SIDE);
    return FERRY_OK;
}

static size_t row_bytes(const plane_rule *rule, int width) {
    size_t groups = ((size_t)width + (1u << rule->shift_x) - 1) >> rule->shift_x;
    return groups * (size_t)rule->bytes;
}

static size_t rows(const plane_rule *rule, int height) { return ((size_t)height + (1u << rule->shift_y) - 1) >> rule->shift_y; }

ferry_status ferry_image_layout(ferry_pixel_format format, int width, int height, void *memory, ferry_image *image,
                                size_t *bytes, ferry_error *error) {
    FERRY_TRY(check_size(format, width, height, error));
    *image = (ferry_image){.format = format, .width = width, .height = height};
    size_t used = 0;
    for (int i = 0; i < formats[format].planes; i++) {
        const plane_rule *rule = &formats[format].plane[i];
        image->strides[i] = (ptrdiff_t)row_bytes(rule, width);
        if (memory) image->planes[i] = (uint8_t *)memory + used;
        used += row_bytes(rule, width) * rows(rule, height);
    }
    *bytes = used;
    return FERRY_OK;
}

ferry_status ferry_image_check(const ferry_image *image, ferry_error *error) {
    FERRY_TRY(check_size(image->format, image->width, image->height, error));
    for (int i = 0; i < formats[image->format].planes; i++) {
        size_t wanted = row_bytes(&formats[image->format].plane[i], image->width);
        if (!image->planes[i]) return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "picture plane %d is missing", i);
        if (image->strides[i] < (ptrdiff_t)wanted)
            return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "stride of picture plane %d is %td bytes; a row takes %zu",
                              i, image->strides[i], wanted);
    }
    return FERRY_OK;
}

ferry_status ferry_image_allocate(ferry_pixel_format format, int width, int height, ferry_image *image, ferry_error *error) {
    size_t bytes;
    FERRY_TRY(ferry_image_layout(format, width, height, NULL, image, &bytes, error));
    void *memory = ferry_aligned_malloc(bytes);
    if (!memory) return ferry_fail_memory(error, bytes);
    return ferry_image_layout(format, width, height, memory, image, &bytes, error);
}

void ferry_image_free(ferry_image *image) {
    ferry_aligned_free(image->planes[0]);
    *image = (ferry_image){0};
}
