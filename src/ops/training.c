/* SPDX-License-Identifier: Apache-2.0 */
/* Optimisers of ai.onnx.preview.training: Adagrad, Adam, Momentum. Inputs: rate R, step T, then per tensor X, gradient G and
 * states; grouped by kind: X1 X2 ..., G1 G2 ..., V1 V2 ..., (H1 H2 ...). Outputs: new X, V (H) in the same order. */
#include <math.h>
#include <string.h>

#include "ops/support.h"

/* Tensors that each optimised one has: X, G and one or two states. */
static int kinds_of(const ferry_op *op) { return strcmp(op->name, "Adam") == 0 ? 4 : 3; }

ferry_status ferry_infer_optimizer(ferry_inference *inference) {
    int kinds = kinds_of(inference->op), tensors = (inference->input_count - 2) / kinds;
    if ((inference->input_count - 2) % kinds || inference->output_count != tensors * (kinds - 1))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "%s: %d inputs and %d outputs; two and %d for each tensor are expected, and %d outputs",
                          inference->op->name, inference->input_count, inference->output_count, kinds, kinds - 1);
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    for (int i = 0; i < tensors * kinds; i++) {
        const ferry_shape *shape = ferry_rule_shape(inference, 2 + i), *x = ferry_rule_shape(inference, 2 + i % tensors);
        FERRY_TRY(ferry_rule_dtypes(inference, 2 + i, FERRY_DTYPES_FLOAT));
        int64_t joined;
        if (shape && x) FERRY_TRY(ferry_rule_rank(inference, 2 + i, x->rank, x->rank));
        for (int d = 0; shape && x && d < x->rank; d++)
            FERRY_TRY(
                ferry_rule_same_dim(inference, x->dims[d], shape->dims[d], "dimensions of a tensor and of its state", &joined));
        int output = i < tensors ? i : i >= 2 * tensors ? i - tensors : -1; /* gradients have no output */
        if (output >= 0) ferry_rule_output(inference, output, ferry_rule_dtype(inference, 2 + i), shape);
    }
    return FERRY_OK;
}

typedef struct optimizer_settings {
    const ferry_attributes *attributes;
    double rate, step;
    double decay; /* norm_coefficient */
} optimizer_settings;

/* One element: x, its gradient g, states v and h; updates x, v, h. */
typedef void (*update_function)(const optimizer_settings *optimizer, double *x, double g, double *v, double *h);

/* Duchi et al., 2011. */
static void update_adagrad(const optimizer_settings *optimizer, double *x, double g, double *v, double *h) {
    (void)h;
    double rate = optimizer->rate / (1 + optimizer->step * ferry_attribute_real(optimizer->attributes, "decay_factor", 0));
    g += optimizer->decay * *x;
    *v += g * g;
    *x -= rate * g / (sqrt(*v) + ferry_attribute_real(optimizer->attributes, "epsilon", 1e-6f));
}

/* Kingma and Ba, 2014. */
static void update_adam(const optimizer_settings *optimizer, double *x, double g, double *v, double *h) {
    double alpha = ferry_attribute_real(optimizer->attributes, "alpha", 0.9f),
           beta = ferry_attribute_real(optimizer->attributes, "beta", 0.999f);
    double rate = optimizer->rate, post = ferry_attribute_real(optimizer->attributes, "norm_coefficient_post", 0);
    g += optimizer->decay * *x;
    *v = alpha * *v + (1 - alpha) * g;
    *h = beta * *h + (1 - beta) * g * g;
    if (optimizer->step > 0) rate *= sqrt(1 - pow(beta, optimizer->step)) / (1 - pow(alpha, optimizer->step));
    *x = (1 - post) * (*x - rate * *v / (sqrt(*h) + ferry_attribute_real(optimizer->attributes, "epsilon", 1e-6f)));
}

/* Sutskever et al., 2013: standard and Nesterov momentum. */
static void update_momentum(const optimizer_settings *optimizer, double *x, double g, double *v, double *h) {
    (void)h;
    double alpha = ferry_attribute_real(optimizer->attributes, "alpha", 0),
           beta = ferry_attribute_real(optimizer->attributes, "beta", 0);
    g += optimizer->decay * *x;
    *v = alpha * *v + (optimizer->step > 0 ? beta : 1) * g;
    *x -= optimizer->rate * (ferry_attribute_is(optimizer->attributes, "mode", "nesterov", false) ? g + alpha * *v : *v);
}

static double load(const ferry_tensor *tensor, int64_t index) {
    return tensor ? ferry_load_double(tensor->dtype, tensor->data, index) : 0;
}
static void store(ferry_tensor *tensor, int64_t index, double value) {
    if (tensor) ferry_store_double(tensor->dtype, tensor->data, index, value);
}

static ferry_status evaluate_optimizer(ferry_evaluation *evaluation, update_function update) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    int kinds = kinds_of(evaluation->op), tensors = (evaluation->input_count - 2) / kinds;
    optimizer_settings settings = {.attributes = evaluation->attributes,
                                   .rate = ferry_scalar_double(ferry_input(evaluation, 0), 0),
                                   .step = ferry_scalar_double(ferry_input(evaluation, 1), 0),
                                   .decay = ferry_attribute_real(evaluation->attributes, "norm_coefficient", 0)};
    for (int t = 0; t < tensors; t++) {
        const ferry_tensor *x = ferry_input(evaluation, 2 + t), *g = ferry_input(evaluation, 2 + tensors + t),
                           *v = ferry_input(evaluation, 2 + 2 * tensors + t),
                           *h = kinds == 4 ? ferry_input(evaluation, 2 + 3 * tensors + t) : NULL;
        if (!x || !g || !v || (kinds == 4 && !h))
            return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "%s: an input is missing", evaluation->op->name);
        int64_t count = ferry_shape_count(&x->shape);
        for (int64_t i = 0; i < count; i++) {
            double values[3] = {load(x, i), load(v, i), load(h, i)};
            update(&settings, &values[0], load(g, i), &values[1], &values[2]);
            for (int k = 0; k < kinds - 1; k++) store(ferry_output(evaluation, k * tensors + t), i, values[k]);
        }
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_adagrad(ferry_evaluation *evaluation) { return evaluate_optimizer(evaluation, update_adagrad); }
ferry_status ferry_evaluate_adam(ferry_evaluation *evaluation) { return evaluate_optimizer(evaluation, update_adam); }
ferry_status ferry_evaluate_momentum(ferry_evaluation *evaluation) { return evaluate_optimizer(evaluation, update_momentum); }
