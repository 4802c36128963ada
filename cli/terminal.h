/* SPDX-License-Identifier: Apache-2.0 */
/* What a person at a terminal sees: messages, progress, tables, and sizes and times in units one can read. */
#ifndef FERRY_CLI_TERMINAL_H
#define FERRY_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <ferry/tensor.h>

/* "ferry COMMAND: message" on stderr, after wiping a progress bar that stands there. */
void ferry_cli_message(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Seconds on a clock that never goes back. */
double ferry_cli_seconds(void);

/* ---- progress ---- */

/* On a terminal a bar that is redrawn at most ten times a second; elsewhere a plain line at each new stage, and in long stages
 * one every ten seconds; nothing when quiet. Everything goes to stderr. */
typedef struct ferry_cli_progress {
    bool quiet, bar;
    bool drawn; /* a bar stands on the terminal */
    double started, last;
    char stage[64];
} ferry_cli_progress;

void ferry_cli_progress_init(ferry_cli_progress *progress, bool quiet);
/* total 0 = not known. note (may be NULL) follows the bar: "31.2 frames/s". */
void ferry_cli_progress_update(ferry_cli_progress *progress, const char *stage, int64_t done, int64_t total, const char *note);
/* Wipes the bar, so that other text can be written. */
void ferry_cli_progress_clear(ferry_cli_progress *progress);

/* ---- tables ---- */

enum { FERRY_CLI_COLUMNS = 12 };

/* Rows of texts, printed with columns as wide as need be. The first column is the widest that may be cut. */
typedef struct ferry_cli_table {
    int columns, rows, capacity;
    const char *titles[FERRY_CLI_COLUMNS];
    bool right[FERRY_CLI_COLUMNS]; /* numbers stand at the right edge */
    char **cells;
} ferry_cli_table;

/* titles: "name|>time ms|share", '>' marking a column aligned to the right; must outlive the table. */
void ferry_cli_table_init(ferry_cli_table *table, const char *const *titles, int columns);
/* One formatted row, cells separated by tabs. False when out of memory. */
bool ferry_cli_table_row(ferry_cli_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ferry_cli_table_print(const ferry_cli_table *table, FILE *stream);
void ferry_cli_table_free(ferry_cli_table *table);

/* ---- texts ---- */

/* Each writes into text (of capacity bytes) and returns it. */
char *ferry_cli_bytes(uint64_t bytes, char *text, size_t capacity); /* "28.9 MB" (10^6 bytes) */
char *ferry_cli_shape(const ferry_shape *shape, const char *const *names, char *text, size_t capacity); /* "1x3xHxW" */

#endif
