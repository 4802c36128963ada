/* SPDX-License-Identifier: Apache-2.0 */
/* MaxPool, AveragePool, LpPool and their global forms. Planes are computed in double, which holds every input type exactly. */
#include <math.h>

#include "ops/support.h"
#include "ops/window.h"

enum { POOL_TYPES = FERRY_DTYPES_FLOAT | 1 << FERRY_INT8 | 1 << FERRY_UINT8 };

/* ---- shape rules ---- */

static ferry_status infer_pool(ferry_inference *inference, unsigned dtypes) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, dtypes));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), NULL);
    ferry_rule_output(inference, 1, FERRY_INT64, NULL);
    if (!x) return FERRY_OK;
    ferry_window window;
    FERRY_TRY(ferry_window_read(inference->attributes, x->rank - 2, NULL, &window, inference->error));
    ferry_shape shape = *x;
    for (int i = 0; i < window.rank; i++)
        FERRY_TRY(ferry_window_output(&window, i, x->dims[2 + i], inference->symbols, &shape.dims[2 + i], inference->error));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    ferry_rule_output(inference, 1, FERRY_INT64, &shape);
    return FERRY_OK;
}

ferry_status ferry_infer_max_pool(ferry_inference *inference) { return infer_pool(inference, POOL_TYPES); }

ferry_status ferry_infer_float_pool(ferry_inference *inference) { return infer_pool(inference, FERRY_DTYPES_FLOAT); }

ferry_status ferry_infer_lp_pool(ferry_inference *inference) {
    if (ferry_attribute_integer(inference->attributes, "p", 2) < 1)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "LpPool: attribute p must be at least 1");
    return infer_pool(inference, FERRY_DTYPES_FLOAT);
}

ferry_status ferry_infer_global_pool(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, POOL_TYPES));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, FERRY_MAX_RANK));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), NULL);
    if (!x) return FERRY_OK;
    ferry_shape shape = *x;
    for (int i = 2; i < x->rank; i++) shape.dims[i] = 1;
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

/* ---- windows ---- */

typedef struct pool_plan {
    ferry_window window;
    int64_t planes, in_size, out_size, in[FERRY_MAX_SPATIAL], out[FERRY_MAX_SPATIAL];
    double *source, *sums; /* one plane of input and of output */
} pool_plan;

static ferry_status plan_pool(ferry_evaluation *evaluation, const ferry_tensor *x, const ferry_tensor *y, pool_plan *plan) {
    *plan = (pool_plan){.planes = x->shape.dims[0] * x->shape.dims[1], .in_size = 1, .out_size = 1};
    FERRY_TRY(ferry_window_read(evaluation->attributes, x->shape.rank - 2, NULL, &plan->window, evaluation->error));
    ferry_window_resolve(&plan->window, x->shape.dims + 2);
    for (int i = 0; i < plan->window.rank; i++) {
        plan->in_size *= plan->in[i] = x->shape.dims[2 + i];
        plan->out_size *= plan->out[i] = y->shape.dims[2 + i];
    }
    if (plan->out_size == 0) plan->planes = 0;
    FERRY_SCRATCH(plan->source, evaluation, plan->in_size);
    FERRY_SCRATCH(plan->sums, evaluation, plan->out_size);
    return FERRY_OK;
}

static void load_plane(const ferry_tensor *tensor, int64_t first, int64_t count, double *plane) {
    if (tensor->dtype == FERRY_FLOAT32)
        for (int64_t i = 0; i < count; i++) plane[i] = ((const float *)tensor->data)[first + i];
    else
        for (int64_t i = 0; i < count; i++) plane[i] = ferry_load_double(tensor->dtype, tensor->data, first + i);
}

static void store_plane(const ferry_tensor *tensor, int64_t first, int64_t count, const double *plane) {
    for (int64_t i = 0; i < count; i++) ferry_store_double(tensor->dtype, tensor->data, first + i, plane[i]);
}

/* ---- MaxPool ---- */

/* What a window that meets only padding yields. */
static double lowest(ferry_dtype dtype) { return dtype == FERRY_UINT8 ? 0 : dtype == FERRY_INT8 ? -128 : -INFINITY; }

/* where[o] is the place of the maximum in the input plane, or -1. The first of equals wins; NaN wins over numbers. */
static void max_plane(const pool_plan *plan, double start, int64_t *where) {
    for (int64_t i = 0; i < plan->out_size; i++) plan->sums[i] = start, where[i] = -1;
    ferry_rows rows;
    ferry_rows_begin(&rows, &plan->window, plan->in, plan->out);
    while (ferry_rows_next(&rows)) {
        double *best = plan->sums + rows.output;
        int64_t *at = where + rows.output;
        for (int64_t i = 0; i < rows.count; i++) {
            int64_t from = rows.input + i * rows.step;
            double value = plan->source[from];
            if (!(value > best[i]) && at[i] >= 0 && !(isnan(value) && !isnan(best[i]))) continue;
            best[i] = value;
            at[i] = from;
        }
    }
}

/* storage_order 1: the index of an element when the first spatial dimension lies closest in memory. */
static int64_t column_major(const pool_plan *plan, int64_t index) {
    int64_t result = 0, coordinates[FERRY_MAX_SPATIAL];
    for (int i = plan->window.rank - 1; i >= 0; i--) {
        coordinates[i] = index % plan->in[i];
        index /= plan->in[i];
    }
    for (int i = plan->window.rank - 1; i >= 0; i--) result = result * plan->in[i] + coordinates[i];
    return result;
}

ferry_status ferry_evaluate_max_pool(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0), *indices = ferry_output(evaluation, 1);
    const ferry_tensor *shaped = y ? y : indices;
    if (!shaped) return FERRY_OK;
    pool_plan plan;
    int64_t *where;
    FERRY_TRY(plan_pool(evaluation, x, shaped, &plan));
    FERRY_SCRATCH(where, evaluation, plan.out_size);
    bool columns_first = ferry_attribute_integer(evaluation->attributes, "storage_order", 0) != 0;
    for (int64_t p = 0; p < plan.planes; p++) {
        load_plane(x, p * plan.in_size, plan.in_size, plan.source);
        max_plane(&plan, lowest(x->dtype), where);
        if (y) store_plane(y, p * plan.out_size, plan.out_size, plan.sums);
        for (int64_t i = 0; indices && i < plan.out_size; i++) {
            int64_t at = ferry_max_int64(where[i], 0);
            ((int64_t *)indices->data)[p * plan.out_size + i] =
                p * plan.in_size + (columns_first ? column_major(&plan, at) : at);
        }
    }
    return FERRY_OK;
}

/* ---- AveragePool and LpPool ---- */

static void sum_plane(const pool_plan *plan) {
    for (int64_t i = 0; i < plan->out_size; i++) plan->sums[i] = 0;
    ferry_rows rows;
    ferry_rows_begin(&rows, &plan->window, plan->in, plan->out);
    while (ferry_rows_next(&rows)) {
        double *to = plan->sums + rows.output;
        const double *from = plan->source + rows.input;
        for (int64_t i = 0; i < rows.count; i++) to[i] += from[i * rows.step];
    }
}

/* Taps of one axis that lie within the input and its padding, for output position `at`. */
static int64_t taps_inside(const pool_plan *plan, int axis, int64_t at, bool padded) {
    const ferry_window *window = &plan->window;
    int64_t first = at * window->stride[axis] - window->pad_begin[axis];
    int64_t low = padded ? -window->pad_begin[axis] : 0, high = plan->in[axis] + (padded ? window->pad_end[axis] : 0), taps = 0;
    for (int64_t k = 0; k < window->kernel[axis]; k++) {
        int64_t position = first + k * window->dilation[axis];
        taps += position >= low && position < high;
    }
    return taps;
}

/* Elements that each window averages: products of what each axis contributes. */
static void count_elements(const pool_plan *plan, bool padded, double *counts) {
    int64_t at[FERRY_MAX_SPATIAL] = {0};
    for (int64_t i = 0; i < plan->out_size; i++) {
        counts[i] = 1;
        for (int axis = 0; axis < plan->window.rank; axis++) counts[i] *= (double)taps_inside(plan, axis, at[axis], padded);
        ferry_next_index(plan->window.rank, plan->out, at);
    }
}

ferry_status ferry_evaluate_average_pool(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    pool_plan plan;
    double *counts;
    FERRY_TRY(plan_pool(evaluation, x, y, &plan));
    FERRY_SCRATCH(counts, evaluation, plan.out_size);
    if (plan.planes)
        count_elements(&plan, ferry_attribute_integer(evaluation->attributes, "count_include_pad", 0) != 0, counts);
    for (int64_t p = 0; p < plan.planes; p++) {
        load_plane(x, p * plan.in_size, plan.in_size, plan.source);
        sum_plane(&plan);
        for (int64_t i = 0; i < plan.out_size; i++) plan.sums[i] = counts[i] > 0 ? plan.sums[i] / counts[i] : 0;
        store_plane(y, p * plan.out_size, plan.out_size, plan.sums);
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_lp_pool(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    double power = (double)ferry_attribute_integer(evaluation->attributes, "p", 2);
    pool_plan plan;
    FERRY_TRY(plan_pool(evaluation, x, y, &plan));
    for (int64_t p = 0; p < plan.planes; p++) {
        load_plane(x, p * plan.in_size, plan.in_size, plan.source);
        for (int64_t i = 0; i < plan.in_size; i++) plan.source[i] = pow(fabs(plan.source[i]), power);
        sum_plane(&plan);
        for (int64_t i = 0; i < plan.out_size; i++) plan.sums[i] = pow(plan.sums[i], 1 / power);
        store_plane(y, p * plan.out_size, plan.out_size, plan.sums);
    }
    return FERRY_OK;
}

/* ---- global pools ---- */

typedef double (*global_reducer)(const double *plane, int64_t count, double power);

static double global_max(const double *plane, int64_t count, double power) {
    (void)power;
    double best = -INFINITY;
    for (int64_t i = 0; i < count; i++)
        if (plane[i] > best || isnan(plane[i])) best = plane[i];
    return best;
}

static double global_average(const double *plane, int64_t count, double power) {
    (void)power;
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += plane[i];
    return sum / (double)count;
}

static double global_lp(const double *plane, int64_t count, double power) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += pow(fabs(plane[i]), power);
    return pow(sum, 1 / power);
}

static ferry_status evaluate_global(ferry_evaluation *evaluation, global_reducer reduce) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    double power = (double)ferry_max_int64(1, ferry_attribute_integer(evaluation->attributes, "p", 2)), *plane;
    int64_t size = ferry_shape_product(&x->shape, 2, x->shape.rank), planes = ferry_shape_count(&y->shape);
    FERRY_SCRATCH(plane, evaluation, size);
    for (int64_t p = 0; p < planes; p++) {
        load_plane(x, p * size, size, plane);
        ferry_store_double(y->dtype, y->data, p, reduce(plane, size, power));
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_global_max_pool(ferry_evaluation *evaluation) { return evaluate_global(evaluation, global_max); }
ferry_status ferry_evaluate_global_average_pool(ferry_evaluation *evaluation) {
    return evaluate_global(evaluation, global_average);
}
ferry_status ferry_evaluate_global_lp_pool(ferry_evaluation *evaluation) { return evaluate_global(evaluation, global_lp); }
