/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of ferry_canvas: blending (draw_paint.c), shapes (draw_shapes.c), text (draw_text.c). */
#ifndef FERRY_MEDIA_DRAW_CANVAS_H
#define FERRY_MEDIA_DRAW_CANVAS_H

#include <stdbool.h>

#include <ferry/draw.h>

#include "base/error.h"

/* One colour component of a picture: luma, chroma or red ... `step` bytes from a sample to the next. */
typedef struct ferry_component {
    uint8_t *pixels;
    ptrdiff_t stride;
    int step, shift_x, shift_y;
} ferry_component;

struct ferry_text; /* fonts and glyphs */

struct ferry_canvas {
    ferry_image image; /* width 0 before ferry_canvas_begin */
    int components;
    ferry_component component[3];
    /* Coverage, 0..255, of two neighbouring rows of the picture, and room for their chroma average. Zero between calls. */
    uint8_t *band[3];
    int band_width;
    struct ferry_text *text; /* NULL without a font */
    char warning[256];
};

/* A colour in the components of the canvas's picture. */
typedef struct ferry_ink {
    uint8_t value[3];
    int alpha; /* 0..256 */
} ferry_ink;
ferry_ink ferry_ink_for(const ferry_canvas *canvas, ferry_color color);

/* Blends a rectangle; it is clipped. */
void ferry_paint_rectangle(ferry_canvas *canvas, int x1, int y1, int x2, int y2, ferry_ink ink);

/* Blends `ink` over rows y and y+1 (y even) in columns [x1, x2) as band[0] and band[1], indexed by column, tell; then zeroes
 * the two there. Columns must lie inside the picture. */
void ferry_paint_band(ferry_canvas *canvas, int y, int x1, int x2, ferry_ink ink);

/* Blends a mask of coverage with its upper left corner at (x, y); it is clipped. */
void ferry_paint_mask(ferry_canvas *canvas, int x, int y, int width, int height, const uint8_t *mask, ptrdiff_t stride,
                      ferry_ink ink);

/* A rectangle with round corners. */
void ferry_paint_rounded(ferry_canvas *canvas, int x1, int y1, int x2, int y2, float radius, ferry_ink ink);

ferry_status ferry_text_create(const char *font, struct ferry_text **text,
                               ferry_error *error); /* *text NULL: no font on this machine */
void ferry_text_destroy(struct ferry_text *text);

#endif
