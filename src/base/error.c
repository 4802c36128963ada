/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const status_names[] = {
    [FERRY_OK] = "FERRY_OK",
    [FERRY_ERROR_INVALID_ARGUMENT] = "FERRY_ERROR_INVALID_ARGUMENT",
    [FERRY_ERROR_OUT_OF_MEMORY] = "FERRY_ERROR_OUT_OF_MEMORY",
    [FERRY_ERROR_IO] = "FERRY_ERROR_IO",
    [FERRY_ERROR_FORMAT] = "FERRY_ERROR_FORMAT",
    [FERRY_ERROR_UNSUPPORTED] = "FERRY_ERROR_UNSUPPORTED",
    [FERRY_ERROR_VERSION] = "FERRY_ERROR_VERSION",
    [FERRY_ERROR_CPU_FEATURE] = "FERRY_ERROR_CPU_FEATURE",
    [FERRY_ERROR_SHAPE] = "FERRY_ERROR_SHAPE",
    [FERRY_ERROR_NOT_FOUND] = "FERRY_ERROR_NOT_FOUND",
    [FERRY_ERROR_CANCELLED] = "FERRY_ERROR_CANCELLED",
    [FERRY_ERROR_DEADLINE] = "FERRY_ERROR_DEADLINE",
    [FERRY_ERROR_INTERNAL] = "FERRY_ERROR_INTERNAL",
};

const char *ferry_status_name(ferry_status status) {
    unsigned index = (unsigned)status;
    if (index >= sizeof status_names / sizeof *status_names) return "FERRY_ERROR_UNKNOWN";
    return status_names[index];
}

ferry_status ferry_fail(ferry_error *error, ferry_status status, const char *format, ...) {
    if (!error) return status;
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}

void ferry_error_prefix(ferry_error *error, const char *format, ...) {
    if (!error) return;
    char prefixed[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(prefixed, sizeof prefixed, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    size_t used = (size_t)length < sizeof prefixed ? (size_t)length : sizeof prefixed - 1;
    size_t room = sizeof prefixed - used - 1;
    size_t rest = strnlen(error->message, sizeof error->message);
    if (rest > room) rest = room;
    memcpy(prefixed + used, error->message, rest);
    prefixed[used + rest] = 0;
    memcpy(error->message, prefixed, used + rest + 1);
}

ferry_status ferry_fail_errno(ferry_error *error, int errnum, const char *format, ...) {
    if (!error) return FERRY_ERROR_IO;
    error->status = FERRY_ERROR_IO;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof error->message) return FERRY_ERROR_IO;
    char text[128];
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
    const char *reason = strerror_r(errnum, text, sizeof text);
#else
    const char *reason = strerror_r(errnum, text, sizeof text) == 0 ? text : "unknown error";
#endif
    snprintf(error->message + length, sizeof error->message - (size_t)length, ": %s", reason);
    return FERRY_ERROR_IO;
}

ferry_status ferry_fail_memory(ferry_error *error, unsigned long long bytes) {
    return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory: %llu bytes asked for", bytes);
}
