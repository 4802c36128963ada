/* SPDX-License-Identifier: Apache-2.0 */
#include "media/decoder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/mathematics.h>
#include <libavutil/time.h>

#include "media/av.h"
#include "media/convert.h"
#include "media/decoder_open.h"

static const AVRational microsecond = {1, 1000000};

/* RTCP tells when a packet was taken; frames between two reports are reckoned from the nearest. */
static void note_wall_time(ferry_decoder *decoder) {
    size_t bytes = 0;
    const uint8_t *data = av_packet_get_side_data(decoder->packet, AV_PKT_DATA_PRFT, &bytes);
    AVProducerReferenceTime time;
    if (!data || bytes < sizeof time || decoder->packet->pts == AV_NOPTS_VALUE) return;
    memcpy(&time, data, sizeof time);
    decoder->wall_time = time.wallclock;
    decoder->wall_pts = decoder->packet->pts;
}

static double frame_rate(const ferry_decoder *decoder) {
    double rate = av_q2d(decoder->stream->avg_frame_rate.den ? decoder->stream->avg_frame_rate : (AVRational){0, 1});
    if (!(rate > 0) && decoder->stream->r_frame_rate.den) rate = av_q2d(decoder->stream->r_frame_rate);
    return rate > 0 && isfinite(rate) ? rate : 0;
}

static double stream_duration(const ferry_decoder *decoder) {
    const AVStream *stream = decoder->stream;
    if (stream->duration != AV_NOPTS_VALUE && stream->duration > 0) return (double)stream->duration * av_q2d(stream->time_base);
    return decoder->format->duration > 0 ? (double)decoder->format->duration / AV_TIME_BASE : 0;
}

/* A file whose header promises more than came. Few frames less are no reason to worry: edit lists drop some. */
static void judge_end(ferry_decoder *decoder, int code) {
    char *warning = decoder->warning;
    size_t room = sizeof decoder->warning;
    long long packets = decoder->packets, promised = decoder->stream->nb_frames;
    double duration = stream_duration(decoder), reached = (double)decoder->last_time * 1e-6, rate = frame_rate(decoder);
    if (code != AVERROR_EOF) {
        char reason[AV_ERROR_MAX_STRING_SIZE];
        av_strerror(code, reason, sizeof reason);
        if (ferry_watch_expired(decoder->watch))
            snprintf(warning, room, "'%s': nothing came for %g seconds", decoder->url, decoder->settings.read_timeout);
        else
            snprintf(warning, room, "'%s': reading failed after %lld frames: %s", decoder->url, packets, reason);
    } else if (decoder->settings.live) {
        snprintf(warning, room, "'%s': the stream ended after %lld frames", decoder->url, packets);
    } else if (promised > 0 && (double)packets < 0.99 * (double)promised - 1) {
        snprintf(warning, room, "'%s' ends early: %lld of %lld frames; the file is cut short", decoder->url, packets, promised);
    } else if (promised <= 0 && rate > 0 && duration > 0 && reached + 1 + 2 / rate < 0.98 * duration) {
        snprintf(warning, room, "'%s' ends early: at %.1f of %.1f seconds; the file is cut short", decoder->url, reached,
                 duration);
    }
}

static void judge_damage(ferry_decoder *decoder) {
    if (!decoder->damaged || decoder->warning[0]) return;
    snprintf(decoder->warning, sizeof decoder->warning, "'%s': %lld of %lld packets are damaged and were left out",
             decoder->url, (long long)decoder->damaged, (long long)decoder->packets);
}

/* Reads packets until one of the video goes to the decoder; at the end the decoder is told to drain. */
static void feed(ferry_decoder *decoder) {
    AVPacket *packet = decoder->packet;
    for (;;) {
        ferry_watch_begin(decoder->watch, decoder->settings.read_timeout);
        int code = av_read_frame(decoder->format, packet);
        if (code == AVERROR(EAGAIN)) {
            av_usleep(1000);
            continue;
        }
        if (code < 0) {
            judge_end(decoder, code);
            decoder->draining = true;
            avcodec_send_packet(decoder->codec, NULL);
            return;
        }
        bool ours = packet->stream_index == decoder->stream->index;
        if (ours) {
            decoder->packets++;
            note_wall_time(decoder);
            if (avcodec_send_packet(decoder->codec, packet) < 0) decoder->damaged++;
        }
        av_packet_unref(packet);
        if (ours) return;
    }
}

static void describe(ferry_decoder *decoder, const AVFrame *frame, ferry_decoded *decoded) {
    const AVStream *stream = decoder->stream;
    int64_t start = stream->start_time == AV_NOPTS_VALUE ? 0 : stream->start_time;
    decoder->decoded++;
    decoded->has_time = frame->best_effort_timestamp != AV_NOPTS_VALUE;
    if (!decoded->has_time) return;
    decoded->microseconds = av_rescale_q(frame->best_effort_timestamp - start, stream->time_base, microsecond);
    decoder->last_time = decoded->microseconds;
    if (decoder->wall_time)
        decoded->capture_time =
            decoder->wall_time + av_rescale_q(frame->best_effort_timestamp - decoder->wall_pts, stream->time_base, microsecond);
}

ferry_status ferry_decoder_next(ferry_decoder *decoder, AVFrame *frame, ferry_decoded *decoded, ferry_error *error) {
    *decoded = (ferry_decoded){0};
    for (;;) {
        int code = avcodec_receive_frame(decoder->codec, frame);
        if (code >= 0) {
            describe(decoder, frame, decoded);
            return FERRY_OK;
        }
        if (atomic_load(&decoder->watch->cancelled))
            return ferry_fail(error, FERRY_ERROR_CANCELLED, "'%s': cancelled", decoder->url);
        if (code == AVERROR_EOF || (code != AVERROR(EAGAIN) && decoder->draining)) {
            judge_damage(decoder);
            decoded->end = true;
            return FERRY_OK;
        }
        if (code != AVERROR(EAGAIN)) decoder->damaged++;
        feed(decoder);
    }
}

static int64_t frame_count(const ferry_decoder *decoder) {
    if (decoder->stream->nb_frames > 0) return decoder->stream->nb_frames;
    return (int64_t)llround(stream_duration(decoder) * frame_rate(decoder));
}

static int turned_degrees(int orientation) {
    switch (orientation) {
    case FERRY_ORIENT_TURN_90:
    case FERRY_ORIENT_TRANSVERSE: return 90;
    case FERRY_ORIENT_TURN_180:
    case FERRY_ORIENT_FLIP: return 180;
    case FERRY_ORIENT_TURN_270:
    case FERRY_ORIENT_TRANSPOSE: return 270;
    default: return 0;
    }
}

void ferry_decoder_info(const ferry_decoder *decoder, ferry_video_info *info) {
    const AVCodecParameters *parameters = decoder->stream->codecpar;
    bool turned = decoder->orientation >= FERRY_ORIENT_TRANSPOSE;
    AVRational real = decoder->stream->r_frame_rate;
    info->width = turned ? parameters->height : parameters->width;
    info->height = turned ? parameters->width : parameters->height;
    info->fps = frame_rate(decoder);
    info->real_fps = real.den ? av_q2d(real) : 0;
    info->frames = decoder->settings.live ? 0 : frame_count(decoder);
    info->duration = decoder->settings.live ? 0 : stream_duration(decoder);
    info->rotation = turned_degrees(decoder->orientation);
    snprintf(info->codec, sizeof info->codec, "%s", avcodec_get_name(parameters->codec_id));
    snprintf(info->container, sizeof info->container, "%s", decoder->format->iformat->name);
}

int ferry_decoder_orientation(const ferry_decoder *decoder) { return decoder->orientation; }
int64_t ferry_decoder_damaged(const ferry_decoder *decoder) { return decoder->damaged; }
const char *ferry_decoder_warning(const ferry_decoder *decoder) { return decoder->warning; }
