/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's fields in file order, for both directions. */
#include "engine/serialize.h"

#include <string.h>

static void stream_shape(ferry_stream *stream, ferry_shape *shape) {
    int rank = shape->rank;
    ferry_stream_range(stream, &rank, 0, FERRY_MAX_RANK, "a rank");
    shape->rank = rank;
    for (int i = 0; i < rank; i++) {
        ferry_stream_i64(stream, &shape->dims[i]);
        if (shape->dims[i] < -1)
            ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "a dimension is %lld", (long long)shape->dims[i]);
    }
}

static void stream_dtype(ferry_stream *stream, ferry_dtype *dtype) {
    int number = (int)*dtype;
    ferry_stream_range(stream, &number, 0, FERRY_INT2, "a dtype");
    *dtype = (ferry_dtype)number;
}

/* A piece of the weights section; reading resolves it. */
static void stream_piece(ferry_stream *stream, const ferry_plan *plan, uint64_t *offset, uint64_t *bytes, const void **data) {
    ferry_stream_u64(stream, offset);
    ferry_stream_u64(stream, bytes);
    if (stream->writing || stream->status != FERRY_OK) return;
    if (*offset % FERRY_ALIGNMENT != 0 || *offset > plan->weights_bytes || *bytes > plan->weights_bytes - *offset) {
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "weights at %llu of %llu bytes lie outside the file's %llu",
                          (unsigned long long)*offset, (unsigned long long)*bytes, (unsigned long long)plan->weights_bytes);
        return;
    }
    *data = plan->weights + *offset;
}

static void check_constant(ferry_stream *stream, const ferry_plan_value *value) {
    size_t bytes;
    bool known = value->kind == FERRY_VALUE_TENSOR && value->ranked &&
                 ferry_tensor_bytes(value->dtype, value->layout, &value->shape, &bytes);
    if (!known || (value->dtype != FERRY_STRING && bytes > value->bytes))
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "constant '%s' does not fit the bytes given for it", value->name);
}

static void stream_strings(ferry_stream *stream, int64_t *count, const ferry_string **strings);

/* Constants of strings cannot be mapped: they follow in the plan itself. */
static void stream_string_constant(ferry_stream *stream, ferry_plan_value *value) {
    int64_t count = stream->writing ? ferry_shape_count(&value->shape) : 0, elements = 0;
    const ferry_string *strings = value->data;
    stream_strings(stream, &count, &strings);
    if (stream->writing) return;
    value->data = strings;
    if (!ferry_shape_elements(&value->shape, &elements) || elements != count)
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "constant '%s' has %lld strings, not %lld", value->name, (long long)count,
                          (long long)elements);
}

static void stream_value(ferry_stream *stream, const ferry_plan *plan, ferry_plan_value *value) {
    ferry_stream_text(stream, &value->name);
    int kind = (int)value->kind, layout = (int)value->layout, storage = (int)value->storage, ranked = value->ranked;
    ferry_stream_range(stream, &kind, FERRY_VALUE_TENSOR, FERRY_VALUE_OPTIONAL, "a value's kind");
    stream_dtype(stream, &value->dtype);
    ferry_stream_range(stream, &layout, 0, 16, "a layout");
    ferry_stream_range(stream, &storage, FERRY_STORAGE_COMPUTED, FERRY_STORAGE_PACKED, "a storage class");
    ferry_stream_range(stream, &ranked, 0, 1, "a flag");
    value->kind = (ferry_value_kind)kind;
    value->layout = (ferry_layout)layout;
    value->storage = (ferry_plan_storage)storage;
    value->ranked = ranked;
    if (layout != 0 && layout != 4 && layout != 8 && layout != 16)
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "unknown layout %d", layout);
    stream_shape(stream, &value->shape);
    if (value->layout != FERRY_LAYOUT_PLAIN && (value->dtype != FERRY_FLOAT32 || !value->ranked || value->shape.rank < 2))
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "value '%s' cannot have a blocked layout", value->name);
    int named = value->dim_names != NULL;
    ferry_stream_range(stream, &named, 0, 1, "a flag");
    if (named && !stream->writing) {
        value->dim_names = ferry_arena_allocate(stream->arena, FERRY_MAX_RANK, sizeof *value->dim_names);
        if (!value->dim_names) ferry_stream_fail(stream, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    for (int i = 0; named && value->dim_names && i < value->shape.rank; i++) {
        const char *name = value->dim_names[i] ? value->dim_names[i] : "";
        ferry_stream_text(stream, &name);
        if (!stream->writing) value->dim_names[i] = *name ? name : NULL;
    }
    if (value->storage == FERRY_STORAGE_WEIGHTS && value->dtype == FERRY_STRING) {
        stream_string_constant(stream, value);
    } else if (value->storage == FERRY_STORAGE_WEIGHTS) {
        stream_piece(stream, plan, &value->offset, &value->bytes, &value->data);
        if (!stream->writing && stream->status == FERRY_OK) check_constant(stream, value);
    }
}

/* ---- attributes ---- */

static void stream_string(ferry_stream *stream, ferry_string *string) {
    uint64_t length = string->length;
    ferry_stream_u64(stream, &length);
    if (stream->writing) {
        ferry_stream_bytes(stream, (void *)string->text, string->length);
        return;
    }
    *string = (ferry_string){"", 0};
    if (stream->status != FERRY_OK) return;
    if (length > stream->bytes - stream->offset) {
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "a string runs past the end");
        return;
    }
    string->text = ferry_arena_strndup(stream->arena, (const char *)stream->data + stream->offset, (size_t)length);
    if (!string->text) ferry_stream_fail(stream, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
    string->length = (size_t)length;
    stream->offset += (size_t)length;
}

static void stream_strings(ferry_stream *stream, int64_t *count, const ferry_string **strings) {
    int number = (int)*count;
    ferry_string *items = (ferry_string *)*strings;
    ferry_stream_array(stream, &number, (void **)&items, sizeof *items, 8, "strings");
    for (int i = 0; i < number; i++) stream_string(stream, &items[i]);
    *count = number;
    *strings = items;
}

static void stream_numbers(ferry_stream *stream, int64_t *count, void **numbers, size_t size, const char *what) {
    int number = (int)*count;
    ferry_stream_array(stream, &number, numbers, size, size, what);
    ferry_stream_bytes(stream, *numbers, (size_t)number * size);
    *count = number;
}

static void stream_tensor(ferry_stream *stream, const ferry_tensor **pointer) {
    ferry_tensor *tensor = (ferry_tensor *)*pointer;
    if (!stream->writing) tensor = ferry_arena_allocate(stream->arena, 1, sizeof *tensor);
    if (!tensor) {
        ferry_stream_fail(stream, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
        return;
    }
    *pointer = tensor;
    stream_dtype(stream, &tensor->dtype);
    stream_shape(stream, &tensor->shape);
    size_t bytes;
    if (stream->status != FERRY_OK) return;
    if (!ferry_tensor_bytes(tensor->dtype, FERRY_LAYOUT_PLAIN, &tensor->shape, &bytes)) {
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "an attribute's tensor has an impossible shape");
        return;
    }
    if (tensor->dtype == FERRY_STRING) {
        int64_t count = ferry_shape_count(&tensor->shape);
        const ferry_string *strings = tensor->data;
        int64_t given = count;
        stream_strings(stream, &given, &strings);
        if (given != count) ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "an attribute's tensor has too few strings");
        tensor->data = (void *)strings;
        return;
    }
    if (!stream->writing) {
        if (bytes > stream->bytes - stream->offset) {
            ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "an attribute's tensor runs past the end");
            return;
        }
        tensor->data = ferry_arena_allocate(stream->arena, 1, bytes);
        if (!tensor->data) ferry_stream_fail(stream, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    ferry_stream_bytes(stream, tensor->data, bytes);
}

/* A body is written as its index in plan->graphs. Bodies stand behind the graph that uses them, so there are no circles. */
static void stream_body(ferry_stream *stream, const ferry_plan *plan, int owner, void **graph) {
    int index = stream->writing ? ((ferry_plan_graph *)*graph)->index : 0;
    ferry_stream_range(stream, &index, owner + 1, plan->graph_count > owner + 1 ? plan->graph_count - 1 : owner + 1, "a body");
    if (stream->writing || stream->status != FERRY_OK) return;
    if (index >= plan->graph_count)
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "body %d does not exist", index);
    else
        *graph = plan->graphs[index];
}

static void stream_attribute(ferry_stream *stream, const ferry_plan *plan, int owner, ferry_attribute *attribute) {
    ferry_stream_text(stream, &attribute->name);
    int type = (int)attribute->type;
    ferry_stream_range(stream, &type, FERRY_ATTRIBUTE_INT, FERRY_ATTRIBUTE_GRAPH, "an attribute's type");
    attribute->type = (ferry_attribute_type)type;
    if (stream->status != FERRY_OK) return;
    switch (attribute->type) {
    case FERRY_ATTRIBUTE_INT: ferry_stream_i64(stream, &attribute->value.integer); break;
    case FERRY_ATTRIBUTE_FLOAT: ferry_stream_f32(stream, &attribute->value.real); break;
    case FERRY_ATTRIBUTE_STRING: stream_string(stream, &attribute->value.string); break;
    case FERRY_ATTRIBUTE_INTS: {
        void *numbers = (void *)attribute->value.integers;
        stream_numbers(stream, &attribute->count, &numbers, sizeof(int64_t), "integers");
        attribute->value.integers = numbers;
        break;
    }
    case FERRY_ATTRIBUTE_FLOATS: {
        void *numbers = (void *)attribute->value.reals;
        stream_numbers(stream, &attribute->count, &numbers, sizeof(float), "floats");
        attribute->value.reals = numbers;
        break;
    }
    case FERRY_ATTRIBUTE_STRINGS: stream_strings(stream, &attribute->count, &attribute->value.strings); break;
    case FERRY_ATTRIBUTE_TENSOR: stream_tensor(stream, &attribute->value.tensor); break;
    case FERRY_ATTRIBUTE_GRAPH: stream_body(stream, plan, owner, &attribute->value.graph); break;
    }
}

/* ---- nodes and graphs ---- */

static void stream_indices(ferry_stream *stream, int *count, int32_t **indices, int low, int values, const char *what) {
    ferry_stream_array(stream, count, (void **)indices, sizeof **indices, 4, what);
    for (int i = 0; i < *count; i++) {
        int index = (*indices)[i];
        ferry_stream_range(stream, &index, low, values > 0 ? values - 1 : 0, what);
        (*indices)[i] = index;
        if (values == 0 && index >= 0) ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "a graph without values has %s", what);
    }
}

static void stream_op(ferry_stream *stream, const ferry_op **op) {
    const char *domain = stream->writing ? (*op)->domain : "", *name = stream->writing ? (*op)->name : "";
    ferry_stream_text(stream, &domain);
    ferry_stream_text(stream, &name);
    if (stream->writing || stream->status != FERRY_OK) return;
    *op = ferry_op_find(domain, name);
    if (!*op) ferry_stream_fail(stream, FERRY_ERROR_UNSUPPORTED, "this build does not know the operator '%s'", name);
}

static void stream_node(ferry_stream *stream, const ferry_plan *plan, const ferry_plan_graph *graph, ferry_plan_node *node) {
    ferry_stream_text(stream, &node->name);
    stream_op(stream, &node->op);
    ferry_stream_text(stream, &node->implementation);
    ferry_stream_array(stream, &node->attributes.count, (void **)&node->attributes.items, sizeof *node->attributes.items, 8,
                       "attributes");
    for (int i = 0; i < node->attributes.count && stream->status == FERRY_OK; i++)
        stream_attribute(stream, plan, graph->index, &node->attributes.items[i]);
    stream_indices(stream, &node->input_count, &node->inputs, -1, graph->value_count, "inputs");
    stream_indices(stream, &node->output_count, &node->outputs, -1, graph->value_count, "outputs");
    stream_piece(stream, plan, &node->packed_offset, &node->packed_bytes, &node->packed);
    if (stream->writing || stream->status != FERRY_OK) return;
    if (node->packed_bytes == 0) node->packed = NULL;
    ferry_status status = ferry_op_verify(node->op, &node->attributes, node->input_count, node->output_count, stream->error);
    if (status != FERRY_OK) {
        stream->status = FERRY_ERROR_FORMAT;
        if (stream->error) stream->error->status = FERRY_ERROR_FORMAT;
        ferry_error_prefix(stream->error, "node '%s' (%s): ", node->name, node->op->name);
    }
}

/* Every value is made once, before it is read: by the graph's inputs, a constant, or an earlier node. */
static void check_order(ferry_stream *stream, const ferry_plan_graph *graph) {
    uint8_t *made = ferry_arena_allocate(stream->arena, (size_t)graph->value_count, 1);
    if (!made) {
        ferry_stream_fail(stream, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
        return;
    }
    for (int i = 0; i < graph->value_count; i++) made[i] = graph->values[i].storage != FERRY_STORAGE_COMPUTED;
    for (int i = 0; i < graph->input_count; i++) {
        if (made[graph->inputs[i]]) ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "an input is given twice");
        made[graph->inputs[i]] = 1;
    }
    for (int n = 0; n < graph->node_count; n++) {
        const ferry_plan_node *node = &graph->nodes[n];
        for (int i = 0; i < node->input_count; i++)
            if (node->inputs[i] >= 0 && !made[node->inputs[i]])
                ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "node '%s' reads a value that is made later", node->name);
        for (int i = 0; i < node->output_count; i++) {
            if (node->outputs[i] < 0) continue;
            if (made[node->outputs[i]])
                ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "node '%s' writes a value that is made elsewhere", node->name);
            made[node->outputs[i]] = 1;
        }
    }
    for (int i = 0; i < graph->output_count; i++)
        if (!made[graph->outputs[i]]) ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "output %d is never made", i);
}

static void stream_graph(ferry_stream *stream, const ferry_plan *plan, ferry_plan_graph *graph) {
    ferry_stream_text(stream, &graph->name);
    ferry_stream_array(stream, &graph->value_count, (void **)&graph->values, sizeof *graph->values, 28, "values");
    for (int i = 0; i < graph->value_count && stream->status == FERRY_OK; i++) stream_value(stream, plan, &graph->values[i]);
    stream_indices(stream, &graph->input_count, &graph->inputs, 0, graph->value_count, "inputs");
    stream_indices(stream, &graph->output_count, &graph->outputs, 0, graph->value_count, "outputs");
    ferry_stream_array(stream, &graph->node_count, (void **)&graph->nodes, sizeof *graph->nodes, 40, "nodes");
    for (int i = 0; i < graph->node_count && stream->status == FERRY_OK; i++)
        stream_node(stream, plan, graph, &graph->nodes[i]);
    if (!stream->writing && stream->status == FERRY_OK) check_order(stream, graph);
}

void ferry_plan_stream(ferry_stream *stream, ferry_plan *plan) {
    ferry_stream_text(stream, &plan->producer);
    ferry_stream_text(stream, &plan->precision);
    ferry_stream_array(stream, &plan->metadata_count, (void **)&plan->metadata, sizeof *plan->metadata, 8, "metadata entries");
    for (int i = 0; i < plan->metadata_count; i++) {
        ferry_stream_text(stream, &plan->metadata[i].key);
        ferry_stream_text(stream, &plan->metadata[i].value);
    }
    ferry_stream_array(stream, &plan->graph_count, (void **)&plan->graphs, sizeof *plan->graphs, 20, "graphs");
    if (stream->status == FERRY_OK && plan->graph_count == 0)
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "the plan is empty");
    for (int i = 0; i < plan->graph_count && !stream->writing; i++) {
        plan->graphs[i] = ferry_arena_allocate(stream->arena, 1, sizeof **plan->graphs);
        if (!plan->graphs[i]) {
            ferry_stream_fail(stream, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
            return;
        }
        plan->graphs[i]->index = i;
    }
    for (int i = 0; i < plan->graph_count && stream->status == FERRY_OK; i++) stream_graph(stream, plan, plan->graphs[i]);
    if (!stream->writing && stream->status == FERRY_OK && stream->offset != stream->bytes)
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "%zu bytes follow the plan's end", stream->bytes - stream->offset);
}
