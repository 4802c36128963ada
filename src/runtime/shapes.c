/* SPDX-License-Identifier: Apache-2.0 */
/* Planning, first half: shapes of all values, and the contents of small shape tensors. */
#include <string.h>

#include "runtime/frame.h"

enum { EARLY_BYTES = 4096, MAX_KNOWN_VALUES = 256 };

/* What is known of a value, as the shape rules want it. */
static ferry_status type_of(ferry_arena *arena, const ferry_frame_value *value, bool running, ferry_value_type *type,
                            ferry_error *error) {
    const ferry_tensor *tensor = &value->value.tensor;
    bool known = value->shaped || running;
    *type = (ferry_value_type){.kind = value->value.kind, .dtype = tensor->dtype};
    if (value->value.kind != FERRY_VALUE_TENSOR) {
        type->dtype = value->plan->dtype;
        return FERRY_OK;
    }
    type->ranked = known;
    type->shape = tensor->shape;
    if (!(value->contents || running) || !tensor->data || tensor->layout != FERRY_LAYOUT_PLAIN) return FERRY_OK;
    type->data = tensor->data;
    bool integer = tensor->dtype == FERRY_INT64 || tensor->dtype == FERRY_INT32;
    if (!known || !integer || tensor->shape.rank > 1 || ferry_shape_count(&tensor->shape) > MAX_KNOWN_VALUES) return FERRY_OK;
    if (tensor->dtype == FERRY_INT64) {
        type->values = tensor->data;
        return FERRY_OK;
    }
    int64_t count = ferry_shape_count(&tensor->shape);
    int64_t *values = ferry_arena_allocate(arena, (size_t)count, sizeof *values);
    if (!values) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while planning shapes");
    for (int64_t i = 0; i < count; i++) values[i] = ((const int32_t *)tensor->data)[i];
    type->values = values;
    return FERRY_OK;
}

static bool fully_known(const ferry_value_type *type) {
    if (type->kind != FERRY_VALUE_TENSOR || !type->ranked || type->dtype == FERRY_DTYPE_UNDEFINED) return false;
    for (int i = 0; i < type->shape.rank; i++)
        if (!ferry_dim_known(type->shape.dims[i]) || type->shape.dims[i] < 0) return false;
    return true;
}

static ferry_status take_outputs(ferry_frame *frame, ferry_frame_node *node, const ferry_value_type *types, bool *known,
                                 ferry_error *error) {
    *known = true;
    for (int i = 0; i < node->plan->output_count; i++) {
        if (node->plan->outputs[i] < 0) continue;
        ferry_frame_value *value = &frame->values[node->plan->outputs[i]];
        const ferry_value_type *type = &types[i];
        if (!fully_known(type)) {
            *known = false;
            value->value.kind = type->kind;
            value->value.tensor = (ferry_tensor){.dtype = type->dtype, .layout = value->plan->layout};
            continue;
        }
        if (value->plan->dtype != FERRY_DTYPE_UNDEFINED && value->plan->dtype != type->dtype)
            return ferry_fail(error, FERRY_ERROR_SHAPE, "output '%s' became %s, planned as %s", value->plan->name,
                              ferry_dtype_name(type->dtype), ferry_dtype_name(value->plan->dtype));
        void *data = value->value.tensor.data;
        value->value.kind = FERRY_VALUE_TENSOR;
        value->value.tensor =
            (ferry_tensor){.dtype = type->dtype, .layout = value->plan->layout, .shape = type->shape, .data = data};
        if (!ferry_tensor_bytes(type->dtype, value->plan->layout, &type->shape, &value->bytes))
            return ferry_fail(error, FERRY_ERROR_SHAPE, "output '%s' is too large", value->plan->name);
        value->shaped = true;
    }
    return FERRY_OK;
}

ferry_status ferry_frame_infer_node(ferry_frame *frame, ferry_frame_node *node, bool running, bool *known, ferry_error *error) {
    const ferry_plan_node *plan = node->plan;
    ferry_arena *arena = running ? &frame->run_arena : &frame->shape_arena;
    ferry_value_type *types = ferry_arena_allocate(arena, (size_t)(plan->input_count + plan->output_count), sizeof *types);
    const ferry_value_type **inputs = ferry_arena_allocate(arena, (size_t)plan->input_count, sizeof *inputs);
    if (!types || !inputs) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while planning shapes");
    for (int i = 0; i < plan->input_count; i++) {
        if (plan->inputs[i] < 0) continue;
        FERRY_TRY(type_of(arena, &frame->values[plan->inputs[i]], running, &types[i], error));
        inputs[i] = &types[i];
    }
    ferry_inference inference = {
        .op = plan->op,
        .attributes = &plan->attributes,
        .input_count = plan->input_count,
        .output_count = plan->output_count,
        .inputs = inputs,
        .outputs = types + plan->input_count,
        .arena = arena,
        .error = error,
    };
    FERRY_TRY(ferry_op_infer(&inference));
    return take_outputs(frame, node, inference.outputs, known, error);
}

static bool inputs_shaped(const ferry_frame *frame, const ferry_plan_node *plan) {
    for (int i = 0; i < plan->input_count; i++)
        if (plan->inputs[i] >= 0 && !frame->values[plan->inputs[i]].shaped) return false;
    return true;
}

/* Small results of known contents are computed now, once, so that shapes that hang on them are known before the run. */
static bool wants_early(const ferry_frame *frame, const ferry_frame_node *node) {
    const ferry_plan_node *plan = node->plan;
    if (plan->op->flags & (FERRY_OP_NOT_FOLDABLE | FERRY_OP_DATA_DEPENDENT)) return false;
    size_t bytes = 0;
    for (int i = 0; i < plan->output_count; i++) {
        if (plan->outputs[i] < 0) continue;
        const ferry_frame_value *value = &frame->values[plan->outputs[i]];
        if (value->plan->layout != FERRY_LAYOUT_PLAIN || value->value.tensor.dtype == FERRY_STRING) return false;
        bytes += value->bytes;
    }
    bool shape_only = strcmp(plan->op->name, "Shape") == 0 || strcmp(plan->op->name, "Size") == 0;
    for (int i = 0; i < plan->input_count; i++)
        if (plan->inputs[i] >= 0 && !shape_only && !frame->values[plan->inputs[i]].contents) return false;
    return bytes <= EARLY_BYTES;
}

static ferry_status compute_early(ferry_frame *frame, ferry_frame_node *node, ferry_error *error) {
    for (int i = 0; i < node->plan->output_count; i++) {
        if (node->plan->outputs[i] < 0) continue;
        ferry_frame_value *value = &frame->values[node->plan->outputs[i]];
        value->value.tensor.data = ferry_arena_allocate(&frame->shape_arena, 1, value->bytes);
        if (!value->value.tensor.data)
            return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while planning shapes");
        value->contents = true;
    }
    node->call.error = error;
    node->done = true;
    const ferry_implementation *reference = ferry_cpu_reference_for(node->plan->op);
    if (!reference) return ferry_fail(error, FERRY_ERROR_INTERNAL, "%s has no reference evaluation", node->plan->op->name);
    return reference->run(&node->call);
}

static ferry_status plan_node(ferry_frame *frame, ferry_frame_node *node, ferry_error *error) {
    node->done = false;
    node->deferred = true;
    if (!inputs_shaped(frame, node->plan)) return FERRY_OK;
    bool known;
    FERRY_TRY(ferry_frame_infer_node(frame, node, false, &known, error));
    if (!known || (node->implementation->flags & FERRY_IMPLEMENTATION_ALLOCATES)) {
        for (int i = 0; i < node->plan->output_count; i++)
            if (node->plan->outputs[i] >= 0) frame->values[node->plan->outputs[i]].shaped = false;
        return FERRY_OK;
    }
    node->deferred = false;
    if (wants_early(frame, node)) return compute_early(frame, node, error);
    node->call.workspace_bytes = 0;
    node->call.error = error;
    return node->implementation->prepare ? node->implementation->prepare(&node->call) : FERRY_OK;
}

static void forget(ferry_frame *frame) {
    for (int i = 0; i < frame->graph->node_count; i++)
        for (int k = 0; k < frame->nodes[i].plan->output_count; k++) {
            int32_t index = frame->nodes[i].plan->outputs[k];
            if (index < 0) continue;
            frame->values[index].shaped = frame->values[index].contents = false;
            frame->values[index].value.tensor.data = NULL;
        }
}

ferry_status ferry_frame_plan_shapes(ferry_frame *frame, ferry_error *error) {
    forget(frame);
    ferry_arena_release(&frame->shape_arena);
    for (int i = 0; i < frame->graph->input_count; i++) {
        ferry_frame_value *value = &frame->values[frame->graph->inputs[i]];
        const ferry_tensor *tensor = &value->value.tensor;
        if (value->shaped && !ferry_tensor_bytes(tensor->dtype, FERRY_LAYOUT_PLAIN, &tensor->shape, &value->bytes))
            return ferry_fail(error, FERRY_ERROR_SHAPE, "input '%s' is too large", value->plan->name);
    }
    for (int i = 0; i < frame->graph->node_count; i++) {
        ferry_status status = plan_node(frame, &frame->nodes[i], error);
        if (status != FERRY_OK) {
            ferry_error_prefix(error, "node '%s' (%s): ", frame->nodes[i].plan->name, frame->nodes[i].plan->op->name);
            return status;
        }
    }
    return FERRY_OK;
}
