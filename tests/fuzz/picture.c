/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target: any bytes as a picture. It must be read or refused with a message; a picture read must hold what it claims. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <ferry/media.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
