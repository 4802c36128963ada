/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/support.h"

ferry_status ferry_rule_require(const ferry_inference *inference, int index, unsigned dtypes, int rank,
                                const ferry_shape **shape) {
    const ferry_value_type *type = ferry_rule_input(inference, index);
    *shape = NULL;
    if (!type) return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: input %d is missing", inference->op->name, index);
    FERRY_TRY(ferry_rule_dtypes(inference, index, dtypes));
    if (rank >= 0) FERRY_TRY(ferry_rule_rank(inference, index, rank, rank));
    *shape = type->ranked ? &type->shape : NULL;
    return FERRY_OK;
}

ferry_status ferry_rule_vector(const ferry_inference *inference, int index, const char *what, int64_t length) {
    const ferry_shape *shape = ferry_rule_shape(inference, index);
    if (!shape || (shape->rank == 1 && !ferry_dims_clash(shape->dims[0], length))) return FERRY_OK;
    char text[FERRY_SHAPE_TEXT], wanted[64];
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: %s (input %d) must be a vector of %s values, it is %s",
                      inference->op->name, what, index, ferry_dim_text(inference->symbols, length, wanted, sizeof wanted),
                      ferry_shape_text(shape, text, sizeof text));
}

ferry_status ferry_infer_same_float(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

double ferry_scalar_double(const ferry_tensor *tensor, double fallback) {
    if (!tensor || !tensor->data || ferry_shape_count(&tensor->shape) < 1) return fallback;
    return ferry_load_double(tensor->dtype, tensor->data, 0);
}

int64_t ferry_scalar_integer(const ferry_tensor *tensor, int64_t fallback) {
    if (!tensor || !tensor->data || ferry_shape_count(&tensor->shape) < 1) return fallback;
    return ferry_load_int64(tensor->dtype, tensor->data, 0);
}

const double *ferry_rule_reals(const ferry_inference *inference, int index, int64_t *count) {
    const ferry_value_type *type = ferry_rule_input(inference, index);
    *count = 0;
    if (!type || type->kind != FERRY_VALUE_TENSOR || !type->ranked || !type->data) return NULL;
    if (!ferry_shape_elements(&type->shape, count)) return NULL;
    double *values = ferry_arena_allocate(inference->arena, (size_t)*count + 1, sizeof *values);
    for (int64_t i = 0; values && i < *count; i++) values[i] = ferry_load_double(type->dtype, type->data, i);
    return values;
}

bool ferry_next_index(int rank, const int64_t *dims, int64_t *index) {
    for (int i = rank - 1; i >= 0; i--) {
        if (++index[i] < dims[i]) return true;
        index[i] = 0;
    }
    return false;
}
