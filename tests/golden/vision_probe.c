/* SPDX-License-Identifier: Apache-2.0 */
/* The vision stages as a program, for vision_golden.py to compare with the Python originals stage by stage.
 *   vision_probe recognize SIGNATURE          prints the card recognised from lines `input|output NAME DTYPE dims...`,
 *                                             `meta KEY VALUE`
 *   vision_probe run CARD IMAGE FORMAT WIDTH HEIGHT AFFINE INPUT [OUTPUTS]
 *       IMAGE is raw pixels; AFFINE is `-` or six numbers in one argument; the network input is written to INPUT. OUTPUTS lists
 *       `NAME FILE dims...` a line, float32: then the results are printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/memory.h"
#include "tensor/image.h"
#include "vision/detector.h"

enum { MAX_VALUES = 64, MAX_LINE = 65536 };

static int complain(const ferry_error *error) {
    fprintf(stderr, "vision_probe: %s\n", error->message);
    return 1;
}

static int read_dims(char *text, ferry_shape *shape) {
    *shape = (ferry_shape){0};
    for (char *word = strtok(text, " \n"); word && shape->rank < FERRY_MAX_RANK; word = strtok(NULL, " \n"))
        shape->dims[shape->rank++] = atoll(word);
    return shape->rank;
}

static int recognize(const char *path) {
    static ferry_named_shape inputs[MAX_VALUES], outputs[MAX_VALUES];
    static const char *keys[MAX_VALUES], *values[MAX_VALUES];
    static char line[MAX_LINE];
    ferry_model_signature signature = {.inputs = inputs, .outputs = outputs, .metadata_keys = keys, .metadata_values = values};
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        char kind[16], name[256];
        int dtype, used = 0;
        if (sscanf(line, "meta %255s %n", name, &used) == 1 && used > 0 && signature.metadata_count < MAX_VALUES) {
            line[strcspn(line, "\n")] = 0;
            keys[signature.metadata_count] = ferry_strdup(name);
            values[signature.metadata_count++] = ferry_strdup(line + used);
        } else if (sscanf(line, "%15s %255s %d%n", kind, name, &dtype, &used) == 3) {
            ferry_named_shape value = {.name = ferry_strdup(name), .dtype = (ferry_dtype)dtype};
            read_dims(line + used, &value.shape);
            if (strcmp(kind, "input") == 0)
                inputs[signature.input_count++] = value;
            else
                outputs[signature.output_count++] = value;
        }
    }
    if (file) fclose(file);
    ferry_model_card card = {0};
    ferry_error error;
    char *text;
    if (ferry_card_recognize(&signature, &card, &error) != FERRY_OK || ferry_card_write(&card, &text, &error) != FERRY_OK)
        return complain(&error);
    fputs(text, stdout);
    return 0;
}

static void print_results(const ferry_vision_results *results) {
    for (int i = 0; i < results->detection_count; i++) {
        const ferry_detection *d = &results->detections[i];
        printf("box %.9g %.9g %.9g %.9g %.9g %d", (double)d->x0, (double)d->y0, (double)d->x1, (double)d->y1, (double)d->score,
               d->class_index);
        for (int k = 0; k < d->keypoint_count; k++)
            printf(" %.9g %.9g", (double)results->keypoints[d->keypoint_begin + k].x,
                   (double)results->keypoints[d->keypoint_begin + k].y);
        printf("\n");
    }
    for (int i = 0; i < results->class_count; i++)
        printf("class %d %.9g\n", results->classes[i].class_index, (double)results->classes[i].score);
    for (int i = 0; i < results->keypoint_count && results->detection_count == 0; i++)
        printf("keypoint %.9g %.9g %.9g\n", (double)results->keypoints[i].x, (double)results->keypoints[i].y,
               (double)results->keypoints[i].score);
    for (int i = 0; i < results->embedding_size; i++) printf("value %.9g\n", (double)results->embedding[i]);
}

static int read_outputs(const char *path, ferry_tensor *outputs, const char **names) {
    static char line[MAX_LINE];
    int count = 0;
    FILE *file = fopen(path, "r");
    while (file && count < MAX_VALUES && fgets(line, sizeof line, file)) {
        char name[256], data[1024];
        int used = 0;
        ferry_file_map map;
        if (sscanf(line, "%255s %1023s%n", name, data, &used) != 2 || ferry_file_map_open(data, &map, NULL) != FERRY_OK)
            return -1;
        outputs[count].dtype = FERRY_FLOAT32;
        read_dims(line + used, &outputs[count].shape);
        outputs[count].data = (void *)map.data; /* stays mapped to the end */
        if ((size_t)ferry_shape_count(&outputs[count].shape) * sizeof(float) != map.bytes) return -1;
        names[count++] = ferry_strdup(name);
    }
    if (file) fclose(file);
    return file ? count : -1;
}

static int run(char **argv) {
    ferry_error error = {0};
    ferry_file_map card_text, pixels;
    ferry_model_card card = {0};
    ferry_detector *detector;
    ferry_image image;
    ferry_shape shape;
    ferry_input_geometry geometry;
    size_t bytes;
    double affine[6];
    if (ferry_file_map_open(argv[0], &card_text, &error) != FERRY_OK ||
        ferry_card_read((const char *)card_text.data, card_text.bytes, &card, &error) != FERRY_OK ||
        ferry_file_map_open(argv[1], &pixels, &error) != FERRY_OK ||
        ferry_image_layout((ferry_pixel_format)atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), (void *)pixels.data, &image, &bytes,
                           &error) != FERRY_OK ||
        ferry_detector_create(&card, ferry_cpu_features(), 1, &detector, &error) != FERRY_OK ||
        ferry_detector_input_shape(detector, &image, &shape, &error) != FERRY_OK)
        return complain(&error);
    if (sscanf(argv[5], "%lf %lf %lf %lf %lf %lf", affine, affine + 1, affine + 2, affine + 3, affine + 4, affine + 5) == 6 &&
        ferry_detector_set_affine(detector, affine, &error) != FERRY_OK)
        return complain(&error);
    if (!ferry_tensor_bytes(card.preprocess.dtype, FERRY_LAYOUT_PLAIN, &shape, &bytes)) return 1;
    void *input = ferry_aligned_malloc(bytes);
    FILE *file = fopen(argv[6], "wb");
    if (!input || !file) return 1;
    if (ferry_detector_preprocess(detector, &image, NULL, input, bytes, &geometry, &error) != FERRY_OK) return complain(&error);
    if (fwrite(input, 1, bytes, file) != bytes || fclose(file) != 0) return 1;
    printf("shape %lld %lld %lld %lld\n", (long long)shape.dims[0], (long long)shape.dims[1], (long long)shape.dims[2],
           (long long)shape.dims[3]);
    if (argv[7]) {
        static ferry_tensor outputs[MAX_VALUES];
        static const char *names[MAX_VALUES];
        int count = read_outputs(argv[7], outputs, names);
        ferry_vision_results results;
        if (count < 0) return 1;
        if (ferry_detector_postprocess(detector, outputs, names, count, &geometry, &results, &error) != FERRY_OK)
            return complain(&error);
        print_results(&results);
    }
    ferry_detector_destroy(detector);
    ferry_card_free(&card);
    ferry_aligned_free(input);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "recognize") == 0) return recognize(argv[2]);
    if ((argc == 9 || argc == 10) && strcmp(argv[1], "run") == 0) return run(argv + 2);
    fprintf(stderr, "usage: see the head of vision_probe.c\n");
    return 2;
}
