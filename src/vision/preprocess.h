/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures to network input. Tables are made when the picture's size or format changes; a run then allocates nothing. */
#ifndef FERRY_VISION_PREPROCESS_H
#define FERRY_VISION_PREPROCESS_H

#include <stddef.h>
#include <stdint.h>

#include <ferry/vision.h>

#include "base/pool.h"

typedef struct ferry_preprocessor ferry_preprocessor;

/* `threads`: the most threads of any pool given later. cpu_features: base/cpu.h. One thread at a time may use the object. */
ferry_status ferry_preprocessor_create(const ferry_preprocess_settings *settings, uint32_t cpu_features, int threads,
                                       ferry_preprocessor **preprocessor, ferry_error *error);
void ferry_preprocessor_destroy(ferry_preprocessor *preprocessor); /* takes NULL */
const ferry_preprocess_settings *ferry_preprocessor_settings(const ferry_preprocessor *preprocessor);

/* Checks the picture and makes the tables if it differs in size, format, matrix or range from the last one. Tells the shape
 * of the network input (batch 1), which only MINIMUM_RECTANGLE makes depend on the picture. */
ferry_status ferry_preprocessor_prepare(ferry_preprocessor *preprocessor, const ferry_image *image, ferry_shape *shape,
                                        ferry_error *error);
/* For FIT_AFFINE: the transform of the next runs, picture to network input in continuous coordinates. */
ferry_status ferry_preprocessor_set_affine(ferry_preprocessor *preprocessor, const double to_network[6], ferry_error *error);

/* Prepares and fills `output` (all elements of the shape that prepare tells; bytes are checked against `output_bytes`).
 * Rows are shared out over `pool` (NULL: the caller alone). *transform receives the exact transform. */
ferry_status ferry_preprocessor_run(ferry_preprocessor *preprocessor, const ferry_image *image, ferry_pool *pool, void *output,
                                    size_t output_bytes, ferry_affine *transform, ferry_error *error);

#endif
