/* SPDX-License-Identifier: Apache-2.0 */
#include "media/watch.h"

#include "base/file.h"

void ferry_watch_begin(ferry_watch *watch, double seconds) {
    uint64_t now = ferry_time_nanoseconds(), span = seconds > 0 && seconds < 1e9 ? (uint64_t)(seconds * 1e9) : 0;
    atomic_store(&watch->deadline, span ? now + span : 0);
    atomic_store(&watch->half, span ? now + span / 2 : 0);
    atomic_store(&watch->late, false);
}

bool ferry_watch_expired(const ferry_watch *watch) {
    uint64_t deadline = atomic_load(&watch->deadline);
    return deadline && ferry_time_nanoseconds() >= deadline;
}

static int interrupted(void *user) {
    ferry_watch *watch = user;
    if (atomic_load(&watch->cancelled)) return 1;
    uint64_t half = atomic_load(&watch->half);
    if (half && ferry_time_nanoseconds() >= half) atomic_store(&watch->late, true);
    return ferry_watch_expired(watch);
}

AVIOInterruptCB ferry_watch_interrupt(ferry_watch *watch) { return (AVIOInterruptCB){interrupted, watch}; }
