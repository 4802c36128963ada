/* SPDX-License-Identifier: Apache-2.0 */
/* Normalisation of rows, lanes and channels against double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "kernels/normalize/normalize.h"

static const int counts[] = {1, 2, 7, 8, 15, 33, 256, 1000, 5003};
enum { COUNTS = sizeof counts / sizeof *counts };

/* Values around `center`, so that a one-pass variance would lose all its digits. */
static ferry_check_buffer around(float center, size_t count, ferry_check_random *random) {
    ferry_check_buffer b = ferry_check_make_floats(count);
    for (size_t i = 0; i < count; i++) b.floats[i] = center + ferry_check_float(random, -1.0f, 1.0f);
    return b;
}

static void rows(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {51};
    ferry_normalize_table table, reference;
    ferry_normalize_init(&reference, 0);
    for (size_t m = 0; m < count; m++)
        for (int i = 0; i < COUNTS * 8; i++) {
            int n = counts[i % COUNTS], variant = i / COUNTS;
            ferry_normalize_init(&table, masks[m]);
            ferry_check_buffer in = around(variant & 4 ? 100.0f : 0.0f, (size_t)n, &random),
                               out = ferry_check_make_floats((size_t)n);
            ferry_check_buffer scale = around(1.0f, (size_t)n, &random), shift = around(0.0f, (size_t)n, &random);
            ferry_check_buffer expected = ferry_check_make_floats((size_t)n);
            const float *s = variant & 1 ? scale.floats : NULL, *b = variant & 2 ? shift.floats : NULL;
            float wanted[2], got[2];
            reference.layer_norm(expected.floats, in.floats, n, s, b, 1e-5f, wanted);
            table.layer_norm(out.floats, in.floats, n, s, b, 1e-5f, got);
            double tolerance =
                2e-6 + (variant & 4 ? 8e-6 * (double)wanted[1]
                                    : 0.0); /* half an ulp of a mean of 100, divided by the deviation, times a scale up to 2 */
            if (n > 1)
                ferry_check_close(expected.floats, out.floats, (size_t)n, tolerance, tolerance, "layer norm of %d, variant %d",
                                  n, variant);
            ferry_check_close(wanted, got, 1, 1e-6, 1e-6, "mean of %d", n);
            reference.rms_norm(expected.floats, in.floats, n, s, b, 1e-5f, wanted);
            table.rms_norm(out.floats, in.floats, n, s, b, 1e-5f, got);
            ferry_check_close(expected.floats, out.floats, (size_t)n, 2e-6, 2e-6, "RMS norm of %d, variant %d", n, variant);
            ferry_check_close(wanted, got, 2, 2e-6, 2e-6, "statistics of %d", n);
            ferry_check_free(&in, "in");
            ferry_check_free(&out, "out");
            ferry_check_free(&scale, "scale");
            ferry_check_free(&shift, "shift");
            ferry_check_free(&expected, "expected");
        }
}

static void moments(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {52};
    ferry_normalize_table table, reference;
    ferry_normalize_init(&reference, 0);
    for (size_t m = 0; m < count; m++)
        for (int i = 0; i < COUNTS; i++) {
            ferry_normalize_init(&table, masks[m]);
            ferry_check_buffer in = around(100.0f, (size_t)counts[i] * 16, &random);
            ferry_moments wanted = reference.moments(in.floats, counts[i]), got = table.moments(in.floats, counts[i]);
            ferry_check_close(&wanted.mean, &got.mean, 1, 2e-7, 0, "mean of %d", counts[i]);
            ferry_check_close(&wanted.variance, &got.variance, 1, 1e-5, 1e-8, "variance of %d", counts[i]);
            for (int b = 0, lanes = 4; b < 3; b++, lanes *= 2) {
                float mean[2][16], variance[2][16];
                reference.moments_blocked[b](mean[0], variance[0], in.floats, counts[i]);
                table.moments_blocked[b](mean[1], variance[1], in.floats, counts[i]);
                ferry_check_close(mean[0], mean[1], (size_t)lanes, 2e-7, 0, "means of %d pixels", counts[i]);
                ferry_check_close(variance[0], variance[1], (size_t)lanes, 1e-5, 1e-8, "variances of %d pixels", counts[i]);
            }
            ferry_check_free(&in, "in");
        }
}

static void affine(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {53};
    ferry_normalize_table table, reference;
    ferry_normalize_init(&reference, 0);
    for (size_t m = 0; m < count; m++)
        for (int pixels = 0; pixels < 20; pixels++)
            for (int b = 0, lanes = 4; b < 3; b++, lanes *= 2) {
                size_t size = (size_t)(pixels * lanes);
                ferry_normalize_init(&table, masks[m]);
                ferry_check_buffer in = around(0.0f, size, &random), out = ferry_check_make_floats(size),
                                   expected = ferry_check_make_floats(size);
                float scale[16], shift[16];
                ferry_check_fill(&random, FERRY_CHECK_UNIFORM, scale, 16);
                ferry_check_fill(&random, FERRY_CHECK_UNIFORM, shift, 16);
                scale[lanes - 1] = shift[lanes - 1] = 0.0f;
                reference.affine_blocked[b](expected.floats, in.floats, pixels, scale, shift);
                table.affine_blocked[b](out.floats, in.floats, pixels, scale, shift);
                ferry_check_close(expected.floats, out.floats, size, 1e-6, 2e-7, "affine map of %d pixels of %d", pixels,
                                  lanes);
                if (pixels) assert_true(out.floats[size - 1] == 0.0f);
                ferry_check_free(&in, "in");
                ferry_check_free(&out, "out");
                ferry_check_free(&expected, "expected");
            }
}

static void local_response(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {54};
    ferry_normalize_table table, reference;
    ferry_normalize_init(&reference, 0);
    for (size_t m = 0; m < count; m++)
        for (int size = 1; size < 7; size++)
            for (int pixels = 1; pixels < 40; pixels += 6) {
                ferry_lrn lrn = {.channels = 9, .plane = pixels + 3, .size = size, .alpha = 1e-2f, .beta = 0.75f, .bias = 1.0f};
                size_t total = (size_t)(8 * lrn.plane + pixels);
                ferry_normalize_init(&table, masks[m]);
                ferry_check_buffer in = around(0.0f, total, &random), out = ferry_check_make_floats(total),
                                   expected = ferry_check_make_floats(total);
                reference.lrn(&lrn, expected.floats, in.floats, pixels);
                table.lrn(&lrn, out.floats, in.floats, pixels);
                ferry_check_close(expected.floats, out.floats, total, 2e-6, 0, "LRN of size %d, %d pixels", size, pixels);
                ferry_check_free(&in, "in");
                ferry_check_free(&out, "out");
                ferry_check_free(&expected, "expected");
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(moments), cmocka_unit_test(affine),
                                       cmocka_unit_test(local_response)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
