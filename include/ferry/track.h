/* SPDX-License-Identifier: Apache-2.0 */
/* Following objects from frame to frame: detections in, tracks with lasting numbers out. */
#ifndef FERRY_TRACK_H
#define FERRY_TRACK_H

#include <stddef.h>
#include <stdint.h>

#include <ferry/vision.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ferry_tracker_kind {
    FERRY_TRACKER_BYTETRACK = 0, /* Zhang et al., "ByteTrack", ECCV 2022: every box is matched, weak ones last */
    FERRY_TRACKER_OCSORT = 1     /* Cao et al., "Observation-Centric SORT", CVPR 2023: better through occlusion and turns */
} ferry_tracker_kind;

/* The defaults are those of the papers' own programs. Thresholds of costs are on 1 - IoU (times score where fused). */
typedef struct ferry_tracker_settings {
    size_t struct_size; /* sizeof(ferry_tracker_settings) */
    ferry_tracker_kind kind;
    float high_threshold; /* scores above it are matched first; default 0.5 for ByteTrack, 0.6 for OC-SORT */
    float low_threshold;  /* scores between it and high_threshold are matched last; default 0.1 */
    float frame_rate;     /* frames a second that update is called with; default 30 */
    int32_t buffer;       /* a lost track is kept for buffer * frame_rate / 30 frames; default 30 */
    int32_t class_aware;  /* 0 (default): a track may change its class; 1: only boxes of its class match */
    /* ByteTrack */
    float new_threshold;       /* from this score on an unmatched box starts a track; default 0.6 */
    float match_threshold;     /* of costs in the first matching; default 0.8 */
    float low_match_threshold; /* in the matching of weak boxes; default 0.5 */
    float new_match_threshold; /* in the matching of tracks seen once; default 0.7 */
    float duplicate_threshold; /* below this cost a tracked and a lost track are one; default 0.15 */
    int32_t fuse_score;        /* 1 (default): similarities are multiplied with scores */
    /* OC-SORT */
    float iou_threshold;    /* default 0.3 */
    float inertia;          /* weight of the direction's agreement; default 0.2 */
    int32_t direction_span; /* frames over which the direction is taken; default 3 */
    int32_t min_hits;       /* matches in a row before a track is shown; default 3 */
    int32_t match_low;      /* 1: weak boxes are matched too, as ByteTrack does; default 0 */
} ferry_tracker_settings;

FERRY_API void ferry_tracker_settings_default(ferry_tracker_settings *settings, ferry_tracker_kind kind);

typedef struct ferry_track {
    int64_t id; /* from 1, never used again by this tracker */
    float x0, y0, x1, y1;
    float score;
    int32_t class_index;
    int32_t detection; /* index of the box of this frame that it was matched with */
    int32_t frames;    /* from the frame that it was first seen in; 1 in that frame */
} ferry_track;

typedef struct ferry_tracker ferry_tracker;

/* settings NULL: ByteTrack's defaults. A tracker is used by one thread at a time. */
FERRY_API ferry_status ferry_tracker_create(const ferry_tracker_settings *settings, ferry_tracker **tracker,
                                            ferry_error *error);
FERRY_API void ferry_tracker_destroy(ferry_tracker *tracker); /* takes NULL */
/* Forgets all tracks; numbers go on. */
FERRY_API void ferry_tracker_reset(ferry_tracker *tracker);

/* One frame. Call it for every frame, also without detections. Boxes that are empty or not finite are passed over. *tracks are
 * those seen in this frame; they belong to the tracker and live until the next call. Memory stays within what the most tracks
 * and boxes at one time need. After FERRY_ERROR_OUT_OF_MEMORY the tracker is reset. */
FERRY_API ferry_status ferry_tracker_update(ferry_tracker *tracker, const ferry_detection *detections, int32_t count,
                                            const ferry_track **tracks, int32_t *track_count, ferry_error *error);

#ifdef __cplusplus
}
#endif
#endif
