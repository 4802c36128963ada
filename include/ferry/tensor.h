/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors: element types, shapes, and views of memory that somebody else owns. */
#ifndef FERRY_TENSOR_H
#define FERRY_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include <ferry/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Element types. The values equal ONNX's TensorProto.DataType. */
typedef enum ferry_dtype {
    FERRY_DTYPE_UNDEFINED = 0,
    FERRY_FLOAT32 = 1,
    FERRY_UINT8 = 2,
    FERRY_INT8 = 3,
    FERRY_UINT16 = 4,
    FERRY_INT16 = 5,
    FERRY_INT32 = 6,
    FERRY_INT64 = 7,
    FERRY_STRING = 8, /* elements are ferry_string */
    FERRY_BOOL = 9,   /* one byte, 0 or 1 */
    FERRY_FLOAT16 = 10,
    FERRY_FLOAT64 = 11,
    FERRY_UINT32 = 12,
    FERRY_UINT64 = 13,
    FERRY_COMPLEX64 = 14,
    FERRY_COMPLEX128 = 15,
    FERRY_BFLOAT16 = 16,
    FERRY_FLOAT8E4M3FN = 17,
    FERRY_FLOAT8E4M3FNUZ = 18,
    FERRY_FLOAT8E5M2 = 19,
    FERRY_FLOAT8E5M2FNUZ = 20,
    FERRY_UINT4 = 21, /* 4- and 2-bit elements are packed, first element in the low bits, the last byte padded */
    FERRY_INT4 = 22,
    FERRY_FLOAT4E2M1 = 23,
    FERRY_FLOAT8E8M0 = 24,
    FERRY_UINT2 = 25,
    FERRY_INT2 = 26
} ferry_dtype;

#define FERRY_MAX_RANK 8

/* rank 0 is a scalar of one element; a dimension of 0 makes an empty tensor. A negative dimension stands for one that is
 * not known yet, where a function says that it may. */
typedef struct ferry_shape {
    int32_t rank;
    int64_t dims[FERRY_MAX_RANK];
} ferry_shape;

typedef struct ferry_string {
    const char *text; /* not terminated; owned with the tensor */
    size_t length;
} ferry_string;

/* "float32", "int8" ...; "undefined" for anything else. */
FERRY_API const char *ferry_dtype_name(ferry_dtype dtype);
/* Bits an element: 32, 8, 4 ...; 0 for unknown types; sizeof(ferry_string)*8 for strings. */
FERRY_API int ferry_dtype_bits(ferry_dtype dtype);

#ifdef __cplusplus
}
#endif
#endif
