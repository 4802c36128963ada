/* SPDX-License-Identifier: Apache-2.0 */
/* Small ONNX models in bytes, written field by field: also the malformed ones that no writer would make. */
#ifndef FERRY_TEST_ONNX_BYTES_H
#define FERRY_TEST_ONNX_BYTES_H

#include "onnx/protobuf_writer.h"

typedef ferry_protobuf_writer writer;
typedef void (*emitter)(writer *out);

/* Runs the emitter twice, to measure and to write. The caller frees the bytes. Aborts when out of memory. */
unsigned char *bytes_of(emitter emit, size_t *size);

/* ModelProto */
void put_head(writer *out, int64_t ir, int64_t opset);
void put_opset(writer *out, uint32_t field, const char *domain, int64_t version);
void begin_graph(writer *out, const char *name); /* up to ferry_protobuf_end */

/* GraphProto. dims: "2,3,height"; "" a scalar; NULL no shape. */
void put_value(writer *out, uint32_t field, const char *name, int dtype, const char *dims);
#define put_input(out, name, dtype, dims) put_value(out, 11, name, dtype, dims)
#define put_output(out, name, dtype, dims) put_value(out, 12, name, dtype, dims)
void put_initializer(writer *out, const char *name, int dtype, const char *dims, const void *raw, size_t bytes);
void put_initializer_floats(writer *out, const char *name, const char *dims, const float *values, size_t count);
void put_initializer_integers(writer *out, const char *name, const char *dims, const int64_t *values, size_t count);
/* The contents of a TensorProto up to its data. */
void put_tensor_head(writer *out, const char *name, int dtype, const char *dims);

/* NodeProto, up to ferry_protobuf_end; names separated by blanks, '-' for an absent one. `field` 1 in graphs, 7 in functions.
 */
void begin_node(writer *out, uint32_t field, const char *op, const char *inputs, const char *outputs);
void put_node(writer *out, const char *op, const char *inputs, const char *outputs);
void put_domain(writer *out, const char *domain);

/* AttributeProto, inside a node */
void put_attribute_int(writer *out, const char *name, int64_t value);
void put_attribute_float(writer *out, const char *name, float value);
void put_attribute_string(writer *out, const char *name, const char *value);
void put_attribute_ints(writer *out, const char *name, const char *values);
void put_attribute_floats(writer *out, const char *name, const float *values, size_t count);
void put_attribute_reference(writer *out, const char *name, const char *reference, int type);
void begin_attribute_graph(writer *out, const char *name); /* two ferry_protobuf_end */

#endif
