/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/tensor.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static const struct {
    const char *name;
    int bits;
} dtypes[] = {
    [FERRY_DTYPE_UNDEFINED] = {"undefined", 0},
    [FERRY_FLOAT32] = {"float32", 32},
    [FERRY_UINT8] = {"uint8", 8},
    [FERRY_INT8] = {"int8", 8},
    [FERRY_UINT16] = {"uint16", 16},
    [FERRY_INT16] = {"int16", 16},
    [FERRY_INT32] = {"int32", 32},
    [FERRY_INT64] = {"int64", 64},
    [FERRY_STRING] = {"string", (int)sizeof(ferry_string) * 8},
    [FERRY_BOOL] = {"bool", 8},
    [FERRY_FLOAT16] = {"float16", 16},
    [FERRY_FLOAT64] = {"float64", 64},
    [FERRY_UINT32] = {"uint32", 32},
    [FERRY_UINT64] = {"uint64", 64},
    [FERRY_COMPLEX64] = {"complex64", 64},
    [FERRY_COMPLEX128] = {"complex128", 128},
    [FERRY_BFLOAT16] = {"bfloat16", 16},
    [FERRY_FLOAT8E4M3FN] = {"float8e4m3fn", 8},
    [FERRY_FLOAT8E4M3FNUZ] = {"float8e4m3fnuz", 8},
    [FERRY_FLOAT8E5M2] = {"float8e5m2", 8},
    [FERRY_FLOAT8E5M2FNUZ] = {"float8e5m2fnuz", 8},
    [FERRY_UINT4] = {"uint4", 4},
    [FERRY_INT4] = {"int4", 4},
    [FERRY_FLOAT4E2M1] = {"float4e2m1", 4},
    [FERRY_FLOAT8E8M0] = {"float8e8m0", 8},
    [FERRY_UINT2] = {"uint2", 2},
    [FERRY_INT2] = {"int2", 2},
};
enum { DTYPE_COUNT = sizeof dtypes / sizeof *dtypes };

const char *ferry_dtype_name(ferry_dtype dtype) {
    return (unsigned)dtype < DTYPE_COUNT ? dtypes[dtype].name : dtypes[FERRY_DTYPE_UNDEFINED].name;
}

int ferry_dtype_bits(ferry_dtype dtype) { return (unsigned)dtype < DTYPE_COUNT ? dtypes[dtype].bits : 0; }

bool ferry_dtype_is_float(ferry_dtype dtype) {
    return dtype == FERRY_FLOAT32 || dtype == FERRY_FLOAT64 || dtype == FERRY_FLOAT16 || dtype == FERRY_BFLOAT16 ||
           (dtype >= FERRY_FLOAT8E4M3FN && dtype <= FERRY_FLOAT8E5M2FNUZ) || dtype == FERRY_FLOAT4E2M1 ||
           dtype == FERRY_FLOAT8E8M0;
}

bool ferry_dtype_is_signed_integer(ferry_dtype dtype) {
    return dtype == FERRY_INT8 || dtype == FERRY_INT16 || dtype == FERRY_INT32 || dtype == FERRY_INT64 || dtype == FERRY_INT4 ||
           dtype == FERRY_INT2;
}

bool ferry_dtype_is_unsigned_integer(ferry_dtype dtype) {
    return dtype == FERRY_UINT8 || dtype == FERRY_UINT16 || dtype == FERRY_UINT32 || dtype == FERRY_UINT64 ||
           dtype == FERRY_UINT4 || dtype == FERRY_UINT2;
}

const char *ferry_layout_name(ferry_layout layout) {
    switch (layout) {
    case FERRY_LAYOUT_PLAIN: return "plain";
    case FERRY_LAYOUT_BLOCKED_4: return "c4";
    case FERRY_LAYOUT_BLOCKED_8: return "c8";
    case FERRY_LAYOUT_BLOCKED_16: return "c16";
    }
    return "unknown";
}

ferry_shape ferry_shape_make(int rank, const int64_t *dims) {
    ferry_shape shape = {.rank = rank};
    for (int i = 0; i < rank; i++) shape.dims[i] = dims[i];
    return shape;
}

bool ferry_shape_equal(const ferry_shape *a, const ferry_shape *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

bool ferry_shape_elements(const ferry_shape *shape, int64_t *elements) {
    bool empty = false;
    int64_t product = 1;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0) return false;
        empty |= shape->dims[i] == 0;
    }
    for (int i = 0; i < shape->rank && !empty; i++)
        if (!ferry_int64_multiply(product, shape->dims[i], &product)) return false;
    *elements = empty ? 0 : product;
    return true;
}

int64_t ferry_shape_product(const ferry_shape *shape, int first, int last) {
    int64_t product = 1;
    for (int i = first; i < last; i++) product *= shape->dims[i];
    return product;
}

int64_t ferry_shape_count(const ferry_shape *shape) { return ferry_shape_product(shape, 0, shape->rank); }

void ferry_shape_strides(const ferry_shape *shape, int64_t strides[FERRY_MAX_RANK]) {
    int64_t stride = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape->dims[i];
    }
}

bool ferry_shape_broadcast(const ferry_shape *a, const ferry_shape *b, ferry_shape *result) {
    ferry_shape out = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 0; i < out.rank; i++) {
        int ia = i - (out.rank - a->rank), ib = i - (out.rank - b->rank);
        int64_t da = ia < 0 ? 1 : a->dims[ia], db = ib < 0 ? 1 : b->dims[ib];
        if (da != db && da != 1 && db != 1) return false;
        out.dims[i] = da == 1 ? db : da;
    }
    *result = out;
    return true;
}

void ferry_shape_broadcast_strides(const ferry_shape *shape, const ferry_shape *target, int64_t strides[FERRY_MAX_RANK]) {
    int64_t own[FERRY_MAX_RANK];
    ferry_shape_strides(shape, own);
    for (int i = 0; i < target->rank; i++) {
        int j = i - (target->rank - shape->rank);
        strides[i] = j < 0 || (shape->dims[j] == 1 && target->dims[i] != 1) ? 0 : own[j];
    }
}

const char *ferry_shape_text(const ferry_shape *shape, char *text, size_t capacity) {
    if (shape->rank == 0) {
        snprintf(text, capacity, "scalar");
        return text;
    }
    size_t used = 0;
    if (capacity) *text = 0;
    for (int i = 0; i < shape->rank && used < capacity; i++) {
        const char *separator = i ? "x" : "";
        int written = shape->dims[i] < 0
                          ? snprintf(text + used, capacity - used, "%s?", separator)
                          : snprintf(text + used, capacity - used, "%s%lld", separator, (long long)shape->dims[i]);
        if (written < 0) break;
        used += (size_t)written;
    }
    return text;
}

bool ferry_tensor_bytes(ferry_dtype dtype, ferry_layout layout, const ferry_shape *shape, size_t *bytes) {
    ferry_shape stored = *shape;
    if (layout != FERRY_LAYOUT_PLAIN) {
        if (shape->rank < 2) return false;
        int block = ferry_layout_block(layout);
        if (shape->dims[1] > INT64_MAX - block) return false;
        stored.dims[1] = ferry_ceil_div(shape->dims[1], block) * block;
    }
    int64_t elements, bits;
    if (!ferry_shape_elements(&stored, &elements) || !ferry_int64_multiply(elements, ferry_dtype_bits(dtype), &bits))
        return false;
    int64_t total = bits / 8 + (bits % 8 != 0);
    *bytes = (size_t)total;
    return (int64_t)*bytes == total; /* size_t has 32 bits on small machines */
}
