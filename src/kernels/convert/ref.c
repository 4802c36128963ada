/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions in plain C, and their dispatch. */
#include <string.h>

#include "kernels/convert/convert.h"
#include "tensor/half.h"

static void convert_float16_float32(void *out, const void *in, int64_t count) {
    for (int64_t i = 0; i < count; i++) ((float *)out)[i] = ferry_half_to_float(((const uint16_t *)in)[i]);
}

static void convert_float32_float16(void *out, const void *in, int64_t count) {
    for (int64_t i = 0; i < count; i++) ((uint16_t *)out)[i] = ferry_float_to_half(((const float *)in)[i]);
}

#include "kernels/convert/convert_body.h"

void ferry_convert_init(ferry_convert_table *table, uint32_t features) {
    (void)features;
    memset(table, 0, sizeof *table);
    fill_table(table);
#define FERRY_KERNEL_SET(set, need)                                                                                            \
    if ((features & (need)) == (need)) ferry_convert_init_##set(table);
#include "kernels/sets.def"
}
