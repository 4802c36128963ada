/* SPDX-License-Identifier: Apache-2.0 */
/* Panels, packing and division of direct convolutions; see shape.h. */
#include "kernels/conv/shape.h"

#include <string.h>

#include "base/memory.h"

enum { L2_BUDGET = 320 * 1024, MAX_PIXELS = 2048, MIN_PIXELS = 48, TASKS_A_THREAD = 3 };

static int64_t group_start(int64_t out_channel, int64_t out_group, int64_t in_group) {
    return out_channel / out_group * in_group;
}

/* Input channels [first, last) that output channels [from, to) need. */
static void channels_needed(const ferry_conv_params *p, int64_t from, int64_t to, int64_t *first, int64_t *last) {
    const int64_t in_group = p->in_channels / p->groups, out_group = p->out_channels / p->groups;
    *first = group_start(from, out_group, in_group);
    *last = group_start(to - 1, out_group, in_group) + in_group;
}

ferry_conv_panels ferry_conv_panels_of(const ferry_conv_params *p, const ferry_conv_tile *tile) {
    const int64_t out_group = p->out_channels / p->groups;
    ferry_conv_panels panels = {.blocks = tile->panel_blocks, .out_blocks = ferry_ceil_div(p->out_channels, tile->out_block)};
    if (p->groups > 1 && out_group % ((int64_t)tile->panel_blocks * tile->out_block) != 0) panels.blocks = 1;
    panels.count = ferry_ceil_div(panels.out_blocks, panels.blocks);
    const int64_t wide = (int64_t)panels.blocks * tile->out_block;
    for (int64_t panel = 0; panel < panels.count; panel++) {
        int64_t first, last;
        channels_needed(p, panel * wide, ferry_min_int64((panel + 1) * wide, p->out_channels), &first, &last);
        const int64_t span = ferry_ceil_div(last, tile->in_block) - first / tile->in_block;
        panels.span = ferry_max_int64(panels.span, span);
        if (p->groups == 1) break;
    }
    return panels;
}

int64_t ferry_conv_panel_start(const ferry_conv_params *p, const ferry_conv_tile *tile, const ferry_conv_panels *panels,
                               int64_t panel) {
    int64_t first, last;
    const int64_t from = panel * panels->blocks * tile->out_block;
    channels_needed(p, from, from + 1, &first, &last);
    return ferry_min_int64(first / tile->in_block, ferry_ceil_div(p->in_channels, tile->in_block) - panels->span);
}

size_t ferry_conv_direct_packed_bytes(const ferry_conv_params *p, const ferry_conv_tile *tile) {
    const ferry_conv_panels panels = ferry_conv_panels_of(p, tile);
    return (size_t)(panels.out_blocks * tile->out_block * panels.span * tile->in_block * p->kernel_height * p->kernel_width) *
           sizeof(float);
}

typedef struct source {
    const float *weights;
    int64_t positions, in_group, out_group; /* positions of the kernel; channels of a group */
} source;

/* The weight from input channel `in` to output channel `out` (of all groups) at a kernel position; 0 between strangers. */
static float weight_at(const ferry_conv_params *p, const source *s, int64_t out, int64_t in, int64_t position) {
    if (out >= p->out_channels || in >= p->in_channels) return 0.0f;
    const int64_t inside = in - group_start(out, s->out_group, s->in_group);
    if (inside < 0 || inside >= s->in_group) return 0.0f;
    return s->weights[(out * s->in_group + inside) * s->positions + position];
}

void ferry_conv_direct_pack(const ferry_conv_params *p, const ferry_conv_tile *tile, const float *weights, float *packed) {
    const ferry_conv_panels panels = ferry_conv_panels_of(p, tile);
    const source s = {weights, (int64_t)p->kernel_height * p->kernel_width, p->in_channels / p->groups,
                      p->out_channels / p->groups};
    for (int64_t panel = 0; panel < panels.count; panel++) {
        const int64_t block = panel * panels.blocks, start = ferry_conv_panel_start(p, tile, &panels, panel);
        const int64_t wide = ferry_min_int64(panels.blocks, panels.out_blocks - block) * tile->out_block;
        for (int64_t in_block = start; in_block < start + panels.span; in_block++)
            for (int64_t position = 0; position < s.positions; position++)
                for (int64_t r = 0; r < tile->in_block; r++)
                    for (int64_t o = 0; o < wide; o++)
                        *packed++ = weight_at(p, &s, block * tile->out_block + o, in_block * tile->in_block + r, position);
    }
}

static bool touches_outside(const ferry_conv_params *p) {
    const int64_t bottom =
        (int64_t)(p->out_height - 1) * p->stride_height + (int64_t)(p->kernel_height - 1) * p->dilation_height;
    const int64_t right = (int64_t)(p->out_width - 1) * p->stride_width + (int64_t)(p->kernel_width - 1) * p->dilation_width;
    return p->pad_top > 0 || p->pad_left > 0 || bottom >= p->in_height || right >= p->in_width;
}

ferry_conv_geometry ferry_conv_geometry_of(const ferry_conv_params *p, int in_block, int out_block) {
    ferry_conv_geometry g = {p->in_height,       p->in_width,       p->out_height,    p->out_width,
                             p->kernel_height,   p->kernel_width,   p->stride_height, p->stride_width,
                             p->dilation_height, p->dilation_width, p->pad_top,       p->pad_left};
    g.padded = touches_outside(p);
    if (!g.padded && p->kernel_height == 1 && p->kernel_width == 1 && p->stride_height == 1 && p->stride_width == 1 &&
        p->in_height == p->out_height && p->in_width == p->out_width) {
        g.in_height = g.out_height = (int64_t)p->in_height * p->in_width;
        g.in_width = g.out_width = 1;
    }
    g.in_blocks = ferry_ceil_div(p->in_channels, in_block);
    g.in_plane = g.in_height * g.in_width * in_block;
    g.out_plane = g.out_height * g.out_width * out_block;
    const int64_t out_packed = ferry_ceil_div(p->out_channels, out_block) * g.out_plane;
    g.in_batch = p->in_batch_stride ? p->in_batch_stride : g.in_blocks * g.in_plane;
    g.out_batch = p->out_batch_stride ? p->out_batch_stride : out_packed;
    g.residual_batch = p->residual_batch_stride ? p->residual_batch_stride : out_packed;
    g.reach_width = (g.out_width - 1) * g.stride_width + (g.kernel_width - 1) * g.dilation_width + 1;
    const bool joined = g.dilation_width == 1; /* a kernel row's inputs lie side by side */
    g.run = joined ? g.kernel_width * in_block : in_block;
    g.taps = joined ? g.kernel_height : g.kernel_height * g.kernel_width;
    return g;
}

void ferry_conv_divide(ferry_conv_plan *plan, int64_t batch, int64_t rows, int64_t row_pixels, int64_t max_rows,
                       int64_t min_pixels, int64_t panels, int threads) {
    const int64_t wanted = threads > 1 ? (int64_t)threads * TASKS_A_THREAD : 1;
    int64_t bands = ferry_ceil_div(rows, ferry_max_int64(1, ferry_min_int64(max_rows, rows)));
    if (batch * bands < wanted) {
        const int64_t most = ferry_max_int64(bands, rows * row_pixels / min_pixels);
        bands = ferry_min_int64(ferry_min_int64(ferry_ceil_div(wanted, batch), most), rows);
    }
    plan->band_rows = ferry_ceil_div(rows, bands);
    plan->bands = ferry_ceil_div(rows, plan->band_rows);
    const int64_t splits = ferry_min_int64(panels, ferry_ceil_div(wanted, batch * plan->bands));
    plan->split_panels = ferry_ceil_div(panels, splits);
    plan->splits = ferry_ceil_div(panels, plan->split_panels);
    plan->tasks = batch * plan->bands * plan->splits;
}

void ferry_conv_direct_plan(const ferry_conv_params *p, const ferry_conv_tile *tile, int threads, ferry_conv_plan *plan) {
    const ferry_conv_geometry g = ferry_conv_geometry_of(p, tile->in_block, tile->out_block);
    const ferry_conv_panels panels = ferry_conv_panels_of(p, tile);
    const int64_t steps = g.kernel_height * g.kernel_width * tile->in_block;
    const int64_t fitting = ferry_max_int64(1, ferry_min_int64(panels.span, tile->depth / steps));
    const int64_t chunks = ferry_ceil_div(panels.span, fitting);
    *plan = (ferry_conv_plan){.copies = g.padded, .chunk = ferry_ceil_div(panels.span, chunks)};

    const int64_t channel_bytes = plan->chunk * tile->in_block * (int64_t)sizeof(float);
    const int64_t row_bytes = channel_bytes * g.reach_width * g.stride_height +
                              (chunks > 1 ? panels.out_blocks * tile->out_block * g.out_width * (int64_t)sizeof(float) : 0);
    const int64_t first_bytes = channel_bytes * g.reach_width * (g.kernel_height - 1) * g.dilation_height;
    int64_t max_rows = ferry_max_int64(1, (L2_BUDGET - first_bytes) / row_bytes);
    max_rows = ferry_max_int64(max_rows, ferry_ceil_div(MIN_PIXELS, g.out_width));
    max_rows = ferry_min_int64(max_rows, ferry_max_int64(1, MAX_PIXELS / g.out_width));
    ferry_conv_divide(plan, p->batch, g.out_height, g.out_width, max_rows, MIN_PIXELS, panels.count, threads);

    size_t bytes = (size_t)(plan->chunk * g.taps) * sizeof(ptrdiff_t);
    bytes = ferry_align_up(bytes + (size_t)(plan->band_rows * g.out_width) * sizeof(ptrdiff_t), 64);
    if (g.padded)
        bytes +=
            (size_t)(plan->chunk * tile->in_block * ferry_conv_reach_rows(&g, plan->band_rows) * g.reach_width) * sizeof(float);
    plan->workspace_bytes = ferry_align_up(bytes, 64);
}

double ferry_conv_direct_cost(const ferry_conv_params *p, const ferry_conv_tile *tile) {
    const ferry_conv_panels panels = ferry_conv_panels_of(p, tile);
    const double pixels = (double)p->batch * p->out_height * p->out_width;
    const double depth = (double)panels.span * tile->in_block * p->kernel_height * p->kernel_width;
    /* One panel block uses half the tile: the loads of inputs then bound it. 40: what storing a vector of results costs. */
    const double waste = panels.blocks > 1 ? 1.0 : 1.3;
    const double copy = (double)p->batch * p->in_channels * p->in_height * p->in_width / tile->out_block;
    return pixels * (double)panels.out_blocks * (depth * waste + 40.0) + copy * 2.0;
}
