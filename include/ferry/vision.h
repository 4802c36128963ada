/* SPDX-License-Identifier: Apache-2.0 */
/* Vision: how a picture becomes network input, and what comes back - boxes, keypoints, classes, embeddings. */
#ifndef FERRY_VISION_H
#define FERRY_VISION_H

#include <stdint.h>

#include <ferry/image.h>
#include <ferry/status.h>
#include <ferry/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A 2x3 matrix, row-major, and its inverse. Coordinates are continuous: pixel i covers i to i + 1, its centre is i + 0.5;
 * a box over the whole picture is (0, 0, width, height). Made once with the network input and carried with it: results go
 * back through it and are never computed anew from sizes. */
typedef struct ferry_affine {
    double to_network[6];
    double to_picture[6];
} ferry_affine;

/* Where the picture lands in the network input. */
typedef enum ferry_fit {
    FERRY_FIT_LETTERBOX = 0,          /* aspect kept, centred, padding on both sides (Ultralytics, auto=False) */
    FERRY_FIT_LETTERBOX_TOP_LEFT = 1, /* aspect kept, padding right and below (YOLOX, SCRFD) */
    FERRY_FIT_STRETCH = 2,            /* each axis on its own */
    FERRY_FIT_MINIMUM_RECTANGLE = 3,  /* letterbox, padded only to the next multiple of `stride` (Ultralytics, auto=True) */
    FERRY_FIT_CENTER_CROP = 4,        /* aspect kept, short side to size / crop, the middle cut out (ImageNet) */
    FERRY_FIT_AFFINE = 5              /* the transform given in `affine`, for alignment; resampling is always AFFINE */
} ferry_fit;

typedef enum ferry_resample {
    FERRY_RESAMPLE_OPENCV = 0, /* cv2.resize INTER_LINEAR into whole pixels, bit-exact for RGB, BGR and grey sources */
    FERRY_RESAMPLE_AFFINE = 1  /* one affine, float bilinear, padding blended in at the border; no rounding to whole pixels */
} ferry_resample;

/* How the resized size is rounded to whole pixels. */
typedef enum ferry_size_rounding {
    FERRY_SIZE_NEAREST = 0,     /* half to even, as Python's round (Ultralytics) */
    FERRY_SIZE_FLOOR = 1,       /* int(side * ratio) (YOLOX) */
    FERRY_SIZE_FLOOR_ASPECT = 2 /* full side, other side int(side * aspect) (SCRFD) */
} ferry_size_rounding;

typedef enum ferry_channel_order {
    FERRY_CHANNELS_RGB = 0,
    FERRY_CHANNELS_BGR = 1,
    FERRY_CHANNELS_GRAY = 2
} ferry_channel_order;

/* From picture to tensor. An element is (x / divisor - mean[c]) / deviation[c], rounded to float after each step, x being the
 * resized 8-bit value of output channel c. For dtype uint8 and int8: x itself when quant_scale is 0, else
 * clamp(round(element / quant_scale) + zero_point). */
typedef struct ferry_preprocess_settings {
    uint32_t struct_size;  /* sizeof(ferry_preprocess_settings) */
    int32_t width, height; /* of the network input; the upper bound for MINIMUM_RECTANGLE */
    ferry_fit fit;
    ferry_resample resample;
    ferry_size_rounding rounding;
    ferry_channel_order channels;
    ferry_dtype dtype;   /* FERRY_FLOAT32 (default), FLOAT16, UINT8 or INT8 */
    int32_t interleaved; /* 0 NCHW (default), 1 NHWC */
    int32_t scale_up;    /* 1 (default): small pictures are enlarged; 0: only padded */
    int32_t stride;      /* for MINIMUM_RECTANGLE, default 32 */
    float crop;          /* for CENTER_CROP, default 0.875 = 224 / 256 */
    uint8_t pad[4];      /* padding by R, G, B (or grey in pad[0]); default 114 each; the fourth is not used */
    float divisor;       /* default 255 */
    float mean[3];       /* by output channel; default 0 */
    float deviation[3];  /* default 1 */
    float quant_scale;   /* default 0 */
    int32_t zero_point;
    double affine[6]; /* for FIT_AFFINE: picture to network input, continuous coordinates */
} ferry_preprocess_settings;

FERRY_API ferry_preprocess_settings ferry_preprocess_settings_default(void);

typedef struct ferry_keypoint {
    float x, y;
    float score; /* visibility or confidence; 1 where the model gives none */
} ferry_keypoint;

/* A detected object in pixels of the source picture, clipped to it. */
typedef struct ferry_detection {
    float x0, y0, x1, y1;
    float score;
    int32_t class_index;
    int32_t keypoint_begin, keypoint_count; /* in ferry_vision_results.keypoints */
} ferry_detection;

typedef struct ferry_class_score {
    int32_t class_index;
    float score;
} ferry_class_score;

/* What a picture gave. Arrays belong to the object that filled them and live until its next use. */
typedef struct ferry_vision_results {
    const ferry_detection *detections; /* by score, best first */
    int32_t detection_count;
    const ferry_keypoint *keypoints;
    int32_t keypoint_count;
    const ferry_class_score *classes; /* by score, best first */
    int32_t class_count;
    const float *embedding; /* of length 1 */
    int32_t embedding_size;
} ferry_vision_results;

typedef enum ferry_vision_task {
    FERRY_TASK_RAW = 0,             /* nothing known: tensors in, tensors out */
    FERRY_TASK_YOLOV5 = 1,          /* 1 x N x (5 + classes), decoded */
    FERRY_TASK_YOLOV5_RAW = 2,      /* one output a stride, before the sigmoid */
    FERRY_TASK_YOLOV8 = 3,          /* 1 x (4 + classes) x N; also 11 */
    FERRY_TASK_YOLO_END_TO_END = 4, /* 1 x N x 6: x0 y0 x1 y1 score class, no NMS needed */
    FERRY_TASK_YOLOX = 5,
    FERRY_TASK_SCRFD = 6,
    FERRY_TASK_RETINAFACE = 7,
    FERRY_TASK_YUNET = 8,
    FERRY_TASK_ULTRAFACE = 9,
    FERRY_TASK_CLASSIFY = 10,
    FERRY_TASK_POSE_HEATMAP = 11,
    FERRY_TASK_YOLOV8_POSE = 12, /* 1 x (4 + classes + 3 * keypoints) x N */
    FERRY_TASK_EMBEDDING = 13
} ferry_vision_task;

/* "yolov5", "scrfd" ...; "raw" for anything unknown. */
FERRY_API const char *ferry_vision_task_name(ferry_vision_task task);

/* What a model says about itself, for recognition. Everything is borrowed. */
typedef struct ferry_named_shape {
    const char *name;
    ferry_dtype dtype;
    ferry_shape shape; /* a negative or 0 dimension is one not known */
} ferry_named_shape;

typedef struct ferry_model_signature {
    const ferry_named_shape *inputs;
    int32_t input_count;
    const ferry_named_shape *outputs;
    int32_t output_count;
    const char *const *metadata_keys; /* as the model file carries them: names, stride, task ... */
    const char *const *metadata_values;
    int32_t metadata_count;
} ferry_model_signature;

#ifdef __cplusplus
}
#endif
#endif
