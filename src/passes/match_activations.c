/* SPDX-License-Identifier: Apache-2.0 */
/* Activations that exporters write out in small operators become one operator again:
 *   x * sigmoid(x)                     -> Swish      (Ramachandran et al. 2017; SiLU)
 *   x * hardsigmoid(x), alpha 1/6      -> HardSwish  (Howard et al. 2019)
 *   x * clip(x + 3, 0, 6) / 6          -> HardSwish
 *   x * tanh(softplus(x))              -> Mish       (Misra 2019)
 *   x * 0.5 * (1 + erf(x / sqrt 2))    -> Gelu       (Hendrycks & Gimpel 2016), in any order of the factors */
#include <math.h>

#include "passes/passes.h"
#include "passes/tools.h"

static ferry_graph_node *made_by(const ferry_graph_value *value, ferry_op_index op) {
    return value && ferry_node_is(value->producer, op) ? value->producer : NULL;
}

static bool near(double a, double b) { return fabs(a - b) < 1e-3 * fabs(b) + 1e-6; }

/* For a commutative node: the operand that is not the constant, when the other is a constant near `wanted`. */
static ferry_graph_value *beside_constant(const ferry_graph_node *node, double wanted) {
    for (int i = 0; node && i < 2; i++) {
        double scalar;
        if (node->inputs[i] && ferry_constant_scalar(node->inputs[i], &scalar) && near(scalar, wanted))
            return node->inputs[1 - i];
    }
    return NULL;
}

/* value = x / divisor, as a Div or as a Mul with the inverse. */
static ferry_graph_value *divided_by(const ferry_graph_value *value, double divisor) {
    const ferry_graph_node *node = made_by(value, FERRY_OP_Div);
    double scalar;
    if (node && ferry_constant_scalar(node->inputs[1], &scalar) && near(scalar, divisor)) return node->inputs[0];
    return beside_constant(made_by(value, FERRY_OP_Mul), 1 / divisor);
}

static bool is_sigmoid_of(const ferry_graph_value *value, const ferry_graph_value *x) {
    const ferry_graph_node *node = made_by(value, FERRY_OP_Sigmoid);
    return node && node->inputs[0] == x;
}

static bool is_hard_sigmoid_of(const ferry_graph_value *value, const ferry_graph_value *x) {
    const ferry_graph_node *node = made_by(value, FERRY_OP_HardSigmoid);
    return node && node->inputs[0] == x && near(ferry_attribute_real(&node->attributes, "alpha", 0.2f), 1.0 / 6) &&
           near(ferry_attribute_real(&node->attributes, "beta", 0.5f), 0.5);
}

/* value = clip(x + 3, 0, 6) */
static bool is_clipped_shift_of(const ferry_graph_value *value, const ferry_graph_value *x) {
    const ferry_graph_node *clip = made_by(value, FERRY_OP_Clip);
    double low, high;
    if (!clip || !ferry_node_input(clip, 1) || !ferry_node_input(clip, 2)) return false;
    if (!ferry_constant_scalar(clip->inputs[1], &low) || !ferry_constant_scalar(clip->inputs[2], &high)) return false;
    return low == 0 && near(high, 6) && beside_constant(made_by(clip->inputs[0], FERRY_OP_Add), 3) == x;
}

static bool is_tanh_softplus_of(const ferry_graph_value *value, const ferry_graph_value *x) {
    const ferry_graph_node *tanh_node = made_by(value, FERRY_OP_Tanh);
    const ferry_graph_node *softplus = tanh_node ? made_by(tanh_node->inputs[0], FERRY_OP_Softplus) : NULL;
    return softplus && softplus->inputs[0] == x;
}

/* value = 1 + erf(x / sqrt 2) */
static bool is_gelu_gate_of(const ferry_graph_value *value, const ferry_graph_value *x) {
    const ferry_graph_node *erf_node = made_by(beside_constant(made_by(value, FERRY_OP_Add), 1), FERRY_OP_Erf);
    return erf_node && divided_by(erf_node->inputs[0], sqrt(2.0)) == x;
}

/* node = x * gate in either order: the x for which `is_gate` holds. */
static ferry_graph_value *gated(const ferry_graph_node *node,
                                bool (*is_gate)(const ferry_graph_value *, const ferry_graph_value *)) {
    for (int i = 0; node && i < 2; i++)
        if (node->inputs[i] && is_gate(node->inputs[1 - i], node->inputs[i])) return node->inputs[i];
    return NULL;
}

/* node = (x * clip(x+3,0,6)) / 6, or x * (clip(x+3,0,6) / 6). */
static ferry_graph_value *written_hard_swish(const ferry_graph_node *node) {
    ferry_graph_value *product = divided_by(node->outputs[0], 6);
    ferry_graph_value *x = product ? gated(made_by(product, FERRY_OP_Mul), is_clipped_shift_of) : NULL;
    if (x || !ferry_node_is(node, FERRY_OP_Mul)) return x;
    for (int i = 0; i < 2; i++) {
        ferry_graph_value *clip = divided_by(node->inputs[1 - i], 6);
        if (clip && node->inputs[i] && is_clipped_shift_of(clip, node->inputs[i])) return node->inputs[i];
    }
    return NULL;
}

/* x * 0.5 * gate in any grouping. */
static ferry_graph_value *written_gelu(const ferry_graph_node *node) {
    ferry_graph_value *whole = beside_constant(node, 0.5); /* 0.5 * (x * gate) */
    ferry_graph_value *x = whole ? gated(made_by(whole, FERRY_OP_Mul), is_gelu_gate_of) : NULL;
    for (int i = 0; i < 2 && !x; i++) {
        ferry_graph_value *half = beside_constant(made_by(node->inputs[i], FERRY_OP_Mul), 0.5); /* (0.5 * a) * b */
        const ferry_graph_value *other = node->inputs[1 - i];
        if (half && is_gelu_gate_of(other, half)) x = half;
        if (half && !x && is_gelu_gate_of(half, other)) x = node->inputs[1 - i];
    }
    return x;
}

static ferry_op_index match(const ferry_graph_node *node, ferry_graph_value **x) {
    bool product = ferry_node_is(node, FERRY_OP_Mul);
    if (!product && !ferry_node_is(node, FERRY_OP_Div)) return FERRY_OP_COUNT;
    if ((*x = written_hard_swish(node)) != NULL) return FERRY_OP_HardSwish;
    if (!product) return FERRY_OP_COUNT;
    if ((*x = gated(node, is_sigmoid_of)) != NULL) return FERRY_OP_Swish;
    if ((*x = gated(node, is_hard_sigmoid_of)) != NULL) return FERRY_OP_HardSwish;
    if ((*x = gated(node, is_tanh_softplus_of)) != NULL) return FERRY_OP_Mish;
    if ((*x = written_gelu(node)) != NULL) return FERRY_OP_Gelu;
    return FERRY_OP_COUNT;
}

ferry_status ferry_pass_match_activations(ferry_graph *graph, int *changes, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        ferry_graph_value *x = NULL, *fresh;
        if (node->removed || node->input_count < 2 || !node->outputs[0]) continue;
        ferry_op_index op = match(node, &x);
        if (op == FERRY_OP_COUNT || x->type.dtype != FERRY_FLOAT32 || !ferry_same_shape(&x->type, &node->outputs[0]->type))
            continue;
        FERRY_TRY(ferry_graph_insert(graph, &ferry_ops[op], NULL, 1, &x, node->outputs[0]->name, node, &fresh, error));
        FERRY_TRY(ferry_replace_node(graph, node, fresh, error));
        ++*changes;
    }
    return FERRY_OK;
}
