/* SPDX-License-Identifier: Apache-2.0 */
/* DeformConv: a convolution whose taps are moved by learned offsets and sampled bilinearly. Dai et al., 2017; the mask is from
 * Zhu et al., 2019. Two spatial dimensions. */
#include <math.h>

#include "ops/conv.h"

/* X, W, offset (batch, offset_group * taps * 2, out...), bias, mask (batch, offset_group * taps, out...) */
ferry_status ferry_infer_deform_conv(ferry_inference *inference) {
    ferry_dtype dtype;
    ferry_shape shape;
    bool ranked;
    int64_t offset_groups;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 4, FERRY_DTYPES_FLOAT, &dtype));
    FERRY_TRY(ferry_rule_rank(inference, 0, 4, 4));
    FERRY_TRY(ferry_rule_rank(inference, 1, 4, 4));
    FERRY_TRY(ferry_conv_shape(inference, 0, 1, 3, &shape, &ranked));
    FERRY_TRY(ferry_conv_groups(inference, "offset_group", &offset_groups));
    ferry_rule_output(inference, 0, dtype, ranked ? &shape : NULL);
    if (!ranked) return FERRY_OK;
    const ferry_shape *x = ferry_rule_shape(inference, 0), *w = ferry_rule_shape(inference, 1);
    if (ferry_dim_known(x->dims[1]) && x->dims[1] % offset_groups)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "DeformConv: %lld channels cannot be split into %lld offset groups", (long long)x->dims[1],
                          (long long)offset_groups);
    int64_t maps = ferry_dim_multiply(inference->symbols, ferry_rule_product(inference, w, 2, 4), offset_groups);
    for (int i = 2; i < 5; i += 2) {
        const ferry_shape *given = ferry_rule_shape(inference, i);
        if (!given) continue;
        FERRY_TRY(ferry_rule_rank(inference, i, 4, 4));
        ferry_shape wanted = shape;
        wanted.dims[1] = i == 2 ? ferry_dim_multiply(inference->symbols, maps, 2) : maps;
        for (int d = 0; d < 4; d++) {
            int64_t joined;
            FERRY_TRY(ferry_rule_same_dim(inference, given->dims[d], wanted.dims[d],
                                          i == 2 ? "dimensions of the offsets and those expected"
                                                 : "dimensions of the mask and those expected",
                                          &joined));
        }
    }
    return FERRY_OK;
}

/* Bilinear; 0 outside the plane. */
static double sample(const double *plane, int64_t height, int64_t width, double y, double x) {
    if (!(y > -1 && x > -1 && y < (double)height && x < (double)width)) return 0;
    int64_t top = (int64_t)floor(y), left = (int64_t)floor(x);
    double down = y - (double)top, right = x - (double)left, sum = 0;
    for (int i = 0; i < 4; i++) {
        int64_t row = top + i / 2, column = left + i % 2;
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        sum += plane[row * width + column] * (i / 2 ? down : 1 - down) * (i % 2 ? right : 1 - right);
    }
    return sum;
}

typedef struct deform_plan {
    ferry_conv_sizes g;
    int64_t offset_groups;
    const double *x, *w, *offset, *mask;
} deform_plan;

/* The input as every tap of one output position sees it: columns[channel][tap]. */
static void gather_columns(const deform_plan *plan, int64_t n, int64_t position, double *columns) {
    const ferry_conv_sizes *g = &plan->g;
    const ferry_window *window = &g->window;
    int64_t channels = g->groups * g->in_channels, width = window->kernel[1];
    int64_t row = position / g->out[1] * window->stride[0] - window->pad_begin[0];
    int64_t column = position % g->out[1] * window->stride[1] - window->pad_begin[1];
    for (int64_t c = 0; c < channels; c++) {
        int64_t group = c / (channels / plan->offset_groups);
        for (int64_t tap = 0; tap < g->taps; tap++) {
            int64_t map = (n * plan->offset_groups + group) * g->taps + tap;
            double y = (double)(row + tap / width * window->dilation[0]) + plan->offset[(2 * map) * g->out_size + position];
            double x =
                (double)(column + tap % width * window->dilation[1]) + plan->offset[(2 * map + 1) * g->out_size + position];
            double value = sample(plan->x + (n * channels + c) * g->in_size, g->in[0], g->in[1], y, x);
            columns[c * g->taps + tap] = plan->mask ? value * plan->mask[map * g->out_size + position] : value;
        }
    }
}

ferry_status ferry_evaluate_deform_conv(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *w = ferry_input(evaluation, 1), *bias = ferry_input(evaluation, 3);
    const ferry_tensor *mask = ferry_input(evaluation, 4);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    deform_plan plan = {.offset_groups = ferry_attribute_integer(evaluation->attributes, "offset_group", 1)};
    FERRY_TRY(ferry_conv_sizes_of(evaluation, x, w, y, &plan.g));
    FERRY_NEED(plan.x, ferry_evaluation_doubles(evaluation, x));
    FERRY_NEED(plan.w, ferry_evaluation_doubles(evaluation, w));
    FERRY_NEED(plan.offset, ferry_evaluation_doubles(evaluation, ferry_input(evaluation, 2)));
    if (mask) FERRY_NEED(plan.mask, ferry_evaluation_doubles(evaluation, mask));
    const ferry_conv_sizes *g = &plan.g;
    int64_t run = g->in_channels * g->taps, channels = g->groups * g->out_channels;
    double *columns;
    FERRY_SCRATCH(columns, evaluation, g->groups * run);
    for (int64_t i = 0; i < g->batch * g->out_size; i++) {
        int64_t n = i / g->out_size, position = i % g->out_size;
        gather_columns(&plan, n, position, columns);
        for (int64_t c = 0; c < channels; c++) {
            const double *from = columns + c / g->out_channels * run, *weights = plan.w + c * run;
            double sum = bias ? ferry_load_double(bias->dtype, bias->data, c) : 0;
            for (int64_t k = 0; k < run; k++) sum += from[k] * weights[k];
            ferry_store_double(y->dtype, y->data, (n * channels + c) * g->out_size + position, sum);
        }
    }
    return FERRY_OK;
}
