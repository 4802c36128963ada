/* SPDX-License-Identifier: Apache-2.0 */
#define FERRY_DETECT_NAME(name) ferry_detect_##name##_avx2
#include "kernels/detect/generic.inc"
