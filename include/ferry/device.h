/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine offers to engines. */
#ifndef FERRY_DEVICE_H
#define FERRY_DEVICE_H

#include <stddef.h>

#include <ferry/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ferry_device_info {
    size_t struct_size;    /* sizeof(ferry_device_info), set by the caller */
    char kind[16];         /* "cpu" */
    char name[128];        /* "AMD EPYC 9654" */
    char features[192];    /* what kernels may use, as ferry_build_settings.target_features takes it: "sse41 avx2" */
    int processors;        /* that this process may run on */
    size_t cache_bytes[3]; /* data caches of level 1, 2 (one core) and 3 */
} ferry_device_info;

FERRY_API int ferry_device_count(void);
/* index from 0 to ferry_device_count() - 1; FERRY_ERROR_INVALID_ARGUMENT otherwise. Thread-safe. */
FERRY_API ferry_status ferry_device_describe(int index, ferry_device_info *info, ferry_error *error);

#ifdef __cplusplus
}
#endif
#endif
