/* SPDX-License-Identifier: Apache-2.0 */
/* Strided copies of boxes: the loops are put in the best order once, then run over rows. */
#include <string.h>

#include "kernels/movement/elements.h"
#include "kernels/movement/movement.h"

static int64_t magnitude(int64_t value) { return value < 0 ? -value : value; }

static void remove_dim(ferry_move *m, int index) {
    m->rank--;
    for (int i = index; i < m->rank; i++) m->dims[i] = m->dims[i + 1], m->in[i] = m->in[i + 1], m->out[i] = m->out[i + 1];
}

static void insert_dim(ferry_move *m, int index, int64_t dim, int64_t in, int64_t out) {
    for (int i = m->rank++; i > index; i--) m->dims[i] = m->dims[i - 1], m->in[i] = m->in[i - 1], m->out[i] = m->out[i - 1];
    m->dims[index] = dim, m->in[index] = in, m->out[index] = out;
}

/* Outermost first by the output's strides, so that writing is sequential. */
static void sort_and_merge(ferry_move *m, int rank, const int64_t *dims, const int64_t *in, const int64_t *out) {
    m->rank = 0;
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 1) continue;
        int at = m->rank;
        while (at > 0 && magnitude(m->out[at - 1]) < magnitude(out[i])) at--;
        insert_dim(m, at, dims[i], in[i], out[i]);
    }
    for (int i = m->rank - 1; i > 0; i--) {
        if (m->in[i - 1] != m->in[i] * m->dims[i] || m->out[i - 1] != m->out[i] * m->dims[i]) continue;
        m->dims[i - 1] *= m->dims[i], m->in[i - 1] = m->in[i], m->out[i - 1] = m->out[i];
        remove_dim(m, i);
    }
}

/* Short runs become one wider element, when all other strides are multiples of it. */
static void widen(ferry_move *m) {
    int last = m->rank - 1;
    if (last < 1 || m->in[last] != 1 || m->out[last] != 1) return;
    int64_t run = m->dims[last];
    size_t bytes = m->element * (size_t)run;
    if (run > 16 || (bytes != 2 && bytes != 4 && bytes != 8 && bytes != 16)) return;
    for (int i = 0; i < last; i++)
        if (m->in[i] % run != 0 || m->out[i] % run != 0) return;
    for (int i = 0; i < last; i++) m->in[i] /= run, m->out[i] /= run;
    m->element = bytes;
    m->rank--;
}

/* Puts the dimension that is contiguous in the input beside the one that is contiguous in the output. */
static void arrange_transpose(ferry_move *m) {
    int last = m->rank - 1;
    m->transposes = false;
    if (last < 1 || m->out[last] != 1 || m->in[last] == 1) return;
    for (int i = last - 1; i >= 0; i--) {
        if (m->in[i] != 1) continue;
        int64_t dim = m->dims[i], out = m->out[i];
        remove_dim(m, i);
        insert_dim(m, last - 1, dim, 1, out);
        m->transposes = m->in[last] > 0 && m->out[last - 1] > 0;
        return;
    }
}

void ferry_move_make(ferry_move *move, size_t element, int rank, const int64_t *dims, const int64_t *in_strides,
                     const int64_t *out_strides) {
    move->element = element;
    sort_and_merge(move, rank, dims, in_strides, out_strides);
    widen(move);
    if (move->rank == 0) move->rank = 1, move->dims[0] = 1, move->in[0] = move->out[0] = 1;
    arrange_transpose(move);
    move->rows = 1;
    for (int i = 0; i < move->rank - 1; i++) move->rows *= move->dims[i];
}

#define COPY_ROW(type)                                                                                                         \
    for (int64_t i = 0; i < count; i++) ((type *)out)[i * out_stride] = ((const type *)in)[i * in_stride]

static void copy_row(size_t element, void *out, int64_t out_stride, const void *in, int64_t in_stride, int64_t count) {
    if (in_stride == 1 && out_stride == 1) {
        memcpy(out, in, (size_t)count * element);
        return;
    }
    switch (element) {
    case 1: COPY_ROW(bytes1); break;
    case 2: COPY_ROW(bytes2); break;
    case 4: COPY_ROW(bytes4); break;
    case 8: COPY_ROW(bytes8); break;
    default: COPY_ROW(bytes16); break;
    }
}

static int logarithm(size_t element) { return element == 1 ? 0 : element == 2 ? 1 : element == 4 ? 2 : element == 8 ? 3 : 4; }

/* Coordinates of a row in the first `outer` dimensions, and the element offsets there. */
typedef struct cursor {
    int64_t at[FERRY_MOVE_RANK];
    int64_t in, out;
} cursor;

static void seek(const ferry_move *m, int outer, int64_t row, cursor *c) {
    c->in = c->out = 0;
    for (int i = outer - 1; i >= 0; i--) {
        c->at[i] = row % m->dims[i];
        row /= m->dims[i];
        c->in += c->at[i] * m->in[i];
        c->out += c->at[i] * m->out[i];
    }
}

static void step(const ferry_move *m, int outer, cursor *c) {
    for (int i = outer - 1; i >= 0; i--) {
        c->in += m->in[i];
        c->out += m->out[i];
        if (++c->at[i] < m->dims[i]) return;
        c->in -= c->at[i] * m->in[i];
        c->out -= c->at[i] * m->out[i];
        c->at[i] = 0;
    }
}

static void run_transposes(const ferry_movement_table *table, const ferry_move *m, unsigned char *out, const unsigned char *in,
                           int64_t first, int64_t last) {
    int outer = m->rank - 2;
    int64_t height = m->dims[outer], column = first % height, element = (int64_t)m->element;
    ferry_transpose_function transpose = table->transpose[logarithm(m->element)];
    cursor c;
    seek(m, outer, first / height, &c);
    while (first < last) {
        int64_t count = height - column < last - first ? height - column : last - first;
        transpose(out + (c.out + column * m->out[outer]) * element, m->out[outer], in + (c.in + column) * element,
                  m->in[outer + 1], m->dims[outer + 1], count);
        first += count;
        column = 0;
        step(m, outer, &c);
    }
}

void ferry_move_run(const ferry_movement_table *table, const ferry_move *move, void *out, const void *in, int64_t first,
                    int64_t last) {
    if (first >= last || move->dims[move->rank - 1] == 0) return;
    if (move->transposes) {
        run_transposes(table, move, out, in, first, last);
        return;
    }
    int inner = move->rank - 1;
    int64_t element = (int64_t)move->element;
    cursor c;
    seek(move, inner, first, &c);
    for (int64_t row = first; row < last; row++, step(move, inner, &c))
        copy_row(move->element, (unsigned char *)out + c.out * element, move->out[inner],
                 (const unsigned char *)in + c.in * element, move->in[inner], move->dims[inner]);
}
