/* SPDX-License-Identifier: Apache-2.0 */
/* RNN, GRU and LSTM: one walk over time that all three share, and a cell of each. Computed in double. */
#include <math.h>
#include <string.h>

#include "ops/activation.h"
#include "ops/support.h"

enum { MAX_ACTIVATIONS = 6 };

/* Inputs of all three: X, W, R, B, sequence_lens, initial_h; LSTM adds initial_c and P. */
enum { IN_X, IN_W, IN_R, IN_B, IN_LENGTHS, IN_H, IN_C, IN_P };

typedef struct recurrent_kind {
    int gates, activations; /* of one direction */
    const char *defaults[3];
    bool has_cell;
} recurrent_kind;

static const recurrent_kind kind_rnn = {1, 1, {"Tanh"}, false};
static const recurrent_kind kind_gru = {3, 2, {"Sigmoid", "Tanh"}, false};
static const recurrent_kind kind_lstm = {4, 3, {"Sigmoid", "Tanh", "Tanh"}, true};

static const recurrent_kind *kind_of(const ferry_op *op) {
    return strcmp(op->name, "LSTM") == 0 ? &kind_lstm : strcmp(op->name, "GRU") == 0 ? &kind_gru : &kind_rnn;
}

static ferry_status count_directions(const ferry_attributes *attributes, ferry_error *error, int *directions, bool *reverse) {
    *reverse = ferry_attribute_is(attributes, "direction", "reverse", false);
    bool both = ferry_attribute_is(attributes, "direction", "bidirectional", false);
    *directions = both ? 2 : 1;
    if (both || *reverse || ferry_attribute_is(attributes, "direction", "forward", true)) return FERRY_OK;
    return ferry_fail(error, FERRY_ERROR_SHAPE, "attribute direction must be forward, reverse or bidirectional");
}

/* ---- shape rule ---- */

/* Input `index`, if its shape is known, must have these dimensions. */
static ferry_status check_dims(const ferry_inference *inference, int index, int rank, const int64_t *dims) {
    const ferry_shape *shape = ferry_rule_shape(inference, index);
    if (!shape) return FERRY_OK;
    FERRY_TRY(ferry_rule_rank(inference, index, rank, rank));
    for (int i = 0; i < rank; i++)
        if (ferry_dims_clash(shape->dims[i], dims[i]))
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: dimension %d of input %d is %lld, it should be %lld",
                              inference->op->name, i, index, (long long)shape->dims[i], (long long)dims[i]);
    return FERRY_OK;
}

static ferry_status check_recurrent(const ferry_inference *inference, const ferry_shape *x, bool batch_first,
                                    int64_t directions, int64_t hidden) {
    const recurrent_kind *kind = kind_of(inference->op);
    int64_t rows = ferry_dim_multiply(inference->symbols, hidden, kind->gates),
            batch = x ? x->dims[batch_first ? 0 : 1] : FERRY_DIM_UNKNOWN;
    int64_t doubled = ferry_dim_multiply(inference->symbols, rows, 2),
            peepholes = ferry_dim_multiply(inference->symbols, hidden, 3);
    FERRY_TRY(check_dims(inference, IN_W, 3, (int64_t[]){directions, rows, x ? x->dims[2] : FERRY_DIM_UNKNOWN}));
    FERRY_TRY(check_dims(inference, IN_R, 3, (int64_t[]){directions, rows, hidden}));
    FERRY_TRY(check_dims(inference, IN_B, 2, (int64_t[]){directions, doubled}));
    FERRY_TRY(ferry_rule_dtypes(inference, IN_LENGTHS, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_vector(inference, IN_LENGTHS, "sequence_lens", batch));
    int64_t state[3] = {batch_first ? batch : directions, batch_first ? directions : batch, hidden};
    FERRY_TRY(check_dims(inference, IN_H, 3, state));
    FERRY_TRY(check_dims(inference, IN_C, 3, state));
    return check_dims(inference, IN_P, 2, (int64_t[]){directions, peepholes});
}

ferry_status ferry_infer_recurrent(ferry_inference *inference) {
    int directions;
    bool reverse, batch_first = ferry_attribute_integer(inference->attributes, "layout", 0) != 0;
    FERRY_TRY(count_directions(inference->attributes, inference->error, &directions, &reverse));
    for (int i = 0; i <= IN_P; i++)
        if (i != IN_LENGTHS) FERRY_TRY(ferry_rule_dtypes(inference, i, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_rank(inference, IN_X, 3, 3));
    FERRY_TRY(ferry_rule_rank(inference, IN_R, 3, 3));
    const ferry_shape *x = ferry_rule_shape(inference, IN_X), *r = ferry_rule_shape(inference, IN_R);
    int64_t hidden = ferry_attribute_integer(inference->attributes, "hidden_size", 0);
    if (hidden <= 0) hidden = r ? r->dims[2] : FERRY_DIM_UNKNOWN;
    FERRY_TRY(check_recurrent(inference, x, batch_first, directions, hidden));
    ferry_dtype dtype = ferry_rule_dtype(inference, IN_X);
    int64_t steps = x ? x->dims[batch_first] : ferry_rule_fresh(inference),
            batch = x ? x->dims[!batch_first] : ferry_rule_fresh(inference);
    ferry_shape all = {.rank = 4, .dims = {steps, directions, batch, hidden}},
                last = {.rank = 3, .dims = {directions, batch, hidden}};
    if (batch_first) all = (ferry_shape){.rank = 4, .dims = {batch, steps, directions, hidden}};
    if (batch_first) last = (ferry_shape){.rank = 3, .dims = {batch, directions, hidden}};
    ferry_rule_output(inference, 0, dtype, &all);
    ferry_rule_output(inference, 1, dtype, &last);
    ferry_rule_output(inference, 2, dtype, &last);
    return FERRY_OK;
}

/* ---- evaluation ---- */

typedef struct recurrent_run {
    const recurrent_kind *kind;
    int64_t steps, batch, inputs, hidden, directions;
    bool batch_first, input_forget, linear_before_reset;
    double clip; /* 0: none */
    ferry_activation activations[MAX_ACTIVATIONS];
    const double *x, *w, *r, *b, *p; /* b, p NULL when absent */
    double *h, *c, *next, *gates;    /* state of one sequence; gates: kind->gates * hidden, and the recurrent parts behind */
} recurrent_run;

static bool takes_alpha(ferry_activation_kind kind) {
    return kind == FERRY_ACTIVATION_LEAKY_RELU || kind == FERRY_ACTIVATION_THRESHOLDED_RELU ||
           kind == FERRY_ACTIVATION_AFFINE || kind == FERRY_ACTIVATION_SCALED_TANH || kind == FERRY_ACTIVATION_HARD_SIGMOID ||
           kind == FERRY_ACTIVATION_ELU;
}

static bool takes_beta(ferry_activation_kind kind) {
    return kind == FERRY_ACTIVATION_AFFINE || kind == FERRY_ACTIVATION_SCALED_TANH || kind == FERRY_ACTIVATION_HARD_SIGMOID;
}

/* Functions that take parameters use up the lists activation_alpha and activation_beta in order. */
static ferry_status read_activations(const ferry_evaluation *evaluation, recurrent_run *run) {
    const ferry_attribute *names = ferry_attribute_find(evaluation->attributes, "activations");
    int64_t alphas, betas, alpha = 0, beta = 0;
    const float *alpha_list = ferry_attribute_reals(evaluation->attributes, "activation_alpha", &alphas);
    const float *beta_list = ferry_attribute_reals(evaluation->attributes, "activation_beta", &betas);
    int count = run->kind->activations * (int)run->directions;
    if (names && names->count < count)
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "%s: %d activations are expected, not %lld",
                          evaluation->op->name, count, (long long)names->count);
    for (int i = 0; i < count; i++) {
        const char *usual = run->kind->defaults[i % run->kind->activations];
        ferry_string name = names ? names->value.strings[i] : (ferry_string){usual, strlen(usual)};
        ferry_activation *activation = &run->activations[i];
        if (!ferry_activation_find(name.text, name.length, activation))
            return ferry_fail(evaluation->error, FERRY_ERROR_UNSUPPORTED, "%s: there is no activation '%.*s'",
                              evaluation->op->name, (int)name.length, name.text);
        if (takes_alpha(activation->kind) && alpha < alphas) activation->alpha = alpha_list[alpha++];
        if (takes_beta(activation->kind) && beta < betas) activation->beta = beta_list[beta++];
    }
    return FERRY_OK;
}

static double clipped(const recurrent_run *run, double x) { return run->clip > 0 ? fmin(fmax(x, -run->clip), run->clip) : x; }

static double activate(const recurrent_run *run, int direction, int which, double x) {
    return ferry_activate(run->activations[direction * run->kind->activations + which], clipped(run, x));
}

/* gates[g] = W[g] x + b and, behind them, R[g] h + b: kept apart because GRU resets the second part. */
static void compute_gates(const recurrent_run *run, int direction, const double *x, const double *h) {
    int64_t rows = run->kind->gates * run->hidden;
    const double *w = run->w + direction * rows * run->inputs, *r = run->r + direction * rows * run->hidden;
    const double *b = run->b ? run->b + direction * 2 * rows : NULL;
    for (int64_t g = 0; g < rows; g++) {
        double sum = b ? b[g] : 0, recurrent = b ? b[rows + g] : 0;
        for (int64_t i = 0; i < run->inputs; i++) sum += w[g * run->inputs + i] * x[i];
        for (int64_t i = 0; i < run->hidden; i++) recurrent += r[g * run->hidden + i] * h[i];
        run->gates[g] = sum;
        run->gates[rows + g] = recurrent;
    }
}

static void step_rnn(const recurrent_run *run, int direction) {
    for (int64_t i = 0; i < run->hidden; i++)
        run->next[i] = activate(run, direction, 0, run->gates[i] + run->gates[run->hidden + i]);
}

/* Gates z, r, h. Cho et al., 2014; linear_before_reset as cuDNN has it. */
static void step_gru(const recurrent_run *run, int direction) {
    int64_t hidden = run->hidden, rows = 3 * hidden;
    double *gates = run->gates;
    for (int64_t i = 0; i < 2 * hidden; i++) gates[i] = activate(run, direction, 0, gates[i] + gates[rows + i]);
    const double *r = run->r + direction * rows * hidden + 2 * hidden * hidden;
    const double *bias = run->b ? run->b + direction * 2 * rows + rows + 2 * hidden : NULL;
    for (int64_t i = 0; i < hidden; i++) {
        double recurrent = gates[hidden + i] * gates[rows + 2 * hidden + i];
        if (!run->linear_before_reset) {
            recurrent = bias ? bias[i] : 0;
            for (int64_t k = 0; k < hidden; k++) recurrent += r[i * hidden + k] * gates[hidden + k] * run->h[k];
        }
        double candidate = activate(run, direction, 1, gates[2 * hidden + i] + recurrent);
        run->next[i] = (1 - gates[i]) * candidate + gates[i] * run->h[i];
    }
}

/* Gates i, o, f, c; peepholes i, o, f. Hochreiter and Schmidhuber, 1997; Gers et al., 2000. */
static void step_lstm(const recurrent_run *run, int direction) {
    int64_t hidden = run->hidden, rows = 4 * hidden;
    const double *peep = run->p ? run->p + direction * 3 * hidden : NULL;
    for (int64_t i = 0; i < hidden; i++) {
        double gate[4];
        for (int g = 0; g < 4; g++) gate[g] = run->gates[g * hidden + i] + run->gates[rows + g * hidden + i];
        double old = run->c[i];
        double in = activate(run, direction, 0, gate[0] + (peep ? peep[i] * old : 0));
        double forget =
            run->input_forget ? 1 - in : activate(run, direction, 0, gate[2] + (peep ? peep[2 * hidden + i] * old : 0));
        run->c[i] = forget * old + in * activate(run, direction, 1, gate[3]);
        double out = activate(run, direction, 0, gate[1] + (peep ? peep[hidden + i] * run->c[i] : 0));
        /* The clip is for the gates' inputs only. */
        run->next[i] = out * ferry_activate(run->activations[direction * 3 + 2], run->c[i]);
    }
}

/* Offset of a row of hidden values: of Y (step >= 0), or of a state (step < 0). */
static int64_t row_of(const recurrent_run *run, int64_t step, int64_t direction, int64_t n) {
    if (step < 0) return (run->batch_first ? n * run->directions + direction : direction * run->batch + n) * run->hidden;
    return (run->batch_first ? (n * run->steps + step) * run->directions + direction
                             : (step * run->directions + direction) * run->batch + n) *
           run->hidden;
}

static void store_row(ferry_tensor *tensor, int64_t first, int64_t count, const double *values) {
    for (int64_t i = 0; tensor && i < count; i++)
        ferry_store_double(tensor->dtype, tensor->data, first + i, values ? values[i] : 0);
}

static void load_state(const ferry_tensor *tensor, int64_t first, int64_t count, double *values) {
    for (int64_t i = 0; i < count; i++) values[i] = tensor ? ferry_load_double(tensor->dtype, tensor->data, first + i) : 0;
}

static void run_sequence(const ferry_evaluation *evaluation, const recurrent_run *run, int direction, bool reverse, int64_t n,
                         int64_t length) {
    ferry_tensor *y = ferry_output(evaluation, 0);
    for (int64_t t = 0; t < length; t++) {
        int64_t step = reverse ? length - 1 - t : t;
        const double *x = run->x + (run->batch_first ? n * run->steps + step : step * run->batch + n) * run->inputs;
        compute_gates(run, direction, x, run->h);
        if (run->kind == &kind_lstm)
            step_lstm(run, direction);
        else if (run->kind == &kind_gru)
            step_gru(run, direction);
        else
            step_rnn(run, direction);
        memcpy(run->h, run->next, (size_t)run->hidden * sizeof *run->h);
        store_row(y, row_of(run, step, direction, n), run->hidden, run->h);
    }
    for (int64_t step = length; step < run->steps; step++) store_row(y, row_of(run, step, direction, n), run->hidden, NULL);
}

static ferry_status prepare_run(ferry_evaluation *evaluation, recurrent_run *run) {
    const ferry_tensor *x = ferry_input(evaluation, IN_X), *r = ferry_input(evaluation, IN_R),
                       *b = ferry_input(evaluation, IN_B), *p = ferry_input(evaluation, IN_P);
    const ferry_attributes *attributes = evaluation->attributes;
    run->batch_first = ferry_attribute_integer(attributes, "layout", 0) != 0;
    run->input_forget = ferry_attribute_integer(attributes, "input_forget", 0) != 0;
    run->linear_before_reset = ferry_attribute_integer(attributes, "linear_before_reset", 0) != 0;
    run->clip = ferry_attribute_real(attributes, "clip", 0);
    run->steps = x->shape.dims[run->batch_first];
    run->batch = x->shape.dims[!run->batch_first];
    run->inputs = x->shape.dims[2];
    run->hidden = r->shape.dims[2];
    FERRY_TRY(read_activations(evaluation, run));
    FERRY_NEED(run->x, ferry_evaluation_doubles(evaluation, x));
    FERRY_NEED(run->w, ferry_evaluation_doubles(evaluation, ferry_input(evaluation, IN_W)));
    FERRY_NEED(run->r, ferry_evaluation_doubles(evaluation, r));
    if (b) FERRY_NEED(run->b, ferry_evaluation_doubles(evaluation, b));
    if (p) FERRY_NEED(run->p, ferry_evaluation_doubles(evaluation, p));
    FERRY_SCRATCH(run->h, evaluation, run->hidden);
    FERRY_SCRATCH(run->c, evaluation, run->hidden);
    FERRY_SCRATCH(run->next, evaluation, run->hidden);
    FERRY_SCRATCH(run->gates, evaluation, 2 * run->kind->gates * run->hidden);
    return FERRY_OK;
}

ferry_status ferry_evaluate_recurrent(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    recurrent_run run = {.kind = kind_of(evaluation->op)};
    int directions;
    bool reverse;
    FERRY_TRY(count_directions(evaluation->attributes, evaluation->error, &directions, &reverse));
    run.directions = directions;
    FERRY_TRY(prepare_run(evaluation, &run));
    const ferry_tensor *lengths = ferry_input(evaluation, IN_LENGTHS), *h = ferry_input(evaluation, IN_H),
                       *c = ferry_input(evaluation, IN_C);
    for (int direction = 0; direction < directions; direction++)
        for (int64_t n = 0; n < run.batch; n++) {
            int64_t length = lengths ? ferry_load_int64(lengths->dtype, lengths->data, n) : run.steps,
                    state = row_of(&run, -1, direction, n);
            if (length < 0 || length > run.steps)
                return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT,
                                  "%s: sequence length %lld is outside 0..%lld", evaluation->op->name, (long long)length,
                                  (long long)run.steps);
            load_state(h, state, run.hidden, run.h);
            load_state(c, state, run.hidden, run.c);
            run_sequence(evaluation, &run, direction, reverse || direction == 1, n, length);
            store_row(ferry_output(evaluation, 1), state, run.hidden, run.h);
            store_row(ferry_output(evaluation, 2), state, run.hidden, run.c);
        }
    return FERRY_OK;
}
