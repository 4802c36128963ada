/* SPDX-License-Identifier: Apache-2.0 */
/* MaxUnpool, MaxRoiPool and RoiAlign. */
#include <math.h>
#include <string.h>

#include "ops/support.h"
#include "ops/window.h"

/* ---- MaxUnpool ---- */

/* The shape that the pool's input had: what its indices count in. */
static ferry_status unpooled_shape(const ferry_attributes *attributes, const ferry_shape *x, ferry_symbols *symbols,
                                   ferry_shape *shape, ferry_error *error) {
    ferry_window window;
    FERRY_TRY(ferry_window_read(attributes, x->rank - 2, NULL, &window, error));
    *shape = *x;
    for (int i = 0; i < window.rank; i++) {
        int64_t steps = ferry_dim_multiply(symbols, ferry_dim_subtract(symbols, x->dims[2 + i], 1), window.stride[i]);
        shape->dims[2 + i] = ferry_dim_add(symbols, steps, window.kernel[i] - window.pad_begin[i] - window.pad_end[i]);
        if (ferry_dim_known(shape->dims[2 + i]) && shape->dims[2 + i] < 0)
            return ferry_fail(error, FERRY_ERROR_SHAPE, "MaxUnpool: the pads leave nothing of spatial axis %d", i);
    }
    return FERRY_OK;
}

ferry_status ferry_infer_max_unpool(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, 1 << FERRY_INT64));
    const ferry_shape *x = ferry_rule_shape(inference, 0), *indices = ferry_rule_shape(inference, 1);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), NULL);
    if (!x) return FERRY_OK;
    if (indices) FERRY_TRY(ferry_rule_rank(inference, 1, x->rank, x->rank));
    for (int i = 0; indices && i < x->rank; i++) {
        int64_t joined;
        FERRY_TRY(ferry_rule_same_dim(inference, x->dims[i], indices->dims[i], "dimensions of X and of the indices", &joined));
    }
    ferry_shape shape;
    FERRY_TRY(unpooled_shape(inference->attributes, x, inference->symbols, &shape, inference->error));
    if (ferry_rule_input(inference, 2)) {
        int64_t count;
        const int64_t *sizes = ferry_rule_values(inference, 2, &count);
        if (sizes && count != x->rank)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                              "MaxUnpool: output_shape has %lld values for a rank-%d input", (long long)count, (int)x->rank);
        for (int i = 0; i < x->rank; i++) shape.dims[i] = sizes ? sizes[i] : ferry_rule_fresh(inference);
    }
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

ferry_status ferry_evaluate_max_unpool(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *indices = ferry_input(evaluation, 1);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    ferry_shape inner;
    FERRY_TRY(unpooled_shape(evaluation->attributes, &x->shape, NULL, &inner, evaluation->error));
    int64_t count = ferry_shape_count(&x->shape), room, strides[FERRY_MAX_RANK];
    if (!ferry_shape_elements(&inner, &room)) return ferry_fail_memory(evaluation->error, SIZE_MAX);
    size_t bytes = ferry_dtype_bytes(x->dtype);
    memset(y->data, 0, (size_t)ferry_shape_count(&y->shape) * bytes);
    ferry_shape_strides(&y->shape, strides);
    for (int64_t i = 0; i < count; i++) {
        int64_t index = ((const int64_t *)indices->data)[i], at = 0;
        if (index < 0 || index >= room)
            return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "MaxUnpool: index %lld is outside %lld elements",
                              (long long)index, (long long)room);
        bool inside = true;
        for (int d = inner.rank - 1; d >= 0; d--) {
            inside &= index % inner.dims[d] < y->shape.dims[d];
            at += index % inner.dims[d] * strides[d];
            index /= inner.dims[d];
        }
        if (inside) memcpy((char *)y->data + (size_t)at * bytes, (const char *)x->data + (size_t)i * bytes, bytes);
    }
    return FERRY_OK;
}

/* ---- regions ---- */

static ferry_status infer_regions(ferry_inference *inference, int columns, int64_t height, int64_t width) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 1, FERRY_DTYPES_FLOAT, &dtype));
    FERRY_TRY(ferry_rule_rank(inference, 0, 4, 4));
    FERRY_TRY(ferry_rule_rank(inference, 1, 2, 2));
    const ferry_shape *x = ferry_rule_shape(inference, 0), *regions = ferry_rule_shape(inference, 1);
    if (height < 1 || width < 1 || height > INT32_MAX || width > INT32_MAX)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: an output of %lldx%lld is not possible",
                          inference->op->name, (long long)height, (long long)width);
    if (regions && ferry_dims_clash(regions->dims[1], columns))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: a region has %d numbers, not %lld", inference->op->name,
                          columns, (long long)regions->dims[1]);
    ferry_rule_output(inference, 0, dtype, NULL);
    if (!x || !regions) return FERRY_OK;
    ferry_shape shape = {.rank = 4, .dims = {regions->dims[0], x->dims[1], height, width}};
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

ferry_status ferry_infer_max_roi_pool(ferry_inference *inference) {
    int64_t count;
    const int64_t *pooled = ferry_attribute_integers(inference->attributes, "pooled_shape", &count);
    if (count != 2) return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "MaxRoiPool: pooled_shape must have 2 values");
    return infer_regions(inference, 5, pooled[0], pooled[1]);
}

ferry_status ferry_infer_roi_align(ferry_inference *inference) {
    const ferry_shape *regions = ferry_rule_shape(inference, 1);
    FERRY_TRY(ferry_rule_dtypes(inference, 2, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_vector(inference, 2, "the batch indices",
                                regions && regions->rank == 2 ? regions->dims[0] : FERRY_DIM_UNKNOWN));
    return infer_regions(inference, 4, ferry_attribute_integer(inference->attributes, "output_height", 1),
                         ferry_attribute_integer(inference->attributes, "output_width", 1));
}

static ferry_status check_batch(ferry_evaluation *evaluation, int64_t region, double batch, int64_t batches) {
    if (batch >= 0 && batch < (double)batches) return FERRY_OK;
    return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "%s: region %lld lies in picture %g of %lld",
                      evaluation->op->name, (long long)region, batch, (long long)batches);
}

/* ---- MaxRoiPool: Girshick, Fast R-CNN, 2015, section 2.1 ---- */

/* The first and past-the-last row (or column) of a bin. */
static void bin_range(double start, double size, int64_t bin, int64_t limit, int64_t *low, int64_t *high) {
    double first = floor((double)bin * size) + start, last = ceil((double)(bin + 1) * size) + start;
    *low = (int64_t)fmin(fmax(first, 0), (double)limit);
    *high = (int64_t)fmin(fmax(last, 0), (double)limit);
}

ferry_status ferry_evaluate_max_roi_pool(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    double scale = ferry_attribute_real(evaluation->attributes, "spatial_scale", 1);
    const double *values, *regions;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    FERRY_NEED(regions, ferry_evaluation_doubles(evaluation, ferry_input(evaluation, 1)));
    int64_t channels = x->shape.dims[1], height = x->shape.dims[2], width = x->shape.dims[3], rows = y->shape.dims[2],
            columns = y->shape.dims[3], count = ferry_shape_count(&y->shape);
    for (int64_t r = 0; r < y->shape.dims[0]; r++) FERRY_TRY(check_batch(evaluation, r, regions[5 * r], x->shape.dims[0]));
    for (int64_t i = 0; i < count; i++) {
        int64_t column = i % columns, row = i / columns % rows, plane = i / (columns * rows), c = plane % channels;
        const double *region = regions + plane / channels * 5;
        double left = round(region[1] * scale), top = round(region[2] * scale), right = round(region[3] * scale),
               bottom = round(region[4] * scale);
        int64_t top_row, bottom_row, left_column, right_column;
        bin_range(top, fmax(bottom - top + 1, 1) / (double)rows, row, height, &top_row, &bottom_row);
        bin_range(left, fmax(right - left + 1, 1) / (double)columns, column, width, &left_column, &right_column);
        const double *from = values + ((int64_t)region[0] * channels + c) * height * width;
        double best = top_row < bottom_row && left_column < right_column ? -INFINITY : 0;
        for (int64_t h = top_row; h < bottom_row; h++)
            for (int64_t w = left_column; w < right_column; w++) best = fmax(best, from[h * width + w]);
        ferry_store_double(y->dtype, y->data, i, best);
    }
    return FERRY_OK;
}

/* ---- RoiAlign: He et al., Mask R-CNN, 2017, section 3 ---- */

typedef struct roi_sample {
    int64_t places[4];
    double weights[4];
} roi_sample;

/* The four neighbours of a point and their weights; all weights 0 outside the plane. */
static roi_sample sample_at(double y, double x, int64_t height, int64_t width) {
    roi_sample result = {0};
    if (!(y >= -1 && y <= (double)height && x >= -1 && x <= (double)width)) return result;
    y = fmin(fmax(y, 0), (double)(height - 1));
    x = fmin(fmax(x, 0), (double)(width - 1));
    int64_t top = (int64_t)y, left = (int64_t)x;
    int64_t bottom = ferry_min_int64(top + 1, height - 1), right = ferry_min_int64(left + 1, width - 1);
    double down = y - (double)top, across = x - (double)left;
    result = (roi_sample){{top * width + left, top * width + right, bottom * width + left, bottom * width + right},
                          {(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across}};
    return result;
}

typedef struct roi_box {
    double top, left, bin_height, bin_width;
    int64_t samples_down, samples_across;
} roi_box;

/* The mean of the samples in a bin, or the largest weighted neighbour of any. */
static double pool_bin(const roi_box *box, int64_t row, int64_t column, const double *plane, int64_t height, int64_t width,
                       bool largest) {
    double sum = 0, best = 0;
    for (int64_t i = 0; i < box->samples_down * box->samples_across; i++) {
        double down = (double)(i / box->samples_across) + 0.5, across = (double)(i % box->samples_across) + 0.5;
        double y = box->top + ((double)row + down / (double)box->samples_down) * box->bin_height;
        double x = box->left + ((double)column + across / (double)box->samples_across) * box->bin_width;
        roi_sample sample = sample_at(y, x, height, width);
        double parts[4];
        for (int k = 0; k < 4; k++) sum += parts[k] = sample.weights[k] * plane[sample.places[k]];
        double here = fmax(fmax(parts[0], parts[1]), fmax(parts[2], parts[3]));
        best = i == 0 ? here : fmax(best, here);
    }
    return largest ? best : sum / (double)ferry_max_int64(1, box->samples_down * box->samples_across);
}

static ferry_status read_box(ferry_evaluation *evaluation, const double *region, int64_t rows, int64_t columns, roi_box *box) {
    double scale = ferry_attribute_real(evaluation->attributes, "spatial_scale", 1);
    bool half = ferry_attribute_is(evaluation->attributes, "coordinate_transformation_mode", "half_pixel", true);
    double offset = half ? 0.5 : 0, width = (region[2] - region[0]) * scale, height = (region[3] - region[1]) * scale;
    if (!half) width = fmax(width, 1), height = fmax(height, 1);
    *box = (roi_box){.top = region[1] * scale - offset,
                     .left = region[0] * scale - offset,
                     .bin_height = height / (double)rows,
                     .bin_width = width / (double)columns};
    int64_t ratio = ferry_attribute_integer(evaluation->attributes, "sampling_ratio", 0);
    if (!(box->bin_height < 1e4 && box->bin_width < 1e4) || ratio > 10000)
        return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "RoiAlign: a region of %gx%g is too large", width,
                          height);
    box->samples_down = ratio > 0 ? ratio : (int64_t)fmax(ceil(box->bin_height), 0);
    box->samples_across = ratio > 0 ? ratio : (int64_t)fmax(ceil(box->bin_width), 0);
    return FERRY_OK;
}

ferry_status ferry_evaluate_roi_align(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *batches = ferry_input(evaluation, 2);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y || ferry_shape_count(&y->shape) == 0) return FERRY_OK;
    const double *values, *regions;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    FERRY_NEED(regions, ferry_evaluation_doubles(evaluation, ferry_input(evaluation, 1)));
    bool largest = ferry_attribute_is(evaluation->attributes, "mode", "max", false);
    int64_t channels = x->shape.dims[1], height = x->shape.dims[2], width = x->shape.dims[3], rows = y->shape.dims[2],
            columns = y->shape.dims[3];
    if (height == 0 || width == 0) return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "RoiAlign: the pictures are empty");
    for (int64_t plane = 0; plane < y->shape.dims[0] * channels; plane++) {
        int64_t region = plane / channels, batch = ferry_load_int64(batches->dtype, batches->data, region);
        roi_box box;
        FERRY_TRY(check_batch(evaluation, region, (double)batch, x->shape.dims[0]));
        FERRY_TRY(read_box(evaluation, regions + 4 * region, rows, columns, &box));
        const double *from = values + (batch * channels + plane % channels) * height * width;
        for (int64_t i = 0; i < rows * columns; i++)
            ferry_store_double(y->dtype, y->data, plane * rows * columns + i,
                               pool_bin(&box, i / columns, i % columns, from, height, width, largest));
    }
    return FERRY_OK;
}
