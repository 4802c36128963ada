/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes, layouts and tensor views. A view never owns its memory. */
#ifndef FERRY_TENSOR_TENSOR_H
#define FERRY_TENSOR_TENSOR_H

#include <ferry/tensor.h>
#include <stdbool.h>

#include "base/error.h"

/* How elements lie in memory. PLAIN: row-major over the logical shape. BLOCKED_c: logical shape N,C,spatial...; memory
 * order N, ceil(C/c), spatial..., c (nChw4c, nChw8c, nChw16c). Channels beyond C in the last block are zero, always: every
 * kernel that writes a blocked tensor keeps them so. The values stand in engine files: never renumber. */
typedef enum ferry_layout {
    FERRY_LAYOUT_PLAIN = 0,
    FERRY_LAYOUT_BLOCKED_4 = 4,
    FERRY_LAYOUT_BLOCKED_8 = 8,
    FERRY_LAYOUT_BLOCKED_16 = 16
} ferry_layout;

typedef struct ferry_tensor {
    ferry_dtype dtype;
    ferry_layout layout;
    ferry_shape shape; /* logical */
    void *data;        /* aligned to FERRY_ALIGNMENT unless a function says otherwise; may be NULL when unbound or empty */
} ferry_tensor;

/* Channels a block: 1 for PLAIN. */
static inline int ferry_layout_block(ferry_layout layout) { return layout == FERRY_LAYOUT_PLAIN ? 1 : (int)layout; }
const char *ferry_layout_name(ferry_layout layout); /* "plain", "c8" ... */

ferry_shape ferry_shape_make(int rank, const int64_t *dims);
bool ferry_shape_equal(const ferry_shape *a, const ferry_shape *b);
/* Product of the dimensions, 1 for a scalar. False when a dimension is negative or the product overflows int64. */
bool ferry_shape_elements(const ferry_shape *shape, int64_t *elements);
/* The same for shapes already checked. */
int64_t ferry_shape_count(const ferry_shape *shape);
/* Product of dims[first..last-1]. */
int64_t ferry_shape_product(const ferry_shape *shape, int first, int last);
/* Row-major strides in elements. */
void ferry_shape_strides(const ferry_shape *shape, int64_t strides[FERRY_MAX_RANK]);
/* NumPy broadcasting of two shapes. False when they do not fit. */
bool ferry_shape_broadcast(const ferry_shape *a, const ferry_shape *b, ferry_shape *result);
/* Strides of `shape` seen as broadcast to `target` (aligned right; 0 where repeated). `shape` must fit. */
void ferry_shape_broadcast_strides(const ferry_shape *shape, const ferry_shape *target, int64_t strides[FERRY_MAX_RANK]);
/* "1x3x640x640"; "scalar" for rank 0; a negative dimension prints as "?". Returns text. */
const char *ferry_shape_text(const ferry_shape *shape, char *text, size_t capacity);
enum { FERRY_SHAPE_TEXT = 192 };

/* Bytes that a tensor takes, padded channels of a blocked layout included, sub-byte types rounded up to a byte.
 * False on overflow or a negative dimension. */
bool ferry_tensor_bytes(ferry_dtype dtype, ferry_layout layout, const ferry_shape *shape, size_t *bytes);
/* Bytes of one element of a type whose elements are whole bytes (everything but 4- and 2-bit types). */
static inline size_t ferry_dtype_bytes(ferry_dtype dtype) { return (size_t)ferry_dtype_bits(dtype) / 8; }

bool ferry_dtype_is_float(ferry_dtype dtype); /* float64, 32, 16, bfloat16, float8*, float4 */
bool ferry_dtype_is_signed_integer(ferry_dtype dtype);
bool ferry_dtype_is_unsigned_integer(ferry_dtype dtype); /* bool not included */

/* Element access for reference code, by linear element index in plain order of a PLAIN tensor's memory. Conversions: float
 * to narrower float rounds to nearest even (float8 saturates); reading any type as double or int64 is exact where it fits. */
double ferry_load_double(ferry_dtype dtype, const void *data, int64_t index);
void ferry_store_double(ferry_dtype dtype, void *data, int64_t index, double value);
int64_t ferry_load_int64(ferry_dtype dtype, const void *data, int64_t index);        /* uint64 wraps; floats truncate */
void ferry_store_int64(ferry_dtype dtype, void *data, int64_t index, int64_t value); /* wraps as C casts do */

#endif
