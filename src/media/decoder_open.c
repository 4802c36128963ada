/* SPDX-License-Identifier: Apache-2.0 */
#include "media/decoder_open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/display.h>
#include <libavutil/opt.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "media/av.h"
#include "media/convert.h"

/* What a URL of a scheme may open in its turn: a playlist or an SDP must not reach for files or other networks. */
static const struct {
    const char *scheme, *protocols;
    bool live;
} schemes[] = {
    {"file", "file", false},
    {"http", "http,https,tls,tcp,crypto,data,httpproxy,hls", false},
    {"https", "http,https,tls,tcp,crypto,data,httpproxy,hls", false},
    {"hls", "http,https,tls,tcp,crypto,data,httpproxy,hls", true},
    {"rtsp", "rtsp,rtp,rtcp,srtp,udp,tcp,tls", true},
    {"rtsps", "rtsp,rtp,rtcp,srtp,udp,tcp,tls", true},
    {"rtmp", "rtmp,rtmpt,rtmps,ffrtmphttp,http,tls,tcp", true},
    {"rtmps", "rtmp,rtmpt,rtmps,ffrtmphttp,http,tls,tcp", true},
    {"rtmpt", "rtmp,rtmpt,rtmps,ffrtmphttp,http,tls,tcp", true},
    {"udp", "udp", true},
    {"rtp", "rtp,udp", true},
    {"srt", "srt", true},
    {"tcp", "tcp", true},
    {"unix", "unix", true},
};
enum { SCHEME_COUNT = sizeof schemes / sizeof *schemes };

bool ferry_url_scheme(const char *url, char *scheme, size_t capacity) {
    size_t length = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    bool found = length > 1 && strncmp(url + length, "://", 3) == 0;
    snprintf(scheme, capacity, "%.*s", found ? (int)length : 0, url);
    return found;
}

bool ferry_url_is_live(const char *url) {
    char scheme[16];
    if (!ferry_url_scheme(url, scheme, sizeof scheme)) return false;
    for (int i = 0; i < SCHEME_COUNT; i++)
        if (strcmp(schemes[i].scheme, scheme) == 0) return schemes[i].live;
    return false;
}

static const char *protocols_for(const char *scheme) {
    for (int i = 0; i < SCHEME_COUNT; i++)
        if (strcmp(schemes[i].scheme, scheme) == 0) return schemes[i].protocols;
    return NULL;
}

static ferry_status open_failed(const ferry_decoder *decoder, int code, const char *what, ferry_error *error) {
    if (atomic_load(&decoder->watch->cancelled))
        return ferry_fail(error, FERRY_ERROR_CANCELLED, "'%s': cancelled", decoder->url);
    if (ferry_watch_expired(decoder->watch))
        return ferry_fail(error, FERRY_ERROR_DEADLINE, "'%s': %s: no answer within %g seconds", decoder->url, what,
                          decoder->settings.open_timeout);
    return ferry_av_fail(error, code, "'%s': %s", decoder->url, what);
}

static void set_options(AVDictionary **options, const ferry_decoder *decoder, const char *scheme) {
    const char *protocols = protocols_for(*scheme ? scheme : "file");
    if (protocols) av_dict_set(options, "protocol_whitelist", protocols, 0);
    if (strncmp(scheme, "rtsp", 4) == 0 && strcmp(decoder->settings.transport, "auto") != 0)
        av_dict_set(options, "rtsp_transport", decoder->settings.transport, 0);
    if (decoder->settings.live) av_dict_set(options, "analyzeduration", "3000000", 0);
    if (strncmp(scheme, "http", 4) == 0) av_dict_set(options, "reconnect_on_network_error", "0", 0);
}

/* Local names get "file:" in front, lest one with a colon be taken for a protocol. */
static char *input_name(const char *url, bool has_scheme) {
    size_t bytes = strlen(url) + 6;
    char *name = ferry_malloc(bytes);
    if (!name) return NULL;
    const char *path = strncmp(url, "file://", 7) == 0 ? url + 7 : url;
    snprintf(name, bytes, "%s%s", has_scheme && path == url ? "" : "file:", path);
    return name;
}

static ferry_status open_input(ferry_decoder *decoder, ferry_error *error) {
    char scheme[16];
    bool has_scheme = ferry_url_scheme(decoder->url, scheme, sizeof scheme);
    char *name = input_name(decoder->url, has_scheme);
    decoder->format = avformat_alloc_context();
    AVDictionary *options = NULL;
    set_options(&options, decoder, scheme);
    int code = AVERROR(ENOMEM);
    if (name && decoder->format) {
        decoder->format->interrupt_callback = ferry_watch_interrupt(decoder->watch);
        code = avformat_open_input(&decoder->format, name, NULL, &options); /* frees and clears the context on failure */
    }
    av_dict_free(&options);
    ferry_free(name);
    bool given_up = atomic_load(&decoder->watch->cancelled) || ferry_watch_expired(decoder->watch);
    if (code == AVERROR_INVALIDDATA && !given_up)
        return ferry_fail(error, FERRY_ERROR_FORMAT,
                          "'%s' is not a video that can be read: unknown format, damaged, or cut short", decoder->url);
    return code < 0 ? open_failed(decoder, code, "cannot open", error) : FERRY_OK;
}

static const int32_t *display_matrix(const AVStream *stream) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    const AVPacketSideData *data = av_packet_side_data_get(stream->codecpar->coded_side_data,
                                                           stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return data && data->size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)data->data : NULL;
#else
    size_t bytes = 0;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &bytes);
    return data && bytes >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)data : NULL;
#endif
}

static int sign_of(int32_t value) { return value > 1 << 14 ? 1 : value < -(1 << 14) ? -1 : 0; /* 16.16 fixed point */ }

/* x' = a x + c y, y' = b x + d y; other angles than quarter turns are left alone. */
static int orientation_of(const AVStream *stream) {
    const int32_t *matrix = display_matrix(stream);
    if (!matrix) return FERRY_ORIENT_UPRIGHT;
    int a = sign_of(matrix[0]), b = sign_of(matrix[1]), c = sign_of(matrix[3]), d = sign_of(matrix[4]);
    if (a && d && !b && !c)
        return a > 0 ? (d > 0 ? FERRY_ORIENT_UPRIGHT : FERRY_ORIENT_FLIP)
                     : (d > 0 ? FERRY_ORIENT_MIRROR : FERRY_ORIENT_TURN_180);
    if (b && c && !a && !d)
        return b > 0 ? (c > 0 ? FERRY_ORIENT_TRANSPOSE : FERRY_ORIENT_TURN_90)
                     : (c > 0 ? FERRY_ORIENT_TURN_270 : FERRY_ORIENT_TRANSVERSE);
    return FERRY_ORIENT_UPRIGHT;
}

static ferry_status find_stream(ferry_decoder *decoder, const AVCodec **found, ferry_error *error) {
    int code = avformat_find_stream_info(decoder->format, NULL);
    if (code < 0) return open_failed(decoder, code, "cannot find out what is in it", error);
    int index = av_find_best_stream(decoder->format, AVMEDIA_TYPE_VIDEO, -1, -1, found, 0);
    if (index == AVERROR_DECODER_NOT_FOUND)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "'%s': this FFmpeg has no decoder for its video", decoder->url);
    if (index < 0) {
        if (atomic_load(&decoder->watch->cancelled) || ferry_watch_expired(decoder->watch))
            return open_failed(decoder, index, "cannot find out what is in it", error);
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "'%s' holds no video", decoder->url);
    }
    for (unsigned i = 0; i < decoder->format->nb_streams; i++)
        if ((int)i != index) decoder->format->streams[i]->discard = AVDISCARD_ALL;
    decoder->stream = decoder->format->streams[index];
    if (!decoder->settings.keep_rotation) decoder->orientation = orientation_of(decoder->stream);
    return FERRY_OK;
}

static int decoder_threads(const ferry_video_settings *settings) {
    int threads = settings->threads > 0 ? settings->threads : ferry_cpu_count();
    return threads > 16 ? 16 : threads;
}

static ferry_status open_codec(ferry_decoder *decoder, const AVCodec *found, ferry_error *error) {
    AVCodecContext *codec = decoder->codec = avcodec_alloc_context3(found);
    decoder->packet = av_packet_alloc();
    if (!codec || !decoder->packet) return ferry_fail_memory(error, sizeof *codec);
    int code = avcodec_parameters_to_context(codec, decoder->stream->codecpar);
    if (code < 0) return ferry_av_fail(error, code, "'%s': bad codec parameters", decoder->url);
    codec->pkt_timebase = decoder->stream->time_base;
    codec->thread_count = decoder_threads(&decoder->settings);
    /* frame threads hold back one frame each: too late for a live stream */
    codec->thread_type = decoder->settings.live ? FF_THREAD_SLICE : FF_THREAD_FRAME | FF_THREAD_SLICE;
    codec->max_pixels = FERRY_PICTURE_MAX_PIXELS;
    codec->log_level_offset = 100; /* damage is counted and reported by us */
    if (decoder->settings.keyframes_only) codec->skip_frame = AVDISCARD_NONKEY;
    code = avcodec_open2(codec, found, NULL);
    return code < 0 ? ferry_av_fail(error, code, "'%s': cannot start the %s decoder", decoder->url, found->name) : FERRY_OK;
}

ferry_status ferry_decoder_open(const char *url, const ferry_video_settings *settings, ferry_watch *watch,
                                ferry_decoder **result, ferry_error *error) {
    *result = NULL;
    ferry_decoder *decoder = ferry_calloc(1, sizeof *decoder);
    if (!decoder) return ferry_fail_memory(error, sizeof *decoder);
    decoder->settings = *settings;
    decoder->watch = watch;
    decoder->orientation = FERRY_ORIENT_UPRIGHT;
    decoder->url = ferry_strdup(url);
    ferry_watch_begin(watch, settings->open_timeout);
    const AVCodec *found = NULL;
    ferry_status status = decoder->url ? open_input(decoder, error) : ferry_fail_memory(error, strlen(url));
    if (status == FERRY_OK) status = find_stream(decoder, &found, error);
    if (status == FERRY_OK) status = open_codec(decoder, found, error);
    if (status != FERRY_OK) {
        ferry_decoder_close(&decoder);
        return status;
    }
    *result = decoder;
    return FERRY_OK;
}

void ferry_decoder_close(ferry_decoder **handle) {
    ferry_decoder *decoder = *handle;
    *handle = NULL;
    if (!decoder) return;
    ferry_watch_begin(decoder->watch, 1); /* RTSP says good-bye: not for long */
    avcodec_free_context(&decoder->codec);
    av_packet_free(&decoder->packet);
    avformat_close_input(&decoder->format);
    ferry_free(decoder->url);
    ferry_free(decoder);
}
