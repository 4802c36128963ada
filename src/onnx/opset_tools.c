/* SPDX-License-Identifier: Apache-2.0 */
/* The words in which the steps of normalisation are written. */
#include <stdio.h>
#include <string.h>

#include "onnx/opset.h"

static ferry_status no_memory(const ferry_onnx_call *call) {
    return ferry_fail(call->error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while rewriting node '%.128s'", call->name);
}

ferry_status ferry_onnx_step_unsupported(ferry_onnx_call *call, const char *why) {
    return ferry_fail(call->error, FERRY_ERROR_UNSUPPORTED,
                      "node '%.128s' (%s, opset %lld): %s; convert the model to opset 13 or newer", call->name, call->op,
                      (long long)call->version, why);
}

/* ---- attributes ---- */

const ferry_attribute *ferry_onnx_attribute_of(const ferry_onnx_call *call, const char *name) {
    ferry_attributes view = {call->attributes.items, (int)call->attributes.count};
    return ferry_attribute_find(&view, name);
}

int64_t ferry_onnx_call_integer(const ferry_onnx_call *call, const char *name, int64_t fallback) {
    ferry_attributes view = {call->attributes.items, (int)call->attributes.count};
    return ferry_attribute_integer(&view, name, fallback);
}

float ferry_onnx_call_real(const ferry_onnx_call *call, const char *name, float fallback) {
    ferry_attributes view = {call->attributes.items, (int)call->attributes.count};
    return ferry_attribute_real(&view, name, fallback);
}

void ferry_onnx_drop(ferry_onnx_call *call, const char *name) {
    size_t kept = 0;
    for (size_t i = 0; i < call->attributes.count; i++)
        if (strcmp(call->attributes.items[i].name, name) != 0) call->attributes.items[kept++] = call->attributes.items[i];
    call->attributes.count = kept;
}

static ferry_status set(ferry_onnx_call *call, ferry_attribute attribute) {
    ferry_onnx_drop(call, attribute.name);
    return ferry_vector_push(&call->attributes, attribute) ? FERRY_OK : no_memory(call);
}

ferry_status ferry_onnx_set_integer(ferry_onnx_call *call, const char *name, int64_t value) {
    return set(call, (ferry_attribute){.name = name, .type = FERRY_ATTRIBUTE_INT, .value.integer = value});
}

ferry_status ferry_onnx_set_real(ferry_onnx_call *call, const char *name, float value) {
    return set(call, (ferry_attribute){.name = name, .type = FERRY_ATTRIBUTE_FLOAT, .value.real = value});
}

ferry_status ferry_onnx_set_string(ferry_onnx_call *call, const char *name, const char *value) {
    return set(call, (ferry_attribute){.name = name, .type = FERRY_ATTRIBUTE_STRING, .value.string = {value, strlen(value)}});
}

/* ---- inputs ---- */

ferry_status ferry_onnx_set_input(ferry_onnx_call *call, size_t index, ferry_graph_value *value) {
    while (call->inputs.count <= index)
        if (!ferry_vector_push(&call->inputs, NULL)) return no_memory(call);
    call->inputs.items[index] = value;
    return FERRY_OK;
}

int ferry_onnx_rank(const ferry_onnx_call *call, size_t index) {
    const ferry_graph_value *value = ferry_onnx_call_input(call, index);
    return value && value->type.kind == FERRY_VALUE_TENSOR && value->type.ranked ? value->type.shape.rank : -1;
}

/* "node/hint", with a number behind it when that name is taken. */
static const char *helper_name(const ferry_onnx_call *call, const char *hint, char text[192]) {
    snprintf(text, 192, "%.128s/%.32s", call->name, hint);
    size_t length = strlen(text);
    for (unsigned i = 2; ferry_graph_find(call->graph, text) && i < 1u << 30; i++)
        snprintf(text + length, 192 - length, "_%u", i);
    return text;
}

static ferry_status add_constant(ferry_onnx_call *call, const char *hint, ferry_dtype dtype, const void *data, int64_t count,
                                 ferry_graph_value **constant) {
    char name[192];
    ferry_tensor tensor = {.dtype = dtype, .data = NULL};
    if (count >= 0) tensor.shape = ferry_shape_make(1, &count);
    memcpy(&tensor.data, &data, sizeof data); /* read only */
    return ferry_graph_add_constant(call->graph, helper_name(call, hint, name), &tensor, true, constant, call->error);
}

ferry_status ferry_onnx_integers(ferry_onnx_call *call, const char *hint, const int64_t *values, int64_t count,
                                 ferry_graph_value **constant) {
    return add_constant(call, hint, FERRY_INT64, values, count, constant);
}

ferry_status ferry_onnx_reals(ferry_onnx_call *call, const char *hint, ferry_dtype dtype, const float *values, int64_t count,
                              ferry_graph_value **constant) {
    if (dtype == FERRY_FLOAT32) return add_constant(call, hint, dtype, values, count, constant);
    int64_t length = count < 0 ? 1 : count;
    void *converted = ferry_arena_allocate(call->arena, (size_t)length, sizeof(double));
    if (!converted) return no_memory(call);
    for (int64_t i = 0; i < length; i++) ferry_store_double(dtype, converted, i, values[i]);
    return add_constant(call, hint, dtype, converted, count, constant);
}

ferry_status ferry_onnx_integers_to_input(ferry_onnx_call *call, const char *name, size_t index) {
    const ferry_attribute *attribute = ferry_onnx_attribute_of(call, name);
    ferry_graph_value *constant;
    if (!attribute) return FERRY_OK;
    if (attribute->type != FERRY_ATTRIBUTE_INTS)
        return ferry_fail(call->error, FERRY_ERROR_FORMAT, "node '%.128s' (%s): attribute '%s' is not a list of integers",
                          call->name, call->op, name);
    FERRY_TRY(ferry_onnx_integers(call, name, attribute->value.integers, attribute->count, &constant));
    ferry_onnx_drop(call, name);
    return ferry_onnx_set_input(call, index, constant);
}

/* ---- helper nodes ---- */

ferry_status ferry_onnx_emit(ferry_onnx_call *call, const char *op, const ferry_attributes *attributes, int input_count,
                             ferry_graph_value *const *inputs, ferry_graph_value **output) {
    char hint[192];
    const ferry_op *entry = ferry_op_find("", op);
    if (!entry)
        return ferry_fail(call->error, FERRY_ERROR_UNSUPPORTED, "node '%.128s' (%s): %s is not in the operator table",
                          call->name, call->op, op);
    snprintf(hint, sizeof hint, "%.128s/%s", call->name, op);
    return ferry_graph_insert(call->graph, entry, attributes, input_count, inputs, hint, NULL, output, call->error);
}

ferry_status ferry_onnx_emit_unary(ferry_onnx_call *call, const char *op, ferry_graph_value *a, ferry_graph_value **output) {
    return ferry_onnx_emit(call, op, NULL, 1, &a, output);
}

ferry_status ferry_onnx_emit_binary(ferry_onnx_call *call, const char *op, ferry_graph_value *a, ferry_graph_value *b,
                                    ferry_graph_value **output) {
    ferry_graph_value *inputs[2] = {a, b};
    return ferry_onnx_emit(call, op, NULL, 2, inputs, output);
}

ferry_status ferry_onnx_emit_unsqueeze(ferry_onnx_call *call, ferry_graph_value *value, const int64_t *axes, int64_t count,
                                       ferry_graph_value **output) {
    ferry_graph_value *constant;
    FERRY_TRY(ferry_onnx_integers(call, "axes", axes, count, &constant));
    return ferry_onnx_emit_binary(call, "Unsqueeze", value, constant, output);
}
