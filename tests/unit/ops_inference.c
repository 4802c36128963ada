/* SPDX-License-Identifier: Apache-2.0 */
/* Shape rules with symbolic dimensions, and shape arithmetic as exporters write it. */
#include "ops_harness.h"

typedef struct chain {
    ferry_symbols *symbols;
    ferry_arena arena;
    ferry_error error;
} chain;

static int setup(void **state) {
    static chain c;
    c = (chain){.symbols = ferry_symbols_create()};
    *state = &c;
    return c.symbols ? 0 : -1;
}

static int teardown(void **state) {
    chain *c = *state;
    ferry_symbols_destroy(c->symbols);
    ferry_arena_release(&c->arena);
    return 0;
}

/* Infers one output from up to three inputs (NULL: absent) and one integer attribute (name NULL: none). */
static ferry_value_type infer(chain *c, const char *name, const ferry_value_type *a, const ferry_value_type *b,
                              const ferry_value_type *third, const char *attribute, int64_t value) {
    ferry_attribute item = {.name = attribute, .type = FERRY_ATTRIBUTE_INT, .value.integer = value};
    ferry_attributes attributes = {&item, attribute ? 1 : 0};
    const ferry_value_type *inputs[] = {a, b, third};
    ferry_value_type output = {0};
    ferry_inference inference = {.op = ferry_op_find("", name),
                                 .attributes = &attributes,
                                 .input_count = third ? 3
                                                : b   ? 2
                                                : a   ? 1
                                                      : 0,
                                 .output_count = 1,
                                 .inputs = inputs,
                                 .outputs = &output,
                                 .symbols = c->symbols,
                                 .arena = &c->arena,
                                 .error = &c->error};
    if (ferry_op_infer(&inference) != FERRY_OK) fail_msg("%s: %s", name, c->error.message);
    return output;
}

static ferry_value_type list(const int64_t *values, int64_t count) {
    return (ferry_value_type){.dtype = FERRY_INT64, .ranked = true, .shape = {1, {count}}, .data = values};
}

static void assert_shape(chain *c, const ferry_value_type *type, const char *expected) {
    char text[512] = "", dim[128];
    assert_true(type->ranked);
    for (int i = 0; i < type->shape.rank; i++) {
        strcat(text, i ? "," : "");
        strcat(text, ferry_dim_text(c->symbols, type->shape.dims[i], dim, sizeof dim));
    }
    assert_string_equal(text, expected);
}

static ferry_value_type picture(chain *c) {
    return (ferry_value_type){.dtype = FERRY_FLOAT32,
                              .ranked = true,
                              .shape = {4,
                                        {ferry_symbol_named(c->symbols, "n"), 3, ferry_symbol_named(c->symbols, "h"),
                                         ferry_symbol_named(c->symbols, "w")}}};
}

/* x.view(x.shape[0], 3, -1), the way that exporters of PyTorch write it. */
static void test_view_through_shape_gather_concat(void **state) {
    chain *c = *state;
    ferry_value_type x = picture(c), zero = list(INTS(0), 1), rest = list(INTS(3, -1), 2);
    zero.shape.rank = 0;
    ferry_value_type shape = infer(c, "Shape", &x, NULL, NULL, NULL, 0);
    ferry_value_type batch = infer(c, "Gather", &shape, &zero, NULL, "axis", 0);
    ferry_value_type axes = list(INTS(0), 1), front = infer(c, "Unsqueeze", &batch, &axes, NULL, NULL, 0);
    ferry_value_type target = infer(c, "Concat", &front, &rest, NULL, "axis", 0);
    ferry_value_type view = infer(c, "Reshape", &x, &target, NULL, NULL, 0);
    assert_shape(c, &view, "n,3,h*w");
    ferry_value_type back_target = list(INTS(0, -1, 3), 3), back = infer(c, "Reshape", &view, &back_target, NULL, NULL, 0);
    assert_shape(c, &back, "n,h*w,3");
}

/* Half the height as Cast(Floor(Mul(Cast(h), 2))) and as Slice + Div. */
static void test_scaled_sizes(void **state) {
    chain *c = *state;
    ferry_value_type x = picture(c), shape = infer(c, "Shape", &x, NULL, NULL, "start", 2);
    ferry_value_type real = infer(c, "Cast", &shape, NULL, NULL, "to", FERRY_FLOAT32);
    ferry_value_type factor = {.dtype = FERRY_FLOAT32, .ranked = true, .shape = {1, {2}}, .data = FLOATS(2, 2)};
    ferry_value_type product = infer(c, "Mul", &real, &factor, NULL, NULL, 0),
                     floor = infer(c, "Floor", &product, NULL, NULL, NULL, 0);
    ferry_value_type sizes = infer(c, "Cast", &floor, NULL, NULL, "to", FERRY_INT64);
    ferry_value_type grown = infer(c, "ConstantOfShape", &sizes, NULL, NULL, NULL, 0);
    assert_shape(c, &grown, "2*h,2*w");
    ferry_value_type two = list(INTS(2), 1), halves = infer(c, "Div", &shape, &two, NULL, NULL, 0);
    ferry_value_type shrunk = infer(c, "ConstantOfShape", &halves, NULL, NULL, NULL, 0);
    assert_shape(c, &shrunk, "floor(h/2),floor(w/2)");
}

/* Expand writes Where(shape == -1, ones, shape). */
static void test_where_on_shapes(void **state) {
    chain *c = *state;
    ferry_value_type x = picture(c), shape = infer(c, "Shape", &x, NULL, NULL, NULL, 0), minus = list(INTS(-1), 1),
                     ones = list(INTS(1, 1, 1, 1), 4);
    ferry_value_type test = infer(c, "Equal", &shape, &minus, NULL, NULL, 0);
    ferry_value_type target = infer(c, "Where", &test, &ones, &shape, NULL, 0);
    ferry_value_type scalar = {.dtype = FERRY_FLOAT32, .ranked = true},
                     wide = infer(c, "Expand", &scalar, &target, NULL, NULL, 0);
    assert_shape(c, &wide, "n,3,h,w");
}

static void test_slices_of_symbols(void **state) {
    chain *c = *state;
    ferry_value_type x = {.dtype = FERRY_FLOAT32, .ranked = true, .shape = {1, {ferry_symbol_named(c->symbols, "h")}}};
    ferry_value_type one = list(INTS(1), 1), end = list(INTS(INT64_MAX), 1), last = list(INTS(-1), 1), zero = list(INTS(0), 1);
    ferry_value_type tail = infer(c, "Slice", &x, &one, &end, NULL, 0), head = infer(c, "Slice", &x, &zero, &last, NULL, 0);
    assert_shape(c, &tail, "h - 1");
    assert_true(ferry_dim_equal(tail.shape.dims[0], head.shape.dims[0]));
    ferry_value_type sum = infer(c, "Add", &head, &tail, NULL, NULL, 0);
    assert_shape(c, &sum, "h - 1");
    ferry_value_type both = infer(c, "Concat", &head, &tail, NULL, "axis", 0);
    assert_shape(c, &both, "2*h - 2");
}

static void test_unknown_counts_get_one_symbol(void **state) {
    chain *c = *state;
    ferry_value_type x = {.dtype = FERRY_FLOAT32, .ranked = true, .shape = {1, {100}}},
                     found = infer(c, "NonZero", &x, NULL, NULL, NULL, 0);
    assert_false(ferry_dim_known(found.shape.dims[1]));
    ferry_value_type order = infer(c, "Transpose", &found, NULL, NULL, NULL, 0),
                     twice = infer(c, "Add", &order, &order, NULL, NULL, 0);
    assert_true(ferry_dim_equal(twice.shape.dims[0], found.shape.dims[1]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_view_through_shape_gather_concat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scaled_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_where_on_shapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slices_of_symbols, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_counts_get_one_symbol, setup, teardown),
    };
    return cmocka_run_group_tests_name("ops inference", tests, NULL, NULL);
}
