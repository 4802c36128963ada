/* SPDX-License-Identifier: Apache-2.0 */
/* Pad and CenterCropPad: every axis grows or shrinks at both ends. */
#include <string.h>

#include "ops/movement.h"

typedef enum pad_mode { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_WRAP } pad_mode;

static ferry_status read_mode(const ferry_attributes *attributes, ferry_error *error, pad_mode *mode) {
    static const char *const names[] = {"constant", "edge", "reflect", "wrap"};
    for (int i = 0; i < 4; i++) {
        *mode = (pad_mode)i;
        if (ferry_attribute_is(attributes, "mode", names[i], i == 0)) return FERRY_OK;
    }
    return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "Pad: mode must be constant, edge, reflect or wrap");
}

/* ---- shape rules ---- */

/* Begin and end of every axis; *known is false when pads or axes are not. */
static ferry_status read_pads(const ferry_inference *inference, int rank, int64_t *begin, int64_t *end, bool *known) {
    int64_t count, axis_count = rank;
    const int64_t *pads = ferry_rule_values(inference, 1, &count), *listed = NULL;
    int axes[FERRY_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    unsigned mask;
    if (ferry_rule_input(inference, 3)) {
        listed = ferry_rule_values(inference, 3, &axis_count);
        *known = pads && listed;
    } else {
        *known = pads != NULL;
    }
    if (!*known) return FERRY_OK;
    if (listed) FERRY_TRY(ferry_rule_axes(inference, listed, axis_count, rank, axes, &mask));
    if (count != 2 * axis_count)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Pad: %lld pads for %lld axes, expected two an axis",
                          (long long)count, (long long)axis_count);
    for (int i = 0; i < rank; i++) begin[i] = end[i] = 0;
    for (int i = 0; i < axis_count; i++) {
        begin[axes[i]] = pads[i];
        end[axes[i]] = pads[i + axis_count];
    }
    return FERRY_OK;
}

ferry_status ferry_infer_pad(ferry_inference *inference) {
    pad_mode mode;
    FERRY_TRY(read_mode(inference->attributes, inference->error, &mode));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_dtypes(inference, 3, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_rank(inference, 1, 1, 1));
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0), fill = ferry_rule_dtype(inference, 2);
    if (dtype != FERRY_DTYPE_UNDEFINED && fill != FERRY_DTYPE_UNDEFINED && dtype != fill)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Pad: the data is %s and the constant %s",
                          ferry_dtype_name(dtype), ferry_dtype_name(fill));
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!in) return FERRY_OK;
    ferry_rule_output_rank(inference, 0, dtype, in->rank);
    int64_t begin[FERRY_MAX_RANK], end[FERRY_MAX_RANK];
    bool known;
    FERRY_TRY(read_pads(inference, in->rank, begin, end, &known));
    if (!known) return FERRY_OK;
    ferry_shape shape = {.rank = in->rank};
    for (int i = 0; i < in->rank; i++) {
        shape.dims[i] = ferry_dim_add(inference->symbols, ferry_dim_add(inference->symbols, in->dims[i], begin[i]), end[i]);
        bool empty = mode != PAD_CONSTANT && in->dims[i] == 0 && shape.dims[i] != 0;
        if (empty) return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Pad: axis %d is empty, it has nothing to repeat", i);
    }
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

ferry_status ferry_infer_center_crop_pad(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_rank(inference, 1, 1, 1));
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!in) return FERRY_OK;
    int64_t count, axis_count;
    const int64_t *listed = ferry_attribute_integers(inference->attributes, "axes", &axis_count);
    const int64_t *target = ferry_rule_values(inference, 1, &count);
    int axes[FERRY_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    unsigned mask;
    if (listed) FERRY_TRY(ferry_rule_axes(inference, listed, axis_count, in->rank, axes, &mask));
    if (!listed) axis_count = in->rank;
    if (target && count != axis_count)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "CenterCropPad: %lld sizes for %lld axes", (long long)count,
                          (long long)axis_count);
    ferry_shape shape = *in;
    for (int i = 0; i < axis_count; i++) shape.dims[axes[i]] = target ? target[i] : ferry_rule_fresh(inference);
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

/* ---- constant padding: fill, then copy what remains of the input ---- */

static void fill(unsigned char *data, int64_t count, const unsigned char *element, size_t size) {
    for (int64_t i = 0; i < count; i++) memcpy(data + (size_t)i * size, element, size);
}

/* begin: how many elements each axis of the output starts before the input; may be negative. */
static ferry_status pad_constant(ferry_evaluation *evaluation, const int64_t *begin, const ferry_tensor *constant) {
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    ferry_elements from, to, value;
    FERRY_TRY(ferry_elements_of(evaluation, in, &from));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    memset(to.data, 0, (size_t)to.count * to.size);
    if (constant && ferry_shape_count(&constant->shape) > 0) {
        FERRY_TRY(ferry_elements_of(evaluation, constant, &value));
        fill(to.data, to.count, value.data, to.size);
    }
    int64_t in_strides[FERRY_MAX_RANK], out_strides[FERRY_MAX_RANK], in_offset = 0, out_offset = 0;
    ferry_shape_strides(&in->shape, in_strides);
    ferry_shape_strides(&out->shape, out_strides);
    ferry_block block = {0};
    for (int i = 0; i < in->shape.rank; i++) {
        int64_t skip_in = ferry_max_int64(0, -begin[i]), skip_out = ferry_max_int64(0, begin[i]);
        int64_t length = ferry_min_int64(in->shape.dims[i] - skip_in, out->shape.dims[i] - skip_out);
        if (length <= 0) return ferry_elements_store(evaluation, out, &to);
        in_offset += skip_in * in_strides[i];
        out_offset += skip_out * out_strides[i];
        ferry_block_add(&block, length, in_strides[i], out_strides[i]);
    }
    ferry_block_copy(&block, from.data + (size_t)in_offset * from.size, to.data + (size_t)out_offset * to.size, to.size);
    return ferry_elements_store(evaluation, out, &to);
}

/* ---- other modes: every axis has a map from output to input positions ---- */

static int64_t positive_modulo(int64_t a, int64_t b) { return (a % b + b) % b; }

static int64_t source_position(pad_mode mode, int64_t position, int64_t size) {
    if (mode == PAD_EDGE) return position < 0 ? 0 : position >= size ? size - 1 : position;
    if (mode == PAD_WRAP) return positive_modulo(position, size);
    if (size == 1) return 0;
    int64_t folded = positive_modulo(position, 2 * (size - 1));
    return folded < size ? folded : 2 * (size - 1) - folded;
}

/* Offsets into the input for each output position of an axis. Negative pads crop first, then the rest is repeated. */
static ferry_status axis_offsets(ferry_evaluation *evaluation, pad_mode mode, int64_t dim, int64_t out_dim, int64_t begin,
                                 int64_t end, int64_t stride, int64_t **offsets) {
    int64_t first = ferry_max_int64(0, -begin), size = dim - first - ferry_max_int64(0, -end);
    if (size < 1 && out_dim > 0)
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "Pad: negative pads leave nothing of an axis of %lld",
                          (long long)dim);
    *offsets = ferry_evaluation_scratch(evaluation, (size_t)out_dim, sizeof **offsets);
    if (!*offsets) return FERRY_ERROR_OUT_OF_MEMORY;
    for (int64_t i = 0; i < out_dim; i++)
        (*offsets)[i] = (first + source_position(mode, i - ferry_max_int64(0, begin), size)) * stride;
    return FERRY_OK;
}

static void copy_mapped(const ferry_shape *shape, int64_t *const *offsets, const ferry_elements *from,
                        const ferry_elements *to) {
    int64_t at[FERRY_MAX_RANK] = {0};
    for (int64_t done = 0; done < to->count; done++) {
        int64_t source = 0;
        for (int k = 0; k < shape->rank; k++) source += offsets[k][at[k]];
        memcpy(to->data + (size_t)done * to->size, from->data + (size_t)source * to->size, to->size);
        for (int k = shape->rank - 1; k >= 0 && ++at[k] == shape->dims[k]; k--) at[k] = 0;
    }
}

static ferry_status pad_mapped(ferry_evaluation *evaluation, pad_mode mode, const int64_t *begin, const int64_t *end) {
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    int64_t strides[FERRY_MAX_RANK], *offsets[FERRY_MAX_RANK];
    ferry_shape_strides(&in->shape, strides);
    for (int k = 0; k < in->shape.rank; k++)
        FERRY_TRY(
            axis_offsets(evaluation, mode, in->shape.dims[k], out->shape.dims[k], begin[k], end[k], strides[k], &offsets[k]));
    ferry_elements from, to;
    FERRY_TRY(ferry_elements_of(evaluation, in, &from));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    copy_mapped(&out->shape, offsets, &from, &to);
    return ferry_elements_store(evaluation, out, &to);
}

ferry_status ferry_evaluate_pad(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *pads = ferry_input(evaluation, 1), *axes = ferry_input(evaluation, 3);
    if (!ferry_output(evaluation, 0)) return FERRY_OK;
    int64_t begin[FERRY_MAX_RANK] = {0}, end[FERRY_MAX_RANK] = {0}, count = pads->shape.dims[0] / 2;
    for (int64_t i = 0; i < count; i++) {
        int64_t axis = axes ? ferry_load_int64(axes->dtype, axes->data, i) : i;
        if (axis < 0) axis += in->shape.rank;
        begin[axis] = ferry_load_int64(pads->dtype, pads->data, i);
        end[axis] = ferry_load_int64(pads->dtype, pads->data, i + count);
    }
    pad_mode mode;
    FERRY_TRY(read_mode(evaluation->attributes, evaluation->error, &mode));
    return mode == PAD_CONSTANT ? pad_constant(evaluation, begin, ferry_input(evaluation, 2))
                                : pad_mapped(evaluation, mode, begin, end);
}

ferry_status ferry_evaluate_center_crop_pad(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int64_t begin[FERRY_MAX_RANK];
    for (int i = 0; i < in->shape.rank; i++) {
        int64_t growth = out->shape.dims[i] - in->shape.dims[i];
        begin[i] = growth / 2; /* an odd element more goes to the end, or is cut from it */
    }
    return pad_constant(evaluation, begin, NULL);
}
