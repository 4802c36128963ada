/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the decoding of outputs: any task, any number of outputs of any small shape and any floats. Results are finite and lie
 * within the picture. Bytes: task, width / 8, height / 8, outputs, then a rank and dims for each, then floats, repeated. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "target.h"
#include "vision/affine.h"
#include "vision/detector.h"

enum { MAX_OUTPUTS = 12, MAX_ELEMENTS = 1 << 16 };

typedef struct reader {
    const uint8_t *data;
    size_t size, position;
} reader;

static int next_byte(reader *r) { return r->position < r->size ? r->data[r->position++] : 0; }

static void fill(reader *r, float *values, int64_t count) {
    const size_t left = r->size - r->position;
    for (int64_t i = 0; i < count; i++) {
        uint8_t bytes[4] = {0};
        for (size_t k = 0; k < 4 && left > 0; k++) bytes[k] = r->data[r->position + ((size_t)i * 4 + k) % left];
        memcpy(&values[i], bytes, sizeof bytes);
    }
}

static int read_outputs(reader *r, int count, ferry_tensor *outputs) {
    int64_t total = 0;
    for (int i = 0; i < count; i++) {
        outputs[i] = (ferry_tensor){.dtype = FERRY_FLOAT32, .shape = {.rank = next_byte(r) % 6}};
        for (int k = 0; k < outputs[i].shape.rank; k++) outputs[i].shape.dims[k] = next_byte(r);
        total += ferry_shape_count(&outputs[i].shape);
        if (total > MAX_ELEMENTS) return i;
    }
    return count;
}

static void check_results(const ferry_vision_results *results, const ferry_input_geometry *geometry) {
    for (int i = 0; i < results->detection_count; i++) {
        const ferry_detection *d = &results->detections[i];
        if (!(d->x0 >= 0 && d->y0 >= 0 && d->x1 <= (float)geometry->picture_width && d->y1 <= (float)geometry->picture_height))
            abort();
        if (d->keypoint_count < 0 || d->keypoint_begin + d->keypoint_count > results->keypoint_count || d->class_index < 0)
            abort();
    }
    for (int i = 0; i < results->keypoint_count; i++)
        if (!isfinite(results->keypoints[i].x) || !isfinite(results->keypoints[i].y)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[MAX_OUTPUTS] = {"cls_8",   "obj_8",  "bbox_8", "kps_8",  "cls_16",  "obj_16",
                                                   "bbox_16", "kps_16", "cls_32", "obj_32", "bbox_32", "kps_32"};
    reader r = {data, size, 0};
    ferry_model_card card;
    ferry_detector *detector;
    ferry_vision_results results;
    ferry_tensor outputs[MAX_OUTPUTS] = {{0}};
    ferry_error error = {0};
    ferry_card_init(&card, (ferry_vision_task)(next_byte(&r) % (FERRY_TASK_EMBEDDING + 1)));
    card.head.confidence = 0.1f;
    card.head.multi_label = size % 2;
    card.head.keypoints = (int32_t)(size % 5);
    const int width = 8 * (1 + next_byte(&r) % 16), height = 8 * (1 + next_byte(&r) % 16);
    const ferry_input_geometry geometry = {ferry_affine_from_scale(0.5, 0.25, 3, -2), 2 * width, 4 * height, width, height};
    const int count = read_outputs(&r, next_byte(&r) % (MAX_OUTPUTS + 1), outputs);
    for (int i = 0; i < count; i++) {
        const int64_t elements = ferry_shape_count(&outputs[i].shape);
        float *values = malloc((size_t)elements * sizeof *values + 1);
        if (values) fill(&r, values, elements);
        outputs[i].data = values;
    }
    if (ferry_detector_create(&card, ferry_cpu_features(), 1, &detector, &error) != FERRY_OK) abort();
    if (ferry_detector_postprocess(detector, outputs, names, count, &geometry, &results, &error) == FERRY_OK)
        check_results(&results, &geometry);
    else if (!*error.message)
        abort();
    ferry_detector_destroy(detector);
    for (int i = 0; i < count; i++) free(outputs[i].data);
    return 0;
}

/* Seeds: each task with outputs of the shapes that it wants for an input of 32 x 32, filled with 0.5. */
uint8_t *fuzz_seed(size_t index, size_t *size, const char **name) {
    static const uint8_t seeds[][64] = {
        {FERRY_TASK_YOLOV5, 3, 3, 1, 3, 1, 63, 8},
        {FERRY_TASK_YOLOV5_RAW, 3, 3, 3, 4, 1, 21, 4, 4, 4, 1, 21, 2, 2, 5, 1, 3, 1, 1, 7},
        {FERRY_TASK_YOLOV8, 3, 3, 1, 3, 1, 7, 21},
        {FERRY_TASK_YOLO_END_TO_END, 3, 3, 1, 3, 1, 9, 6},
        {FERRY_TASK_YOLOX, 3, 3, 1, 3, 1, 21, 7},
        {FERRY_TASK_SCRFD, 3, 3, 9, 2, 32, 1, 2, 8, 1, 2, 2, 1, 2, 32, 4, 2, 8, 4, 2, 2, 4, 2, 32, 10, 2, 8, 10, 2, 2, 10},
        {FERRY_TASK_RETINAFACE,
         3,
         3,
         9,
         4,
         1,
         4,
         4,
         4,
         4,
         1,
         8,
         4,
         4,
         4,
         1,
         20,
         4,
         4,
         4,
         1,
         4,
         2,
         2,
         4,
         1,
         8,
         2,
         2,
         4,
         1,
         20,
         2,
         2,
         4,
         1,
         4,
         1,
         1,
         4,
         1,
         8,
         1,
         1,
         4,
         1,
         20,
         1,
         1},
        {FERRY_TASK_YUNET,
         3,
         3,
         12,
         2,
         16,
         1,
         2,
         16,
         1,
         2,
         16,
         4,
         2,
         16,
         10,
         2,
         4,
         1,
         2,
         4,
         1,
         2,
         4,
         4,
         2,
         4,
         10,
         2,
         1,
         1,
         2,
         1,
         1,
         2,
         1,
         4,
         2,
         1,
         10},
        {FERRY_TASK_ULTRAFACE, 3, 3, 2, 3, 1, 9, 2, 3, 1, 9, 4},
        {FERRY_TASK_CLASSIFY, 3, 3, 1, 2, 1, 10},
        {FERRY_TASK_POSE_HEATMAP, 3, 3, 1, 4, 1, 3, 8, 8},
        {FERRY_TASK_YOLOV8_POSE, 3, 3, 1, 3, 1, 20, 21},
        {FERRY_TASK_EMBEDDING, 3, 3, 1, 2, 1, 16},
    };
    static const uint8_t half[4] = {0, 0, 0, 0x3f};
    enum { HEADER = 52, BYTES = HEADER + 48 };
    if (index >= sizeof seeds / sizeof *seeds) return NULL;
    uint8_t *seed = malloc(BYTES);
    if (!seed) return NULL;
    memcpy(seed, seeds[index], HEADER);
    for (int i = HEADER; i < BYTES; i++) seed[i] = half[i % 4];
    *name = ferry_vision_task_name((ferry_vision_task)seeds[index][0]);
    *size = BYTES;
    return seed;
}
