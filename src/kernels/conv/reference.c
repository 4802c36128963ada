/* SPDX-License-Identifier: Apache-2.0 */
/* The definition of convolution, plain tensors, one row of output at a time. */
#include "kernels/conv/conv.h"

typedef struct where {
    const float *input, *weights; /* first channel of the group; the output channel's weights */
    int32_t channels;
} where;

static double one_value(const ferry_conv_params *p, const where *at, int32_t y, int32_t x) {
    double sum = 0.0;
    for (int32_t ky = 0; ky < p->kernel_height; ky++) {
        int64_t row = (int64_t)y * p->stride_height - p->pad_top + (int64_t)ky * p->dilation_height;
        if (row < 0 || row >= p->in_height) continue;
        for (int32_t kx = 0; kx < p->kernel_width; kx++) {
            int64_t column = (int64_t)x * p->stride_width - p->pad_left + (int64_t)kx * p->dilation_width;
            if (column < 0 || column >= p->in_width) continue;
            for (int32_t c = 0; c < at->channels; c++)
                sum += (double)at->input[((int64_t)c * p->in_height + row) * p->in_width + column] *
                       (double)at->weights[((int64_t)c * p->kernel_height + ky) * p->kernel_width + kx];
        }
    }
    return sum;
}

void ferry_conv_reference(const ferry_conv_params *p, const ferry_conv_arguments *arguments, int64_t first, int64_t last) {
    const int64_t in_plane = (int64_t)p->in_height * p->in_width, out_plane = (int64_t)p->out_height * p->out_width;
    const int64_t in_stride = p->in_batch_stride ? p->in_batch_stride : p->in_channels * in_plane;
    const int64_t out_stride = p->out_batch_stride ? p->out_batch_stride : p->out_channels * out_plane;
    const int64_t residual_stride = p->residual_batch_stride ? p->residual_batch_stride : p->out_channels * out_plane;
    const int32_t in_group = p->in_channels / p->groups, out_group = p->out_channels / p->groups;
    for (int64_t index = first; index < last; index++) {
        const int32_t y = (int32_t)(index % p->out_height), o = (int32_t)(index / p->out_height % p->out_channels);
        const int64_t n = index / p->out_height / p->out_channels, place = o * out_plane + (int64_t)y * p->out_width;
        const where at = {arguments->input + n * in_stride + (int64_t)(o / out_group) * in_group * in_plane,
                          arguments->weights + (int64_t)o * in_group * p->kernel_height * p->kernel_width, in_group};
        for (int32_t x = 0; x < p->out_width; x++) {
            double sum = one_value(p, &at, y, x) + (arguments->bias ? (double)arguments->bias[o] : 0.0);
            double added = p->residual ? (double)arguments->residual[n * residual_stride + place + x] : 0.0;
            float result = p->fused.residual_after ? (float)((double)ferry_fused_apply(&p->fused, sum) + added)
                                                   : ferry_fused_apply(&p->fused, sum + added);
            arguments->output[n * out_stride + place + x] = result;
        }
    }
}
