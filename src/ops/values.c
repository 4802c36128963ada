/* SPDX-License-Identifier: Apache-2.0 */
/* Shape arithmetic: elementwise operators on small integer lists whose elements are known or symbolic, so that targets of
 * Reshape, Slice, Resize ... that a model computes from Shape are known before anything runs. */
#include "ops/elementwise.h"

enum { MAX_COUNT = 256 };

/* Symbols of shapes are at least 1, so a symbol differs from any number below 1. */
static int64_t is_equal(ferry_symbols *symbols, int64_t a, int64_t b) {
    if (ferry_dim_known(a) && ferry_dim_known(b)) return a == b;
    if (ferry_dim_equal(a, b)) return 1;
    int64_t difference = ferry_dim_subtract(symbols, a, b);
    bool above = ferry_dim_equal(ferry_dim_maximum(symbols, difference, 1), difference);
    bool below = ferry_dim_equal(ferry_dim_minimum(symbols, difference, -1), difference);
    return above || below ? 0 : FERRY_DIM_UNKNOWN;
}

/* 1 when a < b for certain, 0 when a >= b for certain. */
static int64_t is_less(ferry_symbols *symbols, int64_t a, int64_t b) {
    if (ferry_dim_known(a) && ferry_dim_known(b)) return a < b;
    int64_t difference = ferry_dim_subtract(symbols, a, b);
    if (difference == FERRY_DIM_UNKNOWN) return FERRY_DIM_UNKNOWN;
    if (ferry_dim_equal(ferry_dim_maximum(symbols, difference, 0), difference)) return 0;
    return ferry_dim_equal(ferry_dim_minimum(symbols, difference, -1), difference) ? 1 : FERRY_DIM_UNKNOWN;
}

static int64_t negate(int64_t truth) { return truth == FERRY_DIM_UNKNOWN ? truth : !truth; }

/* Integers truncate; floats divide exactly or not at all. */
static int64_t quotient(ferry_symbols *symbols, int64_t a, int64_t b, bool real) {
    if (b == 0) return FERRY_DIM_UNKNOWN;
    if (!real && ferry_dim_known(a) && ferry_dim_known(b)) return a / b;
    int64_t result = ferry_dim_floor_divide(symbols, a, b);
    if (!real || ferry_dim_equal(ferry_dim_multiply(symbols, result, b), a)) return result;
    return FERRY_DIM_UNKNOWN;
}

static int64_t modulo(ferry_symbols *symbols, int64_t a, int64_t b) {
    if (ferry_dim_known(a) && ferry_dim_known(b) && (a < 0 || b <= 0)) return FERRY_DIM_UNKNOWN;
    return ferry_dim_subtract(symbols, a, ferry_dim_multiply(symbols, b, ferry_dim_floor_divide(symbols, a, b)));
}

static int64_t apply(ferry_symbols *symbols, ferry_op_index op, bool real, int64_t a, int64_t b) {
    switch (op) {
    case FERRY_OP_Add:
    case FERRY_OP_Sum: return ferry_dim_add(symbols, a, b);
    case FERRY_OP_Sub: return ferry_dim_subtract(symbols, a, b);
    case FERRY_OP_Mul: return ferry_dim_multiply(symbols, a, b);
    case FERRY_OP_Div: return quotient(symbols, a, b, real);
    case FERRY_OP_Mod: return modulo(symbols, a, b);
    case FERRY_OP_Max: return ferry_dim_maximum(symbols, a, b);
    case FERRY_OP_Min: return ferry_dim_minimum(symbols, a, b);
    case FERRY_OP_Equal: return is_equal(symbols, a, b);
    case FERRY_OP_Less: return is_less(symbols, a, b);
    case FERRY_OP_Greater: return is_less(symbols, b, a);
    case FERRY_OP_LessOrEqual: return negate(is_less(symbols, b, a));
    case FERRY_OP_GreaterOrEqual: return negate(is_less(symbols, a, b));
    case FERRY_OP_And: return a && b;
    case FERRY_OP_Or: return a || b;
    case FERRY_OP_Xor: return !a != !b;
    default: return FERRY_DIM_UNKNOWN;
    }
}

static int64_t apply_unary(ferry_symbols *symbols, ferry_op_index op, int64_t a) {
    switch (op) {
    case FERRY_OP_Floor:
    case FERRY_OP_Ceil:
    case FERRY_OP_Round: return a;
    case FERRY_OP_Neg: return ferry_dim_subtract(symbols, 0, a);
    case FERRY_OP_Abs: return ferry_dim_maximum(symbols, a, ferry_dim_subtract(symbols, 0, a));
    case FERRY_OP_Relu: return ferry_dim_maximum(symbols, a, 0);
    case FERRY_OP_Not: return !a;
    case FERRY_OP_Max:
    case FERRY_OP_Min:
    case FERRY_OP_Sum: return a;
    default: return FERRY_DIM_UNKNOWN;
    }
}

static int64_t element(const int64_t *values, int64_t count, int64_t index) { return values[count == 1 ? 0 : index]; }

ferry_status ferry_values_elementwise(ferry_inference *inference) {
    if (inference->output_count < 1) return FERRY_OK;
    const ferry_value_type *output = &inference->outputs[0];
    if (!output->ranked || output->shape.rank > 1 || inference->input_count > 8) return FERRY_OK;
    int64_t count = output->shape.rank == 0 ? 1 : output->shape.dims[0], counts[8], result[MAX_COUNT];
    if (!ferry_dim_known(count) || count > MAX_COUNT) return FERRY_OK;
    const int64_t *values[8];
    for (int k = 0; k < inference->input_count; k++) {
        values[k] = ferry_rule_values(inference, k, &counts[k]);
        if (!values[k]) return FERRY_OK;
        for (int64_t i = 0; i < counts[k]; i++)
            if (values[k][i] == FERRY_DIM_FIRST_NUMBER) return FERRY_OK; /* stands for anything below */
    }
    ferry_op_index op = ferry_op_index_of(inference->op);
    bool real = ferry_dtype_is_float(ferry_rule_dtype(inference, 0));
    for (int64_t i = 0; i < count; i++) {
        int64_t first = element(values[0], counts[0], i);
        if (op == FERRY_OP_Where)
            result[i] = element(values[first ? 1 : 2], counts[first ? 1 : 2], i);
        else
            result[i] = inference->input_count == 1 ? apply_unary(inference->symbols, op, first) : first;
        for (int k = 1; k < inference->input_count && op != FERRY_OP_Where; k++)
            result[i] = apply(inference->symbols, op, real, result[i], element(values[k], counts[k], i));
    }
    return ferry_rule_set_values(inference, 0, result, count);
}
