/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines go to a sink that the caller gives; there is no global logger. A NULL log, or one without sink, is silent. */
#ifndef FERRY_BASE_LOG_H
#define FERRY_BASE_LOG_H

#include "base/error.h"

typedef enum ferry_log_level {
    FERRY_LOG_ERROR = 0,
    FERRY_LOG_WARNING = 1,
    FERRY_LOG_INFO = 2,
    FERRY_LOG_VERBOSE = 3
} ferry_log_level;

typedef struct ferry_log {
    void (*sink)(void *user, ferry_log_level level, const char *message); /* message: one line without its newline */
    void *user;
    ferry_log_level level; /* the most talkative level that passes */
} ferry_log;

void ferry_log_write(const ferry_log *log, ferry_log_level level, const char *format, ...) FERRY_PRINTF(3, 4);

#endif
