/* SPDX-License-Identifier: Apache-2.0 */
/* Activation attributes to fused activations. */
#include "backend/cpu/epilogue.h"

bool ferry_cpu_epilogue(const ferry_call *call, ferry_fused *fused) {
    static const ferry_fused_kind kinds[FERRY_ACTIVATION_COUNT] = {
        [FERRY_ACTIVATION_RELU] = FERRY_FUSED_RELU,
        [FERRY_ACTIVATION_LEAKY_RELU] = FERRY_FUSED_LEAKY_RELU,
        [FERRY_ACTIVATION_CLIP] = FERRY_FUSED_CLIP,
        [FERRY_ACTIVATION_SIGMOID] = FERRY_FUSED_SIGMOID,
        [FERRY_ACTIVATION_SILU] = FERRY_FUSED_SILU,
        [FERRY_ACTIVATION_HARD_SWISH] = FERRY_FUSED_HARD_SWISH,
        [FERRY_ACTIVATION_HARD_SIGMOID] = FERRY_FUSED_HARD_SIGMOID,
        [FERRY_ACTIVATION_TANH] = FERRY_FUSED_TANH,
        [FERRY_ACTIVATION_GELU] = FERRY_FUSED_GELU,
        [FERRY_ACTIVATION_MISH] = FERRY_FUSED_MISH,
    };
    ferry_activation activation;
    if (ferry_activation_read(call->attributes, &activation, NULL) != FERRY_OK) return false;
    if (activation.kind >= FERRY_ACTIVATION_COUNT) return false;
    *fused = (ferry_fused){kinds[activation.kind], activation.alpha, activation.beta,
                           !ferry_attribute_integer(call->attributes, "_residual_first", 0)};
    return activation.kind == FERRY_ACTIVATION_NONE || fused->kind != FERRY_FUSED_NONE;
}
