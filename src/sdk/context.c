/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/cpu.h"
#include "runtime/frame.h"
#include "sdk/context.h"

typedef struct output_binding {
    void *data; /* NULL: the context's own memory */
    size_t bytes;
} output_binding;

struct ferry_context {
    ferry_engine *engine;
    ferry_pool *pool;
    ferry_frame *frame;
    const void **unaligned_inputs; /* callers' memory that must be copied in, or NULL */
    output_binding *outputs;
};

void ferry_context_settings_default(ferry_context_settings *settings) {
    *settings = (ferry_context_settings){.struct_size = sizeof *settings};
}

static ferry_status check_settings(const ferry_context_settings *settings, ferry_error *error) {
    if (settings->struct_size != sizeof *settings)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT,
                          "settings.struct_size is %zu, not %zu: call "
                          "ferry_context_settings_default first",
                          settings->struct_size, sizeof *settings);
    return FERRY_OK;
}

static ferry_status fill_context(ferry_context *context, const ferry_context_settings *settings, ferry_error *error) {
    const ferry_plan *plan = context->engine->plan;
    const ferry_plan_graph *graph = plan->graphs[0];
    context->unaligned_inputs = ferry_calloc((size_t)graph->input_count + 1, sizeof *context->unaligned_inputs);
    context->outputs = ferry_calloc((size_t)graph->output_count + 1, sizeof *context->outputs);
    if (!context->unaligned_inputs || !context->outputs) return ferry_fail_memory(error, 1024);
    FERRY_TRY(ferry_pool_create(settings->threads, &context->pool, error));
    int budget = FERRY_MAX_FRAMES;
    FERRY_TRY(ferry_frame_create(plan, graph, ferry_cpu_features(), context->pool, &budget, &context->frame, error));
    context->frame->profile = settings->profile != 0;
    return ferry_frame_shaped(context->frame) ? ferry_frame_plan(context->frame, error) : FERRY_OK;
}

ferry_status ferry_context_create(ferry_engine *engine, const ferry_context_settings *settings, ferry_context **result,
                                  ferry_error *error) {
    *result = NULL;
    ferry_context_settings defaults;
    ferry_context_settings_default(&defaults);
    if (!settings) settings = &defaults;
    FERRY_TRY(check_settings(settings, error));
    ferry_context *context = ferry_calloc(1, sizeof *context);
    if (!context) return ferry_fail_memory(error, sizeof *context);
    context->engine = ferry_engine_retain(engine);
    ferry_status status = fill_context(context, settings, error);
    if (status != FERRY_OK) {
        ferry_context_destroy(context);
        return status;
    }
    *result = context;
    return FERRY_OK;
}

void ferry_context_destroy(ferry_context *context) {
    if (!context) return;
    ferry_frame_destroy(context->frame);
    ferry_pool_destroy(context->pool);
    ferry_engine_release(context->engine);
    ferry_free(context->unaligned_inputs);
    ferry_free(context->outputs);
    ferry_free(context);
}

/* ---- inputs ---- */

static ferry_frame_value *input_value(const ferry_context *context, int input) {
    return &context->frame->values[context->frame->graph->inputs[input]];
}

static ferry_frame_value *output_value(const ferry_context *context, int output) {
    return &context->frame->values[context->frame->graph->outputs[output]];
}

static ferry_status check_index(int index, int count, const char *what, ferry_error *error) {
    if (index >= 0 && index < count) return FERRY_OK;
    return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "%s %d does not exist; the model has %d", what, index, count);
}

static ferry_status replan(ferry_context *context, ferry_error *error) {
    if (context->frame->planned || !ferry_frame_shaped(context->frame)) return FERRY_OK;
    return ferry_frame_plan(context->frame, error);
}

ferry_status ferry_context_set_input_shape(ferry_context *context, int input, const ferry_shape *shape, ferry_error *error) {
    FERRY_TRY(check_index(input, context->frame->graph->input_count, "input", error));
    FERRY_TRY(ferry_frame_set_shape(context->frame, input, shape, error));
    return replan(context, error);
}

static ferry_status need_plan(const ferry_context *context, ferry_error *error) {
    if (context->frame->planned) return FERRY_OK;
    for (int i = 0; i < context->frame->graph->input_count; i++)
        if (!input_value(context, i)->shaped)
            return ferry_fail(error, FERRY_ERROR_SHAPE, "the shape of input '%s' is not set",
                              input_value(context, i)->plan->name);
    return ferry_fail(error, FERRY_ERROR_SHAPE, "the input shapes could not be planned; set them again");
}

ferry_status ferry_context_input(ferry_context *context, int input, ferry_tensor_view *view, ferry_error *error) {
    FERRY_TRY(check_index(input, context->frame->graph->input_count, "input", error));
    FERRY_TRY(need_plan(context, error));
    ferry_frame_value *value = input_value(context, input);
    context->unaligned_inputs[input] = NULL;
    if (value->bound) {
        value->bound = NULL;
        ferry_frame_point(context->frame);
    }
    *view = (ferry_tensor_view){value->value.tensor.dtype, value->value.tensor.shape, value->value.tensor.data};
    return FERRY_OK;
}

ferry_status ferry_context_bind_input(ferry_context *context, int input, const ferry_tensor_view *view, ferry_error *error) {
    FERRY_TRY(check_index(input, context->frame->graph->input_count, "input", error));
    ferry_frame_value *value = input_value(context, input);
    if (view->data && view->dtype != value->plan->dtype)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "input '%s' is %s, not %s", value->plan->name,
                          ferry_dtype_name(value->plan->dtype), ferry_dtype_name(view->dtype));
    if (view->data) FERRY_TRY(ferry_frame_set_shape(context->frame, input, &view->shape, error));
    bool aligned = (uintptr_t)view->data % FERRY_ALIGNMENT == 0;
    context->unaligned_inputs[input] = aligned ? NULL : view->data;
    value->bound = aligned ? view->data : NULL;
    FERRY_TRY(replan(context, error));
    if (context->frame->planned) ferry_frame_point(context->frame);
    return FERRY_OK;
}

ferry_status ferry_context_bind_output(ferry_context *context, int output, void *data, size_t bytes, ferry_error *error) {
    FERRY_TRY(check_index(output, context->frame->graph->output_count, "output", error));
    context->outputs[output] = (output_binding){data, bytes};
    return FERRY_OK;
}

/* ---- running ---- */

/* An output that has a buffer of its own is computed straight into the caller's memory. */
static void place_outputs(ferry_context *context) {
    bool changed = false;
    for (int i = 0; i < context->frame->graph->output_count; i++) {
        ferry_frame_value *value = output_value(context, i);
        int32_t index = context->frame->graph->outputs[i];
        const output_binding *binding = &context->outputs[i];
        bool direct = binding->data && !value->pinned && value->shaped && !value->contents && value->root == index &&
                      binding->bytes >= value->bytes && (uintptr_t)binding->data % FERRY_ALIGNMENT == 0;
        void *bound = direct ? binding->data : NULL;
        if (value->pinned || value->bound == bound) continue;
        value->bound = bound;
        changed = true;
    }
    if (changed) ferry_frame_point(context->frame);
}

static ferry_status copy_outputs(ferry_context *context, ferry_error *error) {
    for (int i = 0; i < context->frame->graph->output_count; i++) {
        const ferry_tensor *tensor = &output_value(context, i)->value.tensor;
        const output_binding *binding = &context->outputs[i];
        if (!binding->data || binding->data == tensor->data) continue;
        size_t bytes;
        if (!ferry_tensor_bytes(tensor->dtype, FERRY_LAYOUT_PLAIN, &tensor->shape, &bytes) || bytes > binding->bytes)
            return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "output '%s' takes more than the %zu bytes given for it",
                              output_value(context, i)->plan->name, binding->bytes);
        if (bytes) memcpy(binding->data, tensor->data, bytes);
    }
    return FERRY_OK;
}

ferry_status ferry_context_run(ferry_context *context, ferry_error *error) {
    FERRY_TRY(need_plan(context, error));
    place_outputs(context);
    for (int i = 0; i < context->frame->graph->input_count; i++) {
        const ferry_frame_value *value = input_value(context, i);
        if (context->unaligned_inputs[i] && value->bytes)
            memcpy(value->value.tensor.data, context->unaligned_inputs[i], value->bytes);
    }
    FERRY_TRY(ferry_frame_run(context->frame, error));
    return copy_outputs(context, error);
}

ferry_status ferry_context_output(ferry_context *context, int output, ferry_tensor_view *view, ferry_error *error) {
    FERRY_TRY(check_index(output, context->frame->graph->output_count, "output", error));
    FERRY_TRY(need_plan(context, error));
    const ferry_value *value = &output_value(context, output)->value;
    if (value->kind != FERRY_VALUE_TENSOR)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "output '%s' is a sequence or optional, not a tensor",
                          output_value(context, output)->plan->name);
    *view = (ferry_tensor_view){value->tensor.dtype, value->tensor.shape, value->tensor.data};
    return FERRY_OK;
}

size_t ferry_context_memory(const ferry_context *context) { return context->frame->memory_bytes; }

/* ---- profile ---- */

ferry_status ferry_context_profile(const ferry_context *context, int layer, ferry_layer_profile *profile, ferry_error *error) {
    const ferry_frame *frame = context->frame;
    FERRY_TRY(check_index(layer, frame->graph->node_count, "layer", error));
    if (!frame->profile)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "the context was made without settings.profile");
    const ferry_frame_node *node = &frame->nodes[layer];
    *profile = (ferry_layer_profile){node->runs, (double)node->total_ns * 1e-6, (double)node->min_ns * 1e-6, 0, {.rank = -1}};
    const ferry_shape *inputs[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3 && i < node->plan->input_count; i++)
        if (node->plan->inputs[i] >= 0) inputs[i] = &frame->values[node->plan->inputs[i]].value.tensor.shape;
    if (node->plan->output_count > 0 && node->plan->outputs[0] >= 0) {
        profile->shape = frame->values[node->plan->outputs[0]].value.tensor.shape;
        profile->operations = ferry_count_operations(node->plan, inputs, &profile->shape);
    }
    return FERRY_OK;
}

ferry_pool *ferry_context_pool(const ferry_context *context) { return context->pool; }
