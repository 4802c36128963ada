/* SPDX-License-Identifier: Apache-2.0 */
/* Running one operator on small tensors written by hand. Memory lives until ops_release. */
#ifndef FERRY_TESTS_OPS_HARNESS_H
#define FERRY_TESTS_OPS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ops/ops.h"

enum { OPS_MAX = 8 };

typedef struct ops_run {
    ferry_arena arena, scratch;
    ferry_error error;
    ferry_attribute items[OPS_MAX];
    ferry_attributes attributes;
    ferry_value inputs[OPS_MAX], outputs[OPS_MAX];
    const ferry_value *input_pointers[OPS_MAX];
    ferry_value *output_pointers[OPS_MAX];
    int input_count;
} ops_run;

static inline void ops_release(ops_run *run) {
    ferry_arena_release(&run->arena);
    ferry_arena_release(&run->scratch);
    *run = (ops_run){0};
}

static inline ferry_status ops_allocate(ferry_evaluation *evaluation, size_t bytes, void **memory) {
    *memory = bytes > 1u << 24 ? NULL : ferry_arena_allocate(evaluation->user, bytes, 1);
    return *memory ? FERRY_OK : ferry_fail_memory(evaluation->error, bytes);
}

/* A shape from its dimensions: SHAPE(2, 3); SHAPE() is a scalar. */
#define SHAPE(...)                                                                                                             \
    ops_shape((const int64_t[]){0, ##__VA_ARGS__}, sizeof((const int64_t[]){0, ##__VA_ARGS__}) / sizeof(int64_t) - 1)
static inline ferry_shape ops_shape(const int64_t *dims, size_t rank) { return ferry_shape_make((int)rank, dims + 1); }

/* Appends an input that points at `data`; NULL data makes an absent one. */
static inline void ops_input(ops_run *run, ferry_dtype dtype, ferry_shape shape, const void *data) {
    int index = run->input_count++;
    run->inputs[index].tensor = (ferry_tensor){.dtype = dtype, .shape = shape, .data = (void *)(uintptr_t)data};
    run->input_pointers[index] = data ? &run->inputs[index] : NULL;
}
#define FLOATS(...) ((const float[]){__VA_ARGS__})
#define INTS(...) ((const int64_t[]){__VA_ARGS__})
#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})

static inline ferry_attribute *ops_attribute(ops_run *run, const char *name, ferry_attribute_type type) {
    ferry_attribute *a = &run->items[run->attributes.count++];
    *a = (ferry_attribute){.name = name, .type = type};
    run->attributes.items = run->items;
    return a;
}
static inline void ops_integer(ops_run *run, const char *name, int64_t value) {
    ops_attribute(run, name, FERRY_ATTRIBUTE_INT)->value.integer = value;
}
static inline void ops_text(ops_run *run, const char *name, const char *text) {
    ops_attribute(run, name, FERRY_ATTRIBUTE_STRING)->value.string = (ferry_string){text, strlen(text)};
}
static inline void ops_list(ops_run *run, const char *name, const int64_t *list, int64_t count) {
    ferry_attribute *a = ops_attribute(run, name, FERRY_ATTRIBUTE_INTS);
    a->value.integers = list;
    a->count = count;
}

static inline ferry_status ops_evaluate(ops_run *run, const char *name, int output_count) {
    const ferry_op *op = ferry_op_find("", name);
    if (!op) fail_msg("no operator %s", name);
    for (int i = 0; i < output_count; i++) run->output_pointers[i] = &run->outputs[i];
    uint64_t random = 1;
    ferry_evaluation evaluation = {.op = op,
                                   .attributes = &run->attributes,
                                   .input_count = run->input_count,
                                   .output_count = output_count,
                                   .inputs = run->input_pointers,
                                   .outputs = run->output_pointers,
                                   .allocate = ops_allocate,
                                   .scratch = &run->scratch,
                                   .user = &run->arena,
                                   .random = &random,
                                   .error = &run->error};
    return op->evaluate(&evaluation);
}

/* Evaluates and compares output 0 with numbers (exactly for integers, to 1e-6 relative for floats; NaN equals NaN). */
static inline void ops_check_output(const ops_run *run, int index, ferry_dtype dtype, ferry_shape shape,
                                    const double *expected) {
    const ferry_tensor *out = &run->outputs[index].tensor;
    char got[FERRY_SHAPE_TEXT], wanted[FERRY_SHAPE_TEXT];
    assert_int_equal(out->dtype, dtype);
    assert_string_equal(ferry_shape_text(&out->shape, got, sizeof got), ferry_shape_text(&shape, wanted, sizeof wanted));
    int64_t count = ferry_shape_count(&shape);
    for (int64_t i = 0; i < count; i++) {
        double value = ferry_load_double(dtype, out->data, i), difference = value - expected[i];
        double allowed = (expected[i] < 0 ? -expected[i] : expected[i]) * 1e-6;
        bool equal = value == expected[i] || (value != value && expected[i] != expected[i]);
        if (!equal && !(difference <= allowed && -difference <= allowed))
            fail_msg("element %d is %.9g, expected %.9g", (int)i, value, expected[i]);
    }
}
#define EXPECT(run, name, dtype, shape, ...)                                                                                   \
    do {                                                                                                                       \
        if (ops_evaluate(run, name, 1) != FERRY_OK) fail_msg("%s: %s", name, (run)->error.message);                            \
        ops_check_output(run, 0, dtype, shape, (const double[]){__VA_ARGS__});                                                 \
        ops_release(run);                                                                                                      \
    } while (0)

/* The operator must refuse, with a message that contains `text`. */
static inline void ops_refused(ops_run *run, const char *name, ferry_status status, const char *text) {
    assert_int_equal(ops_evaluate(run, name, 1), status);
    if (!strstr(run->error.message, text)) fail_msg("message \"%s\" lacks \"%s\"", run->error.message, text);
    ops_release(run);
}

#endif
