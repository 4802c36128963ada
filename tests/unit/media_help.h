/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/media share: a scratch folder, test pictures, comparisons. */
#ifndef FERRY_TESTS_MEDIA_HELP_H
#define FERRY_TESTS_MEDIA_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ferry/media.h>

/* For cmocka's group setup and teardown: a fresh folder, and its removal with all in it. Fails when a test left *.tmp behind.
 */
int media_setup(void **state);
int media_teardown(void **state);
/* A path in that folder; good until 8 calls later. */
const char *scratch(const char *name);
size_t scratch_count(void); /* files in it */
/* A path below FERRY_ASSETS, or skips the test, saying so, when the file is absent. */
const char *asset(const char *name);

uint8_t *load(const char *path, size_t *bytes); /* free() */
void store(const char *path, const void *data, size_t bytes);

/* Fails the test, with the message, unless status is FERRY_OK. */
void check_ok(ferry_status status, const ferry_error *error);
/* Fails unless the status is the expected one and the message holds `part`. */
void check_fails(ferry_status status, ferry_status expected, const ferry_error *error, const char *part);

/* A smooth RGB picture that moves with `phase`; noise instead when phase is negative. */
void make_picture(int width, int height, int phase, ferry_image *image);
void paint_all(const ferry_image *image, uint8_t a, uint8_t b, uint8_t c); /* every sample of each component; YUV or RGB */
double psnr(const ferry_image *a, const ferry_image *b);                   /* of two RGB24 pictures of one size */
int worst_difference(const ferry_image *a, const ferry_image *b);

#endif
