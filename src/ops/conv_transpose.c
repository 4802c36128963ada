/* SPDX-License-Identifier: Apache-2.0 */
/* ConvTranspose: the window slides over the output. `in` and `out` of the geometry are those of the convolution that it
 * transposes: in = our output, out = our input. */
#include <string.h>

#include "ops/conv.h"

#define CONV_(name) float_##name
#define CONV_VALUE float
#define CONV_SUM double
#define CONV_NO_PLANE
#include "ops/conv_template.h"
#define CONV_(name) double_##name
#define CONV_VALUE double
#define CONV_SUM double
#define CONV_NO_PLANE
#include "ops/conv_template.h"

enum { LARGEST_PADDING = INT32_MAX };

/* An attribute of `count` values, or NULL when it is absent. */
static ferry_status optional_list(const ferry_attributes *attributes, const char *name, int count, const int64_t **list,
                                  ferry_error *error) {
    int64_t given;
    *list = ferry_attribute_integers(attributes, name, &given);
    if (*list && given != count)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "ConvTranspose: attribute %s must have %d values, not %lld", name, count,
                          (long long)given);
    for (int i = 0; *list && i < count; i++)
        if ((*list)[i] < 0 || (*list)[i] > LARGEST_PADDING)
            return ferry_fail(error, FERRY_ERROR_SHAPE, "ConvTranspose: attribute %s has the value %lld", name,
                              (long long)(*list)[i]);
    return FERRY_OK;
}

/* Pads and output sizes from ONNX's ConvTranspose: output_shape fixes the pads, otherwise the pads fix the output's shape. */
static ferry_status transposed_output(const ferry_attributes *attributes, ferry_window *window, const int64_t *input,
                                      ferry_symbols *symbols, int64_t *output, ferry_error *error) {
    const int64_t *extra, *fixed;
    int64_t count;
    int rank = window->rank;
    ferry_attribute_integers(attributes, "output_shape", &count);
    bool whole = count == rank + 2; /* some exporters write batch and channels too */
    FERRY_TRY(optional_list(attributes, "output_padding", rank, &extra, error));
    FERRY_TRY(optional_list(attributes, "output_shape", whole ? rank + 2 : rank, &fixed, error));
    if (fixed && whole) fixed += 2;
    for (int i = 0; i < rank; i++) {
        int64_t reach = ferry_dim_multiply(symbols, ferry_dim_subtract(symbols, window->kernel[i], 1), window->dilation[i]);
        int64_t steps = ferry_dim_multiply(symbols, ferry_dim_subtract(symbols, input[i], 1), window->stride[i]);
        int64_t full = ferry_dim_add(symbols, ferry_dim_add(symbols, steps, reach), 1 + (extra ? extra[i] : 0));
        bool same = window->same_upper || window->same_lower;
        if (!fixed && !same) {
            output[i] = ferry_dim_subtract(symbols, full, window->pad_begin[i] + window->pad_end[i]);
        } else {
            output[i] = fixed ? fixed[i] : ferry_dim_multiply(symbols, input[i], window->stride[i]);
            int64_t total = ferry_dim_subtract(symbols, full, output[i]);
            total = ferry_dim_known(total) ? ferry_max_int64(total, 0) : 0;
            window->pad_begin[i] = window->same_upper ? total / 2 : total - total / 2;
            window->pad_end[i] = total - window->pad_begin[i];
        }
        if (ferry_dim_known(output[i]) && output[i] < 0)
            return ferry_fail(error, FERRY_ERROR_SHAPE, "ConvTranspose: pads of %lld and %lld leave nothing of %lld elements",
                              (long long)window->pad_begin[i], (long long)window->pad_end[i], (long long)full);
    }
    return FERRY_OK;
}

ferry_status ferry_infer_conv_transpose(ferry_inference *inference) {
    ferry_dtype dtype;
    int64_t groups;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 2, FERRY_DTYPES_FLOAT, &dtype));
    FERRY_TRY(ferry_conv_groups(inference, "group", &groups));
    const ferry_shape *x = ferry_rule_shape(inference, 0), *w = ferry_rule_shape(inference, 1);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!x || !w) return FERRY_OK;
    FERRY_TRY(ferry_rule_rank(inference, 1, x->rank, x->rank));
    ferry_window window;
    FERRY_TRY(ferry_window_read(inference->attributes, x->rank - 2, w->dims + 2, &window, inference->error));
    if (ferry_dims_clash(x->dims[1], w->dims[0]) || (ferry_dim_known(w->dims[0]) && w->dims[0] % groups))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "ConvTranspose: %lld input channels do not fit weights for %lld in %lld groups",
                          (long long)x->dims[1], (long long)w->dims[0], (long long)groups);
    ferry_shape shape = {.rank = x->rank, .dims = {x->dims[0], ferry_dim_multiply(inference->symbols, w->dims[1], groups)}};
    FERRY_TRY(ferry_rule_vector(inference, 2, "the bias", shape.dims[1]));
    FERRY_TRY(
        transposed_output(inference->attributes, &window, x->dims + 2, inference->symbols, shape.dims + 2, inference->error));
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

static ferry_status transposed_geometry(ferry_evaluation *evaluation, const ferry_tensor *x, const ferry_tensor *w,
                                        const ferry_tensor *y, ferry_conv_sizes *geometry) {
    ferry_conv_sizes g = {.batch = x->shape.dims[0], .out_channels = w->shape.dims[1], .in_size = 1, .out_size = 1};
    int spatial = x->shape.rank - 2;
    int64_t output[FERRY_MAX_SPATIAL];
    FERRY_TRY(ferry_window_read(evaluation->attributes, spatial, w->shape.dims + 2, &g.window, evaluation->error));
    FERRY_TRY(transposed_output(evaluation->attributes, &g.window, x->shape.dims + 2, NULL, output, evaluation->error));
    g.groups = ferry_attribute_integer(evaluation->attributes, "group", 1);
    g.in_channels = w->shape.dims[0] / g.groups;
    for (int i = 0; i < spatial; i++) {
        g.in_size *= g.in[i] = y->shape.dims[2 + i];
        g.out_size *= g.out[i] = x->shape.dims[2 + i];
    }
    g.taps = ferry_window_taps(&g.window);
    *geometry = g;
    return FERRY_OK;
}

ferry_status ferry_evaluate_conv_transpose(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *w = ferry_input(evaluation, 1), *bias = ferry_input(evaluation, 2);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    ferry_conv_sizes g;
    FERRY_TRY(transposed_geometry(evaluation, x, w, y, &g));
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
    double *sums;
    FERRY_SCRATCH(sums, evaluation, g.in_size);
    int64_t channels = g.groups * g.out_channels;
    for (int64_t plane = 0; plane < g.batch * channels && g.in_size; plane++) {
        int64_t n = plane / channels, channel = plane % channels, group = channel / g.out_channels;
        double start = bias ? ferry_load_double(bias->dtype, bias->data, channel) : 0;
        for (int64_t i = 0; i < g.in_size; i++) sums[i] = start;
        for (int64_t c = group * g.in_channels; c < (group + 1) * g.in_channels; c++) {
            int64_t from = (n * g.groups * g.in_channels + c) * g.out_size;
            int64_t weight = (c * g.out_channels + channel % g.out_channels) * g.taps;
            if (wide)
                double_spread(&g.window, g.in, g.out, wide_x + from, wide_w + weight, sums);
            else
                float_spread(&g.window, g.in, g.out, narrow_x + from, narrow_w + weight, sums);
        }
        for (int64_t i = 0; i < g.in_size; i++) ferry_store_double(y->dtype, y->data, plane * g.in_size + i, sums[i]);
    }
    return FERRY_OK;
}
