/* SPDX-License-Identifier: Apache-2.0 */
/* Blending on any of the pixel formats: a picture is up to three components, each sampled fully or at half. Shapes come as
 * coverage of two rows at a time, so that a chroma sample gets the average coverage of the pixels it stands for. */
#include "media/draw_canvas.h"

#include <string.h>

#include "base/memory.h"
#include "media/color.h"
#include "tensor/image.h"

static inline int clamp(int value, int least, int most) { return value < least ? least : value > most ? most : value; }

/* weight 0..256: all in 16 bits, for the vectoriser */
static inline uint8_t mix(uint8_t below, uint8_t value, uint16_t weight) {
    return (uint8_t)((uint16_t)(below * (256 - weight) + value * weight + 128) >> 8);
}

ferry_ink ferry_ink_for(const ferry_canvas *canvas, ferry_color color) {
    const ferry_image *image = &canvas->image;
    const uint8_t rgb[3] = {color.red, color.green, color.blue};
    ferry_ink ink = {.alpha = color.alpha + (color.alpha >> 7)};
    if (ferry_pixel_format_is_yuv(image->format))
        ferry_rgb_to_yuv(ferry_matrix_of(image), ferry_range_is_full(image), rgb, ink.value);
    else if (image->format == FERRY_PIXEL_GRAY8)
        ferry_rgb_to_yuv(FERRY_MATRIX_BT601, true, rgb, ink.value);
    else
        memcpy(ink.value, rgb, sizeof rgb);
    return ink;
}

static ferry_component component(const ferry_image *image, int plane, int offset, int step, int shift_x, int shift_y) {
    return (ferry_component){image->planes[plane] + offset, image->strides[plane], step, shift_x, shift_y};
}

static void set_rgb(ferry_canvas *canvas, int step, int red) {
    for (int i = 0; i < 3; i++) canvas->component[i] = component(&canvas->image, 0, red == 0 ? i : 2 - i, step, 0, 0);
}

static void set_yuv(ferry_canvas *canvas, int first, int second, int offset, int step, int shift_x, int shift_y) {
    canvas->component[1] = component(&canvas->image, first, first == second && offset < 0 ? 1 : 0, step, shift_x, shift_y);
    canvas->component[2] = component(&canvas->image, second, first == second && offset > 0 ? 1 : 0, step, shift_x, shift_y);
}

/* Finds the components; false for formats that cannot be drawn on. */
static bool set_components(ferry_canvas *canvas) {
    const ferry_image *image = &canvas->image;
    canvas->components = image->format == FERRY_PIXEL_GRAY8 ? 1 : 3;
    canvas->component[0] = component(image, 0, 0, image->format == FERRY_PIXEL_YUYV ? 2 : 1, 0, 0);
    switch (image->format) {
    case FERRY_PIXEL_RGB24: set_rgb(canvas, 3, 0); return true;
    case FERRY_PIXEL_BGR24: set_rgb(canvas, 3, 2); return true;
    case FERRY_PIXEL_RGBA32: set_rgb(canvas, 4, 0); return true;
    case FERRY_PIXEL_BGRA32: set_rgb(canvas, 4, 2); return true;
    case FERRY_PIXEL_GRAY8: return true;
    case FERRY_PIXEL_NV12: set_yuv(canvas, 1, 1, 1, 2, 1, 1); return true;
    case FERRY_PIXEL_NV21: set_yuv(canvas, 1, 1, -1, 2, 1, 1); return true;
    case FERRY_PIXEL_YUV420P: set_yuv(canvas, 1, 2, 0, 1, 1, 1); return true;
    case FERRY_PIXEL_YUV422P: set_yuv(canvas, 1, 2, 0, 1, 1, 0); return true;
    case FERRY_PIXEL_YUV444P: set_yuv(canvas, 1, 2, 0, 1, 0, 0); return true;
    case FERRY_PIXEL_YUYV:
        canvas->component[1] = component(image, 0, 1, 4, 1, 0);
        canvas->component[2] = component(image, 0, 3, 4, 1, 0);
        return true;
    default: return false;
    }
}

static ferry_status grow_band(ferry_canvas *canvas, int width, ferry_error *error) {
    int wanted = (width + 3) & ~1; /* one column more for odd widths */
    if (wanted <= canvas->band_width) return FERRY_OK;
    ferry_free(canvas->band[0]);
    canvas->band_width = 0;
    canvas->band[0] = ferry_calloc(3, (size_t)wanted);
    if (!canvas->band[0]) return ferry_fail_memory(error, 3ull * (unsigned)wanted);
    canvas->band[1] = canvas->band[0] + wanted;
    canvas->band[2] = canvas->band[1] + wanted;
    canvas->band_width = wanted;
    return FERRY_OK;
}

ferry_status ferry_canvas_begin(ferry_canvas *canvas, const ferry_image *image, ferry_error *error) {
    canvas->image.width = canvas->image.height = 0;
    FERRY_TRY(ferry_image_check(image, error));
    FERRY_TRY(grow_band(canvas, image->width, error));
    canvas->image = *image;
    if (set_components(canvas)) return FERRY_OK;
    canvas->image.width = canvas->image.height = 0;
    return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "cannot draw on pixel format %d: convert the picture first",
                      (int)image->format);
}

/* A run of samples in one weight. */
static void blend_run(uint8_t *pixel, int step, int count, uint8_t value, uint16_t weight) {
    if (count <= 0 || weight == 0) return;
    if (weight == 256 && step == 1)
        memset(pixel, value, (size_t)count);
    else if (step == 1)
        for (int i = 0; i < count; i++) pixel[i] = mix(pixel[i], value, weight);
    else if (weight == 256)
        for (int i = 0; i < count; i++, pixel += step) *pixel = value;
    else
        for (int i = 0; i < count; i++, pixel += step) *pixel = mix(*pixel, value, weight);
}

/* How much of the sample at `at` lies in [first, last), in 1/(1 << shift). */
static int overlap(int at, int shift, int first, int last, int side) {
    int begin = at << shift, end = clamp((at + 1) << shift, 0, side);
    int covered = clamp(last, begin, end) - clamp(first, begin, end);
    return covered * 256 / (end - begin);
}

static void fill_component(const ferry_component *c, const ferry_image *image, const int box[4], uint8_t value, int alpha) {
    int first_x = box[0] >> c->shift_x, last_x = (box[2] - 1) >> c->shift_x;
    int left = overlap(first_x, c->shift_x, box[0], box[2], image->width),
        right = overlap(last_x, c->shift_x, box[0], box[2], image->width);
    for (int y = box[1] >> c->shift_y; y <= (box[3] - 1) >> c->shift_y; y++) {
        uint16_t weight = (uint16_t)(alpha * overlap(y, c->shift_y, box[1], box[3], image->height) >> 8);
        uint8_t *row = c->pixels + (ptrdiff_t)y * c->stride;
        blend_run(row + (ptrdiff_t)first_x * c->step, c->step, 1, value, (uint16_t)(weight * left >> 8));
        blend_run(row + (ptrdiff_t)(first_x + 1) * c->step, c->step, last_x - first_x - 1, value, weight);
        if (last_x > first_x) blend_run(row + (ptrdiff_t)last_x * c->step, c->step, 1, value, (uint16_t)(weight * right >> 8));
    }
}

/* RGB in one pass over the pixels. A copy of what the loop needs: bytes written may alias the canvas itself. */
typedef struct packed {
    uint8_t *pixels[3]; /* red, green, blue of the row's first pixel */
    uint8_t value[3];
    int step;
} packed;

static bool is_packed(const ferry_canvas *canvas) { return canvas->component[0].step >= 3; }

static packed packed_at(const ferry_canvas *canvas, int x, int y, ferry_ink ink) {
    packed row = {.value = {ink.value[0], ink.value[1], ink.value[2]}, .step = canvas->component[0].step};
    for (int i = 0; i < 3; i++)
        row.pixels[i] = canvas->component[i].pixels + y * canvas->component[i].stride + (ptrdiff_t)x * row.step;
    return row;
}

static inline void blend_pixel(const packed *row, ptrdiff_t at, uint16_t weight) {
    for (int i = 0; i < 3; i++) row->pixels[i][at] = mix(row->pixels[i][at], row->value[i], weight);
}

static void fill_packed(ferry_canvas *canvas, const int box[4], ferry_ink ink) {
    ptrdiff_t stride = canvas->component[0].stride;
    bool repeat = ink.alpha == 256 && canvas->component[0].step == 3; /* each row like the first */
    uint8_t *first = canvas->image.planes[0] + box[1] * stride + (ptrdiff_t)box[0] * 3;
    for (int y = box[1]; y < box[3]; y++) {
        if (repeat && y > box[1]) {
            memcpy(first + (y - box[1]) * stride, first, (size_t)(box[2] - box[0]) * 3);
            continue;
        }
        const packed row = packed_at(canvas, box[0], y, ink);
        for (int x = 0; x < box[2] - box[0]; x++) blend_pixel(&row, (ptrdiff_t)x * row.step, (uint16_t)ink.alpha);
    }
}

void ferry_paint_rectangle(ferry_canvas *canvas, int x1, int y1, int x2, int y2, ferry_ink ink) {
    const ferry_image *image = &canvas->image;
    const int box[4] = {clamp(x1, 0, image->width), clamp(y1, 0, image->height), clamp(x2, 0, image->width),
                        clamp(y2, 0, image->height)};
    if (box[0] >= box[2] || box[1] >= box[3]) return;
    if (is_packed(canvas)) {
        fill_packed(canvas, box, ink);
        return;
    }
    for (int i = 0; i < canvas->components; i++) fill_component(&canvas->component[i], image, box, ink.value[i], ink.alpha);
}

static void blend_coverage(uint8_t *pixel, int step, const uint8_t *coverage, int count, uint8_t value, uint16_t alpha) {
    for (int i = 0; i < count && step == 1; i++) {
        uint16_t weight = (uint16_t)((uint32_t)(coverage[i] + (coverage[i] >> 7)) * alpha >> 8);
        pixel[i] = mix(pixel[i], value, weight);
    }
    for (int i = 0; i < count && step != 1; i++, pixel += step)
        if (coverage[i]) *pixel = mix(*pixel, value, (uint16_t)((uint32_t)(coverage[i] + (coverage[i] >> 7)) * alpha >> 8));
}

/* Coverage of chroma samples [x1, x2) (in samples) from that of the pixels below them. */
static void average_coverage(const uint8_t *upper, const uint8_t *lower, int shift_x, int x1, int x2, uint8_t *average) {
    for (int x = x1; x < x2; x++) {
        int a = x << shift_x, b = a + shift_x;
        average[x] = (uint8_t)((upper[a] + upper[b] + lower[a] + lower[b] + 2) >> 2);
    }
}

static void blend_packed(ferry_canvas *canvas, int y, int x1, int x2, ferry_ink ink) {
    for (int half = 0; half < 2 && y + half < canvas->image.height; half++) {
        const uint8_t *coverage = canvas->band[half] + x1;
        const packed row = packed_at(canvas, x1, y + half, ink);
        for (int x = 0; x < x2 - x1; x++)
            if (coverage[x])
                blend_pixel(&row, (ptrdiff_t)x * row.step, (uint16_t)((coverage[x] + (coverage[x] >> 7)) * ink.alpha >> 8));
    }
}

static void blend_component(ferry_canvas *canvas, const ferry_component *c, int y, int x1, int x2, uint8_t value, int alpha) {
    bool second = y + 1 < canvas->image.height;
    int first = x1 >> c->shift_x, last = (x2 - 1) >> c->shift_x;
    for (int row = 0; row < (c->shift_y || !second ? 1 : 2); row++) {
        const uint8_t *coverage = canvas->band[row];
        if (c->shift_x || c->shift_y) {
            const uint8_t *below = c->shift_y && second ? canvas->band[1] : coverage;
            average_coverage(coverage, below, c->shift_x, first, last + 1, canvas->band[2]);
            coverage = canvas->band[2];
        }
        uint8_t *pixel = c->pixels + (ptrdiff_t)((y + row) >> c->shift_y) * c->stride + (ptrdiff_t)first * c->step;
        blend_coverage(pixel, c->step, coverage + first, last + 1 - first, value, (uint16_t)alpha);
    }
}

void ferry_paint_band(ferry_canvas *canvas, int y, int x1, int x2, ferry_ink ink) {
    if (x1 >= x2 || y >= canvas->image.height) return;
    if (x2 == canvas->image.width) /* the last chroma sample of an odd width stands for one column */
        for (int row = 0; row < 2; row++) canvas->band[row][x2] = canvas->band[row][x2 - 1];
    if (is_packed(canvas)) blend_packed(canvas, y, x1, x2, ink);
    for (int i = 0; i < canvas->components && !is_packed(canvas); i++)
        blend_component(canvas, &canvas->component[i], y, x1, x2, ink.value[i], ink.alpha);
    for (int row = 0; row < 2; row++) memset(canvas->band[row] + x1, 0, (size_t)(x2 - x1 + 1));
}

void ferry_paint_mask(ferry_canvas *canvas, int x, int y, int width, int height, const uint8_t *mask, ptrdiff_t stride,
                      ferry_ink ink) {
    int x1 = clamp(x, 0, canvas->image.width), x2 = clamp(x + width, 0, canvas->image.width);
    int y1 = clamp(y, 0, canvas->image.height), y2 = clamp(y + height, 0, canvas->image.height);
    if (x1 >= x2) return;
    for (int pair = y1 & ~1; pair < y2; pair += 2) {
        for (int row = pair < y1 ? y1 : pair; row < pair + 2 && row < y2; row++)
            memcpy(canvas->band[row - pair] + x1, mask + (row - y) * stride + (x1 - x), (size_t)(x2 - x1));
        ferry_paint_band(canvas, pair, x1, x2, ink);
    }
}
