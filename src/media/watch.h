/* SPDX-License-Identifier: Apache-2.0 */
/* A deadline and a cancel switch for FFmpeg calls that may block: FFmpeg asks ferry_watch_interrupt several times a second. */
#ifndef FERRY_MEDIA_WATCH_H
#define FERRY_MEDIA_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <libavformat/avio.h>

typedef struct ferry_watch {
    _Atomic bool cancelled;
    _Atomic uint64_t deadline; /* nanoseconds, as ferry_time_nanoseconds; 0 = none */
    _Atomic uint64_t half;     /* when half of the time is gone */
    _Atomic bool late;         /* set once `half` is past, cleared by ferry_watch_begin */
} ferry_watch;

/* Starts a call that may take `seconds` (0 = for ever). */
void ferry_watch_begin(ferry_watch *watch, double seconds);
bool ferry_watch_expired(const ferry_watch *watch);
/* For AVFormatContext.interrupt_callback. */
AVIOInterruptCB ferry_watch_interrupt(ferry_watch *watch);

#endif
