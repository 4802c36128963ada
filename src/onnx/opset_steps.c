/* SPDX-License-Identifier: Apache-2.0 */
/* The longer steps: those that add nodes or look at shapes. */
#include <string.h>

#include "onnx/opset.h"

/* Add, Mul, Less ... < 7: b's first dimension stands at `axis` of a; ones are put behind b. */
ferry_status ferry_onnx_step_axis_broadcast(ferry_onnx_call *call) {
    const ferry_attribute *axis_attribute = ferry_onnx_attribute_of(call, "axis");
    int64_t axis = axis_attribute ? ferry_onnx_call_integer(call, "axis", 0) : 0;
    bool needed = axis_attribute && ferry_onnx_call_integer(call, "broadcast", 0);
    ferry_onnx_drop(call, "broadcast");
    ferry_onnx_drop(call, "axis");
    if (!needed) return FERRY_OK;
    int rank_a = ferry_onnx_rank(call, 0), rank_b = ferry_onnx_rank(call, 1);
    if (rank_a < 0 || rank_b < 0)
        return ferry_onnx_step_unsupported(call, "broadcasting along an axis needs inputs of known rank");
    if (axis < 0) axis += rank_a;
    int64_t behind = rank_a - axis - rank_b, axes[FERRY_MAX_RANK];
    if (axis < 0 || axis > rank_a || behind < 0)
        return ferry_fail(call->error, FERRY_ERROR_SHAPE,
                          "node '%.128s' (%s): a rank-%d input cannot be broadcast at axis %lld of a rank-%d one", call->name,
                          call->op, rank_b, (long long)axis, rank_a);
    if (behind == 0) return FERRY_OK;
    for (int64_t i = 0; i < behind; i++) axes[i] = rank_b + i;
    ferry_graph_value *b;
    FERRY_TRY(ferry_onnx_emit_unsqueeze(call, call->inputs.items[1], axes, behind, &b));
    return ferry_onnx_set_input(call, 1, b);
}

/* A slope of C elements belongs to axis 1 of the input. */
ferry_status ferry_onnx_step_prelu_7(ferry_onnx_call *call) {
    int rank = ferry_onnx_rank(call, 0);
    int64_t axes[FERRY_MAX_RANK] = {0};
    const ferry_graph_value *slope = ferry_onnx_call_input(call, 1);
    if (ferry_onnx_rank(call, 1) != 1 || slope->type.shape.dims[0] == 1) return FERRY_OK;
    if (rank < 0) return ferry_onnx_step_unsupported(call, "a slope for each channel needs an input of known rank");
    if (rank <= 2) return FERRY_OK;
    for (int i = 0; i < rank - 2; i++) axes[i] = 1 + i;
    ferry_graph_value *shaped;
    FERRY_TRY(ferry_onnx_emit_unsqueeze(call, call->inputs.items[1], axes, rank - 2, &shaped));
    return ferry_onnx_set_input(call, 1, shaped);
}

/* ---- BatchNormalization ---- */

ferry_status ferry_onnx_step_batch_normalization_7(ferry_onnx_call *call) {
    ferry_onnx_drop(call, "is_test");
    return FERRY_OK;
}

/* spatial = 0: statistics for every element of a sample. Y = (X - mean) / sqrt(var + epsilon) * scale + B, spelled out. */
ferry_status ferry_onnx_step_batch_normalization_9(ferry_onnx_call *call) {
    bool spatial = ferry_onnx_call_integer(call, "spatial", 1) != 0;
    float epsilon = ferry_onnx_call_real(call, "epsilon", 1e-5f);
    ferry_onnx_drop(call, "spatial");
    if (spatial || ferry_onnx_rank(call, 1) == 1) return FERRY_OK;
    if (call->inputs.count != 5) return ferry_onnx_step_unsupported(call, "5 inputs are expected");
    ferry_graph_value **in = call->inputs.items, *small, *sum, *root, *centered, *scaled, *product;
    for (size_t i = 0; i < 5; i++)
        if (!in[i]) return ferry_onnx_step_unsupported(call, "an input is absent");
    FERRY_TRY(ferry_onnx_reals(call, "epsilon", in[4]->type.dtype ? in[4]->type.dtype : FERRY_FLOAT32, &epsilon, -1, &small));
    FERRY_TRY(ferry_onnx_emit_binary(call, "Add", in[4], small, &sum));
    FERRY_TRY(ferry_onnx_emit_unary(call, "Sqrt", sum, &root));
    FERRY_TRY(ferry_onnx_emit_binary(call, "Sub", in[0], in[3], &centered));
    FERRY_TRY(ferry_onnx_emit_binary(call, "Div", centered, root, &scaled));
    FERRY_TRY(ferry_onnx_emit_binary(call, "Mul", scaled, in[1], &product));
    ferry_graph_value *bias = in[2];
    call->op = "Add";
    call->attributes.count = 0;
    call->inputs.count = 0;
    FERRY_TRY(ferry_onnx_set_input(call, 0, product));
    return ferry_onnx_set_input(call, 1, bias);
}

/* More than one output meant training. The saved statistics (outputs 3 and 4) exist no more. */
ferry_status ferry_onnx_step_batch_normalization_14(ferry_onnx_call *call) {
    bool training = false;
    if (strcmp(call->op, "BatchNormalization") != 0) return FERRY_OK;
    for (int i = 1; i < call->output_count; i++) training |= call->wanted[i];
    for (int i = 3; i < call->output_count; i++)
        if (call->wanted[i]) return ferry_onnx_step_unsupported(call, "outputs saved_mean and saved_var are not supported");
    if (call->output_count > 3) call->output_count = 3;
    if (!training) call->output_count = 1;
    return training ? ferry_onnx_set_integer(call, "training_mode", 1) : FERRY_OK;
}

/* ---- GroupNormalization ---- */

/* scale and bias were one a group; now they are one a channel: [G] -> [G,1] -> [G,C/G] -> [C]. */
static ferry_status spread_over_channels(ferry_onnx_call *call, ferry_graph_value *per_group, ferry_graph_value *shape,
                                         ferry_graph_value **per_channel) {
    const int64_t one = 1, all = -1;
    ferry_graph_value *column, *matrix, *flat;
    FERRY_TRY(ferry_onnx_emit_unsqueeze(call, per_group, &one, 1, &column));
    FERRY_TRY(ferry_onnx_emit_binary(call, "Expand", column, shape, &matrix));
    FERRY_TRY(ferry_onnx_integers(call, "flat", &all, 1, &flat));
    return ferry_onnx_emit_binary(call, "Reshape", matrix, flat, per_channel);
}

ferry_status ferry_onnx_step_group_normalization_21(ferry_onnx_call *call) {
    const int64_t groups = ferry_onnx_call_integer(call, "num_groups", 0);
    if (groups <= 0 || !ferry_onnx_call_input(call, 0) || !ferry_onnx_call_input(call, 1) || !ferry_onnx_call_input(call, 2))
        return ferry_onnx_step_unsupported(call, "num_groups and three inputs are expected");
    ferry_attribute bounds[2] = {{.name = "start", .type = FERRY_ATTRIBUTE_INT, .value.integer = 1},
                                 {.name = "end", .type = FERRY_ATTRIBUTE_INT, .value.integer = 2}};
    ferry_attribute axis = {.name = "axis", .type = FERRY_ATTRIBUTE_INT, .value.integer = 0};
    ferry_attributes of_shape = {bounds, 2}, of_concat = {&axis, 1};
    ferry_graph_value *channels, *count, *width, *shape, *spread;
    FERRY_TRY(ferry_onnx_emit(call, "Shape", &of_shape, 1, call->inputs.items, &channels));
    FERRY_TRY(ferry_onnx_integers(call, "groups", &groups, 1, &count));
    FERRY_TRY(ferry_onnx_emit_binary(call, "Div", channels, count, &width));
    ferry_graph_value *parts[2] = {count, width};
    FERRY_TRY(ferry_onnx_emit(call, "Concat", &of_concat, 2, parts, &shape));
    for (size_t i = 1; i <= 2; i++) {
        FERRY_TRY(spread_over_channels(call, call->inputs.items[i], shape, &spread));
        FERRY_TRY(ferry_onnx_set_input(call, i, spread));
    }
    return FERRY_OK;
}

/* ---- Softmax, LogSoftmax, Hardmax ---- */

/* They worked on the input flattened to a matrix at `axis` (default 1). On the last axis that is the same as today. */
ferry_status ferry_onnx_step_softmax_13(ferry_onnx_call *call) {
    int64_t axis = ferry_onnx_call_integer(call, "axis", 1);
    int rank = ferry_onnx_rank(call, 0);
    if (axis == -1 || (rank > 0 && axis == rank - 1)) return ferry_onnx_set_integer(call, "axis", -1);
    FERRY_TRY(ferry_onnx_set_integer(call, "axis", axis));
    return ferry_onnx_set_integer(call, "_flatten", 1);
}

/* ---- Split, Tile ---- */

/* The lengths could come as a second input, of the data's own type. */
ferry_status ferry_onnx_step_split_2(ferry_onnx_call *call) {
    ferry_attribute to = {.name = "to", .type = FERRY_ATTRIBUTE_INT, .value.integer = FERRY_INT64};
    ferry_attributes attributes = {&to, 1};
    ferry_graph_value *lengths = ferry_onnx_call_input(call, 1), *cast;
    if (!ferry_onnx_attribute_of(call, "axis")) FERRY_TRY(ferry_onnx_set_integer(call, "axis", 0));
    if (!lengths || lengths->type.dtype == FERRY_INT64) return FERRY_OK;
    FERRY_TRY(ferry_onnx_emit(call, "Cast", &attributes, 1, &lengths, &cast));
    return ferry_onnx_set_input(call, 1, cast);
}

/* Inputs were: data, tiles (a scalar), axis (a scalar). */
ferry_status ferry_onnx_step_tile_6(ferry_onnx_call *call) {
    ferry_graph_value *tiles = ferry_onnx_call_input(call, 1), *axis_value = ferry_onnx_call_input(call, 2), *constant;
    int rank = ferry_onnx_rank(call, 0);
    int64_t repeats[FERRY_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
    if (!axis_value) return FERRY_OK; /* already repeats for every axis */
    if (rank < 0 || !ferry_value_is_constant(tiles) || !ferry_value_is_constant(axis_value) ||
        ferry_shape_count(&tiles->type.shape) != 1 || ferry_shape_count(&axis_value->type.shape) != 1)
        return ferry_onnx_step_unsupported(call, "tiles and axis must be constant scalars and the input's rank known");
    int64_t axis = ferry_load_int64(axis_value->type.dtype, axis_value->type.data, 0);
    if (axis < -rank || axis >= rank) return ferry_onnx_step_unsupported(call, "its axis is outside the input's rank");
    repeats[axis < 0 ? axis + rank : axis] = ferry_load_int64(tiles->type.dtype, tiles->type.data, 0);
    FERRY_TRY(ferry_onnx_integers(call, "repeats", repeats, rank, &constant));
    call->inputs.count = 2;
    return ferry_onnx_set_input(call, 1, constant);
}

/* ---- Upsample ---- */

ferry_status ferry_onnx_step_upsample_7(ferry_onnx_call *call) {
    float scales[4] = {1, 1, ferry_onnx_call_real(call, "height_scale", 1), ferry_onnx_call_real(call, "width_scale", 1)};
    ferry_graph_value *constant;
    if (ferry_onnx_attribute_of(call, "scales")) return FERRY_OK;
    FERRY_TRY(ferry_onnx_reals(call, "scales", FERRY_FLOAT32, scales, 4, &constant));
    ferry_onnx_drop(call, "height_scale");
    ferry_onnx_drop(call, "width_scale");
    return ferry_onnx_set_input(call, 1, constant);
}

ferry_status ferry_onnx_step_upsample_9(ferry_onnx_call *call) {
    const ferry_attribute *scales = ferry_onnx_attribute_of(call, "scales");
    ferry_graph_value *constant;
    if (!scales || scales->type != FERRY_ATTRIBUTE_FLOATS) return FERRY_OK;
    FERRY_TRY(ferry_onnx_reals(call, "scales", FERRY_FLOAT32, scales->value.reals, scales->count, &constant));
    ferry_onnx_drop(call, "scales");
    return ferry_onnx_set_input(call, 1, constant);
}

/* Before opset 11: X, scales; positions x / scale, and of the nearest pixels the one below. */
static ferry_status resize_by_scales(ferry_onnx_call *call, ferry_graph_value *scales, const char *nearest) {
    FERRY_TRY(ferry_onnx_set_input(call, 1, NULL));
    FERRY_TRY(ferry_onnx_set_input(call, 2, scales));
    FERRY_TRY(ferry_onnx_set_string(call, "coordinate_transformation_mode", "asymmetric"));
    return ferry_onnx_set_string(call, "nearest_mode", nearest);
}

ferry_status ferry_onnx_step_upsample(ferry_onnx_call *call) {
    const ferry_attributes view = {call->attributes.items, (int)call->attributes.count};
    if (ferry_attribute_is(&view, "mode", "bilinear", false)) FERRY_TRY(ferry_onnx_set_string(call, "mode", "linear"));
    call->op = "Resize";
    return resize_by_scales(call, ferry_onnx_call_input(call, 1), "floor");
}

/* The part of constant scales that enlarges (or, else, shrinks), with ones in the other places. */
static ferry_status part_of_scales(ferry_onnx_call *call, const ferry_graph_value *scales, bool enlarging,
                                   ferry_graph_value **part) {
    float values[FERRY_MAX_RANK];
    int64_t count = ferry_shape_count(&scales->type.shape);
    for (int64_t i = 0; i < count; i++) {
        float scale = (float)ferry_load_double(scales->type.dtype, scales->type.data, i);
        values[i] = (scale > 1) == enlarging ? scale : 1;
    }
    return ferry_onnx_reals(call, enlarging ? "up" : "down", FERRY_FLOAT32, values, count, part);
}

/* Resize-10 took, for nearest pixels, the one below when it enlarged and the one above when it shrank (as its tests and ONNX
 * Runtime have it). An operator that does both along different axes becomes two. */
ferry_status ferry_onnx_step_resize_11(ferry_onnx_call *call) {
    const ferry_attributes view = {call->attributes.items, (int)call->attributes.count};
    ferry_graph_value *scales = ferry_onnx_call_input(call, 1), *up, *larger;
    bool enlarges = false, shrinks = false;
    int64_t count = ferry_value_is_constant(scales) ? ferry_shape_count(&scales->type.shape) : 0;
    bool nearest = ferry_attribute_is(&view, "mode", "nearest", true) && count > 0 && count <= FERRY_MAX_RANK;
    for (int64_t i = 0; nearest && i < count; i++) {
        double scale = ferry_load_double(scales->type.dtype, scales->type.data, i);
        enlarges |= scale > 1;
        shrinks |= scale < 1;
    }
    if (!(enlarges && shrinks)) return resize_by_scales(call, scales, shrinks ? "ceil" : "floor");
    FERRY_TRY(part_of_scales(call, scales, true, &up));
    FERRY_TRY(resize_by_scales(call, up, "floor"));
    const ferry_attributes first = {call->attributes.items, (int)call->attributes.count};
    FERRY_TRY(ferry_onnx_emit(call, "Resize", &first, (int)call->inputs.count, call->inputs.items, &larger));
    FERRY_TRY(ferry_onnx_set_input(call, 0, larger));
    FERRY_TRY(part_of_scales(call, scales, false, &scales));
    return resize_by_scales(call, scales, "ceil");
}

/* ---- Scan ---- */

static ferry_status scan_body(ferry_onnx_call *call, const ferry_attributes *attributes, int input_count, ferry_graph **body) {
    ferry_graph_value *inputs[64], *outputs[64];
    FERRY_TRY(ferry_graph_create_body(call->graph, "batch", body, call->error));
    for (int i = 0; i < input_count; i++) {
        ferry_value_type type = {.dtype =
                                     call->inputs.items[i + 1] ? call->inputs.items[i + 1]->type.dtype : FERRY_DTYPE_UNDEFINED};
        FERRY_TRY(ferry_graph_add_input(*body, NULL, &type, &inputs[i], call->error));
    }
    for (int i = 0; i < call->output_count; i++) FERRY_TRY(ferry_graph_add_value(*body, NULL, NULL, &outputs[i], call->error));
    FERRY_TRY(ferry_graph_add_node(*body, "scan", ferry_op_find("", "Scan"), attributes, input_count, inputs,
                                   call->output_count, outputs, NULL, NULL, call->error));
    for (int i = 0; i < call->output_count; i++) FERRY_TRY(ferry_graph_mark_output(*body, outputs[i], call->error));
    return FERRY_OK;
}

/* Scan-8 ran the loop for each sample of a batch (axis 0): a Scan over samples whose body is the Scan over the sequence. */
ferry_status ferry_onnx_step_scan_9(ferry_onnx_call *call) {
    int input_count = (int)call->inputs.count - 1;
    ferry_graph *body;
    if (ferry_onnx_call_input(call, 0)) return ferry_onnx_step_unsupported(call, "sequence_lens is not supported");
    if (input_count < 1 || input_count > 64 || call->output_count > 64 || !ferry_op_find("", "Scan"))
        return ferry_onnx_step_unsupported(call, "it has no inputs, or more than 64");
    for (size_t i = 0; i < call->attributes.count; i++)
        if (strcmp(call->attributes.items[i].name, "directions") == 0) call->attributes.items[i].name = "scan_input_directions";
    ferry_attributes inner = {call->attributes.items, (int)call->attributes.count};
    FERRY_TRY(scan_body(call, &inner, input_count, &body));
    memmove(call->inputs.items, call->inputs.items + 1, (size_t)input_count * sizeof *call->inputs.items);
    call->inputs.count = (size_t)input_count;
    call->attributes.count = 0;
    FERRY_TRY(ferry_onnx_set_integer(call, "num_scan_inputs", input_count));
    ferry_attribute outer = {.name = "body", .type = FERRY_ATTRIBUTE_GRAPH, .value.graph = body};
    return ferry_vector_push(&call->attributes, outer) ? FERRY_OK : ferry_fail_memory(call->error, sizeof outer);
}
