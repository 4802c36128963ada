/* SPDX-License-Identifier: Apache-2.0 */
/* The video source: a thread that connects, decodes ahead into a bounded queue, and connects again when a live stream is lost.
 *
 *     CONNECTING -> PLAYING <-> STALLED        PLAYING/STALLED -> ENDED    (file at its end, no reconnection)
 *          ^           |           |           any             -> ENDED    (cancelled)
 *          |           v           v
 *          +------- WAITING <------+           with back-off: 1, 2, 4 ... 30 s, each 25 % random */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <libavutil/log.h>
#include <libavutil/time.h>
#include <libswscale/swscale.h>

#include <ferry/media.h>

#include "base/file.h"
#include "base/memory.h"
#include "media/decoder.h"
#include "media/decoder_open.h"
#include "media/frame.h"

enum { QUEUE_MOST = 64 };
/* A connection that played this long was a good one: the next trouble starts with the shortest pause again. */
static const double good_connection_seconds = 10;

struct ferry_video_source {
    char *url, *transport;
    ferry_video_settings settings;
    ferry_watch watch;
    pthread_t thread;
    bool started;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t change; /* the queue, or the end */
    ferry_video_frame *queue[QUEUE_MOST];
    int first, queued;
    ferry_video_state state;
    ferry_video_info info;
    ferry_video_statistics statistics;
    char warning[sizeof((ferry_error *)0)->message];

    /* the thread's own */
    ferry_decoder *decoder;
    struct SwsContext *scaler;
    int64_t next_index, last_time, last_arrival, offset; /* microseconds; offset: added to the decoder's times */
    bool rebase;                                         /* first frame of a connection */
    int64_t damaged_before;
    int32_t generation;
    ferry_image shape; /* size and format of the latest frame */
    uint64_t random;
    int failures; /* in a row */
};

ferry_video_settings ferry_video_settings_default(void) {
    return (ferry_video_settings){.size = sizeof(ferry_video_settings),
                                  .queue = 4,
                                  .open_timeout = 10,
                                  .read_timeout = 10,
                                  .live = -1,
                                  .reconnect = -1,
                                  .backoff_least = 1,
                                  .backoff_most = 30,
                                  .transport = "tcp"};
}

void ferry_media_set_chatter(int level) {
    static const int levels[] = {AV_LOG_QUIET, AV_LOG_ERROR, AV_LOG_WARNING, AV_LOG_VERBOSE};
    av_log_set_level(levels[level < 0 ? 0 : level > 3 ? 3 : level]);
}

static void set_state(ferry_video_source *source, ferry_video_state state) {
    pthread_mutex_lock(&source->mutex);
    source->state = state;
    pthread_cond_broadcast(&source->change);
    pthread_mutex_unlock(&source->mutex);
}

static void set_warning(ferry_video_source *source, const char *text) {
    if (!*text) return;
    pthread_mutex_lock(&source->mutex);
    snprintf(source->warning, sizeof source->warning, "%s", text);
    pthread_mutex_unlock(&source->mutex);
}

/* Puts a frame into the queue. A live source drops its oldest frame when the reader is slow; others wait for room. */
static void enqueue(ferry_video_source *source, ferry_video_frame *frame) {
    ferry_video_frame *dropped = NULL;
    pthread_mutex_lock(&source->mutex);
    while (source->queued == source->settings.queue && !source->settings.live && !atomic_load(&source->watch.cancelled))
        pthread_cond_wait(&source->change, &source->mutex);
    source->statistics.decoded++;
    if (atomic_load(&source->watch.cancelled)) {
        dropped = frame;
    } else {
        if (source->queued == source->settings.queue) {
            dropped = source->queue[source->first];
            source->first = (source->first + 1) % QUEUE_MOST;
            source->queued--;
            source->statistics.dropped++;
        }
        source->queue[(source->first + source->queued++) % QUEUE_MOST] = frame;
        source->info.width = frame->image.width;
        source->info.height = frame->image.height;
        source->info.format = frame->image.format;
        source->state = FERRY_VIDEO_PLAYING;
    }
    pthread_cond_broadcast(&source->change);
    pthread_mutex_unlock(&source->mutex);
    ferry_video_frame_release(dropped);
}

/* True when a stream's clock jumped: back at all, or, for a live one, ahead of the wall clock by far. */
static bool clock_jumped(const ferry_video_source *source, int64_t time, int64_t step, int64_t waited) {
    const int64_t most = 10000000;
    if (!source->next_index) return false;
    int64_t back = source->settings.live ? 1000000 : step / 2 + 1;
    return time < source->last_time - back || (source->settings.live && time - source->last_time > waited + most);
}

/* Times always grow, by the stream's clock; where that begins anew (another connection, a jump) a live source goes on by the
 * wall clock, a file by one frame. */
static int64_t next_time(ferry_video_source *source, const ferry_decoded *decoded, int64_t now) {
    int64_t step = (int64_t)(1e6 / (source->info.fps > 0 ? source->info.fps : 25)), waited = now - source->last_arrival;
    int64_t time = decoded->has_time ? decoded->microseconds + source->offset : source->last_time + step;
    if (!source->next_index && source->settings.live) {
        source->offset = -time;
        time = 0;
    } else if (source->next_index && (source->rebase || clock_jumped(source, time, step, waited))) {
        int64_t wanted = source->last_time + (source->settings.live ? waited : step);
        source->offset += wanted - time;
        time = wanted;
    }
    source->rebase = false;
    return source->next_index && time <= source->last_time ? source->last_time + 1 : time;
}

static void stamp(ferry_video_source *source, const ferry_decoded *decoded, ferry_video_frame *frame) {
    int64_t now = av_gettime();
    frame->microseconds = source->last_time = next_time(source, decoded, now);
    frame->seconds = (double)frame->microseconds * 1e-6;
    frame->capture_time = decoded->capture_time;
    frame->arrival_time = source->last_arrival = now;
    frame->index = source->next_index++;
    frame->generation = source->generation;
    const ferry_image *image = &frame->image, *before = &source->shape;
    if (image->width != before->width || image->height != before->height || image->format != before->format)
        frame->flags |= FERRY_FRAME_CHANGED;
    source->shape = *image;
}

/* Delivers frames until this connection ends. */
static void play(ferry_video_source *source) {
    AVFrame *decoded = av_frame_alloc();
    ferry_error error = {0};
    while (decoded && !atomic_load(&source->watch.cancelled)) {
        ferry_decoded about;
        ferry_video_frame *frame;
        if (ferry_decoder_next(source->decoder, decoded, &about, &error) != FERRY_OK) break;
        if (about.end) {
            set_warning(source, ferry_decoder_warning(source->decoder));
            break;
        }
        if (ferry_frame_take(decoded, ferry_decoder_orientation(source->decoder), &source->scaler, &frame, &error) !=
            FERRY_OK) {
            set_warning(source, error.message);
            break;
        }
        stamp(source, &about, frame);
        pthread_mutex_lock(&source->mutex);
        source->statistics.damaged = source->damaged_before + ferry_decoder_damaged(source->decoder);
        pthread_mutex_unlock(&source->mutex);
        enqueue(source, frame);
    }
    av_frame_free(&decoded);
}

/* Takes over an open decoder. */
static void connected(ferry_video_source *source, ferry_decoder *decoder) {
    source->decoder = decoder;
    source->generation++;
    source->rebase = true;
    pthread_mutex_lock(&source->mutex);
    ferry_decoder_info(decoder, &source->info);
    source->info.live = source->settings.live;
    source->statistics.connections++;
    source->state = FERRY_VIDEO_PLAYING;
    pthread_mutex_unlock(&source->mutex);
}

static ferry_status connect_once(ferry_video_source *source, ferry_error *error) {
    ferry_decoder *decoder;
    FERRY_TRY(ferry_decoder_open(source->url, &source->settings, &source->watch, &decoder, error));
    connected(source, decoder);
    return FERRY_OK;
}

/* xorshift64*: enough to keep a hundred cameras from knocking at the same moment. */
static double random_fraction(ferry_video_source *source) {
    source->random ^= source->random >> 12;
    source->random ^= source->random << 25;
    source->random ^= source->random >> 27;
    return (double)(source->random * 2685821657736338717u >> 11) / 9007199254740992.0;
}

static struct timespec after(double seconds) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    double whole = seconds < 0 ? 0 : seconds > 1e8 ? 1e8 : seconds;
    time.tv_sec += (time_t)whole;
    time.tv_nsec += (long)((whole - (double)(time_t)whole) * 1e9);
    if (time.tv_nsec >= 1000000000) time = (struct timespec){time.tv_sec + 1, time.tv_nsec - 1000000000};
    return time;
}

static void back_off(ferry_video_source *source) {
    double pause = source->settings.backoff_least;
    for (int i = 0; i < source->failures && pause < source->settings.backoff_most; i++) pause *= 2;
    if (pause > source->settings.backoff_most) pause = source->settings.backoff_most;
    pause *= 0.75 + 0.5 * random_fraction(source);
    source->failures++;
    struct timespec until = after(pause);
    pthread_mutex_lock(&source->mutex);
    source->state = FERRY_VIDEO_WAITING;
    pthread_cond_broadcast(&source->change);
    while (!atomic_load(&source->watch.cancelled))
        if (pthread_cond_timedwait(&source->change, &source->mutex, &until) == ETIMEDOUT) break;
    pthread_mutex_unlock(&source->mutex);
}

static void *run(void *user) {
    ferry_video_source *source = user;
    while (!atomic_load(&source->watch.cancelled)) {
        if (source->decoder) {
            double began = ferry_time_seconds();
            play(source);
            source->damaged_before += ferry_decoder_damaged(source->decoder);
            ferry_decoder_close(&source->decoder);
            if (ferry_time_seconds() - began > good_connection_seconds) source->failures = 0;
            if (!source->settings.reconnect) break;
        }
        back_off(source);
        if (atomic_load(&source->watch.cancelled)) break;
        set_state(source, FERRY_VIDEO_CONNECTING);
        ferry_error error = {0};
        if (connect_once(source, &error) != FERRY_OK) set_warning(source, error.message);
    }
    set_state(source, FERRY_VIDEO_ENDED);
    return NULL;
}

static ferry_status check_settings(const ferry_video_settings *given, const char *url, ferry_video_settings *settings,
                                   ferry_error *error) {
    *settings = ferry_video_settings_default();
    if (given) memcpy(settings, given, given->size < sizeof *settings ? given->size : sizeof *settings);
    settings->size = sizeof *settings;
    if (settings->live < 0) settings->live = ferry_url_is_live(url);
    if (settings->reconnect < 0) settings->reconnect = settings->live;
    if (!settings->transport) settings->transport = "tcp";
    if (settings->queue < 1 || settings->queue > QUEUE_MOST)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "a queue of %d frames is outside 1 to %d", settings->queue,
                          QUEUE_MOST);
    if (!(settings->backoff_least > 0) || !(settings->backoff_most >= settings->backoff_least))
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "back-off of %g to %g seconds makes no sense",
                          settings->backoff_least, settings->backoff_most);
    if (strcmp(settings->transport, "tcp") != 0 && strcmp(settings->transport, "udp") != 0 &&
        strcmp(settings->transport, "auto") != 0)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "RTSP transport '%s' is none of tcp, udp, auto",
                          settings->transport);
    return FERRY_OK;
}

static void free_source(ferry_video_source *source) {
    for (int i = 0; i < source->queued; i++) ferry_video_frame_release(source->queue[(source->first + i) % QUEUE_MOST]);
    ferry_decoder_close(&source->decoder);
    sws_freeContext(source->scaler);
    pthread_cond_destroy(&source->change);
    pthread_mutex_destroy(&source->mutex);
    ferry_free(source->transport);
    ferry_free(source->url);
    ferry_free(source);
}

static ferry_video_source *make_source(const char *url, const ferry_video_settings *settings) {
    ferry_video_source *source = ferry_calloc(1, sizeof *source);
    if (!source) return NULL;
    source->settings = *settings;
    source->url = ferry_strdup(url);
    source->settings.transport = source->transport = ferry_strdup(settings->transport);
    source->random = ferry_time_nanoseconds() ^ (uint64_t)(uintptr_t)source;
    source->random |= 1;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&source->change, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&source->mutex, NULL);
    if (source->url && source->transport) return source;
    free_source(source);
    return NULL;
}

ferry_status ferry_video_open(const char *url, const ferry_video_settings *given, ferry_video_source **result,
                              ferry_error *error) {
    *result = NULL;
    ferry_video_settings settings;
    FERRY_TRY(check_settings(given, url, &settings, error));
    ferry_video_source *source = make_source(url, &settings);
    if (!source) return ferry_fail_memory(error, sizeof *source);
    ferry_error trouble = {0};
    ferry_status status = connect_once(source, &trouble);
    if (status != FERRY_OK && settings.reconnect && settings.retry_open) {
        set_warning(source, trouble.message);
        status = FERRY_OK;
    }
    if (status != FERRY_OK) {
        if (error) *error = trouble;
    } else if (pthread_create(&source->thread, NULL, run, source) != 0) {
        status = ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "'%s': no thread for decoding could be started", url);
    }
    if (status != FERRY_OK) {
        free_source(source);
        return status;
    }
    source->started = true;
    *result = source;
    return FERRY_OK;
}

ferry_status ferry_video_read(ferry_video_source *source, double timeout, ferry_video_frame **frame, ferry_error *error) {
    *frame = NULL;
    struct timespec until = after(timeout);
    ferry_status status = FERRY_OK;
    pthread_mutex_lock(&source->mutex);
    while (!source->queued && source->state != FERRY_VIDEO_ENDED && !atomic_load(&source->watch.cancelled)) {
        int code = timeout < 0 ? pthread_cond_wait(&source->change, &source->mutex)
                               : pthread_cond_timedwait(&source->change, &source->mutex, &until);
        if (code == ETIMEDOUT) break;
    }
    if (atomic_load(&source->watch.cancelled)) {
        status = ferry_fail(error, FERRY_ERROR_CANCELLED, "'%s': cancelled", source->url);
    } else if (source->queued) {
        *frame = source->queue[source->first];
        source->first = (source->first + 1) % QUEUE_MOST;
        source->queued--;
        pthread_cond_broadcast(&source->change);
    } else if (source->state != FERRY_VIDEO_ENDED) {
        status = ferry_fail(error, FERRY_ERROR_DEADLINE, "'%s': no frame within %g seconds", source->url, timeout);
    }
    pthread_mutex_unlock(&source->mutex);
    return status;
}

void ferry_video_get_info(ferry_video_source *source, ferry_video_info *info) {
    pthread_mutex_lock(&source->mutex);
    *info = source->info;
    pthread_mutex_unlock(&source->mutex);
}

ferry_video_state ferry_video_get_state(ferry_video_source *source) {
    pthread_mutex_lock(&source->mutex);
    ferry_video_state state = source->state;
    pthread_mutex_unlock(&source->mutex);
    return state == FERRY_VIDEO_PLAYING && atomic_load(&source->watch.late) ? FERRY_VIDEO_STALLED : state;
}

void ferry_video_get_statistics(ferry_video_source *source, ferry_video_statistics *statistics) {
    pthread_mutex_lock(&source->mutex);
    *statistics = source->statistics;
    pthread_mutex_unlock(&source->mutex);
}

const char *ferry_video_warning(ferry_video_source *source, char *text, size_t capacity) {
    pthread_mutex_lock(&source->mutex);
    snprintf(text, capacity, "%s", source->warning);
    pthread_mutex_unlock(&source->mutex);
    return text;
}

void ferry_video_cancel(ferry_video_source *source) {
    pthread_mutex_lock(&source->mutex);
    atomic_store(&source->watch.cancelled, true);
    pthread_cond_broadcast(&source->change);
    pthread_mutex_unlock(&source->mutex);
}

void ferry_video_close(ferry_video_source **handle) {
    ferry_video_source *source = *handle;
    *handle = NULL;
    if (!source) return;
    ferry_video_cancel(source);
    if (source->started) pthread_join(source->thread, NULL);
    free_source(source);
}
