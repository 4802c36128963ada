/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions between element types, as ONNX's Cast defines them. */
#ifndef FERRY_KERNELS_CONVERT_CONVERT_H
#define FERRY_KERNELS_CONVERT_CONVERT_H

#include <stdint.h>

#include "base/cpu.h"

typedef enum ferry_convert_type {
    FERRY_CONVERT_float32,
    FERRY_CONVERT_float64,
    FERRY_CONVERT_float16, /* bits in a uint16_t; rounds to nearest, ties to even */
    FERRY_CONVERT_int8,
    FERRY_CONVERT_uint8,
    FERRY_CONVERT_int32,
    FERRY_CONVERT_int64,
    FERRY_CONVERT_boolean, /* a byte, 0 or 1; from a number: whether it is not 0 (NaN is not) */
    FERRY_CONVERT_TYPES
} ferry_convert_type;

/* Floats to integers truncate; what does not fit saturates to int64, then wraps to the narrower type; NaN gives 0. in and out
 * do not overlap; each is aligned to its element. */
typedef void (*ferry_convert_function)(void *out, const void *in, int64_t count);

typedef struct ferry_convert_table {
    ferry_convert_function run[FERRY_CONVERT_TYPES][FERRY_CONVERT_TYPES]; /* [from][to]; NULL where there is none */
} ferry_convert_table;

void ferry_convert_init(ferry_convert_table *table, uint32_t features);

#define FERRY_KERNEL_SET(set, need) void ferry_convert_init_##set(ferry_convert_table *table);
#include "kernels/sets.def"

#endif
