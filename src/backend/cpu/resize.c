/* SPDX-License-Identifier: Apache-2.0 */
/* Resize and Upsample along the spatial axes. */
#include <string.h>

#include "backend/cpu/adapt.h"
#include "kernels/resize/resize.h"

static bool text_is(const ferry_call *call, const char *attribute, const char *text, bool fallback) {
    return ferry_attribute_is(call->attributes, attribute, text, fallback);
}

static bool is_upsample(const ferry_call *call) { return ferry_op_index_of(call->op) == FERRY_OP_Upsample; }

static const ferry_tensor *scales_of(const ferry_call *call) {
    const ferry_tensor *scales = ferry_call_input(call, is_upsample(call) ? 1 : 2);
    return scales && scales->shape.rank == 1 && scales->shape.dims[0] != 0 ? scales : NULL;
}

/* False for coordinates that need the extrapolation value. */
static bool rule_of(const ferry_call *call, ferry_resize_rule *rule) {
    static const struct {
        const char *name;
        ferry_resize_coordinates value;
    } coordinates[] = {{"half_pixel", FERRY_COORDINATES_HALF_PIXEL},
                       {"half_pixel_symmetric", FERRY_COORDINATES_HALF_PIXEL_SYMMETRIC},
                       {"pytorch_half_pixel", FERRY_COORDINATES_PYTORCH_HALF_PIXEL},
                       {"align_corners", FERRY_COORDINATES_ALIGN_CORNERS},
                       {"asymmetric", FERRY_COORDINATES_ASYMMETRIC}};
    static const struct {
        const char *name;
        ferry_resize_rounding value;
    } roundings[] = {{"round_prefer_floor", FERRY_ROUNDING_PREFER_FLOOR},
                     {"round_prefer_ceil", FERRY_ROUNDING_PREFER_CEIL},
                     {"floor", FERRY_ROUNDING_FLOOR},
                     {"ceil", FERRY_ROUNDING_CEIL}};
    *rule = (ferry_resize_rule){.mode = text_is(call, "mode", "linear", false)  ? FERRY_RESIZE_LINEAR
                                        : text_is(call, "mode", "cubic", false) ? FERRY_RESIZE_CUBIC
                                                                                : FERRY_RESIZE_NEAREST};
    if (is_upsample(call)) {
        rule->coordinates = FERRY_COORDINATES_ASYMMETRIC;
        rule->rounding = FERRY_ROUNDING_FLOOR;
        return true;
    }
    rule->cubic_coefficient = (double)ferry_attribute_real(call->attributes, "cubic_coeff_a", -0.75f);
    rule->exclude_outside = ferry_attribute_integer(call->attributes, "exclude_outside", 0) != 0;
    rule->antialias = ferry_attribute_integer(call->attributes, "antialias", 0) != 0;
    bool known = false;
    for (size_t i = 0; i < sizeof coordinates / sizeof *coordinates; i++)
        if (text_is(call, "coordinate_transformation_mode", coordinates[i].name, i == 0))
            rule->coordinates = coordinates[i].value, known = true;
    for (size_t i = 0; i < sizeof roundings / sizeof *roundings; i++)
        if (text_is(call, "nearest_mode", roundings[i].name, i == 0)) rule->rounding = roundings[i].value;
    return known;
}

/* The scale of axis d: the model's when it names scales, else the ratio of sizes. */
static double scale_of(const ferry_call *call, int d) {
    const ferry_tensor *scales = scales_of(call);
    const ferry_shape *in = &ferry_call_input(call, 0)->shape, *out = &ferry_call_output(call, 0)->shape;
    int64_t count;
    const int64_t *axes = ferry_attribute_integers(call->attributes, "axes", &count);
    if (scales && scales->data) {
        if (!axes || count == 0) return (double)((const float *)scales->data)[d];
        for (int64_t i = 0; i < count; i++)
            if (ferry_axis_of(axes[i], in->rank) == d) return (double)((const float *)scales->data)[i];
        return 1.0;
    }
    return (double)out->dims[d] / (double)in->dims[d];
}

static bool accepts(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0), *scales = scales_of(call);
    ferry_resize_rule rule;
    if (!ferry_all_float32(call, 1, reason)) return false;
    if (!rule_of(call, &rule)) return ferry_reject(reason, "the coordinate mode may need the extrapolation value");
    if (!is_upsample(call) && !text_is(call, "keep_aspect_ratio_policy", "stretch", true))
        return ferry_reject(reason, "the aspect ratio is to be kept");
    if (in->shape.rank < 3 || in->shape.rank > 5 || out->shape.rank != in->shape.rank)
        return ferry_reject(reason, "rank is not 3, 4 or 5");
    if (scales && (!scales->data || scales->dtype != FERRY_FLOAT32)) return ferry_reject(reason, "the scales are not constant");
    if (!scales && ferry_call_input(call, 2) && ferry_call_input(call, 2)->shape.rank != 1)
        return ferry_reject(reason, "the scales are not known");
    for (int d = 0; d < 2; d++) {
        bool same = in->shape.dims[d] >= 0 && in->shape.dims[d] == out->shape.dims[d];
        if (scales ? scale_of(call, d) != 1.0 : !same) return ferry_reject(reason, "axis %d may be resized too", d);
    }
    inputs[0] = outputs[0] = in->layout;
    return true;
}

/* Tables for three axes, then a line a thread. */
typedef struct resize_plan {
    ferry_resize_rule rules[3];
    double scales[3];
    ferry_resizing resizing; /* index and weight hold no memory yet */
    size_t table_elements, line_floats, bytes;
} resize_plan;

static bool plan(const ferry_call *call, resize_plan *p) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    int spatial = in->shape.rank - 2, first = 3 - spatial;
    ferry_resize_rule rule, copy = {.mode = FERRY_RESIZE_NEAREST, .coordinates = FERRY_COORDINATES_ASYMMETRIC};
    if (!rule_of(call, &rule)) return false;
    memset(p, 0, sizeof *p);
    for (int a = 0; a < 3; a++) {
        ferry_resize_axis *axis = &p->resizing.axis[a];
        int d = a - first + 2;
        axis->input = a < first ? 1 : in->shape.dims[d];
        axis->output = a < first ? 1 : out->shape.dims[d];
        p->scales[a] = a < first ? 1.0 : scale_of(call, d);
        if (axis->input < 1 || axis->input > INT32_MAX || axis->output > INT32_MAX || !(p->scales[a] > 0.0)) return false;
        p->rules[a] = p->scales[a] == 1.0 && axis->input == axis->output ? copy : rule;
        axis->taps = ferry_resize_taps(&p->rules[a], axis->input, axis->output, p->scales[a]);
        size_t elements;
        if (!ferry_size_multiply((size_t)axis->output, (size_t)axis->taps, &elements)) return false;
        p->table_elements += ferry_align_up(elements, 16);
    }
    p->line_floats = ferry_align_up((size_t)p->resizing.axis[2].input * (size_t)ferry_layout_block(in->layout), 16);
    p->bytes = (p->table_elements * 2 + p->line_floats * (size_t)call->threads) * sizeof(float);
    return p->table_elements < (size_t)1 << 40;
}

static ferry_status prepare(ferry_call *call) {
    resize_plan p;
    const ferry_tensor *out = ferry_call_output(call, 0);
    if (ferry_shape_count(&out->shape) == 0) return FERRY_OK;
    if (!plan(call, &p))
        return ferry_fail(call->error, FERRY_ERROR_SHAPE,
                          "cannot resize: an input axis is empty, or a scale is not positive or too extreme");
    call->workspace_bytes = p.bytes;
    return FERRY_OK;
}

typedef struct resize_loop {
    const ferry_resizing *resizing;
    ferry_resize_function run;
    const float *in;
    float *out, *lines;
    size_t line_floats;
    int64_t in_plane, out_plane;
} resize_loop;

static void resize_rows(void *user, int64_t plane, int64_t first, int64_t last, int thread) {
    const resize_loop *loop = user;
    loop->run(loop->resizing, loop->out + plane * loop->out_plane, loop->in + plane * loop->in_plane,
              loop->lines + (size_t)thread * loop->line_floats, first, last);
}

/* Workspace is lent to other nodes between runs, so the tables are made anew each time: a few nanoseconds an entry. */
static float *fill_tables(resize_plan *p, float *workspace) {
    for (int a = 0; a < 3; a++) {
        ferry_resize_axis *axis = &p->resizing.axis[a];
        size_t elements = ferry_align_up((size_t)axis->output * (size_t)axis->taps, 16);
        axis->index = (int32_t *)workspace;
        axis->weight = workspace + elements;
        workspace += 2 * elements;
        ferry_resize_table(&p->rules[a], p->scales[a], 0.0, 1.0, axis);
    }
    return workspace;
}

static ferry_status run(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    resize_plan p;
    if (ferry_shape_count(&out->shape) == 0) return FERRY_OK;
    if (!plan(call, &p)) return ferry_fail(call->error, FERRY_ERROR_INTERNAL, "the shapes changed after prepare");
    ferry_planes from = ferry_planes_of(in), to = ferry_planes_of(out);
    ferry_resize_functions functions;
    ferry_resize_init(&functions, call->features);
    resize_loop loop = {.resizing = &p.resizing,
                        .in = in->data,
                        .out = out->data,
                        .lines = fill_tables(&p, call->workspace),
                        .line_floats = p.line_floats,
                        .in_plane = from.plane_floats,
                        .out_plane = to.plane_floats};
    loop.run = from.block == 1 ? functions.plain : functions.blocked[ferry_resize_block_index(from.block)];
    ferry_parallel_planes(call->pool, to.batch * to.blocks, p.resizing.axis[0].output * p.resizing.axis[1].output,
                          ferry_grain(p.resizing.axis[2].output * to.block), resize_rows, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_resize = {.name = "resize.vector", .accepts = accepts, .prepare = prepare, .run = run};
