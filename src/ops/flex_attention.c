/* SPDX-License-Identifier: Apache-2.0 */
/* FlexAttention (ai.onnx.preview): attention whose scores and probabilities bodies may change. */
#include <math.h>

#include "ops/attention.h"
#include "ops/container.h"

/* The type that scores and probabilities have: attribute softmax_precision; by default float32, for float64 float64. */
static ferry_dtype score_dtype(const ferry_attributes *attributes, ferry_dtype dtype) {
    return (ferry_dtype)ferry_attribute_integer(attributes, "softmax_precision",
                                                dtype == FERRY_FLOAT64 ? FERRY_FLOAT64 : FERRY_FLOAT32);
}

ferry_status ferry_infer_flex_attention(ferry_inference *inference) {
    for (int i = 0; i < 3; i++) {
        FERRY_TRY(ferry_rule_dtypes(inference, i, FERRY_DTYPES_FLOAT));
        FERRY_TRY(ferry_rule_rank(inference, i, 4, 4));
    }
    const ferry_shape *q = ferry_rule_shape(inference, 0), *k = ferry_rule_shape(inference, 1),
                      *v = ferry_rule_shape(inference, 2);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0), scores = score_dtype(inference->attributes, dtype);
    if ((unsigned)scores > FERRY_INT2 || !(FERRY_DTYPES_FLOAT & FERRY_DTYPE_BIT(scores)))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "FlexAttention: softmax_precision %d is not a float type",
                          (int)scores);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!q || !k || !v) return FERRY_OK;
    int64_t joined;
    FERRY_TRY(ferry_rule_same_dim(inference, q->dims[0], k->dims[0], "the batches of Q and K", &joined));
    FERRY_TRY(ferry_rule_same_dim(inference, q->dims[0], v->dims[0], "the batches of Q and V", &joined));
    FERRY_TRY(ferry_rule_same_dim(inference, k->dims[1], v->dims[1], "the heads of K and V", &joined));
    FERRY_TRY(ferry_rule_same_dim(inference, k->dims[2], v->dims[2], "the lengths of K and V", &joined));
    FERRY_TRY(ferry_rule_same_dim(inference, q->dims[3], k->dims[3], "the head sizes of Q and K", &joined));
    if (ferry_dim_known(q->dims[1]) && ferry_dim_known(k->dims[1]) && (k->dims[1] < 1 || q->dims[1] % k->dims[1]))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "FlexAttention: %lld query heads cannot share %lld key heads",
                          (long long)q->dims[1], (long long)k->dims[1]);
    ferry_shape shape = *q, score_shape = *q;
    shape.dims[3] = v->dims[3];
    score_shape.dims[3] = k->dims[2];
    ferry_rule_output(inference, 0, dtype, &shape);
    ferry_value_type type = {.dtype = scores, .ranked = true, .shape = score_shape}, result;
    const ferry_value_type *given = &type;
    static const char *const bodies[] = {"score_mod", "prob_mod"};
    for (int i = 0; inference->infer_graph && i < 2; i++) {
        const ferry_attribute *body = ferry_attribute_find(inference->attributes, bodies[i]);
        if (body && inference->input_count == 3)
            FERRY_TRY(inference->infer_graph(inference, body->value.graph, 1, &given, 1, &result));
    }
    return FERRY_OK;
}

/* Runs a body, if there is one, over the whole of scores or probabilities. */
static ferry_status modify(ferry_evaluation *evaluation, const char *name, ferry_value *scores, double *values) {
    const ferry_attribute *body = ferry_attribute_find(evaluation->attributes, name);
    if (!body) return FERRY_OK;
    if (!evaluation->run_graph)
        return ferry_fail(evaluation->error, FERRY_ERROR_UNSUPPORTED, "FlexAttention: bodies cannot run here");
    ferry_store_doubles(&scores->tensor, values);
    const ferry_value **given, *result;
    int captures = evaluation->input_count - 3;
    FERRY_SCRATCH(given, evaluation, 1 + captures);
    given[0] = scores;
    for (int i = 0; i < captures; i++) given[1 + i] = evaluation->inputs[3 + i];
    FERRY_TRY(evaluation->run_graph(evaluation, body->value.graph, 1 + captures, given, 1, &result));
    if (result->kind != FERRY_VALUE_TENSOR || !ferry_shape_equal(&result->tensor.shape, &scores->tensor.shape))
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "FlexAttention: %s changes the shape", name);
    int64_t count = ferry_shape_count(&scores->tensor.shape);
    for (int64_t i = 0; i < count; i++) values[i] = ferry_load_double(result->tensor.dtype, result->tensor.data, i);
    return FERRY_OK;
}

/* scores[b, h, i, j] = scale * q . k */
static void fill_scores(const ferry_heads *q, const ferry_heads *k, const double *queries, const double *keys, double scale,
                        double *scores) {
    for (int64_t row = 0; row < q->batch * q->heads * q->steps; row++) {
        int64_t head = row / q->steps % q->heads, n = row / (q->steps * q->heads), key_head = head / (q->heads / k->heads);
        for (int64_t j = 0; j < k->steps; j++) {
            const double *key = keys + ferry_heads_row(k, n, key_head, j);
            double sum = 0;
            for (int64_t d = 0; d < q->size; d++) sum += queries[row * q->size + d] * key[d];
            scores[row * k->steps + j] = sum * scale;
        }
    }
}

static void weigh_values(const ferry_heads *q, const ferry_heads *v, const double *scores, const double *values,
                         ferry_tensor *y) {
    for (int64_t i = 0; i < q->batch * q->heads * q->steps * v->size; i++) {
        int64_t row = i / v->size, head = row / q->steps % q->heads, n = row / (q->steps * q->heads);
        double sum = 0;
        for (int64_t j = 0; j < v->steps; j++)
            sum += scores[row * v->steps + j] * values[ferry_heads_row(v, n, head / (q->heads / v->heads), j) + i % v->size];
        ferry_store_double(y->dtype, y->data, i, sum);
    }
}

ferry_status ferry_evaluate_flex_attention(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    const ferry_tensor *tensors[3];
    const double *data[3];
    ferry_heads heads[3];
    for (int i = 0; i < 3; i++) {
        tensors[i] = ferry_input(evaluation, i);
        ferry_heads_of(&tensors[i]->shape, 0, &heads[i]);
        FERRY_NEED(data[i], ferry_evaluation_doubles(evaluation, tensors[i]));
    }
    ferry_shape shape = {.rank = 4, .dims = {heads[0].batch, heads[0].heads, heads[0].steps, heads[1].steps}};
    const ferry_attribute *given = ferry_attribute_find(evaluation->attributes, "scale");
    double *scores, scale = given ? given->value.real : 1 / sqrt((double)heads[0].size);
    int64_t count;
    if (!ferry_shape_elements(&shape, &count)) return ferry_fail_memory(evaluation->error, SIZE_MAX);
    FERRY_SCRATCH(scores, evaluation, count);
    ferry_value value;
    FERRY_TRY(ferry_value_make_tensor(evaluation, score_dtype(evaluation->attributes, tensors[0]->dtype), &shape, &value));
    fill_scores(&heads[0], &heads[1], data[0], data[1], scale, scores);
    FERRY_TRY(modify(evaluation, "score_mod", &value, scores));
    for (int64_t row = 0; heads[1].steps && row < count / heads[1].steps; row++)
        ferry_softmax_row(scores + row * heads[1].steps, heads[1].steps);
    FERRY_TRY(modify(evaluation, "prob_mod", &value, scores));
    weigh_values(&heads[0], &heads[2], scores, data[2], y);
    return FERRY_OK;
}
