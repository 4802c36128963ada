/* SPDX-License-Identifier: Apache-2.0 */
#include "media/frame.h"

#include <libavutil/pixdesc.h>

#include "base/memory.h"
#include "media/av.h"
#include "media/convert.h"

/* Eight bits, and no less chroma than there was; 4:1:1 and the like become 4:2:0. */
static enum AVPixelFormat nearest_format(const AVFrame *frame) {
    const AVPixFmtDescriptor *about = av_pix_fmt_desc_get(frame->format);
    if (!about) return AV_PIX_FMT_YUV420P;
    if ((about->flags & AV_PIX_FMT_FLAG_RGB) || frame->format == AV_PIX_FMT_PAL8) return AV_PIX_FMT_RGB24;
    if (about->nb_components < 3 || about->log2_chroma_w > 1 || about->log2_chroma_h > 0) return AV_PIX_FMT_YUV420P;
    return about->log2_chroma_w ? AV_PIX_FMT_YUV422P : AV_PIX_FMT_YUV444P;
}

/* Replaces *frame by its conversion. */
static ferry_status convert(AVFrame **frame, enum AVPixelFormat format, struct SwsContext **scaler, ferry_error *error) {
    AVFrame *converted = ferry_av_convert(scaler, *frame, format, (*frame)->width, (*frame)->height);
    if (!converted)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "cannot convert %dx%d frames from %s", (*frame)->width,
                          (*frame)->height,
                          av_get_pix_fmt_name((*frame)->format) ? av_get_pix_fmt_name((*frame)->format) : "an unknown format");
    av_frame_free(frame);
    *frame = converted;
    return FERRY_OK;
}

static ferry_status turn(AVFrame **frame, int orientation, struct SwsContext **scaler, ferry_error *error) {
    bool swapped = orientation >= FERRY_ORIENT_TRANSPOSE;
    enum AVPixelFormat format = (*frame)->format;
    if (format == AV_PIX_FMT_YUYV422 || format == AV_PIX_FMT_YUV422P || format == AV_PIX_FMT_YUVJ422P)
        FERRY_TRY(convert(frame, AV_PIX_FMT_YUV420P, scaler, error));
    AVFrame *turned = av_frame_alloc();
    ferry_image from, to;
    if (!turned || av_frame_copy_props(turned, *frame) < 0) goto fail;
    turned->format = (*frame)->format;
    turned->width = swapped ? (*frame)->height : (*frame)->width;
    turned->height = swapped ? (*frame)->width : (*frame)->height;
    if (av_frame_get_buffer(turned, 0) < 0 || !ferry_av_view(*frame, &from) || !ferry_av_view(turned, &to)) goto fail;
    ferry_image_orient(&from, orientation, &to);
    av_frame_free(frame);
    *frame = turned;
    return FERRY_OK;
fail:
    av_frame_free(&turned);
    return ferry_fail_memory(error, 0);
}

static uint32_t flags_of(const AVFrame *frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 29, 100)
    bool key = frame->flags & AV_FRAME_FLAG_KEY;
#else
    bool key = frame->key_frame;
#endif
    bool damaged = frame->decode_error_flags || (frame->flags & AV_FRAME_FLAG_CORRUPT);
    return (key ? (uint32_t)FERRY_FRAME_KEY : 0) | (damaged ? (uint32_t)FERRY_FRAME_DAMAGED : 0);
}

static ferry_status prepare(AVFrame **frame, int orientation, struct SwsContext **scaler, ferry_image *view,
                            ferry_error *error) {
    if (!ferry_av_view(*frame, view)) FERRY_TRY(convert(frame, nearest_format(*frame), scaler, error));
    if (orientation != FERRY_ORIENT_UPRIGHT) FERRY_TRY(turn(frame, orientation, scaler, error));
    if (ferry_av_view(*frame, view)) return FERRY_OK;
    return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "frames of %dx%d pixels cannot be shown", (*frame)->width,
                      (*frame)->height);
}

ferry_status ferry_frame_take(AVFrame *decoded, int orientation, struct SwsContext **scaler, ferry_video_frame **result,
                              ferry_error *error) {
    *result = NULL;
    ferry_video_frame *frame = ferry_calloc(1, sizeof *frame);
    AVFrame *owner = av_frame_alloc();
    ferry_status status = frame && owner ? FERRY_OK : ferry_fail_memory(error, sizeof *frame);
    if (status == FERRY_OK) {
        av_frame_move_ref(owner, decoded);
        status = prepare(&owner, orientation, scaler, &frame->image, error);
    }
    if (status != FERRY_OK) {
        av_frame_free(&owner);
        ferry_free(frame);
        return status;
    }
    frame->flags = flags_of(owner);
    frame->owner = owner;
    *result = frame;
    return FERRY_OK;
}

void ferry_video_frame_release(ferry_video_frame *frame) {
    if (!frame) return;
    AVFrame *owner = frame->owner;
    av_frame_free(&owner);
    ferry_free(frame);
}

ferry_status ferry_video_frame_make_writable(ferry_video_frame *frame, ferry_error *error) {
    AVFrame *owner = frame->owner;
    if (av_frame_make_writable(owner) < 0)
        return ferry_fail_memory(error, (size_t)frame->image.width * (size_t)frame->image.height);
    for (int i = 0; i < ferry_pixel_format_planes(frame->image.format); i++) {
        frame->image.planes[i] = owner->data[i];
        frame->image.strides[i] = owner->linesize[i];
    }
    return FERRY_OK;
}
