/* SPDX-License-Identifier: Apache-2.0 */
/* Unary and binary functions of floats, in any layout. */
#include <math.h>
#include <string.h>

#include "backend/cpu/adapt.h"
#include "kernels/activation/activation.h"
#include "kernels/elementwise/elementwise.h"

/* ---- unary ---- */

typedef struct unary_state {
    ferry_unary_function run;
    ferry_unary function;
    float alpha, beta;
} unary_state;

/* Operators that are one function, and the attributes that are its parameters. */
static const struct {
    ferry_op_index op;
    ferry_unary function;
    const char *alpha, *beta;
} unaries[] = {
    {FERRY_OP_Abs, FERRY_UNARY_abs, NULL, NULL},
    {FERRY_OP_Neg, FERRY_UNARY_neg, NULL, NULL},
    {FERRY_OP_Relu, FERRY_UNARY_relu, NULL, NULL},
    {FERRY_OP_Sign, FERRY_UNARY_sign, NULL, NULL},
    {FERRY_OP_Ceil, FERRY_UNARY_ceil, NULL, NULL},
    {FERRY_OP_Celu, FERRY_UNARY_celu, "alpha", NULL},
    {FERRY_OP_Elu, FERRY_UNARY_elu, "alpha", NULL},
    {FERRY_OP_Erf, FERRY_UNARY_erf, NULL, NULL},
    {FERRY_OP_Exp, FERRY_UNARY_exp, NULL, NULL},
    {FERRY_OP_Floor, FERRY_UNARY_floor, NULL, NULL},
    {FERRY_OP_Gelu, FERRY_UNARY_gelu, NULL, NULL},
    {FERRY_OP_HardSigmoid, FERRY_UNARY_hard_sigmoid, "alpha", "beta"},
    {FERRY_OP_HardSwish, FERRY_UNARY_hard_swish, NULL, NULL},
    {FERRY_OP_LeakyRelu, FERRY_UNARY_leaky_relu, "alpha", NULL},
    {FERRY_OP_Log, FERRY_UNARY_log, NULL, NULL},
    {FERRY_OP_Mish, FERRY_UNARY_mish, NULL, NULL},
    {FERRY_OP_Reciprocal, FERRY_UNARY_reciprocal, NULL, NULL},
    {FERRY_OP_Round, FERRY_UNARY_round, NULL, NULL},
    {FERRY_OP_Selu, FERRY_UNARY_selu, "alpha", "gamma"},
    {FERRY_OP_Sigmoid, FERRY_UNARY_sigmoid, NULL, NULL},
    {FERRY_OP_Softplus, FERRY_UNARY_softplus, NULL, NULL},
    {FERRY_OP_Softsign, FERRY_UNARY_softsign, NULL, NULL},
    {FERRY_OP_Sqrt, FERRY_UNARY_sqrt, NULL, NULL},
    {FERRY_OP_Swish, FERRY_UNARY_silu, "alpha", NULL},
    {FERRY_OP_Tanh, FERRY_UNARY_tanh, NULL, NULL},
    {FERRY_OP_ThresholdedRelu, FERRY_UNARY_thresholded_relu, "alpha", NULL},
    {FERRY_OP_Clip, FERRY_UNARY_clip, NULL, NULL},
};

static bool find_unary(const ferry_call *call, unary_state *state) {
    ferry_op_index op = ferry_op_index_of(call->op);
    for (size_t i = 0; i < sizeof unaries / sizeof *unaries; i++) {
        if (unaries[i].op != op) continue;
        ferry_unary function = unaries[i].function;
        if (op == FERRY_OP_Gelu && ferry_attribute_is(call->attributes, "approximate", "tanh", false))
            function = FERRY_UNARY_gelu_tanh;
        const ferry_unary_info *info = &ferry_unary_infos[function];
        state->function = function;
        state->alpha = unaries[i].alpha ? ferry_attribute_real(call->attributes, unaries[i].alpha, info->alpha) : info->alpha;
        state->beta = unaries[i].beta ? ferry_attribute_real(call->attributes, unaries[i].beta, info->beta) : info->beta;
        return true;
    }
    return false;
}

static ferry_unary_function unary_function(ferry_unary function, uint32_t features) {
    ferry_unary_table table;
    ferry_unary_init(&table, features);
    return table.run[function];
}

static bool accepts_unary(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    unary_state state;
    if (!ferry_all_float32(call, call->input_count, reason)) return false;
    if (!find_unary(call, &state)) return ferry_reject(reason, "%s is not among the vector functions", call->op->name);
    inputs[0] = outputs[0] = ferry_call_input(call, 0)->layout;
    return true;
}

static ferry_status prepare_unary(ferry_call *call) {
    unary_state *state = call->state;
    if (!find_unary(call, state))
        return ferry_fail(call->error, FERRY_ERROR_INTERNAL, "no vector function for %s", call->op->name);
    state->run = unary_function(state->function, call->features);
    return FERRY_OK;
}

typedef struct unary_loop {
    const unary_state *state;
    float *out;
    const float *in;
} unary_loop;

static void unary_range(void *user, int64_t first, int64_t last, int thread) {
    const unary_loop *loop = user;
    (void)thread;
    loop->state->run(loop->out + first, loop->in + first, last - first, loop->state->alpha, loop->state->beta);
}

static int64_t memory_floats(const ferry_tensor *tensor) {
    if (tensor->layout == FERRY_LAYOUT_PLAIN) return ferry_shape_count(&tensor->shape);
    ferry_planes p = ferry_planes_of(tensor);
    return p.batch * p.blocks * p.plane_floats;
}

static void map_tensor(const ferry_call *call, const unary_state *state, const ferry_tensor *in, const ferry_tensor *out) {
    unary_loop loop = {state, out->data, in->data};
    ferry_parallel_ranges(call->pool, memory_floats(out), 4096, unary_range, &loop);
    bool keeps_zero = ferry_unary_infos[state->function].keeps_zero;
    if (out->layout != FERRY_LAYOUT_PLAIN && !keeps_zero) ferry_zero_tails(out);
}

static ferry_status run_unary(ferry_call *call) {
    unary_state state = *(unary_state *)call->state;
    if (state.function == FERRY_UNARY_clip) { /* the bounds are inputs */
        const ferry_tensor *low = ferry_call_input(call, 1), *high = ferry_call_input(call, 2);
        if (low) state.alpha = *(const float *)low->data;
        if (high) state.beta = *(const float *)high->data;
    }
    map_tensor(call, &state, ferry_call_input(call, 0), ferry_call_output(call, 0));
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_unary = {
    .name = "unary.vector",
    .flags = FERRY_IMPLEMENTATION_IN_PLACE,
    .state_bytes = sizeof(unary_state),
    .accepts = accepts_unary,
    .prepare = prepare_unary,
    .run = run_unary,
};

/* ---- powers with a constant exponent ---- */

static bool constant_scalar(const ferry_tensor *tensor, float *value) {
    if (!tensor || !tensor->data || tensor->dtype != FERRY_FLOAT32 || tensor->layout != FERRY_LAYOUT_PLAIN) return false;
    if (tensor->shape.rank < 0 || ferry_shape_count(&tensor->shape) != 1) return false;
    *value = *(const float *)tensor->data;
    return true;
}

static bool power_function(const ferry_call *call, ferry_unary *function) {
    static const struct {
        float exponent;
        ferry_unary function;
    } powers[] = {{2.0f, FERRY_UNARY_square}, {3.0f, FERRY_UNARY_cube}, {-1.0f, FERRY_UNARY_reciprocal}};
    float exponent;
    if (!constant_scalar(ferry_call_input(call, 1), &exponent)) return false;
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++)
        if (powers[i].exponent == exponent) {
            *function = powers[i].function;
            return true;
        }
    return false;
}

static bool accepts_power(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    ferry_unary function;
    const ferry_tensor *base = ferry_call_input(call, 0), *exponent = ferry_call_input(call, 1);
    if (!ferry_all_float32(call, 2, reason)) return false;
    if (!power_function(call, &function)) return ferry_reject(reason, "the exponent is not a constant 2, 3 or -1");
    if (exponent->shape.rank > base->shape.rank) return ferry_reject(reason, "the exponent has the higher rank");
    inputs[0] = outputs[0] = base->layout;
    return true;
}

static ferry_status run_power(ferry_call *call) {
    unary_state state = {0};
    if (!power_function(call, &state.function)) return ferry_fail(call->error, FERRY_ERROR_INTERNAL, "the exponent changed");
    state.run = unary_function(state.function, call->features);
    map_tensor(call, &state, ferry_call_input(call, 0), ferry_call_output(call, 0));
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_power = {
    .name = "power.vector", .flags = FERRY_IMPLEMENTATION_IN_PLACE, .accepts = accepts_power, .run = run_power};
