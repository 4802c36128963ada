/* SPDX-License-Identifier: Apache-2.0 */
/* DetectionHead, from blocked channels to rows. */
#include "kernels/head/head.h"
#include "backend/cpu/adapt.h"

static bool accepts(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    (void)outputs;
    if (!ferry_all_float32(call, 2, reason)) return false;
    inputs[0] = ferry_cpu_block_layout(call->features);
    return true;
}

typedef struct head_loop {
    ferry_head head;
    ferry_head_function run;
    const float *in;
    float *out;
    int64_t in_picture, out_picture;
} head_loop;

static void head_pixels(void *user, int64_t plane, int64_t first, int64_t last, int thread) {
    const head_loop *loop = user;
    int64_t picture = plane / loop->head.anchors;
    (void)thread;
    loop->run(&loop->head, loop->out + picture * loop->out_picture, loop->in + picture * loop->in_picture,
              plane % loop->head.anchors, first, last);
}

static ferry_status run(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *coefficients = ferry_call_input(call, 1),
                       *out = ferry_call_output(call, 0);
    ferry_planes planes = ferry_planes_of(in);
    ferry_head_table table;
    ferry_head_init(&table, call->features);
    head_loop loop = {.run = table.run[ferry_head_block_index(planes.block)], .in = in->data, .out = out->data};
    loop.head = (ferry_head){.anchors = out->shape.dims[1],
                             .values = out->shape.dims[4],
                             .boxes = coefficients->shape.dims[3],
                             .pixels = planes.pixels,
                             .block = planes.block,
                             .coefficients = coefficients->data};
    loop.in_picture = planes.blocks * planes.plane_floats;
    loop.out_picture = planes.channels * planes.pixels;
    ferry_parallel_planes(call->pool, planes.batch * loop.head.anchors, planes.pixels, ferry_grain(loop.head.values),
                          head_pixels, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_head = {.name = "head.vector", .accepts = accepts, .run = run};
