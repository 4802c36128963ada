/* SPDX-License-Identifier: Apache-2.0 */
/* What convolution and matrix multiplication do to a result before they store it. */
#ifndef FERRY_KERNELS_GEMM_FUSED_H
#define FERRY_KERNELS_GEMM_FUSED_H

#include <stdbool.h>

/* The values stand in engine files: never renumber. */
typedef enum ferry_fused_kind {
    FERRY_FUSED_NONE = 0,
    FERRY_FUSED_RELU = 1,         /* max(x, 0) */
    FERRY_FUSED_LEAKY_RELU = 2,   /* x < 0 ? alpha*x : x */
    FERRY_FUSED_CLIP = 3,         /* min(max(x, alpha), beta); ReLU6 has alpha 0, beta 6 */
    FERRY_FUSED_SIGMOID = 4,      /* 1/(1+e^-x) */
    FERRY_FUSED_SILU = 5,         /* x/(1+e^-x) */
    FERRY_FUSED_HARD_SWISH = 6,   /* x * min(max(x/6 + 1/2, 0), 1) */
    FERRY_FUSED_HARD_SIGMOID = 7, /* min(max(alpha*x + beta, 0), 1) */
    FERRY_FUSED_TANH = 8,
    FERRY_FUSED_GELU = 9,  /* x/2 * (1 + erf(x/sqrt 2)) */
    FERRY_FUSED_MISH = 10, /* x * tanh(log(1 + e^x)) */
    FERRY_FUSED_KINDS = 11
} ferry_fused_kind;

typedef struct ferry_fused {
    ferry_fused_kind kind;
    float alpha, beta;   /* meaning as above; 0 where unused */
    bool residual_after; /* result = activation(x) + residual; otherwise activation(x + residual) */
} ferry_fused;

/* The activation of one value, in double precision inside: the definition that vector code is tested against. */
float ferry_fused_apply(const ferry_fused *fused, double x);
/* "silu" ...; never NULL. */
const char *ferry_fused_name(ferry_fused_kind kind);

#endif
