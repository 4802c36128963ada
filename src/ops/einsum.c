/* SPDX-License-Identifier: Apache-2.0 */
/* Einsum and Det. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "ops/support.h"

/* Labels: letters, then the dimensions that an ellipsis stands for, counted from its right end. */
enum { LETTERS = 52, LABELS = LETTERS + FERRY_MAX_RANK, MAX_OPERANDS = 16 };

typedef struct einsum_term {
    int count; /* of labels, the ellipsis expanded */
    int labels[FERRY_MAX_RANK];
} einsum_term;

typedef struct einsum_plan {
    int operands;
    einsum_term inputs[MAX_OPERANDS], output;
    int64_t dims[LABELS]; /* 0 < for labels in use; a size, or a symbol */
    bool used[LABELS];
    int ellipsis; /* dimensions of the widest ellipsis */
} einsum_plan;

static int label_of(char letter) { return islower((unsigned char)letter) ? letter - 'a' : 26 + letter - 'A'; }

static ferry_status bad_equation(const ferry_inference *inference, const char *why) {
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Einsum: the equation %s", why);
}

static ferry_status push_label(const ferry_inference *inference, einsum_term *term, int label) {
    if (term->count >= FERRY_MAX_RANK) return bad_equation(inference, "has a term of more than 8 dimensions");
    term->labels[term->count++] = label;
    return FERRY_OK;
}

/* Reads one term from *text up to ',', '-' or the end. rank < 0: an output, whose ellipsis has plan->ellipsis dimensions. */
static ferry_status read_term(const ferry_inference *inference, const char **text, const char *end, int rank, einsum_plan *plan,
                              einsum_term *term) {
    const char *at = *text;
    int letters = 0;
    for (const char *p = at; p < end && *p != ',' && *p != '-'; p++) letters += isalpha((unsigned char)*p) != 0;
    int expanded = rank < 0 ? plan->ellipsis : rank - letters;
    bool seen_ellipsis = false;
    for (; at < end && *at != ',' && *at != '-'; at++) {
        if (*at == ' ') continue;
        if (isalpha((unsigned char)*at)) {
            FERRY_TRY(push_label(inference, term, label_of(*at)));
        } else if (end - at >= 3 && memcmp(at, "...", 3) == 0 && !seen_ellipsis) {
            if (expanded < 0) return bad_equation(inference, "names more dimensions than an input has");
            for (int i = expanded; i > 0; i--) FERRY_TRY(push_label(inference, term, LETTERS + i - 1));
            if (rank >= 0 && expanded > plan->ellipsis) plan->ellipsis = expanded;
            seen_ellipsis = true;
            at += 2;
        } else {
            return bad_equation(inference, "may hold letters, ',', '->' and '...' only");
        }
    }
    if (rank >= 0 && term->count != rank) return bad_equation(inference, "does not name every dimension of an input");
    *text = at;
    return FERRY_OK;
}

/* Gives a label its size; 1 gives way (ONNX: ellipsis dimensions broadcast; for letters NumPy does the same). */
static ferry_status set_dim(const ferry_inference *inference, einsum_plan *plan, int label, int64_t dim) {
    if (!plan->used[label] || plan->dims[label] == 1) {
        plan->used[label] = true;
        plan->dims[label] = dim;
        return FERRY_OK;
    }
    if (dim == 1) return FERRY_OK;
    return ferry_rule_same_dim(inference, plan->dims[label], dim, "dimensions with the same label", &plan->dims[label]);
}

/* Without "->": the ellipsis, then the letters that occur once, in alphabetical order (upper case first). */
static ferry_status implicit_output(const ferry_inference *inference, einsum_plan *plan) {
    int counts[LABELS] = {0};
    for (int i = 0; i < plan->operands; i++)
        for (int k = 0; k < plan->inputs[i].count; k++) counts[plan->inputs[i].labels[k]]++;
    for (int i = plan->ellipsis; i > 0; i--) FERRY_TRY(push_label(inference, &plan->output, LETTERS + i - 1));
    for (int i = 0; i < LETTERS; i++) {
        int label = (i + 26) % LETTERS;
        if (counts[label] == 1) FERRY_TRY(push_label(inference, &plan->output, label));
    }
    return FERRY_OK;
}

static ferry_status plan_einsum(const ferry_inference *inference, const ferry_shape *const *shapes, einsum_plan *plan) {
    const ferry_attribute *equation = ferry_attribute_find(inference->attributes, "equation");
    if (!equation || equation->type != FERRY_ATTRIBUTE_STRING) return bad_equation(inference, "is missing");
    const char *at = equation->value.string.text, *end = at + equation->value.string.length;
    *plan = (einsum_plan){.operands = inference->input_count};
    if (plan->operands > MAX_OPERANDS)
        return ferry_fail(inference->error, FERRY_ERROR_UNSUPPORTED, "Einsum: more than %d inputs", MAX_OPERANDS);
    for (int i = 0; i < plan->operands; i++) {
        if (i > 0 && (at >= end || *at++ != ',')) return bad_equation(inference, "has fewer terms than the node has inputs");
        FERRY_TRY(read_term(inference, &at, end, shapes[i]->rank, plan, &plan->inputs[i]));
        for (int k = 0; k < shapes[i]->rank; k++)
            FERRY_TRY(set_dim(inference, plan, plan->inputs[i].labels[k], shapes[i]->dims[k]));
    }
    if (at >= end) return implicit_output(inference, plan);
    if (end - at < 2 || at[0] != '-' || at[1] != '>') return bad_equation(inference, "has more terms than the node has inputs");
    at += 2;
    FERRY_TRY(read_term(inference, &at, end, -1, plan, &plan->output));
    if (at < end) return bad_equation(inference, "has more than one output");
    for (int k = 0; k < plan->output.count; k++) {
        if (!plan->used[plan->output.labels[k]]) return bad_equation(inference, "has an output label that no input has");
        for (int j = 0; j < k; j++)
            if (plan->output.labels[j] == plan->output.labels[k])
                return bad_equation(inference, "repeats a label in its output");
    }
    return FERRY_OK;
}

ferry_status ferry_infer_einsum(ferry_inference *inference) {
    ferry_dtype dtype;
    const ferry_shape *shapes[MAX_OPERANDS];
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, inference->input_count - 1, FERRY_DTYPES_NUMBER, &dtype));
    ferry_rule_output(inference, 0, dtype, NULL);
    for (int i = 0; i < inference->input_count && i < MAX_OPERANDS; i++)
        if (!(shapes[i] = ferry_rule_shape(inference, i))) return FERRY_OK;
    einsum_plan plan;
    FERRY_TRY(plan_einsum(inference, shapes, &plan));
    ferry_shape shape = {.rank = plan.output.count};
    for (int k = 0; k < shape.rank; k++) shape.dims[k] = plan.dims[plan.output.labels[k]];
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

/* Every label is one loop: first those of the output, then those that are summed over. */
typedef struct einsum_loops {
    int count, outer;
    int64_t dims[LABELS], strides[MAX_OPERANDS][LABELS];
} einsum_loops;

static void make_loops(const einsum_plan *plan, const ferry_evaluation *evaluation, einsum_loops *loops) {
    int order[LABELS];
    bool placed[LABELS] = {false};
    *loops = (einsum_loops){.outer = plan->output.count};
    for (int k = 0; k < plan->output.count; k++) {
        order[loops->count++] = plan->output.labels[k];
        placed[plan->output.labels[k]] = true;
    }
    for (int label = 0; label < LABELS; label++)
        if (plan->used[label] && !placed[label]) order[loops->count++] = label;
    for (int l = 0; l < loops->count; l++) loops->dims[l] = plan->dims[order[l]];
    for (int i = 0; i < plan->operands; i++) {
        const ferry_shape *shape = &evaluation->inputs[i]->tensor.shape;
        int64_t own[FERRY_MAX_RANK];
        ferry_shape_strides(shape, own);
        for (int l = 0; l < loops->count; l++)
            for (int k = 0; k < plan->inputs[i].count; k++)
                if (plan->inputs[i].labels[k] == order[l] && shape->dims[k] != 1) loops->strides[i][l] += own[k];
    }
}

/* Sum over the inner labels of the products of all operands, for one output element whose operands start at `base`. */
static double sum_products(const einsum_loops *loops, int operands, const double *const *values, const int64_t *base,
                           int64_t *index) {
    double sum = 0;
    int inner = loops->count - loops->outer;
    for (int l = 0; l < inner; l++)
        if (loops->dims[loops->outer + l] == 0) return 0;
    do {
        double product = 1;
        for (int i = 0; i < operands; i++) {
            int64_t at = base[i];
            for (int l = 0; l < inner; l++) at += index[l] * loops->strides[i][loops->outer + l];
            product *= values[i][at];
        }
        sum += product;
    } while (ferry_next_index(inner, loops->dims + loops->outer, index));
    return sum;
}

/* The same in integers that wrap. */
static int64_t sum_integer_products(const einsum_loops *loops, int operands, const int64_t *const *values, const int64_t *base,
                                    int64_t *index) {
    uint64_t sum = 0;
    int inner = loops->count - loops->outer;
    for (int l = 0; l < inner; l++)
        if (loops->dims[loops->outer + l] == 0) return 0;
    do {
        uint64_t product = 1;
        for (int i = 0; i < operands; i++) {
            int64_t at = base[i];
            for (int l = 0; l < inner; l++) at += index[l] * loops->strides[i][loops->outer + l];
            product *= (uint64_t)values[i][at];
        }
        sum += product;
    } while (ferry_next_index(inner, loops->dims + loops->outer, index));
    return (int64_t)sum;
}

ferry_status ferry_evaluate_einsum(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    const ferry_shape *shapes[MAX_OPERANDS];
    const double *reals[MAX_OPERANDS] = {0};
    const int64_t *integers[MAX_OPERANDS] = {0};
    bool real = ferry_dtype_is_float(y->dtype);
    for (int i = 0; i < evaluation->input_count; i++) {
        shapes[i] = &evaluation->inputs[i]->tensor.shape;
        if (real)
            FERRY_NEED(reals[i], ferry_evaluation_doubles(evaluation, &evaluation->inputs[i]->tensor));
        else
            FERRY_NEED(integers[i], ferry_evaluation_integers(evaluation, &evaluation->inputs[i]->tensor));
    }
    ferry_inference view = {.op = evaluation->op,
                            .attributes = evaluation->attributes,
                            .input_count = evaluation->input_count,
                            .error = evaluation->error};
    einsum_plan plan;
    einsum_loops loops;
    FERRY_TRY(plan_einsum(&view, shapes, &plan));
    make_loops(&plan, evaluation, &loops);
    int64_t outer[LABELS] = {0}, inner[LABELS] = {0}, count = ferry_shape_count(&y->shape);
    for (int64_t i = 0; i < count; i++) {
        int64_t base[MAX_OPERANDS] = {0};
        for (int o = 0; o < plan.operands; o++)
            for (int l = 0; l < loops.outer; l++) base[o] += outer[l] * loops.strides[o][l];
        if (real)
            ferry_store_double(y->dtype, y->data, i, sum_products(&loops, plan.operands, reals, base, inner));
        else
            ferry_store_int64(y->dtype, y->data, i, sum_integer_products(&loops, plan.operands, integers, base, inner));
        ferry_next_index(loops.outer, loops.dims, outer);
    }
    return FERRY_OK;
}

/* ---- Det ---- */

ferry_status ferry_infer_det(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, FERRY_MAX_RANK));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_shape shape = {0};
    int64_t side;
    if (x) {
        FERRY_TRY(ferry_rule_same_dim(inference, x->dims[x->rank - 2], x->dims[x->rank - 1], "the sides of a matrix", &side));
        shape = *x;
        shape.rank -= 2;
    }
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), x ? &shape : NULL);
    return FERRY_OK;
}

/* Gaussian elimination with partial pivoting; destroys the matrix. */
static double determinant(double *matrix, int64_t side) {
    double result = 1;
    for (int64_t k = 0; k < side; k++) {
        int64_t pivot = k;
        for (int64_t i = k + 1; i < side; i++)
            if (fabs(matrix[i * side + k]) > fabs(matrix[pivot * side + k])) pivot = i;
        if (matrix[pivot * side + k] == 0) return 0;
        for (int64_t j = 0; j < side && pivot != k; j++) {
            double kept = matrix[k * side + j];
            matrix[k * side + j] = matrix[pivot * side + j];
            matrix[pivot * side + j] = kept;
        }
        result *= pivot == k ? matrix[k * side + k] : -matrix[k * side + k];
        for (int64_t i = k + 1; i < side; i++) {
            double factor = matrix[i * side + k] / matrix[k * side + k];
            for (int64_t j = k; j < side; j++) matrix[i * side + j] -= factor * matrix[k * side + j];
        }
    }
    return result;
}

ferry_status ferry_evaluate_det(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t side = x->shape.dims[x->shape.rank - 1], count = ferry_shape_count(&y->shape);
    double *matrix;
    FERRY_SCRATCH(matrix, evaluation, side * side);
    for (int64_t m = 0; m < count; m++) {
        for (int64_t i = 0; i < side * side; i++) matrix[i] = ferry_load_double(x->dtype, x->data, m * side * side + i);
        ferry_store_double(y->dtype, y->data, m, determinant(matrix, side));
    }
    return FERRY_OK;
}
