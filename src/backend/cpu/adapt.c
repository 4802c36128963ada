/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/cpu/adapt.h"

#include "kernels/movement/movement.h"

ferry_planes ferry_planes_of(const ferry_tensor *tensor) {
    ferry_planes p = {
        .batch = tensor->shape.dims[0], .channels = tensor->shape.dims[1], .block = ferry_layout_block(tensor->layout)};
    p.pixels = ferry_shape_product(&tensor->shape, 2, tensor->shape.rank);
    p.blocks = ferry_ceil_div(p.channels, p.block);
    p.plane_floats = p.pixels * p.block;
    p.tail = p.channels > 0 ? (int)((p.channels - 1) % p.block) + 1 : p.block;
    return p;
}

bool ferry_all_float32(const ferry_call *call, int inputs, ferry_reason *reason) {
    for (int i = 0; i < inputs; i++) {
        const ferry_tensor *t = ferry_call_input(call, i);
        if (t && t->dtype != FERRY_FLOAT32)
            return ferry_reject(reason, "input %d is %s, not float32", i, ferry_dtype_name(t->dtype));
    }
    const ferry_tensor *output = ferry_call_output(call, 0);
    if (!output || output->dtype != FERRY_FLOAT32) return ferry_reject(reason, "output 0 is not float32");
    return true;
}

void ferry_zero_tails(const ferry_tensor *tensor) {
    ferry_planes p = ferry_planes_of(tensor);
    if (p.tail == p.block || p.channels == 0) return;
    for (int64_t n = 0; n < p.batch; n++)
        ferry_zero_tail((float *)tensor->data + ((n + 1) * p.blocks - 1) * p.plane_floats, p.pixels, p.tail, p.block);
}

typedef struct plane_loop {
    ferry_plane_body body;
    void *user;
    int64_t rows;
} plane_loop;

static void run_planes(void *user, int64_t first, int64_t last, int thread) {
    const plane_loop *loop = user;
    while (first < last) {
        int64_t plane = first / loop->rows, row = first % loop->rows;
        int64_t stop = last - first < loop->rows - row ? row + last - first : loop->rows;
        loop->body(loop->user, plane, row, stop, thread);
        first += stop - row;
    }
}

void ferry_parallel_planes(ferry_pool *pool, int64_t planes, int64_t rows, int64_t grain, ferry_plane_body body, void *user) {
    plane_loop loop = {body, user, rows};
    if (planes > 0 && rows > 0) ferry_parallel_ranges(pool, planes * rows, grain, run_planes, &loop);
}

int64_t ferry_integer_at(const ferry_tensor *tensor, int64_t index) {
    return tensor->dtype == FERRY_INT32 ? ((const int32_t *)tensor->data)[index] : ((const int64_t *)tensor->data)[index];
}

size_t ferry_movable_bytes(ferry_dtype dtype) {
    int bits = ferry_dtype_bits(dtype);
    if (dtype == FERRY_STRING || bits < 8 || bits > 128 || (bits & (bits - 1)) != 0) return 0;
    return (size_t)bits / 8;
}
