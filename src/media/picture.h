/* SPDX-License-Identifier: Apache-2.0 */
/* The codecs behind ferry_picture_read and ferry_picture_write. */
#ifndef FERRY_MEDIA_PICTURE_H
#define FERRY_MEDIA_PICTURE_H

#include <stdbool.h>

#include "base/error.h"
#include "tensor/image.h"

typedef struct ferry_bytes {
    const uint8_t *data;
    size_t bytes;
    const char *name; /* for messages; never NULL */
} ferry_bytes;

typedef ferry_status ferry_picture_decoder(ferry_bytes source, ferry_image *image, ferry_error *error);

/* Each gives an owned, upright RGB24 picture; `image` is zeroed on failure. */
ferry_status ferry_jpeg_decode(ferry_bytes source, ferry_image *image, ferry_error *error);
ferry_status ferry_png_decode(ferry_bytes source, ferry_image *image, ferry_error *error);
/* Formats that FFmpeg knows by their first bytes. */
ferry_status ferry_other_picture_decode(ferry_bytes source, ferry_image *image, ferry_error *error);

/* How the bytes begin: the decoder to use, or NULL for what is no picture. */
ferry_picture_decoder *ferry_picture_recognise(const uint8_t *data, size_t bytes);
/* The FFmpeg codec (an AVCodecID) for such bytes, or 0. */
int ferry_other_picture_codec(const uint8_t *data, size_t bytes);
/* Bytes that recognition looks at. */
enum { FERRY_PICTURE_SNIFF_BYTES = 32 };

/* False when the first picture of a GIF, or the strips or tiles of a TIFF, reach beyond the end of the file. */
bool ferry_gif_is_whole(const uint8_t *data, size_t bytes);
bool ferry_tiff_is_whole(const uint8_t *data, size_t bytes);

/* Checks a size that a header claims, before memory is taken: the limits of media.h, and that the file is long enough for it,
 * when no file of this format takes fewer than `least_bytes_per_pixel`: so a small hostile file cannot ask for gigabytes. */
ferry_status ferry_picture_check_size(ferry_bytes source, int64_t width, int64_t height, double least_bytes_per_pixel,
                                      ferry_error *error);

/* Encoders write to memory from ferry_malloc. */
ferry_status ferry_jpeg_encode(const ferry_image *image, int quality, void **data, size_t *bytes, ferry_error *error);
ferry_status ferry_png_encode(const ferry_image *image, void **data, size_t *bytes, ferry_error *error);

#endif
