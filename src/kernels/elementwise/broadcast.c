/* SPDX-License-Identifier: Apache-2.0 */
/* Walking two broadcast operands. Long rows go straight to the row functions. Short rows (a channel block, the two or four
 * numbers of a box) are taken many at a time: an operand that does not lie so in memory is first laid out in a tile on the
 * stack. */
#include <string.h>

#include "kernels/elementwise/elementwise.h"

enum { SHORT_ROW = 32, TILE = 1024 };

static bool merges(int64_t outer_stride, int64_t dim, int64_t stride) { return outer_stride == dim * stride; }

bool ferry_broadcast_make(ferry_broadcast *broadcast, int rank, const int64_t *dims, const int64_t *a_strides,
                          const int64_t *b_strides) {
    ferry_broadcast *r = broadcast;
    r->rank = 0;
    r->elements = 1;
    for (int i = 0; i < rank; i++) {
        r->elements *= dims[i];
        if (dims[i] == 1) continue;
        int last = r->rank - 1;
        if (last >= 0 && merges(r->a[last], dims[i], a_strides[i]) && merges(r->b[last], dims[i], b_strides[i])) {
            r->dims[last] *= dims[i];
        } else {
            last = r->rank++;
            r->dims[last] = dims[i];
        }
        r->a[last] = a_strides[i];
        r->b[last] = b_strides[i];
    }
    if (r->rank == 0) {
        r->rank = 1;
        r->dims[0] = 1;
        r->a[0] = r->b[0] = 1;
    }
    int64_t a = r->a[r->rank - 1], b = r->b[r->rank - 1];
    return (a == 0 || a == 1) && (b == 0 || b == 1);
}

/* Where an output row starts: its coordinates in all dimensions but the `inner` last, and the operands' offsets there. */
typedef struct cursor {
    int64_t at[FERRY_BROADCAST_RANK];
    int64_t a, b;
} cursor;

static void seek(const ferry_broadcast *s, int outer, int64_t row, cursor *c) {
    c->a = c->b = 0;
    for (int i = outer - 1; i >= 0; i--) {
        c->at[i] = row % s->dims[i];
        row /= s->dims[i];
        c->a += c->at[i] * s->a[i];
        c->b += c->at[i] * s->b[i];
    }
}

static void step(const ferry_broadcast *s, int outer, cursor *c) {
    for (int i = outer - 1; i >= 0; i--) {
        c->a += s->a[i];
        c->b += s->b[i];
        if (++c->at[i] < s->dims[i]) return;
        c->a -= c->at[i] * s->a[i];
        c->b -= c->at[i] * s->b[i];
        c->at[i] = 0;
    }
}

static void run_row(const ferry_binary_function *run, int64_t stride_a, int64_t stride_b, float *out, const float *a,
                    const float *b, int64_t count) {
    if (stride_a && stride_b) {
        run[FERRY_VECTOR_VECTOR](out, a, b, count);
    } else if (stride_a) {
        run[FERRY_VECTOR_SCALAR](out, a, b, count);
    } else if (stride_b) {
        run[FERRY_SCALAR_VECTOR](out, a, b, count);
    } else {
        for (int64_t i = 0; i < count; i++) run[FERRY_VECTOR_VECTOR](out + i, a, b, 1);
    }
}

static void run_long(const ferry_binary_function *run, const ferry_broadcast *s, float *out, const float *a, const float *b,
                     int64_t first, int64_t last) {
    int outer = s->rank - 1;
    int64_t length = s->dims[outer], stride_a = s->a[outer], stride_b = s->b[outer];
    int64_t column = first % length;
    cursor c;
    seek(s, outer, first / length, &c);
    while (first < last) {
        int64_t count = length - column < last - first ? length - column : last - first;
        run_row(run, stride_a, stride_b, out + first, a + c.a + column * stride_a, b + c.b + column * stride_b, count);
        first += count;
        column = 0;
        step(s, outer, &c);
    }
}

/* `rows` rows of `length` elements laid out one behind the other. */
static void lay_out(float *tile, const float *from, int64_t row_stride, int64_t stride, int64_t rows, int64_t length) {
    for (int64_t row = 0; row < rows; row++, from += row_stride)
        for (int64_t i = 0; i < length; i++) *tile++ = from[i * stride];
}

/* One operand of run_short. */
typedef struct operand {
    const float *base, *laid_out_from; /* the latter: what the tile holds, when its rows all repeat one */
    int64_t row_stride, stride;
    float tile[TILE];
} operand;

static const float *operand_rows(operand *o, int64_t offset, int64_t rows, int64_t length, int64_t capacity_rows) {
    const float *from = o->base + offset;
    if (o->stride == 1 && (o->row_stride == length || rows == 1)) return from;
    if (o->row_stride != 0) {
        lay_out(o->tile, from, o->row_stride, o->stride, rows, length);
    } else if (o->laid_out_from != from) {
        lay_out(o->tile, from, 0, o->stride, capacity_rows, length);
        o->laid_out_from = from;
    }
    return o->tile;
}

static void run_short(const ferry_binary_function *run, const ferry_broadcast *s, float *out, const float *a_data,
                      const float *b_data, int64_t first_row, int64_t last_row) {
    int middle = s->rank - 2;
    int64_t length = s->dims[middle + 1], column = first_row % s->dims[middle], capacity = TILE / length;
    if (capacity > s->dims[middle]) capacity = s->dims[middle];
    operand a = {.base = a_data, .row_stride = s->a[middle], .stride = s->a[middle + 1]};
    operand b = {.base = b_data, .row_stride = s->b[middle], .stride = s->b[middle + 1]};
    cursor c;
    seek(s, middle, first_row / s->dims[middle], &c);
    for (int64_t row = first_row; row < last_row;) {
        int64_t rows = s->dims[middle] - column;
        if (rows > last_row - row) rows = last_row - row;
        if (rows > capacity) rows = capacity;
        const float *left = operand_rows(&a, c.a + column * a.row_stride, rows, length, capacity);
        const float *right = operand_rows(&b, c.b + column * b.row_stride, rows, length, capacity);
        run[FERRY_VECTOR_VECTOR](out + row * length, left, right, rows * length);
        row += rows;
        column += rows;
        if (column == s->dims[middle]) column = 0, step(s, middle, &c);
    }
}

void ferry_binary_run(const ferry_binary_table *table, ferry_binary function, const ferry_broadcast *broadcast, float *out,
                      const float *a, const float *b, int64_t first, int64_t last) {
    int64_t length = broadcast->dims[broadcast->rank - 1];
    if (first >= last || length == 0) return;
    if (broadcast->rank == 1 || length >= SHORT_ROW)
        run_long(table->run[function], broadcast, out, a, b, first, last);
    else
        run_short(table->run[function], broadcast, out, a, b, (first + length - 1) / length, (last + length - 1) / length);
}
