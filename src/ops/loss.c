/* SPDX-License-Identifier: Apache-2.0 */
/* NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss. Scores are batch, classes, positions...; labels batch, positions....
 */
#include <math.h>

#include "ops/support.h"

typedef enum loss_reduction { REDUCE_NONE, REDUCE_SUM, REDUCE_MEAN } loss_reduction;

static ferry_status read_reduction(const ferry_attributes *attributes, ferry_error *error, loss_reduction *reduction) {
    *reduction = REDUCE_MEAN;
    if (ferry_attribute_is(attributes, "reduction", "mean", true)) return FERRY_OK;
    *reduction = REDUCE_SUM;
    if (ferry_attribute_is(attributes, "reduction", "sum", false)) return FERRY_OK;
    *reduction = REDUCE_NONE;
    if (ferry_attribute_is(attributes, "reduction", "none", false)) return FERRY_OK;
    return ferry_fail(error, FERRY_ERROR_SHAPE, "attribute reduction must be none, sum or mean");
}

/* Output 0: the loss; output 1 (cross entropy only): the logarithms of probabilities. */
ferry_status ferry_infer_loss(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_dtypes(inference, 2, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, FERRY_MAX_RANK));
    loss_reduction reduction;
    FERRY_TRY(read_reduction(inference->attributes, inference->error, &reduction));
    const ferry_shape *scores = ferry_rule_shape(inference, 0), *labels = ferry_rule_shape(inference, 1);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    ferry_rule_output(inference, 1, dtype, scores);
    ferry_shape shape = {0};
    if (scores) {
        FERRY_TRY(ferry_rule_rank(inference, 1, scores->rank - 1, scores->rank - 1));
        FERRY_TRY(ferry_rule_vector(inference, 2, "the weights", scores->dims[1]));
        shape = (ferry_shape){.rank = scores->rank - 1, .dims = {scores->dims[0]}};
        for (int i = 2; i < scores->rank; i++) shape.dims[i - 1] = scores->dims[i];
        for (int i = 0; labels && i < labels->rank; i++)
            FERRY_TRY(ferry_rule_same_dim(inference, shape.dims[i], labels->dims[i], "scores and labels", &shape.dims[i]));
    }
    if (reduction != REDUCE_NONE) shape.rank = 0;
    ferry_rule_output(inference, 0, dtype, scores || reduction != REDUCE_NONE ? &shape : NULL);
    return FERRY_OK;
}

typedef struct loss_plan {
    int64_t batch, classes, size;
    const double *logarithms;
    const int64_t *labels;
    const ferry_tensor *weights;
    const ferry_attribute *ignore;
} loss_plan;

/* Reduces weighted losses of all positions into y. */
static ferry_status reduce_losses(ferry_evaluation *evaluation, const loss_plan *plan, ferry_tensor *y) {
    loss_reduction reduction;
    FERRY_TRY(read_reduction(evaluation->attributes, evaluation->error, &reduction));
    double total = 0, total_weight = 0;
    for (int64_t i = 0; i < plan->batch * plan->size; i++) {
        int64_t label = plan->labels[i];
        bool ignored = plan->ignore && label == plan->ignore->value.integer;
        if (!ignored && (label < 0 || label >= plan->classes))
            return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT,
                              "%s: label %lld at position %lld is outside %lld classes", evaluation->op->name, (long long)label,
                              (long long)i, (long long)plan->classes);
        double weight = ignored ? 0 : plan->weights ? ferry_load_double(plan->weights->dtype, plan->weights->data, label) : 1;
        int64_t n = i / plan->size, at = (n * plan->classes + label) * plan->size + i % plan->size;
        double loss = ignored ? 0 : -plan->logarithms[at] * weight;
        if (reduction == REDUCE_NONE) ferry_store_double(y->dtype, y->data, i, loss);
        total += loss;
        total_weight += weight;
    }
    if (reduction != REDUCE_NONE)
        ferry_store_double(y->dtype, y->data, 0, reduction == REDUCE_MEAN ? total / total_weight : total);
    return FERRY_OK;
}

/* logarithms = log softmax over classes */
static void log_softmax(const loss_plan *plan, const double *scores, double *logarithms) {
    for (int64_t line = 0; line < plan->batch * plan->size; line++) {
        int64_t first = line / plan->size * plan->classes * plan->size + line % plan->size;
        double largest = -INFINITY, sum = 0;
        for (int64_t c = 0; c < plan->classes; c++) largest = fmax(largest, scores[first + c * plan->size]);
        for (int64_t c = 0; c < plan->classes; c++) sum += exp(scores[first + c * plan->size] - largest);
        for (int64_t c = 0; c < plan->classes; c++)
            logarithms[first + c * plan->size] = scores[first + c * plan->size] - largest - log(sum);
    }
}

static ferry_status evaluate_loss(ferry_evaluation *evaluation, bool softmax) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *scores = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0), *probabilities = ferry_output(evaluation, 1);
    loss_plan plan = {.batch = scores->shape.dims[0],
                      .classes = scores->shape.dims[1],
                      .size = ferry_shape_product(&scores->shape, 2, scores->shape.rank),
                      .weights = ferry_input(evaluation, 2),
                      .ignore = ferry_attribute_find(evaluation->attributes, "ignore_index")};
    FERRY_NEED(plan.logarithms, ferry_evaluation_doubles(evaluation, scores));
    FERRY_NEED(plan.labels, ferry_evaluation_integers(evaluation, ferry_input(evaluation, 1)));
    if (softmax) {
        double *logarithms;
        FERRY_SCRATCH(logarithms, evaluation, ferry_shape_count(&scores->shape));
        log_softmax(&plan, plan.logarithms, logarithms);
        plan.logarithms = logarithms;
    }
    if (probabilities)
        for (int64_t i = 0; i < ferry_shape_count(&scores->shape); i++)
            ferry_store_double(probabilities->dtype, probabilities->data, i, plan.logarithms[i]);
    return y ? reduce_losses(evaluation, &plan, y) : FERRY_OK;
}

ferry_status ferry_evaluate_negative_log_likelihood_loss(ferry_evaluation *evaluation) {
    return evaluate_loss(evaluation, false);
}
ferry_status ferry_evaluate_softmax_cross_entropy_loss(ferry_evaluation *evaluation) { return evaluate_loss(evaluation, true); }
