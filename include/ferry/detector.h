/* SPDX-License-Identifier: Apache-2.0 */
/* A detector joins an engine with what its task needs: a picture goes in, boxes, keypoints, classes or an embedding come out. */
#ifndef FERRY_DETECTOR_H
#define FERRY_DETECTOR_H

#include <ferry/engine.h>
#include <ferry/vision.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Holds a context of its own: use it from one thread at a time; any number may share an engine. */
typedef struct ferry_detector ferry_detector;

typedef struct ferry_detector_settings {
    size_t struct_size; /* set by ferry_detector_settings_default */
    int threads;        /* working threads, the caller's included; 0 = one a processor */
    const char *task;   /* a name as ferry_task_name gives; NULL (default): recognised from the engine's metadata and shapes */
    const char *card;   /* "key: value" lines that override what was recognised (docs/vision.md); NULL (default): none */
    float confidence;   /* least score of a detection; negative (default): the model's usual one */
    float iou;          /* overlap beyond which the weaker of two boxes goes; negative (default): the model's usual one */
    int max_detections; /* a picture; 0 (default): the model's usual number */
    int agnostic;       /* 1: boxes of different classes suppress each other too; default 0 */
} ferry_detector_settings;
FERRY_API void ferry_detector_settings_default(ferry_detector_settings *settings);

/* FERRY_ERROR_UNSUPPORTED when the engine's task is not known, or the engine's outputs do not fit it: the message says what was
 * looked for. settings NULL = defaults. The engine may be destroyed before the detector. */
FERRY_API ferry_status ferry_detector_create(ferry_engine *engine, const ferry_detector_settings *settings,
                                             ferry_detector **detector, ferry_error *error);
FERRY_API void ferry_detector_destroy(ferry_detector *detector); /* takes NULL */

/* Looks at one picture. The arrays in *results belong to the detector and live until its next run. */
FERRY_API ferry_status ferry_detector_run(ferry_detector *detector, const ferry_image *image, ferry_vision_results *results,
                                          ferry_error *error);

FERRY_API ferry_task ferry_detector_task(const ferry_detector *detector);
/* Why the model was taken for this task, in words. */
FERRY_API const char *ferry_detector_reason(const ferry_detector *detector);
/* Names of classes; count 0 where the model carries none and none are usual for its task. Never NULL inside the range. */
FERRY_API int ferry_detector_class_count(const ferry_detector *detector);
FERRY_API const char *ferry_detector_class_name(const ferry_detector *detector, int index); /* NULL outside the range */

/* Milliseconds of the last run's parts. */
typedef struct ferry_detector_times {
    double prepare, run, finish;
} ferry_detector_times;
FERRY_API void ferry_detector_get_times(const ferry_detector *detector, ferry_detector_times *times);

#ifdef __cplusplus
}
#endif
#endif
