/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that keep every element in its place and change the shape around it, and those that tell a shape. */
#include "ops/movement.h"
#include "ops/twister.h"

/* ---- Reshape ---- */

/* The total of known parts is checked; a symbolic total divides the rest out. */
static ferry_status reshape_dims(ferry_inference *inference, const int64_t *target, int64_t count, ferry_shape *shape) {
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    bool allow_zero = ferry_attribute_integer(inference->attributes, "allowzero", 0) != 0;
    int64_t product = 1;
    int inferred = -1;
    shape->rank = (int32_t)count;
    for (int i = 0; i < count; i++) {
        int64_t dim = target[i];
        if (dim == 0 && !allow_zero) {
            if (in && i >= in->rank)
                return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                                  "Reshape: dimension %d is to be kept, the input has rank %d", i, (int)in->rank);
            dim = in ? in->dims[i] : ferry_rule_fresh(inference);
        } else if (dim == -1) {
            if (inferred >= 0) return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Reshape: two dimensions are -1");
            inferred = i;
            continue;
        } else if (ferry_dim_known(dim) && dim < -1) {
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Reshape: dimension %d is %lld", i, (long long)dim);
        }
        shape->dims[i] = dim;
        product = ferry_dim_multiply(inference->symbols, product, dim);
    }
    int64_t total = in ? ferry_rule_product(inference, in, 0, in->rank) : FERRY_DIM_UNKNOWN;
    bool known = ferry_dim_known(total) && ferry_dim_known(product);
    bool fits = !known || (inferred < 0 ? total == product : product == 0 ? total == 0 : total % product == 0);
    if (!fits)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Reshape: %lld elements do not fill the target shape (%lld%s)",
                          (long long)total, (long long)product, inferred < 0 ? "" : " times a whole number");
    if (inferred >= 0) shape->dims[inferred] = product == 0 ? 0 : ferry_dim_floor_divide(inference->symbols, total, product);
    return FERRY_OK;
}

ferry_status ferry_infer_reshape(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPE_BIT(FERRY_INT64)));
    FERRY_TRY(ferry_rule_rank(inference, 1, 1, 1));
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    const ferry_shape *target_shape = ferry_rule_shape(inference, 1);
    int64_t rank = target_shape ? target_shape->dims[0] : FERRY_DIM_UNKNOWN, count;
    if (ferry_dim_known(rank) && rank > FERRY_MAX_RANK)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Reshape: rank %lld is beyond the limit of %d", (long long)rank,
                          FERRY_MAX_RANK);
    const int64_t *target = ferry_rule_values(inference, 1, &count);
    if (!target) {
        ferry_rule_output(inference, 0, dtype, NULL);
        if (ferry_dim_known(rank)) ferry_rule_output_rank(inference, 0, dtype, (int)rank);
        return FERRY_OK;
    }
    ferry_shape shape = {0};
    FERRY_TRY(reshape_dims(inference, target, count, &shape));
    ferry_rule_output(inference, 0, dtype, &shape);
    return ferry_values_carry(inference);
}

/* ---- Flatten, Squeeze, Unsqueeze ---- */

ferry_status ferry_infer_flatten(ferry_inference *inference) {
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    if (!in) {
        ferry_rule_output_rank(inference, 0, ferry_rule_dtype(inference, 0), 2);
        return FERRY_OK;
    }
    int64_t axis = ferry_attribute_integer(inference->attributes, "axis", 1);
    if (axis < -in->rank || axis > in->rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Flatten: axis %lld is outside a rank-%d input", (long long)axis,
                          (int)in->rank);
    int split = (int)(axis < 0 ? axis + in->rank : axis);
    ferry_shape shape = {2, {ferry_rule_product(inference, in, 0, split), ferry_rule_product(inference, in, split, in->rank)}};
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

/* Without axes every dimension of 1 goes; which those are is unknown while a dimension is symbolic. */
static bool ones_of(const ferry_shape *in, unsigned *mask) {
    *mask = 0;
    for (int i = 0; i < in->rank; i++) {
        if (!ferry_dim_known(in->dims[i])) return false;
        if (in->dims[i] == 1) *mask |= 1u << i;
    }
    return true;
}

ferry_status ferry_infer_squeeze(ferry_inference *inference) {
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    int64_t count;
    const int64_t *axes = ferry_rule_values(inference, 1, &count);
    bool listed = ferry_rule_input(inference, 1) != NULL;
    unsigned mask = 0;
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!in || (listed && !axes) || (!listed && !ones_of(in, &mask))) return FERRY_OK;
    if (listed) FERRY_TRY(ferry_rule_axes(inference, axes, count, in->rank, NULL, &mask));
    ferry_shape shape = {0};
    for (int i = 0; i < in->rank; i++) {
        bool remove = (mask & (1u << i)) != 0;
        if (remove && ferry_dim_known(in->dims[i]) && in->dims[i] != 1)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Squeeze: dimension %d is %lld, not 1", i,
                              (long long)in->dims[i]);
        if (!remove) shape.dims[shape.rank++] = in->dims[i];
    }
    ferry_rule_output(inference, 0, dtype, &shape);
    return ferry_values_carry(inference);
}

ferry_status ferry_infer_unsqueeze(ferry_inference *inference) {
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    int64_t count;
    const int64_t *axes = ferry_rule_values(inference, 1, &count);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!in || !axes) return FERRY_OK;
    if (count + in->rank > FERRY_MAX_RANK)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Unsqueeze: rank %lld is beyond the limit of %d",
                          (long long)(count + in->rank), FERRY_MAX_RANK);
    unsigned mask;
    FERRY_TRY(ferry_rule_axes(inference, axes, count, in->rank + (int)count, NULL, &mask));
    ferry_shape shape = {.rank = in->rank + (int32_t)count};
    for (int i = 0, from = 0; i < shape.rank; i++) shape.dims[i] = mask & (1u << i) ? 1 : in->dims[from++];
    ferry_rule_output(inference, 0, dtype, &shape);
    return ferry_values_carry(inference);
}

/* ---- Shape, Size ---- */

static int clamp_axis(int64_t axis, int rank) {
    if (axis < 0) axis += rank;
    return (int)(axis < 0 ? 0 : axis > rank ? rank : axis);
}

ferry_status ferry_infer_shape(ferry_inference *inference) {
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    if (!in) {
        ferry_rule_output_rank(inference, 0, FERRY_INT64, 1);
        return FERRY_OK;
    }
    int start = clamp_axis(ferry_attribute_integer(inference->attributes, "start", 0), in->rank);
    int end = clamp_axis(ferry_attribute_integer(inference->attributes, "end", in->rank), in->rank);
    ferry_shape shape = {1, {end > start ? end - start : 0}};
    ferry_rule_output(inference, 0, FERRY_INT64, &shape);
    return ferry_rule_set_values(inference, 0, in->dims + start, shape.dims[0]);
}

ferry_status ferry_infer_size(ferry_inference *inference) {
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_shape scalar = {0};
    ferry_rule_output(inference, 0, FERRY_INT64, &scalar);
    if (!in) return FERRY_OK;
    int64_t size = ferry_rule_product(inference, in, 0, in->rank);
    return ferry_rule_set_values(inference, 0, &size, 1);
}

ferry_status ferry_evaluate_shape(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int start = clamp_axis(ferry_attribute_integer(evaluation->attributes, "start", 0), in->shape.rank);
    for (int64_t i = 0; i < out->shape.dims[0]; i++) ((int64_t *)out->data)[i] = in->shape.dims[start + i];
    return FERRY_OK;
}

ferry_status ferry_evaluate_size(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *out = ferry_output(evaluation, 0);
    if (out) *(int64_t *)out->data = ferry_shape_count(&ferry_input(evaluation, 0)->shape);
    return FERRY_OK;
}

/* ---- Identity, Dropout ---- */

ferry_status ferry_infer_identity(ferry_inference *inference) { return ferry_infer_same_type(inference); }

ferry_status ferry_evaluate_identity(ferry_evaluation *evaluation) {
    if (evaluation->inputs[0]->kind == FERRY_VALUE_TENSOR) return ferry_evaluate_copy(evaluation);
    if (!evaluation->outputs[0]) return FERRY_OK;
    return ferry_evaluation_copy_value(evaluation, evaluation->inputs[0], evaluation->outputs[0]);
}

ferry_status ferry_infer_dropout(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 2, FERRY_DTYPES_BOOL));
    FERRY_TRY(ferry_infer_same_type(inference));
    ferry_rule_output(inference, 1, FERRY_BOOL, ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

/* The seed of the node, or else one drawn from the context's generator, which then moves on. */
static uint32_t dropout_seed(const ferry_evaluation *evaluation) {
    if (ferry_attribute_find(evaluation->attributes, "seed") || !evaluation->random)
        return (uint32_t)ferry_attribute_integer(evaluation->attributes, "seed", 0);
    *evaluation->random = *evaluation->random * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
    return (uint32_t)(*evaluation->random >> 32);
}

ferry_status ferry_evaluate_dropout(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *ratio_input = ferry_input(evaluation, 1),
                       *training = ferry_input(evaluation, 2);
    const ferry_tensor *out = ferry_output(evaluation, 0), *mask = ferry_output(evaluation, 1);
    int64_t count = ferry_shape_count(&in->shape);
    bool train = training && ferry_shape_count(&training->shape) > 0 && ferry_load_int64(training->dtype, training->data, 0);
    double ratio = ratio_input && ferry_shape_count(&ratio_input->shape) > 0
                       ? ferry_load_double(ratio_input->dtype, ratio_input->data, 0)
                       : 0.5;
    if (!train || !(ratio > 0)) {
        for (int64_t i = 0; mask && i < count; i++) ((uint8_t *)mask->data)[i] = 1;
        return ferry_evaluation_copy(evaluation, 0, in);
    }
    ferry_twister twister;
    ferry_twister_seed(&twister, dropout_seed(evaluation));
    double scale = ratio < 1 ? 1 / (1 - ratio) : 0;
    for (int64_t i = 0; i < count; i++) {
        bool keep = ferry_twister_uniform(&twister) >= ratio;
        if (mask) ((uint8_t *)mask->data)[i] = keep;
        if (out) ferry_store_double(out->dtype, out->data, i, keep ? ferry_load_double(in->dtype, in->data, i) * scale : 0);
    }
    return FERRY_OK;
}
