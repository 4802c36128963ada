/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer (RFC 8259). */
#include "json.h"

#include <math.h>
#include <string.h>

void ferry_json_init(ferry_json *json, FILE *stream, bool lines) {
    memset(json, 0, sizeof *json);
    json->stream = stream;
    json->lines = lines;
}

static void new_line(const ferry_json *json) {
    if (!json->lines) fprintf(json->stream, "\n%*s", 2 * json->depth, "");
}

/* Comma and line break before the next element. */
static void before_element(ferry_json *json) {
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->depth == 0) return;
    if (json->started[json->depth]) fputs(json->lines ? ", " : ",", json->stream);
    json->started[json->depth] = true;
    new_line(json);
}

void ferry_json_begin(ferry_json *json, char bracket) {
    before_element(json);
    fputc(bracket, json->stream);
    json->depth++;
    json->started[json->depth] = false;
}

void ferry_json_end(ferry_json *json, char bracket) {
    bool filled = json->started[json->depth];
    json->depth--;
    if (filled) new_line(json);
    fputc(bracket, json->stream);
    if (json->depth == 0) fputc('\n', json->stream);
}

/* Length of the valid UTF-8 sequence at `text` (RFC 3629), 0 when there is none. */
static size_t utf8_sequence(const unsigned char *text) {
    if (text[0] < 0x80) return 1;
    size_t length = text[0] >= 0xC2 && text[0] <= 0xDF   ? 2
                    : (text[0] & 0xF0) == 0xE0           ? 3
                    : text[0] >= 0xF0 && text[0] <= 0xF4 ? 4
                                                         : 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80) return 0;
    if ((text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xED && text[1] > 0x9F)) return 0;
    if ((text[0] == 0xF0 && text[1] < 0x90) || (text[0] == 0xF4 && text[1] > 0x8F)) return 0;
    return length;
}

static void write_escaped(FILE *stream, const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    fputc('"', stream);
    while (*at) {
        size_t length = utf8_sequence(at);
        if (length == 0) {
            fputs("\\ufffd", stream);
            length = 1;
        } else if (*at == '"' || *at == '\\') {
            fprintf(stream, "\\%c", *at);
        } else if (*at < 0x20 || *at == 0x7F) {
            fprintf(stream, "\\u%04x", *at);
        } else {
            fwrite(at, 1, length, stream);
        }
        at += length;
    }
    fputc('"', stream);
}

void ferry_json_key(ferry_json *json, const char *key) {
    before_element(json);
    write_escaped(json->stream, key);
    fputs(": ", json->stream);
    json->after_key = true;
}

void ferry_json_string(ferry_json *json, const char *text) {
    before_element(json);
    if (text)
        write_escaped(json->stream, text);
    else
        fputs("null", json->stream);
}

void ferry_json_integer(ferry_json *json, int64_t value) {
    before_element(json);
    fprintf(json->stream, "%lld", (long long)value);
}

void ferry_json_number(ferry_json *json, double value, int decimals) {
    before_element(json);
    if (isfinite(value))
        fprintf(json->stream, "%.*f", decimals, value);
    else
        fputs("null", json->stream);
}

void ferry_json_boolean(ferry_json *json, bool value) {
    before_element(json);
    fputs(value ? "true" : "false", json->stream);
}

void ferry_json_string_at(ferry_json *json, const char *key, const char *text) {
    ferry_json_key(json, key);
    ferry_json_string(json, text);
}

void ferry_json_integer_at(ferry_json *json, const char *key, int64_t value) {
    ferry_json_key(json, key);
    ferry_json_integer(json, value);
}

void ferry_json_number_at(ferry_json *json, const char *key, double value, int decimals) {
    ferry_json_key(json, key);
    ferry_json_number(json, value, decimals);
}
