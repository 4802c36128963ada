/* SPDX-License-Identifier: Apache-2.0 */
#include "media/av.h"

#include <stdarg.h>
#include <stdio.h>

#include <libavutil/error.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "media/color.h"

static const struct {
    enum AVPixelFormat av;
    ferry_pixel_format ferry;
    bool full;
} formats[] = {
    {AV_PIX_FMT_YUV420P, FERRY_PIXEL_YUV420P, false}, {AV_PIX_FMT_YUVJ420P, FERRY_PIXEL_YUV420P, true},
    {AV_PIX_FMT_NV12, FERRY_PIXEL_NV12, false},       {AV_PIX_FMT_NV21, FERRY_PIXEL_NV21, false},
    {AV_PIX_FMT_YUV422P, FERRY_PIXEL_YUV422P, false}, {AV_PIX_FMT_YUVJ422P, FERRY_PIXEL_YUV422P, true},
    {AV_PIX_FMT_YUV444P, FERRY_PIXEL_YUV444P, false}, {AV_PIX_FMT_YUVJ444P, FERRY_PIXEL_YUV444P, true},
    {AV_PIX_FMT_YUYV422, FERRY_PIXEL_YUYV, false},    {AV_PIX_FMT_P010LE, FERRY_PIXEL_P010, false},
    {AV_PIX_FMT_GRAY8, FERRY_PIXEL_GRAY8, false},     {AV_PIX_FMT_RGB24, FERRY_PIXEL_RGB24, false},
    {AV_PIX_FMT_BGR24, FERRY_PIXEL_BGR24, false},     {AV_PIX_FMT_RGBA, FERRY_PIXEL_RGBA32, false},
    {AV_PIX_FMT_RGB0, FERRY_PIXEL_RGBA32, false},     {AV_PIX_FMT_BGRA, FERRY_PIXEL_BGRA32, false},
    {AV_PIX_FMT_BGR0, FERRY_PIXEL_BGRA32, false},
};
enum { FORMAT_COUNT = sizeof formats / sizeof *formats };

ferry_pixel_format ferry_av_pixel_format(enum AVPixelFormat format, bool *full) {
    for (int i = 0; i < FORMAT_COUNT; i++)
        if (formats[i].av == format) {
            *full = formats[i].full;
            return formats[i].ferry;
        }
    *full = false;
    return FERRY_PIXEL_NONE;
}

enum AVPixelFormat ferry_av_pixel_format_of(ferry_pixel_format format) {
    for (int i = 0; i < FORMAT_COUNT; i++)
        if (formats[i].ferry == format) return formats[i].av;
    return AV_PIX_FMT_NONE;
}

/* SMPTE 240M and FCC are taken as their nearest relatives: the luma weights differ by 0.02 at most. */
ferry_color_matrix ferry_av_matrix(enum AVColorSpace space) {
    switch (space) {
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_SMPTE240M: return FERRY_MATRIX_BT709;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_FCC: return FERRY_MATRIX_BT601;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL: return FERRY_MATRIX_BT2020;
    default: return FERRY_MATRIX_UNSPECIFIED;
    }
}

ferry_color_range ferry_av_range(enum AVColorRange range) {
    return range == AVCOL_RANGE_JPEG   ? FERRY_RANGE_FULL
           : range == AVCOL_RANGE_MPEG ? FERRY_RANGE_LIMITED
                                       : FERRY_RANGE_UNSPECIFIED;
}

ferry_av_tags ferry_av_tags_of(ferry_color_matrix matrix, ferry_color_range range) {
    ferry_av_tags tags = {AVCOL_SPC_UNSPECIFIED, AVCOL_PRI_UNSPECIFIED, AVCOL_TRC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED};
    switch (matrix) {
    case FERRY_MATRIX_BT601: tags = (ferry_av_tags){AVCOL_SPC_SMPTE170M, AVCOL_PRI_SMPTE170M, AVCOL_TRC_SMPTE170M, 0}; break;
    case FERRY_MATRIX_BT709: tags = (ferry_av_tags){AVCOL_SPC_BT709, AVCOL_PRI_BT709, AVCOL_TRC_BT709, 0}; break;
    case FERRY_MATRIX_BT2020: tags = (ferry_av_tags){AVCOL_SPC_BT2020_NCL, AVCOL_PRI_BT2020, AVCOL_TRC_BT2020_10, 0}; break;
    case FERRY_MATRIX_UNSPECIFIED: break;
    }
    tags.range = range == FERRY_RANGE_FULL      ? AVCOL_RANGE_JPEG
                 : range == FERRY_RANGE_LIMITED ? AVCOL_RANGE_MPEG
                                                : AVCOL_RANGE_UNSPECIFIED;
    return tags;
}

bool ferry_av_view(const AVFrame *frame, ferry_image *view) {
    bool full;
    *view = (ferry_image){.format = ferry_av_pixel_format(frame->format, &full),
                          .matrix = ferry_av_matrix(frame->colorspace),
                          .range = full ? FERRY_RANGE_FULL : ferry_av_range(frame->color_range),
                          .width = frame->width,
                          .height = frame->height};
    if (view->format == FERRY_PIXEL_NONE) return false;
    if (view->format == FERRY_PIXEL_GRAY8 && frame->color_range == AVCOL_RANGE_MPEG) return false; /* GRAY8 means full range */
    for (int i = 0; i < ferry_pixel_format_planes(view->format); i++) {
        view->planes[i] = frame->data[i];
        view->strides[i] = frame->linesize[i];
    }
    return ferry_image_check(view, NULL) == FERRY_OK;
}

static const int *coefficients(const AVFrame *frame) {
    ferry_color_matrix matrix = ferry_av_matrix(frame->colorspace);
    if (matrix == FERRY_MATRIX_UNSPECIFIED) matrix = frame->height < 720 ? FERRY_MATRIX_BT601 : FERRY_MATRIX_BT709;
    return sws_getCoefficients(matrix == FERRY_MATRIX_BT709    ? SWS_CS_ITU709
                               : matrix == FERRY_MATRIX_BT2020 ? SWS_CS_BT2020
                                                               : SWS_CS_ITU601);
}

/* Grey without a tag is full, as FFmpeg's own filters take it. */
static bool is_full(const AVFrame *frame) {
    const AVPixFmtDescriptor *about = av_pix_fmt_desc_get(frame->format);
    bool full, gray = about && about->nb_components <= 2;
    ferry_av_pixel_format(frame->format, &full);
    if (full || frame->color_range == AVCOL_RANGE_JPEG || (about && (about->flags & AV_PIX_FMT_FLAG_RGB))) return true;
    return gray && frame->color_range != AVCOL_RANGE_MPEG;
}

static bool is_rgb(enum AVPixelFormat format) {
    const AVPixFmtDescriptor *about = av_pix_fmt_desc_get(format);
    return about && ((about->flags & AV_PIX_FMT_FLAG_RGB) || format == AV_PIX_FMT_PAL8);
}

/* Tags the target: RGB keeps none; YUV made from RGB gets the rule for untagged sizes, spelt out, in limited range. */
static void tag_converted(AVFrame *target, const AVFrame *source) {
    bool from_rgb = is_rgb(source->format), to_rgb = is_rgb(target->format);
    if (to_rgb) {
        target->colorspace = AVCOL_SPC_RGB;
        target->color_range = AVCOL_RANGE_JPEG;
    } else if (from_rgb) {
        ferry_av_tags tags =
            ferry_av_tags_of(target->height < 720 ? FERRY_MATRIX_BT601 : FERRY_MATRIX_BT709, FERRY_RANGE_LIMITED);
        target->colorspace = tags.space;
        target->color_primaries = tags.primaries;
        target->color_trc = tags.transfer;
        target->color_range = tags.range;
    } else {
        target->color_range = is_full(source) ? AVCOL_RANGE_JPEG : source->color_range;
    }
}

bool ferry_av_convert_into(struct SwsContext **scaler, const AVFrame *source, AVFrame *target) {
    int flags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT;
    *scaler = sws_getCachedContext(*scaler, source->width, source->height, source->format, target->width, target->height,
                                   target->format, flags, NULL, NULL, NULL);
    if (!*scaler) return false;
    sws_setColorspaceDetails(*scaler, coefficients(source), is_full(source), coefficients(target), is_full(target), 0, 1 << 16,
                             1 << 16);
    return sws_scale(*scaler, (const uint8_t *const *)source->data, source->linesize, 0, source->height, target->data,
                     target->linesize) >= 0;
}

AVFrame *ferry_av_convert(struct SwsContext **scaler, const AVFrame *source, enum AVPixelFormat format, int width, int height) {
    AVFrame *target = av_frame_alloc();
    if (!target || av_frame_copy_props(target, source) < 0) goto fail;
    target->format = format;
    target->width = width;
    target->height = height;
    if (av_frame_get_buffer(target, 0) < 0) goto fail;
    tag_converted(target, source);
    if (!ferry_av_convert_into(scaler, source, target)) goto fail;
    return target;
fail:
    av_frame_free(&target);
    return NULL;
}

static ferry_status status_of(int code) {
    switch (code) {
    case AVERROR(ENOMEM): return FERRY_ERROR_OUT_OF_MEMORY;
    case AVERROR(ENOENT):
    case AVERROR_HTTP_NOT_FOUND: return FERRY_ERROR_NOT_FOUND;
    case AVERROR_INVALIDDATA: return FERRY_ERROR_FORMAT;
    case AVERROR_DECODER_NOT_FOUND:
    case AVERROR_DEMUXER_NOT_FOUND:
    case AVERROR_ENCODER_NOT_FOUND:
    case AVERROR_MUXER_NOT_FOUND:
    case AVERROR_PROTOCOL_NOT_FOUND:
    case AVERROR_STREAM_NOT_FOUND:
    case AVERROR_PATCHWELCOME:
    case AVERROR(ENOSYS): return FERRY_ERROR_UNSUPPORTED;
    case AVERROR(ETIMEDOUT): return FERRY_ERROR_DEADLINE;
    default: return FERRY_ERROR_IO;
    }
}

ferry_status ferry_av_fail(ferry_error *error, int code, const char *format, ...) {
    if (!error) return status_of(code);
    char reason[AV_ERROR_MAX_STRING_SIZE], text[700];
    av_strerror(code, reason, sizeof reason);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return ferry_fail(error, status_of(code), "%s: %s", text, reason);
}
