/* SPDX-License-Identifier: Apache-2.0 */
/* Trackers: the assignment against all permutations, numbers that last, and behaviour over long and hostile streams. */
#include <ferry/track.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "vision/assignment.h"

static uint32_t random_state = 9;
static double uniform(double low, double high) {
    random_state = random_state * 1664525u + 1013904223u;
    return low + (high - low) * (random_state >> 8) / 16777216.0;
}

/* --- assignment ------------------------------------------------------------------------------------------------------------
 */

/* The least sum of (cost - limit) over any set of pairs, by trying all. */
static double least(const double *costs, int rows, int columns, double limit, int row, unsigned taken) {
    if (row == rows) return 0;
    double best = least(costs, rows, columns, limit, row + 1, taken);
    for (int j = 0; j < columns; j++)
        if (!(taken >> j & 1))
            best = fmin(best, costs[row * columns + j] - limit + least(costs, rows, columns, limit, row + 1, taken | 1u << j));
    return best;
}

static void assignment_is_the_best_of_all(void **state) {
    (void)state;
    ferry_assignment a = {0};
    for (int round = 0; round < 400; round++) {
        const int rows = round % 6, columns = (int)uniform(0, 6.99);
        const double limit = uniform(0, 1);
        assert_int_equal(ferry_assignment_reserve(&a, rows, columns, NULL), FERRY_OK);
        for (int i = 0; i < rows * columns; i++) a.costs[i] = round % 4 ? uniform(0, 1) : floor(uniform(0, 3)) / 2;
        ferry_assign(&a, rows, columns, limit);
        double sum = 0;
        for (int i = 0; i < rows; i++) {
            const int j = a.row_match[i];
            if (j < 0) continue;
            assert_true(j < columns && a.column_match[j] == i && a.costs[i * columns + j] < limit);
            sum += a.costs[i * columns + j] - limit;
        }
        assert_true(fabs(sum - least(a.costs, rows, columns, limit, 0, 0)) < 1e-9);
    }
    ferry_assignment_free(&a);
}

/* --- streams -----------------------------------------------------------------------------------------------------------------
 */

static ferry_tracker *make(ferry_tracker_kind kind) {
    ferry_tracker_settings settings;
    ferry_tracker *tracker;
    ferry_tracker_settings_default(&settings, kind);
    assert_int_equal(ferry_tracker_create(&settings, &tracker, NULL), FERRY_OK);
    return tracker;
}

static ferry_detection box_at(double x, double y, float score) {
    return (ferry_detection){
        .x0 = (float)x, .y0 = (float)y, .x1 = (float)(x + 40), .y1 = (float)(y + 80), .score = score, .class_index = 2};
}

static const ferry_track *step(ferry_tracker *tracker, const ferry_detection *boxes, int count, int *found) {
    const ferry_track *tracks;
    assert_int_equal(ferry_tracker_update(tracker, boxes, count, &tracks, found, NULL), FERRY_OK);
    for (int i = 0; i < *found; i++) {
        assert_true(tracks[i].detection >= 0 && tracks[i].detection < count);
        assert_int_equal(tracks[i].class_index, boxes[tracks[i].detection].class_index);
    }
    return tracks;
}

static void numbers_outlast_a_gap(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        ferry_tracker *tracker = make((ferry_tracker_kind)kind);
        int found;
        for (int frame = 0; frame < 60; frame++) {
            const ferry_detection box = box_at(10 + 4 * frame, 50 + frame, 0.9f);
            const bool hidden = frame >= 20 && frame < 35;
            const ferry_track *tracks = step(tracker, &box, hidden ? 0 : 1, &found);
            assert_in_range(found, 0, hidden ? 0 : 1);
            if (frame > 40) {
                assert_int_equal(found, 1);
                assert_int_equal(tracks[0].id, 1);
                assert_int_equal(tracks[0].frames, frame + 1);
                assert_true(fabs((double)tracks[0].x0 - (10 + 4 * frame)) < 3);
            }
        }
        ferry_tracker_destroy(tracker);
    }
}

static void numbers_outlast_a_crossing(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        ferry_tracker *tracker = make((ferry_tracker_kind)kind);
        int found = 0;
        const ferry_track *tracks = NULL;
        for (int frame = 0; frame < 60; frame++) {
            const ferry_detection boxes[2] = {box_at(10 + 6 * frame, 50, 0.9f), box_at(370 - 6 * frame, 75, 0.85f)};
            tracks = step(tracker, boxes, 2, &found);
        }
        assert_int_equal(found, 2);
        for (int i = 0; i < 2; i++) assert_int_equal(tracks[i].id, tracks[i].x0 > 200 ? 1 : 2);
        ferry_tracker_destroy(tracker);
    }
}

static void weak_boxes_keep_a_track_but_start_none(void **state) {
    (void)state;
    ferry_tracker *tracker = make(FERRY_TRACKER_BYTETRACK);
    int found;
    ferry_detection box = box_at(10, 10, 0.3f);
    step(tracker, &box, 1, &found);
    assert_int_equal(found, 0);
    ferry_tracker_reset(tracker);
    box.score = 0.9f;
    step(tracker, &box, 1, &found);
    assert_int_equal(found, 1);
    box.score = 0.3f;
    for (int frame = 0; frame < 50; frame++) {
        step(tracker, &box, 1, &found);
        assert_int_equal(found, 1);
    }
    box.score = 0.05f;
    step(tracker, &box, 1, &found);
    assert_int_equal(found, 0);
    ferry_tracker_destroy(tracker);
}

static void a_late_track_needs_a_second_look(void **state) {
    (void)state;
    ferry_tracker *tracker = make(FERRY_TRACKER_BYTETRACK);
    int found;
    step(tracker, NULL, 0, &found);
    const ferry_detection box = box_at(10, 10, 0.9f);
    step(tracker, &box, 1, &found);
    assert_int_equal(found, 0);
    step(tracker, &box, 1, &found);
    assert_int_equal(found, 1);
    ferry_tracker_destroy(tracker);
}

static void lost_tracks_are_forgotten_in_time(void **state) {
    (void)state;
    for (int away = 25; away <= 40; away += 15) {
        ferry_tracker *tracker = make(FERRY_TRACKER_BYTETRACK);
        const ferry_detection box = box_at(10, 10, 0.9f);
        int found;
        for (int i = 0; i < 3; i++) step(tracker, &box, 1, &found);
        for (int i = 0; i < away; i++) step(tracker, NULL, 0, &found);
        step(tracker, &box, 1, &found);
        const ferry_track *tracks = step(tracker, &box, 1, &found);
        assert_int_equal(found, 1);
        assert_int_equal(tracks[0].id, away > 31 ? 2 : 1);
        ferry_tracker_destroy(tracker);
    }
}

static void classes_part_tracks_when_asked(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++)
        for (int aware = 0; aware < 2; aware++) {
            ferry_tracker_settings settings;
            ferry_tracker *tracker;
            ferry_tracker_settings_default(&settings, (ferry_tracker_kind)kind);
            settings.class_aware = aware;
            assert_int_equal(ferry_tracker_create(&settings, &tracker, NULL), FERRY_OK);
            ferry_detection box = box_at(10, 10, 0.9f);
            int found;
            for (int i = 0; i < 5; i++) step(tracker, &box, 1, &found);
            box.class_index = 7;
            const ferry_track *tracks = NULL;
            for (int i = 0; i < 5; i++) tracks = step(tracker, &box, 1, &found);
            assert_int_equal(found, 1);
            assert_int_equal(tracks[0].id, aware ? 2 : 1);
            ferry_tracker_destroy(tracker);
        }
}

/* A long stream of boxes that come and go anywhere, some of them nonsense: memory comes to rest, and numbers never repeat in a
 * frame. */
static void long_streams_do_not_grow(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        ferry_tracker *tracker = make((ferry_tracker_kind)kind);
        int64_t allocations = 0;
        for (int frame = 0; frame < 3000; frame++) {
            ferry_detection boxes[24];
            const int count = frame < 50 ? 24 : (int)uniform(0, 24.99);
            for (int i = 0; i < count; i++) {
                boxes[i] = box_at(uniform(0, 600), uniform(0, 400), (float)uniform(0, 1));
                if (i % 11 == 3) boxes[i].x1 = NAN;
                if (i % 11 == 5) boxes[i].y1 = boxes[i].y0;
                if (i % 11 == 7) boxes[i].x0 = -INFINITY;
                if (i % 11 == 9) boxes[i].score = NAN;
            }
            int found;
            const ferry_track *tracks = step(tracker, boxes, count, &found);
            for (int i = 0; i < found; i++) {
                assert_true(isfinite(tracks[i].x0) && isfinite(tracks[i].y1));
                for (int j = 0; j < i; j++) assert_int_not_equal(tracks[i].id, tracks[j].id);
            }
            if (frame == 2000) allocations = ferry_allocation_count();
        }
        assert_in_range(ferry_allocation_count() - allocations, 0, 12); /* a last growth at most, never one a frame */
        ferry_tracker_destroy(tracker);
    }
}

static void failing_memory_leaves_it_usable(void **state) {
    (void)state;
    const ferry_detection boxes[3] = {box_at(10, 10, 0.9f), box_at(200, 10, 0.9f), box_at(400, 10, 0.3f)};
    for (int kind = 0; kind < 2; kind++)
        for (int64_t n = 1;; n++) {
            ferry_tracker_settings settings;
            ferry_tracker *tracker = NULL;
            const ferry_track *tracks;
            int32_t found;
            ferry_tracker_settings_default(&settings, (ferry_tracker_kind)kind);
            ferry_allocation_fail_after(n);
            ferry_status status = ferry_tracker_create(&settings, &tracker, NULL);
            for (int frame = 0; frame < 3 && status == FERRY_OK; frame++)
                status = ferry_tracker_update(tracker, boxes, 3, &tracks, &found, NULL);
            ferry_allocation_fail_after(0);
            if (status != FERRY_OK) {
                assert_int_equal(status, FERRY_ERROR_OUT_OF_MEMORY);
                if (tracker) {
                    for (int frame = 0; frame < 3; frame++)
                        assert_int_equal(ferry_tracker_update(tracker, boxes, 3, &tracks, &found, NULL), FERRY_OK);
                    assert_int_equal(found, 2);
                }
            }
            ferry_tracker_destroy(tracker);
            if (status == FERRY_OK) break;
        }
}

static void bad_settings_are_refused(void **state) {
    (void)state;
    ferry_tracker_settings settings;
    ferry_tracker *tracker;
    ferry_tracker_settings_default(&settings, FERRY_TRACKER_OCSORT);
    settings.iou_threshold = 1.5f;
    assert_int_equal(ferry_tracker_create(&settings, &tracker, NULL), FERRY_ERROR_INVALID_ARGUMENT);
    ferry_tracker_settings_default(&settings, FERRY_TRACKER_OCSORT);
    settings.direction_span = 31;
    assert_int_equal(ferry_tracker_create(&settings, &tracker, NULL), FERRY_ERROR_INVALID_ARGUMENT);
    ferry_tracker_settings_default(&settings, FERRY_TRACKER_BYTETRACK);
    settings.struct_size--;
    assert_int_equal(ferry_tracker_create(&settings, &tracker, NULL), FERRY_ERROR_INVALID_ARGUMENT);
    assert_null(tracker);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assignment_is_the_best_of_all),    cmocka_unit_test(numbers_outlast_a_gap),
        cmocka_unit_test(numbers_outlast_a_crossing),       cmocka_unit_test(weak_boxes_keep_a_track_but_start_none),
        cmocka_unit_test(a_late_track_needs_a_second_look), cmocka_unit_test(lost_tracks_are_forgotten_in_time),
        cmocka_unit_test(classes_part_tracks_when_asked),   cmocka_unit_test(long_streams_do_not_grow),
        cmocka_unit_test(failing_memory_leaves_it_usable),  cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
