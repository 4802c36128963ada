/* SPDX-License-Identifier: Apache-2.0 */
/* Normalisation by its definitions in double precision, and the dispatch. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernels/normalize/normalize.h"

static void moments_of(const float *in, int64_t count, int64_t stride, double *mean, double *variance) {
    double sum = 0.0, squares = 0.0;
    for (int64_t i = 0; i < count; i++) sum += (double)in[i * stride];
    *mean = sum / (double)count;
    for (int64_t i = 0; i < count; i++) {
        double d = (double)in[i * stride] - *mean;
        squares += d * d;
    }
    *variance = squares / (double)count;
}

static ferry_moments moments(const float *in, int64_t count) {
    double mean, variance;
    moments_of(in, count, 1, &mean, &variance);
    return (ferry_moments){(float)mean, (float)variance};
}

static void normalize_row(float *out, const float *in, int64_t count, const float *scale, const float *shift, double mean,
                          double variance, float epsilon, float statistics[2]) {
    double inverse = 1.0 / sqrt(variance + (double)epsilon);
    for (int64_t i = 0; i < count; i++) {
        double x = ((double)in[i] - mean) * inverse;
        out[i] = (float)(x * (scale ? (double)scale[i] : 1.0) + (shift ? (double)shift[i] : 0.0));
    }
    statistics[0] = (float)mean;
    statistics[1] = (float)inverse;
}

static void layer_norm(float *out, const float *in, int64_t count, const float *scale, const float *shift, float epsilon,
                       float statistics[2]) {
    double mean, variance;
    moments_of(in, count, 1, &mean, &variance);
    normalize_row(out, in, count, scale, shift, mean, variance, epsilon, statistics);
}

static void rms_norm(float *out, const float *in, int64_t count, const float *scale, const float *shift, float epsilon,
                     float statistics[2]) {
    double squares = 0.0;
    for (int64_t i = 0; i < count; i++) squares += (double)in[i] * (double)in[i];
    normalize_row(out, in, count, scale, shift, 0.0, squares / (double)count, epsilon, statistics);
}

static void lrn(const ferry_lrn *l, float *out, const float *in, int64_t pixels) {
    for (int64_t c = 0; c < l->channels; c++)
        for (int64_t p = 0; p < pixels; p++) {
            int64_t first = c - (l->size - 1) / 2, last = c + l->size / 2;
            double sum = 0.0;
            for (int64_t k = first < 0 ? 0 : first; k <= last && k < l->channels; k++)
                sum += (double)in[k * l->plane + p] * (double)in[k * l->plane + p];
            out[c * l->plane + p] = (float)((double)in[c * l->plane + p] /
                                            pow((double)l->bias + (double)l->alpha / (double)l->size * sum, (double)l->beta));
        }
}

#define BLOCKED(lanes)                                                                                                         \
    static void affine_##lanes(float *out, const float *in, int64_t pixels, const float *scale, const float *shift) {          \
        for (int64_t i = 0; i < pixels * lanes; i++) out[i] = in[i] * scale[i % lanes] + shift[i % lanes];                     \
    }                                                                                                                          \
    static void moments_##lanes(float *mean, float *variance, const float *in, int64_t pixels) {                               \
        for (int lane = 0; lane < lanes; lane++) {                                                                             \
            double m, v;                                                                                                       \
            moments_of(in + lane, pixels, lanes, &m, &v);                                                                      \
            mean[lane] = (float)m;                                                                                             \
            variance[lane] = (float)v;                                                                                         \
        }                                                                                                                      \
    }

BLOCKED(4)
BLOCKED(8)
BLOCKED(16)

void ferry_normalize_init(ferry_normalize_table *table, uint32_t features) {
    (void)features;
    *table = (ferry_normalize_table){
        .moments = moments,
        .affine_blocked = {affine_4, affine_8, affine_16},
        .moments_blocked = {moments_4, moments_8, moments_16},
        .layer_norm = layer_norm,
        .rms_norm = rms_norm,
        .lrn = lrn,
    };
#define FERRY_KERNEL_SET(set, need)                                                                                            \
    if ((features & (need)) == (need)) ferry_normalize_init_##set(table);
#include "kernels/sets.def"
}
