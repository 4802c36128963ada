/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing among the tactics of convolution. */
#include "kernels/conv/conv.h"

#include "base/memory.h"
#include "kernels/vector/sets.h"

const ferry_conv_tactic *ferry_conv_tactics(uint32_t features, size_t *count) {
    (void)features;
    *count = FERRY_CONV_TACTICS;
#if defined(FERRY_SETS_X86)
    if (features & FERRY_NEED_AVX512) return ferry_conv_tactics_avx512;
    if (features & FERRY_NEED_AVX2) return ferry_conv_tactics_avx2;
    if (features & FERRY_NEED_SSE41) return ferry_conv_tactics_sse41;
#elif defined(FERRY_SETS_NEON)
    if (features & FERRY_NEED_NEON) return ferry_conv_tactics_neon;
#endif
    return ferry_conv_tactics_portable;
}

const ferry_conv_tactic *ferry_conv_choose(uint32_t features, const ferry_conv_params *params, int in_block) {
    size_t count;
    const ferry_conv_tactic *tactics = ferry_conv_tactics(features, &count), *best = NULL;
    double least = 0.0;
    for (size_t i = 0; i < count; i++) {
        const ferry_conv_tactic *tactic = &tactics[i];
        if ((in_block != 0 && tactic->in_block != in_block) || !tactic->accepts(tactic, params, NULL)) continue;
        const double cost = tactic->cost(tactic, params);
        if (best && cost >= least) continue;
        best = tactic;
        least = cost;
    }
    return best;
}

int32_t ferry_conv_out_size(int32_t in, int32_t kernel, int32_t stride, int32_t dilation, int32_t pad_begin, int32_t pad_end) {
    const int64_t room = (int64_t)in + pad_begin + pad_end - ((int64_t)(kernel - 1) * dilation + 1);
    return room < 0 ? 0 : (int32_t)(room / stride + 1);
}

double ferry_conv_multiply_adds(const ferry_conv_params *p) {
    return (double)p->batch * p->out_channels * p->out_height * p->out_width * ((double)p->in_channels / p->groups) *
           p->kernel_height * p->kernel_width;
}

static bool refuse(const char **why, const char *reason) {
    if (why) *why = reason;
    return false;
}

static bool fits(int64_t channels, int64_t height, int64_t width, int64_t batch) {
    int64_t product = (channels + 16) * height; /* both below 2^31 */
    return ferry_int64_multiply(product, width, &product) && ferry_int64_multiply(product, batch, &product) &&
           product < INT64_MAX / 64;
}

bool ferry_conv_valid(const ferry_conv_params *p, const char **why) {
    const int32_t positive[] = {p->batch,         p->groups,       p->in_channels,     p->in_height,     p->in_width,
                                p->out_channels,  p->out_height,   p->out_width,       p->kernel_height, p->kernel_width,
                                p->stride_height, p->stride_width, p->dilation_height, p->dilation_width};
    for (size_t i = 0; i < sizeof positive / sizeof *positive; i++)
        if (positive[i] <= 0) return refuse(why, "a size, stride or dilation is not positive");
    if (p->pad_top < 0 || p->pad_left < 0) return refuse(why, "negative padding");
    if (p->in_channels % p->groups != 0 || p->out_channels % p->groups != 0)
        return refuse(why, "the groups do not divide the channels");
    const int64_t reach_height = (int64_t)(p->kernel_height - 1) * p->dilation_height + 1;
    const int64_t reach_width = (int64_t)(p->kernel_width - 1) * p->dilation_width + 1;
    if (!fits(p->in_channels, p->in_height, p->in_width, p->batch) ||
        !fits(p->out_channels, p->out_height, p->out_width, p->batch) ||
        !fits(p->out_channels, p->in_channels, (int64_t)p->kernel_height * p->kernel_width, 1) ||
        !fits(p->in_channels, reach_height + (int64_t)p->out_height * p->stride_height,
              reach_width + (int64_t)p->out_width * p->stride_width, 1))
        return refuse(why, "sizes beyond what memory addresses");
    return true;
}
