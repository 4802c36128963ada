/* SPDX-License-Identifier: Apache-2.0 */
/* Operators whose output's size depends on contents: NonZero, Compress, Unique. */
#include <math.h>
#include <string.h>

#include "ops/movement.h"

/* ---- NonZero ---- */

ferry_status ferry_infer_non_zero(ferry_inference *inference) {
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_shape shape = {2, {in ? in->rank : FERRY_DIM_UNKNOWN, FERRY_DIM_UNKNOWN}};
    ferry_rule_output(inference, 0, FERRY_INT64, &shape);
    return FERRY_OK;
}

static bool is_non_zero(const ferry_tensor *tensor, int64_t index) {
    ferry_dtype part = tensor->dtype == FERRY_COMPLEX64 ? FERRY_FLOAT32 : FERRY_FLOAT64;
    if (tensor->dtype == FERRY_STRING) return ((const ferry_string *)tensor->data)[index].length > 0;
    if (tensor->dtype == FERRY_COMPLEX64 || tensor->dtype == FERRY_COMPLEX128)
        return ferry_load_double(part, tensor->data, 2 * index) != 0 ||
               ferry_load_double(part, tensor->data, 2 * index + 1) != 0;
    return ferry_load_double(tensor->dtype, tensor->data, index) != 0;
}

/* One byte an element; returns how many are set. */
static int64_t mark_non_zero(const ferry_tensor *tensor, int64_t count, uint8_t *marks) {
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        marks[i] = tensor->dtype == FERRY_BOOL      ? ((const uint8_t *)tensor->data)[i] != 0
                   : tensor->dtype == FERRY_FLOAT32 ? ((const float *)tensor->data)[i] != 0
                                                    : is_non_zero(tensor, i);
        found += marks[i];
    }
    return found;
}

ferry_status ferry_evaluate_non_zero(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0);
    int64_t count = ferry_shape_count(&in->shape), strides[FERRY_MAX_RANK], column = 0;
    uint8_t *marks = ferry_evaluation_scratch(evaluation, (size_t)count, 1);
    if (!marks) return FERRY_ERROR_OUT_OF_MEMORY;
    int64_t found = mark_non_zero(in, count, marks);
    ferry_shape shape = {2, {in->shape.rank, found}};
    FERRY_TRY(ferry_evaluation_allocate(evaluation, 0, FERRY_INT64, &shape));
    const ferry_tensor *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    ferry_shape_strides(&in->shape, strides);
    for (int64_t i = 0; i < count; i++) {
        if (!marks[i]) continue;
        for (int k = 0; k < in->shape.rank; k++)
            ((int64_t *)out->data)[k * found + column] = i / strides[k] % in->shape.dims[k];
        column++;
    }
    return FERRY_OK;
}

/* ---- Compress ---- */

ferry_status ferry_infer_compress(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_BOOL));
    FERRY_TRY(ferry_rule_rank(inference, 1, 1, 1));
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    const ferry_attribute *attribute = ferry_attribute_find(inference->attributes, "axis");
    ferry_shape shape = {1, {FERRY_DIM_UNKNOWN}};
    if (in && attribute) {
        int axis = 0;
        FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", 0), in->rank, &axis));
        shape = *in;
        shape.dims[axis] = FERRY_DIM_UNKNOWN;
    }
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), in || !attribute ? &shape : NULL);
    return FERRY_OK;
}

ferry_status ferry_evaluate_compress(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *condition = ferry_input(evaluation, 1);
    ferry_shape shape = in->shape;
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", 0);
    if (!ferry_attribute_find(evaluation->attributes, "axis")) shape = (ferry_shape){1, {ferry_shape_count(&in->shape)}};
    if (axis < 0) axis += shape.rank;
    int64_t limit = shape.dims[axis], inner = ferry_shape_product(&shape, (int)axis + 1, shape.rank),
            outer = ferry_shape_product(&shape, 0, (int)axis);
    int64_t listed = ferry_min_int64(condition->shape.dims[0], limit), kept = 0;
    const uint8_t *keep = condition->data;
    for (int64_t i = 0; i < listed; i++) kept += keep[i] != 0;
    shape.dims[axis] = kept;
    FERRY_TRY(ferry_evaluation_allocate(evaluation, 0, in->dtype, &shape));
    const ferry_tensor *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    ferry_elements from, to;
    FERRY_TRY(ferry_elements_of(evaluation, in, &from));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    size_t bytes = (size_t)inner * from.size;
    unsigned char *place = to.data;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < listed; i++) {
            if (!keep[i]) continue;
            memcpy(place, from.data + (size_t)(o * limit + i) * bytes, bytes);
            place += bytes;
        }
    return ferry_elements_store(evaluation, out, &to);
}

/* ---- Unique ---- */

ferry_status ferry_infer_unique(ferry_inference *inference) {
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    int64_t count = ferry_rule_fresh(inference);
    ferry_shape items = {1, {count}}, shape = items, inverse = {1, {FERRY_DIM_UNKNOWN}};
    bool by_axis = ferry_attribute_find(inference->attributes, "axis") != NULL;
    if (in && by_axis) {
        int axis = 0;
        FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", 0), in->rank, &axis));
        inverse.dims[0] = in->dims[axis];
        shape = *in;
        shape.dims[axis] = count;
    } else if (in) {
        inverse.dims[0] = ferry_rule_product(inference, in, 0, in->rank);
    }
    ferry_rule_output(inference, 0, ferry_rule_dtype(inference, 0), in || !by_axis ? &shape : NULL);
    ferry_rule_output(inference, 1, FERRY_INT64, &items);
    ferry_rule_output(inference, 2, FERRY_INT64, &inverse);
    ferry_rule_output(inference, 3, FERRY_INT64, &items);
    return FERRY_OK;
}

/* The input as `items` slices along an axis: item i has outer x inner elements, element (o, n) at (o * items + i) * inner + n.
 */
typedef struct slices {
    const ferry_tensor *tensor;
    int64_t outer, items, inner;
} slices;

static int compare_strings(const ferry_string *a, const ferry_string *b) {
    size_t common = a->length < b->length ? a->length : b->length;
    int order = common ? memcmp(a->text, b->text, common) : 0;
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* NaN comes last and equals itself. */
static int compare_reals(double a, double b) {
    if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

static int compare_elements(const ferry_tensor *tensor, int64_t i, int64_t j) {
    if (tensor->dtype == FERRY_STRING)
        return compare_strings((const ferry_string *)tensor->data + i, (const ferry_string *)tensor->data + j);
    if (tensor->dtype == FERRY_COMPLEX64 || tensor->dtype == FERRY_COMPLEX128) {
        ferry_dtype part = tensor->dtype == FERRY_COMPLEX64 ? FERRY_FLOAT32 : FERRY_FLOAT64;
        int order = compare_reals(ferry_load_double(part, tensor->data, 2 * i), ferry_load_double(part, tensor->data, 2 * j));
        return order ? order
                     : compare_reals(ferry_load_double(part, tensor->data, 2 * i + 1),
                                     ferry_load_double(part, tensor->data, 2 * j + 1));
    }
    if (ferry_dtype_is_float(tensor->dtype))
        return compare_reals(ferry_load_double(tensor->dtype, tensor->data, i),
                             ferry_load_double(tensor->dtype, tensor->data, j));
    int64_t a = ferry_load_int64(tensor->dtype, tensor->data, i), b = ferry_load_int64(tensor->dtype, tensor->data, j);
    if (tensor->dtype == FERRY_UINT64) return ((uint64_t)a > (uint64_t)b) - ((uint64_t)a < (uint64_t)b);
    return (a > b) - (a < b);
}

static int compare_slices(const slices *s, int64_t i, int64_t j) {
    int order = 0;
    for (int64_t o = 0; o < s->outer && !order; o++)
        for (int64_t n = 0; n < s->inner && !order; n++)
            order = compare_elements(s->tensor, (o * s->items + i) * s->inner + n, (o * s->items + j) * s->inner + n);
    return order;
}

/* Bottom-up merge sort of item numbers: stable, so that the first of equal items stays the first. */
static int64_t *sort_items(const slices *s, int64_t *items, int64_t *spare) {
    for (int64_t i = 0; i < s->items; i++) items[i] = i;
    for (int64_t width = 1; width < s->items; width *= 2) {
        for (int64_t start = 0; start < s->items; start += 2 * width) {
            int64_t middle = ferry_min_int64(start + width, s->items), end = ferry_min_int64(start + 2 * width, s->items);
            for (int64_t left = start, right = middle, k = start; k < end; k++) {
                bool take_left = right == end || (left < middle && compare_slices(s, items[left], items[right]) <= 0);
                spare[k] = take_left ? items[left++] : items[right++];
            }
        }
        int64_t *swap = items;
        items = spare;
        spare = swap;
    }
    return items;
}

typedef struct groups {
    int64_t count;
    int64_t *first;   /* of each group: its first item */
    int64_t *sizes;   /* of each group */
    int64_t *of_item; /* the group of each item */
} groups;

static ferry_status find_groups(ferry_evaluation *evaluation, const slices *s, groups *g) {
    int64_t *memory = ferry_evaluation_scratch(evaluation, (size_t)s->items * 5, sizeof *memory);
    if (!memory) return FERRY_ERROR_OUT_OF_MEMORY;
    *g = (groups){.first = memory, .sizes = memory + s->items, .of_item = memory + 2 * s->items};
    const int64_t *sorted = sort_items(s, memory + 3 * s->items, memory + 4 * s->items);
    for (int64_t k = 0; k < s->items; k++) {
        if (k == 0 || compare_slices(s, sorted[k - 1], sorted[k]) != 0) g->first[g->count++] = sorted[k];
        g->of_item[sorted[k]] = g->count - 1;
        g->sizes[g->count - 1]++;
    }
    return FERRY_OK;
}

/* Renumbers groups in the order of their first items. */
static ferry_status order_by_occurrence(ferry_evaluation *evaluation, int64_t items, groups *g) {
    int64_t *renamed = ferry_evaluation_scratch(evaluation, (size_t)g->count, sizeof *renamed);
    int64_t *sizes = ferry_evaluation_scratch(evaluation, (size_t)g->count, sizeof *sizes);
    int64_t *first = ferry_evaluation_scratch(evaluation, (size_t)g->count, sizeof *first);
    if (!renamed || !sizes || !first) return FERRY_ERROR_OUT_OF_MEMORY;
    int64_t next = 0;
    for (int64_t i = 0; i < items; i++) {
        int64_t group = g->of_item[i];
        if (g->first[group] == i) {
            renamed[group] = next;
            sizes[next] = g->sizes[group];
            first[next++] = i;
        }
        g->of_item[i] = renamed[group];
    }
    g->sizes = sizes;
    g->first = first;
    return FERRY_OK;
}

static ferry_status put_list(ferry_evaluation *evaluation, int index, const int64_t *list, int64_t count) {
    ferry_shape shape = {1, {count}};
    FERRY_TRY(ferry_evaluation_allocate(evaluation, index, FERRY_INT64, &shape));
    const ferry_tensor *out = ferry_output(evaluation, index);
    if (out && count) memcpy(out->data, list, (size_t)count * sizeof *list);
    return FERRY_OK;
}

static ferry_status put_items(ferry_evaluation *evaluation, const slices *s, const groups *g, const ferry_shape *shape) {
    FERRY_TRY(ferry_evaluation_allocate(evaluation, 0, s->tensor->dtype, shape));
    const ferry_tensor *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    ferry_elements from, to;
    FERRY_TRY(ferry_elements_of(evaluation, s->tensor, &from));
    FERRY_TRY(ferry_elements_for(evaluation, out, &to));
    size_t bytes = (size_t)s->inner * from.size;
    for (int64_t o = 0; o < s->outer; o++)
        for (int64_t k = 0; k < g->count; k++)
            memcpy(to.data + (size_t)(o * g->count + k) * bytes, from.data + (size_t)(o * s->items + g->first[k]) * bytes,
                   bytes);
    return ferry_elements_store(evaluation, out, &to);
}

ferry_status ferry_evaluate_unique(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0);
    ferry_shape shape = {1, {ferry_shape_count(&in->shape)}};
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", 0);
    if (ferry_attribute_find(evaluation->attributes, "axis")) shape = in->shape;
    if (axis < 0) axis += shape.rank;
    slices s = {in, ferry_shape_product(&shape, 0, (int)axis), shape.dims[axis],
                ferry_shape_product(&shape, (int)axis + 1, shape.rank)};
    groups g;
    FERRY_TRY(find_groups(evaluation, &s, &g));
    bool sorted = ferry_attribute_integer(evaluation->attributes, "sorted", 1) != 0;
    if (!sorted) FERRY_TRY(order_by_occurrence(evaluation, s.items, &g));
    shape.dims[axis] = g.count;
    FERRY_TRY(put_items(evaluation, &s, &g, &shape));
    FERRY_TRY(put_list(evaluation, 1, g.first, g.count));
    FERRY_TRY(put_list(evaluation, 2, g.of_item, s.items));
    return put_list(evaluation, 3, g.sizes, g.count);
}
