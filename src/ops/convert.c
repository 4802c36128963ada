/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors converted to and from the types that evaluations compute in. The common element types have loops of their own; the
 * rest goes through tensor/access.c, whose results these loops give too. */
#include "ops/rules.h"
#include "tensor/half.h"

#define EACH(expression)                                                                                                       \
    for (int64_t i = 0; i < count; i++) values[i] = expression;                                                                \
    return
#define AS(source) ((const source *)data)[i]

static void read_integers(ferry_dtype dtype, const void *data, int64_t count, int64_t *values) {
    switch (dtype) {
    case FERRY_BOOL: EACH(AS(uint8_t) != 0);
    case FERRY_UINT8: EACH(AS(uint8_t));
    case FERRY_INT8: EACH(AS(int8_t));
    case FERRY_UINT16: EACH(AS(uint16_t));
    case FERRY_INT16: EACH(AS(int16_t));
    case FERRY_UINT32: EACH(AS(uint32_t));
    case FERRY_INT32: EACH(AS(int32_t));
    default: EACH(ferry_load_int64(dtype, data, i));
    }
}

#define DEFINE_READ(name, type)                                                                                                \
    static void name(ferry_dtype dtype, const void *data, int64_t count, type *values) {                                       \
        switch (dtype) {                                                                                                       \
        case FERRY_FLOAT32: EACH((type)AS(float));                                                                             \
        case FERRY_FLOAT64: EACH((type)AS(double));                                                                            \
        case FERRY_FLOAT16: EACH(ferry_half_to_float(AS(uint16_t)));                                                           \
        case FERRY_BFLOAT16: EACH(ferry_bfloat16_to_float(AS(uint16_t)));                                                      \
        case FERRY_UINT8: EACH((type)AS(uint8_t));                                                                             \
        case FERRY_INT8: EACH((type)AS(int8_t));                                                                               \
        case FERRY_INT32: EACH((type)AS(int32_t));                                                                             \
        case FERRY_INT64: EACH((type)AS(int64_t));                                                                             \
        default: EACH((type)ferry_load_double(dtype, data, i));                                                                \
        }                                                                                                                      \
    }
DEFINE_READ(read_floats, float)
DEFINE_READ(read_doubles, double)

#define PUT(target, expression)                                                                                                \
    for (int64_t i = 0; i < count; i++) ((target *)data)[i] = (target)(expression);                                            \
    return
#define PUT_OTHER(store)                                                                                                       \
    for (int64_t i = 0; i < count; i++) store(dtype, data, i, values[i]);                                                      \
    return

static void write_integers(ferry_dtype dtype, void *data, int64_t count, const int64_t *values) {
    switch (dtype) {
    case FERRY_BOOL: PUT(uint8_t, values[i] != 0);
    case FERRY_UINT8: PUT(uint8_t, values[i]);
    case FERRY_INT8: PUT(int8_t, values[i]);
    case FERRY_UINT16: PUT(uint16_t, values[i]);
    case FERRY_INT16: PUT(int16_t, values[i]);
    case FERRY_UINT32: PUT(uint32_t, values[i]);
    case FERRY_INT32: PUT(int32_t, values[i]);
    default: PUT_OTHER(ferry_store_int64);
    }
}

/* Floats become integers through ferry_store_double, which knows what to do with those out of range. */
#define DEFINE_WRITE(name, type)                                                                                               \
    static void name(ferry_dtype dtype, void *data, int64_t count, const type *values) {                                       \
        switch (dtype) {                                                                                                       \
        case FERRY_FLOAT32: PUT(float, values[i]);                                                                             \
        case FERRY_FLOAT64: PUT(double, values[i]);                                                                            \
        case FERRY_FLOAT16: PUT(uint16_t, ferry_float_to_half((float)values[i]));                                              \
        case FERRY_BFLOAT16: PUT(uint16_t, ferry_float_to_bfloat16((float)values[i]));                                         \
        case FERRY_BOOL: PUT(uint8_t, values[i] != 0);                                                                         \
        default: PUT_OTHER(ferry_store_double);                                                                                \
        }                                                                                                                      \
    }
DEFINE_WRITE(write_floats, float)
DEFINE_WRITE(write_doubles, double)

#define DEFINE_VIEWS(type, exact, name, read, output_name, store_name, write)                                                  \
    const type *name(ferry_evaluation *evaluation, const ferry_tensor *tensor) {                                               \
        if (tensor->dtype == exact) return tensor->data;                                                                       \
        int64_t count = ferry_shape_count(&tensor->shape);                                                                     \
        type *values = ferry_evaluation_scratch(evaluation, (size_t)count, sizeof *values);                                    \
        if (values) read(tensor->dtype, tensor->data, count, values);                                                          \
        return values;                                                                                                         \
    }                                                                                                                          \
    type *output_name(ferry_evaluation *evaluation, const ferry_tensor *tensor) {                                              \
        if (tensor->dtype == exact) return tensor->data;                                                                       \
        return ferry_evaluation_scratch(evaluation, (size_t)ferry_shape_count(&tensor->shape), sizeof(type));                  \
    }                                                                                                                          \
    void store_name(const ferry_tensor *tensor, const type *values) {                                                          \
        if (values != tensor->data) write(tensor->dtype, tensor->data, ferry_shape_count(&tensor->shape), values);             \
    }

DEFINE_VIEWS(float, FERRY_FLOAT32, ferry_evaluation_floats, read_floats, ferry_evaluation_float_output, ferry_store_floats,
             write_floats)
DEFINE_VIEWS(double, FERRY_FLOAT64, ferry_evaluation_doubles, read_doubles, ferry_evaluation_double_output, ferry_store_doubles,
             write_doubles)
DEFINE_VIEWS(int64_t, FERRY_INT64, ferry_evaluation_integers, read_integers, ferry_evaluation_integer_output,
             ferry_store_integers, write_integers)
