/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that make tensors from parameters: Constant, ConstantOfShape, Range, EyeLike, OneHot. */
#include <math.h>
#include <string.h>

#include "ops/movement.h"

static void fill(const ferry_elements *target, const unsigned char *element) {
    for (int64_t i = 0; i < target->count; i++) memcpy(target->data + (size_t)i * target->size, element, target->size);
}

/* ---- Constant: exactly one attribute holds the value ---- */

/* The attribute as a tensor view; single numbers and lists need *copy to point into. */
static bool constant_view(const ferry_attributes *attributes, ferry_tensor *view) {
    const ferry_attribute *a = attributes && attributes->count == 1 ? &attributes->items[0] : NULL;
    if (!a) return false;
    *view = (ferry_tensor){.shape = {.rank = 1, .dims = {a->count}}};
    switch (a->type) {
    case FERRY_ATTRIBUTE_TENSOR: *view = *a->value.tensor; return true;
    case FERRY_ATTRIBUTE_INTS: view->dtype = FERRY_INT64, view->data = (void *)(uintptr_t)a->value.integers; return true;
    case FERRY_ATTRIBUTE_FLOATS: view->dtype = FERRY_FLOAT32, view->data = (void *)(uintptr_t)a->value.reals; return true;
    case FERRY_ATTRIBUTE_STRINGS: view->dtype = FERRY_STRING, view->data = (void *)(uintptr_t)a->value.strings; return true;
    default: break;
    }
    view->shape.rank = 0;
    view->data = (void *)(uintptr_t)&a->value;
    view->dtype = a->type == FERRY_ATTRIBUTE_INT     ? FERRY_INT64
                  : a->type == FERRY_ATTRIBUTE_FLOAT ? FERRY_FLOAT32
                                                     : FERRY_STRING;
    return a->type != FERRY_ATTRIBUTE_GRAPH;
}

ferry_status ferry_infer_constant(ferry_inference *inference) {
    ferry_tensor view;
    if (!constant_view(inference->attributes, &view))
        return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT,
                          "Constant: exactly one attribute must hold the value");
    ferry_rule_output(inference, 0, view.dtype, &view.shape);
    if (inference->output_count > 0) inference->outputs[0].data = view.data;
    return FERRY_OK;
}

ferry_status ferry_evaluate_constant(ferry_evaluation *evaluation) {
    ferry_tensor view;
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    return constant_view(evaluation->attributes, &view) ? ferry_evaluation_copy(evaluation, 0, &view)
                                                        : FERRY_ERROR_INVALID_ARGUMENT;
}

/* ---- ConstantOfShape ---- */

ferry_status ferry_infer_constant_of_shape(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_rank(inference, 0, 1, 1));
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPE_BIT(FERRY_INT64)));
    const ferry_tensor *value = ferry_attribute_tensor(inference->attributes, "value");
    if (value && ferry_shape_count(&value->shape) != 1)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "ConstantOfShape: the value must have one element");
    ferry_dtype dtype = value ? value->dtype : FERRY_FLOAT32;
    const ferry_shape *list = ferry_rule_shape(inference, 0);
    int64_t count;
    const int64_t *dims = ferry_rule_values(inference, 0, &count);
    ferry_rule_output(inference, 0, dtype, NULL);
    int64_t rank = list ? list->dims[0] : FERRY_DIM_UNKNOWN;
    if (!ferry_dim_known(rank)) return FERRY_OK;
    if (rank > FERRY_MAX_RANK)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "ConstantOfShape: rank %lld is beyond the limit of %d",
                          (long long)rank, FERRY_MAX_RANK);
    ferry_rule_output_rank(inference, 0, dtype, (int)rank);
    if (!dims) return FERRY_OK;
    ferry_shape shape = ferry_shape_make((int)rank, dims);
    ferry_rule_output(inference, 0, dtype, &shape);
    bool small = rank == 0 || (rank == 1 && ferry_dim_known(dims[0]) && dims[0] >= 0 && dims[0] <= FERRY_MAX_RANK);
    if (!small || (dtype != FERRY_INT64 && dtype != FERRY_INT32)) return FERRY_OK;
    int64_t values[FERRY_MAX_RANK];
    for (int i = 0; i < FERRY_MAX_RANK; i++) values[i] = ferry_load_int64(dtype, value->data, 0);
    return ferry_rule_set_values(inference, 0, values, rank == 0 ? 1 : dims[0]);
}

ferry_status ferry_evaluate_constant_of_shape(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *out = ferry_output(evaluation, 0), *value = ferry_attribute_tensor(evaluation->attributes, "value");
    if (!out) return FERRY_OK;
    ferry_elements to, element;
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    static const float zero = 0;
    element.data = (unsigned char *)(uintptr_t)&zero;
    if (value) FERRY_TRY(ferry_elements_of(evaluation, value, &element));
    fill(&to, element.data);
    return ferry_elements_store(evaluation, out, &to);
}

/* ---- Range ---- */

static bool is_real(ferry_dtype dtype) { return ferry_dtype_is_float(dtype); }

/* The count from contents; UNKNOWN where they are not known. A count beyond int64 is an error. */
static ferry_status range_count(ferry_inference *inference, ferry_dtype dtype, int64_t *count) {
    *count = FERRY_DIM_UNKNOWN;
    double start, limit, delta;
    if (is_real(dtype)) {
        if (!ferry_rule_scalar(inference, 0, &start) || !ferry_rule_scalar(inference, 1, &limit) ||
            !ferry_rule_scalar(inference, 2, &delta))
            return FERRY_OK;
        double steps = ceil((limit - start) / delta);
        if (delta == 0 || isnan(steps) || steps > 0x1p62)
            return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "Range: from %g to %g by %g has no end", start,
                              limit, delta);
        *count = steps > 0 ? (int64_t)steps : 0;
        return FERRY_OK;
    }
    int64_t known[3];
    const int64_t *values[3];
    for (int i = 0; i < 3; i++)
        if (!(values[i] = ferry_rule_values(inference, i, &known[i])) || known[i] < 1) return FERRY_OK;
    if (values[2][0] == 0) return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "Range: delta is 0");
    int64_t distance = ferry_dim_subtract(inference->symbols, values[1][0], values[0][0]);
    *count = ferry_dim_maximum(inference->symbols, ferry_dim_ceil_divide(inference->symbols, distance, values[2][0]), 0);
    if (!ferry_dim_known(*count) || *count > FERRY_MAX_RANK * FERRY_MAX_RANK) return FERRY_OK;
    int64_t list[FERRY_MAX_RANK * FERRY_MAX_RANK];
    for (int64_t i = 0; i < *count; i++)
        list[i] = ferry_dim_add(inference->symbols, values[0][0], ferry_dim_multiply(inference->symbols, values[2][0], i));
    return ferry_rule_set_values(inference, 0, list, *count);
}

ferry_status ferry_infer_range(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 2, FERRY_DTYPES_NUMBER, &dtype));
    for (int i = 0; i < 3; i++) {
        const ferry_shape *scalar = ferry_rule_shape(inference, i);
        bool one =
            !scalar || scalar->rank == 0 || (scalar->rank == 1 && (scalar->dims[0] == 1 || !ferry_dim_known(scalar->dims[0])));
        if (!one) return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Range: input %d must be a scalar", i);
    }
    ferry_shape shape = {.rank = 1};
    ferry_rule_output(inference, 0, dtype, &shape);
    int64_t count = FERRY_DIM_UNKNOWN;
    FERRY_TRY(range_count(inference, dtype, &count));
    if (inference->output_count > 0) inference->outputs[0].shape.dims[0] = count;
    return FERRY_OK;
}

ferry_status ferry_evaluate_range(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *start = ferry_input(evaluation, 0), *delta = ferry_input(evaluation, 2),
                       *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int64_t count = out->shape.dims[0];
    if (is_real(out->dtype)) {
        double from = ferry_load_double(start->dtype, start->data, 0), by = ferry_load_double(delta->dtype, delta->data, 0);
        for (int64_t i = 0; i < count; i++) ferry_store_double(out->dtype, out->data, i, from + (double)i * by);
    } else {
        uint64_t from = (uint64_t)ferry_load_int64(start->dtype, start->data, 0),
                 by = (uint64_t)ferry_load_int64(delta->dtype, delta->data, 0);
        for (int64_t i = 0; i < count; i++) ferry_store_int64(out->dtype, out->data, i, (int64_t)(from + (uint64_t)i * by));
    }
    return FERRY_OK;
}

/* ---- EyeLike ---- */

ferry_status ferry_infer_eye_like(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, 2));
    int64_t dtype = ferry_attribute_integer(inference->attributes, "dtype", ferry_rule_dtype(inference, 0));
    if (dtype < 0 || dtype > FERRY_INT2 || !((FERRY_DTYPES_NUMBER | FERRY_DTYPES_BOOL | 1u) & FERRY_DTYPE_BIT(dtype)))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "EyeLike: type %lld is not a number", (long long)dtype);
    ferry_rule_output(inference, 0, (ferry_dtype)dtype, ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

ferry_status ferry_evaluate_eye_like(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int64_t rows = out->shape.dims[0], columns = out->shape.dims[1],
            k = ferry_attribute_integer(evaluation->attributes, "k", 0);
    memset(out->data, 0, (size_t)(rows * columns) * ferry_dtype_bytes(out->dtype));
    for (int64_t r = 0; r < rows && k < columns && k > -rows; r++)
        if (r + k >= 0 && r + k < columns) ferry_store_int64(out->dtype, out->data, r * columns + r + k, 1);
    return FERRY_OK;
}

/* ---- OneHot ---- */

static ferry_status one_hot_axis(const ferry_inference *inference, int rank, int *axis) {
    return ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", -1), rank + 1, axis);
}

ferry_status ferry_infer_one_hot(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_NUMBER));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_NUMBER));
    FERRY_TRY(ferry_rule_rank(inference, 2, 1, 1));
    FERRY_TRY(ferry_rule_rank(inference, 0, 0, FERRY_MAX_RANK - 1));
    const ferry_shape *indices = ferry_rule_shape(inference, 0), *pair = ferry_rule_shape(inference, 2),
                      *depth = ferry_rule_shape(inference, 1);
    int64_t two;
    if (pair) FERRY_TRY(ferry_rule_same_dim(inference, pair->dims[0], 2, "the count of values and 2", &two));
    if (depth && !(depth->rank == 0 || (depth->rank == 1 && (depth->dims[0] == 1 || !ferry_dim_known(depth->dims[0])))))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "OneHot: depth must be a scalar");
    ferry_dtype dtype = ferry_rule_dtype(inference, 2);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!indices) return FERRY_OK;
    int axis = 0;
    int64_t count;
    FERRY_TRY(one_hot_axis(inference, indices->rank, &axis));
    const int64_t *value = ferry_rule_values(inference, 1, &count);
    double number;
    ferry_shape shape = {.rank = indices->rank + 1};
    for (int i = 0, from = 0; i < shape.rank; i++) shape.dims[i] = i == axis ? FERRY_DIM_UNKNOWN : indices->dims[from++];
    if (value && count >= 1)
        shape.dims[axis] = value[0];
    else if (ferry_rule_scalar(inference, 1, &number) && number >= 0 && number < 0x1p62)
        shape.dims[axis] = (int64_t)number;
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

ferry_status ferry_evaluate_one_hot(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *indices = ferry_input(evaluation, 0), *values = ferry_input(evaluation, 2),
                       *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", -1);
    if (axis < 0) axis += out->shape.rank;
    ferry_elements to, pair;
    FERRY_TRY(ferry_elements_of(evaluation, values, &pair));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    fill(&to, pair.data); /* off */
    int64_t depth = out->shape.dims[axis], inner = ferry_shape_product(&out->shape, (int)axis + 1, out->shape.rank);
    int64_t count = ferry_shape_count(&indices->shape);
    for (int64_t i = 0; i < count && depth > 0; i++) {
        int64_t index = ferry_load_int64(indices->dtype, indices->data, i);
        if (index < -depth || index >= depth) continue; /* ONNX: all off */
        if (index < 0) index += depth;
        int64_t place = (i / inner * depth + index) * inner + i % inner;
        memcpy(to.data + (size_t)place * to.size, pair.data + pair.size, to.size);
    }
    return ferry_elements_store(evaluation, out, &to);
}
