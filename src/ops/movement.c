/* SPDX-License-Identifier: Apache-2.0 */
/* The engine under the movement operators: elements as bytes, and copies between strided blocks. */
#include "ops/movement.h"

#include <string.h>

static bool is_packed(ferry_dtype dtype) {
    return (unsigned)dtype <= FERRY_INT2 && (FERRY_DTYPES_PACKED & FERRY_DTYPE_BIT(dtype));
}

ferry_status ferry_elements_for(ferry_evaluation *evaluation, const ferry_tensor *tensor, ferry_elements *elements) {
    *elements = (ferry_elements){ferry_dtype_bytes(tensor->dtype), ferry_shape_count(&tensor->shape), tensor->data};
    if (!is_packed(tensor->dtype)) return FERRY_OK;
    elements->size = 1;
    elements->data = ferry_evaluation_scratch(evaluation, (size_t)elements->count, 1);
    return elements->data ? FERRY_OK : FERRY_ERROR_OUT_OF_MEMORY;
}

ferry_status ferry_elements_of(ferry_evaluation *evaluation, const ferry_tensor *tensor, ferry_elements *elements) {
    FERRY_TRY(ferry_elements_for(evaluation, tensor, elements));
    if (!is_packed(tensor->dtype)) return FERRY_OK;
    ferry_dtype codes = ferry_dtype_bits(tensor->dtype) == 4 ? FERRY_UINT4 : FERRY_UINT2;
    for (int64_t i = 0; i < elements->count; i++) elements->data[i] = (unsigned char)ferry_load_int64(codes, tensor->data, i);
    return FERRY_OK;
}

ferry_status ferry_elements_store(ferry_evaluation *evaluation, const ferry_tensor *tensor, const ferry_elements *elements) {
    if (elements->data == tensor->data) return ferry_evaluation_own_strings(evaluation, tensor);
    ferry_dtype codes = ferry_dtype_bits(tensor->dtype) == 4 ? FERRY_UINT4 : FERRY_UINT2;
    size_t bytes;
    if (ferry_tensor_bytes(tensor->dtype, FERRY_LAYOUT_PLAIN, &tensor->shape, &bytes) && bytes)
        memset(tensor->data, 0, bytes); /* the padding bits too */
    for (int64_t i = 0; i < elements->count; i++) ferry_store_int64(codes, tensor->data, i, elements->data[i]);
    return FERRY_OK;
}

/* ---- strided copies ---- */

typedef struct bytes16 {
    uint64_t low, high;
} bytes16;

#define COPY_ROW(type)                                                                                                         \
    do {                                                                                                                       \
        const type *from = (const type *)(const void *)in;                                                                     \
        type *to = (type *)(void *)out;                                                                                        \
        for (int64_t i = 0; i < count; i++) to[i * out_step] = from[i * in_step];                                              \
    } while (0)

static void copy_row(const unsigned char *in, int64_t in_step, unsigned char *out, int64_t out_step, int64_t count,
                     size_t size) {
    if (in_step == 1 && out_step == 1) {
        memcpy(out, in, (size_t)count * size);
        return;
    }
    switch (size) {
    case 1: COPY_ROW(uint8_t); return;
    case 2: COPY_ROW(uint16_t); return;
    case 4: COPY_ROW(uint32_t); return;
    case 8: COPY_ROW(uint64_t); return;
    case 16: COPY_ROW(bytes16); return;
    default:
        for (int64_t i = 0; i < count; i++) memcpy(out + i * out_step * (int64_t)size, in + i * in_step * (int64_t)size, size);
    }
}

/* Drops dimensions of 1 and merges those that both sides walk without a gap. False when there is nothing to copy. */
static bool simplify(const ferry_block *block, ferry_block *simple) {
    simple->rank = 0;
    for (int i = 0; i < block->rank; i++) {
        if (block->dims[i] == 0) return false;
        if (block->dims[i] == 1) continue;
        int last = simple->rank - 1;
        bool merge = last >= 0 && simple->in_strides[last] == block->in_strides[i] * block->dims[i] &&
                     simple->out_strides[last] == block->out_strides[i] * block->dims[i];
        if (merge) {
            simple->dims[last] *= block->dims[i];
            simple->in_strides[last] = block->in_strides[i];
            simple->out_strides[last] = block->out_strides[i];
        } else {
            ferry_block_add(simple, block->dims[i], block->in_strides[i], block->out_strides[i]);
        }
    }
    if (simple->rank == 0) ferry_block_add(simple, 1, 1, 1);
    return true;
}

void ferry_block_copy(const ferry_block *block, const unsigned char *in, unsigned char *out, size_t size) {
    ferry_block b;
    if (!simplify(block, &b)) return;
    int inner = b.rank - 1;
    int64_t at[FERRY_BLOCK_RANK] = {0};
    for (;;) {
        copy_row(in, b.in_strides[inner], out, b.out_strides[inner], b.dims[inner], size);
        int i = inner - 1;
        for (; i >= 0; i--) {
            int64_t step = ++at[i] < b.dims[i] ? 1 : 1 - b.dims[i];
            in += step * b.in_strides[i] * (int64_t)size;
            out += step * b.out_strides[i] * (int64_t)size;
            if (step == 1) break;
            at[i] = 0;
        }
        if (i < 0) return;
    }
}

/* ---- shared by rules and evaluations ---- */

ferry_status ferry_normalize_index(ferry_evaluation *evaluation, int64_t index, int64_t limit, int64_t *result) {
    if (index < -limit || index >= limit)
        return ferry_fail(evaluation->error, FERRY_ERROR_INVALID_ARGUMENT, "%s: index %lld is outside %lld to %lld",
                          evaluation->op->name, (long long)index, (long long)-limit, (long long)limit - 1);
    *result = index < 0 ? index + limit : index;
    return FERRY_OK;
}

ferry_status ferry_values_carry(ferry_inference *inference) {
    if (inference->output_count < 1 || !inference->outputs[0].ranked || inference->outputs[0].shape.rank > 1) return FERRY_OK;
    const ferry_value_type *input = ferry_rule_input(inference, 0);
    int64_t count;
    const int64_t *values = ferry_rule_values(inference, 0, &count);
    if (!values && input->ranked && input->data && input->shape.rank > 1) { /* flattening a small constant */
        ferry_value_type flat = *input;
        count = ferry_rule_product(inference, &input->shape, 0, input->shape.rank);
        flat.shape = ferry_shape_make(1, &count);
        const ferry_value_type *only = &flat;
        ferry_inference one = *inference;
        one.inputs = &only;
        one.input_count = 1;
        values = ferry_rule_values(&one, 0, &count);
    }
    return values ? ferry_rule_set_values(inference, 0, values, count) : FERRY_OK;
}
