/* SPDX-License-Identifier: Apache-2.0 */
/* Concat, Split and Slice: parts of a whole. Where a part is one piece of the whole's memory the runtime may let them share it,
 * and nothing is copied. */
#include <string.h>

#include "backend/cpu/adapt.h"
#include "kernels/movement/movement.h"

/* ---- memory ---- */

/* A tensor's memory as [outer, axis, inner] elements: the axis counted in blocks when it is the blocked channels. */
typedef struct slab {
    int64_t outer, axis, inner;
} slab;

static slab slab_of(const ferry_tensor *tensor, int axis) {
    int block = ferry_layout_block(tensor->layout);
    ferry_shape memory = tensor->shape;
    int64_t lanes = block;
    if (block > 1) memory.dims[1] = ferry_ceil_div(memory.dims[1], block);
    return (slab){ferry_shape_product(&memory, 0, axis), memory.dims[axis],
                  ferry_shape_product(&memory, axis + 1, memory.rank) * lanes};
}

static size_t element_bytes(const ferry_tensor *tensor) { return ferry_movable_bytes(tensor->dtype); }

/* The layout for a join or cut of `whole` along an axis: the parts' blocked layout when every part but the last is whole
 * blocks. */
static ferry_layout common_layout(const ferry_value *const *parts, int count, int axis, ferry_layout wanted) {
    for (int i = 0; i < count && wanted != FERRY_LAYOUT_PLAIN; i++) {
        if (!parts[i]) continue;
        const ferry_tensor *t = &parts[i]->tensor;
        if (t->dtype != FERRY_FLOAT32 || t->shape.rank < 2) return FERRY_LAYOUT_PLAIN;
        int64_t channels = t->shape.dims[1];
        if (axis == 1 && i < count - 1 && (channels < 0 || channels % (int)wanted != 0)) return FERRY_LAYOUT_PLAIN;
    }
    return wanted;
}

typedef struct part_loop {
    ferry_movement_table table;
    ferry_move move;
    unsigned char *out;
    const unsigned char *in;
} part_loop;

static void part_rows(void *user, int64_t first, int64_t last, int thread) {
    const part_loop *loop = user;
    (void)thread;
    ferry_move_run(&loop->table, &loop->move, loop->out, loop->in, first, last);
}

/* Copies a box of `outer` runs of `run` elements between memory of different pitch (elements from a run to the next). */
static void copy_part(const ferry_call *call, void *out, int64_t out_pitch, const void *in, int64_t in_pitch, int64_t outer,
                      int64_t run, size_t element) {
    part_loop loop = {.out = out, .in = in};
    int64_t piece = run; /* long runs are cut, so that threads can share one */
    while (piece % 2 == 0 && piece * (int64_t)element > 65536) piece /= 2;
    if (run == 0 || outer == 0) return;
    const int64_t rows = run / piece, dims[2] = {outer, piece};
    ferry_movement_init(&loop.table, call->features);
    if (rows == 1 || outer > 1) {
        const int64_t whole[2] = {outer, run}, in_strides[2] = {in_pitch, 1}, out_strides[2] = {out_pitch, 1};
        ferry_move_make(&loop.move, element, 2, whole, in_strides, out_strides);
        ferry_parallel_ranges(call->pool, loop.move.rows, ferry_grain(run * (int64_t)element / 4), part_rows, &loop);
        return;
    }
    loop.move =
        (ferry_move){.element = element, .rank = 2, .dims = {rows, dims[1]}, .in = {piece, 1}, .out = {piece, 1}, .rows = rows};
    ferry_parallel_ranges(call->pool, rows, 1, part_rows, &loop);
}

/* ---- Concat ---- */

static int axis_of(const ferry_call *call, int rank, int64_t fallback) {
    return ferry_axis_of(ferry_attribute_integer(call->attributes, "axis", fallback), rank);
}

static bool accepts_concat(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    ferry_layout wanted = FERRY_LAYOUT_PLAIN;
    int rank = -1;
    for (int i = 0; i < call->input_count; i++) {
        const ferry_tensor *t = ferry_call_input(call, i);
        if (!t || ferry_movable_bytes(t->dtype) == 0) return ferry_reject(reason, "input %d does not move as bytes", i);
        if (ferry_is_blocked(t)) wanted = t->layout;
        rank = t->shape.rank;
    }
    if (rank < 1) return ferry_reject(reason, "the rank is not known");
    int axis = axis_of(call, rank, 0);
    if (axis < 0) return ferry_reject(reason, "the axis is outside a rank-%d input", rank);
    outputs[0] = common_layout(call->inputs, call->input_count, axis, wanted);
    for (int i = 0; i < call->input_count; i++) inputs[i] = outputs[0];
    return true;
}

/* Where input `index` starts along the axis of the output, in the slab's units. */
static int64_t concat_start(const ferry_call *call, int axis, int index) {
    int64_t start = 0;
    for (int i = 0; i < index; i++) start += slab_of(ferry_call_input(call, i), axis).axis;
    return start;
}

static bool concat_part(const ferry_call *call, int index, size_t *offset) {
    const ferry_tensor *out = ferry_call_output(call, 0);
    int axis = axis_of(call, out->shape.rank, 0);
    slab whole = slab_of(out, axis);
    *offset = (size_t)(concat_start(call, axis, index) * whole.inner) * element_bytes(out);
    return whole.outer == 1;
}

static ferry_status run_concat(ferry_call *call) {
    const ferry_tensor *out = ferry_call_output(call, 0);
    int axis = axis_of(call, out->shape.rank, 0);
    slab whole = slab_of(out, axis);
    size_t element = element_bytes(out);
    int64_t start = 0;
    for (int i = 0; i < call->input_count; i++) {
        const ferry_tensor *in = ferry_call_input(call, i);
        slab part = slab_of(in, axis);
        unsigned char *to = (unsigned char *)out->data + (size_t)(start * whole.inner) * element;
        start += part.axis;
        if (to != in->data)
            copy_part(call, to, whole.axis * whole.inner, in->data, part.axis * part.inner, whole.outer, part.axis * part.inner,
                      element);
    }
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_concat = {
    .name = "concat.copy", .accepts = accepts_concat, .run = run_concat, .part = concat_part, .joins = true};

/* ---- Split ---- */

static bool accepts_split(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    if (!in || ferry_movable_bytes(in->dtype) == 0) return ferry_reject(reason, "the input does not move as bytes");
    int axis = axis_of(call, in->shape.rank, 0);
    if (in->shape.rank < 1 || axis < 0) return ferry_reject(reason, "the axis is outside the input's rank");
    bool all_there = true; /* a part that nobody wants has no shape to count channels from */
    for (int i = 0; i < call->output_count; i++) all_there = all_there && ferry_call_output(call, i);
    if (!all_there) return ferry_reject(reason, "a part is not wanted");
    inputs[0] = common_layout((const ferry_value *const *)call->outputs, call->output_count, axis, in->layout);
    for (int i = 0; i < call->output_count; i++) outputs[i] = inputs[0];
    return true;
}

static int64_t split_start(const ferry_call *call, int axis, int index) {
    int64_t start = 0;
    for (int i = 0; i < index; i++) start += slab_of(ferry_call_output(call, i), axis).axis;
    return start;
}

static bool split_part(const ferry_call *call, int index, size_t *offset) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    int axis = axis_of(call, in->shape.rank, 0);
    slab whole = slab_of(in, axis);
    *offset = (size_t)(split_start(call, axis, index) * whole.inner) * element_bytes(in);
    return whole.outer == 1;
}

static ferry_status run_split(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    int axis = axis_of(call, in->shape.rank, 0);
    slab whole = slab_of(in, axis);
    size_t element = element_bytes(in);
    for (int i = 0; i < call->output_count; i++) {
        const ferry_tensor *out = ferry_call_output(call, i);
        slab part = slab_of(out, axis);
        const unsigned char *from =
            (const unsigned char *)in->data + (size_t)(split_start(call, axis, i) * whole.inner) * element;
        if (from != out->data)
            copy_part(call, out->data, part.axis * part.inner, from, whole.axis * whole.inner, whole.outer,
                      part.axis * part.inner, element);
    }
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_split = {
    .name = "split.copy", .accepts = accepts_split, .run = run_split, .part = split_part};

/* ---- Slice ---- */

static bool is_index(const ferry_tensor *t) { return t && (t->dtype == FERRY_INT64 || t->dtype == FERRY_INT32); }

/* Starts and steps of every axis. False when they are not there yet, or name an axis that is not. */
static bool slice_of(const ferry_call *call, int64_t *starts, int64_t *steps) {
    const ferry_tensor *in = ferry_call_input(call, 0), *first = ferry_call_input(call, 1), *axes = ferry_call_input(call, 3);
    const ferry_tensor *step = ferry_call_input(call, 4);
    if (!first->data || (axes && !axes->data) || (step && !step->data)) return false;
    for (int i = 0; i < in->shape.rank; i++) starts[i] = 0, steps[i] = 1;
    int64_t count = ferry_shape_count(&first->shape);
    if ((axes && ferry_shape_count(&axes->shape) != count) || (step && ferry_shape_count(&step->shape) != count)) return false;
    for (int64_t i = 0; i < count; i++) {
        int axis = ferry_axis_of(axes ? ferry_integer_at(axes, i) : i, in->shape.rank);
        if (axis < 0) return false;
        int64_t dim = in->shape.dims[axis], start = ferry_integer_at(first, i);
        steps[axis] = step ? ferry_integer_at(step, i) : 1;
        if (start < 0) start += dim;
        starts[axis] = ferry_max_int64(0, ferry_min_int64(start, steps[axis] < 0 ? dim - 1 : dim));
    }
    return true;
}

/* Blocked inputs: the channels must be cut at blocks, which only constants can tell. */
static bool slice_keeps_blocks(const ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    int64_t starts[FERRY_MAX_RANK], steps[FERRY_MAX_RANK];
    if (!ferry_is_blocked(in) || in->dtype != FERRY_FLOAT32 || in->shape.dims[1] < 0 || out->shape.rank < 2 ||
        out->shape.dims[1] < 0 || !slice_of(call, starts, steps))
        return false;
    int block = (int)in->layout;
    bool whole_end = out->shape.dims[1] % block == 0 || starts[1] + out->shape.dims[1] == in->shape.dims[1];
    return steps[1] == 1 && starts[1] % block == 0 && whole_end;
}

static bool accepts_slice(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    if (!in || ferry_movable_bytes(in->dtype) == 0 || in->shape.rank < 0)
        return ferry_reject(reason, "the input does not move as bytes, or its rank is not known");
    for (int i = 1; i < call->input_count; i++)
        if (ferry_call_input(call, i) && !is_index(ferry_call_input(call, i)))
            return ferry_reject(reason, "input %d is not int32 or int64", i);
    if (slice_keeps_blocks(call)) inputs[0] = outputs[0] = in->layout;
    return true;
}

/* The slice as a strided box over memory; returns its rank. */
static int slice_box(const ferry_call *call, const int64_t *starts, const int64_t *steps, int64_t *dims, int64_t *in_strides,
                     int64_t *out_strides, int64_t *offset) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    int rank = in->shape.rank, block = ferry_layout_block(in->layout);
    int64_t in_stride = block, out_stride = block;
    *offset = 0;
    for (int i = rank - 1; i >= 0; i--) {
        bool blocked_axis = block > 1 && i == 1;
        dims[i] = blocked_axis ? ferry_ceil_div(out->shape.dims[i], block) : out->shape.dims[i];
        in_strides[i] = in_stride * steps[i];
        out_strides[i] = out_stride;
        *offset += (blocked_axis ? starts[i] / block : starts[i]) * in_stride;
        in_stride *= blocked_axis ? ferry_ceil_div(in->shape.dims[i], block) : in->shape.dims[i];
        out_stride *= dims[i];
    }
    if (block == 1) return rank;
    dims[rank] = block;
    in_strides[rank] = out_strides[rank] = 1;
    return rank + 1;
}

static bool slice_part(const ferry_call *call, int index, size_t *offset) {
    int64_t starts[FERRY_MAX_RANK], steps[FERRY_MAX_RANK], dims[FERRY_MAX_RANK + 1], from[FERRY_MAX_RANK + 1],
        to[FERRY_MAX_RANK + 1], first;
    const ferry_tensor *out = ferry_call_output(call, 0);
    if (index != 0 || !slice_of(call, starts, steps)) return false;
    int rank = slice_box(call, starts, steps, dims, from, to, &first);
    for (int i = 0; i < rank; i++)
        if (dims[i] != 1 && from[i] != to[i]) return false;
    *offset = (size_t)first * element_bytes(out);
    return true;
}

static ferry_status run_slice(ferry_call *call) {
    int64_t starts[FERRY_MAX_RANK], steps[FERRY_MAX_RANK], dims[FERRY_MAX_RANK + 1], from[FERRY_MAX_RANK + 1],
        to[FERRY_MAX_RANK + 1], first;
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    if (!slice_of(call, starts, steps))
        return ferry_fail(call->error, FERRY_ERROR_SHAPE, "starts, axes and steps of Slice do not fit a rank-%d input",
                          (int)in->shape.rank);
    if (ferry_shape_count(&out->shape) == 0) return FERRY_OK;
    int rank = slice_box(call, starts, steps, dims, from, to, &first);
    part_loop loop = {.out = out->data, .in = (const unsigned char *)in->data + first * (int64_t)element_bytes(in)};
    if (loop.in == loop.out) return FERRY_OK;
    ferry_movement_init(&loop.table, call->features);
    ferry_move_make(&loop.move, element_bytes(in), rank, dims, from, to);
    ferry_parallel_ranges(call->pool, loop.move.rows, ferry_grain(loop.move.dims[loop.move.rank - 1]), part_rows, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_slice = {
    .name = "slice.strided", .accepts = accepts_slice, .run = run_slice, .part = slice_part};
