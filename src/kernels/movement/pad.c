/* SPDX-License-Identifier: Apache-2.0 */
/* Padding by rows: the outer coordinates pick the source row, then the row itself gets its two ends. */
#include <string.h>

#include "kernels/movement/movement.h"

/* The input coordinate for `at`, an output coordinate less `before`; -1 where CONSTANT has the value. */
static int64_t source(ferry_padding_mode mode, int64_t at, int64_t size) {
    if (at >= 0 && at < size) return at;
    switch (mode) {
    case FERRY_PADDING_EDGE: return at < 0 ? 0 : size - 1;
    case FERRY_PADDING_WRAP: return (at % size + size) % size;
    case FERRY_PADDING_REFLECT: {
        if (size == 1) return 0;
        int64_t period = 2 * (size - 1), place = (at % period + period) % period;
        return place < size ? place : period - place;
    }
    default: return -1;
    }
}

static void fill(unsigned char *out, const unsigned char *value, size_t element, int64_t count) {
    if (count <= 0) return;
    size_t total = (size_t)count * element, done = element;
    memcpy(out, value, element);
    for (; done < total; done += done < total - done ? done : total - done)
        memcpy(out + done, out, done < total - done ? done : total - done);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) { return value < low ? low : value > high ? high : value; }

static void pad_row(const ferry_padding *p, unsigned char *out, const unsigned char *in) {
    int d = p->rank - 1;
    int64_t before = p->before[d], size = p->input[d], width = p->output[d], element = (int64_t)p->element;
    int64_t start = clamp(before, 0, width), stop = clamp(before + size, start, width); /* where the input lies in the output */
    if (p->mode == FERRY_PADDING_CONSTANT) {
        fill(out, p->value, p->element, start);
        fill(out + stop * element, p->value, p->element, width - stop);
    } else {
        for (int64_t i = 0; i < start; i++)
            memcpy(out + i * element, in + source(p->mode, i - before, size) * element, p->element);
        for (int64_t i = stop; i < width; i++)
            memcpy(out + i * element, in + source(p->mode, i - before, size) * element, p->element);
    }
    if (stop > start) memcpy(out + start * element, in + (start - before) * element, (size_t)(stop - start) * p->element);
}

/* The offset in elements of the input row for an output row, or -1. */
static int64_t source_row(const ferry_padding *p, int64_t row) {
    int64_t offset = 0, stride = p->input[p->rank - 1];
    for (int i = p->rank - 2; i >= 0; i--) {
        int64_t at = source(p->mode, row % p->output[i] - p->before[i], p->input[i]);
        if (at < 0) return -1;
        row /= p->output[i];
        offset += at * stride;
        stride *= p->input[i];
    }
    return offset;
}

void ferry_padding_run(const ferry_padding *padding, void *out, const void *in, int64_t first, int64_t last) {
    int64_t element = (int64_t)padding->element, width = padding->output[padding->rank - 1];
    for (int64_t row = first; row < last; row++) {
        unsigned char *to = (unsigned char *)out + row * width * element;
        int64_t offset = source_row(padding, row);
        if (offset < 0)
            fill(to, padding->value, padding->element, width);
        else
            pad_row(padding, to, (const unsigned char *)in + offset * element);
    }
}
