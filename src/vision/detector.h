/* SPDX-License-Identifier: Apache-2.0 */
/* A model card put to work: pictures to network input, outputs to results. Inference itself is somebody else's. */
#ifndef FERRY_VISION_DETECTOR_H
#define FERRY_VISION_DETECTOR_H

#include <stddef.h>
#include <stdint.h>

#include <ferry/vision.h>

#include "base/pool.h"
#include "tensor/tensor.h"
#include "vision/card.h"

/* What a network input was made of; goes with it to its outputs. */
typedef struct ferry_input_geometry {
    ferry_affine affine;
    int32_t picture_width, picture_height;
    int32_t network_width, network_height;
} ferry_input_geometry;

typedef struct ferry_detector ferry_detector;

/* Copies of the card's settings are kept, not its labels. One thread at a time may use a detector. */
ferry_status ferry_detector_create(const ferry_model_card *card, uint32_t cpu_features, int threads, ferry_detector **detector,
                                   ferry_error *error);
void ferry_detector_destroy(ferry_detector *detector); /* takes NULL */

/* The network input's shape for a picture; makes tables where needed. */
ferry_status ferry_detector_input_shape(ferry_detector *detector, const ferry_image *image, ferry_shape *shape,
                                        ferry_error *error);
/* Fills the network input. See ferry_preprocessor_run. */
ferry_status ferry_detector_preprocess(ferry_detector *detector, const ferry_image *image, ferry_pool *pool, void *input,
                                       size_t input_bytes, ferry_input_geometry *geometry, ferry_error *error);
/* For FIT_AFFINE: the transform of the next preprocess calls. */
ferry_status ferry_detector_set_affine(ferry_detector *detector, const double to_network[6], ferry_error *error);

/* Reads the outputs (plain, batch 1, float32 or float16; names may be NULL) as the card's task says. Boxes and keypoints come
 * in pixels of the picture, clipped to it; heatmap keypoints likewise, in order of the joints. Arrays in *results belong to
 * the detector and live until the next call. A task RAW gives empty results. */
ferry_status ferry_detector_postprocess(ferry_detector *detector, const ferry_tensor *outputs, const char *const *names,
                                        int output_count, const ferry_input_geometry *geometry, ferry_vision_results *results,
                                        ferry_error *error);

#endif
