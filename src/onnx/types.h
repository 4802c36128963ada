/* SPDX-License-Identifier: Apache-2.0 */
/* TypeProto, and the order of nodes: two small services of the importer. */
#ifndef FERRY_ONNX_TYPES_H
#define FERRY_ONNX_TYPES_H

#include "onnx/model.h"
#include "ops/ops.h"

/* Reads a TypeProto. Dimensions with names become symbols of that name; absent or negative ones become fresh symbols. Maps,
 * opaque types, sequences of sequences and ranks above FERRY_MAX_RANK are FERRY_ERROR_UNSUPPORTED. */
ferry_status ferry_onnx_read_type(ferry_protobuf message, ferry_symbols *symbols, ferry_value_type *type);

/* A topological order of nodes: *order is NULL when they already stand in one (as the specification asks), else an array of
 * indices in `arena`. What bodies inside a node read counts as read by the node. Two nodes that make the same value, and
 * cycles, are FERRY_ERROR_FORMAT. */
ferry_status ferry_onnx_order_nodes(const ferry_onnx_node *nodes, size_t count, ferry_arena *arena, uint32_t **order,
                                    ferry_error *error);

#endif
