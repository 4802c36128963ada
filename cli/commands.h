/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, and what several of them share. */
#ifndef FERRY_CLI_COMMANDS_H
#define FERRY_CLI_COMMANDS_H

#include <ferry/builder.h>

#include "options.h"
#include "values.h"

extern const ferry_command ferry_command_build, ferry_command_inspect, ferry_command_run, ferry_command_bench,
    ferry_command_devices, ferry_command_version, ferry_command_help;

/* All commands in the order of help texts; NULL ends the table. */
extern const ferry_command *const ferry_commands[];
const ferry_command *ferry_command_find(const char *name); /* NULL when there is none */

/* Reports `error` under the command's name; returns FERRY_EXIT_FAILURE. */
int ferry_cli_failed(const ferry_command *command, const ferry_error *error);
/* Reports a wrong command line and where help is; returns FERRY_EXIT_USAGE. */
int ferry_cli_misused(const char *command, const char *message);

/* Whether a file is to be read as ONNX: by its name's end (.onnx, .ferry), else by its first byte. */
bool ferry_cli_is_onnx(const char *path);

/* Lines from the reader and the builder: errors and warnings always, the rest when verbose. `user` is a ferry_cli_listener. */
typedef struct ferry_cli_listener {
    const char *command;
    bool verbose;
    struct ferry_cli_progress *progress; /* cleared before a line is written; may be NULL */
} ferry_cli_listener;
void ferry_cli_listen(void *user, ferry_message_level level, const char *message);
/* For ferry_build_settings.progress, with the same user. */
void ferry_cli_listen_progress(void *user, const char *stage, int64_t done, int64_t total);

/* An engine from an engine file, or straight from an ONNX file, which is then built in memory. `shapes` fixes inputs of the
 * latter. */
ferry_status ferry_cli_open_engine(const char *path, const ferry_cli_shapes *shapes, int threads,
                                   const ferry_cli_listener *listener, ferry_engine **engine, ferry_error *error);

/* Prints the engine's layers as a table. */
ferry_status ferry_cli_print_layers(const ferry_engine *engine, FILE *stream, ferry_error *error);

/* The threads option, the same in every command: field `threads` of the settings struct. */
#define FERRY_CLI_THREADS(settings)                                                                                            \
    {                                                                                                                          \
        .name = "threads", .letter = 't', .kind = FERRY_OPTION_INTEGER, .offset = offsetof(settings, threads), .value = "N",   \
        .help = "working threads; 0 is one a processor", .initial = "0", .minimum = 0, .maximum = 1024                         \
    }
#define FERRY_CLI_QUIET(settings)                                                                                              \
    {                                                                                                                          \
        .name = "quiet", .letter = 'q', .kind = FERRY_OPTION_FLAG, .offset = offsetof(settings, quiet),                        \
        .help = "no progress and no summary"                                                                                   \
    }

#endif
