/* SPDX-License-Identifier: Apache-2.0 */
/* A picture in memory that somebody else owns. */
#ifndef FERRY_TENSOR_IMAGE_H
#define FERRY_TENSOR_IMAGE_H

#include <ferry/image.h>

#include "base/error.h"

/* Fills planes and strides for a tightly packed picture at `memory` (which may be NULL to learn `bytes` only). Chroma planes
 * of odd sizes round up. Refuses sizes below 1 or above 65535 and unknown formats. */
ferry_status ferry_image_layout(ferry_pixel_format format, int width, int height, void *memory, ferry_image *image,
                                size_t *bytes, ferry_error *error);
/* Checks a view from outside: size, format, planes present, strides wide enough. */
ferry_status ferry_image_check(const ferry_image *image, ferry_error *error);
/* A picture that owns one aligned block (planes[0]); release with ferry_image_free. */
ferry_status ferry_image_allocate(ferry_pixel_format format, int width, int height, ferry_image *image, ferry_error *error);
void ferry_image_free(ferry_image *image); /* zeroes it; takes a zeroed one */
int ferry_pixel_format_planes(ferry_pixel_format format);

#endif
