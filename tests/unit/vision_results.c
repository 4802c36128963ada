/* SPDX-License-Identifier: Apache-2.0 */
/* From raw outputs to results: suppression against a plain quadratic version, heads on hand-made outputs, the way back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "vision/affine.h"
#include "vision/detector.h"
#include "vision/geometry.h"

static uint32_t random_state = 1;
static float uniform(float low, float high) {
    random_state = random_state * 1664525u + 1013904223u;
    return low + (high - low) * (float)(random_state >> 8) / 16777216.0f;
}

/* --- suppression --------------------------------------------------------------------------------------------------------- */

static float overlap(const float *a, const float *b, float extra) {
    float width = fminf(a[2], b[2]) - fmaxf(a[0], b[0]) + extra, height = fminf(a[3], b[3]) - fmaxf(a[1], b[1]) + extra;
    float inter = fmaxf(width, 0) * fmaxf(height, 0);
    float area_a = (a[2] - a[0] + extra) * (a[3] - a[1] + extra), area_b = (b[2] - b[0] + extra) * (b[3] - b[1] + extra);
    return inter / (area_a + area_b - inter);
}

/* The definition: again and again the best box left, first in the list among equals. */
static int plain_nms(const ferry_candidates *list, const ferry_nms_settings *settings, int32_t *kept) {
    int count = 0, looked_at = 0;
    bool *gone = calloc(list->count, 1);
    while (count < settings->max_detections && looked_at < settings->max_candidates) {
        size_t best = list->count;
        for (size_t i = 0; i < list->count; i++)
            if (!gone[i] && (best == list->count || list->items[i].score > list->items[best].score)) best = i;
        if (best == list->count) break;
        gone[best] = true;
        looked_at++;
        bool keep = true;
        for (int k = 0; k < count && keep; k++) {
            const ferry_candidate *other = &list->items[kept[k]];
            keep = !((settings->agnostic || other->class_index == list->items[best].class_index) &&
                     overlap(other->box, list->items[best].box, settings->inclusive ? 1 : 0) > settings->iou);
        }
        if (keep) kept[count++] = (int32_t)best;
    }
    free(gone);
    return count;
}

static void fill_random(ferry_candidates *list, int count, int classes, int distinct_scores) {
    for (int i = 0; i < count; i++) {
        float x = uniform(0, 600), y = uniform(0, 600);
        ferry_candidate c = {.box = {x, y, x + uniform(1, 120), y + uniform(1, 120)},
                             .score = floorf(uniform(0, 1) * (float)distinct_scores) / (float)distinct_scores + 0.001f,
                             .class_index = (int32_t)uniform(0, (float)classes)};
        assert_int_equal(ferry_candidates_push(list, &c, NULL), FERRY_OK);
    }
}

static void suppression_equals_its_definition(void **state) {
    (void)state;
    static const int counts[] = {1, 2, 15, 16, 17, 100, 700};
    ferry_nms nms = {0};
    for (int round = 0; round < 56; round++) {
        const int count = counts[round % 7];
        ferry_candidates list = {0};
        fill_random(&list, count, round % 3 ? 5 : 1, round % 2 ? 1000000 : 10);
        const ferry_nms_settings settings = {.iou = 0.1f * (float)(round % 9),
                                             .max_candidates = round % 5 ? 30000 : 50,
                                             .max_detections = round % 4 ? 300 : 7,
                                             .agnostic = round % 6 == 0,
                                             .inclusive = round % 8 == 0};
        int32_t *expected = calloc((size_t)count, sizeof *expected);
        int expected_count = plain_nms(&list, &settings, expected);
        for (int masked = 0; masked < 2; masked++) {
            ferry_detect_kernels kernels;
            ferry_detect_select(masked ? 0 : ferry_cpu_features(), &kernels);
            assert_int_equal(ferry_nms_run(&nms, &kernels, &list, &settings, NULL), FERRY_OK);
            assert_int_equal(nms.kept_count, expected_count);
            assert_memory_equal(nms.kept, expected, (size_t)expected_count * sizeof *expected);
        }
        free(expected);
        ferry_candidates_free(&list);
    }
    ferry_nms_free(&nms);
}

static void suppression_is_strict(void **state) {
    (void)state;
    ferry_nms nms = {0};
    ferry_candidates list = {0};
    ferry_detect_kernels kernels;
    ferry_detect_select(0, &kernels);
    const ferry_candidate a = {.box = {0, 0, 2, 1}, .score = 0.9f}, b = {.box = {1, 0, 3, 1}, .score = 0.8f}; /* IoU 1/3 */
    ferry_candidates_push(&list, &a, NULL);
    ferry_candidates_push(&list, &b, NULL);
    ferry_nms_settings settings = {.iou = 1.0f / 3, .max_candidates = 10, .max_detections = 10};
    ferry_nms_run(&nms, &kernels, &list, &settings, NULL);
    assert_int_equal(nms.kept_count, 2); /* equal is kept */
    settings.iou = 0.33f;
    ferry_nms_run(&nms, &kernels, &list, &settings, NULL);
    assert_int_equal(nms.kept_count, 1);
    list.items[1].class_index = 3;
    ferry_nms_run(&nms, &kernels, &list, &settings, NULL);
    assert_int_equal(nms.kept_count, 2);
    ferry_nms_free(&nms);
    ferry_candidates_free(&list);
}

/* --- heads through the detector ---------------------------------------------------------------------------------------------
 */

typedef struct fixture {
    ferry_model_card card;
    ferry_detector *detector;
    ferry_input_geometry geometry;
    ferry_tensor outputs[12];
    const char *names[12];
    int count;
} fixture;

static void start(fixture *f, ferry_vision_task task, int width, int height) {
    *f = (fixture){0};
    ferry_card_init(&f->card, task);
    f->geometry = (ferry_input_geometry){.affine = ferry_affine_from_scale(0.5, 0.5, 0, 10),
                                         .picture_width = 2 * width,
                                         .picture_height = 2 * height,
                                         .network_width = width,
                                         .network_height = height};
}

static float *add_output(fixture *f, const char *name, int rank, const int64_t *dims) {
    ferry_tensor *output = &f->outputs[f->count];
    *output = (ferry_tensor){.dtype = FERRY_FLOAT32, .shape = ferry_shape_make(rank, dims)};
    output->data = calloc((size_t)ferry_shape_count(&output->shape), sizeof(float));
    f->names[f->count++] = name;
    return output->data;
}

static ferry_vision_results finish(fixture *f, ferry_status expected) {
    ferry_vision_results results;
    ferry_error error = {0};
    if (!f->detector)
        assert_int_equal(ferry_detector_create(&f->card, ferry_cpu_features(), 1, &f->detector, &error), FERRY_OK);
    ferry_status status =
        ferry_detector_postprocess(f->detector, f->outputs, f->names, f->count, &f->geometry, &results, &error);
    if (status != expected) fail_msg("status %d: %s", status, error.message);
    return results;
}

static void stop(fixture *f) {
    for (int i = 0; i < f->count; i++) free(f->outputs[i].data);
    ferry_detector_destroy(f->detector);
    ferry_card_free(&f->card);
}

static void assert_box(const ferry_detection *d, float x0, float y0, float x1, float y1, float score, int class_index) {
    const float got[5] = {d->x0, d->y0, d->x1, d->y1, d->score}, wanted[5] = {x0, y0, x1, y1, score};
    for (int i = 0; i < 5; i++)
        if (fabsf(got[i] - wanted[i]) > 1e-3f) fail_msg("value %d is %f, not %f", i, (double)got[i], (double)wanted[i]);
    assert_int_equal(d->class_index, class_index);
}

static void yolov5_drops_by_objectness_and_by_product(void **state) {
    (void)state;
    fixture f;
    start(&f, FERRY_TASK_YOLOV5, 64, 64);
    static const float rows[4][8] = {{20, 30, 10, 20, 0.9f, 0.1f, 0.8f, 0.2f},
                                     {20, 30, 10, 20, 0.25f, 1, 1, 1},         /* objectness not above 0.25 */
                                     {40, 30, 10, 20, 0.5f, 0.5f, 0.4f, 0.3f}, /* product exactly 0.25 */
                                     {60, 60, 40, 40, 0.8f, 0.9f, 0.1f, 0.1f}};
    memcpy(add_output(&f, "output", 3, (int64_t[]){1, 4, 8}), rows, sizeof rows);
    ferry_vision_results results = finish(&f, FERRY_OK);
    assert_int_equal(results.detection_count, 2);
    /* back: x * 2, (y - 10) * 2; then clipped to 128 x 128 */
    assert_box(&results.detections[0], 30, 20, 50, 60, 0.72f, 1);
    assert_box(&results.detections[1], 80, 60, 128, 128, 0.72f, 0);
    stop(&f);
}

static void yolov5_multi_label_gives_every_class(void **state) {
    (void)state;
    fixture f;
    start(&f, FERRY_TASK_YOLOV5, 64, 64);
    f.card.head.multi_label = true;
    static const float row[8] = {20, 30, 10, 20, 0.9f, 0.5f, 0.8f, 0.2f};
    memcpy(add_output(&f, "output", 3, (int64_t[]){1, 1, 8}), row, sizeof row);
    ferry_vision_results results = finish(&f, FERRY_OK);
    assert_int_equal(results.detection_count, 2);
    assert_box(&results.detections[1], 30, 20, 50, 60, 0.45f, 0);
    stop(&f);
}

static void yolov5_reads_half_precision(void **state) {
    (void)state;
    fixture f;
    start(&f, FERRY_TASK_YOLOV5, 64, 64);
    static const uint16_t row[6] = {0x4d00, 0x4f80, 0x4900, 0x4d00, 0x3a00, 0x3c00}; /* 20 30 10 20 0.75 1 */
    float *data = add_output(&f, "output", 3, (int64_t[]){1, 1, 6});
    f.outputs[0].dtype = FERRY_FLOAT16;
    memcpy(data, row, sizeof row);
    ferry_vision_results results = finish(&f, FERRY_OK);
    assert_int_equal(results.detection_count, 1);
    assert_box(&results.detections[0], 30, 20, 50, 60, 0.75f, 0);
    stop(&f);
}

static float logit(float p) { return logf(p / (1 - p)); }

/* One object in the 16-pixel grid, anchor 1, cell (1, 2), in both layouts that exporters make. */
static void yolov5_raw_heads(void **state) {
    (void)state;
    for (int five = 0; five < 2; five++) {
        fixture f;
        start(&f, FERRY_TASK_YOLOV5_RAW, 64, 96);
        for (int level = 0; level < 3; level++) {
            const int columns = 64 >> (3 + level), rows = 96 >> (3 + level), cells = columns * rows;
            const int64_t maps[4] = {1, 21, rows, columns}, split[5] = {1, 3, rows, columns, 7};
            float *data = add_output(&f, "head", five ? 5 : 4, five ? split : maps);
            for (int i = 0; i < 21 * cells; i++) data[i] = -10;
            const float values[7] = {logit(0.75f), logit(0.5f), logit(0.5f), logit(0.25f),
                                     logit(0.9f),  logit(0.2f), logit(0.8f)};
            const int cell = 2 * columns + 1;
            for (int k = 0; k < 7 && level == 1; k++) data[five ? (cells + cell) * 7 + k : (7 + k) * cells + cell] = values[k];
        }
        ferry_vision_results results = finish(&f, FERRY_OK);
        assert_int_equal(results.detection_count, 1);
        /* x = (1.5 + 1 - 0.5) * 16 = 32, y = (1 + 2 - 0.5) * 16 = 40, w = 62, h = 45 / 4 */
        assert_box(&results.detections[0], 2, 2 * (40 - 5.625f - 10), 126, 2 * (40 + 5.625f - 10), 0.72f, 1);
        stop(&f);
    }
}

static void yolov8_reads_columns(void **state) {
    (void)state;
    fixture f;
    start(&f, FERRY_TASK_YOLOV8_POSE, 64, 64);
    f.card.head.keypoints = 2;
    enum { COLUMNS = 84, CLASSES = 3, ROWS = 4 + CLASSES + 6 };
    float *data = add_output(&f, "output0", 3, (int64_t[]){1, ROWS, COLUMNS});
    const float column[ROWS] = {20, 30, 10, 20, 0.1f, 0.2f, 0.6f, 18, 28, 0.9f, 22, 32, 0.4f};
    for (int row = 0; row < ROWS; row++) data[row * COLUMNS + 70] = column[row];
    data[4 * COLUMNS + 3] = 0.25f; /* not above */
    ferry_vision_results results = finish(&f, FERRY_OK);
    assert_int_equal(results.detection_count, 1);
    assert_box(&results.detections[0], 30, 20, 50, 60, 0.6f, 2);
    assert_int_equal(results.detections[0].keypoint_count, 2);
    assert_true(results.keypoints[1].x == 44 && results.keypoints[1].y == 44 && results.keypoints[1].score == 0.4f);
    stop(&f);
}

static void end_to_end_is_only_sorted(void **state) {
    (void)state;
    fixture f;
    start(&f, FERRY_TASK_YOLO_END_TO_END, 64, 64);
    static const float rows[3][6] = {{10, 10, 20, 20, 0.5f, 2}, {10, 10, 20, 20, 0.9f, 2}, {1, 1, 2, 2, 0.1f, 0}};
    memcpy(add_output(&f, "output0", 3, (int64_t[]){1, 3, 6}), rows, sizeof rows);
    ferry_vision_results results = finish(&f, FERRY_OK);
    assert_int_equal(results.detection_count, 2);
    assert_box(&results.detections[0], 20, 0, 40, 20, 0.9f, 2);
    stop(&f);
}

static void yolox_counts_its_grid(void **state) {
    (void)state;
    fixture f;
    start(&f, FERRY_TASK_YOLOX, 64, 32);
    enum { CELLS = 8 * 4 + 4 * 2 + 2 * 1 };
    float *data = add_output(&f, "outputs", 3, (int64_t[]){1, CELLS, 6});
    float *row = data + (32 + 4 + 3) * 6;                                                      /* stride 16, cell (3, 1) */
    row[0] = 0.5f, row[1] = 0.25f, row[2] = logf(2), row[3] = 0, row[4] = 0.5f, row[5] = 0.5f; /* 0.25 is enough: >= */
    ferry_vision_results results = finish(&f, FERRY_OK);
    assert_int_equal(results.detection_count, 1);
    assert_box(&results.detections[0], 80, 4, 128, 36, 0.25f, 0); /* centre (56, 20), 32 x 16 */
    f.geometry.network_width = 96;
    finish(&f, FERRY_ERROR_SHAPE);
    stop(&f);
}

static void scrfd_tells_outputs_apart_by_size(void **state) {
    (void)state;
    fixture f;
    start(&f, FERRY_TASK_SCRFD, 64, 64);
    float *scores[3], *boxes[3], *points[3];
    for (int level = 2; level >= 0; level--) { /* in an unusual order */
        const int64_t count = 2 * (64 >> (3 + level)) * (64 >> (3 + level));
        points[level] = add_output(&f, "kps", 2, (int64_t[]){count, 10});
        boxes[level] = add_output(&f, "bbox", 3, (int64_t[]){1, count, 4});
        scores[level] = add_output(&f, "score", 2, (int64_t[]){count, 1});
    }
    const int anchor = (1 * 4 + 2) * 2 + 1; /* stride 16, cell (2, 1), second anchor */
    scores[1][anchor] = 0.5f;
    for (int k = 0; k < 4; k++) boxes[1][anchor * 4 + k] = 0.5f;
    points[1][anchor * 10 + 8] = -0.25f;
    ferry_vision_results results = finish(&f, FERRY_OK);
    assert_int_equal(results.detection_count, 1);
    assert_box(&results.detections[0], 48, 0, 80, 28, 0.5f, 0);
    assert_int_equal(results.detections[0].keypoint_count, 5);
    assert_true(results.keypoints[4].x == 56 && results.keypoints[4].y == 12);
    stop(&f);
}

static void yunet_goes_by_names(void **state) {
    (void)state;
    fixture f;
    start(&f, FERRY_TASK_YUNET, 32, 32);
    static const char *const names[12] = {"kps_32", "bbox_32", "obj_32", "cls_32", "kps_16", "bbox_16",
                                          "obj_16", "cls_16",  "kps_8",  "bbox_8", "obj_8",  "cls_8"};
    static const int values[4] = {10, 4, 1, 1};
    for (int i = 0; i < 12; i++) {
        const int64_t cells = i < 4 ? 1 : i < 8 ? 4 : 16;
        add_output(&f, names[i], 3, (int64_t[]){1, cells, values[i % 4]});
    }
    ((float *)f.outputs[6].data)[3] = 0.81f; /* stride 16, cell (1, 1) */
    ((float *)f.outputs[7].data)[3] = 1.0f;
    ferry_vision_results results = finish(&f, FERRY_OK);
    assert_int_equal(results.detection_count, 1);
    assert_box(&results.detections[0], 16, 0, 48, 28, 0.9f, 0);
    f.names[0] = "other_32";
    finish(&f, FERRY_ERROR_SHAPE);
    stop(&f);
}

static void retinaface_and_ultraface(void **state) {
    (void)state;
    fixture f;
    start(&f, FERRY_TASK_RETINAFACE, 64, 64);
    for (int level = 0; level < 3; level++) {
        const int64_t side = 64 >> (3 + level);
        float *score = add_output(&f, "cls", 4, (int64_t[]){1, 4, side, side});
        add_output(&f, "bbox", 4, (int64_t[]){1, 8, side, side});
        add_output(&f, "landmark", 4, (int64_t[]){1, 20, side, side});
        score[0] = 1;                                                  /* background */
        if (level == 0) score[3 * side * side + 1 * side + 2] = 0.75f; /* second anchor (16 pixels), cell (2, 1) */
    }
    ferry_vision_results results = finish(&f, FERRY_OK);
    assert_int_equal(results.detection_count, 1);
    assert_box(&results.detections[0], 32, 0, 62, 26, 0.75f, 0); /* centre (23.5, 15.5), half 7.5 */
    assert_true(results.keypoints[2].x == 47 && results.keypoints[2].y == 11);
    stop(&f);

    start(&f, FERRY_TASK_ULTRAFACE, 64, 64);
    static const float box[4] = {0.25f, 0.5f, 0.5f, 0.75f}, score[2] = {0.1f, 0.9f};
    memcpy(add_output(&f, "scores", 3, (int64_t[]){1, 1, 2}), score, sizeof score);
    memcpy(add_output(&f, "boxes", 3, (int64_t[]){1, 1, 4}), box, sizeof box);
    results = finish(&f, FERRY_OK);
    assert_int_equal(results.detection_count, 1);
    assert_box(&results.detections[0], 32, 44, 64, 76, 0.9f, 0);
    stop(&f);
}

static void wrong_outputs_are_refused(void **state) {
    (void)state;
    static const ferry_vision_task tasks[] = {FERRY_TASK_YOLOV5,      FERRY_TASK_YOLOV5_RAW,      FERRY_TASK_YOLOV8,
                                              FERRY_TASK_YOLOX,       FERRY_TASK_YOLO_END_TO_END, FERRY_TASK_SCRFD,
                                              FERRY_TASK_RETINAFACE,  FERRY_TASK_YUNET,           FERRY_TASK_ULTRAFACE,
                                              FERRY_TASK_YOLOV8_POSE, FERRY_TASK_POSE_HEATMAP};
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        fixture f;
        start(&f, tasks[i], 64, 64);
        finish(&f, FERRY_ERROR_SHAPE); /* no outputs at all */
        add_output(&f, "a", 3, (int64_t[]){2, 3, 5});
        add_output(&f, "b", 1, (int64_t[]){4});
        add_output(&f, "c", 0, (int64_t[]){0});
        finish(&f, FERRY_ERROR_SHAPE);
        stop(&f);
    }
}

static void nothing_but_numbers_survives(void **state) {
    (void)state;
    fixture f;
    start(&f, FERRY_TASK_YOLOV5, 64, 64);
    float *data = add_output(&f, "output", 3, (int64_t[]){1, 3, 6});
    for (int i = 0; i < 18; i++) data[i] = NAN;
    data[6 + 4] = data[6 + 5] = 0.9f; /* a box of NaNs with a good score */
    data[12 + 4] = INFINITY;
    ferry_vision_results results = finish(&f, FERRY_OK);
    for (int i = 0; i < results.detection_count; i++) {
        const ferry_detection *d = &results.detections[i];
        assert_true(d->x0 >= 0 && d->y0 >= 0 && d->x1 <= 128 && d->y1 <= 128);
    }
    stop(&f);
}

static void decoding_fails_cleanly_without_memory(void **state) {
    (void)state;
    fixture f;
    start(&f, FERRY_TASK_YOLOV8, 64, 64);
    float *data = add_output(&f, "output0", 3, (int64_t[]){1, 6, 84});
    for (int i = 0; i < 84; i++) data[4 * 84 + i] = 0.9f;
    for (int64_t n = 1;; n++) {
        ferry_vision_results results;
        ferry_allocation_fail_after(n);
        ferry_status status = ferry_detector_create(&f.card, 0, 1, &f.detector, NULL);
        if (status == FERRY_OK)
            status = ferry_detector_postprocess(f.detector, f.outputs, f.names, f.count, &f.geometry, &results, NULL);
        ferry_allocation_fail_after(0);
        if (status == FERRY_OK) {
            assert_true(n > 8);
            break;
        }
        assert_int_equal(status, FERRY_ERROR_OUT_OF_MEMORY);
        ferry_detector_destroy(f.detector);
        f.detector = NULL;
    }
    stop(&f);
}

/* --- heads without boxes, transforms ------------------------------------------------------------------------------------- */

static void classification(void **state) {
    (void)state;
    const float scores[6] = {1, 3, NAN, 3, 2, -5};
    ferry_class_score best[4];
    assert_int_equal(ferry_classify(scores, 6, false, 4, best), 4);
    assert_int_equal(best[0].class_index, 1);
    assert_int_equal(best[1].class_index, 3);
    assert_int_equal(best[2].class_index, 4);
    assert_int_equal(best[3].class_index, 0);
    assert_int_equal(ferry_classify(scores, 6, true, 1, best), 1);
    assert_true(fabsf(best[0].score - (float)(1 / (2 + exp(-1) + exp(-2) + exp(-8)))) < 1e-6f);
    assert_int_equal(ferry_classify(scores, 0, true, 4, best), 0);
    assert_int_equal(ferry_classify(scores, 6, true, 0, best), 0);
}

static void embedding_has_length_one(void **state) {
    (void)state;
    float values[3] = {3, 0, -4}, zero[2] = {0, 0};
    ferry_normalize_embedding(values, 3, values);
    assert_true(fabsf(values[0] - 0.6f) < 1e-6f && fabsf(values[2] + 0.8f) < 1e-6f);
    ferry_normalize_embedding(zero, 2, zero);
    assert_true(zero[0] == 0);
}

static void heatmap_peaks_move_by_a_quarter(void **state) {
    (void)state;
    float maps[2][5 * 6] = {{0}};
    maps[0][2 * 6 + 3] = 1;
    maps[0][2 * 6 + 4] = 0.5f;
    maps[0][1 * 6 + 3] = 0.25f;
    ferry_keypoint points[2];
    ferry_decode_heatmaps(maps[0], 2, 5, 6, points);
    assert_true(points[0].x == 3.25f && points[0].y == 1.75f && points[0].score == 1);
    assert_true(points[1].x == -1 && points[1].y == -1 && points[1].score == 0);
    maps[1][1 * 6 + 1] = 1; /* too near the border to move */
    maps[1][1 * 6 + 2] = 0.5f;
    ferry_decode_heatmaps(maps[0], 2, 5, 6, points);
    assert_true(points[1].x == 1 && points[1].y == 1);
}

static void similarity_finds_its_transform(void **state) {
    (void)state;
    for (int round = 0; round < 100; round++) {
        double a = (double)uniform(-2, 2), b = (double)uniform(-2, 2), from[10], to[10], matrix[6];
        for (int i = 0; i < 5; i++) {
            double x = from[2 * i] = (double)uniform(0, 500), y = from[2 * i + 1] = (double)uniform(0, 500);
            to[2 * i] = a * x - b * y + 7;
            to[2 * i + 1] = b * x + a * y - 3;
        }
        assert_true(ferry_similarity_from_points(from, to, 5, matrix));
        const double wanted[6] = {a, -b, 7, b, a, -3};
        for (int i = 0; i < 6; i++) assert_true(fabs(matrix[i] - wanted[i]) < 1e-9);
    }
    const double same[4] = {3, 3, 3, 3};
    double matrix[6];
    assert_false(ferry_similarity_from_points(same, same, 2, matrix));
}

static void transforms_invert(void **state) {
    (void)state;
    const double matrix[6] = {0.5, -0.25, 7, 0.125, 2, -9}, flat[6] = {1, 2, 0, 2, 4, 0};
    ferry_affine affine;
    assert_true(ferry_affine_from_matrix(matrix, &affine));
    double x, y;
    ferry_affine_apply(affine.to_network, 100, 50, &x, &y);
    ferry_affine_apply(affine.to_picture, x, y, &x, &y);
    assert_true(fabs(x - 100) < 1e-9 && fabs(y - 50) < 1e-9);
    assert_false(ferry_affine_from_matrix(flat, &affine));
    double points[10];
    assert_true(ferry_face_template(112, points) && points[0] == 38.2946);
    assert_true(ferry_face_template(256, points) && fabs(points[0] - (38.2946 * 2 + 16)) < 1e-9);
    assert_false(ferry_face_template(100, points));
}

/* The corners of the picture land on the corners of the content, whatever the fit. */
static void placement_and_transform_agree(void **state) {
    (void)state;
    for (int round = 0; round < 500; round++) {
        ferry_preprocess_settings settings = ferry_preprocess_settings_default();
        settings.fit = (ferry_fit)(round % 5);
        settings.rounding = (ferry_size_rounding)(round % 3);
        settings.width = (int)uniform(32, 700);
        settings.height = (int)uniform(32, 700);
        settings.scale_up = round % 2;
        const int width = (int)uniform(1, 3000), height = (int)uniform(1, 3000);
        const ferry_placement p = ferry_place(&settings, width, height);
        double x, y;
        ferry_affine_apply(p.affine.to_network, width, height, &x, &y);
        assert_true(fabs(x - (p.left + p.content_width)) < 1e-6 && fabs(y - (p.top + p.content_height)) < 1e-6);
        if (settings.fit == FERRY_FIT_CENTER_CROP)
            assert_true(p.left <= 0 && p.top <= 0 && p.left + p.content_width >= p.width &&
                        p.top + p.content_height >= p.height);
        else
            assert_true(p.left >= 0 && p.top >= 0 && p.left + p.content_width <= p.width &&
                        p.top + p.content_height <= p.height);
        if (settings.fit == FERRY_FIT_MINIMUM_RECTANGLE)
            assert_true((settings.width - p.width) % settings.stride == 0 &&
                        (settings.height - p.height) % settings.stride == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suppression_equals_its_definition),
        cmocka_unit_test(suppression_is_strict),
        cmocka_unit_test(yolov5_drops_by_objectness_and_by_product),
        cmocka_unit_test(yolov5_multi_label_gives_every_class),
        cmocka_unit_test(yolov5_reads_half_precision),
        cmocka_unit_test(yolov5_raw_heads),
        cmocka_unit_test(yolov8_reads_columns),
        cmocka_unit_test(end_to_end_is_only_sorted),
        cmocka_unit_test(yolox_counts_its_grid),
        cmocka_unit_test(scrfd_tells_outputs_apart_by_size),
        cmocka_unit_test(yunet_goes_by_names),
        cmocka_unit_test(retinaface_and_ultraface),
        cmocka_unit_test(wrong_outputs_are_refused),
        cmocka_unit_test(nothing_but_numbers_survives),
        cmocka_unit_test(decoding_fails_cleanly_without_memory),
        cmocka_unit_test(classification),
        cmocka_unit_test(embedding_has_length_one),
        cmocka_unit_test(heatmap_peaks_move_by_a_quarter),
        cmocka_unit_test(similarity_finds_its_transform),
        cmocka_unit_test(transforms_invert),
        cmocka_unit_test(placement_and_transform_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
