/* SPDX-License-Identifier: Apache-2.0 */
/* Resizing on vectors, a row at a time; compiled once an instruction set. First the input rows that an output row needs are
 * weighed into one line, along which vectors run freely; then the line is resampled along the width. */
#include "kernels/resize/resize.h"
#include "kernels/vector/vector.h"

/* line = a*x + b*y, or line += them. */
FERRY_INLINE void weigh_two(float *line, const float *a, float x, const float *b, float y, int64_t count, bool add) {
    const vec vx = vec_set1(x), vy = vec_set1(y);
    for (int64_t i = 0; i < count; i += FERRY_VEC) {
        int n = count - i < FERRY_VEC ? (int)(count - i) : FERRY_VEC;
        bool whole = n == FERRY_VEC;
        vec sum = add ? (whole ? vec_load(line + i) : vec_load_partial(line + i, n)) : vec_zero();
        sum = vec_fmadd(whole ? vec_load(a + i) : vec_load_partial(a + i, n), vx, sum);
        sum = vec_fmadd(whole ? vec_load(b + i) : vec_load_partial(b + i, n), vy, sum);
        if (whole)
            vec_store(line + i, sum);
        else
            vec_store_partial(line + i, sum, n);
    }
}

/* The weighted sum of the input rows of output row (z, y): a row of the input itself where there is only one, else workspace.
 */
static const float *make_line(const ferry_resizing *r, const float *in, float *workspace, int64_t z, int64_t y, int64_t count) {
    const ferry_resize_axis *depth = &r->axis[0], *height = &r->axis[1];
    const int32_t *rows = height->index + y * height->taps, *slices = depth->index + z * depth->taps;
    const float *weights = height->weight + y * height->taps;
    if (depth->taps == 1 && height->taps == 1) return in + (slices[0] * height->input + rows[0]) * count;
    bool add = false;
    for (int i = 0; i < depth->taps; i++) {
        const float *slice = in + slices[i] * height->input * count;
        float factor = depth->weight[z * depth->taps + i];
        for (int j = 0; j < height->taps; j += 2, add = true) {
            int second = j + 1 < height->taps ? j + 1 : j; /* an odd last tap is paired with itself at weight 0 */
            float other = second == j ? 0.0f : factor * weights[second];
            if (add)
                weigh_two(workspace, slice + rows[j] * count, factor * weights[j], slice + rows[second] * count, other, count,
                          true);
            else
                weigh_two(workspace, slice + rows[j] * count, factor * weights[j], slice + rows[second] * count, other, count,
                          false);
        }
    }
    return workspace;
}

/* Whether rows a and b of the output read the same samples at the same weights. */
static bool same_row(const ferry_resizing *r, int64_t a, int64_t b) {
    const ferry_resize_axis *height = &r->axis[1];
    if (height->taps != 1 || a / height->output != b / height->output) return false;
    return height->index[a % height->output] == height->index[b % height->output];
}

static void along_width_plain(const ferry_resize_axis *width, float *out, const float *line) {
    const int32_t *index = width->index;
    const float *weight = width->weight;
    if (width->doubles) {
        for (int64_t x = 0; x < width->input; x++) out[2 * x] = line[x], out[2 * x + 1] = line[x];
    } else if (width->taps == 1) {
        for (int64_t x = 0; x < width->output; x++) out[x] = line[index[x]];
    } else if (width->taps == 2) {
        for (int64_t x = 0; x < width->output; x++)
            out[x] = line[index[2 * x]] * weight[2 * x] + line[index[2 * x + 1]] * weight[2 * x + 1];
    } else {
        for (int64_t x = 0; x < width->output; x++, index += width->taps, weight += width->taps) {
            float sum = 0.0f;
            for (int k = 0; k < width->taps; k++) sum += line[index[k]] * weight[k];
            out[x] = sum;
        }
    }
}

static void along_width_blocked(const ferry_resize_axis *width, float *out, const float *line) {
    const int32_t *index = width->index;
    const float *weight = width->weight;
    if (width->doubles) {
        for (int64_t x = 0; x < width->input; x++) {
            vec pixel = vec_load(line + x * FERRY_VEC);
            vec_store(out + 2 * x * FERRY_VEC, pixel);
            vec_store(out + (2 * x + 1) * FERRY_VEC, pixel);
        }
    } else if (width->taps == 1) {
        for (int64_t x = 0; x < width->output; x++)
            vec_store(out + x * FERRY_VEC, vec_load(line + (int64_t)index[x] * FERRY_VEC));
    } else {
        for (int64_t x = 0; x < width->output; x++, index += width->taps, weight += width->taps) {
            vec sum = vec_mul(vec_load(line + (int64_t)index[0] * FERRY_VEC), vec_set1(weight[0]));
            for (int k = 1; k < width->taps; k++)
                sum = vec_fmadd(vec_load(line + (int64_t)index[k] * FERRY_VEC), vec_set1(weight[k]), sum);
            vec_store(out + x * FERRY_VEC, sum);
        }
    }
}

FERRY_INLINE void resize(const ferry_resizing *r, float *out, const float *in, float *workspace, int64_t first, int64_t last,
                         int lanes) {
    int64_t in_count = r->axis[2].input * lanes, out_count = r->axis[2].output * lanes;
    for (int64_t row = first; row < last; row++) {
        float *to = out + row * out_count;
        if (row > first && same_row(r, row, row - 1)) {
            memcpy(to, to - out_count, (size_t)out_count * sizeof *to);
            continue;
        }
        const float *line = make_line(r, in, workspace, row / r->axis[1].output, row % r->axis[1].output, in_count);
        if (lanes == 1)
            along_width_plain(&r->axis[2], to, line);
        else
            along_width_blocked(&r->axis[2], to, line);
    }
}

static void resize_plain(const ferry_resizing *r, float *out, const float *in, float *workspace, int64_t first, int64_t last) {
    resize(r, out, in, workspace, first, last, 1);
}
static void resize_blocked(const ferry_resizing *r, float *out, const float *in, float *workspace, int64_t first,
                           int64_t last) {
    resize(r, out, in, workspace, first, last, FERRY_VEC);
}

void FERRY_ISA(ferry_resize_init)(ferry_resize_functions *functions) {
    functions->plain = resize_plain;
    functions->blocked[ferry_resize_block_index(FERRY_VEC)] = resize_blocked;
}
