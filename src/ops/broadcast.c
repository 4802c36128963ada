/* SPDX-License-Identifier: Apache-2.0 */
/* Broadcasting: dimensions that all operands walk alike are merged, then rows are visited with an odometer. */
#include <string.h>

#include "ops/elementwise.h"

typedef struct walk {
    int rank;
    int64_t dims[FERRY_MAX_RANK];
    int64_t strides[FERRY_MAX_OPERANDS][FERRY_MAX_RANK];
} walk;

/* Whether dimension `inner` follows `outer` without a gap in every operand. */
static bool mergeable(const walk *w, int count, int outer, int inner) {
    for (int k = 0; k < count; k++)
        if (w->strides[k][outer] != w->strides[k][inner] * w->dims[inner]) return false;
    return true;
}

static void merge_dimensions(walk *w, int count) {
    int last = 0;
    for (int i = 1; i < w->rank; i++) {
        bool merge = mergeable(w, count, last, i);
        if (merge)
            w->dims[last] *= w->dims[i];
        else
            w->dims[++last] = w->dims[i];
        for (int k = 0; k < count; k++) w->strides[k][last] = w->strides[k][i];
    }
    w->rank = w->rank ? last + 1 : 0;
}

static void plan_walk(walk *w, const ferry_shape *shape, int count, const ferry_operand *operands) {
    int64_t strides[FERRY_MAX_OPERANDS][FERRY_MAX_RANK];
    for (int k = 0; k < count; k++) ferry_shape_broadcast_strides(operands[k].shape, shape, strides[k]);
    w->rank = 0;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] == 1) continue;
        w->dims[w->rank] = shape->dims[i];
        for (int k = 0; k < count; k++) w->strides[k][w->rank] = strides[k][i];
        w->rank++;
    }
    merge_dimensions(w, count);
}

void ferry_broadcast_rows(const ferry_shape *shape, int count, const ferry_operand *operands, void *out, size_t out_size,
                          ferry_row_function row, const void *parameters) {
    if (ferry_shape_count(shape) == 0) return;
    walk w;
    plan_walk(&w, shape, count, operands);
    int outer = w.rank ? w.rank - 1 : 0;
    ferry_row run = {.count = w.rank ? w.dims[outer] : 1, .out = out, .parameters = parameters};
    for (int k = 0; k < count; k++) {
        run.in[k] = operands[k].data;
        run.step[k] = w.rank ? w.strides[k][outer] : 0;
    }
    int64_t at[FERRY_MAX_RANK] = {0};
    for (;;) {
        row(&run);
        run.out = (char *)run.out + (size_t)run.count * out_size;
        int i = outer - 1;
        for (; i >= 0; i--) {
            int64_t step = ++at[i] < w.dims[i] ? 1 : 1 - w.dims[i];
            for (int k = 0; k < count; k++)
                run.in[k] = (const char *)run.in[k] + step * w.strides[k][i] * (int64_t)operands[k].size;
            if (step == 1) break;
            at[i] = 0;
        }
        if (i < 0) return;
    }
}

/* ---- types to compute in ---- */

ferry_compute ferry_compute_of(ferry_dtype dtype) {
    if (dtype == FERRY_FLOAT64) return FERRY_COMPUTE_DOUBLE;
    if (ferry_dtype_is_float(dtype)) return FERRY_COMPUTE_FLOAT;
    if (dtype == FERRY_UINT64) return FERRY_COMPUTE_UINT64;
    if (ferry_dtype_is_signed_integer(dtype) || ferry_dtype_is_unsigned_integer(dtype) || dtype == FERRY_BOOL)
        return FERRY_COMPUTE_INT64;
    return FERRY_COMPUTE_NONE;
}

static size_t compute_bytes(ferry_compute compute) { return compute == FERRY_COMPUTE_FLOAT ? sizeof(float) : sizeof(int64_t); }

const void *ferry_compute_view(ferry_evaluation *evaluation, ferry_compute compute, const ferry_tensor *tensor) {
    if (compute == FERRY_COMPUTE_FLOAT) return ferry_evaluation_floats(evaluation, tensor);
    if (compute == FERRY_COMPUTE_DOUBLE) return ferry_evaluation_doubles(evaluation, tensor);
    return tensor->dtype == FERRY_UINT64 ? tensor->data : ferry_evaluation_integers(evaluation, tensor);
}

void *ferry_compute_output(ferry_evaluation *evaluation, ferry_compute compute, const ferry_tensor *tensor) {
    if (compute == FERRY_COMPUTE_FLOAT) return ferry_evaluation_float_output(evaluation, tensor);
    if (compute == FERRY_COMPUTE_DOUBLE) return ferry_evaluation_double_output(evaluation, tensor);
    return tensor->dtype == FERRY_UINT64 ? tensor->data : ferry_evaluation_integer_output(evaluation, tensor);
}

void ferry_compute_store(ferry_compute compute, const ferry_tensor *tensor, const void *values) {
    if (compute == FERRY_COMPUTE_FLOAT)
        ferry_store_floats(tensor, values);
    else if (compute == FERRY_COMPUTE_DOUBLE)
        ferry_store_doubles(tensor, values);
    else
        ferry_store_integers(tensor, values);
}

ferry_row_function ferry_rows_for(const ferry_rows *rows, ferry_compute compute) {
    switch (compute) {
    case FERRY_COMPUTE_FLOAT: return rows->of_float;
    case FERRY_COMPUTE_DOUBLE: return rows->of_double;
    case FERRY_COMPUTE_INT64: return rows->of_int64;
    case FERRY_COMPUTE_UINT64: return rows->of_uint64 ? rows->of_uint64 : rows->of_int64;
    case FERRY_COMPUTE_NONE: break;
    }
    return NULL;
}

ferry_status ferry_elementwise_as(ferry_evaluation *evaluation, ferry_compute compute, int count, const ferry_rows *rows,
                                  bool test, const void *parameters) {
    const ferry_tensor *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    ferry_row_function row = ferry_rows_for(rows, compute);
    if (!row) return ferry_evaluation_unsupported(evaluation, ferry_input(evaluation, 0)->dtype);
    ferry_operand operands[FERRY_MAX_OPERANDS];
    for (int k = 0; k < count; k++) {
        const ferry_tensor *in = ferry_input(evaluation, k);
        operands[k] = (ferry_operand){ferry_compute_view(evaluation, compute, in), &in->shape, compute_bytes(compute)};
        if (!operands[k].data && ferry_shape_count(&in->shape) > 0) return FERRY_ERROR_OUT_OF_MEMORY;
    }
    void *memory = test ? out->data : ferry_compute_output(evaluation, compute, out);
    if (!memory) return FERRY_ERROR_OUT_OF_MEMORY;
    ferry_broadcast_rows(&out->shape, count, operands, memory, test ? 1 : compute_bytes(compute), row, parameters);
    if (!test) ferry_compute_store(compute, out, memory);
    return FERRY_OK;
}

ferry_status ferry_elementwise(ferry_evaluation *evaluation, int count, const ferry_rows *rows, bool test,
                               const void *parameters) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    ferry_compute compute = ferry_compute_of(ferry_input(evaluation, 0)->dtype);
    return ferry_elementwise_as(evaluation, compute, count, rows, test, parameters);
}
