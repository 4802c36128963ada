/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions by their definitions in double precision, and the dispatch. */
#include <math.h>

#include "kernels/reduce/reduce.h"

static double highest_of(const float *in, int64_t count, int64_t stride) {
    double highest = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        double x = (double)in[i * stride];
        if (x > highest || isnan(x)) highest = x;
        if (isnan(x)) return x;
    }
    return highest;
}

static double lowest_of(const float *in, int64_t count, int64_t stride) {
    double lowest = INFINITY;
    for (int64_t i = 0; i < count; i++) {
        double x = (double)in[i * stride];
        if (x < lowest) lowest = x;
        if (isnan(x)) return x;
    }
    return lowest;
}

static double prod_of(const float *in, int64_t count, int64_t stride) {
    double product = 1.0;
    for (int64_t i = 0; i < count; i++) product *= (double)in[i * stride];
    return product;
}

static double sum_of(const float *in, int64_t count, int64_t stride) {
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) sum += (double)in[i * stride];
    return sum;
}

static double sum_of_magnitudes(const float *in, int64_t count, int64_t stride) {
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) sum += fabs((double)in[i * stride]);
    return sum;
}

static double sum_of_squares(const float *in, int64_t count, int64_t stride) {
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) sum += (double)in[i * stride] * (double)in[i * stride];
    return sum;
}

/* What the exponents are taken relative to: 0 where the greatest is infinite, so that infinity - infinity does not arise. */
static double log_sum_exp_of(const float *in, int64_t count, int64_t stride) {
    double highest = highest_of(in, count, stride), sum = 0.0, origin = isinf(highest) ? 0.0 : highest;
    for (int64_t i = 0; i < count; i++) sum += exp((double)in[i * stride] - origin);
    return origin + log(sum);
}

#define REDUCE(name, expression)                                                                                               \
    static void reduce_##name(float *out, const float *in, int64_t count, int64_t stride, int64_t columns) {                   \
        for (int64_t j = 0; j < columns; j++, in++) out[j] = (float)(expression);                                              \
    }

REDUCE(sum, sum_of(in, count, stride))
REDUCE(mean, sum_of(in, count, stride) / (double)count)
REDUCE(max, highest_of(in, count, stride))
REDUCE(min, lowest_of(in, count, stride))
REDUCE(prod, prod_of(in, count, stride))
REDUCE(l1, sum_of_magnitudes(in, count, stride))
REDUCE(l2, sqrt(sum_of_squares(in, count, stride)))
REDUCE(sum_square, sum_of_squares(in, count, stride))
REDUCE(log_sum, log(sum_of(in, count, stride)))
REDUCE(log_sum_exp, log_sum_exp_of(in, count, stride))

static int64_t arg_of(const float *in, int64_t count, int64_t stride, float sign, bool last) {
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++) {
        float x = sign * in[i * stride], y = sign * in[best * stride];
        if (x > y || (last && x == y)) best = i;
    }
    return best;
}

static void arg_max(int64_t *out, const float *in, int64_t count, int64_t stride, int64_t columns, bool last) {
    for (int64_t j = 0; j < columns; j++) out[j] = arg_of(in + j, count, stride, 1.0f, last);
}

static void arg_min(int64_t *out, const float *in, int64_t count, int64_t stride, int64_t columns, bool last) {
    for (int64_t j = 0; j < columns; j++) out[j] = arg_of(in + j, count, stride, -1.0f, last);
}

static void softmax_column(float *out, const float *in, int64_t count, int64_t stride, bool logarithm) {
    double highest = highest_of(in, count, stride), sum = 0.0;
    for (int64_t i = 0; i < count; i++) sum += exp((double)in[i * stride] - highest);
    double log_of_sum = log(sum);
    for (int64_t i = 0; i < count; i++) {
        double x = (double)in[i * stride] - highest;
        out[i * stride] = (float)(logarithm ? x - log_of_sum : exp(x) / sum);
    }
}

static void softmax(float *out, const float *in, int64_t count, int64_t stride, int64_t columns) {
    for (int64_t j = 0; j < columns; j++) softmax_column(out + j, in + j, count, stride, false);
}

static void log_softmax(float *out, const float *in, int64_t count, int64_t stride, int64_t columns) {
    for (int64_t j = 0; j < columns; j++) softmax_column(out + j, in + j, count, stride, true);
}

void ferry_turn_rows(float *turned, const float *rows, int64_t row_count, int64_t count) {
    for (int64_t r = 0; r < row_count; r++)
        for (int64_t i = 0; i < count; i++) turned[i * row_count + r] = rows[r * count + i];
}

void ferry_turn_back(float *rows, const float *turned, int64_t row_count, int64_t count) {
    for (int64_t r = 0; r < row_count; r++)
        for (int64_t i = 0; i < count; i++) rows[r * count + i] = turned[i * row_count + r];
}

void ferry_reduce_init(ferry_reduce_table *table, uint32_t features) {
    (void)features;
#define FERRY_REDUCTION(name) table->run[FERRY_REDUCTION_##name] = reduce_##name;
#include "kernels/reduce/reduction.def"
#undef FERRY_REDUCTION
    table->arg_max = arg_max;
    table->arg_min = arg_min;
    table->softmax = softmax;
    table->log_softmax = log_softmax;
#define FERRY_KERNEL_SET(set, need)                                                                                            \
    if ((features & (need)) == (need)) ferry_reduce_init_##set(table);
#include "kernels/sets.def"
}
