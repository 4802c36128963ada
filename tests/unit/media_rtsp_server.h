/* SPDX-License-Identifier: Apache-2.0 */
/* A camera for tests: a small RTSP server (RFC 2326, interleaved TCP, one client at a time) that plays files as RTP, as often
 * and as badly as told. */
#ifndef FERRY_TESTS_MEDIA_RTSP_SERVER_H
#define FERRY_TESTS_MEDIA_RTSP_SERVER_H

typedef enum rtsp_ending { RTSP_CLOSE, RTSP_STALL, RTSP_REFUSE } rtsp_ending;

/* What the n-th client gets. */
typedef struct rtsp_play {
    const char *path; /* an MP4 with H.264 */
    int frames;       /* sent before the ending */
    rtsp_ending ending;
} rtsp_play;

typedef struct rtsp_server rtsp_server;
/* Serves plays[0], plays[1], ... on 127.0.0.1 and closes the door after the last. `speed` 1 is real time. */
rtsp_server *rtsp_server_start(const rtsp_play *plays, int count, double speed);
int rtsp_server_port(const rtsp_server *server);
void rtsp_server_stop(rtsp_server *server);

#endif
