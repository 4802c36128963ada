/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions on vectors; compiled once an instruction set. A contiguous row is folded by four vectors at a time; columns are
 * folded a vector of columns at a time. */
#include "kernels/activation/functions.h"
#include "kernels/reduce/reduce.h"

/* How elements are folded: step takes one more element, join folds two partial results. */
typedef enum fold { FOLD_SUM, FOLD_MAGNITUDES, FOLD_SQUARES, FOLD_MAX, FOLD_MIN, FOLD_PROD } fold;

enum { WAYS = 4, RUN = 64 };

FERRY_INLINE vec neutral(fold kind) {
    return vec_set1(kind == FOLD_MAX ? -INFINITY : kind == FOLD_MIN ? INFINITY : kind == FOLD_PROD ? 1.0f : 0.0f);
}

/* NaN wins: vec_max and vec_min return their second operand when either is NaN, so a NaN in the first is kept by hand. */
FERRY_INLINE vec join(fold kind, vec a, vec b) {
    switch (kind) {
    case FOLD_MAX: return vec_select(vec_equal(a, a), vec_max(a, b), a);
    case FOLD_MIN: return vec_select(vec_equal(a, a), vec_min(a, b), a);
    case FOLD_PROD: return vec_mul(a, b);
    default: return vec_add(a, b);
    }
}

FERRY_INLINE vec step(fold kind, vec total, vec x) {
    if (kind == FOLD_MAGNITUDES) return vec_add(total, vec_abs(x));
    if (kind == FOLD_SQUARES) return vec_fmadd(x, x, total);
    return join(kind, total, x);
}

/* Folds the elements of one row whose index is below whole = count rounded down to full vectors; lanes keep partial results. */
FERRY_INLINE vec fold_run(fold kind, const float *in, int64_t from, int64_t to) {
    vec total[WAYS];
    for (int way = 0; way < WAYS; way++) total[way] = neutral(kind);
    for (; from + WAYS * FERRY_VEC <= to; from += WAYS * FERRY_VEC)
        for (int way = 0; way < WAYS; way++) total[way] = step(kind, total[way], vec_load(in + from + way * FERRY_VEC));
    for (; from + FERRY_VEC <= to; from += FERRY_VEC) total[0] = step(kind, total[0], vec_load(in + from));
    return join(kind, join(kind, total[0], total[1]), join(kind, total[2], total[3]));
}

FERRY_INLINE vec fold_row(fold kind, const float *in, int64_t count) {
    const int64_t run = (int64_t)RUN * WAYS * FERRY_VEC, whole = count / FERRY_VEC * FERRY_VEC;
    vec total = neutral(kind);
    for (int64_t i = 0; i < whole; i += run)
        total = join(kind, total, fold_run(kind, in, i, whole - i < run ? whole : i + run));
    if (whole == count) return total;
    float rest[FERRY_VEC];
    vec_store(rest, neutral(kind));
    memcpy(rest, in + whole, (size_t)(count - whole) * sizeof *rest);
    return step(kind, total, vec_load(rest));
}

FERRY_INLINE vec load_columns(const float *in, int n) { return n == FERRY_VEC ? vec_load(in) : vec_load_partial(in, n); }

/* n <= FERRY_VEC columns from in on. */
FERRY_INLINE vec fold_columns(fold kind, const float *in, int64_t count, int64_t stride, int n) {
    vec total = neutral(kind);
    for (int64_t i = 0; i < count;) {
        int64_t stop = count - i < RUN ? count : i + RUN;
        vec even = neutral(kind), odd = neutral(kind);
        for (; i + 2 <= stop; i += 2) {
            even = step(kind, even, load_columns(in + i * stride, n));
            odd = step(kind, odd, load_columns(in + (i + 1) * stride, n));
        }
        if (i < stop) even = step(kind, even, load_columns(in + i * stride, n)), i++;
        total = join(kind, total, join(kind, even, odd));
    }
    return total;
}

FERRY_INLINE float fold_lanes(fold kind, vec v) {
    float lane[FERRY_VEC], spread[FERRY_VEC];
    vec_store(lane, v);
    for (int width = FERRY_VEC / 2; width > 0; width /= 2) {
        memcpy(spread, lane, sizeof spread);
        for (int i = 0; i < width; i++) spread[i] = lane[i + width];
        vec_store(lane, join(kind, vec_load(lane), vec_load(spread)));
    }
    return lane[0];
}

FERRY_INLINE void reduce(fold kind, float *out, const float *in, int64_t count, int64_t stride, int64_t columns) {
    if (stride == 1 && columns == 1) {
        out[0] = fold_lanes(kind, fold_row(kind, in, count));
        return;
    }
    int64_t j = 0;
    for (; j + FERRY_VEC <= columns; j += FERRY_VEC) vec_store(out + j, fold_columns(kind, in + j, count, stride, FERRY_VEC));
    int rest = (int)(columns - j);
    if (rest > 0) vec_store_partial(out + j, fold_columns(kind, in + j, count, stride, rest), rest);
}

FERRY_INLINE void finish_mean(float *out, int64_t columns, int64_t count) {
    for (int64_t j = 0; j < columns; j++) out[j] = out[j] / (float)count;
}
FERRY_INLINE void finish_root(float *out, int64_t columns) {
    for (int64_t j = 0; j < columns; j++) out[j] = sqrtf(out[j]);
}
FERRY_INLINE void finish_log(float *out, int64_t columns) {
    for (int64_t j = 0; j < columns; j++) out[j] = logf(out[j]);
}

#define REDUCE(name, kind, finish)                                                                                             \
    static void reduce_##name(float *out, const float *in, int64_t count, int64_t stride, int64_t columns) {                   \
        reduce(kind, out, in, count, stride, columns);                                                                         \
        finish;                                                                                                                \
    }
REDUCE(sum, FOLD_SUM, (void)0)
REDUCE(mean, FOLD_SUM, finish_mean(out, columns, count))
REDUCE(max, FOLD_MAX, (void)0)
REDUCE(min, FOLD_MIN, (void)0)
REDUCE(prod, FOLD_PROD, (void)0)
REDUCE(l1, FOLD_MAGNITUDES, (void)0)
REDUCE(l2, FOLD_SQUARES, finish_root(out, columns))
REDUCE(sum_square, FOLD_SQUARES, (void)0)
REDUCE(log_sum, FOLD_SUM, finish_log(out, columns))

/* ---- exponentials: softmax and log-sum-exp ---- */

/* exp(x - highest) summed over a row; written to out unless that is NULL. */
FERRY_INLINE float exponentials_of_row(float *out, const float *in, int64_t count, float highest) {
    const vec origin = vec_set1(highest);
    vec sum[2] = {vec_zero(), vec_zero()};
    int64_t i = 0;
    for (; i + 2 * FERRY_VEC <= count; i += 2 * FERRY_VEC) {
        vec a = vec_exp(vec_sub(vec_load(in + i), origin)), b = vec_exp(vec_sub(vec_load(in + i + FERRY_VEC), origin));
        if (out) vec_store(out + i, a), vec_store(out + i + FERRY_VEC, b);
        sum[0] = vec_add(sum[0], a);
        sum[1] = vec_add(sum[1], b);
    }
    for (; i < count; i += FERRY_VEC) {
        int n = count - i < FERRY_VEC ? (int)(count - i) : FERRY_VEC;
        float lanes[FERRY_VEC]; /* the lanes behind the row must not count */
        vec_store(lanes, vec_set1(-INFINITY));
        memcpy(lanes, in + i, (size_t)n * sizeof *lanes);
        vec a = vec_exp(vec_sub(vec_load(lanes), origin));
        if (n < FERRY_VEC) {
            vec_store(lanes, a);
            for (int lane = n; lane < FERRY_VEC; lane++) lanes[lane] = 0.0f;
            a = vec_load(lanes);
        }
        if (out) vec_store_partial(out + i, a, n);
        sum[0] = vec_add(sum[0], a);
    }
    return vec_sum(vec_add(sum[0], sum[1]));
}

FERRY_INLINE void map_row(float *out, const float *in, int64_t count, float factor, float term) {
    const vec f = vec_set1(factor), t = vec_set1(term);
    for (int64_t i = 0; i < count; i += FERRY_VEC) {
        int n = count - i < FERRY_VEC ? (int)(count - i) : FERRY_VEC;
        if (n == FERRY_VEC)
            vec_store(out + i, vec_add(vec_mul(vec_load(in + i), f), t));
        else
            vec_store_partial(out + i, vec_add(vec_mul(vec_load_partial(in + i, n), f), t), n);
    }
}

static void softmax_row(float *out, const float *in, int64_t count, bool logarithm) {
    float highest = fold_lanes(FOLD_MAX, fold_row(FOLD_MAX, in, count));
    float sum = exponentials_of_row(logarithm ? NULL : out, in, count, highest);
    if (!logarithm) {
        map_row(out, out, count, 1.0f / sum, 0.0f);
        return;
    }
    /* Not x - (highest + log(sum)): that would round away what is small beside `highest`. */
    float logarithm_of_sum = logf(sum);
    map_row(out, in, count, 1.0f, -highest);
    map_row(out, out, count, 1.0f, -logarithm_of_sum);
}

FERRY_INLINE void store_columns(float *out, vec v, int n) {
    if (n == FERRY_VEC)
        vec_store(out, v);
    else
        vec_store_partial(out, v, n);
}

FERRY_INLINE void softmax_columns(float *out, const float *in, int64_t count, int64_t stride, int n, bool logarithm) {
    vec highest = fold_columns(FOLD_MAX, in, count, stride, n), sum = vec_zero();
    for (int64_t i = 0; i < count; i++) {
        vec e = vec_exp(vec_sub(load_columns(in + i * stride, n), highest));
        if (!logarithm) store_columns(out + i * stride, e, n);
        sum = vec_add(sum, e);
    }
    if (!logarithm) {
        vec inverse = vec_div(vec_set1(1.0f), sum);
        for (int64_t i = 0; i < count; i++)
            store_columns(out + i * stride, vec_mul(load_columns(out + i * stride, n), inverse), n);
        return;
    }
    vec logarithm_of_sum = log_vector(sum);
    for (int64_t i = 0; i < count; i++)
        store_columns(out + i * stride, vec_sub(vec_sub(load_columns(in + i * stride, n), highest), logarithm_of_sum), n);
}

FERRY_INLINE void softmax_any(float *out, const float *in, int64_t count, int64_t stride, int64_t columns, bool logarithm) {
    if (stride == 1 && columns == 1) {
        softmax_row(out, in, count, logarithm);
        return;
    }
    int64_t j = 0;
    for (; j + FERRY_VEC <= columns; j += FERRY_VEC) softmax_columns(out + j, in + j, count, stride, FERRY_VEC, logarithm);
    if (j < columns) softmax_columns(out + j, in + j, count, stride, (int)(columns - j), logarithm);
}

static void softmax(float *out, const float *in, int64_t count, int64_t stride, int64_t columns) {
    softmax_any(out, in, count, stride, columns, false);
}
static void log_softmax(float *out, const float *in, int64_t count, int64_t stride, int64_t columns) {
    softmax_any(out, in, count, stride, columns, true);
}

static void reduce_log_sum_exp(float *out, const float *in, int64_t count, int64_t stride, int64_t columns) {
    for (int64_t j = 0; j < columns; j += FERRY_VEC) {
        int n = columns - j < FERRY_VEC ? (int)(columns - j) : FERRY_VEC;
        if (stride == 1 && columns == 1) {
            float highest = fold_lanes(FOLD_MAX, fold_row(FOLD_MAX, in, count)), origin = isinf(highest) ? 0.0f : highest;
            out[0] = origin + logf(exponentials_of_row(NULL, in, count, origin));
            return;
        }
        vec highest = fold_columns(FOLD_MAX, in + j, count, stride, n), sum = vec_zero();
        vec origin = vec_select(vec_equal(vec_abs(highest), vec_set1(INFINITY)), vec_zero(), highest);
        for (int64_t i = 0; i < count; i++) sum = vec_add(sum, vec_exp(vec_sub(load_columns(in + i * stride + j, n), origin)));
        store_columns(out + j, vec_add(origin, log_vector(sum)), n);
    }
}

/* ---- arguments of extremes ---- */

FERRY_INLINE int64_t arg_of_row(const float *in, int64_t count, fold kind, bool last) {
    float best = in[0];
    if (isnan(best)) return 0;
    vec lanes = vec_set1(best);
    int64_t i = 0;
    for (; i + FERRY_VEC <= count; i += FERRY_VEC) { /* a NaN operand leaves the second one, which is never NaN here */
        vec x = vec_load(in + i);
        lanes = kind == FOLD_MAX ? vec_select(vec_less(lanes, x), x, lanes) : vec_select(vec_less(x, lanes), x, lanes);
    }
    best = kind == FOLD_MAX ? vec_highest(lanes) : vec_lowest(lanes);
    for (; i < count; i++) best = kind == FOLD_MAX ? (in[i] > best ? in[i] : best) : (in[i] < best ? in[i] : best);
    if (last) {
        for (i = count - 1; i > 0 && !(in[i] == best); i--) {
        }
        return i;
    }
    for (i = 0; i < count - 1 && !(in[i] == best); i++) {
    }
    return i;
}

FERRY_INLINE void arg_of_columns(int64_t *out, const float *in, int64_t count, int64_t stride, int columns, fold kind,
                                 bool last) {
    enum { MOST = 64 };
    float best[MOST];
    int32_t place[MOST] = {0};
    memcpy(best, in, (size_t)columns * sizeof *best);
    for (int64_t i = 1; i < count; i++) {
        const float *row = in + i * stride;
        for (int j = 0; j < columns; j++) {
            bool better = (kind == FOLD_MAX ? row[j] > best[j] : row[j] < best[j]) || (last && row[j] == best[j]);
            best[j] = better ? row[j] : best[j];
            place[j] = better ? (int32_t)i : place[j];
        }
    }
    for (int j = 0; j < columns; j++) out[j] = place[j];
}

FERRY_INLINE void arg_any(int64_t *out, const float *in, int64_t count, int64_t stride, int64_t columns, fold kind, bool last) {
    if (stride == 1 && columns == 1) {
        out[0] = arg_of_row(in, count, kind, last);
        return;
    }
    for (int64_t j = 0; j < columns; j += 64)
        arg_of_columns(out + j, in + j, count, stride, columns - j < 64 ? (int)(columns - j) : 64, kind, last);
}

static void arg_max(int64_t *out, const float *in, int64_t count, int64_t stride, int64_t columns, bool last) {
    arg_any(out, in, count, stride, columns, FOLD_MAX, last);
}
static void arg_min(int64_t *out, const float *in, int64_t count, int64_t stride, int64_t columns, bool last) {
    arg_any(out, in, count, stride, columns, FOLD_MIN, last);
}

void FERRY_ISA(ferry_reduce_init)(ferry_reduce_table *table) {
#define FERRY_REDUCTION(name) table->run[FERRY_REDUCTION_##name] = reduce_##name;
#include "kernels/reduce/reduction.def"
#undef FERRY_REDUCTION
    table->arg_max = arg_max;
    table->arg_min = arg_min;
    table->softmax = softmax;
    table->log_softmax = log_softmax;
}
