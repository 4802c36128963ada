/* SPDX-License-Identifier: Apache-2.0 */
/* DetectionHead: see internal.def. */
#include <math.h>

#include "ops/rules.h"

ferry_status ferry_infer_detection_head(ferry_inference *inference) {
    const ferry_value_type *in = inference->inputs[0], *coefficients = inference->inputs[1];
    int64_t anchors = ferry_attribute_integer(inference->attributes, "anchors", 0);
    ferry_value_type *out = &inference->outputs[0];
    out->dtype = in->dtype;
    if (!in->ranked || !coefficients->ranked) return FERRY_OK;
    if (in->shape.rank != 4 || coefficients->shape.rank != 4)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "DetectionHead: the input has rank %d and the coefficients %d, not 4", (int)in->shape.rank,
                          (int)coefficients->shape.rank);
    int64_t channels = in->shape.dims[1], height = in->shape.dims[2], width = in->shape.dims[3],
            boxes = coefficients->shape.dims[3];
    int64_t pixels;
    bool known = ferry_dim_known(channels) && ferry_dim_known(height) && ferry_dim_known(width);
    if (!known || !ferry_int64_multiply(height, width, &pixels) || anchors < 1 || channels < anchors ||
        channels % anchors != 0 || boxes < 0 || boxes > channels / anchors || coefficients->shape.dims[0] != anchors ||
        coefficients->shape.dims[1] != pixels || coefficients->shape.dims[2] != 3)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "DetectionHead: the input's shape and the coefficients' do not fit %lld anchors", (long long)anchors);
    out->ranked = true;
    out->shape = (ferry_shape){.rank = 5, .dims = {in->shape.dims[0], anchors, height, width, channels / anchors}};
    return FERRY_OK;
}

ferry_status ferry_evaluate_detection_head(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *coefficients = ferry_input(evaluation, 1),
                       *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    if (in->dtype != FERRY_FLOAT32 || coefficients->dtype != FERRY_FLOAT32)
        return ferry_fail(evaluation->error, FERRY_ERROR_UNSUPPORTED, "DetectionHead: %s is not supported",
                          ferry_dtype_name(in->dtype));
    int64_t values = out->shape.dims[4], pixels = out->shape.dims[2] * out->shape.dims[3], boxes = coefficients->shape.dims[3];
    int64_t rows = ferry_shape_product(&out->shape, 0, 4), anchors = out->shape.dims[1];
    for (int64_t row = 0; row < rows; row++) {
        int64_t plane = row / pixels, pixel = row % pixels; /* plane: picture and anchor */
        const float *c = (const float *)coefficients->data + (plane % anchors * pixels + pixel) * 3 * boxes;
        for (int64_t k = 0; k < values; k++) {
            double s = 1.0 / (1.0 + exp(-(double)((const float *)in->data)[(plane * values + k) * pixels + pixel]));
            if (k < boxes) s = ((double)c[2 * boxes + k] * s + (double)c[boxes + k]) * s + (double)c[k];
            ((float *)out->data)[row * values + k] = (float)s;
        }
    }
    return FERRY_OK;
}
