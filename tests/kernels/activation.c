/* SPDX-License-Identifier: Apache-2.0 */
/* Unary functions: error bounds over the whole range of floats, special values, lengths, places, canaries. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "kernels/activation/activation.h"

/* What activation.h promises: ulp of the exact result, or absolute (times max(1,|x|)) where the result cancels or is tiny. */
static const struct bound {
    ferry_unary function;
    double ulp, absolute;
} bounds[] = {
    {FERRY_UNARY_exp, 2, 0},          {FERRY_UNARY_log, 2, 0},           {FERRY_UNARY_sigmoid, 3, 2e-36},
    {FERRY_UNARY_tanh, 3, 0},         {FERRY_UNARY_erf, 3, 0},           {FERRY_UNARY_softplus, 3, 0},
    {FERRY_UNARY_elu, 3, 0},          {FERRY_UNARY_selu, 4, 0},          {FERRY_UNARY_celu, 3, 0},
    {FERRY_UNARY_silu, 4, 2e-36},     {FERRY_UNARY_mish, 5, 2e-36},      {FERRY_UNARY_gelu, 4, 4e-7},
    {FERRY_UNARY_gelu_tanh, 4, 4e-7}, {FERRY_UNARY_hard_swish, 1, 2e-7}, {FERRY_UNARY_hard_sigmoid, 1, 2e-7},
    {FERRY_UNARY_affine, 1, 0},       {FERRY_UNARY_softsign, 1.5, 0},    {FERRY_UNARY_cube, 2, 0},
};

static struct bound bound_of(ferry_unary function) {
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (bounds[i].function == function) return bounds[i];
    return (struct bound){function, 0.51, 0};
}

static float exact_single(const ferry_unary_table *reference, ferry_unary f, float x) {
    float y;
    reference->run[f](&y, &x, 1, ferry_unary_infos[f].alpha, ferry_unary_infos[f].beta);
    return y;
}

static void check_values(uint32_t mask, ferry_unary f, const float *in, int count) {
    ferry_unary_table table, reference;
    ferry_unary_init(&table, mask);
    ferry_unary_init(&reference, 0);
    float out[1024];
    table.run[f](out, in, count, ferry_unary_infos[f].alpha, ferry_unary_infos[f].beta);
    struct bound bound = bound_of(f);
    for (int i = 0; i < count; i++) {
        float truth = exact_single(&reference, f, in[i]);
        double error = fabs((double)out[i] - (double)truth);
        if (error <= bound.absolute * fmax(1.0, fabs((double)in[i]))) continue;
        double ulp = ferry_check_ulp((double)truth, out[i]);
        if (!(ulp <= bound.ulp + 0.5))
            fail_msg("%s mask %x: f(%.9g) = %.9g, exact %.9g, %.2f ulp", ferry_unary_infos[f].name, mask, (double)in[i],
                     (double)out[i], (double)truth, ulp);
    }
}

static void all_magnitudes(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    float in[1024];
    for (size_t m = 0; m < count; m++)
        for (int f = 0; f < FERRY_UNARY_COUNT; f++) {
            uint64_t bits = 12345;
            int filled = 0;
            for (; bits < UINT64_C(1) << 32; bits += 40961) { /* about 105,000 floats of both signs */
                uint32_t pattern = (uint32_t)bits;
                memcpy(&in[filled++], &pattern, 4);
                if (filled == 1024) check_values(masks[m], (ferry_unary)f, in, filled), filled = 0;
            }
            for (int i = 0; i < 1024; i++) in[i] = ((float)i - 511.3f) * 0.0431f; /* where activations live: -22 .. 22 */
            check_values(masks[m], (ferry_unary)f, in, 1024);
        }
}

static void special_values(void **state) {
    (void)state;
    static const float in[] = {0.0f,     -0.0f,  1.0f,    -1.0f,    0.5f,       -0.5f,      2.5f,   -2.5f,   88.0f,
                               -88.0f,   105.0f, -105.0f, INFINITY, -INFINITY,  NAN,        1e-45f, -1e-45f, 1e38f,
                               -3.4e38f, 0.625f, 20.0f,   -20.0f,   8388609.0f, 4194304.5f, 3e9f,   -3e9f};
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    for (size_t m = 0; m < count; m++)
        for (int f = 0; f < FERRY_UNARY_COUNT; f++) check_values(masks[m], (ferry_unary)f, in, (int)(sizeof in / sizeof *in));
}

/* The sign of zero, where it is kept. */
static void negative_zero(void **state) {
    (void)state;
    static const ferry_unary keeps[] = {FERRY_UNARY_relu,  FERRY_UNARY_tanh,  FERRY_UNARY_erf,
                                        FERRY_UNARY_sqrt,  FERRY_UNARY_floor, FERRY_UNARY_ceil,
                                        FERRY_UNARY_round, FERRY_UNARY_silu,  FERRY_UNARY_elu};
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    for (size_t m = 0; m < count; m++) {
        ferry_unary_table table;
        ferry_unary_init(&table, masks[m]);
        for (size_t f = 0; f < sizeof keeps / sizeof *keeps; f++) {
            const float in[20] = {-0.0f};
            float out[20];
            table.run[keeps[f]](out, in, 20, ferry_unary_infos[keeps[f]].alpha, ferry_unary_infos[keeps[f]].beta);
            if (out[0] != 0.0f || !signbit(out[0]))
                fail_msg("%s mask %x: f(-0) = %g", ferry_unary_infos[keeps[f]].name, masks[m], (double)out[0]);
        }
    }
}

static void lengths_and_places(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {7};
    for (size_t m = 0; m < count; m++) {
        ferry_unary_table table, reference;
        ferry_unary_init(&table, masks[m]);
        ferry_unary_init(&reference, 0);
        for (int f = 0; f < FERRY_UNARY_COUNT; f++)
            for (int n = 0; n <= 70; n += n < 36 ? 1 : 17)
                for (int offset = 0; offset < 2; offset++) {
                    const ferry_unary_info *info = &ferry_unary_infos[f];
                    ferry_check_buffer in = ferry_check_make_floats((size_t)(n + offset));
                    ferry_check_buffer out = ferry_check_make_floats((size_t)(n + offset));
                    float expected[80];
                    ferry_check_fill(&random, FERRY_CHECK_UNIFORM, in.floats, (size_t)(n + offset));
                    reference.run[f](expected, in.floats + offset, n, info->alpha, info->beta);
                    table.run[f](out.floats + offset, in.floats + offset, n, info->alpha, info->beta);
                    ferry_check_close(expected, out.floats + offset, (size_t)n, 1e-6, 4e-7, "%s n=%d", info->name, n);
                    table.run[f](in.floats + offset, in.floats + offset, n, info->alpha, info->beta); /* in place */
                    assert_memory_equal(in.floats + offset, out.floats + offset, (size_t)n * 4);
                    ferry_check_free(&in, "in");
                    ferry_check_free(&out, "out");
                }
    }
}

static void keeps_zero_is_true(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    for (size_t m = 0; m < count; m++) {
        ferry_unary_table table;
        ferry_unary_init(&table, masks[m]);
        for (int f = 0; f < FERRY_UNARY_COUNT; f++) {
            const float zeros[16] = {0};
            float out[16];
            table.run[f](out, zeros, 16, 0.3f, 0.7f);
            if (ferry_unary_infos[f].keeps_zero && out[0] != 0.0f)
                fail_msg("%s(0) = %g", ferry_unary_infos[f].name, (double)out[0]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_magnitudes), cmocka_unit_test(special_values),
                                       cmocka_unit_test(negative_zero), cmocka_unit_test(lengths_and_places),
                                       cmocka_unit_test(keeps_zero_is_true)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
