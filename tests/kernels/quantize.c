/* SPDX-License-Identifier: Apache-2.0 */
/* Quantisation: exact equality with the definition, over ties, saturation, infinities and all lengths. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "kernels/quantize/quantize.h"

static void fill(ferry_check_random *random, float *values, int count, float scale) {
    for (int i = 0; i < count; i++) {
        float steps = ferry_check_float(random, -300.0f, 300.0f);
        values[i] = (i % 3 == 0 ? rintf(steps) + 0.5f : steps) * scale; /* a third of them ties */
    }
    static const float odd[] = {INFINITY, -INFINITY, NAN, 3e38f, -3e38f, -0.0f, 1e-45f};
    for (int i = 0; i < 7 && i * 5 < count; i++) values[i * 5] = odd[i];
}

static void equals_the_definition(void **state) {
    (void)state;
    static const struct {
        float scale;
        int32_t zero_u8, zero_s8;
    } parameters[] = {{1.0f, 0, 0}, {0.5f, 128, -128}, {0.0137f, 255, 127}, {3.1f, 7, -5}};
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {61};
    ferry_quantize_table table, reference;
    ferry_quantize_init(&reference, 0);
    for (size_t m = 0; m < count; m++)
        for (int i = 0; i < 4 * 150; i++) {
            int n = i / 4, k = i % 4;
            ferry_quantize_init(&table, masks[m]);
            ferry_check_buffer in = ferry_check_make_floats((size_t)n), out = ferry_check_make((size_t)n),
                               expected = ferry_check_make((size_t)n);
            ferry_check_buffer back = ferry_check_make_floats((size_t)n), wanted = ferry_check_make_floats((size_t)n);
            fill(&random, in.floats, n, parameters[k].scale);
            reference.quantize_u8(expected.data, in.floats, n, parameters[k].scale, parameters[k].zero_u8);
            table.quantize_u8(out.data, in.floats, n, parameters[k].scale, parameters[k].zero_u8);
            assert_memory_equal(expected.data, out.data, (size_t)n);
            reference.dequantize_u8(wanted.floats, out.data, n, parameters[k].scale, parameters[k].zero_u8);
            table.dequantize_u8(back.floats, out.data, n, parameters[k].scale, parameters[k].zero_u8);
            assert_memory_equal(wanted.data, back.data, wanted.size);
            reference.quantize_s8(expected.data, in.floats, n, parameters[k].scale, parameters[k].zero_s8);
            table.quantize_s8(out.data, in.floats, n, parameters[k].scale, parameters[k].zero_s8);
            assert_memory_equal(expected.data, out.data, (size_t)n);
            reference.dequantize_s8(wanted.floats, out.data, n, parameters[k].scale, parameters[k].zero_s8);
            table.dequantize_s8(back.floats, out.data, n, parameters[k].scale, parameters[k].zero_s8);
            assert_memory_equal(wanted.data, back.data, wanted.size);
            ferry_check_free(&in, "in");
            ferry_check_free(&out, "out");
            ferry_check_free(&expected, "expected");
            ferry_check_free(&back, "back");
            ferry_check_free(&wanted, "wanted");
        }
}

static void by_hand(void **state) {
    (void)state;
    const float in[8] = {0, 2, 3, 1000, -254, -1000, 1, -1};
    const uint8_t expected[8] = {128, 129, 130, 255, 1, 0, 128, 128}; /* ONNX's example; halves go to even */
    uint8_t out[8];
    ferry_quantize_table table;
    ferry_quantize_init(&table, 0);
    table.quantize_u8(out, in, 8, 2.0f, 128);
    assert_memory_equal(out, expected, 8);
    float scale;
    uint8_t zero_point;
    ferry_quantize_dynamic(-2.5f, 2.0f, &scale, &zero_point);
    assert_true(fabsf(scale - 0.0176470596f) < 1e-8f);
    assert_int_equal(zero_point, 142);
    ferry_quantize_dynamic(0.0f, 0.0f, &scale, &zero_point);
    assert_int_equal(zero_point, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(equals_the_definition), cmocka_unit_test(by_hand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
