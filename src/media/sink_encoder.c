/* SPDX-License-Identifier: Apache-2.0 */
#include "media/sink_encoder.h"

#include <math.h>
#include <string.h>

#include <libavutil/opt.h>
#include <libswscale/swscale.h>

#include "media/av.h"
#include "media/color.h"
#include "media/convert.h"

/* Encoders by codec name, best first. GPU encoders are left out: they fail only at run time, on machines without the GPU. */
static const struct {
    const char *name;
    enum AVCodecID id;
    const char *encoders[4];
} codecs[] = {
    {"h264", AV_CODEC_ID_H264, {"libx264", "libopenh264"}},
    {"hevc", AV_CODEC_ID_HEVC, {"libx265"}},
    {"mpeg4", AV_CODEC_ID_MPEG4, {"mpeg4"}},
    {"mjpeg", AV_CODEC_ID_MJPEG, {"mjpeg"}},
};
enum { CODEC_COUNT = sizeof codecs / sizeof *codecs };

static const AVCodec *encoder_named(const char *codec) {
    for (int i = 0; i < CODEC_COUNT; i++)
        if (strcmp(codecs[i].name, codec) == 0)
            for (int k = 0; codecs[i].encoders[k]; k++) {
                const AVCodec *found = avcodec_find_encoder_by_name(codecs[i].encoders[k]);
                if (found) return found;
            }
    return NULL;
}

/* Containers without a list of codecs do not answer the query: MPEG-TS and RTSP take what we have, others their usual codec. */
static bool container_takes(const ferry_video_sink *sink, const AVCodec *encoder) {
    if (!encoder) return false;
    const AVOutputFormat *format = sink->format->oformat;
    int answer = avformat_query_codec(format, encoder->id, FF_COMPLIANCE_NORMAL);
    bool any = strcmp(format->name, "mpegts") == 0 || strcmp(format->name, "rtsp") == 0;
    return answer < 0 ? any || format->video_codec == encoder->id : answer == 1;
}

static ferry_status choose_encoder(const ferry_video_sink *sink, const AVCodec **encoder, ferry_error *error) {
    static const char *const choice[] = {"h264", "mpeg4", "mjpeg"};
    const char *container = sink->format->oformat->name;
    if (sink->codec_name) {
        *encoder = encoder_named(sink->codec_name);
        if (!*encoder)
            return ferry_fail(
                error, FERRY_ERROR_UNSUPPORTED,
                "'%s': this FFmpeg has no encoder for '%s' (known: h264, hevc, mpeg4, mjpeg); use an FFmpeg with libx264",
                sink->url, sink->codec_name);
        if (container_takes(sink, *encoder)) return FERRY_OK;
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "'%s': the container '%s' does not hold %s", sink->url, container,
                          sink->codec_name);
    }
    for (size_t i = 0; i < sizeof choice / sizeof *choice; i++)
        if (container_takes(sink, *encoder = encoder_named(choice[i]))) return FERRY_OK;
    return ferry_fail(error, FERRY_ERROR_UNSUPPORTED,
                      "'%s': this FFmpeg has no encoder that the container '%s' holds (tried h264, mpeg4, mjpeg)", sink->url,
                      container);
}

/* Microseconds would suit best; but MPEG-4 part 2 and AVI count in small denominators, and 90 kHz is what players expect. */
static AVRational time_base(const ferry_video_sink *sink, const AVCodec *encoder) {
    double fps = sink->settings.fps;
    if (sink->fixed_grid) return av_inv_q(av_d2q(fps, 60000));
    if (encoder->id == AV_CODEC_ID_MPEG4) return (AVRational){1, 60000};
    return (AVRational){1, 90000};
}

static void set_quality(const ferry_video_sink *sink, AVCodecContext *encoder) {
    bool x26x = strcmp(encoder->codec->name, "libx264") == 0 || strcmp(encoder->codec->name, "libx265") == 0;
    bool low_latency = sink->settings.low_latency || sink->network;
    if (x26x) {
        av_opt_set(encoder->priv_data, "preset", sink->preset, 0);
        if (low_latency) av_opt_set(encoder->priv_data, "tune", "zerolatency", 0);
        if (!sink->settings.bitrate) av_opt_set_double(encoder->priv_data, "crf", sink->settings.quality, 0);
        if (strcmp(encoder->codec->name, "libx265") == 0) av_opt_set(encoder->priv_data, "x265-params", "log-level=none", 0);
    } else if (!sink->settings.bitrate && encoder->codec_id != AV_CODEC_ID_H264) {
        encoder->flags |= AV_CODEC_FLAG_QSCALE; /* quantiser 2..31; H.264's 23 corresponds to about 4 */
        double quantiser = 2 + 2 * pow(2, (sink->settings.quality - 23) / 6.0);
        encoder->global_quality = (int)(FF_QP2LAMBDA * (quantiser > 31 ? 31 : quantiser));
        encoder->qmin = 2;
    } else if (!sink->settings.bitrate) {
        encoder->bit_rate = (int64_t)(0.1 * encoder->width * encoder->height * sink->settings.fps);
    }
    if (sink->settings.bitrate) encoder->bit_rate = sink->settings.bitrate;
    if (low_latency || sink->fixed_grid) encoder->max_b_frames = 0;
}

static void set_picture(AVCodecContext *encoder, const ferry_image *image) {
    bool yuv = ferry_pixel_format_is_yuv(image->format);
    ferry_color_matrix matrix = yuv ? image->matrix : image->height < 720 ? FERRY_MATRIX_BT601 : FERRY_MATRIX_BT709;
    ferry_color_range range = yuv ? image->range : FERRY_RANGE_LIMITED;
    ferry_av_tags tags = ferry_av_tags_of(matrix, range);
    encoder->width = (image->width + 1) & ~1;
    encoder->height = (image->height + 1) & ~1;
    encoder->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder->colorspace = tags.space;
    encoder->color_primaries = tags.primaries;
    encoder->color_trc = tags.transfer;
    encoder->color_range = tags.range;
    encoder->chroma_sample_location = AVCHROMA_LOC_LEFT;
    encoder->sample_aspect_ratio = (AVRational){1, 1};
    if (encoder->codec_id != AV_CODEC_ID_MJPEG) return;
    encoder->pix_fmt = AV_PIX_FMT_YUVJ420P; /* JFIF: BT.601, full range */
    encoder->color_range = AVCOL_RANGE_JPEG;
    encoder->colorspace = AVCOL_SPC_SMPTE170M;
}

static ferry_status make_stream(ferry_video_sink *sink, ferry_error *error) {
    AVCodecContext *encoder = sink->encoder;
    sink->stream = avformat_new_stream(sink->format, NULL);
    sink->packet = av_packet_alloc();
    sink->frame = av_frame_alloc();
    if (!sink->stream || !sink->packet || !sink->frame) return ferry_fail_memory(error, sizeof *sink->stream);
    int code = avcodec_parameters_from_context(sink->stream->codecpar, encoder);
    if (code < 0) return ferry_av_fail(error, code, "'%s': cannot set up the stream", sink->url);
    sink->stream->time_base = encoder->time_base;
    sink->stream->avg_frame_rate = encoder->framerate;
    sink->frame->format = encoder->pix_fmt;
    sink->frame->width = encoder->width;
    sink->frame->height = encoder->height;
    sink->frame->color_range = encoder->color_range;
    sink->frame->colorspace = encoder->colorspace;
    sink->frame->color_primaries = encoder->color_primaries;
    sink->frame->color_trc = encoder->color_trc;
    code = av_frame_get_buffer(sink->frame, 0);
    return code < 0 ? ferry_fail_memory(error, (size_t)encoder->width * (size_t)encoder->height) : FERRY_OK;
}

ferry_status ferry_sink_open_encoder(ferry_video_sink *sink, const ferry_image *image, ferry_error *error) {
    const AVCodec *codec = NULL;
    FERRY_TRY(choose_encoder(sink, &codec, error));
    AVCodecContext *encoder = sink->encoder = avcodec_alloc_context3(codec);
    if (!encoder) return ferry_fail_memory(error, sizeof *encoder);
    set_picture(encoder, image);
    encoder->time_base = time_base(sink, codec);
    encoder->framerate = av_d2q(sink->settings.fps, 60000);
    double seconds = sink->settings.keyframe_seconds > 0 ? sink->settings.keyframe_seconds
                     : sink->network || sink->playlist   ? 2
                                                         : 10;
    encoder->gop_size = (int)fmin(fmax(1, seconds * sink->settings.fps), 1000);
    encoder->thread_count = sink->settings.threads;
    encoder->log_level_offset = 100;
    if (sink->format->oformat->flags & AVFMT_GLOBALHEADER) encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    set_quality(sink, encoder);
    int code = avcodec_open2(encoder, codec, NULL);
    if (code < 0)
        return ferry_av_fail(error, code, "'%s': the encoder %s refuses %dx%d at %g frames a second", sink->url, codec->name,
                             encoder->width, encoder->height, sink->settings.fps);
    return make_stream(sink, error);
}

/* Repeats the last column and row where the encoder's even size exceeds the picture's. */
static void pad_plane(uint8_t *pixels, ptrdiff_t stride, int width, int height, int full_width, int full_height) {
    if (full_width > width)
        for (int y = 0; y < height; y++) pixels[y * stride + width] = pixels[y * stride + width - 1];
    if (full_height > height) memcpy(pixels + height * stride, pixels + (height - 1) * stride, (size_t)full_width);
}

static void split_chroma(const ferry_image *image, AVFrame *frame, int first, int second) {
    int width = (image->width + 1) / 2, height = (image->height + 1) / 2;
    for (int y = 0; y < height; y++) {
        const uint8_t *pair = image->planes[1] + (ptrdiff_t)y * image->strides[1];
        uint8_t *a = frame->data[first] + (ptrdiff_t)y * frame->linesize[first];
        uint8_t *b = frame->data[second] + (ptrdiff_t)y * frame->linesize[second];
        for (int x = 0; x < width; x++) {
            a[x] = pair[2 * x];
            b[x] = pair[2 * x + 1];
        }
    }
}

static void copy_plane(const ferry_image *image, AVFrame *frame, int plane, int width, int height) {
    for (int y = 0; y < height; y++)
        memcpy(frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane],
               image->planes[plane] + (ptrdiff_t)y * image->strides[plane], (size_t)width);
}

static void fill_directly(const ferry_image *image, AVFrame *frame) {
    copy_plane(image, frame, 0, image->width, image->height);
    pad_plane(frame->data[0], frame->linesize[0], image->width, image->height, frame->width, frame->height);
    if (image->format == FERRY_PIXEL_YUV420P) {
        copy_plane(image, frame, 1, (image->width + 1) / 2, (image->height + 1) / 2);
        copy_plane(image, frame, 2, (image->width + 1) / 2, (image->height + 1) / 2);
    } else {
        bool swapped = image->format == FERRY_PIXEL_NV21;
        split_chroma(image, frame, swapped ? 2 : 1, swapped ? 1 : 2);
    }
}

/* A frame that only points at the caller's pixels. */
static AVFrame *frame_around(const ferry_image *image) {
    bool yuv = ferry_pixel_format_is_yuv(image->format);
    ferry_av_tags tags =
        ferry_av_tags_of(yuv ? image->matrix : FERRY_MATRIX_UNSPECIFIED, yuv ? image->range : FERRY_RANGE_FULL);
    AVFrame *frame = av_frame_alloc();
    if (!frame) return NULL;
    frame->format = ferry_av_pixel_format_of(image->format);
    frame->width = image->width;
    frame->height = image->height;
    frame->colorspace = tags.space;
    frame->color_range = tags.range;
    for (int i = 0; i < ferry_pixel_format_planes(image->format); i++) {
        frame->data[i] = image->planes[i];
        frame->linesize[i] = (int)image->strides[i];
    }
    return frame;
}

/* Any other format, size or colours: through swscale. */
static ferry_status fill_converted(ferry_video_sink *sink, const ferry_image *image, bool same_size, ferry_error *error) {
    AVFrame *source = frame_around(image), *target = sink->frame;
    if (!source) return ferry_fail_memory(error, sizeof *source);
    int width = target->width, height = target->height;
    if (same_size) { /* odd sizes are padded, not stretched */
        target->width = image->width;
        target->height = image->height;
    }
    bool filled = ferry_av_convert_into(&sink->scaler, source, target);
    pad_plane(target->data[0], target->linesize[0], target->width, target->height, width, height);
    target->width = width;
    target->height = height;
    av_frame_free(&source);
    if (filled) return FERRY_OK;
    return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "'%s': cannot convert %dx%d pixels of format %d for the encoder",
                      sink->url, image->width, image->height, (int)image->format);
}

static bool same_colors(const AVFrame *frame, const ferry_image *image) {
    return frame->format == AV_PIX_FMT_YUV420P && ferry_av_range(frame->color_range) == image->range &&
           ferry_av_matrix(frame->colorspace) == image->matrix;
}

ferry_status ferry_sink_fill_frame(ferry_video_sink *sink, const ferry_image *image, ferry_error *error) {
    AVFrame *frame = sink->frame;
    if (av_frame_make_writable(frame) < 0) return ferry_fail_memory(error, (size_t)frame->width * (size_t)frame->height);
    bool same_size = (image->width + 1) / 2 == frame->width / 2 && (image->height + 1) / 2 == frame->height / 2;
    bool direct =
        image->format == FERRY_PIXEL_YUV420P || image->format == FERRY_PIXEL_NV12 || image->format == FERRY_PIXEL_NV21;
    if (!same_size || !direct || !same_colors(frame, image)) return fill_converted(sink, image, same_size, error);
    fill_directly(image, frame);
    return FERRY_OK;
}
