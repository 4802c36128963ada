/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target: any bytes as a picture. It must be read or refused with a message; a picture read must hold what it claims.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <ferry/media.h>

#include "target.h"
#include "tensor/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ferry_image image;
    ferry_error error = {0};
    ferry_media_set_chatter(0);
    ferry_status status = ferry_picture_read_memory(data, size, "fuzz", &image, &error);
    if (status != FERRY_OK) {
        if (error.status != status || !strstr(error.message, "fuzz") || image.planes[0]) abort();
        return 0;
    }
    if (image.format != FERRY_PIXEL_RGB24 || image.width < 1 || image.height < 1) abort();
    uint32_t sum = 0; /* touches every pixel, so that the sanitizer sees one that is missing */
    for (int y = 0; y < image.height; y++)
        for (int x = 0; x < image.width * 3; x += 3) sum += image.planes[0][y * image.strides[0] + x];
    static volatile uint32_t result;
    result = sum;
    (void)result;
    ferry_picture_free(&image);
    return 0;
}

static const uint8_t gif[] = {'G', 'I',  'F', '8', '9', 'a', 1, 0, 1, 0, 0x80, 0, 0, 255,  0, 0, 0,   0,
                              0,   0x2c, 0,   0,   0,   0,   1, 0, 1, 0, 0,    2, 2, 0x44, 1, 0, 0x3b};
static const uint8_t qoi[] = {'q', 'o', 'i', 'f', 0, 0, 0, 2, 0, 0, 0, 1, 3, 0, 0xfe, 1, 2, 3, 0xc0, 0, 0, 0, 0, 0, 0, 0, 1};
static const uint8_t tiff[] = {'I', 'I', 42, 0, 8, 0, 0, 0, 4, 0, 0, 1, 3,  0, 1, 0, 0, 0, 4, 0, 0,  0,
                               1,   1,   3,  0, 1, 0, 0, 0, 1, 0, 0, 0, 17, 1, 4, 0, 1, 0, 0, 0, 62, 0,
                               0,   0,   23, 1, 4, 0, 1, 0, 0, 0, 4, 0, 0,  0, 0, 0, 0, 0, 1, 2, 3,  4};
static const uint8_t bmp[] = {'B', 'M', 62, 0, 0, 0, 0, 0,  0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0,
                              0,   2,   0,  0, 0, 1, 0, 24, 0, 0, 0,  0, 0, 8, 0,  0, 0, 0, 0, 0, 0,
                              0,   0,   0,  0, 0, 0, 0, 0,  0, 0, 0,  0, 9, 8, 7,  0, 6, 5, 4, 0};

#define TEXT(text) text, sizeof text - 1
static const struct {
    const char *name;
    const void *data;
    size_t bytes;
} spelt_out[] = {
    {"a.gif", gif, sizeof gif},
    {"b.qoi", qoi, sizeof qoi},
    {"c.tif", tiff, sizeof tiff},
    {"d.bmp", bmp, sizeof bmp},
    {"e.ppm", TEXT("P6 2 2 255\nabcdefghijkl")},
    {"f.pgm", TEXT("P2\n# c\n2 1 255\n7 9\n")},
    {"g.pbm", TEXT("P4 9 2\nabcd")},
    {"h.pam", TEXT("P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\nabc")},
};
enum { SPELT_OUT = sizeof spelt_out / sizeof *spelt_out };

static void *encoded(ferry_picture_codec codec, int quality, size_t *size) {
    ferry_image image;
    void *data = NULL, *copy = NULL;
    if (ferry_image_allocate(FERRY_PIXEL_RGB24, 19, 11, &image, NULL) != FERRY_OK) return NULL;
    for (int i = 0; i < 19 * 11 * 3; i++) image.planes[0][i] = (uint8_t)(i * 7);
    if (ferry_picture_encode(codec, &image, quality, &data, size, NULL) == FERRY_OK && (copy = malloc(*size)))
        memcpy(copy, data, *size);
    ferry_picture_encoded_free(data);
    ferry_picture_free(&image);
    return copy;
}

uint8_t *fuzz_seed(size_t index, size_t *size, const char **name) {
    static const char *const names[] = {"small.jpg", "full.jpg", "a.png"};
    if (index < 3) {
        *name = names[index];
        return encoded(index < 2 ? FERRY_PICTURE_JPEG : FERRY_PICTURE_PNG, index ? 97 : 60, size);
    }
    if (index >= SPELT_OUT + 3) return NULL;
    *name = spelt_out[index - 3].name;
    *size = spelt_out[index - 3].bytes;
    uint8_t *copy = malloc(*size);
    return copy ? memcpy(copy, spelt_out[index - 3].data, *size) : NULL;
}
