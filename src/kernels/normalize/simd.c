/* SPDX-License-Identifier: Apache-2.0 */
/* Normalisation on vectors; compiled once an instruction set. Sums run in float over at most 4 * 64 vectors and are added up in
 * double. */
#include "kernels/activation/functions.h"
#include "kernels/normalize/normalize.h"

enum { WAYS = 4, RUN = 64 * WAYS };

/* The sum of (x - origin), or of its square, over a row. */
FERRY_INLINE double sum_row(const float *in, int64_t count, float origin, int squares) {
    const vec o = vec_set1(origin);
    double total = 0.0;
    int64_t i = 0;
    while (i + FERRY_VEC <= count) {
        int64_t stop = count - i < (int64_t)RUN * FERRY_VEC ? count : i + (int64_t)RUN * FERRY_VEC;
        vec sum[WAYS] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
        for (int way = 0; i + FERRY_VEC <= stop; i += FERRY_VEC, way = (way + 1) % WAYS) {
            vec d = vec_sub(vec_load(in + i), o);
            sum[way] = squares ? vec_fmadd(d, d, sum[way]) : vec_add(sum[way], d);
        }
        total += (double)vec_sum(vec_add(vec_add(sum[0], sum[1]), vec_add(sum[2], sum[3])));
    }
    for (; i < count; i++) {
        double d = (double)in[i] - (double)origin;
        total += squares ? d * d : d;
    }
    return total;
}

static ferry_moments moments(const float *in, int64_t count) {
    float mean =
        (float)((double)in[0] + sum_row(in, count, in[0], 0) / (double)count); /* relative to one of them: less to round */
    return (ferry_moments){mean, (float)(sum_row(in, count, mean, 1) / (double)count)};
}

FERRY_INLINE vec load_some(const float *p, int n) { return n == FERRY_VEC ? vec_load(p) : vec_load_partial(p, n); }

FERRY_INLINE void map_row(float *out, const float *in, int64_t count, const float *scale, const float *shift, float mean,
                          float inverse) {
    const vec m = vec_set1(mean), inv = vec_set1(inverse);
    for (int64_t i = 0; i < count; i += FERRY_VEC) {
        int n = count - i < FERRY_VEC ? (int)(count - i) : FERRY_VEC;
        vec x = vec_mul(vec_sub(load_some(in + i, n), m), inv);
        if (scale) x = vec_mul(x, load_some(scale + i, n));
        if (shift) x = vec_add(x, load_some(shift + i, n));
        if (n == FERRY_VEC)
            vec_store(out + i, x);
        else
            vec_store_partial(out + i, x, n);
    }
}

static void layer_norm(float *out, const float *in, int64_t count, const float *scale, const float *shift, float epsilon,
                       float statistics[2]) {
    ferry_moments m = moments(in, count);
    float inverse = 1.0f / sqrtf(m.variance + epsilon);
    map_row(out, in, count, scale, shift, m.mean, inverse);
    statistics[0] = m.mean;
    statistics[1] = inverse;
}

static void rms_norm(float *out, const float *in, int64_t count, const float *scale, const float *shift, float epsilon,
                     float statistics[2]) {
    float inverse = 1.0f / sqrtf((float)(sum_row(in, count, 0.0f, 1) / (double)count) + epsilon);
    map_row(out, in, count, scale, shift, 0.0f, inverse);
    statistics[0] = 0.0f;
    statistics[1] = inverse;
}

static void affine_blocked(float *out, const float *in, int64_t pixels, const float *scale, const float *shift) {
    const vec a = vec_load(scale), b = vec_load(shift);
    for (int64_t p = 0; p < pixels * FERRY_VEC; p += FERRY_VEC) vec_store(out + p, vec_fmadd(vec_load(in + p), a, b));
}

/* The sums, a lane each, of (x - origin) or of its square. */
FERRY_INLINE void sum_lanes(double *total, const float *in, int64_t pixels, vec origin, int squares) {
    for (int lane = 0; lane < FERRY_VEC; lane++) total[lane] = 0.0;
    for (int64_t i = 0; i < pixels;) {
        int64_t stop = pixels - i < RUN ? pixels : i + RUN;
        vec sum[2] = {vec_zero(), vec_zero()};
        for (int way = 0; i < stop; i++, way ^= 1) {
            vec d = vec_sub(vec_load(in + i * FERRY_VEC), origin);
            sum[way] = squares ? vec_fmadd(d, d, sum[way]) : vec_add(sum[way], d);
        }
        float lanes[FERRY_VEC];
        vec_store(lanes, vec_add(sum[0], sum[1]));
        for (int lane = 0; lane < FERRY_VEC; lane++) total[lane] += (double)lanes[lane];
    }
}

static void moments_blocked(float *mean, float *variance, const float *in, int64_t pixels) {
    double total[FERRY_VEC];
    sum_lanes(total, in, pixels, vec_load(in), 0);
    for (int lane = 0; lane < FERRY_VEC; lane++) mean[lane] = (float)((double)in[lane] + total[lane] / (double)pixels);
    sum_lanes(total, in, pixels, vec_load(mean), 1);
    for (int lane = 0; lane < FERRY_VEC; lane++) variance[lane] = (float)(total[lane] / (double)pixels);
}

/* n <= FERRY_VEC neighbouring pixels of all channels. */
FERRY_INLINE void lrn_pixels(const ferry_lrn *l, float *out, const float *in, int n) {
    const vec factor = vec_set1(l->alpha / (float)l->size), bias = vec_set1(l->bias), power = vec_set1(-l->beta);
    for (int64_t c = 0; c < l->channels; c++) {
        int64_t first = c - (l->size - 1) / 2, last = c + l->size / 2;
        vec sum = vec_zero();
        if (last >= l->channels) last = l->channels - 1;
        for (int64_t k = first < 0 ? 0 : first; k <= last; k++) {
            vec x = load_some(in + k * l->plane, n);
            sum = vec_fmadd(x, x, sum);
        }
        vec weight = vec_exp(vec_mul(power, log_vector(vec_fmadd(sum, factor, bias))));
        vec result = vec_mul(load_some(in + c * l->plane, n), weight);
        if (n == FERRY_VEC)
            vec_store(out + c * l->plane, result);
        else
            vec_store_partial(out + c * l->plane, result, n);
    }
}

static void lrn(const ferry_lrn *l, float *out, const float *in, int64_t pixels) {
    int64_t p = 0;
    for (; p + FERRY_VEC <= pixels; p += FERRY_VEC) lrn_pixels(l, out + p, in + p, FERRY_VEC);
    if (p < pixels) lrn_pixels(l, out + p, in + p, (int)(pixels - p));
}

void FERRY_ISA(ferry_normalize_init)(ferry_normalize_table *table) {
    int index = ferry_normalize_block_index(FERRY_VEC);
    table->moments = moments;
    table->affine_blocked[index] = affine_blocked;
    table->moments_blocked[index] = moments_blocked;
    table->layer_norm = layer_norm;
    table->rms_norm = rms_norm;
    table->lrn = lrn;
}
