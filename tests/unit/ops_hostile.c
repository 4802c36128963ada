/* SPDX-License-Identifier: Apache-2.0 */
/* Every operator of the table under random inputs: wrong types, ranks 0 to 8, empty and absurd dimensions, axes and indices
 * outside, random attributes, memory that runs out. Nothing may crash (run it under the sanitizers); failures must carry a
 * message; what the shape rule promised, the evaluation must keep. FERRY_SEED and FERRY_ROUNDS in the environment vary the run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ops/ops.h"

enum { MAX_INPUTS = 10, MAX_OUTPUTS = 4, MAX_ELEMENTS = 4096, MAX_ATTRIBUTES = 16, MAX_LIST = 9, MEMORY_LIMIT = 1 << 22 };

typedef struct round_state {
    uint64_t random;
    ferry_arena arena; /* everything that this round makes */
    size_t given;      /* bytes given to outputs */
} round_state;

static uint64_t next(round_state *state) {
    state->random ^= state->random << 13;
    state->random ^= state->random >> 7;
    state->random ^= state->random << 17;
    return state->random * 0x2545f4914f6cdd1dull >> 16;
}

static int64_t below(round_state *state, int64_t limit) { return (int64_t)(next(state) % (uint64_t)limit); }
static bool chance(round_state *state, int one_in) { return below(state, one_in) == 0; }

/* Mostly small, sometimes at the ends of the range. */
static int64_t odd_integer(round_state *state) {
    static const int64_t extremes[] = {INT64_MIN,  INT64_MAX,   INT32_MIN, INT32_MAX,
                                       1000000007, -1000000007, 65536,     INT64_MIN / 2};
    if (chance(state, 24)) return extremes[below(state, 8)];
    return below(state, 9) - 4;
}

static float odd_real(round_state *state) {
    static const float extremes[] = {0.0f, -0.0f, 1e30f, -1e30f, 1e-40f, 3.5f, 1.0f / 0.0f, -1.0f / 0.0f, 0.0f / 0.0f};
    return chance(state, 6) ? extremes[below(state, 9)] : (float)(below(state, 4001) - 2000) / 500.0f;
}

static ferry_dtype any_dtype(round_state *state) {
    static const ferry_dtype common[] = {FERRY_FLOAT32, FERRY_INT64, FERRY_FLOAT16, FERRY_BOOL,
                                         FERRY_INT32,   FERRY_UINT8, FERRY_FLOAT64};
    return chance(state, 3) ? (ferry_dtype)(1 + below(state, FERRY_INT2)) : common[below(state, 7)];
}

/* ---- tensors ---- */

static void fill(round_state *state, ferry_tensor *tensor, int64_t count) {
    size_t bytes = 0;
    assert_true(ferry_tensor_bytes(tensor->dtype, FERRY_LAYOUT_PLAIN, &tensor->shape, &bytes));
    /* Exactly as large as it must be, so that the sanitizer sees a read beyond the end. */
    tensor->data = malloc(bytes ? bytes : 1);
    memset(tensor->data, 0, bytes ? bytes : 1);
    for (int64_t i = 0; i < count; i++) {
        if (tensor->dtype == FERRY_STRING)
            ((ferry_string *)tensor->data)[i] = (ferry_string){"ferry 12", (size_t)below(state, 9)};
        else if (ferry_dtype_is_float(tensor->dtype) || tensor->dtype == FERRY_COMPLEX64 || tensor->dtype == FERRY_COMPLEX128)
            ferry_store_double(tensor->dtype, tensor->data, i, (double)odd_real(state));
        else
            ferry_store_int64(tensor->dtype, tensor->data, i, odd_integer(state));
    }
}

/* Shapes that fit each other are likelier when they come from one pattern, so dims are drawn from a few of this round. */
static void random_shape(round_state *state, const int64_t *pool, ferry_shape *shape) {
    shape->rank = (int32_t)(chance(state, 12) ? below(state, FERRY_MAX_RANK + 1) : below(state, 5));
    for (int i = 0; i < shape->rank; i++) shape->dims[i] = chance(state, 10) ? below(state, 6) : pool[below(state, 4)];
}

static void random_tensor(round_state *state, const int64_t *pool, ferry_dtype dtype, ferry_tensor *tensor) {
    int64_t count;
    *tensor = (ferry_tensor){.dtype = dtype};
    do random_shape(state, pool, &tensor->shape);
    while (!ferry_shape_elements(&tensor->shape, &count) || count > MAX_ELEMENTS);
    fill(state, tensor, count);
}

/* ---- attributes from the schema ---- */

static ferry_string random_text(round_state *state) {
    static const char *const words[] = {
        "linear",  "constant",      "NOTSET",    "SAME_UPPER", "cubic", "reflect", "add",      "mul",     "max",     "LEFT",
        "RIGHT",   "CRD",           "tanh",      "none",       "edge",  "wrap",    "circular", "nearest", "down",    "mean",
        "forward", "bidirectional", "ij,jk->ik", "...ii->i",   "VALID", "zeros",   "border",   "",        "\xff\xfe"};
    const char *word = words[below(state, (int64_t)(sizeof words / sizeof *words))];
    return (ferry_string){word, strlen(word)};
}

static void random_value(round_state *state, const int64_t *pool, char letter, ferry_attribute *a) {
    a->count = chance(state, 4) ? below(state, MAX_LIST) : 1 + below(state, 4);
    int64_t *integers = ferry_arena_allocate(&state->arena, MAX_LIST, sizeof *integers);
    float *reals = ferry_arena_allocate(&state->arena, MAX_LIST, sizeof *reals);
    ferry_string *strings = ferry_arena_allocate(&state->arena, MAX_LIST, sizeof *strings);
    ferry_tensor *tensor = ferry_arena_allocate(&state->arena, 1, sizeof *tensor);
    assert_true(integers && reals && strings && tensor);
    for (int i = 0; i < MAX_LIST; i++) {
        integers[i] = chance(state, 3) ? odd_integer(state) : 1 + below(state, 3);
        reals[i] = odd_real(state);
        strings[i] = random_text(state);
    }
    switch (letter) {
    case 'i': a->type = FERRY_ATTRIBUTE_INT, a->value.integer = integers[0]; break;
    case 'f': a->type = FERRY_ATTRIBUTE_FLOAT, a->value.real = reals[0]; break;
    case 's': a->type = FERRY_ATTRIBUTE_STRING, a->value.string = strings[0]; break;
    case 'I': a->type = FERRY_ATTRIBUTE_INTS, a->value.integers = integers; break;
    case 'F': a->type = FERRY_ATTRIBUTE_FLOATS, a->value.reals = reals; break;
    case 'S': a->type = FERRY_ATTRIBUTE_STRINGS, a->value.strings = strings; break;
    default:
        a->type = FERRY_ATTRIBUTE_TENSOR;
        random_tensor(state, pool, any_dtype(state), tensor);
        a->value.tensor = tensor;
    }
}

/* False when the operator needs a sub-graph. */
static bool random_attributes(round_state *state, const int64_t *pool, const ferry_op *op, ferry_attribute *items, int *count) {
    *count = 0;
    for (const char *at = op->attributes; *at;) {
        const char *colon = strchr(at, ':');
        if (!colon) break;
        bool required = colon[2] == '!';
        if (colon[1] == 'g') return false;
        if ((required || chance(state, 2)) && *count < MAX_ATTRIBUTES) {
            ferry_attribute *a = &items[(*count)++];
            a->name = ferry_arena_strndup(&state->arena, at, (size_t)(colon - at));
            random_value(state, pool, colon[1], a);
        }
        at = colon + 1 + strcspn(colon + 1, " ");
        at += strspn(at, " ");
    }
    return true;
}

/* ---- one round ---- */

typedef struct trial {
    const ferry_op *op;
    ferry_attribute items[MAX_ATTRIBUTES];
    ferry_attributes attributes;
    ferry_value inputs[MAX_INPUTS], outputs[MAX_OUTPUTS];
    const ferry_value *input_pointers[MAX_INPUTS];
    ferry_value *output_pointers[MAX_OUTPUTS];
    int input_count, output_count;
} trial;

static ferry_status allocate(ferry_evaluation *evaluation, size_t bytes, void **memory) {
    round_state *state = evaluation->user;
    if (bytes > MEMORY_LIMIT || state->given + bytes > MEMORY_LIMIT) return ferry_fail_memory(evaluation->error, bytes);
    state->given += bytes;
    *memory = ferry_arena_allocate(&state->arena, bytes, 1);
    return *memory ? FERRY_OK : ferry_fail_memory(evaluation->error, bytes);
}

/* How the inputs of a trial relate. Pure chance would seldom get past a rule that wants three shapes to fit. */
typedef enum style { STYLE_CHANCE, STYLE_ALIKE, STYLE_LISTS, STYLE_SCATTER, STYLE_SQUARE, STYLE_COUNT } style;

static void square_shape(round_state *state, int64_t side, int index, ferry_shape *shape) {
    *shape = (ferry_shape){.rank = index < 2 ? (chance(state, 2) ? 4 : 2 + (int)below(state, 3)) : (int)below(state, 3)};
    for (int i = 0; i < shape->rank; i++) shape->dims[i] = side;
}

/* A list as axes, pads, sizes or lengths come: int64, of a length that often fits the first input. */
static void list_shape(round_state *state, const ferry_shape *first, ferry_shape *shape) {
    const int64_t lengths[] = {first->rank, 2 * first->rank, 1, below(state, 5)};
    *shape = (ferry_shape){.rank = chance(state, 5) ? 0 : 1, .dims = {lengths[below(state, 4)]}};
}

static void make_input(round_state *state, style how, const int64_t *pool, int index, ferry_dtype main_dtype, trial *t) {
    ferry_tensor *tensor = &t->inputs[index].tensor;
    const ferry_shape *first = &t->inputs[0].tensor.shape;
    bool indices = (how == STYLE_LISTS && index > 0) || (how == STYLE_SCATTER && index == 1);
    ferry_dtype dtype = how == STYLE_CHANCE && chance(state, 3) ? any_dtype(state)
                        : chance(state, 8)                      ? any_dtype(state)
                                                                : main_dtype;
    if (indices) dtype = chance(state, 6) ? FERRY_INT32 : FERRY_INT64;
    random_tensor(state, pool, dtype, tensor);
    if (how == STYLE_CHANCE || (index == 0 && how != STYLE_SQUARE)) return;
    ferry_shape shape = *first;
    int64_t count;
    if (how == STYLE_SQUARE) square_shape(state, pool[0], index, &shape);
    if (how == STYLE_LISTS) list_shape(state, first, &shape);
    if (!ferry_shape_elements(&shape, &count) || count > MAX_ELEMENTS) return;
    free(tensor->data);
    tensor->shape = shape;
    fill(state, tensor, count);
}

static void make_trial(round_state *state, const ferry_op *op, trial *t) {
    int64_t pool[4];
    for (int i = 0; i < 4; i++) pool[i] = chance(state, 12) ? 0 : 1 + below(state, 4);
    *t = (trial){.op = op};
    random_attributes(state, pool, op, t->items, &t->attributes.count);
    t->attributes.items = t->items;
    style how = (style)below(state, STYLE_COUNT);
    int most = op->max_inputs < MAX_INPUTS ? op->max_inputs : MAX_INPUTS, least = op->min_inputs < most ? op->min_inputs : most;
    t->input_count = least + (int)below(state, most - least + 1);
    ferry_dtype main_dtype = chance(state, 2) ? FERRY_FLOAT32 : any_dtype(state);
    for (int i = 0; i < t->input_count; i++) {
        bool absent = i >= op->min_inputs ? chance(state, 4) : chance(state, 200);
        if (!absent) make_input(state, how, pool, i, main_dtype, t);
        t->input_pointers[i] = absent ? NULL : &t->inputs[i];
    }
    most = op->max_outputs < MAX_OUTPUTS ? op->max_outputs : MAX_OUTPUTS;
    t->output_count = op->min_outputs + (int)below(state, most - op->min_outputs + 1);
    for (int i = 0; i < t->output_count; i++) t->output_pointers[i] = i == 0 || !chance(state, 4) ? &t->outputs[i] : NULL;
}

static void free_trial(trial *t) {
    for (int i = 0; i < t->input_count; i++)
        if (t->input_pointers[i]) free(t->inputs[i].tensor.data);
    for (int i = 0; i < t->attributes.count; i++)
        if (t->items[i].type == FERRY_ATTRIBUTE_TENSOR) free(t->items[i].value.tensor->data);
}

/* How much the rule may know of the inputs. */
typedef enum knowledge { KNOW_ALL, KNOW_SHAPES, KNOW_SYMBOLS, KNOW_NOTHING, KNOW_ABSURD } knowledge;

static ferry_status infer(round_state *state, const trial *t, knowledge knows, ferry_symbols *symbols,
                          ferry_value_type *outputs, ferry_error *error) {
    ferry_value_type types[MAX_INPUTS];
    const ferry_value_type *pointers[MAX_INPUTS] = {NULL};
    for (int i = 0; i < t->input_count; i++) {
        if (!t->input_pointers[i]) continue;
        const ferry_tensor *tensor = &t->inputs[i].tensor;
        types[i] = (ferry_value_type){.dtype = tensor->dtype, .ranked = knows != KNOW_NOTHING, .shape = tensor->shape};
        if (knows == KNOW_ALL || (knows == KNOW_SYMBOLS && i > 0)) types[i].data = tensor->data;
        for (int k = 0; k < tensor->shape.rank && i == 0 && knows == KNOW_SYMBOLS; k++) {
            char name[8];
            snprintf(name, sizeof name, "d%d", (int)below(state, 4));
            types[i].shape.dims[k] = chance(state, 2) ? ferry_symbol_named(symbols, name) : tensor->shape.dims[k];
        }
        for (int k = 0; k < tensor->shape.rank && knows == KNOW_ABSURD; k++)
            types[i].shape.dims[k] =
                chance(state, 2) ? below(state, INT64_C(1) << (1 + below(state, 62))) : tensor->shape.dims[k];
        pointers[i] = &types[i];
    }
    ferry_inference inference = {.op = t->op,
                                 .attributes = &t->attributes,
                                 .input_count = t->input_count,
                                 .output_count = t->output_count,
                                 .inputs = pointers,
                                 .outputs = outputs,
                                 .symbols = symbols,
                                 .arena = &state->arena,
                                 .error = error};
    memset(outputs, 0, MAX_OUTPUTS * sizeof *outputs);
    return ferry_op_infer(&inference);
}

static void check_message(const trial *t, ferry_status status, const ferry_error *error) {
    if (status == FERRY_OK || (error->message[0] && error->status == status)) return;
    fail_msg("%s: status %d came without a message", t->op->name, (int)status);
}

/* Dimensions that two inferences both know, and types, must agree. */
static void check_promise(const trial *t, const ferry_value_type *promised, const ferry_tensor *made, int index) {
    if (promised->kind != FERRY_VALUE_TENSOR) return;
    if (promised->dtype != FERRY_DTYPE_UNDEFINED && promised->dtype != made->dtype)
        fail_msg("%s: output %d was promised as %s and is %s", t->op->name, index, ferry_dtype_name(promised->dtype),
                 ferry_dtype_name(made->dtype));
    if (!promised->ranked) return;
    bool equal = promised->shape.rank == made->shape.rank;
    for (int i = 0; equal && i < made->shape.rank; i++)
        equal = !ferry_dim_known(promised->shape.dims[i]) || promised->shape.dims[i] == made->shape.dims[i];
    char first[FERRY_SHAPE_TEXT], second[FERRY_SHAPE_TEXT];
    if (!equal)
        fail_msg("%s: output %d was promised as %s and is %s", t->op->name, index,
                 ferry_shape_text(&promised->shape, first, sizeof first),
                 ferry_shape_text(&made->shape, second, sizeof second));
    if (!promised->values || promised->shape.rank > 1) return;
    int64_t count = ferry_shape_count(&made->shape);
    for (int64_t i = 0; i < count; i++)
        if (ferry_dim_known(promised->values[i]) && promised->values[i] > FERRY_DIM_FIRST_NUMBER &&
            promised->values[i] != ferry_load_int64(made->dtype, made->data, i) && ferry_dtype_bits(made->dtype) == 64)
            fail_msg("%s: element %d was promised as %lld and is %lld", t->op->name, (int)i, (long long)promised->values[i],
                     (long long)ferry_load_int64(made->dtype, made->data, i));
}

static bool run_trial(round_state *state, trial *t) {
    ferry_value_type types[MAX_OUTPUTS], symbolic[MAX_OUTPUTS];
    ferry_error error = {0};
    ferry_symbols *symbols = ferry_symbols_create();
    static const knowledge blind[] = {KNOW_NOTHING, KNOW_ABSURD, KNOW_SYMBOLS};
    for (int i = 0; i < 3; i++) check_message(t, infer(state, t, blind[i], symbols, symbolic, &error), &error);
    check_message(t, infer(state, t, KNOW_SHAPES, NULL, symbolic, &error), &error);
    ferry_status promised = infer(state, t, KNOW_ALL, NULL, types, &error);
    check_message(t, promised, &error);
    uint64_t generator = 1;
    ferry_arena scratch = {0};
    ferry_evaluation evaluation = {.op = t->op,
                                   .attributes = &t->attributes,
                                   .input_count = t->input_count,
                                   .output_count = t->output_count,
                                   .inputs = t->input_pointers,
                                   .outputs = t->output_pointers,
                                   .allocate = allocate,
                                   .scratch = &scratch,
                                   .user = state,
                                   .random = &generator,
                                   .error = &error};
    error = (ferry_error){0};
    /* The runtime never evaluates what the rule refused. Now and then memory runs out on the way. */
    if (chance(state, 8)) ferry_allocation_fail_after(1 + below(state, 12));
    ferry_status status = promised == FERRY_OK ? t->op->evaluate(&evaluation) : promised;
    ferry_allocation_fail_after(0);
    if (promised == FERRY_OK) check_message(t, status, &error);
    for (int i = 0; status == FERRY_OK && i < t->output_count; i++) {
        if (!t->output_pointers[i] || t->outputs[i].kind != FERRY_VALUE_TENSOR) continue;
        if (!t->outputs[i].tensor.data) fail_msg("%s: output %d was not made", t->op->name, i);
        check_promise(t, &types[i], &t->outputs[i].tensor, i);
    }
    ferry_arena_release(&scratch);
    ferry_symbols_destroy(symbols);
    return status == FERRY_OK;
}

static long from_environment(const char *name, long fallback) {
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : fallback;
}

static void test_hostile_inputs(void **unused) {
    (void)unused;
    long rounds = from_environment("FERRY_ROUNDS", 60), seed = from_environment("FERRY_SEED", 1);
    const char *only = getenv("FERRY_OP"), *verbose = getenv("FERRY_VERBOSE");
    for (int k = 0; k < FERRY_OP_COUNT; k++) {
        const ferry_op *op = &ferry_ops[k];
        if (strstr(op->attributes, ":g") || !op->evaluate || (only && strcmp(only, op->name) != 0)) continue;
        long accepted = 0;
        for (long i = 0; i < rounds; i++) {
            round_state state = {.random = 0x9e3779b97f4a7c15ull * (uint64_t)(seed * 1000003 + i * 257 + k + 1)};
            trial t;
            make_trial(&state, op, &t);
            accepted += run_trial(&state, &t);
            free_trial(&t);
            ferry_arena_release(&state.arena);
        }
        if (verbose) print_message("%-24s %ld of %ld ran\n", op->name, accepted, rounds);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile_inputs)};
    return cmocka_run_group_tests_name("ops hostile", tests, NULL, NULL);
}
