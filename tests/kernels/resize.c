/* SPDX-License-Identifier: Apache-2.0 */
/* Resizing: the tables against examples of the ONNX specification, the kernels against plain sums over the tables. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "kernels/resize/resize.h"

static ferry_resize_axis make_axis(const ferry_resize_rule *rule, int64_t input, int64_t output, double scale) {
    ferry_resize_axis axis = {.input = input, .output = output};
    size_t taps = (size_t)ferry_resize_taps(rule, input, output, scale);
    axis.index = malloc((size_t)output * taps * sizeof *axis.index);
    axis.weight = malloc((size_t)output * taps * sizeof *axis.weight);
    assert_true(axis.index && axis.weight);
    assert_true(ferry_resize_table(rule, scale, 0, 1, &axis));
    return axis;
}

static void free_axis(ferry_resize_axis *axis) {
    free(axis->index);
    free(axis->weight);
}

/* Rows of the specification's examples, or computed with its reference implementation. */
typedef struct example {
    ferry_resize_rule rule;
    double scale;
    int input, output;
    float in[8], expected[9];
} example;

static const example examples[] = {
    {{.mode = FERRY_RESIZE_LINEAR}, 2, 2, 4, {1, 2}, {1, 1.25f, 1.75f, 2}},
    {{.mode = FERRY_RESIZE_LINEAR, .coordinates = FERRY_COORDINATES_ALIGN_CORNERS},
     2,
     2,
     4,
     {1, 2},
     {1, 1.33333333f, 1.66666667f, 2}},
    {{.mode = FERRY_RESIZE_LINEAR}, 0.6, 4, 2, {1, 2, 3, 4}, {1.33333333f, 3}},
    {{.mode = FERRY_RESIZE_LINEAR, .coordinates = FERRY_COORDINATES_HALF_PIXEL_SYMMETRIC},
     0.6,
     4,
     2,
     {1, 2, 3, 4},
     {1.66666667f, 3.33333333f}},
    {{.mode = FERRY_RESIZE_LINEAR, .coordinates = FERRY_COORDINATES_ASYMMETRIC}, 2, 2, 4, {1, 2}, {1, 1.5f, 2, 2}},
    {{.mode = FERRY_RESIZE_LINEAR, .antialias = true}, 0.6, 4, 2, {1, 2, 3, 4}, {1.375f, 3}},
    {{.mode = FERRY_RESIZE_NEAREST}, 2, 3, 6, {1, 2, 3}, {1, 1, 2, 2, 3, 3}},
    {{.mode = FERRY_RESIZE_NEAREST, .coordinates = FERRY_COORDINATES_ASYMMETRIC, .rounding = FERRY_ROUNDING_CEIL},
     2,
     2,
     4,
     {1, 2},
     {1, 2, 2, 2}},
    {{.mode = FERRY_RESIZE_NEAREST, .coordinates = FERRY_COORDINATES_ASYMMETRIC, .rounding = FERRY_ROUNDING_FLOOR},
     2,
     2,
     4,
     {1, 2},
     {1, 1, 2, 2}},
    {{.mode = FERRY_RESIZE_NEAREST, .coordinates = FERRY_COORDINATES_ALIGN_CORNERS, .rounding = FERRY_ROUNDING_PREFER_CEIL},
     2,
     4,
     8,
     {1, 2, 3, 4},
     {1, 1, 2, 2, 3, 3, 4, 4}},
    {{.mode = FERRY_RESIZE_CUBIC, .cubic_coefficient = -0.75},
     2,
     4,
     8,
     {1, 2, 3, 4},
     {0.89453125f, 1.19140625f, 1.66796875f, 2.296875f, 2.703125f, 3.33203125f, 3.80859375f, 4.10546875f}},
    {{.mode = FERRY_RESIZE_CUBIC, .cubic_coefficient = -0.5, .exclude_outside = true},
     2,
     4,
     8,
     {1, 2, 3, 4},
     {0.91176471f, 1.16788321f, 1.70992366f, 2.25f, 2.75f, 3.29007634f, 3.83211679f, 4.08823529f}},
    {{.mode = FERRY_RESIZE_CUBIC, .cubic_coefficient = -0.75, .antialias = true},
     0.4,
     8,
     3,
     {1, 2, 3, 4, 5, 6, 7, 8},
     {1.7021f, 4.2403f, 6.8529f}},
};

static void examples_by_the_specification(void **state) {
    (void)state;
    ferry_resize_functions functions;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const example *e = &examples[i];
        const ferry_resize_rule nearest = {.mode = FERRY_RESIZE_NEAREST};
        ferry_resizing r = {
            {make_axis(&nearest, 1, 1, 1), make_axis(&nearest, 1, 1, 1), make_axis(&e->rule, e->input, e->output, e->scale)}};
        float out[9], workspace[8];
        ferry_resize_init(&functions, 0);
        functions.plain(&r, out, e->in, workspace, 0, 1);
        ferry_check_close(e->expected, out, (size_t)e->output, 1e-5, 1e-5, "example %zu", i);
        for (int a = 0; a < 3; a++) free_axis(&r.axis[a]);
    }
}

/* With exclude_outside the weights that remain add up to 1, so a constant stays a constant. */
static void weights_add_up(void **state) {
    (void)state;
    for (int mode = FERRY_RESIZE_LINEAR; mode <= FERRY_RESIZE_CUBIC; mode++)
        for (int flags = 0; flags < 4; flags++)
            for (int coordinates = 0; coordinates <= FERRY_COORDINATES_ASYMMETRIC; coordinates++)
                for (int output = 1; output < 30; output++) {
                    ferry_resize_rule rule = {.mode = (ferry_resize_mode)mode,
                                              .coordinates = (ferry_resize_coordinates)coordinates,
                                              .cubic_coefficient = -0.5,
                                              .exclude_outside = flags & 1,
                                              .antialias = flags >> 1 & 1};
                    ferry_resize_axis axis = make_axis(&rule, 10, output, output / 10.0);
                    for (int o = 0; o < output; o++) {
                        double sum = 0.0;
                        for (int k = 0; k < axis.taps; k++) {
                            sum += (double)axis.weight[o * axis.taps + k];
                            assert_in_range(axis.index[o * axis.taps + k], 0, 9);
                        }
                        if (fabs(sum - 1.0) > 1e-6)
                            fail_msg("mode %d flags %d coordinates %d output %d of %d: %g", mode, flags, coordinates, o, output,
                                     sum);
                    }
                    free_axis(&axis);
                }
}

static void check_kernel(uint32_t mask, const ferry_resize_rule *rule, const int64_t *input, const int64_t *output,
                         ferry_check_random *random) {
    ferry_resize_functions functions, reference;
    ferry_resize_init(&functions, mask);
    ferry_resize_init(&reference, 0);
    ferry_resizing r;
    for (int a = 0; a < 3; a++) r.axis[a] = make_axis(rule, input[a], output[a], (double)output[a] / (double)input[a]);
    for (int b = -1, lanes = 1; b < 3; b++, lanes = b == 0 ? 4 : lanes * 2) {
        size_t in_count = (size_t)(input[0] * input[1] * input[2] * lanes),
               out_count = (size_t)(output[0] * output[1] * output[2] * lanes);
        int64_t rows = output[0] * output[1];
        ferry_check_buffer in = ferry_check_make_floats(in_count), out = ferry_check_make_floats(out_count);
        ferry_check_buffer expected = ferry_check_make_floats(out_count),
                           workspace = ferry_check_make_floats((size_t)(input[2] * lanes));
        ferry_check_fill(random, FERRY_CHECK_UNIFORM, in.floats, in_count);
        ferry_resize_function wanted = b < 0 ? reference.plain : reference.blocked[b],
                              got = b < 0 ? functions.plain : functions.blocked[b];
        wanted(&r, expected.floats, in.floats, workspace.floats, 0, rows);
        got(&r, out.floats, in.floats, workspace.floats, 0, rows / 3);
        got(&r, out.floats, in.floats, workspace.floats, rows / 3, rows);
        ferry_check_close(expected.floats, out.floats, out_count, rule->mode == FERRY_RESIZE_NEAREST ? 0 : 1e-5, 2e-6,
                          "mode %d, %d lanes, %dx%d to %dx%d", (int)rule->mode, lanes, (int)input[1], (int)input[2],
                          (int)output[1], (int)output[2]);
        ferry_check_free(&in, "in");
        ferry_check_free(&out, "out");
        ferry_check_free(&expected, "expected");
        ferry_check_free(&workspace, "workspace");
    }
    for (int a = 0; a < 3; a++) free_axis(&r.axis[a]);
}

static void kernels(void **state) {
    (void)state;
    static const int64_t shapes[][2][3] = {{{1, 5, 7}, {1, 10, 14}}, {{1, 9, 13}, {1, 4, 21}}, {{1, 20, 33}, {1, 7, 5}},
                                           {{3, 4, 5}, {5, 6, 7}},   {{1, 1, 1}, {1, 3, 3}},   {{1, 1, 9}, {1, 1, 17}},
                                           {{1, 6, 6}, {1, 6, 6}}};
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {31};
    for (size_t m = 0; m < count; m++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int mode = 0; mode < 3; mode++)
                for (int antialias = 0; antialias < 2; antialias++) {
                    ferry_resize_rule rule = {
                        .mode = (ferry_resize_mode)mode, .cubic_coefficient = -0.75, .antialias = antialias};
                    check_kernel(masks[m], &rule, shapes[s][0], shapes[s][1], &random);
                }
}

static void crop_says_when_it_leaves_the_input(void **state) {
    (void)state;
    const ferry_resize_rule rule = {.mode = FERRY_RESIZE_LINEAR, .coordinates = FERRY_COORDINATES_CROP};
    int32_t index[6];
    float weight[6];
    ferry_resize_axis axis = {.input = 4, .output = 3, .index = index, .weight = weight};
    assert_true(ferry_resize_table(&rule, 0.75, 0.0, 1.0, &axis));
    assert_int_equal(index[5], 3);
    assert_false(ferry_resize_table(&rule, 0.75, 0.5, 1.2, &axis));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_by_the_specification), cmocka_unit_test(weights_add_up),
                                       cmocka_unit_test(kernels), cmocka_unit_test(crop_says_when_it_leaves_the_input)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
