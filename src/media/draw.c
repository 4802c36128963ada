/* SPDX-License-Identifier: Apache-2.0 */
/* The canvas, the palette, and what detections look like. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "media/draw_canvas.h"

/* Twenty hues of similar strength, neighbours far apart, dark enough or light enough for text in white or black. */
static const ferry_color palette[] = {
    {255, 99, 72, 255},  {46, 134, 222, 255}, {16, 172, 132, 255}, {255, 177, 66, 255},  {155, 89, 222, 255},
    {0, 188, 212, 255},  {240, 98, 160, 255}, {124, 179, 66, 255}, {92, 107, 232, 255},  {255, 138, 48, 255},
    {0, 150, 136, 255},  {214, 69, 80, 255},  {255, 214, 70, 255}, {121, 134, 203, 255}, {186, 85, 190, 255},
    {77, 208, 160, 255}, {166, 124, 82, 255}, {79, 195, 247, 255}, {205, 220, 57, 255},  {244, 143, 177, 255},
};
enum { PALETTE_COUNT = sizeof palette / sizeof *palette };

ferry_color ferry_palette_color(int64_t index) {
    int64_t wrapped = index % PALETTE_COUNT;
    return palette[wrapped < 0 ? wrapped + PALETTE_COUNT : wrapped];
}

static double linear(uint8_t value) {
    double v = value / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

ferry_color ferry_contrast_color(ferry_color background) {
    double luminance = 0.2126 * linear(background.red) + 0.7152 * linear(background.green) + 0.0722 * linear(background.blue);
    /* WCAG 2.1: contrast is (lighter + 0.05) / (darker + 0.05). White is preferred down to 2.5 : 1, as eyes do on strong hues.
     */
    bool white = 1.05 / (luminance + 0.05) >= 2.5;
    return white ? (ferry_color){255, 255, 255, 255} : (ferry_color){20, 20, 20, 255};
}

ferry_canvas_settings ferry_canvas_settings_default(void) {
    return (ferry_canvas_settings){.size = sizeof(ferry_canvas_settings)};
}

ferry_status ferry_canvas_create(const ferry_canvas_settings *given, ferry_canvas **result, ferry_error *error) {
    *result = NULL;
    ferry_canvas_settings settings = ferry_canvas_settings_default();
    if (given) memcpy(&settings, given, given->size < sizeof settings ? given->size : sizeof settings);
    ferry_canvas *canvas = ferry_calloc(1, sizeof *canvas);
    if (!canvas) return ferry_fail_memory(error, sizeof *canvas);
    ferry_status status = ferry_text_create(settings.font, &canvas->text, error);
    if (status != FERRY_OK) {
        ferry_canvas_destroy(canvas);
        return status;
    }
    if (!canvas->text)
        snprintf(canvas->warning, sizeof canvas->warning,
                 "no font found: boxes are drawn without text; install fonts-dejavu-core or name a font file");
    *result = canvas;
    return FERRY_OK;
}

void ferry_canvas_destroy(ferry_canvas *canvas) {
    if (!canvas) return;
    ferry_text_destroy(canvas->text);
    ferry_free(canvas->band[0]);
    ferry_free(canvas);
}

const char *ferry_canvas_warning(const ferry_canvas *canvas) { return canvas->warning[0] ? canvas->warning : NULL; }

static int scaled(const ferry_canvas *canvas, double share, int least) {
    int value = (int)lround((canvas->image.width + canvas->image.height) * share);
    return value < least ? least : value;
}

int ferry_draw_thickness(const ferry_canvas *canvas) { return scaled(canvas, 0.0014, 2); }
int ferry_draw_text_size(const ferry_canvas *canvas) { return scaled(canvas, 0.0073, 13); }

/* A tag with its upper left corner at (x, y), moved inside the picture as far as it fits. */
typedef struct text_tag {
    const char *text;
    int size, padding, width, height;
} text_tag;

static text_tag measure(ferry_canvas *canvas, const char *text) {
    int size = ferry_draw_text_size(canvas), padding = (size + 2) / 4;
    return (text_tag){text, size, padding, ferry_text_width(canvas, size, text) + 2 * padding, size + padding / 2 + 1};
}

static int keep_inside(int at, int length, int side) {
    if (at + length > side) at = side - length;
    return at < 0 ? 0 : at;
}

static void draw_tag(ferry_canvas *canvas, const text_tag *tag, int x, int y, ferry_color color, float radius) {
    ferry_paint_rounded(canvas, x, y, x + tag->width, y + tag->height, radius, ferry_ink_for(canvas, color));
    /* a thin shade at the end keeps a tag apart from one of its colour behind it */
    if (radius <= 0)
        ferry_paint_rectangle(canvas, x + tag->width - 1, y, x + tag->width, y + tag->height,
                              ferry_ink_for(canvas, (ferry_color){0, 0, 0, 110}));
    ferry_color ink = ferry_contrast_color(color);
    ink.alpha = color.alpha;
    ferry_draw_text(canvas, (float)(x + tag->padding), (float)(y + (tag->height - tag->size) / 2), tag->size, tag->text, ink);
}

static bool can_write(const ferry_canvas *canvas, const char *text) {
    return canvas->image.width && canvas->text && text && *text;
}

void ferry_draw_label(ferry_canvas *canvas, float x, float y, const char *text, ferry_color background) {
    if (!can_write(canvas, text) || !isfinite(x) || !isfinite(y) || fabsf(x) > 200000 || fabsf(y) > 200000) return;
    text_tag tag = measure(canvas, text);
    draw_tag(canvas, &tag, keep_inside((int)lrintf(x), tag.width, canvas->image.width),
             keep_inside((int)lrintf(y), tag.height, canvas->image.height), background, (float)tag.size * 0.2f);
}

void ferry_draw_box(ferry_canvas *canvas, float x1, float y1, float x2, float y2, const char *text, ferry_color color) {
    int thickness = ferry_draw_thickness(canvas);
    ferry_draw_rectangle(canvas, x1, y1, x2, y2, thickness, color);
    if (!can_write(canvas, text) || !isfinite(x1) || !isfinite(y1) || !isfinite(x2) || !isfinite(y2)) return;
    float left = fminf(x1, x2), top = fminf(y1, y2), right = fmaxf(x1, x2), bottom = fmaxf(y1, y2);
    if (right < 0 || bottom < 0 || left > (float)canvas->image.width || top > (float)canvas->image.height) return;
    text_tag tag = measure(canvas, text);
    int x = (int)lrintf(fmaxf(left, 0)) - thickness / 2, y = (int)lrintf(fmaxf(top, 0)) - thickness / 2 - tag.height;
    if (y < 0) y = (int)lrintf(fmaxf(top, 0)) - thickness / 2;
    draw_tag(canvas, &tag, keep_inside(x, tag.width, canvas->image.width), keep_inside(y, tag.height, canvas->image.height),
             color, 0);
}

static bool usable(const float *point, float least) { return isfinite(point[0]) && isfinite(point[1]) && point[2] >= least; }

static void draw_joint(ferry_canvas *canvas, const float *point, float radius, ferry_color color) {
    ferry_draw_circle(canvas, point[0], point[1], radius + 1, 0, (ferry_color){20, 20, 20, 160});
    ferry_draw_circle(canvas, point[0], point[1], radius, 0, color);
}

void ferry_draw_points(ferry_canvas *canvas, const float *points, size_t count, float least, ferry_color color) {
    float radius = 1.1f * (float)ferry_draw_thickness(canvas);
    for (size_t i = 0; i < count; i++)
        if (usable(points + 3 * i, least)) draw_joint(canvas, points + 3 * i, radius, color);
}

void ferry_draw_skeleton(ferry_canvas *canvas, const float *points, size_t count, const uint8_t (*edges)[2], size_t edge_count,
                         float least) {
    float thickness = (float)ferry_draw_thickness(canvas) * 1.2f;
    for (size_t i = 0; i < edge_count; i++) {
        if (edges[i][0] >= count || edges[i][1] >= count) continue;
        const float *a = points + 3 * (size_t)edges[i][0], *b = points + 3 * (size_t)edges[i][1];
        if (usable(a, least) && usable(b, least))
            ferry_draw_line(canvas, a[0], a[1], b[0], b[1], thickness, ferry_palette_color((int64_t)i));
    }
    ferry_draw_points(canvas, points, count, least, (ferry_color){255, 255, 255, 255});
}

/* Microsoft COCO, keypoints task: nose 0, eyes 1 2, ears 3 4, shoulders 5 6, elbows 7 8, wrists 9 10, hips 11 12, knees 13 14,
 * ankles 15 16; left before right. */
static const uint8_t coco_edges[19][2] = {
    {15, 13}, {13, 11}, {16, 14}, {14, 12}, {11, 12}, {5, 11}, {6, 12}, {5, 6}, {5, 7}, {6, 8},
    {7, 9},   {8, 10},  {1, 2},   {0, 1},   {0, 2},   {1, 3},  {2, 4},  {3, 5}, {4, 6},
};

const uint8_t (*ferry_coco_edges(size_t *count))[2] {
    *count = sizeof coco_edges / sizeof *coco_edges;
    return coco_edges;
}
