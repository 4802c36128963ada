/* SPDX-License-Identifier: Apache-2.0 */
/* ferry inspect: what is in an ONNX or an engine file. */
#include <string.h>

#include "commands.h"
#include "json.h"
#include "output.h"
#include "terminal.h"

typedef struct inspect_options {
    ferry_cli_list arguments;
    bool json, layers;
} inspect_options;

#define FIELD(name) offsetof(inspect_options, name)

static const ferry_option options[] = {
    {"layers", 'l', FERRY_OPTION_FLAG, FIELD(layers), .help = "list every layer (JSON always does)"},
    {"json", 0, FERRY_OPTION_FLAG, FIELD(json), .help = "print everything as one JSON object"},
    {0},
};

/* Either kind of file behind one set of questions; exactly one pointer is set. */
typedef struct subject {
    const char *path;
    ferry_model *model;
    ferry_engine *engine;
} subject;

static int binding_count(const subject *file, bool inputs) {
    if (file->model) return inputs ? ferry_model_input_count(file->model) : ferry_model_output_count(file->model);
    return inputs ? ferry_engine_input_count(file->engine) : ferry_engine_output_count(file->engine);
}

static ferry_status binding(const subject *file, bool inputs, int index, ferry_binding_info *info, ferry_error *error) {
    if (file->model)
        return inputs ? ferry_model_input(file->model, index, info, error)
                      : ferry_model_output(file->model, index, info, error);
    return inputs ? ferry_engine_input(file->engine, index, info, error)
                  : ferry_engine_output(file->engine, index, info, error);
}

static int layer_count(const subject *file) {
    return file->model ? ferry_model_layer_count(file->model) : ferry_engine_layer_count(file->engine);
}

static ferry_status layer(const subject *file, int index, ferry_layer_info *info, ferry_error *error) {
    return file->model ? ferry_model_layer(file->model, index, info, error)
                       : ferry_engine_layer(file->engine, index, info, error);
}

static int metadata_count(const subject *file) {
    return file->model ? ferry_model_metadata_count(file->model) : ferry_engine_metadata_count(file->engine);
}

static void metadata(const subject *file, int index, const char **key, const char **value) {
    if (file->model)
        ferry_model_metadata_at(file->model, index, key, value);
    else
        ferry_engine_metadata_at(file->engine, index, key, value);
}

/* Bytes of activations that one context holds; 0 where shapes are open, so that it is not known. */
static size_t context_memory(const subject *file) {
    ferry_context_settings settings;
    ferry_context *context = NULL;
    ferry_context_settings_default(&settings);
    settings.threads = 1;
    if (!file->engine || ferry_context_create(file->engine, &settings, &context, NULL) != FERRY_OK) return 0;
    size_t bytes = ferry_context_memory(context);
    ferry_context_destroy(context);
    return bytes;
}

/* ---- as text ---- */

static ferry_status print_bindings(const subject *file, bool inputs, ferry_error *error) {
    for (int i = 0; i < binding_count(file, inputs); i++) {
        ferry_binding_info info;
        char shape[256];
        ferry_status status = binding(file, inputs, i, &info, error);
        if (status != FERRY_OK) return status;
        printf("%-10s %s  %s  %s\n", i == 0 ? (inputs ? "inputs" : "outputs") : "", info.name, ferry_dtype_name(info.dtype),
               ferry_cli_shape(&info.shape, info.dim_names, shape, sizeof shape));
    }
    return FERRY_OK;
}

/* The operators that occur and how often, most frequent first; at most MOST different ones are counted apart. */
static ferry_status print_operators(const subject *file, ferry_error *error) {
    enum { MOST = 256 };
    const char *types[MOST];
    int counts[MOST] = {0}, kinds = 0;
    for (int i = 0; i < layer_count(file); i++) {
        ferry_layer_info info;
        int kind = 0;
        ferry_status status = layer(file, i, &info, error);
        if (status != FERRY_OK) return status;
        while (kind < kinds && strcmp(types[kind], info.type) != 0) kind++;
        if (kind == MOST) continue;
        if (kind == kinds) types[kinds++] = info.type;
        counts[kind]++;
    }
    printf("%-10s %d:", "layers", layer_count(file));
    for (int printed = 0; printed < kinds; printed++) {
        int most = 0;
        for (int kind = 1; kind < kinds; kind++)
            if (counts[kind] > counts[most]) most = kind;
        printf(" %d %s%s", counts[most], types[most], printed + 1 < kinds ? "," : "");
        counts[most] = 0;
    }
    putchar('\n');
    return FERRY_OK;
}

static void print_sizes(const subject *file) {
    char a[32], b[32];
    if (file->model) {
        ferry_model_info info;
        ferry_model_describe(file->model, &info);
        printf("%-10s ONNX, IR version %lld, opset %lld%s%s\n", "format", (long long)info.ir_version, (long long)info.opset,
               *info.producer ? ", by " : "", info.producer);
        printf("%-10s %.2f million parameters, %s; file %s\n", "weights", (double)info.parameters * 1e-6,
               ferry_cli_bytes(info.weight_bytes, a, sizeof a), ferry_cli_bytes(info.file_bytes, b, sizeof b));
        return;
    }
    ferry_engine_info info;
    size_t memory = context_memory(file);
    ferry_engine_describe(file->engine, &info);
    printf("%-10s engine, %s, %s, by %s\n", "format", info.precision, info.target, info.producer);
    printf("%-10s %s; file %s\n", "weights", ferry_cli_bytes(info.weight_bytes, a, sizeof a),
           ferry_cli_bytes(info.file_bytes, b, sizeof b));
    if (memory) printf("%-10s %s for each context\n", "memory", ferry_cli_bytes(memory, a, sizeof a));
}

static ferry_status print_layers(const subject *file, ferry_error *error) {
    static const char *const titles[] = {">#", "layer", "operator", "output", "type"};
    if (file->engine) return ferry_cli_print_layers(file->engine, stdout, error);
    ferry_cli_table table;
    ferry_status status = FERRY_OK;
    ferry_cli_table_init(&table, titles, 5);
    for (int i = 0; i < layer_count(file) && status == FERRY_OK; i++) {
        ferry_layer_info info;
        char shape[128];
        status = layer(file, i, &info, error);
        if (status == FERRY_OK &&
            !ferry_cli_table_row(&table, "%d\t%s\t%s\t%s\t%s", i, info.name, info.type,
                                 ferry_cli_shape(&info.shape, NULL, shape, sizeof shape), ferry_dtype_name(info.dtype)))
            status = ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    }
    if (status == FERRY_OK) ferry_cli_table_print(&table, stdout);
    ferry_cli_table_free(&table);
    return status;
}

static void print_metadata(const subject *file) {
    for (int i = 0; i < metadata_count(file); i++) {
        const char *key, *value;
        metadata(file, i, &key, &value);
        printf("%-10s %s = %.200s%s\n", i == 0 ? "metadata" : "", key, value, strlen(value) > 200 ? "..." : "");
    }
}

static ferry_status print_text(const subject *file, bool layers, ferry_error *error) {
    print_sizes(file);
    ferry_status status = print_bindings(file, true, error);
    if (status == FERRY_OK) status = print_bindings(file, false, error);
    if (status == FERRY_OK) status = print_operators(file, error);
    print_metadata(file);
    if (status == FERRY_OK && layers) status = print_layers(file, error);
    return status;
}

/* ---- as JSON ---- */

static void json_shape(ferry_json *json, const ferry_shape *shape, const char *const *names) {
    ferry_json_key(json, "shape");
    if (shape->rank < 0) {
        ferry_json_string(json, NULL);
        return;
    }
    ferry_json_begin(json, '[');
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] >= 0)
            ferry_json_integer(json, shape->dims[i]);
        else
            ferry_json_string(json, names && names[i] && *names[i] ? names[i] : "?");
    }
    ferry_json_end(json, ']');
}

static ferry_status json_bindings(ferry_json *json, const subject *file, bool inputs, ferry_error *error) {
    ferry_status status = FERRY_OK;
    ferry_json_key(json, inputs ? "inputs" : "outputs");
    ferry_json_begin(json, '[');
    for (int i = 0; i < binding_count(file, inputs) && status == FERRY_OK; i++) {
        ferry_binding_info info;
        status = binding(file, inputs, i, &info, error);
        if (status != FERRY_OK) break;
        ferry_json_begin(json, '{');
        ferry_json_string_at(json, "name", info.name);
        ferry_json_string_at(json, "dtype", ferry_dtype_name(info.dtype));
        json_shape(json, &info.shape, info.dim_names);
        ferry_json_end(json, '}');
    }
    ferry_json_end(json, ']');
    return status;
}

static ferry_status json_layers(ferry_json *json, const subject *file, ferry_error *error) {
    ferry_status status = FERRY_OK;
    ferry_json_key(json, "layers");
    ferry_json_begin(json, '[');
    for (int i = 0; i < layer_count(file) && status == FERRY_OK; i++) {
        ferry_layer_info info;
        status = layer(file, i, &info, error);
        if (status != FERRY_OK) break;
        ferry_json_begin(json, '{');
        ferry_json_string_at(json, "name", info.name);
        ferry_json_string_at(json, "operator", info.type);
        if (file->engine) {
            ferry_json_string_at(json, "implementation", info.implementation);
            ferry_json_string_at(json, "layout", info.layout);
            ferry_json_integer_at(json, "weight_bytes", (int64_t)info.weight_bytes);
        }
        ferry_json_string_at(json, "dtype", ferry_dtype_name(info.dtype));
        json_shape(json, &info.shape, NULL);
        ferry_json_end(json, '}');
    }
    ferry_json_end(json, ']');
    return status;
}

static void json_sizes(ferry_json *json, const subject *file) {
    if (file->model) {
        ferry_model_info info;
        ferry_model_describe(file->model, &info);
        ferry_json_string_at(json, "format", "onnx");
        ferry_json_integer_at(json, "ir_version", info.ir_version);
        ferry_json_integer_at(json, "opset", info.opset);
        ferry_json_string_at(json, "producer", info.producer);
        ferry_json_integer_at(json, "parameters", info.parameters);
        ferry_json_integer_at(json, "weight_bytes", (int64_t)info.weight_bytes);
        ferry_json_integer_at(json, "file_bytes", (int64_t)info.file_bytes);
        return;
    }
    ferry_engine_info info;
    size_t memory = context_memory(file);
    ferry_engine_describe(file->engine, &info);
    ferry_json_string_at(json, "format", "ferry");
    ferry_json_string_at(json, "producer", info.producer);
    ferry_json_string_at(json, "precision", info.precision);
    ferry_json_string_at(json, "target", info.target);
    ferry_json_integer_at(json, "weight_bytes", (int64_t)info.weight_bytes);
    ferry_json_integer_at(json, "file_bytes", (int64_t)info.file_bytes);
    ferry_json_key(json, "context_bytes");
    if (memory)
        ferry_json_integer(json, (int64_t)memory);
    else
        ferry_json_string(json, NULL);
}

static ferry_status print_json(const subject *file, ferry_error *error) {
    ferry_json json;
    ferry_json_init(&json, stdout, false);
    ferry_json_begin(&json, '{');
    ferry_json_string_at(&json, "file", file->path);
    json_sizes(&json, file);
    ferry_status status = json_bindings(&json, file, true, error);
    if (status == FERRY_OK) status = json_bindings(&json, file, false, error);
    ferry_json_key(&json, "metadata");
    ferry_json_begin(&json, '{');
    for (int i = 0; i < metadata_count(file); i++) {
        const char *key, *value;
        metadata(file, i, &key, &value);
        ferry_json_string_at(&json, key, value);
    }
    ferry_json_end(&json, '}');
    if (status == FERRY_OK) status = json_layers(&json, file, error);
    ferry_json_end(&json, '}');
    return status;
}

static int run(const ferry_command *command, const void *settings) {
    const inspect_options *given = settings;
    ferry_cli_listener listener = {.command = command->name};
    subject file = {.path = given->arguments.items[0]};
    ferry_error error;
    ferry_status status = ferry_cli_is_onnx(file.path)
                              ? ferry_model_load(file.path, ferry_cli_listen, &listener, &file.model, &error)
                              : ferry_engine_load(file.path, &file.engine, &error);
    if (status == FERRY_OK) status = given->json ? print_json(&file, &error) : print_text(&file, given->layers, &error);
    ferry_model_destroy(file.model);
    ferry_engine_destroy(file.engine);
    return status == FERRY_OK ? FERRY_EXIT_OK : ferry_cli_failed(command, &error);
}

const ferry_command ferry_command_inspect = {
    .name = "inspect",
    .summary = "show what is in an ONNX or an engine file",
    .synopsis = "FILE [--layers] [--json]",
    .description =
        "Prints inputs and outputs with their types and shapes (symbolic dimensions by name), the operators and how often "
        "they occur, weights, memory and metadata.",
    .examples = "ferry inspect yolov5s.onnx\t\nferry inspect yolov5s.ferry --json\t",
    .options = options,
    .settings_size = sizeof(inspect_options),
    .arguments_offset = FIELD(arguments),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
