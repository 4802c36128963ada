/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling by its definition, for planes of any number of lanes a pixel, and the dispatch. */
#include <math.h>

#include "kernels/pool/pool.h"

/* NaN wins, as in the peers. */
static float larger(float a, float b) { return b > a || isnan(b) ? b : a; }

/* One lane of one output. */
static float pool_one(const ferry_pooling *p, const float *in, int lanes, int64_t z, int64_t y, int64_t x, bool average) {
    int64_t first[3], last[3], o[3] = {z, y, x}, positions = 1;
    for (int d = 0; d < 3; d++) {
        ferry_pool_window(p, d, o[d], &first[d], &last[d]);
        positions *= p->count_padding ? ferry_pool_padded_window(p, d, o[d]) : last[d] - first[d];
    }
    float highest = -INFINITY;
    double sum = 0.0;
    for (int64_t i = first[0]; i < last[0]; i++)
        for (int64_t j = first[1]; j < last[1]; j++)
            for (int64_t k = first[2]; k < last[2]; k++) {
                int64_t iz = z * p->stride[0] - p->before[0] + i * p->dilation[0];
                int64_t iy = y * p->stride[1] - p->before[1] + j * p->dilation[1];
                int64_t ix = x * p->stride[2] - p->before[2] + k * p->dilation[2];
                float value = in[((iz * p->input[1] + iy) * p->input[2] + ix) * lanes];
                highest = larger(highest, value);
                sum += (double)value;
            }
    return average ? (float)(sum / (double)(positions > 0 ? positions : 1)) : highest;
}

static void pool(const ferry_pooling *p, float *out, const float *in, int64_t first, int64_t last, int lanes, bool average) {
    out += first * p->output[2] * lanes;
    for (int64_t row = first; row < last; row++)
        for (int64_t x = 0; x < p->output[2]; x++)
            for (int lane = 0; lane < lanes; lane++)
                *out++ = pool_one(p, in + lane, lanes, row / p->output[1], row % p->output[1], x, average);
}

static void sum_all(float *out, const float *in, int64_t pixels, int lanes) {
    for (int lane = 0; lane < lanes; lane++) {
        double sum = 0.0;
        for (int64_t i = 0; i < pixels; i++) sum += (double)in[i * lanes + lane];
        out[lane] = (float)sum;
    }
}

static void max_all(float *out, const float *in, int64_t pixels, int lanes) {
    for (int lane = 0; lane < lanes; lane++) {
        float highest = -INFINITY;
        for (int64_t i = 0; i < pixels; i++) highest = larger(highest, in[i * lanes + lane]);
        out[lane] = highest;
    }
}

#define POOL(lanes)                                                                                                            \
    static void max_##lanes(const ferry_pooling *p, float *out, const float *in, int64_t first, int64_t last) {                \
        pool(p, out, in, first, last, lanes, false);                                                                           \
    }                                                                                                                          \
    static void average_##lanes(const ferry_pooling *p, float *out, const float *in, int64_t first, int64_t last) {            \
        pool(p, out, in, first, last, lanes, true);                                                                            \
    }                                                                                                                          \
    __attribute__((unused)) static void sum_all_##lanes(float *out, const float *in, int64_t pixels) {                         \
        sum_all(out, in, pixels, lanes);                                                                                       \
    }                                                                                                                          \
    __attribute__((unused)) static void max_all_##lanes(float *out, const float *in, int64_t pixels) {                         \
        max_all(out, in, pixels, lanes);                                                                                       \
    }

POOL(1)
POOL(4)
POOL(8)
POOL(16)

void ferry_pool_init(ferry_pool_table *table, uint32_t features) {
    (void)features;
    *table = (ferry_pool_table){
        .max_plain = max_1,
        .average_plain = average_1,
        .max_blocked = {max_4, max_8, max_16},
        .average_blocked = {average_4, average_8, average_16},
        .sum_global = {sum_all_4, sum_all_8, sum_all_16},
        .max_global = {max_all_4, max_all_8, max_all_16},
    };
#define FERRY_KERNEL_SET(set, need)                                                                                            \
    if ((features & (need)) == (need)) ferry_pool_init_##set(table);
#include "kernels/sets.def"
}
