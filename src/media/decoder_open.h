/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of ferry_decoder, shared by its opening (decoder_open.c) and its running (decoder.c). */
#ifndef FERRY_MEDIA_DECODER_OPEN_H
#define FERRY_MEDIA_DECODER_OPEN_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "media/decoder.h"

struct ferry_decoder {
    char *url;
    ferry_video_settings settings;
    ferry_watch *watch;
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *codec;
    AVPacket *packet;
    int orientation;
    bool draining;                     /* the demuxer has ended: the decoder gives what it still holds */
    int64_t packets, damaged, decoded; /* packets of the video stream; those not decodable; frames */
    int64_t last_time;                 /* of the latest frame, microseconds */
    int64_t wall_time, wall_pts;       /* the latest producer time and the packet it came with; 0 = none */
    char warning[512];
};

/* True for "scheme://"; the scheme without "://" is copied to `scheme` (cut to fit). */
bool ferry_url_scheme(const char *url, char *scheme, size_t capacity);
/* True for addresses that give a live stream: rtsp, rtmp, udp, rtp, srt and their kin. */
bool ferry_url_is_live(const char *url);

#endif
