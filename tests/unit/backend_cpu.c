/* SPDX-License-Identifier: Apache-2.0 */
/* Every vector implementation of the CPU backend against the operator's reference evaluation: under all CPU masks, in plain and
 * blocked layouts, with one thread and several, into guarded memory. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "tests/kernels/check.h"

enum { MAX_INPUTS = 5, MAX_OUTPUTS = 4, MAX_ATTRIBUTES = 7 };

typedef struct input {
    ferry_dtype dtype; /* UNDEFINED: absent */
    bool constant;
    ferry_shape shape;
    const int64_t *integers; /* of an INT64 input */
    const float *floats;     /* of a FLOAT32 input; NULL = random */
} input;

typedef struct example {
    const char *op, *implementation;
    bool blocked; /* the implementation must accept input 0 in blocked layout too */
    double relative, absolute;
    ferry_attribute attributes[MAX_ATTRIBUTES];
    input inputs[MAX_INPUTS];
    int outputs; /* 0 = one */
} example;

#define INT(n, v)                                                                                                              \
    { .name = n, .type = FERRY_ATTRIBUTE_INT, .value.integer = v }
#define REAL(n, v)                                                                                                             \
    { .name = n, .type = FERRY_ATTRIBUTE_FLOAT, .value.real = v }
#define TEXT(n, v)                                                                                                             \
    {                                                                                                                          \
        .name = n, .type = FERRY_ATTRIBUTE_STRING, .value.string = { v, sizeof v - 1 }                                         \
    }
#define LIST(...) ((const int64_t[]){__VA_ARGS__})
#define INTS(n, ...)                                                                                                           \
    { .name = n, .type = FERRY_ATTRIBUTE_INTS, .count = sizeof LIST(__VA_ARGS__) / 8, .value.integers = LIST(__VA_ARGS__) }
#define SHAPE(...)                                                                                                             \
    {                                                                                                                          \
        .rank = sizeof LIST(__VA_ARGS__) / 8, .dims = { __VA_ARGS__ }                                                          \
    }
#define FLOATS(...)                                                                                                            \
    { .dtype = FERRY_FLOAT32, .shape = SHAPE(__VA_ARGS__) }
#define WEIGHTS(...)                                                                                                           \
    { .dtype = FERRY_FLOAT32, .constant = true, .shape = SHAPE(__VA_ARGS__) }
#define NUMBER(v)                                                                                                              \
    {                                                                                                                          \
        .dtype = FERRY_FLOAT32, .constant = true, .floats = (const float[]) { v }                                              \
    }
#define NUMBERS(count, ...)                                                                                                    \
    {                                                                                                                          \
        .dtype = FERRY_FLOAT32, .constant = true, .shape = SHAPE(count), .floats = (const float[]) { __VA_ARGS__ }             \
    }
#define INDICES(...)                                                                                                           \
    { .dtype = FERRY_INT64, .constant = true, .shape = SHAPE(sizeof LIST(__VA_ARGS__) / 8), .integers = LIST(__VA_ARGS__) }
#define BYTES(...)                                                                                                             \
    { .dtype = FERRY_UINT8, .shape = SHAPE(__VA_ARGS__) }
#define ABSENT                                                                                                                 \
    { .dtype = FERRY_DTYPE_UNDEFINED }

static const example examples[] = {
#include "backend_cpu_examples.inc"
};

/* ---- memory ---- */

typedef struct slot {
    ferry_value value;
    ferry_check_buffer buffer;
} slot;

static void allocate(slot *s, ferry_dtype dtype, ferry_layout layout, const ferry_shape *shape) {
    size_t bytes;
    s->value = (ferry_value){.tensor = {.dtype = dtype, .layout = layout, .shape = *shape}};
    assert_true(ferry_tensor_bytes(dtype, layout, shape, &bytes));
    s->buffer = ferry_check_make(bytes);
    s->value.tensor.data = s->buffer.data;
}

static void release(slot *s, const char *what) {
    if (s->value.tensor.dtype != FERRY_DTYPE_UNDEFINED) ferry_check_free(&s->buffer, what);
    s->value.tensor = (ferry_tensor){0};
}

/* Element `index` of the plain order, in the memory of a float tensor of any layout. */
static int64_t place(const ferry_tensor *t, int64_t index) {
    if (t->layout == FERRY_LAYOUT_PLAIN) return index;
    int64_t pixels = ferry_shape_product(&t->shape, 2, t->shape.rank), channels = t->shape.dims[1],
            block = ferry_layout_block(t->layout);
    int64_t pixel = index % pixels, channel = index / pixels % channels, picture = index / pixels / channels;
    return ((picture * ferry_ceil_div(channels, block) + channel / block) * pixels + pixel) * block + channel % block;
}

static void convert(const ferry_tensor *from, const ferry_tensor *to) {
    size_t bytes;
    int64_t count = ferry_shape_count(&from->shape);
    assert_true(ferry_tensor_bytes(to->dtype, to->layout, &to->shape, &bytes));
    if (from->layout == to->layout) {
        memcpy(to->data, from->data, bytes);
        return;
    }
    memset(to->data, 0, bytes);
    for (int64_t i = 0; i < count; i++) ((float *)to->data)[place(to, i)] = ((const float *)from->data)[place(from, i)];
}

static void fill(slot *s, const input *in, ferry_check_random *random) {
    int64_t count = ferry_shape_count(&in->shape);
    if (in->integers)
        memcpy(s->buffer.data, in->integers, s->buffer.size);
    else if (in->floats)
        memcpy(s->buffer.data, in->floats, s->buffer.size);
    else if (in->dtype == FERRY_FLOAT32) /* away from 0, where divisors live, and both signs unless constant */
        for (int64_t i = 0; i < count; i++)
            s->buffer.floats[i] =
                ferry_check_float(random, 0.3f, 1.7f) * (in->constant || ferry_check_int(random, 0, 2) ? 1.0f : -1.0f);
    else
        for (size_t i = 0; i < s->buffer.size; i++) s->buffer.bytes[i] = (uint8_t)ferry_check_bits(random);
}

/* ---- one example ---- */

typedef struct bench {
    const example *e;
    const ferry_op *op;
    ferry_attributes attributes;
    int input_count, output_count;
    slot inputs[MAX_INPUTS], expected[MAX_OUTPUTS];
    ferry_value_type types[MAX_INPUTS + MAX_OUTPUTS];
} bench;

static void infer(bench *b) {
    ferry_arena arena = {0};
    ferry_error error = {0};
    const ferry_value_type *inputs[MAX_INPUTS] = {0};
    ferry_value_type *types = b->types;
    for (int i = 0; i < b->input_count; i++) {
        const ferry_tensor *t = &b->inputs[i].value.tensor;
        if (t->dtype == FERRY_DTYPE_UNDEFINED) continue;
        types[i] = (ferry_value_type){.dtype = t->dtype, .ranked = true, .shape = t->shape};
        if (b->e->inputs[i].constant) types[i].data = t->data;
        if (b->e->inputs[i].integers) types[i].values = b->e->inputs[i].integers;
        inputs[i] = &types[i];
    }
    ferry_inference inference = {.op = b->op,
                                 .attributes = &b->attributes,
                                 .input_count = b->input_count,
                                 .output_count = b->output_count,
                                 .inputs = inputs,
                                 .outputs = types + MAX_INPUTS,
                                 .arena = &arena,
                                 .error = &error};
    if (ferry_op_infer(&inference) != FERRY_OK) fail_msg("%s: %s", b->e->op, error.message);
    ferry_arena_release(&arena);
}

static ferry_call make_call(const bench *b, const ferry_value **inputs, ferry_value **outputs, ferry_error *error) {
    return (ferry_call){.op = b->op,
                        .attributes = &b->attributes,
                        .input_count = b->input_count,
                        .output_count = b->output_count,
                        .inputs = inputs,
                        .outputs = outputs,
                        .threads = 1,
                        .error = error};
}

static void start(bench *b, const example *e, ferry_check_random *random) {
    *b = (bench){.e = e, .op = ferry_op_find("", e->op), .output_count = e->outputs ? e->outputs : 1};
    if (!b->op) b->op = ferry_op_find("ferry", e->op);
    if (!b->op) fail_msg("no operator %s", e->op);
    b->attributes.items = (ferry_attribute *)e->attributes;
    while (b->attributes.count < MAX_ATTRIBUTES && e->attributes[b->attributes.count].name) b->attributes.count++;
    for (int i = 0; i < MAX_INPUTS; i++) {
        if (e->inputs[i].dtype == FERRY_DTYPE_UNDEFINED) continue;
        b->input_count = i + 1;
        allocate(&b->inputs[i], e->inputs[i].dtype, FERRY_LAYOUT_PLAIN, &e->inputs[i].shape);
        fill(&b->inputs[i], &e->inputs[i], random);
    }
    infer(b);
    const ferry_value *inputs[MAX_INPUTS] = {0};
    ferry_value *outputs[MAX_OUTPUTS] = {0};
    for (int i = 0; i < b->input_count; i++) inputs[i] = e->inputs[i].dtype ? &b->inputs[i].value : NULL;
    for (int i = 0; i < b->output_count; i++) {
        const ferry_value_type *type = &b->types[MAX_INPUTS + i];
        allocate(&b->expected[i], type->dtype, FERRY_LAYOUT_PLAIN, &type->shape);
        outputs[i] = &b->expected[i].value;
    }
    ferry_error error = {0};
    ferry_call call = make_call(b, inputs, outputs, &error);
    const ferry_implementation *reference = ferry_backend_find(ferry_cpu_backend(), b->op, "reference");
    assert_non_null(reference);
    if (reference->run(&call) != FERRY_OK) fail_msg("%s: reference: %s", e->op, error.message);
}

static void finish(bench *b) {
    for (int i = 0; i < MAX_INPUTS; i++) release(&b->inputs[i], "an input");
    for (int i = 0; i < MAX_OUTPUTS; i++) release(&b->expected[i], "an expected output");
}

static void compare(const bench *b, int index, const slot *got, const char *how) {
    const ferry_tensor *wanted = &b->expected[index].value.tensor;
    slot plain;
    if (wanted->dtype != FERRY_FLOAT32) {
        if (memcmp(wanted->data, got->buffer.data, b->expected[index].buffer.size) != 0)
            fail_msg("%s %s: output %d differs", b->e->op, how, index);
        return;
    }
    allocate(&plain, FERRY_FLOAT32, got->value.tensor.layout, &wanted->shape);
    convert(wanted, &plain.value.tensor); /* zero tails included */
    ferry_check_close(plain.buffer.floats, got->buffer.floats, plain.buffer.size / 4, b->e->relative, b->e->absolute,
                      "%s %s, output %d", b->e->op, how, index);
    release(&plain, "expected");
}

/* Runs one implementation with inputs converted to the layouts that it wants. */
static void run_one(const bench *b, const ferry_implementation *implementation, ferry_call *call, const ferry_layout *wanted,
                    const ferry_layout *written, const char *how) {
    slot inputs[MAX_INPUTS] = {0}, outputs[MAX_OUTPUTS] = {0}, packed = {0}, workspace = {0};
    const ferry_value *in[MAX_INPUTS] = {0};
    ferry_value *out[MAX_OUTPUTS] = {0};
    ferry_shape bytes = {.rank = 1};
    if (implementation->packed_bytes && (bytes.dims[0] = (int64_t)implementation->packed_bytes(call)) > 0) {
        allocate(&packed, FERRY_UINT8, FERRY_LAYOUT_PLAIN, &bytes);
        memset(packed.buffer.data, 0, packed.buffer.size);
        implementation->pack(call, packed.buffer.data);
    }
    for (int i = 0; i < b->input_count; i++) {
        const ferry_tensor *t = &b->inputs[i].value.tensor;
        if (t->dtype == FERRY_DTYPE_UNDEFINED) continue;
        allocate(&inputs[i], t->dtype, wanted[i], &t->shape);
        convert(t, &inputs[i].value.tensor);
        in[i] = &inputs[i].value;
        if (b->e->inputs[i].constant && packed.buffer.data && (implementation->packed_inputs >> i & 1))
            inputs[i].value.tensor.data = NULL;
    }
    for (int i = 0; i < b->output_count; i++) {
        allocate(&outputs[i], b->expected[i].value.tensor.dtype, written[i], &b->expected[i].value.tensor.shape);
        out[i] = &outputs[i].value;
    }
    unsigned char state[512] = {0};
    assert_true(implementation->state_bytes <= sizeof state);
    ferry_call run = *call;
    run.inputs = in, run.outputs = out, run.packed = packed.buffer.data, run.packed_bytes = packed.buffer.size,
    run.state = state;
    if (implementation->prepare && implementation->prepare(&run) != FERRY_OK)
        fail_msg("%s %s: prepare: %s", b->e->op, how, call->error->message);
    bytes.dims[0] = (int64_t)run.workspace_bytes;
    allocate(&workspace, FERRY_UINT8, FERRY_LAYOUT_PLAIN, &bytes);
    run.workspace = workspace.buffer.data;
    if (implementation->run(&run) != FERRY_OK) fail_msg("%s %s: run: %s", b->e->op, how, call->error->message);
    for (int i = 0; i < b->output_count; i++) compare(b, i, &outputs[i], how);
    for (int i = 0; i < MAX_INPUTS; i++) inputs[i].value.tensor.data = inputs[i].buffer.data, release(&inputs[i], "an input");
    for (int i = 0; i < MAX_OUTPUTS; i++) release(&outputs[i], "an output");
    release(&packed, "packed weights");
    release(&workspace, "the workspace");
}

/* Offers input 0 (and every computed float input of the same shape) in a layout; tells whether the named implementation took
 * it. */
static bool offer(const bench *b, uint32_t mask, ferry_layout layout, ferry_pool *pool) {
    ferry_value inputs[MAX_INPUTS] = {0}, outputs[MAX_OUTPUTS] = {0};
    const ferry_value *in[MAX_INPUTS] = {0};
    ferry_value *out[MAX_OUTPUTS] = {0};
    bool taken = false;
    for (int i = 0; i < b->input_count; i++) {
        if (b->e->inputs[i].dtype == FERRY_DTYPE_UNDEFINED) continue;
        inputs[i] = b->inputs[i].value;
        if (!b->e->inputs[i].constant) {
            inputs[i].tensor.data = NULL;
            bool blockable = inputs[i].tensor.dtype == FERRY_FLOAT32 && inputs[i].tensor.shape.rank >= 2;
            if (blockable) inputs[i].tensor.layout = layout;
        }
        in[i] = &inputs[i];
    }
    for (int i = 0; i < b->output_count; i++) {
        outputs[i] = b->expected[i].value;
        outputs[i].tensor.data = NULL;
        out[i] = &outputs[i];
    }
    if (strcmp(b->e->op, "Reorder") == 0)
        outputs[0].tensor.layout = layout == FERRY_LAYOUT_PLAIN ? FERRY_LAYOUT_BLOCKED_8 : FERRY_LAYOUT_PLAIN;
    for (int k = 0;; k++) {
        ferry_error error = {0};
        ferry_reason reason = {""};
        ferry_layout wanted[MAX_INPUTS] = {0}, written[MAX_OUTPUTS] = {0};
        const ferry_implementation *implementation = ferry_cpu_backend()->implementation(b->op, k);
        if (!implementation) return taken;
        ferry_call call = make_call(b, in, out, &error);
        call.features = mask, call.pool = pool, call.threads = ferry_pool_threads(pool);
        if ((implementation->features & ~mask) || strcmp(implementation->name, "reference") == 0) continue;
        if (!implementation->accepts(&call, wanted, written, &reason)) continue;
        char how[128];
        snprintf(how, sizeof how, "(%s, example %d, mask %x, %s, %d threads)", implementation->name, (int)(b->e - examples),
                 mask, ferry_layout_name(layout), call.threads);
        run_one(b, implementation, &call, wanted, written, how);
        bool as_offered = layout == FERRY_LAYOUT_PLAIN || wanted[0] == layout || b->e->inputs[0].constant;
        if (strcmp(implementation->name, b->e->implementation) == 0 && as_offered) taken = true;
    }
}

static void equals_the_reference(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t mask_count = ferry_check_masks(&masks);
    ferry_check_random random = {71};
    ferry_pool *pool;
    assert_int_equal(ferry_pool_create(3, &pool, NULL), FERRY_OK);
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        bench b;
        start(&b, &examples[i], &random);
        for (size_t m = 0; m < mask_count; m++)
            for (int threads = 0; threads < 2; threads++) {
                ferry_layout blocked = (ferry_layout)ferry_check_mask_block(masks[m]);
                bool plain = offer(&b, masks[m], FERRY_LAYOUT_PLAIN, threads ? pool : NULL);
                bool also = examples[i].blocked && offer(&b, masks[m], blocked, threads ? pool : NULL);
                bool only_blocked = strcmp(examples[i].implementation, "binary.channel") == 0;
                if (!plain && !only_blocked)
                    fail_msg("%s (example %zu): %s refused plain inputs", examples[i].op, i, examples[i].implementation);
                if (examples[i].blocked && !also)
                    fail_msg("%s (example %zu): %s refused blocked inputs", examples[i].op, i, examples[i].implementation);
            }
        finish(&b);
    }
    ferry_pool_destroy(pool);
}

static const example gather_example = {
    .op = "Gather", .implementation = "gather.slices", .inputs = {FLOATS(3, 4), INDICES(0, 2)}};

/* Indices come from outside: a bad one is an error, not a read outside. */
static void bad_index(void **state) {
    (void)state;
    const example *e = &gather_example;
    static const int64_t bad[2] = {0, 3};
    bench b;
    ferry_check_random random = {72};
    ferry_error error = {0};
    start(&b, e, &random);
    memcpy(b.inputs[1].buffer.data, bad, sizeof bad);
    const ferry_value *inputs[2] = {&b.inputs[0].value, &b.inputs[1].value};
    ferry_value *outputs[1] = {&b.expected[0].value};
    ferry_call call = make_call(&b, inputs, outputs, &error);
    const ferry_implementation *gather = ferry_backend_find(ferry_cpu_backend(), b.op, "gather.slices");
    assert_int_equal(gather->run(&call), FERRY_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "is 3"));
    finish(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(equals_the_reference), cmocka_unit_test(bad_index)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
