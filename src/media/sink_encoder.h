/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of ferry_video_sink: its container (sink.c) and its encoder (sink_encoder.c). */
#ifndef FERRY_MEDIA_SINK_ENCODER_H
#define FERRY_MEDIA_SINK_ENCODER_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include <ferry/media.h>

#include "base/file.h"
#include "media/watch.h"

struct SwsContext;

struct ferry_video_sink {
    char *url, *codec_name, *format_name, *preset;
    ferry_sink_settings settings;
    bool network;    /* live: no file is left behind */
    bool playlist;   /* HLS: files written by the muxer itself */
    bool fixed_grid; /* AVI: one frame each 1/fps */
    ferry_watch watch;
    ferry_file_writer *writer; /* holds the temporary name while FFmpeg writes to it; NULL for networks and playlists */
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *encoder;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *scaler;
    bool header_written;
    int64_t last_pts; /* in the encoder's time base; INT64_MIN before the first */
    int64_t first_time;
    ferry_error failure; /* status FERRY_OK while all is well */
};

/* Finds and opens an encoder for frames like `image`, and makes the stream. */
ferry_status ferry_sink_open_encoder(ferry_video_sink *sink, const ferry_image *image, ferry_error *error);
/* Fills sink->frame (writable, of the encoder's size and format) with the pixels of `image`. */
ferry_status ferry_sink_fill_frame(ferry_video_sink *sink, const ferry_image *image, ferry_error *error);

#endif
