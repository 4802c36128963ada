/* SPDX-License-Identifier: Apache-2.0 */
/* Max and average pooling, windowed and global, in the layout in which the input comes. */
#include "kernels/pool/pool.h"
#include "backend/cpu/adapt.h"
#include "kernels/reduce/reduce.h"

static bool is_average(const ferry_call *call) {
    ferry_op_index op = ferry_op_index_of(call->op);
    return op == FERRY_OP_AveragePool || op == FERRY_OP_GlobalAveragePool || op == FERRY_OP_ReduceMean;
}

/* ---- windows ---- */

static int64_t attribute_at(const ferry_call *call, const char *name, int64_t index, int64_t fallback) {
    int64_t count;
    const int64_t *values = ferry_attribute_integers(call->attributes, name, &count);
    return values && index < count ? values[index] : fallback;
}

/* Paddings that make the output ceil(input / stride), the odd one behind (SAME_UPPER) or before. */
static void same_padding(ferry_pooling *p, int d, bool upper) {
    int64_t reach = (p->kernel[d] - 1) * p->dilation[d] + 1;
    int64_t total = ferry_max_int64((p->output[d] - 1) * p->stride[d] + reach - p->input[d], 0);
    p->before[d] = upper ? total / 2 : total - total / 2;
    p->after[d] = total - p->before[d];
}

static void make_pooling(const ferry_call *call, ferry_pooling *p) {
    const ferry_shape *in = &ferry_call_input(call, 0)->shape, *out = &ferry_call_output(call, 0)->shape;
    int spatial = in->rank - 2, first = 3 - spatial;
    bool upper = ferry_attribute_is(call->attributes, "auto_pad", "SAME_UPPER", false);
    bool lower = ferry_attribute_is(call->attributes, "auto_pad", "SAME_LOWER", false);
    bool valid = ferry_attribute_is(call->attributes, "auto_pad", "VALID", false);
    *p = (ferry_pooling){.count_padding = ferry_attribute_integer(call->attributes, "count_include_pad", 0) != 0};
    for (int d = 0; d < 3; d++) {
        int i = d - first;
        p->input[d] = i < 0 ? 1 : in->dims[2 + i];
        p->output[d] = i < 0 ? 1 : out->dims[2 + i];
        p->kernel[d] = i < 0 ? 1 : attribute_at(call, "kernel_shape", i, 1);
        p->stride[d] = i < 0 ? 1 : attribute_at(call, "strides", i, 1);
        p->dilation[d] = i < 0 ? 1 : attribute_at(call, "dilations", i, 1);
        if (i < 0 || valid) continue;
        p->before[d] = attribute_at(call, "pads", i, 0);
        p->after[d] = attribute_at(call, "pads", i + spatial, 0);
        if (upper || lower) same_padding(p, d, upper);
    }
}

static bool window_is_sane(const ferry_call *call, int spatial) {
    const int64_t limit = INT64_C(1) << 31;
    for (int i = 0; i < spatial; i++) {
        int64_t kernel = attribute_at(call, "kernel_shape", i, 1), stride = attribute_at(call, "strides", i, 1);
        int64_t dilation = attribute_at(call, "dilations", i, 1);
        int64_t before = attribute_at(call, "pads", i, 0), after = attribute_at(call, "pads", i + spatial, 0);
        if (kernel < 1 || stride < 1 || dilation < 1 || before < 0 || after < 0) return false;
        if (kernel >= limit || stride >= limit || dilation >= limit || before >= limit || after >= limit) return false;
        if ((kernel - 1) * dilation >= limit) return false;
    }
    return true;
}

static bool accepts(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    if (!ferry_all_float32(call, 1, reason)) return false;
    if (ferry_call_output(call, 1)) return ferry_reject(reason, "the indices are wanted too");
    if (in->shape.rank < 3 || in->shape.rank > 5) return ferry_reject(reason, "rank %d is not 3, 4 or 5", (int)in->shape.rank);
    if (!window_is_sane(call, in->shape.rank - 2))
        return ferry_reject(reason, "a window, stride, dilation or padding out of range");
    inputs[0] = outputs[0] = in->layout;
    return true;
}

typedef struct pool_loop {
    ferry_pooling pooling;
    ferry_pool_function run;
    const float *in;
    float *out;
    int64_t in_plane, out_plane;
} pool_loop;

static void pool_rows(void *user, int64_t plane, int64_t first, int64_t last, int thread) {
    const pool_loop *loop = user;
    (void)thread;
    loop->run(&loop->pooling, loop->out + plane * loop->out_plane, loop->in + plane * loop->in_plane, first, last);
}

static ferry_status run(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    ferry_planes from = ferry_planes_of(in), to = ferry_planes_of(out);
    ferry_pool_table table;
    ferry_pool_init(&table, call->features);
    int index = ferry_pool_block_index(from.block);
    pool_loop loop = {.in = in->data, .out = out->data, .in_plane = from.plane_floats, .out_plane = to.plane_floats};
    make_pooling(call, &loop.pooling);
    if (from.block == 1)
        loop.run = is_average(call) ? table.average_plain : table.max_plain;
    else
        loop.run = is_average(call) ? table.average_blocked[index] : table.max_blocked[index];
    const ferry_pooling *p = &loop.pooling;
    int64_t window = p->kernel[0] * p->kernel[1] * p->kernel[2];
    ferry_parallel_planes(call->pool, to.batch * to.blocks, p->output[0] * p->output[1],
                          ferry_grain(p->output[2] * to.block * window / 4), pool_rows, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_pool = {.name = "pool.vector", .accepts = accepts, .run = run};

/* ---- global ---- */

static bool accepts_global(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    if (!ferry_all_float32(call, 1, reason)) return false;
    if (in->shape.rank < 2) return ferry_reject(reason, "rank %d is below 2", (int)in->shape.rank);
    inputs[0] = outputs[0] = in->layout;
    return true;
}

typedef struct global_loop {
    ferry_planes planes;
    ferry_pool_table pool;
    ferry_reduce_table reduce;
    const float *in;
    float *out;
    bool average;
} global_loop;

static void global_planes(void *user, int64_t first, int64_t last, int thread) {
    const global_loop *loop = user;
    const ferry_planes *p = &loop->planes;
    int index = ferry_pool_block_index(p->block);
    (void)thread;
    for (int64_t plane = first; plane < last; plane++) {
        const float *in = loop->in + plane * p->plane_floats;
        float *out = loop->out + plane * p->block;
        if (p->block == 1) {
            loop->reduce.run[loop->average ? FERRY_REDUCTION_mean : FERRY_REDUCTION_max](out, in, p->pixels, 1, 1);
            continue;
        }
        (loop->average ? loop->pool.sum_global : loop->pool.max_global)[index](out, in, p->pixels);
        for (int lane = 0; loop->average && lane < p->block; lane++) out[lane] /= (float)p->pixels;
    }
}

static ferry_status run_global(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    global_loop loop = {.planes = ferry_planes_of(in), .in = in->data, .out = out->data, .average = is_average(call)};
    ferry_pool_init(&loop.pool, call->features);
    ferry_reduce_init(&loop.reduce, call->features);
    ferry_parallel_ranges(call->pool, loop.planes.batch * loop.planes.blocks, ferry_grain(loop.planes.plane_floats),
                          global_planes, &loop);
    if (in->layout != FERRY_LAYOUT_PLAIN && loop.planes.pixels == 0)
        ferry_zero_tails(out); /* 0/0, and the maximum of nothing */
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_global_pool = {.name = "pool.global", .accepts = accepts_global, .run = run_global};

/* ReduceMean and ReduceMax over all pixels of each channel, which is what global pools are. */
static bool accepts_pixels(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0), *axes = ferry_call_input(call, 1);
    unsigned named = 0;
    if (!ferry_all_float32(call, 1, reason)) return false;
    if (in->shape.rank < 3) return ferry_reject(reason, "the rank is below 3, or not known");
    if (!ferry_attribute_integer(call->attributes, "keepdims", 1)) return ferry_reject(reason, "the dimensions are dropped");
    if (!axes || !axes->data || (axes->dtype != FERRY_INT64 && axes->dtype != FERRY_INT32))
        return ferry_reject(reason, "the axes are not constant");
    for (int64_t i = 0; i < ferry_shape_count(&axes->shape); i++) {
        int axis = ferry_axis_of(ferry_integer_at(axes, i), in->shape.rank);
        if (axis >= 0) named |= 1u << axis;
    }
    if (named != (1u << in->shape.rank) - 4) return ferry_reject(reason, "the axes are not those of the pixels");
    inputs[0] = outputs[0] = in->layout;
    return true;
}

const ferry_implementation ferry_cpu_reduce_pixels = {.name = "reduce.pixels", .accepts = accepts_pixels, .run = run_global};
