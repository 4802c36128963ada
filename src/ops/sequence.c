/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences and optionals. Outputs own copies: nothing points into an input after the call. */
#include <string.h>

#include "ops/container.h"

/* ---- helpers ---- */

static const ferry_value *value_of(const ferry_evaluation *evaluation, int index) {
    return index < evaluation->input_count ? evaluation->inputs[index] : NULL;
}

static ferry_status need_sequence(ferry_evaluation *evaluation, int index, const ferry_value **sequence) {
    *sequence = value_of(evaluation, index);
    if (*sequence && (*sequence)->kind == FERRY_VALUE_SEQUENCE) return FERRY_OK;
    return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "%s: input %d must be a sequence", evaluation->op->name, index);
}

static ferry_status need_tensor(ferry_evaluation *evaluation, int index, const ferry_tensor **tensor) {
    const ferry_value *value = value_of(evaluation, index);
    if (!value || value->kind != FERRY_VALUE_TENSOR)
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "%s: input %d must be a tensor", evaluation->op->name, index);
    *tensor = &value->tensor;
    return FERRY_OK;
}

static ferry_status rule_kind(const ferry_inference *inference, int index, ferry_value_kind kind, const char *name) {
    const ferry_value_type *type = ferry_rule_input(inference, index);
    if (!type || type->kind == kind) return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: input %d must be a %s", inference->op->name, index, name);
}

/* An index into a sequence, input `index`; negative ones count from the end; `extra` 1 allows the place behind the last. */
static ferry_status read_position(ferry_evaluation *evaluation, int index, int64_t count, int64_t extra, int64_t fallback,
                                  int64_t *position) {
    *position = fallback;
    if (!value_of(evaluation, index)) return FERRY_OK;
    const ferry_tensor *tensor;
    FERRY_TRY(need_tensor(evaluation, index, &tensor));
    int64_t given = ferry_scalar_integer(tensor, 0);
    *position = given < 0 ? given + count : given;
    if (given >= -count && given < count + extra) return FERRY_OK;
    return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "%s: position %lld is outside a sequence of %lld",
                      evaluation->op->name, (long long)given, (long long)count);
}

static ferry_dtype sequence_dtype(const ferry_inference *inference, int index) { return ferry_rule_dtype(inference, index); }

/* ---- making and changing sequences ---- */

ferry_status ferry_infer_sequence_construct(ferry_inference *inference) {
    ferry_dtype dtype;
    for (int i = 0; i < inference->input_count; i++) FERRY_TRY(rule_kind(inference, i, FERRY_VALUE_TENSOR, "tensor"));
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, inference->input_count - 1, FERRY_DTYPES_ANY, &dtype));
    ferry_rule_sequence(inference, 0, dtype);
    return FERRY_OK;
}

ferry_status ferry_evaluate_sequence_construct(ferry_evaluation *evaluation) {
    ferry_value *items;
    FERRY_TRY(ferry_output_sequence(evaluation, 0, evaluation->input_count, &items));
    for (int i = 0; items && i < evaluation->input_count; i++) {
        const ferry_tensor *tensor;
        FERRY_TRY(need_tensor(evaluation, i, &tensor));
        FERRY_TRY(ferry_value_copy(evaluation, evaluation->inputs[i], &items[i]));
    }
    return FERRY_OK;
}

ferry_status ferry_infer_sequence_empty(ferry_inference *inference) {
    int64_t dtype = ferry_attribute_integer(inference->attributes, "dtype", FERRY_FLOAT32);
    if (dtype < FERRY_FLOAT32 || dtype > FERRY_INT2)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "SequenceEmpty: there is no dtype %lld", (long long)dtype);
    ferry_rule_sequence(inference, 0, (ferry_dtype)dtype);
    return FERRY_OK;
}

ferry_status ferry_evaluate_sequence_empty(ferry_evaluation *evaluation) {
    ferry_value *items;
    FERRY_TRY(ferry_output_sequence(evaluation, 0, 0, &items));
    if (items)
        evaluation->outputs[0]->tensor.dtype =
            (ferry_dtype)ferry_attribute_integer(evaluation->attributes, "dtype", FERRY_FLOAT32);
    return FERRY_OK;
}

ferry_status ferry_infer_sequence_insert(ferry_inference *inference) {
    FERRY_TRY(rule_kind(inference, 0, FERRY_VALUE_SEQUENCE, "sequence"));
    FERRY_TRY(rule_kind(inference, 1, FERRY_VALUE_TENSOR, "tensor"));
    FERRY_TRY(ferry_rule_dtypes(inference, 2, FERRY_DTYPES_INDEX));
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_same_dtype(inference, 0, 1, FERRY_DTYPES_ANY, &dtype));
    ferry_rule_sequence(inference, 0, dtype);
    return FERRY_OK;
}

ferry_status ferry_evaluate_sequence_insert(ferry_evaluation *evaluation) {
    const ferry_value *sequence;
    const ferry_tensor *tensor;
    int64_t position;
    ferry_value *items;
    FERRY_TRY(need_sequence(evaluation, 0, &sequence));
    FERRY_TRY(need_tensor(evaluation, 1, &tensor));
    FERRY_TRY(read_position(evaluation, 2, sequence->count, 1, sequence->count, &position));
    FERRY_TRY(ferry_output_sequence(evaluation, 0, sequence->count + 1, &items));
    for (int64_t i = 0; items && i <= sequence->count; i++) {
        const ferry_value *from = i == position ? evaluation->inputs[1] : &sequence->items[i - (i > position)];
        FERRY_TRY(ferry_value_copy(evaluation, from, &items[i]));
    }
    return FERRY_OK;
}

ferry_status ferry_infer_sequence_erase(ferry_inference *inference) {
    FERRY_TRY(rule_kind(inference, 0, FERRY_VALUE_SEQUENCE, "sequence"));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    ferry_rule_sequence(inference, 0, sequence_dtype(inference, 0));
    return FERRY_OK;
}

ferry_status ferry_evaluate_sequence_erase(ferry_evaluation *evaluation) {
    const ferry_value *sequence;
    int64_t position;
    ferry_value *items;
    FERRY_TRY(need_sequence(evaluation, 0, &sequence));
    if (sequence->count == 0)
        return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "SequenceErase: the sequence is empty");
    FERRY_TRY(read_position(evaluation, 1, sequence->count, 0, sequence->count - 1, &position));
    FERRY_TRY(ferry_output_sequence(evaluation, 0, sequence->count - 1, &items));
    for (int64_t i = 0; items && i < sequence->count - 1; i++)
        FERRY_TRY(ferry_value_copy(evaluation, &sequence->items[i + (i >= position)], &items[i]));
    return FERRY_OK;
}

/* ---- reading sequences ---- */

ferry_status ferry_infer_sequence_at(ferry_inference *inference) {
    FERRY_TRY(rule_kind(inference, 0, FERRY_VALUE_SEQUENCE, "sequence"));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    ferry_rule_output(inference, 0, sequence_dtype(inference, 0), NULL);
    return FERRY_OK;
}

ferry_status ferry_evaluate_sequence_at(ferry_evaluation *evaluation) {
    const ferry_value *sequence;
    int64_t position;
    FERRY_TRY(need_sequence(evaluation, 0, &sequence));
    FERRY_TRY(read_position(evaluation, 1, sequence->count, 0, 0, &position));
    return ferry_output_copy(evaluation, 0, &sequence->items[position]);
}

ferry_status ferry_infer_sequence_length(ferry_inference *inference) {
    FERRY_TRY(rule_kind(inference, 0, FERRY_VALUE_SEQUENCE, "sequence"));
    ferry_rule_output(inference, 0, FERRY_INT64, &(ferry_shape){0});
    return FERRY_OK;
}

ferry_status ferry_evaluate_sequence_length(ferry_evaluation *evaluation) {
    const ferry_value *sequence;
    FERRY_TRY(need_sequence(evaluation, 0, &sequence));
    FERRY_TRY(ferry_evaluation_allocate(evaluation, 0, FERRY_INT64, &(ferry_shape){0}));
    if (ferry_output(evaluation, 0)) *(int64_t *)ferry_output(evaluation, 0)->data = sequence->count;
    return FERRY_OK;
}

/* ---- joining and splitting ---- */

ferry_status ferry_infer_concat_from_sequence(ferry_inference *inference) {
    FERRY_TRY(rule_kind(inference, 0, FERRY_VALUE_SEQUENCE, "sequence"));
    ferry_rule_output(inference, 0, sequence_dtype(inference, 0), NULL);
    return FERRY_OK;
}

/* The shape of the joined tensor. An item's shape with a new axis has 1 there. */
static ferry_status joined_shape(ferry_evaluation *evaluation, const ferry_value *sequence, bool stack, int *axis,
                                 ferry_shape *shape) {
    const ferry_shape *first = &sequence->items[0].tensor.shape;
    int rank = first->rank + stack;
    int64_t given = ferry_attribute_integer(evaluation->attributes, "axis", 0);
    if (given < -rank || given >= rank || rank > FERRY_MAX_RANK)
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "ConcatFromSequence: axis %lld is outside a rank-%d result",
                          (long long)given, rank);
    *axis = (int)(given < 0 ? given + rank : given);
    *shape = (ferry_shape){.rank = rank};
    for (int d = 0; d < rank; d++)
        shape->dims[d] = stack ? (d == *axis ? 0 : first->dims[d - (d > *axis)]) : d == *axis ? 0 : first->dims[d];
    for (int64_t i = 0; i < sequence->count; i++) {
        const ferry_value *item = &sequence->items[i];
        bool fits = item->kind == FERRY_VALUE_TENSOR && item->tensor.shape.rank == first->rank &&
                    item->tensor.dtype == sequence->items[0].tensor.dtype;
        for (int d = 0; fits && d < first->rank; d++)
            fits = item->tensor.shape.dims[d] == first->dims[d] || (!stack && d == *axis);
        if (!fits)
            return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "ConcatFromSequence: item %lld does not fit the first",
                              (long long)i);
        if (__builtin_add_overflow(shape->dims[*axis], stack ? 1 : item->tensor.shape.dims[*axis], &shape->dims[*axis]))
            return ferry_fail_memory(evaluation->error, SIZE_MAX);
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_concat_from_sequence(ferry_evaluation *evaluation) {
    const ferry_value *sequence;
    FERRY_TRY(need_sequence(evaluation, 0, &sequence));
    if (sequence->count == 0)
        return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "ConcatFromSequence: the sequence is empty");
    bool stack = ferry_attribute_integer(evaluation->attributes, "new_axis", 0) != 0;
    int axis = 0;
    ferry_shape shape;
    ferry_dtype dtype = sequence->items[0].tensor.dtype;
    FERRY_TRY(joined_shape(evaluation, sequence, stack, &axis, &shape));
    if (ferry_dtype_bits(dtype) < 8) return ferry_evaluation_unsupported(evaluation, dtype);
    FERRY_TRY(ferry_evaluation_allocate(evaluation, 0, dtype, &shape));
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    size_t inner = (size_t)ferry_shape_product(&shape, axis + 1, shape.rank) * ferry_dtype_bytes(dtype), place = 0;
    int64_t outer = ferry_shape_product(&shape, 0, axis);
    for (int64_t i = 0; i < sequence->count; i++) {
        const ferry_tensor *item = &sequence->items[i].tensor;
        size_t run = (stack ? 1 : (size_t)item->shape.dims[axis]) * inner;
        for (int64_t o = 0; o < outer && run; o++)
            memcpy((char *)y->data + (size_t)o * (size_t)shape.dims[axis] * inner + place,
                   (const char *)item->data + (size_t)o * run, run);
        place += run;
    }
    return ferry_evaluation_own_strings(evaluation, y);
}

ferry_status ferry_infer_split_to_sequence(ferry_inference *inference) {
    FERRY_TRY(rule_kind(inference, 0, FERRY_VALUE_TENSOR, "tensor"));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPES_INDEX));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    int axis;
    if (x) FERRY_TRY(ferry_rule_axis(inference, ferry_attribute_integer(inference->attributes, "axis", 0), x->rank, &axis));
    ferry_rule_sequence(inference, 0, ferry_rule_dtype(inference, 0));
    return FERRY_OK;
}

/* How many pieces a split of `length` makes, and with `lengths` given, how long they are. */
static ferry_status split_lengths(ferry_evaluation *evaluation, int64_t length, int64_t *count, int64_t **lengths) {
    const ferry_tensor *split = ferry_input(evaluation, 1);
    bool chunks = !split || split->shape.rank == 0;
    int64_t size = split && chunks ? ferry_scalar_integer(split, 1) : 1, total = 0;
    if (chunks && size < 1)
        return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "SplitToSequence: split must be positive");
    *count = chunks ? length / size + (length % size != 0) : ferry_shape_count(&split->shape);
    FERRY_SCRATCH(*lengths, evaluation, *count);
    for (int64_t i = 0; i < *count; i++) {
        int64_t piece = chunks ? ferry_min_int64(size, length - i * size) : ferry_load_int64(split->dtype, split->data, i);
        if (piece < 0 || piece > length - total)
            return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT,
                              "SplitToSequence: the pieces do not add up to %lld", (long long)length);
        (*lengths)[i] = piece;
        total += piece;
    }
    if (total == length) return FERRY_OK;
    return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "SplitToSequence: the pieces add up to %lld, not %lld",
                      (long long)total, (long long)length);
}

ferry_status ferry_evaluate_split_to_sequence(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    if (ferry_dtype_bits(x->dtype) < 8) return ferry_evaluation_unsupported(evaluation, x->dtype);
    int64_t axis = ferry_attribute_integer(evaluation->attributes, "axis", 0), count = 0, *lengths = NULL;
    if (axis < 0) axis += x->shape.rank;
    bool drop = !ferry_input(evaluation, 1) && !ferry_attribute_integer(evaluation->attributes, "keepdims", 1);
    FERRY_TRY(split_lengths(evaluation, x->shape.dims[axis], &count, &lengths));
    ferry_value *items;
    FERRY_TRY(ferry_output_sequence(evaluation, 0, count, &items));
    size_t inner = (size_t)ferry_shape_product(&x->shape, (int)axis + 1, x->shape.rank) * ferry_dtype_bytes(x->dtype),
           place = 0;
    int64_t outer = ferry_shape_product(&x->shape, 0, (int)axis);
    for (int64_t i = 0; items && i < count; i++) {
        ferry_shape shape = x->shape;
        shape.dims[axis] = lengths[i];
        for (int d = (int)axis; drop && d + 1 < shape.rank; d++) shape.dims[d] = shape.dims[d + 1];
        shape.rank -= drop;
        FERRY_TRY(ferry_value_make_tensor(evaluation, x->dtype, &shape, &items[i]));
        size_t run = (size_t)lengths[i] * inner;
        for (int64_t o = 0; o < outer && run; o++)
            memcpy((char *)items[i].tensor.data + (size_t)o * run,
                   (const char *)x->data + (size_t)o * (size_t)x->shape.dims[axis] * inner + place, run);
        place += run;
        FERRY_TRY(ferry_evaluation_own_strings(evaluation, &items[i].tensor));
    }
    return FERRY_OK;
}

/* ---- optionals ---- */

/* Without an input, `_type` tells what it could hold: kind, kind of that one's elements, dtype. */
ferry_status ferry_infer_optional(ferry_inference *inference) {
    const ferry_value_type *element = ferry_rule_input(inference, 0);
    int64_t count;
    const int64_t *type = ferry_attribute_integers(inference->attributes, "_type", &count);
    if (inference->output_count < 1) return FERRY_OK;
    ferry_value_type *output = &inference->outputs[0];
    *output = (ferry_value_type){.kind = FERRY_VALUE_OPTIONAL};
    if (element) {
        output->dtype = element->dtype;
        output->element_kind = element->kind;
    } else if (type && count == 3) {
        output->dtype = (ferry_dtype)type[2];
        output->element_kind = (ferry_value_kind)type[0];
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_optional(ferry_evaluation *evaluation) {
    const ferry_value *element = value_of(evaluation, 0);
    ferry_value *items;
    FERRY_TRY(ferry_output_sequence(evaluation, 0, element != NULL, &items));
    if (!items) return FERRY_OK;
    evaluation->outputs[0]->kind = FERRY_VALUE_OPTIONAL;
    return element ? ferry_value_copy(evaluation, element, &items[0]) : FERRY_OK;
}

ferry_status ferry_infer_optional_has_element(ferry_inference *inference) {
    ferry_rule_output(inference, 0, FERRY_BOOL, &(ferry_shape){0});
    return FERRY_OK;
}

ferry_status ferry_evaluate_optional_has_element(ferry_evaluation *evaluation) {
    const ferry_value *value = value_of(evaluation, 0);
    FERRY_TRY(ferry_evaluation_allocate(evaluation, 0, FERRY_BOOL, &(ferry_shape){0}));
    bool has = value && (value->kind != FERRY_VALUE_OPTIONAL || value->count > 0);
    if (ferry_output(evaluation, 0)) *(uint8_t *)ferry_output(evaluation, 0)->data = has;
    return FERRY_OK;
}

ferry_status ferry_infer_optional_get_element(ferry_inference *inference) {
    const ferry_value_type *value = ferry_rule_input(inference, 0);
    if (value->kind != FERRY_VALUE_OPTIONAL) {
        ferry_rule_output_type(inference, 0, value);
    } else if (inference->output_count > 0) {
        inference->outputs[0] = (ferry_value_type){.kind = value->element_kind, .dtype = value->dtype};
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_optional_get_element(ferry_evaluation *evaluation) {
    const ferry_value *value = value_of(evaluation, 0);
    if (value && value->kind == FERRY_VALUE_OPTIONAL) value = value->count > 0 ? &value->items[0] : NULL;
    if (!value) return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "OptionalGetElement: the optional is empty");
    return ferry_output_copy(evaluation, 0, value);
}
