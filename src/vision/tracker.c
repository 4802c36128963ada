/* SPDX-License-Identifier: Apache-2.0 */
#include "vision/tracker.h"

#include <math.h>

void ferry_tracker_settings_default(ferry_tracker_settings *settings, ferry_tracker_kind kind) {
    *settings = (ferry_tracker_settings){.struct_size = sizeof *settings,
                                         .kind = kind,
                                         .high_threshold = kind == FERRY_TRACKER_OCSORT ? 0.6f : 0.5f,
                                         .low_threshold = 0.1f,
                                         .frame_rate = 30,
                                         .buffer = 30,
                                         .new_threshold = 0.6f,
                                         .match_threshold = 0.8f,
                                         .low_match_threshold = 0.5f,
                                         .new_match_threshold = 0.7f,
                                         .duplicate_threshold = 0.15f,
                                         .fuse_score = 1,
                                         .iou_threshold = 0.3f,
                                         .inertia = 0.2f,
                                         .direction_span = 3,
                                         .min_hits = 3};
}

static ferry_status check(const ferry_tracker_settings *s, ferry_error *error) {
    const float thresholds[] = {s->high_threshold,      s->low_threshold,       s->new_threshold,
                                s->match_threshold,     s->low_match_threshold, s->new_match_threshold,
                                s->duplicate_threshold, s->iou_threshold,       s->inertia};
    if (s->struct_size != sizeof *s)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT,
                          "tracker settings of %zu bytes, not %zu: call "
                          "ferry_tracker_settings_default first",
                          s->struct_size, sizeof *s);
    for (size_t i = 0; i < sizeof thresholds / sizeof *thresholds; i++)
        if (!(thresholds[i] >= 0 && thresholds[i] <= 1))
            return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "a threshold of the tracker is %g, outside 0 to 1",
                              (double)thresholds[i]);
    if ((unsigned)s->kind > FERRY_TRACKER_OCSORT || !(s->frame_rate > 0 && s->frame_rate <= 1e6f) || s->buffer < 0 ||
        s->buffer > 1000000 || s->direction_span < 1 || s->direction_span > 30 || s->min_hits < 0)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT,
                          "tracker kind %d, frame rate %g, buffer %d, direction span %d or "
                          "min_hits %d is out of range",
                          (int)s->kind, (double)s->frame_rate, s->buffer, s->direction_span, s->min_hits);
    return FERRY_OK;
}

ferry_status ferry_tracker_create(const ferry_tracker_settings *settings, ferry_tracker **tracker, ferry_error *error) {
    ferry_tracker_settings defaults;
    *tracker = NULL;
    ferry_tracker_settings_default(&defaults, FERRY_TRACKER_BYTETRACK);
    if (!settings) settings = &defaults;
    FERRY_TRY(check(settings, error));
    ferry_tracker *t = ferry_calloc(1, sizeof *t);
    if (!t) return ferry_fail_memory(error, sizeof *t);
    t->settings = *settings;
    t->max_lost = (int32_t)(settings->frame_rate / 30.0 * settings->buffer);
    if (settings->kind == FERRY_TRACKER_OCSORT)
        t->ocsort = ferry_ocsort_create();
    else
        t->bytetrack = ferry_bytetrack_create();
    if (!t->ocsort && !t->bytetrack) {
        ferry_free(t);
        return ferry_fail_memory(error, sizeof *t);
    }
    *tracker = t;
    return FERRY_OK;
}

void ferry_tracker_destroy(ferry_tracker *t) {
    if (!t) return;
    ferry_ocsort_destroy(t->ocsort);
    ferry_bytetrack_destroy(t->bytetrack);
    ferry_assignment_free(&t->assignment);
    ferry_vector_free(&t->high);
    ferry_vector_free(&t->low);
    ferry_vector_free(&t->shown);
    ferry_free(t);
}

void ferry_tracker_reset(ferry_tracker *t) {
    if (t->ocsort) ferry_ocsort_reset(t->ocsort);
    if (t->bytetrack) ferry_bytetrack_reset(t->bytetrack);
    t->shown.count = 0;
    t->frame = 0;
}

double ferry_track_iou(const double a[4], const double b[4], double extra) {
    const double width = fmin(a[2], b[2]) - fmax(a[0], b[0]) + extra, height = fmin(a[3], b[3]) - fmax(a[1], b[1]) + extra;
    if (!(width > 0 && height > 0)) return 0;
    const double inter = width * height;
    return inter / ((a[2] - a[0] + extra) * (a[3] - a[1] + extra) + (b[2] - b[0] + extra) * (b[3] - b[1] + extra) - inter);
}

/* A score equal to the high threshold is neither high nor low, as in the original. */
static ferry_status sort_in(ferry_tracker *t, const ferry_detection *d, int32_t index, ferry_error *error) {
    const ferry_seen_box seen = {.box = {(double)d->x0, (double)d->y0, (double)d->x1, (double)d->y1},
                                 .score = (double)d->score,
                                 .class_index = d->class_index,
                                 .detection = index};
    for (int i = 0; i < 4; i++)
        if (!(fabs(seen.box[i]) < 1e7)) return FERRY_OK;
    if (!(seen.box[2] > seen.box[0] && seen.box[3] > seen.box[1])) return FERRY_OK;
    const bool high = d->score > t->settings.high_threshold;
    const bool low = d->score > t->settings.low_threshold && d->score < t->settings.high_threshold;
    if ((high && !ferry_vector_push(&t->high, seen)) || (low && !ferry_vector_push(&t->low, seen)))
        return ferry_fail_memory(error, sizeof seen);
    return FERRY_OK;
}

static ferry_status update(ferry_tracker *t, const ferry_detection *detections, int32_t count, ferry_error *error) {
    t->high.count = t->low.count = t->shown.count = 0;
    t->frame++;
    for (int32_t i = 0; i < count; i++) FERRY_TRY(sort_in(t, &detections[i], i, error));
    return t->ocsort ? ferry_ocsort_update(t, error) : ferry_bytetrack_update(t, error);
}

ferry_status ferry_tracker_update(ferry_tracker *t, const ferry_detection *detections, int32_t count,
                                  const ferry_track **tracks, int32_t *track_count, ferry_error *error) {
    ferry_status status = update(t, detections, count, error);
    if (status != FERRY_OK) ferry_tracker_reset(t);
    *tracks = t->shown.items;
    *track_count = (int32_t)t->shown.count;
    return status;
}
