/* SPDX-License-Identifier: Apache-2.0 */
/* Devices as the public API tells of them. */
#include <ferry/device.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/error.h"

int ferry_device_count(void) { return 1; }

ferry_status ferry_device_describe(int index, ferry_device_info *info, ferry_error *error) {
    if (!info || info->struct_size < sizeof *info)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "ferry_device_describe: struct_size is not set");
    if (index != 0) return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "there is no device %d; this machine has 1", index);
    memset(info, 0, sizeof *info);
    info->struct_size = sizeof *info;
    snprintf(info->kind, sizeof info->kind, "cpu");
    ferry_cpu_name(info->name, sizeof info->name);
    ferry_cpu_features_text(ferry_cpu_features(), info->features, sizeof info->features);
    info->processors = ferry_cpu_count();
    for (int level = 0; level < 3; level++) info->cache_bytes[level] = ferry_cpu_cache_bytes(level + 1);
    return FERRY_OK;
}
