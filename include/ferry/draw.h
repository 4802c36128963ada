/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing boxes, keypoints and text straight on YUV or RGB pictures. */
#ifndef FERRY_DRAW_H
#define FERRY_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include <ferry/image.h>
#include <ferry/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sRGB; alpha 255 is opaque. */
typedef struct ferry_color {
    uint8_t red, green, blue, alpha;
} ferry_color;

/* Twenty colours that are easy to tell apart; any index, also a negative one, gives one of them. */
FERRY_API ferry_color ferry_palette_color(int64_t index);
/* Black or white, whichever reads better on `background` (WCAG relative luminance). */
FERRY_API ferry_color ferry_contrast_color(ferry_color background);

/* A canvas holds the fonts, the glyphs drawn so far and the picture under the brush. One thread at a time; several canvases
 * share nothing. */
typedef struct ferry_canvas ferry_canvas;

typedef struct ferry_canvas_settings {
    size_t size; /* of this struct; set by ferry_canvas_settings_default */
    const char
        *font; /* a font file (.ttf, .otf, .ttc); NULL (default): DejaVu Sans and its like where Debian keeps them. Signs
                  that the font lacks, such as Chinese, come from Noto Sans CJK, WenQuanYi or Droid Fallback if installed */
} ferry_canvas_settings;
FERRY_API ferry_canvas_settings ferry_canvas_settings_default(void);

/* Fails for a given font that cannot be read. Without `font`, a machine that has none gives a canvas that draws all but text:
 * ferry_canvas_warning says so. `settings` may be NULL. */
FERRY_API ferry_status ferry_canvas_create(const ferry_canvas_settings *settings, ferry_canvas **canvas, ferry_error *error);
FERRY_API void ferry_canvas_destroy(ferry_canvas *canvas); /* takes NULL */
/* What is amiss (no font found), or NULL. */
FERRY_API const char *ferry_canvas_warning(const ferry_canvas *canvas);

/* Sets the picture to draw on until the next call: RGB24, BGR24, RGBA32, BGRA32, GRAY8, NV12, NV21, YUV420P, YUV422P, YUV444P
 * or YUYV; its pixels must be writable (ferry_video_frame_make_writable). FERRY_ERROR_UNSUPPORTED for P010. */
FERRY_API ferry_status ferry_canvas_begin(ferry_canvas *canvas, const ferry_image *image, ferry_error *error);

/* All coordinates are pixels, x to the right, y down, (0,0) the upper left corner of the picture. What lies outside is clipped;
 * a shape with a coordinate that is not finite is left out. Before ferry_canvas_begin nothing is drawn. */

/* Line width and text height that suit the picture's size: about 4 and 22 at 1080p. */
FERRY_API int ferry_draw_thickness(const ferry_canvas *canvas);
FERRY_API int ferry_draw_text_size(const ferry_canvas *canvas);

FERRY_API void ferry_draw_fill(ferry_canvas *canvas, float x1, float y1, float x2, float y2, ferry_color color);
/* The frame of a rectangle, drawn half inside, half outside. */
FERRY_API void ferry_draw_rectangle(ferry_canvas *canvas, float x1, float y1, float x2, float y2, int thickness,
                                    ferry_color color);
FERRY_API void ferry_draw_line(ferry_canvas *canvas, float x1, float y1, float x2, float y2, float thickness,
                               ferry_color color);
/* `points` are x y pairs; a closed one joins the last with the first. Points that are not finite leave gaps. */
FERRY_API void ferry_draw_polyline(ferry_canvas *canvas, const float *points, size_t count, int closed, float thickness,
                                   ferry_color color);
/* A disc when `thickness` is 0 or less, else a ring. */
FERRY_API void ferry_draw_circle(ferry_canvas *canvas, float x, float y, float radius, float thickness, ferry_color color);
/* UTF-8 text with its upper left corner at (x, y), `size` pixels from line to line. Bad UTF-8 shows as U+FFFD or '?'. */
FERRY_API void ferry_draw_text(ferry_canvas *canvas, float x, float y, int size, const char *text, ferry_color color);
/* The width in pixels that ferry_draw_text would cover; 0 without a font. */
FERRY_API int ferry_text_width(ferry_canvas *canvas, int size, const char *text);

/* A detection: frame, and above it (inside, where there is no room) a tag with `text`, unless NULL or empty, in a contrasting
 * colour. */
FERRY_API void ferry_draw_box(ferry_canvas *canvas, float x1, float y1, float x2, float y2, const char *text,
                              ferry_color color);
/* Text on a tag with its upper left corner at (x, y): for frame rate, rule names and the like. */
FERRY_API void ferry_draw_label(ferry_canvas *canvas, float x, float y, const char *text, ferry_color background);
/* A pose. `points`: `count` times x, y, score; those scored below `least` are left out. `edges`: pairs of indices, drawn below
 * the points; colours come from the palette by edge. */
FERRY_API void ferry_draw_skeleton(ferry_canvas *canvas, const float *points, size_t count, const uint8_t (*edges)[2],
                                   size_t edge_count, float least);
/* Points only, such as the five of a face: x, y, score as above; `color` for all. */
FERRY_API void ferry_draw_points(ferry_canvas *canvas, const float *points, size_t count, float least, ferry_color color);
/* The 19 edges of the 17 keypoints of COCO, for ferry_draw_skeleton. */
FERRY_API const uint8_t (*ferry_coco_edges(size_t *count))[2];

#ifdef __cplusplus
}
#endif
#endif
