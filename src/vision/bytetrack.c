/* SPDX-License-Identifier: Apache-2.0 */
/* ByteTrack as yolox/tracker/byte_tracker.py has it, step for step, in double precision. Two departures, neither of which
 * changes a result: removed tracks are not collected for ever, and the 8x8 filter is four 2x2 filters (kalman.h). */
#include "vision/kalman.h"
#include "vision/tracker.h"

enum { CENTER_X, CENTER_Y, ASPECT, HEIGHT };

typedef struct byte_track {
    ferry_kalman state[4]; /* centre x, centre y, width / height, height */
    double score;
    int64_t id;
    int32_t class_index, detection;
    int32_t first_frame, last_frame;
    bool used;      /* the slot */
    bool lost;      /* not seen in the last frame */
    bool confirmed; /* seen twice, or in the first frame */
    /* The original puts a track that was lost for too long on the removed list, but takes it off the lost list only a frame
     * later; found again in between it lives on, and goes at once when lost again. */
    bool removed;
    bool drop; /* by drop_duplicates */
} byte_track;

struct ferry_bytetrack {
    FERRY_VECTOR(byte_track) slots;
    ferry_index_list tracked, lost;     /* slots */
    ferry_index_list pool, rest, found; /* of this frame */
    ferry_index_list left_high;         /* boxes */
};

ferry_bytetrack *ferry_bytetrack_create(void) { return ferry_calloc(1, sizeof(ferry_bytetrack)); }

void ferry_bytetrack_destroy(ferry_bytetrack *b) {
    if (!b) return;
    ferry_vector_free(&b->slots);
    ferry_index_list *const lists[] = {&b->tracked, &b->lost, &b->pool, &b->rest, &b->found, &b->left_high};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) ferry_vector_free(lists[i]);
    ferry_free(b);
}

void ferry_bytetrack_reset(ferry_bytetrack *b) { b->slots.count = b->tracked.count = b->lost.count = 0; }

static ferry_status append(ferry_index_list *list, int index, ferry_error *error) {
    return ferry_vector_push(list, index) ? FERRY_OK : ferry_fail_memory(error, (list->count + 1) * sizeof index);
}

/* --- the filter ------------------------------------------------------------------------------------------------------------
 */

static double square(double x) { return x * x; }

/* Standard deviations are 1/20 of the height for positions and 1/160 for velocities, but constant for the aspect. */
static double position_noise(int coordinate, double height) { return square(coordinate == ASPECT ? 1e-2 : height / 20); }
static double velocity_noise(int coordinate, double height) { return square(coordinate == ASPECT ? 1e-5 : height / 160); }

static void measure(const ferry_seen_box *seen, double measured[4]) {
    const double *box = seen->box, width = box[2] - box[0], height = box[3] - box[1];
    measured[CENTER_X] = box[0] + width / 2;
    measured[CENTER_Y] = box[1] + height / 2;
    measured[ASPECT] = width / height;
    measured[HEIGHT] = height;
}

static void start_filter(byte_track *track, const ferry_seen_box *seen) {
    double measured[4];
    measure(seen, measured);
    for (int c = 0; c < 4; c++) {
        const double height = measured[HEIGHT];
        const double velocity = c == ASPECT ? 1e-5 : 10 * height / 160, position = c == ASPECT ? 1e-2 : 2 * height / 20;
        track->state[c] = (ferry_kalman){.position = measured[c], .pp = square(position), .vv = square(velocity)};
    }
}

static void predict(byte_track *track) {
    const double height = track->state[HEIGHT].position;
    if (track->lost) track->state[HEIGHT].velocity = 0;
    for (int c = 0; c < 4; c++) ferry_kalman_predict(&track->state[c], position_noise(c, height), velocity_noise(c, height));
}

static void correct(byte_track *track, const ferry_seen_box *seen) {
    double measured[4];
    const double height = track->state[HEIGHT].position;
    measure(seen, measured);
    for (int c = 0; c < 4; c++) ferry_kalman_update(&track->state[c], measured[c], square(c == ASPECT ? 1e-1 : height / 20));
}

static void box_of(const byte_track *track, double box[4]) {
    const double height = track->state[HEIGHT].position, width = track->state[ASPECT].position * height;
    box[0] = track->state[CENTER_X].position - width / 2;
    box[1] = track->state[CENTER_Y].position - height / 2;
    box[2] = box[0] + width;
    box[3] = box[1] + height;
}

/* --- tracks ----------------------------------------------------------------------------------------------------------------
 */

static void see(ferry_tracker *t, byte_track *track, const ferry_seen_box *seen) {
    track->score = seen->score;
    track->class_index = seen->class_index;
    track->detection = seen->detection;
    track->last_frame = t->frame;
    track->lost = false;
}

static void rematch(ferry_tracker *t, byte_track *track, const ferry_seen_box *seen) {
    correct(track, seen);
    see(t, track, seen);
    track->confirmed = true;
}

static ferry_status start(ferry_tracker *t, const ferry_seen_box *seen, ferry_error *error) {
    ferry_bytetrack *b = t->bytetrack;
    size_t slot = 0;
    while (slot < b->slots.count && b->slots.items[slot].used) slot++;
    if (slot == b->slots.count && !ferry_vector_push(&b->slots, (byte_track){0}))
        return ferry_fail_memory(error, (slot + 1) * sizeof *b->slots.items);
    byte_track *track = &b->slots.items[slot];
    *track = (byte_track){.used = true, .id = ++t->next_id, .first_frame = t->frame, .confirmed = t->frame == 1};
    start_filter(track, seen);
    see(t, track, seen);
    return append(&b->tracked, (int)slot, error);
}

/* --- matching --------------------------------------------------------------------------------------------------------------
 */

/* Matches the tracks of `list` with boxes[which[...]] (which NULL: all in order). Partners are left in t->assignment. */
static ferry_status match(ferry_tracker *t, const ferry_index_list *list, const ferry_box_list *boxes,
                          const ferry_index_list *which, bool fused, double limit, ferry_error *error) {
    const int rows = (int)list->count, columns = (int)(which ? which->count : boxes->count);
    FERRY_TRY(ferry_assignment_reserve(&t->assignment, rows, columns, error));
    for (int i = 0; i < rows; i++) {
        const byte_track *track = &t->bytetrack->slots.items[list->items[i]];
        double box[4];
        box_of(track, box);
        for (int j = 0; j < columns; j++) {
            const ferry_seen_box *seen = &boxes->items[which ? which->items[j] : j];
            double similarity = ferry_track_iou(box, seen->box, 1);
            if (fused) similarity *= seen->score;
            if (t->settings.class_aware && track->class_index != seen->class_index) similarity = 0;
            t->assignment.costs[i * columns + j] = 1 - similarity;
        }
    }
    ferry_assign(&t->assignment, rows, columns, limit);
    return FERRY_OK;
}

/* 1) Confirmed and lost tracks with strong boxes. What is left: b->rest of tracks not lost before, b->left_high of boxes. */
static ferry_status match_high(ferry_tracker *t, ferry_error *error) {
    ferry_bytetrack *b = t->bytetrack;
    FERRY_TRY(match(t, &b->pool, &t->high, NULL, t->settings.fuse_score != 0, (double)t->settings.match_threshold, error));
    for (size_t i = 0; i < b->pool.count; i++) {
        byte_track *track = &b->slots.items[b->pool.items[i]];
        const int box = t->assignment.row_match[i];
        if (box < 0) {
            if (!track->lost) FERRY_TRY(append(&b->rest, b->pool.items[i], error));
            continue;
        }
        if (track->lost) FERRY_TRY(append(&b->found, b->pool.items[i], error));
        rematch(t, track, &t->high.items[box]);
    }
    for (size_t j = 0; j < t->high.count; j++)
        if (t->assignment.column_match[j] < 0) FERRY_TRY(append(&b->left_high, (int)j, error));
    return FERRY_OK;
}

/* 2) The tracks left with weak boxes. Those still left are lost from now on. */
static ferry_status match_low(ferry_tracker *t, ferry_error *error) {
    ferry_bytetrack *b = t->bytetrack;
    FERRY_TRY(match(t, &b->rest, &t->low, NULL, false, (double)t->settings.low_match_threshold, error));
    for (size_t i = 0; i < b->rest.count; i++) {
        byte_track *track = &b->slots.items[b->rest.items[i]];
        if (t->assignment.row_match[i] >= 0)
            rematch(t, track, &t->low.items[t->assignment.row_match[i]]);
        else
            track->lost = true;
    }
    return FERRY_OK;
}

/* 3) Tracks seen only once with the strong boxes left, or they are gone. They have not been predicted. 4) New tracks. */
static ferry_status match_new(ferry_tracker *t, ferry_error *error) {
    ferry_bytetrack *b = t->bytetrack;
    b->pool.count = 0;
    for (size_t i = 0; i < b->tracked.count; i++)
        if (!b->slots.items[b->tracked.items[i]].confirmed) FERRY_TRY(append(&b->pool, b->tracked.items[i], error));
    FERRY_TRY(match(t, &b->pool, &t->high, &b->left_high, t->settings.fuse_score != 0, (double)t->settings.new_match_threshold,
                    error));
    for (size_t i = 0; i < b->pool.count; i++) {
        byte_track *track = &b->slots.items[b->pool.items[i]];
        if (t->assignment.row_match[i] >= 0)
            rematch(t, track, &t->high.items[b->left_high.items[t->assignment.row_match[i]]]);
        else
            track->used = false;
    }
    size_t kept = 0;
    for (size_t i = 0; i < b->tracked.count; i++) {
        const byte_track *track = &b->slots.items[b->tracked.items[i]];
        if (track->used && !track->lost) b->tracked.items[kept++] = b->tracked.items[i];
    }
    b->tracked.count = kept;
    for (size_t j = 0; j < b->left_high.count; j++) {
        const ferry_seen_box *seen = &t->high.items[b->left_high.items[j]];
        if (t->assignment.column_match[j] >= 0 || seen->score < (double)t->settings.new_threshold) continue;
        FERRY_TRY(start(t, seen, error));
    }
    return FERRY_OK;
}

/* 5) The lists for the next frame: found tracks join the tracked, lost ones the lost; those lost for too long are removed. */
static ferry_status settle(ferry_tracker *t, ferry_error *error) {
    ferry_bytetrack *b = t->bytetrack;
    const size_t lost_before = b->lost.count;
    size_t kept = 0;
    for (size_t i = 0; i < b->found.count; i++) FERRY_TRY(append(&b->tracked, b->found.items[i], error));
    for (size_t i = 0; i < b->rest.count; i++)
        if (b->slots.items[b->rest.items[i]].lost) FERRY_TRY(append(&b->lost, b->rest.items[i], error));
    for (size_t i = 0; i < b->lost.count; i++) {
        byte_track *track = &b->slots.items[b->lost.items[i]];
        if (!track->lost) continue; /* found again */
        if (track->removed) {
            track->used = false;
            continue;
        }
        track->removed = i < lost_before && t->frame - track->last_frame > t->max_lost;
        b->lost.items[kept++] = b->lost.items[i];
    }
    b->lost.count = kept;
    return FERRY_OK;
}

static void sweep(ferry_bytetrack *b, ferry_index_list *list) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        byte_track *track = &b->slots.items[list->items[i]];
        if (track->drop)
            track->used = false;
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

/* Of a tracked and a lost track in one place the younger goes. All pairs are judged before any goes. */
static void drop_duplicates(ferry_tracker *t) {
    ferry_bytetrack *b = t->bytetrack;
    for (size_t i = 0; i < b->tracked.count; i++)
        for (size_t j = 0; j < b->lost.count; j++) {
            byte_track *seen = &b->slots.items[b->tracked.items[i]], *lost = &b->slots.items[b->lost.items[j]];
            double a[4], c[4];
            box_of(seen, a);
            box_of(lost, c);
            if (t->settings.class_aware && seen->class_index != lost->class_index) continue;
            if (!(1 - ferry_track_iou(a, c, 1) < (double)t->settings.duplicate_threshold)) continue;
            const bool seen_is_older = seen->last_frame - seen->first_frame > lost->last_frame - lost->first_frame;
            (seen_is_older ? lost : seen)->drop = true;
        }
    sweep(b, &b->tracked);
    sweep(b, &b->lost);
}

static ferry_status show(ferry_tracker *t, ferry_error *error) {
    const ferry_bytetrack *b = t->bytetrack;
    for (size_t i = 0; i < b->tracked.count; i++) {
        const byte_track *track = &b->slots.items[b->tracked.items[i]];
        double box[4];
        if (!track->confirmed) continue;
        box_of(track, box);
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
    return FERRY_OK;
}

ferry_status ferry_bytetrack_update(ferry_tracker *t, ferry_error *error) {
    ferry_bytetrack *b = t->bytetrack;
    b->pool.count = b->rest.count = b->found.count = b->left_high.count = 0;
    for (size_t i = 0; i < b->tracked.count; i++)
        if (b->slots.items[b->tracked.items[i]].confirmed) FERRY_TRY(append(&b->pool, b->tracked.items[i], error));
    for (size_t i = 0; i < b->lost.count; i++) FERRY_TRY(append(&b->pool, b->lost.items[i], error));
    for (size_t i = 0; i < b->pool.count; i++) predict(&b->slots.items[b->pool.items[i]]);
    FERRY_TRY(match_high(t, error));
    FERRY_TRY(match_low(t, error));
    FERRY_TRY(match_new(t, error));
    FERRY_TRY(settle(t, error));
    drop_duplicates(t);
    return show(t, error);
}
