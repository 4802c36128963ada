/* SPDX-License-Identifier: Apache-2.0 */
/* Moving pixels without FFmpeg: copies, turns, YUV to RGB. */
#ifndef FERRY_MEDIA_CONVERT_H
#define FERRY_MEDIA_CONVERT_H

#include <stdbool.h>

#include "base/error.h"
#include "tensor/image.h"

/* Copies pixels between views of one format and size. */
void ferry_image_copy_pixels(const ferry_image *source, const ferry_image *target);

/* The eight ways a picture may lie, numbered as EXIF (tag 0x0112) does: how to make it upright. */
enum {
    FERRY_ORIENT_UPRIGHT = 1,
    FERRY_ORIENT_MIRROR = 2, /* left and right swapped */
    FERRY_ORIENT_TURN_180 = 3,
    FERRY_ORIENT_FLIP = 4, /* top and bottom swapped */
    FERRY_ORIENT_TRANSPOSE = 5,
    FERRY_ORIENT_TURN_90 = 6, /* clockwise */
    FERRY_ORIENT_TRANSVERSE = 7,
    FERRY_ORIENT_TURN_270 = 8
};
/* Writes `source` upright to `target`, whose width and height are swapped for orientations from 5 on. All formats whose chroma
 * is sub-sampled alike both ways: not YUV422P (but for 1..4) and not YUYV. */
void ferry_image_orient(const ferry_image *source, int orientation, const ferry_image *target);
/* Replaces an owned picture by its upright copy. */
ferry_status ferry_image_make_upright(ferry_image *image, int orientation, ferry_error *error);
/* The orientation in the TIFF structure of an EXIF block (after "Exif\0\0"); 1 when it has none or is malformed. */
int ferry_exif_orientation(const uint8_t *tiff, size_t bytes);

/* One row of any format as R G B bytes (`bgr`: B G R). `row` is a row of the first plane. */
typedef struct ferry_row_converter {
    const ferry_image *image;
    int32_t black, y, red_v, green_u, green_v, blue_u;
    int red, blue; /* positions of the two in a target pixel */
} ferry_row_converter;
ferry_row_converter ferry_row_converter_for(const ferry_image *image, bool bgr);
void ferry_convert_row(const ferry_row_converter *converter, int row, uint8_t *target);

#endif
