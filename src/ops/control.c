/* SPDX-License-Identifier: Apache-2.0 */
/* If, Loop, Scan and SequenceMap. Bodies are closed graphs: what they capture comes as extra inputs at the end of the node's
 * and the body's inputs; `_captures` says how many there are (of If all but the condition). */
#include <string.h>

#include "ops/container.h"

/* ---- helpers ---- */

static void *body_of(const ferry_attributes *attributes, const char *name) {
    const ferry_attribute *attribute = ferry_attribute_find(attributes, name);
    return attribute && attribute->type == FERRY_ATTRIBUTE_GRAPH ? attribute->value.graph : NULL;
}

static ferry_status captured_inputs(const ferry_attributes *attributes, int input_count, int own, ferry_error *error,
                                    int *captures) {
    int64_t count = ferry_attribute_integer(attributes, "_captures", 0);
    *captures = (int)count;
    if (count >= 0 && count <= input_count - own) return FERRY_OK;
    return ferry_fail(error, FERRY_ERROR_SHAPE, "%lld captured inputs of %d", (long long)count, input_count);
}

static ferry_status run_body(ferry_evaluation *evaluation, const char *name, int input_count, const ferry_value *const *inputs,
                             int output_count, const ferry_value **outputs) {
    void *graph = body_of(evaluation->attributes, name);
    if (!graph || !evaluation->run_graph)
        return ferry_fail(evaluation->error, FERRY_ERROR_UNSUPPORTED, "%s: bodies cannot run here", evaluation->op->name);
    return evaluation->run_graph(evaluation, graph, input_count, inputs, output_count, outputs);
}

static bool truth(const ferry_value *value) {
    return value && value->kind == FERRY_VALUE_TENSOR && ferry_scalar_integer(&value->tensor, 0) != 0;
}

/* What is common to two types of one value: a dimension that differs is unknown. */
static void join_types(ferry_inference *inference, ferry_value_type *to, const ferry_value_type *other) {
    if (to->dtype == FERRY_DTYPE_UNDEFINED) to->dtype = other->dtype;
    to->data = NULL;
    to->values = NULL;
    if (!to->ranked || !other->ranked || to->shape.rank != other->shape.rank) {
        to->ranked = false;
        return;
    }
    for (int d = 0; d < to->shape.rank; d++)
        if (!ferry_dim_equal(to->shape.dims[d], other->shape.dims[d])) to->shape.dims[d] = ferry_rule_fresh(inference);
}

/* ---- If ---- */

ferry_status ferry_infer_if(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_BOOL));
    if (!inference->infer_graph) return FERRY_OK; /* the outputs tell when they are made */
    int outputs = inference->output_count, captures = inference->input_count - 1;
    ferry_value_type *other = ferry_arena_allocate(inference->arena, (size_t)outputs, sizeof *other);
    if (!other) return ferry_fail_memory(inference->error, (size_t)outputs * sizeof *other);
    FERRY_TRY(inference->infer_graph(inference, body_of(inference->attributes, "then_branch"), captures, inference->inputs + 1,
                                     outputs, inference->outputs));
    FERRY_TRY(inference->infer_graph(inference, body_of(inference->attributes, "else_branch"), captures, inference->inputs + 1,
                                     outputs, other));
    for (int i = 0; i < outputs; i++) {
        ferry_value_type *type = &inference->outputs[i];
        if (type->kind != other[i].kind || (type->dtype && other[i].dtype && type->dtype != other[i].dtype))
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "If: output %d is %s in one branch and %s in the other", i,
                              ferry_dtype_name(type->dtype), ferry_dtype_name(other[i].dtype));
        join_types(inference, type, &other[i]);
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_if(ferry_evaluation *evaluation) {
    int count = evaluation->output_count;
    const ferry_value **results;
    FERRY_SCRATCH(results, evaluation, count);
    const char *branch = truth(evaluation->inputs[0]) ? "then_branch" : "else_branch";
    FERRY_TRY(run_body(evaluation, branch, evaluation->input_count - 1, evaluation->inputs + 1, count, results));
    for (int i = 0; i < count; i++) FERRY_TRY(ferry_output_copy(evaluation, i, results[i]));
    return FERRY_OK;
}

/* ---- values that travel from one iteration to the next ---- */

/* Two memories take turns: a body's outputs may lie in the very memory that its inputs lie in. */
typedef struct carried {
    ferry_value value;
    void *memory[2];
    size_t capacity[2];
    int turn;
} carried;

static ferry_status carry(ferry_evaluation *evaluation, carried *slot, const ferry_value *from) {
    if (from->kind != FERRY_VALUE_TENSOR || from->tensor.dtype == FERRY_STRING)
        return ferry_value_copy(evaluation, from, &slot->value);
    size_t bytes;
    if (!ferry_tensor_bytes(from->tensor.dtype, FERRY_LAYOUT_PLAIN, &from->tensor.shape, &bytes))
        return ferry_fail_memory(evaluation->error, SIZE_MAX);
    int turn = slot->turn = !slot->turn;
    if (slot->capacity[turn] < bytes || !slot->memory[turn]) {
        FERRY_TRY(evaluation->allocate(evaluation, bytes + bytes / 2 + 1, &slot->memory[turn])); /* room to grow: aligned */
        slot->capacity[turn] = bytes + bytes / 2;
    }
    if (bytes) memcpy(slot->memory[turn], from->tensor.data, bytes);
    slot->value = *from;
    slot->value.tensor.data = slot->memory[turn];
    return FERRY_OK;
}

/* A scan output under way: the elements of all iterations, one behind the other. */
typedef struct collected {
    ferry_dtype dtype;
    ferry_shape shape; /* of one iteration's element */
    size_t element_bytes, capacity;
    int64_t count;
    unsigned char *memory;
} collected;

static ferry_status collect(ferry_evaluation *evaluation, collected *to, const ferry_value *value) {
    size_t bytes, used;
    if (value->kind != FERRY_VALUE_TENSOR || value->tensor.shape.rank >= FERRY_MAX_RANK ||
        ferry_dtype_bits(value->tensor.dtype) < 8 ||
        !ferry_tensor_bytes(value->tensor.dtype, FERRY_LAYOUT_PLAIN, &value->tensor.shape, &bytes))
        return ferry_fail(evaluation->error, FERRY_ERROR_UNSUPPORTED,
                          "%s: only tensors of whole bytes and rank up to 7 can be scan outputs", evaluation->op->name);
    if (to->count == 0) {
        to->dtype = value->tensor.dtype;
        to->shape = value->tensor.shape;
        to->element_bytes = bytes;
    } else if (to->dtype != value->tensor.dtype || !ferry_shape_equal(&to->shape, &value->tensor.shape)) {
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "%s: a scan output changes its shape in iteration %lld",
                          evaluation->op->name, (long long)to->count);
    }
    used = (size_t)to->count * bytes;
    if (used + bytes > to->capacity) {
        to->capacity = 2 * (used + bytes);
        unsigned char *grown;
        FERRY_NEED(grown, ferry_evaluation_scratch(evaluation, to->capacity, 1));
        if (used) memcpy(grown, to->memory, used);
        to->memory = grown;
    }
    if (bytes) memcpy(to->memory + used, value->tensor.data, bytes);
    to->count++;
    ferry_tensor latest = {.dtype = to->dtype, .shape = to->shape, .data = to->memory + used};
    return ferry_evaluation_own_strings(evaluation, &latest);
}

/* Writes all elements to an output, stacked along a new axis; `reverse`: the last iteration's first. */
static ferry_status stack(ferry_evaluation *evaluation, int index, const collected *from, int64_t axis, bool reverse) {
    ferry_tensor *present = ferry_output(evaluation, index);
    if (!present) return FERRY_OK;
    ferry_dtype dtype = from->count ? from->dtype : present->dtype ? present->dtype : FERRY_FLOAT32;
    ferry_shape shape = {.rank = 1, .dims = {0}};
    if (from->count) shape.rank = from->shape.rank + 1;
    if (axis < -shape.rank || axis >= shape.rank)
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "%s: axis %lld is outside a rank-%d scan output",
                          evaluation->op->name, (long long)axis, (int)shape.rank);
    if (axis < 0) axis += shape.rank;
    for (int d = 0; d < shape.rank; d++) shape.dims[d] = d == axis ? from->count : from->shape.dims[d - (d > axis)];
    if (from->count == 0 && present->shape.rank > 0 && present->shape.dims[0] == 0) shape = present->shape;
    FERRY_TRY(ferry_evaluation_allocate(evaluation, index, dtype, &shape));
    size_t inner = (size_t)ferry_shape_product(&from->shape, (int)axis, from->shape.rank) * ferry_dtype_bytes(dtype);
    int64_t outer = from->count ? ferry_shape_product(&from->shape, 0, (int)axis) : 0;
    for (int64_t i = 0; i < from->count; i++)
        for (int64_t o = 0; o < outer && inner; o++)
            memcpy((char *)present->data + (size_t)(o * from->count + (reverse ? from->count - 1 - i : i)) * inner,
                   from->memory + (size_t)i * from->element_bytes + (size_t)o * inner, inner);
    return ferry_evaluation_own_strings(evaluation, present);
}

/* ---- Loop ---- */

/* M, cond, carried..., captures... -> carried..., scan outputs...; body: number, cond, carried..., captures... -> cond,
 * carried..., scan outputs... */
ferry_status ferry_infer_loop(ferry_inference *inference) {
    int captures, inputs = inference->input_count;
    FERRY_TRY(captured_inputs(inference->attributes, inputs, 2, inference->error, &captures));
    int carry_count = inputs - 2 - captures;
    if (carry_count > inference->output_count && inference->infer_graph)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Loop: %d carried values but %d outputs", carry_count,
                          inference->output_count);
    if (!inference->infer_graph) return FERRY_OK;
    ferry_value_type number = {.dtype = FERRY_INT64, .ranked = true}, condition = {.dtype = FERRY_BOOL, .ranked = true}, *types,
                     *results;
    const ferry_value_type **pointers = ferry_arena_allocate(inference->arena, (size_t)inputs, sizeof *pointers);
    types = ferry_arena_allocate(inference->arena, (size_t)inputs, sizeof *types);
    results = ferry_arena_allocate(inference->arena, (size_t)inference->output_count + 1, sizeof *results);
    if (!pointers || !types || !results) return ferry_fail_memory(inference->error, 0);
    pointers[0] = &number;
    pointers[1] = &condition;
    for (int i = 2; i < inputs; i++) {
        pointers[i] = inference->inputs[i];
        if (i >= 2 + carry_count || !inference->inputs[i]) continue;
        types[i] = *inference->inputs[i]; /* its shape may change from one iteration to the next */
        types[i].ranked = false;
        types[i].data = NULL;
        types[i].values = NULL;
        pointers[i] = &types[i];
    }
    FERRY_TRY(inference->infer_graph(inference, body_of(inference->attributes, "body"), inputs, pointers,
                                     inference->output_count + 1, results));
    for (int i = 0; i < inference->output_count; i++) {
        ferry_value_type *type = &results[i + 1];
        const ferry_value_type *initial = i < carry_count ? inference->inputs[2 + i] : NULL;
        if (initial && initial->kind == type->kind) join_types(inference, type, initial);
        if (i >= carry_count && type->ranked && type->shape.rank < FERRY_MAX_RANK) {
            memmove(type->shape.dims + 1, type->shape.dims, (size_t)type->shape.rank * sizeof *type->shape.dims);
            type->shape.rank++;
            type->shape.dims[0] = ferry_rule_fresh(inference);
        } else if (i >= carry_count) {
            type->ranked = false;
        }
        ferry_rule_output_type(inference, i, type);
    }
    return FERRY_OK;
}

typedef struct loop_run {
    int inputs, carry_count, scans;
    carried *slots;
    collected *scan;
    const ferry_value **given, **results; /* of the body */
} loop_run;

static ferry_status start_loop(ferry_evaluation *evaluation, loop_run *run) {
    int captures;
    FERRY_TRY(captured_inputs(evaluation->attributes, evaluation->input_count, 2, evaluation->error, &captures));
    run->inputs = evaluation->input_count;
    run->carry_count = run->inputs - 2 - captures;
    run->scans = evaluation->output_count - run->carry_count;
    if (run->scans < 0)
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "Loop: %d carried values but %d outputs", run->carry_count,
                          evaluation->output_count);
    FERRY_SCRATCH(run->slots, evaluation, run->carry_count);
    FERRY_SCRATCH(run->scan, evaluation, run->scans);
    FERRY_SCRATCH(run->given, evaluation, run->inputs);
    FERRY_SCRATCH(run->results, evaluation, evaluation->output_count + 1);
    for (int i = 0; i < run->carry_count; i++) {
        if (!evaluation->inputs[2 + i])
            return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "Loop: carried value %d is missing", i);
        run->slots[i].value = *evaluation->inputs[2 + i];
    }
    return FERRY_OK;
}

static ferry_status iterate(ferry_evaluation *evaluation, loop_run *run, int64_t number, bool *condition) {
    uint8_t going = *condition;
    ferry_value number_value = {.tensor = {.dtype = FERRY_INT64, .data = &number}};
    ferry_value condition_value = {.tensor = {.dtype = FERRY_BOOL, .data = &going}};
    run->given[0] = &number_value;
    run->given[1] = &condition_value;
    for (int i = 2; i < run->inputs; i++)
        run->given[i] = i < 2 + run->carry_count ? &run->slots[i - 2].value : evaluation->inputs[i];
    FERRY_TRY(run_body(evaluation, "body", run->inputs, run->given, 1 + run->carry_count + run->scans, run->results));
    *condition = truth(run->results[0]);
    for (int i = 0; i < run->scans; i++) FERRY_TRY(collect(evaluation, &run->scan[i], run->results[1 + run->carry_count + i]));
    for (int i = 0; i < run->carry_count; i++) FERRY_TRY(carry(evaluation, &run->slots[i], run->results[1 + i]));
    return FERRY_OK;
}

ferry_status ferry_evaluate_loop(ferry_evaluation *evaluation) {
    loop_run run = {0};
    FERRY_TRY(start_loop(evaluation, &run));
    int64_t trips = evaluation->inputs[0] ? ferry_scalar_integer(&evaluation->inputs[0]->tensor, 0) : INT64_MAX;
    bool condition = evaluation->inputs[1] ? truth(evaluation->inputs[1]) : true;
    for (int64_t i = 0; i < trips && condition; i++) {
        bool next = true;
        FERRY_TRY(iterate(evaluation, &run, i, &next));
        condition = next;
    }
    for (int i = 0; i < run.carry_count; i++) FERRY_TRY(ferry_output_copy(evaluation, i, &run.slots[i].value));
    for (int i = 0; i < run.scans; i++) FERRY_TRY(stack(evaluation, run.carry_count + i, &run.scan[i], 0, false));
    return FERRY_OK;
}

/* ---- Scan ---- */

typedef struct scan_counts {
    int states, inputs, outputs, captures; /* inputs, outputs: those that are scanned */
} scan_counts;

static ferry_status count_scan(const ferry_attributes *attributes, int input_count, int output_count, ferry_error *error,
                               scan_counts *counts) {
    int64_t scanned = ferry_attribute_integer(attributes, "num_scan_inputs", 1);
    FERRY_TRY(captured_inputs(attributes, input_count, 1, error, &counts->captures));
    if (scanned < 1 || scanned > input_count - counts->captures || input_count - counts->captures - scanned > output_count)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "Scan: %lld scan inputs of %d inputs and %d outputs", (long long)scanned,
                          input_count - counts->captures, output_count);
    counts->inputs = (int)scanned;
    counts->states = input_count - counts->captures - (int)scanned;
    counts->outputs = output_count - counts->states;
    return FERRY_OK;
}

static int64_t list_value(const ferry_attributes *attributes, const char *name, int index) {
    int64_t count;
    const int64_t *list = ferry_attribute_integers(attributes, name, &count);
    return index < count ? list[index] : 0;
}

ferry_status ferry_infer_scan(ferry_inference *inference) {
    scan_counts counts;
    FERRY_TRY(count_scan(inference->attributes, inference->input_count, inference->output_count, inference->error, &counts));
    ferry_value_type *types = ferry_arena_allocate(inference->arena, (size_t)inference->input_count, sizeof *types);
    const ferry_value_type **pointers =
        ferry_arena_allocate(inference->arena, (size_t)inference->input_count, sizeof *pointers);
    if (!types || !pointers) return ferry_fail_memory(inference->error, 0);
    int64_t length = FERRY_DIM_UNKNOWN;
    for (int i = 0; i < inference->input_count; i++) {
        pointers[i] = inference->inputs[i];
        bool scanned = i >= counts.states && i < counts.states + counts.inputs;
        if (!scanned || !inference->inputs[i]) continue;
        types[i] = (ferry_value_type){
            .dtype = inference->inputs[i]->dtype, .ranked = inference->inputs[i]->ranked, .shape = inference->inputs[i]->shape};
        pointers[i] = &types[i];
        if (!types[i].ranked) continue;
        int axis;
        FERRY_TRY(ferry_rule_axis(inference, list_value(inference->attributes, "scan_input_axes", i - counts.states),
                                  types[i].shape.rank, &axis));
        FERRY_TRY(
            ferry_rule_same_dim(inference, length, types[i].shape.dims[axis], "the lengths of the scanned axes", &length));
        types[i].shape.rank--;
        for (int d = axis; d < types[i].shape.rank; d++) types[i].shape.dims[d] = types[i].shape.dims[d + 1];
    }
    if (!inference->infer_graph) return FERRY_OK;
    FERRY_TRY(inference->infer_graph(inference, body_of(inference->attributes, "body"), inference->input_count, pointers,
                                     inference->output_count, inference->outputs));
    for (int i = counts.states; i < inference->output_count; i++) {
        ferry_value_type *type = &inference->outputs[i];
        int64_t axis = list_value(inference->attributes, "scan_output_axes", i - counts.states);
        if (type->ranked && axis < 0) axis += type->shape.rank + 1;
        if (!type->ranked || type->shape.rank >= FERRY_MAX_RANK || axis < 0 || axis > type->shape.rank) {
            type->ranked = false;
            continue;
        }
        for (int d = type->shape.rank; d > axis; d--) type->shape.dims[d] = type->shape.dims[d - 1];
        type->shape.dims[axis] = length == FERRY_DIM_UNKNOWN ? ferry_rule_fresh(inference) : length;
        type->shape.rank++;
    }
    return FERRY_OK;
}

/* One scanned input: where it stands, and memory for its current element. */
typedef struct scanned {
    const ferry_tensor *source;
    int64_t axis, length;
    bool backward;
    ferry_value element;
} scanned;

static ferry_status open_scanned(ferry_evaluation *evaluation, int input, int which, scanned *scan) {
    scan->source = ferry_input(evaluation, input);
    if (!scan->source || evaluation->inputs[input]->kind != FERRY_VALUE_TENSOR || ferry_dtype_bits(scan->source->dtype) < 8)
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "Scan: input %d must be a tensor of whole bytes", input);
    ferry_inference view = {.op = evaluation->op, .error = evaluation->error};
    int axis;
    FERRY_TRY(
        ferry_rule_axis(&view, list_value(evaluation->attributes, "scan_input_axes", which), scan->source->shape.rank, &axis));
    scan->axis = axis;
    scan->length = scan->source->shape.dims[axis];
    scan->backward = list_value(evaluation->attributes, "scan_input_directions", which) != 0;
    ferry_shape shape = scan->source->shape;
    shape.rank--;
    for (int d = axis; d < shape.rank; d++) shape.dims[d] = shape.dims[d + 1];
    return ferry_value_make_tensor(evaluation, scan->source->dtype, &shape, &scan->element);
}

static void take_element(scanned *scan, int64_t iteration) {
    const ferry_tensor *source = scan->source;
    int64_t at = scan->backward ? scan->length - 1 - iteration : iteration,
            outer = ferry_shape_product(&source->shape, 0, (int)scan->axis);
    size_t inner =
        (size_t)ferry_shape_product(&source->shape, (int)scan->axis + 1, source->shape.rank) * ferry_dtype_bytes(source->dtype);
    for (int64_t o = 0; o < outer && inner; o++)
        memcpy((char *)scan->element.tensor.data + (size_t)o * inner,
               (const char *)source->data + (size_t)(o * scan->length + at) * inner, inner);
}

ferry_status ferry_evaluate_scan(ferry_evaluation *evaluation) {
    scan_counts counts;
    FERRY_TRY(
        count_scan(evaluation->attributes, evaluation->input_count, evaluation->output_count, evaluation->error, &counts));
    carried *states;
    scanned *inputs;
    collected *outputs;
    const ferry_value **given, **results;
    FERRY_SCRATCH(states, evaluation, counts.states);
    FERRY_SCRATCH(inputs, evaluation, counts.inputs);
    FERRY_SCRATCH(outputs, evaluation, counts.outputs);
    FERRY_SCRATCH(given, evaluation, evaluation->input_count);
    FERRY_SCRATCH(results, evaluation, evaluation->output_count);
    for (int i = 0; i < counts.inputs; i++) {
        FERRY_TRY(open_scanned(evaluation, counts.states + i, i, &inputs[i]));
        if (inputs[i].length != inputs[0].length)
            return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "Scan: inputs of %lld and %lld elements",
                              (long long)inputs[0].length, (long long)inputs[i].length);
    }
    for (int i = 0; i < evaluation->input_count; i++) given[i] = evaluation->inputs[i];
    for (int i = 0; i < counts.inputs; i++) given[counts.states + i] = &inputs[i].element;
    for (int64_t t = 0; t < inputs[0].length; t++) {
        for (int i = 0; i < counts.inputs; i++) take_element(&inputs[i], t);
        FERRY_TRY(run_body(evaluation, "body", evaluation->input_count, given, evaluation->output_count, results));
        for (int i = 0; i < counts.outputs; i++) FERRY_TRY(collect(evaluation, &outputs[i], results[counts.states + i]));
        for (int i = 0; i < counts.states; i++) {
            FERRY_TRY(carry(evaluation, &states[i], results[i]));
            given[i] = &states[i].value;
        }
    }
    for (int i = 0; i < counts.states; i++) FERRY_TRY(ferry_output_copy(evaluation, i, given[i]));
    for (int i = 0; i < counts.outputs; i++)
        FERRY_TRY(stack(evaluation, counts.states + i, &outputs[i], list_value(evaluation->attributes, "scan_output_axes", i),
                        list_value(evaluation->attributes, "scan_output_directions", i) != 0));
    return FERRY_OK;
}

/* ---- SequenceMap ---- */

ferry_status ferry_infer_sequence_map(ferry_inference *inference) {
    int captures;
    FERRY_TRY(captured_inputs(inference->attributes, inference->input_count, 1, inference->error, &captures));
    for (int i = 0; i < inference->output_count; i++) ferry_rule_sequence(inference, i, FERRY_DTYPE_UNDEFINED);
    if (!inference->infer_graph) return FERRY_OK;
    ferry_value_type *types = ferry_arena_allocate(inference->arena, (size_t)inference->input_count, sizeof *types);
    const ferry_value_type **pointers =
        ferry_arena_allocate(inference->arena, (size_t)inference->input_count, sizeof *pointers);
    ferry_value_type *results = ferry_arena_allocate(inference->arena, (size_t)inference->output_count, sizeof *results);
    if (!types || !pointers || !results) return ferry_fail_memory(inference->error, 0);
    for (int i = 0; i < inference->input_count; i++) {
        pointers[i] = inference->inputs[i];
        if (!inference->inputs[i] || inference->inputs[i]->kind != FERRY_VALUE_SEQUENCE ||
            i >= inference->input_count - captures)
            continue;
        types[i].dtype = inference->inputs[i]->dtype;
        pointers[i] = &types[i];
    }
    FERRY_TRY(inference->infer_graph(inference, body_of(inference->attributes, "body"), inference->input_count, pointers,
                                     inference->output_count, results));
    for (int i = 0; i < inference->output_count; i++) ferry_rule_sequence(inference, i, results[i].dtype);
    return FERRY_OK;
}

ferry_status ferry_evaluate_sequence_map(ferry_evaluation *evaluation) {
    int captures, inputs = evaluation->input_count;
    FERRY_TRY(captured_inputs(evaluation->attributes, inputs, 1, evaluation->error, &captures));
    const ferry_value *first = evaluation->inputs[0], **given, **results;
    ferry_value **items;
    if (!first || first->kind != FERRY_VALUE_SEQUENCE)
        return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "SequenceMap: input 0 must be a sequence");
    FERRY_SCRATCH(given, evaluation, inputs);
    FERRY_SCRATCH(results, evaluation, evaluation->output_count);
    FERRY_SCRATCH(items, evaluation, evaluation->output_count);
    for (int o = 0; o < evaluation->output_count; o++) FERRY_TRY(ferry_output_sequence(evaluation, o, first->count, &items[o]));
    for (int64_t at = 0; at < first->count; at++) {
        for (int i = 0; i < inputs; i++) {
            given[i] = evaluation->inputs[i];
            if (!given[i] || given[i]->kind != FERRY_VALUE_SEQUENCE || i >= inputs - captures) continue;
            if (given[i]->count != first->count)
                return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "SequenceMap: sequences of %lld and %lld items",
                                  (long long)first->count, (long long)given[i]->count);
            given[i] = &given[i]->items[at];
        }
        FERRY_TRY(run_body(evaluation, "body", inputs, given, evaluation->output_count, results));
        for (int o = 0; o < evaluation->output_count; o++)
            if (items[o]) FERRY_TRY(ferry_value_copy(evaluation, results[o], &items[o][at]));
    }
    return FERRY_OK;
}
