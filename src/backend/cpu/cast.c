/* SPDX-License-Identifier: Apache-2.0 */
/* Cast and CastLike between the usual types. */
#include "backend/cpu/adapt.h"
#include "kernels/convert/convert.h"

static bool convert_type(ferry_dtype dtype, ferry_convert_type *type) {
    switch (dtype) {
    case FERRY_FLOAT32: *type = FERRY_CONVERT_float32; return true;
    case FERRY_FLOAT64: *type = FERRY_CONVERT_float64; return true;
    case FERRY_FLOAT16: *type = FERRY_CONVERT_float16; return true;
    case FERRY_INT8: *type = FERRY_CONVERT_int8; return true;
    case FERRY_UINT8: *type = FERRY_CONVERT_uint8; return true;
    case FERRY_INT32: *type = FERRY_CONVERT_int32; return true;
    case FERRY_INT64: *type = FERRY_CONVERT_int64; return true;
    case FERRY_BOOL: *type = FERRY_CONVERT_boolean; return true;
    default: return false;
    }
}

static ferry_convert_function find(const ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    ferry_convert_type from, to;
    ferry_convert_table table;
    if (!in || !out || !convert_type(in->dtype, &from) || !convert_type(out->dtype, &to)) return NULL;
    ferry_convert_init(&table, call->features);
    return table.run[from][to];
}

static bool accepts(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {
    (void)inputs; /* PLAIN: only floats come blocked */
    (void)outputs;
    if (!find(call)) return ferry_reject(reason, "no loop for these two types");
    return true;
}

typedef struct cast_loop {
    ferry_convert_function run;
    unsigned char *out;
    const unsigned char *in;
    size_t out_bytes, in_bytes;
} cast_loop;

static void cast_range(void *user, int64_t first, int64_t last, int thread) {
    const cast_loop *loop = user;
    (void)thread;
    loop->run(loop->out + (size_t)first * loop->out_bytes, loop->in + (size_t)first * loop->in_bytes, last - first);
}

static ferry_status run(ferry_call *call) {
    const ferry_tensor *in = ferry_call_input(call, 0), *out = ferry_call_output(call, 0);
    cast_loop loop = {find(call), out->data, in->data, ferry_dtype_bytes(out->dtype), ferry_dtype_bytes(in->dtype)};
    ferry_parallel_ranges(call->pool, ferry_shape_count(&out->shape), 4096, cast_range, &loop);
    return FERRY_OK;
}

const ferry_implementation ferry_cpu_cast = {.name = "cast.vector", .accepts = accepts, .run = run};
