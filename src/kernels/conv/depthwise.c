/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution but for its inner loops. */
#include "base/memory.h"
#include "kernels/conv/shape.h"

bool ferry_conv_depthwise_accepts(const ferry_conv_tactic *tactic, const ferry_conv_params *p, const char **why) {
    (void)tactic;
    if (!ferry_conv_valid(p, why)) return false;
    if (p->groups == p->in_channels && p->out_channels == p->in_channels) return true;
    if (why) *why = "not depthwise: groups, input and output channels differ";
    return false;
}

size_t ferry_conv_depthwise_packed_bytes(const ferry_conv_tactic *tactic, const ferry_conv_params *p) {
    return (size_t)ferry_ceil_div(p->out_channels, tactic->block) * tactic->block * (size_t)p->kernel_height *
           (size_t)p->kernel_width * sizeof(float);
}

void ferry_conv_depthwise_pack(const ferry_conv_tactic *tactic, const ferry_conv_params *p, const float *weights,
                               float *packed) {
    const int64_t positions = (int64_t)p->kernel_height * p->kernel_width;
    for (int64_t block = 0; block < p->out_channels; block += tactic->block)
        for (int64_t k = 0; k < positions; k++)
            for (int64_t c = block; c < block + tactic->block; c++)
                *packed++ = c < p->out_channels ? weights[c * positions + k] : 0.0f;
}

void ferry_conv_depthwise_plan(const ferry_conv_tactic *tactic, const ferry_conv_params *p, int threads,
                               ferry_conv_plan *plan) {
    *plan = (ferry_conv_plan){0};
    const int64_t blocks = ferry_ceil_div(p->out_channels, tactic->block);
    ferry_conv_divide(plan, p->batch * blocks, p->out_height, p->out_width, p->out_height, 512, 1, threads);
}

double ferry_conv_depthwise_cost(const ferry_conv_tactic *tactic, const ferry_conv_params *p) {
    return (double)p->batch * p->out_height * p->out_width * (double)ferry_ceil_div(p->out_channels, tactic->block) *
           (2.0 * p->kernel_height * p->kernel_width + 40.0);
}
