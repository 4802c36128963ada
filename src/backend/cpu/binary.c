/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of two floats (or of many, two at a time) that broadcast, in plain or blocked layout. */
#include <string.h>

#include "backend/cpu/adapt.h"
#include "kernels/activation/activation.h"
#include "kernels/elementwise/elementwise.h"

static const struct {
    ferry_op_index op;
    ferry_binary function;
} binaries[] = {
    {FERRY_OP_Add, FERRY_BINARY_add},  {FERRY_OP_Sub, FERRY_BINARY_sub}, {FERRY_OP_Mul, FERRY_BINARY_mul},
    {FERRY_OP_Div, FERRY_BINARY_div},  {FERRY_OP_Pow, FERRY_BINARY_pow}, {FERRY_OP_PRelu, FERRY_BINARY_prelu},
    {FERRY_OP_Max, FERRY_BINARY_max},  {FERRY_OP_Min, FERRY_BINARY_min}, {FERRY_OP_Sum, FERRY_BINARY_add},
    {FERRY_OP_Mean, FERRY_BINARY_add},
};

static bool find_binary(const ferry_call *call, ferry_binary *function) {
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (binaries[i].op == ferry_op_index_of(call->op)) {
            *function = binaries[i].function;
            return true;
        }
    return false;
}

/* ---- layouts ---- */

static bool is_single(const ferry_tensor *tensor) {
    for (int i = 0; i < tensor->shape.rank; i++)
        if (tensor->shape.dims[i] != 1) return false;
    return tensor->shape.rank >= 0;
}

/* The layout in which an input of a blocked result is read: blocked with the result's channels; plain when one number serves
 * all channels of a pixel. False when neither fits. */
static bool operand_layout(const ferry_tensor *operand, const ferry_shape *result, ferry_layout blocked, ferry_layout *layout) {
    *layout = FERRY_LAYOUT_PLAIN;
    if (is_single(operand)) return true;
    if (operand->shape.rank != result->rank) return false;
    if (operand->shape.dims[1] == 1 && result->dims[1] != 1) return true;
    *layout = blocked;
    return operand->shape.dims[1] == result->dims[1];
}

/* All inputs in the blocked layout in which one of them comes, if shapes allow it; otherwise all plain. */
static void choose_layouts(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs) {
    const ferry_shape *result = &ferry_call_output(call, 0)->shape;
    ferry_layout blocked = FERRY_LAYOUT_PLAIN;
    for (int i = 0; i < call->input_count; i++)
        if (ferry_is_blocked(ferry_call_input(call, i))) blocked = ferry_call_input(call, i)->layout;
    bool fits = blocked != FERRY_LAYOUT_PLAIN && result->rank >= 2 && result->dims[1] > 0;
    for (int i = 0; fits && i < call->input_count; i++)
        fits = operand_layout(ferry_call_input(call, i), result, blocked, &inputs[i]);
    if (fits)
        outputs[0] = blocked;
    else
        for (int i = 0; i < call->input_count; i++) inputs[i] = FERRY_LAYOUT_PLAIN;
}

static bool accepts(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    ferry_binary function;
    if (!ferry_all_float32(call, call->input_count, reason)) return false;
    if (!find_binary(call, &function)) return ferry_reject(reason, "%s is not among the vector functions", call->op->name);
    for (int i = 0; i < call->input_count; i++)
        if (!ferry_call_input(call, i)) return ferry_reject(reason, "input %d is absent", i);
    choose_layouts(call, inputs, outputs);
    return true;
}

/* ---- shapes ---- */

/* The memory dimensions of a tensor of this layout: N, C/block, spatial..., block; or the shape itself. */
static int memory_dims(const ferry_tensor *tensor, int64_t *dims) {
    int rank = tensor->shape.rank, block = ferry_layout_block(tensor->layout);
    memcpy(dims, tensor->shape.dims, (size_t)rank * sizeof *dims);
    if (block == 1) return rank;
    dims[1] = ferry_ceil_div(dims[1], block);
    dims[rank] = block;
    return rank + 1;
}

/* Strides with which `operand` is read along the memory dimensions of `result`. */
static void memory_strides(const ferry_tensor *operand, const ferry_tensor *result, int64_t *strides) {
    int64_t dims[FERRY_MAX_RANK + 1] = {0}, stride = 1;
    int result_rank = result->shape.rank + (result->layout != FERRY_LAYOUT_PLAIN), rank = memory_dims(operand, dims);
    bool lanes_repeat = result->layout != FERRY_LAYOUT_PLAIN && operand->layout == FERRY_LAYOUT_PLAIN;
    int i = result_rank - 1;
    if (lanes_repeat) strides[i--] = 0;
    for (int d = rank - 1; d >= 0; d--, i--) {
        strides[i] = dims[d] == 1 ? 0 : stride;
        stride *= dims[d];
    }
    for (; i >= 0; i--) strides[i] = 0;
}

static bool make_broadcast(const ferry_tensor *a, const ferry_tensor *b, const ferry_tensor *out, ferry_broadcast *broadcast) {
    int64_t dims[FERRY_MAX_RANK + 1], a_strides[FERRY_MAX_RANK + 1], b_strides[FERRY_MAX_RANK + 1];
    int rank = memory_dims(out, dims);
    memory_strides(a, out, a_strides);
    memory_strides(b, out, b_strides);
    return ferry_broadcast_make(broadcast, rank, dims, a_strides, b_strides);
}

/* ---- running ---- */

typedef struct binary_loop {
    ferry_binary_table table;
    ferry_binary function;
    ferry_broadcast broadcast;
    float *out;
    const float *a, *b;
} binary_loop;

static void run_range(void *user, int64_t first, int64_t last, int thread) {
    const binary_loop *loop = user;
    (void)thread;
    ferry_binary_run(&loop->table, loop->function, &loop->broadcast, loop->out, loop->a, loop->b, first, last);
}

static ferry_status run_pair(const ferry_call *call, binary_loop *loop, const ferry_tensor *a, const ferry_tensor *b) {
    const ferry_tensor *out = ferry_call_output(call, 0);
    if (!make_broadcast(a, b, out, &loop->broadcast))
        return ferry_fail(call->error, FERRY_ERROR_INTERNAL, "operands do not broadcast");
    loop->out = out->data;
    loop->a = a->data;
    loop->b = b->data;
    ferry_parallel_ranges(call->pool, loop->broadcast.elements, 4096, run_range, loop);
    return FERRY_OK;
}

/* Whether zero channels behind the real ones may have become something else. */
static bool spoils_tails(const ferry_call *call, ferry_binary function) {
    if (ferry_call_output(call, 0)->layout == FERRY_LAYOUT_PLAIN) return false;
    for (int i = 0; i < call->input_count; i++)
        if (ferry_call_input(call, i)->layout == FERRY_LAYOUT_PLAIN) return true;
    return !ferry_binary_keeps_zero(function);
}

static ferry_status run_binary(ferry_call *call) {
    binary_loop loop;
    ferry_binary_init(&loop.table, call->features);
    if (!find_binary(call, &loop.function)) return ferry_fail(call->error, FERRY_ERROR_INTERNAL, "no vector function");
    FERRY_TRY(run_pair(call, &loop, ferry_call_input(call, 0), ferry_call_input(call, 1)));
    if (spoils_tails(call, loop.function)) ferry_zero_tails(ferry_call_output(call, 0));
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_binary = {
    .name = "binary.vector", .flags = FERRY_IMPLEMENTATION_IN_PLACE, .accepts = accepts, .run = run_binary};

typedef struct scale_loop {
    ferry_unary_function run;
    float *data;
    float factor;
} scale_loop;

static void scale_range(void *user, int64_t first, int64_t last, int thread) {
    const scale_loop *loop = user;
    (void)thread;
    loop->run(loop->data + first, loop->data + first, last - first, loop->factor, 0.0f);
}

/* Max, Min, Sum and Mean of any number of inputs: the result so far with the next. The output must not lie on a later input, so
 * this is not done in place. */
static ferry_status run_many(ferry_call *call) {
    binary_loop loop;
    const ferry_tensor *out = ferry_call_output(call, 0), *first = ferry_call_input(call, 0);
    ferry_binary_init(&loop.table, call->features);
    if (!find_binary(call, &loop.function)) return ferry_fail(call->error, FERRY_ERROR_INTERNAL, "no vector function");
    if (call->input_count == 1) {
        size_t bytes;
        if (!ferry_tensor_bytes(out->dtype, out->layout, &out->shape, &bytes)) return FERRY_ERROR_INTERNAL;
        if (bytes > 0) memcpy(out->data, first->data, bytes);
        return FERRY_OK;
    }
    FERRY_TRY(run_pair(call, &loop, first, ferry_call_input(call, 1)));
    for (int i = 2; i < call->input_count; i++) FERRY_TRY(run_pair(call, &loop, out, ferry_call_input(call, i)));
    if (ferry_op_index_of(call->op) == FERRY_OP_Mean) {
        ferry_unary_table table;
        ferry_unary_init(&table, call->features);
        scale_loop scale = {table.run[FERRY_UNARY_affine], out->data, 1.0f / (float)call->input_count};
        ferry_parallel_ranges(call->pool, loop.broadcast.elements, 4096, scale_range, &scale);
    }
    if (spoils_tails(call, loop.function)) ferry_zero_tails(out);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_many = {.name = "many.vector", .accepts = accepts, .run = run_many};

/* ---- a constant a channel ---- */

/* The shape of operand `index`, which must be a constant of one number or one a channel of the other, blocked operand. */
static const ferry_tensor *channel_constant(const ferry_call *call, int *index, ferry_reason *reason) {
    const ferry_shape *result = &ferry_call_output(call, 0)->shape;
    for (*index = 0; *index < 2; ++*index) {
        const ferry_tensor *t = ferry_call_input(call, *index), *other = ferry_call_input(call, 1 - *index);
        if (!t || !t->data || !other || other->data || !ferry_is_blocked(other) || t->shape.rank > result->rank) continue;
        bool fits = result->rank >= 2 && result->dims[1] > 0 && other->shape.rank == result->rank &&
                    other->shape.dims[1] == result->dims[1];
        for (int i = 0; i < t->shape.rank; i++) {
            int axis = i + result->rank - t->shape.rank;
            fits = fits && (t->shape.dims[i] == 1 || (axis == 1 && t->shape.dims[i] == result->dims[1]));
        }
        if (fits) return t;
    }
    ferry_reject(reason, "no operand is a constant for each channel of a blocked one");
    return NULL;
}

static bool accepts_channel(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    ferry_binary function;
    int index;
    if (call->input_count != 2) return ferry_reject(reason, "%d inputs", call->input_count);
    if (!ferry_all_float32(call, 2, reason) || !channel_constant(call, &index, reason)) return false;
    if (!find_binary(call, &function) || function == FERRY_BINARY_pow)
        return ferry_reject(reason, "not among the vector functions");
    inputs[1 - index] = outputs[0] = ferry_call_input(call, 1 - index)->layout;
    return true;
}

static size_t channel_bytes(const ferry_call *call) {
    return (size_t)ferry_align_up((size_t)ferry_call_output(call, 0)->shape.dims[1], 16) * sizeof(float);
}

/* One number a channel, channels behind the last 0 (1 for a divisor, so that nothing is divided by 0). */
static void pack_channel(const ferry_call *call, void *packed) {
    ferry_reason reason;
    int index;
    const ferry_tensor *constant = channel_constant(call, &index, &reason);
    if (!constant) return; /* accepts saw it */
    int64_t channels = ferry_call_output(call, 0)->shape.dims[1], count = ferry_shape_count(&constant->shape);
    bool divisor = ferry_op_index_of(call->op) == FERRY_OP_Div && index == 1;
    float *numbers = packed;
    for (int64_t i = 0; i < (int64_t)(channel_bytes(call) / sizeof(float)); i++)
        numbers[i] = i >= channels ? (divisor ? 1.0f : 0.0f) : ((const float *)constant->data)[count == 1 ? 0 : i];
}

static ferry_status run_channel(ferry_call *call) {
    const ferry_tensor *out = ferry_call_output(call, 0);
    int index = ferry_call_input(call, 0)->layout == out->layout ? 1 : 0; /* the constant kept its plain layout */
    const ferry_tensor *data = ferry_call_input(call, 1 - index);
    ferry_tensor constant = {.dtype = FERRY_FLOAT32, .layout = out->layout, .shape = out->shape, .data = (void *)call->packed};
    for (int i = 0; i < constant.shape.rank; i++)
        if (i != 1) constant.shape.dims[i] = 1;
    binary_loop loop;
    ferry_binary_init(&loop.table, call->features);
    if (!find_binary(call, &loop.function)) return ferry_fail(call->error, FERRY_ERROR_INTERNAL, "no vector function");
    FERRY_TRY(index == 1 ? run_pair(call, &loop, data, &constant) : run_pair(call, &loop, &constant, data));
    if (loop.function == FERRY_BINARY_div && index == 0) ferry_zero_tails(out);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_channel = {
    .name = "binary.channel",
    .flags = FERRY_IMPLEMENTATION_IN_PLACE,
    .packed_inputs = 3,
    .accepts = accepts_channel,
    .packed_bytes = channel_bytes,
    .pack = pack_channel,
    .run = run_channel,
};
