/* SPDX-License-Identifier: Apache-2.0 */
/* Panels, sizes and division of convolutions; see shape.h. */
#include "kernels/conv/shape.h"

#include "base/memory.h"

enum { TASKS_A_THREAD = 3 };

/* Input channels [first, last) that output channels [from, to) need. */
static void channels_needed(const ferry_conv_params *p, int64_t from, int64_t to, int64_t *first, int64_t *last) {
    const int64_t in_group = p->in_channels / p->groups, out_group = p->out_channels / p->groups;
    *first = from / out_group * in_group;
    *last = (to - 1) / out_group * in_group + in_group;
}

ferry_conv_panels ferry_conv_panels_of(const ferry_conv_tactic *tactic, const ferry_conv_params *p) {
    const int64_t out_group = p->out_channels / p->groups;
    ferry_conv_panels panels = {.blocks = tactic->panel_blocks, .out_blocks = ferry_ceil_div(p->out_channels, tactic->block)};
    if (p->groups > 1 && out_group % ((int64_t)tactic->panel_blocks * tactic->block) != 0) panels.blocks = 1;
    panels.count = ferry_ceil_div(panels.out_blocks, panels.blocks);
    const int64_t wide = (int64_t)panels.blocks * tactic->block;
    for (int64_t panel = 0; panel < panels.count; panel++) {
        int64_t first, last;
        channels_needed(p, panel * wide, ferry_min_int64((panel + 1) * wide, p->out_channels), &first, &last);
        const int64_t span = ferry_ceil_div(last, tactic->in_block) - first / tactic->in_block;
        panels.span = ferry_max_int64(panels.span, span);
        if (p->groups == 1) break;
    }
    return panels;
}

int64_t ferry_conv_panel_start(const ferry_conv_tactic *tactic, const ferry_conv_params *p, const ferry_conv_panels *panels,
                               int64_t panel) {
    int64_t first, last;
    const int64_t from = panel * panels->blocks * tactic->block;
    channels_needed(p, from, from + 1, &first, &last);
    return ferry_min_int64(first / tactic->in_block, ferry_ceil_div(p->in_channels, tactic->in_block) - panels->span);
}

static bool touches_outside(const ferry_conv_params *p) {
    const int64_t bottom =
        (int64_t)(p->out_height - 1) * p->stride_height + (int64_t)(p->kernel_height - 1) * p->dilation_height;
    const int64_t right = (int64_t)(p->out_width - 1) * p->stride_width + (int64_t)(p->kernel_width - 1) * p->dilation_width;
    return p->pad_top > 0 || p->pad_left > 0 || bottom >= p->in_height || right >= p->in_width;
}

ferry_conv_frame ferry_conv_frame_of(const ferry_conv_params *p, int in_block, int out_block) {
    ferry_conv_frame g = {p->in_height,       p->in_width,       p->out_height,    p->out_width,
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
