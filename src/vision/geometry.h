/* SPDX-License-Identifier: Apache-2.0 */
/* Where a picture of some size lands in the network input: whole-pixel placement and the exact transform. */
#ifndef FERRY_VISION_GEOMETRY_H
#define FERRY_VISION_GEOMETRY_H

#include <ferry/vision.h>

typedef struct ferry_placement {
    int32_t width, height; /* of the network input */
    /* The resized picture's corner and size, in pixels of the network input; a crop reaches beyond it. With RESAMPLE_AFFINE
     * only the transform counts. */
    int32_t left, top, content_width, content_height;
    ferry_affine affine;
} ferry_placement;

/* Refuses settings that are out of range: sizes outside 1 to 16384, zero divisor or deviation, unknown enums, singular affine.
 */
ferry_status ferry_preprocess_settings_check(const ferry_preprocess_settings *settings, ferry_error *error);

/* settings must be checked; sizes of the picture 1 to 65535. The formulas are those of Ultralytics (LETTERBOX,
 * MINIMUM_RECTANGLE: utils/augmentations.py), YOLOX, SCRFD and torchvision (CENTER_CROP); see the enums. */
ferry_placement ferry_place(const ferry_preprocess_settings *settings, int picture_width, int picture_height);

#endif
