/* SPDX-License-Identifier: Apache-2.0 */
/* Planning, second half: which values share memory, and where every buffer lies. Values form trees: a value without memory of
 * its own lies at an offset inside its root's buffer (a view, an in-place result, a part of a Concat, a piece of a Split).
 * Buffers are then placed by decreasing size at the lowest address that is free during their life (greedy by size, as in
 * Pisarchyk & Lee, "Efficient memory management for deep neural net inference", 2020). */
#include <stdlib.h>
#include <string.h>

#include "runtime/frame.h"

typedef struct place {
    int32_t root;
    size_t offset; /* of the value in the root's buffer */
} place;

static place find(const ferry_frame *frame, int32_t index) {
    place p = {index, 0};
    while (frame->values[p.root].root != p.root) {
        p.offset += frame->values[p.root].offset;
        p.root = frame->values[p.root].root;
    }
    return p;
}

/* Whether the value gets memory from this plan at all. */
static bool is_planned(const ferry_frame *frame, const ferry_frame_value *value) {
    (void)frame;
    return value->shaped && !value->contents && value->plan->storage == FERRY_STORAGE_COMPUTED &&
           value->value.kind == FERRY_VALUE_TENSOR && value->first != INT32_MAX;
}

static void attach(ferry_frame *frame, int32_t child, int32_t parent, size_t offset) {
    ferry_frame_value *c = &frame->values[child];
    place p = find(frame, parent);
    ferry_frame_value *root = &frame->values[p.root];
    c->root = parent;
    c->offset = offset;
    if (c->first < root->first) root->first = c->first;
    if (c->last > root->last) root->last = c->last;
    root->is_output |= c->is_output;
}

/* A new value that only shows bytes of an older one. */
static void show_inside(ferry_frame *frame, int32_t whole, int32_t piece, size_t offset) {
    const ferry_frame_value *w = &frame->values[whole];
    ferry_frame_value *v = &frame->values[piece];
    place p = find(frame, whole);
    const ferry_frame_value *root = &frame->values[p.root];
    if (!is_planned(frame, w) || !is_planned(frame, v) || v->root != piece) return;
    if (w->value.tensor.layout != v->value.tensor.layout || offset % FERRY_ALIGNMENT != 0 || offset + v->bytes > w->bytes)
        return;
    if (v->is_output && (root->pinned || root->is_output)) return; /* an output needs memory that can be bound */
    attach(frame, piece, whole, offset);
}

static void share_view(ferry_frame *frame, const ferry_plan_node *node) {
    int32_t input = node->inputs[0], output = node->outputs[0];
    if (input < 0 || output < 0 || frame->values[input].bytes != frame->values[output].bytes) return;
    show_inside(frame, input, output, 0);
}

/* Other inputs may read the same buffer only at the same elements. */
static bool overlaps_others(const ferry_frame *frame, const ferry_plan_node *node, int32_t input, int32_t root) {
    for (int i = 0; i < node->input_count; i++) {
        int32_t other = node->inputs[i];
        if (other < 0 || other == input || !is_planned(frame, &frame->values[other])) continue;
        place p = find(frame, other);
        if (p.root == root && (p.offset != 0 || frame->values[other].bytes != frame->values[input].bytes)) return true;
    }
    return false;
}

static void share_in_place(ferry_frame *frame, int index, const ferry_plan_node *node) {
    int32_t output = node->outputs[0];
    if (output < 0 || !is_planned(frame, &frame->values[output])) return;
    for (int i = 0; i < node->input_count; i++) {
        int32_t input = node->inputs[i];
        if (input < 0 || !is_planned(frame, &frame->values[input])) continue;
        const ferry_frame_value *v = &frame->values[input];
        place p = find(frame, input);
        const ferry_frame_value *root = &frame->values[p.root];
        bool dies = !root->pinned && !root->is_output && root->last == index && p.offset == 0 && root->bytes == v->bytes;
        if (!dies || v->bytes != frame->values[output].bytes ||
            v->value.tensor.layout != frame->values[output].value.tensor.layout || overlaps_others(frame, node, input, p.root))
            continue;
        attach(frame, output, input, 0);
        return;
    }
}

static void share_join(ferry_frame *frame, const ferry_frame_node *node) {
    int32_t output = node->plan->outputs[0];
    if (output < 0 || !is_planned(frame, &frame->values[output])) return;
    for (int i = 0; i < node->plan->input_count; i++) {
        int32_t input = node->plan->inputs[i];
        size_t offset;
        if (input < 0 || !is_planned(frame, &frame->values[input]) || !node->implementation->part(&node->call, i, &offset))
            continue;
        const ferry_frame_value *v = &frame->values[input];
        place p = find(frame, input);
        const ferry_frame_value *root = &frame->values[p.root];
        bool movable = !root->pinned && !root->is_output && p.offset == 0 && root->bytes == v->bytes &&
                       p.root != find(frame, output).root && offset % FERRY_ALIGNMENT == 0 &&
                       offset + v->bytes <= frame->values[output].bytes &&
                       v->value.tensor.layout == frame->values[output].value.tensor.layout;
        if (movable) attach(frame, p.root, output, offset);
    }
}

static void share_cut(ferry_frame *frame, const ferry_frame_node *node) {
    int32_t input = node->plan->inputs[0];
    for (int i = 0; i < node->plan->output_count; i++) {
        size_t offset;
        if (input >= 0 && node->plan->outputs[i] >= 0 && node->implementation->part(&node->call, i, &offset))
            show_inside(frame, input, node->plan->outputs[i], offset);
    }
}

static void share(ferry_frame *frame) {
    for (int i = 0; i < frame->graph->node_count; i++) {
        const ferry_frame_node *node = &frame->nodes[i];
        const ferry_implementation *implementation = node->implementation;
        if (node->done || node->deferred) continue;
        if (implementation->flags & FERRY_IMPLEMENTATION_VIEW)
            share_view(frame, node->plan);
        else if (implementation->flags & FERRY_IMPLEMENTATION_IN_PLACE)
            share_in_place(frame, i, node->plan);
        else if (implementation->part && implementation->joins)
            share_join(frame, node);
        else if (implementation->part)
            share_cut(frame, node);
    }
}

/* ---- lives ---- */

/* Sharing widens the lives of roots, so each planning starts from the graph's own. */
static void reset_lives(ferry_frame *frame) {
    const ferry_plan_graph *graph = frame->graph;
    for (int i = 0; i < graph->value_count; i++) {
        ferry_frame_value *value = &frame->values[i];
        value->root = i;
        value->offset = 0;
        value->first = INT32_MAX;
        value->last = -1;
        value->is_output = false;
    }
    for (int n = 0; n < graph->node_count; n++) {
        const ferry_plan_node *node = &graph->nodes[n];
        for (int i = 0; i < node->input_count; i++)
            if (node->inputs[i] >= 0) frame->values[node->inputs[i]].last = n;
        for (int i = 0; i < node->output_count; i++)
            if (node->outputs[i] >= 0) {
                frame->values[node->outputs[i]].first = n;
                frame->values[node->outputs[i]].last = n;
            }
    }
    for (int i = 0; i < graph->input_count; i++) {
        frame->values[graph->inputs[i]].first = -1;
        frame->values[graph->inputs[i]].last = graph->node_count;
    }
    for (int i = 0; i < graph->output_count; i++) {
        frame->values[graph->outputs[i]].is_output = true;
        frame->values[graph->outputs[i]].last = graph->node_count;
    }
}

/* ---- places ---- */

static int compare_size(const void *a, const void *b) {
    const ferry_frame_value *x = *(ferry_frame_value *const *)a, *y = *(ferry_frame_value *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->root < y->root ? -1 : x->root > y->root; /* its own index: keeps the order of the graph */
}

static size_t buffer_bytes(const ferry_frame_value *value) {
    return ferry_align_up(value->bytes ? value->bytes : 1, FERRY_ALIGNMENT);
}

/* Finds the lowest gap among `placed`, which is sorted by offset, and puts the value there. */
static void place_buffer(ferry_frame_value **placed, size_t *count, ferry_frame_value *value) {
    size_t offset = 0, bytes = buffer_bytes(value), slot = 0;
    for (size_t i = 0; i < *count; i++) {
        const ferry_frame_value *other = placed[i];
        if (other->last < value->first || other->first > value->last) continue;
        if (other->offset >= offset + bytes) break;
        size_t end = other->offset + buffer_bytes(other);
        if (end > offset) offset = end;
    }
    value->offset = offset;
    for (slot = *count; slot > 0 && placed[slot - 1]->offset > offset; slot--) placed[slot] = placed[slot - 1];
    placed[slot] = value;
    ++*count;
}

static ferry_status place_all(ferry_frame *frame, ferry_error *error) {
    size_t count = 0, done = 0, values = (size_t)frame->graph->value_count;
    ferry_frame_value **roots = ferry_arena_allocate(&frame->shape_arena, values, sizeof *roots);
    ferry_frame_value **placed = ferry_arena_allocate(&frame->shape_arena, values, sizeof *placed);
    if (!roots || !placed) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while planning memory");
    for (size_t i = 0; i < values; i++)
        if (is_planned(frame, &frame->values[i]) && frame->values[i].root == (int32_t)i) roots[count++] = &frame->values[i];
    qsort(roots, count, sizeof *roots, compare_size);
    frame->activation_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        place_buffer(placed, &done, roots[i]);
        size_t end = roots[i]->offset + buffer_bytes(roots[i]);
        if (end > frame->activation_bytes) frame->activation_bytes = end;
    }
    return FERRY_OK;
}

static ferry_status reserve(ferry_frame *frame, ferry_error *error) {
    frame->workspace_bytes = 0;
    for (int i = 0; i < frame->graph->node_count; i++) {
        const ferry_frame_node *node = &frame->nodes[i];
        if (!node->done && !node->deferred && node->call.workspace_bytes > frame->workspace_bytes)
            frame->workspace_bytes = node->call.workspace_bytes;
    }
    size_t wanted;
    if (!ferry_size_add(frame->activation_bytes, frame->workspace_bytes, &wanted)) return ferry_fail_memory(error, SIZE_MAX);
    if (wanted <= frame->memory_bytes) return FERRY_OK;
    ferry_aligned_free(frame->memory);
    frame->memory_bytes = 0;
    frame->memory = ferry_aligned_malloc(wanted);
    if (!frame->memory) return ferry_fail_memory(error, wanted);
    frame->memory_bytes = wanted;
    return FERRY_OK;
}

void ferry_frame_point(ferry_frame *frame) {
    for (int i = 0; i < frame->graph->value_count; i++) {
        ferry_frame_value *value = &frame->values[i];
        if (!is_planned(frame, value)) continue;
        place p = find(frame, i);
        const ferry_frame_value *root = &frame->values[p.root];
        unsigned char *base = root->bound ? root->bound : frame->memory + root->offset;
        value->value.tensor.data = base + p.offset;
    }
    for (int i = 0; i < frame->graph->node_count; i++) {
        ferry_frame_node *node = &frame->nodes[i];
        if (!node->done && !node->deferred) node->call.workspace = frame->memory + frame->activation_bytes;
    }
}

ferry_status ferry_frame_plan_memory(ferry_frame *frame, ferry_error *error) {
    reset_lives(frame);
    share(frame);
    FERRY_TRY(place_all(frame, error));
    FERRY_TRY(reserve(frame, error));
    ferry_frame_point(frame);
    return FERRY_OK;
}
