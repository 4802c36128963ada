/* SPDX-License-Identifier: Apache-2.0 */
/* Detects objects in pictures with nothing but the installed libraries: detect ENGINE PICTURE...
 *
 *   cc detect.c -o detect $(pkg-config --cflags --libs ferry ferry-media) */
#include <ferry/media.h>
#include <ferry/predictor.h>
#include <stdio.h>

static ferry_status look(ferry_predictor *predictor, const char *path, ferry_error *error) {
    ferry_vision_results found;
    ferry_image picture;
    ferry_status status = ferry_picture_read(path, &picture, error);
    if (status != FERRY_OK) return status;
    status = ferry_predictor_run(predictor, &picture, &found, error);
    for (int i = 0; status == FERRY_OK && i < found.detection_count; i++) {
        const ferry_detection *box = &found.detections[i];
        printf("%s: %s %.2f at %.0f %.0f %.0f %.0f\n", path, ferry_predictor_label(predictor, box->class_index),
               (double)box->score, (double)box->x0, (double)box->y0, (double)box->x1, (double)box->y1);
    }
    ferry_picture_free(&picture);
    return status;
}

int main(int argc, char **argv) {
    ferry_engine *engine = NULL;
    ferry_predictor *predictor = NULL;
    ferry_error error;
    if (argc < 3) {
        fprintf(stderr, "usage: detect ENGINE PICTURE...\n");
        return 2;
    }
    ferry_status status = ferry_engine_load(argv[1], &engine, &error);
    if (status == FERRY_OK) status = ferry_predictor_create(engine, NULL, &predictor, &error);
    for (int i = 2; i < argc && status == FERRY_OK; i++) status = look(predictor, argv[i], &error);
    if (status != FERRY_OK) fprintf(stderr, "detect: %s\n", error.message);
    ferry_predictor_destroy(predictor);
    ferry_engine_destroy(engine);
    return status == FERRY_OK ? 0 : 1;
}
