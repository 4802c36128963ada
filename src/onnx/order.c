/* SPDX-License-Identifier: Apache-2.0 */
/* Kahn's algorithm over nodes that are not linked yet: edges go by names. */
#include "base/map.h"
#include "onnx/types.h"

typedef struct edges {
    ferry_map producers; /* value name -> node */
    FERRY_VECTOR(uint32_t) from, to;
    uint32_t current;
    bool sorted;
    ferry_error *error;
} edges;

static ferry_status no_memory(ferry_error *error) {
    return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while ordering the nodes");
}

static ferry_status add_producers(edges *graph, const ferry_onnx_node *nodes, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (int o = 0; o < nodes[i].output_count; o++) {
            const char *name = nodes[i].outputs[o];
            if (!*name) continue;
            if (ferry_map_get(&graph->producers, name) >= 0)
                return ferry_fail(graph->error, FERRY_ERROR_FORMAT,
                                  "byte %zu: node '%.128s' (%.64s) makes '%.256s', which another node already makes",
                                  nodes[i].at, nodes[i].name, nodes[i].op, name);
            if (!ferry_map_set(&graph->producers, name, (int64_t)i)) return no_memory(graph->error);
        }
    return FERRY_OK;
}

static ferry_status add_edge(edges *graph, const char *name) {
    int64_t producer = *name ? ferry_map_get(&graph->producers, name) : -1;
    if (producer < 0) return FERRY_OK;
    graph->sorted &= producer < (int64_t)graph->current;
    if (!ferry_vector_push(&graph->from, (uint32_t)producer) || !ferry_vector_push(&graph->to, graph->current))
        return no_memory(graph->error);
    return FERRY_OK;
}

/* The nesting of bodies was bounded when they were decoded. */
static ferry_status add_reads(edges *graph, const ferry_onnx_node *node) {
    for (int i = 0; i < node->input_count; i++) FERRY_TRY(add_edge(graph, node->inputs[i]));
    for (int a = 0; a < node->attribute_count; a++) {
        const ferry_onnx_graph *body = node->attributes[a].graph;
        if (!body) continue;
        for (size_t i = 0; i < body->node_count; i++) FERRY_TRY(add_reads(graph, &body->nodes[i]));
        for (size_t i = 0; i < body->output_count; i++) FERRY_TRY(add_edge(graph, body->outputs[i].name));
    }
    return FERRY_OK;
}

static ferry_status sort(const edges *graph, const ferry_onnx_node *nodes, size_t count, ferry_arena *arena, uint32_t **order) {
    size_t edge_count = graph->from.count, done = 0, ready = 0;
    uint32_t *waiting = ferry_arena_allocate(arena, count, sizeof *waiting); /* inputs still to be made */
    uint32_t *first = ferry_arena_allocate(arena, count + 2, sizeof *first); /* edges by producer: first[p] .. first[p + 1] */
    uint32_t *readers = ferry_arena_allocate(arena, edge_count, sizeof *readers);
    uint32_t *queue = ferry_arena_allocate(arena, count, sizeof *queue);
    if (!waiting || !first || !readers || !queue) return no_memory(graph->error);
    for (size_t i = 0; i < edge_count; i++) {
        first[graph->from.items[i] + 2]++;
        waiting[graph->to.items[i]]++;
    }
    for (size_t i = 1; i < count + 2; i++) first[i] += first[i - 1];
    for (size_t i = 0; i < edge_count; i++) readers[first[graph->from.items[i] + 1]++] = graph->to.items[i];
    for (size_t i = 0; i < count; i++)
        if (!waiting[i]) queue[ready++] = (uint32_t)i;
    for (; done < ready; done++)
        for (uint32_t e = first[queue[done]]; e < first[queue[done] + 1]; e++)
            if (--waiting[readers[e]] == 0) queue[ready++] = readers[e];
    *order = queue;
    for (size_t i = 0; i < count && ready < count; i++)
        if (waiting[i])
            return ferry_fail(graph->error, FERRY_ERROR_FORMAT, "byte %zu: node '%.128s' (%.64s) is part of a cycle",
                              nodes[i].at, nodes[i].name, nodes[i].op);
    return FERRY_OK;
}

ferry_status ferry_onnx_order_nodes(const ferry_onnx_node *nodes, size_t count, ferry_arena *arena, uint32_t **order,
                                    ferry_error *error) {
    edges graph = {.sorted = true, .error = error};
    *order = NULL;
    if (count > INT32_MAX) return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "more than 2^31 nodes in a graph");
    ferry_status status = add_producers(&graph, nodes, count);
    for (size_t i = 0; i < count && status == FERRY_OK; i++) {
        graph.current = (uint32_t)i;
        status = add_reads(&graph, &nodes[i]);
    }
    if (status == FERRY_OK && !graph.sorted) status = sort(&graph, nodes, count, arena, order);
    ferry_map_free(&graph.producers);
    ferry_vector_free(&graph.from);
    ferry_vector_free(&graph.to);
    return status;
}
