/* SPDX-License-Identifier: Apache-2.0 */
/* Resize and Upsample. Interpolation is separable: each axis has a table of taps (start and weights for each output position),
 * and axes are resized one after the other in double. Nearest neighbours are copied, so they are exact for every type. */
#include <math.h>
#include <string.h>

#include "ops/support.h"

enum { MODE_NEAREST, MODE_LINEAR, MODE_CUBIC };
enum {
    RESIZE_TYPES = FERRY_DTYPES_NUMBER | FERRY_DTYPES_BOOL | 1 << FERRY_STRING | 1 << FERRY_COMPLEX64 | 1 << FERRY_COMPLEX128
};

typedef enum coordinate_mode {
    COORDINATE_HALF_PIXEL,
    COORDINATE_HALF_PIXEL_SYMMETRIC,
    COORDINATE_PYTORCH_HALF_PIXEL,
    COORDINATE_ALIGN_CORNERS,
    COORDINATE_ASYMMETRIC,
    COORDINATE_CROP,
    COORDINATE_TF_HALF_PIXEL /* of opset 11 alone */
} coordinate_mode;

static const char *const coordinate_names[] = {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",  "align_corners",
                                               "asymmetric", "tf_crop_and_resize",   "tf_half_pixel_for_nn"};
static const char *const nearest_names[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
static const char *const mode_names[] = {"nearest", "linear", "cubic"};

typedef struct resize_settings {
    int mode, nearest;
    coordinate_mode coordinates;
    bool antialias, exclude_outside;
    double cubic_a, extrapolation;
    unsigned axes; /* mask of the axes that scales, sizes and roi speak of */
    int axis_count, axis[FERRY_MAX_RANK];
} resize_settings;

/* The index of a string attribute's value in a list of names; 0 when it is absent. */
static ferry_status read_choice(const ferry_inference *inference, const char *name, const char *const *names, int count,
                                int *choice) {
    const ferry_attribute *attribute = ferry_attribute_find(inference->attributes, name);
    *choice = 0;
    if (!attribute) return FERRY_OK;
    for (int i = 0; i < count; i++) {
        *choice = i;
        if (ferry_attribute_is(inference->attributes, name, names[i], false)) return FERRY_OK;
    }
    return ferry_fail(inference->error, FERRY_ERROR_UNSUPPORTED, "%s: attribute %s is '%.*s', which is not known",
                      inference->op->name, name, (int)attribute->value.string.length, attribute->value.string.text);
}

static ferry_status read_settings(const ferry_inference *inference, int rank, resize_settings *settings) {
    const ferry_attributes *attributes = inference->attributes;
    int coordinates;
    *settings = (resize_settings){.antialias = ferry_attribute_integer(attributes, "antialias", 0) != 0,
                                  .exclude_outside = ferry_attribute_integer(attributes, "exclude_outside", 0) != 0,
                                  .cubic_a = ferry_attribute_real(attributes, "cubic_coeff_a", -0.75f),
                                  .extrapolation = ferry_attribute_real(attributes, "extrapolation_value", 0)};
    FERRY_TRY(read_choice(inference, "mode", mode_names, 3, &settings->mode));
    FERRY_TRY(read_choice(inference, "nearest_mode", nearest_names, 4, &settings->nearest));
    FERRY_TRY(read_choice(inference, "coordinate_transformation_mode", coordinate_names, 7, &coordinates));
    settings->coordinates = (coordinate_mode)coordinates;
    int64_t count;
    const int64_t *axes = ferry_attribute_integers(attributes, "axes", &count);
    settings->axis_count = axes ? (int)ferry_min_int64(count, rank) : rank;
    if (axes) return ferry_rule_axes(inference, axes, count, rank, settings->axis, &settings->axes);
    for (int i = 0; i < rank; i++) settings->axis[i] = i, settings->axes |= 1u << i;
    return FERRY_OK;
}

/* ---- output sizes ---- */

/* dim * scale rounded down. A symbolic dimension is multiplied by the fraction that the scale is, when it is a simple one. */
static int64_t scaled_dim(ferry_symbols *symbols, int64_t dim, double scale) {
    if (ferry_dim_known(dim)) {
        float size = floorf((float)dim * (float)scale);
        return size < 0x1p62f ? (int64_t)size : FERRY_DIM_UNKNOWN;
    }
    for (int64_t q = 1; q <= 64; q++) {
        double p = nearbyint(scale * (double)q);
        if (p >= 1 && p < 1e9 && fabs(scale * (double)q - p) < 1e-6 * (double)q)
            return ferry_dim_floor_divide(symbols, ferry_dim_multiply(symbols, dim, (int64_t)p), q);
    }
    return FERRY_DIM_UNKNOWN;
}

static ferry_status check_count(const ferry_inference *inference, const char *what, int64_t count, int wanted) {
    if (count == wanted) return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: %lld %s for %d axes", inference->op->name, (long long)count,
                      what, wanted);
}

/* A present and not known-to-be-empty input. */
static bool given(const ferry_inference *inference, int index) {
    const ferry_value_type *type = ferry_rule_input(inference, index);
    return type && !(type->ranked && type->shape.rank == 1 && type->shape.dims[0] == 0);
}

static ferry_status shape_from_scales(ferry_inference *inference, int input, const resize_settings *settings,
                                      ferry_shape *shape) {
    int64_t count;
    const double *scales = ferry_rule_reals(inference, input, &count);
    if (scales) FERRY_TRY(check_count(inference, "scales", count, settings->axis_count));
    for (int i = 0; i < settings->axis_count; i++) {
        int axis = settings->axis[i];
        if (scales && !(scales[i] > 0 && scales[i] < 1e9))
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: scale %g of axis %d is not positive",
                              inference->op->name, scales[i], axis);
        shape->dims[axis] = scales ? scaled_dim(inference->symbols, shape->dims[axis], scales[i]) : FERRY_DIM_UNKNOWN;
    }
    return FERRY_OK;
}

/* keep_aspect_ratio_policy: one scale for all axes, the smallest or the largest that the sizes ask for. 0: stretch. */
static double common_scale(const ferry_inference *inference, const resize_settings *settings, const ferry_shape *input,
                           const int64_t *sizes) {
    bool smaller = ferry_attribute_is(inference->attributes, "keep_aspect_ratio_policy", "not_larger", false);
    bool larger = ferry_attribute_is(inference->attributes, "keep_aspect_ratio_policy", "not_smaller", false);
    double result = 0;
    for (int i = 0; i < settings->axis_count && (smaller || larger); i++) {
        int64_t in = input->dims[settings->axis[i]];
        if (!ferry_dim_known(in) || !ferry_dim_known(sizes[i]) || in < 1) return NAN;
        double scale = (double)sizes[i] / (double)in;
        if (i == 0 || (smaller ? scale < result : scale > result)) result = scale;
    }
    return result;
}

static ferry_status shape_from_sizes(ferry_inference *inference, const resize_settings *settings, ferry_shape *shape) {
    int64_t count;
    const int64_t *sizes = ferry_rule_values(inference, 3, &count);
    if (sizes) FERRY_TRY(check_count(inference, "sizes", count, settings->axis_count));
    double scale = sizes ? common_scale(inference, settings, shape, sizes) : 0;
    for (int i = 0; i < settings->axis_count; i++) {
        int axis = settings->axis[i];
        if (sizes && ferry_dim_known(sizes[i]) && sizes[i] < 0)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Resize: size %lld of axis %d is negative",
                              (long long)sizes[i], axis);
        if (!sizes || isnan(scale))
            shape->dims[axis] = FERRY_DIM_UNKNOWN;
        else
            shape->dims[axis] = scale > 0 ? (int64_t)(scale * (double)shape->dims[axis] + 0.5) : sizes[i];
    }
    return FERRY_OK;
}

/* A dimension that only running can tell gets a symbol of its own. */
static void freshen(ferry_inference *inference, ferry_shape *shape) {
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] == FERRY_DIM_UNKNOWN) shape->dims[i] = ferry_rule_fresh(inference);
}

ferry_status ferry_infer_resize(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, RESIZE_TYPES));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), NULL);
    resize_settings settings;
    FERRY_TRY(read_settings(inference, x ? x->rank : FERRY_MAX_RANK, &settings));
    if (!x) return FERRY_OK;
    ferry_shape shape = *x;
    bool by_sizes = given(inference, 3), by_scales = given(inference, 2);
    if (!by_sizes && !by_scales)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "Resize: neither scales (input 2) nor sizes (input 3) are given");
    if (by_sizes)
        FERRY_TRY(shape_from_sizes(inference, &settings, &shape));
    else
        FERRY_TRY(shape_from_scales(inference, 2, &settings, &shape));
    freshen(inference, &shape);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

ferry_status ferry_infer_upsample(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, RESIZE_TYPES));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), NULL);
    resize_settings settings;
    FERRY_TRY(read_settings(inference, x ? x->rank : FERRY_MAX_RANK, &settings));
    if (!x) return FERRY_OK;
    ferry_shape shape = *x;
    FERRY_TRY(shape_from_scales(inference, 1, &settings, &shape));
    freshen(inference, &shape);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

/* ---- where an output element lies in the input ---- */

typedef struct resize_axis {
    int64_t in, out;
    double scale, roi_begin, roi_end;
    /* Table: output o is the weighted sum of input elements clamp(start[o] + t), t < taps. */
    int taps;
    int64_t *start;
    double *weights;
    bool *outside; /* crop mode: position lies outside the input; NULL in other modes */
} resize_axis;

/* In float, as other runtimes and training frameworks do: positions that are ties in float must stay ties. */
static double source_position(const resize_settings *settings, const resize_axis *axis, int64_t o) {
    float x = (float)o, in = (float)axis->in, scale = (float)axis->scale, length = scale * in;
    switch (settings->coordinates) {
    case COORDINATE_ALIGN_CORNERS: return length == 1 ? 0 : x * (in - 1) / (length - 1);
    case COORDINATE_ASYMMETRIC: return x / scale;
    case COORDINATE_TF_HALF_PIXEL: return (x + 0.5f) / scale;
    case COORDINATE_PYTORCH_HALF_PIXEL: return length == 1 ? -0.5f : (x + 0.5f) / scale - 0.5f;
    case COORDINATE_HALF_PIXEL_SYMMETRIC: return in / 2 * (1 - (float)axis->out / length) + (x + 0.5f) / scale - 0.5f;
    case COORDINATE_CROP: {
        float span = (float)(axis->roi_end - axis->roi_begin) * (in - 1);
        return (float)axis->roi_begin * (in - 1) + (length == 1 ? span / 2 : x * span / (length - 1));
    }
    default: return (x + 0.5f) / scale - 0.5f;
    }
}

static double nearest_position(const resize_settings *settings, double x) {
    switch (settings->nearest) {
    case 0: return ceil(x - 0.5);
    case 1: return floor(x + 0.5);
    case 2: return floor(x);
    default: return ceil(x);
    }
}

/* Keys' cubic convolution kernel with parameter a (Keys, 1981). */
static double cubic_kernel(double x, double a) {
    x = fabs(x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static double kernel(const resize_settings *settings, double x) {
    if (settings->mode == MODE_CUBIC) return cubic_kernel(x, settings->cubic_a);
    return fmax(0, 1 - fabs(x));
}

static void normalize(double *weights, int taps) {
    double sum = 0;
    for (int t = 0; t < taps; t++) sum += weights[t];
    for (int t = 0; t < taps && sum != 0; t++) weights[t] /= sum;
}

/* Antialiasing widens the kernel by the factor of reduction. */
static ferry_status build_taps(ferry_evaluation *evaluation, const resize_settings *settings, resize_axis *axis) {
    double stretch = settings->antialias ? fmin(axis->scale, 1) : 1, radius = settings->mode == MODE_CUBIC ? 2 : 1;
    double first = floor(-radius / stretch) + 1;
    if (!(first > -1e8)) return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "Resize: scale %g is too small", axis->scale);
    axis->taps = settings->mode == MODE_NEAREST ? 1 : (int)(2 - 2 * first);
    size_t table;
    if (!ferry_size_multiply((size_t)axis->out, (size_t)axis->taps, &table))
        return ferry_fail_memory(evaluation->error, SIZE_MAX);
    FERRY_SCRATCH(axis->start, evaluation, axis->out);
    FERRY_SCRATCH(axis->weights, evaluation, table);
    if (settings->coordinates == COORDINATE_CROP) FERRY_SCRATCH(axis->outside, evaluation, axis->out);
    for (int64_t o = 0; o < axis->out; o++) {
        double x = source_position(settings, axis, o), *weights = axis->weights + o * axis->taps;
        x = fmin(fmax(x, -0x1p52), 0x1p52);
        if (axis->outside) axis->outside[o] = x < 0 || x > (double)(axis->in - 1);
        if (settings->mode == MODE_NEAREST) {
            axis->start[o] = (int64_t)nearest_position(settings, x);
            continue;
        }
        double base = ceil(x) - 1; /* the ratio x - base lies in (0, 1] */
        axis->start[o] = (int64_t)(base + first);
        for (int t = 0; t < axis->taps; t++) weights[t] = kernel(settings, stretch * (first + t - (x - base)));
        if (settings->antialias) normalize(weights, axis->taps);
        for (int t = 0; t < axis->taps && settings->exclude_outside; t++)
            if (axis->start[o] + t < 0 || axis->start[o] + t >= axis->in) weights[t] = 0;
        if (settings->exclude_outside) normalize(weights, axis->taps);
    }
    return FERRY_OK;
}

static int64_t clamp(int64_t index, int64_t count) { return index < 0 ? 0 : index >= count ? count - 1 : index; }

/* ---- evaluation ---- */

/* Whether an output element lies outside the input in crop mode, along any axis. */
static bool cropped(const resize_axis *axes, int rank, const int64_t *index) {
    for (int i = 0; i < rank; i++)
        if (axes[i].outside && axes[i].outside[index[i]]) return true;
    return false;
}

static void copy_nearest(const ferry_tensor *x, ferry_tensor *y, const resize_axis *axes, const resize_settings *settings) {
    int rank = x->shape.rank;
    int64_t index[FERRY_MAX_RANK] = {0}, strides[FERRY_MAX_RANK], count = ferry_shape_count(&y->shape);
    size_t size = ferry_dtype_bytes(x->dtype);
    ferry_shape_strides(&x->shape, strides);
    for (int64_t i = 0; i < count; i++) {
        int64_t from = 0;
        for (int a = 0; a < rank; a++) from += clamp(axes[a].start[index[a]], axes[a].in) * strides[a];
        if (cropped(axes, rank, index))
            ferry_store_double(y->dtype, y->data, i, settings->extrapolation);
        else
            memcpy((char *)y->data + (size_t)i * size, (const char *)x->data + (size_t)from * size, size);
        ferry_next_index(rank, y->shape.dims, index);
    }
}

/* One axis: source outer x in x inner to target outer x out x inner. */
static void resize_along(const resize_axis *axis, int64_t outer, int64_t inner, const double *source, double *target) {
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < axis->out; j++) {
            double *to = target + (o * axis->out + j) * inner;
            for (int64_t i = 0; i < inner; i++) to[i] = 0;
            for (int t = 0; t < axis->taps; t++) {
                double weight = axis->weights[j * axis->taps + t];
                if (weight == 0) continue;
                const double *from = source + (o * axis->in + clamp(axis->start[j] + t, axis->in)) * inner;
                for (int64_t i = 0; i < inner; i++) to[i] += weight * from[i];
            }
        }
}

static ferry_status interpolate(ferry_evaluation *evaluation, const ferry_tensor *x, ferry_tensor *y, const resize_axis *axes,
                                const resize_settings *settings) {
    int rank = x->shape.rank;
    ferry_shape shape = x->shape;
    const double *source;
    FERRY_NEED(source, ferry_evaluation_doubles(evaluation, x));
    for (int a = 0; a < rank; a++) {
        if (axes[a].in == axes[a].out && axes[a].scale == 1 && !axes[a].outside) continue;
        int64_t outer = ferry_shape_product(&shape, 0, a), inner = ferry_shape_product(&shape, a + 1, rank);
        shape.dims[a] = axes[a].out;
        int64_t count;
        double *target;
        if (!ferry_shape_elements(&shape, &count)) return ferry_fail_memory(evaluation->error, SIZE_MAX);
        FERRY_SCRATCH(target, evaluation, count);
        resize_along(&axes[a], outer, inner, source, target);
        source = target;
    }
    int64_t index[FERRY_MAX_RANK] = {0}, count = ferry_shape_count(&y->shape);
    bool crop = settings->coordinates == COORDINATE_CROP;
    for (int64_t i = 0; i < count; i++) {
        ferry_store_double(y->dtype, y->data, i, crop && cropped(axes, rank, index) ? settings->extrapolation : source[i]);
        if (crop) ferry_next_index(rank, y->shape.dims, index);
    }
    return FERRY_OK;
}

/* Scales, sizes and region of interest of every axis. */
static ferry_status read_axes(ferry_evaluation *evaluation, const resize_settings *settings, const ferry_tensor *scales,
                              bool by_sizes, resize_axis *axes) {
    const ferry_tensor *x = ferry_input(evaluation, 0), *y = ferry_output(evaluation, 0), *roi = NULL;
    if (settings->coordinates == COORDINATE_CROP) roi = ferry_input(evaluation, 1);
    int count = settings->axis_count;
    if (settings->coordinates == COORDINATE_CROP && (!roi || ferry_shape_count(&roi->shape) != 2 * count))
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "Resize: tf_crop_and_resize needs a roi (input 1) of %d values",
                          2 * count);
    for (int a = 0; a < x->shape.rank; a++)
        axes[a] = (resize_axis){.in = x->shape.dims[a], .out = y->shape.dims[a], .scale = 1, .roi_end = 1};
    double common = 0;
    bool keep = by_sizes && !ferry_attribute_is(evaluation->attributes, "keep_aspect_ratio_policy", "stretch", true);
    bool smaller = keep && ferry_attribute_is(evaluation->attributes, "keep_aspect_ratio_policy", "not_larger", false);
    const ferry_tensor *sizes = keep ? ferry_input(evaluation, 3) : NULL;
    for (int i = 0; i < count; i++) {
        resize_axis *axis = &axes[settings->axis[i]];
        axis->scale = by_sizes ? (double)axis->out / (double)axis->in : ferry_load_double(scales->dtype, scales->data, i);
        double wanted = sizes ? (double)ferry_load_int64(sizes->dtype, sizes->data, i) / (double)axis->in : 0;
        if (sizes && (i == 0 || (smaller ? wanted < common : wanted > common))) common = wanted;
        if (roi) axis->roi_begin = ferry_load_double(roi->dtype, roi->data, i);
        if (roi) axis->roi_end = ferry_load_double(roi->dtype, roi->data, count + i);
    }
    for (int i = 0; i < count && keep; i++) axes[settings->axis[i]].scale = common;
    return FERRY_OK;
}

static ferry_status resize(ferry_evaluation *evaluation, const resize_settings *settings, const ferry_tensor *scales,
                           bool by_sizes) {
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    resize_axis axes[FERRY_MAX_RANK];
    if (ferry_shape_count(&y->shape) == 0) return FERRY_OK;
    if (ferry_shape_count(&x->shape) == 0)
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "%s: an empty input cannot be enlarged", evaluation->op->name);
    FERRY_TRY(read_axes(evaluation, settings, scales, by_sizes, axes));
    for (int a = 0; a < x->shape.rank; a++) FERRY_TRY(build_taps(evaluation, settings, &axes[a]));
    if (settings->mode != MODE_NEAREST && x->dtype != FERRY_STRING) return interpolate(evaluation, x, y, axes, settings);
    copy_nearest(x, y, axes, settings);
    return ferry_evaluation_own_strings(evaluation, y);
}

ferry_status ferry_evaluate_resize(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    if (!ferry_output(evaluation, 0)) return FERRY_OK;
    const ferry_tensor *sizes = ferry_input(evaluation, 3);
    resize_settings settings;
    ferry_inference view = {.op = evaluation->op, .attributes = evaluation->attributes, .error = evaluation->error};
    FERRY_TRY(read_settings(&view, ferry_input(evaluation, 0)->shape.rank, &settings));
    bool by_sizes = sizes && ferry_shape_count(&sizes->shape) > 0;
    return resize(evaluation, &settings, ferry_input(evaluation, 2), by_sizes);
}

/* Upsample is what Resize with asymmetric coordinates and nearest_mode floor does. */
ferry_status ferry_evaluate_upsample(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    if (!ferry_output(evaluation, 0)) return FERRY_OK;
    resize_settings settings;
    ferry_inference view = {.op = evaluation->op, .attributes = evaluation->attributes, .error = evaluation->error};
    FERRY_TRY(read_settings(&view, ferry_input(evaluation, 0)->shape.rank, &settings));
    settings.coordinates = COORDINATE_ASYMMETRIC;
    settings.nearest = 2;
    return resize(evaluation, &settings, ferry_input(evaluation, 1), false);
}
