/* SPDX-License-Identifier: Apache-2.0 */
/* What the two trackers share. */
#ifndef FERRY_VISION_TRACKER_H
#define FERRY_VISION_TRACKER_H

#include <ferry/track.h>
#include <stdbool.h>

#include "base/memory.h"
#include "vision/assignment.h"

/* A box of the current frame. */
typedef struct ferry_seen_box {
    double box[4]; /* x0 y0 x1 y1 */
    double score;
    int32_t class_index, detection;
} ferry_seen_box;

typedef FERRY_VECTOR(int) ferry_index_list;
typedef FERRY_VECTOR(ferry_seen_box) ferry_box_list;

typedef struct ferry_bytetrack ferry_bytetrack;
typedef struct ferry_ocsort ferry_ocsort;

struct ferry_tracker {
    ferry_tracker_settings settings;
    ferry_assignment assignment;
    ferry_box_list high, low; /* the frame's boxes by score */
    FERRY_VECTOR(ferry_track) shown;
    int64_t next_id;
    int32_t frame;              /* from 1; of this run, set back by reset */
    int32_t max_lost;           /* frames */
    ferry_bytetrack *bytetrack; /* one of the two */
    ferry_ocsort *ocsort;
};

/* Intersection over union; extra 1 counts inclusive pixels. 0 for boxes that are both empty. */
double ferry_track_iou(const double a[4], const double b[4], double extra);

/* Each tracker: fills tracker->shown from high and low. Only lack of memory fails. */
ferry_bytetrack *ferry_bytetrack_create(void);
void ferry_bytetrack_destroy(ferry_bytetrack *bytetrack);
void ferry_bytetrack_reset(ferry_bytetrack *bytetrack);
ferry_status ferry_bytetrack_update(ferry_tracker *tracker, ferry_error *error);
ferry_ocsort *ferry_ocsort_create(void);
void ferry_ocsort_destroy(ferry_ocsort *ocsort);
void ferry_ocsort_reset(ferry_ocsort *ocsort);
ferry_status ferry_ocsort_update(ferry_tracker *tracker, ferry_error *error);

#endif
