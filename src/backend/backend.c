/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/backend.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool ferry_reject(ferry_reason *reason, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason->text, sizeof reason->text, format, arguments);
    va_end(arguments);
    return false;
}

const ferry_implementation *ferry_backend_find(const ferry_backend *backend, const ferry_op *op, const char *name) {
    const ferry_implementation *implementation;
    for (int i = 0; (implementation = backend->implementation(op, i)) != NULL; i++)
        if (strcmp(implementation->name, name) == 0) return implementation;
    return NULL;
}

typedef struct ranges {
    ferry_range_body body;
    void *user;
    int64_t count, parts;
} ranges;

static void run_range(void *user, int64_t index, int thread) {
    const ranges *r = user;
    int64_t first = r->count * index / r->parts, last = r->count * (index + 1) / r->parts;
    if (first < last) r->body(r->user, first, last, thread);
}

void ferry_parallel_ranges(ferry_pool *pool, int64_t count, int64_t grain, ferry_range_body body, void *user) {
    int threads = ferry_pool_threads(pool);
    int64_t parts = threads == 1 ? 1 : (int64_t)threads * 4;
    if (grain > 0 && parts > count / grain) parts = count / grain;
    if (parts < 1) parts = 1;
    ranges r = {body, user, count, parts};
    ferry_pool_run(pool, parts, run_range, &r);
}
