/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/window.h"

#include "base/memory.h"

static const int64_t LARGEST = (int64_t)1 << 31;

/* Copies an attribute of `count` integers, or fills with the fallback when it is absent. */
static ferry_status read_list(const ferry_attributes *attributes, const char *name, int count, int64_t fallback, int64_t least,
                              int64_t *list, ferry_error *error) {
    int64_t given;
    const int64_t *values = ferry_attribute_integers(attributes, name, &given);
    if (values && given != count)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "attribute %s must have %d values, not %lld", name, count,
                          (long long)given);
    for (int i = 0; i < count; i++) {
        list[i] = values ? values[i] : fallback;
        if (list[i] < least || list[i] > LARGEST)
            return ferry_fail(error, FERRY_ERROR_SHAPE, "attribute %s has the value %lld, which is outside %lld..2^31", name,
                              (long long)list[i], (long long)least);
    }
    return FERRY_OK;
}

static ferry_status read_kernel(const ferry_attributes *attributes, int rank, const int64_t *kernel, int64_t *result,
                                ferry_error *error) {
    int64_t count, given[FERRY_MAX_SPATIAL];
    bool has = ferry_attribute_integers(attributes, "kernel_shape", &count) != NULL;
    if (!has && !kernel) return ferry_fail(error, FERRY_ERROR_SHAPE, "attribute kernel_shape is missing");
    if (has) FERRY_TRY(read_list(attributes, "kernel_shape", rank, 1, 1, given, error));
    int64_t taps = 1;
    for (int i = 0; i < rank; i++) {
        bool known = kernel && ferry_dim_known(kernel[i]);
        if (known && has && kernel[i] != given[i])
            return ferry_fail(error, FERRY_ERROR_SHAPE, "attribute kernel_shape says %lld but the weights say %lld",
                              (long long)given[i], (long long)kernel[i]);
        result[i] = known ? kernel[i] : has ? given[i] : kernel[i];
        if (ferry_dim_known(result[i]) && (result[i] < 1 || result[i] > LARGEST))
            return ferry_fail(error, FERRY_ERROR_SHAPE, "a window of size %lld is outside 1..2^31", (long long)result[i]);
        if (ferry_dim_known(result[i]) && (!ferry_int64_multiply(taps, result[i], &taps) || taps > LARGEST))
            return ferry_fail(error, FERRY_ERROR_SHAPE, "a window of more than 2^31 elements");
    }
    return FERRY_OK;
}

ferry_status ferry_window_read(const ferry_attributes *attributes, int rank, const int64_t *kernel, ferry_window *window,
                               ferry_error *error) {
    if (rank < 1 || rank > FERRY_MAX_SPATIAL)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "a window needs an input of rank 3 to %d, not %d", FERRY_MAX_RANK,
                          rank + 2);
    *window = (ferry_window){.rank = rank};
    FERRY_TRY(read_kernel(attributes, rank, kernel, window->kernel, error));
    FERRY_TRY(read_list(attributes, "strides", rank, 1, 1, window->stride, error));
    FERRY_TRY(read_list(attributes, "dilations", rank, 1, 1, window->dilation, error));
    int64_t pads[2 * FERRY_MAX_SPATIAL];
    FERRY_TRY(read_list(attributes, "pads", 2 * rank, 0, 0, pads, error));
    window->same_upper = ferry_attribute_is(attributes, "auto_pad", "SAME_UPPER", false);
    window->same_lower = ferry_attribute_is(attributes, "auto_pad", "SAME_LOWER", false);
    bool valid = ferry_attribute_is(attributes, "auto_pad", "VALID", false);
    if (!valid && !window->same_upper && !window->same_lower && !ferry_attribute_is(attributes, "auto_pad", "NOTSET", true))
        return ferry_fail(error, FERRY_ERROR_SHAPE, "attribute auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER");
    bool explicit_pads = !valid && !window->same_upper && !window->same_lower;
    for (int i = 0; i < rank && explicit_pads; i++) {
        window->pad_begin[i] = pads[i];
        window->pad_end[i] = pads[rank + i];
    }
    window->ceil_mode = ferry_attribute_integer(attributes, "ceil_mode", 0) != 0;
    return FERRY_OK;
}

/* Input elements from the first tap to the last, both included. */
static int64_t extent(const ferry_window *window, int axis) { return window->dilation[axis] * (window->kernel[axis] - 1) + 1; }

void ferry_window_resolve(ferry_window *window, const int64_t *input) {
    if (!window->same_upper && !window->same_lower) return;
    for (int i = 0; i < window->rank; i++) {
        int64_t out = ferry_ceil_div(input[i], window->stride[i]);
        int64_t total = ferry_max_int64(0, (out - 1) * window->stride[i] + extent(window, i) - input[i]);
        window->pad_begin[i] = window->same_upper ? total / 2 : total - total / 2;
        window->pad_end[i] = total - window->pad_begin[i];
    }
}

ferry_status ferry_window_output(const ferry_window *window, int axis, int64_t input, ferry_symbols *symbols, int64_t *output,
                                 ferry_error *error) {
    int64_t stride = window->stride[axis];
    if (window->same_upper || window->same_lower) {
        *output = ferry_dim_ceil_divide(symbols, input, stride);
        return FERRY_OK;
    }
    int64_t reach = ferry_dim_multiply(symbols, ferry_dim_subtract(symbols, window->kernel[axis], 1), window->dilation[axis]);
    int64_t padded = ferry_dim_add(symbols, input, window->pad_begin[axis] + window->pad_end[axis]);
    int64_t room = ferry_dim_subtract(symbols, ferry_dim_subtract(symbols, padded, reach), 1);
    if (ferry_dim_known(room) && room < 0)
        return ferry_fail(error, FERRY_ERROR_SHAPE,
                          "a window of %lld elements does not fit the padded input of %lld on spatial axis %d",
                          (long long)(reach + 1), (long long)padded, axis);
    if (!window->ceil_mode) {
        *output = ferry_dim_add(symbols, ferry_dim_floor_divide(symbols, room, stride), 1);
        return FERRY_OK;
    }
    /* A last window that would start in the padding at the end is dropped. */
    int64_t starts = ferry_dim_ceil_divide(symbols, ferry_dim_add(symbols, input, window->pad_begin[axis]), stride);
    *output = ferry_dim_minimum(symbols, ferry_dim_add(symbols, ferry_dim_ceil_divide(symbols, room, stride), 1), starts);
    return FERRY_OK;
}

int64_t ferry_window_taps(const ferry_window *window) {
    int64_t taps = 1;
    for (int i = 0; i < window->rank; i++) taps *= window->kernel[i];
    return taps;
}

void ferry_rows_begin(ferry_rows *rows, const ferry_window *window, const int64_t *in, const int64_t *out) {
    *rows = (ferry_rows){.window = window, .tap = -1, .step = window->stride[window->rank - 1]};
    int64_t in_stride = 1, out_stride = 1;
    for (int i = window->rank - 1; i >= 0; i--) {
        rows->in[i] = in[i];
        rows->out[i] = out[i];
        rows->in_stride[i] = in_stride;
        rows->out_stride[i] = out_stride;
        in_stride *= in[i];
        out_stride *= out[i];
    }
    rows->position[window->rank - 1] = -1; /* the first step lands on tap 0 */
}

/* The range of output positions that meet the input, not the padding, at this tap. False when there is none. */
static bool enter_tap(ferry_rows *rows) {
    const ferry_window *window = rows->window;
    for (int i = 0; i < window->rank; i++) {
        int64_t stride = window->stride[i], offset = rows->position[i] * window->dilation[i] - window->pad_begin[i];
        rows->low[i] = offset < 0 ? ferry_ceil_div(-offset, stride) : 0;
        int64_t high = rows->in[i] > offset ? ferry_ceil_div(rows->in[i] - offset, stride) : 0;
        rows->high[i] = ferry_min_int64(rows->out[i], high);
        if (rows->low[i] >= rows->high[i]) return false;
        rows->at[i] = rows->low[i];
    }
    return true;
}

static void set_row(ferry_rows *rows) {
    const ferry_window *window = rows->window;
    rows->input = rows->output = 0;
    for (int i = 0; i < window->rank; i++) {
        int64_t offset = rows->position[i] * window->dilation[i] - window->pad_begin[i];
        rows->input += (rows->at[i] * window->stride[i] + offset) * rows->in_stride[i];
        rows->output += rows->at[i] * rows->out_stride[i];
    }
    int last = window->rank - 1;
    rows->count = rows->high[last] - rows->low[last];
}

static bool next_tap(ferry_rows *rows) {
    for (int i = rows->window->rank - 1; i >= 0; i--) {
        if (++rows->position[i] < rows->window->kernel[i]) {
            rows->tap++;
            return true;
        }
        rows->position[i] = 0;
    }
    return false;
}

bool ferry_rows_next(ferry_rows *rows) {
    if (rows->inside_tap) {
        for (int i = rows->window->rank - 2; i >= 0; i--) {
            if (++rows->at[i] < rows->high[i]) {
                set_row(rows);
                return true;
            }
            rows->at[i] = rows->low[i];
        }
        rows->inside_tap = false;
    }
    while (next_tap(rows)) {
        if (!enter_tap(rows)) continue;
        rows->inside_tap = true;
        set_row(rows);
        return true;
    }
    return false;
}
