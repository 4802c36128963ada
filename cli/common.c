/* SPDX-License-Identifier: Apache-2.0 */
/* What several commands share. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "commands.h"
#include "output.h"
#include "terminal.h"

int ferry_cli_failed(const ferry_command *command, const ferry_error *error) {
    ferry_cli_message(command->name, "%s", error->message);
    return FERRY_EXIT_FAILURE;
}

int ferry_cli_misused(const char *command, const char *message) {
    ferry_cli_message(command, "%s", message);
    fprintf(stderr, "'ferry%s%s --help' shows how it is used.\n", *command ? " " : "", command);
    return FERRY_EXIT_USAGE;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcasecmp(text + length - tail, end) == 0;
}

bool ferry_cli_is_onnx(const char *path) {
    if (ends_with(path, ".onnx")) return true;
    if (ends_with(path, ".ferry")) return false;
    FILE *file = fopen(path, "rb");
    int first = file ? fgetc(file) : EOF;
    if (file) fclose(file);
    return first == 0x08; /* field 1, a varint: ModelProto.ir_version, which every exporter writes first */
}

void ferry_cli_listen(void *user, ferry_message_level level, const char *message) {
    const ferry_cli_listener *listener = user;
    static const char *const prefixes[] = {"", "warning: ", "", ""};
    if (level > FERRY_MESSAGE_WARNING && !listener->verbose) return;
    if (listener->progress) ferry_cli_progress_clear(listener->progress);
    ferry_cli_message(listener->command, "%s%s", prefixes[level & 3], message);
}

void ferry_cli_listen_progress(void *user, const char *stage, int64_t done, int64_t total) {
    const ferry_cli_listener *listener = user;
    if (listener->progress) ferry_cli_progress_update(listener->progress, stage, done, total, NULL);
}

static ferry_status build_in_memory(const char *path, const ferry_cli_shapes *shapes, int threads,
                                    const ferry_cli_listener *listener, ferry_engine **engine, ferry_error *error) {
    ferry_model *model = NULL;
    ferry_build_settings settings;
    ferry_build_settings_default(&settings);
    settings.threads = threads;
    settings.shape_count = shapes ? shapes->count : 0;
    settings.shape_names = shapes ? (const char *const *)shapes->names : NULL;
    settings.shapes = shapes ? shapes->shapes : NULL;
    settings.message = ferry_cli_listen;
    settings.progress = ferry_cli_listen_progress;
    settings.user = (void *)listener;
    ferry_status status = ferry_model_load(path, ferry_cli_listen, (void *)listener, &model, error);
    if (status == FERRY_OK) status = ferry_build_engine(model, &settings, engine, NULL, error);
    ferry_model_destroy(model);
    if (listener->progress) ferry_cli_progress_clear(listener->progress);
    return status;
}

ferry_status ferry_cli_open_engine(const char *path, const ferry_cli_shapes *shapes, int threads,
                                   const ferry_cli_listener *listener, ferry_engine **engine, ferry_error *error) {
    if (ferry_cli_is_onnx(path)) return build_in_memory(path, shapes, threads, listener, engine, error);
    return ferry_engine_load(path, engine, error);
}

ferry_status ferry_cli_print_layers(const ferry_engine *engine, FILE *stream, ferry_error *error) {
    static const char *const titles[] = {">#", "layer", "operator", "implementation", "output", "type", "layout", ">weights"};
    ferry_cli_table table;
    char shape[128], weights[32];
    ferry_cli_table_init(&table, titles, 8);
    for (int i = 0; i < ferry_engine_layer_count(engine); i++) {
        ferry_layer_info info;
        ferry_status status = ferry_engine_layer(engine, i, &info, error);
        if (status == FERRY_OK &&
            !ferry_cli_table_row(&table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s", i, info.name, info.type, info.implementation,
                                 ferry_cli_shape(&info.shape, NULL, shape, sizeof shape), ferry_dtype_name(info.dtype),
                                 info.layout, ferry_cli_bytes(info.weight_bytes, weights, sizeof weights)))
            status = ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
        if (status != FERRY_OK) {
            ferry_cli_table_free(&table);
            return status;
        }
    }
    ferry_cli_table_print(&table, stream);
    ferry_cli_table_free(&table);
    return FERRY_OK;
}
