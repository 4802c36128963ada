/* SPDX-License-Identifier: Apache-2.0 */
/* Scalar definitions of the fused activations. */
#include "kernels/gemm/fused.h"

#include <math.h>

static double clip(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

float ferry_fused_apply(const ferry_fused *fused, double x) {
    double alpha = (double)fused->alpha, beta = (double)fused->beta;
    switch (fused->kind) {
    case FERRY_FUSED_RELU: x = x < 0.0 ? 0.0 : x; break;
    case FERRY_FUSED_LEAKY_RELU: x = x < 0.0 ? alpha * x : x; break;
    case FERRY_FUSED_CLIP: x = clip(x, alpha, beta); break;
    case FERRY_FUSED_SIGMOID: x = 1.0 / (1.0 + exp(-x)); break;
    case FERRY_FUSED_SILU: x = x / (1.0 + exp(-x)); break;
    case FERRY_FUSED_HARD_SIGMOID: x = clip(alpha * x + beta, 0.0, 1.0); break;
    case FERRY_FUSED_HARD_SWISH: x = x * clip(x / 6.0 + 0.5, 0.0, 1.0); break;
    case FERRY_FUSED_TANH: x = tanh(x); break;
    case FERRY_FUSED_GELU: x = 0.5 * x * erfc(-x / sqrt(2.0)); break;
    case FERRY_FUSED_MISH: x = x * tanh(x > 40.0 ? x : log1p(exp(x))); break;
    default: break;
    }
    return (float)x;
}

const char *ferry_fused_name(ferry_fused_kind kind) {
    static const char *const names[FERRY_FUSED_KINDS] = {"none",       "relu",         "leaky_relu", "clip", "sigmoid", "silu",
                                                         "hard_swish", "hard_sigmoid", "tanh",       "gelu", "mish"};
    return (unsigned)kind < FERRY_FUSED_KINDS ? names[kind] : "unknown";
}
