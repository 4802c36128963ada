/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void ferry_log_write(const ferry_log *log, ferry_log_level level, const char *format, ...) {
    if (!log || !log->sink || level > log->level) return;
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    log->sink(log->user, level, message);
}
