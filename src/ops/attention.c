/* SPDX-License-Identifier: Apache-2.0 */
/* Attention (with grouped heads, masks, caches, windows, soft cap) and RotaryEmbedding. Vaswani et al., 2017; Ainslie et al.,
 * 2023; Su et al., 2021. */
#include "ops/attention.h"

#include <math.h>

#include "tensor/half.h"

/* Inputs Q, K, V, mask, past key, past value, lengths without padding; outputs Y, present key, present value, scores. */
enum { IN_Q, IN_K, IN_V, IN_MASK, IN_PAST_KEY, IN_PAST_VALUE, IN_LENGTHS };

/* ---- shape rule ---- */

/* Heads, steps and size of Q, K or V, perhaps symbolic. */
static ferry_status infer_heads(const ferry_inference *inference, int index, const char *attribute, int64_t *heads,
                                int64_t *steps, int64_t *size) {
    const ferry_shape *shape = ferry_rule_shape(inference, index);
    if (shape->rank == 4) {
        *heads = shape->dims[1], *steps = shape->dims[2], *size = shape->dims[3];
        return FERRY_OK;
    }
    *heads = ferry_attribute_integer(inference->attributes, attribute, 0);
    *steps = shape->dims[1];
    if (*heads < 1 || (ferry_dim_known(shape->dims[2]) && shape->dims[2] % *heads))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "Attention: the last dimension of input %d cannot be split into %lld heads (%s)", index,
                          (long long)*heads, attribute);
    *size = ferry_dim_floor_divide(inference->symbols, shape->dims[2], *heads);
    return FERRY_OK;
}

static ferry_status check_attention_inputs(const ferry_inference *inference) {
    for (int i = 0; i < 3; i++) FERRY_TRY(ferry_rule_dtypes(inference, i, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, IN_MASK, FERRY_DTYPES_NUMBER | FERRY_DTYPES_BOOL));
    FERRY_TRY(ferry_rule_dtypes(inference, IN_LENGTHS, FERRY_DTYPES_INDEX));
    if ((ferry_rule_input(inference, IN_PAST_KEY) == NULL) != (ferry_rule_input(inference, IN_PAST_VALUE) == NULL))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Attention: past key and past value come together");
    if (ferry_rule_input(inference, IN_PAST_KEY) && ferry_rule_input(inference, IN_LENGTHS))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Attention: a past key and nonpad_kv_seqlen exclude each other");
    for (int i = 0; i < 3; i++) FERRY_TRY(ferry_rule_rank(inference, i, 3, 4));
    FERRY_TRY(ferry_rule_rank(inference, IN_PAST_KEY, 4, 4));
    FERRY_TRY(ferry_rule_rank(inference, IN_PAST_VALUE, 4, 4));
    return ferry_rule_rank(inference, IN_MASK, 1, 4);
}

/* What the mask may be: broadcast to batch x heads x queries x at most keys. */
static ferry_status check_mask(const ferry_inference *inference, const int64_t scores[4]) {
    const ferry_shape *mask = ferry_rule_shape(inference, IN_MASK);
    for (int i = 0; mask && i < mask->rank; i++) {
        int64_t dim = mask->dims[mask->rank - 1 - i], wanted = scores[3 - i];
        if (i == 0 ? ferry_dim_known(dim) && ferry_dim_known(wanted) && dim > wanted
                   : dim != 1 && ferry_dims_clash(dim, wanted))
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                              "Attention: dimension %d of the mask is %lld, but there are %lld %s", mask->rank - 1 - i,
                              (long long)dim, (long long)wanted, i == 0 ? "keys" : "of what it covers");
    }
    return FERRY_OK;
}

ferry_status ferry_infer_attention(ferry_inference *inference) {
    FERRY_TRY(check_attention_inputs(inference));
    const ferry_shape *q = ferry_rule_shape(inference, IN_Q), *k = ferry_rule_shape(inference, IN_K),
                      *v = ferry_rule_shape(inference, IN_V);
    ferry_dtype dtype = ferry_rule_dtype(inference, IN_Q);
    for (int i = 0; i < 4; i++) ferry_rule_output(inference, i, i == 2 ? ferry_rule_dtype(inference, IN_V) : dtype, NULL);
    if (!q || !k || !v) return FERRY_OK;
    if (q->rank != k->rank || q->rank != v->rank)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Attention: Q, K and V must be of equal rank");
    int64_t q_heads, q_steps, q_size, k_heads, k_steps, k_size, v_heads, v_steps, v_size, batch;
    FERRY_TRY(infer_heads(inference, IN_Q, "q_num_heads", &q_heads, &q_steps, &q_size));
    FERRY_TRY(infer_heads(inference, IN_K, "kv_num_heads", &k_heads, &k_steps, &k_size));
    FERRY_TRY(infer_heads(inference, IN_V, "kv_num_heads", &v_heads, &v_steps, &v_size));
    FERRY_TRY(ferry_rule_same_dim(inference, q->dims[0], k->dims[0], "the batches of Q and K", &batch));
    FERRY_TRY(ferry_rule_same_dim(inference, batch, v->dims[0], "the batches of Q and V", &batch));
    FERRY_TRY(ferry_rule_same_dim(inference, q_size, k_size, "the head sizes of Q and K", &q_size));
    FERRY_TRY(ferry_rule_same_dim(inference, k_heads, v_heads, "the heads of K and V", &k_heads));
    FERRY_TRY(ferry_rule_same_dim(inference, k_steps, v_steps, "the lengths of K and V", &k_steps));
    FERRY_TRY(ferry_rule_vector(inference, IN_LENGTHS, "nonpad_kv_seqlen", batch));
    if (ferry_dim_known(q_heads) && ferry_dim_known(k_heads) && (k_heads < 1 || q_heads % k_heads))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Attention: %lld query heads cannot share %lld key heads",
                          (long long)q_heads, (long long)k_heads);
    int64_t total = k_steps, past_dims[4], joined;
    for (int i = IN_PAST_KEY; i <= IN_PAST_VALUE; i++) {
        const ferry_shape *past = ferry_rule_shape(inference, i);
        int64_t size = i == IN_PAST_KEY ? q_size : v_size;
        for (int d = 0; past && d < 4; d++) past_dims[d] = past->dims[d];
        if (!past) continue;
        FERRY_TRY(ferry_rule_same_dim(inference, past_dims[0], batch, "the batches of past and present", &joined));
        FERRY_TRY(ferry_rule_same_dim(inference, past_dims[1], k_heads, "the heads of past and present", &joined));
        FERRY_TRY(ferry_rule_same_dim(inference, past_dims[3], size, "the head sizes of past and present", &joined));
        int64_t with_past = ferry_dim_add(inference->symbols, past_dims[2], k_steps);
        if (i == IN_PAST_VALUE)
            FERRY_TRY(ferry_rule_same_dim(inference, total, with_past, "the lengths of past keys and values", &joined));
        total = with_past;
    }
    if (ferry_rule_input(inference, IN_PAST_KEY) && !ferry_rule_shape(inference, IN_PAST_KEY))
        total = ferry_rule_fresh(inference);
    FERRY_TRY(check_mask(inference, (int64_t[]){batch, q_heads, q_steps, total}));
    ferry_shape y = {.rank = 4, .dims = {batch, q_heads, q_steps, v_size}};
    if (q->rank == 3)
        y = (ferry_shape){.rank = 3, .dims = {batch, q_steps, ferry_dim_multiply(inference->symbols, q_heads, v_size)}};
    ferry_rule_output(inference, 0, dtype, &y);
    ferry_rule_output(inference, 1, dtype, &(ferry_shape){.rank = 4, .dims = {batch, k_heads, total, q_size}});
    ferry_rule_output(inference, 2, ferry_rule_dtype(inference, IN_V),
                      &(ferry_shape){.rank = 4, .dims = {batch, k_heads, total, v_size}});
    ferry_rule_output(inference, 3, dtype, &(ferry_shape){.rank = 4, .dims = {batch, q_heads, q_steps, total}});
    return FERRY_OK;
}

/* ---- evaluation ---- */

void ferry_softmax_row(double *row, int64_t count) {
    double largest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, row[i]);
    if (isinf(largest) && largest < 0) largest = 0;
    for (int64_t i = 0; i < count; i++) sum += row[i] = exp(row[i] - largest);
    for (int64_t i = 0; i < count && sum != 0; i++) row[i] /= sum;
}

/* ONNX's Attention is a function of other operators, each of which rounds to the inputs' type: so do the stages here. */
static double rounded(ferry_dtype dtype, double x) {
    if (dtype == FERRY_FLOAT16) return ferry_half_to_float(ferry_float_to_half((float)x));
    return dtype == FERRY_BFLOAT16 ? ferry_bfloat16_to_float(ferry_float_to_bfloat16((float)x)) : x;
}

static void rounded_softmax(ferry_dtype dtype, double *row, int64_t count) {
    if (dtype != FERRY_FLOAT16 && dtype != FERRY_BFLOAT16) {
        ferry_softmax_row(row, count);
        return;
    }
    double largest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, row[i]);
    for (int64_t i = 0; i < count; i++) sum += row[i] = rounded(dtype, exp(rounded(dtype, row[i] - largest)));
    for (int64_t i = 0; i < count; i++) row[i] = rounded(dtype, row[i] / rounded(dtype, sum));
}

typedef struct attention_run {
    ferry_dtype dtype, softmax_dtype;
    ferry_heads q, k, v; /* k and v as present: batch x heads x total x size */
    const double *queries, *keys, *values;
    const ferry_tensor *mask, *lengths;
    int64_t mask_strides[4], mask_keys;
    double root_scale, softcap;
    bool causal;
    int64_t left, right, past, mode;
} attention_run;

/* The present keys or values: the past ones, then the new ones, as batch x heads x total x size. */
static ferry_status join_past(ferry_evaluation *evaluation, int fresh_index, int past_index, int output, ferry_heads *heads,
                              const double **joined) {
    const ferry_tensor *fresh = ferry_input(evaluation, fresh_index), *past = ferry_input(evaluation, past_index);
    ferry_tensor *present = ferry_output(evaluation, output);
    ferry_heads from, old = {0};
    if (!ferry_heads_of(&fresh->shape, ferry_attribute_integer(evaluation->attributes, "kv_num_heads", 1), &from))
        return FERRY_ERROR_SHAPE;
    if (past) ferry_heads_of(&past->shape, 0, &old);
    const double *fresh_values, *past_values = NULL;
    FERRY_NEED(fresh_values, ferry_evaluation_doubles(evaluation, fresh));
    if (past) FERRY_NEED(past_values, ferry_evaluation_doubles(evaluation, past));
    ferry_shape shape = {.rank = 4, .dims = {from.batch, from.heads, old.steps + from.steps, from.size}};
    ferry_heads_of(&shape, 0, heads);
    double *values;
    FERRY_SCRATCH(values, evaluation, ferry_shape_count(&shape));
    for (int64_t row = 0; row < from.batch * from.heads * heads->steps; row++) {
        int64_t step = row % heads->steps, head = row / heads->steps % from.heads, n = row / (heads->steps * from.heads);
        const double *source = step < old.steps ? past_values + ferry_heads_row(&old, n, head, step)
                                                : fresh_values + ferry_heads_row(&from, n, head, step - old.steps);
        for (int64_t i = 0; i < from.size; i++) values[row * from.size + i] = source[i];
    }
    if (present) ferry_store_doubles(present, values);
    *joined = values;
    return FERRY_OK;
}

static void prepare_mask(const ferry_tensor *mask, attention_run *run) {
    run->mask = mask;
    if (!mask) return;
    int64_t own[FERRY_MAX_RANK];
    ferry_shape_strides(&mask->shape, own);
    for (int i = 0; i < mask->shape.rank; i++) {
        int to = 4 - mask->shape.rank + i;
        run->mask_strides[to] = mask->shape.dims[i] == 1 && to != 3 ? 0 : own[i];
    }
    run->mask_keys = mask->shape.dims[mask->shape.rank - 1];
}

/* What is added to the score of a query and a key: 0, -infinity, or the mask's number. */
static double bias_of(const attention_run *run, int64_t n, int64_t head, int64_t query, int64_t key) {
    double bias = 0;
    int64_t valid = run->lengths ? ferry_load_int64(run->lengths->dtype, run->lengths->data, n) : 0;
    int64_t offset = run->lengths ? valid - run->q.steps : run->past, position = query + offset;
    if (run->mask && key >= run->mask_keys) return -INFINITY;
    if (run->mask) {
        int64_t at =
            n * run->mask_strides[0] + head * run->mask_strides[1] + query * run->mask_strides[2] + key * run->mask_strides[3];
        bias = ferry_load_double(run->mask->dtype, run->mask->data, at);
        if (run->mask->dtype == FERRY_BOOL) bias = bias != 0 ? 0 : -INFINITY;
    }
    bool hidden = (run->causal && key > position) || (run->left >= 0 && position - key > run->left) ||
                  (run->right >= 0 && key - position > run->right) || (run->lengths && key >= valid);
    return hidden ? -INFINITY : bias;
}

/* The probabilities of one query over all keys; `scores` receives what output 3 shows. */
static void attend(const attention_run *run, int64_t n, int64_t head, int64_t query, double *row, double *scores) {
    int64_t key_head = head / (run->q.heads / run->k.heads);
    const double *q = run->queries + ferry_heads_row(&run->q, n, head, query);
    bool open = false; /* some key may be attended */
    for (int64_t key = 0; key < run->k.steps; key++) {
        const double *k = run->keys + ferry_heads_row(&run->k, n, key_head, key);
        double sum = 0, bias = bias_of(run, n, head, query, key);
        for (int64_t i = 0; i < run->q.size; i++)
            sum += rounded(run->dtype, q[i] * run->root_scale) * rounded(run->dtype, k[i] * run->root_scale);
        sum = rounded(run->dtype, sum);
        if (run->softcap > 0) sum = rounded(run->dtype, run->softcap * tanh(sum / run->softcap));
        row[key] = rounded(run->dtype, sum + bias);
        scores[key] = run->mode == 2 ? row[key] : sum;
        open |= !(isinf(bias) && bias < 0);
    }
    if (open) rounded_softmax(run->softmax_dtype, row, run->k.steps);
    for (int64_t key = 0; key < run->k.steps; key++) {
        row[key] = open ? rounded(run->dtype, row[key]) : 0;
        if (run->mode == 3) scores[key] = row[key];
    }
}

static ferry_status read_attention(ferry_evaluation *evaluation, attention_run *run) {
    const ferry_attributes *attributes = evaluation->attributes;
    const ferry_tensor *q = ferry_input(evaluation, IN_Q), *past = ferry_input(evaluation, IN_PAST_KEY);
    if (!ferry_heads_of(&q->shape, ferry_attribute_integer(attributes, "q_num_heads", 1), &run->q)) return FERRY_ERROR_SHAPE;
    FERRY_NEED(run->queries, ferry_evaluation_doubles(evaluation, q));
    FERRY_TRY(join_past(evaluation, IN_K, IN_PAST_KEY, 1, &run->k, &run->keys));
    FERRY_TRY(join_past(evaluation, IN_V, IN_PAST_VALUE, 2, &run->v, &run->values));
    prepare_mask(ferry_input(evaluation, IN_MASK), run);
    run->lengths = ferry_input(evaluation, IN_LENGTHS);
    const ferry_attribute *scale = ferry_attribute_find(attributes, "scale");
    run->dtype = q->dtype;
    run->softmax_dtype = (ferry_dtype)ferry_attribute_integer(attributes, "softmax_precision", q->dtype);
    run->root_scale = rounded(q->dtype, sqrt(scale ? scale->value.real : 1 / sqrt((double)run->q.size)));
    run->softcap = ferry_attribute_real(attributes, "softcap", 0);
    run->causal = ferry_attribute_integer(attributes, "is_causal", 0) != 0;
    run->left = ferry_attribute_integer(attributes, "left_window_size", -1);
    run->right = ferry_attribute_integer(attributes, "right_window_size", -1);
    run->mode = ferry_attribute_integer(attributes, "qk_matmul_output_mode", 0);
    run->past = past ? past->shape.dims[2] : 0;
    return FERRY_OK;
}

ferry_status ferry_evaluate_attention(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    attention_run run = {0};
    FERRY_TRY(read_attention(evaluation, &run));
    ferry_tensor *y = ferry_output(evaluation, 0), *shown = ferry_output(evaluation, 3);
    double *row, *scores;
    FERRY_SCRATCH(row, evaluation, run.k.steps);
    FERRY_SCRATCH(scores, evaluation, run.k.steps);
    ferry_heads to = {0};
    if (y) ferry_heads_of(&y->shape, run.q.heads, &to);
    for (int64_t i = 0; i < run.q.batch * run.q.heads * run.q.steps; i++) {
        int64_t query = i % run.q.steps, head = i / run.q.steps % run.q.heads, n = i / (run.q.steps * run.q.heads);
        attend(&run, n, head, query, row, scores);
        for (int64_t key = 0; shown && key < run.k.steps; key++)
            ferry_store_double(shown->dtype, shown->data, i * run.k.steps + key, scores[key]);
        int64_t value_head = head / (run.q.heads / run.v.heads);
        for (int64_t d = 0; y && d < run.v.size; d++) {
            double sum = 0;
            for (int64_t key = 0; key < run.k.steps; key++)
                if (row[key] != 0) sum += row[key] * run.values[ferry_heads_row(&run.v, n, value_head, key) + d];
            ferry_store_double(y->dtype, y->data, ferry_heads_row(&to, n, head, query) + d, sum);
        }
    }
    return FERRY_OK;
}

/* ---- RotaryEmbedding ---- */

/* X, cos cache, sin cache, position ids */
ferry_status ferry_infer_rotary_embedding(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 3, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_rank(inference, 0, 3, 4));
    bool positions = ferry_rule_input(inference, 3) != NULL;
    FERRY_TRY(ferry_rule_rank(inference, 1, positions ? 2 : 3, positions ? 2 : 3));
    FERRY_TRY(ferry_rule_rank(inference, 2, positions ? 2 : 3, positions ? 2 : 3));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    int64_t heads = ferry_attribute_integer(inference->attributes, "num_heads", 0);
    if (x && x->rank == 3 && (heads < 1 || (ferry_dim_known(x->dims[2]) && x->dims[2] % heads)))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "RotaryEmbedding: %lld channels cannot be split into %lld heads (num_heads)", (long long)x->dims[2],
                          (long long)heads);
    return ferry_infer_same_float(inference);
}

typedef struct rotary_run {
    ferry_heads x;
    int64_t half; /* half of the dimensions that turn */
    bool interleaved;
    const double *values, *cosines, *sines;
    double *result;
} rotary_run;

static void rotate_row(const rotary_run *run, int64_t row, const double *cosines, const double *sines) {
    for (int64_t i = 0; i < run->half; i++) {
        int64_t a = row + (run->interleaved ? 2 * i : i), b = row + (run->interleaved ? 2 * i + 1 : i + run->half);
        run->result[a] = cosines[i] * run->values[a] - sines[i] * run->values[b];
        run->result[b] = sines[i] * run->values[a] + cosines[i] * run->values[b];
    }
    for (int64_t i = 2 * run->half; i < run->x.size; i++) run->result[row + i] = run->values[row + i];
}

/* The caches must have a row for each position; without ids, one for each batch and step. */
static ferry_status check_caches(ferry_evaluation *evaluation, const rotary_run *run, const ferry_tensor *ids) {
    for (int i = 1; i < 3; i++) {
        const ferry_shape *shape = &ferry_input(evaluation, i)->shape;
        bool fits = shape->dims[shape->rank - 1] == run->half && ferry_shape_equal(shape, &ferry_input(evaluation, 1)->shape);
        if (!ids) fits &= (shape->dims[0] == run->x.batch || shape->dims[0] == 1) && shape->dims[1] == run->x.steps;
        if (!fits)
            return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE,
                              "RotaryEmbedding: input %d does not fit the input's batch, length and size", i);
    }
    bool fits = !ids || (ids->shape.rank == 2 && ids->shape.dims[0] == run->x.batch && ids->shape.dims[1] == run->x.steps);
    return fits ? FERRY_OK
                : ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "RotaryEmbedding: position ids must be batch x length");
}

ferry_status ferry_evaluate_rotary_embedding(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *cosines = ferry_input(evaluation, 1),
                       *ids = ferry_input(evaluation, 3);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    rotary_run run = {.interleaved = ferry_attribute_integer(evaluation->attributes, "interleaved", 0) != 0};
    if (!ferry_heads_of(&x->shape, ferry_attribute_integer(evaluation->attributes, "num_heads", 1), &run.x))
        return FERRY_ERROR_SHAPE;
    int64_t turned = ferry_attribute_integer(evaluation->attributes, "rotary_embedding_dim", 0);
    if (turned < 0 || turned > run.x.size || turned % 2)
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "RotaryEmbedding: rotary_embedding_dim %lld of %lld",
                          (long long)turned, (long long)run.x.size);
    run.half = (turned ? turned : run.x.size) / 2;
    FERRY_TRY(check_caches(evaluation, &run, ids));
    FERRY_NEED(run.values, ferry_evaluation_doubles(evaluation, x));
    FERRY_NEED(run.cosines, ferry_evaluation_doubles(evaluation, cosines));
    FERRY_NEED(run.sines, ferry_evaluation_doubles(evaluation, ferry_input(evaluation, 2)));
    FERRY_NEED(run.result, ferry_evaluation_double_output(evaluation, y));
    for (int64_t i = 0; i < run.x.batch * run.x.steps * run.x.heads; i++) {
        int64_t head = i % run.x.heads, step = i / run.x.heads % run.x.steps, n = i / (run.x.heads * run.x.steps);
        int64_t line = (cosines->shape.dims[0] == 1 && !ids ? 0 : n) * run.x.steps + step;
        if (ids) line = ferry_load_int64(ids->dtype, ids->data, n * run.x.steps + step);
        if (ids && (line < 0 || line >= cosines->shape.dims[0]))
            return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT,
                              "RotaryEmbedding: position %lld is outside a cache of %lld", (long long)line,
                              (long long)cosines->shape.dims[0]);
        rotate_row(&run, ferry_heads_row(&run.x, n, head, step), run.cosines + line * run.half, run.sines + line * run.half);
    }
    ferry_store_doubles(y, run.result);
    return FERRY_OK;
}
