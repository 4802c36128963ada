/* SPDX-License-Identifier: Apache-2.0 */
/* From old opsets to the newest, by a table: operator, the first version that no longer needs the step, the step. Source: the
 * operator changelog of ONNX. Versions that only widened types need no step. */
#include "onnx/opset.h"

#include <string.h>

static ferry_status bounds_to_inputs(ferry_onnx_call *call) { /* Clip < 11 */
    static const char *const names[] = {"min", "max"};
    ferry_graph_value *data = ferry_onnx_call_input(call, 0);
    ferry_dtype dtype = data && data->type.dtype ? data->type.dtype : FERRY_FLOAT32;
    for (size_t i = 0; i < 2; i++) {
        float bound = ferry_onnx_call_real(call, names[i], 0);
        ferry_graph_value *constant;
        if (!ferry_onnx_attribute_of(call, names[i])) continue;
        FERRY_TRY(ferry_onnx_reals(call, names[i], dtype, &bound, -1, &constant));
        FERRY_TRY(ferry_onnx_set_input(call, i + 1, constant));
        ferry_onnx_drop(call, names[i]);
    }
    return FERRY_OK;
}

static ferry_status type_name_to_number(ferry_onnx_call *call) { /* Cast < 6 */
    static const char *const names[] = {"",       "FLOAT", "UINT8",   "INT8",   "UINT16", "INT16",  "INT32",     "INT64",
                                        "STRING", "BOOL",  "FLOAT16", "DOUBLE", "UINT32", "UINT64", "COMPLEX64", "COMPLEX128"};
    const ferry_attribute *to = ferry_onnx_attribute_of(call, "to");
    if (!to || to->type != FERRY_ATTRIBUTE_STRING) return FERRY_OK;
    ferry_string text = to->value.string;
    for (size_t i = 1; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == text.length && memcmp(names[i], text.text, text.length) == 0)
            return ferry_onnx_set_integer(call, "to", (int64_t)i);
    return ferry_onnx_step_unsupported(call, "the type that it casts to is not known");
}

static ferry_status axis_defaults_to_1(ferry_onnx_call *call) { /* Concat < 4 */
    return ferry_onnx_attribute_of(call, "axis") ? FERRY_OK : ferry_onnx_set_integer(call, "axis", 1);
}

static ferry_status dft_axis_to_input(ferry_onnx_call *call) { /* DFT < 20 */
    int64_t axis = ferry_onnx_call_integer(call, "axis", 1);
    ferry_graph_value *constant;
    FERRY_TRY(ferry_onnx_integers(call, "axis", &axis, -1, &constant));
    ferry_onnx_drop(call, "axis");
    return ferry_onnx_set_input(call, 2, constant);
}

static ferry_status dropout_for_inference(ferry_onnx_call *call) { /* Dropout < 12: without training_mode nothing is dropped */
    ferry_onnx_drop(call, "is_test");
    ferry_onnx_drop(call, "ratio");
    return FERRY_OK;
}

static ferry_status drop_broadcast(ferry_onnx_call *call) { /* Gemm < 7: broadcasting is implied now */
    ferry_onnx_drop(call, "broadcast");
    return FERRY_OK;
}

static ferry_status
drop_output_sequence(ferry_onnx_call *call) { /* RNN, GRU, LSTM < 7: outputs that have no name are not made */
    ferry_onnx_drop(call, "output_sequence");
    return FERRY_OK;
}

static ferry_status rename_grid_modes(ferry_onnx_call *call) { /* GridSample < 20 */
    const ferry_attributes view = {call->attributes.items, (int)call->attributes.count};
    if (ferry_attribute_is(&view, "mode", "bicubic", false)) return ferry_onnx_set_string(call, "mode", "cubic");
    if (ferry_attribute_is(&view, "mode", "bilinear", true)) return ferry_onnx_set_string(call, "mode", "linear");
    return FERRY_OK;
}

static ferry_status power_to_integer(ferry_onnx_call *call) { /* LpPool, GlobalLpPool < 2 */
    const ferry_attribute *p = ferry_onnx_attribute_of(call, "p");
    if (!p || p->type != FERRY_ATTRIBUTE_FLOAT) return FERRY_OK;
    if (!(p->value.real >= 1 && p->value.real < 1e6f) || p->value.real != (float)(int64_t)p->value.real)
        return ferry_onnx_step_unsupported(call, "p is not a small whole number");
    return ferry_onnx_set_integer(call, "p", (int64_t)p->value.real);
}

static ferry_status rename_paddings(ferry_onnx_call *call) { /* Pad < 2 */
    for (size_t i = 0; i < call->attributes.count; i++)
        if (strcmp(call->attributes.items[i].name, "paddings") == 0) call->attributes.items[i].name = "pads";
    return FERRY_OK;
}

static ferry_status pads_to_inputs(ferry_onnx_call *call) { /* Pad < 11 */
    const ferry_graph_value *data = ferry_onnx_call_input(call, 0);
    ferry_dtype dtype = data && data->type.dtype ? data->type.dtype : FERRY_FLOAT32;
    float value = ferry_onnx_call_real(call, "value", 0);
    bool has_value = ferry_onnx_attribute_of(call, "value") != NULL;
    ferry_graph_value *constant;
    FERRY_TRY(ferry_onnx_integers_to_input(call, "pads", 1));
    ferry_onnx_drop(call, "value");
    if (!has_value) return FERRY_OK;
    FERRY_TRY(ferry_onnx_reals(call, "value", dtype, &value, -1, &constant));
    return ferry_onnx_set_input(call, 2, constant);
}

static ferry_status axes_to_input(ferry_onnx_call *call) { return ferry_onnx_integers_to_input(call, "axes", 1); }

static ferry_status shape_to_input(ferry_onnx_call *call) { return ferry_onnx_integers_to_input(call, "shape", 1); }

static ferry_status roi_align_as_before_16(ferry_onnx_call *call) {
    return ferry_onnx_set_string(call, "coordinate_transformation_mode", "output_half_pixel");
}

static ferry_status rename_scatter(ferry_onnx_call *call) {
    call->op = "ScatterElements";
    return FERRY_OK;
}

static ferry_status selu_defaults(ferry_onnx_call *call) { /* Selu < 6 */
    if (!ferry_onnx_attribute_of(call, "alpha")) FERRY_TRY(ferry_onnx_set_real(call, "alpha", 1.6732f));
    return ferry_onnx_attribute_of(call, "gamma") ? FERRY_OK : ferry_onnx_set_real(call, "gamma", 1.0507f);
}

static ferry_status slice_to_inputs(ferry_onnx_call *call) { /* Slice < 10 */
    FERRY_TRY(ferry_onnx_integers_to_input(call, "starts", 1));
    FERRY_TRY(ferry_onnx_integers_to_input(call, "ends", 2));
    return ferry_onnx_integers_to_input(call, "axes", 3);
}

static ferry_status split_to_input(ferry_onnx_call *call) { return ferry_onnx_integers_to_input(call, "split", 1); }

static ferry_status count_split_outputs(ferry_onnx_call *call) { /* Split < 18: equal parts, as many as outputs */
    if (ferry_onnx_call_input(call, 1)) return FERRY_OK;
    return ferry_onnx_set_integer(call, "num_outputs", call->output_count);
}

static ferry_status k_to_input(ferry_onnx_call *call) { /* TopK < 10 */
    int64_t k = ferry_onnx_call_integer(call, "k", 0);
    ferry_graph_value *constant;
    FERRY_TRY(ferry_onnx_integers(call, "k", &k, 1, &constant));
    ferry_onnx_drop(call, "k");
    return ferry_onnx_set_input(call, 1, constant);
}

/* Steps of one operator stand in order of version; a step may rename the operator, and then the rows of the new name below it
 * go on. Always: below = INT64_MAX. */
static const struct row {
    const char *op;
    int64_t below;
    ferry_onnx_step step;
} rows[] = {
    {"Add", 7, ferry_onnx_step_axis_broadcast},
    {"And", 7, ferry_onnx_step_axis_broadcast},
    {"BatchNormalization", 7, ferry_onnx_step_batch_normalization_7},
    {"BatchNormalization", 9, ferry_onnx_step_batch_normalization_9},
    {"BatchNormalization", 14, ferry_onnx_step_batch_normalization_14},
    {"Cast", 6, type_name_to_number},
    {"Clip", 11, bounds_to_inputs},
    {"Concat", 4, axis_defaults_to_1},
    {"DFT", 20, dft_axis_to_input},
    {"Div", 7, ferry_onnx_step_axis_broadcast},
    {"Dropout", 12, dropout_for_inference},
    {"Equal", 7, ferry_onnx_step_axis_broadcast},
    {"GRU", 7, drop_output_sequence},
    {"Gemm", 7, drop_broadcast},
    {"GlobalLpPool", 2, power_to_integer},
    {"Greater", 7, ferry_onnx_step_axis_broadcast},
    {"GridSample", 20, rename_grid_modes},
    {"GroupNormalization", 21, ferry_onnx_step_group_normalization_21},
    {"Hardmax", 13, ferry_onnx_step_softmax_13},
    {"LSTM", 7, drop_output_sequence},
    {"Less", 7, ferry_onnx_step_axis_broadcast},
    {"LogSoftmax", 13, ferry_onnx_step_softmax_13},
    {"LpPool", 2, power_to_integer},
    {"Mul", 7, ferry_onnx_step_axis_broadcast},
    {"Or", 7, ferry_onnx_step_axis_broadcast},
    {"PRelu", 7, ferry_onnx_step_prelu_7},
    {"Pad", 2, rename_paddings},
    {"Pad", 11, pads_to_inputs},
    {"Pow", 7, ferry_onnx_step_axis_broadcast},
    {"RNN", 7, drop_output_sequence},
    {"ReduceL1", 18, axes_to_input},
    {"ReduceL2", 18, axes_to_input},
    {"ReduceLogSum", 18, axes_to_input},
    {"ReduceLogSumExp", 18, axes_to_input},
    {"ReduceMax", 18, axes_to_input},
    {"ReduceMean", 18, axes_to_input},
    {"ReduceMin", 18, axes_to_input},
    {"ReduceProd", 18, axes_to_input},
    {"ReduceSum", 13, axes_to_input},
    {"ReduceSumSquare", 18, axes_to_input},
    {"Reshape", 5, shape_to_input},
    {"Resize", 11, ferry_onnx_step_resize_11},
    {"RoiAlign", 16, roi_align_as_before_16},
    {"Scan", 9, ferry_onnx_step_scan_9},
    {"Scatter", INT64_MAX, rename_scatter},
    {"Selu", 6, selu_defaults},
    {"Slice", 10, slice_to_inputs},
    {"Softmax", 13, ferry_onnx_step_softmax_13},
    {"Split", 2, ferry_onnx_step_split_2},
    {"Split", 13, split_to_input},
    {"Split", 18, count_split_outputs},
    {"Squeeze", 13, axes_to_input},
    {"Sub", 7, ferry_onnx_step_axis_broadcast},
    {"Tile", 6, ferry_onnx_step_tile_6},
    {"TopK", 10, k_to_input},
    {"Unsqueeze", 13, axes_to_input},
    {"Upsample", 7, ferry_onnx_step_upsample_7},
    {"Upsample", 9, ferry_onnx_step_upsample_9},
    {"Upsample", INT64_MAX, ferry_onnx_step_upsample},
    {"Xor", 7, ferry_onnx_step_axis_broadcast},
};

const char *ferry_onnx_newest_name(const char *op) {
    if (strcmp(op, "Scatter") == 0) return "ScatterElements";
    return strcmp(op, "Upsample") == 0 ? "Resize" : op;
}

ferry_status ferry_onnx_normalize(ferry_onnx_call *call) {
    if (*call->domain) return FERRY_OK;
    if (call->version < 6) ferry_onnx_drop(call, "consumed_inputs"); /* a hint about memory reuse */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (call->version < rows[i].below && strcmp(call->op, rows[i].op) == 0) FERRY_TRY(rows[i].step(call));
    return FERRY_OK;
}
