/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/activation.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* Our name, ONNX's name, default alpha and beta (ONNX: RNN operators' activations table). */
static const struct {
    const char *name, *onnx;
    float alpha, beta;
} activations[FERRY_ACTIVATION_COUNT] = {
    [FERRY_ACTIVATION_NONE] = {"none", "", 0, 0},
    [FERRY_ACTIVATION_RELU] = {"relu", "Relu", 0, 0},
    [FERRY_ACTIVATION_LEAKY_RELU] = {"leaky_relu", "LeakyRelu", 0.01f, 0},
    [FERRY_ACTIVATION_CLIP] = {"clip", "Clip", -3.402823466e+38f, 3.402823466e+38f},
    [FERRY_ACTIVATION_SIGMOID] = {"sigmoid", "Sigmoid", 0, 0},
    [FERRY_ACTIVATION_SILU] = {"silu", "Swish", 0, 0},
    [FERRY_ACTIVATION_HARD_SWISH] = {"hard_swish", "HardSwish", 0, 0},
    [FERRY_ACTIVATION_HARD_SIGMOID] = {"hard_sigmoid", "HardSigmoid", 0.2f, 0.5f},
    [FERRY_ACTIVATION_TANH] = {"tanh", "Tanh", 0, 0},
    [FERRY_ACTIVATION_GELU] = {"gelu", "Gelu", 0, 0},
    [FERRY_ACTIVATION_MISH] = {"mish", "Mish", 0, 0},
    [FERRY_ACTIVATION_AFFINE] = {"affine", "Affine", 1, 0},
    [FERRY_ACTIVATION_THRESHOLDED_RELU] = {"thresholded_relu", "ThresholdedRelu", 1, 0},
    [FERRY_ACTIVATION_SCALED_TANH] = {"scaled_tanh", "ScaledTanh", 1, 1},
    [FERRY_ACTIVATION_ELU] = {"elu", "Elu", 1, 0},
    [FERRY_ACTIVATION_SOFTSIGN] = {"softsign", "Softsign", 0, 0},
    [FERRY_ACTIVATION_SOFTPLUS] = {"softplus", "Softplus", 0, 0},
};

static bool same_name(const char *name, const char *text, size_t length) {
    if (strlen(name) != length) return false;
    for (size_t i = 0; i < length; i++)
        if (tolower((unsigned char)name[i]) != tolower((unsigned char)text[i])) return false;
    return true;
}

bool ferry_activation_find(const char *name, size_t length, ferry_activation *activation) {
    for (int i = 0; i < FERRY_ACTIVATION_COUNT; i++) {
        if (!same_name(activations[i].name, name, length) && !same_name(activations[i].onnx, name, length)) continue;
        *activation = (ferry_activation){(ferry_activation_kind)i, activations[i].alpha, activations[i].beta};
        return true;
    }
    return false;
}

ferry_status ferry_activation_read(const ferry_attributes *attributes, ferry_activation *activation, ferry_error *error) {
    *activation = (ferry_activation){0};
    const ferry_attribute *name = ferry_attribute_find(attributes, "_activation");
    if (!name || name->type != FERRY_ATTRIBUTE_STRING) return FERRY_OK;
    ferry_string text = name->value.string;
    if (!ferry_activation_find(text.text, text.length, activation))
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "there is no activation '%.*s'", (int)text.length, text.text);
    activation->alpha = ferry_attribute_real(attributes, "_activation_alpha", activation->alpha);
    activation->beta = ferry_attribute_real(attributes, "_activation_beta", activation->beta);
    return FERRY_OK;
}

/* NaN passes through: comparisons are written so that they are false for it. */
static double clip(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

double ferry_activate(ferry_activation activation, double x) {
    double alpha = activation.alpha, beta = activation.beta;
    switch (activation.kind) {
    case FERRY_ACTIVATION_RELU: return x < 0 ? 0 : x;
    case FERRY_ACTIVATION_LEAKY_RELU: return x < 0 ? alpha * x : x;
    case FERRY_ACTIVATION_CLIP: return clip(x, alpha, beta);
    case FERRY_ACTIVATION_SIGMOID: return sigmoid(x);
    case FERRY_ACTIVATION_SILU: return x * sigmoid(x);
    case FERRY_ACTIVATION_HARD_SWISH: return x * clip(x / 6 + 0.5, 0, 1);
    case FERRY_ACTIVATION_HARD_SIGMOID: return clip(alpha * x + beta, 0, 1);
    case FERRY_ACTIVATION_TANH: return tanh(x);
    case FERRY_ACTIVATION_GELU: return 0.5 * x * (1 + erf(x * 0.70710678118654752440));
    case FERRY_ACTIVATION_MISH: return x * tanh(softplus(x));
    case FERRY_ACTIVATION_AFFINE: return alpha * x + beta;
    case FERRY_ACTIVATION_THRESHOLDED_RELU: return x > alpha ? x : 0;
    case FERRY_ACTIVATION_SCALED_TANH: return alpha * tanh(beta * x);
    case FERRY_ACTIVATION_ELU: return x < 0 ? alpha * expm1(x) : x;
    case FERRY_ACTIVATION_SOFTSIGN: return x / (1 + fabs(x));
    case FERRY_ACTIVATION_SOFTPLUS: return softplus(x);
    default: return x;
    }
}
