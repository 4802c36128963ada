/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions against the element access of src/tensor, which defines them: every pair, all lengths, values that do not fit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "kernels/convert/convert.h"
#include "tensor/tensor.h"

static const ferry_dtype dtypes[FERRY_CONVERT_TYPES] = {
    [FERRY_CONVERT_float32] = FERRY_FLOAT32, [FERRY_CONVERT_float64] = FERRY_FLOAT64, [FERRY_CONVERT_float16] = FERRY_FLOAT16,
    [FERRY_CONVERT_int8] = FERRY_INT8,       [FERRY_CONVERT_uint8] = FERRY_UINT8,     [FERRY_CONVERT_int32] = FERRY_INT32,
    [FERRY_CONVERT_int64] = FERRY_INT64,     [FERRY_CONVERT_boolean] = FERRY_BOOL,
};

static const double values[] = {0,     -0.0, 1,        -1,        0.5,        -0.5,          1.5,   2.5,   127,  128,
                                -128,  -129, 255,      256,       300.7,      -300.7,        65504, 65520, 7e4,  1e-8,
                                6e-8,  6e-5, 3.14159,  16777217,  2147483647, -2147483648.0, 3e9,   -3e9,  1e18, 1e19,
                                -1e19, 3e38, INFINITY, -INFINITY, NAN};
enum { VALUES = sizeof values / sizeof *values };

static void set(ferry_dtype dtype, void *data, int64_t i, uint64_t draw) {
    if (dtype == FERRY_BOOL)
        ((uint8_t *)data)[i] = draw & 1;
    else if (ferry_dtype_is_float(dtype))
        ferry_store_double(dtype, data, i, values[draw % VALUES]);
    else
        ferry_store_int64(dtype, data, i, (int64_t)(draw >> (draw & 63)));
}

static void expect(ferry_dtype from, const void *in, ferry_dtype to, void *out, int64_t count) {
    bool integers = !ferry_dtype_is_float(from) && !ferry_dtype_is_float(to);
    for (int64_t i = 0; i < count; i++) {
        if (integers)
            ferry_store_int64(to, out, i, ferry_load_int64(from, in, i));
        else
            ferry_store_double(to, out, i, ferry_load_double(from, in, i));
    }
}

static void check_pair(const ferry_convert_table *table, int from, int to, int count, ferry_check_random *random) {
    size_t in_size = ferry_dtype_bytes(dtypes[from]), out_size = ferry_dtype_bytes(dtypes[to]);
    ferry_check_buffer in = ferry_check_make((size_t)count * in_size), out = ferry_check_make((size_t)count * out_size);
    ferry_check_buffer expected = ferry_check_make((size_t)count * out_size);
    for (int i = 0; i < count; i++) set(dtypes[from], in.data, i, ferry_check_bits(random));
    expect(dtypes[from], in.data, dtypes[to], expected.data, count);
    table->run[from][to](out.data, in.data, count);
    for (int i = 0; i < count; i++) {
        double a = ferry_load_double(dtypes[to], expected.data, i), b = ferry_load_double(dtypes[to], out.data, i);
        if (a != b && !(isnan(a) && isnan(b)))
            fail_msg("%s to %s, element %d of %d: %g became %g, not %g", ferry_dtype_name(dtypes[from]),
                     ferry_dtype_name(dtypes[to]), i, count, ferry_load_double(dtypes[from], in.data, i), b, a);
    }
    ferry_check_free(&in, "in");
    ferry_check_free(&out, "out");
    ferry_check_free(&expected, "expected");
}

static void pairs(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {81};
    for (size_t m = 0; m < count; m++) {
        ferry_convert_table table;
        int pairs_seen = 0;
        ferry_convert_init(&table, masks[m]);
        for (int from = 0; from < FERRY_CONVERT_TYPES; from++)
            for (int to = 0; to < FERRY_CONVERT_TYPES; to++) {
                if (!table.run[from][to]) continue;
                pairs_seen++;
                for (int n = 0; n < 130; n += n < 20 ? 1 : 13) check_pair(&table, from, to, n, &random);
            }
        assert_true(pairs_seen >= 20);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(pairs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
