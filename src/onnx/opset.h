/* SPDX-License-Identifier: Apache-2.0 */
/* A node on its way into the graph, and its rewriting from the opset of its model to the newest semantics. */
#ifndef FERRY_ONNX_OPSET_H
#define FERRY_ONNX_OPSET_H

#include "ir/graph.h"

/* Versions of the default domain that are understood; newer ones are read as the newest, with a warning. */
enum { FERRY_ONNX_NEWEST_OPSET = 28 };

typedef struct ferry_onnx_call {
    ferry_graph *graph;
    ferry_arena *arena; /* lives as long as the call; the graph copies what it needs */
    const char *name;   /* the node's name, or what stands for it in names of helper values */
    const char *op, *domain;
    int64_t version;
    FERRY_VECTOR(ferry_graph_value *) inputs; /* NULL for absent ones */
    FERRY_VECTOR(ferry_attribute) attributes;
    int output_count;
    const bool *wanted; /* which outputs have names */
    ferry_error *error;
} ferry_onnx_call;

/* Rewrites the call, adding helper nodes and constants to its graph; it may change the operator. Nodes of domains other than
 * ai.onnx stay as they are. FERRY_ERROR_UNSUPPORTED where an old form cannot be said in new words. */
ferry_status ferry_onnx_normalize(ferry_onnx_call *call);
/* The present name of an operator of ai.onnx: Upsample became Resize, Scatter ScatterElements. */
const char *ferry_onnx_newest_name(const char *op);

/* ---- for the steps (opset.c, opset_shapes.c) ---- */

typedef ferry_status (*ferry_onnx_step)(ferry_onnx_call *call);

const ferry_attribute *ferry_onnx_attribute_of(const ferry_onnx_call *call, const char *name);
int64_t ferry_onnx_call_integer(const ferry_onnx_call *call, const char *name, int64_t fallback);
float ferry_onnx_call_real(const ferry_onnx_call *call, const char *name, float fallback);
void ferry_onnx_drop(ferry_onnx_call *call, const char *name);
ferry_status ferry_onnx_set_integer(ferry_onnx_call *call, const char *name, int64_t value);
ferry_status ferry_onnx_set_real(ferry_onnx_call *call, const char *name, float value);
ferry_status ferry_onnx_set_string(ferry_onnx_call *call, const char *name, const char *value);
/* Sets input `index`, lengthening the list with absent inputs. */
ferry_status ferry_onnx_set_input(ferry_onnx_call *call, size_t index, ferry_graph_value *value);
static inline ferry_graph_value *ferry_onnx_call_input(const ferry_onnx_call *call, size_t index) {
    return index < call->inputs.count ? call->inputs.items[index] : NULL;
}
/* The rank of an input, or -1 when it is not known. */
int ferry_onnx_rank(const ferry_onnx_call *call, size_t index);
/* A constant named after the node; rank 0 when count is -1, else rank 1. */
ferry_status ferry_onnx_integers(ferry_onnx_call *call, const char *hint, const int64_t *values, int64_t count,
                                 ferry_graph_value **constant);
ferry_status ferry_onnx_reals(ferry_onnx_call *call, const char *hint, ferry_dtype dtype, const float *values, int64_t count,
                              ferry_graph_value **constant);
/* Adds a node before the call's own and gives its single output. */
ferry_status ferry_onnx_emit(ferry_onnx_call *call, const char *op, const ferry_attributes *attributes, int input_count,
                             ferry_graph_value *const *inputs, ferry_graph_value **output);
ferry_status ferry_onnx_emit_unary(ferry_onnx_call *call, const char *op, ferry_graph_value *a, ferry_graph_value **output);
ferry_status ferry_onnx_emit_binary(ferry_onnx_call *call, const char *op, ferry_graph_value *a, ferry_graph_value *b,
                                    ferry_graph_value **output);
/* value with ones inserted at `axes`. */
ferry_status ferry_onnx_emit_unsqueeze(ferry_onnx_call *call, ferry_graph_value *value, const int64_t *axes, int64_t count,
                                       ferry_graph_value **output);
/* Turns an INTS attribute into a constant input: does nothing when the attribute is absent. */
ferry_status ferry_onnx_integers_to_input(ferry_onnx_call *call, const char *name, size_t index);
ferry_status ferry_onnx_step_unsupported(ferry_onnx_call *call, const char *why);

/* The steps themselves, one an operator and version. */
ferry_status ferry_onnx_step_axis_broadcast(ferry_onnx_call *call);
ferry_status ferry_onnx_step_batch_normalization_7(ferry_onnx_call *call);
ferry_status ferry_onnx_step_batch_normalization_9(ferry_onnx_call *call);
ferry_status ferry_onnx_step_batch_normalization_14(ferry_onnx_call *call);
ferry_status ferry_onnx_step_group_normalization_21(ferry_onnx_call *call);
ferry_status ferry_onnx_step_prelu_7(ferry_onnx_call *call);
ferry_status ferry_onnx_step_resize_11(ferry_onnx_call *call);
ferry_status ferry_onnx_step_scan_9(ferry_onnx_call *call);
ferry_status ferry_onnx_step_softmax_13(ferry_onnx_call *call);
ferry_status ferry_onnx_step_split_2(ferry_onnx_call *call);
ferry_status ferry_onnx_step_tile_6(ferry_onnx_call *call);
ferry_status ferry_onnx_step_upsample_7(ferry_onnx_call *call);
ferry_status ferry_onnx_step_upsample_9(ferry_onnx_call *call);
ferry_status ferry_onnx_step_upsample(ferry_onnx_call *call);

#endif
