/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes and the error object that every fallible call of Ferry fills. */
#ifndef FERRY_STATUS_H
#define FERRY_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define FERRY_API
#else
#define FERRY_API __attribute__((visibility("default")))
#endif

typedef enum ferry_status {
    FERRY_OK = 0,
    FERRY_ERROR_INVALID_ARGUMENT = 1, /* the caller passed something a contract forbids */
    FERRY_ERROR_OUT_OF_MEMORY = 2,
    FERRY_ERROR_IO = 3,          /* the operating system refused: open, read, write, rename ... */
    FERRY_ERROR_FORMAT = 4,      /* a file or message is malformed, truncated or corrupt */
    FERRY_ERROR_UNSUPPORTED = 5, /* well-formed, but beyond what this build can do */
    FERRY_ERROR_VERSION = 6,     /* the file was made by a newer or incompatible Ferry */
    FERRY_ERROR_CPU_FEATURE = 7, /* the engine needs instructions that this machine lacks */
    FERRY_ERROR_SHAPE = 8,       /* shapes or dtypes disagree */
    FERRY_ERROR_NOT_FOUND = 9,
    FERRY_ERROR_CANCELLED = 10,
    FERRY_ERROR_DEADLINE = 11,
    FERRY_ERROR_INTERNAL = 12 /* a bug in Ferry: please report it */
} ferry_status;

/* Filled by a failing call: what was wrong, where, and what to do. The caller owns it (it is usually on the stack); a call
 * that succeeds leaves it untouched. Every `ferry_error *error` parameter may be NULL. `message` is UTF-8, one line,
 * always terminated; it is cut when it does not fit. */
typedef struct ferry_error {
    ferry_status status;
    char message[1020];
} ferry_error;

/* The name of a status, such as "FERRY_ERROR_FORMAT"; never NULL. */
FERRY_API const char *ferry_status_name(ferry_status status);

#ifdef __cplusplus
}
#endif
#endif
