/* SPDX-License-Identifier: Apache-2.0 */
/* From the chosen graph to the plan: indices instead of pointers, constants and packed weights in one section. */
#include <string.h>

#include "compile/compile.h"
#include "engine/file.h"

typedef struct emission {
    const ferry_compile_settings *settings;
    const ferry_choices *choices;
    ferry_plan *plan;
    FERRY_VECTOR(ferry_graph *) graphs; /* [i] becomes plan->graphs[i] */
    unsigned char *weights;
    size_t weights_bytes, weights_capacity;
    ferry_error *error;
} emission;

static ferry_status no_memory(emission *e) {
    return ferry_fail(e->error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while packing weights");
}

/* Room for `bytes` zeroed bytes in the weights section, aligned. */
static ferry_status reserve_weights(emission *e, size_t bytes, uint64_t *offset, unsigned char **memory) {
    size_t start = ferry_align_up(e->weights_bytes, FERRY_ALIGNMENT), end;
    if (!ferry_size_add(start, bytes, &end)) return no_memory(e);
    if (!e->weights || end > e->weights_capacity) {
        size_t capacity = e->weights_capacity + e->weights_capacity / 2;
        if (capacity < end) capacity = end + (1 << 16);
        unsigned char *grown = ferry_aligned_malloc(capacity);
        if (!grown) return no_memory(e);
        if (e->weights_bytes) memcpy(grown, e->weights, e->weights_bytes);
        ferry_aligned_free(e->weights);
        e->weights = grown;
        e->weights_capacity = capacity;
    }
    memset(e->weights + e->weights_bytes, 0, end - e->weights_bytes);
    e->weights_bytes = end;
    *offset = start;
    *memory = e->weights + start;
    return FERRY_OK;
}

/* ---- graphs and their bodies ---- */

static ferry_status list_graphs(emission *e, ferry_graph *main_graph) {
    if (!ferry_vector_push(&e->graphs, main_graph)) return no_memory(e);
    for (size_t g = 0; g < e->graphs.count; g++)
        for (size_t n = 0; n < e->graphs.items[g]->nodes.count; n++) {
            const ferry_attributes *attributes = &e->graphs.items[g]->nodes.items[n]->attributes;
            for (int i = 0; i < attributes->count; i++)
                if (attributes->items[i].type == FERRY_ATTRIBUTE_GRAPH &&
                    !ferry_vector_push(&e->graphs, attributes->items[i].value.graph))
                    return no_memory(e);
        }
    e->plan->graph_count = (int)e->graphs.count;
    e->plan->graphs = ferry_arena_allocate(&e->plan->arena, e->graphs.count, sizeof *e->plan->graphs);
    for (size_t g = 0; e->plan->graphs && g < e->graphs.count; g++) {
        e->plan->graphs[g] = ferry_arena_allocate(&e->plan->arena, 1, sizeof **e->plan->graphs);
        if (!e->plan->graphs[g]) return no_memory(e);
        e->plan->graphs[g]->index = (int)g;
    }
    return e->plan->graphs ? FERRY_OK : no_memory(e);
}

static ferry_plan_graph *plan_of(const emission *e, const ferry_graph *graph) {
    for (size_t g = 0; g < e->graphs.count; g++)
        if (e->graphs.items[g] == graph) return e->plan->graphs[g];
    return NULL;
}

/* ---- values ---- */

static const ferry_implementation *chosen(const emission *e, const ferry_graph_node *node) {
    return e->choices->items.items[node->index].implementation;
}

/* Whether every reader of a constant has it in its packed weights. */
static bool packed_everywhere(const emission *e, const ferry_graph_value *value) {
    if (value->is_output) return false;
    for (size_t i = 0; i < value->uses.count; i++) {
        const ferry_use *use = &value->uses.items[i];
        bool packed = use->input < 64 && (chosen(e, use->node)->packed_inputs >> use->input & 1);
        if (!packed) return false;
    }
    return value->uses.count > 0;
}

static ferry_status emit_dim_names(emission *e, const ferry_graph *graph, const ferry_graph_value *value,
                                   ferry_plan_value *out) {
    out->dim_names = ferry_arena_allocate(&e->plan->arena, FERRY_MAX_RANK, sizeof *out->dim_names);
    if (!out->dim_names) return no_memory(e);
    for (int i = 0; i < out->shape.rank; i++) {
        char text[128];
        if (out->shape.dims[i] >= 0) continue;
        ferry_dim_text(graph->symbols, value->type.shape.dims[i], text, sizeof text);
        out->dim_names[i] = ferry_arena_strdup(&e->plan->arena, text);
        if (!out->dim_names[i]) return no_memory(e);
    }
    return FERRY_OK;
}

static ferry_status emit_constant(emission *e, const ferry_graph_value *value, ferry_plan_value *out) {
    out->storage = packed_everywhere(e, value) ? FERRY_STORAGE_PACKED : FERRY_STORAGE_WEIGHTS;
    if (out->storage == FERRY_STORAGE_PACKED) return FERRY_OK;
    if (value->type.dtype == FERRY_STRING) {
        out->data = value->type.data; /* written into the plan itself; the graph outlives the plan's serialisation */
        return FERRY_OK;
    }
    size_t bytes;
    unsigned char *memory;
    if (!ferry_tensor_bytes(value->type.dtype, value->layout, &value->type.shape, &bytes)) return no_memory(e);
    FERRY_TRY(reserve_weights(e, bytes, &out->offset, &memory));
    if (bytes) memcpy(memory, value->type.data, bytes);
    out->bytes = bytes;
    return FERRY_OK;
}

static bool is_graph_input(const ferry_graph *graph, const ferry_graph_value *value) {
    for (size_t i = 0; i < graph->inputs.count; i++)
        if (graph->inputs.items[i] == value) return true;
    return false;
}

static ferry_status emit_value(emission *e, const ferry_graph *graph, const ferry_graph_value *value, ferry_plan_value *out) {
    bool dynamic = false;
    out->name = ferry_arena_strdup(&e->plan->arena, value->name);
    if (!out->name) return no_memory(e);
    out->kind = value->type.kind;
    out->dtype = value->type.dtype;
    out->layout = value->layout;
    out->ranked = value->type.ranked;
    if (out->ranked) out->shape = value->type.shape;
    for (int i = 0; i < out->shape.rank; i++)
        if (!ferry_dim_known(out->shape.dims[i])) {
            out->shape.dims[i] = -1;
            dynamic = true;
        }
    if (dynamic && (value->is_output || is_graph_input(graph, value))) FERRY_TRY(emit_dim_names(e, graph, value, out));
    return ferry_value_is_constant(value) ? emit_constant(e, value, out) : FERRY_OK;
}

/* ---- nodes ---- */

static ferry_status copy_indices(emission *e, int count, ferry_graph_value *const *values, int32_t **indices) {
    *indices = ferry_arena_allocate(&e->plan->arena, (size_t)count, sizeof **indices);
    if (!*indices) return no_memory(e);
    for (int i = 0; i < count; i++) (*indices)[i] = values[i] ? values[i]->index : -1;
    return FERRY_OK;
}

static ferry_status pack(emission *e, const ferry_graph_node *node, const ferry_implementation *implementation,
                         ferry_plan_node *out) {
    if (!implementation->packed_bytes) return FERRY_OK;
    ferry_arena arena = {0};
    ferry_call call;
    unsigned char *memory;
    ferry_status status = ferry_make_call(node, e->settings, &arena, &call, e->error);
    if (status == FERRY_OK) {
        size_t bytes = implementation->packed_bytes(&call);
        out->packed_bytes = bytes;
        if (bytes) status = reserve_weights(e, bytes, &out->packed_offset, &memory);
        if (bytes && status == FERRY_OK) implementation->pack(&call, memory);
    }
    ferry_arena_release(&arena);
    return status;
}

static ferry_status emit_node(emission *e, const ferry_graph_node *node, ferry_plan_node *out) {
    ferry_arena *arena = &e->plan->arena;
    const ferry_implementation *implementation = chosen(e, node);
    out->name = ferry_arena_strdup(arena, node->name);
    out->op = node->op;
    out->implementation = implementation->name;
    e->plan->features |= implementation->features;
    if (!out->name || !ferry_attributes_copy(arena, &node->attributes, &out->attributes)) return no_memory(e);
    for (int i = 0; i < out->attributes.count; i++)
        if (out->attributes.items[i].type == FERRY_ATTRIBUTE_GRAPH)
            out->attributes.items[i].value.graph = plan_of(e, out->attributes.items[i].value.graph);
    out->input_count = node->input_count;
    out->output_count = node->output_count;
    FERRY_TRY(copy_indices(e, node->input_count, node->inputs, &out->inputs));
    FERRY_TRY(copy_indices(e, node->output_count, node->outputs, &out->outputs));
    return pack(e, node, implementation, out);
}

static ferry_status emit_graph(emission *e, ferry_graph *graph, ferry_plan_graph *out) {
    ferry_arena *arena = &e->plan->arena;
    ferry_graph_compact(graph);
    out->name = ferry_arena_strdup(arena, graph->name);
    out->value_count = (int)graph->values.count;
    out->node_count = (int)graph->nodes.count;
    out->input_count = (int)graph->inputs.count;
    out->output_count = (int)graph->outputs.count;
    out->values = ferry_arena_allocate(arena, graph->values.count, sizeof *out->values);
    out->nodes = ferry_arena_allocate(arena, graph->nodes.count, sizeof *out->nodes);
    if (!out->name || !out->values || !out->nodes) return no_memory(e);
    for (size_t i = 0; i < graph->values.count; i++) {
        graph->values.items[i]->index = (int32_t)i;
        FERRY_TRY(emit_value(e, graph, graph->values.items[i], &out->values[i]));
    }
    for (size_t i = 0; i < graph->nodes.count; i++) {
        if (e->settings->progress) e->settings->progress(e->settings->user, "pack", (int64_t)i, (int64_t)graph->nodes.count);
        FERRY_TRY(emit_node(e, graph->nodes.items[i], &out->nodes[i]));
    }
    FERRY_TRY(copy_indices(e, out->input_count, graph->inputs.items, &out->inputs));
    return copy_indices(e, out->output_count, graph->outputs.items, &out->outputs);
}

static ferry_status emit_metadata(emission *e, const ferry_graph *graph) {
    ferry_plan *plan = e->plan;
    plan->metadata = ferry_arena_allocate(&plan->arena, graph->metadata.count, sizeof *plan->metadata);
    if (!plan->metadata) return no_memory(e);
    for (size_t i = 0; i < graph->metadata.count; i++) {
        plan->metadata[i].key = ferry_arena_strdup(&plan->arena, graph->metadata.items[i].key);
        plan->metadata[i].value = ferry_arena_strdup(&plan->arena, graph->metadata.items[i].value);
        if (!plan->metadata[i].key || !plan->metadata[i].value) return no_memory(e);
        plan->metadata_count++;
    }
    return FERRY_OK;
}

/* Pointers into the weights are set last: the section moved while it grew. */
static void resolve(emission *e) {
    for (int g = 0; g < e->plan->graph_count; g++) {
        ferry_plan_graph *graph = e->plan->graphs[g];
        for (int i = 0; i < graph->value_count; i++)
            if (graph->values[i].storage == FERRY_STORAGE_WEIGHTS && graph->values[i].dtype != FERRY_STRING)
                graph->values[i].data = e->weights + graph->values[i].offset;
        for (int i = 0; i < graph->node_count; i++)
            if (graph->nodes[i].packed_bytes) graph->nodes[i].packed = e->weights + graph->nodes[i].packed_offset;
    }
    e->plan->weights = e->weights;
    e->plan->weights_bytes = e->weights_bytes;
}

static ferry_status emit_all(emission *e, ferry_graph *graph) {
    FERRY_TRY(list_graphs(e, graph));
    for (size_t g = 0; g < e->graphs.count; g++) FERRY_TRY(emit_graph(e, e->graphs.items[g], e->plan->graphs[g]));
    FERRY_TRY(emit_metadata(e, graph));
    e->plan->producer = ferry_arena_strdup(&e->plan->arena, e->settings->producer ? e->settings->producer : "ferry");
    e->plan->precision = ferry_arena_strdup(&e->plan->arena, "fp32");
    if (!e->plan->producer || !e->plan->precision) return no_memory(e);
    unsigned char *memory;
    uint64_t offset;
    FERRY_TRY(reserve_weights(e, 0, &offset, &memory)); /* ends aligned, and never NULL */
    resolve(e);
    return FERRY_OK;
}

ferry_status ferry_emit(ferry_graph *graph, const ferry_compile_settings *settings, const ferry_choices *choices,
                        ferry_compiled *compiled, ferry_error *error) {
    emission e = {.settings = settings, .choices = choices, .error = error};
    e.plan = ferry_calloc(1, sizeof *e.plan);
    if (!e.plan) return ferry_fail_memory(error, sizeof *e.plan);
    ferry_status status = emit_all(&e, graph);
    ferry_vector_free(&e.graphs);
    *compiled = (ferry_compiled){e.plan, e.weights};
    return status;
}
