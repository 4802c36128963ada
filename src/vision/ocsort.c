/* SPDX-License-Identifier: Apache-2.0 */
/* OC-SORT after the paper (section 4) and the authors' program: observation-centric momentum (direction in the cost), recovery
 * (a second matching with the last boxes seen) and re-update (the filter walks a straight line over the frames that an object
 * was out of sight). State: centre, area, aspect, and velocities of the first three. */
#include <math.h>
#include <string.h>

#include "vision/kalman.h"
#include "vision/tracker.h"

enum { HISTORY = 32 }; /* above the greatest direction_span */

static const double pi = 3.14159265358979323846;

typedef struct oc_filter {
    ferry_kalman x, y, area;
    double aspect, aspect_variance;
} oc_filter;

typedef struct oc_track {
    oc_filter filter, frozen; /* frozen: as it was in the first frame out of sight */
    bool observed, is_frozen;
    double last_box[4]; /* last seen; valid when seen */
    bool seen;          /* matched at least once after it was made */
    double history[HISTORY][4];
    int32_t history_age[HISTORY]; /* age at which each was seen; -1 none */
    double direction[2];          /* y, x, of length 1 or 0 */
    double predicted[4];
    int64_t id;
    double score;
    int32_t class_index, detection;
    int32_t first_frame, age, since_update, streak;
} oc_track;

struct ferry_ocsort {
    FERRY_VECTOR(oc_track) tracks;
    ferry_index_list free_boxes, free_tracks; /* of this frame */
    FERRY_VECTOR(int) partner;                /* of each track: a box or -1 */
};

ferry_ocsort *ferry_ocsort_create(void) { return ferry_calloc(1, sizeof(ferry_ocsort)); }

void ferry_ocsort_destroy(ferry_ocsort *o) {
    if (!o) return;
    ferry_vector_free(&o->tracks);
    ferry_vector_free(&o->free_boxes);
    ferry_vector_free(&o->free_tracks);
    ferry_vector_free(&o->partner);
    ferry_free(o);
}

void ferry_ocsort_reset(ferry_ocsort *o) { o->tracks.count = 0; }

/* --- the filter ------------------------------------------------------------------------------------------------------------
 */

/* Centre x, y, area, width / height. */
static void measure(const double box[4], double measured[4]) {
    const double width = box[2] - box[0], height = box[3] - box[1];
    measured[0] = box[0] + width / 2;
    measured[1] = box[1] + height / 2;
    measured[2] = width * height;
    measured[3] = width / (height + 1e-6);
}

static void filter_start(oc_filter *f, const double box[4]) {
    double m[4];
    measure(box, m);
    f->x = (ferry_kalman){m[0], 0, 10, 0, 10000};
    f->y = (ferry_kalman){m[1], 0, 10, 0, 10000};
    f->area = (ferry_kalman){m[2], 0, 10, 0, 10000};
    f->aspect = m[3];
    f->aspect_variance = 10;
}

static void filter_predict(oc_filter *f) {
    ferry_kalman_predict(&f->x, 1, 0.01);
    ferry_kalman_predict(&f->y, 1, 0.01);
    ferry_kalman_predict(&f->area, 1, 0.0001);
    f->aspect_variance += 1;
}

static void filter_update(oc_filter *f, const double measured[4]) {
    ferry_kalman_update(&f->x, measured[0], 1);
    ferry_kalman_update(&f->y, measured[1], 1);
    ferry_kalman_update(&f->area, measured[2], 10);
    const double gain = f->aspect_variance / (f->aspect_variance + 10);
    f->aspect += gain * (measured[3] - f->aspect);
    f->aspect_variance -= gain * f->aspect_variance;
}

/* False when the state is no box any more. */
static bool filter_box(const oc_filter *f, double box[4]) {
    const double width = sqrt(f->area.position * f->aspect), height = f->area.position / width;
    box[0] = f->x.position - width / 2;
    box[1] = f->y.position - height / 2;
    box[2] = f->x.position + width / 2;
    box[3] = f->y.position + height / 2;
    return isfinite(box[0]) && isfinite(box[1]) && isfinite(box[2]) && isfinite(box[3]);
}

/* Back to the state of the first frame out of sight, then over `gap` frames along the straight line between two boxes. */
static void filter_replay(oc_track *track, const double to[4], int gap) {
    double from_measured[4], to_measured[4];
    measure(track->last_box, from_measured);
    measure(to, to_measured);
    const double from_width = sqrt(from_measured[2] * from_measured[3]),
                 from_height = sqrt(from_measured[2] / from_measured[3]);
    const double to_width = sqrt(to_measured[2] * to_measured[3]), to_height = sqrt(to_measured[2] / to_measured[3]);
    track->filter = track->frozen;
    for (int i = 1; i <= gap; i++) {
        const double part = (double)i / gap;
        const double width = from_width + part * (to_width - from_width),
                     height = from_height + part * (to_height - from_height);
        const double measured[4] = {from_measured[0] + part * (to_measured[0] - from_measured[0]),
                                    from_measured[1] + part * (to_measured[1] - from_measured[1]), width * height,
                                    width / height};
        filter_update(&track->filter, measured);
        if (i < gap) filter_predict(&track->filter);
    }
}

/* --- tracks ----------------------------------------------------------------------------------------------------------------
 */

static void direction_between(const double from[4], const double to[4], double direction[2]) {
    const double dx = (to[0] + to[2] - from[0] - from[2]) / 2, dy = (to[1] + to[3] - from[1] - from[3]) / 2;
    const double length = sqrt(dx * dx + dy * dy) + 1e-6;
    direction[0] = dy / length;
    direction[1] = dx / length;
}

/* The box seen `span` frames ago, or as long ago as possible within the span, or else the last one; NULL when none was. */
static const double *earlier_box(const oc_track *track, int span) {
    for (int back = span; back > 0; back--) {
        const int32_t age = track->age - back;
        if (age >= 0 && track->history_age[age % HISTORY] == age) return track->history[age % HISTORY];
    }
    return track->seen ? track->last_box : NULL;
}

static void predict(oc_track *track) {
    if (track->filter.area.velocity + track->filter.area.position <= 0) track->filter.area.velocity = 0;
    filter_predict(&track->filter);
    track->age++;
    if (track->since_update > 0) track->streak = 0;
    track->since_update++;
}

static void miss(oc_track *track) {
    if (track->observed) {
        track->frozen = track->filter;
        track->is_frozen = true;
    }
    track->observed = false;
}

static void hit(oc_track *track, const ferry_seen_box *seen, int span) {
    const double *earlier = earlier_box(track, span);
    double measured[4];
    if (earlier) direction_between(earlier, seen->box, track->direction);
    /* The authors' program corrects with the box once more after the replay has ended on it. */
    if (!track->observed && track->is_frozen) filter_replay(track, seen->box, track->since_update);
    measure(seen->box, measured);
    filter_update(&track->filter, measured);
    track->observed = true;
    track->is_frozen = false;
    memcpy(track->last_box, seen->box, sizeof track->last_box);
    memcpy(track->history[track->age % HISTORY], seen->box, sizeof track->last_box);
    track->history_age[track->age % HISTORY] = track->age;
    track->seen = true;
    track->since_update = 0;
    track->streak++;
    track->score = seen->score;
    track->class_index = seen->class_index;
    track->detection = seen->detection;
}

static ferry_status start(ferry_tracker *t, const ferry_seen_box *seen, ferry_error *error) {
    oc_track track = {.id = ++t->next_id,
                      .score = seen->score,
                      .class_index = seen->class_index,
                      .detection = seen->detection,
                      .first_frame = t->frame};
    for (int i = 0; i < HISTORY; i++) track.history_age[i] = -1;
    filter_start(&track.filter, seen->box);
    return ferry_vector_push(&t->ocsort->tracks, track) ? FERRY_OK : ferry_fail_memory(error, sizeof track);
}

/* --- matching --------------------------------------------------------------------------------------------------------------
 */

static double similarity(const ferry_tracker *t, const oc_track *track, const double box[4], const ferry_seen_box *seen) {
    if (t->settings.class_aware && track->class_index != seen->class_index) return 0;
    return ferry_track_iou(box, seen->box, 0);
}

/* How well the way from an earlier box to this one keeps the direction: 0.5 the same, -0.5 the opposite, weighted. */
static double momentum(const ferry_tracker *t, const oc_track *track, const ferry_seen_box *seen) {
    const double *earlier = earlier_box(track, t->settings.direction_span);
    double direction[2];
    if (!earlier) return 0;
    direction_between(earlier, seen->box, direction);
    double cosine = track->direction[0] * direction[0] + track->direction[1] * direction[1];
    cosine = fmin(1, fmax(-1, cosine));
    return (pi / 2 - acos(cosine)) / pi * (double)t->settings.inertia * seen->score;
}

/* Whether pairs above the threshold are already a matching, each box and track in one at most and some pair there. */
static bool is_matching(const ferry_tracker *t, int rows, int columns) {
    const double threshold = (double)t->settings.iou_threshold;
    const double *costs = t->assignment.costs;
    bool some = false;
    for (int i = 0; i < rows; i++) {
        int count = 0;
        for (int j = 0; j < columns; j++) count += costs[i * columns + j] > threshold;
        if (count > 1) return false;
        some |= count == 1;
    }
    for (int j = 0; j < columns; j++) {
        int count = 0;
        for (int i = 0; i < rows; i++) count += costs[i * columns + j] > threshold;
        if (count > 1) return false;
    }
    return some;
}

/* Costs become minus similarity; every row or column, whichever are fewer, gets a partner. */
static void assign_all(ferry_tracker *t, int rows, int columns) {
    for (int i = 0; i < rows * columns; i++) t->assignment.costs[i] = -t->assignment.costs[i];
    ferry_assign(&t->assignment, rows, columns, 1000);
}

/* 1) All tracks by their predicted boxes with the strong boxes. */
static ferry_status match_predicted(ferry_tracker *t, ferry_error *error) {
    ferry_ocsort *o = t->ocsort;
    const int rows = (int)o->tracks.count, columns = (int)t->high.count;
    FERRY_TRY(ferry_assignment_reserve(&t->assignment, rows, columns, error));
    double *costs = t->assignment.costs;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            costs[i * columns + j] = similarity(t, &o->tracks.items[i], o->tracks.items[i].predicted, &t->high.items[j]);
    if (!is_matching(t, rows, columns))
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) costs[i * columns + j] += momentum(t, &o->tracks.items[i], &t->high.items[j]);
    assign_all(t, rows, columns);
    for (int i = 0; i < rows; i++) {
        const int j = t->assignment.row_match[i];
        const oc_track *track = &o->tracks.items[i];
        if (j >= 0 && similarity(t, track, track->predicted, &t->high.items[j]) >= (double)t->settings.iou_threshold)
            o->partner.items[i] = j;
        else if (j >= 0)
            t->assignment.column_match[j] = -1;
    }
    for (int j = 0; j < columns; j++)
        if (t->assignment.column_match[j] < 0 && !ferry_vector_push(&o->free_boxes, j))
            return ferry_fail_memory(error, sizeof j);
    for (int i = 0; i < rows; i++)
        if (o->partner.items[i] < 0 && !ferry_vector_push(&o->free_tracks, i)) return ferry_fail_memory(error, sizeof i);
    return FERRY_OK;
}

/* Matches the free tracks, by their last or predicted boxes, with boxes (which[] of them, or all where NULL). Matched tracks
 * are hit and leave free_tracks; matched entries of which are set to -1. */
static ferry_status match_rest(ferry_tracker *t, const ferry_box_list *boxes, ferry_index_list *which, bool by_last,
                               ferry_error *error) {
    ferry_ocsort *o = t->ocsort;
    const int rows = (int)o->free_tracks.count, columns = (int)(which ? which->count : boxes->count);
    const double threshold = (double)t->settings.iou_threshold;
    double best = 0;
    if (rows == 0 || columns == 0) return FERRY_OK;
    FERRY_TRY(ferry_assignment_reserve(&t->assignment, rows, columns, error));
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            const oc_track *track = &o->tracks.items[o->free_tracks.items[i]];
            const ferry_seen_box *seen = &boxes->items[which ? which->items[j] : j];
            const double iou =
                by_last && !track->seen ? 0 : similarity(t, track, by_last ? track->last_box : track->predicted, seen);
            t->assignment.costs[i * columns + j] = iou;
            best = fmax(best, iou);
        }
    if (!(best > threshold)) return FERRY_OK;
    assign_all(t, rows, columns);
    size_t kept = 0;
    for (int i = 0; i < rows; i++) {
        const int j = t->assignment.row_match[i], index = o->free_tracks.items[i];
        if (j < 0 || -t->assignment.costs[i * columns + j] < threshold) {
            o->free_tracks.items[kept++] = index;
            continue;
        }
        hit(&o->tracks.items[index], &boxes->items[which ? which->items[j] : j], t->settings.direction_span);
        if (which) which->items[j] = -1;
    }
    o->free_tracks.count = kept;
    return FERRY_OK;
}

static ferry_status predict_all(ferry_tracker *t, ferry_error *error) {
    ferry_ocsort *o = t->ocsort;
    size_t kept = 0;
    for (size_t i = 0; i < o->tracks.count; i++) {
        predict(&o->tracks.items[i]);
        if (!filter_box(&o->tracks.items[i].filter, o->tracks.items[i].predicted)) continue;
        if (kept != i) o->tracks.items[kept] = o->tracks.items[i];
        kept++;
    }
    o->tracks.count = kept;
    o->partner.count = o->free_boxes.count = o->free_tracks.count = 0;
    for (size_t i = 0; i < kept; i++)
        if (!ferry_vector_push(&o->partner, -1)) return ferry_fail_memory(error, sizeof(int));
    return FERRY_OK;
}

static ferry_status show_and_prune(ferry_tracker *t, ferry_error *error) {
    ferry_ocsort *o = t->ocsort;
    size_t kept = 0;
    for (size_t i = 0; i < o->tracks.count; i++) {
        const oc_track *track = &o->tracks.items[i];
        double box[4];
        memcpy(box, track->last_box, sizeof box);
        const bool valid = track->seen || filter_box(&track->filter, box);
        if (valid && track->since_update < 1 && (track->streak >= t->settings.min_hits || t->frame <= t->settings.min_hits)) {
            const ferry_track shown = {.id = track->id,
                                       .x0 = (float)box[0],
                                       .y0 = (float)box[1],
                                       .x1 = (float)box[2],
                                       .y1 = (float)box[3],
                                       .score = (float)track->score,
                                       .class_index = track->class_index,
                                       .detection = track->detection,
                                       .frames = t->frame - track->first_frame + 1};
            if (!ferry_vector_push(&t->shown, shown)) return ferry_fail_memory(error, sizeof shown);
        }
        if (track->since_update > t->max_lost) continue;
        if (kept != i) o->tracks.items[kept] = *track;
        kept++;
    }
    o->tracks.count = kept;
    return FERRY_OK;
}

ferry_status ferry_ocsort_update(ferry_tracker *t, ferry_error *error) {
    ferry_ocsort *o = t->ocsort;
    FERRY_TRY(predict_all(t, error));
    FERRY_TRY(match_predicted(t, error));
    for (size_t i = 0; i < o->tracks.count; i++)
        if (o->partner.items[i] >= 0) hit(&o->tracks.items[i], &t->high.items[o->partner.items[i]], t->settings.direction_span);
    if (t->settings.match_low) FERRY_TRY(match_rest(t, &t->low, NULL, false, error));
    FERRY_TRY(match_rest(t, &t->high, &o->free_boxes, true, error));
    for (size_t i = 0; i < o->free_tracks.count; i++) miss(&o->tracks.items[o->free_tracks.items[i]]);
    for (size_t j = 0; j < o->free_boxes.count; j++)
        if (o->free_boxes.items[j] >= 0) FERRY_TRY(start(t, &t->high.items[o->free_boxes.items[j]], error));
    return show_and_prune(t, error);
}
