/* SPDX-License-Identifier: Apache-2.0 */
/* Loops of convolution for one element type; conv.c and its neighbours include this with CONV_(name), CONV_VALUE (type of
 * inputs and weights) and CONV_SUM (type of sums) defined, and CONV_NO_PLANE or CONV_NO_SPREAD where a loop is not wanted. No
 * guard: it is included once a type. */

#ifndef CONV_NO_PLANE
/* sums[out] = sum over channels and taps of x[channels][in] * weights[channels][taps]. */
static inline void CONV_(plane)(const ferry_window *window, const int64_t *in, const int64_t *out, int64_t channels,
                                const CONV_VALUE *x, const CONV_VALUE *weights, CONV_SUM *sums) {
    int64_t in_size = 1, out_size = 1, taps = ferry_window_taps(window);
    for (int i = 0; i < window->rank; i++) in_size *= in[i], out_size *= out[i];
    for (int64_t i = 0; i < out_size; i++) sums[i] = 0;
    for (int64_t c = 0; c < channels; c++) {
        ferry_rows rows;
        ferry_rows_begin(&rows, window, in, out);
        while (ferry_rows_next(&rows)) {
            const CONV_VALUE *from = x + c * in_size + rows.input;
            CONV_SUM *to = sums + rows.output, weight = (CONV_SUM)weights[c * taps + rows.tap];
            if (rows.step == 1)
                for (int64_t i = 0; i < rows.count; i++) to[i] += weight * (CONV_SUM)from[i];
            else
                for (int64_t i = 0; i < rows.count; i++) to[i] += weight * (CONV_SUM)from[i * rows.step];
        }
    }
}
#endif

#ifndef CONV_NO_SPREAD
/* The transpose: adds weights[taps] * x[out] into sums[in], for one pair of channels. */
static inline void CONV_(spread)(const ferry_window *window, const int64_t *in, const int64_t *out, const CONV_VALUE *x,
                                 const CONV_VALUE *weights, CONV_SUM *sums) {
    ferry_rows rows;
    ferry_rows_begin(&rows, window, in, out);
    while (ferry_rows_next(&rows)) {
        const CONV_VALUE *from = x + rows.output;
        CONV_SUM *to = sums + rows.input, weight = (CONV_SUM)weights[rows.tap];
        for (int64_t i = 0; i < rows.count; i++) to[i * rows.step] += weight * (CONV_SUM)from[i];
    }
}

#endif

#undef CONV_
#undef CONV_VALUE
#undef CONV_SUM
#undef CONV_NO_PLANE
#undef CONV_NO_SPREAD
