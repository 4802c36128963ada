/* SPDX-License-Identifier: Apache-2.0 */
/* Values that hold other values, and deep copies of any value. */
#ifndef FERRY_OPS_CONTAINER_H
#define FERRY_OPS_CONTAINER_H

#include "ops/support.h"

/* Copies deeply into `to`, whose memory then lives as long as the evaluation's outputs. */
ferry_status ferry_value_copy(ferry_evaluation *evaluation, const ferry_value *from, ferry_value *to);
/* The same into outputs[index]; nothing when nobody wants that output. A tensor reuses memory that is there. */
ferry_status ferry_output_copy(ferry_evaluation *evaluation, int index, const ferry_value *from);
/* Makes outputs[index] a sequence of `count` items, zeroed, to be filled; *items is NULL when nobody wants that output. */
ferry_status ferry_output_sequence(ferry_evaluation *evaluation, int index, int64_t count, ferry_value **items);
/* A tensor with memory of its own that lives as long as the outputs. */
ferry_status ferry_value_make_tensor(ferry_evaluation *evaluation, ferry_dtype dtype, const ferry_shape *shape,
                                     ferry_value *value);

/* Sets the type of an output that is a sequence of tensors. */
void ferry_rule_sequence(ferry_inference *inference, int index, ferry_dtype dtype);
/* Copies a type, less its contents, to an output. */
void ferry_rule_output_type(ferry_inference *inference, int index, const ferry_value_type *type);

#endif
