/* SPDX-License-Identifier: Apache-2.0 */
/* Direct convolution but for its inner loops: packing, division into tasks, cost. */
#include "base/memory.h"
#include "kernels/conv/shape.h"

enum { L2_BUDGET = 320 * 1024, MAX_PIXELS = 2048, MIN_PIXELS = 48 };

bool ferry_conv_direct_accepts(const ferry_conv_tactic *tactic, const ferry_conv_params *p, const char **why) {
    (void)tactic;
    return ferry_conv_valid(p, why);
}

size_t ferry_conv_direct_packed_bytes(const ferry_conv_tactic *tactic, const ferry_conv_params *p) {
    const ferry_conv_panels panels = ferry_conv_panels_of(tactic, p);
    return (size_t)(panels.out_blocks * tactic->block * panels.span * tactic->in_block * p->kernel_height * p->kernel_width) *
           sizeof(float);
}

typedef struct source {
    const float *weights;
    int64_t positions, in_group, out_group; /* positions of the kernel; channels of a group */
} source;

/* The weight from input channel `in` to output channel `out` (of all groups) at a kernel position; 0 between strangers. */
static float weight_at(const ferry_conv_params *p, const source *s, int64_t out, int64_t in, int64_t position) {
    if (out >= p->out_channels || in >= p->in_channels) return 0.0f;
    const int64_t inside = in - out / s->out_group * s->in_group;
    if (inside < 0 || inside >= s->in_group) return 0.0f;
    return s->weights[(out * s->in_group + inside) * s->positions + position];
}

void ferry_conv_direct_pack(const ferry_conv_tactic *tactic, const ferry_conv_params *p, const float *weights, float *packed) {
    const ferry_conv_panels panels = ferry_conv_panels_of(tactic, p);
    const source s = {weights, (int64_t)p->kernel_height * p->kernel_width, p->in_channels / p->groups,
                      p->out_channels / p->groups};
    for (int64_t panel = 0; panel < panels.count; panel++) {
        const int64_t block = panel * panels.blocks, start = ferry_conv_panel_start(tactic, p, &panels, panel);
        const int64_t wide = ferry_min_int64(panels.blocks, panels.out_blocks - block) * tactic->block;
        for (int64_t in_block = start; in_block < start + panels.span; in_block++)
            for (int64_t position = 0; position < s.positions; position++)
                for (int64_t r = 0; r < tactic->in_block; r++)
                    for (int64_t o = 0; o < wide; o++)
                        *packed++ = weight_at(p, &s, block * tactic->block + o, in_block * tactic->in_block + r, position);
    }
}

void ferry_conv_direct_plan(const ferry_conv_tactic *tactic, const ferry_conv_params *p, int threads, ferry_conv_plan *plan) {
    const ferry_conv_frame g = ferry_conv_frame_of(p, tactic->in_block, tactic->block);
    const ferry_conv_panels panels = ferry_conv_panels_of(tactic, p);
    const int64_t steps = g.kernel_height * g.kernel_width * tactic->in_block;
    const int64_t fitting = ferry_max_int64(1, ferry_min_int64(panels.span, tactic->depth / steps));
    const int64_t chunks = ferry_ceil_div(panels.span, fitting);
    *plan = (ferry_conv_plan){.copies = g.padded, .chunk = ferry_ceil_div(panels.span, chunks)};

    const int64_t channel_bytes = plan->chunk * tactic->in_block * (int64_t)sizeof(float);
    const int64_t row_bytes = channel_bytes * g.reach_width * g.stride_height +
                              (chunks > 1 ? panels.out_blocks * tactic->block * g.out_width * (int64_t)sizeof(float) : 0);
    const int64_t first_bytes = channel_bytes * g.reach_width * (g.kernel_height - 1) * g.dilation_height;
    int64_t max_rows = ferry_max_int64(1, (L2_BUDGET - first_bytes) / row_bytes);
    max_rows = ferry_max_int64(max_rows, ferry_ceil_div(MIN_PIXELS, g.out_width));
    max_rows = ferry_min_int64(max_rows, ferry_max_int64(1, MAX_PIXELS / g.out_width));
    ferry_conv_divide(plan, p->batch, g.out_height, g.out_width, max_rows, MIN_PIXELS, panels.count, threads);

    size_t bytes = (size_t)(plan->chunk * g.taps) * sizeof(ptrdiff_t);
    bytes = ferry_align_up(bytes + (size_t)(plan->band_rows * g.out_width) * sizeof(ptrdiff_t), 64);
    if (g.padded)
        bytes += (size_t)(plan->chunk * tactic->in_block * ferry_conv_reach_rows(&g, plan->band_rows) * g.reach_width) *
                 sizeof(float);
    plan->workspace_bytes = ferry_align_up(bytes, 64);
}

double ferry_conv_direct_cost(const ferry_conv_tactic *tactic, const ferry_conv_params *p) {
    const ferry_conv_panels panels = ferry_conv_panels_of(tactic, p);
    const double pixels = (double)p->batch * p->out_height * p->out_width;
    const double depth = (double)panels.span * tactic->in_block * p->kernel_height * p->kernel_width;
    /* One panel block uses half the tile: the loads of inputs then bound it. 40: what storing a vector of results costs. */
    const double waste = panels.blocks > 1 ? 1.0 : 1.3;
    const double copy = (double)p->batch * p->in_channels * p->in_height * p->in_width / tactic->block;
    return ferry_conv_reading_cost(ferry_conv_direct_packed_bytes(tactic, p)) +
           pixels * (double)panels.out_blocks * (depth * waste + 40.0) + copy * 2.0;
}
