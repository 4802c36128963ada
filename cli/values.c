/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes, pairs, names of inputs and statistics. */
#include "values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

/* ---- shapes ---- */

static bool parse_dims(const char *text, const char *end, ferry_shape *shape) {
    shape->rank = 0;
    while (text < end) {
        char *stop;
        long long dim = -1;
        if (shape->rank >= FERRY_MAX_RANK) return false;
        if (*text == '?') {
            stop = (char *)text + 1;
        } else {
            dim = strtoll(text, &stop, 10);
            if (stop == text || dim < -1) return false;
        }
        shape->dims[shape->rank++] = dim;
        if (stop > end || (stop < end && *stop != 'x')) return false;
        if (stop + 1 == end) return false; /* a trailing 'x' */
        text = stop < end ? stop + 1 : end;
    }
    return shape->rank > 0;
}

/* The last ':' or '=' before `end`: names may hold either. */
static const char *find_separator(const char *text, const char *end) {
    while (end-- > text)
        if (*end == ':' || *end == '=') return end;
    return NULL;
}

static ferry_status append_shape(ferry_cli_shapes *shapes, const char *text, const char *end, ferry_error *error) {
    const char *separator = find_separator(text, end);
    ferry_shape shape;
    if (!separator || separator == text || !parse_dims(separator + 1, end, &shape))
        return ferry_cli_fail(error, FERRY_ERROR_INVALID_ARGUMENT, 0, "'%.*s' is no shape; write name:1x3x640x640",
                              (int)(end - text), text);
    size_t count = (size_t)shapes->count + 1;
    char **names = realloc(shapes->names, count * sizeof *names);
    if (names) shapes->names = names;
    ferry_shape *all = names ? realloc(shapes->shapes, count * sizeof *all) : NULL;
    if (all) shapes->shapes = all;
    char *name = all ? strndup(text, (size_t)(separator - text)) : NULL;
    if (!name) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    shapes->names[shapes->count] = name;
    shapes->shapes[shapes->count++] = shape;
    return FERRY_OK;
}

ferry_status ferry_cli_shapes_parse(const ferry_cli_list *texts, ferry_cli_shapes *shapes, ferry_error *error) {
    memset(shapes, 0, sizeof *shapes);
    for (int i = 0; i < texts->count; i++) {
        for (const char *text = texts->items[i]; text;) {
            const char *comma = strchr(text, ','), *end = comma ? comma : text + strlen(text);
            ferry_status status = append_shape(shapes, text, end, error);
            if (status != FERRY_OK) return status;
            text = comma ? comma + 1 : NULL;
        }
    }
    return FERRY_OK;
}

void ferry_cli_shapes_free(ferry_cli_shapes *shapes) {
    for (int i = 0; i < shapes->count; i++) free(shapes->names[i]);
    free(shapes->names);
    free(shapes->shapes);
    memset(shapes, 0, sizeof *shapes);
}

/* ---- pairs and inputs ---- */

bool ferry_cli_split_pair(const char *text, char *name, size_t capacity, const char **value) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || (size_t)(equals - text) >= capacity) return false;
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    *value = equals + 1;
    return true;
}

ferry_status ferry_cli_find_input(const ferry_engine *engine, const char *name, int *index, ferry_error *error) {
    char known[512] = "";
    size_t used = 0;
    for (int i = 0; i < ferry_engine_input_count(engine); i++) {
        ferry_binding_info info;
        ferry_status status = ferry_engine_input(engine, i, &info, error);
        if (status != FERRY_OK) return status;
        if (strcmp(info.name, name) == 0) {
            *index = i;
            return FERRY_OK;
        }
        if (used + 1 < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s'%s'", i ? ", " : "", info.name);
    }
    return ferry_cli_fail(error, FERRY_ERROR_NOT_FOUND, 0, "the model has no input '%s'; its inputs: %s", name, known);
}

/* ---- statistics ---- */

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ferry_cli_percentile(const double *sorted, int count, double percent) {
    double position = percent / 100 * (count - 1);
    int below = (int)position;
    if (below >= count - 1) return sorted[count - 1];
    return sorted[below] + (sorted[below + 1] - sorted[below]) * (position - below);
}

void ferry_cli_statistics_compute(double *values, int count, ferry_cli_statistics *result) {
    double sum = 0, squares = 0;
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    for (int i = 0; i < count; i++) sum += values[i];
    result->mean = sum / count;
    for (int i = 0; i < count; i++) squares += (values[i] - result->mean) * (values[i] - result->mean);
    result->deviation = sqrt(squares / count);
    result->minimum = values[0];
    result->maximum = values[count - 1];
    result->median = ferry_cli_percentile(values, count, 50);
}
