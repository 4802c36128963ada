/* SPDX-License-Identifier: Apache-2.0 */
/* Times the kernels that are bound by memory rather than arithmetic, one thread: bench_kernels_memory [part of a name]. Prints
 * the bytes read and written a second, beside what memcpy of the same bytes reaches in turn. The shapes are YOLOv5s'. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/memory.h"
#include "kernels/activation/activation.h"
#include "kernels/convert/convert.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/movement/movement.h"
#include "kernels/normalize/normalize.h"
#include "kernels/pool/pool.h"
#include "kernels/quantize/quantize.h"
#include "kernels/reduce/reduce.h"
#include "kernels/resize/resize.h"

enum { FLOATS = 1 << 21, ROUNDS = 15 };

typedef struct tables {
    ferry_unary_table unary;
    ferry_binary_table binary;
    ferry_movement_table movement;
    ferry_pool_table pool;
    ferry_resize_functions resize;
    ferry_reduce_table reduce;
    ferry_normalize_table normalize;
    ferry_quantize_table quantize;
    ferry_convert_table convert;
    int block;
    float *in, *other, *out;
    int32_t *index;
    float *weight;
} tables;

/* A kernel at work: does it once and says how many bytes it read and wrote. */
typedef double (*job)(const tables *t, int argument);

static double unary(const tables *t, int f) {
    t->unary.run[f](t->out, t->in, FLOATS, ferry_unary_infos[f].alpha, ferry_unary_infos[f].beta);
    return 8.0 * FLOATS;
}

static double binary(const tables *t, int f) {
    t->binary.run[f][FERRY_VECTOR_VECTOR](t->out, t->in, t->other, FLOATS);
    return 12.0 * FLOATS;
}

/* A detector's boxes times its anchors: rows of 2 that repeat. */
static double binary_short(const tables *t, int f) {
    const int64_t dims[3] = {3, FLOATS / 8, 2}, a[3] = {FLOATS / 4, 2, 1}, b[3] = {2, 0, 1};
    ferry_broadcast broadcast;
    ferry_broadcast_make(&broadcast, 3, dims, a, b);
    ferry_binary_run(&t->binary, (ferry_binary)f, &broadcast, t->out, t->in, t->other, 0, broadcast.elements);
    return 8.0 * (double)broadcast.elements;
}

static double move(const tables *t, int rank, const int64_t *dims, const int64_t *in, const int64_t *out) {
    ferry_move m;
    double total = 8.0;
    for (int i = 0; i < rank; i++) total *= (double)dims[i];
    ferry_move_make(&m, 4, rank, dims, in, out);
    ferry_move_run(&t->movement, &m, t->out, t->in, 0, m.rows);
    return total;
}

/* 1x3x85x80x80 to 1x3x80x80x85. */
static double transpose(const tables *t, int unused) {
    const int64_t dims[3] = {3, 6400, 85}, in[3] = {85 * 6400, 1, 6400}, out[3] = {85 * 6400, 85, 1};
    (void)unused;
    return move(t, 3, dims, in, out);
}

static double slice(const tables *t, int columns) {
    const int64_t dims[2] = {19200, columns}, in[2] = {85, 1}, out[2] = {columns, 1};
    return move(t, 2, dims, in, out);
}

static double to_blocked(const tables *t, int back) {
    int64_t channels = 256 / t->block, pixels = 6400;
    for (int64_t c = 0; c < channels; c++) {
        float *out = t->out + c * t->block * pixels;
        const float *in = t->in + c * t->block * pixels;
        if (back)
            ferry_from_blocked(&t->movement, out, in, pixels, pixels, t->block, t->block);
        else
            ferry_to_blocked(&t->movement, out, in, pixels, pixels, t->block, t->block);
    }
    return 8.0 * (double)(channels * t->block * pixels);
}

/* kernel * 10 + stride, over 64 channels of 160x160. */
static double max_pool(const tables *t, int code) {
    int64_t kernel = code / 10, stride = code % 10, side = 160, before = kernel / 2 * (stride == 1 || kernel == 3);
    int64_t result = (side + 2 * before - kernel) / stride + 1;
    ferry_pooling p = {.input = {1, side, side},
                       .output = {1, result, result},
                       .kernel = {1, kernel, kernel},
                       .stride = {1, stride, stride},
                       .dilation = {1, 1, 1},
                       .before = {0, before, before},
                       .after = {0, before, before}};
    for (int64_t c = 0; c < 64 / t->block; c++)
        t->pool.max_blocked[ferry_pool_block_index(t->block)](&p, t->out + c * result * result * t->block,
                                                              t->in + c * side * side * t->block, 0, result);
    return 4.0 * 64 * (double)(side * side + result * result);
}

/* 32 channels of 80x80 to 160x160. */
static double resize(const tables *t, int mode) {
    const ferry_resize_rule none = {.mode = FERRY_RESIZE_NEAREST},
                            rule = {.mode = (ferry_resize_mode)mode, .cubic_coefficient = -0.75};
    int32_t *index = t->index;
    float *weight = t->weight;
    ferry_resizing r;
    for (int a = 0; a < 3; a++) {
        r.axis[a] = (ferry_resize_axis){.input = a ? 80 : 1, .output = a ? 160 : 1, .index = index, .weight = weight};
        ferry_resize_table(a ? &rule : &none, a ? 2.0 : 1.0, 0, 1, &r.axis[a]);
        index += 1024, weight += 1024;
    }
    for (int64_t c = 0; c < 32 / t->block; c++)
        t->resize.blocked[ferry_resize_block_index(t->block)](&r, t->out + c * 25600 * t->block, t->in + c * 6400 * t->block,
                                                              t->other, 0, 160);
    return 4.0 * 32 * (6400 + 25600);
}

static double softmax(const tables *t, int count) {
    for (int64_t row = 0; row < FLOATS / count; row++)
        t->reduce.softmax(t->out + row * count, t->in + row * count, count, 1, 1);
    return 8.0 * FLOATS;
}

static double layer_norm(const tables *t, int count) {
    float statistics[2];
    for (int64_t row = 0; row < FLOATS / count; row++)
        t->normalize.layer_norm(t->out + row * count, t->in + row * count, count, t->other, t->other, 1e-5f, statistics);
    return 8.0 * FLOATS;
}

static double reduce(const tables *t, int f) {
    t->reduce.run[f](t->out, t->in, FLOATS, 1, 1);
    return 4.0 * FLOATS;
}

static double arg_max(const tables *t, int count) {
    for (int64_t row = 0; row < FLOATS / count; row++)
        t->reduce.arg_max((int64_t *)t->out + row, t->in + row * count, count, 1, 1, false);
    return 4.0 * FLOATS;
}

static double quantize(const tables *t, int unused) {
    (void)unused;
    t->quantize.quantize_u8(t->out, t->in, FLOATS, 0.01f, 128);
    return 5.0 * FLOATS;
}

static double dequantize(const tables *t, int unused) {
    (void)unused;
    t->quantize.dequantize_u8(t->out, t->in, FLOATS, 0.01f, 128);
    return 5.0 * FLOATS;
}

static double half(const tables *t, int to_half) {
    if (to_half)
        t->convert.run[FERRY_CONVERT_float32][FERRY_CONVERT_float16](t->out, t->in, FLOATS);
    else
        t->convert.run[FERRY_CONVERT_float16][FERRY_CONVERT_float32](t->out, t->in, FLOATS);
    return 6.0 * FLOATS;
}

static const struct {
    const char *name;
    job run;
    int argument;
} jobs[] = {
#define FERRY_UNARY(name, alpha, beta, zero) {"unary " #name, unary, FERRY_UNARY_##name},
#include "kernels/activation/unary.def"
#undef FERRY_UNARY
    {"binary add", binary, FERRY_BINARY_add},
    {"binary max", binary, FERRY_BINARY_max},
    {"binary mul rows of 2", binary_short, FERRY_BINARY_mul},
    {"transpose 85x6400", transpose, 0},
    {"slice 2 of 85", slice, 2},
    {"slice 81 of 85", slice, 81},
    {"reorder to blocked", to_blocked, 0},
    {"reorder to plain", to_blocked, 1},
    {"max pool 5x5/1", max_pool, 51},
    {"max pool 3x3/2", max_pool, 32},
    {"max pool 2x2/2", max_pool, 22},
    {"resize nearest x2", resize, FERRY_RESIZE_NEAREST},
    {"resize linear x2", resize, FERRY_RESIZE_LINEAR},
    {"resize cubic x2", resize, FERRY_RESIZE_CUBIC},
    {"softmax rows of 1024", softmax, 1024},
    {"layer norm rows of 768", layer_norm, 768},
    {"reduce sum", reduce, FERRY_REDUCTION_sum},
    {"reduce max", reduce, FERRY_REDUCTION_max},
    {"argmax rows of 80", arg_max, 80},
    {"quantize u8", quantize, 0},
    {"dequantize u8", dequantize, 0},
    {"half to float", half, 0},
    {"float to half", half, 1},
};

static double seconds_of_copy(const tables *t, double bytes) {
    double start = ferry_time_seconds();
    memcpy(t->out, t->other, (size_t)(bytes / 2));
    return ferry_time_seconds() - start;
}

static void measure(const tables *t, size_t index) {
    double best = 1e9, copy = 1e9, bytes = 0.0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = ferry_time_seconds();
        bytes = jobs[index].run(t, jobs[index].argument);
        double taken = ferry_time_seconds() - start, copied = seconds_of_copy(t, bytes);
        best = taken < best ? taken : best;
        copy = copied < copy ? copied : copy;
    }
    printf("%-24s %8.3f ms %7.2f GB/s %5.0f %% of memcpy\n", jobs[index].name, best * 1e3, bytes / best * 1e-9,
           100.0 * copy / best);
}

int main(int argc, char **argv) {
    uint32_t features = ferry_cpu_features();
    tables t = {.in = ferry_aligned_malloc(FLOATS * 4),
                .other = ferry_aligned_malloc(FLOATS * 8),
                .out = ferry_aligned_malloc(FLOATS * 8),
                .index = ferry_aligned_malloc(4096 * 4),
                .weight = ferry_aligned_malloc(4096 * 4)};
    if (!t.in || !t.other || !t.out || !t.index || !t.weight) return fputs("out of memory\n", stderr), 1;
    t.block = features & FERRY_CPU_AVX512 ? 16 : features & FERRY_CPU_AVX2 ? 8 : 4;
    ferry_unary_init(&t.unary, features);
    ferry_binary_init(&t.binary, features);
    ferry_movement_init(&t.movement, features);
    ferry_pool_init(&t.pool, features);
    ferry_resize_init(&t.resize, features);
    ferry_reduce_init(&t.reduce, features);
    ferry_normalize_init(&t.normalize, features);
    ferry_quantize_init(&t.quantize, features);
    ferry_convert_init(&t.convert, features);
    for (int i = 0; i < FLOATS; i++)
        t.in[i] = (float)(i % 1013) / 506.0f - 1.0f, t.other[i] = 0.5f, t.other[FLOATS + i] = 0.25f;
    memset(t.out, 0, FLOATS * 8);
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        if (argc < 2 || strstr(jobs[i].name, argv[1])) measure(&t, i);
    ferry_aligned_free(t.in), ferry_aligned_free(t.other), ferry_aligned_free(t.out), ferry_aligned_free(t.index),
        ferry_aligned_free(t.weight);
    return 0;
}
