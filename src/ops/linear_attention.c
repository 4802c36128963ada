/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that carry a state through a sequence: CausalConvWithState and LinearAttention (linear, gated, delta and gated
 * delta rules: Katharopoulos et al., 2020; Yang et al., 2024). */
#include <math.h>

#include "ops/activation.h"
#include "ops/support.h"

/* ---- CausalConvWithState ---- */

/* input (batch, channels, length), weight (channels, 1, k), bias, past state (batch, channels, k - 1) */
ferry_status ferry_infer_causal_conv(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 3, FERRY_DTYPES_FLOAT, &dtype));
    for (int i = 0; i < 4; i++)
        if (i != 2) FERRY_TRY(ferry_rule_rank(inference, i, 3, 3));
    const ferry_shape *x = ferry_rule_shape(inference, 0), *w = ferry_rule_shape(inference, 1),
                      *past = ferry_rule_shape(inference, 3);
    const ferry_attribute *name = ferry_attribute_find(inference->attributes, "activation");
    ferry_activation activation;
    if (name && !ferry_activation_find(name->value.string.text, name->value.string.length, &activation))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "CausalConvWithState: activation must be none, silu or swish");
    ferry_rule_output(inference, 0, dtype, x);
    ferry_rule_output(inference, 1, dtype, NULL);
    if (!x || !w) return FERRY_OK;
    if (ferry_dims_clash(w->dims[1], 1) || ferry_dims_clash(w->dims[0], x->dims[1]) ||
        (ferry_dim_known(w->dims[2]) && w->dims[2] < 1))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "CausalConvWithState: the weight must be channels x 1 x taps for %lld channels",
                          (long long)x->dims[1]);
    FERRY_TRY(ferry_rule_vector(inference, 2, "the bias", x->dims[1]));
    ferry_shape state = {.rank = 3, .dims = {x->dims[0], x->dims[1], ferry_dim_subtract(inference->symbols, w->dims[2], 1)}};
    for (int i = 0; past && i < 3; i++)
        FERRY_TRY(ferry_rule_same_dim(inference, state.dims[i], past->dims[i],
                                      "dimensions of the past state and those expected", &state.dims[i]));
    ferry_rule_output(inference, 1, dtype, &state);
    return FERRY_OK;
}

ferry_status ferry_evaluate_causal_conv(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *bias = ferry_input(evaluation, 2), *past = ferry_input(evaluation, 3);
    ferry_tensor *y = ferry_output(evaluation, 0), *present = ferry_output(evaluation, 1);
    const ferry_attribute *name = ferry_attribute_find(evaluation->attributes, "activation");
    ferry_activation activation = {0};
    if (name) ferry_activation_find(name->value.string.text, name->value.string.length, &activation);
    int64_t channels = x->shape.dims[1], length = x->shape.dims[2], taps = ferry_input(evaluation, 1)->shape.dims[2];
    const double *weights;
    double *line; /* the past, then the input, of one channel */
    FERRY_NEED(weights, ferry_evaluation_doubles(evaluation, ferry_input(evaluation, 1)));
    FERRY_SCRATCH(line, evaluation, length + taps);
    for (int64_t row = 0; row < x->shape.dims[0] * channels; row++) {
        double start = bias ? ferry_load_double(bias->dtype, bias->data, row % channels) : 0;
        for (int64_t i = 0; i < taps - 1; i++)
            line[i] = past ? ferry_load_double(past->dtype, past->data, row * (taps - 1) + i) : 0;
        for (int64_t i = 0; i < length; i++) line[taps - 1 + i] = ferry_load_double(x->dtype, x->data, row * length + i);
        for (int64_t i = 0; y && i < length; i++) {
            double sum = start;
            for (int64_t k = 0; k < taps; k++) sum += weights[row % channels * taps + k] * line[i + k];
            ferry_store_double(y->dtype, y->data, row * length + i, ferry_activate(activation, sum));
        }
        for (int64_t i = 0; present && i < taps - 1; i++)
            ferry_store_double(present->dtype, present->data, row * (taps - 1) + i, line[length + i]);
    }
    return FERRY_OK;
}

/* ---- LinearAttention ---- */

enum { IN_QUERY, IN_KEY, IN_VALUE, IN_STATE, IN_DECAY, IN_BETA };

static ferry_status read_rule(const ferry_attributes *attributes, ferry_error *error, bool *gated, bool *delta) {
    bool both = ferry_attribute_is(attributes, "update_rule", "gated_delta", true);
    *gated = both || ferry_attribute_is(attributes, "update_rule", "gated", false);
    *delta = both || ferry_attribute_is(attributes, "update_rule", "delta", false);
    if (*gated || *delta || ferry_attribute_is(attributes, "update_rule", "linear", false)) return FERRY_OK;
    return ferry_fail(error, FERRY_ERROR_SHAPE, "LinearAttention: update_rule must be linear, gated, delta or gated_delta");
}

static ferry_status check_linear_inputs(const ferry_inference *inference, int64_t q_heads, int64_t kv_heads) {
    bool gated, delta;
    FERRY_TRY(read_rule(inference->attributes, inference->error, &gated, &delta));
    for (int i = 0; i <= IN_BETA; i++) FERRY_TRY(ferry_rule_dtypes(inference, i, FERRY_DTYPES_FLOAT));
    for (int i = 0; i <= IN_BETA; i++)
        if (i != IN_STATE) FERRY_TRY(ferry_rule_rank(inference, i, 3, 3));
    if (kv_heads < 1 || q_heads < 1 || q_heads % kv_heads)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "LinearAttention: %lld query heads cannot share %lld key heads",
                          (long long)q_heads, (long long)kv_heads);
    if (gated != (ferry_rule_input(inference, IN_DECAY) != NULL) || delta != (ferry_rule_input(inference, IN_BETA) != NULL))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "LinearAttention: decay belongs to gated rules and beta to delta rules, to no others");
    return FERRY_OK;
}

ferry_status ferry_infer_linear_attention(ferry_inference *inference) {
    int64_t q_heads = ferry_attribute_integer(inference->attributes, "q_num_heads", 0),
            kv_heads = ferry_attribute_integer(inference->attributes, "kv_num_heads", 0);
    FERRY_TRY(check_linear_inputs(inference, q_heads, kv_heads));
    const ferry_shape *q = ferry_rule_shape(inference, IN_QUERY), *k = ferry_rule_shape(inference, IN_KEY),
                      *v = ferry_rule_shape(inference, IN_VALUE), *state = ferry_rule_shape(inference, IN_STATE);
    ferry_dtype dtype = ferry_rule_dtype(inference, IN_QUERY),
                state_dtype = ferry_rule_input(inference, IN_STATE) ? ferry_rule_dtype(inference, IN_STATE) : dtype;
    ferry_rule_output(inference, 0, dtype, NULL);
    ferry_rule_output(inference, 1, state_dtype, NULL);
    if (!q || !k || !v) return FERRY_OK;
    const ferry_shape *shapes[] = {q, k, v, NULL, ferry_rule_shape(inference, IN_DECAY), ferry_rule_shape(inference, IN_BETA)};
    int64_t heads[] = {q_heads, kv_heads, kv_heads}, sizes[3], batch = q->dims[0], steps = q->dims[1], joined;
    for (int i = 0; i <= IN_BETA; i++) {
        if (!shapes[i]) continue;
        FERRY_TRY(ferry_rule_same_dim(inference, batch, shapes[i]->dims[0], "the batches of the inputs", &batch));
        FERRY_TRY(ferry_rule_same_dim(inference, steps, shapes[i]->dims[1], "the lengths of the inputs", &steps));
        int64_t width = shapes[i]->dims[2];
        if (i < 3 && ferry_dim_known(width) && width % heads[i])
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                              "LinearAttention: %lld channels of input %d are no multiple of %lld heads", (long long)width, i,
                              (long long)heads[i]);
        if (i < 3) sizes[i] = ferry_dim_floor_divide(inference->symbols, width, heads[i]);
        bool fits = i < 4 || !ferry_dims_clash(width, kv_heads);
        if (i == IN_DECAY) fits |= !ferry_dims_clash(width, k->dims[2]);
        if (i == IN_BETA) fits |= width == 1;
        if (!fits)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "LinearAttention: input %d has %lld channels", i,
                              (long long)width);
    }
    FERRY_TRY(ferry_rule_same_dim(inference, sizes[0], sizes[1], "the head sizes of query and key", &joined));
    ferry_shape y = {.rank = 3, .dims = {batch, steps, ferry_dim_multiply(inference->symbols, sizes[2], q_heads)}};
    ferry_shape present = {.rank = 4, .dims = {batch, kv_heads, joined, sizes[2]}};
    if (state) FERRY_TRY(ferry_rule_rank(inference, IN_STATE, 4, 4));
    for (int i = 0; state && i < 4; i++)
        FERRY_TRY(ferry_rule_same_dim(inference, present.dims[i], state->dims[i], "dimensions of the state and those expected",
                                      &present.dims[i]));
    ferry_rule_output(inference, 0, dtype, &y);
    ferry_rule_output(inference, 1, state_dtype, &present);
    return FERRY_OK;
}

typedef struct linear_run {
    int64_t q_heads, kv_heads, key_size, value_size, decay_width, beta_width;
    const double *q, *k, *v, *decay, *beta; /* decay, beta NULL when the rule has none */
    double scale;
    double *written; /* what a step writes: value_size */
} linear_run;

/* One step of one key head: decays the state (key_size x value_size), corrects what is written, writes. */
static void update_state(const linear_run *run, int64_t step, int64_t head, double *state) {
    const double *key = run->k + (step * run->kv_heads + head) * run->key_size,
                 *value = run->v + (step * run->kv_heads + head) * run->value_size;
    bool per_head = run->decay_width == run->kv_heads;
    for (int64_t d = 0; run->decay && d < run->key_size; d++) {
        double factor = exp(run->decay[step * run->decay_width + (per_head ? head : head * run->key_size + d)]);
        for (int64_t m = 0; m < run->value_size; m++) state[d * run->value_size + m] *= factor;
    }
    for (int64_t m = 0; m < run->value_size; m++) run->written[m] = value[m];
    if (run->beta) {
        double beta = run->beta[step * run->beta_width + (run->beta_width == 1 ? 0 : head)];
        for (int64_t d = 0; d < run->key_size; d++)
            for (int64_t m = 0; m < run->value_size; m++) run->written[m] -= state[d * run->value_size + m] * key[d];
        for (int64_t m = 0; m < run->value_size; m++) run->written[m] *= beta;
    }
    for (int64_t d = 0; d < run->key_size; d++)
        for (int64_t m = 0; m < run->value_size; m++) state[d * run->value_size + m] += key[d] * run->written[m];
}

static void read_state(const linear_run *run, int64_t step, int64_t head, const double *state, ferry_tensor *y) {
    int64_t shared = run->q_heads / run->kv_heads;
    for (int64_t h = head * shared; y && h < (head + 1) * shared; h++) {
        const double *query = run->q + (step * run->q_heads + h) * run->key_size;
        for (int64_t m = 0; m < run->value_size; m++) {
            double sum = 0;
            for (int64_t d = 0; d < run->key_size; d++) sum += query[d] * state[d * run->value_size + m];
            ferry_store_double(y->dtype, y->data, (step * run->q_heads + h) * run->value_size + m, sum * run->scale);
        }
    }
}

ferry_status ferry_evaluate_linear_attention(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_attributes *attributes = evaluation->attributes;
    const ferry_tensor *q = ferry_input(evaluation, IN_QUERY), *v = ferry_input(evaluation, IN_VALUE),
                       *past = ferry_input(evaluation, IN_STATE), *decay = ferry_input(evaluation, IN_DECAY),
                       *beta = ferry_input(evaluation, IN_BETA);
    linear_run run = {.q_heads = ferry_attribute_integer(attributes, "q_num_heads", 1),
                      .kv_heads = ferry_attribute_integer(attributes, "kv_num_heads", 1),
                      .scale = ferry_attribute_real(attributes, "scale", 0)};
    run.key_size = q->shape.dims[2] / run.q_heads;
    run.value_size = v->shape.dims[2] / run.kv_heads;
    if (run.scale == 0) run.scale = 1 / sqrt((double)run.key_size);
    FERRY_NEED(run.q, ferry_evaluation_doubles(evaluation, q));
    FERRY_NEED(run.k, ferry_evaluation_doubles(evaluation, ferry_input(evaluation, IN_KEY)));
    FERRY_NEED(run.v, ferry_evaluation_doubles(evaluation, v));
    if (decay) FERRY_NEED(run.decay, ferry_evaluation_doubles(evaluation, decay));
    if (beta) FERRY_NEED(run.beta, ferry_evaluation_doubles(evaluation, beta));
    run.decay_width = decay ? decay->shape.dims[2] : 0;
    run.beta_width = beta ? beta->shape.dims[2] : 0;
    FERRY_SCRATCH(run.written, evaluation, run.value_size);
    ferry_tensor *y = ferry_output(evaluation, 0), *present = ferry_output(evaluation, 1);
    int64_t batch = q->shape.dims[0], steps = q->shape.dims[1], size = run.key_size * run.value_size;
    double *state;
    FERRY_SCRATCH(state, evaluation, size);
    for (int64_t i = 0; i < batch * run.kv_heads; i++) {
        for (int64_t d = 0; d < size; d++) state[d] = past ? ferry_load_double(past->dtype, past->data, i * size + d) : 0;
        for (int64_t t = 0; t < steps; t++) {
            update_state(&run, i / run.kv_heads * steps + t, i % run.kv_heads, state);
            read_state(&run, i / run.kv_heads * steps + t, i % run.kv_heads, state, y);
        }
        for (int64_t d = 0; present && d < size; d++) ferry_store_double(present->dtype, present->data, i * size + d, state[d]);
    }
    return FERRY_OK;
}
