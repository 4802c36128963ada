/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loops of Winograd convolution, once an instruction set. A task transforms the inputs of some tiles, multiplies the
 * 36 matrices [tiles x input channels] by those of the weights on the register tiles of matrix multiplication, and transforms
 * the products back. */
#ifndef FERRY_KERNELS_CONV_WINOGRAD_BODY_H
#define FERRY_KERNELS_CONV_WINOGRAD_BODY_H

#include "base/memory.h"
#include "kernels/conv/winograd.h"
#include "kernels/gemm/tile_body.h"

typedef struct winograd_task {
    const ferry_conv_tactic *tactic;
    const ferry_conv_params *params;
    const ferry_conv_arguments *arguments;
    ferry_conv_panels panels;
    ferry_winograd_sizes sizes;
    int64_t image, first_tile, tiles;
    int64_t first_panel, last_panel;
    float *in, *out; /* transformed inputs [point][tile][channel]; products [point][block][tile][lane] */
} winograd_task;

/* One dimension of B' d: six inputs to six points. */
FERRY_INLINE void winograd_in(const vec x[6], vec y[6]) {
    const vec two = vec_set1(2.0f), four = vec_set1(4.0f), five = vec_set1(5.0f);
    const vec a = vec_fnmadd(four, x[2], x[4]), b = vec_fnmadd(four, x[1], x[3]);
    const vec c = vec_sub(x[4], x[2]), d = vec_mul(two, vec_sub(x[3], x[1]));
    y[0] = vec_fmadd(four, x[0], vec_fnmadd(five, x[2], x[4]));
    y[1] = vec_add(a, b);
    y[2] = vec_sub(a, b);
    y[3] = vec_add(c, d);
    y[4] = vec_sub(c, d);
    y[5] = vec_fmadd(four, x[1], vec_fnmadd(five, x[3], x[5]));
}

/* One dimension of A' m: six products to four outputs. */
FERRY_INLINE void winograd_out(const vec m[6], vec y[4]) {
    const vec sum1 = vec_add(m[1], m[2]), difference1 = vec_sub(m[1], m[2]);
    const vec sum2 = vec_add(m[3], m[4]), difference2 = vec_sub(m[3], m[4]);
    y[0] = vec_add(vec_add(m[0], sum1), sum2);
    y[1] = vec_fmadd(vec_set1(2.0f), difference2, difference1);
    y[2] = vec_fmadd(vec_set1(4.0f), sum2, sum1);
    y[3] = vec_add(vec_fmadd(vec_set1(8.0f), difference2, difference1), m[5]);
}

/* 6x6 inputs of one channel block at `input` (rows `row` floats apart) to 36 points `matrix` floats apart. */
static void winograd_transform_in(const float *input, int64_t row, float *points, int64_t matrix) {
    vec half[6][6];
    FERRY_UNROLL for (int x = 0; x < 6; x++) {
        vec column[6], result[6];
        FERRY_UNROLL for (int y = 0; y < 6; y++) column[y] = vec_load(input + y * row + x * FERRY_VEC);
        winograd_in(column, result);
        FERRY_UNROLL for (int y = 0; y < 6; y++) half[y][x] = result[y];
    }
    for (int y = 0; y < 6; y++) {
        vec result[6];
        winograd_in(half[y], result);
        FERRY_UNROLL for (int x = 0; x < 6; x++) vec_store(points + (y * 6 + x) * matrix, result[x]);
    }
}

/* 36 products of one channel block to 4x4 sums. */
static void winograd_transform_out(const float *points, int64_t matrix, vec sums[16]) {
    vec half[4][6];
    for (int x = 0; x < 6; x++) {
        vec column[6], result[4];
        FERRY_UNROLL for (int y = 0; y < 6; y++) column[y] = vec_load(points + (y * 6 + x) * matrix);
        winograd_out(column, result);
        FERRY_UNROLL for (int y = 0; y < 4; y++) half[y][x] = result[y];
    }
    FERRY_UNROLL for (int y = 0; y < 4; y++) winograd_out(half[y], sums + 4 * y);
}

/* Copies the 6x6 inputs from (row, column) of a plane, zeros for what lies outside. */
static void winograd_patch(const ferry_conv_params *p, const float *plane, int64_t row, int64_t column, float *patch) {
    for (int y = 0; y < FERRY_WINOGRAD_IN; y++) {
        for (int x = 0; x < FERRY_WINOGRAD_IN; x++, patch += FERRY_VEC) {
            const int64_t r = row + y, c = column + x;
            const bool inside = r >= 0 && r < p->in_height && c >= 0 && c < p->in_width;
            vec_store(patch, inside ? vec_load(plane + (r * p->in_width + c) * FERRY_VEC) : vec_zero());
        }
    }
}

static void winograd_inputs(const winograd_task *task) {
    const ferry_conv_params *p = task->params;
    const int64_t plane = (int64_t)p->in_height * p->in_width * FERRY_VEC, blocks = task->sizes.in_channels / FERRY_VEC;
    const float *image = task->arguments->input + task->image * (p->in_batch_stride ? p->in_batch_stride : blocks * plane);
    for (int64_t t = 0; t < task->tiles; t++) {
        const int64_t tile = task->first_tile + t;
        const int64_t row = tile / task->sizes.tiles_across * FERRY_WINOGRAD_OUT - p->pad_top;
        const int64_t column = tile % task->sizes.tiles_across * FERRY_WINOGRAD_OUT - p->pad_left;
        const bool inside =
            row >= 0 && column >= 0 && row + FERRY_WINOGRAD_IN <= p->in_height && column + FERRY_WINOGRAD_IN <= p->in_width;
        float *points = task->in + t * task->sizes.in_channels;
        for (int64_t block = 0; block < blocks; block++, points += FERRY_VEC) {
            const float *from = image + block * plane;
            float patch[FERRY_WINOGRAD_POINTS * FERRY_VEC];
            if (inside) {
                winograd_transform_in(from + (row * p->in_width + column) * FERRY_VEC, (int64_t)p->in_width * FERRY_VEC, points,
                                      task->sizes.in_matrix);
            } else {
                winograd_patch(p, from, row, column, patch);
                winograd_transform_in(patch, FERRY_WINOGRAD_IN * FERRY_VEC, points, task->sizes.in_matrix);
            }
        }
    }
}

/* All tiles against one panel of weights of one point. */
static void winograd_panel(const winograd_task *task, int point, int64_t panel) {
    const int64_t in = task->sizes.in_channels, block = panel * task->panels.blocks;
    const int blocks = (int)ferry_min_int64(task->panels.blocks, task->panels.out_blocks - block);
    const float *weights = task->arguments->weights + (point * task->panels.out_blocks + block) * FERRY_VEC * in;
    const float *input = task->in + point * task->sizes.in_matrix;
    float *output = task->out + point * task->sizes.out_matrix +
                    (block - task->first_panel * task->panels.blocks) * task->tiles * FERRY_VEC;
    const ptrdiff_t offset = 0;
    for (int64_t k = 0; k < in; k += task->tactic->depth) {
        const tile_job job = {.weights = weights + k * blocks * FERRY_VEC,
                              .weight_step = blocks * FERRY_VEC,
                              .offsets = &offset,
                              .taps = 1,
                              .run = ferry_min_int64(task->tactic->depth, in - k),
                              .block_stride = task->tiles * FERRY_VEC,
                              .pixel_stride = FERRY_VEC,
                              .first = k == 0,
                              .lanes = FERRY_VEC};
        for (int64_t t = 0; t < task->tiles;) {
            const int count = tile_next(task->tiles - t);
            const float *inputs[TILE_PIXELS];
            for (int i = 0; i < count; i++) inputs[i] = input + (t + i) * in + k;
            tile_functions[blocks - 1][count - 1](&job, inputs, output + t * FERRY_VEC, NULL);
            t += count;
        }
    }
}

/* Adds bias and residual, activates, and writes those of a tile's 4x4 outputs that exist. */
static void winograd_finish(const winograd_task *task, vec sums[16], int64_t block, int64_t tile) {
    const ferry_conv_params *p = task->params;
    const int64_t y0 = tile / task->sizes.tiles_across * FERRY_WINOGRAD_OUT,
                  x0 = tile % task->sizes.tiles_across * FERRY_WINOGRAD_OUT;
    const int rows = (int)ferry_min_int64(FERRY_WINOGRAD_OUT, p->out_height - y0);
    const int columns = (int)ferry_min_int64(FERRY_WINOGRAD_OUT, p->out_width - x0);
    const int64_t plane = (int64_t)p->out_height * p->out_width * FERRY_VEC, packed = task->panels.out_blocks * plane;
    const int64_t place = block * plane + (y0 * p->out_width + x0) * FERRY_VEC, row = (int64_t)p->out_width * FERRY_VEC;
    const int lanes = (int)ferry_min_int64(FERRY_VEC, p->out_channels - block * FERRY_VEC);
    float *output = task->arguments->output + task->image * (p->out_batch_stride ? p->out_batch_stride : packed) + place;
    const float *residual =
        p->residual
            ? task->arguments->residual + task->image * (p->residual_batch_stride ? p->residual_batch_stride : packed) + place
            : NULL;
    const vec bias = task->arguments->bias ? vec_load(task->arguments->bias + block * FERRY_VEC) : vec_zero();
    for (int i = 0; i < 16; i++) sums[i] = vec_add(sums[i], bias);
    for (int pass = 0; pass < 2; pass++) { /* residual before or after the activation */
        if (residual && p->fused.residual_after == (pass == 1))
            for (int y = 0; y < rows; y++)
                for (int x = 0; x < columns; x++)
                    sums[y * 4 + x] = vec_add(sums[y * 4 + x], vec_load(residual + y * row + x * FERRY_VEC));
        if (pass == 0) fused_activate(&p->fused, sums, rows * 4);
    }
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++)
            vec_store(output + y * row + x * FERRY_VEC, lanes < FERRY_VEC ? vec_keep(sums[y * 4 + x], lanes) : sums[y * 4 + x]);
}

static void winograd_outputs(const winograd_task *task) {
    const int64_t first = task->first_panel * task->panels.blocks;
    const int64_t last = ferry_min_int64(task->last_panel * task->panels.blocks, task->panels.out_blocks);
    for (int64_t block = first; block < last; block++) {
        for (int64_t t = 0; t < task->tiles; t++) {
            vec sums[16];
            winograd_transform_out(task->out + ((block - first) * task->tiles + t) * FERRY_VEC, task->sizes.out_matrix, sums);
            winograd_finish(task, sums, block, task->first_tile + t);
        }
    }
}

static void winograd_run(const ferry_conv_tactic *tactic, const ferry_conv_params *params, const ferry_conv_plan *plan,
                         const ferry_conv_arguments *arguments, int64_t index, void *workspace) {
    const int64_t split = index % plan->splits, band = index / plan->splits % plan->bands;
    winograd_task task = {
        .tactic = tactic, .params = params, .arguments = arguments, .panels = ferry_conv_panels_of(tactic, params)};
    task.image = index / plan->splits / plan->bands;
    task.first_tile = band * plan->band_rows;
    task.first_panel = split * plan->split_panels;
    task.last_panel = ferry_min_int64(task.first_panel + plan->split_panels, task.panels.count);
    task.sizes = ferry_winograd_sizes_of(tactic, params, plan->band_rows, plan->split_panels * task.panels.blocks);
    task.tiles = ferry_min_int64(plan->band_rows, task.sizes.tiles - task.first_tile);
    task.in = workspace;
    task.out = task.in + FERRY_WINOGRAD_POINTS * task.sizes.in_matrix;
    winograd_inputs(&task);
    for (int point = 0; point < FERRY_WINOGRAD_POINTS; point++)
        for (int64_t panel = task.first_panel; panel < task.last_panel; panel++) winograd_panel(&task, point, panel);
    winograd_outputs(&task);
}

#endif
