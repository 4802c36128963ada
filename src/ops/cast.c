/* SPDX-License-Identifier: Apache-2.0 */
/* Cast, CastLike and BitCast: every type to every other, strings too. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/elementwise.h"
#include "tensor/half.h"

/* ---- shape rules ---- */

static ferry_status target_type(ferry_inference *inference, ferry_dtype *dtype) {
    int64_t to = ferry_attribute_integer(inference->attributes, "to", 0);
    if (to < FERRY_FLOAT32 || to > FERRY_INT2)
        return ferry_fail(inference->error, FERRY_ERROR_UNSUPPORTED, "%s: element type %lld is unknown", inference->op->name,
                          (long long)to);
    *dtype = (ferry_dtype)to;
    return FERRY_OK;
}

static ferry_status infer_cast(ferry_inference *inference, ferry_dtype to) {
    ferry_dtype from = ferry_rule_dtype(inference, 0);
    bool complex_from = from == FERRY_COMPLEX64 || from == FERRY_COMPLEX128,
         complex_to = to == FERRY_COMPLEX64 || to == FERRY_COMPLEX128;
    if ((complex_from || complex_to) && from != to && from != FERRY_DTYPE_UNDEFINED)
        return ferry_fail(inference->error, FERRY_ERROR_UNSUPPORTED, "%s: no cast from %s to %s", inference->op->name,
                          ferry_dtype_name(from), ferry_dtype_name(to));
    ferry_rule_output(inference, 0, to, ferry_rule_shape(inference, 0));
    if (to != FERRY_INT64 && to != FERRY_INT32 && to != FERRY_FLOAT32 && to != FERRY_FLOAT64) return FERRY_OK;
    int64_t count;
    const int64_t *values = ferry_rule_values(inference, 0, &count);
    return values ? ferry_rule_set_values(inference, 0, values, count) : FERRY_OK;
}

ferry_status ferry_infer_cast(ferry_inference *inference) {
    ferry_dtype to = FERRY_DTYPE_UNDEFINED;
    FERRY_TRY(target_type(inference, &to));
    return infer_cast(inference, to);
}

ferry_status ferry_infer_cast_like(ferry_inference *inference) { return infer_cast(inference, ferry_rule_dtype(inference, 1)); }

ferry_status ferry_infer_bit_cast(ferry_inference *inference) {
    ferry_dtype to = FERRY_DTYPE_UNDEFINED, from = ferry_rule_dtype(inference, 0);
    FERRY_TRY(target_type(inference, &to));
    if (from == FERRY_STRING || to == FERRY_STRING ||
        (from != FERRY_DTYPE_UNDEFINED && ferry_dtype_bits(from) != ferry_dtype_bits(to)))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "BitCast: %s and %s differ in width", ferry_dtype_name(from),
                          ferry_dtype_name(to));
    ferry_rule_output(inference, 0, to, ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

/* ---- strings ---- */

enum { NUMBER_TEXT = 40 };

/* The shortest decimal that reads back as the same number, written as NumPy does: "1.0", "nan", "-inf", "1e-07". */
static void print_real(double value, bool single, char *text) {
    if (isnan(value) || isinf(value)) {
        snprintf(text, NUMBER_TEXT, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, NUMBER_TEXT, "%.*g", digits, value);
        if (single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value) break;
    }
    if (!strpbrk(text, ".e")) strcat(text, ".0");
}

static void print_element(const ferry_tensor *in, int64_t index, char *text) {
    if (ferry_dtype_is_float(in->dtype))
        print_real(ferry_load_double(in->dtype, in->data, index), in->dtype != FERRY_FLOAT64, text);
    else if (in->dtype == FERRY_UINT64)
        snprintf(text, NUMBER_TEXT, "%" PRIu64, ((const uint64_t *)in->data)[index]);
    else
        snprintf(text, NUMBER_TEXT, "%" PRId64, ferry_load_int64(in->dtype, in->data, index));
}

static ferry_status cast_to_strings(ferry_evaluation *evaluation, const ferry_tensor *in, const ferry_tensor *out) {
    int64_t count = ferry_shape_count(&in->shape);
    char *texts = ferry_evaluation_scratch(evaluation, (size_t)count, NUMBER_TEXT);
    if (!texts) return FERRY_ERROR_OUT_OF_MEMORY;
    ferry_string *strings = out->data;
    for (int64_t i = 0; i < count; i++) {
        char *text = texts + i * NUMBER_TEXT;
        print_element(in, i, text);
        strings[i] = (ferry_string){text, strlen(text)};
    }
    return ferry_evaluation_own_strings(evaluation, out);
}

static ferry_status fail_parse(ferry_evaluation *evaluation, const ferry_string *string, ferry_dtype dtype) {
    return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "Cast: the string \"%.*s\" is not a number of type %s",
                      string->length > 64 ? 64 : (int)string->length, string->text, ferry_dtype_name(dtype));
}

static ferry_status parse_element(ferry_evaluation *evaluation, const ferry_string *string, const ferry_tensor *out,
                                  int64_t index) {
    char text[512], *end;
    if (string->length == 0 || string->length >= sizeof text) return fail_parse(evaluation, string, out->dtype);
    memcpy(text, string->text, string->length);
    text[string->length] = 0;
    if (!ferry_dtype_is_float(out->dtype)) { /* exactly where the text is a whole number */
        errno = 0;
        int64_t value =
            out->dtype == FERRY_UINT64 && text[0] != '-' ? (int64_t)strtoull(text, &end, 10) : strtoll(text, &end, 10);
        if (*end == 0 && errno == 0) {
            ferry_store_int64(out->dtype, out->data, index, value);
            return FERRY_OK;
        }
    }
    double value = strtod(text, &end);
    if (end == text || *end != 0) return fail_parse(evaluation, string, out->dtype);
    ferry_store_double(out->dtype, out->data, index, value);
    return FERRY_OK;
}

/* ---- numbers ---- */

typedef enum power_rounding { ROUND_UP, ROUND_DOWN, ROUND_NEAREST } power_rounding;

/* A power of two without sign. OCP MX 1.0, and the table of ONNX's Cast. */
static uint8_t to_power_of_two(float value, bool saturate, power_rounding rounding) {
    if (isnan(value)) return 255;
    if (isinf(value)) return saturate && value > 0 ? 254 : 255;
    if (value == 0) return saturate ? 0 : 255;
    int exponent;
    float fraction = frexpf(fabsf(value), &exponent) * 2; /* [1, 2) */
    int code = exponent - 1 + 127;
    if (rounding == ROUND_UP ? fraction > 1 : rounding == ROUND_NEAREST && fraction >= 1.5f) code++;
    if (code < 0) return saturate ? 0 : 255;
    return (uint8_t)(code > 254 ? (saturate ? 254 : 255) : code);
}

static bool is_float8(ferry_dtype dtype) {
    return (dtype >= FERRY_FLOAT8E4M3FN && dtype <= FERRY_FLOAT8E5M2FNUZ) || dtype == FERRY_FLOAT8E8M0;
}

static void cast_to_float8(ferry_evaluation *evaluation, const ferry_tensor *in, const ferry_tensor *out) {
    const ferry_attributes *attributes = evaluation->attributes;
    bool saturate = ferry_attribute_integer(attributes, "saturate", 1) != 0;
    power_rounding rounding = ferry_attribute_is(attributes, "round_mode", "down", false)      ? ROUND_DOWN
                              : ferry_attribute_is(attributes, "round_mode", "nearest", false) ? ROUND_NEAREST
                                                                                               : ROUND_UP;
    int64_t count = ferry_shape_count(&in->shape);
    for (int64_t i = 0; i < count; i++) {
        float value = (float)ferry_load_double(in->dtype, in->data, i);
        ((uint8_t *)out->data)[i] = out->dtype == FERRY_FLOAT8E8M0 ? to_power_of_two(value, saturate, rounding)
                                                                   : ferry_float_to_float8(out->dtype, value, saturate);
    }
}

/* The type that holds every element of both types: float between narrow floats, int64 between integers, else double. */
static ferry_compute cast_through(ferry_dtype from, ferry_dtype to) {
    ferry_compute first = ferry_compute_of(from), second = ferry_compute_of(to);
    if (first == FERRY_COMPUTE_FLOAT && second == FERRY_COMPUTE_FLOAT) return FERRY_COMPUTE_FLOAT;
    return ferry_dtype_is_float(from) || ferry_dtype_is_float(to) ? FERRY_COMPUTE_DOUBLE : FERRY_COMPUTE_INT64;
}

static ferry_status cast_elements(ferry_evaluation *evaluation, const ferry_tensor *in, const ferry_tensor *out) {
    if (in->dtype == out->dtype) return ferry_evaluation_copy(evaluation, 0, in);
    if (out->dtype == FERRY_STRING) return cast_to_strings(evaluation, in, out);
    if (in->dtype == FERRY_STRING) {
        for (int64_t i = 0, count = ferry_shape_count(&in->shape); i < count; i++)
            FERRY_TRY(parse_element(evaluation, &((const ferry_string *)in->data)[i], out, i));
        return FERRY_OK;
    }
    if (is_float8(out->dtype)) {
        cast_to_float8(evaluation, in, out);
        return FERRY_OK;
    }
    ferry_compute compute = cast_through(in->dtype, out->dtype);
    const void *view = ferry_compute_view(evaluation, compute, in);
    if (!view && ferry_shape_count(&in->shape) > 0) return FERRY_ERROR_OUT_OF_MEMORY;
    ferry_compute_store(compute, out, view);
    return FERRY_OK;
}

ferry_status ferry_evaluate_cast(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *out = ferry_output(evaluation, 0);
    return out ? cast_elements(evaluation, ferry_input(evaluation, 0), out) : FERRY_OK;
}

ferry_status ferry_evaluate_bit_cast(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    return ferry_evaluation_copy(evaluation, 0, ferry_input(evaluation, 0));
}
