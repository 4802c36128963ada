/* SPDX-License-Identifier: Apache-2.0 */
/* Detection heads: from a network's raw outputs to candidates, and after suppression to keypoints. */
#ifndef FERRY_VISION_HEADS_H
#define FERRY_VISION_HEADS_H

#include <ferry/vision.h>

#include "tensor/tensor.h"
#include "vision/nms.h"

enum { FERRY_HEAD_LEVELS = 5, FERRY_HEAD_ANCHORS = 3, FERRY_HEAD_KEYPOINTS = 256 };

/* How a network's outputs are read. What is 0 is taken from the outputs' shapes. */
typedef struct ferry_head_settings {
    ferry_vision_task task;
    int32_t classes;
    int32_t keypoints;
    int32_t top_k;    /* CLASSIFY: how many classes are told */
    float confidence; /* see each head for > or >= */
    ferry_nms_settings nms;
    bool multi_label;     /* one candidate for every class above the threshold, not only the best */
    bool softmax;         /* CLASSIFY: outputs are logits */
    float keypoint_scale; /* RETINAFACE: landmark_std, 0.2 for mnet25_v2 (net3l) and 1 for the older ones */
    int32_t level_count;
    int32_t strides[FERRY_HEAD_LEVELS];
    float anchors[FERRY_HEAD_LEVELS][FERRY_HEAD_ANCHORS][2]; /* YOLOV5_RAW: width, height in pixels of the network input */
} ferry_head_settings;

/* Settings that a task's reference implementation uses. */
ferry_head_settings ferry_head_settings_default(ferry_vision_task task);

/* Outputs are float32, plain, batch 1; names may hold NULLs where a head does not need them. */
typedef struct ferry_head_input {
    const ferry_head_settings *settings;
    const ferry_detect_kernels *kernels;
    const ferry_tensor *outputs;
    const char *const *names;
    int32_t output_count;
    int32_t width, height; /* of the network input */
} ferry_head_input;

/* Working memory, kept from picture to picture. Zero-initialise it. */
typedef struct ferry_head_workspace {
    int32_t *indices;
    float *scores;
    size_t capacity;
} ferry_head_workspace;

void ferry_head_workspace_free(ferry_head_workspace *workspace);
ferry_status ferry_head_workspace_reserve(ferry_head_workspace *workspace, size_t count, ferry_error *error);

/* Whether the task gives boxes. */
bool ferry_head_detects(ferry_vision_task task);
/* Whether its boxes need suppression. */
bool ferry_head_needs_nms(ferry_vision_task task);
/* Appends candidates above the confidence, in order of their anchors. Refuses outputs whose shapes do not fit the task or the
 * size of the network input. */
ferry_status ferry_head_decode(const ferry_head_input *input, ferry_head_workspace *workspace, ferry_candidates *candidates,
                               ferry_error *error);
/* How many keypoints each candidate has, at most FERRY_HEAD_KEYPOINTS; after a decode of the same input that succeeded. */
int ferry_head_keypoint_count(const ferry_head_input *input);
/* The keypoints of the anchor `source` of a candidate, in network input. */
void ferry_head_keypoints(const ferry_head_input *input, int32_t source, ferry_keypoint *keypoints);

/* --- one function a family, used by the table in heads.c --------------------------------------------------------------- */

typedef ferry_status ferry_head_decode_fn(const ferry_head_input *input, ferry_head_workspace *workspace,
                                          ferry_candidates *candidates, ferry_error *error);
typedef void ferry_head_keypoints_fn(const ferry_head_input *input, int32_t source, ferry_keypoint *keypoints);

/* YOLOv5 v6, decoded in the graph: N rows of cx cy w h objectness classes. objectness > conf, then objectness * class > conf
 * (utils/general.py non_max_suppression). */
ferry_head_decode_fn ferry_decode_yolov5;
/* The three heads before the sigmoid, 1 x (anchors * (5 + classes)) x H x W or 1 x anchors x H x W x (5 + classes):
 * xy = (2s + grid - 0.5) * stride, wh = (2s)^2 * anchor (models/yolo.py Detect). */
ferry_head_decode_fn ferry_decode_yolov5_raw;
/* YOLOv8 and 11: channel-major rows cx cy w h classes [keypoints x y visibility]; class > conf. */
ferry_head_decode_fn ferry_decode_yolov8;
ferry_head_keypoints_fn ferry_keypoints_yolov8;
/* Rows x0 y0 x1 y1 score class; score > conf. */
ferry_head_decode_fn ferry_decode_yolo_end_to_end;
/* YOLOX: rows x y w h objectness classes on the grids of the strides; (xy + grid) * stride, exp(wh) * stride;
 * objectness * class >= conf (yolox/utils/boxes.py postprocess). */
ferry_head_decode_fn ferry_decode_yolox;
/* SCRFD (insightface scrfd.py): score, box distances and keypoints a stride, told apart by their last dimension 1, 4, 10;
 * 1 or 2 anchors a cell at (x, y) * stride; score >= conf. */
ferry_head_decode_fn ferry_decode_scrfd;
ferry_head_keypoints_fn ferry_keypoints_scrfd;
/* RetinaFace, InsightFace's mobilenet0.25 with two anchors a cell and 4 x H x W score maps (retinaface.py); score >= conf. */
ferry_head_decode_fn ferry_decode_retinaface;
ferry_head_keypoints_fn ferry_keypoints_retinaface;
/* YuNet (libfacedetection; OpenCV's FaceDetectorYN): score = sqrt(cls * obj), outputs cls_8 obj_8 bbox_8 kps_8 ...; >= conf. */
ferry_head_decode_fn ferry_decode_yunet;
ferry_head_keypoints_fn ferry_keypoints_yunet;
/* UltraFace RFB/slim: scores 1 x N x 2, boxes 1 x N x 4 as fractions of the input; score > conf. */
ferry_head_decode_fn ferry_decode_ultraface;

/* --- heads without boxes (classify.c, pose.c) -------------------------------------------------------------------------- */

/* The k best of `count` scores, best first, ties by index; softmax first where wanted (stable: the maximum is subtracted).
 * Returns how many were written: min(k, count). NaN scores are passed over. */
int ferry_classify(const float *scores, int count, bool softmax, int k, ferry_class_score *best);
/* Divides by the Euclidean length; a zero vector stays. out may be values. */
void ferry_normalize_embedding(const float *values, int count, float *out);
/* Keypoints from `joints` maps of height x width: the maximum, moved by a quarter pixel towards its greater neighbour on each
 * axis where it is not at the border (mmpose 0.x keypoints_from_heatmaps, default). Coordinates are in map pixels as indices;
 * a map without a positive value gives (-1, -1) and its maximum as score. */
void ferry_decode_heatmaps(const float *maps, int joints, int height, int width, ferry_keypoint *keypoints);

#endif
