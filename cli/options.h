/* SPDX-License-Identifier: Apache-2.0 */
/* Commands and their options as tables: parsing, --help, the manual pages and docs/cli all come from the same rows. */
#ifndef FERRY_CLI_OPTIONS_H
#define FERRY_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses of every command. */
enum { FERRY_EXIT_OK = 0, FERRY_EXIT_FAILURE = 1, FERRY_EXIT_USAGE = 2 };

typedef struct ferry_cli_list {
    const char **items; /* point into argv */
    int count;
} ferry_cli_list;

/* What an option's value is, and the C type of the field that `offset` names in the command's settings. */
typedef enum ferry_option_kind {
    FERRY_OPTION_FLAG,    /* bool */
    FERRY_OPTION_INTEGER, /* int64_t; -1 when not given and without `initial` */
    FERRY_OPTION_NUMBER,  /* double; NAN when not given and without `initial` */
    FERRY_OPTION_TEXT,    /* const char *; NULL when not given and without `initial` */
    FERRY_OPTION_CHOICE,  /* int: index into `choices`; -1 when not given and without `initial` */
    FERRY_OPTION_LIST     /* ferry_cli_list: the option may be repeated */
} ferry_option_kind;

typedef struct ferry_option {
    const char *name; /* long name without dashes; NULL ends a table */
    char letter;      /* short name, or 0 */
    ferry_option_kind kind;
    size_t offset;
    const char *value; /* name of the value in help texts, such as "FILE" */
    const char *help;  /* a sentence without its full stop */
    const char *initial;
    double minimum, maximum; /* of INTEGER and NUMBER; both 0 = any */
    const char *choices;     /* "off|fast|full" */
    const char *aliases;     /* other long names, separated by commas, exact in case */
} ferry_option;

typedef struct ferry_command {
    const char *name;
    const char *summary;     /* one line, shown in the list of commands */
    const char *synopsis;    /* what follows the name: "MODEL.onnx [-o ENGINE]" */
    const char *description; /* paragraphs separated by blank lines */
    const char *examples;    /* "command line\tcomment" lines; may be NULL */
    const ferry_option *options;
    size_t settings_size;
    size_t arguments_offset; /* of the ferry_cli_list that takes what is no option */
    int min_arguments, max_arguments;
    int (*run)(const struct ferry_command *command, const void *settings); /* returns an exit status */
} ferry_command;

typedef enum ferry_parse_result { FERRY_PARSE_OK, FERRY_PARSE_HELP, FERRY_PARSE_USAGE } ferry_parse_result;

/* Fills settings (command->settings_size bytes) from the defaults and the arguments after the command's name. Accepts
 * --name=value,
 * --name value, -nVALUE, -n VALUE, joined short flags and "--". On FERRY_PARSE_USAGE `message` says what is wrong. Whatever the
 * result, ferry_options_release frees what settings holds. */
ferry_parse_result ferry_options_parse(const ferry_command *command, int argc, char **argv, void *settings, char *message,
                                       size_t capacity);
void ferry_options_release(const ferry_command *command, void *settings);

/* The candidate (of `count` names) that a misspelt word most likely means; NULL when none is near. */
const char *ferry_options_nearest(const char *word, const char *const *names, int count);

/* ---- what the tables are printed as ---- */

typedef enum ferry_help_form { FERRY_HELP_TEXT, FERRY_HELP_MAN, FERRY_HELP_MARKDOWN } ferry_help_form;

void ferry_options_print_help(const ferry_command *command, ferry_help_form form, FILE *stream);

#endif
