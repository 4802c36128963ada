/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling on vectors; compiled once an instruction set. Blocked: a vector is one pixel of a block; groups of neighbouring
 * outputs share the window's bounds and, for the usual strides, their loads. Plain: a vector is neighbouring outputs of a row.
 */
#include "kernels/pool/pool.h"
#include "kernels/vector/vector.h"

/* NaN wins: vec_max returns its second operand when either is NaN, so a NaN `best` must be kept by hand. */
FERRY_INLINE vec larger(vec best, vec value) { return vec_select(vec_equal(best, best), vec_max(best, value), best); }
FERRY_INLINE vec take(vec total, vec value, bool average) { return average ? vec_add(total, value) : larger(total, value); }
FERRY_INLINE vec start(bool average) { return average ? vec_zero() : vec_set1(-INFINITY); }

/* One output row's view of the input: which rows of the window exist. */
typedef struct window_rows {
    int64_t z0, z1, y0, y1; /* kernel indices */
    const float *origin;    /* input row of kernel index (0, 0): may lie outside */
    int64_t z_step, y_step; /* floats between the window's slices and rows */
    int64_t positions;      /* what the depth and height contribute to the divisor */
} window_rows;

static window_rows rows_of(const ferry_pooling *p, const float *in, int64_t row, int lanes) {
    window_rows w;
    int64_t z = row / p->output[1], y = row % p->output[1], row_floats = p->input[2] * lanes;
    ferry_pool_window(p, 0, z, &w.z0, &w.z1);
    ferry_pool_window(p, 1, y, &w.y0, &w.y1);
    w.z_step = p->dilation[0] * p->input[1] * row_floats;
    w.y_step = p->dilation[1] * row_floats;
    int64_t in_z = z * p->stride[0] - p->before[0], in_y = y * p->stride[1] - p->before[1];
    w.origin = in + (in_z * p->input[1] + in_y) * row_floats;
    w.positions = p->count_padding ? ferry_pool_padded_window(p, 0, z) * ferry_pool_padded_window(p, 1, y)
                                   : (w.z1 - w.z0) * (w.y1 - w.y0);
    return w;
}

static float divisor(const ferry_pooling *p, const window_rows *w, int64_t x, int64_t inside) {
    int64_t positions = w->positions * (p->count_padding ? ferry_pool_padded_window(p, 2, x) : inside);
    return positions > 0 ? (float)positions : 1.0f;
}

/* The outputs [*first, *last) of a row whose windows lie wholly inside the input's width. */
static void interior(const ferry_pooling *p, int64_t *first, int64_t *last) {
    int64_t reach = (p->kernel[2] - 1) * p->dilation[2], room = p->input[2] + p->before[2] - reach - 1;
    *first = (p->before[2] + p->stride[2] - 1) / p->stride[2];
    *last = room < 0 ? 0 : room / p->stride[2] + 1;
    if (*last > p->output[2]) *last = p->output[2];
    if (*first > *last) *first = *last;
}

/* ---- blocked: FERRY_VEC lanes a pixel ---- */

static void blocked_border(const ferry_pooling *p, const window_rows *w, float *out, int64_t x, bool average) {
    int64_t x0, x1, column = x * p->stride[2] - p->before[2];
    ferry_pool_window(p, 2, x, &x0, &x1);
    vec total = start(average);
    for (int64_t i = w->z0; i < w->z1; i++)
        for (int64_t j = w->y0; j < w->y1; j++) {
            const float *line = w->origin + i * w->z_step + j * w->y_step;
            for (int64_t k = x0; k < x1; k++)
                total = take(total, vec_load(line + (column + k * p->dilation[2]) * FERRY_VEC), average);
        }
    if (average) total = vec_div(total, vec_set1(divisor(p, w, x, x1 - x0)));
    vec_store(out + x * FERRY_VEC, total);
}

/* `group` neighbouring outputs from x on, all interior. kernel and stride are constants where they are specialised (dilation
 * 1), so that each input pixel of a line is loaded once and used by every window that holds it. */
FERRY_INLINE void blocked_group(const ferry_pooling *p, const window_rows *w, float *out, int64_t x, int group, int kernel,
                                int stride, int dilation, bool average) {
    enum { MOST = 4 };
    vec total[MOST];
    for (int g = 0; g < group; g++) total[g] = start(average);
    for (int64_t i = w->z0; i < w->z1; i++)
        for (int64_t j = w->y0; j < w->y1; j++) {
            const float *line = w->origin + i * w->z_step + j * w->y_step + (x * stride - p->before[2]) * FERRY_VEC;
            for (int k = 0; k < kernel; k++) {
                FERRY_UNROLL
                for (int g = 0; g < group; g++)
                    total[g] = take(total[g], vec_load(line + (g * stride + k * dilation) * FERRY_VEC), average);
            }
        }
    for (int g = 0; g < group; g++) {
        if (average) total[g] = vec_div(total[g], vec_set1(divisor(p, w, x + g, kernel)));
        vec_store(out + (x + g) * FERRY_VEC, total[g]);
    }
}

/* Four neighbouring interior outputs of a small window, dilation 1: first down each column of pixels, which the windows share,
 * then across. kernel and stride are constants. */
FERRY_INLINE void blocked_shared(const ferry_pooling *p, const window_rows *w, float *out, int64_t x, int kernel, int stride,
                                 bool average) {
    enum { MOST = 9 };
    const int columns = 3 * stride + kernel;
    vec column[MOST];
    FERRY_UNROLL
    for (int c = 0; c < columns; c++) column[c] = start(average);
    for (int64_t i = w->z0; i < w->z1; i++)
        for (int64_t j = w->y0; j < w->y1; j++) {
            const float *line = w->origin + i * w->z_step + j * w->y_step + (x * stride - p->before[2]) * FERRY_VEC;
            FERRY_UNROLL
            for (int c = 0; c < columns; c++) column[c] = take(column[c], vec_load(line + c * FERRY_VEC), average);
        }
    FERRY_UNROLL
    for (int g = 0; g < 4; g++) {
        vec total = column[g * stride];
        FERRY_UNROLL
        for (int k = 1; k < kernel; k++) total = take(total, column[g * stride + k], average);
        if (average) total = vec_div(total, vec_set1(divisor(p, w, x + g, kernel)));
        vec_store(out + (x + g) * FERRY_VEC, total);
    }
}

FERRY_INLINE void blocked_rows(const ferry_pooling *p, float *out, const float *in, int64_t first, int64_t last, int kernel,
                               int stride, int dilation, bool shared, bool average) {
    int64_t left, right, width = p->output[2];
    interior(p, &left, &right);
    for (int64_t row = first; row < last; row++) {
        float *line = out + row * width * FERRY_VEC;
        window_rows w = rows_of(p, in, row, FERRY_VEC);
        int64_t x = 0;
        for (; x < left; x++) blocked_border(p, &w, line, x, average);
        for (; x + 4 <= right; x += 4) {
            if (shared)
                blocked_shared(p, &w, line, x, kernel, stride, average);
            else
                blocked_group(p, &w, line, x, 4, kernel, stride, dilation, average);
        }
        for (; x < right; x++) blocked_group(p, &w, line, x, 1, kernel, stride, dilation, average);
        for (; x < width; x++) blocked_border(p, &w, line, x, average);
    }
}

FERRY_INLINE void blocked(const ferry_pooling *p, float *out, const float *in, int64_t first, int64_t last, bool average) {
    int kernel = (int)p->kernel[2], stride = (int)p->stride[2], dilation = (int)p->dilation[2];
    if (dilation == 1 && kernel == 2 && stride == 2)
        blocked_rows(p, out, in, first, last, 2, 2, 1, true, average);
    else if (dilation == 1 && kernel == 3 && stride == 2)
        blocked_rows(p, out, in, first, last, 3, 2, 1, true, average);
    else if (dilation == 1 && kernel == 3 && stride == 1)
        blocked_rows(p, out, in, first, last, 3, 1, 1, true, average);
    else if (dilation == 1 && kernel == 5 && stride == 1)
        blocked_rows(p, out, in, first, last, 5, 1, 1, true, average);
    else
        blocked_rows(p, out, in, first, last, kernel, stride, dilation, false, average);
}

static void max_blocked(const ferry_pooling *p, float *out, const float *in, int64_t first, int64_t last) {
    blocked(p, out, in, first, last, false);
}
static void average_blocked(const ferry_pooling *p, float *out, const float *in, int64_t first, int64_t last) {
    blocked(p, out, in, first, last, true);
}

/* ---- plain: neighbouring outputs of a row ---- */

static void plain_one(const ferry_pooling *p, const window_rows *w, float *out, int64_t x, bool average) {
    int64_t x0, x1, column = x * p->stride[2] - p->before[2];
    ferry_pool_window(p, 2, x, &x0, &x1);
    float total = average ? 0.0f : -INFINITY;
    for (int64_t i = w->z0; i < w->z1; i++)
        for (int64_t j = w->y0; j < w->y1; j++) {
            const float *line = w->origin + i * w->z_step + j * w->y_step + column;
            for (int64_t k = x0; k < x1; k++) {
                float value = line[k * p->dilation[2]];
                total = average ? total + value : value > total || isnan(value) ? value : total;
            }
        }
    out[x] = average ? total / divisor(p, w, x, x1 - x0) : total;
}

/* FERRY_VEC outputs, stride 1. */
FERRY_INLINE void plain_vector(const ferry_pooling *p, const window_rows *w, float *out, int64_t x, bool average) {
    vec total = start(average);
    for (int64_t i = w->z0; i < w->z1; i++)
        for (int64_t j = w->y0; j < w->y1; j++) {
            const float *line = w->origin + i * w->z_step + j * w->y_step + x - p->before[2];
            for (int64_t k = 0; k < p->kernel[2]; k++) total = take(total, vec_load(line + k * p->dilation[2]), average);
        }
    if (average) total = vec_div(total, vec_set1(divisor(p, w, x, p->kernel[2])));
    vec_store(out + x, total);
}

/* Inside the width the divisor is the same for all x, padding counted or not. */
FERRY_INLINE void plain(const ferry_pooling *p, float *out, const float *in, int64_t first, int64_t last, bool average) {
    int64_t left, right, width = p->output[2];
    interior(p, &left, &right);
    for (int64_t row = first; row < last; row++) {
        float *line = out + row * width;
        window_rows w = rows_of(p, in, row, 1);
        int64_t x = 0;
        if (p->stride[2] == 1) {
            for (; x < left; x++) plain_one(p, &w, line, x, average);
            for (; x + FERRY_VEC <= right; x += FERRY_VEC) plain_vector(p, &w, line, x, average);
        }
        for (; x < width; x++) plain_one(p, &w, line, x, average);
    }
}

static void max_plain(const ferry_pooling *p, float *out, const float *in, int64_t first, int64_t last) {
    plain(p, out, in, first, last, false);
}
static void average_plain(const ferry_pooling *p, float *out, const float *in, int64_t first, int64_t last) {
    plain(p, out, in, first, last, true);
}

/* ---- global ---- */

static void sum_global(float *out, const float *in, int64_t pixels) {
    enum { RUN = 256, WAYS = 4 };
    double total[FERRY_VEC] = {0.0};
    for (int64_t run = 0; run < pixels; run += RUN) {
        int64_t stop = pixels - run < RUN ? pixels : run + RUN, i = run;
        vec sum[WAYS] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
        for (; i + WAYS <= stop; i += WAYS)
            for (int way = 0; way < WAYS; way++) sum[way] = vec_add(sum[way], vec_load(in + (i + way) * FERRY_VEC));
        for (; i < stop; i++) sum[0] = vec_add(sum[0], vec_load(in + i * FERRY_VEC));
        float lanes[FERRY_VEC];
        vec_store(lanes, vec_add(vec_add(sum[0], sum[1]), vec_add(sum[2], sum[3])));
        for (int lane = 0; lane < FERRY_VEC; lane++) total[lane] += (double)lanes[lane];
    }
    for (int lane = 0; lane < FERRY_VEC; lane++) out[lane] = (float)total[lane];
}

static void max_global(float *out, const float *in, int64_t pixels) {
    vec even = start(false), odd = start(false);
    int64_t i = 0;
    for (; i + 2 <= pixels; i += 2) {
        even = larger(even, vec_load(in + i * FERRY_VEC));
        odd = larger(odd, vec_load(in + (i + 1) * FERRY_VEC));
    }
    if (i < pixels) even = larger(even, vec_load(in + i * FERRY_VEC));
    vec_store(out, larger(even, odd));
}

void FERRY_ISA(ferry_pool_init)(ferry_pool_table *table) {
    int index = ferry_pool_block_index(FERRY_VEC);
    table->max_plain = max_plain;
    table->average_plain = average_plain;
    table->max_blocked[index] = max_blocked;
    table->average_blocked[index] = average_blocked;
    table->sum_global[index] = sum_global;
    table->max_global[index] = max_global;
}
