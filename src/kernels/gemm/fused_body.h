/* SPDX-License-Identifier: Apache-2.0 */
/* The fused activations on vectors, once an instruction set. */
#ifndef FERRY_KERNELS_GEMM_FUSED_BODY_H
#define FERRY_KERNELS_GEMM_FUSED_BODY_H

#include "kernels/gemm/fused.h"
#include "kernels/vector/math.h"

#define FUSED_EACH(expression)                                                                                                 \
    for (int i = 0; i < count; i++) {                                                                                          \
        vec x = values[i];                                                                                                     \
        values[i] = (expression);                                                                                              \
    }                                                                                                                          \
    break

/* Applies the activation to count vectors in place. */
static __attribute__((noinline, unused)) void fused_activate(const ferry_fused *fused, vec *values, int count) {
    const vec alpha = vec_set1(fused->alpha), beta = vec_set1(fused->beta), zero = vec_zero(), one = vec_set1(1.0f);
    switch (fused->kind) {
    case FERRY_FUSED_RELU: FUSED_EACH(vec_max(zero, x));
    case FERRY_FUSED_LEAKY_RELU: FUSED_EACH(vec_select(vec_less(x, zero), vec_mul(alpha, x), x));
    case FERRY_FUSED_CLIP: FUSED_EACH(vec_min(beta, vec_max(alpha, x)));
    case FERRY_FUSED_SIGMOID: FUSED_EACH(vec_sigmoid(x));
    case FERRY_FUSED_SILU: FUSED_EACH(vec_silu(x));
    case FERRY_FUSED_HARD_SIGMOID: FUSED_EACH(vec_min(one, vec_max(zero, vec_fmadd(alpha, x, beta))));
    case FERRY_FUSED_HARD_SWISH:
        FUSED_EACH(vec_mul(x, vec_min(one, vec_max(zero, vec_fmadd(x, vec_set1(1.0f / 6.0f), vec_set1(0.5f))))));
    case FERRY_FUSED_TANH: FUSED_EACH(vec_tanh(x));
    case FERRY_FUSED_GELU: FUSED_EACH(vec_gelu(x));
    case FERRY_FUSED_MISH: FUSED_EACH(vec_mish(x));
    default: break;
    }
}

/* Keeps the first `lanes` lanes, the rest becomes 0. */
FERRY_INLINE vec vec_keep(vec v, int lanes) {
    float values[FERRY_VEC];
    vec_store(values, v);
    return vec_load_partial(values, lanes);
}

#endif
