/* SPDX-License-Identifier: Apache-2.0 */
/* Conv, Gemm and MatMul of the CPU backend: every implementation that accepts a node against the reference evaluation, as the
 * compiler and runtime call them, on one and on three threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/backend.h"

enum { MAX_INPUTS = 4, MAX_ATTRIBUTES = 12 };

/* A node with its tensors: inputs marked constant are packed. */
typedef struct node {
    ferry_attribute list[MAX_ATTRIBUTES];
    ferry_attributes attributes;
    ferry_value inputs[MAX_INPUTS], output;
    const ferry_value *input_pointers[MAX_INPUTS];
    ferry_value *output_pointer;
    bool constant[MAX_INPUTS];
    ferry_call call;
} node;

static uint32_t seed = 1;
static float small_number(void) {
    seed = seed * 1664525u + 1013904223u;
    return (float)((int)(seed >> 24) - 128) / 32.0f;
}

static void *give(size_t bytes) {
    void *memory = ferry_aligned_malloc(bytes ? bytes : 1);
    assert_non_null(memory);
    memset(memory, 0xCD, bytes);
    return memory;
}

static void node_begin(node *n, ferry_op_index op) {
    memset(n, 0, sizeof *n);
    n->attributes.items = n->list;
    n->output_pointer = &n->output;
    n->call = (ferry_call){.op = &ferry_ops[op],
                           .attributes = &n->attributes,
                           .inputs = n->input_pointers,
                           .outputs = &n->output_pointer,
                           .output_count = 1,
                           .features = ferry_cpu_features()};
}

static void add_integer(node *n, const char *name, int64_t value) {
    n->list[n->attributes.count++] = (ferry_attribute){name, FERRY_ATTRIBUTE_INT, 1, {.integer = value}};
}
static void add_real(node *n, const char *name, float value) {
    n->list[n->attributes.count++] = (ferry_attribute){name, FERRY_ATTRIBUTE_FLOAT, 1, {.real = value}};
}
static void add_text(node *n, const char *name, const char *value) {
    n->list[n->attributes.count++] = (ferry_attribute){name, FERRY_ATTRIBUTE_STRING, 1, {.string = {value, strlen(value)}}};
}
static void add_integers(node *n, const char *name, const int64_t *values, int64_t count) {
    n->list[n->attributes.count++] = (ferry_attribute){name, FERRY_ATTRIBUTE_INTS, count, {.integers = values}};
}

static void add_input(node *n, int index, bool is_constant, int rank, const int64_t *dims) {
    ferry_tensor *t = &n->inputs[index].tensor;
    *t = (ferry_tensor){.dtype = FERRY_FLOAT32, .shape = ferry_shape_make(rank, dims)};
    const int64_t count = ferry_shape_count(&t->shape);
    t->data = give((size_t)count * sizeof(float));
    for (int64_t i = 0; i < count; i++) ((float *)t->data)[i] = small_number();
    n->input_pointers[index] = &n->inputs[index];
    n->constant[index] = is_constant;
    if (n->call.input_count <= index) n->call.input_count = index + 1;
}

static void infer_output(node *n) {
    ferry_value_type types[MAX_INPUTS], output = {0};
    const ferry_value_type *pointers[MAX_INPUTS] = {0};
    for (int i = 0; i < n->call.input_count; i++) {
        if (!n->input_pointers[i]) continue;
        types[i] = (ferry_value_type){.dtype = FERRY_FLOAT32, .ranked = true, .shape = n->inputs[i].tensor.shape};
        pointers[i] = &types[i];
    }
    ferry_arena arena = {0};
    ferry_error error = {0};
    ferry_inference inference = {.op = n->call.op,
                                 .attributes = &n->attributes,
                                 .input_count = n->call.input_count,
                                 .output_count = 1,
                                 .inputs = pointers,
                                 .outputs = &output,
                                 .arena = &arena,
                                 .error = &error};
    if (ferry_op_infer(&inference) != FERRY_OK) fail_msg("%s", error.message);
    n->output.tensor = (ferry_tensor){.dtype = output.dtype, .shape = output.shape};
    n->output.tensor.data = give((size_t)ferry_shape_count(&output.shape) * sizeof(float));
    ferry_arena_release(&arena);
}

static void evaluate(node *n) {
    ferry_arena scratch = {0};
    ferry_error error = {0};
    ferry_evaluation evaluation = {.op = n->call.op,
                                   .attributes = &n->attributes,
                                   .input_count = n->call.input_count,
                                   .output_count = 1,
                                   .inputs = n->input_pointers,
                                   .outputs = &n->output_pointer,
                                   .scratch = &scratch,
                                   .error = &error};
    if (n->call.op->evaluate(&evaluation) != FERRY_OK) fail_msg("%s", error.message);
    ferry_arena_release(&scratch);
}

/* The same tensor in another layout, in new memory. */
static ferry_tensor in_layout(const ferry_tensor *t, ferry_layout layout, bool fill) {
    ferry_tensor result = *t;
    size_t bytes;
    result.layout = layout;
    assert_true(ferry_tensor_bytes(t->dtype, layout, &t->shape, &bytes));
    result.data = give(bytes);
    if (!fill) return result;
    if (layout == FERRY_LAYOUT_PLAIN) return memcpy(result.data, t->data, bytes), result;
    memset(result.data, 0, bytes);
    const int64_t channels = t->shape.dims[1], plane = ferry_shape_product(&t->shape, 2, t->shape.rank), block = layout;
    for (int64_t i = 0; i < t->shape.dims[0] * channels * plane; i++) {
        const int64_t s = i % plane, c = i / plane % channels, image = i / plane / channels;
        ((float *)result.data)[((image * ferry_ceil_div(channels, block) + c / block) * plane + s) * block + c % block] =
            ((const float *)t->data)[i];
    }
    return result;
}

static double worst_difference(const ferry_tensor *plain, const ferry_tensor *actual) {
    const int64_t channels = plain->shape.rank > 1 ? plain->shape.dims[1] : 1;
    const int64_t plane = plain->shape.rank > 2 ? ferry_shape_product(&plain->shape, 2, plain->shape.rank) : 1;
    const int64_t block = ferry_layout_block(actual->layout), count = ferry_shape_count(&plain->shape);
    double worst = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t s = i % plane, c = i / plane % channels, image = i / plane / channels;
        const int64_t at =
            block == 1 ? i : ((image * ferry_ceil_div(channels, block) + c / block) * plane + s) * block + c % block;
        const double expected = (double)((const float *)plain->data)[i];
        const double difference = fabs(expected - (double)((const float *)actual->data)[at]) / (1 + fabs(expected));
        if (!(difference <= worst)) worst = difference;
    }
    return worst;
}

/* The node as the compiler shows it: only constants have data. */
typedef struct build_view {
    ferry_value values[MAX_INPUTS];
    const ferry_value *pointers[MAX_INPUTS];
    ferry_call call;
} build_view;

static void view_make(const node *n, int threads, build_view *view) {
    memset(view, 0, sizeof *view);
    view->call = n->call;
    view->call.threads = threads;
    view->call.inputs = view->pointers;
    for (int i = 0; i < n->call.input_count; i++) {
        if (!n->input_pointers[i]) continue;
        view->values[i] = n->inputs[i];
        if (!n->constant[i]) view->values[i].tensor.data = NULL;
        view->pointers[i] = &view->values[i];
    }
}

/* Packs, forgets the packed constants, prepares and runs in the layouts that accepts set. */
static void run_one(node *n, const ferry_implementation *implementation, const ferry_layout *inputs, ferry_layout output,
                    int threads) {
    build_view view;
    view_make(n, threads, &view);
    ferry_call *call = &view.call;
    ferry_error error = {0};
    ferry_value result = n->output, *result_pointer = &result;
    void *packed = NULL;
    call->error = &error;
    call->packed_bytes = implementation->packed_bytes(call);
    if (call->packed_bytes) {
        packed = give(call->packed_bytes);
        memset(packed, 0, call->packed_bytes);
        implementation->pack(call, packed);
    }
    call->packed = packed;
    for (int i = 0; i < call->input_count; i++) {
        view.values[i].tensor.data = NULL;
        if (!n->input_pointers[i] || (n->constant[i] && implementation->packed_inputs >> i & 1)) continue;
        view.values[i].tensor = in_layout(&n->inputs[i].tensor, inputs[i], true);
    }
    result.tensor = in_layout(&n->output.tensor, output, false);
    call->outputs = &result_pointer;
    call->state = ferry_calloc(1, implementation->state_bytes);
    if (implementation->prepare(call) != FERRY_OK) fail_msg("%s: %s", implementation->name, error.message);
    call->workspace = give(call->workspace_bytes);
    assert_int_equal(ferry_pool_create(threads, &call->pool, &error), FERRY_OK);
    assert_int_equal(implementation->run(call), FERRY_OK);
    const double worst = worst_difference(&n->output.tensor, &result.tensor);
    const double allowed = strstr(implementation->name, "winograd") ? 3e-4 : 2e-5; /* of inputs and weights up to 4 */
    if (!(worst < allowed)) fail_msg("%s on %d threads is off by %g", implementation->name, threads, worst);
    ferry_pool_destroy(call->pool);
    for (int i = 0; i < call->input_count; i++) ferry_aligned_free(view.values[i].tensor.data);
    ferry_aligned_free(result.tensor.data);
    ferry_aligned_free(call->workspace);
    ferry_aligned_free(packed);
    ferry_free(call->state);
}

/* Runs all that accept; at least `least` of them must. */
static void node_check(node *n, const char *what, int least) {
    infer_output(n);
    evaluate(n);
    int accepted = 0;
    const ferry_implementation *implementation;
    for (int i = 0; (implementation = ferry_cpu_backend()->implementation(n->call.op, i)) != NULL; i++) {
        ferry_layout inputs[MAX_INPUTS] = {0}, output = FERRY_LAYOUT_PLAIN;
        ferry_reason reason = {""};
        build_view view;
        if (strcmp(implementation->name, "reference") == 0 || (implementation->features & ~ferry_cpu_features())) continue;
        view_make(n, 1, &view);
        if (!implementation->accepts(&view.call, inputs, &output, &reason)) {
            assert_true(reason.text[0] != '\0');
            continue;
        }
        run_one(n, implementation, inputs, output, 1);
        run_one(n, implementation, inputs, output, 3);
        accepted++;
    }
    if (accepted < least) fail_msg("%s: only %d implementations accepted", what, accepted);
    for (int k = 0; k < n->call.input_count; k++) ferry_aligned_free(n->inputs[k].tensor.data);
    ferry_aligned_free(n->output.tensor.data);
}

/* ---- Conv ---- */

static void conv_plain(void **state) {
    (void)state;
    node n;
    node_begin(&n, FERRY_OP_Conv);
    add_input(&n, 0, false, 4, (const int64_t[]){2, 3, 17, 15});
    add_input(&n, 1, true, 4, (const int64_t[]){20, 3, 3, 3});
    add_input(&n, 2, true, 1, (const int64_t[]){20});
    add_integers(&n, "pads", (const int64_t[]){1, 1, 1, 1}, 4);
    add_integers(&n, "strides", (const int64_t[]){2, 2}, 2);
    add_text(&n, "_activation", "silu");
    node_check(&n, "plain conv", 2);
}

static void conv_residual(void **state) {
    (void)state;
    for (int first = 0; first < 2; first++) {
        node n;
        node_begin(&n, FERRY_OP_Conv);
        add_input(&n, 0, false, 4, (const int64_t[]){1, 24, 9, 11});
        add_input(&n, 1, true, 4, (const int64_t[]){24, 24, 3, 3});
        add_input(&n, 2, true, 1, (const int64_t[]){24});
        add_input(&n, 3, false, 4, (const int64_t[]){1, 24, 9, 11});
        add_text(&n, "auto_pad", "SAME_UPPER");
        add_text(&n, "_activation", "leaky_relu");
        add_real(&n, "_activation_alpha", 0.1f);
        add_integer(&n, "_residual_first", first);
        node_check(&n, "residual conv", 1);
    }
}

static void conv_groups(void **state) {
    (void)state;
    const int64_t groups[] = {1, 2, 6, 24};
    for (int i = 0; i < 4; i++) {
        node n;
        node_begin(&n, FERRY_OP_Conv);
        add_input(&n, 0, false, 4, (const int64_t[]){1, 24, 8, 9});
        add_input(&n, 1, true, 4, (const int64_t[]){24, 24 / groups[i], 3, 2});
        add_integer(&n, "group", groups[i]);
        add_integers(&n, "dilations", (const int64_t[]){2, 1}, 2);
        add_integers(&n, "pads", (const int64_t[]){2, 0, 1, 1}, 4);
        node_check(&n, "grouped conv", groups[i] == 24 ? 2 : 1);
    }
}

static void conv_one_dimension(void **state) {
    (void)state;
    node n;
    node_begin(&n, FERRY_OP_Conv);
    add_input(&n, 0, false, 3, (const int64_t[]){2, 12, 40});
    add_input(&n, 1, true, 3, (const int64_t[]){17, 12, 5});
    add_integers(&n, "pads", (const int64_t[]){2, 2}, 2);
    node_check(&n, "1-D conv", 1);
}

/* ---- Gemm and MatMul ---- */

static void gemm_all(void **state) {
    (void)state;
    for (int variant = 0; variant < 32; variant++) {
        const bool turn_a = variant & 1, turn_b = variant & 2, constant_b = variant & 4, constant_c = variant & 8,
                   many = variant & 16;
        const int64_t m = many ? 37 : 3, k = 29, n_columns = 41;
        node n;
        node_begin(&n, FERRY_OP_Gemm);
        add_input(&n, 0, false, 2, turn_a ? (const int64_t[]){k, m} : (const int64_t[]){m, k});
        add_input(&n, 1, constant_b, 2, turn_b ? (const int64_t[]){n_columns, k} : (const int64_t[]){k, n_columns});
        if (constant_c)
            add_input(&n, 2, true, 1, (const int64_t[]){n_columns});
        else
            add_input(&n, 2, false, 2, (const int64_t[]){m, n_columns});
        add_integer(&n, "transA", turn_a);
        add_integer(&n, "transB", turn_b);
        add_real(&n, "alpha", 0.5f);
        if (constant_c) add_real(&n, "beta", 2.0f);
        add_text(&n, "_activation", "relu");
        node_check(&n, "gemm", 1);
    }
}

static void matmul_all(void **state) {
    (void)state;
    static const struct {
        int a_rank, b_rank;
        int64_t a[4], b[4];
        bool constant;
    } cases[] = {{2, 2, {7, 30}, {30, 19}, false},
                 {3, 2, {2, 7, 30}, {30, 19}, true},
                 {4, 4, {2, 3, 20, 30}, {2, 3, 30, 19}, false},
                 {4, 4, {2, 1, 5, 30}, {1, 3, 30, 19}, false},
                 {3, 3, {4, 5, 30}, {4, 30, 19}, true},
                 {1, 2, {30}, {30, 19}, true},
                 {2, 1, {40, 30}, {30}, false},
                 {1, 1, {30}, {30}, false},
                 {2, 3, {20, 30}, {3, 30, 19}, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        node n;
        node_begin(&n, FERRY_OP_MatMul);
        add_input(&n, 0, false, cases[i].a_rank, cases[i].a);
        add_input(&n, 1, cases[i].constant, cases[i].b_rank, cases[i].b);
        node_check(&n, "matmul", 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(conv_plain),  cmocka_unit_test(conv_residual),
                                       cmocka_unit_test(conv_groups), cmocka_unit_test(conv_one_dimension),
                                       cmocka_unit_test(gemm_all),    cmocka_unit_test(matmul_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
