/* SPDX-License-Identifier: Apache-2.0 */
/* Times outputs to boxes on one core: bench_postprocess [seconds a case]. 40 objects, each with a cloud of boxes around it and
 * the rest noise, of which a part lies above the confidence. Prints the median of the runs. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/memory.h"
#include "vision/affine.h"
#include "vision/detector.h"

enum { MAX_RUNS = 4000, OBJECTS = 40, CLASSES = 80 };

static const struct bench_case {
    const char *name;
    ferry_vision_task task;
    int anchors;
    float confidence;
    double share; /* of the anchors with a score above 0.001 */
} cases[] = {
    {"yolov5 conf 0.25", FERRY_TASK_YOLOV5, 25200, 0.25f, 0.1},  {"yolov5 conf 0.001", FERRY_TASK_YOLOV5, 25200, 0.001f, 0.1},
    {"yolov5 all above", FERRY_TASK_YOLOV5, 25200, 0.001f, 1.0}, {"yolov8 conf 0.25", FERRY_TASK_YOLOV8, 8400, 0.25f, 0.1},
    {"yolov8 conf 0.001", FERRY_TASK_YOLOV8, 8400, 0.001f, 0.1}, {"yolov8 all above", FERRY_TASK_YOLOV8, 8400, 0.001f, 1.0},
};

static uint32_t random_state = 1;
static double uniform(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) / 16777216.0;
}

/* One row of cx cy w h objectness classes. */
static void fill_row(float *row, double share) {
    const int object = (int)(uniform() * OBJECTS);
    const double strength = uniform() < share ? uniform() * uniform() * uniform() : 0.0005 * uniform();
    row[0] = (float)(20 + object % 8 * 80 + 20 * uniform());
    row[1] = (float)(40 + object / 8.0 * 110 + 20 * uniform());
    row[2] = (float)(40 + 30 * uniform());
    row[3] = (float)(80 + 30 * uniform());
    row[4] = (float)strength;
    for (int c = 0; c < CLASSES; c++) row[5 + c] = (float)(0.02 * uniform());
    row[5 + object % 7] = (float)(0.5 + 0.5 * uniform());
}

static void fill(const struct bench_case *c, ferry_tensor *output) {
    float row[5 + CLASSES], *data = output->data;
    for (int i = 0; i < c->anchors; i++) {
        fill_row(row, c->share);
        if (c->task == FERRY_TASK_YOLOV5) {
            for (int k = 0; k < 5 + CLASSES; k++) data[(size_t)i * (5 + CLASSES) + (size_t)k] = row[k];
        } else {
            for (int k = 0; k < 4; k++) data[(size_t)k * (size_t)c->anchors + (size_t)i] = row[k];
            for (int k = 0; k < CLASSES; k++) data[(size_t)(4 + k) * (size_t)c->anchors + (size_t)i] = row[4] * row[5 + k];
        }
    }
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double run_case(const struct bench_case *c, uint32_t features, double seconds, int *found) {
    static double times[MAX_RUNS];
    ferry_model_card card;
    ferry_detector *detector;
    ferry_card_init(&card, c->task);
    card.head.confidence = c->confidence;
    const int64_t rows[3] = {1, c->anchors, 5 + CLASSES}, columns[3] = {1, 4 + CLASSES, c->anchors};
    ferry_tensor output = {.dtype = FERRY_FLOAT32, .shape = ferry_shape_make(3, c->task == FERRY_TASK_YOLOV5 ? rows : columns)};
    output.data = ferry_aligned_malloc((size_t)ferry_shape_count(&output.shape) * sizeof(float));
    const ferry_input_geometry geometry = {ferry_affine_from_scale(1, 1, 0, 0), 640, 640, 640, 640};
    ferry_vision_results results = {0};
    if (!output.data || ferry_detector_create(&card, features, 1, &detector, NULL) != FERRY_OK) return -1;
    fill(c, &output);
    int count = 0;
    const double end = ferry_time_seconds() + seconds;
    while (count < MAX_RUNS && (count < 5 || ferry_time_seconds() < end)) {
        const double start = ferry_time_seconds();
        if (ferry_detector_postprocess(detector, &output, NULL, 1, &geometry, &results, NULL) != FERRY_OK) return -1;
        times[count++] = (ferry_time_seconds() - start) * 1e3;
    }
    *found = results.detection_count;
    ferry_detector_destroy(detector);
    ferry_aligned_free(output.data);
    qsort(times, (size_t)count, sizeof *times, by_value);
    return times[count / 2];
}

int main(int argc, char **argv) {
    const double seconds = argc > 1 ? atof(argv[1]) : 0.3;
    char name[128];
    printf("%s, one core, decode, suppression and way back\n%-18s %10s %12s %6s\n", ferry_cpu_name(name, sizeof name), "head",
           "ms", "plain C ms", "boxes");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int found = 0;
        const double fast = run_case(&cases[i], ferry_cpu_features(), seconds, &found);
        printf("%-18s %10.3f %12.3f %6d\n", cases[i].name, fast, run_case(&cases[i], 0, seconds, &found), found);
    }
    return 0;
}
