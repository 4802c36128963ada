/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/warp/warp.h"

void ferry_warp_select(uint32_t features, ferry_warp_kernels *kernels) {
    *kernels = (ferry_warp_kernels){0};
#define FERRY_WARP_KERNEL(field, type, function, needed)                                                                       \
    if ((features & (needed)) == (needed)) kernels->field = function;
#include "kernels/warp/warp.def"
#undef FERRY_WARP_KERNEL
}
