/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that move elements by strides: Transpose, Expand, Tile, DepthToSpace, SpaceToDepth; Pad and Gather; views; and
 * Reorder, which changes layouts. */
#include <string.h>

#include "backend/cpu/adapt.h"
#include "kernels/movement/movement.h"

static bool accepts_plain(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    (void)inputs; /* PLAIN, as they come */
    (void)outputs;
    if (!in || ferry_movable_bytes(in->dtype) == 0)
        return ferry_reject(reason, "elements of %s do not move as bytes", in ? ferry_dtype_name(in->dtype) : "nothing");
    return true;
}

/* ---- strided copies ---- */

typedef struct move_loop {
    ferry_movement_table table;
    ferry_move move;
    void *out;
    const void *in;
} move_loop;

static void move_rows(void *user, int64_t first, int64_t last, int thread) {
    const move_loop *loop = user;
    (void)thread;
    ferry_move_run(&loop->table, &loop->move, loop->out, loop->in, first, last);
}

static ferry_status move_box(const ferry_call *call, int rank, const int64_t *dims, const int64_t *in_strides,
                             const int64_t *out_strides) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    move_loop loop = {.out = out->data, .in = in->data};
    ferry_movement_init(&loop.table, call->features);
    ferry_move_make(&loop.move, ferry_movable_bytes(in->dtype), rank, dims, in_strides, out_strides);
    int64_t width = loop.move.dims[loop.move.rank - 1] * (int64_t)loop.move.element / 4;
    ferry_parallel_ranges(call->pool, loop.move.rows, ferry_grain(width), move_rows, &loop);
    return FERRY_OK;
}

static ferry_status run_transpose(ferry_call *call) {
    const ferry_shape *in = &ferry_call_input(call, 0)->shape, *out = &ferry_call_output(call, 0)->shape;
    int64_t count, strides[FERRY_MAX_RANK], in_strides[FERRY_MAX_RANK], out_strides[FERRY_MAX_RANK];
    const int64_t *perm = ferry_attribute_integers(call->attributes, "perm", &count);
    ferry_shape_strides(in, strides);
    ferry_shape_strides(out, out_strides);
    for (int i = 0; i < out->rank; i++) {
        int64_t axis = perm && count == in->rank ? perm[i] : in->rank - 1 - i;
        if (axis < 0) axis += in->rank;
        if (axis < 0 || axis >= in->rank)
            return ferry_fail(call->error, FERRY_ERROR_SHAPE, "perm names axis %lld of a rank-%d input", (long long)axis,
                              (int)in->rank);
        in_strides[i] = strides[axis];
    }
    return move_box(call, out->rank, out->dims, in_strides, out_strides);
}

const ferry_implementation ferry_cpu_transpose = {.name = "transpose.tiles", .accepts = accepts_plain, .run = run_transpose};

static ferry_status run_expand(ferry_call *call) {
    const ferry_shape *in = &ferry_call_input(call, 0)->shape, *out = &ferry_call_output(call, 0)->shape;
    int64_t in_strides[FERRY_MAX_RANK], out_strides[FERRY_MAX_RANK];
    ferry_shape_broadcast_strides(in, out, in_strides);
    ferry_shape_strides(out, out_strides);
    return move_box(call, out->rank, out->dims, in_strides, out_strides);
}

const ferry_implementation ferry_cpu_expand = {.name = "expand.strided", .accepts = accepts_plain, .run = run_expand};

/* Each dimension becomes (repeats, dimension). */
static ferry_status run_tile(ferry_call *call) {
    const ferry_shape *in = &ferry_call_input(call, 0)->shape, *out = &ferry_call_output(call, 0)->shape;
    int64_t from[FERRY_MAX_RANK], to[FERRY_MAX_RANK], dims[2 * FERRY_MAX_RANK], in_strides[2 * FERRY_MAX_RANK],
        out_strides[2 * FERRY_MAX_RANK];
    ferry_shape_strides(in, from);
    ferry_shape_strides(out, to);
    if (ferry_shape_count(out) == 0) return FERRY_OK;
    for (int i = 0; i < in->rank; i++) {
        dims[2 * i] = out->dims[i] / in->dims[i];
        dims[2 * i + 1] = in->dims[i];
        in_strides[2 * i] = 0;
        in_strides[2 * i + 1] = from[i];
        out_strides[2 * i] = to[i] * in->dims[i];
        out_strides[2 * i + 1] = to[i];
    }
    return move_box(call, 2 * in->rank, dims, in_strides, out_strides);
}

const ferry_implementation ferry_cpu_tile = {.name = "tile.strided", .accepts = accepts_plain, .run = run_tile};

/* Both directions of the same box: N, C, b, b, H, W of the deep side against N, C, H, b, W, b of the wide one. */
static ferry_status depth_space(ferry_call *call, const ferry_shape *deep, const ferry_shape *wide, bool to_space) {
    int64_t b = ferry_attribute_integer(call->attributes, "blocksize", 1);
    bool channels_first = ferry_attribute_is(call->attributes, "mode", "CRD", false);
    int64_t n = deep->dims[0], c = wide->dims[1], h = deep->dims[2], w = deep->dims[3];
    const int64_t dims[6] = {n, c, h, b, w, b};
    int64_t row = channels_first ? b * h * w : b * c * h * w, column = channels_first ? h * w : c * h * w;
    const int64_t deep_strides[6] = {c * b * b * h * w, channels_first ? b * b * h * w : h * w, w, row, 1, column};
    const int64_t wide_strides[6] = {c * h * b * w * b, h * b * w * b, b * w * b, w * b, b, 1};
    return move_box(call, 6, dims, to_space ? deep_strides : wide_strides, to_space ? wide_strides : deep_strides);
}

static ferry_status run_depth_to_space(ferry_call *call) {
    return depth_space(call, &ferry_call_input(call, 0)->shape, &ferry_call_output(call, 0)->shape, true);
}
static ferry_status run_space_to_depth(ferry_call *call) {
    return depth_space(call, &ferry_call_output(call, 0)->shape, &ferry_call_input(call, 0)->shape, false);
}

const ferry_implementation ferry_cpu_depth_to_space = {
    .name = "depth_to_space.strided", .accepts = accepts_plain, .run = run_depth_to_space};
const ferry_implementation ferry_cpu_space_to_depth = {
    .name = "space_to_depth.strided", .accepts = accepts_plain, .run = run_space_to_depth};

/* ---- views ---- */

static bool accepts_view(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    if (!in || call->inputs[0]->kind != FERRY_VALUE_TENSOR || in->dtype == FERRY_STRING || in->dtype == FERRY_DTYPE_UNDEFINED)
        return ferry_reject(reason, "not a tensor of numbers");
    bool keeps_shape = strcmp(call->op->name, "Identity") == 0;
    inputs[0] = outputs[0] = keeps_shape ? in->layout : FERRY_LAYOUT_PLAIN;
    return true;
}

static ferry_status run_view(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    size_t bytes, source_bytes;
    if (in->data == out->data) return FERRY_OK;
    if (!ferry_tensor_bytes(out->dtype, out->layout, &out->shape, &bytes) ||
        !ferry_tensor_bytes(in->dtype, in->layout, &in->shape, &source_bytes) || bytes != source_bytes)
        return ferry_fail(call->error, FERRY_ERROR_SHAPE, "%s changes the number of elements", call->op->name);
    if (bytes > 0) memcpy(out->data, in->data, bytes);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_view = {
    .name = "view", .flags = FERRY_IMPLEMENTATION_VIEW, .accepts = accepts_view, .run = run_view};

/* ---- Pad ---- */

static bool padding_mode(const ferry_call *call, ferry_padding_mode *mode) {
    static const struct {
        const char *name;
        ferry_padding_mode mode;
    } modes[] = {{"constant", FERRY_PADDING_CONSTANT},
                 {"edge", FERRY_PADDING_EDGE},
                 {"reflect", FERRY_PADDING_REFLECT},
                 {"wrap", FERRY_PADDING_WRAP}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (ferry_attribute_is(call->attributes, "mode", modes[i].name, i == 0)) {
            *mode = modes[i].mode;
            return true;
        }
    return false;
}

static bool accepts_pad(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    ferry_padding_mode mode;
    if (!padding_mode(call, &mode)) return ferry_reject(reason, "an unknown mode");
    return accepts_plain(call, inputs, outputs, reason);
}

typedef struct pad_loop {
    ferry_padding padding;
    void *out;
    const void *in;
} pad_loop;

static void pad_rows(void *user, int64_t first, int64_t last, int thread) {
    const pad_loop *loop = user;
    (void)thread;
    ferry_padding_run(&loop->padding, loop->out, loop->in, first, last);
}

/* pads holds the axes' starts, then their ends; `axes`, where given, names which. */
static ferry_status padding_starts(const ferry_call *call, ferry_padding *p) {
    const ferry_tensor *pads = ferry_call_input(call, 1), *axes = ferry_call_input(call, 3);
    int64_t count = axes ? ferry_shape_count(&axes->shape) : p->rank;
    if (ferry_shape_count(&pads->shape) < 2 * count)
        return ferry_fail(call->error, FERRY_ERROR_SHAPE, "pads has %lld numbers for %lld axes",
                          (long long)ferry_shape_count(&pads->shape), (long long)count);
    for (int64_t i = 0; i < count; i++) {
        int axis = ferry_axis_of(axes ? ferry_integer_at(axes, i) : i, p->rank);
        if (axis < 0) return ferry_fail(call->error, FERRY_ERROR_SHAPE, "an axis of Pad is outside a rank-%d input", p->rank);
        p->before[axis] = ferry_integer_at(pads, i);
    }
    return FERRY_OK;
}

static ferry_status run_pad(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0), *value = ferry_call_input(call, 2);
    pad_loop loop = {
        .out = out->data, .in = in->data, .padding = {.element = ferry_movable_bytes(in->dtype), .rank = in->shape.rank}};
    ferry_padding *p = &loop.padding;
    if (!padding_mode(call, &p->mode)) return ferry_fail(call->error, FERRY_ERROR_INTERNAL, "an unknown mode");
    memcpy(p->input, in->shape.dims, sizeof p->input);
    memcpy(p->output, out->shape.dims, sizeof p->output);
    FERRY_TRY(padding_starts(call, p));
    if (p->rank == 0) p->rank = 1, p->input[0] = p->output[0] = 1;
    if (value && value->data && ferry_shape_count(&value->shape) >= 1) memcpy(p->value, value->data, p->element);
    int64_t total = ferry_shape_count(&out->shape), width = p->output[p->rank - 1];
    if (total == 0) return FERRY_OK;
    if (ferry_shape_count(&in->shape) == 0 && p->mode != FERRY_PADDING_CONSTANT)
        return ferry_fail(call->error, FERRY_ERROR_SHAPE, "an empty input has nothing to pad with but a constant");
    ferry_parallel_ranges(call->pool, total / width, ferry_grain(width), pad_rows, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_pad = {.name = "pad.rows", .accepts = accepts_pad, .run = run_pad};

/* ---- Gather ---- */

static bool accepts_gather(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *indices = ferry_call_input(call, 1);
    if (!indices || (indices->dtype != FERRY_INT64 && indices->dtype != FERRY_INT32))
        return ferry_reject(reason, "indices are not int32 or int64");
    return accepts_plain(call, inputs, outputs, reason);
}

typedef struct gather_loop {
    ferry_gather gather;
    void *out;
    const void *in;
} gather_loop;

static void gather_slices(void *user, int64_t first, int64_t last, int thread) {
    const gather_loop *loop = user;
    (void)thread;
    ferry_gather_run(&loop->gather, loop->out, loop->in, first, last);
}

static ferry_status run_gather(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *indices = ferry_call_input(call, 1), *out = ferry_call_output(call, 0);
    int axis = ferry_axis_of(ferry_attribute_integer(call->attributes, "axis", 0), in->shape.rank);
    if (axis < 0)
        return ferry_fail(call->error, FERRY_ERROR_SHAPE, "the axis of Gather is outside a rank-%d input", (int)in->shape.rank);
    int64_t outer = ferry_shape_product(&in->shape, 0, axis), inner = ferry_shape_product(&in->shape, axis + 1, in->shape.rank);
    gather_loop loop = {.out = out->data, .in = in->data};
    loop.gather = (ferry_gather){.axis = in->shape.dims[axis],
                                 .count = ferry_shape_count(&indices->shape),
                                 .inner_bytes = (size_t)inner * ferry_movable_bytes(in->dtype),
                                 .indices = indices->data,
                                 .wide = indices->dtype == FERRY_INT64};
    int64_t bad = ferry_gather_check(&loop.gather);
    if (bad >= 0)
        return ferry_fail(call->error, FERRY_ERROR_INVALID_ARGUMENT, "index %lld of Gather is %lld, outside an axis of %lld",
                          (long long)bad, (long long)ferry_integer_at(indices, bad), (long long)loop.gather.axis);
    if (loop.gather.inner_bytes == 0 || loop.gather.count == 0) return FERRY_OK;
    ferry_parallel_ranges(call->pool, outer * loop.gather.count, ferry_grain((int64_t)loop.gather.inner_bytes / 4),
                          gather_slices, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_gather = {.name = "gather.slices", .accepts = accepts_gather, .run = run_gather};

/* ---- Reorder ---- */

static bool accepts_reorder(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    if (!ferry_all_float32(call, 1, reason)) return false;
    if (in->shape.rank < 2 && in->layout != out->layout)
        return ferry_reject(reason, "rank %d has no channels", (int)in->shape.rank);
    inputs[0] = in->layout;
    outputs[0] = out->layout;
    return true;
}

typedef struct reorder_loop {
    ferry_movement_table table;
    ferry_planes from, to;
    const float *in;
    float *out;
} reorder_loop;

/* Pixels [first, last) of one block: of the output when that is blocked, else of the input. */
static void reorder_pixels(void *user, int64_t plane, int64_t first, int64_t last, int thread) {
    const reorder_loop *loop = user;
    const ferry_planes *from = &loop->from, *to = &loop->to, *blocked = to->block > 1 ? to : from;
    int64_t picture = plane / blocked->blocks, index = plane % blocked->blocks, pixels = from->pixels;
    int channels = index == blocked->blocks - 1 ? blocked->tail : blocked->block;
    int64_t plain_offset = (picture * from->channels + index * blocked->block) * pixels + first;
    int64_t blocked_offset = plane * blocked->plane_floats + first * blocked->block;
    (void)thread;
    if (from->block == 1)
        ferry_to_blocked(&loop->table, loop->out + blocked_offset, loop->in + plain_offset, pixels, last - first, channels,
                         to->block);
    else if (to->block == 1)
        ferry_from_blocked(&loop->table, loop->out + plain_offset, loop->in + blocked_offset, pixels, last - first, channels,
                           from->block);
    else
        ferry_reblock(loop->out + plane * to->plane_floats, loop->in + picture * from->blocks * from->plane_floats, pixels,
                      from->channels, index, to->block, from->block);
}

static ferry_status run_reorder(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    if (in->layout == out->layout) return run_view(call);
    reorder_loop loop = {.from = ferry_planes_of(in), .to = ferry_planes_of(out), .in = in->data, .out = out->data};
    ferry_movement_init(&loop.table, call->features);
    bool both = loop.from.block > 1 && loop.to.block > 1;
    const ferry_planes *blocked = loop.to.block > 1 ? &loop.to : &loop.from;
    int64_t pixels = blocked->pixels; /* between two blocked layouts a plane is one part */
    ferry_parallel_planes(call->pool, blocked->batch * blocked->blocks, pixels, both ? pixels : ferry_grain(blocked->block),
                          reorder_pixels, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_reorder = {.name = "reorder.tiles", .accepts = accepts_reorder, .run = run_reorder};
