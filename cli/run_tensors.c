/* SPDX-License-Identifier: Apache-2.0 */
/* ferry run on arrays: .npy in, .npy out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "commands.h"
#include "json.h"
#include "npy.h"
#include "run.h"

static bool is_npy(const char *path) {
    size_t length = strlen(path);
    return length > 4 && strcasecmp(path + length - 4, ".npy") == 0;
}

bool ferry_run_wants_tensors(const ferry_run_options *given) {
    return given->inputs.count > 0 || (given->arguments.count > 1 && is_npy(given->arguments.items[1]));
}

/* ---- inputs ---- */

/* NumPy has no bfloat16: such an input is given as float32 and rounded to nearest, ties to even. In place. */
static void round_to_bfloat16(ferry_npy *array) {
    const uint32_t *from = array->view.data;
    uint16_t *to = array->view.data;
    for (size_t i = 0; i < array->bytes / 4; i++) {
        uint32_t bits = from[i];
        bool nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
        to[i] = (uint16_t)(nan ? bits >> 16 | 0x40 : (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16);
    }
    array->view.dtype = FERRY_BFLOAT16;
    array->bytes /= 2;
}

static ferry_status read_input(ferry_engine *engine, ferry_context *context, int index, const char *path, ferry_npy *array,
                               ferry_error *error) {
    ferry_binding_info info;
    ferry_status status = ferry_engine_input(engine, index, &info, error);
    if (status == FERRY_OK) status = ferry_npy_read(path, array, error);
    if (status != FERRY_OK) return status;
    if (info.dtype == FERRY_BFLOAT16 && array->view.dtype == FERRY_FLOAT32) round_to_bfloat16(array);
    if (info.dtype != array->view.dtype)
        return ferry_cli_fail(error, FERRY_ERROR_SHAPE, 0, "'%s' holds %s, and the input '%s' wants %s", path,
                              ferry_dtype_name(array->view.dtype), info.name, ferry_dtype_name(info.dtype));
    return ferry_context_bind_input(context, index, &array->view, error);
}

/* Which input an argument means: NAME=FILE by its name, a plain file by its place. */
static ferry_status resolve_input(const ferry_engine *engine, const ferry_run_options *given, int number, int *index,
                                  const char **path, ferry_error *error) {
    int plain = given->arguments.count - 1;
    if (number < plain) {
        *index = number;
        *path = given->arguments.items[number + 1];
        if (number < ferry_engine_input_count(engine)) return FERRY_OK;
        return ferry_cli_fail(error, FERRY_ERROR_INVALID_ARGUMENT, 0, "'%s': the model has only %d inputs", *path,
                              ferry_engine_input_count(engine));
    }
    char name[512];
    const char *text = given->inputs.items[number - plain];
    if (!ferry_cli_split_pair(text, name, sizeof name, path))
        return ferry_cli_fail(error, FERRY_ERROR_INVALID_ARGUMENT, 0, "--input wants NAME=FILE.npy, not '%s'", text);
    return ferry_cli_find_input(engine, name, index, error);
}

static ferry_status read_inputs(ferry_engine *engine, ferry_context *context, const ferry_run_options *given, ferry_npy *arrays,
                                ferry_error *error) {
    int count = given->arguments.count - 1 + given->inputs.count;
    for (int number = 0; number < count; number++) {
        int index = 0;
        const char *path = NULL;
        ferry_status status = resolve_input(engine, given, number, &index, &path, error);
        if (status != FERRY_OK) return status;
        if (arrays[index].view.data)
            return ferry_cli_fail(error, FERRY_ERROR_INVALID_ARGUMENT, 0, "'%s': that input was given already", path);
        status = read_input(engine, context, index, path, &arrays[index], error);
        if (status != FERRY_OK) return status;
    }
    for (int index = 0; index < ferry_engine_input_count(engine); index++) {
        ferry_binding_info info;
        if (arrays[index].view.data) continue;
        ferry_status status = ferry_engine_input(engine, index, &info, error);
        if (status != FERRY_OK) return status;
        return ferry_cli_fail(error, FERRY_ERROR_INVALID_ARGUMENT, 0,
                              "the input '%s' is missing; give it with --input %s=FILE.npy", info.name, info.name);
    }
    return FERRY_OK;
}

/* ---- outputs ---- */

/* FOLDER/NAME.npy, with what a file name cannot hold replaced. Owned by the caller. */
static char *output_path(const char *folder, const char *name) {
    size_t bytes = strlen(folder) + strlen(name) + sizeof "/.npy";
    char *path = malloc(bytes);
    if (!path) return NULL;
    int used = snprintf(path, bytes, "%s/", folder);
    snprintf(path + used, bytes - (size_t)used, "%s.npy", name);
    for (char *c = path + used; *c; c++)
        if (*c == '/' || *c == ':' || *c == '\\') *c = '_';
    if (path[used] == '.') path[used] = '_';
    return path;
}

static ferry_status write_output(const char *folder, const char *name, const ferry_tensor_view *view, ferry_error *error) {
    char *path = output_path(folder, name);
    if (!path) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    ferry_status status = ferry_npy_write(path, view, error);
    free(path);
    return status;
}

typedef struct range {
    double least, most, mean;
} range;

/* Of float32 contents, which is what nearly all outputs are; false for other types and empty tensors. */
static bool find_range(const ferry_tensor_view *view, range *result) {
    size_t bytes;
    if (view->dtype != FERRY_FLOAT32 || !ferry_npy_view_bytes(view, &bytes) || bytes == 0) return false;
    const float *values = view->data;
    size_t count = bytes / sizeof *values;
    double sum = 0;
    *result = (range){values[0], values[0], 0};
    for (size_t i = 0; i < count; i++) {
        if (values[i] < result->least) result->least = values[i];
        if (values[i] > result->most) result->most = values[i];
        sum += values[i];
    }
    result->mean = sum / (double)count;
    return true;
}

static void print_json_output(ferry_json *json, const char *name, const ferry_tensor_view *view) {
    range values;
    ferry_json_begin(json, '{');
    ferry_json_string_at(json, "name", name);
    ferry_json_string_at(json, "dtype", ferry_dtype_name(view->dtype));
    ferry_json_key(json, "shape");
    ferry_json_begin(json, '[');
    for (int i = 0; i < view->shape.rank; i++) ferry_json_integer(json, view->shape.dims[i]);
    ferry_json_end(json, ']');
    if (find_range(view, &values)) {
        ferry_json_number_at(json, "min", values.least, 6);
        ferry_json_number_at(json, "max", values.most, 6);
        ferry_json_number_at(json, "mean", values.mean, 6);
    }
    ferry_json_end(json, '}');
}

static void print_output(const char *name, const ferry_tensor_view *view) {
    char shape[256];
    range values;
    printf("%s  %s  %s", name, ferry_dtype_name(view->dtype), ferry_cli_shape(&view->shape, NULL, shape, sizeof shape));
    if (find_range(view, &values)) printf("  min %g  max %g  mean %g", values.least, values.most, values.mean);
    putchar('\n');
}

static ferry_status give_outputs(ferry_engine *engine, ferry_context *context, const ferry_run_options *given,
                                 ferry_error *error) {
    const char *folder = given->outputs.count ? given->outputs.items[0] : NULL;
    ferry_json json;
    ferry_status status = folder ? ferry_cli_make_folder(folder, error) : FERRY_OK;
    ferry_json_init(&json, stdout, true);
    for (int i = 0; i < ferry_engine_output_count(engine) && status == FERRY_OK; i++) {
        ferry_binding_info info;
        ferry_tensor_view view;
        status = ferry_engine_output(engine, i, &info, error);
        if (status == FERRY_OK) status = ferry_context_output(context, i, &view, error);
        if (status == FERRY_OK && folder) status = write_output(folder, info.name, &view, error);
        if (status != FERRY_OK) break;
        if (given->json)
            print_json_output(&json, info.name, &view);
        else if (!given->quiet)
            print_output(info.name, &view);
    }
    return status;
}

ferry_status ferry_run_tensors(ferry_engine *engine, const ferry_run_options *given, ferry_error *error) {
    int inputs = ferry_engine_input_count(engine);
    ferry_npy *arrays = calloc((size_t)inputs + 1, sizeof *arrays);
    ferry_context *context = NULL;
    ferry_context_settings settings;
    ferry_context_settings_default(&settings);
    settings.threads = (int)given->threads;
    if (!arrays) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    ferry_status status = ferry_context_create(engine, &settings, &context, error);
    if (status == FERRY_OK) status = read_inputs(engine, context, given, arrays, error);
    if (status == FERRY_OK) status = ferry_context_run(context, error);
    if (status == FERRY_OK) status = give_outputs(engine, context, given, error);
    ferry_context_destroy(context);
    for (int i = 0; i < inputs; i++) ferry_npy_free(&arrays[i]);
    free(arrays);
    return status;
}
