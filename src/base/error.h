/* SPDX-License-Identifier: Apache-2.0 */
/* Reporting errors. Who detects a fault reports it with ferry_fail; callers only pass the status on, adding a prefix that
 * says where (node, file, line) if they know more. */
#ifndef FERRY_BASE_ERROR_H
#define FERRY_BASE_ERROR_H

#include <ferry/status.h>

#if defined(__GNUC__)
#define FERRY_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#else
#define FERRY_PRINTF(format_index, first_index)
#endif

/* Fills `error` (which may be NULL) and returns `status`. */
ferry_status ferry_fail(ferry_error *error, ferry_status status, const char *format, ...) FERRY_PRINTF(3, 4);

/* Puts text before the message that `error` already holds: "node 'a' (Conv): " + message. */
void ferry_error_prefix(ferry_error *error, const char *format, ...) FERRY_PRINTF(2, 3);

/* As ferry_fail with FERRY_ERROR_IO and the text of `errnum` appended. */
ferry_status ferry_fail_errno(ferry_error *error, int errnum, const char *format, ...) FERRY_PRINTF(3, 4);

ferry_status ferry_fail_memory(ferry_error *error, unsigned long long bytes);

/* Returns from the calling function when `expression` is not FERRY_OK. */
#define FERRY_TRY(expression)                                                                                                  \
    do {                                                                                                                       \
        ferry_status ferry_try_status_ = (expression);                                                                         \
        if (ferry_try_status_ != FERRY_OK) return ferry_try_status_;                                                           \
    } while (0)

#endif
