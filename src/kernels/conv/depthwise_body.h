/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution: every channel by itself, lanes are channels, once an instruction set.
 *
 * A task is a band of output rows of one channel block. Rows of the kernel outside the input are skipped; columns are divided
 * into a left border, an interior where no output needs a check, and a right border. */
#ifndef FERRY_KERNELS_CONV_DEPTHWISE_BODY_H
#define FERRY_KERNELS_CONV_DEPTHWISE_BODY_H

#include "base/memory.h"
#include "kernels/conv/shape.h"
#include "kernels/gemm/fused_body.h"

#define DEPTHWISE_PIXELS 6

/* The columns whose every kernel position lies inside: [*first, *last), perhaps empty. */
static void depthwise_interior(const ferry_conv_frame *g, int64_t *first, int64_t *last) {
    const int64_t reach = (g->kernel_width - 1) * g->dilation_width, room = g->in_width - 1 - reach + g->pad_left;
    *first = ferry_min_int64(ferry_ceil_div(g->pad_left, g->stride_width), g->out_width);
    *last = room < 0 ? *first : ferry_max_int64(*first, ferry_min_int64(room / g->stride_width + 1, g->out_width));
}

typedef struct depthwise_row {
    const float *input, *weights;         /* first kernel row inside the input: its row, its weights */
    int64_t kernel_rows;                  /* kernel rows inside the input */
    int64_t input_row, columns, dilation; /* floats between kernel rows of the input; kernel width; floats between taps */
    vec bias;
} depthwise_row;

/* Sums of `pixels` outputs whose inputs lie `step` floats apart, all inside. */
FERRY_INLINE void depthwise_sum(const depthwise_row *row, const float *input, int64_t step, vec *sum, const int pixels,
                                const int64_t columns) {
    FERRY_UNROLL for (int p = 0; p < pixels; p++) sum[p] = row->bias;
    for (int64_t ky = 0; ky < row->kernel_rows; ky++) {
        const float *from = input + ky * row->input_row, *weights = row->weights + ky * columns * FERRY_VEC;
        for (int64_t kx = 0; kx < columns; kx++) {
            vec w = vec_load(weights + kx * FERRY_VEC);
            FERRY_UNROLL for (int p = 0; p < pixels; p++) sum[p] =
                vec_fmadd(vec_load(from + kx * row->dilation + p * step), w, sum[p]);
        }
    }
}

/* Constant columns and strides let the compiler unroll and address without multiplications. */
#define DEPTHWISE(name, columns, step, dilated)                                                                                \
    static void name(const depthwise_row *constant_row, const float *input, vec *values) {                                     \
        depthwise_row row = *constant_row;                                                                                     \
        vec sum[DEPTHWISE_PIXELS];                                                                                             \
        row.dilation = dilated;                                                                                                \
        depthwise_sum(&row, input, step, sum, DEPTHWISE_PIXELS, columns);                                                      \
        FERRY_UNROLL for (int p = 0; p < DEPTHWISE_PIXELS; p++) values[p] = sum[p];                                            \
    }
DEPTHWISE(depthwise_3_stride_1, 3, FERRY_VEC, FERRY_VEC)
DEPTHWISE(depthwise_3_stride_2, 3, 2 * FERRY_VEC, FERRY_VEC)
DEPTHWISE(depthwise_5_stride_1, 5, FERRY_VEC, FERRY_VEC)
DEPTHWISE(depthwise_5_stride_2, 5, 2 * FERRY_VEC, FERRY_VEC)

typedef void (*depthwise_tile)(const depthwise_row *row, const float *input, vec *values);

static depthwise_tile depthwise_special(const ferry_conv_frame *g) {
    if (g->dilation_width != 1 || g->stride_width > 2) return NULL;
    if (g->kernel_width == 3) return g->stride_width == 1 ? depthwise_3_stride_1 : depthwise_3_stride_2;
    if (g->kernel_width == 5) return g->stride_width == 1 ? depthwise_5_stride_1 : depthwise_5_stride_2;
    return NULL;
}

/* One output at column x that may reach outside. */
static vec depthwise_border(const depthwise_row *row, const ferry_conv_frame *g, int64_t x) {
    vec sum = row->bias;
    for (int64_t kx = 0; kx < g->kernel_width; kx++) {
        const int64_t column = x * g->stride_width - g->pad_left + kx * g->dilation_width;
        if (column < 0 || column >= g->in_width) continue;
        for (int64_t ky = 0; ky < row->kernel_rows; ky++)
            sum = vec_fmadd(vec_load(row->input + ky * row->input_row + column * FERRY_VEC),
                            vec_load(row->weights + (ky * g->kernel_width + kx) * FERRY_VEC), sum);
    }
    return sum;
}

static void depthwise_store(const ferry_conv_params *p, vec *values, int count, float *output, const float *residual,
                            int lanes) {
    if (residual && !p->fused.residual_after)
        for (int i = 0; i < count; i++) values[i] = vec_add(values[i], vec_load(residual + i * FERRY_VEC));
    fused_activate(&p->fused, values, count);
    if (residual && p->fused.residual_after)
        for (int i = 0; i < count; i++) values[i] = vec_add(values[i], vec_load(residual + i * FERRY_VEC));
    for (int i = 0; i < count; i++)
        vec_store(output + i * FERRY_VEC, lanes < FERRY_VEC ? vec_keep(values[i], lanes) : values[i]);
}

static void depthwise_line(const ferry_conv_params *p, const ferry_conv_frame *g, const depthwise_row *row, float *output,
                           const float *residual, int lanes) {
    int64_t first, last;
    depthwise_interior(g, &first, &last);
    const depthwise_tile special = depthwise_special(g);
    const int64_t step = g->stride_width * FERRY_VEC;
    vec values[DEPTHWISE_PIXELS];
    for (int64_t x = 0; x < g->out_width;) {
        int count = 1;
        if (x < first || x >= last) {
            values[0] = depthwise_border(row, g, x);
        } else {
            const float *input = row->input + (x * g->stride_width - g->pad_left) * FERRY_VEC;
            if (last - x < DEPTHWISE_PIXELS)
                depthwise_sum(row, input, step, values, 1, g->kernel_width);
            else if (count = DEPTHWISE_PIXELS, special)
                special(row, input, values);
            else
                depthwise_sum(row, input, step, values, DEPTHWISE_PIXELS, g->kernel_width);
        }
        depthwise_store(p, values, count, output + x * FERRY_VEC, residual ? residual + x * FERRY_VEC : NULL, lanes);
        x += count;
    }
}

static void depthwise_run(const ferry_conv_tactic *tactic, const ferry_conv_params *p, const ferry_conv_plan *plan,
                          const ferry_conv_arguments *arguments, int64_t task, void *workspace) {
    (void)tactic;
    (void)workspace;
    ferry_conv_frame g = ferry_conv_frame_of(p, FERRY_VEC, FERRY_VEC);
    const int64_t blocks = g.in_blocks, band = task % plan->bands, block = task / plan->bands % blocks;
    const int64_t image = task / plan->bands / blocks;
    const int64_t first_row = band * plan->band_rows, last_row = ferry_min_int64(first_row + plan->band_rows, g.out_height);
    const float *input = arguments->input + image * g.in_batch + block * g.in_plane;
    const float *weights = arguments->weights + block * g.kernel_height * g.kernel_width * FERRY_VEC;
    const int lanes = (int)ferry_min_int64(FERRY_VEC, p->out_channels - block * FERRY_VEC);
    depthwise_row row = {.columns = g.kernel_width, .dilation = g.dilation_width * FERRY_VEC};
    row.bias = arguments->bias ? vec_load(arguments->bias + block * FERRY_VEC) : vec_zero();
    row.input_row = g.dilation_height * g.in_width * FERRY_VEC;
    for (int64_t y = first_row; y < last_row; y++) {
        const int64_t top = y * g.stride_height - g.pad_top;
        const int64_t skip = top < 0 ? ferry_min_int64(ferry_ceil_div(-top, g.dilation_height), g.kernel_height) : 0;
        const int64_t room = g.in_height - 1 - top; /* last kernel row inside is at room / dilation */
        const int64_t end = room < 0 ? 0 : ferry_min_int64(g.kernel_height, room / g.dilation_height + 1);
        row.kernel_rows = ferry_max_int64(0, end - skip);
        row.input = row.kernel_rows > 0 ? input + (top + skip * g.dilation_height) * g.in_width * FERRY_VEC : input;
        row.weights = weights + (row.kernel_rows > 0 ? skip * g.kernel_width * FERRY_VEC : 0);
        const int64_t place = block * g.out_plane + y * g.out_width * FERRY_VEC;
        depthwise_line(p, &g, &row, arguments->output + image * g.out_batch + place,
                       p->residual ? arguments->residual + image * g.residual_batch + place : NULL, lanes);
    }
}

#endif
