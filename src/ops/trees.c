/* SPDX-License-Identifier: Apache-2.0 */
/* TreeEnsemble (ai.onnx.ml 5): sums, averages or extremes of what decision trees say. */
#include <math.h>

#include "ops/support.h"

enum { MODE_LEQ, MODE_LT, MODE_GTE, MODE_GT, MODE_EQ, MODE_NEQ, MODE_MEMBER, MODE_COUNT };
enum { AGGREGATE_AVERAGE, AGGREGATE_SUM, AGGREGATE_MIN, AGGREGATE_MAX, AGGREGATE_COUNT };

typedef struct forest {
    int64_t nodes, leaves, roots, targets, members;
    const int64_t *features, *true_ids, *false_ids, *true_leaf, *false_leaf, *targets_of, *root, *missing;
    const ferry_tensor *splits, *modes, *weights, *membership;
} forest;

static ferry_status node_list(const ferry_inference *inference, const char *name, int64_t wanted, const int64_t **list) {
    int64_t count;
    *list = ferry_attribute_integers(inference->attributes, name, &count);
    if (*list && count == wanted) return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "TreeEnsemble: attribute %s has %lld values, not %lld", name,
                      (long long)count, (long long)wanted);
}

static ferry_status read_forest(const ferry_inference *inference, forest *trees) {
    const ferry_attributes *attributes = inference->attributes;
    *trees = (forest){.targets = ferry_attribute_integer(attributes, "n_targets", 1),
                      .splits = ferry_attribute_tensor(attributes, "nodes_splits"),
                      .modes = ferry_attribute_tensor(attributes, "nodes_modes"),
                      .weights = ferry_attribute_tensor(attributes, "leaf_weights"),
                      .membership = ferry_attribute_tensor(attributes, "membership_values")};
    trees->features = ferry_attribute_integers(attributes, "nodes_featureids", &trees->nodes);
    trees->targets_of = ferry_attribute_integers(attributes, "leaf_targetids", &trees->leaves);
    trees->root = ferry_attribute_integers(attributes, "tree_roots", &trees->roots);
    FERRY_TRY(node_list(inference, "nodes_truenodeids", trees->nodes, &trees->true_ids));
    FERRY_TRY(node_list(inference, "nodes_falsenodeids", trees->nodes, &trees->false_ids));
    FERRY_TRY(node_list(inference, "nodes_trueleafs", trees->nodes, &trees->true_leaf));
    FERRY_TRY(node_list(inference, "nodes_falseleafs", trees->nodes, &trees->false_leaf));
    if (ferry_attribute_find(attributes, "nodes_missing_value_tracks_true"))
        FERRY_TRY(node_list(inference, "nodes_missing_value_tracks_true", trees->nodes, &trees->missing));
    if (!trees->splits || !trees->modes || !trees->weights || ferry_shape_count(&trees->splits->shape) != trees->nodes ||
        ferry_shape_count(&trees->modes->shape) != trees->nodes || ferry_shape_count(&trees->weights->shape) != trees->leaves ||
        !(FERRY_DTYPES_NUMBER & FERRY_DTYPE_BIT(trees->modes->dtype)))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "TreeEnsemble: splits, modes or weights do not fit %lld nodes and %lld leaves",
                          (long long)trees->nodes, (long long)trees->leaves);
    trees->members = trees->membership ? ferry_shape_count(&trees->membership->shape) : 0;
    if (trees->targets < 1 || trees->targets > INT32_MAX)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "TreeEnsemble: n_targets is out of range");
    for (int64_t i = 0; i < trees->leaves; i++)
        if (trees->targets_of[i] < 0 || trees->targets_of[i] >= trees->targets)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "TreeEnsemble: leaf %lld has target %lld of %lld",
                              (long long)i, (long long)trees->targets_of[i], (long long)trees->targets);
    return FERRY_OK;
}

/* Children must exist; circles are found when a walk takes too long. A tree of one leaf has both branches the same. */
static ferry_status check_nodes(const ferry_inference *inference, const forest *trees) {
    for (int64_t i = 0; i < trees->nodes; i++) {
        int64_t mode = ferry_load_int64(trees->modes->dtype, trees->modes->data, i);
        bool fits = mode >= 0 && mode < MODE_COUNT && trees->features[i] >= 0;
        const int64_t ids[2] = {trees->true_ids[i], trees->false_ids[i]}, leaf[2] = {trees->true_leaf[i], trees->false_leaf[i]};
        for (int k = 0; k < 2; k++)
            fits &= leaf[k] ? ids[k] >= 0 && ids[k] < trees->leaves : ids[k] >= 0 && ids[k] < trees->nodes;
        if (!fits) return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "TreeEnsemble: node %lld is malformed", (long long)i);
    }
    for (int64_t i = 0; i < trees->roots; i++)
        if (trees->root[i] < 0 || trees->root[i] >= trees->nodes)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "TreeEnsemble: root %lld is not one of %lld nodes",
                              (long long)trees->root[i], (long long)trees->nodes);
    return FERRY_OK;
}

ferry_status ferry_infer_tree_ensemble(ferry_inference *inference) {
    forest trees;
    FERRY_TRY(ferry_rule_dtypes(inference, 0, 1 << FERRY_FLOAT32 | 1 << FERRY_FLOAT64 | 1 << FERRY_FLOAT16));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, 2));
    FERRY_TRY(read_forest(inference, &trees));
    FERRY_TRY(check_nodes(inference, &trees));
    int64_t aggregate = ferry_attribute_integer(inference->attributes, "aggregate_function", AGGREGATE_SUM);
    if (aggregate < 0 || aggregate >= AGGREGATE_COUNT || ferry_attribute_integer(inference->attributes, "post_transform", 0))
        return ferry_fail(inference->error, FERRY_ERROR_UNSUPPORTED,
                          "TreeEnsemble: this aggregate_function or post_transform is not supported");
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    for (int64_t i = 0; x && i < trees.nodes; i++)
        if (ferry_dim_known(x->dims[1]) && trees.features[i] >= x->dims[1])
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "TreeEnsemble: node %lld asks for feature %lld of %lld",
                              (long long)i, (long long)trees.features[i], (long long)x->dims[1]);
    ferry_shape shape = {.rank = 2, .dims = {x ? x->dims[0] : ferry_rule_fresh(inference), trees.targets}};
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

/* Whether x is in the node's set: the membership values of the set nodes stand one behind the other, each ended by a NaN. */
static bool is_member(const forest *trees, int64_t set, double x) {
    int64_t at = 0;
    for (; set > 0 && at < trees->members; at++)
        set -= isnan(ferry_load_double(trees->membership->dtype, trees->membership->data, at));
    for (; at < trees->members; at++) {
        double value = ferry_load_double(trees->membership->dtype, trees->membership->data, at);
        if (isnan(value)) return false;
        if (value == x) return true;
    }
    return false;
}

static bool goes_true(const forest *trees, int64_t node, int64_t set, double x) {
    double split = ferry_load_double(trees->splits->dtype, trees->splits->data, node);
    if (isnan(x) && trees->missing && trees->missing[node]) return true;
    switch (ferry_load_int64(trees->modes->dtype, trees->modes->data, node)) {
    case MODE_LEQ: return x <= split;
    case MODE_LT: return x < split;
    case MODE_GTE: return x >= split;
    case MODE_GT: return x > split;
    case MODE_EQ: return x == split;
    case MODE_NEQ: return x != split;
    default: return is_member(trees, set, x);
    }
}

/* The leaf that a row reaches; -1 when it walks in a circle. sets[node] is the number of set nodes in front of it. */
static int64_t find_leaf(const forest *trees, int64_t root, const int64_t *sets, const ferry_tensor *x, int64_t row) {
    int64_t node = root, columns = x->shape.dims[1];
    for (int64_t steps = 0; steps <= trees->nodes; steps++) {
        double value = ferry_load_double(x->dtype, x->data, row * columns + trees->features[node]);
        bool yes = goes_true(trees, node, sets[node], value);
        int64_t next = yes ? trees->true_ids[node] : trees->false_ids[node];
        if (yes ? trees->true_leaf[node] : trees->false_leaf[node]) return next;
        node = next;
    }
    return -1;
}

/* Numbers the set nodes in the order in which a depth-first walk (true branch first) over the trees meets them. */
static ferry_status number_sets(ferry_evaluation *evaluation, const forest *trees, int64_t *sets) {
    int64_t *stack, count = 0, budget = 4 * (trees->nodes + 1);
    FERRY_SCRATCH(stack, evaluation, 2 * trees->nodes + 2);
    for (int64_t r = 0; r < trees->roots; r++) {
        int64_t depth = 0;
        stack[depth++] = trees->root[r];
        while (depth > 0) {
            int64_t node = stack[--depth];
            if (--budget < 0 || depth + 2 > 2 * trees->nodes + 2)
                return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "TreeEnsemble: a tree has a circle");
            sets[node] = count;
            count += ferry_load_int64(trees->modes->dtype, trees->modes->data, node) == MODE_MEMBER;
            if (!trees->false_leaf[node]) stack[depth++] = trees->false_ids[node];
            if (!trees->true_leaf[node]) stack[depth++] = trees->true_ids[node];
        }
    }
    return FERRY_OK;
}

static double combine(int64_t aggregate, double old, double weight, int64_t roots) {
    switch (aggregate) {
    case AGGREGATE_AVERAGE: return old + weight / (double)roots;
    case AGGREGATE_MIN: return fmin(old, weight);
    case AGGREGATE_MAX: return fmax(old, weight);
    default: return old + weight;
    }
}

ferry_status ferry_evaluate_tree_ensemble(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    forest trees;
    ferry_inference view = {.op = evaluation->op, .attributes = evaluation->attributes, .error = evaluation->error};
    FERRY_TRY(read_forest(&view, &trees));
    int64_t aggregate = ferry_attribute_integer(evaluation->attributes, "aggregate_function", AGGREGATE_SUM), *sets;
    double start = aggregate == AGGREGATE_MIN ? 3.402823466e+38 : aggregate == AGGREGATE_MAX ? -3.402823466e+38 : 0, *scores;
    FERRY_SCRATCH(sets, evaluation, trees.nodes);
    FERRY_SCRATCH(scores, evaluation, trees.targets);
    FERRY_TRY(number_sets(evaluation, &trees, sets));
    for (int64_t row = 0; row < x->shape.dims[0]; row++) {
        for (int64_t t = 0; t < trees.targets; t++) scores[t] = start;
        for (int64_t r = 0; r < trees.roots; r++) {
            int64_t leaf = find_leaf(&trees, trees.root[r], sets, x, row);
            if (leaf < 0)
                return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "TreeEnsemble: a tree has a circle");
            double *score = &scores[trees.targets_of[leaf]];
            *score =
                combine(aggregate, *score, ferry_load_double(trees.weights->dtype, trees.weights->data, leaf), trees.roots);
        }
        for (int64_t t = 0; t < trees.targets; t++) ferry_store_double(y->dtype, y->data, row * trees.targets + t, scores[t]);
    }
    return FERRY_OK;
}
