/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/protobuf.h"
#include "onnx/protobuf_writer.h"

static ferry_error error;

static ferry_status first_field(const void *bytes, size_t size, ferry_protobuf_field *field) {
    memset(&error, 0, sizeof error);
    ferry_protobuf message = ferry_protobuf_open(bytes, size, &error);
    return ferry_protobuf_next(&message, field);
}

static void reads_each_wire_type(void **state) {
    (void)state;
    const unsigned char bytes[] = {0x08, 0x96, 0x01,                           /* 1: varint 150 */
                                   0x11, 1,    0,    0,    0,   0, 0, 0, 0x80, /* 2: 64 bits */
                                   0x1a, 3,    'a',  'b',  'c',                /* 3: bytes */
                                   0x25, 0,    0,    0x80, 0x3f};              /* 4: 1.0f */
    ferry_protobuf message = ferry_protobuf_open(bytes, sizeof bytes, &error);
    ferry_protobuf_field field;
    ferry_string text;
    float real;
    int64_t integer;
    assert_int_equal(ferry_protobuf_next(&message, &field), FERRY_OK);
    assert_int_equal(field.number, 1);
    assert_int_equal(ferry_protobuf_integer(&message, &field, &integer), FERRY_OK);
    assert_int_equal(integer, 150);
    assert_int_equal(ferry_protobuf_next(&message, &field), FERRY_OK);
    assert_true(field.value == 0x8000000000000001ull);
    assert_int_equal(ferry_protobuf_next(&message, &field), FERRY_OK);
    assert_int_equal(ferry_protobuf_string(&message, &field, &text), FERRY_OK);
    assert_int_equal(text.length, 3);
    assert_memory_equal(text.text, "abc", 3);
    assert_int_equal(ferry_protobuf_next(&message, &field), FERRY_OK);
    assert_int_equal(ferry_protobuf_real(&message, &field, &real), FERRY_OK);
    assert_true(real == 1.0f);
    assert_int_equal(ferry_protobuf_next(&message, &field), FERRY_OK);
    assert_int_equal(field.number, 0); /* the end */
}

static void refuses_what_is_malformed(void **state) {
    static const struct {
        unsigned char bytes[12];
        size_t size;
        const char *message;
    } table[] = {
        {{0x08}, 1, "byte 1"},                   /* no value */
        {{0x08, 0x80}, 2, "ends in the middle"}, /* an open varint */
        {{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 12, "longer than 10 bytes"},
        {{0x11, 1, 2, 3}, 4, "ends in the middle"}, /* half of 64 bits */
        {{0x1a, 5, 'a'}, 3, "claims 5 bytes, but only 1"},
        {{0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 11, "claims 18446744073709551615 bytes"},
        {{0x00, 1}, 2, "not a field"}, /* field 0 */
        {{0x0e}, 1, "wire type 6"},
        {{0x0b, 0x08, 1}, 3, "ends in the middle"}, /* a group without end */
        {{0x0b, 0x14}, 2, "a group ends"},          /* ... ended by another's */
        {{0x0c}, 1, "wire type 4"},                 /* an end without a group */
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ferry_protobuf_field field;
        assert_int_equal(first_field(table[i].bytes, table[i].size, &field), FERRY_ERROR_FORMAT);
        if (!strstr(error.message, table[i].message)) fail_msg("case %zu: '%s' lacks '%s'", i, error.message, table[i].message);
    }
}

static void skips_groups(void **state) {
    (void)state;
    const unsigned char bytes[] = {0x0b, 0x13, 0x08, 1, 0x14, 0x1a, 1, 'x', 0x0c, 0x10, 7}; /* 1 { 2 { } 3 } 2: 7 */
    ferry_protobuf_field field;
    assert_int_equal(first_field(bytes, sizeof bytes, &field), FERRY_OK);
    assert_int_equal(field.number, 2);
    assert_int_equal(field.value, 7);
    unsigned char deep[64];
    memset(deep, 0x0b, sizeof deep);
    assert_int_equal(first_field(deep, sizeof deep, &field), FERRY_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "too deeply"));
}

static void refuses_the_wrong_wire_type(void **state) {
    (void)state;
    const unsigned char bytes[] = {0x08, 1};
    ferry_protobuf message = ferry_protobuf_open(bytes, sizeof bytes, &error), inner;
    ferry_protobuf_field field;
    float real;
    assert_int_equal(ferry_protobuf_next(&message, &field), FERRY_OK);
    assert_int_equal(ferry_protobuf_message(&message, &field, &inner), FERRY_ERROR_FORMAT);
    assert_int_equal(ferry_protobuf_real(&message, &field, &real), FERRY_ERROR_FORMAT);
}

static void walks_packed_and_unpacked_values(void **state) {
    (void)state;
    const unsigned char bytes[] = {0x08, 5, 0x0a, 3, 6, 0x80, 0x01, 0x08, 7}; /* 5, packed {6, 128}, 7 */
    const int64_t expected[] = {5, 6, 128, 7};
    ferry_protobuf message = ferry_protobuf_open(bytes, sizeof bytes, &error);
    ferry_protobuf_field field;
    size_t count, seen = 0;
    assert_int_equal(ferry_protobuf_count_values(&message, 1, FERRY_PROTOBUF_VARINT, &count), FERRY_OK);
    assert_int_equal(count, 4);
    for (;;) {
        ferry_protobuf_values values;
        assert_int_equal(ferry_protobuf_next(&message, &field), FERRY_OK);
        if (!field.number) break;
        assert_int_equal(ferry_protobuf_values_open(&message, &field, FERRY_PROTOBUF_VARINT, &values), FERRY_OK);
        for (bool more = true; more;) {
            uint64_t value = 0;
            assert_int_equal(ferry_protobuf_values_next(&values, &value, &more), FERRY_OK);
            if (more) assert_int_equal(value, expected[seen++]);
        }
    }
    assert_int_equal(seen, 4);
}

static void packed_values_must_fill_their_field(void **state) {
    (void)state;
    const unsigned char odd[] = {0x0a, 3, 1, 2, 3}, open[] = {0x0a, 1, 0x80};
    ferry_protobuf message = ferry_protobuf_open(odd, sizeof odd, &error);
    size_t count;
    assert_int_equal(ferry_protobuf_count_values(&message, 1, FERRY_PROTOBUF_FIXED32, &count), FERRY_ERROR_FORMAT);
    message = ferry_protobuf_open(open, sizeof open, &error);
    assert_int_equal(ferry_protobuf_count_values(&message, 1, FERRY_PROTOBUF_VARINT, &count), FERRY_ERROR_FORMAT);
}

/* ---- writing ---- */

static void emit(ferry_protobuf_writer *out) {
    ferry_protobuf_put_integer(out, 1, -1);
    ferry_protobuf_begin(out, 2);
    ferry_protobuf_put_text(out, 3, "inner");
    ferry_protobuf_begin(out, 4);
    ferry_protobuf_end(out);
    ferry_protobuf_end(out);
    ferry_protobuf_put_real(out, 5, 0.5f);
}

static void writes_what_it_measured(void **state) {
    (void)state;
    ferry_protobuf_writer out = {0};
    unsigned char bytes[64];
    emit(&out);
    assert_int_equal(out.size, 11 + 2 + 9 + 5); /* -1 takes ten bytes */
    uint64_t size = out.size;
    ferry_protobuf_writer_rewind(&out, NULL, bytes);
    emit(&out);
    assert_int_equal(out.size, size);
    ferry_protobuf_writer_free(&out);

    ferry_protobuf message = ferry_protobuf_open(bytes, (size_t)size, &error), inner;
    ferry_protobuf_field field;
    assert_int_equal(ferry_protobuf_next(&message, &field), FERRY_OK);
    assert_true((int64_t)field.value == -1);
    assert_int_equal(ferry_protobuf_next(&message, &field), FERRY_OK);
    assert_int_equal(ferry_protobuf_message(&message, &field, &inner), FERRY_OK);
    assert_int_equal(ferry_protobuf_next(&inner, &field), FERRY_OK);
    assert_int_equal(field.end - field.begin, 5);
    assert_int_equal(ferry_protobuf_next(&inner, &field), FERRY_OK);
    assert_int_equal(field.number, 4);
    assert_int_equal(field.end, field.begin);
    assert_int_equal(ferry_protobuf_next(&message, &field), FERRY_OK);
    assert_true(ferry_protobuf_float_of(field.value) == 0.5f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_wire_type),
        cmocka_unit_test(refuses_what_is_malformed),
        cmocka_unit_test(skips_groups),
        cmocka_unit_test(refuses_the_wrong_wire_type),
        cmocka_unit_test(walks_packed_and_unpacked_values),
        cmocka_unit_test(packed_values_must_fill_their_field),
        cmocka_unit_test(writes_what_it_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
