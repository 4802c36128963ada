/* SPDX-License-Identifier: Apache-2.0 */
/* Classic machine learning, ai.onnx.ml: feature extraction, scaling, linear models and label tables. */
#include <math.h>
#include <string.h>

#include "ops/support.h"

enum { ML_NUMBERS = 1 << FERRY_FLOAT32 | 1 << FERRY_FLOAT64 | 1 << FERRY_INT64 | 1 << FERRY_INT32 };

/* ---- ArrayFeatureExtractor ---- */

ferry_status ferry_infer_array_feature_extractor(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, ML_NUMBERS | 1 << FERRY_STRING));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, 1 << FERRY_INT64));
    FERRY_TRY(ferry_rule_rank(inference, 0, 1, FERRY_MAX_RANK));
    const ferry_shape *x = ferry_rule_shape(inference, 0), *indices = ferry_rule_shape(inference, 1);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), NULL);
    if (!x || !indices) return FERRY_OK;
    ferry_shape shape = x->rank == 1 ? (ferry_shape){.rank = 2, .dims = {1}} : *x;
    shape.dims[shape.rank - 1] = ferry_rule_product(inference, indices, 0, indices->rank);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

ferry_status ferry_evaluate_array_feature_extractor(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *indices = ferry_input(evaluation, 1);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t count = ferry_shape_count(&indices->shape), columns = x->shape.dims[x->shape.rank - 1],
            rows = ferry_shape_product(&x->shape, 0, x->shape.rank - 1);
    size_t size = ferry_dtype_bytes(x->dtype);
    for (int64_t i = 0; i < count; i++) {
        int64_t column = ((const int64_t *)indices->data)[i];
        if (column < 0 || column >= columns)
            return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT,
                              "ArrayFeatureExtractor: column %lld is outside %lld", (long long)column, (long long)columns);
        for (int64_t row = 0; row < rows; row++)
            memcpy((char *)y->data + (size_t)(row * count + i) * size,
                   (const char *)x->data + (size_t)(row * columns + column) * size, size);
    }
    return ferry_evaluation_own_strings(evaluation, y);
}

/* ---- Binarizer, Scaler, Normalizer ---- */

ferry_status ferry_infer_binarizer(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, ML_NUMBERS));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

ferry_status ferry_evaluate_binarizer(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    double threshold = ferry_attribute_real(evaluation->attributes, "threshold", 0);
    int64_t count = y ? ferry_shape_count(&x->shape) : 0;
    for (int64_t i = 0; i < count; i++)
        ferry_store_int64(y->dtype, y->data, i, ferry_load_double(x->dtype, x->data, i) > threshold);
    return FERRY_OK;
}

/* A list attribute must be absent, hold one value, or one for each column. */
static ferry_status check_columns(const ferry_inference *inference, const char *name, int64_t columns) {
    int64_t count;
    ferry_attribute_reals(inference->attributes, name, &count);
    if (count <= 1 || !ferry_dims_clash(count, columns)) return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: attribute %s has %lld values for %lld columns",
                      inference->op->name, name, (long long)count, (long long)columns);
}

ferry_status ferry_infer_scaler(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, ML_NUMBERS));
    FERRY_TRY(ferry_rule_rank(inference, 0, 1, FERRY_MAX_RANK));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    int64_t columns = x ? x->dims[x->rank - 1] : FERRY_DIM_UNKNOWN;
    FERRY_TRY(check_columns(inference, "offset", columns));
    FERRY_TRY(check_columns(inference, "scale", columns));
    ferry_rule_output(inference, 0, FERRY_FLOAT32, x);
    return FERRY_OK;
}

static double column_value(const float *list, int64_t count, int64_t column, double fallback) {
    return count == 0 ? fallback : list[count == 1 ? 0 : column];
}

ferry_status ferry_evaluate_scaler(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t offsets, scales, count = ferry_shape_count(&x->shape), columns = x->shape.dims[x->shape.rank - 1];
    const float *offset = ferry_attribute_reals(evaluation->attributes, "offset", &offsets),
                *scale = ferry_attribute_reals(evaluation->attributes, "scale", &scales);
    for (int64_t i = 0; i < count; i++) {
        double value = ferry_load_double(x->dtype, x->data, i) - column_value(offset, offsets, i % columns, 0);
        ((float *)y->data)[i] = (float)(value * column_value(scale, scales, i % columns, 1));
    }
    return FERRY_OK;
}

ferry_status ferry_infer_normalizer(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, ML_NUMBERS));
    FERRY_TRY(ferry_rule_rank(inference, 0, 1, FERRY_MAX_RANK));
    ferry_rule_output(inference, 0, FERRY_FLOAT32, ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

ferry_status ferry_evaluate_normalizer(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    bool l1 = ferry_attribute_is(evaluation->attributes, "norm", "L1", false),
         l2 = ferry_attribute_is(evaluation->attributes, "norm", "L2", false);
    int64_t columns = x->shape.dims[x->shape.rank - 1], count = ferry_shape_count(&x->shape);
    const double *values;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    for (int64_t first = 0; first < count; first += columns) {
        double norm = 0;
        for (int64_t i = first; i < first + columns; i++) {
            double size = fabs(values[i]);
            norm = l2 ? norm + size * size : l1 ? norm + size : fmax(norm, size);
        }
        norm = fmax(l2 ? sqrt(norm) : norm, 1e-30);
        for (int64_t i = first; i < first + columns; i++) ((float *)y->data)[i] = (float)(values[i] / norm);
    }
    return FERRY_OK;
}

/* ---- linear models ---- */

enum { POST_NONE, POST_SOFTMAX, POST_LOGISTIC, POST_SOFTMAX_ZERO, POST_UNKNOWN };

static int read_post_transform(const ferry_attributes *attributes) {
    static const char *const names[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"};
    for (int i = 0; i < POST_UNKNOWN; i++)
        if (ferry_attribute_is(attributes, "post_transform", names[i], i == POST_NONE)) return i;
    return POST_UNKNOWN;
}

static void post_transform(int transform, double *scores, int64_t count) {
    if (transform == POST_LOGISTIC)
        for (int64_t i = 0; i < count; i++) scores[i] = 1 / (1 + exp(-scores[i]));
    if (transform != POST_SOFTMAX && transform != POST_SOFTMAX_ZERO) return;
    double largest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, scores[i]);
    for (int64_t i = 0; i < count; i++) {
        bool stays = transform == POST_SOFTMAX_ZERO && fabs(scores[i]) <= 1e-7; /* zeros stay zeros */
        sum += scores[i] = stays ? 0 : exp(scores[i] - largest);
    }
    for (int64_t i = 0; i < count && sum > 0; i++) scores[i] /= sum;
}

/* Columns of a model with `coefficients` for targets x columns. */
static ferry_status check_linear(const ferry_inference *inference, int64_t targets) {
    int64_t coefficients, intercepts;
    ferry_attribute_reals(inference->attributes, "coefficients", &coefficients);
    ferry_attribute_reals(inference->attributes, "intercepts", &intercepts);
    FERRY_TRY(ferry_rule_dtypes(inference, 0, ML_NUMBERS));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, 2));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    bool fits = targets > 0 && coefficients > 0 && coefficients % targets == 0 && (intercepts == 0 || intercepts == targets);
    if (fits && x) fits = !ferry_dims_clash(x->dims[1], coefficients / targets);
    if (fits && read_post_transform(inference->attributes) != POST_UNKNOWN) return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                      "%s: %lld coefficients and %lld intercepts for %lld targets do not fit, or post_transform is not known",
                      inference->op->name, (long long)coefficients, (long long)intercepts, (long long)targets);
}

/* scores[t] = coefficients[t] . row + intercepts[t] */
static void linear_scores(const ferry_attributes *attributes, const double *row, int64_t columns, int64_t targets,
                          double *scores) {
    int64_t count, intercept_count;
    const float *coefficients = ferry_attribute_reals(attributes, "coefficients", &count),
                *intercepts = ferry_attribute_reals(attributes, "intercepts", &intercept_count);
    for (int64_t t = 0; t < targets; t++) {
        scores[t] = intercepts ? intercepts[t] : 0;
        for (int64_t i = 0; i < columns; i++) scores[t] += coefficients[t * columns + i] * row[i];
    }
}

ferry_status ferry_infer_linear_regressor(ferry_inference *inference) {
    int64_t targets = ferry_attribute_integer(inference->attributes, "targets", 1);
    FERRY_TRY(check_linear(inference, targets));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_shape shape = {.rank = 2, .dims = {x ? x->dims[0] : ferry_rule_fresh(inference), targets}};
    ferry_rule_output(inference, 0, FERRY_FLOAT32, &shape);
    return FERRY_OK;
}

ferry_status ferry_evaluate_linear_regressor(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t targets = y->shape.dims[1], columns = x->shape.dims[1];
    const double *values;
    double *scores;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    FERRY_SCRATCH(scores, evaluation, targets);
    for (int64_t row = 0; row < x->shape.dims[0]; row++) {
        linear_scores(evaluation->attributes, values + row * columns, columns, targets, scores);
        post_transform(read_post_transform(evaluation->attributes), scores, targets);
        for (int64_t t = 0; t < targets; t++) ((float *)y->data)[row * targets + t] = (float)scores[t];
    }
    return FERRY_OK;
}

/* Names of classes: integers or strings, and how many. */
static int64_t class_labels(const ferry_attributes *attributes, const int64_t **integers, const ferry_string **strings) {
    int64_t count;
    *integers = ferry_attribute_integers(attributes, "classlabels_ints", &count);
    const ferry_attribute *names = ferry_attribute_find(attributes, "classlabels_strings");
    *strings = !*integers && names ? names->value.strings : NULL;
    return *strings ? names->count : count;
}

/* Rows of coefficients: one a class, or a single one for two classes. */
static int64_t coefficient_rows(const ferry_attributes *attributes, int64_t classes) {
    int64_t intercepts;
    ferry_attribute_reals(attributes, "intercepts", &intercepts);
    return intercepts > 0 ? intercepts : classes;
}

ferry_status ferry_infer_linear_classifier(ferry_inference *inference) {
    const int64_t *integers;
    const ferry_string *strings;
    int64_t classes = class_labels(inference->attributes, &integers, &strings),
            rows = coefficient_rows(inference->attributes, classes);
    FERRY_TRY(check_linear(inference, rows));
    if (classes < 1 || (rows != classes && !(rows == 1 && classes == 2)))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "LinearClassifier: %lld classes and %lld rows of coefficients",
                          (long long)classes, (long long)rows);
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    int64_t count = x ? x->dims[0] : ferry_rule_fresh(inference);
    ferry_rule_output(inference, 0, strings ? FERRY_STRING : FERRY_INT64, &(ferry_shape){.rank = 1, .dims = {count}});
    ferry_rule_output(inference, 1, FERRY_FLOAT32, &(ferry_shape){.rank = 2, .dims = {count, classes}});
    return FERRY_OK;
}

ferry_status ferry_evaluate_linear_classifier(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *labels = ferry_output(evaluation, 0), *y = ferry_output(evaluation, 1);
    const int64_t *integers;
    const ferry_string *strings;
    int64_t classes = class_labels(evaluation->attributes, &integers, &strings),
            rows = coefficient_rows(evaluation->attributes, classes), columns = x->shape.dims[1];
    int transform = read_post_transform(evaluation->attributes);
    const double *values;
    double *scores;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    FERRY_SCRATCH(scores, evaluation, classes);
    for (int64_t n = 0; n < x->shape.dims[0]; n++) {
        linear_scores(evaluation->attributes, values + n * columns, columns, rows, scores);
        if (rows == 1 && classes == 2) scores[1] = scores[0], scores[0] = -scores[1];
        post_transform(transform, scores, classes);
        int64_t best = 0;
        for (int64_t c = 1; c < classes; c++)
            if (scores[c] > scores[best]) best = c;
        for (int64_t c = 0; y && c < classes; c++) ((float *)y->data)[n * classes + c] = (float)scores[c];
        if (labels && strings) ((ferry_string *)labels->data)[n] = strings[best];
        if (labels && !strings) ((int64_t *)labels->data)[n] = integers ? integers[best] : best;
    }
    return labels ? ferry_evaluation_own_strings(evaluation, labels) : FERRY_OK;
}

/* ---- LabelEncoder ---- */

/* A column of a table: keys or values. */
typedef struct label_list {
    ferry_dtype dtype;
    int64_t count;
    const void *data;
} label_list;

static label_list find_list(const ferry_attributes *attributes, const char *tensor, const char *floats, const char *integers,
                            const char *strings) {
    const ferry_tensor *given = ferry_attribute_tensor(attributes, tensor);
    const ferry_attribute *names = ferry_attribute_find(attributes, strings);
    label_list list = {FERRY_FLOAT32, 0, NULL};
    if (given) return (label_list){given->dtype, ferry_shape_count(&given->shape), given->data};
    if (names) return (label_list){FERRY_STRING, names->count, names->value.strings};
    list.data = ferry_attribute_reals(attributes, floats, &list.count);
    if (list.data) return list;
    list.data = ferry_attribute_integers(attributes, integers, &list.count);
    list.dtype = FERRY_INT64;
    return list;
}

static label_list keys_of(const ferry_attributes *attributes) {
    return find_list(attributes, "keys_tensor", "keys_floats", "keys_int64s", "keys_strings");
}
static label_list values_of(const ferry_attributes *attributes) {
    return find_list(attributes, "values_tensor", "values_floats", "values_int64s", "values_strings");
}

ferry_status ferry_infer_label_encoder(ferry_inference *inference) {
    label_list keys = keys_of(inference->attributes), values = values_of(inference->attributes);
    if (!keys.data || !values.data || keys.count != values.count || ferry_dtype_bits(keys.dtype) < 8 ||
        ferry_dtype_bits(values.dtype) < 8)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "LabelEncoder: %lld keys and %lld values", (long long)keys.count,
                          (long long)values.count);
    const ferry_tensor *fallback = ferry_attribute_tensor(inference->attributes, "default_tensor");
    if (fallback && (fallback->dtype != values.dtype || ferry_shape_count(&fallback->shape) < 1))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "LabelEncoder: default_tensor does not have the values' type");
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPE_BIT(keys.dtype)));
    ferry_rule_output(inference, 0, values.dtype, ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

/* NaN is a key like any other. */
static bool same_key(ferry_dtype dtype, const void *a, int64_t i, const void *b, int64_t j) {
    if (dtype == FERRY_STRING) {
        ferry_string left = ((const ferry_string *)a)[i], right = ((const ferry_string *)b)[j];
        return left.length == right.length && (left.length == 0 || memcmp(left.text, right.text, left.length) == 0);
    }
    if (!ferry_dtype_is_float(dtype)) return ferry_load_int64(dtype, a, i) == ferry_load_int64(dtype, b, j);
    double left = ferry_load_double(dtype, a, i), right = ferry_load_double(dtype, b, j);
    return left == right || (isnan(left) && isnan(right));
}

static void store_default(const ferry_attributes *attributes, ferry_tensor *y, int64_t index) {
    const ferry_tensor *fallback = ferry_attribute_tensor(attributes, "default_tensor");
    const ferry_attribute *text = ferry_attribute_find(attributes, "default_string");
    if (y->dtype == FERRY_STRING)
        ((ferry_string *)y->data)[index] = fallback ? *(const ferry_string *)fallback->data
                                           : text   ? text->value.string
                                                    : (ferry_string){"_Unused", 7};
    else if (fallback)
        ferry_store_double(y->dtype, y->data, index, ferry_load_double(fallback->dtype, fallback->data, 0));
    else if (ferry_dtype_is_float(y->dtype))
        ferry_store_double(y->dtype, y->data, index, ferry_attribute_real(attributes, "default_float", -0.0f));
    else
        ferry_store_int64(y->dtype, y->data, index, ferry_attribute_integer(attributes, "default_int64", -1));
}

ferry_status ferry_evaluate_label_encoder(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    label_list keys = keys_of(evaluation->attributes), values = values_of(evaluation->attributes);
    int64_t count = ferry_shape_count(&x->shape);
    size_t size = ferry_dtype_bytes(values.dtype);
    for (int64_t i = 0; i < count; i++) {
        int64_t k = 0;
        while (k < keys.count && !same_key(keys.dtype, keys.data, k, x->data, i)) k++;
        if (k < keys.count)
            memcpy((char *)y->data + (size_t)i * size, (const char *)values.data + (size_t)k * size, size);
        else
            store_default(evaluation->attributes, y, i);
    }
    return ferry_evaluation_own_strings(evaluation, y);
}
