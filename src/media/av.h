/* SPDX-License-Identifier: Apache-2.0 */
/* What this folder shares about FFmpeg: pixel formats, colour tags, errors, conversions. */
#ifndef FERRY_MEDIA_AV_H
#define FERRY_MEDIA_AV_H

#include <stdbool.h>

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>

#include "base/error.h"
#include "tensor/image.h"

struct SwsContext;

/* Ours for FFmpeg's format, or FERRY_PIXEL_NONE for those that need a conversion. *full is set for the full-range "J" formats.
 */
ferry_pixel_format ferry_av_pixel_format(enum AVPixelFormat format, bool *full);
enum AVPixelFormat ferry_av_pixel_format_of(ferry_pixel_format format); /* AV_PIX_FMT_NONE for none */

ferry_color_matrix ferry_av_matrix(enum AVColorSpace space);
ferry_color_range ferry_av_range(enum AVColorRange range);
/* Tags for a matrix: colour space, and the primaries and transfer that go with it; "unspecified" for UNSPECIFIED. */
typedef struct ferry_av_tags {
    enum AVColorSpace space;
    enum AVColorPrimaries primaries;
    enum AVColorTransferCharacteristic transfer;
    enum AVColorRange range;
} ferry_av_tags;
ferry_av_tags ferry_av_tags_of(ferry_color_matrix matrix, ferry_color_range range);

/* A view of a frame's pixels in one of our formats; false when the frame needs a conversion (format, or rows upside down). */
bool ferry_av_view(const AVFrame *frame, ferry_image *view);
/* A new frame of the given format and size made from `source` by swscale (kept in *scaler for the next call), its colours meant
 * as before: matrix and range kept for YUV to YUV. NULL when out of memory or impossible. */
AVFrame *ferry_av_convert(struct SwsContext **scaler, const AVFrame *source, enum AVPixelFormat format, int width, int height);
/* The same into a frame that has its pixels and its tags. False when impossible. */
bool ferry_av_convert_into(struct SwsContext **scaler, const AVFrame *source, AVFrame *target);

/* ferry_fail with FFmpeg's text for `code` appended, and a status that fits the code. */
ferry_status ferry_av_fail(ferry_error *error, int code, const char *format, ...) FERRY_PRINTF(3, 4);

#endif
