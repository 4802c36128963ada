/* SPDX-License-Identifier: Apache-2.0 */
/* Vector functions: error bounds against libm in double precision, special values, lanes, under every CPU mask. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "check.h"
#include "kernels/vector/probe.h"

static double true_sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }
static double true_silu(double x) { return x / (1.0 + exp(-x)); }
static double true_gelu(double x) { return 0.5 * x * erfc(-x / sqrt(2.0)); }
static double true_mish(double x) { return x * tanh(log1p(exp(x))); }

enum { COUNT = 1 << 16, BATCH = 1021 };

static void measure(const char *isa, const char *name, ferry_vector_map map, double (*truth)(double), float low, float high,
                    double bound, int absolute) {
    ferry_check_random random = {7};
    float x[BATCH], y[BATCH];
    double worst = 0.0, at = 0.0;
    for (int done = 0; done < COUNT; done += BATCH) {
        for (int i = 0; i < BATCH; i++) {
            float scale = i % 3 == 0 ? 1.0f : i % 3 == 1 ? 0.02f : 1e-6f;
            x[i] = ferry_check_float(&random, low, high) * scale;
        }
        map(x, y, BATCH);
        for (int i = 0; i < BATCH; i++) {
            double error = absolute ? fabs((double)y[i] - truth(x[i])) / fmax(fabs((double)x[i]), 1e-30) * 0x1p24
                                    : ferry_check_ulp(truth(x[i]), y[i]);
            if (error > worst) worst = error, at = x[i];
        }
    }
    printf("  %-8s %-8s %.2f ulp at %.9g\n", isa, name, worst, at);
    if (worst > bound) fail_msg("%s %s: %.2f ulp at %.9g, allowed %.2f", isa, name, worst, at, bound);
}

static void accuracy(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    for (size_t m = 0; m < count; m++) {
        const ferry_vector_probe *probe = ferry_vector_probe_for(masks[m]);
        measure(probe->isa, "exp", probe->exp, exp, -104.0f, 88.7f, 1.5, 0);
        measure(probe->isa, "sigmoid", probe->sigmoid, true_sigmoid, -86.0f, 100.0f, 2.5, 0);
        measure(probe->isa, "silu", probe->silu, true_silu, -82.0f, 100.0f, 2.5, 0);
        measure(probe->isa, "tanh", probe->tanh, tanh, -12.0f, 12.0f, 2.0, 0);
        measure(probe->isa, "erf", probe->erf, erf, -5.0f, 5.0f, 2.0, 0);
        measure(probe->isa, "gelu", probe->gelu, true_gelu, -12.0f, 12.0f, 2.0, 1);
        measure(probe->isa, "mish", probe->mish, true_mish, -80.0f, 60.0f, 4.0, 0);
    }
}

static void special_values(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    for (size_t m = 0; m < count; m++) {
        const ferry_vector_probe *probe = ferry_vector_probe_for(masks[m]);
        const float x[6] = {INFINITY, -INFINITY, NAN, 0.0f, 1000.0f, -1000.0f};
        float y[6];
        const float exp_expected[6] = {INFINITY, 0, NAN, 1, INFINITY, 0};
        probe->exp(x, y, 6);
        ferry_check_close(exp_expected, y, 6, 0, 0, "%s exp", probe->isa);
        const float sigmoid_expected[6] = {1, 0, NAN, 0.5f, 1, 0};
        probe->sigmoid(x, y, 6);
        ferry_check_close(sigmoid_expected, y, 6, 0, 2e-38, "%s sigmoid", probe->isa);
        const float tanh_expected[6] = {1, -1, NAN, 0, 1, -1};
        probe->tanh(x, y, 6);
        ferry_check_close(tanh_expected, y, 6, 0, 0, "%s tanh", probe->isa);
        probe->erf(x, y, 6);
        ferry_check_close(tanh_expected, y, 6, 0, 1e-7, "%s erf", probe->isa);
        const uint32_t not_a_number = 0xFFC12345u; /* with a payload */
        float odd[6], result[6];
        for (int i = 0; i < 6; i++) memcpy(&odd[i], &not_a_number, sizeof odd[i]);
        const ferry_vector_map all[] = {probe->exp, probe->sigmoid, probe->silu, probe->tanh,
                                        probe->erf, probe->gelu,    probe->mish};
        for (size_t f = 0; f < sizeof all / sizeof *all; f++) {
            all[f](odd, result, 6);
            for (int i = 0; i < 6; i++) assert_true(isnan(result[i]));
        }
    }
}

static void lanes(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    for (size_t m = 0; m < count; m++) {
        const ferry_vector_probe *probe = ferry_vector_probe_for(masks[m]);
        float x[16], across[3], rounded[16], floored[16], converted[16], sum = 0, high = -99, low = 99;
        for (int i = 0; i < 16; i++) x[i] = (float)((i * 7) % 16) * 0.5f - 2.5f;
        for (int i = 0; i < probe->lanes; i++) {
            sum += x[i];
            high = fmaxf(high, x[i]);
            low = fminf(low, x[i]);
        }
        probe->lanes_test(x, across, rounded, floored, converted);
        assert_true(across[0] == sum && across[1] == high && across[2] == low);
        for (int i = 0; i < probe->lanes; i++)
            assert_true(rounded[i] == rintf(x[i]) && floored[i] == floorf(x[i]) && converted[i] == rintf(x[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(accuracy), cmocka_unit_test(special_values), cmocka_unit_test(lanes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
