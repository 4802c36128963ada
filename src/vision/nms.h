/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates of a detection head and greedy non-maximum suppression. */
#ifndef FERRY_VISION_NMS_H
#define FERRY_VISION_NMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/detect/detect.h"

typedef struct ferry_candidate {
    float box[4]; /* x0 y0 x1 y1 in network input */
    float score;
    int32_t class_index;
    int32_t source; /* which anchor of the head made it, for its keypoints */
} ferry_candidate;

/* A growing list that is kept from picture to picture, so that after the first few none allocates. Zero-initialise it. */
typedef struct ferry_candidates {
    ferry_candidate *items;
    size_t count, capacity;
} ferry_candidates;

ferry_status ferry_candidates_push(ferry_candidates *candidates, const ferry_candidate *candidate, ferry_error *error);
void ferry_candidates_free(ferry_candidates *candidates);

typedef struct ferry_nms_settings {
    float iou;              /* a box goes when its intersection over union with a better one exceeds this (strictly) */
    int32_t max_candidates; /* only so many, the best, are looked at */
    int32_t max_detections; /* stop after so many are kept */
    bool agnostic;          /* compare across classes */
    bool inclusive;         /* widths and heights count both ends: + 1 (InsightFace) */
} ferry_nms_settings;

/* Working memory, kept likewise. Zero-initialise it. */
typedef struct ferry_nms {
    uint64_t *keys[2];
    float *boxes; /* 5 rows */
    int32_t *class_begin, *class_kept;
    int32_t *kept; /* indices of the kept candidates, best first */
    int32_t kept_count;
    size_t capacity, class_capacity;
} ferry_nms;

void ferry_nms_free(ferry_nms *nms);

/* Sorts by score, best first, ties by position in the list, and keeps each box that no kept box of its class overlaps too
 * much. The same result as Ultralytics' non_max_suppression, except that classes are compared instead of shifted apart by an
 * offset, which is exact where that rounds. class_index must be at least 0. */
ferry_status ferry_nms_run(ferry_nms *nms, const ferry_detect_kernels *kernels, const ferry_candidates *candidates,
                           const ferry_nms_settings *settings, ferry_error *error);

#endif
