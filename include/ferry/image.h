/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures: a view of pixels with all that is needed to read their colours rightly. */
#ifndef FERRY_IMAGE_H
#define FERRY_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <ferry/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ferry_pixel_format {
    FERRY_PIXEL_NONE = 0,
    FERRY_PIXEL_RGB24 = 1,  /* one plane, bytes R G B */
    FERRY_PIXEL_BGR24 = 2,  /* one plane, bytes B G R */
    FERRY_PIXEL_RGBA32 = 3, /* one plane, bytes R G B A; alpha is ignored on reading */
    FERRY_PIXEL_BGRA32 = 4,
    FERRY_PIXEL_GRAY8 = 5,
    FERRY_PIXEL_NV12 = 6,    /* Y; interleaved U V at half size both ways */
    FERRY_PIXEL_NV21 = 7,    /* Y; interleaved V U */
    FERRY_PIXEL_YUV420P = 8, /* Y; U; V (I420) */
    FERRY_PIXEL_YUV422P = 9,
    FERRY_PIXEL_YUV444P = 10,
    FERRY_PIXEL_YUYV = 11, /* one plane, bytes Y U Y V */
    FERRY_PIXEL_P010 = 12  /* as NV12 with 16-bit little-endian samples, the 10 bits on top */
} ferry_pixel_format;

/* Which luma coefficients made the YUV (ITU-R). UNSPECIFIED is taken as BT.601 below 720 lines, BT.709 from there on. */
typedef enum ferry_color_matrix {
    FERRY_MATRIX_UNSPECIFIED = 0,
    FERRY_MATRIX_BT601 = 1,
    FERRY_MATRIX_BT709 = 2,
    FERRY_MATRIX_BT2020 = 3
} ferry_color_matrix;

/* LIMITED: Y 16..235, chroma 16..240. FULL: 0..255. UNSPECIFIED is taken as LIMITED for YUV. */
typedef enum ferry_color_range { FERRY_RANGE_UNSPECIFIED = 0, FERRY_RANGE_LIMITED = 1, FERRY_RANGE_FULL = 2 } ferry_color_range;

/* A view: whoever made it owns the memory. Strides are bytes from a row to the next, at least a row's bytes. */
typedef struct ferry_image {
    ferry_pixel_format format;
    ferry_color_matrix matrix;
    ferry_color_range range;
    int32_t width, height; /* in pixels of the first plane */
    uint8_t *planes[3];
    ptrdiff_t strides[3];
} ferry_image;

#ifdef __cplusplus
}
#endif
#endif
