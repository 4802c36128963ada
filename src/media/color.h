/* SPDX-License-Identifier: Apache-2.0 */
/* Colour arithmetic of ITU-R BT.601, BT.709 and BT.2020 (non-constant luminance) for 8-bit samples. */
#ifndef FERRY_MEDIA_COLOR_H
#define FERRY_MEDIA_COLOR_H

#include <stdbool.h>

#include <ferry/image.h>

/* True for formats whose planes hold luma and chroma. GRAY8 is not one. */
bool ferry_pixel_format_is_yuv(ferry_pixel_format format);
/* The matrix that an image is to be read with: UNSPECIFIED is BT.601 below 720 lines, BT.709 from there on. Never UNSPECIFIED.
 */
ferry_color_matrix ferry_matrix_of(const ferry_image *image);
/* True for FULL; UNSPECIFIED counts as limited for YUV and as full for GRAY8. */
bool ferry_range_is_full(const ferry_image *image);

/* The nearest Y, Cb, Cr (8 bits) of an R'G'B' colour. matrix must not be UNSPECIFIED. */
void ferry_rgb_to_yuv(ferry_color_matrix matrix, bool full, const uint8_t rgb[3], uint8_t yuv[3]);

/* R = (y*Y + red_v*V), G = (y*Y + green_u*U + green_v*V), B = (y*Y + blue_u*U), with Y less `black`, U and V less 1 <<
 * (bits-1), all in 1/65536. */
typedef struct ferry_yuv_factors {
    int32_t black, y, red_v, green_u, green_v, blue_u;
} ferry_yuv_factors;
/* For samples of `bits` (8 or 10) bits; results are 8-bit levels. */
ferry_yuv_factors ferry_yuv_factors_of(ferry_color_matrix matrix, bool full, int bits);

#endif
