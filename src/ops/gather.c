/* SPDX-License-Identifier: Apache-2.0 */
/* Gather, GatherElements, GatherND. Indices may count from the end; one outside is an error. */
#include <string.h>

#include "ops/movement.h"

/* ---- Gather ---- */

static ferry_status gather_values(ferry_inference *inference) {
    int64_t count, picked, result[256];
    const int64_t *values = ferry_rule_values(inference, 0, &count), *indices = ferry_rule_values(inference, 1, &picked);
    if (!values || !indices || picked > 256) return FERRY_OK;
    for (int64_t i = 0; i < picked; i++) {
        int64_t index = indices[i] < 0 ? indices[i] + count : indices[i];
        if (!ferry_dim_known(indices[i]) || index < 0 || index >= count) return FERRY_OK;
        result[i] = values[index];
    }
    return ferry_rule_set_values(inference, 0, result, picked);
}

ferry_status ferry_infer_gather(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    const ferry_shape *data = ferry_rule_shape(inference, 0), *indices = ferry_rule_shape(inference, 1);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!data) return FERRY_OK;
    int axis = 0;
    FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", 0), data->rank, &axis));
    if (!indices) return FERRY_OK;
    if (data->rank - 1 + indices->rank > FERRY_MAX_RANK)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Gather: rank %d is beyond the limit of %d",
                          (int)(data->rank - 1 + indices->rank), FERRY_MAX_RANK);
    ferry_shape shape = {0};
    for (int i = 0; i < axis; i++) shape.dims[shape.rank++] = data->dims[i];
    for (int i = 0; i < indices->rank; i++) shape.dims[shape.rank++] = indices->dims[i];
    for (int i = axis + 1; i < data->rank; i++) shape.dims[shape.rank++] = data->dims[i];
    ferry_rule_output(inference, 0, dtype, &shape);
    return data->rank == 1 && shape.rank <= 1 ? gather_values(inference) : FERRY_OK;
}

ferry_status ferry_evaluate_gather(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *data = ferry_input(evaluation, 0), *indices = ferry_input(evaluation, 1),
                       *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", 0);
    if (axis < 0) axis += data->shape.rank;
    ferry_elements from, to;
    FERRY_TRY(ferry_elements_of(evaluation, data, &from));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    int64_t outer = ferry_shape_product(&data->shape, 0, (int)axis), limit = data->shape.dims[axis];
    int64_t picked = ferry_shape_count(&indices->shape);
    size_t bytes = (size_t)ferry_shape_product(&data->shape, (int)axis + 1, data->shape.rank) * from.size;
    int64_t *places = ferry_evaluation_scratch(evaluation, (size_t)picked, sizeof *places);
    if (!places) return FERRY_ERROR_OUT_OF_MEMORY;
    for (int64_t i = 0; i < picked; i++)
        FERRY_TRY(ferry_normalize_index(evaluation, ferry_load_int64(indices->dtype, indices->data, i), limit, &places[i]));
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < picked; i++)
            memcpy(to.data + (size_t)(o * picked + i) * bytes, from.data + (size_t)(o * limit + places[i]) * bytes, bytes);
    return ferry_elements_store(evaluation, out, &to);
}

/* ---- GatherElements ---- */

ferry_status ferry_infer_gather_elements(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    const ferry_shape *data = ferry_rule_shape(inference, 0), *indices = ferry_rule_shape(inference, 1);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), indices);
    if (!data || !indices) return FERRY_OK;
    int axis = 0;
    FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", 0), data->rank, &axis));
    if (data->rank != indices->rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "GatherElements: data has rank %d and indices rank %d",
                          (int)data->rank, (int)indices->rank);
    for (int i = 0; i < data->rank; i++)
        if (i != axis && ferry_dim_known(data->dims[i]) && ferry_dim_known(indices->dims[i]) &&
            indices->dims[i] > data->dims[i])
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                              "GatherElements: dimension %d of indices is %lld, of data %lld", i, (long long)indices->dims[i],
                              (long long)data->dims[i]);
    return FERRY_OK;
}

ferry_status ferry_evaluate_gather_elements(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *data = ferry_input(evaluation, 0), *indices = ferry_input(evaluation, 1),
                       *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", 0), strides[FERRY_MAX_RANK],
            at[FERRY_MAX_RANK] = {0};
    if (axis < 0) axis += data->shape.rank;
    ferry_shape_strides(&data->shape, strides);
    ferry_elements from, to;
    FERRY_TRY(ferry_elements_of(evaluation, data, &from));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    for (int64_t i = 0; i < to.count; i++) {
        int64_t index = 0, source = 0;
        FERRY_TRY(ferry_normalize_index(evaluation, ferry_load_int64(indices->dtype, indices->data, i), data->shape.dims[axis],
                                        &index));
        for (int k = 0; k < out->shape.rank; k++) source += (k == axis ? index : at[k]) * strides[k];
        memcpy(to.data + (size_t)i * to.size, from.data + (size_t)source * to.size, to.size);
        for (int k = out->shape.rank - 1; k >= 0 && ++at[k] == out->shape.dims[k]; k--) at[k] = 0;
    }
    return ferry_elements_store(evaluation, out, &to);
}

/* ---- GatherND ---- */

ferry_status ferry_infer_gather_nd(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPE_BIT(FERRY_INT64)));
    FERRY_TRY(ferry_rule_rank(inference, 0, 1, FERRY_MAX_RANK));
    FERRY_TRY(ferry_rule_rank(inference, 1, 1, FERRY_MAX_RANK));
    const ferry_shape *data = ferry_rule_shape(inference, 0), *indices = ferry_rule_shape(inference, 1);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!data || !indices) return FERRY_OK;
    int64_t batch = ferry_attribute_integer(inference->attributes, "batch_dims", 0), depth = indices->dims[indices->rank - 1];
    if (batch < 0 || batch >= data->rank || batch >= indices->rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "GatherND: batch_dims %lld is outside 0 to %d", (long long)batch,
                          (int)ferry_min_int64(data->rank, indices->rank) - 1);
    if (!ferry_dim_known(depth)) return FERRY_OK;
    int64_t rank = indices->rank - 1 + data->rank - depth - batch;
    if (depth < 1 || depth > data->rank - batch || rank > FERRY_MAX_RANK)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "GatherND: indices of %lld numbers do not fit data of rank %d",
                          (long long)depth, (int)data->rank);
    ferry_shape shape = {0};
    for (int i = 0; i < indices->rank - 1; i++) shape.dims[shape.rank++] = indices->dims[i];
    for (int i = 0; i < batch; i++)
        FERRY_TRY(ferry_rule_same_dim(inference, data->dims[i], indices->dims[i], "batch dimensions", &shape.dims[i]));
    for (int i = (int)(batch + depth); i < data->rank; i++) shape.dims[shape.rank++] = data->dims[i];
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

ferry_status ferry_evaluate_gather_nd(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *data = ferry_input(evaluation, 0), *indices = ferry_input(evaluation, 1),
                       *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    int batch = (int)ferry_attribute_integer(evaluation->attributes, "batch_dims", 0), last = indices->shape.rank - 1;
    int64_t depth = indices->shape.dims[last], strides[FERRY_MAX_RANK];
    ferry_shape_strides(&data->shape, strides);
    ferry_elements from, to;
    FERRY_TRY(ferry_elements_of(evaluation, data, &from));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    int64_t tuples = ferry_shape_product(&indices->shape, 0, last), batches = ferry_shape_product(&indices->shape, 0, batch);
    int64_t batch_stride = ferry_shape_product(&data->shape, batch, data->shape.rank);
    size_t bytes = (size_t)ferry_shape_product(&data->shape, batch + (int)depth, data->shape.rank) * from.size;
    for (int64_t t = 0; t < tuples; t++) {
        int64_t source = t / (tuples / batches) * batch_stride;
        for (int64_t k = 0; k < depth; k++) {
            int64_t index = 0, axis = batch + k;
            FERRY_TRY(ferry_normalize_index(evaluation, ((const int64_t *)indices->data)[t * depth + k], data->shape.dims[axis],
                                            &index));
            source += index * strides[axis];
        }
        memcpy(to.data + (size_t)t * bytes, from.data + (size_t)source * from.size, bytes);
    }
    return ferry_elements_store(evaluation, out, &to);
}
