/* SPDX-License-Identifier: Apache-2.0 */
/* What shape rules share: checks of types, axes and ranks, broadcasting, known contents. */
#include "ops/rules.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_VALUES = 4096 };

/* ---- element types ---- */

static ferry_status fail_dtype(const ferry_inference *inference, int index, unsigned set) {
    char list[256] = "";
    size_t used = 0;
    for (int dtype = FERRY_FLOAT32; dtype <= FERRY_INT2 && used < sizeof list; dtype++) {
        if (!(set & FERRY_DTYPE_BIT(dtype))) continue;
        int written = snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", ferry_dtype_name((ferry_dtype)dtype));
        used += written > 0 ? (size_t)written : 0;
    }
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: input %d has type %s, expected one of %s", inference->op->name,
                      index, ferry_dtype_name(inference->inputs[index]->dtype), list);
}

ferry_status ferry_rule_dtypes(const ferry_inference *inference, int index, unsigned set) {
    ferry_dtype dtype = ferry_rule_dtype(inference, index);
    if (dtype == FERRY_DTYPE_UNDEFINED) return FERRY_OK;
    if ((unsigned)dtype <= FERRY_INT2 && (set & FERRY_DTYPE_BIT(dtype))) return FERRY_OK;
    return fail_dtype(inference, index, set);
}

ferry_status ferry_rule_same_dtype(const ferry_inference *inference, int first, int last, unsigned set, ferry_dtype *dtype) {
    *dtype = FERRY_DTYPE_UNDEFINED;
    int from = first;
    for (int i = first; i <= last && i < inference->input_count; i++) {
        ferry_dtype own = ferry_rule_dtype(inference, i);
        if (own == FERRY_DTYPE_UNDEFINED) continue;
        FERRY_TRY(ferry_rule_dtypes(inference, i, set));
        if (*dtype == FERRY_DTYPE_UNDEFINED) {
            *dtype = own;
            from = i;
        } else if (own != *dtype) {
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                              "%s: input %d is %s and input %d is %s, they must have one type", inference->op->name, from,
                              ferry_dtype_name(*dtype), i, ferry_dtype_name(own));
        }
    }
    return FERRY_OK;
}

/* ---- outputs ---- */

void ferry_rule_output(ferry_inference *inference, int index, ferry_dtype dtype, const ferry_shape *shape) {
    if (index >= inference->output_count) return;
    inference->outputs[index] = (ferry_value_type){.kind = FERRY_VALUE_TENSOR, .dtype = dtype, .ranked = shape != NULL};
    if (shape) inference->outputs[index].shape = *shape;
}

void ferry_rule_output_rank(ferry_inference *inference, int index, ferry_dtype dtype, int rank) {
    ferry_shape shape = {.rank = rank};
    for (int i = 0; i < rank && i < FERRY_MAX_RANK; i++) shape.dims[i] = ferry_rule_fresh(inference);
    ferry_rule_output(inference, index, dtype, &shape);
}

ferry_status ferry_rule_set_values(ferry_inference *inference, int index, const int64_t *values, int64_t count) {
    if (index >= inference->output_count || count > MAX_VALUES) return FERRY_OK;
    for (int64_t i = 0; i < count; i++)
        if (values[i] == FERRY_DIM_UNKNOWN) return FERRY_OK;
    int64_t *copy = ferry_arena_allocate(inference->arena, (size_t)count, sizeof *copy);
    if (!copy) return ferry_fail_memory(inference->error, (unsigned long long)count * sizeof *copy);
    if (count) memcpy(copy, values, (size_t)count * sizeof *copy);
    inference->outputs[index].values = copy;
    return FERRY_OK;
}

ferry_status ferry_infer_same_type(ferry_inference *inference) {
    const ferry_value_type *input = ferry_rule_input(inference, 0);
    for (int i = 0; i < inference->output_count; i++) {
        inference->outputs[i] = *input;
        inference->outputs[i].data = NULL;
    }
    return FERRY_OK;
}

/* ---- ranks and axes ---- */

ferry_status ferry_rule_rank(const ferry_inference *inference, int index, int low, int high) {
    const ferry_shape *shape = ferry_rule_shape(inference, index);
    if (!shape || (shape->rank >= low && shape->rank <= high)) return FERRY_OK;
    if (low == high)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s expects rank %d, input %d has rank %d", inference->op->name,
                          low, index, (int)shape->rank);
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s expects a rank from %d to %d, input %d has rank %d",
                      inference->op->name, low, high, index, (int)shape->rank);
}

ferry_status ferry_rule_axis(const ferry_inference *inference, int64_t axis, int rank, int *result) {
    if (axis < -rank || axis >= rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: axis %lld is outside a rank-%d input", inference->op->name,
                          (long long)axis, rank);
    *result = (int)(axis < 0 ? axis + rank : axis);
    return FERRY_OK;
}

ferry_status ferry_rule_axes(const ferry_inference *inference, const int64_t *axes, int64_t count, int rank, int *result,
                             unsigned *mask) {
    *mask = 0;
    for (int64_t i = 0; i < count; i++) {
        int axis = 0;
        FERRY_TRY(ferry_rule_axis(inference, axes[i], rank, &axis));
        if (*mask & (1u << axis))
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: axis %d is listed twice", inference->op->name, axis);
        *mask |= 1u << axis;
        if (result) result[i] = axis; /* distinct axes below rank: at most FERRY_MAX_RANK of them */
    }
    return FERRY_OK;
}

/* ---- known contents ---- */

static bool integral(ferry_dtype dtype, const void *data, int64_t count) {
    if (!ferry_dtype_is_float(dtype)) return true;
    for (int64_t i = 0; i < count; i++) {
        double value = ferry_load_double(dtype, data, i);
        if (!(fabs(value) < 0x1p53) || value != floor(value)) return false;
    }
    return true;
}

const int64_t *ferry_rule_values(const ferry_inference *inference, int index, int64_t *count) {
    const ferry_value_type *type = ferry_rule_input(inference, index);
    *count = 0;
    if (!type || !type->ranked || type->shape.rank > 1 || !(type->values || type->data)) return NULL;
    *count = type->shape.rank == 0 ? 1 : type->shape.dims[0];
    if (!ferry_dim_known(*count) || *count > MAX_VALUES) return NULL;
    if (type->values) return type->values;
    unsigned readable = FERRY_DTYPES_NUMBER | FERRY_DTYPES_BOOL;
    if ((unsigned)type->dtype > FERRY_INT2 || !(FERRY_DTYPE_BIT(type->dtype) & readable) ||
        !integral(type->dtype, type->data, *count))
        return NULL;
    int64_t *values = ferry_arena_allocate(inference->arena, (size_t)*count, sizeof *values);
    for (int64_t i = 0; values && i < *count; i++) {
        values[i] = ferry_load_int64(type->dtype, type->data, i);
        if (type->dtype == FERRY_UINT64 && values[i] < 0) return NULL;
        if (!ferry_dim_known(values[i])) values[i] = FERRY_DIM_FIRST_NUMBER; /* as good as minus infinity in any shape */
    }
    return values;
}

bool ferry_rule_scalar(const ferry_inference *inference, int index, double *value) {
    const ferry_value_type *type = ferry_rule_input(inference, index);
    if (!type || !type->data || !type->ranked) return false;
    int64_t elements;
    unsigned readable = FERRY_DTYPES_NUMBER | FERRY_DTYPES_BOOL;
    if (!ferry_shape_elements(&type->shape, &elements) || elements < 1) return false;
    if ((unsigned)type->dtype > FERRY_INT2 || !(FERRY_DTYPE_BIT(type->dtype) & readable)) return false;
    *value = ferry_load_double(type->dtype, type->data, 0);
    return true;
}

/* ---- dimensions ---- */

ferry_status ferry_rule_same_dim(const ferry_inference *inference, int64_t a, int64_t b, const char *what, int64_t *result) {
    if (ferry_dim_known(a) && ferry_dim_known(b) && a != b)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: %s must be equal, they are %lld and %lld",
                          inference->op->name, what, (long long)a, (long long)b);
    *result = ferry_dim_known(a) || b == FERRY_DIM_UNKNOWN ? a : ferry_dim_known(b) || a == FERRY_DIM_UNKNOWN ? b : a;
    return FERRY_OK;
}

static ferry_status broadcast_dim(const ferry_inference *inference, int64_t a, int64_t b, int64_t *result) {
    if (a == 1 || ferry_dim_equal(a, b)) {
        *result = b;
    } else if (b == 1) {
        *result = a;
    } else if (ferry_dim_known(a) && ferry_dim_known(b)) {
        return FERRY_ERROR_SHAPE;
    } else if (ferry_dim_known(a) || ferry_dim_known(b)) {
        *result = ferry_dim_known(a) ? a : b; /* the other is this or 1 */
    } else {
        *result = ferry_dim_maximum(inference->symbols, a, b); /* equal, or one of them is 1 */
    }
    return FERRY_OK;
}

ferry_status ferry_rule_broadcast(const ferry_inference *inference, const ferry_shape *a, const ferry_shape *b,
                                  ferry_shape *result) {
    ferry_shape out = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 0; i < out.rank; i++) {
        int from_a = i - (out.rank - a->rank), from_b = i - (out.rank - b->rank);
        int64_t dim_a = from_a < 0 ? 1 : a->dims[from_a], dim_b = from_b < 0 ? 1 : b->dims[from_b];
        if (broadcast_dim(inference, dim_a, dim_b, &out.dims[i]) == FERRY_OK) continue;
        char text_a[FERRY_SHAPE_TEXT], text_b[FERRY_SHAPE_TEXT];
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: shapes %s and %s do not broadcast", inference->op->name,
                          ferry_shape_text(a, text_a, sizeof text_a), ferry_shape_text(b, text_b, sizeof text_b));
    }
    *result = out;
    return FERRY_OK;
}

int64_t ferry_rule_product(const ferry_inference *inference, const ferry_shape *shape, int first, int last) {
    int64_t product = 1;
    for (int i = first; i < last; i++) product = ferry_dim_multiply(inference->symbols, product, shape->dims[i]);
    return product;
}
