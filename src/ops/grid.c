/* SPDX-License-Identifier: Apache-2.0 */
/* GridSample and AffineGrid, for any number of spatial dimensions. */
#include <math.h>

#include "ops/support.h"
#include "ops/window.h"

/* ---- GridSample ---- */

typedef enum grid_mode { GRID_NEAREST, GRID_LINEAR, GRID_CUBIC } grid_mode;
typedef enum grid_padding { GRID_ZEROS, GRID_BORDER, GRID_REFLECTION } grid_padding;

typedef struct grid_settings {
    grid_mode mode;
    grid_padding padding;
    bool align_corners;
} grid_settings;

static ferry_status read_grid_settings(const ferry_attributes *attributes, ferry_error *error, grid_settings *settings) {
    *settings = (grid_settings){.align_corners = ferry_attribute_integer(attributes, "align_corners", 0) != 0};
    if (ferry_attribute_is(attributes, "mode", "linear", true))
        settings->mode = GRID_LINEAR;
    else if (ferry_attribute_is(attributes, "mode", "cubic", false))
        settings->mode = GRID_CUBIC;
    else if (!ferry_attribute_is(attributes, "mode", "nearest", false))
        return ferry_fail(error, FERRY_ERROR_SHAPE, "GridSample: mode must be linear, nearest or cubic");
    if (ferry_attribute_is(attributes, "padding_mode", "border", false))
        settings->padding = GRID_BORDER;
    else if (ferry_attribute_is(attributes, "padding_mode", "reflection", false))
        settings->padding = GRID_REFLECTION;
    else if (!ferry_attribute_is(attributes, "padding_mode", "zeros", true))
        return ferry_fail(error, FERRY_ERROR_SHAPE, "GridSample: padding_mode must be zeros, border or reflection");
    return FERRY_OK;
}

ferry_status ferry_infer_grid_sample(ferry_inference *inference) {
    grid_settings settings;
    FERRY_TRY(read_grid_settings(inference->attributes, inference->error, &settings));
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_NUMBER | FERRY_DTYPES_BOOL));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_rank(inference, 0, 3, FERRY_MAX_RANK));
    const ferry_shape *x = ferry_rule_shape(inference, 0), *grid = ferry_rule_shape(inference, 1);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), NULL);
    if (!x || !grid) return FERRY_OK;
    FERRY_TRY(ferry_rule_rank(inference, 1, x->rank, x->rank));
    if (ferry_dims_clash(grid->dims[x->rank - 1], x->rank - 2))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "GridSample: the grid's last dimension must be %d, not %lld",
                          x->rank - 2, (long long)grid->dims[x->rank - 1]);
    ferry_shape shape = *x;
    FERRY_TRY(ferry_rule_same_dim(inference, x->dims[0], grid->dims[0], "the batches of input and grid", &shape.dims[0]));
    for (int i = 2; i < x->rank; i++) shape.dims[i] = grid->dims[i - 1];
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

/* Reflects x at low and high until it lies between them. */
static double reflect(double x, double low, double high) {
    double range = high - low;
    if (range <= 0) return low;
    double distance = x < low    ? low - x
                      : x > high ? x - high
                                 : 0,
           turns = floor(distance / range), rest = distance - turns * range;
    if (distance == 0) return x;
    bool from_low = (x < low) == (fmod(turns, 2) == 0);
    return from_low ? low + rest : high - rest;
}

/* The taps of one axis: places (-1: contributes 0) and weights. */
typedef struct grid_taps {
    int count;
    int64_t places[4];
    double weights[4];
} grid_taps;

static int64_t place(const grid_settings *settings, double position, int64_t length, double low, double high) {
    if (settings->padding == GRID_ZEROS) return position >= 0 && position < (double)length ? (int64_t)position : -1;
    if (settings->padding == GRID_REFLECTION) position = trunc(reflect(position, low, high));
    return position < 0 ? 0 : position >= (double)length ? length - 1 : (int64_t)position;
}

/* Keys' cubic kernel, a = -0.75, at the distances of four neighbours. */
static void cubic_weights(double x, double weights[4]) {
    const double a = -0.75;
    double near = 1 - x, far_left = x + 1, far_right = 2 - x;
    weights[0] = ((a * far_left - 5 * a) * far_left + 8 * a) * far_left - 4 * a;
    weights[1] = ((a + 2) * x - (a + 3)) * x * x + 1;
    weights[2] = ((a + 2) * near - (a + 3)) * near * near + 1;
    weights[3] = ((a * far_right - 5 * a) * far_right + 8 * a) * far_right - 4 * a;
}

static grid_taps taps_of(const grid_settings *settings, double coordinate, int64_t length) {
    double low = settings->align_corners ? 0 : -0.5, high = (double)length - (settings->align_corners ? 1 : 0.5);
    double x =
        settings->align_corners ? (coordinate + 1) / 2 * (double)(length - 1) : ((coordinate + 1) * (double)length - 1) / 2;
    if (isnan(x)) x = -1;
    x = fmin(fmax(x, -0x1p40), 0x1p40);
    if (settings->mode == GRID_NEAREST) x = nearbyint(x);
    if (x < low || x > high) {
        if (settings->padding == GRID_BORDER) x = fmin(fmax(x, 0), (double)(length - 1));
        if (settings->padding == GRID_REFLECTION) x = reflect(x, low, high);
    }
    grid_taps taps = {.count = settings->mode == GRID_NEAREST ? 1 : settings->mode == GRID_LINEAR ? 2 : 4, .weights = {1}};
    double first = settings->mode == GRID_NEAREST ? trunc(x) : floor(x) - (settings->mode == GRID_CUBIC ? 1 : 0),
           part = x - floor(x);
    if (settings->mode == GRID_LINEAR) taps.weights[0] = 1 - part, taps.weights[1] = part;
    if (settings->mode == GRID_CUBIC) cubic_weights(part, taps.weights);
    for (int t = 0; t < taps.count; t++) taps.places[t] = place(settings, first + t, length, low, high);
    return taps;
}

/* The sum over all combinations of taps. */
static double blend(const grid_taps *taps, int rank, const int64_t *dims, const double *plane) {
    int64_t counts[FERRY_MAX_SPATIAL], index[FERRY_MAX_SPATIAL] = {0};
    double sum = 0;
    for (int i = 0; i < rank; i++) counts[i] = taps[i].count;
    do {
        double weight = 1;
        int64_t at = 0;
        for (int i = 0; i < rank && at >= 0; i++) {
            int64_t own = taps[i].places[index[i]];
            weight *= taps[i].weights[index[i]];
            at = own < 0 ? -1 : at * dims[i] + own;
        }
        if (at >= 0) sum += weight * plane[at];
    } while (ferry_next_index(rank, counts, index));
    return sum;
}

ferry_status ferry_evaluate_grid_sample(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *grid = ferry_input(evaluation, 1);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y || ferry_shape_count(&y->shape) == 0) return FERRY_OK;
    int rank = x->shape.rank - 2;
    int64_t channels = x->shape.dims[1], size = ferry_shape_product(&x->shape, 2, rank + 2),
            points = ferry_shape_product(&y->shape, 2, rank + 2);
    if (size == 0) return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "GridSample: the input is empty");
    grid_settings settings;
    FERRY_TRY(read_grid_settings(evaluation->attributes, evaluation->error, &settings));
    const double *values, *coordinates;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    FERRY_NEED(coordinates, ferry_evaluation_doubles(evaluation, grid));
    for (int64_t i = 0; i < x->shape.dims[0] * points; i++) {
        grid_taps taps[FERRY_MAX_SPATIAL];
        /* The grid's coordinates come innermost dimension first; computing positions in float keeps ties where others have
         * them. */
        for (int d = 0; d < rank; d++) taps[d] = taps_of(&settings, coordinates[i * rank + rank - 1 - d], x->shape.dims[2 + d]);
        int64_t n = i / points;
        for (int64_t c = 0; c < channels; c++)
            ferry_store_double(y->dtype, y->data, (n * channels + c) * points + i % points,
                               blend(taps, rank, x->shape.dims + 2, values + (n * channels + c) * size));
    }
    return FERRY_OK;
}

/* ---- AffineGrid ---- */

ferry_status ferry_infer_affine_grid(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_rank(inference, 0, 3, 3));
    FERRY_TRY(ferry_rule_rank(inference, 1, 1, 1));
    const ferry_shape *theta = ferry_rule_shape(inference, 0), *size_shape = ferry_rule_shape(inference, 1);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), NULL);
    int64_t count;
    const int64_t *sizes = ferry_rule_values(inference, 1, &count);
    if (!sizes && (!size_shape || !ferry_dim_known(size_shape->dims[0]))) return FERRY_OK;
    count = size_shape->dims[0];
    if (count != 4 && count != 5)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "AffineGrid: size must have 4 or 5 values, not %lld",
                          (long long)count);
    if (theta && (ferry_dims_clash(theta->dims[1], count - 2) || ferry_dims_clash(theta->dims[2], count - 1)))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "AffineGrid: theta must hold matrices of %lldx%lld",
                          (long long)(count - 2), (long long)(count - 1));
    ferry_shape shape = {.rank = (int)count};
    shape.dims[0] = theta ? theta->dims[0] : sizes ? sizes[0] : ferry_rule_fresh(inference);
    if (theta && sizes)
        FERRY_TRY(ferry_rule_same_dim(inference, theta->dims[0], sizes[0], "the batches of theta and size", &shape.dims[0]));
    for (int i = 2; i < count; i++) shape.dims[i - 1] = sizes ? sizes[i] : ferry_rule_fresh(inference);
    shape.dims[count - 1] = count - 2;
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

ferry_status ferry_evaluate_affine_grid(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *theta = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    bool align = ferry_attribute_integer(evaluation->attributes, "align_corners", 0) != 0;
    int rank = y->shape.rank - 2;
    int64_t index[FERRY_MAX_RANK] = {0}, points = ferry_shape_product(&y->shape, 0, rank + 1);
    const double *matrices;
    FERRY_NEED(matrices, ferry_evaluation_doubles(evaluation, theta));
    for (int64_t p = 0; p < points; p++) {
        const double *matrix = matrices + index[0] * rank * (rank + 1);
        double position[FERRY_MAX_SPATIAL + 1];
        for (int d = 0; d < rank; d++) { /* x first */
            double length = (double)y->shape.dims[rank - d], at = (double)index[rank - d];
            position[d] = align ? (length > 1 ? at * 2 / (length - 1) - 1 : -1) : (2 * at + 1) / length - 1;
        }
        position[rank] = 1;
        for (int r = 0; r < rank; r++) {
            double sum = 0;
            for (int d = 0; d <= rank; d++) sum += matrix[r * (rank + 1) + d] * position[d];
            ferry_store_double(y->dtype, y->data, p * rank + r, sum);
        }
        ferry_next_index(rank + 1, y->shape.dims, index);
    }
    return FERRY_OK;
}
