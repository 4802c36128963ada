/* SPDX-License-Identifier: Apache-2.0 */
/* QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear between float32 and 8-bit integers. */
#include "kernels/quantize/quantize.h"
#include "backend/cpu/adapt.h"
#include "kernels/reduce/reduce.h"

static bool is_byte(const ferry_tensor *t) { return t && (t->dtype == FERRY_UINT8 || t->dtype == FERRY_INT8); }
static bool is_float(const ferry_tensor *t) { return t && t->dtype == FERRY_FLOAT32; }

static bool accepts(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0), *scale = ferry_call_input(call, 1), *zero = ferry_call_input(call, 2);
    const ferry_tensor *out = ferry_call_output(call, 0);
    bool quantize = ferry_op_index_of(call->op) == FERRY_OP_QuantizeLinear;
    const ferry_tensor *bytes = quantize ? out : in;
    (void)inputs;
    (void)outputs;
    if (!is_byte(bytes) || !is_float(quantize ? in : out) || !is_float(scale))
        return ferry_reject(reason, "not between float32 and 8 bits");
    if (zero && zero->dtype != bytes->dtype) return ferry_reject(reason, "the zero point is of another type");
    if (ferry_attribute_integer(call->attributes, "block_size", 0)) return ferry_reject(reason, "scales are blocked");
    if (scale->shape.rank != 0 && scale->shape.rank != 1)
        return ferry_reject(reason, "the scale is neither one number nor one an axis");
    return true;
}

typedef struct quantize_loop {
    ferry_quantize_function quantize;
    ferry_dequantize_function dequantize;
    const ferry_tensor *in, *out, *scale, *zero;
    int64_t channels, inner; /* rows of `inner` elements, one scale each, repeating after `channels` */
} quantize_loop;

static int32_t zero_at(const ferry_tensor *zero, int64_t index) {
    if (!zero) return 0;
    return zero->dtype == FERRY_UINT8 ? ((const uint8_t *)zero->data)[index] : ((const int8_t *)zero->data)[index];
}

static void quantize_row(void *user, int64_t row, int64_t first, int64_t last, int thread) {
    const quantize_loop *loop = user;
    int64_t channel = row % loop->channels, offset = row * loop->inner + first;
    float scale = ((const float *)loop->scale->data)[channel];
    int32_t zero = zero_at(loop->zero, channel);
    (void)thread;
    if (loop->quantize)
        loop->quantize((uint8_t *)loop->out->data + offset, (const float *)loop->in->data + offset, last - first, scale, zero);
    else
        loop->dequantize((float *)loop->out->data + offset, (const uint8_t *)loop->in->data + offset, last - first, scale,
                         zero);
}

static ferry_status run(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    bool quantize = ferry_op_index_of(call->op) == FERRY_OP_QuantizeLinear;
    ferry_quantize_table table;
    ferry_quantize_init(&table, call->features);
    quantize_loop loop = {
        .in = in, .out = out, .scale = ferry_call_input(call, 1), .zero = ferry_call_input(call, 2), .channels = 1};
    if (quantize)
        loop.quantize = out->dtype == FERRY_UINT8 ? table.quantize_u8 : table.quantize_s8;
    else
        loop.dequantize = in->dtype == FERRY_UINT8 ? table.dequantize_u8 : table.dequantize_s8;
    int64_t total = ferry_shape_count(&in->shape), scales = ferry_shape_count(&loop.scale->shape);
    loop.inner = total;
    if (scales != 1) {
        int axis = ferry_axis_of(ferry_attribute_integer(call->attributes, "axis", 1), in->shape.rank);
        if (axis < 0 || in->shape.dims[axis] != scales)
            return ferry_fail(call->error, FERRY_ERROR_SHAPE, "%lld scales do not fit the axis", (long long)scales);
        loop.channels = scales;
        loop.inner = ferry_shape_product(&in->shape, axis + 1, in->shape.rank);
    }
    if (loop.zero && ferry_shape_count(&loop.zero->shape) != scales)
        return ferry_fail(call->error, FERRY_ERROR_SHAPE, "%lld scales and another number of zero points", (long long)scales);
    if (total > 0) ferry_parallel_planes(call->pool, total / loop.inner, loop.inner, 4096, quantize_row, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_quantize = {.name = "quantize.vector", .accepts = accepts, .run = run};

static bool accepts_dynamic(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    (void)inputs;
    (void)outputs;
    if (!is_float(ferry_call_input(call, 0))) return ferry_reject(reason, "the input is not float32");
    for (int i = 0; i < 3; i++)
        if (!ferry_call_output(call, i)) return ferry_reject(reason, "output %d is not wanted", i);
    return true;
}

/* The range is found by parts, whose extremes lie in the workspace; then the parts are quantised. */
enum { DYNAMIC_PART = 16384 };

typedef struct dynamic_loop {
    ferry_reduce_table reduce;
    ferry_quantize_function quantize;
    const float *in;
    uint8_t *out;
    float *extremes; /* lowest and highest of each part */
    int64_t total;
    float scale;
    int32_t zero_point;
} dynamic_loop;

static int64_t part_size(const dynamic_loop *loop, int64_t part) {
    return ferry_min_int64(loop->total - part * DYNAMIC_PART, DYNAMIC_PART);
}

static void find_range(void *user, int64_t part, int thread) {
    const dynamic_loop *loop = user;
    const float *in = loop->in + part * DYNAMIC_PART;
    (void)thread;
    loop->reduce.run[FERRY_REDUCTION_min](&loop->extremes[2 * part], in, part_size(loop, part), 1, 1);
    loop->reduce.run[FERRY_REDUCTION_max](&loop->extremes[2 * part + 1], in, part_size(loop, part), 1, 1);
}

static void quantize_part(void *user, int64_t part, int thread) {
    const dynamic_loop *loop = user;
    (void)thread;
    loop->quantize(loop->out + part * DYNAMIC_PART, loop->in + part * DYNAMIC_PART, part_size(loop, part), loop->scale,
                   loop->zero_point);
}

static ferry_status prepare_dynamic(ferry_call *call) {
    int64_t parts = ferry_ceil_div(ferry_shape_count(&ferry_call_input(call, 0)->shape), DYNAMIC_PART);
    call->workspace_bytes = (size_t)parts * 2 * sizeof(float);
    return FERRY_OK;
}

static ferry_status run_dynamic(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    float *scale = ferry_call_output(call, 1)->data, low = 0.0f, high = 0.0f;
    uint8_t *zero = ferry_call_output(call, 2)->data;
    ferry_quantize_table table;
    ferry_quantize_init(&table, call->features);
    dynamic_loop loop = {.quantize = table.quantize_u8,
                         .in = in->data,
                         .out = ferry_call_output(call, 0)->data,
                         .extremes = call->workspace,
                         .total = ferry_shape_count(&in->shape)};
    ferry_reduce_init(&loop.reduce, call->features);
    int64_t parts = ferry_ceil_div(loop.total, DYNAMIC_PART);
    ferry_pool_run(call->pool, parts, find_range, &loop);
    for (int64_t i = 0; i < parts; i++) {
        low = loop.extremes[2 * i] < low ? loop.extremes[2 * i] : low;
        high = loop.extremes[2 * i + 1] > high ? loop.extremes[2 * i + 1] : high;
    }
    ferry_quantize_dynamic(low, high, scale, zero);
    loop.scale = *scale == 0.0f ? 1.0f : *scale; /* all zero: any scale does */
    loop.zero_point = *zero;
    ferry_pool_run(call->pool, parts, quantize_part, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_dynamic_quantize = {
    .name = "dynamic_quantize.vector", .accepts = accepts_dynamic, .prepare = prepare_dynamic, .run = run_dynamic};
