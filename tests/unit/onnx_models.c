/* SPDX-License-Identifier: Apache-2.0 */
#include "onnx_models.h"

#include <string.h>

enum { FLOAT = 1, INT32 = 6, INT64 = 7, STRING = 8, BOOL = 9, FLOAT16 = 10, DOUBLE = 11, UINT64 = 13, INT4 = 22 };

static const float numbers[24] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};

/* ---- plain ones ---- */

static void add(writer *out) {
    put_head(out, 8, 17);
    begin_graph(out, "add");
    put_node(out, "Add", "x weight", "y");
    put_initializer_floats(out, "weight", "2,3", numbers, 6);
    put_input(out, "x", FLOAT, "2,3");
    put_output(out, "y", FLOAT, "2,3");
    ferry_protobuf_end(out);
}

static void symbolic(writer *out) {
    put_head(out, 8, 17);
    begin_graph(out, "symbolic");
    put_node(out, "Add", "x weight", "y");
    put_initializer_floats(out, "weight", "3", numbers, 3);
    put_input(out, "x", FLOAT, "batch,-1,3");
    put_output(out, "y", FLOAT, NULL);
    ferry_protobuf_end(out);
    ferry_protobuf_begin(out, 14);
    ferry_protobuf_put_text(out, 1, "task");
    ferry_protobuf_put_text(out, 2, "detect");
    ferry_protobuf_end(out);
}

static void convolution(writer *out) {
    float weights[16 * 3 * 9];
    for (int i = 0; i < 16 * 3 * 9; i++) weights[i] = (float)(i % 7) - 3;
    put_head(out, 8, 17);
    begin_graph(out, "convolution");
    begin_node(out, 1, "Conv", "x weight", "c");
    put_attribute_ints(out, "pads", "1,1,1,1");
    put_attribute_ints(out, "strides", "2,2");
    ferry_protobuf_end(out);
    put_node(out, "Relu", "c", "y");
    put_initializer_floats(out, "weight", "16,3,3,3", weights, 16 * 3 * 9);
    put_input(out, "x", FLOAT, "1,3,8,8");
    put_output(out, "y", FLOAT, "1,16,4,4");
    ferry_protobuf_end(out);
}

/* Initialisers that are listed as inputs, as IR 3 demanded. */
static void initializer_is_input(writer *out) {
    put_head(out, 3, 8);
    begin_graph(out, "old");
    put_node(out, "Add", "x weight", "y");
    put_initializer_floats(out, "weight", "2", numbers, 2);
    put_input(out, "x", FLOAT, "2");
    put_input(out, "weight", FLOAT, "2");
    put_output(out, "y", FLOAT, "2");
    ferry_protobuf_end(out);
}

static void unsorted(writer *out) {
    put_head(out, 8, 17);
    begin_graph(out, "unsorted");
    put_node(out, "Relu", "c", "y");
    put_node(out, "Neg", "b", "c");
    put_node(out, "Abs", "x", "b");
    put_input(out, "x", FLOAT, "4");
    put_output(out, "y", FLOAT, "4");
    ferry_protobuf_end(out);
}

static void same_output_twice(writer *out) {
    put_head(out, 8, 17);
    begin_graph(out, "twice");
    put_node(out, "Neg", "x", "y");
    put_input(out, "x", FLOAT, "4");
    put_output(out, "y", FLOAT, "4");
    put_output(out, "y", FLOAT, "4");
    ferry_protobuf_end(out);
}

/* ---- element types and encodings ---- */

static void begin_tensor(writer *out, const char *name, int dtype, const char *dims) {
    ferry_protobuf_begin(out, 5);
    put_tensor_head(out, name, dtype, dims);
}

static void typed_data(writer *out) {
    const int64_t halves[] = {0x3c00, 0x4000}, flags[] = {0, 2, 1}, nibbles[] = {0x21, 0x0f};
    const double doubles[] = {0.5, -0.25};
    put_head(out, 10, 21);
    begin_graph(out, "typed");
    put_node(out, "Neg", "x", "y");
    begin_tensor(out, "packed", FLOAT, "3");
    ferry_protobuf_put_bytes(out, 4, numbers, 12);
    ferry_protobuf_end(out);
    begin_tensor(out, "unpacked", FLOAT, "2");
    for (int i = 0; i < 2; i++) ferry_protobuf_put_real(out, 4, numbers[i]);
    ferry_protobuf_end(out);
    begin_tensor(out, "half", FLOAT16, "2");
    for (int i = 0; i < 2; i++) ferry_protobuf_put_integer(out, 5, halves[i]);
    ferry_protobuf_end(out);
    begin_tensor(out, "bool", BOOL, "3");
    for (int i = 0; i < 3; i++) ferry_protobuf_put_integer(out, 5, flags[i]);
    ferry_protobuf_end(out);
    begin_tensor(out, "int4", INT4, "3");
    for (int i = 0; i < 2; i++) ferry_protobuf_put_integer(out, 5, nibbles[i]);
    ferry_protobuf_end(out);
    begin_tensor(out, "int64", INT64, "2");
    ferry_protobuf_put_integer(out, 7, -5);
    ferry_protobuf_put_integer(out, 7, 1ll << 40);
    ferry_protobuf_end(out);
    begin_tensor(out, "double", DOUBLE, "2");
    ferry_protobuf_put_bytes(out, 10, doubles, sizeof doubles);
    ferry_protobuf_end(out);
    begin_tensor(out, "uint64", UINT64, "");
    ferry_protobuf_put_integer(out, 11, -1);
    ferry_protobuf_end(out);
    begin_tensor(out, "string", STRING, "2");
    ferry_protobuf_put_text(out, 6, "left");
    ferry_protobuf_put_text(out, 6, "");
    ferry_protobuf_end(out);
    put_input(out, "x", FLOAT, "1");
    put_output(out, "y", FLOAT, "1");
    ferry_protobuf_end(out);
}

static void sparse(writer *out) {
    const int64_t places[] = {1, 5};
    put_head(out, 8, 17);
    begin_graph(out, "sparse");
    put_node(out, "Add", "x weight", "y");
    ferry_protobuf_begin(out, 15);
    ferry_protobuf_begin(out, 1);
    put_tensor_head(out, "weight", FLOAT, "2");
    ferry_protobuf_put_bytes(out, 9, numbers, 8);
    ferry_protobuf_end(out);
    ferry_protobuf_begin(out, 2);
    put_tensor_head(out, NULL, INT64, "2");
    ferry_protobuf_put_bytes(out, 9, places, sizeof places);
    ferry_protobuf_end(out);
    ferry_protobuf_put_integer(out, 3, 2);
    ferry_protobuf_put_integer(out, 3, 3);
    ferry_protobuf_end(out);
    put_input(out, "x", FLOAT, "2,3");
    put_output(out, "y", FLOAT, "2,3");
    ferry_protobuf_end(out);
}

static void constants(writer *out) {
    put_head(out, 8, 17);
    begin_graph(out, "constants");
    begin_node(out, 1, "Constant", "", "real");
    put_attribute_float(out, "value_float", 2.5f);
    ferry_protobuf_end(out);
    begin_node(out, 1, "Constant", "", "list");
    put_attribute_ints(out, "value_ints", "3,-4,5");
    ferry_protobuf_end(out);
    put_node(out, "Add", "x real", "y");
    put_input(out, "x", FLOAT, "2");
    put_output(out, "y", FLOAT, "2");
    put_output(out, "list", INT64, "3");
    ferry_protobuf_end(out);
}

/* ---- old opsets ---- */

static void one_node(writer *out, int64_t opset, const char *op, const char *inputs, const char *dims, emitter attributes) {
    put_head(out, 3, opset);
    begin_graph(out, op);
    begin_node(out, 1, op, inputs, "y");
    if (attributes) attributes(out);
    ferry_protobuf_end(out);
    put_input(out, "x", FLOAT, dims);
    put_output(out, "y", FLOAT, NULL);
}

static void reshape_1_attributes(writer *out) {
    put_attribute_ints(out, "shape", "3,-1");
    put_attribute_ints(out, "consumed_inputs", "0");
}
static void reshape_1(writer *out) {
    one_node(out, 1, "Reshape", "x", "2,6", reshape_1_attributes);
    ferry_protobuf_end(out);
}

static void clip_6_attributes(writer *out) { put_attribute_float(out, "max", 6); }
static void clip_6(writer *out) {
    one_node(out, 6, "Clip", "x", "2,6", clip_6_attributes);
    ferry_protobuf_end(out);
}

static void pad_2_attributes(writer *out) {
    put_attribute_ints(out, "pads", "0,1,0,2");
    put_attribute_float(out, "value", 7);
}
static void pad_2(writer *out) {
    one_node(out, 2, "Pad", "x", "2,6", pad_2_attributes);
    ferry_protobuf_end(out);
}

static void slice_1_attributes(writer *out) {
    put_attribute_ints(out, "starts", "1");
    put_attribute_ints(out, "ends", "-1");
    put_attribute_ints(out, "axes", "1");
}
static void slice_1(writer *out) {
    one_node(out, 1, "Slice", "x", "2,6", slice_1_attributes);
    ferry_protobuf_end(out);
}

static void axes_attribute(writer *out) { put_attribute_ints(out, "axes", "1"); }
static void squeeze_1(writer *out) {
    one_node(out, 1, "Squeeze", "x", "2,1,6", axes_attribute);
    ferry_protobuf_end(out);
}
static void unsqueeze_1(writer *out) {
    one_node(out, 1, "Unsqueeze", "x", "2,6", axes_attribute);
    ferry_protobuf_end(out);
}
static void reduce_mean_11(writer *out) {
    one_node(out, 11, "ReduceMean", "x", "2,6", axes_attribute);
    ferry_protobuf_end(out);
}

static void topk_1_attributes(writer *out) { put_attribute_int(out, "k", 2); }
static void topk_1(writer *out) {
    put_head(out, 3, 1);
    begin_graph(out, "topk");
    begin_node(out, 1, "TopK", "x", "y where");
    topk_1_attributes(out);
    ferry_protobuf_end(out);
    put_input(out, "x", FLOAT, "2,6");
    put_output(out, "y", FLOAT, NULL);
    put_output(out, "where", INT64, NULL);
    ferry_protobuf_end(out);
}

static void upsample_7_attributes(writer *out) {
    const float scales[] = {1, 1, 2, 3};
    put_attribute_floats(out, "scales", scales, 4);
    put_attribute_string(out, "mode", "nearest");
}
static void upsample_7(writer *out) {
    one_node(out, 7, "Upsample", "x", "1,1,2,2", upsample_7_attributes);
    ferry_protobuf_end(out);
}
static void upsample_9(writer *out) {
    const float scales[] = {1, 1, 2, 3};
    one_node(out, 9, "Upsample", "x scales", "1,1,2,2", NULL);
    put_initializer_floats(out, "scales", "4", scales, 4);
    ferry_protobuf_end(out);
}

static void axis_0_attribute(writer *out) { put_attribute_int(out, "axis", 0); }
static void softmax_11(writer *out) {
    one_node(out, 11, "Softmax", "x", "2,3,4", NULL);
    ferry_protobuf_end(out);
}
static void softmax_11_last(writer *out) {
    one_node(out, 11, "Softmax", "x", "2,6", NULL);
    ferry_protobuf_end(out);
}

static void add_6_attributes(writer *out) {
    put_attribute_int(out, "axis", 1);
    put_attribute_int(out, "broadcast", 1);
}
static void add_6(writer *out) {
    one_node(out, 6, "Add", "x bias", "2,3,4", add_6_attributes);
    put_initializer_floats(out, "bias", "3", numbers, 3);
    ferry_protobuf_end(out);
}

static void cast_1_attributes(writer *out) { put_attribute_string(out, "to", "INT32"); }
static void cast_1(writer *out) {
    put_head(out, 3, 1);
    begin_graph(out, "cast");
    begin_node(out, 1, "Cast", "x", "y");
    cast_1_attributes(out);
    ferry_protobuf_end(out);
    put_input(out, "x", FLOAT, "2");
    put_output(out, "y", INT32, "2");
    ferry_protobuf_end(out);
}

static void split_2(writer *out) {
    put_head(out, 3, 2);
    begin_graph(out, "split");
    begin_node(out, 1, "Split", "x", "y z");
    axis_0_attribute(out);
    put_attribute_ints(out, "split", "1,3");
    ferry_protobuf_end(out);
    put_input(out, "x", FLOAT, "4,2");
    put_output(out, "y", FLOAT, NULL);
    put_output(out, "z", FLOAT, NULL);
    ferry_protobuf_end(out);
}

static void batch_normalization_6_attributes(writer *out) {
    put_attribute_int(out, "is_test", 1);
    put_attribute_int(out, "spatial", 1);
    put_attribute_ints(out, "consumed_inputs", "0,0,0,1,1");
}
static void batch_normalization_5(writer *out) {
    one_node(out, 5, "BatchNormalization", "x s b m v", "1,2,3,3", batch_normalization_6_attributes);
    for (const char *name = "sbmv"; *name; name++) put_initializer_floats(out, (const char[]){*name, 0}, "2", numbers, 2);
    ferry_protobuf_end(out);
}

static void group_normalization_18_attributes(writer *out) { put_attribute_int(out, "num_groups", 2); }
static void group_normalization_18(writer *out) {
    one_node(out, 18, "GroupNormalization", "x scale bias", "1,4,3,3", group_normalization_18_attributes);
    put_initializer_floats(out, "scale", "2", numbers, 2);
    put_initializer_floats(out, "bias", "2", numbers, 2);
    ferry_protobuf_end(out);
}

/* ---- bodies and functions ---- */

static void put_branch(writer *out, const char *name, const char *op, const char *inputs, const char *result) {
    begin_attribute_graph(out, name);
    put_node(out, op, inputs, result);
    put_output(out, result, FLOAT, NULL);
    ferry_protobuf_end(out);
    ferry_protobuf_end(out);
}

static void if_captures(writer *out) {
    put_head(out, 8, 17);
    begin_graph(out, "choose");
    begin_node(out, 1, "If", "flag", "y");
    put_branch(out, "then_branch", "Add", "a b", "sum");
    put_branch(out, "else_branch", "Sub", "b weight", "difference");
    ferry_protobuf_end(out);
    put_initializer_floats(out, "weight", "2", numbers, 2);
    put_input(out, "flag", BOOL, "");
    put_input(out, "a", FLOAT, "2");
    put_input(out, "b", FLOAT, "2");
    put_output(out, "y", FLOAT, NULL);
    ferry_protobuf_end(out);
}

static void loop_captures(writer *out) {
    const int64_t count = 3;
    put_head(out, 8, 17);
    begin_graph(out, "loop");
    begin_node(out, 1, "Loop", "count - x", "y all");
    begin_attribute_graph(out, "body");
    put_node(out, "Add", "state step", "next");
    put_node(out, "Identity", "going", "going_on");
    put_node(out, "Neg", "next", "scanned");
    put_input(out, "i", INT64, "");
    put_input(out, "going", BOOL, "");
    put_input(out, "state", FLOAT, "2");
    put_output(out, "going_on", BOOL, "");
    put_output(out, "next", FLOAT, "2");
    put_output(out, "scanned", FLOAT, "2");
    ferry_protobuf_end(out);
    ferry_protobuf_end(out);
    ferry_protobuf_end(out);
    put_initializer_integers(out, "count", "", &count, 1);
    put_input(out, "x", FLOAT, "2");
    put_input(out, "step", FLOAT, "2");
    put_output(out, "y", FLOAT, "2");
    put_output(out, "all", FLOAT, NULL);
    ferry_protobuf_end(out);
}

/* A function of the model; `inner` may be NULL: what it calls besides. */
static void put_function(writer *out, const char *name, const char *inner) {
    ferry_protobuf_begin(out, 25);
    ferry_protobuf_put_text(out, 1, name);
    ferry_protobuf_put_text(out, 4, "p");
    ferry_protobuf_put_text(out, 5, "q");
    ferry_protobuf_put_text(out, 6, "slope");
    begin_node(out, 7, inner ? inner : "Abs", "p", "t");
    if (inner) put_domain(out, "own");
    ferry_protobuf_end(out);
    begin_node(out, 7, "LeakyRelu", "t", "q");
    put_attribute_reference(out, "alpha", "slope", 1);
    ferry_protobuf_end(out);
    put_opset(out, 9, "", 17);
    ferry_protobuf_put_text(out, 10, "own");
    ferry_protobuf_end(out);
}

static void put_calls(writer *out, int count) {
    put_head(out, 8, 17);
    put_opset(out, 8, "own", 1);
    begin_graph(out, "calls");
    for (int i = 0; i < count; i++) {
        const char *names[] = {"x", "y", "z"};
        begin_node(out, 1, "outer", names[i], names[i + 1]);
        put_domain(out, "own");
        put_attribute_float(out, "slope", 0.25f);
        ferry_protobuf_end(out);
    }
    put_input(out, "x", FLOAT, "2");
    put_output(out, count == 2 ? "z" : "y", FLOAT, "2");
    ferry_protobuf_end(out);
}

static void functions(writer *out) {
    put_calls(out, 2);
    put_function(out, "outer", "inner");
    put_function(out, "inner", NULL);
}

static void recursive_function(writer *out) {
    put_calls(out, 1);
    put_function(out, "outer", "inner");
    put_function(out, "inner", "outer");
}

/* Each function calls the one before it twice: 2^24 nodes from a kilobyte. */
static void exploding_functions(writer *out) {
    char name[16] = "outer", inner[16];
    put_calls(out, 1);
    for (int level = 0; level < 24; level++) {
        strcpy(inner, "f_");
        inner[1] = (char)('a' + level);
        ferry_protobuf_begin(out, 25);
        ferry_protobuf_put_text(out, 1, name);
        ferry_protobuf_put_text(out, 4, "p");
        ferry_protobuf_put_text(out, 5, "q");
        begin_node(out, 7, level < 23 ? inner : "Abs", "p", "t");
        if (level < 23) put_domain(out, "own");
        ferry_protobuf_end(out);
        begin_node(out, 7, level < 23 ? inner : "Neg", "t", "q");
        if (level < 23) put_domain(out, "own");
        ferry_protobuf_end(out);
        ferry_protobuf_put_text(out, 10, "own");
        ferry_protobuf_end(out);
        strcpy(name, inner);
    }
}

static void nested_ifs(writer *out) {
    put_head(out, 8, 17);
    begin_graph(out, "deep");
    for (int i = 0; i < 40; i++) {
        begin_node(out, 1, "If", "flag", "y");
        begin_attribute_graph(out, "then_branch");
    }
    for (int i = 0; i < 40; i++)
        for (int k = 0; k < 3; k++) ferry_protobuf_end(out);
    ferry_protobuf_end(out);
}

/* ---- refused ---- */

static void unsupported(writer *out) {
    put_head(out, 8, 17);
    put_opset(out, 8, "com.example", 3);
    begin_graph(out, "unknown");
    put_node(out, "NoSuchOperator", "x", "a");
    put_node(out, "Scatter", "a a a", "c");
    begin_node(out, 1, "Custom", "c", "y");
    put_domain(out, "com.example");
    ferry_protobuf_end(out);
    put_input(out, "x", FLOAT, "2");
    put_output(out, "y", FLOAT, "2");
    ferry_protobuf_end(out);
}

static void cycle(writer *out) {
    put_head(out, 8, 17);
    begin_graph(out, "cycle");
    put_node(out, "Add", "x b", "a");
    put_node(out, "Neg", "a", "b");
    put_input(out, "x", FLOAT, "2");
    put_output(out, "b", FLOAT, "2");
    ferry_protobuf_end(out);
}

static void duplicate_name(writer *out) {
    put_head(out, 8, 17);
    begin_graph(out, "twice");
    put_node(out, "Neg", "x", "y");
    put_node(out, "Abs", "x", "y");
    put_input(out, "x", FLOAT, "2");
    put_output(out, "y", FLOAT, "2");
    ferry_protobuf_end(out);
}

static void dangling(writer *out) {
    put_head(out, 8, 17);
    begin_graph(out, "dangling");
    put_node(out, "Neg", "nothing", "y");
    put_output(out, "y", FLOAT, "2");
    ferry_protobuf_end(out);
}

static void missing_output(writer *out) {
    put_head(out, 8, 17);
    begin_graph(out, "missing");
    put_node(out, "Neg", "x", "y");
    put_input(out, "x", FLOAT, "2");
    put_output(out, "z", FLOAT, "2");
    ferry_protobuf_end(out);
}

static void with_weight(writer *out, int dtype, const char *dims, size_t bytes) {
    put_head(out, 8, 17);
    begin_graph(out, "weight");
    put_node(out, "Add", "x weight", "y");
    put_initializer(out, "weight", dtype, dims, numbers, bytes);
    put_input(out, "x", FLOAT, "2");
    put_output(out, "y", FLOAT, NULL);
    ferry_protobuf_end(out);
}
static void huge_weight(writer *out) { with_weight(out, FLOAT, "1000000,1000000", 8); }
static void impossible_weight(writer *out) { with_weight(out, FLOAT, "4611686018427387904,4611686018427387904", 8); }
static void negative_weight(writer *out) { with_weight(out, FLOAT, "-2", 8); }
static void long_weight(writer *out) { with_weight(out, FLOAT, "2", 12); }
static void nine_dimensions(writer *out) { with_weight(out, FLOAT, "1,1,1,1,1,1,1,1,2", 8); }
static void unknown_type(writer *out) { with_weight(out, 99, "2", 8); }
static void wrong_type(writer *out) { with_weight(out, INT64, "1", 8); }

static void put_external(writer *out, const char *location, const char *length) {
    put_head(out, 8, 17);
    begin_graph(out, "external");
    put_node(out, "Add", "x weight", "y");
    ferry_protobuf_begin(out, 5);
    put_tensor_head(out, "weight", FLOAT, "4");
    ferry_protobuf_put_integer(out, 14, 1);
    for (int i = 0; i < 3; i++) {
        ferry_protobuf_begin(out, 13);
        ferry_protobuf_put_text(out, 1, i == 0 ? "location" : i == 1 ? "offset" : "length");
        ferry_protobuf_put_text(out, 2, i == 0 ? location : i == 1 ? "16" : length);
        ferry_protobuf_end(out);
    }
    ferry_protobuf_end(out);
    put_input(out, "x", FLOAT, "4");
    put_output(out, "y", FLOAT, "4");
    ferry_protobuf_end(out);
}
static void external(writer *out) { put_external(out, "weights.bin", "16"); }
static void external_outside(writer *out) { put_external(out, "part/../../etc/passwd", "16"); }
static void external_absolute(writer *out) { put_external(out, "/etc/passwd", "16"); }
static void external_short(writer *out) { put_external(out, "weights.bin", "12"); }
static void external_bad_number(writer *out) { put_external(out, "weights.bin", "0x10"); }

static void no_graph(writer *out) { put_head(out, 8, 17); }

static void broken_tag(writer *out) {
    put_head(out, 8, 17);
    ferry_protobuf_put_integer(out, 0, 1);
}

const sample samples[] = {
    {"add", add, FERRY_OK, NULL},
    {"symbolic", symbolic, FERRY_OK, NULL},
    {"convolution", convolution, FERRY_OK, NULL},
    {"initializer_is_input", initializer_is_input, FERRY_OK, NULL},
    {"unsorted", unsorted, FERRY_OK, NULL},
    {"same_output_twice", same_output_twice, FERRY_OK, NULL},
    {"typed_data", typed_data, FERRY_OK, NULL},
    {"sparse", sparse, FERRY_OK, NULL},
    {"constants", constants, FERRY_OK, NULL},
    {"reshape_1", reshape_1, FERRY_OK, NULL},
    {"clip_6", clip_6, FERRY_OK, NULL},
    {"pad_2", pad_2, FERRY_OK, NULL},
    {"slice_1", slice_1, FERRY_OK, NULL},
    {"squeeze_1", squeeze_1, FERRY_OK, NULL},
    {"unsqueeze_1", unsqueeze_1, FERRY_OK, NULL},
    {"reduce_mean_11", reduce_mean_11, FERRY_OK, NULL},
    {"topk_1", topk_1, FERRY_OK, NULL},
    {"upsample_7", upsample_7, FERRY_OK, NULL},
    {"upsample_9", upsample_9, FERRY_OK, NULL},
    {"softmax_11", softmax_11, FERRY_OK, NULL},
    {"softmax_11_last", softmax_11_last, FERRY_OK, NULL},
    {"add_6", add_6, FERRY_OK, NULL},
    {"cast_1", cast_1, FERRY_OK, NULL},
    {"split_2", split_2, FERRY_OK, NULL},
    {"batch_normalization_5", batch_normalization_5, FERRY_OK, NULL},
    {"group_normalization_18", group_normalization_18, FERRY_OK, NULL},
    {"if_captures", if_captures, FERRY_OK, NULL},
    {"loop_captures", loop_captures, FERRY_OK, NULL},
    {"functions", functions, FERRY_OK, NULL},
    {"recursive_function", recursive_function, FERRY_ERROR_FORMAT, "calls itself"},
    {"exploding_functions", exploding_functions, FERRY_ERROR_UNSUPPORTED, "inlining"},
    {"nested_ifs", nested_ifs, FERRY_ERROR_UNSUPPORTED, "nest"},
    {"unsupported", unsupported, FERRY_ERROR_UNSUPPORTED, "2 unsupported operators: NoSuchOperator"},
    {"cycle", cycle, FERRY_ERROR_FORMAT, "cycle"},
    {"duplicate_name", duplicate_name, FERRY_ERROR_FORMAT, "'y'"},
    {"dangling", dangling, FERRY_ERROR_FORMAT, "'nothing'"},
    {"missing_output", missing_output, FERRY_ERROR_FORMAT, "'z'"},
    {"huge_weight", huge_weight, FERRY_ERROR_FORMAT, "needs 4000000000000 bytes"},
    {"impossible_weight", impossible_weight, FERRY_ERROR_FORMAT, "larger than any memory"},
    {"negative_weight", negative_weight, FERRY_ERROR_FORMAT, "negative dimension"},
    {"long_weight", long_weight, FERRY_ERROR_FORMAT, "needs 8 bytes of data, but has 12"},
    {"nine_dimensions", nine_dimensions, FERRY_ERROR_UNSUPPORTED, "dimensions"},
    {"unknown_type", unknown_type, FERRY_ERROR_UNSUPPORTED, "element type 99"},
    {"wrong_type", wrong_type, FERRY_ERROR_SHAPE, "Add"},
    {"external", external, FERRY_ERROR_UNSUPPORTED, "read from memory"},
    {"external_outside", external_outside, FERRY_ERROR_UNSUPPORTED, NULL},
    {"external_absolute", external_absolute, FERRY_ERROR_UNSUPPORTED, NULL},
    {"external_short", external_short, FERRY_ERROR_UNSUPPORTED, NULL},
    {"external_bad_number", external_bad_number, FERRY_ERROR_FORMAT, "not a number"},
    {"no_graph", no_graph, FERRY_ERROR_FORMAT, "no graph"},
    {"broken_tag", broken_tag, FERRY_ERROR_FORMAT, "byte "},
};
const size_t sample_count = sizeof samples / sizeof *samples;

const sample *find_sample(const char *name) {
    for (size_t i = 0; i < sample_count; i++)
        if (strcmp(samples[i].name, name) == 0) return &samples[i];
    return NULL;
}
