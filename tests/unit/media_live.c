/* SPDX-License-Identifier: Apache-2.0 */
/* Live streams on the loopback: RTSP from a server of our own, UDP from our own sink, RTMP and HTTP with the ffmpeg program as
 * the other side (skipped where it is absent). Every wait is bounded. */
#include "media_help.h"

#include <arpa/inet.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "media_rtsp_server.h"

enum { WIDTH = 160, HEIGHT = 96 };

static void pause_milliseconds(int milliseconds) {
    nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000L}, NULL);
}

static int64_t wall_clock(void) {
    struct timeval now;
    gettimeofday(&now, NULL);
    return (int64_t)now.tv_sec * 1000000 + now.tv_usec;
}

/* A port that was free a moment ago. */
static int free_port(int type) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, type, 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
    close(descriptor);
    return ntohs(address.sin_port);
}

static void make_file(const char *path, int frames, int width, int height) {
    ferry_sink_settings settings = ferry_sink_settings_default();
    ferry_video_sink *sink;
    ferry_error error;
    settings.low_latency = 1;
    settings.keyframe_seconds = 0.4;
    check_ok(ferry_video_sink_open(path, &settings, &sink, &error), &error);
    for (int i = 0; i < frames; i++) {
        ferry_image image;
        make_picture(width, height, i, &image);
        check_ok(ferry_video_sink_write(sink, &image, 40000 * i, &error), &error);
        ferry_picture_free(&image);
    }
    check_ok(ferry_video_sink_close(&sink, &error), &error);
}

static ferry_video_settings quick(void) {
    ferry_video_settings settings = ferry_video_settings_default();
    settings.open_timeout = 5;
    settings.read_timeout = 1;
    settings.backoff_least = 0.1;
    settings.backoff_most = 0.4;
    settings.queue = 64;
    return settings;
}

typedef struct tally {
    int frames, generations, changes;
    int64_t last;
    bool captured;
} tally;

/* Reads until `wanted` frames came or `seconds` passed; times must grow. */
static tally read_frames(ferry_video_source *source, int wanted, double seconds) {
    tally result = {.last = -1};
    double until = ferry_time_seconds() + seconds;
    while (result.frames < wanted && ferry_time_seconds() < until) {
        ferry_video_frame *frame;
        ferry_error error;
        ferry_status status = ferry_video_read(source, 0.2, &frame, &error);
        if (status == FERRY_ERROR_DEADLINE) continue;
        check_ok(status, &error);
        if (!frame) break;
        result.frames++;
        assert_true(frame->microseconds > result.last);
        result.last = frame->microseconds;
        result.generations = frame->generation;
        result.changes += !!(frame->flags & FERRY_FRAME_CHANGED);
        if (frame->capture_time) {
            result.captured = true;
            assert_true(llabs(wall_clock() - frame->capture_time) < 5000000);
        }
        ferry_video_frame_release(frame);
    }
    return result;
}

static ferry_video_source *open_camera(const rtsp_server *server, const ferry_video_settings *settings) {
    char url[100];
    ferry_video_source *source;
    ferry_error error;
    snprintf(url, sizeof url, "rtsp://127.0.0.1:%d/camera", rtsp_server_port(server));
    check_ok(ferry_video_open(url, settings, &source, &error), &error);
    return source;
}

static void test_rtsp_plays(void **state) {
    (void)state;
    make_file(scratch("a.mp4"), 100, WIDTH, HEIGHT);
    const rtsp_play plays[] = {{scratch("a.mp4"), 100, RTSP_CLOSE}};
    rtsp_server *server = rtsp_server_start(plays, 1, 1);
    ferry_video_settings settings = quick();
    settings.reconnect = 0;
    ferry_video_source *source = open_camera(server, &settings);
    ferry_video_info info;
    ferry_video_get_info(source, &info);
    assert_int_equal(info.live, 1);
    assert_int_equal(info.width, WIDTH);
    assert_string_equal(info.codec, "h264");
    tally got = read_frames(source, 1000, 15);
    assert_true(got.frames >= 90 && got.frames <= 100);
    assert_true(got.captured);
    assert_true(got.last > 3400000 && got.last < 4200000);
    assert_int_equal(ferry_video_get_state(source), FERRY_VIDEO_ENDED);
    ferry_video_close(&source);
    rtsp_server_stop(server);
}

/* Closed, refused, then again with another size, then stalled, then again. */
static void test_rtsp_comes_back(void **state) {
    (void)state;
    make_file(scratch("b.mp4"), 30, WIDTH, HEIGHT);
    make_file(scratch("c.mp4"), 30, 2 * WIDTH, HEIGHT);
    const rtsp_play plays[] = {{scratch("b.mp4"), 30, RTSP_CLOSE},
                               {NULL, 0, RTSP_REFUSE},
                               {scratch("c.mp4"), 30, RTSP_STALL},
                               {scratch("b.mp4"), 30, RTSP_STALL}};
    rtsp_server *server = rtsp_server_start(plays, 4, 2);
    ferry_video_settings settings = quick();
    ferry_video_source *source = open_camera(server, &settings);
    tally got = read_frames(source, 66, 30); /* of 3 times 30, less what probing swallows */
    assert_true(got.frames >= 66);
    assert_int_equal(got.generations, 3);
    assert_int_equal(got.changes, 3);
    ferry_video_statistics statistics;
    ferry_video_get_statistics(source, &statistics);
    assert_int_equal(statistics.connections, 3);
    char warning[600];
    assert_true(strlen(ferry_video_warning(source, warning, sizeof warning)) > 0);
    bool stalled = false, waiting = false;
    for (int i = 0; i < 400 && !(stalled && waiting); i++) { /* the last one stalls, then nobody answers any more */
        ferry_video_frame *frame;
        if (ferry_video_read(source, 0.01, &frame, NULL) == FERRY_OK) ferry_video_frame_release(frame);
        stalled |= ferry_video_get_state(source) == FERRY_VIDEO_STALLED;
        waiting |= ferry_video_get_state(source) == FERRY_VIDEO_WAITING;
    }
    assert_true(stalled && waiting);
    double began = ferry_time_seconds();
    ferry_video_close(&source);
    assert_true(ferry_time_seconds() - began < 2);
    rtsp_server_stop(server);
}

/* A slow reader of a live stream gets the newest frames, and the others are counted. */
static void test_slow_reader(void **state) {
    (void)state;
    make_file(scratch("d.mp4"), 100, WIDTH, HEIGHT);
    const rtsp_play plays[] = {{scratch("d.mp4"), 100, RTSP_STALL}};
    rtsp_server *server = rtsp_server_start(plays, 1, 4);
    ferry_video_settings settings = quick();
    settings.queue = 2;
    settings.read_timeout = 20;
    ferry_video_source *source = open_camera(server, &settings);
    pause_milliseconds(1500);
    ferry_video_frame *frame;
    ferry_error error;
    check_ok(ferry_video_read(source, 5, &frame, &error), &error);
    assert_non_null(frame);
    assert_true(frame->index > 60);
    ferry_video_frame_release(frame);
    ferry_video_statistics statistics;
    ferry_video_get_statistics(source, &statistics);
    assert_true(statistics.dropped > 60);
    ferry_video_close(&source);
    rtsp_server_stop(server);
}

static void test_nobody_answers(void **state) {
    (void)state;
    char url[100];
    ferry_video_source *source;
    ferry_error error;
    ferry_video_settings settings = quick();
    settings.open_timeout = 0.7;
    snprintf(url, sizeof url, "rtsp://127.0.0.1:%d/none", free_port(SOCK_STREAM));
    check_fails(ferry_video_open(url, &settings, &source, &error), FERRY_ERROR_IO, &error, "refused");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM, 0); /* accepts, and never says a word */
    assert_int_equal(bind(door, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&address, &length), 0);
    static const char *const schemes[] = {"rtsp", "rtmp", "http"};
    for (int i = 0; i < 3; i++) {
        snprintf(url, sizeof url, "%s://127.0.0.1:%d/mute/x", schemes[i], ntohs(address.sin_port));
        double began = ferry_time_seconds();
        check_fails(ferry_video_open(url, &settings, &source, &error), FERRY_ERROR_DEADLINE, &error, "0.7 seconds");
        assert_true(ferry_time_seconds() - began < 3);
    }
    close(door);
}

/* Our own sink sends MPEG-TS over UDP, in a thread, until told to stop. */
typedef struct sender {
    char url[100];
    _Atomic bool stop;
    pthread_t thread;
} sender;

static void *send_udp(void *user) {
    sender *self = user;
    ferry_sink_settings settings = ferry_sink_settings_default();
    ferry_video_sink *sink = NULL;
    settings.keyframe_seconds = 0.3;
    if (ferry_video_sink_open(self->url, &settings, &sink, NULL) != FERRY_OK) return NULL;
    for (int i = 0; !atomic_load(&self->stop) && i < 1000; i++) {
        ferry_image image;
        make_picture(WIDTH, HEIGHT, i, &image);
        ferry_status status = ferry_video_sink_write(sink, &image, 40000 * i, NULL);
        ferry_picture_free(&image);
        if (status != FERRY_OK) break;
        pause_milliseconds(10);
    }
    ferry_video_sink_abort(&sink);
    return NULL;
}

static void start_sender(sender *self) {
    atomic_store(&self->stop, false);
    assert_int_equal(pthread_create(&self->thread, NULL, send_udp, self), 0);
}

static void stop_sender(sender *self) {
    atomic_store(&self->stop, true);
    pthread_join(self->thread, NULL);
}

static void test_udp_falls_silent_and_returns(void **state) {
    (void)state;
    sender self;
    snprintf(self.url, sizeof self.url, "udp://127.0.0.1:%d", free_port(SOCK_DGRAM));
    ferry_video_settings settings = quick();
    ferry_video_source *source;
    ferry_error error;
    settings.retry_open = 1;
    settings.open_timeout = 3;
    start_sender(&self);
    check_ok(ferry_video_open(self.url, &settings, &source, &error), &error);
    tally first = read_frames(source, 20, 20);
    assert_int_equal(first.frames, 20);
    stop_sender(&self);
    pause_milliseconds(2500); /* longer than read_timeout */
    read_frames(source, 1000, 0.5);
    start_sender(&self);
    tally second = read_frames(source, 20, 25);
    assert_int_equal(second.frames, 20);
    assert_int_equal(second.generations, first.generations + 1);
    assert_true(second.last > first.last + 2000000); /* the pause counts */
    stop_sender(&self);
    ferry_video_close(&source);
}

static void test_hls_and_back(void **state) {
    (void)state;
    make_file(scratch("live.m3u8"), 120, WIDTH, HEIGHT);
    ferry_video_source *source;
    ferry_error error;
    check_ok(ferry_video_open(scratch("live.m3u8"), NULL, &source, &error), &error);
    assert_int_equal(read_frames(source, 1000, 20).frames, 120);
    ferry_video_close(&source);
}

/* Starts the ffmpeg program with these arguments, quiet; -1 when there is none. */
static pid_t start_ffmpeg(const char *const *arguments) {
    if (system("command -v ffmpeg >/dev/null 2>&1") != 0) {
        printf("skipped: the program ffmpeg is not installed\n");
        skip();
    }
    pid_t child = fork();
    if (child != 0) return child;
    char *all[40] = {"ffmpeg", "-nostdin", "-v", "quiet", "-y"};
    for (int i = 0; arguments[i] && i < 30; i++) all[5 + i] = (char *)(uintptr_t)arguments[i];
    execvp("ffmpeg", all);
    _exit(127);
}

/* Waits up to some seconds for the program to end by itself, then ends it. */
static void end_ffmpeg(pid_t child, int seconds) {
    for (int i = 0; i < seconds * 20; i++) {
        if (waitpid(child, NULL, WNOHANG) == child) return;
        pause_milliseconds(50);
    }
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
}

static ferry_video_source *open_patiently(const char *url, const ferry_video_settings *settings) {
    ferry_video_source *source = NULL;
    ferry_error error = {0};
    ferry_status status = FERRY_OK;
    for (int i = 0; i < 50; i++) { /* the program takes its time to listen */
        status = ferry_video_open(url, settings, &source, &error);
        if (status == FERRY_OK) return source;
        pause_milliseconds(100);
    }
    check_ok(status, &error);
    return NULL;
}

static void check_served(const char *scheme, const char *format, const char *codec) {
    char url[100];
    make_file(scratch("e.mp4"), 75, WIDTH, HEIGHT);
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/live/x", scheme, free_port(SOCK_STREAM));
    const char *const arguments[] = {"-re", "-i", scratch("e.mp4"), "-c:v", codec, "-f", format, "-listen", "1", url, NULL};
    pid_t child = start_ffmpeg(arguments);
    ferry_video_settings settings = quick();
    settings.live = 1;
    settings.reconnect = 0;
    ferry_video_source *source = open_patiently(url, &settings);
    tally got = read_frames(source, 1000, 15);
    if (got.frames < 60) fail_msg("%s: %d frames", url, got.frames);
    ferry_video_close(&source);
    end_ffmpeg(child, 1);
}

static void test_rtmp_in(void **state) {
    (void)state;
    check_served("rtmp", "flv", "copy");
}

static void test_http_in(void **state) {
    (void)state;
    check_served("http", "mpegts", "copy");
}

static void test_motion_jpeg_in(void **state) {
    (void)state;
    check_served("http", "mpjpeg", "mjpeg");
}

/* Pushes to the ffmpeg program, which writes what it hears to a file. */
static void check_pushed(const char *scheme, const char *option, const char *value) {
    char url[100];
    ferry_video_sink *sink = NULL;
    ferry_error error = {0};
    ferry_sink_settings settings = ferry_sink_settings_default();
    settings.timeout = 5;
    settings.keyframe_seconds = 0.2;
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/live/x", scheme, free_port(SOCK_STREAM));
    const char *const arguments[] = {option, value, "-i", url, "-c", "copy", scratch("pushed.mkv"), NULL};
    pid_t child = start_ffmpeg(arguments);
    ferry_status status = FERRY_ERROR_IO;
    for (int i = 0; i < 50 && status != FERRY_OK; i++) {
        ferry_image image;
        pause_milliseconds(100);
        make_picture(WIDTH, HEIGHT, 0, &image);
        check_ok(ferry_video_sink_open(url, &settings, &sink, &error), &error);
        status = ferry_video_sink_write(sink, &image, 0, &error);
        if (status != FERRY_OK) ferry_video_sink_abort(&sink);
        ferry_picture_free(&image);
    }
    check_ok(status, &error);
    for (int i = 1; i < 75; i++) {
        ferry_image image;
        make_picture(WIDTH, HEIGHT, i, &image);
        check_ok(ferry_video_sink_write(sink, &image, 40000 * i, &error), &error);
        ferry_picture_free(&image);
        pause_milliseconds(20);
    }
    check_ok(ferry_video_sink_close(&sink, &error), &error);
    end_ffmpeg(child, 5);
    ferry_video_source *source;
    check_ok(ferry_video_open(scratch("pushed.mkv"), NULL, &source, &error), &error);
    tally got = read_frames(source, 1000, 10);
    if (got.frames < 50) fail_msg("%s: only %d frames arrived", url, got.frames);
    ferry_video_close(&source);
}

static void test_rtmp_out(void **state) {
    (void)state;
    check_pushed("rtmp", "-listen", "1");
}

static void test_motion_jpeg_out(void **state) {
    (void)state;
    check_pushed("http", "-listen", "1");
}

static void test_rtsp_out(void **state) {
    (void)state;
    check_pushed("rtsp", "-rtsp_flags", "listen");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rtsp_plays),
        cmocka_unit_test(test_rtsp_comes_back),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_udp_falls_silent_and_returns),
        cmocka_unit_test(test_hls_and_back),
        cmocka_unit_test(test_rtmp_in),
        cmocka_unit_test(test_http_in),
        cmocka_unit_test(test_motion_jpeg_in),
        cmocka_unit_test(test_rtmp_out),
        cmocka_unit_test(test_rtsp_out),
        cmocka_unit_test(test_motion_jpeg_out),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, media_setup, media_teardown);
}
