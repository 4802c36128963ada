/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy's .npy files (format 1.0 to 3.0, numpy/lib/format.py), read and written without Python. */
#ifndef FERRY_CLI_NPY_H
#define FERRY_CLI_NPY_H

#include <stdbool.h>
#include <stddef.h>

#include <ferry/engine.h>

/* An array in memory of its own, row-major, in the machine's byte order. */
typedef struct ferry_npy {
    ferry_tensor_view view;
    size_t bytes;
} ferry_npy;

/* Reads a file. Arrays in Fortran order and in foreign byte order are converted. Types without an equal in ferry_dtype
 * (strings, objects, dates) are refused. Nothing in the header is believed before it fits the file's size. */
ferry_status ferry_npy_read(const char *path, ferry_npy *array, ferry_error *error);
/* The same from memory; name is for messages. */
ferry_status ferry_npy_parse(const void *data, size_t bytes, const char *name, ferry_npy *array, ferry_error *error);
void ferry_npy_free(ferry_npy *array); /* takes a zeroed one */

/* Writes a view atomically. NumPy has no bfloat16, float8 or 4-bit types: bfloat16 is written as float32, which holds each
 * value exactly; the others are refused, as are strings. */
ferry_status ferry_npy_write(const char *path, const ferry_tensor_view *view, ferry_error *error);

/* Bytes of a view's elements; false when the shape is not fixed, the type has no whole bytes, or the product overflows. */
bool ferry_npy_view_bytes(const ferry_tensor_view *view, size_t *bytes);

#endif
