/* SPDX-License-Identifier: Apache-2.0 */
/* Activation functions by name: those that passes fuse into convolutions, and those of recurrent operators. */
#ifndef FERRY_OPS_ACTIVATION_H
#define FERRY_OPS_ACTIVATION_H

#include "ops/ops.h"

typedef enum ferry_activation_kind {
    FERRY_ACTIVATION_NONE,
    FERRY_ACTIVATION_RELU,
    FERRY_ACTIVATION_LEAKY_RELU, /* x < 0 ? alpha * x : x */
    FERRY_ACTIVATION_CLIP,       /* to [alpha, beta] */
    FERRY_ACTIVATION_SIGMOID,
    FERRY_ACTIVATION_SILU,         /* x * sigmoid(x) */
    FERRY_ACTIVATION_HARD_SWISH,   /* x * clip(x / 6 + 1/2, 0, 1) */
    FERRY_ACTIVATION_HARD_SIGMOID, /* clip(alpha * x + beta, 0, 1) */
    FERRY_ACTIVATION_TANH,
    FERRY_ACTIVATION_GELU, /* exact, by erf */
    FERRY_ACTIVATION_MISH, /* x * tanh(softplus(x)) */
    FERRY_ACTIVATION_AFFINE,
    FERRY_ACTIVATION_THRESHOLDED_RELU,
    FERRY_ACTIVATION_SCALED_TANH,
    FERRY_ACTIVATION_ELU,
    FERRY_ACTIVATION_SOFTSIGN,
    FERRY_ACTIVATION_SOFTPLUS,
    FERRY_ACTIVATION_COUNT
} ferry_activation_kind;

typedef struct ferry_activation {
    ferry_activation_kind kind;
    float alpha, beta;
} ferry_activation;

/* By our own name ("leaky_relu") or ONNX's ("LeakyRelu", any case), with ONNX's default alpha and beta. False when unknown. */
bool ferry_activation_find(const char *name, size_t length, ferry_activation *activation);
/* Reads `_activation`, `_activation_alpha`, `_activation_beta`: NONE when absent. */
ferry_status ferry_activation_read(const ferry_attributes *attributes, ferry_activation *activation, ferry_error *error);
double ferry_activate(ferry_activation activation, double x);

#endif
