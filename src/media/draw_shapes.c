/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes as smooth coverage: 1 inside, 0 outside, falling over one pixel at the edge by the distance to it. */
#include "media/draw_canvas.h"

#include <math.h>
#include <string.h>

static inline float clamp_float(float value, float least, float most) {
    return value < least ? least : value > most ? most : value;
}

static inline uint8_t coverage_of(float depth) { return (uint8_t)(clamp_float(depth, 0, 1) * 255 + 0.5f); }

static inline void cover(uint8_t *at, uint8_t coverage) {
    if (coverage > *at) *at = coverage;
}

/* Coordinates far outside change nothing but overflow int: they are drawn in to a few times the largest picture. */
static float tame(float value) { return clamp_float(value, -200000, 200000); }

static int round_int(float value) { return (int)lrintf(tame(value)); }

static bool finite4(float a, float b, float c, float d) { return isfinite(a) && isfinite(b) && isfinite(c) && isfinite(d); }

void ferry_draw_fill(ferry_canvas *canvas, float x1, float y1, float x2, float y2, ferry_color color) {
    if (!canvas->image.width || !finite4(x1, y1, x2, y2)) return;
    ferry_paint_rectangle(canvas, round_int(x1), round_int(y1), round_int(x2), round_int(y2), ferry_ink_for(canvas, color));
}

void ferry_draw_rectangle(ferry_canvas *canvas, float x1, float y1, float x2, float y2, int thickness, ferry_color color) {
    if (!canvas->image.width || !finite4(x1, y1, x2, y2) || thickness < 1) return;
    if (thickness > 1000) thickness = 1000;
    ferry_ink ink = ferry_ink_for(canvas, color);
    int half = thickness / 2, rest = thickness - half;
    int left = round_int(fminf(x1, x2)), right = round_int(fmaxf(x1, x2));
    int top = round_int(fminf(y1, y2)), bottom = round_int(fmaxf(y1, y2));
    int inner_left = left + rest, inner_right = right - rest, inner_top = top + rest, inner_bottom = bottom - rest;
    if (inner_left >= inner_right || inner_top >= inner_bottom) {
        ferry_paint_rectangle(canvas, left - half, top - half, right + half, bottom + half, ink);
        return;
    }
    ferry_paint_rectangle(canvas, left - half, top - half, right + half, inner_top, ink);
    ferry_paint_rectangle(canvas, left - half, inner_bottom, right + half, bottom + half, ink);
    ferry_paint_rectangle(canvas, left - half, inner_top, inner_left, inner_bottom, ink);
    ferry_paint_rectangle(canvas, inner_right, inner_top, right + half, inner_bottom, ink);
}

/* A line with round ends. */
typedef struct capsule {
    float x1, y1, x2, y2, radius;
} capsule;

typedef struct range {
    int first, last; /* last is excluded */
} range;

static range clip_range(float low, float high, int side) {
    return (range){(int)clamp_float(floorf(low), 0, (float)side), (int)clamp_float(ceilf(high) + 1, 0, (float)side)};
}

static range join(range a, range b) {
    if (a.first >= a.last) return b;
    if (b.first >= b.last) return a;
    return (range){a.first < b.first ? a.first : b.first, a.last > b.last ? a.last : b.last};
}

/* The columns of a row (centre y) that the capsule can touch: those near the part of its axis that is near the row. */
static range capsule_columns(const capsule *line, float y, int width) {
    float reach = line->radius + 1, dy = line->y2 - line->y1, from = 0, to = 1;
    if (fminf(line->y1, line->y2) - reach > y || fmaxf(line->y1, line->y2) + reach < y) return (range){0, 0};
    if (fabsf(dy) > 1e-3f) {
        float a = (y - reach - line->y1) / dy, b = (y + reach - line->y1) / dy;
        from = clamp_float(fminf(a, b), 0, 1);
        to = clamp_float(fmaxf(a, b), 0, 1);
    }
    float xa = line->x1 + from * (line->x2 - line->x1), xb = line->x1 + to * (line->x2 - line->x1);
    return clip_range(fminf(xa, xb) - reach, fmaxf(xa, xb) + reach, width);
}

static range cover_capsule(const capsule *line, int row, uint8_t *band, int width) {
    float y = (float)row + 0.5f, dx = line->x2 - line->x1, dy = line->y2 - line->y1;
    float length = dx * dx + dy * dy, scale = length > 1e-6f ? 1 / length : 0;
    range columns = capsule_columns(line, y, width);
    for (int column = columns.first; column < columns.last; column++) {
        float px = (float)column + 0.5f - line->x1, py = y - line->y1;
        float along = clamp_float((px * dx + py * dy) * scale, 0, 1);
        float ex = px - along * dx, ey = py - along * dy;
        cover(band + column, coverage_of(line->radius + 0.5f - sqrtf(ex * ex + ey * ey)));
    }
    return columns;
}

/* `points` tells the axis; each finite pair of neighbours is a line. All of them together are covered once, so that a
 * translucent polyline has no darker joints. */
typedef struct path {
    const float *points;
    size_t count;
    bool closed;
    float radius;
} path;

static bool segment(const path *line, size_t index, capsule *result) {
    const float *a = line->points + 2 * index, *b = line->points + 2 * ((index + 1) % line->count);
    if (!finite4(a[0], a[1], b[0], b[1])) return false;
    *result = (capsule){tame(a[0]), tame(a[1]), tame(b[0]), tame(b[1]), line->radius};
    return true;
}

static size_t segments(const path *line) {
    return line->count < 2 ? line->count : line->closed ? line->count : line->count - 1;
}

static range path_rows(const path *line, int height) {
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < line->count; i++) {
        float y = line->points[2 * i + 1];
        if (isfinite(y)) low = fminf(low, y), high = fmaxf(high, y);
    }
    return low <= high ? clip_range(tame(low) - line->radius - 1, tame(high) + line->radius + 1, height) : (range){0, 0};
}

static void draw_path(ferry_canvas *canvas, const path *line, ferry_color color) {
    if (!canvas->image.width || line->count == 0 || !(line->radius > 0)) return;
    ferry_ink ink = ferry_ink_for(canvas, color);
    range rows = path_rows(line, canvas->image.height);
    for (int pair = rows.first & ~1; pair < rows.last; pair += 2) {
        range columns = {0, 0};
        for (size_t i = 0; i < segments(line); i++) {
            capsule part;
            if (!segment(line, i, &part)) continue;
            for (int row = 0; row < 2; row++)
                columns = join(columns, cover_capsule(&part, pair + row, canvas->band[row], canvas->image.width));
        }
        ferry_paint_band(canvas, pair, columns.first, columns.last, ink);
    }
}

void ferry_draw_polyline(ferry_canvas *canvas, const float *points, size_t count, int closed, float thickness,
                         ferry_color color) {
    path line = {points, count, closed && count > 2, clamp_float(thickness, 0, 1000) / 2};
    draw_path(canvas, &line, color);
}

void ferry_draw_line(ferry_canvas *canvas, float x1, float y1, float x2, float y2, float thickness, ferry_color color) {
    const float points[4] = {x1, y1, x2, y2};
    ferry_draw_polyline(canvas, points, 2, 0, thickness, color);
}

void ferry_draw_circle(ferry_canvas *canvas, float x, float y, float radius, float thickness, ferry_color color) {
    if (!canvas->image.width || !finite4(x, y, radius, thickness) || radius <= 0) return;
    ferry_ink ink = ferry_ink_for(canvas, color);
    float half = thickness / 2, outer = thickness > 0 ? radius + half : radius;
    x = tame(x), y = tame(y), outer = fminf(outer, 200000);
    range rows = clip_range(y - outer - 1, y + outer + 1, canvas->image.height);
    for (int pair = rows.first & ~1; pair < rows.last; pair += 2) {
        range columns = {0, 0};
        for (int row = 0; row < 2; row++) {
            float dy = (float)(pair + row) + 0.5f - y, inside = (outer + 1) * (outer + 1) - dy * dy;
            if (inside <= 0) continue;
            range here = clip_range(x - sqrtf(inside), x + sqrtf(inside), canvas->image.width);
            for (int column = here.first; column < here.last; column++) {
                float dx = (float)column + 0.5f - x, distance = sqrtf(dx * dx + dy * dy);
                float depth = thickness > 0 ? half - fabsf(distance - radius) : radius - distance;
                canvas->band[row][column] = coverage_of(depth + 0.5f);
            }
            columns = join(columns, here);
        }
        ferry_paint_band(canvas, pair, columns.first, columns.last, ink);
    }
}

/* One row of a rounded rectangle: full, but for the corners. */
static void cover_rounded_row(uint8_t *band, int row, range columns, const int box[4], float radius) {
    float y = (float)row + 0.5f, dy = fmaxf(fmaxf((float)box[1] + radius - y, y - ((float)box[3] - radius)), 0);
    memset(band + columns.first, 255, (size_t)(columns.last - columns.first));
    if (dy <= 0) return;
    int corner = (int)ceilf(radius);
    for (int column = columns.first; column < columns.last; column++) {
        if (column == box[0] + corner && box[2] - corner > column) column = box[2] - corner; /* between the corners */
        if (column >= columns.last) break;
        float x = (float)column + 0.5f, dx = fmaxf(fmaxf((float)box[0] + radius - x, x - ((float)box[2] - radius)), 0);
        if (dx > 0) band[column] = coverage_of(radius - sqrtf(dx * dx + dy * dy) + 0.5f);
    }
}

void ferry_paint_rounded(ferry_canvas *canvas, int x1, int y1, int x2, int y2, float radius, ferry_ink ink) {
    if (radius <= 0) {
        ferry_paint_rectangle(canvas, x1, y1, x2, y2, ink);
        return;
    }
    const int box[4] = {x1, y1, x2, y2};
    range columns = {x1 < 0 ? 0 : x1, x2 > canvas->image.width ? canvas->image.width : x2};
    range rows = {y1 < 0 ? 0 : y1, y2 > canvas->image.height ? canvas->image.height : y2};
    if (columns.first >= columns.last) return;
    for (int pair = rows.first & ~1; pair < rows.last; pair += 2) {
        for (int row = pair < rows.first ? rows.first : pair; row < pair + 2 && row < rows.last; row++)
            cover_rounded_row(canvas->band[row - pair], row, columns, box, radius);
        ferry_paint_band(canvas, pair, columns.first, columns.last, ink);
    }
}
