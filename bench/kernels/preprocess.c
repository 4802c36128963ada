/* SPDX-License-Identifier: Apache-2.0 */
/* Times picture to network input on one core: bench_preprocess [seconds a case]. Prints the median of the runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/memory.h"
#include "tensor/image.h"
#include "vision/preprocess.h"

enum { MAX_RUNS = 4000 };

static const struct bench_case {
    const char *name;
    ferry_pixel_format format;
    int width, height, target;
    ferry_fit fit;
} cases[] = {
    {"nv12 1080p", FERRY_PIXEL_NV12, 1920, 1080, 640},
    {"nv12 720p", FERRY_PIXEL_NV12, 1280, 720, 640},
    {"nv12 576", FERRY_PIXEL_NV12, 768, 576, 640},
    {"nv12 2160p", FERRY_PIXEL_NV12, 3840, 2160, 640},
    {"yuv420p 1080p", FERRY_PIXEL_YUV420P, 1920, 1080, 640},
    {"yuyv 1080p", FERRY_PIXEL_YUYV, 1920, 1080, 640},
    {"p010 1080p", FERRY_PIXEL_P010, 1920, 1080, 640},
    {"bgr24 1080p", FERRY_PIXEL_BGR24, 1920, 1080, 640},
    {"rgb24 810x1080", FERRY_PIXEL_RGB24, 810, 1080, 640},
    {"rgba 1080p", FERRY_PIXEL_RGBA32, 1920, 1080, 640},
    {"gray 1080p", FERRY_PIXEL_GRAY8, 1920, 1080, 640},
    {"face from rgb24", FERRY_PIXEL_RGB24, 1920, 1080, 112, FERRY_FIT_AFFINE},
    {"face from nv12", FERRY_PIXEL_NV12, 1920, 1080, 112, FERRY_FIT_AFFINE},
};

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ms(ferry_preprocessor *preprocessor, const ferry_image *image, float *output, size_t bytes,
                        double seconds) {
    static double times[MAX_RUNS];
    int count = 0;
    ferry_affine transform;
    const double end = ferry_time_seconds() + seconds;
    while (count < MAX_RUNS && (count < 5 || ferry_time_seconds() < end)) {
        double start = ferry_time_seconds();
        if (ferry_preprocessor_run(preprocessor, image, NULL, output, bytes, &transform, NULL) != FERRY_OK) return -1;
        times[count++] = (ferry_time_seconds() - start) * 1e3;
    }
    qsort(times, (size_t)count, sizeof *times, by_value);
    return times[count / 2];
}

static double run_case(const struct bench_case *c, uint32_t features, double seconds) {
    ferry_image image;
    ferry_preprocessor *preprocessor = NULL;
    ferry_preprocess_settings settings = ferry_preprocess_settings_default();
    settings.width = settings.height = c->target;
    settings.fit = c->fit;
    const double face[6] = {0.5, -0.1, -100, 0.1, 0.5, -200};
    memcpy(settings.affine, face, sizeof face);
    const size_t bytes = (size_t)c->target * (size_t)c->target * 3 * sizeof(float);
    size_t picture_bytes;
    float *output = ferry_aligned_malloc(bytes);
    double result = -1;
    if (ferry_image_layout(c->format, c->width, c->height, NULL, &image, &picture_bytes, NULL) == FERRY_OK &&
        ferry_image_allocate(c->format, c->width, c->height, &image, NULL) == FERRY_OK && output) {
        for (size_t i = 0; i < picture_bytes; i++) image.planes[0][i] = (uint8_t)(i * 2654435761u >> 13);
        if (ferry_preprocessor_create(&settings, features, 1, &preprocessor, NULL) == FERRY_OK)
            result = median_ms(preprocessor, &image, output, bytes, seconds);
        ferry_preprocessor_destroy(preprocessor);
        ferry_image_free(&image);
    }
    ferry_aligned_free(output);
    return result;
}

int main(int argc, char **argv) {
    const double seconds = argc > 1 ? atof(argv[1]) : 0.3;
    char name[128];
    printf("%s, one core, letterbox to 640x640 float32 planar; faces 112x112 by a turned affine\n%-16s %10s %10s\n",
           ferry_cpu_name(name, sizeof name), "source", "ms", "plain C ms");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        printf("%-16s %10.3f %10.3f\n", cases[i].name, run_case(&cases[i], ferry_cpu_features(), seconds),
               run_case(&cases[i], 0, seconds));
    return 0;
}
