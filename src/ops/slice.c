/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that cut and join along axes: Concat, Split, Slice, Pad, CenterCropPad. */
#include <string.h>

#include "ops/movement.h"

/* ---- Concat ---- */

static ferry_status join_shapes(ferry_inference *inference, int axis, ferry_shape *shape, bool *complete) {
    bool first = true;
    for (int i = 0; i < inference->input_count; i++) {
        const ferry_shape *next = ferry_rule_shape(inference, i);
        if (!next) {
            *complete = false;
            continue;
        }
        if (first) {
            first = false;
            *shape = *next;
            continue;
        }
        if (next->rank != shape->rank)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Concat: input %d has rank %d, another has rank %d", i,
                              (int)next->rank, (int)shape->rank);
        for (int k = 0; k < shape->rank; k++) {
            if (k == axis)
                shape->dims[k] = ferry_dim_add(inference->symbols, shape->dims[k], next->dims[k]);
            else
                FERRY_TRY(ferry_rule_same_dim(inference, shape->dims[k], next->dims[k], "dimensions beside the axis",
                                              &shape->dims[k]));
        }
    }
    return FERRY_OK;
}

static ferry_status concat_values(ferry_inference *inference) {
    int64_t all[256], total = 0;
    for (int i = 0; i < inference->input_count; i++) {
        int64_t count;
        const int64_t *values = ferry_rule_values(inference, i, &count);
        if (!values || total + count > 256) return FERRY_OK;
        for (int64_t k = 0; k < count; k++) all[total++] = values[k];
    }
    return ferry_rule_set_values(inference, 0, all, total);
}

ferry_status ferry_infer_concat(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, inference->input_count - 1, FERRY_DTYPES_ANY, &dtype));
    ferry_rule_output(inference, 0, dtype, NULL);
    const ferry_shape *any = NULL;
    for (int i = 0; i < inference->input_count; i++) {
        if (!inference->inputs[i])
            return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "Concat: input %d is absent", i);
        if (!any) any = ferry_rule_shape(inference, i);
    }
    if (!any) return FERRY_OK;
    int axis = 0;
    FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", 0), any->rank, &axis));
    ferry_shape shape = {0};
    bool complete = true;
    FERRY_TRY(join_shapes(inference, axis, &shape, &complete));
    if (!complete) shape.dims[axis] = ferry_rule_fresh(inference);
    ferry_rule_output(inference, 0, dtype, &shape);
    return shape.rank == 1 && complete ? concat_values(inference) : FERRY_OK;
}

ferry_status ferry_evaluate_concat(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", 0), done = 0;
    if (axis < 0) axis += out->shape.rank;
    int64_t outer = ferry_shape_product(&out->shape, 0, (int)axis),
            inner = ferry_shape_product(&out->shape, (int)axis + 1, out->shape.rank);
    ferry_elements to;
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    for (int i = 0; i < evaluation->input_count; i++) {
        ferry_elements from;
        const ferry_tensor *in = ferry_input(evaluation, i);
        FERRY_TRY(ferry_elements_of(evaluation, in, &from));
        int64_t row = in->shape.dims[axis] * inner;
        ferry_block block = {2, {outer, row}, {row, 1}, {out->shape.dims[axis] * inner, 1}};
        ferry_block_copy(&block, from.data, to.data + (size_t)(done * inner) * to.size, to.size);
        done += in->shape.dims[axis];
    }
    return ferry_elements_store(evaluation, out, &to);
}

/* ---- Split ---- */

/* The length of each part, from the input `split` or from even division where the last part may be shorter. */
static ferry_status part_length(const ferry_inference *inference, int64_t dim, const int64_t *split, int index,
                                int64_t *length) {
    ferry_symbols *symbols = inference->symbols;
    if (split) {
        *length = split[index];
        if (ferry_dim_known(*length) && *length < 0)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Split: part %d has the length %lld", index,
                              (long long)*length);
        return FERRY_OK;
    }
    int64_t chunk = ferry_dim_ceil_divide(symbols, dim, inference->output_count);
    *length = chunk;
    if (ferry_dim_known(dim)) {
        *length = ferry_max_int64(0, ferry_min_int64(chunk, dim - chunk * index));
    } else if (index == inference->output_count - 1) {
        *length = ferry_dim_subtract(symbols, dim, ferry_dim_multiply(symbols, chunk, index));
    }
    return FERRY_OK;
}

static ferry_status check_split(const ferry_inference *inference, int64_t dim, const int64_t *split, int64_t count) {
    int64_t parts = ferry_attribute_integer(inference->attributes, "num_outputs", inference->output_count);
    if (parts != inference->output_count)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Split: num_outputs is %lld, the node has %d outputs",
                          (long long)parts, inference->output_count);
    if (!split) return FERRY_OK;
    if (count != inference->output_count)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Split: %lld lengths for %d outputs", (long long)count,
                          inference->output_count);
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++) total = ferry_dim_add(inference->symbols, total, split[i]);
    if (ferry_dim_known(dim) && ferry_dim_known(total) && total != dim)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Split: the lengths add up to %lld, the dimension is %lld",
                          (long long)total, (long long)dim);
    return FERRY_OK;
}

ferry_status ferry_infer_split(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_rank(inference, 1, 1, 1));
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    for (int i = 0; i < inference->output_count; i++) ferry_rule_output(inference, i, dtype, NULL);
    if (!in) return FERRY_OK;
    int axis = 0;
    FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", 0), in->rank, &axis));
    int64_t count, known, offset = 0;
    const int64_t *split = ferry_rule_values(inference, 1, &count), *values = ferry_rule_values(inference, 0, &known);
    bool listed = ferry_rule_input(inference, 1) != NULL;
    FERRY_TRY(check_split(inference, in->dims[axis], split, count));
    for (int i = 0; i < inference->output_count; i++) {
        ferry_shape shape = *in;
        int64_t length = FERRY_DIM_UNKNOWN;
        if (!listed || split) FERRY_TRY(part_length(inference, in->dims[axis], split, i, &length));
        shape.dims[axis] = length;
        ferry_rule_output(inference, i, dtype, &shape);
        offset = ferry_dim_add(inference->symbols, offset, length);
        if (values && in->rank == 1 && ferry_dim_known(offset) && ferry_dim_known(length) && length >= 0 && offset <= known)
            FERRY_TRY(ferry_rule_set_values(inference, i, values + offset - length, length));
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_split(ferry_evaluation *evaluation) {
    ferry_value_type *types = ferry_evaluation_scratch(evaluation, (size_t)evaluation->output_count, sizeof *types);
    if (!types) return FERRY_ERROR_OUT_OF_MEMORY;
    FERRY_TRY(ferry_evaluation_infer(evaluation, types));
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0);
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", 0), done = 0;
    if (axis < 0) axis += in->shape.rank;
    int64_t outer = ferry_shape_product(&in->shape, 0, (int)axis),
            inner = ferry_shape_product(&in->shape, (int)axis + 1, in->shape.rank);
    ferry_elements from, to;
    FERRY_TRY(ferry_elements_of(evaluation, in, &from));
    for (int i = 0; i < evaluation->output_count; i++) {
        const ferry_tensor *out = ferry_output(evaluation, i);
        int64_t length = types[i].shape.dims[axis];
        if (out) {
            FERRY_TRY(ferry_elements_for(evaluation, out, &to));
            ferry_block block = {2, {outer, length * inner}, {in->shape.dims[axis] * inner, 1}, {length * inner, 1}};
            ferry_block_copy(&block, from.data + (size_t)(done * inner) * from.size, to.data, to.size);
            FERRY_TRY(ferry_elements_store(evaluation, out, &to));
        }
        done += length;
    }
    return FERRY_OK;
}

/* ---- Slice ---- */

typedef struct slice_range {
    int64_t start, step, length; /* known at run time; perhaps symbolic in inference */
} slice_range;

/* A bound counted from the end becomes one from the front; then it is clamped to [low, high]. UNKNOWN where a symbolic bound
 * may be negative. */
static int64_t place_bound(ferry_symbols *symbols, int64_t bound, int64_t dim, int64_t low, int64_t high) {
    if (ferry_dim_known(bound) && bound < 0) {
        if (bound <= -INT32_MAX && !ferry_dim_known(dim)) return low; /* "to the very front" */
        bound = ferry_dim_add(symbols, bound, dim);
    } else if (!ferry_dim_known(bound) && !ferry_dim_equal(ferry_dim_maximum(symbols, bound, 0), bound)) {
        return FERRY_DIM_UNKNOWN;
    }
    return ferry_dim_maximum(symbols, ferry_dim_minimum(symbols, bound, high), low);
}

static slice_range place_range(ferry_symbols *symbols, int64_t dim, int64_t start, int64_t end, int64_t step) {
    slice_range range = {.step = step};
    int64_t last = ferry_dim_subtract(symbols, dim, 1);
    bool forward = step > 0;
    range.start = forward ? place_bound(symbols, start, dim, 0, dim) : place_bound(symbols, start, dim, 0, last);
    int64_t stop = forward ? place_bound(symbols, end, dim, 0, dim) : place_bound(symbols, end, dim, -1, last);
    int64_t distance =
        forward ? ferry_dim_subtract(symbols, stop, range.start) : ferry_dim_subtract(symbols, range.start, stop);
    range.length = ferry_dim_maximum(symbols, ferry_dim_ceil_divide(symbols, distance, forward ? step : -step), 0);
    if (dim == 0) range.length = 0;
    return range;
}

/* Ranges of all axes; those not sliced are whole. *complete is false where starts, ends, axes or steps are not known. */
static ferry_status slice_ranges(const ferry_inference *inference, const ferry_shape *in, slice_range *ranges, bool *complete) {
    int64_t counts[5] = {0};
    const int64_t *lists[5] = {NULL};
    *complete = true;
    for (int i = 1; i < 5; i++) {
        lists[i] = ferry_rule_values(inference, i, &counts[i]);
        if (!lists[i] && ferry_rule_input(inference, i)) *complete = false;
    }
    for (int i = 0; i < in->rank; i++) ranges[i] = (slice_range){0, 1, in->dims[i]};
    bool axes_known = lists[3] || !ferry_rule_input(inference, 3);
    int64_t count = lists[1] ? counts[1] : lists[2] ? counts[2] : lists[3] ? counts[3] : -1;
    for (int i = 1; i < 5; i++)
        if (lists[i] && counts[i] != count)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Slice: starts, ends, axes and steps differ in length");
    if (count > in->rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Slice: %lld axes for a rank-%d input", (long long)count,
                          (int)in->rank);
    if (!axes_known || count < 0) {
        for (int i = 0; i < in->rank; i++) ranges[i].length = FERRY_DIM_UNKNOWN;
        return FERRY_OK;
    }
    int axes[FERRY_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    unsigned mask;
    if (lists[3]) FERRY_TRY(ferry_rule_axes(inference, lists[3], count, in->rank, axes, &mask));
    for (int i = 0; i < count; i++) {
        int axis = axes[i];
        int64_t step = lists[4] ? lists[4][i] : 1;
        if (step == 0)
            return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "Slice: the step of axis %d is 0", axis);
        bool known = lists[1] && lists[2] && (lists[4] || !ferry_rule_input(inference, 4)) && ferry_dim_known(step);
        if (known)
            ranges[axis] = place_range(inference->symbols, in->dims[axis], lists[1][i], lists[2][i], step);
        else
            ranges[axis].length = FERRY_DIM_UNKNOWN;
    }
    return FERRY_OK;
}

static ferry_status slice_values(ferry_inference *inference, const slice_range *range) {
    int64_t count, result[256];
    const int64_t *values = ferry_rule_values(inference, 0, &count);
    if (!values || !ferry_dim_known(range->length) || !ferry_dim_known(range->start) || range->length > 256) return FERRY_OK;
    for (int64_t i = 0; i < range->length; i++) result[i] = values[range->start + i * range->step];
    return ferry_rule_set_values(inference, 0, result, range->length);
}

ferry_status ferry_infer_slice(ferry_inference *inference) {
    for (int i = 1; i < inference->input_count; i++) {
        FERRY_TRY(ferry_rule_dtypes(inference, i, FERRY_DTYPES_INDEX));
        FERRY_TRY(ferry_rule_rank(inference, i, 1, 1));
    }
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!in) return FERRY_OK;
    slice_range ranges[FERRY_MAX_RANK];
    bool complete;
    FERRY_TRY(slice_ranges(inference, in, ranges, &complete));
    ferry_shape shape = {.rank = in->rank};
    for (int i = 0; i < in->rank; i++) shape.dims[i] = ranges[i].length;
    ferry_rule_output(inference, 0, dtype, &shape);
    return complete && in->rank == 1 ? slice_values(inference, &ranges[0]) : FERRY_OK;
}

/* The numbers of a bound input at run time; `fallback` for an absent one. Saturated so that arithmetic cannot overflow. */
static int64_t bound_at(const ferry_tensor *list, int64_t index, int64_t fallback) {
    if (!list) return fallback;
    int64_t value = ferry_load_int64(list->dtype, list->data, index);
    return value < FERRY_DIM_FIRST_NUMBER ? FERRY_DIM_FIRST_NUMBER : value;
}

ferry_status ferry_evaluate_slice(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0),
                       *starts = ferry_input(evaluation, 1);
    if (!out) return FERRY_OK;
    int64_t in_strides[FERRY_MAX_RANK], out_strides[FERRY_MAX_RANK], offset = 0;
    ferry_shape_strides(&in->shape, in_strides);
    ferry_shape_strides(&out->shape, out_strides);
    for (int64_t i = 0; i < starts->shape.dims[0]; i++) {
        int64_t axis = bound_at(ferry_input(evaluation, 3), i, i);
        if (axis < 0) axis += in->shape.rank;
        slice_range range = place_range(NULL, in->shape.dims[axis], bound_at(starts, i, 0),
                                        bound_at(ferry_input(evaluation, 2), i, 0), bound_at(ferry_input(evaluation, 4), i, 1));
        if (range.length == 0) return FERRY_OK;
        offset += range.start * in_strides[axis];
        in_strides[axis] = range.length > 1 ? in_strides[axis] * range.step : 0;
    }
    ferry_elements from, to;
    FERRY_TRY(ferry_elements_of(evaluation, in, &from));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    ferry_block block = {0};
    for (int i = 0; i < in->shape.rank; i++) ferry_block_add(&block, out->shape.dims[i], in_strides[i], out_strides[i]);
    if (to.count) ferry_block_copy(&block, from.data + (size_t)offset * from.size, to.data, to.size);
    return ferry_elements_store(evaluation, out, &to);
}
