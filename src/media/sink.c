/* SPDX-License-Identifier: Apache-2.0 */
/* The video sink: which container for which name, and carrying the encoder's packets there. */
#include "media/sink_encoder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <libavutil/opt.h>
#include <libswscale/swscale.h>

#include "base/memory.h"
#include "media/av.h"
#include "media/decoder_open.h"

/* Containers (FFmpeg's names) by the end of a file's name or by the scheme of an address. */
static const struct {
    const char *name, *format;
} containers[] = {
    {".mp4", "mp4"},    {".m4v", "mp4"},   {".mov", "mov"},    {".mkv", "matroska"}, {".avi", "avi"},
    {".ts", "mpegts"},  {".webm", "webm"}, {".flv", "flv"},    {".m3u8", "hls"},     {".mjpeg", "mjpeg"},
    {".mjpg", "mjpeg"}, {"rtsp", "rtsp"},  {"rtmp", "flv"},    {"rtmps", "flv"},     {"udp", "mpegts"},
    {"srt", "mpegts"},  {"tcp", "mpegts"}, {"http", "mpjpeg"}, {"https", "mpjpeg"},
};

ferry_sink_settings ferry_sink_settings_default(void) {
    return (ferry_sink_settings){
        .size = sizeof(ferry_sink_settings), .fps = 25, .quality = 23, .preset = "veryfast", .timeout = 10};
}

const char *ferry_video_sink_encoder(const ferry_video_sink *sink) { return sink->encoder ? sink->encoder->codec->name : NULL; }

static const char *container_for(const char *url, bool *network) {
    char scheme[16];
    *network = ferry_url_scheme(url, scheme, sizeof scheme) && strcmp(scheme, "file") != 0;
    const char *slash = strrchr(url, '/'), *dot = strrchr(slash ? slash : url, '.');
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++) {
        const char *name = containers[i].name;
        if (*network ? strcmp(name, scheme) == 0 : dot && strcasecmp(name, dot) == 0) return containers[i].format;
    }
    return NULL;
}

static ferry_status check_settings(const ferry_sink_settings *given, ferry_sink_settings *settings, ferry_error *error) {
    *settings = ferry_sink_settings_default();
    if (given) memcpy(settings, given, given->size < sizeof *settings ? given->size : sizeof *settings);
    settings->size = sizeof *settings;
    if (!(settings->fps >= 0.01 && settings->fps <= 1000))
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "%g frames a second are outside 0.01 to 1000", settings->fps);
    if (settings->quality < 0 || settings->quality > 51)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "video quality %d is outside 0 (best) to 51", settings->quality);
    if (settings->bitrate < 0 || settings->threads < 0)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "a negative bit rate or number of threads");
    return FERRY_OK;
}

static char *copy_or_null(const char *text, bool *failed) {
    char *copy = text ? ferry_strdup(text) : NULL;
    if (text && !copy) *failed = true;
    return copy;
}

static void free_sink(ferry_video_sink *sink) {
    if (!sink) return;
    bool opened = sink->format && sink->format->oformat && !(sink->format->oformat->flags & AVFMT_NOFILE);
    if (opened) avio_closep(&sink->format->pb);
    avformat_free_context(sink->format);
    avcodec_free_context(&sink->encoder);
    av_frame_free(&sink->frame);
    av_packet_free(&sink->packet);
    sws_freeContext(sink->scaler);
    ferry_file_writer_abort(&sink->writer);
    ferry_free(sink->preset);
    ferry_free(sink->format_name);
    ferry_free(sink->codec_name);
    ferry_free(sink->url);
    ferry_free(sink);
}

static ferry_video_sink *make_sink(const char *url, const char *format, const ferry_sink_settings *settings) {
    ferry_video_sink *sink = ferry_calloc(1, sizeof *sink);
    if (!sink) return NULL;
    bool failed = false;
    sink->settings = *settings;
    sink->url = copy_or_null(url, &failed);
    sink->codec_name = copy_or_null(settings->codec, &failed);
    sink->format_name = copy_or_null(format, &failed);
    sink->preset = copy_or_null(settings->preset ? settings->preset : "veryfast", &failed);
    sink->last_pts = INT64_MIN;
    if (!failed) return sink;
    free_sink(sink);
    return NULL;
}

/* The name that FFmpeg writes to: the temporary one for files. */
static ferry_status make_container(ferry_video_sink *sink, ferry_error *error) {
    const AVOutputFormat *format = av_guess_format(sink->format_name, NULL, NULL);
    if (!format)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "'%s': this FFmpeg cannot write the container '%s'", sink->url,
                          sink->format_name);
    sink->playlist = !sink->network && (format->flags & AVFMT_NOFILE);
    sink->fixed_grid = strcmp(format->name, "avi") == 0;
    const char *path = sink->url;
    if (!sink->network && !sink->playlist) {
        FERRY_TRY(ferry_file_writer_open(sink->url, &sink->writer, error));
        path = ferry_file_writer_temporary_path(sink->writer);
    }
    size_t bytes = strlen(path) + 6;
    char *name = ferry_malloc(bytes);
    if (!name) return ferry_fail_memory(error, bytes);
    snprintf(name, bytes, "%s%s", sink->network || strncmp(path, "file:", 5) == 0 ? "" : "file:", path);
    int code = avformat_alloc_output_context2(&sink->format, format, NULL, name);
    ferry_free(name);
    if (code < 0) return ferry_av_fail(error, code, "'%s': cannot make a container", sink->url);
    sink->format->interrupt_callback = ferry_watch_interrupt(&sink->watch);
    return FERRY_OK;
}

ferry_status ferry_video_sink_open(const char *url, const ferry_sink_settings *given, ferry_video_sink **result,
                                   ferry_error *error) {
    *result = NULL;
    ferry_sink_settings settings;
    FERRY_TRY(check_settings(given, &settings, error));
    bool network;
    const char *format = container_for(url, &network);
    if (settings.format) format = settings.format;
    if (!format)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED,
                          "cannot tell the video format of '%s': end its name in .mp4, .mkv, .avi, .mov, .ts or .m3u8", url);
    ferry_video_sink *sink = make_sink(url, format, &settings);
    if (!sink) return ferry_fail_memory(error, sizeof *sink);
    sink->network = network;
    ferry_status status = make_container(sink, error);
    if (status == FERRY_OK)
        *result = sink;
    else
        free_sink(sink);
    return status;
}

static ferry_status write_failed(const ferry_video_sink *sink, int code, const char *what, ferry_error *error) {
    if (ferry_watch_expired(&sink->watch))
        return ferry_fail(error, FERRY_ERROR_DEADLINE, "'%s': %s: no answer within %g seconds", sink->url, what,
                          sink->settings.timeout);
    return ferry_av_fail(error, code, "'%s': %s", sink->url, what);
}

/* Writes of FFmpeg are buffered: the trouble may show in the I/O context only. */
static int io_error(const ferry_video_sink *sink) { return sink->format->pb ? sink->format->pb->error : 0; }

static void set_options(const ferry_video_sink *sink, AVDictionary **options) {
    const char *format = sink->format->oformat->name;
    if (strcmp(format, "mp4") == 0 || strcmp(format, "mov") == 0) av_dict_set(options, "movflags", "+faststart", 0);
    if (strcmp(format, "rtsp") == 0) av_dict_set(options, "rtsp_transport", "tcp", 0);
    if (strcmp(format, "flv") == 0) av_dict_set(options, "flvflags", "no_duration_filesize", 0);
    if (strcmp(format, "hls") == 0) av_dict_set(options, "hls_flags", "temp_file+delete_segments", 0);
    if (strcmp(format, "hls") == 0) av_dict_set(options, "hls_list_size", sink->settings.low_latency ? "6" : "0", 0);
    if (strcmp(format, "hls") == 0) av_dict_set(options, "hls_time", "2", 0);
}

static ferry_status write_header(ferry_video_sink *sink, ferry_error *error) {
    AVFormatContext *format = sink->format;
    ferry_watch_begin(&sink->watch, sink->network ? sink->settings.timeout : 0);
    AVDictionary *options = NULL;
    if (strncmp(sink->url, "http", 4) == 0) av_dict_set(&options, "method", "POST", 0);
    int code = 0;
    if (!(format->oformat->flags & AVFMT_NOFILE))
        code = avio_open2(&format->pb, format->url, AVIO_FLAG_WRITE, &format->interrupt_callback, &options);
    av_dict_free(&options);
    if (code < 0) return write_failed(sink, code, "cannot open it for writing", error);
    set_options(sink, &options);
    code = avformat_write_header(format, &options);
    av_dict_free(&options);
    if (code >= 0) sink->header_written = true;
    if (code >= 0) code = io_error(sink);
    return code < 0 ? write_failed(sink, code, "cannot begin the file or stream", error) : FERRY_OK;
}

/* Carries what the encoder has ready to the container. */
static ferry_status drain(ferry_video_sink *sink, ferry_error *error) {
    for (;;) {
        int code = avcodec_receive_packet(sink->encoder, sink->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return FERRY_OK;
        if (code < 0) return ferry_av_fail(error, code, "'%s': encoding failed", sink->url);
        av_packet_rescale_ts(sink->packet, sink->encoder->time_base, sink->stream->time_base);
        sink->packet->stream_index = sink->stream->index;
        ferry_watch_begin(&sink->watch, sink->network ? sink->settings.timeout : 0);
        code = av_interleaved_write_frame(sink->format, sink->packet);
        if (code >= 0) code = io_error(sink);
        if (code < 0) return write_failed(sink, code, "writing failed", error);
    }
}

static int64_t next_pts(ferry_video_sink *sink, int64_t microseconds) {
    static const AVRational microsecond = {1, 1000000};
    if (sink->last_pts == INT64_MIN) sink->first_time = microseconds;
    int64_t pts = av_rescale_q(microseconds - sink->first_time, microsecond, sink->encoder->time_base);
    if (sink->last_pts != INT64_MIN && pts <= sink->last_pts) pts = sink->last_pts + 1;
    return sink->last_pts = pts;
}

static ferry_status write_frame(ferry_video_sink *sink, const ferry_image *image, int64_t microseconds, ferry_error *error) {
    FERRY_TRY(ferry_image_check(image, error));
    if (!sink->encoder) {
        FERRY_TRY(ferry_sink_open_encoder(sink, image, error));
        FERRY_TRY(write_header(sink, error));
    }
    FERRY_TRY(ferry_sink_fill_frame(sink, image, error));
    sink->frame->pts = next_pts(sink, microseconds);
    sink->frame->pict_type = AV_PICTURE_TYPE_NONE;
    sink->frame->quality = sink->encoder->global_quality;
    int code = avcodec_send_frame(sink->encoder, sink->frame);
    if (code < 0) return ferry_av_fail(error, code, "'%s': encoding failed", sink->url);
    return drain(sink, error);
}

ferry_status ferry_video_sink_write(ferry_video_sink *sink, const ferry_image *image, int64_t microseconds,
                                    ferry_error *error) {
    if (sink->failure.status == FERRY_OK) {
        ferry_error trouble = {0};
        if (write_frame(sink, image, microseconds, &trouble) != FERRY_OK) sink->failure = trouble;
    }
    if (sink->failure.status != FERRY_OK && error) *error = sink->failure;
    return sink->failure.status;
}

static ferry_status finish(ferry_video_sink *sink, ferry_error *error) {
    if (sink->failure.status != FERRY_OK) {
        if (error) *error = sink->failure;
        return sink->failure.status;
    }
    if (!sink->header_written)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "'%s' is not written: no frame came", sink->url);
    int code = avcodec_send_frame(sink->encoder, NULL);
    if (code < 0) return ferry_av_fail(error, code, "'%s': encoding failed", sink->url);
    FERRY_TRY(drain(sink, error));
    ferry_watch_begin(&sink->watch, sink->network ? sink->settings.timeout : 0);
    code = av_write_trailer(sink->format);
    sink->header_written = false;
    if (code >= 0) code = io_error(sink);
    if (!(sink->format->oformat->flags & AVFMT_NOFILE)) {
        int closed = avio_closep(&sink->format->pb);
        if (code >= 0) code = closed;
    }
    if (code < 0) return write_failed(sink, code, "cannot finish the file or stream", error);
    return sink->writer ? ferry_file_writer_commit(&sink->writer, error) : FERRY_OK;
}

ferry_status ferry_video_sink_close(ferry_video_sink **handle, ferry_error *error) {
    ferry_status status = finish(*handle, error);
    ferry_video_sink_abort(handle);
    return status;
}

void ferry_video_sink_abort(ferry_video_sink **handle) {
    ferry_video_sink *sink = *handle;
    *handle = NULL;
    if (!sink) return;
    if (sink->header_written && (sink->network || sink->playlist)) { /* these hold connections that only a trailer closes */
        ferry_watch_begin(&sink->watch, 1);
        av_write_trailer(sink->format);
    }
    free_sink(sink);
}
