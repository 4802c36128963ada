/* SPDX-License-Identifier: Apache-2.0 */
/* ScatterElements, ScatterND, TensorScatter: a copy of the data with some elements replaced or combined. */
#include <string.h>

#include "ops/movement.h"

typedef enum combination { COMBINE_NONE, COMBINE_ADD, COMBINE_MUL, COMBINE_MAX, COMBINE_MIN } combination;

static ferry_status read_combination(const ferry_attributes *attributes, const char *op, ferry_error *error,
                                     combination *result) {
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    for (int i = 0; i < 5; i++) {
        *result = (combination)i;
        if (ferry_attribute_is(attributes, "reduction", names[i], i == 0)) return FERRY_OK;
    }
    return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "%s: reduction must be none, add, mul, max or min", op);
}

/* ---- shape rules ---- */

static ferry_status infer_scatter(ferry_inference *inference, int data, int updates) {
    combination reduction;
    FERRY_TRY(read_combination(inference->attributes, inference->op->name, inference->error, &reduction));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    ferry_dtype of_data = ferry_rule_dtype(inference, data), of_updates = ferry_rule_dtype(inference, updates);
    if (of_data != FERRY_DTYPE_UNDEFINED && of_updates != FERRY_DTYPE_UNDEFINED && of_data != of_updates)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: the data is %s and the updates are %s", inference->op->name,
                          ferry_dtype_name(of_data), ferry_dtype_name(of_updates));
    if (reduction != COMBINE_NONE) FERRY_TRY(ferry_rule_dtypes(inference, data, FERRY_DTYPES_NUMBER | FERRY_DTYPES_BOOL));
    ferry_rule_output(inference, 0, of_data, ferry_rule_shape(inference, data));
    return FERRY_OK;
}

ferry_status ferry_infer_scatter_elements(ferry_inference *inference) {
    FERRY_TRY(infer_scatter(inference, 0, 2));
    const ferry_shape *data = ferry_rule_shape(inference, 0), *indices = ferry_rule_shape(inference, 1),
                      *updates = ferry_rule_shape(inference, 2);
    if (!data || !indices || !updates) return FERRY_OK;
    int axis = 0;
    FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", 0), data->rank, &axis));
    if (data->rank != indices->rank || updates->rank != indices->rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "%s: data, indices and updates have ranks %d, %d and %d, they must be one", inference->op->name,
                          (int)data->rank, (int)indices->rank, (int)updates->rank);
    for (int i = 0; i < data->rank; i++) {
        int64_t dim;
        FERRY_TRY(
            ferry_rule_same_dim(inference, indices->dims[i], updates->dims[i], "dimensions of indices and updates", &dim));
        if (i != axis && ferry_dim_known(dim) && ferry_dim_known(data->dims[i]) && dim > data->dims[i])
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: dimension %d of indices is %lld, of data %lld",
                              inference->op->name, i, (long long)dim, (long long)data->dims[i]);
    }
    return FERRY_OK;
}

ferry_status ferry_infer_scatter_nd(ferry_inference *inference) {
    FERRY_TRY(infer_scatter(inference, 0, 2));
    FERRY_TRY(ferry_rule_rank(inference, 0, 1, FERRY_MAX_RANK));
    FERRY_TRY(ferry_rule_rank(inference, 1, 1, FERRY_MAX_RANK));
    const ferry_shape *data = ferry_rule_shape(inference, 0), *indices = ferry_rule_shape(inference, 1),
                      *updates = ferry_rule_shape(inference, 2);
    if (!data || !indices || !updates) return FERRY_OK;
    int last = indices->rank - 1;
    int64_t depth = indices->dims[last], dim;
    if (!ferry_dim_known(depth)) return FERRY_OK;
    if (depth < 1 || depth > data->rank || updates->rank != last + data->rank - depth)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "ScatterND: indices of %lld numbers, updates of rank %d, data of rank %d", (long long)depth,
                          (int)updates->rank, (int)data->rank);
    for (int i = 0; i < updates->rank; i++) {
        int64_t expected = i < last ? indices->dims[i] : data->dims[i - last + depth];
        FERRY_TRY(
            ferry_rule_same_dim(inference, expected, updates->dims[i], "dimensions of updates and of what they replace", &dim));
    }
    return FERRY_OK;
}

ferry_status ferry_infer_tensor_scatter(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 1, FERRY_DTYPES_ANY, &dtype));
    FERRY_TRY(ferry_rule_dtypes(inference, 2, FERRY_DTYPES_INDEX));
    const ferry_attributes *attributes = inference->attributes;
    if (!ferry_attribute_is(attributes, "mode", "linear", true) && !ferry_attribute_is(attributes, "mode", "circular", false))
        return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "TensorScatter: mode must be linear or circular");
    const ferry_shape *cache = ferry_rule_shape(inference, 0), *update = ferry_rule_shape(inference, 1),
                      *starts = ferry_rule_shape(inference, 2);
    ferry_rule_output(inference, 0, dtype, cache);
    if (!cache || !update) return FERRY_OK;
    int axis = 0;
    int64_t dim;
    FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(attributes, "axis", -2), cache->rank, &axis));
    if (axis == 0 || cache->rank != update->rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "TensorScatter: axis must not be 0 and ranks must be equal (%d, %d)", (int)cache->rank,
                          (int)update->rank);
    for (int i = 0; i < cache->rank; i++)
        if (i != axis)
            FERRY_TRY(ferry_rule_same_dim(inference, cache->dims[i], update->dims[i], "dimensions beside the axis", &dim));
    if (starts && (starts->rank != 1 ||
                   ferry_rule_same_dim(inference, starts->dims[0], cache->dims[0], "write_indices and the batch", &dim)))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "TensorScatter: write_indices must have one number a batch entry");
    return FERRY_OK;
}

/* ---- combining one element ---- */

static double combine_real(combination how, double a, double b) {
    if (how == COMBINE_ADD) return a + b;
    if (how == COMBINE_MUL) return a * b;
    if (how == COMBINE_MAX) return a > b || a != a ? a : b;
    return a < b || a != a ? a : b;
}

static int64_t combine_integer(combination how, int64_t a, int64_t b, bool is_unsigned) {
    if (how == COMBINE_ADD) return (int64_t)((uint64_t)a + (uint64_t)b);
    if (how == COMBINE_MUL) return (int64_t)((uint64_t)a * (uint64_t)b);
    bool greater = is_unsigned ? (uint64_t)a > (uint64_t)b : a > b;
    return greater == (how == COMBINE_MAX) ? a : b;
}

/* A float32 sum in double rounds to the same float32. */
static void combine_element(combination how, const ferry_tensor *out, int64_t to, const ferry_tensor *updates, int64_t from) {
    if (ferry_dtype_is_float(out->dtype)) {
        double a = ferry_load_double(out->dtype, out->data, to), b = ferry_load_double(updates->dtype, updates->data, from);
        ferry_store_double(out->dtype, out->data, to, combine_real(how, a, b));
        return;
    }
    int64_t a = ferry_load_int64(out->dtype, out->data, to), b = ferry_load_int64(updates->dtype, updates->data, from);
    ferry_store_int64(out->dtype, out->data, to, combine_integer(how, a, b, out->dtype == FERRY_UINT64));
}

/* Elements [from, from + count) of updates replace or join those of the output at `to`. */
typedef struct scatter {
    combination how;
    const ferry_tensor *out, *updates;
    ferry_elements target, source;
} scatter;

static ferry_status scatter_begin(ferry_evaluation *evaluation, int updates, scatter *s) {
    *s = (scatter){.out = ferry_output(evaluation, 0), .updates = ferry_input(evaluation, updates)};
    FERRY_TRY(read_combination(evaluation->attributes, evaluation->op->name, evaluation->error, &s->how));
    const ferry_tensor *data = ferry_input(evaluation, 0);
    ferry_elements from;
    FERRY_TRY(ferry_elements_of(evaluation, data, &from));
    FERRY_TRY(ferry_elements_of(evaluation, s->updates, &s->source));
    FERRY_TRY(ferry_elements_for(evaluation, s->out, &s->target));
    if (from.data != s->target.data) memcpy(s->target.data, from.data, (size_t)from.count * from.size);
    return FERRY_OK;
}

static void scatter_run(const scatter *s, int64_t to, int64_t from, int64_t count) {
    if (s->how == COMBINE_NONE) {
        size_t size = s->target.size;
        memcpy(s->target.data + (size_t)to * size, s->source.data + (size_t)from * size, (size_t)count * size);
        return;
    }
    for (int64_t i = 0; i < count; i++) combine_element(s->how, s->out, to + i, s->updates, from + i);
}

/* ---- evaluations ---- */

ferry_status ferry_evaluate_scatter_elements(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    if (!ferry_output(evaluation, 0)) return FERRY_OK;
    scatter s;
    FERRY_TRY(scatter_begin(evaluation, 2, &s));
    const ferry_tensor *indices = ferry_input(evaluation, 1);
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", 0), strides[FERRY_MAX_RANK],
            at[FERRY_MAX_RANK] = {0};
    if (axis < 0) axis += s.out->shape.rank;
    ferry_shape_strides(&s.out->shape, strides);
    int64_t count = ferry_shape_count(&indices->shape);
    for (int64_t i = 0; i < count; i++) {
        int64_t index = 0, target = 0;
        FERRY_TRY(ferry_normalize_index(evaluation, ferry_load_int64(indices->dtype, indices->data, i), s.out->shape.dims[axis],
                                        &index));
        for (int k = 0; k < indices->shape.rank; k++) target += (k == axis ? index : at[k]) * strides[k];
        scatter_run(&s, target, i, 1);
        for (int k = indices->shape.rank - 1; k >= 0 && ++at[k] == indices->shape.dims[k]; k--) at[k] = 0;
    }
    return ferry_elements_store(evaluation, s.out, &s.target);
}

ferry_status ferry_evaluate_scatter_nd(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    if (!ferry_output(evaluation, 0)) return FERRY_OK;
    scatter s;
    FERRY_TRY(scatter_begin(evaluation, 2, &s));
    const ferry_tensor *indices = ferry_input(evaluation, 1);
    int last = indices->shape.rank - 1;
    int64_t depth = indices->shape.dims[last], tuples = ferry_shape_product(&indices->shape, 0, last), strides[FERRY_MAX_RANK];
    int64_t run = ferry_shape_product(&s.out->shape, (int)depth, s.out->shape.rank);
    ferry_shape_strides(&s.out->shape, strides);
    for (int64_t t = 0; t < tuples; t++) {
        int64_t target = 0, index = 0;
        for (int64_t k = 0; k < depth; k++) {
            int64_t raw = ferry_load_int64(indices->dtype, indices->data, t * depth + k);
            FERRY_TRY(ferry_normalize_index(evaluation, raw, s.out->shape.dims[k], &index));
            target += index * strides[k];
        }
        scatter_run(&s, target, t * run, run);
    }
    return ferry_elements_store(evaluation, s.out, &s.target);
}

ferry_status ferry_evaluate_tensor_scatter(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    if (!ferry_output(evaluation, 0)) return FERRY_OK;
    scatter s;
    FERRY_TRY(scatter_begin(evaluation, 1, &s));
    const ferry_tensor *starts = ferry_input(evaluation, 2);
    const ferry_shape *cache = &s.out->shape, *update = &s.updates->shape;
    bool circular = ferry_attribute_is(evaluation->attributes, "mode", "circular", false);
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", -2);
    if (axis < 0) axis += cache->rank;
    int64_t length = cache->dims[axis], steps = update->dims[axis],
            run = ferry_shape_product(cache, (int)axis + 1, cache->rank);
    int64_t prefixes = ferry_shape_product(cache, 0, (int)axis), a_batch = ferry_shape_product(cache, 1, (int)axis);
    for (int64_t p = 0; p < prefixes; p++) {
        int64_t start = starts ? ferry_load_int64(starts->dtype, starts->data, p / a_batch) : 0;
        bool outside = start < 0 || (circular ? length == 0 : start > length - steps);
        if (outside && steps > 0)
            return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT,
                              "TensorScatter: write index %lld plus %lld steps is outside %lld", (long long)start,
                              (long long)steps, (long long)length);
        for (int64_t t = 0; t < steps; t++) {
            int64_t place = circular ? (start % length + t) % length : start + t;
            scatter_run(&s, (p * length + place) * run, (p * steps + t) * run, run);
        }
    }
    return ferry_elements_store(evaluation, s.out, &s.target);
}
