/* SPDX-License-Identifier: Apache-2.0 */
/* Writes YOLOv5s (v6.0, COCO) as ONNX from the float32 shards of a TensorFlow.js graph model: usage FOLDER OUT.onnx.
 *
 * The shards carry every convolution with its batch normalisation folded in, as HWIO weights and a bias, numbered conv2d,
 * conv2d_1 ... conv2d_59 in the order in which the modules of yolov5s.yaml are made (inside a C3: cv1, cv2, cv3, then the
 * bottlenecks). That number and the published architecture are all that is needed; the graph around them is written anew in the
 * form that Ultralytics' own export has: input images 1x3x640x640, output 1x25200x85 decoded. */
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx_writer.h"

enum { SIZE = 640, CLASSES = 80, ROW = CLASSES + 5, CONVOLUTIONS = 60, NAME = 64 };

typedef struct weights {
    const float *values;
    int64_t dims[4];
    int rank;
} weights;

typedef struct converter {
    weights kernels[CONVOLUTIONS], biases[CONVOLUTIONS];
    unsigned char *shards;
    size_t bytes;
    int next; /* number of the convolution that the next module takes */
    onnx_writer writer;
} converter;

static _Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void give_up(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("yolov5_from_tfjs: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

/* ---- reading the shards ---- */

static void append_shard(converter *state, const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) give_up("cannot read '%s'", path);
    long bytes = ftell(file);
    rewind(file);
    unsigned char *grown = bytes > 0 ? realloc(state->shards, state->bytes + (size_t)bytes) : NULL;
    if (!grown || fread(grown + state->bytes, 1, (size_t)bytes, file) != (size_t)bytes) give_up("cannot read '%s'", path);
    state->shards = grown;
    state->bytes += (size_t)bytes;
    fclose(file);
}

/* The number in ".../conv2d_17/Conv2D/ReadVariableOp" or ".../conv2d/BiasAdd/...", -1 for anything else. */
static int convolution_number(const char *name, bool *bias) {
    const char *at = strstr(name, "/conv2d");
    int number = 0;
    if (!at) return -1;
    at += strlen("/conv2d");
    if (*at == '_') number = (int)strtol(at + 1, (char **)&at, 10);
    *bias = strcmp(at, "/BiasAdd/ReadVariableOp") == 0;
    bool kernel = strcmp(at, "/Conv2D/ReadVariableOp") == 0;
    return (*bias || kernel) && number >= 0 && number < CONVOLUTIONS ? number : -1;
}

static size_t read_shape(json_t *entry, weights *into) {
    json_t *shape = json_object_get(entry, "shape");
    size_t elements = 1, rank = json_array_size(shape);
    into->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        int64_t dim = json_integer_value(json_array_get(shape, i));
        if (dim < 1 || dim > 1 << 20) give_up("model.json: a weight has the dimension %lld", (long long)dim);
        if (i < 4) into->dims[i] = dim;
        elements *= (size_t)dim;
        if (elements > 1u << 28) give_up("model.json: a weight is too large");
    }
    return elements;
}

static void read_manifest(converter *state, const char *folder) {
    char path[4096];
    json_error_t problem;
    snprintf(path, sizeof path, "%s/model.json", folder);
    json_t *root = json_load_file(path, 0, &problem);
    if (!root) give_up("'%s' line %d: %s", path, problem.line, problem.text);
    json_t *group = json_array_get(json_object_get(root, "weightsManifest"), 0), *entry;
    size_t index, offset = 0;
    json_array_foreach(json_object_get(group, "paths"), index, entry) {
        if (!json_is_string(entry) || strchr(json_string_value(entry), '/'))
            give_up("model.json: a shard's name is no plain name");
        append_shard(state, folder, json_string_value(entry));
    }
    json_array_foreach(json_object_get(group, "weights"), index, entry) {
        const char *name = json_string_value(json_object_get(entry, "name")),
                   *type = json_string_value(json_object_get(entry, "dtype"));
        weights found = {0};
        bool bias = false;
        size_t bytes = 4 * read_shape(entry, &found);
        if (!name || !type || (strcmp(type, "float32") != 0 && strcmp(type, "int32") != 0))
            give_up("model.json: weight %zu is not of 4 bytes", index);
        if (bytes > state->bytes - offset) give_up("the shards are shorter than model.json says");
        int number = convolution_number(name, &bias);
        found.values = (const float *)(const void *)(state->shards + offset);
        if (number >= 0 && found.rank == (bias ? 1 : 4)) (bias ? state->biases : state->kernels)[number] = found;
        offset += bytes;
    }
    json_decref(root);
    for (int i = 0; i < CONVOLUTIONS; i++)
        if (!state->kernels[i].values || !state->biases[i].values || state->biases[i].dims[0] != state->kernels[i].dims[3])
            give_up("the weights of convolution %d are missing or odd: is this the YOLOv5s model of the v6 series?", i);
}

/* ---- modules ---- */

static void write_weights(converter *state, int number, const char *name) {
    const weights *kernel = &state->kernels[number], *bias = &state->biases[number];
    int64_t height = kernel->dims[0], width = kernel->dims[1], inputs = kernel->dims[2], outputs = kernel->dims[3];
    int64_t dims[4] = {outputs, inputs, height, width};
    char label[NAME + 8];
    float *turned = malloc(sizeof *turned * (size_t)(height * width * inputs * outputs));
    if (!turned) give_up("out of memory");
    for (int64_t y = 0; y < height; y++) /* HWIO to OIHW */
        for (int64_t x = 0; x < width; x++)
            for (int64_t in = 0; in < inputs; in++)
                for (int64_t out = 0; out < outputs; out++)
                    turned[((out * inputs + in) * height + y) * width + x] =
                        kernel->values[((y * width + x) * inputs + in) * outputs + out];
    snprintf(label, sizeof label, "%s.weight", name);
    onnx_writer_floats(&state->writer, label, turned, dims, 4);
    snprintf(label, sizeof label, "%s.bias", name);
    onnx_writer_floats(&state->writer, label, bias->values, bias->dims, 1);
    free(turned);
}

static void node(converter *state, const char *operator_name, const char *outputs, const onnx_attribute *attributes, int count,
                 const char *format, ...) __attribute__((format(printf, 6, 7)));

static void node(converter *state, const char *operator_name, const char *outputs, const onnx_attribute *attributes, int count,
                 const char *format, ...) {
    char inputs[4 * NAME];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(inputs, sizeof inputs, format, arguments);
    va_end(arguments);
    onnx_writer_node(&state->writer, operator_name, inputs, outputs, attributes, count);
}

/* A convolution without activation; the padding keeps SIZE / stride. The first one pads 2 for its kernel of 6. */
static void plain_convolution(converter *state, const char *name, const char *input, int64_t stride) {
    int number = state->next++;
    int64_t size = state->kernels[number].dims[0], pad = size == 6 ? 2 : size / 2;
    int64_t sizes[] = {size, size}, strides[] = {stride, stride}, pads[] = {pad, pad, pad, pad};
    onnx_attribute attributes[] = {{"kernel_shape", sizes, 2}, {"strides", strides, 2}, {"pads", pads, 4}};
    write_weights(state, number, name);
    node(state, "Conv", name, attributes, 3, "%s %s.weight %s.bias", input, name, name);
}

/* Conv of YOLOv5: convolution and SiLU, written as x * sigmoid(x). The result is called `name`. */
static void convolution(converter *state, const char *name, const char *input, int64_t stride) {
    char plain[NAME], gate[NAME];
    snprintf(plain, sizeof plain, "%s.conv", name);
    snprintf(gate, sizeof gate, "%s.gate", name);
    plain_convolution(state, plain, input, stride);
    node(state, "Sigmoid", gate, NULL, 0, "%s", plain);
    node(state, "Mul", name, NULL, 0, "%s %s", plain, gate);
}

static void concat(converter *state, const char *name, int64_t axis, const char *inputs) {
    onnx_attribute attribute = {"axis", &axis, 1};
    node(state, "Concat", name, &attribute, 1, "%s", inputs);
}

/* C3: cv3(concat(bottlenecks(cv1(x)), cv2(x))). */
static void c3(converter *state, const char *name, const char *input, int bottlenecks, bool shortcut) {
    char first[NAME], second[NAME], third[NAME], pair[2 * NAME + 2], at[NAME], inner[NAME], joined[NAME];
    snprintf(first, sizeof first, "%s.cv1", name);
    snprintf(second, sizeof second, "%s.cv2", name);
    snprintf(third, sizeof third, "%s.concat", name);
    convolution(state, first, input, 1);
    convolution(state, second, input, 1);
    int last = state->next++; /* cv3 is numbered before the bottlenecks */
    snprintf(at, sizeof at, "%s", first);
    for (int i = 0; i < bottlenecks; i++) {
        snprintf(inner, sizeof inner, "%s.m.%d.cv1", name, i);
        snprintf(joined, sizeof joined, "%s.m.%d%s", name, i, shortcut ? ".cv2" : "");
        convolution(state, inner, at, 1);
        convolution(state, joined, inner, 1);
        if (shortcut) {
            char sum[NAME];
            snprintf(sum, sizeof sum, "%s.m.%d", name, i);
            node(state, "Add", sum, NULL, 0, "%s %s", at, joined);
            snprintf(at, sizeof at, "%s", sum);
        } else {
            snprintf(at, sizeof at, "%s", joined);
        }
    }
    snprintf(pair, sizeof pair, "%s %s", at, second);
    concat(state, third, 1, pair);
    int resume = state->next;
    state->next = last;
    convolution(state, name, third, 1);
    state->next = resume;
}

/* SPPF: cv2(concat(x, pool(x), pool(pool(x)), pool(pool(pool(x))))) after cv1. */
static void sppf(converter *state, const char *name, const char *input) {
    static const int64_t sizes[] = {5, 5}, strides[] = {1, 1}, pads[] = {2, 2, 2, 2};
    const onnx_attribute attributes[] = {{"kernel_shape", sizes, 2}, {"strides", strides, 2}, {"pads", pads, 4}};
    char names[4][NAME], joined[NAME], all[4 * NAME + 8];
    snprintf(names[0], NAME, "%s.cv1", name);
    convolution(state, names[0], input, 1);
    for (int i = 1; i < 4; i++) {
        snprintf(names[i], NAME, "%s.pool%d", name, i);
        node(state, "MaxPool", names[i], attributes, 3, "%s", names[i - 1]);
    }
    snprintf(all, sizeof all, "%s %s %s %s", names[0], names[1], names[2], names[3]);
    snprintf(joined, sizeof joined, "%s.concat", name);
    concat(state, joined, 1, all);
    convolution(state, name, joined, 1);
}

static void upsample(converter *state, const char *name, const char *input) {
    const onnx_attribute attributes[] = {{"mode", NULL, 0, "nearest"},
                                         {"coordinate_transformation_mode", NULL, 0, "asymmetric"},
                                         {"nearest_mode", NULL, 0, "floor"}};
    node(state, "Resize", name, attributes, 3, "%s - upsample.scales", input);
}

/* ---- detection head ---- */

static void write_grid(converter *state, const char *name, int cells) {
    int64_t dims[] = {1, 1, cells, cells, 2};
    float *grid = malloc(sizeof *grid * 2 * (size_t)cells * (size_t)cells);
    if (!grid) give_up("out of memory");
    for (int y = 0; y < cells; y++)
        for (int x = 0; x < cells; x++) {
            grid[2 * (y * cells + x)] = (float)x - 0.5f;
            grid[2 * (y * cells + x) + 1] = (float)y - 0.5f;
        }
    onnx_writer_floats(&state->writer, name, grid, dims, 5);
    free(grid);
}

/* One scale of Detect: xy = (2 s + cell - 0.5) stride, wh = (2 s)^2 anchor, with s = sigmoid of the convolution. */
static void detect_scale(converter *state, int scale, const char *input, const char *output) {
    static const float anchors[3][6] = {{10, 13, 16, 30, 33, 23}, {30, 61, 62, 45, 59, 119}, {116, 90, 156, 198, 373, 326}};
    const int64_t anchor_dims[] = {1, 3, 1, 1, 2}, scalar[] = {1}, order[] = {0, 1, 3, 4, 2}, last = 4;
    const int64_t cells = SIZE / (8 << scale), split_up[] = {1, 3, ROW, cells, cells}, rows[] = {1, 3 * cells * cells, ROW};
    const float stride = (float)(8 << scale);
    const onnx_attribute permutation = {"perm", order, 5}, axis = {"axis", &last, 1};
    onnx_writer *writer = &state->writer;
    char n[12][NAME], outputs[3 * NAME];
    static const char *const parts[] = {"grid",   "stride", "anchor", "split", "rows", "conv",
                                        "raised", "turned", "score",  "xy",    "wh",   "rest"};
    for (int i = 0; i < 12; i++) snprintf(n[i], NAME, "model.24.%d.%s", scale, parts[i]);
    write_grid(state, n[0], (int)cells);
    onnx_writer_floats(writer, n[1], &stride, scalar, 1);
    onnx_writer_floats(writer, n[2], anchors[scale], anchor_dims, 5);
    onnx_writer_integers(writer, n[3], split_up, 5);
    onnx_writer_integers(writer, n[4], rows, 3);
    plain_convolution(state, n[5], input, 1);
    node(state, "Reshape", n[6], NULL, 0, "%s %s", n[5], n[3]);
    node(state, "Transpose", n[7], &permutation, 1, "%s", n[6]);
    node(state, "Sigmoid", n[8], NULL, 0, "%s", n[7]);
    snprintf(outputs, sizeof outputs, "%s %s %s", n[9], n[10], n[11]);
    node(state, "Split", outputs, &axis, 1, "%s detect.parts", n[8]);
    char step[6][NAME];
    for (int i = 0; i < 6; i++) snprintf(step[i], NAME, "model.24.%d.step%d", scale, i);
    node(state, "Mul", step[0], NULL, 0, "%s detect.two", n[9]);
    node(state, "Add", step[1], NULL, 0, "%s %s", step[0], n[0]);
    node(state, "Mul", step[2], NULL, 0, "%s %s", step[1], n[1]);
    node(state, "Mul", step[3], NULL, 0, "%s detect.two", n[10]);
    node(state, "Mul", step[4], NULL, 0, "%s %s", step[3], step[3]);
    node(state, "Mul", step[5], NULL, 0, "%s %s", step[4], n[2]);
    char joined[NAME], all[3 * NAME];
    snprintf(joined, sizeof joined, "model.24.%d.joined", scale);
    snprintf(all, sizeof all, "%s %s %s", step[2], step[5], n[11]);
    concat(state, joined, 4, all);
    node(state, "Reshape", output, NULL, 0, "%s %s", joined, n[4]);
}

/* yolov5s.yaml of the v6.0 series, line by line. */
static void write_network(converter *state) {
    static const int64_t image[] = {1, 3, SIZE, SIZE}, found[] = {1, 25200, ROW}, one[] = {1}, four[] = {4},
                         parts[] = {2, 2, ROW - 4};
    static const float two = 2, scales[] = {1, 1, 2, 2};
    onnx_writer_input(&state->writer, "images", image, 4);
    onnx_writer_floats(&state->writer, "detect.two", &two, one, 1);
    onnx_writer_floats(&state->writer, "upsample.scales", scales, four, 1);
    onnx_writer_integers(&state->writer, "detect.parts", parts, 3);
    convolution(state, "model.0", "images", 2);
    convolution(state, "model.1", "model.0", 2);
    c3(state, "model.2", "model.1", 1, true);
    convolution(state, "model.3", "model.2", 2);
    c3(state, "model.4", "model.3", 2, true);
    convolution(state, "model.5", "model.4", 2);
    c3(state, "model.6", "model.5", 3, true);
    convolution(state, "model.7", "model.6", 2);
    c3(state, "model.8", "model.7", 1, true);
    sppf(state, "model.9", "model.8");
    convolution(state, "model.10", "model.9", 1);
    upsample(state, "model.11", "model.10");
    concat(state, "model.12", 1, "model.11 model.6");
    c3(state, "model.13", "model.12", 1, false);
    convolution(state, "model.14", "model.13", 1);
    upsample(state, "model.15", "model.14");
    concat(state, "model.16", 1, "model.15 model.4");
    c3(state, "model.17", "model.16", 1, false);
    convolution(state, "model.18", "model.17", 2);
    concat(state, "model.19", 1, "model.18 model.14");
    c3(state, "model.20", "model.19", 1, false);
    convolution(state, "model.21", "model.20", 2);
    concat(state, "model.22", 1, "model.21 model.10");
    c3(state, "model.23", "model.22", 1, false);
    detect_scale(state, 0, "model.17", "small");
    detect_scale(state, 1, "model.20", "medium");
    detect_scale(state, 2, "model.23", "large");
    concat(state, "output", 1, "small medium large");
    onnx_writer_output(&state->writer, "output", found, 3);
}

static void write_metadata(converter *state) {
    static const char *const names[CLASSES] = {
#include "coco_names.def"
    };
    char text[4096];
    int used = snprintf(text, sizeof text, "{");
    for (int i = 0; i < CLASSES; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%d: '%s'", i ? ", " : "", i, names[i]);
    snprintf(text + used, sizeof text - (size_t)used, "}");
    onnx_writer_metadata(&state->writer, "task", "detect");
    onnx_writer_metadata(&state->writer, "stride", "32");
    onnx_writer_metadata(&state->writer, "names", text);
    onnx_writer_metadata(&state->writer, "license", "AGPL-3.0 (weights by Ultralytics)");
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: yolov5_from_tfjs FOLDER OUT.onnx\n", stderr);
        return 2;
    }
    static converter state;
    const int64_t opset = 13;
    read_manifest(&state, argv[1]);
    write_network(&state);
    write_metadata(&state);
    bool good = onnx_writer_save(&state.writer, argv[2], "ferry yolov5_from_tfjs", opset);
    free(state.shards);
    return good ? 0 : 1;
}
