/* SPDX-License-Identifier: Apache-2.0 */
/* One element at a time, any type: the slow, plain definition that reference code uses. */
#include <math.h>
#include <string.h>

#include "tensor/half.h"
#include "tensor/tensor.h"

/* 4- and 2-bit elements: the first lies in the low bits. */
static unsigned packed_load(const void *data, int64_t index, int bits) {
    int per_byte = 8 / bits;
    unsigned byte = ((const uint8_t *)data)[index / per_byte];
    return (byte >> (index % per_byte * bits)) & ((1u << bits) - 1);
}

static void packed_store(void *data, int64_t index, int bits, unsigned value) {
    int per_byte = 8 / bits, shift = (int)(index % per_byte) * bits;
    unsigned mask = ((1u << bits) - 1) << shift;
    uint8_t *byte = &((uint8_t *)data)[index / per_byte];
    *byte = (uint8_t)((*byte & ~mask) | ((value << shift) & mask));
}

static int sign_extend(unsigned value, int bits) {
    unsigned sign = 1u << (bits - 1);
    return (int)(value ^ sign) - (int)sign;
}

int64_t ferry_load_int64(ferry_dtype dtype, const void *data, int64_t i) {
    switch (dtype) {
    case FERRY_UINT8: return ((const uint8_t *)data)[i];
    case FERRY_INT8: return ((const int8_t *)data)[i];
    case FERRY_UINT16: return ((const uint16_t *)data)[i];
    case FERRY_INT16: return ((const int16_t *)data)[i];
    case FERRY_INT32: return ((const int32_t *)data)[i];
    case FERRY_INT64: return ((const int64_t *)data)[i];
    case FERRY_UINT32: return ((const uint32_t *)data)[i];
    case FERRY_UINT64: return (int64_t)((const uint64_t *)data)[i];
    case FERRY_BOOL: return ((const uint8_t *)data)[i] != 0;
    case FERRY_UINT4: return packed_load(data, i, 4);
    case FERRY_INT4: return sign_extend(packed_load(data, i, 4), 4);
    case FERRY_UINT2: return packed_load(data, i, 2);
    case FERRY_INT2: return sign_extend(packed_load(data, i, 2), 2);
    default: break;
    }
    double value = ferry_load_double(dtype, data, i);
    if (isnan(value)) return 0;
    if (value >= 0x1p63) return INT64_MAX;
    return value <= -0x1p63 ? INT64_MIN : (int64_t)value;
}

double ferry_load_double(ferry_dtype dtype, const void *data, int64_t i) {
    switch (dtype) {
    case FERRY_FLOAT32: return ((const float *)data)[i];
    case FERRY_FLOAT64: return ((const double *)data)[i];
    case FERRY_FLOAT16: return ferry_half_to_float(((const uint16_t *)data)[i]);
    case FERRY_BFLOAT16: return ferry_bfloat16_to_float(((const uint16_t *)data)[i]);
    case FERRY_FLOAT8E4M3FN:
    case FERRY_FLOAT8E4M3FNUZ:
    case FERRY_FLOAT8E5M2:
    case FERRY_FLOAT8E5M2FNUZ:
    case FERRY_FLOAT8E8M0: return ferry_float8_to_float(dtype, ((const uint8_t *)data)[i]);
    case FERRY_FLOAT4E2M1: return ferry_float8_to_float(dtype, (uint8_t)packed_load(data, i, 4));
    case FERRY_UINT64: return (double)((const uint64_t *)data)[i];
    case FERRY_COMPLEX64: return ((const float *)data)[2 * i];
    case FERRY_COMPLEX128: return ((const double *)data)[2 * i];
    case FERRY_DTYPE_UNDEFINED:
    case FERRY_STRING: return 0;
    default: return (double)ferry_load_int64(dtype, data, i);
    }
}

void ferry_store_int64(ferry_dtype dtype, void *data, int64_t i, int64_t value) {
    switch (dtype) {
    case FERRY_UINT8: ((uint8_t *)data)[i] = (uint8_t)value; return;
    case FERRY_INT8: ((int8_t *)data)[i] = (int8_t)value; return;
    case FERRY_UINT16: ((uint16_t *)data)[i] = (uint16_t)value; return;
    case FERRY_INT16: ((int16_t *)data)[i] = (int16_t)value; return;
    case FERRY_INT32: ((int32_t *)data)[i] = (int32_t)value; return;
    case FERRY_INT64: ((int64_t *)data)[i] = value; return;
    case FERRY_UINT32: ((uint32_t *)data)[i] = (uint32_t)value; return;
    case FERRY_UINT64: ((uint64_t *)data)[i] = (uint64_t)value; return;
    case FERRY_BOOL: ((uint8_t *)data)[i] = value != 0; return;
    case FERRY_UINT4:
    case FERRY_INT4: packed_store(data, i, 4, (unsigned)value); return;
    case FERRY_UINT2:
    case FERRY_INT2: packed_store(data, i, 2, (unsigned)value); return;
    default: ferry_store_double(dtype, data, i, (double)value); return;
    }
}

/* C leaves out-of-range conversions undefined; ours wrap through int64 and saturate there, NaN becomes 0. */
static int64_t double_to_int64(double value) {
    if (isnan(value)) return 0;
    if (value >= 0x1p63) return INT64_MAX;
    return value <= -0x1p63 ? INT64_MIN : (int64_t)value;
}

void ferry_store_double(ferry_dtype dtype, void *data, int64_t i, double value) {
    switch (dtype) {
    case FERRY_FLOAT32: ((float *)data)[i] = (float)value; return;
    case FERRY_FLOAT64: ((double *)data)[i] = value; return;
    case FERRY_FLOAT16: ((uint16_t *)data)[i] = ferry_float_to_half((float)value); return;
    case FERRY_BFLOAT16: ((uint16_t *)data)[i] = ferry_float_to_bfloat16((float)value); return;
    case FERRY_FLOAT8E4M3FN:
    case FERRY_FLOAT8E4M3FNUZ:
    case FERRY_FLOAT8E5M2:
    case FERRY_FLOAT8E5M2FNUZ:
    case FERRY_FLOAT8E8M0: ((uint8_t *)data)[i] = ferry_float_to_float8(dtype, (float)value, true); return;
    case FERRY_FLOAT4E2M1: packed_store(data, i, 4, ferry_float_to_float8(dtype, (float)value, true)); return;
    case FERRY_BOOL: ((uint8_t *)data)[i] = value != 0; return;
    case FERRY_UINT64:
        ((uint64_t *)data)[i] =
            value >= 0x1p63 ? (value >= 0x1p64 ? UINT64_MAX : (uint64_t)value) : (uint64_t)double_to_int64(value);
        return;
    case FERRY_COMPLEX64: ((float *)data)[2 * i] = (float)value, ((float *)data)[2 * i + 1] = 0; return;
    case FERRY_COMPLEX128: ((double *)data)[2 * i] = value, ((double *)data)[2 * i + 1] = 0; return;
    case FERRY_DTYPE_UNDEFINED:
    case FERRY_STRING: return;
    default: ferry_store_int64(dtype, data, i, double_to_int64(value)); return;
    }
}
