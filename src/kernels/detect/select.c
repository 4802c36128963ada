/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/detect/detect.h"

void ferry_detect_select(uint32_t features, ferry_detect_kernels *kernels) {
#define FERRY_DETECT_SET(suffix, needed)                                                                                       \
    if ((features & (needed)) == (needed))                                                                                     \
        *kernels = (ferry_detect_kernels){ferry_detect_above_##suffix, ferry_detect_row_max_##suffix,                          \
                                          ferry_detect_column_max_##suffix, ferry_detect_overlaps_##suffix};
#include "kernels/detect/detect.def"
#undef FERRY_DETECT_SET
}
