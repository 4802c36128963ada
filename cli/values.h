/* SPDX-License-Identifier: Apache-2.0 */
/* Values on the command line that are more than a number or a word: shapes of inputs, pairs, inputs' contents; and statistics.
 */
#ifndef FERRY_CLI_VALUES_H
#define FERRY_CLI_VALUES_H

#include <stdbool.h>

#include <ferry/engine.h>

#include "options.h"

/* "images:1x3x640x640,scale:2": names and shapes, as trtexec writes them. '?' or -1 leaves a dimension open. */
typedef struct ferry_cli_shapes {
    char **names;
    ferry_shape *shapes;
    int count;
} ferry_cli_shapes;

/* Reads every item of the list. Release with ferry_cli_shapes_free whatever is returned. */
ferry_status ferry_cli_shapes_parse(const ferry_cli_list *texts, ferry_cli_shapes *shapes, ferry_error *error);
void ferry_cli_shapes_free(ferry_cli_shapes *shapes);

/* Splits "name=value" at the first '='; false when there is none. The name is copied to `name`. */
bool ferry_cli_split_pair(const char *text, char *name, size_t capacity, const char **value);

/* Index of the engine's input of that name; FERRY_ERROR_NOT_FOUND lists the names there are. */
ferry_status ferry_cli_find_input(const ferry_engine *engine, const char *name, int *index, ferry_error *error);

/* Latencies and what trtexec reports of them; values are sorted in place. */
typedef struct ferry_cli_statistics {
    double minimum, maximum, mean, median, deviation;
} ferry_cli_statistics;
void ferry_cli_statistics_compute(double *values, int count, ferry_cli_statistics *result);
/* The value below which `percent` per cent of the sorted values lie, linear between neighbours (NumPy's default). */
double ferry_cli_percentile(const double *sorted, int count, double percent);

#endif
