/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/container.h"

#include <string.h>

/* Containers hold tensors, or an optional holds a sequence of tensors: deeper nesting is a broken value. */
enum { DEEPEST = 3 };

ferry_status ferry_value_make_tensor(ferry_evaluation *evaluation, ferry_dtype dtype, const ferry_shape *shape,
                                     ferry_value *value) {
    size_t bytes;
    void *memory;
    if (!ferry_tensor_bytes(dtype, FERRY_LAYOUT_PLAIN, shape, &bytes)) return ferry_fail_memory(evaluation->error, SIZE_MAX);
    FERRY_TRY(evaluation->allocate(evaluation, bytes ? bytes : 1, &memory));
    *value = (ferry_value){.kind = FERRY_VALUE_TENSOR, .tensor = {.dtype = dtype, .shape = *shape, .data = memory}};
    return FERRY_OK;
}

static ferry_status copy_tensor(ferry_evaluation *evaluation, const ferry_tensor *from, ferry_value *to) {
    size_t bytes;
    FERRY_TRY(ferry_value_make_tensor(evaluation, from->dtype, &from->shape, to));
    if (!ferry_tensor_bytes(from->dtype, FERRY_LAYOUT_PLAIN, &from->shape, &bytes))
        return ferry_fail_memory(evaluation->error, SIZE_MAX);
    if (bytes) memcpy(to->tensor.data, from->data, bytes);
    return ferry_evaluation_own_strings(evaluation, &to->tensor);
}

static ferry_status copy_value(ferry_evaluation *evaluation, const ferry_value *from, ferry_value *to, int depth) {
    if (from->kind == FERRY_VALUE_TENSOR) return copy_tensor(evaluation, &from->tensor, to);
    if (depth >= DEEPEST) return ferry_fail(evaluation->error, FERRY_ERROR_UNSUPPORTED, "containers nest too deeply");
    size_t bytes;
    void *memory;
    if (!ferry_size_multiply((size_t)from->count, sizeof *to, &bytes)) return ferry_fail_memory(evaluation->error, SIZE_MAX);
    FERRY_TRY(evaluation->allocate(evaluation, bytes ? bytes : 1, &memory));
    ferry_value *items = memory;
    for (int64_t i = 0; i < from->count; i++) FERRY_TRY(copy_value(evaluation, &from->items[i], &items[i], depth + 1));
    *to = (ferry_value){.kind = from->kind, .items = items, .count = from->count};
    to->tensor.dtype = from->tensor.dtype;
    return FERRY_OK;
}

ferry_status ferry_value_copy(ferry_evaluation *evaluation, const ferry_value *from, ferry_value *to) {
    return copy_value(evaluation, from, to, 0);
}

ferry_status ferry_output_copy(ferry_evaluation *evaluation, int index, const ferry_value *from) {
    if (index >= evaluation->output_count || !evaluation->outputs[index]) return FERRY_OK;
    if (from->kind != FERRY_VALUE_TENSOR) return ferry_value_copy(evaluation, from, evaluation->outputs[index]);
    FERRY_TRY(ferry_evaluation_allocate(evaluation, index, from->tensor.dtype, &from->tensor.shape));
    return ferry_evaluation_copy(evaluation, index, &from->tensor);
}

ferry_status ferry_output_sequence(ferry_evaluation *evaluation, int index, int64_t count, ferry_value **items) {
    *items = NULL;
    if (index >= evaluation->output_count || !evaluation->outputs[index]) return FERRY_OK;
    size_t bytes;
    void *memory;
    if (!ferry_size_multiply((size_t)count, sizeof **items, &bytes)) return ferry_fail_memory(evaluation->error, SIZE_MAX);
    FERRY_TRY(evaluation->allocate(evaluation, bytes ? bytes : 1, &memory));
    memset(memory, 0, bytes);
    *items = memory;
    *evaluation->outputs[index] = (ferry_value){.kind = FERRY_VALUE_SEQUENCE, .items = *items, .count = count};
    return FERRY_OK;
}

void ferry_rule_sequence(ferry_inference *inference, int index, ferry_dtype dtype) {
    if (index < inference->output_count)
        inference->outputs[index] = (ferry_value_type){.kind = FERRY_VALUE_SEQUENCE, .dtype = dtype};
}

void ferry_rule_output_type(ferry_inference *inference, int index, const ferry_value_type *type) {
    if (index >= inference->output_count) return;
    inference->outputs[index] = *type;
    inference->outputs[index].data = NULL;
    inference->outputs[index].values = NULL;
}
