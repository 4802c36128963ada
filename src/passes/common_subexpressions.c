/* SPDX-License-Identifier: Apache-2.0 */
/* Two nodes with the same operator, inputs and attributes compute the same: the later one's users read the earlier one. Equal
 * small constants are joined first. */
#include <stdio.h>
#include <string.h>

#include "passes/passes.h"
#include "passes/tools.h"

enum { KEY_BYTES = 4096, SMALL_CONSTANT = 1024 };

typedef struct key {
    char text[KEY_BYTES];
    size_t used;
    bool fits;
} key;

static void add(key *k, const char *text) {
    size_t length = strlen(text);
    if (k->used + length + 1 > sizeof k->text) {
        k->fits = false;
        return;
    }
    memcpy(k->text + k->used, text, length + 1);
    k->used += length;
}

static void add_hash(key *k, const void *bytes, size_t count) {
    char text[64];
    snprintf(text, sizeof text, "%zu:%016llx%016llx,", count, (unsigned long long)ferry_hash64(bytes, count, 1),
             (unsigned long long)ferry_hash64(bytes, count, 2));
    add(k, text);
}

static void add_attribute(key *k, const ferry_attribute *a) {
    char text[64];
    add(k, a->name);
    snprintf(text, sizeof text, "=%d/%lld:", (int)a->type, (long long)a->count);
    add(k, text);
    switch (a->type) {
    case FERRY_ATTRIBUTE_INT: add_hash(k, &a->value.integer, sizeof a->value.integer); break;
    case FERRY_ATTRIBUTE_FLOAT: add_hash(k, &a->value.real, sizeof a->value.real); break;
    case FERRY_ATTRIBUTE_STRING: add_hash(k, a->value.string.text, a->value.string.length); break;
    case FERRY_ATTRIBUTE_INTS: add_hash(k, a->value.integers, (size_t)a->count * sizeof(int64_t)); break;
    case FERRY_ATTRIBUTE_FLOATS: add_hash(k, a->value.reals, (size_t)a->count * sizeof(float)); break;
    default: k->fits = false; break;
    }
}

/* The same order of attributes is not required. */
static int next_name(const ferry_attributes *attributes, const char *after) {
    int best = -1;
    for (int i = 0; i < attributes->count; i++) {
        const char *name = attributes->items[i].name;
        if (after && strcmp(name, after) <= 0) continue;
        if (best < 0 || strcmp(name, attributes->items[best].name) < 0) best = i;
    }
    return best;
}

static void make_key(key *k, const ferry_graph_node *node) {
    *k = (key){.fits = true};
    char text[64];
    add(k, node->op->domain);
    add(k, ":");
    add(k, node->op->name);
    snprintf(text, sizeof text, "/%d(", node->output_count);
    add(k, text);
    for (int i = 0; i < node->input_count; i++) {
        snprintf(text, sizeof text, "%p,", (void *)node->inputs[i]);
        add(k, text);
    }
    for (int i = next_name(&node->attributes, NULL); i >= 0; i = next_name(&node->attributes, node->attributes.items[i].name))
        add_attribute(k, &node->attributes.items[i]);
}

static void make_constant_key(key *k, const ferry_graph_value *value) {
    *k = (key){.fits = true};
    char text[FERRY_SHAPE_TEXT + 32];
    size_t bytes;
    const ferry_value_type *type = &value->type;
    if (type->dtype == FERRY_STRING || !ferry_tensor_bytes(type->dtype, FERRY_LAYOUT_PLAIN, &type->shape, &bytes) ||
        bytes > SMALL_CONSTANT) {
        k->fits = false;
        return;
    }
    char shape[FERRY_SHAPE_TEXT];
    snprintf(text, sizeof text, "constant %d %s ", (int)type->dtype, ferry_shape_text(&type->shape, shape, sizeof shape));
    add(k, text);
    add_hash(k, type->data, bytes);
}

static ferry_status join_constants(ferry_graph *graph, ferry_map *seen, int *changes, ferry_error *error) {
    for (size_t i = 0; i < graph->values.count; i++) {
        ferry_graph_value *value = graph->values.items[i];
        if (!ferry_value_is_constant(value) || value->is_output || value->uses.count == 0) continue;
        key k;
        make_constant_key(&k, value);
        if (!k.fits) continue;
        int64_t first = ferry_map_get(seen, k.text);
        if (first < 0) {
            if (!ferry_map_set(seen, k.text, (int64_t)i)) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
            continue;
        }
        FERRY_TRY(ferry_graph_replace_uses(graph, value, graph->values.items[first], error));
        ++*changes;
    }
    return FERRY_OK;
}

static bool replaceable(const ferry_graph_node *node) {
    if (node->removed || (node->op->flags & FERRY_OP_NOT_FOLDABLE) || node->output_count < 1) return false;
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i] && node->outputs[i]->is_output) return false;
    return true;
}

static ferry_status join_nodes(ferry_graph *graph, ferry_map *seen, int *changes, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        if (!replaceable(node)) continue;
        key k;
        make_key(&k, node);
        if (!k.fits) continue;
        int64_t index = ferry_map_get(seen, k.text);
        if (index < 0) {
            if (!ferry_map_set(seen, k.text, (int64_t)i)) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
            continue;
        }
        const ferry_graph_node *first = graph->nodes.items[index];
        bool all_there = true;
        for (int o = 0; o < node->output_count; o++) all_there &= !node->outputs[o] || first->outputs[o];
        if (!all_there) continue;
        for (int o = 0; o < node->output_count; o++)
            if (node->outputs[o]) FERRY_TRY(ferry_graph_replace_uses(graph, node->outputs[o], first->outputs[o], error));
        ferry_graph_remove_node(graph, node);
        ++*changes;
    }
    return FERRY_OK;
}

ferry_status ferry_pass_common_subexpressions(ferry_graph *graph, int *changes, ferry_error *error) {
    ferry_map constants = {0}, nodes = {0};
    ferry_status status = join_constants(graph, &constants, changes, error);
    if (status == FERRY_OK) status = join_nodes(graph, &nodes, changes, error);
    ferry_map_free(&constants);
    ferry_map_free(&nodes);
    return status;
}
