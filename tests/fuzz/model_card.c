/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the reader of model cards: what it accepts is written and read again to the same text, and makes a detector or an
 * error. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "target.h"
#include "vision/detector.h"

static void check_accepted(const ferry_model_card *card) {
    ferry_model_card again = {0};
    ferry_detector *detector = NULL;
    char *text, *other;
    if (ferry_card_write(card, &text, NULL) != FERRY_OK) abort();
    if (ferry_card_read(text, strlen(text), &again, NULL) != FERRY_OK) abort();
    if (ferry_card_write(&again, &other, NULL) != FERRY_OK || strcmp(text, other) != 0) abort();
    ferry_error error = {0};
    if (ferry_detector_create(card, 0, 1, &detector, &error) != FERRY_OK && !*error.message) abort();
    ferry_detector_destroy(detector);
    ferry_card_free(&again);
    ferry_free(text);
    ferry_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ferry_model_card card = {0};
    ferry_error error = {0};
    if (size > 1 << 16) return 0;
    if (ferry_card_read((const char *)data, size, &card, &error) == FERRY_OK)
        check_accepted(&card);
    else if (!*error.message)
        abort();
    ferry_card_free(&card);
    return 0;
}

uint8_t *fuzz_seed(size_t index, size_t *size, const char **name) {
    static const struct {
        const char *name, *text;
    } seeds[] = {
        {"yolov5",
         "task: yolov5\nwidth: 640\nheight: 640\nfit: letterbox\nconfidence: 0.25\niou: 0.45\nlabels: ['a', \"b\", c]\n"},
        {"dict",
         "# card\r\ntask: classify\r\nmean: [0.485, 0.456, 4.06e-1]\r\ndeviation: 1\r\nlabels: {0: 'x', 2: \"it's\"}\r\n"},
        {"raw", "task: yolov5-raw\nstrides: [8, 16, 32]\nlevel_count: 3\nanchors: [10, 13, 16, 30, 33, 23]\nagnostic: yes\n"},
        {"quantised", "dtype: int8\nlayout: nhwc\nquant_scale: 0.0078125\nzero_point: -128\npad: [0, 1, 255]\nreason: none"},
    };
    if (index >= sizeof seeds / sizeof *seeds) return NULL;
    *name = seeds[index].name;
    *size = strlen(seeds[index].text);
    uint8_t *copy = malloc(*size);
    if (copy) memcpy(copy, seeds[index].text, *size);
    return copy;
}
