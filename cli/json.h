/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON: commas, indentation and escapes are kept right by the writer. Errors show in ferror(stream). */
#ifndef FERRY_CLI_JSON_H
#define FERRY_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct ferry_json {
    FILE *stream;
    bool lines; /* everything on one line, as JSON lines want it */
    int depth;
    bool started[16]; /* whether an element stands already at that depth */
    bool after_key;
} ferry_json;

void ferry_json_init(ferry_json *json, FILE *stream, bool lines);
void ferry_json_begin(ferry_json *json, char bracket); /* '{' or '['; at most 15 deep */
void ferry_json_end(ferry_json *json, char bracket);   /* '}' or ']'; the outermost also ends the line */
void ferry_json_key(ferry_json *json, const char *key);
void ferry_json_string(ferry_json *json, const char *text); /* NULL gives null; bytes that are no UTF-8 become U+FFFD */
void ferry_json_integer(ferry_json *json, int64_t value);
void ferry_json_number(ferry_json *json, double value, int decimals); /* null when not finite */
void ferry_json_boolean(ferry_json *json, bool value);

/* A key and its value at once. */
void ferry_json_string_at(ferry_json *json, const char *key, const char *text);
void ferry_json_integer_at(ferry_json *json, const char *key, int64_t value);
void ferry_json_number_at(ferry_json *json, const char *key, double value, int decimals);

#endif
