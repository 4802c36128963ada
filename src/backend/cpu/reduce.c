/* SPDX-License-Identifier: Apache-2.0 */
/* Reduce operators over any axes, ArgMax and ArgMin, Softmax and LogSoftmax. */
#include <math.h>
#include <string.h>

#include "backend/cpu/adapt.h"
#include "kernels/reduce/reduce.h"

/* A tensor seen as [outer, count, inner] around the axis that is worked on. */
typedef struct slab {
    int64_t outer, count, inner;
} slab;

static slab slab_of(const ferry_shape *shape, int axis) {
    return (slab){ferry_shape_product(shape, 0, axis), shape->dims[axis], ferry_shape_product(shape, axis + 1, shape->rank)};
}

typedef struct reduce_loop {
    ferry_reduce_function run;
    ferry_arg_function find;
    ferry_softmax_function softmax;
    slab slab;
    const float *in;
    float *out;
    int64_t *places;
    bool last;
} reduce_loop;

static void work_columns(const reduce_loop *loop, int64_t outer, int64_t column, int64_t columns) {
    const slab *s = &loop->slab;
    const float *in = loop->in + outer * s->count * s->inner + column;
    int64_t place = outer * s->inner + column;
    if (loop->softmax)
        loop->softmax(loop->out + outer * s->count * s->inner + column, in, s->count, s->inner, columns);
    else if (loop->find)
        loop->find(loop->places + place, in, s->count, s->inner, columns, loop->last);
    else
        loop->run(loop->out + place, in, s->count, s->inner, columns);
}

static void work_plane(void *user, int64_t plane, int64_t first, int64_t last, int thread) {
    (void)thread;
    work_columns(user, plane, first, last - first);
}

static void work_rows(void *user, int64_t first, int64_t last, int thread) {
    (void)thread;
    for (int64_t row = first; row < last; row++) work_columns(user, row, 0, 1);
}

/* Rows too short for a vector: a bundle of them is turned into columns. */
static void work_short_rows(void *user, int64_t first, int64_t last, int thread) {
    const reduce_loop *loop = user;
    const int64_t count = loop->slab.count;
    float turned[FERRY_SHORT_ROW * FERRY_SHORT_ROWS];
    (void)thread;
    for (int64_t row = first; row < last; row += FERRY_SHORT_ROWS) {
        int64_t rows = ferry_min_int64(last - row, FERRY_SHORT_ROWS);
        ferry_turn_rows(turned, loop->in + row * count, rows, count);
        reduce_loop bundle = *loop;
        bundle.in = turned;
        bundle.slab = (slab){1, count, rows};
        bundle.out = loop->softmax ? turned : loop->out ? loop->out + row : NULL;
        bundle.places = loop->places ? loop->places + row : NULL;
        work_columns(&bundle, 0, 0, rows);
        if (loop->softmax) ferry_turn_back(loop->out + row * count, turned, rows, count);
    }
}

/* Columns are contiguous rows when inner is 1. Parts of columns are whole cache lines where possible. */
static void work(const ferry_call *call, const reduce_loop *loop) {
    const slab *s = &loop->slab;
    bool short_rows = s->count > 1 && s->count <= FERRY_SHORT_ROW && s->outer > 1;
    if (s->inner == 1)
        ferry_parallel_ranges(call->pool, s->outer, ferry_max_int64(ferry_grain(s->count), short_rows ? FERRY_SHORT_ROWS : 1),
                              short_rows ? work_short_rows : work_rows, (void *)loop);
    else
        ferry_parallel_planes(call->pool, s->outer, s->inner, ferry_max_int64(ferry_grain(s->count), 16), work_plane,
                              (void *)loop);
}

/* ---- Reduce ---- */

/* What an operator does to the first axes that it reduces, to further ones, and with the result. */
typedef struct passes {
    ferry_op_index op;
    ferry_reduction alone, first, further;
    enum { FINISH_NOTHING, FINISH_ROOT, FINISH_LOG } finish; /* after several passes */
} passes;

static const passes reductions[] = {
    {FERRY_OP_ReduceSum, FERRY_REDUCTION_sum, FERRY_REDUCTION_sum, FERRY_REDUCTION_sum, FINISH_NOTHING},
    {FERRY_OP_ReduceMean, FERRY_REDUCTION_mean, FERRY_REDUCTION_mean, FERRY_REDUCTION_mean, FINISH_NOTHING},
    {FERRY_OP_ReduceMax, FERRY_REDUCTION_max, FERRY_REDUCTION_max, FERRY_REDUCTION_max, FINISH_NOTHING},
    {FERRY_OP_ReduceMin, FERRY_REDUCTION_min, FERRY_REDUCTION_min, FERRY_REDUCTION_min, FINISH_NOTHING},
    {FERRY_OP_ReduceProd, FERRY_REDUCTION_prod, FERRY_REDUCTION_prod, FERRY_REDUCTION_prod, FINISH_NOTHING},
    {FERRY_OP_ReduceL1, FERRY_REDUCTION_l1, FERRY_REDUCTION_l1, FERRY_REDUCTION_sum, FINISH_NOTHING},
    {FERRY_OP_ReduceL2, FERRY_REDUCTION_l2, FERRY_REDUCTION_sum_square, FERRY_REDUCTION_sum, FINISH_ROOT},
    {FERRY_OP_ReduceSumSquare, FERRY_REDUCTION_sum_square, FERRY_REDUCTION_sum_square, FERRY_REDUCTION_sum, FINISH_NOTHING},
    {FERRY_OP_ReduceLogSum, FERRY_REDUCTION_log_sum, FERRY_REDUCTION_sum, FERRY_REDUCTION_sum, FINISH_LOG},
    {FERRY_OP_ReduceLogSumExp, FERRY_REDUCTION_log_sum_exp, FERRY_REDUCTION_log_sum_exp, FERRY_REDUCTION_log_sum_exp,
     FINISH_NOTHING},
};

static const passes *passes_of(const ferry_call *call) {
    for (size_t i = 0; i < sizeof reductions / sizeof *reductions; i++)
        if (reductions[i].op == ferry_op_index_of(call->op)) return &reductions[i];
    return NULL;
}

static bool accepts_reduce(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    (void)inputs;
    (void)outputs;
    if (!ferry_all_float32(call, 1, reason)) return false;
    if (!passes_of(call)) return ferry_reject(reason, "%s is not among the reductions", call->op->name);
    if (ferry_attribute_integer(call->attributes, "noop_with_empty_axes", 0))
        return ferry_reject(reason, "empty axes mean no reduction");
    const ferry_tensor *axes = ferry_call_input(call, 1);
    if (axes && !axes->data) return ferry_reject(reason, "the axes are not constant");
    return true;
}

/* The dimensions of the input with neighbours of the same fate merged; reduced[i] tells which go. Returns their number. */
static int merge_dims(const ferry_call *call, int64_t *dims, bool *reduced) {
    const ferry_shape *shape = &ferry_call_input(call, 0)->shape;
    const ferry_tensor *axes = ferry_call_input(call, 1);
    int64_t named = axes ? ferry_shape_count(&axes->shape) : 0;
    int count = 0;
    for (int i = 0; i < shape->rank; i++) {
        bool goes = named == 0;
        for (int64_t k = 0; k < named; k++) goes = goes || ferry_axis_of(ferry_integer_at(axes, k), shape->rank) == i;
        if (shape->dims[i] == 1) continue;
        if (count > 0 && reduced[count - 1] == goes) {
            dims[count - 1] *= shape->dims[i];
        } else {
            dims[count] = shape->dims[i];
            reduced[count++] = goes;
        }
    }
    return count;
}

static int count_reduced(const bool *reduced, int count) {
    int total = 0;
    for (int i = 0; i < count; i++) total += reduced[i];
    return total;
}

/* Two halves take the results of passes in turn. */
static ferry_status prepare_reduce(ferry_call *call) {
    int64_t dims[FERRY_MAX_RANK];
    bool reduced[FERRY_MAX_RANK];
    int count = merge_dims(call, dims, reduced);
    if (count_reduced(reduced, count) > 1)
        call->workspace_bytes =
            2 * ferry_align_up((size_t)ferry_shape_count(&ferry_call_input(call, 0)->shape) * sizeof(float), FERRY_ALIGNMENT);
    return FERRY_OK;
}

static void finish(const passes *p, float *out, int64_t count) {
    for (int64_t i = 0; i < count && p->finish != FINISH_NOTHING; i++)
        out[i] = p->finish == FINISH_ROOT ? sqrtf(out[i]) : logf(out[i]);
}

static ferry_status run_reduce(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    const passes *p = passes_of(call);
    int64_t dims[FERRY_MAX_RANK + 1];
    bool reduced[FERRY_MAX_RANK + 1];
    int count = merge_dims(call, dims, reduced), left = count_reduced(reduced, count);
    ferry_reduce_table table;
    ferry_reduce_init(&table, call->features);
    if (left == 0) dims[count] = 1, reduced[count++] = true, left = 1; /* each element alone */
    bool several = left > 1;
    float *halves[2] = {call->workspace,
                        (float *)((unsigned char *)call->workspace + (several ? call->workspace_bytes / 2 : 0))};
    const float *from = in->data;
    for (int i = count - 1, pass = 0; i >= 0; i--) {
        if (!reduced[i]) continue;
        reduce_loop loop = {.in = from, .slab = {1, dims[i], 1}};
        for (int k = 0; k < i; k++) loop.slab.outer *= dims[k];
        for (int k = i + 1; k < count; k++) loop.slab.inner *= reduced[k] ? 1 : dims[k];
        loop.run = table.run[!several ? p->alone : pass == 0 ? p->first : p->further];
        loop.out = --left == 0 ? out->data : halves[pass % 2];
        work(call, &loop);
        from = loop.out;
        pass++;
    }
    if (several) finish(p, out->data, ferry_shape_count(&out->shape));
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_reduce = {
    .name = "reduce.vector", .accepts = accepts_reduce, .prepare = prepare_reduce, .run = run_reduce};

/* ---- ArgMax, ArgMin ---- */

static bool accepts_arg(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    (void)inputs;
    (void)outputs;
    if (!in || in->dtype != FERRY_FLOAT32) return ferry_reject(reason, "the input is not float32");
    if (in->shape.rank < 1) return ferry_reject(reason, "the rank is 0, or not known");
    return true;
}

static ferry_status run_arg(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    int axis = ferry_axis_of(ferry_attribute_integer(call->attributes, "axis", 0), in->shape.rank);
    if (axis < 0) return ferry_fail(call->error, FERRY_ERROR_SHAPE, "the axis is outside a rank-%d input", (int)in->shape.rank);
    ferry_reduce_table table;
    ferry_reduce_init(&table, call->features);
    reduce_loop loop = {.in = in->data, .places = out->data, .slab = slab_of(&in->shape, axis)};
    loop.find = ferry_op_index_of(call->op) == FERRY_OP_ArgMax ? table.arg_max : table.arg_min;
    loop.last = ferry_attribute_integer(call->attributes, "select_last_index", 0) != 0;
    if (ferry_shape_count(&out->shape) == 0) return FERRY_OK;
    if (loop.slab.count < 1 || loop.slab.count > INT32_MAX)
        return ferry_fail(call->error, FERRY_ERROR_SHAPE, "an axis of %lld has no greatest element",
                          (long long)loop.slab.count);
    work(call, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_arg = {.name = "arg.vector", .accepts = accepts_arg, .run = run_arg};

/* ---- Softmax ---- */

static bool accepts_softmax(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    (void)inputs;
    (void)outputs;
    if (!ferry_all_float32(call, 1, reason)) return false;
    if (ferry_call_input(call, 0)->shape.rank < 1) return ferry_reject(reason, "the rank is 0, or not known");
    return true;
}

static ferry_status run_softmax(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    int axis = ferry_axis_of(ferry_attribute_integer(call->attributes, "axis", -1), in->shape.rank);
    if (axis < 0) return ferry_fail(call->error, FERRY_ERROR_SHAPE, "the axis is outside a rank-%d input", (int)in->shape.rank);
    ferry_reduce_table table;
    ferry_reduce_init(&table, call->features);
    reduce_loop loop = {.in = in->data, .out = out->data, .slab = slab_of(&in->shape, axis)};
    loop.softmax = ferry_op_index_of(call->op) == FERRY_OP_Softmax ? table.softmax : table.log_softmax;
    if (ferry_attribute_integer(call->attributes, "_flatten", 0)) loop.slab.count *= loop.slab.inner, loop.slab.inner = 1;
    if (ferry_shape_count(&out->shape) > 0) work(call, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_softmax = {
    .name = "softmax.vector", .flags = FERRY_IMPLEMENTATION_IN_PLACE, .accepts = accepts_softmax, .run = run_softmax};
