/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures that FFmpeg decodes. The file goes to the decoder as one packet; no demuxer looks at it, so that no hostile file can
 * be taken for a playlist that names other files. */
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>

#include <ferry/media.h>

#include "base/memory.h"
#include "media/av.h"
#include "media/convert.h"
#include "media/picture.h"

/* `length` bytes at `offset`; a second piece of magic for RIFF files. */
static const struct {
    const char *magic;
    int length;
    const char *second;
    int second_offset;
    enum AVCodecID codec;
} signatures[] = {
    {"BM", 2, NULL, 0, AV_CODEC_ID_BMP},
    {"GIF87a", 6, NULL, 0, AV_CODEC_ID_GIF},
    {"GIF89a", 6, NULL, 0, AV_CODEC_ID_GIF},
    {"II*\0", 4, NULL, 0, AV_CODEC_ID_TIFF},
    {"MM\0*", 4, NULL, 0, AV_CODEC_ID_TIFF},
    {"RIFF", 4, "WEBP", 8, AV_CODEC_ID_WEBP},
    {"P1", 2, NULL, 0, AV_CODEC_ID_PBM},
    {"P4", 2, NULL, 0, AV_CODEC_ID_PBM},
    {"P2", 2, NULL, 0, AV_CODEC_ID_PGM},
    {"P5", 2, NULL, 0, AV_CODEC_ID_PGM},
    {"P3", 2, NULL, 0, AV_CODEC_ID_PPM},
    {"P6", 2, NULL, 0, AV_CODEC_ID_PPM},
    {"P7\n", 3, NULL, 0, AV_CODEC_ID_PAM},
    {"\0\0\0\x0cjP  ", 8, NULL, 0, AV_CODEC_ID_JPEG2000},
    {"\xff\x4f\xff\x51", 4, NULL, 0, AV_CODEC_ID_JPEG2000},
    {"qoif", 4, NULL, 0, AV_CODEC_ID_QOI},
};

static bool is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r') || byte == '#'; }

int ferry_other_picture_codec(const uint8_t *data, size_t bytes) {
    if (bytes < 12) return 0;
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        if (memcmp(data, signatures[i].magic, (size_t)signatures[i].length) != 0) continue;
        if (signatures[i].second && memcmp(data + signatures[i].second_offset, signatures[i].second, 4) != 0) continue;
        if (data[0] == 'P' && !is_space(data[2])) continue; /* text that happens to begin with P1 */
        return signatures[i].codec;
    }
    return 0;
}

typedef struct picture_codec {
    AVCodecContext *context;
    AVPacket *packet;
    AVFrame *frame;
    struct SwsContext *scaler;
} picture_codec;

static void finish(picture_codec *codec) {
    av_frame_free(&codec->frame);
    av_packet_free(&codec->packet);
    avcodec_free_context(&codec->context);
    sws_freeContext(codec->scaler);
}

static int make_packet(AVPacket *packet, ferry_bytes source) {
    if (source.bytes > INT32_MAX - AV_INPUT_BUFFER_PADDING_SIZE) return AVERROR(ENOMEM);
    int code = av_new_packet(packet, (int)source.bytes);
    if (code < 0) return code;
    memcpy(packet->data, source.data, source.bytes);
    packet->flags |= AV_PKT_FLAG_KEY;
    return 0;
}

/* One-coloured areas cost next to nothing in WebP and JPEG 2000; still, a few bytes shall not ask for gigabytes. */
static int64_t most_pixels(size_t bytes) {
    enum { SLACK = 1 << 20, PIXELS_A_BYTE = 16384 };
    return bytes > FERRY_PICTURE_MAX_PIXELS / PIXELS_A_BYTE ? FERRY_PICTURE_MAX_PIXELS : SLACK + (int64_t)bytes * PIXELS_A_BYTE;
}

static int open_decoder(picture_codec *codec, const AVCodec *decoder, size_t bytes) {
    codec->context = avcodec_alloc_context3(decoder);
    codec->packet = av_packet_alloc();
    codec->frame = av_frame_alloc();
    if (!codec->context || !codec->packet || !codec->frame) return AVERROR(ENOMEM);
    codec->context->thread_count = 1;
    codec->context->max_pixels = most_pixels(bytes);
    /* the TIFF decoder takes harmless LZW remainders for errors then; ferry_tiff_is_whole stands in */
    if (decoder->id != AV_CODEC_ID_TIFF) codec->context->err_recognition = AV_EF_EXPLODE;
    codec->context->log_level_offset = 100; /* errors are reported by us */
    return avcodec_open2(codec->context, decoder, NULL);
}

static int decode_frame(picture_codec *codec, ferry_bytes source) {
    int code = make_packet(codec->packet, source);
    if (code >= 0) code = avcodec_send_packet(codec->context, codec->packet);
    if (code >= 0) code = avcodec_send_packet(codec->context, NULL);
    if (code >= 0) code = avcodec_receive_frame(codec->context, codec->frame);
    if (code >= 0 && (codec->frame->decode_error_flags || (codec->frame->flags & AV_FRAME_FLAG_CORRUPT)))
        code = AVERROR_INVALIDDATA;
    return code;
}

static ferry_status to_rgb(picture_codec *codec, ferry_bytes source, ferry_image *image, ferry_error *error) {
    AVFrame *frame = codec->frame;
    FERRY_TRY(ferry_picture_check_size(source, frame->width, frame->height, 0, error));
    AVFrame *rgb = ferry_av_convert(&codec->scaler, frame, AV_PIX_FMT_RGB24, frame->width, frame->height);
    if (!rgb) return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "'%s' cannot be converted to RGB", source.name);
    ferry_image view;
    ferry_status status = ferry_av_view(rgb, &view)
                              ? ferry_picture_convert(&view, FERRY_PIXEL_RGB24, image, error)
                              : ferry_fail(error, FERRY_ERROR_INTERNAL, "'%s': no view of its pixels", source.name);
    image->matrix = FERRY_MATRIX_UNSPECIFIED;
    image->range = FERRY_RANGE_UNSPECIFIED;
    av_frame_free(&rgb);
    return status;
}

ferry_status ferry_other_picture_decode(ferry_bytes source, ferry_image *image, ferry_error *error) {
    *image = (ferry_image){0};
    enum AVCodecID id = (enum AVCodecID)ferry_other_picture_codec(source.data, source.bytes);
    const AVCodec *decoder = avcodec_find_decoder(id);
    if ((id == AV_CODEC_ID_GIF && !ferry_gif_is_whole(source.data, source.bytes)) ||
        (id == AV_CODEC_ID_TIFF && !ferry_tiff_is_whole(source.data, source.bytes)))
        return ferry_fail(error, FERRY_ERROR_FORMAT, "'%s' is a damaged %s picture: it ends early", source.name,
                          avcodec_get_name(id));
    if (!decoder)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "'%s' is %s, for which this FFmpeg has no decoder", source.name,
                          avcodec_get_name(id));
    picture_codec codec = {0};
    int code = open_decoder(&codec, decoder, source.bytes);
    if (code >= 0) code = decode_frame(&codec, source);
    ferry_status status;
    if (code == AVERROR_EOF) code = AVERROR_INVALIDDATA;
    if (code < 0)
        status = ferry_av_fail(error, code, "'%s' is a damaged or unsupported %s picture", source.name, avcodec_get_name(id));
    else
        status = to_rgb(&codec, source, image, error);
    finish(&codec);
    return status;
}
