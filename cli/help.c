/* SPDX-License-Identifier: Apache-2.0 */
/* ferry help, version and devices. */
#include <stdio.h>
#include <string.h>

#include <ferry/device.h>

#include "commands.h"
#include "json.h"
#include "terminal.h"

/* ---- help ---- */

typedef struct help_options {
    ferry_cli_list arguments;
    bool man, markdown, list;
} help_options;

static const ferry_option help_table[] = {
    {"man", 0, FERRY_OPTION_FLAG, offsetof(help_options, man), .help = "print a manual page (troff) instead"},
    {"markdown", 0, FERRY_OPTION_FLAG, offsetof(help_options, markdown), .help = "print a Markdown page instead"},
    {"list", 0, FERRY_OPTION_FLAG, offsetof(help_options, list), .help = "print the commands' names only"},
    {0},
};

static void print_overview(FILE *stream) {
    fputs("Usage: ferry COMMAND [options]\n\nCarries a trained model to where it works: converts it from ONNX, runs it fast, "
          "and draws what "
          "it sees.\n\nCommands:\n",
          stream);
    for (int i = 0; ferry_commands[i]; i++)
        fprintf(stream, "  %-10s %s\n", ferry_commands[i]->name, ferry_commands[i]->summary);
    fputs("\n'ferry COMMAND --help' tells more about one of them.\n", stream);
}

static int run_help(const ferry_command *command, const void *settings) {
    const help_options *given = settings;
    ferry_help_form form = given->man ? FERRY_HELP_MAN : given->markdown ? FERRY_HELP_MARKDOWN : FERRY_HELP_TEXT;
    if (given->list) {
        for (int i = 0; ferry_commands[i]; i++) puts(ferry_commands[i]->name);
        return FERRY_EXIT_OK;
    }
    if (given->arguments.count == 0) {
        print_overview(stdout);
        return FERRY_EXIT_OK;
    }
    const ferry_command *subject = ferry_command_find(given->arguments.items[0]);
    if (!subject) {
        char message[128];
        snprintf(message, sizeof message, "there is no command '%.64s'", given->arguments.items[0]);
        return ferry_cli_misused(command->name, message);
    }
    ferry_options_print_help(subject, form, stdout);
    return FERRY_EXIT_OK;
}

const ferry_command ferry_command_help = {
    .name = "help",
    .summary = "explain a command",
    .synopsis = "[COMMAND] [--man | --markdown]",
    .description = "Without a command, lists the commands.",
    .options = help_table,
    .settings_size = sizeof(help_options),
    .arguments_offset = offsetof(help_options, arguments),
    .min_arguments = 0,
    .max_arguments = 1,
    .run = run_help,
};

/* ---- version ---- */

typedef struct version_options {
    ferry_cli_list arguments;
} version_options;

static const ferry_option version_table[] = {{0}};

static int run_version(const ferry_command *command, const void *settings) {
    (void)command;
    (void)settings;
    printf("ferry %s\n", ferry_version());
    return FERRY_EXIT_OK;
}

const ferry_command ferry_command_version = {
    .name = "version",
    .summary = "print the version",
    .synopsis = "",
    .description = "Prints the version of the library that runs.",
    .options = version_table,
    .settings_size = sizeof(version_options),
    .arguments_offset = offsetof(version_options, arguments),
    .min_arguments = 0,
    .max_arguments = 0,
    .run = run_version,
};

/* ---- devices ---- */

typedef struct devices_options {
    ferry_cli_list arguments;
    bool json;
} devices_options;

static const ferry_option devices_table[] = {
    {"json", 0, FERRY_OPTION_FLAG, offsetof(devices_options, json), .help = "print a JSON array"},
    {0},
};

static void print_device(int index, const ferry_device_info *info) {
    char caches[3][32];
    for (int level = 0; level < 3; level++) ferry_cli_bytes(info->cache_bytes[level], caches[level], sizeof caches[level]);
    printf("%d  %s  %s\n   features    %s\n   processors  %d\n   caches      %s, %s, %s\n", index, info->kind, info->name,
           info->features, info->processors, caches[0], caches[1], caches[2]);
}

static void json_device(ferry_json *json, const ferry_device_info *info) {
    ferry_json_begin(json, '{');
    ferry_json_string_at(json, "kind", info->kind);
    ferry_json_string_at(json, "name", info->name);
    ferry_json_string_at(json, "features", info->features);
    ferry_json_integer_at(json, "processors", info->processors);
    ferry_json_key(json, "cache_bytes");
    ferry_json_begin(json, '[');
    for (int level = 0; level < 3; level++) ferry_json_integer(json, (int64_t)info->cache_bytes[level]);
    ferry_json_end(json, ']');
    ferry_json_end(json, '}');
}

static int run_devices(const ferry_command *command, const void *settings) {
    const devices_options *given = settings;
    ferry_json json;
    ferry_json_init(&json, stdout, false);
    if (given->json) ferry_json_begin(&json, '[');
    for (int i = 0; i < ferry_device_count(); i++) {
        ferry_device_info info = {.struct_size = sizeof info};
        ferry_error error;
        if (ferry_device_describe(i, &info, &error) != FERRY_OK) return ferry_cli_failed(command, &error);
        if (given->json)
            json_device(&json, &info);
        else
            print_device(i, &info);
    }
    if (given->json) ferry_json_end(&json, ']');
    return FERRY_EXIT_OK;
}

const ferry_command ferry_command_devices = {
    .name = "devices",
    .summary = "list what this machine can run models on",
    .synopsis = "[--json]",
    .description = "Prints each device with the CPU features that kernels may use and the sizes of its caches.",
    .options = devices_table,
    .settings_size = sizeof(devices_options),
    .arguments_offset = offsetof(devices_options, arguments),
    .min_arguments = 0,
    .max_arguments = 0,
    .run = run_devices,
};
