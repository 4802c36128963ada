/* SPDX-License-Identifier: Apache-2.0 */
#include "media_rtsp_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libavformat/avformat.h>
#include <libavutil/time.h>

struct rtsp_server {
    int door, client, port;
    const rtsp_play *plays;
    int count;
    double speed;
    pthread_t thread;
    _Atomic bool stop;
    AVFormatContext *file, *rtp;
};

static bool send_all(int socket, const void *data, size_t bytes) {
    const char *at = data;
    while (bytes > 0) {
        ssize_t sent = send(socket, at, bytes, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += sent;
        bytes -= (size_t)sent;
    }
    return true;
}

/* RFC 2326, 10.12: '$', channel, length; RTCP (packet types 200 to 204) goes on channel 1. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
static int send_packet(void *user, const uint8_t *data, int size) {
#else
static int send_packet(void *user, uint8_t *data, int size) {
#endif
    rtsp_server *server = user;
    bool control = size > 1 && data[1] >= 200 && data[1] <= 204;
    uint8_t frame[4] = {'$', control, (uint8_t)(size >> 8), (uint8_t)size};
    return send_all(server->client, frame, 4) && send_all(server->client, data, (size_t)size) ? size : AVERROR(EIO);
}

static bool open_play(rtsp_server *server, const char *path) {
    enum { PACKET_BYTES = 1400 };
    if (avformat_open_input(&server->file, path, NULL, NULL) < 0 || avformat_find_stream_info(server->file, NULL) < 0)
        return false;
    if (avformat_alloc_output_context2(&server->rtp, NULL, "rtp", "rtp://127.0.0.1:0") < 0) return false;
    AVStream *stream = avformat_new_stream(server->rtp, NULL);
    if (!stream || avcodec_parameters_copy(stream->codecpar, server->file->streams[0]->codecpar) < 0) return false;
    stream->codecpar->codec_tag = 0;
    unsigned char *buffer = av_malloc(PACKET_BYTES);
    server->rtp->pb = avio_alloc_context(buffer, PACKET_BYTES, 1, server, NULL, send_packet, NULL);
    server->rtp->pb->max_packet_size = PACKET_BYTES;
    server->rtp->packet_size = PACKET_BYTES;
    return avformat_write_header(server->rtp, NULL) >= 0;
}

static void close_play(rtsp_server *server) {
    if (server->rtp && server->rtp->pb) {
        av_write_trailer(server->rtp);
        av_freep(&server->rtp->pb->buffer);
        avio_context_free(&server->rtp->pb);
    }
    avformat_free_context(server->rtp);
    avformat_close_input(&server->file);
    server->rtp = NULL;
}

static const char *header(const char *request, const char *name, char *value, size_t capacity) {
    const char *line = strstr(request, name);
    snprintf(value, capacity, "%.*s", line ? (int)strcspn(line + strlen(name), "\r\n") : 0, line ? line + strlen(name) : "");
    return value;
}

/* Answers a request; true when it was PLAY. */
static bool answer(rtsp_server *server, const char *request) {
    char sequence[32], reply[6000], sdp[4000] = "", extra[4600] = "";
    header(request, "CSeq:", sequence, sizeof sequence);
    if (strncmp(request, "DESCRIBE", 8) == 0) {
        av_sdp_create(&server->rtp, 1, sdp, sizeof sdp);
        snprintf(extra, sizeof extra,
                 "Content-Type: application/sdp\r\nContent-Base: rtsp://127.0.0.1:%d/camera/\r\nContent-Length: %zu\r\n",
                 server->port, strlen(sdp));
    } else if (strncmp(request, "SETUP", 5) == 0) {
        snprintf(extra, sizeof extra, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 42\r\n");
    } else {
        snprintf(extra, sizeof extra, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\nSession: 42\r\n");
    }
    snprintf(reply, sizeof reply, "RTSP/1.0 200 OK\r\nCSeq:%s\r\n%s\r\n%s", sequence, extra, sdp);
    return send_all(server->client, reply, strlen(reply)) && strncmp(request, "PLAY", 4) == 0;
}

static bool handshake(rtsp_server *server) {
    char request[4000];
    size_t used = 0;
    while (used + 1 < sizeof request) {
        ssize_t got = recv(server->client, request + used, sizeof request - 1 - used, 0);
        if (got <= 0) return false;
        used += (size_t)got;
        request[used] = 0;
        if (!strstr(request, "\r\n\r\n")) continue;
        if (answer(server, request)) return true;
        used = 0;
    }
    return false;
}

static void send_frames(rtsp_server *server, int frames) {
    AVPacket *packet = av_packet_alloc();
    int64_t began = av_gettime_relative();
    for (int i = 0; i < frames && !atomic_load(&server->stop) && av_read_frame(server->file, packet) >= 0; i++) {
        AVRational from = server->file->streams[0]->time_base;
        int64_t due = (int64_t)((double)packet->dts * av_q2d(from) * 1e6 / server->speed), now = av_gettime_relative() - began;
        if (due > now) av_usleep((unsigned)(due - now));
        av_packet_rescale_ts(packet, from, server->rtp->streams[0]->time_base);
        packet->stream_index = 0;
        int code = av_write_frame(server->rtp, packet);
        av_packet_unref(packet);
        if (code < 0) break;
    }
    av_packet_free(&packet);
}

static void serve(rtsp_server *server, const rtsp_play *play) {
    if (play->ending == RTSP_REFUSE || !open_play(server, play->path)) return;
    if (handshake(server)) send_frames(server, play->frames);
    struct pollfd poll_client = {.fd = server->client, .events = POLLIN};
    char waste[512];
    while (play->ending == RTSP_STALL && !atomic_load(&server->stop)) /* until the client has had enough */
        if (poll(&poll_client, 1, 50) > 0 && recv(server->client, waste, sizeof waste, 0) <= 0) break;
}

static void *run(void *user) {
    rtsp_server *server = user;
    for (int i = 0; i < server->count && !atomic_load(&server->stop);) {
        struct pollfd poll_door = {.fd = server->door, .events = POLLIN};
        if (poll(&poll_door, 1, 50) <= 0) continue;
        server->client = accept(server->door, NULL, NULL);
        if (server->client < 0) break;
        serve(server, &server->plays[i++]);
        close_play(server);
        close(server->client);
    }
    close(server->door);
    return NULL;
}

rtsp_server *rtsp_server_start(const rtsp_play *plays, int count, double speed) {
    rtsp_server *server = calloc(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (!server) return NULL;
    server->plays = plays;
    server->count = count;
    server->speed = speed;
    server->door = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server->door, (struct sockaddr *)&address, length) != 0 || listen(server->door, 4) != 0 ||
        getsockname(server->door, (struct sockaddr *)&address, &length) != 0 ||
        pthread_create(&server->thread, NULL, run, server) != 0) {
        close(server->door);
        free(server);
        return NULL;
    }
    server->port = ntohs(address.sin_port);
    return server;
}

int rtsp_server_port(const rtsp_server *server) { return server->port; }

void rtsp_server_stop(rtsp_server *server) {
    atomic_store(&server->stop, true);
    pthread_join(server->thread, NULL);
    free(server);
}
