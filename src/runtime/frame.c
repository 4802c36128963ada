/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/frame.h"

#include <string.h>

#include "base/file.h"

static ferry_status no_memory(ferry_error *error) {
    return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while making the context");
}

/* ---- making ---- */

static void make_value(const ferry_frame *frame, ferry_frame_value *value, const ferry_plan_value *plan) {
    value->plan = plan;
    value->value.kind = plan->kind;
    value->value.tensor = (ferry_tensor){.dtype = plan->dtype, .layout = plan->layout, .shape = plan->shape};
    value->first = INT32_MAX;
    value->last = -1;
    if (plan->storage == FERRY_STORAGE_COMPUTED) return;
    value->value.tensor.data = (void *)plan->data;
    value->shaped = value->pinned = true;
    value->contents = plan->storage == FERRY_STORAGE_WEIGHTS;
    value->first = -1;
    (void)frame;
}

/* Input shapes that the plan fixes are known from the start. */
static bool shape_is_fixed(const ferry_plan_value *value) {
    if (value->kind != FERRY_VALUE_TENSOR || !value->ranked) return false;
    for (int i = 0; i < value->shape.rank; i++)
        if (value->shape.dims[i] < 0) return false;
    return true;
}

static ferry_status bind_node(ferry_frame *frame, int index, ferry_error *error) {
    ferry_frame_node *node = &frame->nodes[index];
    const ferry_plan_node *plan = &frame->graph->nodes[index];
    node->plan = plan;
    node->implementation = ferry_backend_find(ferry_cpu_backend(), plan->op, plan->implementation);
    if (!node->implementation)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "this build has no implementation '%s' of %s", plan->implementation,
                          plan->op->name);
    if (node->implementation->features & ~frame->features)
        return ferry_fail(error, FERRY_ERROR_CPU_FEATURE, "implementation '%s' needs CPU features that are not there",
                          plan->implementation);
    const ferry_value **inputs = ferry_arena_allocate(&frame->arena, (size_t)plan->input_count, sizeof *inputs);
    ferry_value **outputs = ferry_arena_allocate(&frame->arena, (size_t)plan->output_count, sizeof *outputs);
    void *state = ferry_arena_allocate(&frame->arena, 1, node->implementation->state_bytes);
    if (!inputs || !outputs || !state) return no_memory(error);
    for (int i = 0; i < plan->input_count; i++)
        if (plan->inputs[i] >= 0) {
            inputs[i] = &frame->values[plan->inputs[i]].value;
            frame->values[plan->inputs[i]].last = index;
        }
    for (int i = 0; i < plan->output_count; i++)
        if (plan->outputs[i] >= 0) {
            ferry_frame_value *value = &frame->values[plan->outputs[i]];
            outputs[i] = &value->value;
            value->first = index;
            if (value->last < index) value->last = index;
        }
    node->call = (ferry_call){
        .op = plan->op,
        .attributes = &plan->attributes,
        .input_count = plan->input_count,
        .output_count = plan->output_count,
        .inputs = inputs,
        .outputs = outputs,
        .packed = plan->packed,
        .packed_bytes = (size_t)plan->packed_bytes,
        .features = frame->features,
        .threads = ferry_pool_threads(frame->pool),
        .pool = frame->pool,
        .state = state,
        .runtime = &frame->runtime,
    };
    return FERRY_OK;
}

static ferry_status make_bodies(ferry_frame *frame, int *budget, ferry_error *error) {
    for (int n = 0; n < frame->graph->node_count; n++) {
        const ferry_attributes *attributes = &frame->graph->nodes[n].attributes;
        for (int i = 0; i < attributes->count; i++) {
            if (attributes->items[i].type != FERRY_ATTRIBUTE_GRAPH) continue;
            ferry_frame *body;
            FERRY_TRY(ferry_frame_create(frame->plan, attributes->items[i].value.graph, frame->features, frame->pool, budget,
                                         &body, error));
            if (!ferry_vector_push(&frame->bodies, body)) {
                ferry_frame_destroy(body);
                return no_memory(error);
            }
        }
    }
    return FERRY_OK;
}

static ferry_status runtime_allocate(ferry_evaluation *evaluation, size_t bytes, void **memory) {
    return ferry_frame_allocate(evaluation->user, bytes, memory, evaluation->error);
}

/* Values given to a body: shapes and contents of the caller's values. */
ferry_status ferry_frame_lend_inputs(ferry_frame *body, int count, const ferry_value *const *inputs, ferry_error *error) {
    if (count != body->graph->input_count)
        return ferry_fail(error, FERRY_ERROR_INTERNAL, "body '%s' takes %d inputs, not %d", body->graph->name,
                          body->graph->input_count, count);
    for (int i = 0; i < count; i++) {
        ferry_frame_value *value = &body->values[body->graph->inputs[i]];
        if (!inputs[i] || inputs[i]->kind != FERRY_VALUE_TENSOR) {
            value->value = inputs[i] ? *inputs[i] : (ferry_value){.kind = FERRY_VALUE_OPTIONAL};
            value->shaped = false;
            body->planned = false;
            continue;
        }
        bool same = value->shaped && value->value.kind == FERRY_VALUE_TENSOR &&
                    ferry_shape_equal(&value->value.tensor.shape, &inputs[i]->tensor.shape) &&
                    value->value.tensor.dtype == inputs[i]->tensor.dtype;
        value->value = *inputs[i];
        value->bound = inputs[i]->tensor.data;
        value->shaped = true;
        if (!same) body->planned = false;
    }
    return FERRY_OK;
}

static ferry_status runtime_run_graph(ferry_evaluation *evaluation, void *graph, int input_count,
                                      const ferry_value *const *inputs, int output_count, const ferry_value **outputs) {
    ferry_frame *frame = evaluation->user, *body = NULL;
    for (size_t i = 0; i < frame->bodies.count; i++)
        if (frame->bodies.items[i]->graph == graph) body = frame->bodies.items[i];
    if (!body || output_count > body->graph->output_count)
        return ferry_fail(evaluation->error, FERRY_ERROR_INTERNAL, "there is no such body");
    FERRY_TRY(ferry_frame_lend_inputs(body, input_count, inputs, evaluation->error));
    if (!body->planned) FERRY_TRY(ferry_frame_plan(body, evaluation->error));
    ferry_frame_point(body);
    FERRY_TRY(ferry_frame_run(body, evaluation->error));
    for (int i = 0; i < output_count; i++) outputs[i] = &body->values[body->graph->outputs[i]].value;
    return FERRY_OK;
}

static ferry_status make_tables(ferry_frame *frame, ferry_error *error) {
    const ferry_plan_graph *graph = frame->graph;
    frame->values = ferry_arena_allocate(&frame->arena, (size_t)graph->value_count, sizeof *frame->values);
    frame->nodes = ferry_arena_allocate(&frame->arena, (size_t)graph->node_count, sizeof *frame->nodes);
    if (!frame->values || !frame->nodes) return no_memory(error);
    for (int i = 0; i < graph->value_count; i++) make_value(frame, &frame->values[i], &graph->values[i]);
    for (int i = 0; i < graph->node_count; i++) {
        ferry_status status = bind_node(frame, i, error);
        if (status != FERRY_OK) {
            ferry_error_prefix(error, "node '%s' (%s): ", graph->nodes[i].name, graph->nodes[i].op->name);
            return status;
        }
    }
    for (int i = 0; i < graph->input_count; i++) {
        ferry_frame_value *value = &frame->values[graph->inputs[i]];
        value->pinned = true;
        value->first = -1;
        value->last = graph->node_count;
        value->shaped = shape_is_fixed(value->plan);
    }
    for (int i = 0; i < graph->output_count; i++) {
        frame->values[graph->outputs[i]].is_output = true;
        frame->values[graph->outputs[i]].last = graph->node_count;
    }
    return FERRY_OK;
}

ferry_status ferry_frame_create(const ferry_plan *plan, const ferry_plan_graph *graph, uint32_t features, ferry_pool *pool,
                                int *budget, ferry_frame **result, ferry_error *error) {
    *result = NULL;
    if (--*budget < 0)
        return ferry_fail(error, FERRY_ERROR_FORMAT, "control flow is nested into more than %d bodies", FERRY_MAX_FRAMES);
    ferry_frame *frame = ferry_calloc(1, sizeof *frame);
    if (!frame) return no_memory(error);
    frame->plan = plan;
    frame->graph = graph;
    frame->features = features;
    frame->pool = pool;
    frame->random = 0x9E3779B97F4A7C15ull;
    frame->runtime = (struct ferry_call_runtime){runtime_allocate, runtime_run_graph, frame, &frame->random};
    ferry_status status = make_tables(frame, error);
    if (status == FERRY_OK) status = make_bodies(frame, budget, error);
    if (status != FERRY_OK) {
        ferry_frame_destroy(frame);
        return status;
    }
    *result = frame;
    return FERRY_OK;
}

static void release_heap(ferry_frame *frame) {
    for (size_t i = 0; i < frame->heap.count; i++) ferry_aligned_free(frame->heap.items[i]);
    frame->heap.count = 0;
}

void ferry_frame_destroy(ferry_frame *frame) {
    if (!frame) return;
    for (size_t i = 0; i < frame->bodies.count; i++) ferry_frame_destroy(frame->bodies.items[i]);
    ferry_vector_free(&frame->bodies);
    release_heap(frame);
    ferry_vector_free(&frame->heap);
    ferry_aligned_free(frame->memory);
    ferry_arena_release(&frame->shape_arena);
    ferry_arena_release(&frame->run_arena);
    ferry_arena_release(&frame->arena);
    ferry_free(frame);
}

ferry_status ferry_frame_allocate(ferry_frame *frame, size_t bytes, void **memory, ferry_error *error) {
    *memory = ferry_aligned_malloc(bytes);
    if (!*memory) return ferry_fail_memory(error, bytes);
    if (!ferry_vector_push(&frame->heap, *memory)) {
        ferry_aligned_free(*memory);
        return no_memory(error);
    }
    return FERRY_OK;
}

/* ---- shapes of inputs ---- */

ferry_status ferry_frame_set_shape(ferry_frame *frame, int index, const ferry_shape *shape, ferry_error *error) {
    ferry_frame_value *value = &frame->values[frame->graph->inputs[index]];
    const ferry_plan_value *plan = value->plan;
    size_t bytes;
    char wanted[FERRY_SHAPE_TEXT], given[FERRY_SHAPE_TEXT];
    bool fits = shape->rank >= 0 && shape->rank <= FERRY_MAX_RANK && (!plan->ranked || plan->shape.rank == shape->rank);
    for (int i = 0; fits && plan->ranked && i < shape->rank; i++)
        fits = shape->dims[i] >= 0 && (plan->shape.dims[i] < 0 || plan->shape.dims[i] == shape->dims[i]);
    if (!fits)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "input '%s' takes shape %s, not %s", plan->name,
                          ferry_shape_text(&plan->shape, wanted, sizeof wanted),
                          shape->rank >= 0 && shape->rank <= FERRY_MAX_RANK ? ferry_shape_text(shape, given, sizeof given)
                                                                            : "?");
    if (!ferry_tensor_bytes(plan->dtype, FERRY_LAYOUT_PLAIN, shape, &bytes))
        return ferry_fail(error, FERRY_ERROR_SHAPE, "input '%s': shape %s is impossible", plan->name,
                          ferry_shape_text(shape, given, sizeof given));
    if (value->shaped && ferry_shape_equal(&value->value.tensor.shape, shape)) return FERRY_OK;
    value->value.tensor.shape = *shape;
    value->shaped = true;
    frame->planned = false;
    return FERRY_OK;
}

bool ferry_frame_shaped(const ferry_frame *frame) {
    for (int i = 0; i < frame->graph->input_count; i++)
        if (!frame->values[frame->graph->inputs[i]].shaped) return false;
    return true;
}

ferry_status ferry_frame_plan(ferry_frame *frame, ferry_error *error) {
    frame->planned = false;
    FERRY_TRY(ferry_frame_plan_shapes(frame, error));
    FERRY_TRY(ferry_frame_plan_memory(frame, error));
    frame->planned = true;
    return FERRY_OK;
}

/* ---- running ---- */

static ferry_status give_memory(ferry_frame *frame, ferry_frame_node *node, ferry_error *error) {
    for (int i = 0; i < node->plan->output_count; i++) {
        if (node->plan->outputs[i] < 0) continue;
        ferry_frame_value *value = &frame->values[node->plan->outputs[i]];
        if (value->value.kind != FERRY_VALUE_TENSOR || value->plan->storage != FERRY_STORAGE_COMPUTED) continue;
        ferry_tensor *tensor = &value->value.tensor;
        size_t bytes;
        if (!ferry_tensor_bytes(tensor->dtype, tensor->layout, &tensor->shape, &bytes))
            return ferry_fail(error, FERRY_ERROR_SHAPE, "output '%s' is too large", value->plan->name);
        FERRY_TRY(ferry_frame_allocate(frame, bytes, &tensor->data, error));
    }
    return FERRY_OK;
}

static ferry_status run_deferred(ferry_frame *frame, ferry_frame_node *node, ferry_error *error) {
    bool known;
    FERRY_TRY(ferry_frame_infer_node(frame, node, true, &known, error));
    if (known) FERRY_TRY(give_memory(frame, node, error));
    node->call.workspace_bytes = 0;
    node->call.workspace = NULL;
    node->call.error = error;
    if (node->implementation->prepare) FERRY_TRY(node->implementation->prepare(&node->call));
    if (node->call.workspace_bytes)
        FERRY_TRY(ferry_frame_allocate(frame, node->call.workspace_bytes, &node->call.workspace, error));
    return node->implementation->run(&node->call);
}

static ferry_status run_node(ferry_frame *frame, ferry_frame_node *node, ferry_error *error) {
    if (node->deferred) return run_deferred(frame, node, error);
    node->call.error = error;
    return node->implementation->run(&node->call);
}

static void measure(ferry_frame_node *node, uint64_t start) {
    uint64_t elapsed = ferry_time_nanoseconds() - start;
    node->runs++;
    node->total_ns += elapsed;
    if (node->runs == 1 || elapsed < node->min_ns) node->min_ns = elapsed;
}

ferry_status ferry_frame_run(ferry_frame *frame, ferry_error *error) {
    if (!frame->planned) return ferry_fail(error, FERRY_ERROR_SHAPE, "the context's input shapes are not all known");
    release_heap(frame);
    ferry_arena_release(&frame->run_arena);
    for (int i = 0; i < frame->graph->node_count; i++) {
        ferry_frame_node *node = &frame->nodes[i];
        if (node->done) continue;
        uint64_t start = frame->profile ? ferry_time_nanoseconds() : 0;
        ferry_status status = run_node(frame, node, error);
        if (status != FERRY_OK) {
            ferry_error_prefix(error, "node '%s' (%s): ", node->plan->name, node->plan->op->name);
            return status;
        }
        if (frame->profile) measure(node, start);
    }
    return FERRY_OK;
}
