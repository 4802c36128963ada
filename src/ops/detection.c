/* SPDX-License-Identifier: Apache-2.0 */
/* NonMaxSuppression: greedy, class by class. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/support.h"

/* boxes (batch, count, 4), scores (batch, classes, count), most boxes a class, IoU threshold, score threshold */
ferry_status ferry_infer_non_max_suppression(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, 2, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_dtypes(inference, 3, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, 4, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_rank(inference, 0, 3, 3));
    FERRY_TRY(ferry_rule_rank(inference, 1, 3, 3));
    const ferry_shape *boxes = ferry_rule_shape(inference, 0), *scores = ferry_rule_shape(inference, 1);
    int64_t joined;
    if (boxes) FERRY_TRY(ferry_rule_same_dim(inference, boxes->dims[2], 4, "the numbers of a box and 4", &joined));
    if (boxes && scores)
        FERRY_TRY(ferry_rule_same_dim(inference, boxes->dims[0], scores->dims[0], "the batches of boxes and scores", &joined));
    if (boxes && scores)
        FERRY_TRY(ferry_rule_same_dim(inference, boxes->dims[1], scores->dims[2], "the numbers of boxes and scores", &joined));
    ferry_rule_output(inference, 0, FERRY_INT64, &(ferry_shape){.rank = 2, .dims = {ferry_rule_fresh(inference), 3}});
    return FERRY_OK;
}

typedef struct candidate {
    double score;
    int64_t index;
} candidate;

/* Best score first; of equals the first. */
static int compare_candidates(const void *a, const void *b) {
    const candidate *left = a, *right = b;
    if (left->score != right->score) return left->score > right->score ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

/* Corners in order, whatever two corners (or centre and size) a box gives. */
static void corners_of(const double *box, bool centred, double corners[4]) {
    double a = box[0], b = box[1], c = box[2], d = box[3];
    if (centred) { /* x, y, width, height */
        corners[0] = b - d / 2, corners[1] = a - c / 2, corners[2] = b + d / 2, corners[3] = a + c / 2;
        return;
    }
    corners[0] = fmin(a, c), corners[1] = fmin(b, d), corners[2] = fmax(a, c), corners[3] = fmax(b, d);
}

static double intersection_over_union(const double a[4], const double b[4]) {
    double height = fmin(a[2], b[2]) - fmax(a[0], b[0]), width = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    if (height <= 0 || width <= 0) return 0;
    double common = height * width, total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common;
    return total > 0 ? common / total : 0;
}

typedef struct suppression {
    int64_t count, most;
    double overlap, least_score;
    bool centred, score_given;
    candidate *candidates;
    int64_t *chosen;
} suppression;

/* Fills run->chosen with the boxes of one class; returns how many. */
static int64_t choose(const suppression *run, const double *boxes, const double *scores) {
    int64_t candidates = 0, chosen = 0;
    for (int64_t i = 0; i < run->count; i++)
        if (!run->score_given || scores[i] > run->least_score) run->candidates[candidates++] = (candidate){scores[i], i};
    qsort(run->candidates, (size_t)candidates, sizeof *run->candidates, compare_candidates);
    for (int64_t i = 0; i < candidates && chosen < run->most; i++) {
        double own[4], other[4];
        bool kept = true;
        corners_of(boxes + 4 * run->candidates[i].index, run->centred, own);
        for (int64_t k = 0; k < chosen && kept; k++) {
            corners_of(boxes + 4 * run->chosen[k], run->centred, other);
            kept = !(intersection_over_union(own, other) > run->overlap);
        }
        if (kept) run->chosen[chosen++] = run->candidates[i].index;
    }
    return chosen;
}

typedef struct selection {
    int64_t (*rows)[3];
    size_t count, capacity;
} selection;

static ferry_status add_row(ferry_evaluation *evaluation, selection *to, int64_t batch, int64_t class, int64_t box) {
    if (to->count == to->capacity) {
        size_t capacity = to->capacity ? 2 * to->capacity : 64;
        int64_t(*grown)[3];
        FERRY_SCRATCH(grown, evaluation, capacity);
        if (to->count) memcpy(grown, to->rows, to->count * sizeof *grown);
        to->rows = grown;
        to->capacity = capacity;
    }
    int64_t *row = to->rows[to->count++];
    row[0] = batch, row[1] = class, row[2] = box;
    return FERRY_OK;
}

ferry_status ferry_evaluate_non_max_suppression(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *boxes = ferry_input(evaluation, 0), *scores = ferry_input(evaluation, 1);
    suppression run = {.count = boxes->shape.dims[1],
                       .most = ferry_scalar_integer(ferry_input(evaluation, 2), 0),
                       .overlap = ferry_scalar_double(ferry_input(evaluation, 3), 0),
                       .least_score = ferry_scalar_double(ferry_input(evaluation, 4), 0),
                       .score_given = ferry_input(evaluation, 4) != NULL,
                       .centred = ferry_attribute_integer(evaluation->attributes, "center_point_box", 0) != 0};
    const double *box_values, *score_values;
    FERRY_NEED(box_values, ferry_evaluation_doubles(evaluation, boxes));
    FERRY_NEED(score_values, ferry_evaluation_doubles(evaluation, scores));
    FERRY_SCRATCH(run.candidates, evaluation, run.count);
    FERRY_SCRATCH(run.chosen, evaluation, run.count);
    int64_t classes = scores->shape.dims[1];
    selection selected = {0};
    for (int64_t i = 0; i < boxes->shape.dims[0] * classes; i++) {
        int64_t batch = i / classes, chosen = choose(&run, box_values + batch * run.count * 4, score_values + i * run.count);
        for (int64_t k = 0; k < chosen; k++) FERRY_TRY(add_row(evaluation, &selected, batch, i % classes, run.chosen[k]));
    }
    FERRY_TRY(
        ferry_evaluation_allocate(evaluation, 0, FERRY_INT64, &(ferry_shape){.rank = 2, .dims = {(int64_t)selected.count, 3}}));
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (y && selected.count) memcpy(y->data, selected.rows, selected.count * sizeof *selected.rows);
    return FERRY_OK;
}
