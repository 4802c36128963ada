/* SPDX-License-Identifier: Apache-2.0 */
/* BatchNormalization, Instance-, Group-, Layer- and RMSNormalization, LRN. */
#include <math.h>
#include <string.h>

#include "backend/cpu/adapt.h"
#include "kernels/activation/activation.h"
#include "kernels/normalize/normalize.h"

static bool reject_absent(const ferry_call *call, int count, ferry_reason *reason) {
    for (int i = 0; i < count; i++)
        if (!ferry_call_input(call, i)) return !ferry_reject(reason, "input %d is absent", i);
    return false;
}

/* ---- an affine map a channel ---- */

typedef struct affine_loop {
    ferry_unary_function plain;
    ferry_affine_blocked_function blocked;
    ferry_planes planes;
    const float *in;
    float *out;
    const float *scale, *shift; /* a number a channel, zero behind the last up to a whole block */
} affine_loop;

static void affine_pixels(void *user, int64_t plane, int64_t first, int64_t last, int thread) {
    const affine_loop *loop = user;
    const ferry_planes *p = &loop->planes;
    int64_t offset = plane * p->plane_floats + first * p->block, channel = plane % p->blocks * p->block;
    (void)thread;
    if (p->block == 1)
        loop->plain(loop->out + offset, loop->in + offset, last - first, loop->scale[channel], loop->shift[channel]);
    else
        loop->blocked(loop->out + offset, loop->in + offset, last - first, loop->scale + channel, loop->shift + channel);
}

static void run_affine(const ferry_call *call, const float *scale, const float *shift) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    affine_loop loop = {.planes = ferry_planes_of(in), .in = in->data, .out = out->data, .scale = scale, .shift = shift};
    ferry_unary_table unary;
    ferry_normalize_table table;
    ferry_unary_init(&unary, call->features);
    ferry_normalize_init(&table, call->features);
    loop.plain = unary.run[FERRY_UNARY_affine];
    loop.blocked = table.affine_blocked[ferry_normalize_block_index(loop.planes.block)];
    ferry_parallel_planes(call->pool, loop.planes.batch * loop.planes.blocks, loop.planes.pixels,
                          ferry_grain(loop.planes.block), affine_pixels, &loop);
}

static size_t padded_channels(int64_t channels) { return ferry_align_up((size_t)channels, 16); }

/* BatchNormalization of inference: x becomes x * scale / sqrt(variance + epsilon) + shift. Rank 2 and more. */
static bool accepts_batch_norm(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    if (!ferry_all_float32(call, 5, reason) || reject_absent(call, 5, reason)) return false;
    if (ferry_attribute_integer(call->attributes, "training_mode", 0) || ferry_call_output(call, 1))
        return ferry_reject(reason, "training mode");
    if (in->shape.rank < 2 || in->shape.dims[1] < 1) return ferry_reject(reason, "the channels are not known");
    for (int i = 1; i < 5; i++) {
        const ferry_tensor *t = ferry_call_input(call, i);
        if (!t->data || t->shape.rank != 1 || t->shape.dims[0] != in->shape.dims[1])
            return ferry_reject(reason, "input %d is not one constant a channel", i);
    }
    inputs[0] = outputs[0] = in->layout;
    return true;
}

static size_t batch_norm_bytes(const ferry_call *call) {
    return 2 * padded_channels(ferry_call_input(call, 0)->shape.dims[1]) * sizeof(float);
}

static void pack_batch_norm(const ferry_call *call, void *packed) {
    int64_t channels = ferry_call_input(call, 0)->shape.dims[1];
    const float *scale = ferry_call_input(call, 1)->data, *bias = ferry_call_input(call, 2)->data;
    const float *mean = ferry_call_input(call, 3)->data, *variance = ferry_call_input(call, 4)->data;
    double epsilon = (double)ferry_attribute_real(call->attributes, "epsilon", 1e-5f);
    float *factors = packed, *terms = factors + padded_channels(channels);
    for (int64_t c = 0; c < channels; c++) {
        double factor = (double)scale[c] / sqrt((double)variance[c] + epsilon);
        factors[c] = (float)factor;
        terms[c] = (float)((double)bias[c] - (double)mean[c] * factor);
    }
}

static ferry_status run_batch_norm(ferry_call *call) {
    const float *factors = call->packed;
    run_affine(call, factors, factors + padded_channels(ferry_call_input(call, 0)->shape.dims[1]));
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_batch_norm = {
    .name = "batch_norm.vector",
    .flags = FERRY_IMPLEMENTATION_IN_PLACE,
    .packed_inputs = 2 | 4 | 8 | 16,
    .accepts = accepts_batch_norm,
    .packed_bytes = batch_norm_bytes,
    .pack = pack_batch_norm,
    .run = run_batch_norm,
};

/* ---- InstanceNormalization, GroupNormalization ---- */

static bool accepts_instance(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0);
    if (!ferry_all_float32(call, 3, reason) || reject_absent(call, 3, reason)) return false;
    if (in->shape.rank < 3) return ferry_reject(reason, "the rank is below 3, or not known");
    inputs[0] = outputs[0] = in->layout;
    return true;
}

typedef struct instance_loop {
    ferry_normalize_table table;
    ferry_unary_function affine;
    ferry_planes planes;
    const float *in, *scale, *bias;
    float *out;
    float epsilon;
} instance_loop;

static void instance_planes(void *user, int64_t first, int64_t last, int thread) {
    const instance_loop *loop = user;
    const ferry_planes *p = &loop->planes;
    int index = ferry_normalize_block_index(p->block);
    (void)thread;
    for (int64_t plane = first; plane < last; plane++) {
        const float *in = loop->in + plane * p->plane_floats;
        float *out = loop->out + plane * p->plane_floats, mean[16], variance[16], factor[16] = {0}, term[16] = {0};
        int64_t channel = plane % p->blocks * p->block;
        if (p->block > 1) {
            loop->table.moments_blocked[index](mean, variance, in, p->pixels);
        } else {
            ferry_moments m = loop->table.moments(in, p->pixels);
            mean[0] = m.mean, variance[0] = m.variance;
        }
        for (int lane = 0; lane < p->block && channel + lane < p->channels; lane++) {
            factor[lane] = loop->scale[channel + lane] / sqrtf(variance[lane] + loop->epsilon);
            term[lane] = loop->bias[channel + lane] - mean[lane] * factor[lane];
        }
        if (p->block > 1)
            loop->table.affine_blocked[index](out, in, p->pixels, factor, term);
        else
            loop->affine(out, in, p->pixels, factor[0], term[0]);
    }
}

static ferry_status check_channels(const ferry_call *call, int input, int64_t channels) {
    const ferry_shape *shape = &ferry_call_input(call, input)->shape;
    if (ferry_shape_count(shape) == channels) return FERRY_OK;
    return ferry_fail(call->error, FERRY_ERROR_SHAPE, "input %d of %s has %lld numbers for %lld channels", input,
                      call->op->name, (long long)ferry_shape_count(shape), (long long)channels);
}

static ferry_status run_instance(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    ferry_unary_table unary;
    ferry_unary_init(&unary, call->features);
    instance_loop loop = {.affine = unary.run[FERRY_UNARY_affine],
                          .planes = ferry_planes_of(in),
                          .in = in->data,
                          .out = out->data,
                          .scale = ferry_call_input(call, 1)->data,
                          .bias = ferry_call_input(call, 2)->data,
                          .epsilon = ferry_attribute_real(call->attributes, "epsilon", 1e-5f)};
    ferry_normalize_init(&loop.table, call->features);
    FERRY_TRY(check_channels(call, 1, loop.planes.channels));
    FERRY_TRY(check_channels(call, 2, loop.planes.channels));
    if (loop.planes.pixels == 0) return FERRY_OK;
    ferry_parallel_ranges(call->pool, loop.planes.batch * loop.planes.blocks, ferry_grain(loop.planes.plane_floats),
                          instance_planes, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_instance_norm = {
    .name = "instance_norm.vector", .accepts = accepts_instance, .run = run_instance};

static bool accepts_group(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    (void)inputs;
    (void)outputs;
    if (!ferry_all_float32(call, 3, reason) || reject_absent(call, 3, reason)) return false;
    if (ferry_attribute_integer(call->attributes, "_scale_per_group", 0))
        return ferry_reject(reason, "scale and bias are one a group");
    if (ferry_call_input(call, 0)->shape.rank < 3) return ferry_reject(reason, "the rank is below 3, or not known");
    return true;
}

typedef struct group_loop {
    instance_loop base;
    int64_t groups, group_channels;
} group_loop;

static void group_planes(void *user, int64_t first, int64_t last, int thread) {
    const group_loop *loop = user;
    const instance_loop *base = &loop->base;
    int64_t pixels = base->planes.pixels, size = loop->group_channels * pixels;
    (void)thread;
    for (int64_t group = first; group < last; group++) {
        ferry_moments m = base->table.moments(base->in + group * size, size);
        float inverse = 1.0f / sqrtf(m.variance + base->epsilon);
        for (int64_t c = 0; c < loop->group_channels; c++) {
            int64_t channel = group % loop->groups * loop->group_channels + c, offset = group * size + c * pixels;
            float factor = base->scale[channel] * inverse;
            base->affine(base->out + offset, base->in + offset, pixels, factor, base->bias[channel] - m.mean * factor);
        }
    }
}

static ferry_status run_group(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    ferry_unary_table unary;
    ferry_unary_init(&unary, call->features);
    group_loop loop = {.base = {.affine = unary.run[FERRY_UNARY_affine],
                                .planes = ferry_planes_of(in),
                                .in = in->data,
                                .out = out->data,
                                .scale = ferry_call_input(call, 1)->data,
                                .bias = ferry_call_input(call, 2)->data,
                                .epsilon = ferry_attribute_real(call->attributes, "epsilon", 1e-5f)},
                       .groups = ferry_attribute_integer(call->attributes, "num_groups", 1)};
    ferry_normalize_init(&loop.base.table, call->features);
    int64_t channels = loop.base.planes.channels;
    if (loop.groups < 1 || channels % loop.groups != 0)
        return ferry_fail(call->error, FERRY_ERROR_SHAPE, "%lld channels do not make %lld groups", (long long)channels,
                          (long long)loop.groups);
    loop.group_channels = channels / loop.groups;
    FERRY_TRY(check_channels(call, 1, channels));
    FERRY_TRY(check_channels(call, 2, channels));
    if (ferry_shape_count(&in->shape) == 0) return FERRY_OK;
    ferry_parallel_ranges(call->pool, loop.base.planes.batch * loop.groups,
                          ferry_grain(loop.group_channels * loop.base.planes.pixels), group_planes, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_group_norm = {.name = "group_norm.vector", .accepts = accepts_group, .run = run_group};

/* ---- LayerNormalization, RMSNormalization ---- */

static bool accepts_layer(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0), *scale = ferry_call_input(call, 1);
    (void)inputs;
    (void)outputs;
    if (!ferry_all_float32(call, call->input_count, reason) || reject_absent(call, 2, reason)) return false;
    int axis = ferry_axis_of(ferry_attribute_integer(call->attributes, "axis", -1), in->shape.rank);
    if (in->shape.rank < 1 || axis < 0) return ferry_reject(reason, "the axis is outside the rank, or the rank is not known");
    for (int k = 1; k < call->input_count; k++) {
        const ferry_tensor *t = ferry_call_input(call, k);
        if (!t) continue;
        bool fits = t->shape.rank == in->shape.rank - axis;
        for (int i = 0; fits && i < t->shape.rank; i++)
            fits = t->shape.dims[i] > 0 && t->shape.dims[i] == in->shape.dims[axis + i];
        if (!fits) return ferry_reject(reason, "input %d has not the shape of a row", k);
    }
    if (scale->shape.rank < 1) return ferry_reject(reason, "the scale is a scalar");
    return true;
}

typedef struct row_loop {
    ferry_normalize_row_function run;
    const float *in, *scale, *shift;
    float *out, *mean, *inverse;
    int64_t count;
    float epsilon;
} row_loop;

static void normalize_rows(void *user, int64_t first, int64_t last, int thread) {
    const row_loop *loop = user;
    (void)thread;
    for (int64_t row = first; row < last; row++) {
        float statistics[2];
        loop->run(loop->out + row * loop->count, loop->in + row * loop->count, loop->count, loop->scale, loop->shift,
                  loop->epsilon, statistics);
        if (loop->mean) loop->mean[row] = statistics[0];
        if (loop->inverse) loop->inverse[row] = statistics[1];
    }
}

static ferry_status run_layer(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0), *shift = ferry_call_input(call, 2);
    const ferry_tensor *mean = ferry_call_output(call, 1), *inverse = ferry_call_output(call, 2);
    int axis = ferry_axis_of(ferry_attribute_integer(call->attributes, "axis", -1), in->shape.rank);
    bool layer = ferry_op_index_of(call->op) == FERRY_OP_LayerNormalization;
    ferry_normalize_table table;
    ferry_normalize_init(&table, call->features);
    row_loop loop = {.run = layer ? table.layer_norm : table.rms_norm,
                     .in = in->data,
                     .out = out->data,
                     .scale = ferry_call_input(call, 1)->data,
                     .shift = shift ? shift->data : NULL,
                     .mean = mean ? mean->data : NULL,
                     .inverse = inverse ? inverse->data : NULL,
                     .count = ferry_shape_product(&in->shape, axis, in->shape.rank),
                     .epsilon = ferry_attribute_real(call->attributes, "epsilon", 1e-5f)};
    if (loop.count > 0)
        ferry_parallel_ranges(call->pool, ferry_shape_product(&in->shape, 0, axis), ferry_grain(loop.count), normalize_rows,
                              &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_layer_norm = {
    .name = "layer_norm.vector", .flags = FERRY_IMPLEMENTATION_IN_PLACE, .accepts = accepts_layer, .run = run_layer};

/* ---- LRN ---- */

static bool accepts_lrn(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    (void)inputs;
    (void)outputs;
    if (!ferry_all_float32(call, 1, reason)) return false;
    if (ferry_call_input(call, 0)->shape.rank < 2) return ferry_reject(reason, "the rank is below 2, or not known");
    if (ferry_attribute_integer(call->attributes, "size", 0) < 1) return ferry_reject(reason, "the size is below 1");
    return true;
}

typedef struct lrn_loop {
    ferry_lrn_function run;
    ferry_lrn lrn;
    const float *in;
    float *out;
} lrn_loop;

static void lrn_pixels(void *user, int64_t picture, int64_t first, int64_t last, int thread) {
    const lrn_loop *loop = user;
    int64_t offset = picture * loop->lrn.channels * loop->lrn.plane + first;
    (void)thread;
    loop->run(&loop->lrn, loop->out + offset, loop->in + offset, last - first);
}

static ferry_status run_lrn(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    ferry_planes planes = ferry_planes_of(in);
    ferry_normalize_table table;
    ferry_normalize_init(&table, call->features);
    lrn_loop loop = {.run = table.lrn, .in = in->data, .out = out->data};
    loop.lrn = (ferry_lrn){.channels = planes.channels,
                           .plane = planes.pixels,
                           .size = ferry_attribute_integer(call->attributes, "size", 1),
                           .alpha = ferry_attribute_real(call->attributes, "alpha", 1e-4f),
                           .beta = ferry_attribute_real(call->attributes, "beta", 0.75f),
                           .bias = ferry_attribute_real(call->attributes, "bias", 1.0f)};
    ferry_parallel_planes(call->pool, planes.batch, planes.pixels, ferry_max_int64(ferry_grain(planes.channels), 16),
                          lrn_pixels, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_lrn = {.name = "lrn.vector", .accepts = accepts_lrn, .run = run_lrn};
