/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the small models, arrays, pictures and videos that the end-to-end tests work on: usage make_models FOLDER.
 *
 *   small.onnx, small_x.npy, small_y.npy   a convolution with bias and ReLU; y computed here, straight from the definition
 *   dynamic.onnx                           the same with symbolic height and width
 *   unknown.onnx                           two operators that nobody has
 *   boxes.onnx                             YOLOv5's output form with two fixed boxes, whatever the picture
 *   picture.ppm, video.y4m                 160x120 pixels; 12 frames at 10 a second */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../cli/npy.h"
#include "../../tools/onnx_writer.h"

enum { IN = 3, OUT = 5, SIDE = 9, KERNEL = 3, WIDTH = 160, HEIGHT = 120, FRAMES = 12, NETWORK = 64, ROWS = 252, ROW = 7 };

static const char *folder;

static const char *path_of(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void check(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "make_models: %s\n", what);
    exit(1);
}

/* Numbers in [-1, 1) from a linear congruential generator. */
static float next_number(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(int32_t)*state * 0x1p-31f;
}

/* ---- a convolution ---- */

typedef struct example {
    float x[IN * SIDE * SIDE], weight[OUT * IN * KERNEL * KERNEL], bias[OUT], y[OUT * SIDE * SIDE];
} example;

static float convolve(const example *data, int out, int row, int column) {
    double sum = (double)data->bias[out];
    for (int in = 0; in < IN; in++)
        for (int i = 0; i < KERNEL; i++)
            for (int j = 0; j < KERNEL; j++) {
                int y = row + i - 1, x = column + j - 1;
                if (y < 0 || y >= SIDE || x < 0 || x >= SIDE) continue;
                sum += (double)data->x[(in * SIDE + y) * SIDE + x] *
                       (double)data->weight[((out * IN + in) * KERNEL + i) * KERNEL + j];
            }
    return sum > 0 ? (float)sum : 0.0f;
}

static void fill_example(example *data) {
    uint32_t state = 7;
    for (size_t i = 0; i < sizeof data->x / sizeof *data->x; i++) data->x[i] = next_number(&state);
    for (size_t i = 0; i < sizeof data->weight / sizeof *data->weight; i++) data->weight[i] = next_number(&state);
    for (int i = 0; i < OUT; i++) data->bias[i] = next_number(&state);
    for (int out = 0; out < OUT; out++)
        for (int row = 0; row < SIDE; row++)
            for (int column = 0; column < SIDE; column++)
                data->y[(out * SIDE + row) * SIDE + column] = convolve(data, out, row, column);
}

static void write_convolution(const example *data, const char *name, int64_t side) {
    static const int64_t weight_dims[] = {OUT, IN, KERNEL, KERNEL}, bias_dims[] = {OUT}, pads[] = {1, 1, 1, 1};
    const int64_t in_dims[] = {1, IN, side, side}, out_dims[] = {1, OUT, side, side};
    const onnx_attribute attribute = {"pads", pads, 4};
    onnx_writer writer = {0};
    onnx_writer_input(&writer, "x", in_dims, 4);
    onnx_writer_floats(&writer, "weight", data->weight, weight_dims, 4);
    onnx_writer_floats(&writer, "bias", data->bias, bias_dims, 1);
    onnx_writer_node(&writer, "Conv", "x weight bias", "sum", &attribute, 1);
    onnx_writer_node(&writer, "Relu", "sum", "y", NULL, 0);
    onnx_writer_output(&writer, "y", out_dims, 4);
    onnx_writer_metadata(&writer, "author", "ferry's tests");
    check(onnx_writer_save(&writer, path_of(name), "ferry tests", 13), name);
}

static void write_array(const char *name, float *values, int64_t channels) {
    ferry_error error;
    ferry_tensor_view view = {FERRY_FLOAT32, {4, {1, channels, SIDE, SIDE}}, values};
    check(ferry_npy_write(path_of(name), &view, &error) == FERRY_OK, name);
}

static void write_example(void) {
    static example data;
    fill_example(&data);
    write_convolution(&data, "small.onnx", SIDE);
    write_convolution(&data, "dynamic.onnx", -1);
    write_array("small_x.npy", data.x, IN);
    write_array("small_y.npy", data.y, OUT);
}

/* ---- faults and fixed boxes ---- */

static void write_unknown(void) {
    static const int64_t dims[] = {1, 4};
    onnx_writer writer = {0};
    onnx_writer_input(&writer, "x", dims, 2);
    onnx_writer_node(&writer, "Frobnicate", "x", "first_strange_node", NULL, 0);
    onnx_writer_node(&writer, "Relu", "first_strange_node", "plain", NULL, 0);
    onnx_writer_node(&writer, "Whatsit", "plain", "second_strange_node", NULL, 0);
    onnx_writer_output(&writer, "second_strange_node", dims, 2);
    check(onnx_writer_save(&writer, path_of("unknown.onnx"), "ferry tests", 13), "unknown.onnx");
}

/* Rows of x y w h objectness and two classes; all but two score nothing. The picture is averaged and multiplied by zero, so
 * that the input is used. */
static void write_boxes(void) {
    static float rows[ROWS * ROW] = {[0] = 16, 32, 10, 20, 0.9f, 0.8f, 0.1f, [5 * ROW] = 48, 32, 16, 16, 0.8f, 0.1f, 0.95f};
    static const int64_t image[] = {1, 3, NETWORK, NETWORK}, found[] = {1, ROWS, ROW}, one[] = {1}, flat[] = {1, 1, 1};
    static const float zero = 0;
    onnx_writer writer = {0};
    onnx_writer_input(&writer, "images", image, 4);
    onnx_writer_floats(&writer, "zero", &zero, one, 1);
    onnx_writer_floats(&writer, "rows", rows, found, 3);
    onnx_writer_integers(&writer, "flat", flat, 3);
    const int64_t keep[] = {0}, axes[] = {1, 2, 3};
    const onnx_attribute attributes[] = {{"axes", axes, 3}, {"keepdims", keep, 1}};
    onnx_writer_node(&writer, "ReduceMean", "images", "mean", attributes, 2);
    onnx_writer_node(&writer, "Reshape", "mean flat", "mean3", NULL, 0);
    onnx_writer_node(&writer, "Mul", "mean3 zero", "nothing", NULL, 0);
    onnx_writer_node(&writer, "Add", "rows nothing", "output", NULL, 0);
    onnx_writer_output(&writer, "output", found, 3);
    onnx_writer_metadata(&writer, "task", "detect");
    onnx_writer_metadata(&writer, "stride", "32");
    onnx_writer_metadata(&writer, "names", "{0: 'lantern', 1: 'harbour seal'}");
    check(onnx_writer_save(&writer, path_of("boxes.onnx"), "ferry tests", 13), "boxes.onnx");
}

/* ---- pictures ---- */

static void write_picture(void) {
    FILE *file = fopen(path_of("picture.ppm"), "wb");
    check(file != NULL, "picture.ppm");
    fprintf(file, "P6\n%d %d\n255\n", WIDTH, HEIGHT);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            const unsigned char pixel[3] = {(unsigned char)x, (unsigned char)(2 * y), (unsigned char)(x ^ y)};
            fwrite(pixel, 1, 3, file);
        }
    check(fclose(file) == 0, "picture.ppm");
}

/* YUV4MPEG2, 4:2:0: a grey ramp that moves. */
static void write_video(const char *name) {
    FILE *file = fopen(path_of(name), "wb");
    check(file != NULL, name);
    fprintf(file, "YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420mpeg2\n", WIDTH, HEIGHT);
    for (int frame = 0; frame < FRAMES; frame++) {
        long bytes = WIDTH * HEIGHT * 3 / 2;
        fputs("FRAME\n", file);
        for (long i = 0; i < bytes; i++) fputc(i < WIDTH * HEIGHT ? (int)(16 + (i % WIDTH + 4 * frame) % 200) : 128, file);
    }
    check(fclose(file) == 0, name);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: make_models FOLDER\n", stderr);
        return 2;
    }
    folder = argv[1];
    write_example();
    write_unknown();
    write_boxes();
    write_picture();
    write_video("video.y4m");
    return 0;
}
