/* SPDX-License-Identifier: Apache-2.0 */
/* DFT, STFT, window functions and MelWeightMatrix. Computed in double. */
#include <math.h>

#include "ops/support.h"

static const double PI = 3.14159265358979323846;

/* ---- transform of one line ---- */

typedef struct complex_number {
    double real, imaginary;
} complex_number;

static complex_number times(complex_number a, complex_number b) {
    return (complex_number){a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real};
}

/* The n-th roots of unity, clockwise (the sign of the forward transform) or anticlockwise. */
static void fill_roots(complex_number *roots, int64_t n, bool inverse) {
    for (int64_t k = 0; k < n; k++) {
        double angle = 2 * PI * (double)k / (double)n;
        roots[k] = (complex_number){cos(angle), inverse ? sin(angle) : -sin(angle)};
    }
}

/* Cooley and Tukey, 1965: for powers of two, in place, decimation in time. */
static void transform_power_of_two(complex_number *x, int64_t n, const complex_number *roots) {
    for (int64_t i = 1, j = 0; i < n; i++) { /* bit reversal */
        int64_t bit = n >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) {
            complex_number kept = x[i];
            x[i] = x[j];
            x[j] = kept;
        }
    }
    for (int64_t length = 2; length <= n; length *= 2)
        for (int64_t start = 0; start < n; start += length)
            for (int64_t k = 0; k < length / 2; k++) {
                complex_number a = x[start + k], b = times(x[start + k + length / 2], roots[k * (n / length)]);
                x[start + k] = (complex_number){a.real + b.real, a.imaginary + b.imaginary};
                x[start + k + length / 2] = (complex_number){a.real - b.real, a.imaginary - b.imaginary};
            }
}

/* By definition; `spare` has n elements. */
static void transform_any(complex_number *x, int64_t n, const complex_number *roots, complex_number *spare) {
    for (int64_t k = 0; k < n; k++) {
        complex_number sum = {0};
        for (int64_t i = 0, at = 0; i < n; i++, at = (at + k) % n) {
            complex_number part = times(x[i], roots[at]);
            sum.real += part.real;
            sum.imaginary += part.imaginary;
        }
        spare[k] = sum;
    }
    for (int64_t k = 0; k < n; k++) x[k] = spare[k];
}

static void transform(complex_number *x, int64_t n, const complex_number *roots, complex_number *spare) {
    if (n > 0 && (n & (n - 1)) == 0)
        transform_power_of_two(x, n, roots);
    else
        transform_any(x, n, roots, spare);
}

/* ---- DFT ---- */

static ferry_status read_dft_axis(const ferry_inference *inference, int rank, int *axis) {
    double given = -2;
    if (ferry_rule_input(inference, 2) && !ferry_rule_scalar(inference, 2, &given)) return *axis = -1, FERRY_OK;
    FERRY_TRY(ferry_rule_axis(inference, (int64_t)given, rank, axis));
    if (*axis == rank - 1)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "DFT: the last axis holds real and imaginary parts");
    return FERRY_OK;
}

/* input, dft_length, axis */
ferry_status ferry_infer_dft(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_dtypes(inference, 2, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, FERRY_MAX_RANK));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), NULL);
    if (!x) return FERRY_OK;
    bool inverse = ferry_attribute_integer(inference->attributes, "inverse", 0) != 0,
         onesided = ferry_attribute_integer(inference->attributes, "onesided", 0) != 0;
    int64_t parts = x->dims[x->rank - 1];
    if (ferry_dim_known(parts) && parts != 1 && parts != 2)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "DFT: the last dimension must be 1 (real) or 2 (complex), not %lld", (long long)parts);
    ferry_shape shape = *x;
    shape.dims[x->rank - 1] = inverse && onesided ? 1 : 2;
    int axis;
    FERRY_TRY(read_dft_axis(inference, x->rank, &axis));
    for (int d = 0; axis < 0 && d < x->rank - 1; d++) shape.dims[d] = ferry_rule_fresh(inference);
    if (axis >= 0) {
        int64_t length = x->dims[axis];
        double given;
        if (inverse && onesided)
            length = ferry_dim_multiply(inference->symbols, ferry_dim_subtract(inference->symbols, length, 1), 2);
        if (ferry_rule_input(inference, 1))
            length = ferry_rule_scalar(inference, 1, &given) ? (int64_t)given : ferry_rule_fresh(inference);
        if (ferry_dim_known(length) && length < 1)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "DFT: a length of %lld", (long long)length);
        if (onesided && !inverse)
            length = ferry_dim_add(inference->symbols, ferry_dim_floor_divide(inference->symbols, length, 2), 1);
        shape.dims[axis] = length;
    }
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

/* Loads one line of x, cut or padded with zeros to n; a one-sided spectrum is completed by its conjugates. */
static void load_line(const double *x, int64_t parts, int64_t length, int64_t stride, int64_t n, bool complete,
                      complex_number *line) {
    for (int64_t i = 0; i < n; i++) {
        line[i] = (complex_number){0};
        int64_t at = complete && i > n / 2 ? n - i : i;
        if (at >= length) continue;
        line[i].real = x[at * stride * parts];
        double imaginary = parts == 2 ? x[at * stride * parts + 1] : 0;
        bool own_conjugate = complete && (at == 0 || 2 * at == n);
        line[i].imaginary = own_conjugate ? 0 : at == i ? imaginary : -imaginary;
    }
}

ferry_status ferry_evaluate_dft(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y || ferry_shape_count(&y->shape) == 0) return FERRY_OK;
    bool inverse = ferry_attribute_integer(evaluation->attributes, "inverse", 0) != 0,
         onesided = ferry_attribute_integer(evaluation->attributes, "onesided", 0) != 0;
    int64_t axis = ferry_scalar_integer(ferry_input(evaluation, 2), -2), rank = x->shape.rank;
    if (axis < 0) axis += rank;
    int64_t length = x->shape.dims[axis],
            n = ferry_scalar_integer(ferry_input(evaluation, 1), inverse && onesided ? 2 * (length - 1) : length);
    int64_t inner = ferry_shape_product(&x->shape, (int)axis + 1, (int)rank - 1),
            outer = ferry_shape_product(&x->shape, 0, (int)axis);
    int64_t parts = x->shape.dims[rank - 1], out_length = y->shape.dims[axis], out_parts = y->shape.dims[rank - 1];
    const double *values;
    complex_number *line, *roots, *spare;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    FERRY_SCRATCH(line, evaluation, n);
    FERRY_SCRATCH(roots, evaluation, n);
    FERRY_SCRATCH(spare, evaluation, n);
    fill_roots(roots, n, inverse);
    for (int64_t l = 0; l < outer * inner; l++) {
        int64_t o = l / inner, i = l % inner;
        load_line(values + (o * length * inner + i) * parts, parts, length, inner, n, inverse && onesided, line);
        transform(line, n, roots, spare);
        for (int64_t k = 0; k < out_length; k++) {
            int64_t to = ((o * out_length + k) * inner + i) * out_parts;
            double scale = inverse ? 1 / (double)n : 1;
            ferry_store_double(y->dtype, y->data, to, line[k].real * scale);
            if (out_parts == 2) ferry_store_double(y->dtype, y->data, to + 1, line[k].imaginary * scale);
        }
    }
    return FERRY_OK;
}

/* ---- STFT ---- */

/* The frame's length: an input, or the window's, or the signal's. FERRY_DIM_UNKNOWN when it is not known. */
static int64_t infer_frame_length(const ferry_inference *inference, const ferry_shape *x) {
    double given;
    if (ferry_rule_input(inference, 3)) return ferry_rule_scalar(inference, 3, &given) ? (int64_t)given : FERRY_DIM_UNKNOWN;
    const ferry_shape *window = ferry_rule_shape(inference, 2);
    if (ferry_rule_input(inference, 2)) return window && window->rank == 1 ? window->dims[0] : FERRY_DIM_UNKNOWN;
    return x->dims[1];
}

/* signal, frame_step, window, frame_length */
ferry_status ferry_infer_stft(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_dtypes(inference, 3, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, 3));
    FERRY_TRY(ferry_rule_rank(inference, 2, 1, 1));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), NULL);
    if (!x) return FERRY_OK;
    if (x->rank == 3 && ferry_dim_known(x->dims[2]) && x->dims[2] != 1 && x->dims[2] != 2)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "STFT: the signal's last dimension must be 1 or 2, not %lld",
                          (long long)x->dims[2]);
    int64_t length = infer_frame_length(inference, x), frames = FERRY_DIM_UNKNOWN, bins = length;
    FERRY_TRY(ferry_rule_vector(inference, 2, "the window", length));
    double step;
    if (ferry_rule_scalar(inference, 1, &step)) {
        int64_t room = ferry_dim_subtract(inference->symbols, x->dims[1], length);
        if (step < 1 || (ferry_dim_known(length) && length < 1) || (ferry_dim_known(room) && room < 0))
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "STFT: frames of %lld every %g do not fit a signal of %lld",
                              (long long)length, step, (long long)x->dims[1]);
        frames = ferry_dim_add(inference->symbols, ferry_dim_floor_divide(inference->symbols, room, (int64_t)step), 1);
    }
    if (ferry_attribute_integer(inference->attributes, "onesided", 1))
        bins = ferry_dim_add(inference->symbols, ferry_dim_floor_divide(inference->symbols, length, 2), 1);
    ferry_shape shape = {.rank = 4, .dims = {x->dims[0], frames, bins, 2}};
    for (int d = 1; d < 3; d++)
        if (shape.dims[d] == FERRY_DIM_UNKNOWN) shape.dims[d] = ferry_rule_fresh(inference);
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), &shape);
    return FERRY_OK;
}

ferry_status ferry_evaluate_stft(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0), *window = ferry_input(evaluation, 2),
                       *given = ferry_input(evaluation, 3);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y || ferry_shape_count(&y->shape) == 0) return FERRY_OK;
    int64_t step = ferry_scalar_integer(ferry_input(evaluation, 1), 1), length = given    ? ferry_scalar_integer(given, 1)
                                                                                 : window ? window->shape.dims[0]
                                                                                          : x->shape.dims[1];
    int64_t parts = x->shape.rank == 3 ? x->shape.dims[2] : 1, frames = y->shape.dims[1], bins = y->shape.dims[2];
    const double *values, *weights = NULL;
    complex_number *line, *roots, *spare;
    FERRY_NEED(values, ferry_evaluation_doubles(evaluation, x));
    if (window) FERRY_NEED(weights, ferry_evaluation_doubles(evaluation, window));
    FERRY_SCRATCH(line, evaluation, length);
    FERRY_SCRATCH(roots, evaluation, length);
    FERRY_SCRATCH(spare, evaluation, length);
    fill_roots(roots, length, false);
    for (int64_t f = 0; f < x->shape.dims[0] * frames; f++) {
        load_line(values + (f / frames * x->shape.dims[1] + f % frames * step) * parts, parts, length, 1, length, false, line);
        for (int64_t i = 0; weights && i < length; i++)
            line[i] = (complex_number){line[i].real * weights[i], line[i].imaginary * weights[i]};
        transform(line, length, roots, spare);
        for (int64_t k = 0; k < bins; k++) {
            ferry_store_double(y->dtype, y->data, 2 * (f * bins + k), line[k].real);
            ferry_store_double(y->dtype, y->data, 2 * (f * bins + k) + 1, line[k].imaginary);
        }
    }
    return FERRY_OK;
}

/* ---- windows ---- */

static ferry_status output_dtype(const ferry_inference *inference, ferry_dtype *dtype) {
    int64_t given = ferry_attribute_integer(inference->attributes, "output_datatype", FERRY_FLOAT32);
    *dtype = (ferry_dtype)given;
    if (given >= FERRY_FLOAT32 && given <= FERRY_BFLOAT16 && (FERRY_DTYPES_NUMBER & FERRY_DTYPE_BIT(given))) return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: output_datatype %lld is not a type of number",
                      inference->op->name, (long long)given);
}

ferry_status ferry_infer_window(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(output_dtype(inference, &dtype));
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_INDEX));
    double size;
    int64_t length = ferry_rule_scalar(inference, 0, &size) ? (int64_t)size : ferry_rule_fresh(inference), count;
    const int64_t *values = ferry_rule_values(inference, 0, &count);
    if (values && count == 1) length = values[0];
    if (ferry_dim_known(length) && length < 0)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: a size of %lld", inference->op->name, (long long)length);
    ferry_rule_output(inference, 0, dtype, &(ferry_shape){.rank = 1, .dims = {length}});
    return FERRY_OK;
}

/* a - b cos(2 pi n / N) + c cos(4 pi n / N) */
static ferry_status evaluate_window(ferry_evaluation *evaluation, double a, double b, double c) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t size = y->shape.dims[0];
    double period = (double)size - (ferry_attribute_integer(evaluation->attributes, "periodic", 1) ? 0 : 1);
    for (int64_t n = 0; n < size; n++) {
        double angle = period > 0 ? 2 * PI * (double)n / period : PI; /* a window of one element is 1 */
        ferry_store_double(y->dtype, y->data, n, a - b * cos(angle) + c * cos(2 * angle));
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_hann_window(ferry_evaluation *evaluation) { return evaluate_window(evaluation, 0.5, 0.5, 0); }
ferry_status ferry_evaluate_hamming_window(ferry_evaluation *evaluation) {
    return evaluate_window(evaluation, 25.0 / 46, 21.0 / 46, 0);
}
ferry_status ferry_evaluate_blackman_window(ferry_evaluation *evaluation) {
    return evaluate_window(evaluation, 0.42, 0.5, 0.08);
}

/* ---- MelWeightMatrix ---- */

/* bins, dft_length, sample rate, lower edge, upper edge */
ferry_status ferry_infer_mel_weight_matrix(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(output_dtype(inference, &dtype));
    for (int i = 0; i < 3; i++) FERRY_TRY(ferry_rule_dtypes(inference, i, FERRY_DTYPES_INDEX));
    for (int i = 3; i < 5; i++) FERRY_TRY(ferry_rule_dtypes(inference, i, FERRY_DTYPES_FLOAT));
    double bins, length;
    ferry_shape shape = {.rank = 2};
    shape.dims[0] = ferry_rule_scalar(inference, 1, &length) ? (int64_t)length / 2 + 1 : ferry_rule_fresh(inference);
    shape.dims[1] = ferry_rule_scalar(inference, 0, &bins) ? (int64_t)bins : ferry_rule_fresh(inference);
    for (int d = 0; d < 2; d++)
        if (ferry_dim_known(shape.dims[d]) && shape.dims[d] < 1)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "MelWeightMatrix: sizes must be positive");
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

static double to_mel(double hertz) { return 2595 * log10(1 + hertz / 700); }
static double from_mel(double mel) { return 700 * (pow(10, mel / 2595) - 1); }

/* The weight of spectrum bin j in a triangle from low over centre to high. */
static double triangle(int64_t j, int64_t low, int64_t centre, int64_t high) {
    if (j == centre && low == centre && high <= centre) return 1;
    if (j >= centre && j < high) return (double)(high - j) / (double)(high - centre);
    if (j >= low && j <= centre) return centre == low ? 1 : (double)(j - low) / (double)(centre - low);
    return 0;
}

ferry_status ferry_evaluate_mel_weight_matrix(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t rows = y->shape.dims[0], bins = y->shape.dims[1];
    double length = ferry_scalar_double(ferry_input(evaluation, 1), 0),
           rate = ferry_scalar_double(ferry_input(evaluation, 2), 1);
    double low = to_mel(ferry_scalar_double(ferry_input(evaluation, 3), 0)),
           high = to_mel(ferry_scalar_double(ferry_input(evaluation, 4), 0));
    if (!(rate > 0) || !isfinite(low) || !isfinite(high))
        return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT,
                          "MelWeightMatrix: the sample rate or an edge makes no sense");
    double step = (high - low) / (double)(bins + 2);
    for (int64_t i = 0; i < bins; i++) {
        int64_t points[3];
        for (int k = 0; k < 3; k++) {
            double point = floor((length + 1) * from_mel(low + (double)(i + k) * step) / rate);
            points[k] = (int64_t)fmin(fmax(point, -1e9), 1e9);
        }
        for (int64_t j = 0; j < rows; j++)
            ferry_store_double(y->dtype, y->data, j * bins + i, triangle(j, points[0], points[1], points[2]));
    }
    return FERRY_OK;
}
