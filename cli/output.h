/* SPDX-License-Identifier: Apache-2.0 */
/* Result files that appear whole or not at all: written under a temporary name beside the target, then renamed. */
#ifndef FERRY_CLI_OUTPUT_H
#define FERRY_CLI_OUTPUT_H

#include <stdio.h>

#include <ferry/status.h>

typedef struct ferry_cli_output {
    FILE *stream;
    char *path, *temporary; /* temporary is NULL when written straight: standard output ("-"), pipes, devices */
} ferry_cli_output;

ferry_status ferry_cli_output_open(const char *path, ferry_cli_output *output, ferry_error *error);
/* Flushes and renames. At failure nothing is left behind. Either call frees. */
ferry_status ferry_cli_output_commit(ferry_cli_output *output, ferry_error *error);
void ferry_cli_output_abort(ferry_cli_output *output); /* takes a zeroed one */

/* Makes a folder and those above it; one that is there is fine. */
ferry_status ferry_cli_make_folder(const char *path, ferry_error *error);

/* Fills *error (which may be NULL) and returns status. errnum 0 = no text of the operating system. */
ferry_status ferry_cli_fail(ferry_error *error, ferry_status status, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
