/* SPDX-License-Identifier: Apache-2.0 */
/* BatchNormalization and the normalisations whose statistics come from each run of elements: Instance, Group, Layer, RMS,
 * MeanVariance, Lp, and LRN. Everything is computed in double and rounded once. */
#include <math.h>

#include "ops/support.h"

/* ---- BatchNormalization ---- */

/* X, scale, B, mean, var -> Y, running mean, running var */
ferry_status ferry_infer_batch_normalization(ferry_inference *inference) {
    for (int i = 0; i < 5; i++) FERRY_TRY(ferry_rule_dtypes(inference, i, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_rank(inference, 0, 1, FERRY_MAX_RANK));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    int64_t channels = !x ? FERRY_DIM_UNKNOWN : x->rank > 1 ? x->dims[1] : 1;
    const char *const names[] = {"", "the scale", "the bias", "the mean", "the variance"};
    for (int i = 1; i < 5; i++) FERRY_TRY(ferry_rule_vector(inference, i, names[i], channels));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), x);
    if (inference->output_count > 1 && !ferry_attribute_integer(inference->attributes, "training_mode", 0))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "BatchNormalization: only training_mode has more than one output");
    for (int i = 1; i < 3; i++)
        ferry_rule_output(inference, i, ferry_rule_dtype(inference, 2 + i), ferry_rule_shape(inference, 2 + i));
    return FERRY_OK;
}

typedef struct batch_plan {
    int64_t batch, channels, size;
    const double *x, *scale, *bias;
    double epsilon;
    double *y;
} batch_plan;

static void batch_statistics(const batch_plan *plan, int64_t channel, double *mean, double *variance) {
    double sum = 0, squares = 0, count = (double)(plan->batch * plan->size);
    for (int64_t n = 0; n < plan->batch; n++)
        for (int64_t i = 0; i < plan->size; i++) sum += plan->x[(n * plan->channels + channel) * plan->size + i];
    *mean = sum / count;
    for (int64_t n = 0; n < plan->batch; n++)
        for (int64_t i = 0; i < plan->size; i++) {
            double difference = plan->x[(n * plan->channels + channel) * plan->size + i] - *mean;
            squares += difference * difference;
        }
    *variance = squares / count;
}

static void normalize_channel(const batch_plan *plan, int64_t channel, double mean, double variance) {
    double factor = plan->scale[channel] / sqrt(variance + plan->epsilon), offset = plan->bias[channel] - mean * factor;
    for (int64_t n = 0; n < plan->batch; n++)
        for (int64_t i = 0; i < plan->size; i++) {
            int64_t at = (n * plan->channels + channel) * plan->size + i;
            plan->y[at] = plan->x[at] * factor + offset;
        }
}

ferry_status ferry_evaluate_batch_normalization(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *mean = ferry_input(evaluation, 3),
                       *variance = ferry_input(evaluation, 4);
    ferry_tensor *y = ferry_output(evaluation, 0), *running[2] = {ferry_output(evaluation, 1), ferry_output(evaluation, 2)};
    bool training = ferry_attribute_integer(evaluation->attributes, "training_mode", 0) != 0;
    double momentum = ferry_attribute_real(evaluation->attributes, "momentum", 0.9f);
    batch_plan plan = {.batch = x->shape.dims[0],
                       .channels = x->shape.rank > 1 ? x->shape.dims[1] : 1,
                       .size = ferry_shape_product(&x->shape, x->shape.rank > 1 ? 2 : 1, x->shape.rank),
                       .epsilon = ferry_attribute_real(evaluation->attributes, "epsilon", 1e-5f)};
    FERRY_NEED(plan.x, ferry_evaluation_doubles(evaluation, x));
    FERRY_NEED(plan.scale, ferry_evaluation_doubles(evaluation, ferry_input(evaluation, 1)));
    FERRY_NEED(plan.bias, ferry_evaluation_doubles(evaluation, ferry_input(evaluation, 2)));
    if (y) FERRY_NEED(plan.y, ferry_evaluation_double_output(evaluation, y));
    for (int64_t c = 0; c < plan.channels; c++) {
        double old[2] = {ferry_load_double(mean->dtype, mean->data, c), ferry_load_double(variance->dtype, variance->data, c)};
        double used[2] = {old[0], old[1]};
        if (training) batch_statistics(&plan, c, &used[0], &used[1]);
        if (y) normalize_channel(&plan, c, used[0], used[1]);
        for (int i = 0; i < 2; i++)
            if (running[i])
                ferry_store_double(running[i]->dtype, running[i]->data, c, old[i] * momentum + used[i] * (1 - momentum));
    }
    if (y) ferry_store_doubles(y, plan.y);
    return FERRY_OK;
}

/* ---- runs: Instance, Group, Layer, RMS ---- */

/* Subtracts the mean (unless it is kept) and divides by the root of the mean square. */
static void normalize_run(const double *x, int64_t count, double epsilon, bool centre, double *y, double *mean_out,
                          double *inverse_out) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count && centre; i++) sum += x[i];
    double mean = centre ? sum / (double)count : 0;
    for (int64_t i = 0; i < count; i++) squares += (x[i] - mean) * (x[i] - mean);
    double inverse = 1 / sqrt(squares / (double)count + epsilon);
    for (int64_t i = 0; i < count; i++) y[i] = (x[i] - mean) * inverse;
    *mean_out = mean;
    *inverse_out = inverse;
}

static ferry_status infer_channel_scales(ferry_inference *inference, int64_t count) {
    FERRY_TRY(ferry_rule_vector(inference, 1, "the scale", count));
    FERRY_TRY(ferry_rule_vector(inference, 2, "the bias", count));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

ferry_status ferry_infer_instance_normalization(ferry_inference *inference) {
    for (int i = 0; i < 3; i++) FERRY_TRY(ferry_rule_dtypes(inference, i, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, FERRY_MAX_RANK));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    return infer_channel_scales(inference, x ? x->dims[1] : FERRY_DIM_UNKNOWN);
}

ferry_status ferry_infer_group_normalization(ferry_inference *inference) {
    for (int i = 0; i < 3; i++) FERRY_TRY(ferry_rule_dtypes(inference, i, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, FERRY_MAX_RANK));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    int64_t groups = ferry_attribute_integer(inference->attributes, "num_groups", 0),
            channels = x ? x->dims[1] : FERRY_DIM_UNKNOWN;
    if (groups < 1 || (ferry_dim_known(channels) && channels % groups))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "GroupNormalization: %lld channels cannot be split into %lld groups", (long long)channels,
                          (long long)groups);
    return infer_channel_scales(inference, channels);
}

/* Normalises `groups` runs of channels in each batch; scale and bias are one a channel. */
static ferry_status evaluate_channel_groups(ferry_evaluation *evaluation, int64_t groups) {
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y || ferry_shape_count(&x->shape) == 0) return FERRY_OK;
    double epsilon = ferry_attribute_real(evaluation->attributes, "epsilon", 1e-5f), mean, inverse;
    const double *values, *scale, *bias;
    double *result;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    FERRY_NEED(scale, ferry_evaluation_doubles(evaluation, ferry_input(evaluation, 1)));
    FERRY_NEED(bias, ferry_evaluation_doubles(evaluation, ferry_input(evaluation, 2)));
    FERRY_NEED(result, ferry_evaluation_double_output(evaluation, y));
    int64_t channels = x->shape.dims[1], size = ferry_shape_product(&x->shape, 2, x->shape.rank),
            run = channels / groups * size;
    for (int64_t g = 0; g < x->shape.dims[0] * groups; g++) {
        double *to = result + g * run;
        normalize_run(values + g * run, run, epsilon, true, to, &mean, &inverse);
        for (int64_t i = 0; i < run; i++) {
            int64_t at = g % groups * (channels / groups) + i / size;
            to[i] = to[i] * scale[at] + bias[at];
        }
    }
    ferry_store_doubles(y, result);
    return FERRY_OK;
}

ferry_status ferry_evaluate_instance_normalization(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    return evaluate_channel_groups(evaluation, ferry_input(evaluation, 0)->shape.dims[1]);
}

ferry_status ferry_evaluate_group_normalization(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    return evaluate_channel_groups(evaluation, ferry_attribute_integer(evaluation->attributes, "num_groups", 1));
}

/* Layer and RMS: X, scale, bias -> Y, mean, inverse deviation. Scale and bias are broadcast to X. */
static ferry_status infer_layer(ferry_inference *inference) {
    for (int i = 0; i < 3; i++) FERRY_TRY(ferry_rule_dtypes(inference, i, FERRY_DTYPES_FLOAT));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_dtype stash = (ferry_dtype)ferry_attribute_integer(inference->attributes, "stash_type", FERRY_FLOAT32);
    if (stash != FERRY_FLOAT32 && stash != FERRY_FLOAT64 && stash != FERRY_BFLOAT16 && stash != FERRY_FLOAT16)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: stash_type %d is not a float type", inference->op->name,
                          (int)stash);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), x);
    for (int i = 1; i < 3; i++) ferry_rule_output(inference, i, stash, NULL);
    if (!x) return FERRY_OK;
    int axis;
    FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", -1), x->rank, &axis));
    for (int i = 1; i < 3; i++) {
        const ferry_shape *scale = ferry_rule_shape(inference, i);
        ferry_shape joined;
        if (!scale) continue;
        FERRY_TRY(ferry_rule_broadcast(inference, x, scale, &joined));
        bool grew = joined.rank != x->rank;
        for (int d = 0; d < x->rank && !grew; d++) grew = ferry_dims_clash(joined.dims[d], x->dims[d]);
        if (grew)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: input %d cannot be broadcast to input 0",
                              inference->op->name, i);
    }
    ferry_shape reduced = *x;
    for (int d = axis; d < x->rank; d++) reduced.dims[d] = 1;
    for (int i = 1; i < 3; i++) ferry_rule_output(inference, i, stash, &reduced);
    return FERRY_OK;
}

ferry_status ferry_infer_layer_normalization(ferry_inference *inference) { return infer_layer(inference); }

/* y = y * scale + bias, both broadcast. */
static void scale_and_shift(const ferry_shape *shape, const ferry_tensor *scale, const ferry_tensor *bias, double *y) {
    int64_t scale_strides[FERRY_MAX_RANK], bias_strides[FERRY_MAX_RANK] = {0}, index[FERRY_MAX_RANK] = {0};
    int64_t count = ferry_shape_count(shape);
    ferry_shape_broadcast_strides(&scale->shape, shape, scale_strides);
    if (bias) ferry_shape_broadcast_strides(&bias->shape, shape, bias_strides);
    for (int64_t i = 0; i < count; i++) {
        int64_t at_scale = 0, at_bias = 0;
        for (int d = 0; d < shape->rank; d++) at_scale += index[d] * scale_strides[d], at_bias += index[d] * bias_strides[d];
        y[i] *= ferry_load_double(scale->dtype, scale->data, at_scale);
        if (bias) y[i] += ferry_load_double(bias->dtype, bias->data, at_bias);
        ferry_next_index(shape->rank, shape->dims, index);
    }
}

static ferry_status evaluate_layer(ferry_evaluation *evaluation, bool centre) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0), *means = ferry_output(evaluation, 1),
                 *inverses = ferry_output(evaluation, 2);
    if (ferry_shape_count(&x->shape) == 0) return FERRY_OK;
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", -1);
    if (axis < 0) axis += x->shape.rank;
    double epsilon = ferry_attribute_real(evaluation->attributes, "epsilon", 1e-5f), *result;
    const double *values;
    int64_t rows = ferry_shape_product(&x->shape, 0, (int)axis), run = ferry_shape_product(&x->shape, (int)axis, x->shape.rank);
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    FERRY_SCRATCH(result, evaluation, rows * run);
    for (int64_t r = 0; r < rows; r++) {
        double mean, inverse;
        normalize_run(values + r * run, run, epsilon, centre, result + r * run, &mean, &inverse);
        if (means) ferry_store_double(means->dtype, means->data, r, mean);
        if (inverses) ferry_store_double(inverses->dtype, inverses->data, r, inverse);
    }
    if (!y) return FERRY_OK;
    scale_and_shift(&x->shape, ferry_input(evaluation, 1), ferry_input(evaluation, 2), result);
    ferry_store_doubles(y, result);
    return FERRY_OK;
}

ferry_status ferry_evaluate_layer_normalization(ferry_evaluation *evaluation) { return evaluate_layer(evaluation, true); }
ferry_status ferry_evaluate_rms_normalization(ferry_evaluation *evaluation) { return evaluate_layer(evaluation, false); }

/* ---- LRN, LpNormalization, MeanVarianceNormalization ---- */

ferry_status ferry_infer_lrn(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, FERRY_MAX_RANK));
    if (ferry_attribute_integer(inference->attributes, "size", 0) < 1)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "LRN: attribute size must be at least 1");
    return ferry_infer_same_float(inference);
}

/* Krizhevsky et al., 2012, section 3.3: a window of `size` channels around each. */
ferry_status ferry_evaluate_lrn(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t channels = x->shape.dims[1], inner = ferry_shape_product(&x->shape, 2, x->shape.rank);
    int64_t size = ferry_attribute_integer(evaluation->attributes, "size", 1), before = (size - 1) / 2, after = size / 2;
    double alpha = ferry_attribute_real(evaluation->attributes, "alpha", 1e-4f),
           bias = ferry_attribute_real(evaluation->attributes, "bias", 1);
    double beta = ferry_attribute_real(evaluation->attributes, "beta", 0.75f);
    const double *values;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    int64_t count = ferry_shape_count(&x->shape);
    for (int64_t i = 0; i < count; i++) {
        int64_t c = i / inner % channels, base = i - c * inner;
        int64_t low = c > before ? c - before : 0, high = channels - 1 - c > after ? c + after : channels - 1;
        double squares = 0;
        for (int64_t k = low; k <= high; k++) squares += values[base + k * inner] * values[base + k * inner];
        ferry_store_double(y->dtype, y->data, i, values[i] / pow(bias + alpha / (double)size * squares, beta));
    }
    return FERRY_OK;
}

ferry_status ferry_infer_lp_normalization(ferry_inference *inference) {
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    int64_t p = ferry_attribute_integer(inference->attributes, "p", 2);
    int axis;
    if (p != 1 && p != 2)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "LpNormalization: p must be 1 or 2, not %lld", (long long)p);
    if (x) FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", -1), x->rank, &axis));
    return ferry_infer_same_float(inference);
}

ferry_status ferry_evaluate_lp_normalization(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", -1),
            p = ferry_attribute_integer(evaluation->attributes, "p", 2);
    if (axis < 0) axis += x->shape.rank;
    int64_t length = x->shape.dims[axis], inner = ferry_shape_product(&x->shape, (int)axis + 1, x->shape.rank);
    int64_t outer = ferry_shape_product(&x->shape, 0, (int)axis);
    const double *values;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    for (int64_t line = 0; line < outer * inner; line++) {
        int64_t first = line / inner * length * inner + line % inner;
        double sum = 0;
        for (int64_t k = 0; k < length; k++)
            sum += p == 1 ? fabs(values[first + k * inner]) : values[first + k * inner] * values[first + k * inner];
        double norm = p == 1 ? sum : sqrt(sum);
        for (int64_t k = 0; k < length; k++)
            ferry_store_double(y->dtype, y->data, first + k * inner, norm == 0 ? 0 : values[first + k * inner] / norm);
    }
    return FERRY_OK;
}

/* The axes that statistics run over, as a mask; attribute axes, by default 0, 2, 3. */
static ferry_status variance_axes(const ferry_inference *inference, int rank, unsigned *mask) {
    static const int64_t usual[] = {0, 2, 3};
    int64_t count;
    const int64_t *axes = ferry_attribute_integers(inference->attributes, "axes", &count);
    return ferry_rule_axes(inference, axes ? axes : usual, axes ? count : 3, rank, NULL, mask);
}

ferry_status ferry_infer_mean_variance_normalization(ferry_inference *inference) {
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    unsigned mask;
    if (x) FERRY_TRY(variance_axes(inference, x->rank, &mask));
    return ferry_infer_same_float(inference);
}

ferry_status ferry_evaluate_mean_variance_normalization(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    ferry_inference view = {.op = evaluation->op, .attributes = evaluation->attributes, .error = evaluation->error};
    unsigned mask;
    FERRY_TRY(variance_axes(&view, x->shape.rank, &mask));
    ferry_shape kept = x->shape;
    for (int d = 0; d < kept.rank; d++)
        if (mask >> d & 1) kept.dims[d] = 1;
    int64_t strides[FERRY_MAX_RANK], index[FERRY_MAX_RANK] = {0}, count = ferry_shape_count(&x->shape),
                                     groups = ferry_shape_count(&kept);
    ferry_shape_broadcast_strides(&kept, &x->shape, strides);
    const double *values;
    double *means, *squares;
    int64_t *group;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    FERRY_SCRATCH(means, evaluation, groups);
    FERRY_SCRATCH(squares, evaluation, groups);
    FERRY_SCRATCH(group, evaluation, count);
    for (int64_t i = 0; i < count; i++) {
        for (int d = 0; d < x->shape.rank; d++) group[i] += index[d] * strides[d];
        means[group[i]] += values[i] * (double)groups / (double)count;
        ferry_next_index(x->shape.rank, x->shape.dims, index);
    }
    for (int64_t i = 0; i < count; i++)
        squares[group[i]] += (values[i] - means[group[i]]) * (values[i] - means[group[i]]) * (double)groups / (double)count;
    for (int64_t i = 0; i < count; i++)
        ferry_store_double(y->dtype, y->data, i, (values[i] - means[group[i]]) / (sqrt(squares[group[i]]) + 1e-9));
    return FERRY_OK;
}
