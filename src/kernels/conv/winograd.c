/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd convolution but for its inner loops: transforming and packing weights, division into tasks, cost. */
#include "kernels/conv/winograd.h"

#include "base/memory.h"

enum { L2_BUDGET = 400 * 1024, MIN_TILES = 24 };

bool ferry_conv_winograd_accepts(const ferry_conv_tactic *tactic, const ferry_conv_params *p, const char **why) {
    (void)tactic;
    if (!ferry_conv_valid(p, why)) return false;
    const bool square = p->kernel_height == 3 && p->kernel_width == 3;
    if (square && p->stride_height == 1 && p->stride_width == 1 && p->dilation_height == 1 && p->dilation_width == 1 &&
        p->groups == 1)
        return true;
    if (why) *why = "not a 3x3 convolution of stride 1 without dilation and groups";
    return false;
}

static int64_t whole_channels(const ferry_conv_tactic *tactic, int32_t channels) {
    return (int64_t)ferry_align_up((size_t)channels, (size_t)tactic->block);
}

size_t ferry_conv_winograd_packed_bytes(const ferry_conv_tactic *tactic, const ferry_conv_params *p) {
    return (size_t)(FERRY_WINOGRAD_POINTS * whole_channels(tactic, p->in_channels) * whole_channels(tactic, p->out_channels)) *
           sizeof(float);
}

/* G g G' of the paper, in double precision. */
static void transform_weights(const float g[9], double u[FERRY_WINOGRAD_POINTS]) {
    static const double matrix[FERRY_WINOGRAD_IN][3] = {{1.0 / 4, 0, 0},
                                                        {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                                        {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                                        {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                                        {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                                        {0, 0, 1}};
    for (int i = 0; i < FERRY_WINOGRAD_IN; i++) {
        for (int j = 0; j < FERRY_WINOGRAD_IN; j++) {
            double sum = 0;
            for (int a = 0; a < 3; a++)
                for (int b = 0; b < 3; b++) sum += matrix[i][a] * (double)g[a * 3 + b] * matrix[j][b];
            u[i * FERRY_WINOGRAD_IN + j] = sum;
        }
    }
}

void ferry_conv_winograd_pack(const ferry_conv_tactic *tactic, const ferry_conv_params *p, const float *weights,
                              float *packed) {
    const int64_t in = whole_channels(tactic, p->in_channels), out = whole_channels(tactic, p->out_channels);
    const int64_t panel = (int64_t)tactic->panel_blocks * tactic->block;
    for (int64_t o = 0; o < out; o++) {
        const int64_t start = o / panel * panel, wide = ferry_min_int64(panel, out - start);
        for (int64_t i = 0; i < in; i++) {
            double u[FERRY_WINOGRAD_POINTS] = {0};
            if (o < p->out_channels && i < p->in_channels) transform_weights(weights + (o * p->in_channels + i) * 9, u);
            float *to = packed + start * in + i * wide + (o - start);
            for (int point = 0; point < FERRY_WINOGRAD_POINTS; point++) to[point * in * out] = (float)u[point];
        }
    }
}

ferry_winograd_sizes ferry_winograd_sizes_of(const ferry_conv_tactic *tactic, const ferry_conv_params *p, int64_t task_tiles,
                                             int64_t out_blocks) {
    ferry_winograd_sizes sizes = {.tiles_across = ferry_ceil_div(p->out_width, FERRY_WINOGRAD_OUT),
                                  .in_channels = whole_channels(tactic, p->in_channels)};
    sizes.tiles = sizes.tiles_across * ferry_ceil_div(p->out_height, FERRY_WINOGRAD_OUT);
    sizes.in_matrix = task_tiles * sizes.in_channels + FERRY_WINOGRAD_SKEW;
    sizes.out_matrix = task_tiles * out_blocks * tactic->block + FERRY_WINOGRAD_SKEW;
    return sizes;
}

/* A task transforms its tiles' inputs for all its output channels: splitting those repeats that work, so it comes last. */
void ferry_conv_winograd_plan(const ferry_conv_tactic *tactic, const ferry_conv_params *p, int threads, ferry_conv_plan *plan) {
    const ferry_conv_panels panels = ferry_conv_panels_of(tactic, p);
    const ferry_winograd_sizes image = ferry_winograd_sizes_of(tactic, p, 1, panels.out_blocks);
    const int64_t tile_bytes =
        FERRY_WINOGRAD_POINTS * (image.in_channels + panels.out_blocks * tactic->block) * (int64_t)sizeof(float);
    const int64_t fitting = ferry_max_int64(MIN_TILES, L2_BUDGET / tile_bytes);
    *plan = (ferry_conv_plan){.copies = false};
    int64_t bands = ferry_ceil_div(image.tiles, fitting);
    if (threads > 1) { /* as many for each thread */
        const int64_t even = ferry_ceil_div(bands * p->batch, threads) * threads;
        bands = ferry_max_int64(bands, ferry_min_int64(ferry_ceil_div(even, p->batch), image.tiles / MIN_TILES));
    }
    plan->band_rows = ferry_ceil_div(image.tiles, bands);
    plan->bands = ferry_ceil_div(image.tiles, plan->band_rows);
    const int64_t splits = ferry_min_int64(panels.count, ferry_ceil_div(threads, plan->bands * p->batch));
    plan->split_panels = ferry_ceil_div(panels.count, splits);
    plan->splits = ferry_ceil_div(panels.count, plan->split_panels);
    plan->tasks = p->batch * plan->bands * plan->splits;
    const ferry_winograd_sizes task = ferry_winograd_sizes_of(tactic, p, plan->band_rows, plan->split_panels * panels.blocks);
    plan->workspace_bytes = (size_t)(FERRY_WINOGRAD_POINTS * (task.in_matrix + task.out_matrix)) * sizeof(float);
}

double ferry_conv_winograd_cost(const ferry_conv_tactic *tactic, const ferry_conv_params *p) {
    const ferry_winograd_sizes sizes = ferry_winograd_sizes_of(tactic, p, 1, 1);
    const double in = (double)sizes.in_channels, out_blocks = (double)ferry_ceil_div(p->out_channels, tactic->block);
    const double tiles = (double)sizes.tiles * p->batch;
    /* Measured weights of the transforms: 250 and 300 instructions a vector of channels, and 40 to finish an output. */
    return tiles *
           (FERRY_WINOGRAD_POINTS * in * out_blocks * 1.1 + in / tactic->block * 250.0 + out_blocks * (300.0 + 16 * 40.0));
}
