/* SPDX-License-Identifier: Apache-2.0 */
/* What several passes need. */
#ifndef FERRY_PASSES_TOOLS_H
#define FERRY_PASSES_TOOLS_H

#include "ir/graph.h"

/* Whether a constant holds one float element (rank 0, or all dimensions 1), and which. */
bool ferry_constant_scalar(const ferry_graph_value *value, double *scalar);
/* The elements of a constant as floats, in the graph's arena; NULL when it is no numeric constant or memory is short. */
float *ferry_constant_floats(ferry_graph *graph, const ferry_graph_value *value, int64_t *count);
/* A new float32 constant. */
ferry_status ferry_make_floats(ferry_graph *graph, const char *hint, int rank, const int64_t *dims, const float *values,
                               ferry_graph_value **value, ferry_error *error);
/* A constant that is the same for every position but the channel (axis 1 of a rank-`rank` tensor): a scalar or 1xCx1...;
 * expanded to `channels` floats in the graph's arena. NULL when it is not. */
float *ferry_constant_per_channel(ferry_graph *graph, const ferry_graph_value *value, int rank, int64_t channels);
/* Both ranked, with provably equal dimensions. */
bool ferry_same_shape(const ferry_value_type *a, const ferry_value_type *b);
ferry_status ferry_set_integer(ferry_graph *graph, ferry_graph_node *node, const char *name, int64_t value, ferry_error *error);
ferry_status ferry_set_real(ferry_graph *graph, ferry_graph_node *node, const char *name, float value, ferry_error *error);
ferry_status ferry_set_text(ferry_graph *graph, ferry_graph_node *node, const char *name, const char *value,
                            ferry_error *error);
ferry_status ferry_set_integers(ferry_graph *graph, ferry_graph_node *node, const char *name, const int64_t *values,
                                int64_t count, ferry_error *error);
/* Replaces output 0 of `old` by `value` everywhere and removes `old`. */
ferry_status ferry_replace_node(ferry_graph *graph, ferry_graph_node *old, ferry_graph_value *value, ferry_error *error);
/* Output 0 has exactly one reader, and `node` has no other output in use. */
static inline bool ferry_feeds_only(const ferry_graph_node *node, const ferry_graph_node *reader) {
    return node && node->output_count >= 1 && node->outputs[0] && ferry_value_single_user(node->outputs[0]) == reader;
}
static inline ferry_graph_value *ferry_node_input(const ferry_graph_node *node, int index) {
    return index < node->input_count ? node->inputs[index] : NULL;
}

#endif
