/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "onnx/onnx.h"
#include "onnx_models.h"

static ferry_status read_sample(const sample *model, ferry_graph **graph, ferry_onnx_report *report, ferry_error *error) {
    size_t size;
    unsigned char *bytes = bytes_of(model->emit, &size);
    ferry_status status = ferry_onnx_read_memory(bytes, size, NULL, graph, report, error);
    free(bytes); /* nothing may point into them any more */
    return status;
}

static ferry_graph *read_good(const char *name) {
    ferry_graph *graph = NULL;
    ferry_error error = {0};
    const sample *model = find_sample(name);
    assert_non_null(model);
    if (read_sample(model, &graph, NULL, &error) != FERRY_OK) fail_msg("%s: %s", name, error.message);
    return graph;
}

/* ---- all samples ---- */

static void reads_and_refuses_as_the_table_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sample_count; i++) {
        ferry_graph *graph = NULL;
        ferry_error error = {0};
        ferry_status status = read_sample(&samples[i], &graph, NULL, &error);
        if (status != samples[i].status)
            fail_msg("%s: %s, not %s: %s", samples[i].name, ferry_status_name(status), ferry_status_name(samples[i].status),
                     error.message);
        if (samples[i].message && !strstr(error.message, samples[i].message))
            fail_msg("%s: '%s' lacks '%s'", samples[i].name, error.message, samples[i].message);
        assert_true((graph != NULL) == (status == FERRY_OK));
        ferry_graph_destroy(graph);
    }
}

static void survives_truncation_at_every_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < sample_count; i++) {
        size_t size;
        if (strcmp(samples[i].name, "exploding_functions") == 0) continue; /* slow by design */
        unsigned char *bytes = bytes_of(samples[i].emit, &size);
        for (size_t cut = 0; cut < size; cut++) {
            unsigned char *part = malloc(cut ? cut : 1); /* of its own, so that a sanitizer sees a read behind the end */
            ferry_graph *graph = NULL;
            ferry_error error = {0};
            assert_non_null(part);
            memcpy(part, bytes, cut);
            ferry_status status = ferry_onnx_read_memory(part, cut, NULL, &graph, NULL, &error);
            assert_true(status == FERRY_OK || *error.message);
            ferry_graph_destroy(graph);
            free(part);
        }
        free(bytes);
    }
}

static void survives_every_failing_allocation(void **state) {
    static const char *const names[] = {"typed_data", "loop_captures", "functions", "group_normalization_18",
                                        "unsorted",   "unsupported"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const sample *model = find_sample(names[i]);
        size_t size;
        unsigned char *bytes = bytes_of(model->emit, &size);
        ferry_status status = FERRY_ERROR_OUT_OF_MEMORY;
        for (int64_t n = 1; status == FERRY_ERROR_OUT_OF_MEMORY && n < 5000; n++) {
            ferry_graph *graph = NULL;
            ferry_onnx_report report = {0};
            ferry_error error = {0};
            ferry_allocation_fail_after(n);
            status = ferry_onnx_read_memory(bytes, size, NULL, &graph, &report, &error);
            ferry_allocation_fail_after(0);
            assert_true((graph != NULL) == (status == FERRY_OK));
            ferry_graph_destroy(graph);
            ferry_onnx_report_free(&report);
        }
        assert_int_equal(status, model->status); /* in the end every allocation succeeded */
        free(bytes);
    }
}

/* ---- what the graphs hold ---- */

static const ferry_graph_node *node_of(const ferry_graph *graph, const char *op) {
    for (size_t i = 0; i < graph->nodes.count; i++)
        if (strcmp(graph->nodes.items[i]->op->name, op) == 0) return graph->nodes.items[i];
    fail_msg("no node %s", op);
    return NULL;
}

static int64_t integer_at(const ferry_graph_value *value, int64_t index) {
    assert_true(ferry_value_is_constant(value));
    assert_true(index < ferry_shape_count(&value->type.shape));
    return ferry_load_int64(value->type.dtype, value->type.data, index);
}

static double real_at(const ferry_graph_value *value, int64_t index) {
    assert_true(ferry_value_is_constant(value));
    assert_true(index < ferry_shape_count(&value->type.shape));
    return ferry_load_double(value->type.dtype, value->type.data, index);
}

static void decodes_every_encoding(void **state) {
    (void)state;
    ferry_graph *graph = read_good("typed_data");
    assert_true(real_at(ferry_graph_find(graph, "packed"), 2) == 3.0);
    assert_true(real_at(ferry_graph_find(graph, "unpacked"), 1) == 2.0);
    assert_true(real_at(ferry_graph_find(graph, "half"), 1) == 2.0);
    assert_int_equal(integer_at(ferry_graph_find(graph, "bool"), 0), 0);
    assert_int_equal(integer_at(ferry_graph_find(graph, "bool"), 1), 1); /* 2 in the file */
    assert_int_equal(integer_at(ferry_graph_find(graph, "int4"), 0), 1);
    assert_int_equal(integer_at(ferry_graph_find(graph, "int4"), 1), 2);
    assert_int_equal(integer_at(ferry_graph_find(graph, "int4"), 2), -1);
    assert_int_equal(integer_at(ferry_graph_find(graph, "int64"), 0), -5);
    assert_true(real_at(ferry_graph_find(graph, "double"), 1) == -0.25);
    const ferry_graph_value *big = ferry_graph_find(graph, "uint64");
    assert_int_equal(big->type.shape.rank, 0);
    assert_true(*(const uint64_t *)big->type.data == UINT64_MAX);
    const ferry_string *strings = ferry_graph_find(graph, "string")->type.data;
    assert_int_equal(strings[0].length, 4);
    assert_memory_equal(strings[0].text, "left", 4);
    assert_int_equal(strings[1].length, 0);
    ferry_graph_destroy(graph);
}

static void makes_sparse_tensors_dense(void **state) {
    (void)state;
    const double expected[] = {0, 1, 0, 0, 0, 2};
    ferry_graph *graph = read_good("sparse");
    for (int i = 0; i < 6; i++) assert_true(real_at(ferry_graph_find(graph, "weight"), i) == expected[i]);
    ferry_graph_destroy(graph);
}

static void keeps_symbols_and_metadata(void **state) {
    (void)state;
    char text[64];
    ferry_graph *graph = read_good("symbolic");
    const ferry_shape *shape = &graph->inputs.items[0]->type.shape;
    assert_int_equal(graph->inputs.count, 1);
    assert_string_equal(ferry_dim_text(graph->symbols, shape->dims[0], text, sizeof text), "batch");
    assert_false(ferry_dim_known(shape->dims[1]));
    assert_int_equal(shape->dims[2], 3);
    assert_true(graph->outputs.items[0]->type.ranked);
    assert_true(graph->outputs.items[0]->type.shape.dims[0] == shape->dims[0]);
    assert_string_equal(ferry_graph_metadata(graph, "task"), "detect");
    ferry_graph_destroy(graph);
}

static void initializers_are_no_inputs(void **state) {
    (void)state;
    ferry_graph *graph = read_good("initializer_is_input");
    assert_int_equal(graph->inputs.count, 1);
    assert_true(ferry_value_is_constant(ferry_graph_find(graph, "weight")));
    ferry_graph_destroy(graph);
}

static void sorts_nodes(void **state) {
    (void)state;
    ferry_graph *graph = read_good("unsorted");
    assert_string_equal(graph->nodes.items[0]->op->name, "Abs");
    assert_string_equal(graph->nodes.items[1]->op->name, "Neg");
    assert_string_equal(graph->nodes.items[2]->op->name, "Relu");
    ferry_graph_destroy(graph);
}

static void an_output_named_twice_is_copied(void **state) {
    (void)state;
    ferry_graph *graph = read_good("same_output_twice");
    ferry_error error = {0};
    assert_int_equal(graph->outputs.count, 2);
    assert_true(graph->outputs.items[0] != graph->outputs.items[1]);
    assert_true(node_of(graph, "Identity")->inputs[0] == graph->outputs.items[0]);
    assert_true(node_of(graph, "Identity")->outputs[0] == graph->outputs.items[1]);
    assert_int_equal(ferry_graph_verify(graph, &error), FERRY_OK);
    ferry_graph_destroy(graph);
}

static void constant_nodes_become_constants(void **state) {
    (void)state;
    ferry_graph *graph = read_good("constants");
    assert_int_equal(graph->nodes.count, 1);
    assert_true(real_at(ferry_graph_find(graph, "real"), 0) == 2.5);
    assert_int_equal(ferry_graph_find(graph, "real")->type.shape.rank, 0);
    assert_int_equal(integer_at(ferry_graph_find(graph, "list"), 1), -4);
    assert_true(graph->outputs.items[1] == ferry_graph_find(graph, "list"));
    ferry_graph_destroy(graph);
}

static void old_attributes_become_inputs(void **state) {
    static const struct {
        const char *sample, *op;
        int input;
        int64_t values[4];
        int count;
    } table[] = {{"reshape_1", "Reshape", 1, {3, -1}, 2}, {"pad_2", "Pad", 1, {0, 1, 0, 2}, 4},
                 {"slice_1", "Slice", 1, {1}, 1},         {"slice_1", "Slice", 2, {-1}, 1},
                 {"slice_1", "Slice", 3, {1}, 1},         {"squeeze_1", "Squeeze", 1, {1}, 1},
                 {"unsqueeze_1", "Unsqueeze", 1, {1}, 1}, {"reduce_mean_11", "ReduceMean", 1, {1}, 1},
                 {"topk_1", "TopK", 1, {2}, 1},           {"split_2", "Split", 1, {1, 3}, 2}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ferry_graph *graph = read_good(table[i].sample);
        const ferry_graph_node *node = node_of(graph, table[i].op);
        assert_true(node->input_count > table[i].input);
        assert_int_equal(ferry_shape_count(&node->inputs[table[i].input]->type.shape), table[i].count);
        for (int k = 0; k < table[i].count; k++)
            assert_int_equal(integer_at(node->inputs[table[i].input], k), table[i].values[k]);
        ferry_graph_destroy(graph);
    }
}

static void old_shapes_are_as_they_were(void **state) {
    static const struct {
        const char *sample;
        int rank;
        int64_t dims[4];
    } table[] = {{"reshape_1", 2, {3, 4}},        {"pad_2", 2, {2, 9}},
                 {"slice_1", 2, {2, 4}},          {"squeeze_1", 2, {2, 6}},
                 {"unsqueeze_1", 3, {2, 1, 6}},   {"reduce_mean_11", 2, {2, 1}},
                 {"topk_1", 2, {2, 2}},           {"upsample_7", 4, {1, 1, 4, 6}},
                 {"upsample_9", 4, {1, 1, 4, 6}}, {"add_6", 3, {2, 3, 4}},
                 {"split_2", 2, {1, 2}},          {"group_normalization_18", 4, {1, 4, 3, 3}}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ferry_graph *graph = read_good(table[i].sample);
        const ferry_value_type *type = &graph->outputs.items[0]->type;
        ferry_shape expected = ferry_shape_make(table[i].rank, table[i].dims);
        char text[FERRY_SHAPE_TEXT];
        if (!type->ranked || !ferry_shape_equal(&type->shape, &expected))
            fail_msg("%s: %s", table[i].sample, ferry_shape_text(&type->shape, text, sizeof text));
        ferry_graph_destroy(graph);
    }
}

static void clip_has_its_bound_and_no_other(void **state) {
    (void)state;
    ferry_graph *graph = read_good("clip_6");
    const ferry_graph_node *node = node_of(graph, "Clip");
    assert_int_equal(node->input_count, 3);
    assert_null(node->inputs[1]);
    assert_true(real_at(node->inputs[2], 0) == 6.0);
    assert_int_equal(node->inputs[2]->type.shape.rank, 0);
    ferry_graph_destroy(graph);
}

static void softmax_says_when_it_flattens(void **state) {
    (void)state;
    ferry_graph *graph = read_good("softmax_11");
    assert_int_equal(ferry_attribute_integer(&node_of(graph, "Softmax")->attributes, "_flatten", 0), 1);
    assert_int_equal(ferry_attribute_integer(&node_of(graph, "Softmax")->attributes, "axis", 0), 1);
    ferry_graph_destroy(graph);
    graph = read_good("softmax_11_last");
    assert_int_equal(ferry_attribute_integer(&node_of(graph, "Softmax")->attributes, "_flatten", 0), 0);
    assert_int_equal(ferry_attribute_integer(&node_of(graph, "Softmax")->attributes, "axis", 0), -1);
    ferry_graph_destroy(graph);
}

static void upsample_becomes_resize(void **state) {
    (void)state;
    ferry_graph *graph = read_good("upsample_9");
    const ferry_attributes *attributes = &node_of(graph, "Resize")->attributes;
    assert_true(ferry_attribute_is(attributes, "coordinate_transformation_mode", "asymmetric", false));
    assert_true(ferry_attribute_is(attributes, "nearest_mode", "floor", false));
    assert_true(real_at(node_of(graph, "Resize")->inputs[2], 3) == 3.0);
    ferry_graph_destroy(graph);
}

static void casts_by_number(void **state) {
    (void)state;
    ferry_graph *graph = read_good("cast_1");
    assert_int_equal(ferry_attribute_integer(&node_of(graph, "Cast")->attributes, "to", 0), FERRY_INT32);
    assert_int_equal(graph->outputs.items[0]->type.dtype, FERRY_INT32);
    ferry_graph_destroy(graph);
}

/* ---- bodies and functions ---- */

static const ferry_graph *body_of(const ferry_graph_node *node, const char *name) {
    const ferry_attribute *attribute = ferry_attribute_find(&node->attributes, name);
    assert_non_null(attribute);
    assert_int_equal(attribute->type, FERRY_ATTRIBUTE_GRAPH);
    return attribute->value.graph;
}

/* then reads a and b, else b and a constant: both take the same two inputs, in the same order. */
static void branches_are_closed(void **state) {
    (void)state;
    ferry_graph *graph = read_good("if_captures");
    const ferry_graph_node *node = node_of(graph, "If");
    const ferry_graph *yes = body_of(node, "then_branch"), *no = body_of(node, "else_branch");
    assert_int_equal(node->input_count, 3);
    assert_string_equal(node->inputs[1]->name, "a");
    assert_string_equal(node->inputs[2]->name, "b");
    assert_int_equal(yes->inputs.count, 2);
    assert_int_equal(no->inputs.count, 2);
    assert_true(node_of(yes, "Add")->inputs[1] == yes->inputs.items[1]);
    assert_true(node_of(no, "Sub")->inputs[0] == no->inputs.items[1]);
    assert_true(ferry_value_is_constant(node_of(no, "Sub")->inputs[1]));
    ferry_graph_destroy(graph);
}

static void loops_pass_what_bodies_capture(void **state) {
    (void)state;
    ferry_graph *graph = read_good("loop_captures");
    const ferry_graph_node *node = node_of(graph, "Loop");
    const ferry_graph *body = body_of(node, "body");
    assert_int_equal(ferry_attribute_integer(&node->attributes, "_captures", 0), 1);
    assert_int_equal(node->input_count, 4);
    assert_null(node->inputs[1]);
    assert_string_equal(node->inputs[3]->name, "step");
    assert_int_equal(body->inputs.count, 4);
    assert_true(node_of(body, "Add")->inputs[1] == body->inputs.items[3]);
    ferry_graph_destroy(graph);
}

static void functions_are_inlined(void **state) {
    (void)state;
    ferry_graph *graph = read_good("functions");
    int slopes = 0;
    assert_int_equal(graph->nodes.count, 6);
    assert_string_equal(graph->outputs.items[0]->name, "z");
    assert_non_null(ferry_graph_find(graph, "y"));
    for (size_t i = 0; i < graph->nodes.count; i++)
        slopes += ferry_attribute_real(&graph->nodes.items[i]->attributes, "alpha", 0) == 0.25f;
    assert_int_equal(slopes, 2); /* outer's LeakyRelu takes the caller's slope, inner's has none */
    ferry_graph_destroy(graph);
}

/* ---- reports ---- */

static void reports_all_that_is_unsupported(void **state) {
    (void)state;
    ferry_graph *graph;
    ferry_onnx_report report = {0};
    ferry_error error = {0};
    assert_int_equal(read_sample(find_sample("unsupported"), &graph, &report, &error), FERRY_ERROR_UNSUPPORTED);
    assert_int_equal(report.unsupported.count, 2); /* Scatter is known, by another name */
    assert_string_equal(report.unsupported.items[0].op, "NoSuchOperator");
    assert_string_equal(report.unsupported.items[0].node, "a");
    assert_int_equal(report.unsupported.items[0].opset, 17);
    assert_string_equal(report.unsupported.items[1].domain, "com.example");
    assert_int_equal(report.unsupported.items[1].opset, 3);
    assert_string_equal(report.producer_name, "by hand");
    assert_int_equal(report.ir_version, 8);
    assert_int_equal(report.opset, 17);
    assert_int_equal(report.nodes, 3);
    ferry_onnx_report_free(&report);
}

/* ---- external data ---- */

typedef struct folder {
    char path[64], model[96], weights[96];
} folder;

static void write_file(const char *path, const void *data, size_t bytes) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static folder make_folder(const char *sample_name) {
    folder made = {.path = "/tmp/ferry-onnx-XXXXXX"};
    const float weights[8] = {0, 0, 0, 0, 1, 2, 3, 4};
    size_t size;
    unsigned char *bytes = bytes_of(find_sample(sample_name)->emit, &size);
    assert_non_null(mkdtemp(made.path));
    snprintf(made.model, sizeof made.model, "%s/model.onnx", made.path);
    snprintf(made.weights, sizeof made.weights, "%s/weights.bin", made.path);
    write_file(made.model, bytes, size);
    write_file(made.weights, weights, sizeof weights);
    free(bytes);
    return made;
}

static void remove_folder(const folder *made) {
    unlink(made->model);
    unlink(made->weights);
    assert_int_equal(rmdir(made->path), 0);
}

static void reads_external_data(void **state) {
    (void)state;
    folder made = make_folder("external");
    ferry_graph *graph;
    ferry_error error = {0};
    assert_int_equal(ferry_onnx_read(made.model, &graph, NULL, &error), FERRY_OK);
    for (int i = 0; i < 4; i++) assert_true(real_at(ferry_graph_find(graph, "weight"), i) == i + 1.0);
    ferry_graph_destroy(graph);
    remove_folder(&made);
}

static void refuses_external_data_that_does_not_fit(void **state) {
    static const struct {
        const char *sample, *message;
    } table[] = {{"external_outside", "outside the model's folder"},
                 {"external_absolute", "outside the model's folder"},
                 {"external_short", "stated length is 12"}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        folder made = make_folder(table[i].sample);
        ferry_graph *graph;
        ferry_error error = {0};
        assert_int_equal(ferry_onnx_read(made.model, &graph, NULL, &error), FERRY_ERROR_FORMAT);
        if (!strstr(error.message, table[i].message)) fail_msg("%s", error.message);
        assert_non_null(strstr(error.message, made.model)); /* says which file */
        remove_folder(&made);
    }
    folder made = make_folder("external");
    ferry_graph *graph;
    ferry_error error = {0};
    assert_int_equal(truncate(made.weights, 28), 0);
    assert_int_equal(ferry_onnx_read(made.model, &graph, NULL, &error), FERRY_ERROR_FORMAT);
    unlink(made.weights);
    assert_int_equal(ferry_onnx_read(made.model, &graph, NULL, &error), FERRY_ERROR_IO);
    write_file(made.weights, "", 0);
    remove_folder(&made);
}

static void a_missing_file_is_an_io_error(void **state) {
    (void)state;
    ferry_graph *graph;
    ferry_error error = {0};
    assert_int_equal(ferry_onnx_read("/nonexistent/model.onnx", &graph, NULL, &error), FERRY_ERROR_IO);
    assert_non_null(strstr(error.message, "/nonexistent/model.onnx"));
}

/* ---- trained models ---- */

static void reads_trained_models(void **state) {
    static const char *const names[] = {"yolov5n",
                                        "yolov5n_fp16",
                                        "yolov8n",
                                        "yolov8n_int8",
                                        "yolox_nano",
                                        "scrfd_500m_kps",
                                        "retinaface_mnet25_v2",
                                        "ultraface_version-RFB-320",
                                        "yunet_n_dynamic",
                                        "mobilefacenet",
                                        "ultralight_simplepose",
                                        "squeezenet1.1_caffe",
                                        "mobilenet_v2_1.0_224_quant_from_tflite"};
    const char *assets = getenv("FERRY_ASSETS");
    (void)state;
    if (!assets || access(assets, R_OK) != 0) {
        print_message("skipped: the folder FERRY_ASSETS with trained models is not there\n");
        skip();
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[1024];
        ferry_graph *graph;
        ferry_onnx_report report = {0};
        ferry_error error = {0};
        snprintf(path, sizeof path, "%s/models/%s.onnx", assets, names[i]);
        if (access(path, R_OK) != 0) continue;
        if (ferry_onnx_read(path, &graph, &report, &error) != FERRY_OK) fail_msg("%s", error.message);
        for (size_t k = 0; k < graph->outputs.count; k++) {
            assert_true(graph->outputs.items[k]->type.dtype != FERRY_DTYPE_UNDEFINED);
            assert_true(graph->outputs.items[k]->type.ranked);
        }
        assert_true(report.parameters > 1000);
        ferry_graph_destroy(graph);
        ferry_onnx_report_free(&report);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_refuses_as_the_table_says),
        cmocka_unit_test(survives_truncation_at_every_byte),
        cmocka_unit_test(survives_every_failing_allocation),
        cmocka_unit_test(decodes_every_encoding),
        cmocka_unit_test(makes_sparse_tensors_dense),
        cmocka_unit_test(keeps_symbols_and_metadata),
        cmocka_unit_test(initializers_are_no_inputs),
        cmocka_unit_test(sorts_nodes),
        cmocka_unit_test(an_output_named_twice_is_copied),
        cmocka_unit_test(constant_nodes_become_constants),
        cmocka_unit_test(old_attributes_become_inputs),
        cmocka_unit_test(old_shapes_are_as_they_were),
        cmocka_unit_test(clip_has_its_bound_and_no_other),
        cmocka_unit_test(softmax_says_when_it_flattens),
        cmocka_unit_test(upsample_becomes_resize),
        cmocka_unit_test(casts_by_number),
        cmocka_unit_test(branches_are_closed),
        cmocka_unit_test(loops_pass_what_bodies_capture),
        cmocka_unit_test(functions_are_inlined),
        cmocka_unit_test(reports_all_that_is_unsupported),
        cmocka_unit_test(reads_external_data),
        cmocka_unit_test(refuses_external_data_that_does_not_fit),
        cmocka_unit_test(a_missing_file_is_an_io_error),
        cmocka_unit_test(reads_trained_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
