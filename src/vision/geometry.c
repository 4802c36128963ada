/* SPDX-License-Identifier: Apache-2.0 */
#include "vision/geometry.h"

#include <math.h>

#include "base/error.h"
#include "vision/affine.h"

enum { MAX_SIDE = 16384 };

ferry_preprocess_settings ferry_preprocess_settings_default(void) {
    return (ferry_preprocess_settings){.struct_size = sizeof(ferry_preprocess_settings),
                                       .width = 640,
                                       .height = 640,
                                       .dtype = FERRY_FLOAT32,
                                       .scale_up = 1,
                                       .stride = 32,
                                       .crop = 0.875f,
                                       .pad = {114, 114, 114, 0},
                                       .divisor = 255,
                                       .deviation = {1, 1, 1},
                                       .affine = {1, 0, 0, 0, 1, 0}};
}

static ferry_status check_numbers(const ferry_preprocess_settings *s, ferry_error *error) {
    if (!isfinite(s->divisor) || s->divisor == 0)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "divisor %g: give a number other than 0", (double)s->divisor);
    for (int c = 0; c < 3; c++)
        if (!isfinite(s->mean[c]) || !isfinite(s->deviation[c]) || s->deviation[c] == 0)
            return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT,
                              "mean %g, deviation %g of channel %d: give finite numbers, "
                              "the deviation not 0",
                              (double)s->mean[c], (double)s->deviation[c], c);
    if (!(s->quant_scale >= 0) || !isfinite(s->quant_scale))
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "quantisation scale %g is not 0 or above",
                          (double)s->quant_scale);
    if (!(s->crop > 0.01f && s->crop <= 1))
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "crop %g is outside 0.01 to 1", (double)s->crop);
    return FERRY_OK;
}

ferry_status ferry_preprocess_settings_check(const ferry_preprocess_settings *s, ferry_error *error) {
    if (s->struct_size != sizeof *s)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT,
                          "preprocess settings of %u bytes where %zu are expected: start "
                          "from ferry_preprocess_settings_default()",
                          s->struct_size, sizeof *s);
    if (s->width < 1 || s->height < 1 || s->width > MAX_SIDE || s->height > MAX_SIDE)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "network input of %dx%d is outside 1x1 to %dx%d", s->width,
                          s->height, MAX_SIDE, MAX_SIDE);
    if ((unsigned)s->fit > FERRY_FIT_AFFINE || (unsigned)s->resample > FERRY_RESAMPLE_AFFINE ||
        (unsigned)s->rounding > FERRY_SIZE_FLOOR_ASPECT || (unsigned)s->channels > FERRY_CHANNELS_GRAY)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "unknown fit %d, resampling %d, rounding %d or channel order %d",
                          (int)s->fit, (int)s->resample, (int)s->rounding, (int)s->channels);
    if (s->dtype != FERRY_FLOAT32 && s->dtype != FERRY_FLOAT16 && s->dtype != FERRY_UINT8 && s->dtype != FERRY_INT8)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "pictures cannot become %s: use float32, float16, uint8 or int8",
                          ferry_dtype_name(s->dtype));
    if (s->stride < 1 || s->stride > MAX_SIDE)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "stride %d is outside 1 to %d", s->stride, MAX_SIDE);
    ferry_affine affine;
    if (s->fit == FERRY_FIT_AFFINE && !ferry_affine_from_matrix(s->affine, &affine))
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "the affine transform is singular or not finite");
    return check_numbers(s, error);
}

static int at_least_one(double size) { return size < 1 ? 1 : (int)size; }

/* Python's round: half to even, the default rounding mode of rint. */
static void letterbox_size(const ferry_preprocess_settings *s, int w, int h, int *content_width, int *content_height) {
    double ratio = fmin((double)s->height / h, (double)s->width / w);
    if (!s->scale_up) ratio = fmin(ratio, 1);
    if (s->rounding == FERRY_SIZE_NEAREST) {
        *content_width = at_least_one(rint(w * ratio));
        *content_height = at_least_one(rint(h * ratio));
    } else if (s->rounding == FERRY_SIZE_FLOOR || ratio == 1) {
        *content_width = at_least_one(floor(w * ratio));
        *content_height = at_least_one(floor(h * ratio));
    } else if ((double)h / w > (double)s->height / s->width) {
        *content_height = s->height;
        *content_width = at_least_one(s->height / ((double)h / w));
    } else {
        *content_width = s->width;
        *content_height = at_least_one(s->width * ((double)h / w));
    }
}

static void place_letterbox(const ferry_preprocess_settings *s, int w, int h, ferry_placement *p) {
    letterbox_size(s, w, h, &p->content_width, &p->content_height);
    int spare_x = s->width - p->content_width, spare_y = s->height - p->content_height;
    if (s->fit == FERRY_FIT_MINIMUM_RECTANGLE) {
        spare_x %= s->stride;
        spare_y %= s->stride;
        p->width = p->content_width + spare_x;
        p->height = p->content_height + spare_y;
    }
    if (s->fit == FERRY_FIT_LETTERBOX_TOP_LEFT) return;
    p->left = (int)rint(spare_x / 2.0 - 0.1);
    p->top = (int)rint(spare_y / 2.0 - 0.1);
}

static void place_crop(const ferry_preprocess_settings *s, int w, int h, ferry_placement *p) {
    const double wanted_width = rint((double)s->width / s->crop), wanted_height = rint((double)s->height / s->crop);
    if (wanted_width / w >= wanted_height / h) {
        p->content_width = at_least_one(wanted_width);
        p->content_height = at_least_one(wanted_width * h / w);
    } else {
        p->content_height = at_least_one(wanted_height);
        p->content_width = at_least_one(wanted_height * w / h);
    }
    p->left = -(int)rint((p->content_width - s->width) / 2.0);
    p->top = -(int)rint((p->content_height - s->height) / 2.0);
}

/* The same fits without rounding to whole pixels. */
static ferry_affine place_exactly(const ferry_preprocess_settings *s, const ferry_placement *p, int w, int h) {
    double scale_x = (double)s->width / w, scale_y = (double)s->height / h;
    if (s->fit == FERRY_FIT_STRETCH) return ferry_affine_from_scale(scale_x, scale_y, 0, 0);
    double scale = s->fit == FERRY_FIT_CENTER_CROP ? fmax(scale_x, scale_y) / s->crop : fmin(scale_x, scale_y);
    if (!s->scale_up && s->fit != FERRY_FIT_CENTER_CROP) scale = fmin(scale, 1);
    if (s->fit == FERRY_FIT_LETTERBOX_TOP_LEFT) return ferry_affine_from_scale(scale, scale, 0, 0);
    return ferry_affine_from_scale(scale, scale, (p->width - scale * w) / 2, (p->height - scale * h) / 2);
}

ferry_placement ferry_place(const ferry_preprocess_settings *s, int picture_width, int picture_height) {
    const int w = picture_width, h = picture_height;
    ferry_placement p = {.width = s->width, .height = s->height, .content_width = s->width, .content_height = s->height};
    if (s->fit == FERRY_FIT_CENTER_CROP)
        place_crop(s, w, h, &p);
    else if (s->fit != FERRY_FIT_STRETCH && s->fit != FERRY_FIT_AFFINE)
        place_letterbox(s, w, h, &p);
    if (s->fit == FERRY_FIT_AFFINE)
        ferry_affine_from_matrix(s->affine, &p.affine);
    else if (s->resample == FERRY_RESAMPLE_AFFINE)
        p.affine = place_exactly(s, &p, w, h);
    else
        p.affine = ferry_affine_from_scale((double)p.content_width / w, (double)p.content_height / h, p.left, p.top);
    return p;
}
