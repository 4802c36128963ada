/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a graph: uses are kept in step with inputs at every call. */
#include <string.h>

#include "ir/graph.h"

static ferry_status no_memory(ferry_error *error) {
    return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while changing the graph");
}

static void drop_use(ferry_graph_value *value, const ferry_graph_node *node, int input) {
    if (!value) return;
    for (size_t i = 0; i < value->uses.count; i++)
        if (value->uses.items[i].node == node && value->uses.items[i].input == input) {
            size_t rest = value->uses.count - i - 1;
            memmove(&value->uses.items[i], &value->uses.items[i + 1], rest * sizeof *value->uses.items);
            value->uses.count--;
            return;
        }
}

ferry_status ferry_node_set_input(ferry_graph_node *node, int index, ferry_graph_value *value, ferry_error *error) {
    if (node->inputs[index] == value) return FERRY_OK;
    if (value && !ferry_vector_push(&value->uses, ((ferry_use){node, index}))) return no_memory(error);
    drop_use(node->inputs[index], node, index);
    node->inputs[index] = value;
    return FERRY_OK;
}

ferry_status ferry_node_add_input(ferry_graph *graph, ferry_graph_node *node, ferry_graph_value *value, ferry_error *error) {
    ferry_graph_value **inputs = ferry_arena_allocate(&graph->arena, (size_t)node->input_count + 1, sizeof *inputs);
    if (!inputs) return no_memory(error);
    memcpy(inputs, node->inputs, (size_t)node->input_count * sizeof *inputs);
    if (value && !ferry_vector_push(&value->uses, ((ferry_use){node, node->input_count}))) return no_memory(error);
    inputs[node->input_count++] = value;
    node->inputs = inputs;
    return FERRY_OK;
}

/* Attributes that passes set are numbers or names of static life; strings are copied all the same. */
ferry_status ferry_node_set_attribute(ferry_graph *graph, ferry_graph_node *node, const ferry_attribute *attribute,
                                      ferry_error *error) {
    ferry_attribute copy = *attribute;
    size_t count = (size_t)attribute->count;
    copy.name = ferry_arena_strdup(&graph->arena, attribute->name);
    bool copied = copy.name != NULL;
    if (attribute->type == FERRY_ATTRIBUTE_STRING) {
        copy.value.string.text =
            ferry_arena_strndup(&graph->arena, attribute->value.string.text, attribute->value.string.length);
        copied &= copy.value.string.text != NULL;
    } else if (attribute->type == FERRY_ATTRIBUTE_INTS) {
        copy.value.integers = ferry_arena_copy(&graph->arena, attribute->value.integers, count * sizeof(int64_t));
        copied &= copy.value.integers != NULL;
    } else if (attribute->type == FERRY_ATTRIBUTE_FLOATS) {
        copy.value.reals = ferry_arena_copy(&graph->arena, attribute->value.reals, count * sizeof(float));
        copied &= copy.value.reals != NULL;
    }
    if (!copied) return no_memory(error);
    for (int i = 0; i < node->attributes.count; i++)
        if (strcmp(node->attributes.items[i].name, attribute->name) == 0) {
            node->attributes.items[i] = copy;
            return FERRY_OK;
        }
    ferry_attribute *items = ferry_arena_allocate(&graph->arena, (size_t)node->attributes.count + 1, sizeof *items);
    if (!items) return no_memory(error);
    if (node->attributes.count) memcpy(items, node->attributes.items, (size_t)node->attributes.count * sizeof *items);
    items[node->attributes.count++] = copy;
    node->attributes.items = items;
    return FERRY_OK;
}

void ferry_node_remove_attribute(ferry_graph_node *node, const char *name) {
    ferry_attributes *attributes = &node->attributes;
    for (int i = 0; i < attributes->count; i++)
        if (strcmp(attributes->items[i].name, name) == 0) {
            memmove(&attributes->items[i], &attributes->items[i + 1],
                    (size_t)(attributes->count - i - 1) * sizeof *attributes->items);
            attributes->count--;
            return;
        }
}

/* A graph output keeps its name: `to` takes it over when nothing outside knows `to` by its own name. Otherwise an Identity
 * carries the value to the old name. */
static ferry_status replace_output(ferry_graph *graph, ferry_graph_value *from, ferry_graph_value *to, ferry_error *error) {
    bool to_is_free = to->producer && !to->is_output;
    if (!to_is_free) {
        ferry_graph_node *maker = from->producer;
        if (maker) maker->outputs[from->producer_output] = NULL;
        from->producer = NULL;
        return ferry_graph_add_node(graph, NULL, &ferry_ops[FERRY_OP_Identity], NULL, 1, &to, 1, &from, NULL, NULL, error);
    }
    for (size_t i = 0; i < graph->outputs.count; i++)
        if (graph->outputs.items[i] == from) graph->outputs.items[i] = to;
    const char *name = from->name;
    int64_t from_place = ferry_map_get(&graph->value_names, from->name),
            to_place = ferry_map_get(&graph->value_names, to->name);
    from->name = to->name;
    to->name = name;
    to->is_output = true;
    from->is_output = false;
    return ferry_map_set(&graph->value_names, to->name, to_place) && ferry_map_set(&graph->value_names, from->name, from_place)
               ? FERRY_OK
               : no_memory(error);
}

ferry_status ferry_graph_replace_uses(ferry_graph *graph, ferry_graph_value *from, ferry_graph_value *to, ferry_error *error) {
    if (from == to) return FERRY_OK;
    if (!ferry_vector_reserve(&to->uses, to->uses.count + from->uses.count)) return no_memory(error);
    for (size_t i = 0; i < from->uses.count; i++) {
        ferry_use use = from->uses.items[i];
        use.node->inputs[use.input] = to;
        (void)ferry_vector_push(&to->uses, use); /* reserved above */
    }
    from->uses.count = 0;
    return from->is_output ? replace_output(graph, from, to, error) : FERRY_OK;
}

void ferry_graph_remove_node(ferry_graph *graph, ferry_graph_node *node) {
    (void)graph;
    for (int i = 0; i < node->input_count; i++) drop_use(node->inputs[i], node, i);
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i] && node->outputs[i]->producer == node) node->outputs[i]->producer = NULL;
    node->removed = true;
}

static bool value_is_input(const ferry_graph *graph, const ferry_graph_value *value) {
    for (size_t i = 0; i < graph->inputs.count; i++)
        if (graph->inputs.items[i] == value) return true;
    return false;
}

void ferry_graph_compact(ferry_graph *graph) {
    size_t kept = 0;
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        if (!node->removed) graph->nodes.items[kept++] = node;
    }
    graph->nodes.count = kept;
    kept = 0;
    for (size_t i = 0; i < graph->values.count; i++) {
        ferry_graph_value *value = graph->values.items[i];
        bool alive = value->uses.count > 0 || value->producer || value->is_output || value_is_input(graph, value);
        if (!alive) {
            ferry_map_remove(&graph->value_names, value->name);
            ferry_vector_free(&value->uses);
            continue;
        }
        ferry_map_set(&graph->value_names, value->name, (int64_t)kept); /* the key is there: no memory is needed */
        graph->values.items[kept++] = value;
    }
    graph->values.count = kept;
}

/* Kahn's algorithm; node->index counts inputs that are still to be made. Ties keep the order of the file. */
ferry_status ferry_graph_sort(ferry_graph *graph, ferry_error *error) {
    ferry_graph_compact(graph);
    size_t count = graph->nodes.count;
    FERRY_VECTOR(ferry_graph_node *) ready = {0};
    if (!ferry_vector_reserve(&ready, count + 1)) return no_memory(error);
    for (size_t i = 0; i < count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        node->index = 0;
        for (int k = 0; k < node->input_count; k++) node->index += node->inputs[k] && node->inputs[k]->producer;
        if (node->index == 0) (void)ferry_vector_push(&ready, node);
    }
    for (size_t done = 0; done < ready.count; done++) {
        ferry_graph_node *node = ready.items[done];
        for (int o = 0; o < node->output_count; o++) {
            ferry_graph_value *value = node->outputs[o];
            for (size_t u = 0; value && u < value->uses.count; u++)
                if (--value->uses.items[u].node->index == 0) (void)ferry_vector_push(&ready, value->uses.items[u].node);
        }
    }
    ferry_status status = FERRY_OK;
    if (ready.count < count) {
        for (size_t i = 0; i < count && status == FERRY_OK; i++)
            if (graph->nodes.items[i]->index > 0)
                status = ferry_fail(error, FERRY_ERROR_FORMAT, "node '%s' (%s) is part of a cycle", graph->nodes.items[i]->name,
                                    graph->nodes.items[i]->op->name);
    } else if (count) {
        memcpy(graph->nodes.items, ready.items, count * sizeof *ready.items);
    }
    ferry_vector_free(&ready);
    return status;
}
