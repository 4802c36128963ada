/* SPDX-License-Identifier: Apache-2.0 */
/* A predictor: pictures in, results out. It joins an engine's execution context with the preprocessing and decoding that its
 * model card tells, so that boxes, keypoints, classes and embeddings come back in pixels of the picture. */
#ifndef FERRY_PREDICTOR_H
#define FERRY_PREDICTOR_H

#include <ferry/engine.h>
#include <ferry/image.h>
#include <ferry/vision.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ferry_predictor ferry_predictor;

typedef struct ferry_predictor_settings {
    size_t struct_size;
    int threads;        /* as in ferry_context_settings */
    int profile;        /* as in ferry_context_settings */
    float confidence;   /* scores must exceed it; below 0 (default): the model card's */
    float iou;          /* of NMS; below 0 (default): the model card's */
    int max_detections; /* 0 (default): the model card's */
    int width, height;  /* network input size for models with dynamic height and width; 0 (default): the card's, else 640 */
    const char *card;   /* text of "key: value" lines that override the engine's model card; NULL = none */
} ferry_predictor_settings;
FERRY_API void ferry_predictor_settings_default(ferry_predictor_settings *settings);

/* Recognises the task from the engine's metadata and the shapes of its outputs, or from settings->card. FERRY_ERROR_UNSUPPORTED
 * when the model's task is not known (run it on raw tensors then); the message tells what was looked at. settings NULL =
 * defaults. A predictor is used by one thread at a time; any number may share an engine. */
FERRY_API ferry_status ferry_predictor_create(ferry_engine *engine, const ferry_predictor_settings *settings,
                                              ferry_predictor **predictor, ferry_error *error);
FERRY_API void ferry_predictor_destroy(ferry_predictor *predictor); /* takes NULL */

/* Runs the model on one picture. The results live until the next call on this predictor. */
FERRY_API ferry_status ferry_predictor_run(ferry_predictor *predictor, const ferry_image *image, ferry_vision_results *results,
                                           ferry_error *error);

FERRY_API ferry_vision_task ferry_predictor_task(const ferry_predictor *predictor);
/* How the task was recognised, in words. */
FERRY_API const char *ferry_predictor_reason(const ferry_predictor *predictor);
/* The model card as "key: value" lines. */
FERRY_API const char *ferry_predictor_card(const ferry_predictor *predictor);
/* The name of a class; its number as text where the model names none. Never NULL. */
FERRY_API const char *ferry_predictor_label(ferry_predictor *predictor, int class_index);
/* Pairs of keypoint indices to join when drawing a skeleton; 0 pairs for models without one. */
FERRY_API int ferry_predictor_skeleton(const ferry_predictor *predictor, const int (**pairs)[2]);
/* For profiles. */
FERRY_API ferry_context *ferry_predictor_context(ferry_predictor *predictor);

typedef struct ferry_predictor_times {
    double preprocess_ms, inference_ms, postprocess_ms; /* of the last run */
} ferry_predictor_times;
FERRY_API void ferry_predictor_last_times(const ferry_predictor *predictor, ferry_predictor_times *times);

#ifdef __cplusplus
}
#endif
#endif
