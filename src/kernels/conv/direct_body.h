/* SPDX-License-Identifier: Apache-2.0 */
/* Direct convolution on register tiles, once an instruction set: blocked input ("direct") or plain ("direct_plain").
 *
 * A task is a band of output rows and a range of channel panels. Where the kernel reaches outside the input the band's input is
 * first copied between zeros, so that the tiles know no borders; the copy stays in the second-level cache, where the tiles of
 * every panel find it again. The depth (input channels x kernel) is cut into chunks whose panel of weights stays in the
 * first-level cache; partial sums wait in the output. (Blocking after Goto and van de Geijn, "Anatomy of high-performance
 * matrix multiplication", 2008, with pixels in the role of columns.) */
#ifndef FERRY_KERNELS_CONV_DIRECT_BODY_H
#define FERRY_KERNELS_CONV_DIRECT_BODY_H

#include "base/memory.h"
#include "kernels/conv/shape.h"
#include "kernels/gemm/tile_body.h"

typedef struct direct_task {
    const ferry_conv_params *params;
    const ferry_conv_arguments *arguments;
    ferry_conv_frame g;
    const ferry_conv_tactic *tactic;
    ferry_conv_panels panels;
    int64_t image, first_row, rows; /* of the batch; of the output */
    int64_t chunk;
    bool copies;
    ptrdiff_t *offsets, *pixels; /* of taps within a chunk; of the band's outputs */
    float *copy;
} direct_task;

/* Copies the band's rows of input blocks [block, block + count) into task->copy, zeros where the kernel reaches outside. */
static void direct_copy(const direct_task *task, const float *image, int64_t block, int64_t count) {
    const ferry_conv_frame *g = &task->g;
    const int64_t in_block = task->tactic->in_block, rows = ferry_conv_reach_rows(g, task->rows);
    const int64_t left = ferry_min_int64(g->pad_left, g->reach_width);
    const int64_t inside = ferry_max_int64(0, ferry_min_int64(g->reach_width - left, g->in_width));
    float *to = task->copy;
    for (int64_t b = block; b < block + count; b++) {
        for (int64_t r = 0; r < rows; r++, to += g->reach_width * in_block) {
            const int64_t row = task->first_row * g->stride_height - g->pad_top + r;
            if (row < 0 || row >= g->in_height) {
                memset(to, 0, (size_t)(g->reach_width * in_block) * sizeof *to);
                continue;
            }
            memset(to, 0, (size_t)(left * in_block) * sizeof *to);
            memcpy(to + left * in_block, image + b * g->in_plane + row * g->in_width * in_block,
                   (size_t)(inside * in_block) * sizeof *to);
            memset(to + (left + inside) * in_block, 0, (size_t)((g->reach_width - left - inside) * in_block) * sizeof *to);
        }
    }
}

/* Offsets from a chunk's first input value to each tap, and from there to each pixel of the band. */
static void direct_offsets(direct_task *task) {
    const ferry_conv_frame *g = &task->g;
    const int64_t in_block = task->tactic->in_block;
    const int64_t width = task->copies ? g->reach_width : g->in_width;
    const int64_t plane = task->copies ? ferry_conv_reach_rows(g, task->rows) * width * in_block : g->in_plane;
    const int64_t columns = g->taps / g->kernel_height;
    ptrdiff_t *offset = task->offsets, *pixel = task->pixels;
    for (int64_t b = 0; b < task->chunk; b++)
        for (int64_t ky = 0; ky < g->kernel_height; ky++)
            for (int64_t kx = 0; kx < columns; kx++)
                *offset++ = b * plane + (ky * g->dilation_height * width + kx * g->dilation_width) * in_block;
    for (int64_t y = 0; y < task->rows; y++)
        for (int64_t x = 0; x < g->out_width; x++) *pixel++ = (y * g->stride_height * width + x * g->stride_width) * in_block;
}

/* Asks for the inputs of a pixel's tile to come to the second-level cache: planes lie too far apart for the hardware to guess.
 */
static void direct_prefetch(const tile_job *job, const float *pixel) {
    for (ptrdiff_t t = 0; t < job->taps; t++) {
        const float *line = pixel + job->offsets[t];
        for (int i = 0; i < TILE_PIXELS * FERRY_VEC; i += FERRY_LINE) __builtin_prefetch(line + i, 0, 2);
    }
}

/* One panel of output channels over the band, for one chunk of depth. */
static void direct_panel(const direct_task *task, tile_job *job, const float *input, int64_t panel, bool fresh) {
    const ferry_conv_frame *g = &task->g;
    const int64_t block = panel * task->panels.blocks,
                  place = block * g->out_plane + task->first_row * g->out_width * FERRY_VEC;
    const int blocks = (int)ferry_min_int64(task->panels.blocks, task->panels.out_blocks - block);
    const int64_t rest = task->params->out_channels - (block + blocks - 1) * FERRY_VEC;
    float *output = task->arguments->output + task->image * g->out_batch + place;
    const float *residual = task->params->residual ? task->arguments->residual + task->image * g->residual_batch + place : NULL;
    job->bias = task->arguments->bias ? task->arguments->bias + block * FERRY_VEC : NULL;
    job->lanes = (int)ferry_min_int64(rest, FERRY_VEC);
    const int64_t pixels = task->rows * g->out_width;
    for (int64_t q = 0; q < pixels;) {
        const int count = tile_next(pixels - q);
        const float *inputs[TILE_PIXELS];
        for (int p = 0; p < count; p++) inputs[p] = input + task->pixels[q + p];
        if (fresh && q + 2 * TILE_PIXELS < pixels) direct_prefetch(job, input + task->pixels[q + 2 * TILE_PIXELS]);
        tile_functions[blocks - 1][count - 1](job, inputs, output + q * FERRY_VEC, residual ? residual + q * FERRY_VEC : NULL);
        q += count;
    }
}

/* All chunks of depth for the panels [from, to), which need the same input blocks from `start` on. */
static void direct_range(const direct_task *task, int64_t from, int64_t to, int64_t start) {
    const ferry_conv_frame *g = &task->g;
    const int64_t steps = g->taps * g->run, depth = task->panels.span * steps;
    const float *image = task->arguments->input + task->image * g->in_batch;
    const int64_t top = task->first_row * g->stride_height * g->in_width * task->tactic->in_block; /* unpadded: pads are 0 */
    for (int64_t done = 0; done < task->panels.span; done += task->chunk) {
        const int64_t count = ferry_min_int64(task->chunk, task->panels.span - done);
        const float *input = task->copy;
        if (task->copies)
            direct_copy(task, image, start + done, count);
        else
            input = image + (start + done) * g->in_plane + top;
        tile_job job = {.offsets = task->offsets,
                        .taps = count * g->taps,
                        .run = g->run,
                        .block_stride = g->out_plane,
                        .pixel_stride = FERRY_VEC,
                        .residual_block_stride = g->out_plane,
                        .residual_pixel_stride = FERRY_VEC,
                        .fused = &task->params->fused,
                        .first = done == 0,
                        .last = done + count == task->panels.span};
        for (int64_t panel = from; panel < to; panel++) {
            const int64_t block = panel * task->panels.blocks;
            const int64_t wide = ferry_min_int64(task->panels.blocks, task->panels.out_blocks - block) * FERRY_VEC;
            job.weights = task->arguments->weights + block * FERRY_VEC * depth + done * steps * wide;
            job.weight_step = wide;
            direct_panel(task, &job, input, panel, panel == from && !task->copies);
        }
    }
}

static void direct_run(const ferry_conv_tactic *tactic, const ferry_conv_params *params, const ferry_conv_plan *plan,
                       const ferry_conv_arguments *arguments, int64_t index, void *workspace) {
    const int64_t split = index % plan->splits, band = index / plan->splits % plan->bands;
    direct_task task = {
        .params = params, .arguments = arguments, .tactic = tactic, .chunk = plan->chunk, .copies = plan->copies};
    task.g = ferry_conv_frame_of(params, tactic->in_block, tactic->block);
    task.panels = ferry_conv_panels_of(tactic, params);
    task.image = index / plan->splits / plan->bands;
    task.first_row = band * plan->band_rows;
    task.rows = ferry_min_int64(plan->band_rows, task.g.out_height - task.first_row);
    task.offsets = workspace;
    task.pixels = task.offsets + plan->chunk * task.g.taps;
    const size_t tables = (size_t)(plan->chunk * task.g.taps + plan->band_rows * task.g.out_width) * sizeof(ptrdiff_t);
    task.copy = (float *)((char *)workspace + ferry_align_up(tables, 64));
    direct_offsets(&task);
    const int64_t last = ferry_min_int64((split + 1) * plan->split_panels, task.panels.count);
    for (int64_t from = split * plan->split_panels, to; from < last; from = to) {
        const int64_t start = ferry_conv_panel_start(tactic, params, &task.panels, from);
        for (to = from + 1; to < last && ferry_conv_panel_start(tactic, params, &task.panels, to) == start;) to++;
        direct_range(&task, from, to, start);
    }
}

#endif
