/* SPDX-License-Identifier: Apache-2.0 */
/* Where samples lie and what they weigh: ONNX operator Resize (opset 19), its coordinate formulas and filters. */
#include <math.h>

#include "kernels/resize/resize.h"

/* Half the width of the filter that the mode convolves with, in samples. */
static double support(const ferry_resize_rule *rule) { return rule->mode == FERRY_RESIZE_CUBIC ? 2.0 : 1.0; }

static double shrink(const ferry_resize_rule *rule, double scale) { return rule->antialias && scale < 1.0 ? scale : 1.0; }

/* Offset from floor(x) of the first sample. */
static int64_t first_tap(const ferry_resize_rule *rule, double scale) {
    return (int64_t)floor(-support(rule) / shrink(rule, scale)) + 1;
}

int ferry_resize_taps(const ferry_resize_rule *rule, int64_t input, int64_t output, double scale) {
    if (rule->mode == FERRY_RESIZE_NEAREST || (input == 1 && output == 1)) return 1;
    int64_t taps = 2 - 2 * first_tap(rule, scale);
    return (int)(taps < 1 << 24 ? taps : (1 << 24) - 1);
}

static double coordinate(const ferry_resize_rule *rule, int64_t out, double scale, double roi_start, double roi_end,
                         const ferry_resize_axis *axis) {
    double x = (double)out, input = (double)axis->input, exact_output = scale * input;
    switch (rule->coordinates) {
    case FERRY_COORDINATES_HALF_PIXEL_SYMMETRIC:
        return input / 2.0 * (1.0 - (double)axis->output / exact_output) + (x + 0.5) / scale - 0.5;
    case FERRY_COORDINATES_PYTORCH_HALF_PIXEL: return axis->output == 1 ? 0.0 : (x + 0.5) / scale - 0.5;
    case FERRY_COORDINATES_ALIGN_CORNERS:
        return exact_output == 1.0 || axis->output == 1 ? 0.0 : x * (input - 1.0) / (exact_output - 1.0);
    case FERRY_COORDINATES_ASYMMETRIC: return x / scale;
    case FERRY_COORDINATES_CROP:
        if (axis->output == 1) return 0.5 * (roi_start + roi_end) * (input - 1.0);
        return (roi_start + x * (roi_end - roi_start) / ((double)axis->output - 1.0)) * (input - 1.0);
    default: return (x + 0.5) / scale - 0.5;
    }
}

static double round_coordinate(ferry_resize_rounding rounding, double x) {
    switch (rounding) {
    case FERRY_ROUNDING_PREFER_CEIL: return floor(x + 0.5);
    case FERRY_ROUNDING_FLOOR: return floor(x);
    case FERRY_ROUNDING_CEIL: return ceil(x);
    default: return ceil(x - 0.5);
    }
}

/* Linear: the triangle. Cubic: Keys, "Cubic convolution interpolation for digital image processing", 1981, with a free
 * coefficient. */
static double filter(const ferry_resize_rule *rule, double distance) {
    double x = fabs(distance), a = rule->cubic_coefficient;
    if (rule->mode == FERRY_RESIZE_LINEAR) return x < 1.0 ? 1.0 - x : 0.0;
    if (x <= 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0) return ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
    return 0.0;
}

static int32_t clamp_index(double index, int64_t size) {
    if (!(index > 0.0)) return 0;
    return index < (double)size ? (int32_t)index : (int32_t)(size - 1);
}

static void weigh(const ferry_resize_rule *rule, double scale, double x, const ferry_resize_axis *axis, int64_t out) {
    double base = floor(x), narrowing = shrink(rule, scale), total = 0.0;
    int64_t first = first_tap(rule, scale);
    int32_t *index = axis->index + out * axis->taps;
    float *weight = axis->weight + out * axis->taps;
    bool scaled = rule->antialias || rule->exclude_outside;
    for (int pass = scaled ? 0 : 1; pass < 2; pass++) /* first the sum of the weights, then the weights */
        for (int k = 0; k < axis->taps; k++) {
            double at = base + (double)(first + k), value = filter(rule, narrowing * (at - x));
            if (rule->exclude_outside && (at < 0.0 || at >= (double)axis->input)) value = 0.0;
            if (pass == 0) {
                total += value;
                continue;
            }
            index[k] = clamp_index(at, axis->input);
            weight[k] = (float)(scaled ? (total != 0.0 ? value / total : 0.0) : value);
        }
}

bool ferry_resize_table(const ferry_resize_rule *rule, double scale, double roi_start, double roi_end,
                        ferry_resize_axis *axis) {
    bool inside = true;
    axis->taps = ferry_resize_taps(rule, axis->input, axis->output, scale);
    axis->doubles = axis->taps == 1 && axis->output == 2 * axis->input;
    for (int64_t out = 0; out < axis->output; out++) {
        double x = coordinate(rule, out, scale, roi_start, roi_end, axis);
        if (rule->coordinates == FERRY_COORDINATES_CROP && (x < 0.0 || x > (double)axis->input - 1.0)) inside = false;
        if (axis->taps == 1) {
            axis->index[out] = clamp_index(round_coordinate(rule->rounding, x), axis->input);
            axis->weight[out] = 1.0f;
            if (axis->index[out] != out / 2) axis->doubles = false;
        } else {
            weigh(rule, scale, x, axis, out);
        }
    }
    return inside;
}
