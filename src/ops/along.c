/* SPDX-License-Identifier: Apache-2.0 */
/* Operators along one axis: ArgMax, ArgMin, TopK, CumSum, CumProd, Softmax, LogSoftmax, Hardmax. */
#include <math.h>
#include <string.h>
#include <tgmath.h>

#include "ops/elementwise.h"

/* A tensor as outer x length x inner, the axis in the middle: element i of lane (o, n) is at (o * length + i) * inner + n. */
typedef struct lanes {
    int64_t outer, length, inner;
} lanes;

static lanes lanes_of(const ferry_shape *shape, int64_t axis) {
    if (axis < 0) axis += shape->rank;
    if (shape->rank == 0) return (lanes){1, 1, 1};
    return (lanes){ferry_shape_product(shape, 0, (int)axis), shape->dims[axis],
                   ferry_shape_product(shape, (int)axis + 1, shape->rank)};
}

/* ---- ArgMax, ArgMin ---- */

ferry_status ferry_infer_argument(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_NUMBER));
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_rule_output(inference, 0, FERRY_INT64, NULL);
    if (!in) return FERRY_OK;
    int axis = 0;
    bool keep = ferry_attribute_integer(inference->attributes, "keepdims", 1) != 0;
    FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", 0), in->rank, &axis));
    if (in->dims[axis] == 0)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: axis %d is empty", inference->op->name, axis);
    ferry_shape shape = {0};
    for (int i = 0; i < in->rank; i++)
        if (i != axis || keep) shape.dims[shape.rank++] = i == axis ? 1 : in->dims[i];
    ferry_rule_output(inference, 0, FERRY_INT64, &shape);
    return FERRY_OK;
}

/* Whether element a is to stand before b in the order of a search for the largest (or smallest). NaN is above everything. */
#define BEFORE(name, type)                                                                                                     \
    static bool name(const void *data, int64_t a, int64_t b, bool largest) {                                                   \
        type x = ((const type *)data)[a], y = ((const type *)data)[b];                                                         \
        return largest ? x > y || (x != x && y == y) : x < y || (y != y && x == x);                                            \
    }
BEFORE(before_float, float)
BEFORE(before_double, double)
BEFORE(before_int64, int64_t)
BEFORE(before_uint64, uint64_t)
typedef bool (*before_function)(const void *data, int64_t a, int64_t b, bool largest);
static const before_function before_functions[] = {before_float, before_double, before_int64, before_uint64};

static ferry_status find_arguments(ferry_evaluation *evaluation, bool largest) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    lanes l = lanes_of(&in->shape, ferry_attribute_integer(evaluation->attributes, "axis", 0));
    bool last = ferry_attribute_integer(evaluation->attributes, "select_last_index", 0) != 0;
    ferry_compute compute = ferry_compute_of(in->dtype);
    const void *view = ferry_compute_view(evaluation, compute, in);
    if (!view) return FERRY_ERROR_OUT_OF_MEMORY;
    before_function before = before_functions[compute];
    for (int64_t o = 0; o < l.outer; o++)
        for (int64_t n = 0; n < l.inner; n++) {
            int64_t base = o * l.length * l.inner + n, best = 0;
            for (int64_t i = 1; i < l.length; i++) {
                int64_t here = base + i * l.inner, there = base + best * l.inner;
                if (before(view, here, there, largest) || (last && !before(view, there, here, largest))) best = i;
            }
            ((int64_t *)out->data)[o * l.inner + n] = best;
        }
    return FERRY_OK;
}

ferry_status ferry_evaluate_arg_max(ferry_evaluation *evaluation) { return find_arguments(evaluation, true); }
ferry_status ferry_evaluate_arg_min(ferry_evaluation *evaluation) { return find_arguments(evaluation, false); }

/* ---- TopK ---- */

ferry_status ferry_infer_top_k(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_NUMBER));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPE_BIT(FERRY_INT64)));
    FERRY_TRY(ferry_rule_rank(inference, 1, 0, 1));
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    ferry_rule_output(inference, 0, dtype, NULL);
    ferry_rule_output(inference, 1, FERRY_INT64, NULL);
    if (!in) return FERRY_OK;
    int axis = 0;
    int64_t count;
    FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", -1), in->rank, &axis));
    const int64_t *k = ferry_rule_values(inference, 1, &count);
    ferry_shape shape = *in;
    shape.dims[axis] = k && count == 1 ? k[0] : ferry_rule_fresh(inference);
    bool outside = k && (count != 1 ||
                         (ferry_dim_known(k[0]) && (k[0] < 0 || (ferry_dim_known(in->dims[axis]) && k[0] > in->dims[axis]))));
    if (outside)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "TopK: k (%lld) must be one number between 0 and the axis's size %lld", (long long)(count ? k[0] : 0),
                          (long long)in->dims[axis]);
    ferry_rule_output(inference, 0, dtype, &shape);
    ferry_rule_output(inference, 1, FERRY_INT64, &shape);
    return FERRY_OK;
}

typedef struct ranking {
    before_function before;
    const void *view;
    int64_t base, step; /* of the lane */
    bool largest;
} ranking;

/* Whether entry a ranks strictly after b; equal elements rank by their index. */
static bool ranks_after(const ranking *r, int64_t a, int64_t b) {
    int64_t x = r->base + a * r->step, y = r->base + b * r->step;
    if (r->before(r->view, y, x, r->largest)) return true;
    return !r->before(r->view, x, y, r->largest) && a > b;
}

/* heap[0] is the entry that ranks last. */
static void sift_down(const ranking *r, int64_t *heap, int64_t count, int64_t at) {
    for (;;) {
        int64_t child = 2 * at + 1, entry = heap[at];
        if (child >= count) return;
        if (child + 1 < count && ranks_after(r, heap[child + 1], heap[child])) child++;
        if (!ranks_after(r, heap[child], entry)) return;
        heap[at] = heap[child];
        heap[child] = entry;
        at = child;
    }
}

/* The k entries that rank first of a lane, in order: a heap keeps the best so far, then sorts them. */
static void rank_lane(const ranking *r, int64_t length, int64_t k, int64_t *heap) {
    if (k == 0) return;
    for (int64_t i = 0; i < k; i++) heap[i] = i;
    for (int64_t i = k / 2; i-- > 0;) sift_down(r, heap, k, i);
    for (int64_t i = k; i < length; i++) {
        if (!ranks_after(r, heap[0], i)) continue;
        heap[0] = i;
        sift_down(r, heap, k, 0);
    }
    for (int64_t left = k - 1; left > 0; left--) {
        int64_t last = heap[0];
        heap[0] = heap[left];
        heap[left] = last;
        sift_down(r, heap, left, 0);
    }
}

ferry_status ferry_evaluate_top_k(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *k_input = ferry_input(evaluation, 1);
    const ferry_tensor *values = ferry_output(evaluation, 0), *indices = ferry_output(evaluation, 1);
    lanes l = lanes_of(&in->shape, ferry_attribute_integer(evaluation->attributes, "axis", -1));
    ferry_compute compute = ferry_compute_of(in->dtype);
    int64_t k = ((const int64_t *)k_input->data)[0];
    const void *view = ferry_compute_view(evaluation, compute, in);
    int64_t *heap = ferry_evaluation_scratch(evaluation, (size_t)k, sizeof *heap);
    if ((!view && ferry_shape_count(&in->shape) > 0) || !heap) return FERRY_ERROR_OUT_OF_MEMORY;
    ranking r = {before_functions[compute], view, 0, l.inner,
                 ferry_attribute_integer(evaluation->attributes, "largest", 1) != 0};
    size_t size = ferry_dtype_bytes(in->dtype);
    for (int64_t o = 0; o < l.outer; o++)
        for (int64_t n = 0; n < l.inner; n++) {
            r.base = o * l.length * l.inner + n;
            rank_lane(&r, l.length, k, heap);
            for (int64_t i = 0; i < k; i++) {
                int64_t to = (o * k + i) * l.inner + n;
                if (indices) ((int64_t *)indices->data)[to] = heap[i];
                if (values)
                    memcpy((char *)values->data + (size_t)to * size,
                           (const char *)in->data + (size_t)(r.base + heap[i] * l.inner) * size, size);
            }
        }
    return FERRY_OK;
}

/* ---- CumSum, CumProd ---- */

ferry_status ferry_infer_cumulative(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_NUMBER));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_rank(inference, 1, 0, 1));
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    int64_t count;
    const int64_t *axis = ferry_rule_values(inference, 1, &count);
    int place = 0;
    if (axis && count != 1)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: axis must be one number, there are %lld",
                          inference->op->name, (long long)count);
    if (in && axis) FERRY_TRY(ferry_rule_axis(inference, axis[0], in->rank, &place));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), in);
    return FERRY_OK;
}

/* Steps along a lane, forwards or backwards; exclusive puts the accumulator out before the element joins. */
#define CUMULATE(name, type)                                                                                                   \
    static void name(const type *in, type *out, lanes l, bool product, bool exclusive, bool reverse) {                         \
        for (int64_t o = 0; o < l.outer; o++)                                                                                  \
            for (int64_t n = 0; n < l.inner; n++) {                                                                            \
                type a = product ? 1 : 0;                                                                                      \
                for (int64_t i = 0; i < l.length; i++) {                                                                       \
                    int64_t at = (o * l.length + (reverse ? l.length - 1 - i : i)) * l.inner + n;                              \
                    const type x = in[at];                                                                                     \
                    type next = product ? a * x : a + x;                                                                       \
                    out[at] = exclusive ? a : next;                                                                            \
                    a = next;                                                                                                  \
                }                                                                                                              \
            }                                                                                                                  \
    }
CUMULATE(cumulate_double, double)
CUMULATE(cumulate_uint64, uint64_t) /* wraps as int64 does, without its undefined overflow */

static ferry_status cumulate(ferry_evaluation *evaluation, bool product) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *axis = ferry_input(evaluation, 1), *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    lanes l = lanes_of(&in->shape, ferry_load_int64(axis->dtype, axis->data, 0));
    bool exclusive = ferry_attribute_integer(evaluation->attributes, "exclusive", 0) != 0;
    bool reverse = ferry_attribute_integer(evaluation->attributes, "reverse", 0) != 0;
    bool real = ferry_dtype_is_float(in->dtype);
    ferry_compute compute = real ? FERRY_COMPUTE_DOUBLE : ferry_compute_of(in->dtype);
    const void *view = ferry_compute_view(evaluation, compute, in);
    void *memory = ferry_compute_output(evaluation, compute, out);
    if ((!view && ferry_shape_count(&in->shape) > 0) || !memory) return FERRY_ERROR_OUT_OF_MEMORY;
    if (real)
        cumulate_double(view, memory, l, product, exclusive, reverse);
    else
        cumulate_uint64(view, memory, l, product, exclusive, reverse);
    ferry_compute_store(compute, out, memory);
    return FERRY_OK;
}

ferry_status ferry_evaluate_cum_sum(ferry_evaluation *evaluation) { return cumulate(evaluation, false); }
ferry_status ferry_evaluate_cum_prod(ferry_evaluation *evaluation) { return cumulate(evaluation, true); }

/* ---- Softmax, LogSoftmax, Hardmax ---- */

ferry_status ferry_infer_softmax(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    int axis = 0;
    int64_t wanted = ferry_attribute_integer(inference->attributes, "axis", -1);
    if (in && in->rank > 0) FERRY_TRY(ferry_rule_axis(inference, wanted, in->rank, &axis));
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), in);
    return FERRY_OK;
}

typedef enum softmax_kind { SOFTMAX, LOG_SOFTMAX, HARDMAX } softmax_kind;

/* exp is <tgmath.h>'s: of the element's type. The sum is double either way. */
#define SOFTMAX_LANE(name, type)                                                                                               \
    static void name(const type *in, type *out, int64_t length, int64_t step, softmax_kind kind) {                             \
        int64_t best = 0;                                                                                                      \
        double sum = 0;                                                                                                        \
        for (int64_t i = 1; i < length; i++)                                                                                   \
            if (in[i * step] > in[best * step]) best = i;                                                                      \
        const type top = in[best * step];                                                                                      \
        for (int64_t i = 0; i < length; i++) {                                                                                 \
            const type shifted = in[i * step] - top, power = kind == HARDMAX ? (type)(i == best) : exp(shifted);               \
            sum += (double)power;                                                                                              \
            out[i * step] = kind == LOG_SOFTMAX ? shifted : power;                                                             \
        }                                                                                                                      \
        const type scale = (type)(1 / sum), shift = (type)log(sum);                                                            \
        for (int64_t i = 0; i < length && kind == SOFTMAX; i++) out[i * step] *= scale;                                        \
        for (int64_t i = 0; i < length && kind == LOG_SOFTMAX; i++) out[i * step] -= shift;                                    \
    }
SOFTMAX_LANE(softmax_float, float)
SOFTMAX_LANE(softmax_double, double)

static ferry_status softmax(ferry_evaluation *evaluation, softmax_kind kind) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    if (!out || ferry_shape_count(&in->shape) == 0) return FERRY_OK;
    lanes l = lanes_of(&in->shape, ferry_attribute_integer(evaluation->attributes, "axis", -1));
    if (ferry_attribute_integer(evaluation->attributes, "_flatten", 0)) l = (lanes){l.outer, l.length * l.inner, 1};
    ferry_compute compute = ferry_compute_of(in->dtype);
    const void *view = ferry_compute_view(evaluation, compute, in);
    void *memory = ferry_compute_output(evaluation, compute, out);
    if (!view || !memory) return FERRY_ERROR_OUT_OF_MEMORY;
    for (int64_t o = 0; o < l.outer; o++)
        for (int64_t n = 0; n < l.inner; n++) {
            int64_t base = o * l.length * l.inner + n;
            if (compute == FERRY_COMPUTE_FLOAT)
                softmax_float((const float *)view + base, (float *)memory + base, l.length, l.inner, kind);
            else
                softmax_double((const double *)view + base, (double *)memory + base, l.length, l.inner, kind);
        }
    ferry_compute_store(compute, out, memory);
    return FERRY_OK;
}

ferry_status ferry_evaluate_softmax(ferry_evaluation *evaluation) { return softmax(evaluation, SOFTMAX); }
ferry_status ferry_evaluate_log_softmax(ferry_evaluation *evaluation) { return softmax(evaluation, LOG_SOFTMAX); }
ferry_status ferry_evaluate_hardmax(ferry_evaluation *evaluation) { return softmax(evaluation, HARDMAX); }
