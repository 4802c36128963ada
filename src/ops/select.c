/* SPDX-License-Identifier: Apache-2.0 */
/* Where and Clip. */
#include <math.h>
#include <string.h>

#include "ops/elementwise.h"

/* ---- Where ---- */

ferry_status ferry_infer_where(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_BOOL));
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 1, 2, FERRY_DTYPES_ANY & ~FERRY_DTYPES_PACKED, &dtype));
    const ferry_shape *condition = ferry_rule_shape(inference, 0), *x = ferry_rule_shape(inference, 1),
                      *y = ferry_rule_shape(inference, 2);
    ferry_shape shape;
    if (!condition || !x || !y) {
        ferry_rule_output(inference, 0, dtype, NULL);
        return FERRY_OK;
    }
    FERRY_TRY(ferry_rule_broadcast(inference, x, y, &shape));
    FERRY_TRY(ferry_rule_broadcast(inference, &shape, condition, &shape));
    ferry_rule_output(inference, 0, dtype, &shape);
    return ferry_values_elementwise(inference);
}

typedef struct bytes16 {
    uint64_t low, high;
} bytes16;

#define WHERE_ROW(name, type)                                                                                                  \
    static void name(const ferry_row *row) {                                                                                   \
        const uint8_t *condition = row->in[0];                                                                                 \
        const type *x = row->in[1], *y = row->in[2];                                                                           \
        type *out = row->out;                                                                                                  \
        for (int64_t i = 0; i < row->count; i++)                                                                               \
            out[i] = condition[i * row->step[0]] ? x[i * row->step[1]] : y[i * row->step[2]];                                  \
    }
WHERE_ROW(where_1, uint8_t)
WHERE_ROW(where_2, uint16_t)
WHERE_ROW(where_4, uint32_t)
WHERE_ROW(where_8, uint64_t)
WHERE_ROW(where_16, bytes16)
WHERE_ROW(where_string, ferry_string)

static ferry_row_function where_row(ferry_dtype dtype) {
    if (dtype == FERRY_STRING) return where_string;
    switch (ferry_dtype_bytes(dtype)) {
    case 1: return where_1;
    case 2: return where_2;
    case 4: return where_4;
    case 8: return where_8;
    case 16: return where_16;
    default: return NULL;
    }
}

ferry_status ferry_evaluate_Where(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    size_t size = ferry_dtype_bytes(out->dtype);
    ferry_row_function row = where_row(out->dtype);
    if (!row) return ferry_evaluation_unsupported(evaluation, out->dtype);
    ferry_operand operands[3];
    for (int k = 0; k < 3; k++) {
        const ferry_tensor *in = ferry_input(evaluation, k);
        operands[k] = (ferry_operand){in->data, &in->shape, k == 0 ? 1 : size};
    }
    ferry_broadcast_rows(&out->shape, 3, operands, out->data, size, row, NULL);
    return ferry_evaluation_own_strings(evaluation, out);
}

/* ---- Clip: min and max are scalars, either may be absent; where min > max, max wins ---- */

ferry_status ferry_infer_clip(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 2, FERRY_DTYPES_NUMBER, &dtype));
    for (int i = 1; i < inference->input_count; i++) {
        const ferry_shape *bound = ferry_rule_shape(inference, i);
        bool single = true;
        for (int j = 0; bound && j < bound->rank; j++) single &= !ferry_dim_known(bound->dims[j]) || bound->dims[j] == 1;
        if (!single) return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Clip: input %d must be a scalar", i);
    }
    ferry_rule_output(inference, 0, dtype, ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

typedef struct clip_bounds {
    const void *low, *high; /* in the type computed in; NULL: none */
} clip_bounds;

#define CLIP_ROW(name, type)                                                                                                   \
    static void name(const ferry_row *row) {                                                                                   \
        const clip_bounds *bounds = row->parameters;                                                                           \
        const type *in = row->in[0], *low = bounds->low, *high = bounds->high;                                                 \
        type *out = row->out;                                                                                                  \
        for (int64_t i = 0; i < row->count; i++) {                                                                             \
            type x = in[i * row->step[0]];                                                                                     \
            if (low && x < *low) x = *low;                                                                                     \
            if (high && x > *high) x = *high;                                                                                  \
            out[i] = x;                                                                                                        \
        }                                                                                                                      \
    }
CLIP_ROW(clip_float, float)
CLIP_ROW(clip_double, double)
CLIP_ROW(clip_int64, int64_t)
CLIP_ROW(clip_uint64, uint64_t)

ferry_status ferry_evaluate_Clip(ferry_evaluation *evaluation) {
    static const ferry_rows rows = {clip_float, clip_double, clip_int64, clip_uint64};
    ferry_compute compute = ferry_compute_of(ferry_input(evaluation, 0)->dtype);
    clip_bounds bounds = {NULL, NULL};
    const ferry_tensor *low = ferry_input(evaluation, 1), *high = ferry_input(evaluation, 2);
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    if (low && !(bounds.low = ferry_compute_view(evaluation, compute, low))) return FERRY_ERROR_OUT_OF_MEMORY;
    if (high && !(bounds.high = ferry_compute_view(evaluation, compute, high))) return FERRY_ERROR_OUT_OF_MEMORY;
    return ferry_elementwise_as(evaluation, compute, 1, &rows, false, &bounds);
}
