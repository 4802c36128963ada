/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing implementations and layouts in one walk: every node is offered to the backend's list in order of preference with its
 * inputs in the layouts in which they come; the first layouts that an implementation accepts are taken, and among those that
 * accept the same layouts the tuner decides. */
#include <string.h>

#include "compile/compile.h"

enum { MAX_CANDIDATES = 16 };

static void describe_value(const ferry_graph_value *value, ferry_value *out) {
    *out = (ferry_value){.kind = value->type.kind};
    out->tensor = (ferry_tensor){.dtype = value->type.dtype, .layout = value->layout, .data = (void *)value->type.data};
    out->tensor.shape.rank = value->type.ranked ? value->type.shape.rank : -1;
    for (int i = 0; i < out->tensor.shape.rank; i++) {
        int64_t dim = value->type.shape.dims[i];
        out->tensor.shape.dims[i] = ferry_dim_known(dim) ? dim : -1;
    }
}

ferry_status ferry_make_call(const ferry_graph_node *node, const ferry_compile_settings *settings, ferry_arena *arena,
                             ferry_call *call, ferry_error *error) {
    size_t count = (size_t)(node->input_count + node->output_count);
    ferry_value *values = ferry_arena_allocate(arena, count, sizeof *values);
    const ferry_value **inputs = ferry_arena_allocate(arena, (size_t)node->input_count, sizeof *inputs);
    ferry_value **outputs = ferry_arena_allocate(arena, (size_t)node->output_count, sizeof *outputs);
    if (!values || !inputs || !outputs) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i]) {
            describe_value(node->inputs[i], &values[i]);
            inputs[i] = &values[i];
        }
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i]) {
            outputs[i] = &values[node->input_count + i];
            describe_value(node->outputs[i], outputs[i]);
        }
    *call = (ferry_call){.op = node->op,
                         .attributes = &node->attributes,
                         .input_count = node->input_count,
                         .output_count = node->output_count,
                         .inputs = inputs,
                         .outputs = outputs,
                         .features = settings->features,
                         .threads = settings->threads > 0 ? settings->threads : ferry_cpu_count(),
                         .error = error};
    return FERRY_OK;
}

/* ---- reorders ---- */

static void copy_blocked(const ferry_tensor *plain, const ferry_tensor *blocked) {
    int64_t channels = plain->shape.dims[1], spatial = ferry_shape_product(&plain->shape, 2, plain->shape.rank);
    int block = ferry_layout_block(blocked->layout);
    int64_t blocks = ferry_ceil_div(channels, block);
    for (int64_t n = 0; n < plain->shape.dims[0]; n++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t s = 0; s < spatial; s++)
                ((float *)blocked->data)[((n * blocks + c / block) * spatial + s) * block + c % block] =
                    ((const float *)plain->data)[(n * channels + c) * spatial + s];
}

/* A constant in another layout is made now. */
static ferry_status reorder_constant(ferry_graph *graph, const ferry_graph_value *value, ferry_layout layout,
                                     ferry_graph_value **result, ferry_error *error) {
    ferry_tensor plain = ferry_value_tensor(value), blocked = plain;
    size_t bytes;
    blocked.layout = layout;
    if (plain.dtype != FERRY_FLOAT32 || plain.layout != FERRY_LAYOUT_PLAIN || plain.shape.rank < 2 ||
        !ferry_tensor_bytes(plain.dtype, layout, &plain.shape, &bytes))
        return ferry_fail(error, FERRY_ERROR_INTERNAL, "constant '%s' cannot be reordered", value->name);
    blocked.data = ferry_arena_allocate(&graph->arena, 1, bytes);
    if (!blocked.data) return ferry_fail_memory(error, bytes);
    copy_blocked(&plain, &blocked);
    ferry_value_type type = value->type;
    type.data = blocked.data;
    FERRY_TRY(ferry_graph_add_value(graph, NULL, &type, result, error));
    (*result)->layout = layout;
    return FERRY_OK;
}

static ferry_status number(ferry_graph_node *node, const ferry_implementation *implementation, ferry_choices *choices,
                           ferry_error *error) {
    node->index = (int32_t)choices->items.count;
    if (!ferry_vector_push(&choices->items, ((ferry_choice){implementation, 0})))
        return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
    return FERRY_OK;
}

static const ferry_implementation *implementation_of_reorder(const ferry_graph_node *node, ferry_layout from, ferry_layout to,
                                                             const ferry_compile_settings *settings) {
    const ferry_backend *backend = ferry_cpu_backend();
    const ferry_implementation *implementation;
    ferry_arena arena = {0};
    ferry_call call;
    ferry_reason reason;
    const ferry_implementation *found = NULL;
    if (ferry_make_call(node, settings, &arena, &call, NULL) != FERRY_OK) return NULL;
    for (int i = 0; !found && (implementation = backend->implementation(node->op, i)) != NULL; i++) {
        ferry_layout in = FERRY_LAYOUT_PLAIN, out = FERRY_LAYOUT_PLAIN;
        if ((implementation->features & ~settings->features) || !implementation->accepts(&call, &in, &out, &reason)) continue;
        if (in == from && out == to) found = implementation;
    }
    ferry_arena_release(&arena);
    return found;
}

/* The value in the wanted layout: an earlier Reorder of it, or a new one. */
static ferry_status in_layout(ferry_graph *graph, ferry_graph_value *value, ferry_layout layout, ferry_graph_node *before,
                              const ferry_compile_settings *settings, ferry_choices *choices, ferry_graph_value **result,
                              ferry_error *error) {
    *result = value;
    if (value->layout == layout) return FERRY_OK;
    if (ferry_value_is_constant(value)) return reorder_constant(graph, value, layout, result, error);
    for (size_t i = 0; i < value->uses.count; i++) {
        const ferry_graph_node *user = value->uses.items[i].node;
        if (ferry_node_is(user, FERRY_OP_Reorder) && user->outputs[0]->layout == layout) {
            *result = user->outputs[0];
            return FERRY_OK;
        }
    }
    FERRY_TRY(ferry_graph_insert(graph, &ferry_ops[FERRY_OP_Reorder], NULL, 1, &value, value->name, before, result, error));
    (*result)->layout = layout;
    ferry_graph_node *node = (*result)->producer;
    const ferry_implementation *implementation = implementation_of_reorder(node, value->layout, layout, settings);
    if (!implementation)
        return ferry_fail(error, FERRY_ERROR_INTERNAL, "nothing reorders '%s' from %s to %s", value->name,
                          ferry_layout_name(value->layout), ferry_layout_name(layout));
    return number(node, implementation, choices, error);
}

/* ---- candidates ---- */

typedef struct offer {
    const ferry_implementation *candidates[MAX_CANDIDATES];
    int count;
    ferry_layout *inputs, *outputs; /* of the candidates, which agree in them */
} offer;

static void log_rejection(const ferry_compile_settings *settings, const ferry_graph_node *node, const char *name,
                          const char *why) {
    ferry_log_write(settings->log, FERRY_LOG_VERBOSE, "%s (%s): %s: %s", node->name, node->op->name, name, why);
}

static ferry_status collect(const ferry_graph_node *node, const ferry_compile_settings *settings, ferry_arena *arena, offer *o,
                            ferry_error *error) {
    ferry_call call;
    FERRY_TRY(ferry_make_call(node, settings, arena, &call, error));
    size_t input_bytes = (size_t)node->input_count * sizeof(ferry_layout),
           output_bytes = (size_t)node->output_count * sizeof(ferry_layout);
    ferry_layout *inputs = ferry_arena_allocate(arena, 1, input_bytes), *outputs = ferry_arena_allocate(arena, 1, output_bytes);
    o->inputs = ferry_arena_allocate(arena, 1, input_bytes);
    o->outputs = ferry_arena_allocate(arena, 1, output_bytes);
    if (!inputs || !outputs || !o->inputs || !o->outputs) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
    const ferry_implementation *implementation;
    for (int i = 0; o->count < MAX_CANDIDATES && (implementation = ferry_cpu_backend()->implementation(node->op, i)) != NULL;
         i++) {
        ferry_reason reason = {""};
        memset(inputs, 0, input_bytes);
        memset(outputs, 0, output_bytes);
        if (implementation->features & ~settings->features) {
            log_rejection(settings, node, implementation->name, "the target lacks its CPU features");
        } else if (!implementation->accepts(&call, inputs, outputs, &reason)) {
            log_rejection(settings, node, implementation->name, reason.text);
        } else if (o->count == 0) {
            memcpy(o->inputs, inputs, input_bytes);
            memcpy(o->outputs, outputs, output_bytes);
            o->candidates[o->count++] = implementation;
        } else if (memcmp(o->inputs, inputs, input_bytes) == 0 && memcmp(o->outputs, outputs, output_bytes) == 0) {
            o->candidates[o->count++] = implementation;
        }
    }
    return FERRY_OK;
}

static ferry_status choose_node(ferry_graph *graph, ferry_graph_node *node, const ferry_compile_settings *settings,
                                ferry_tuner *tuner, ferry_choices *choices, ferry_arena *arena, ferry_error *error) {
    offer o = {.count = 0};
    FERRY_TRY(collect(node, settings, arena, &o, error));
    if (o.count == 0)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "no implementation accepts it (--verbose tells why each refused)");
    const ferry_implementation *chosen =
        o.count == 1 ? o.candidates[0] : ferry_tuner_choose(tuner, node, o.inputs, o.outputs, o.candidates, o.count);
    for (int i = 0; i < node->input_count; i++) {
        if (!node->inputs[i]) continue;
        bool packed = i < 64 && (chosen->packed_inputs >> i & 1);
        if (packed && ferry_value_is_constant(node->inputs[i])) continue;
        ferry_graph_value *wanted;
        FERRY_TRY(in_layout(graph, node->inputs[i], o.inputs[i], node, settings, choices, &wanted, error));
        FERRY_TRY(ferry_node_set_input(node, i, wanted, error));
    }
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i]) node->outputs[i]->layout = o.outputs[i];
    return number(node, chosen, choices, error);
}

/* Outputs leave in plain layout: the node writes a new value, and a Reorder makes the output of it. */
static ferry_status plain_output(ferry_graph *graph, ferry_graph_value *output, const ferry_compile_settings *settings,
                                 ferry_choices *choices, ferry_error *error) {
    if (output->layout == FERRY_LAYOUT_PLAIN) return FERRY_OK;
    ferry_graph_node *producer = output->producer, *reorder;
    ferry_graph_value *inner;
    FERRY_TRY(ferry_graph_add_value(graph, NULL, &output->type, &inner, error));
    inner->layout = output->layout;
    producer->outputs[output->producer_output] = inner;
    inner->producer = producer;
    inner->producer_output = output->producer_output;
    output->producer = NULL;
    for (size_t i = output->uses.count; i-- > 0;) {
        ferry_use use = output->uses.items[i];
        FERRY_TRY(ferry_node_set_input(use.node, use.input, inner, error));
    }
    output->layout = FERRY_LAYOUT_PLAIN;
    FERRY_TRY(
        ferry_graph_add_node(graph, NULL, &ferry_ops[FERRY_OP_Reorder], NULL, 1, &inner, 1, &output, NULL, &reorder, error));
    const ferry_implementation *implementation =
        implementation_of_reorder(reorder, inner->layout, FERRY_LAYOUT_PLAIN, settings);
    if (!implementation) return ferry_fail(error, FERRY_ERROR_INTERNAL, "nothing reorders the output '%s'", output->name);
    return number(reorder, implementation, choices, error);
}

ferry_status ferry_choose(ferry_graph *graph, const ferry_compile_settings *settings, ferry_tuner *tuner,
                          ferry_choices *choices, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++) graph->nodes.items[i]->index = -1;
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        if (node->removed || node->index >= 0) continue; /* Reorders that were put in are numbered already */
        if (settings->progress) settings->progress(settings->user, "choose", (int64_t)i, (int64_t)graph->nodes.count);
        size_t before = graph->nodes.count;
        ferry_arena arena = {0};
        ferry_status status = choose_node(graph, node, settings, tuner, choices, &arena, error);
        ferry_arena_release(&arena);
        if (status != FERRY_OK) {
            ferry_error_prefix(error, "node '%s' (%s): ", node->name, node->op->name);
            return status;
        }
        i += graph->nodes.count - before;
    }
    for (size_t i = 0; i < graph->outputs.count; i++)
        FERRY_TRY(plain_output(graph, graph->outputs.items[i], settings, choices, error));
    return FERRY_OK;
}
