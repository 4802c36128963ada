/* SPDX-License-Identifier: Apache-2.0 */
#define FERRY_DETECT_NAME(name) ferry_detect_##name##_ref
#include "kernels/detect/generic.inc"

float ferry_detect_row_max_ref(const float *values, int count, float scale, int32_t *index) {
    float best = -INFINITY;
    *index = 0;
    for (int i = 0; i < count; i++) {
        const float value = values[i] * scale;
        if (value > best) best = value, *index = i;
    }
    return best;
}
