/* SPDX-License-Identifier: Apache-2.0 */
/* What reference evaluations share: memory of outputs, shapes, copies. */
#include <string.h>

#include "ops/rules.h"

/* ---- memory ---- */

ferry_status ferry_evaluation_allocate(ferry_evaluation *evaluation, int index, ferry_dtype dtype, const ferry_shape *shape) {
    ferry_tensor *tensor = ferry_output(evaluation, index);
    if (!tensor) return FERRY_OK;
    evaluation->outputs[index]->kind = FERRY_VALUE_TENSOR;
    if (ferry_dtype_bits(dtype) == 0)
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "%s: the type of output %d is unknown", evaluation->op->name,
                          index);
    if (tensor->data && tensor->dtype == dtype && ferry_shape_equal(&tensor->shape, shape)) return FERRY_OK;
    size_t wanted, there = 0;
    if (!ferry_tensor_bytes(dtype, FERRY_LAYOUT_PLAIN, shape, &wanted)) {
        char text[FERRY_SHAPE_TEXT];
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "%s: output %d would be %s, more than memory can hold",
                          evaluation->op->name, index, ferry_shape_text(shape, text, sizeof text));
    }
    bool keep = tensor->data && ferry_tensor_bytes(tensor->dtype, tensor->layout, &tensor->shape, &there) && there >= wanted;
    void *memory = tensor->data;
    if (!keep) FERRY_TRY(evaluation->allocate(evaluation, wanted ? wanted : 1, &memory));
    *tensor = (ferry_tensor){.dtype = dtype, .layout = FERRY_LAYOUT_PLAIN, .shape = *shape, .data = memory};
    return FERRY_OK;
}

void *ferry_evaluation_scratch(ferry_evaluation *evaluation, size_t count, size_t size) {
    void *memory = ferry_arena_allocate(evaluation->scratch, count, size);
    if (!memory) ferry_fail_memory(evaluation->error, (unsigned long long)count * size);
    return memory;
}

/* ---- shapes from the operator's own rule ---- */

static void type_of(const ferry_value *value, ferry_value_type *type) {
    *type = (ferry_value_type){.kind = value->kind};
    if (value->kind != FERRY_VALUE_TENSOR) {
        if (value->count > 0 && value->items) type->dtype = value->items[0].tensor.dtype;
        return;
    }
    type->dtype = value->tensor.dtype;
    type->ranked = true;
    type->shape = value->tensor.shape;
    type->data = value->tensor.data ? value->tensor.data : ""; /* an empty tensor is known too */
}

ferry_status ferry_evaluation_infer(ferry_evaluation *evaluation, ferry_value_type *types) {
    size_t count = (size_t)evaluation->input_count;
    ferry_value_type *inputs = ferry_evaluation_scratch(evaluation, count, sizeof *inputs);
    const ferry_value_type **pointers = ferry_evaluation_scratch(evaluation, count, sizeof *pointers);
    if (!inputs || !pointers) return FERRY_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (!evaluation->inputs[i]) continue;
        type_of(evaluation->inputs[i], &inputs[i]);
        pointers[i] = &inputs[i];
    }
    memset(types, 0, (size_t)evaluation->output_count * sizeof *types);
    ferry_inference inference = {.op = evaluation->op,
                                 .attributes = evaluation->attributes,
                                 .input_count = evaluation->input_count,
                                 .output_count = evaluation->output_count,
                                 .inputs = pointers,
                                 .outputs = types,
                                 .arena = evaluation->scratch,
                                 .error = evaluation->error};
    return ferry_op_infer(&inference);
}

static bool all_known(const ferry_shape *shape) {
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 0) return false;
    return true;
}

ferry_status ferry_evaluation_prepare(ferry_evaluation *evaluation) {
    ferry_value_type *types = ferry_evaluation_scratch(evaluation, (size_t)evaluation->output_count, sizeof *types);
    if (!types) return FERRY_ERROR_OUT_OF_MEMORY;
    FERRY_TRY(ferry_evaluation_infer(evaluation, types));
    for (int i = 0; i < evaluation->output_count; i++) {
        bool known = types[i].kind == FERRY_VALUE_TENSOR && types[i].ranked && all_known(&types[i].shape);
        if (known)
            FERRY_TRY(ferry_evaluation_allocate(evaluation, i, types[i].dtype, &types[i].shape));
        else if (evaluation->outputs[i] && !(evaluation->op->flags & (FERRY_OP_DATA_DEPENDENT | FERRY_OP_CONTAINERS)))
            return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "%s: the shape of output %d cannot be told from the inputs",
                              evaluation->op->name, i);
    }
    return FERRY_OK;
}

/* ---- copies ---- */

ferry_status ferry_evaluation_own_strings(ferry_evaluation *evaluation, const ferry_tensor *tensor) {
    if (tensor->dtype != FERRY_STRING) return FERRY_OK;
    ferry_string *strings = tensor->data;
    int64_t count = ferry_shape_count(&tensor->shape);
    size_t bytes = 0;
    for (int64_t i = 0; i < count; i++)
        if (!ferry_size_add(bytes, strings[i].length, &bytes)) return ferry_fail_memory(evaluation->error, SIZE_MAX);
    void *memory;
    FERRY_TRY(evaluation->allocate(evaluation, bytes ? bytes : 1, &memory));
    char *text = memory;
    for (int64_t i = 0; i < count; i++) {
        if (strings[i].length) memcpy(text, strings[i].text, strings[i].length);
        strings[i].text = text;
        text += strings[i].length;
    }
    return FERRY_OK;
}

ferry_status ferry_evaluation_copy(ferry_evaluation *evaluation, int index, const ferry_tensor *source) {
    ferry_tensor *target = ferry_output(evaluation, index);
    size_t bytes;
    if (!target || target->data == source->data) return FERRY_OK;
    if (!ferry_tensor_bytes(source->dtype, source->layout, &source->shape, &bytes)) return FERRY_ERROR_SHAPE;
    if (bytes) memcpy(target->data, source->data, bytes);
    return ferry_evaluation_own_strings(evaluation, target);
}

/* Hostile graphs may nest containers; ONNX itself knows a sequence in an optional. */
enum { MAX_NESTING = 4 };

static ferry_status copy_value(ferry_evaluation *evaluation, const ferry_value *source, ferry_value *target, int depth) {
    if (source->kind == FERRY_VALUE_TENSOR) {
        ferry_tensor copy = source->tensor;
        size_t bytes;
        if (!ferry_tensor_bytes(copy.dtype, copy.layout, &copy.shape, &bytes)) return FERRY_ERROR_SHAPE;
        FERRY_TRY(evaluation->allocate(evaluation, bytes ? bytes : 1, &copy.data));
        if (bytes) memcpy(copy.data, source->tensor.data, bytes);
        *target = (ferry_value){.kind = FERRY_VALUE_TENSOR, .tensor = copy};
        return ferry_evaluation_own_strings(evaluation, &copy);
    }
    if (depth == MAX_NESTING)
        return ferry_fail(evaluation->error, FERRY_ERROR_UNSUPPORTED, "%s: containers are nested too deeply",
                          evaluation->op->name);
    void *items;
    FERRY_TRY(evaluation->allocate(evaluation, (size_t)(source->count ? source->count : 1) * sizeof(ferry_value), &items));
    *target = (ferry_value){.kind = source->kind, .items = items, .count = source->count};
    for (int64_t i = 0; i < source->count; i++) {
        target->items[i] = (ferry_value){0};
        FERRY_TRY(copy_value(evaluation, &source->items[i], &target->items[i], depth + 1));
    }
    return FERRY_OK;
}

ferry_status ferry_evaluation_copy_value(ferry_evaluation *evaluation, const ferry_value *source, ferry_value *target) {
    return copy_value(evaluation, source, target, 0);
}

/* Element offset of a logical position in a layout; inner is the position within the spatial dimensions. */
static int64_t layout_offset(const ferry_tensor *tensor, int64_t n, int64_t c, int64_t inner, int64_t area) {
    int64_t block = ferry_layout_block(tensor->layout), blocks = ferry_ceil_div(tensor->shape.dims[1], block);
    return ((n * blocks + c / block) * area + inner) * block + c % block;
}

static ferry_status reorder(ferry_evaluation *evaluation, const ferry_tensor *in, const ferry_tensor *out) {
    size_t size = ferry_dtype_bytes(in->dtype), bytes;
    if (in->shape.rank < 2 || size == 0 || in->dtype == FERRY_STRING ||
        !ferry_tensor_bytes(out->dtype, out->layout, &out->shape, &bytes))
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE,
                          "%s: blocked layouts need rank 2 or more and whole-byte numbers", evaluation->op->name);
    memset(out->data, 0, bytes);
    int64_t area = ferry_shape_product(&in->shape, 2, in->shape.rank);
    for (int64_t n = 0; n < in->shape.dims[0]; n++)
        for (int64_t c = 0; c < in->shape.dims[1]; c++)
            for (int64_t i = 0; i < area; i++)
                memcpy((char *)out->data + (size_t)layout_offset(out, n, c, i, area) * size,
                       (const char *)in->data + (size_t)layout_offset(in, n, c, i, area) * size, size);
    return FERRY_OK;
}

ferry_status ferry_evaluate_copy(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0);
    const ferry_tensor *out = ferry_output(evaluation, 0);
    if (!out || in->layout == out->layout) return ferry_evaluation_copy(evaluation, 0, in);
    return reorder(evaluation, in, out);
}

ferry_status ferry_evaluation_unsupported(ferry_evaluation *evaluation, ferry_dtype dtype) {
    return ferry_fail(evaluation->error, FERRY_ERROR_UNSUPPORTED, "%s: %s is not supported", evaluation->op->name,
                      ferry_dtype_name(dtype));
}
