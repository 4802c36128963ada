/* SPDX-License-Identifier: Apache-2.0 */
#include "media_help.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tensor/image.h"

static char folder[64];

int media_setup(void **state) {
    (void)state;
    ferry_media_set_chatter(0);
    snprintf(folder, sizeof folder, "/tmp/ferry-media-XXXXXX");
    return mkdtemp(folder) ? 0 : 1;
}

size_t scratch_count(void) {
    size_t count = 0;
    DIR *open = opendir(folder);
    for (struct dirent *entry; open && (entry = readdir(open));) count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}

int media_teardown(void **state) {
    (void)state;
    int left = 0;
    DIR *open = opendir(folder);
    for (struct dirent *entry; open && (entry = readdir(open));) {
        char path[400];
        if (entry->d_name[0] == '.') continue;
        if (strstr(entry->d_name, ".tmp")) left = printf("left behind: %s\n", entry->d_name);
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        remove(path);
    }
    closedir(open);
    rmdir(folder);
    return left;
}

const char *scratch(const char *name) {
    static char paths[8][200];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *asset(const char *name) {
    static char paths[8][600];
    static int next;
    char *path = paths[next++ % 8];
    const char *assets = getenv("FERRY_ASSETS");
    snprintf(path, sizeof paths[0], "%s/%s", assets ? assets : "../shared/assets", name);
    if (access(path, R_OK) == 0) return path;
    printf("skipped: %s is absent\n", path);
    skip();
    return NULL;
}

uint8_t *load(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *bytes = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*bytes ? *bytes : 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *bytes, file), *bytes);
    fclose(file);
    return data;
}

void store(const char *path, const void *data, size_t bytes) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
}

void check_ok(ferry_status status, const ferry_error *error) {
    if (status != FERRY_OK) fail_msg("%s: %s", ferry_status_name(status), error->message);
}

void check_fails(ferry_status status, ferry_status expected, const ferry_error *error, const char *part) {
    if (status != expected) fail_msg("%s instead of %s", ferry_status_name(status), ferry_status_name(expected));
    assert_int_equal(error->status, status);
    if (!strstr(error->message, part)) fail_msg("'%s' does not say '%s'", error->message, part);
}

static uint8_t noise(void) {
    static uint32_t state = 12345;
    state = state * 1664525u + 1013904223u;
    return (uint8_t)(state >> 24);
}

void make_picture(int width, int height, int phase, ferry_image *image) {
    ferry_error error;
    check_ok(ferry_image_allocate(FERRY_PIXEL_RGB24, width, height, image, &error), &error);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *pixel = image->planes[0] + y * image->strides[0] + 3 * x;
            pixel[0] = phase < 0 ? noise() : (uint8_t)(128 + 100 * sin((x + phase) * 0.05));
            pixel[1] = phase < 0 ? noise() : (uint8_t)(128 + 100 * sin((y - phase) * 0.04 + 1));
            pixel[2] = phase < 0 ? noise() : (uint8_t)(128 + 100 * sin((x + y) * 0.03));
        }
}

void paint_all(const ferry_image *image, uint8_t a, uint8_t b, uint8_t c) {
    const uint8_t values[3] = {a, b, c};
    int half_x = image->format != FERRY_PIXEL_YUV444P, half_y = half_x && image->format != FERRY_PIXEL_YUV422P;
    int width = half_x ? (image->width + 1) / 2 : image->width, height = half_y ? (image->height + 1) / 2 : image->height;
    bool packed = image->format == FERRY_PIXEL_RGB24,
         pairs = image->format == FERRY_PIXEL_NV12 || image->format == FERRY_PIXEL_NV21;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width * (packed ? 3 : 1); x++)
            image->planes[0][y * image->strides[0] + x] = packed ? values[x % 3] : a;
    for (int plane = 1; !packed && plane < (pairs ? 2 : 3); plane++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width * (pairs ? 2 : 1); x++)
                image->planes[plane][y * image->strides[plane] + x] = pairs ? values[1 + x % 2] : values[plane];
}

double psnr(const ferry_image *a, const ferry_image *b) {
    double sum = 0;
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width * 3; x++) {
            int d = a->planes[0][y * a->strides[0] + x] - b->planes[0][y * b->strides[0] + x];
            sum += d * d;
        }
    return sum > 0 ? 10 * log10(255.0 * 255 * 3 * a->width * a->height / sum) : 100;
}

int worst_difference(const ferry_image *a, const ferry_image *b) {
    int worst = 0;
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width * 3; x++) {
            int d = abs(a->planes[0][y * a->strides[0] + x] - b->planes[0][y * b->strides[0] + x]);
            if (d > worst) worst = d;
        }
    return worst;
}
