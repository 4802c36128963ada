/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that permute or repeat elements by strides: Transpose, DepthToSpace, SpaceToDepth, Expand, Tile, ReverseSequence,
 * Trilu. */
#include <string.h>

#include "ops/movement.h"

/* Copies input 0 to output 0 through a block over the input's strides. */
static ferry_status copy_block(ferry_evaluation *evaluation, const ferry_block *block) {
    const ferry_tensor *out = ferry_output(evaluation, 0);
    ferry_elements from, to;
    FERRY_TRY(ferry_elements_of(evaluation, ferry_input(evaluation, 0), &from));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    ferry_block_copy(block, from.data, to.data, from.size);
    return ferry_elements_store(evaluation, out, &to);
}

/* ---- Transpose ---- */

/* perm, by default the reverse order. */
static ferry_status permutation(const ferry_inference *inference, int rank, int *perm) {
    int64_t count;
    const int64_t *given = ferry_attribute_integers(inference->attributes, "perm", &count);
    for (int i = 0; i < rank && !given; i++) perm[i] = rank - 1 - i;
    if (!given) return FERRY_OK;
    if (count != rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Transpose: perm has %lld entries, the input has rank %d",
                          (long long)count, rank);
    unsigned mask;
    return ferry_rule_axes(inference, given, count, rank, perm, &mask);
}

ferry_status ferry_infer_transpose(ferry_inference *inference) {
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!in) return FERRY_OK;
    int perm[FERRY_MAX_RANK];
    FERRY_TRY(permutation(inference, in->rank, perm));
    ferry_shape shape = {.rank = in->rank};
    for (int i = 0; i < in->rank; i++) shape.dims[i] = in->dims[perm[i]];
    ferry_rule_output(inference, 0, dtype, &shape);
    return in->rank <= 1 ? ferry_values_carry(inference) : FERRY_OK;
}

ferry_status ferry_evaluate_transpose(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int64_t in_strides[FERRY_MAX_RANK], out_strides[FERRY_MAX_RANK], count;
    ferry_shape_strides(&in->shape, in_strides);
    ferry_shape_strides(&out->shape, out_strides);
    const int64_t *perm = ferry_attribute_integers(evaluation->attributes, "perm", &count);
    ferry_block block = {0};
    for (int i = 0; i < in->shape.rank; i++) {
        int64_t axis = perm ? perm[i] : in->shape.rank - 1 - i;
        ferry_block_add(&block, out->shape.dims[i], in_strides[axis < 0 ? axis + in->shape.rank : axis], out_strides[i]);
    }
    return copy_block(evaluation, &block);
}

/* ---- DepthToSpace, SpaceToDepth: [N, C, H, W] ---- */

static ferry_status block_size(const ferry_inference *inference, int64_t *size) {
    const ferry_attributes *attributes = inference->attributes;
    *size = ferry_attribute_integer(attributes, "blocksize", 0);
    if (*size < 1 || *size > INT32_MAX)
        return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "%s: blocksize %lld must be at least 1",
                          inference->op->name, (long long)*size);
    if (ferry_attribute_is(attributes, "mode", "DCR", true) || ferry_attribute_is(attributes, "mode", "CRD", false))
        return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "%s: mode must be DCR or CRD", inference->op->name);
}

static ferry_status divide_dim(const ferry_inference *inference, int64_t dim, int64_t by, const char *what, int64_t *result) {
    if (ferry_dim_known(dim) && dim % by != 0)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: the %s %lld is no multiple of %lld", inference->op->name,
                          what, (long long)dim, (long long)by);
    *result = ferry_dim_floor_divide(inference->symbols, dim, by);
    return FERRY_OK;
}

static ferry_status infer_blocks(ferry_inference *inference, bool to_space) {
    FERRY_TRY(ferry_rule_rank(inference, 0, 4, 4));
    int64_t size = 1;
    FERRY_TRY(block_size(inference, &size));
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    if (!in) {
        ferry_rule_output_rank(inference, 0, ferry_rule_dtype(inference, 0), 4);
        return FERRY_OK;
    }
    ferry_shape shape = *in;
    int64_t area = size * size;
    if (to_space) {
        FERRY_TRY(divide_dim(inference, in->dims[1], area, "channel count", &shape.dims[1]));
        shape.dims[2] = ferry_dim_multiply(inference->symbols, in->dims[2], size);
        shape.dims[3] = ferry_dim_multiply(inference->symbols, in->dims[3], size);
    } else {
        shape.dims[1] = ferry_dim_multiply(inference->symbols, in->dims[1], area);
        FERRY_TRY(divide_dim(inference, in->dims[2], size, "height", &shape.dims[2]));
        FERRY_TRY(divide_dim(inference, in->dims[3], size, "width", &shape.dims[3]));
    }
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

ferry_status ferry_infer_depth_to_space(ferry_inference *inference) { return infer_blocks(inference, true); }
ferry_status ferry_infer_space_to_depth(ferry_inference *inference) { return infer_blocks(inference, false); }

/* Both walk [N, block row, block column, C, H, W] over the deep tensor D and the wide one S. */
static void depth_space_block(const ferry_shape *deep, int64_t size, bool depth_first, ferry_block *block, bool to_space) {
    int64_t channels = deep->dims[1] / (size * size), height = deep->dims[2], width = deep->dims[3], area = height * width;
    int64_t deep_column = depth_first ? channels * area : area, deep_row = deep_column * size;
    int64_t deep_channel = depth_first ? area : size * size * area;
    int64_t wide_width = width * size, wide_area = wide_width * height * size;
    const int64_t dims[6] = {deep->dims[0], channels, height, size, width, size};
    const int64_t deep_strides[6] = {deep->dims[1] * area, deep_channel, width, deep_row, 1, deep_column};
    const int64_t wide_strides[6] = {channels * wide_area, wide_area, wide_width * size, wide_width, size, 1};
    for (int i = 0; i < 6; i++)
        ferry_block_add(block, dims[i], to_space ? deep_strides[i] : wide_strides[i],
                        to_space ? wide_strides[i] : deep_strides[i]);
}

static ferry_status evaluate_blocks(ferry_evaluation *evaluation, bool to_space) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    ferry_block block = {0};
    int64_t size = ferry_attribute_integer(evaluation->attributes, "blocksize", 1);
    bool depth_first = ferry_attribute_is(evaluation->attributes, "mode", "DCR", true);
    depth_space_block(to_space ? &in->shape : &out->shape, size, depth_first, &block, to_space);
    return copy_block(evaluation, &block);
}

ferry_status ferry_evaluate_depth_to_space(ferry_evaluation *evaluation) { return evaluate_blocks(evaluation, true); }
ferry_status ferry_evaluate_space_to_depth(ferry_evaluation *evaluation) { return evaluate_blocks(evaluation, false); }

/* ---- Expand, Tile ---- */

ferry_status ferry_infer_expand(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_rank(inference, 1, 1, 1));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    const ferry_shape *in = ferry_rule_shape(inference, 0), *list = ferry_rule_shape(inference, 1);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (list && ferry_dim_known(list->dims[0]) && list->dims[0] > FERRY_MAX_RANK)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Expand: rank %lld is beyond the limit of %d",
                          (long long)list->dims[0], FERRY_MAX_RANK);
    int64_t count;
    const int64_t *target = ferry_rule_values(inference, 1, &count);
    if (!target) {
        if (in && list && ferry_dim_known(list->dims[0]))
            ferry_rule_output_rank(inference, 0, dtype, (int)ferry_max_int64(in->rank, list->dims[0]));
        return FERRY_OK;
    }
    ferry_shape wanted = ferry_shape_make((int)count, target), shape;
    for (int i = 0; i < count; i++)
        if (ferry_dim_known(target[i]) && target[i] < 0)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Expand: dimension %d of the target is %lld", i,
                              (long long)target[i]);
    if (!in) return FERRY_OK;
    FERRY_TRY(ferry_rule_broadcast(inference, in, &wanted, &shape));
    ferry_rule_output(inference, 0, dtype, &shape);
    int64_t known;
    const int64_t *values = ferry_rule_values(inference, 0, &known);
    if (!values || known != 1 || shape.rank > 1 || !ferry_dim_known(shape.dims[0]) || shape.dims[0] > FERRY_MAX_RANK)
        return FERRY_OK;
    int64_t repeated[FERRY_MAX_RANK];
    for (int i = 0; i < FERRY_MAX_RANK; i++) repeated[i] = values[0];
    return ferry_rule_set_values(inference, 0, repeated, shape.rank == 0 ? 1 : shape.dims[0]);
}

ferry_status ferry_evaluate_expand(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int64_t in_strides[FERRY_MAX_RANK], out_strides[FERRY_MAX_RANK];
    ferry_shape_broadcast_strides(&in->shape, &out->shape, in_strides);
    ferry_shape_strides(&out->shape, out_strides);
    ferry_block block = {0};
    for (int i = 0; i < out->shape.rank; i++) ferry_block_add(&block, out->shape.dims[i], in_strides[i], out_strides[i]);
    return copy_block(evaluation, &block);
}

ferry_status ferry_infer_tile(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_rank(inference, 1, 1, 1));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    ferry_rule_output(inference, 0, dtype, NULL);
    int64_t count;
    const int64_t *repeats = ferry_rule_values(inference, 1, &count);
    if (!in) return FERRY_OK;
    ferry_rule_output_rank(inference, 0, dtype, in->rank);
    if (!repeats) return FERRY_OK;
    if (count != in->rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Tile: %lld repeats for a rank-%d input", (long long)count,
                          (int)in->rank);
    ferry_shape shape = {.rank = in->rank};
    for (int i = 0; i < in->rank; i++) {
        if (ferry_dim_known(repeats[i]) && repeats[i] < 0)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Tile: repeat %d is %lld", i, (long long)repeats[i]);
        shape.dims[i] = ferry_dim_multiply(inference->symbols, in->dims[i], repeats[i]);
    }
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

ferry_status ferry_evaluate_tile(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int64_t in_strides[FERRY_MAX_RANK], out_strides[FERRY_MAX_RANK];
    ferry_shape_strides(&in->shape, in_strides);
    ferry_shape_strides(&out->shape, out_strides);
    ferry_block block = {0};
    for (int i = 0; i < out->shape.rank; i++) {
        int64_t dim = in->shape.dims[i];
        ferry_block_add(&block, dim ? out->shape.dims[i] / dim : 0, 0, dim * out_strides[i]);
        ferry_block_add(&block, dim, in_strides[i], out_strides[i]);
    }
    return copy_block(evaluation, &block);
}

/* ---- ReverseSequence ---- */

static ferry_status reverse_axes(const ferry_inference *inference, int *time, int *batch) {
    int64_t time_axis = ferry_attribute_integer(inference->attributes, "time_axis", 0);
    int64_t batch_axis = ferry_attribute_integer(inference->attributes, "batch_axis", 1);
    if (time_axis < 0 || time_axis > 1 || batch_axis < 0 || batch_axis > 1 || time_axis == batch_axis)
        return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT,
                          "ReverseSequence: time_axis %lld and batch_axis %lld must be 0 and 1 or 1 and 0",
                          (long long)time_axis, (long long)batch_axis);
    *time = (int)time_axis;
    *batch = (int)batch_axis;
    return FERRY_OK;
}

ferry_status ferry_infer_reverse_sequence(ferry_inference *inference) {
    int time = 0, batch = 1;
    FERRY_TRY(reverse_axes(inference, &time, &batch));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, FERRY_MAX_RANK));
    FERRY_TRY(ferry_rule_rank(inference, 1, 1, 1));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    const ferry_shape *in = ferry_rule_shape(inference, 0), *lengths = ferry_rule_shape(inference, 1);
    int64_t dim;
    if (in && lengths)
        FERRY_TRY(
            ferry_rule_same_dim(inference, in->dims[batch], lengths->dims[0], "the batch and the count of lengths", &dim));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), in);
    return FERRY_OK;
}

ferry_status ferry_evaluate_reverse_sequence(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *lengths = ferry_input(evaluation, 1),
                       *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int time = (int)ferry_attribute_integer(evaluation->attributes, "time_axis", 0), batch = 1 - time;
    int64_t steps = in->shape.dims[time], strides[FERRY_MAX_RANK];
    ferry_shape_strides(&in->shape, strides);
    ferry_elements from, to;
    FERRY_TRY(ferry_elements_of(evaluation, in, &from));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    size_t row = (size_t)strides[1] * from.size;
    for (int64_t b = 0; b < in->shape.dims[batch]; b++) {
        int64_t length = ferry_load_int64(lengths->dtype, lengths->data, b);
        if (length < 0 || length > steps)
            return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT,
                              "ReverseSequence: length %lld is outside 0 to %lld", (long long)length, (long long)steps);
        for (int64_t t = 0; t < steps; t++) {
            int64_t source = t < length ? length - 1 - t : t;
            memcpy(to.data + (size_t)(b * strides[batch] + t * strides[time]) * to.size,
                   from.data + (size_t)(b * strides[batch] + source * strides[time]) * from.size, row);
        }
    }
    return ferry_elements_store(evaluation, out, &to);
}

/* ---- Trilu ---- */

ferry_status ferry_infer_trilu(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, FERRY_MAX_RANK));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPE_BIT(FERRY_INT64)));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

ferry_status ferry_evaluate_trilu(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *k_input = ferry_input(evaluation, 1),
                       *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    bool upper = ferry_attribute_integer(evaluation->attributes, "upper", 1) != 0;
    int64_t rows = in->shape.dims[in->shape.rank - 2], columns = in->shape.dims[in->shape.rank - 1];
    int64_t k = k_input && ferry_shape_count(&k_input->shape) > 0 ? ferry_load_int64(k_input->dtype, k_input->data, 0) : 0;
    if (k < -rows) k = -rows;
    if (k > columns) k = columns;
    ferry_elements from, to;
    FERRY_TRY(ferry_elements_of(evaluation, in, &from));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    size_t bytes = (size_t)columns * from.size;
    int64_t total = from.count && columns ? from.count / columns : 0;
    for (int64_t r = 0; r < total; r++) {
        /* Columns [first, last) of this row stay. */
        int64_t diagonal = r % rows + k + (upper ? 0 : 1);
        size_t split = (size_t)(diagonal < 0 ? 0 : diagonal > columns ? columns : diagonal) * from.size;
        size_t first = upper ? split : 0, last = upper ? bytes : split;
        unsigned char *row = to.data + (size_t)r * bytes;
        memset(row, 0, bytes);
        memcpy(row + first, from.data + (size_t)r * bytes + first, last - first);
    }
    return ferry_elements_store(evaluation, out, &to);
}
