/* SPDX-License-Identifier: Apache-2.0 */
/* The program `ferry`: finds the command, reads its options, runs it, and makes sure that its results were written. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "terminal.h"

static int unknown_command(const char *word) {
    enum { MOST = 32 };
    const char *names[MOST];
    char message[160];
    int count = 0;
    for (; ferry_commands[count] && count < MOST; count++) names[count] = ferry_commands[count]->name;
    const char *nearest = ferry_options_nearest(word, names, count);
    snprintf(message, sizeof message, "there is no command '%.40s'%s%s%s", word, nearest ? "; did you mean '" : "",
             nearest ? nearest : "", nearest ? "'?" : "");
    return ferry_cli_misused("", message);
}

/* Results that cannot be written are a failure, whatever the command thought. */
static int flush_results(const char *command, int exit_status) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return exit_status;
    if (errno == EPIPE) return exit_status ? exit_status : FERRY_EXIT_FAILURE; /* the reader had enough: no message */
    ferry_cli_message(command, "cannot write the results: %s", strerror(errno));
    return exit_status ? exit_status : FERRY_EXIT_FAILURE;
}

static int run_command(const ferry_command *command, int argc, char **argv) {
    char message[512];
    int exit_status = FERRY_EXIT_OK;
    void *settings = calloc(1, command->settings_size);
    if (!settings) {
        ferry_cli_message(command->name, "out of memory");
        return FERRY_EXIT_FAILURE;
    }
    switch (ferry_options_parse(command, argc, argv, settings, message, sizeof message)) {
    case FERRY_PARSE_OK: exit_status = command->run(command, settings); break;
    case FERRY_PARSE_HELP: ferry_options_print_help(command, FERRY_HELP_TEXT, stdout); break;
    case FERRY_PARSE_USAGE: exit_status = ferry_cli_misused(command->name, message); break;
    }
    ferry_options_release(command, settings);
    free(settings);
    return flush_results(command->name, exit_status);
}

int main(int argc, char **argv) {
    static char *const help[] = {NULL};
    signal(SIGPIPE, SIG_IGN); /* a closed pipe shows as a failed write */
    if (argc < 2) {
        ferry_cli_misused("", "which command? 'ferry help' lists them");
        return FERRY_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return run_command(&ferry_command_help, 0, (char **)help);
    if (strcmp(argv[1], "--version") == 0) return run_command(&ferry_command_version, 0, (char **)help);
    const ferry_command *command = ferry_command_find(argv[1]);
    return command ? run_command(command, argc - 2, argv + 2) : unknown_command(argv[1]);
}
