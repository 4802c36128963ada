/* SPDX-License-Identifier: Apache-2.0 */
/* Conv and FusedConv, with the activation and residual that passes fuse into them. */
#include "ops/conv.h"

#include "ops/activation.h"

#define CONV_(name) float_##name
#define CONV_VALUE float
#define CONV_SUM double
#define CONV_NO_SPREAD
#include "ops/conv_template.h"
#define CONV_(name) double_##name
#define CONV_VALUE double
#define CONV_SUM double
#define CONV_NO_SPREAD
#include "ops/conv_template.h"

/* ---- shape rules ---- */

ferry_status ferry_conv_groups(const ferry_inference *inference, const char *name, int64_t *groups) {
    *groups = ferry_attribute_integer(inference->attributes, name, 1);
    if (*groups < 1 || *groups > INT32_MAX)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "attribute %s is %lld but must be at least 1", name,
                          (long long)*groups);
    return FERRY_OK;
}

/* Channels of the input, of the weights and groups must agree. */
static ferry_status check_channels(const ferry_inference *inference, int64_t channels, const ferry_shape *weights,
                                   int64_t groups) {
    int64_t expected = ferry_dim_multiply(inference->symbols, weights->dims[1], groups);
    if (ferry_dims_clash(channels, expected))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "the input has %lld channels but the weights want %lld (%lld in each of %lld groups)",
                          (long long)channels, (long long)expected, (long long)weights->dims[1], (long long)groups);
    if (ferry_dim_known(weights->dims[0]) && weights->dims[0] % groups)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%lld output channels cannot be split into %lld groups",
                          (long long)weights->dims[0], (long long)groups);
    return FERRY_OK;
}

ferry_status ferry_conv_shape(ferry_inference *inference, int x, int w, int bias, ferry_shape *shape, bool *ranked) {
    const ferry_shape *input = ferry_rule_shape(inference, x), *weights = ferry_rule_shape(inference, w);
    *ranked = false;
    int64_t groups;
    FERRY_TRY(ferry_conv_groups(inference, "group", &groups));
    if (!input || !weights) return FERRY_OK;
    if (input->rank != weights->rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "%s: an input of rank %d and weights of rank %d should be of equal rank", inference->op->name,
                          (int)input->rank, (int)weights->rank);
    int spatial = input->rank - 2;
    ferry_window window;
    FERRY_TRY(ferry_window_read(inference->attributes, spatial, weights->dims + 2, &window, inference->error));
    FERRY_TRY(check_channels(inference, input->dims[1], weights, groups));
    if (bias >= 0) FERRY_TRY(ferry_rule_vector(inference, bias, "the bias", weights->dims[0]));
    *shape = (ferry_shape){.rank = spatial + 2, .dims = {input->dims[0], weights->dims[0]}};
    for (int i = 0; i < spatial; i++)
        FERRY_TRY(
            ferry_window_output(&window, i, input->dims[2 + i], inference->symbols, &shape->dims[2 + i], inference->error));
    *ranked = true;
    return FERRY_OK;
}

ferry_status ferry_infer_conv(ferry_inference *inference) {
    ferry_shape shape;
    ferry_dtype dtype;
    bool ranked;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 3, FERRY_DTYPES_FLOAT, &dtype));
    FERRY_TRY(ferry_conv_shape(inference, 0, 1, 2, &shape, &ranked));
    const ferry_shape *residual = ferry_rule_shape(inference, 3);
    if (ranked && residual) {
        FERRY_TRY(ferry_rule_rank(inference, 3, shape.rank, shape.rank));
        for (int i = 0; i < shape.rank; i++)
            FERRY_TRY(ferry_rule_same_dim(inference, shape.dims[i], residual->dims[i], "residual and output", &shape.dims[i]));
    }
    ferry_rule_output(inference, 0, dtype, ranked ? &shape : NULL);
    return FERRY_OK;
}

/* ---- evaluation ---- */

ferry_status ferry_conv_sizes_of(const ferry_evaluation *evaluation, const ferry_tensor *x, const ferry_tensor *w,
                                 const ferry_tensor *y, ferry_conv_sizes *geometry) {
    int spatial = x->shape.rank - 2;
    ferry_conv_sizes g = {.batch = x->shape.dims[0], .in_channels = w->shape.dims[1], .in_size = 1, .out_size = 1};
    FERRY_TRY(ferry_window_read(evaluation->attributes, spatial, w->shape.dims + 2, &g.window, evaluation->error));
    ferry_window_resolve(&g.window, x->shape.dims + 2);
    g.groups = ferry_attribute_integer(evaluation->attributes, "group", 1);
    g.out_channels = w->shape.dims[0] / g.groups;
    for (int i = 0; i < spatial; i++) {
        g.in_size *= g.in[i] = x->shape.dims[2 + i];
        g.out_size *= g.out[i] = y->shape.dims[2 + i];
    }
    g.taps = ferry_window_taps(&g.window);
    *geometry = g;
    return FERRY_OK;
}

typedef struct conv_finish {
    ferry_activation activation;
    bool residual_first;
    const ferry_tensor *bias, *residual;
    ferry_tensor *output;
} conv_finish;

/* Bias, residual and activation on one plane of sums, rounded once into the output at element `first`. */
static void finish_plane(const conv_finish *finish, int64_t channel, int64_t first, int64_t count, const double *sums) {
    const ferry_tensor *residual = finish->residual;
    ferry_tensor *y = finish->output;
    double bias = finish->bias ? ferry_load_double(finish->bias->dtype, finish->bias->data, channel) : 0;
    bool plain = finish->activation.kind == FERRY_ACTIVATION_NONE && !residual && y->dtype == FERRY_FLOAT32;
    if (plain) {
        for (int64_t i = 0; i < count; i++) ((float *)y->data)[first + i] = (float)(sums[i] + bias);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        double value = sums[i] + bias, extra = residual ? ferry_load_double(residual->dtype, residual->data, first + i) : 0;
        value = finish->residual_first ? ferry_activate(finish->activation, value + extra)
                                       : ferry_activate(finish->activation, value) + extra;
        ferry_store_double(y->dtype, y->data, first + i, value);
    }
}

static ferry_status convolve(ferry_evaluation *evaluation, conv_finish *finish) {
    const ferry_tensor *x = ferry_input(evaluation, 0), *w = ferry_input(evaluation, 1);
    ferry_conv_sizes g;
    FERRY_TRY(ferry_conv_sizes_of(evaluation, x, w, finish->output, &g));
    double *sums;
    FERRY_SCRATCH(sums, evaluation, g.out_size + 1);
    bool wide = x->dtype == FERRY_FLOAT64;
    const double *wide_x = NULL, *wide_w = NULL;
    const float *narrow_x = NULL, *narrow_w = NULL;
    if (wide) {
        FERRY_NEED(wide_x, ferry_evaluation_doubles(evaluation, x));
        FERRY_NEED(wide_w, ferry_evaluation_doubles(evaluation, w));
    } else {
        FERRY_NEED(narrow_x, ferry_evaluation_floats(evaluation, x));
        FERRY_NEED(narrow_w, ferry_evaluation_floats(evaluation, w));
    }
    int64_t channels = g.groups * g.out_channels;
    for (int64_t plane = 0; plane < g.batch * channels && g.out_size; plane++) {
        int64_t n = plane / channels, channel = plane % channels, group = channel / g.out_channels;
        int64_t from = (n * g.groups + group) * g.in_channels * g.in_size, weight = channel * g.in_channels * g.taps;
        if (wide)
            double_plane(&g.window, g.in, g.out, g.in_channels, wide_x + from, wide_w + weight, sums);
        else
            float_plane(&g.window, g.in, g.out, g.in_channels, narrow_x + from, narrow_w + weight, sums);
        finish_plane(finish, channel, plane * g.out_size, g.out_size, sums);
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_conv(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    conv_finish finish = {.bias = ferry_input(evaluation, 2),
                          .residual = ferry_input(evaluation, 3),
                          .output = ferry_output(evaluation, 0),
                          .residual_first = ferry_attribute_integer(evaluation->attributes, "_residual_first", 0) != 0};
    FERRY_TRY(ferry_activation_read(evaluation->attributes, &finish.activation, evaluation->error));
    return finish.output ? convolve(evaluation, &finish) : FERRY_OK;
}

/* com.microsoft's FusedConv: the sum is always added before the activation, whose parameters stand in a list. */
ferry_status ferry_evaluate_fused_conv(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    conv_finish finish = {.bias = ferry_input(evaluation, 2),
                          .residual = ferry_input(evaluation, 3),
                          .output = ferry_output(evaluation, 0),
                          .residual_first = true};
    const ferry_attribute *name = ferry_attribute_find(evaluation->attributes, "activation");
    if (name && !ferry_activation_find(name->value.string.text, name->value.string.length, &finish.activation))
        return ferry_fail(evaluation->error, FERRY_ERROR_UNSUPPORTED, "there is no activation '%.*s'",
                          (int)name->value.string.length, name->value.string.text);
    int64_t count;
    const float *parameters = ferry_attribute_reals(evaluation->attributes, "activation_params", &count);
    if (count > 0) finish.activation.alpha = parameters[0];
    if (count > 1) finish.activation.beta = parameters[1];
    return finish.output ? convolve(evaluation, &finish) : FERRY_OK;
}
