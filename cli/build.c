/* SPDX-License-Identifier: Apache-2.0 */
/* ferry build: from ONNX to an engine file. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "commands.h"
#include "json.h"
#include "output.h"
#include "terminal.h"

typedef struct build_options {
    ferry_cli_list arguments, shapes, metadata;
    const char *onnx, *output, *timing_cache, *target;
    int64_t threads;
    int tuning;
    bool exact, verbose, quiet, json;
} build_options;

#define FIELD(name) offsetof(build_options, name)

static const ferry_option options[] = {
    {"output", 'o', FERRY_OPTION_TEXT, FIELD(output), "FILE",
     "the engine file to write; without it the model's name ending in .ferry", .aliases = "saveEngine"},
    {"shapes", 0, FERRY_OPTION_LIST, FIELD(shapes), "NAME:DIMS,...",
     "fix the shapes of dynamic inputs, as in images:1x3x640x640; a '?' leaves a dimension open", .aliases = "optShapes"},
    FERRY_CLI_THREADS(build_options),
    {"tuning", 0, FERRY_OPTION_CHOICE, FIELD(tuning), "HOW",
     "how implementations are chosen: by rules alone, by timing the likeliest, or by timing all", "fast",
     .choices = "off|fast|full"},
    {"timing-cache", 0, FERRY_OPTION_TEXT, FIELD(timing_cache), "FILE",
     "keep measured times in this file, so that the next build is quick and repeatable", .aliases = "timingCacheFile"},
    {"target", 0, FERRY_OPTION_TEXT, FIELD(target), "FEATURES",
     "CPU features to build for, such as avx2; without it this machine's"},
    {"exact", 0, FERRY_OPTION_FLAG, FIELD(exact),
     .help = "permit no implementation that trades accuracy (up to 1e-3 relative) for speed"},
    {"metadata", 0, FERRY_OPTION_LIST, FIELD(metadata), "KEY=VALUE", "add or replace an entry of the metadata"},
    {"onnx", 0, FERRY_OPTION_TEXT, FIELD(onnx), "FILE", "the model, as trtexec spells it"},
    {"verbose", 'v', FERRY_OPTION_FLAG, FIELD(verbose),
     .help = "tell each layer's implementation, shape and weights, and why others were rejected"},
    {"json", 0, FERRY_OPTION_FLAG, FIELD(json), .help = "print the report as JSON"},
    FERRY_CLI_QUIET(build_options),
    {0},
};

/* The model's name with .ferry in place of .onnx. Owned by the caller. */
static char *default_output(const char *model) {
    size_t length = strlen(model), stem = length;
    if (length > 5 && strcasecmp(model + length - 5, ".onnx") == 0) stem = length - 5;
    char *path = malloc(stem + sizeof ".ferry");
    if (path) {
        memcpy(path, model, stem);
        memcpy(path + stem, ".ferry", sizeof ".ferry");
    }
    return path;
}

static ferry_status apply_metadata(ferry_model *model, const ferry_cli_list *pairs, ferry_error *error) {
    for (int i = 0; i < pairs->count; i++) {
        char key[256];
        const char *value;
        if (!ferry_cli_split_pair(pairs->items[i], key, sizeof key, &value))
            return ferry_cli_fail(error, FERRY_ERROR_INVALID_ARGUMENT, 0, "--metadata wants KEY=VALUE, not '%s'",
                                  pairs->items[i]);
        ferry_status status = ferry_model_set_metadata(model, key, value, error);
        if (status != FERRY_OK) return status;
    }
    return FERRY_OK;
}

static void print_json(const char *path, const ferry_build_report *report) {
    ferry_json json;
    ferry_json_init(&json, stdout, false);
    ferry_json_begin(&json, '{');
    ferry_json_string_at(&json, "engine", path);
    ferry_json_integer_at(&json, "nodes", report->nodes_before);
    ferry_json_integer_at(&json, "layers", report->layers);
    ferry_json_integer_at(&json, "weight_bytes", (int64_t)report->weight_bytes);
    ferry_json_integer_at(&json, "file_bytes", (int64_t)report->file_bytes);
    ferry_json_number_at(&json, "seconds", report->seconds, 3);
    ferry_json_end(&json, '}');
}

static void print_summary(const char *path, const ferry_build_report *report) {
    char weights[32], file[32];
    printf("%s: %lld nodes became %d layers; weights %s, file %s; built in %.2f s\n", path, (long long)report->nodes_before,
           report->layers, ferry_cli_bytes(report->weight_bytes, weights, sizeof weights),
           ferry_cli_bytes(report->file_bytes, file, sizeof file), report->seconds);
}

static ferry_status print_built(const build_options *given, const char *path, const ferry_build_report *report,
                                ferry_error *error) {
    if (given->verbose && !given->json) {
        ferry_engine *engine = NULL;
        ferry_status status = ferry_engine_load(path, &engine, error);
        if (status == FERRY_OK) status = ferry_cli_print_layers(engine, stdout, error);
        ferry_engine_destroy(engine);
        if (status != FERRY_OK) return status;
    }
    if (given->json)
        print_json(path, report);
    else if (!given->quiet)
        print_summary(path, report);
    return FERRY_OK;
}

static ferry_status build(const build_options *given, const char *model_path, const char *path, ferry_error *error) {
    ferry_cli_progress progress;
    ferry_cli_listener listener = {.command = "build", .verbose = given->verbose, .progress = &progress};
    ferry_cli_shapes shapes = {0};
    ferry_model *model = NULL;
    ferry_build_report report;
    ferry_build_settings settings;
    ferry_build_settings_default(&settings);
    ferry_cli_progress_init(&progress, given->quiet);
    settings.threads = (int)given->threads;
    settings.tuning = (ferry_tuning)given->tuning;
    settings.timing_cache_path = given->timing_cache;
    settings.target_features = given->target;
    settings.allow_lossy = !given->exact;
    settings.progress = ferry_cli_listen_progress;
    settings.message = ferry_cli_listen;
    settings.user = &listener;
    ferry_status status = ferry_cli_shapes_parse(&given->shapes, &shapes, error);
    settings.shape_count = shapes.count;
    settings.shape_names = (const char *const *)shapes.names;
    settings.shapes = shapes.shapes;
    if (status == FERRY_OK) status = ferry_model_load(model_path, ferry_cli_listen, &listener, &model, error);
    if (status == FERRY_OK) status = apply_metadata(model, &given->metadata, error);
    if (status == FERRY_OK) status = ferry_build(model, &settings, path, &report, error);
    ferry_cli_progress_clear(&progress);
    if (status == FERRY_OK) status = print_built(given, path, &report, error);
    ferry_model_destroy(model);
    ferry_cli_shapes_free(&shapes);
    return status;
}

static int run(const ferry_command *command, const void *settings) {
    const build_options *given = settings;
    ferry_error error;
    if (!given->onnx == !given->arguments.count) return ferry_cli_misused("build", "name one model");
    const char *model_path = given->onnx ? given->onnx : given->arguments.items[0];
    char *made = given->output ? NULL : default_output(model_path);
    const char *path = given->output ? given->output : made;
    ferry_status status =
        path ? build(given, model_path, path, &error) : ferry_cli_fail(&error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    free(made);
    return status == FERRY_OK ? FERRY_EXIT_OK : ferry_cli_failed(command, &error);
}

const ferry_command ferry_command_build = {
    .name = "build",
    .summary = "turn an ONNX model into an engine file",
    .synopsis = "MODEL.onnx [-o ENGINE] [options]",
    .description = "Reads the model, simplifies and fuses its graph, chooses the fastest implementation of every layer on this "
                   "machine, packs the weights for it, plans memory, and writes an engine file that starts at once.\n\n"
                   "Operators that Ferry does not know are listed all at once with their nodes' names. When anything fails, no "
                   "engine file appears and one that was there stays as it was.",
    .examples = "ferry build yolov5s.onnx -o yolov5s.ferry --verbose\tbuild and list the layers\n"
                "ferry build face.onnx --shapes input:1x3x480x640\tfix a dynamic input's shape",
    .options = options,
    .settings_size = sizeof(build_options),
    .arguments_offset = FIELD(arguments),
    .min_arguments = 0,
    .max_arguments = 1,
    .run = run,
};
