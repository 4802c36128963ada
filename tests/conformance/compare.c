/* SPDX-License-Identifier: Apache-2.0 */
#include "compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool close_enough(double actual, double expected, const tolerance *limit) {
    if (isnan(expected)) return isnan(actual);
    if (isinf(expected) || isinf(actual)) return actual == expected;
    return fabs(actual - expected) <= limit->absolute + limit->relative * fabs(expected);
}

static bool floats_agree(const ferry_tensor *actual, const ferry_tensor *expected, int64_t count, const tolerance *limit,
                         char *why, size_t capacity) {
    int64_t wrong = 0, first = -1;
    ferry_dtype dtype = expected->dtype;
    if (dtype == FERRY_COMPLEX64 || dtype == FERRY_COMPLEX128) {
        dtype = dtype == FERRY_COMPLEX64 ? FERRY_FLOAT32 : FERRY_FLOAT64;
        count *= 2;
    }
    for (int64_t i = 0; i < count; i++)
        if (!close_enough(ferry_load_double(dtype, actual->data, i), ferry_load_double(dtype, expected->data, i), limit)) {
            if (first < 0) first = i;
            wrong++;
        }
    if (!wrong) return true;
    snprintf(why, capacity, "%lld of %lld elements differ; [%lld] is %.9g, expected %.9g", (long long)wrong, (long long)count,
             (long long)first, ferry_load_double(dtype, actual->data, first), ferry_load_double(dtype, expected->data, first));
    return false;
}

static bool strings_agree(const ferry_tensor *actual, const ferry_tensor *expected, int64_t count, char *why, size_t capacity) {
    const ferry_string *a = actual->data, *b = expected->data;
    for (int64_t i = 0; i < count; i++)
        if (a[i].length != b[i].length || memcmp(a[i].text, b[i].text, a[i].length) != 0) {
            snprintf(why, capacity, "string [%lld] is '%.*s', expected '%.*s'", (long long)i, (int)a[i].length, a[i].text,
                     (int)b[i].length, b[i].text);
            return false;
        }
    return true;
}

static bool integers_agree(const ferry_tensor *actual, const ferry_tensor *expected, int64_t count, char *why,
                           size_t capacity) {
    int64_t wrong = 0, first = -1;
    for (int64_t i = 0; i < count; i++)
        if (ferry_load_int64(expected->dtype, actual->data, i) != ferry_load_int64(expected->dtype, expected->data, i)) {
            if (first < 0) first = i;
            wrong++;
        }
    if (!wrong) return true;
    snprintf(why, capacity, "%lld of %lld elements differ; [%lld] is %lld, expected %lld", (long long)wrong, (long long)count,
             (long long)first, (long long)ferry_load_int64(expected->dtype, actual->data, first),
             (long long)ferry_load_int64(expected->dtype, expected->data, first));
    return false;
}

static bool tensors_agree(const ferry_tensor *actual, const ferry_tensor *expected, const tolerance *limit, char *why,
                          size_t capacity) {
    char a[FERRY_SHAPE_TEXT], b[FERRY_SHAPE_TEXT];
    int64_t count = ferry_shape_count(&expected->shape);
    if (actual->dtype != expected->dtype) {
        snprintf(why, capacity, "element type is %s, expected %s", ferry_dtype_name(actual->dtype),
                 ferry_dtype_name(expected->dtype));
        return false;
    }
    if (!ferry_shape_equal(&actual->shape, &expected->shape)) {
        snprintf(why, capacity, "shape is %s, expected %s", ferry_shape_text(&actual->shape, a, sizeof a),
                 ferry_shape_text(&expected->shape, b, sizeof b));
        return false;
    }
    if (count == 0) return true;
    if (!actual->data) {
        snprintf(why, capacity, "there is no data");
        return false;
    }
    if (expected->dtype == FERRY_STRING) return strings_agree(actual, expected, count, why, capacity);
    if (ferry_dtype_is_float(expected->dtype) || expected->dtype == FERRY_COMPLEX64 || expected->dtype == FERRY_COMPLEX128)
        return floats_agree(actual, expected, count, limit, why, capacity);
    return integers_agree(actual, expected, count, why, capacity);
}

bool values_agree(const ferry_value *actual, const ferry_value *expected, const tolerance *limit, char *why, size_t capacity) {
    static const char *const kinds[] = {"a tensor", "a sequence", "an optional"};
    if (actual->kind != expected->kind) {
        snprintf(why, capacity, "the value is %s, expected %s", kinds[actual->kind], kinds[expected->kind]);
        return false;
    }
    if (expected->kind == FERRY_VALUE_TENSOR) return tensors_agree(&actual->tensor, &expected->tensor, limit, why, capacity);
    if (actual->count != expected->count) {
        snprintf(why, capacity, "%s of %lld items, expected %lld", kinds[actual->kind], (long long)actual->count,
                 (long long)expected->count);
        return false;
    }
    for (int64_t i = 0; i < expected->count; i++)
        if (!values_agree(&actual->items[i], &expected->items[i], limit, why, capacity)) return false;
    return true;
}
