/* SPDX-License-Identifier: Apache-2.0 */
/* The card as text. One table names every field, so that reading, writing, setting and help agree. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "vision/card.h"

typedef enum field_kind {
    FIELD_INT,
    FIELD_BOOL,
    FIELD_BOOL32,
    FIELD_FLOAT,
    FIELD_BYTE,
    FIELD_ENUM,
    FIELD_REASON,
    FIELD_LABELS
} field_kind;

static const char *const fit_names[] = {
    "letterbox", "letterbox-top-left", "stretch", "minimum-rectangle", "center-crop", "affine", NULL};
static const char *const resample_names[] = {"opencv", "affine", NULL};
static const char *const rounding_names[] = {"nearest", "floor", "floor-aspect", NULL};
static const char *const channel_names[] = {"rgb", "bgr", "gray", NULL};
static const char *const layout_names[] = {"nchw", "nhwc", NULL};

typedef const char *name_fn(int value);
static const char *task_name(int value) {
    return value > FERRY_TASK_EMBEDDING ? NULL : ferry_vision_task_name((ferry_vision_task)value);
}
static const char *dtype_name(int value) { return value > FERRY_FLOAT16 ? NULL : ferry_dtype_name((ferry_dtype)value); }

#define PRE(field) offsetof(ferry_model_card, preprocess.field)
#define HEAD(field) offsetof(ferry_model_card, head.field)

static const struct field {
    const char *key;
    field_kind kind;
    size_t offset;
    int count; /* of a list; 1 a plain value */
    double low, high;
    const char *const *names;
    name_fn *name;
} fields[] = {
    {"task", FIELD_ENUM, HEAD(task), 1, 0, 0, NULL, task_name},
    {"reason", FIELD_REASON, 0, 1, 0, 0, NULL, NULL},
    {"width", FIELD_INT, PRE(width), 1, 1, 16384, NULL, NULL},
    {"height", FIELD_INT, PRE(height), 1, 1, 16384, NULL, NULL},
    {"fit", FIELD_ENUM, PRE(fit), 1, 0, 0, fit_names, NULL},
    {"resample", FIELD_ENUM, PRE(resample), 1, 0, 0, resample_names, NULL},
    {"rounding", FIELD_ENUM, PRE(rounding), 1, 0, 0, rounding_names, NULL},
    {"channels", FIELD_ENUM, PRE(channels), 1, 0, 0, channel_names, NULL},
    {"dtype", FIELD_ENUM, PRE(dtype), 1, 0, 0, NULL, dtype_name},
    {"layout", FIELD_ENUM, PRE(interleaved), 1, 0, 0, layout_names, NULL},
    {"scale_up", FIELD_BOOL32, PRE(scale_up), 1, 0, 1, NULL, NULL},
    {"stride", FIELD_INT, PRE(stride), 1, 1, 16384, NULL, NULL},
    {"crop", FIELD_FLOAT, PRE(crop), 1, 0.01, 1, NULL, NULL},
    {"pad", FIELD_BYTE, PRE(pad), 3, 0, 255, NULL, NULL},
    {"divisor", FIELD_FLOAT, PRE(divisor), 1, -1e30, 1e30, NULL, NULL},
    {"mean", FIELD_FLOAT, PRE(mean), 3, -1e30, 1e30, NULL, NULL},
    {"deviation", FIELD_FLOAT, PRE(deviation), 3, -1e30, 1e30, NULL, NULL},
    {"quant_scale", FIELD_FLOAT, PRE(quant_scale), 1, 0, 1e30, NULL, NULL},
    {"zero_point", FIELD_INT, PRE(zero_point), 1, -128, 255, NULL, NULL},
    {"classes", FIELD_INT, HEAD(classes), 1, 0, 1 << 20, NULL, NULL},
    {"keypoints", FIELD_INT, HEAD(keypoints), 1, 0, FERRY_HEAD_KEYPOINTS, NULL, NULL},
    {"top_k", FIELD_INT, HEAD(top_k), 1, 1, 1000, NULL, NULL},
    {"confidence", FIELD_FLOAT, HEAD(confidence), 1, 0, 1, NULL, NULL},
    {"iou", FIELD_FLOAT, HEAD(nms.iou), 1, 0, 1, NULL, NULL},
    {"max_candidates", FIELD_INT, HEAD(nms.max_candidates), 1, 1, 1 << 20, NULL, NULL},
    {"max_detections", FIELD_INT, HEAD(nms.max_detections), 1, 1, 1 << 20, NULL, NULL},
    {"agnostic", FIELD_BOOL, HEAD(nms.agnostic), 1, 0, 1, NULL, NULL},
    {"inclusive", FIELD_BOOL, HEAD(nms.inclusive), 1, 0, 1, NULL, NULL},
    {"multi_label", FIELD_BOOL, HEAD(multi_label), 1, 0, 1, NULL, NULL},
    {"softmax", FIELD_BOOL, HEAD(softmax), 1, 0, 1, NULL, NULL},
    {"keypoint_scale", FIELD_FLOAT, HEAD(keypoint_scale), 1, -1e6, 1e6, NULL, NULL},
    {"level_count", FIELD_INT, HEAD(level_count), 1, 1, FERRY_HEAD_LEVELS, NULL, NULL},
    {"strides", FIELD_INT, HEAD(strides), FERRY_HEAD_LEVELS, 1, 1024, NULL, NULL},
    {"anchors", FIELD_FLOAT, HEAD(anchors), FERRY_HEAD_LEVELS *FERRY_HEAD_ANCHORS * 2, 0, 1e6, NULL, NULL},
    {"labels", FIELD_LABELS, 0, 1, 0, 0, NULL, NULL},
};
enum { FIELD_COUNT = sizeof fields / sizeof *fields };

const char *ferry_card_key(int index) { return index >= 0 && index < FIELD_COUNT ? fields[index].key : NULL; }

static const char *enum_name(const struct field *field, int value) {
    if (field->name) return field->name(value);
    for (int i = 0; field->names[i]; i++)
        if (i == value) return field->names[i];
    return NULL;
}

/* --- values -------------------------------------------------------------------------------------------------------------- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static const char *skip_blanks(const char *text) {
    while (is_blank(*text)) text++;
    return text;
}

/* A decimal number whatever the locale; false when there is none. Moves *text past it. */
static bool take_number(const char **text, double *number) {
    const char *p = *text;
    const double sign = *p == '-' ? -1 : 1;
    double value = 0;
    int exponent = 0, digits = 0;
    if (*p == '-' || *p == '+') p++;
    for (; *p >= '0' && *p <= '9'; p++, digits++) value = 10 * value + (*p - '0');
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, digits++, exponent--) value = 10 * value + (*p - '0');
    if (digits == 0 || digits > 40) return false;
    if (*p == 'e' || *p == 'E') {
        const int exponent_sign = p[1] == '-' ? -1 : 1;
        int shown = 0;
        for (p += p[1] == '-' || p[1] == '+' ? 2 : 1; *p >= '0' && *p <= '9'; p++)
            if (shown < 1000) shown = 10 * shown + (*p - '0');
        exponent += exponent_sign * shown;
    }
    *number = sign * (exponent < 0 ? value / pow(10, -exponent) : value * pow(10, exponent));
    *text = p;
    return true;
}

static bool take_value(const struct field *field, const char **text, double *value) {
    if (field->kind == FIELD_BOOL || field->kind == FIELD_BOOL32) {
        static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
        for (int i = 0; i < 6; i++)
            if (strncmp(*text, words[i], strlen(words[i])) == 0) {
                *text += strlen(words[i]);
                *value = i & 1;
                return true;
            }
    }
    if (!take_number(text, value)) return false;
    if (field->kind != FIELD_FLOAT && *value != floor(*value)) return false;
    return *value >= field->low && *value <= field->high;
}

static void store_value(const struct field *field, ferry_model_card *card, int index, double value) {
    char *base = (char *)card + field->offset;
    switch (field->kind) {
    case FIELD_FLOAT: ((float *)base)[index] = (float)value; break;
    case FIELD_BYTE: ((uint8_t *)base)[index] = (uint8_t)value; break;
    case FIELD_BOOL: *(bool *)base = value != 0; break;
    default: ((int32_t *)base)[index] = (int32_t)value; break;
    }
}

static double load_value(const struct field *field, const ferry_model_card *card, int index) {
    const char *base = (const char *)card + field->offset;
    switch (field->kind) {
    case FIELD_FLOAT: return (double)((const float *)base)[index];
    case FIELD_BYTE: return ((const uint8_t *)base)[index];
    case FIELD_BOOL: return *(const bool *)base;
    default: return ((const int32_t *)base)[index];
    }
}

static ferry_status bad_value(const struct field *field, const char *value, ferry_error *error) {
    return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "%s: '%.60s' is not %s%s from %g to %g", field->key, value,
                      field->count > 1 ? "a list of numbers" : "a number", field->kind == FIELD_FLOAT ? "" : " (whole)",
                      field->low, field->high);
}

/* A list may be shorter than the field: the rest keeps its value, except that one number fills a list of three. A refused
 * value changes nothing. */
static ferry_status set_numbers(const struct field *field, ferry_model_card *card, const char *value, ferry_error *error) {
    const char *p = skip_blanks(value);
    const bool bracket = *p == '[';
    double numbers[FERRY_HEAD_LEVELS * FERRY_HEAD_ANCHORS * 2];
    int count = 0;
    if (bracket) p = skip_blanks(p + 1);
    while (*p && *p != ']') {
        if (count == field->count || !take_value(field, &p, &numbers[count])) return bad_value(field, value, error);
        count++;
        p = skip_blanks(p);
        if (*p == ',') p = skip_blanks(p + 1);
    }
    if (count == 0 || (bracket && *p != ']')) return bad_value(field, value, error);
    for (; field->count == 3 && count < 3 && !bracket; count++) numbers[count] = numbers[0];
    for (int i = 0; i < count; i++) store_value(field, card, i, numbers[i]);
    return FERRY_OK;
}

static ferry_status set_enum(const struct field *field, ferry_model_card *card, const char *value, ferry_error *error) {
    char wanted[40], choices[400] = "";
    size_t length = strcspn(value = skip_blanks(value), " \t\r\n"), used = 0;
    snprintf(wanted, sizeof wanted, "%.*s", (int)(length < 39 ? length : 39), value);
    for (int i = 0; enum_name(field, i); i++) {
        if (strcmp(enum_name(field, i), wanted) == 0) {
            const int32_t chosen = i;
            memcpy((char *)card + field->offset, &chosen, sizeof chosen);
            return FERRY_OK;
        }
        int written = snprintf(choices + used, sizeof choices - used, " %s", enum_name(field, i));
        if (written > 0 && used + (size_t)written < sizeof choices) used += (size_t)written;
    }
    return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "%s: '%s' is none of%s", field->key, wanted, choices);
}

static ferry_status set_field(const struct field *field, ferry_model_card *card, const char *value, ferry_error *error) {
    switch (field->kind) {
    case FIELD_ENUM: return set_enum(field, card, value, error);
    case FIELD_LABELS: return ferry_card_set_labels(card, value, error);
    case FIELD_REASON: snprintf(card->reason, sizeof card->reason, "%s", skip_blanks(value)); return FERRY_OK;
    default: return set_numbers(field, card, value, error);
    }
}

static const struct field *find_field(const char *key, size_t length) {
    for (int i = 0; i < FIELD_COUNT; i++)
        if (strlen(fields[i].key) == length && memcmp(fields[i].key, key, length) == 0) return &fields[i];
    return NULL;
}

ferry_status ferry_card_set(ferry_model_card *card, const char *key, const char *value, ferry_error *error) {
    const struct field *field = find_field(key, strlen(key));
    if (field) return set_field(field, card, value, error);
    char all[700] = "";
    for (int i = 0; i < FIELD_COUNT; i++) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, " %s", fields[i].key);
    }
    return ferry_fail(error, FERRY_ERROR_NOT_FOUND, "unknown key '%.60s'; known are%s", key, all);
}

/* --- whole cards -----------------------------------------------------------------------------------------------------------
 */

typedef struct text_buffer {
    char *items;
    size_t count, capacity;
    bool failed;
} text_buffer;

static void append(text_buffer *buffer, const char *text, size_t length) {
    if (buffer->failed || !ferry_vector_reserve(buffer, buffer->count + length + 1)) {
        buffer->failed = true;
        return;
    }
    memcpy(buffer->items + buffer->count, text, length);
    buffer->count += length;
    buffer->items[buffer->count] = 0;
}

static void append_text(text_buffer *buffer, const char *text) { append(buffer, text, strlen(text)); }

static void append_number(text_buffer *buffer, double number) {
    char text[40];
    snprintf(text, sizeof text, "%.9g", number);
    for (char *p = text; *p; p++)
        if (*p == ',') *p = '.';
    append_text(buffer, text);
}

static void append_labels(text_buffer *buffer, const ferry_model_card *card) {
    append_text(buffer, "[");
    for (int i = 0; i < card->label_count; i++) {
        append_text(buffer, i ? ", \"" : "\"");
        for (const char *p = card->labels[i]; *p; p++) {
            if (*p == '"' || *p == '\\') append(buffer, "\\", 1);
            append(buffer, *p == '\n' || *p == '\r' ? " " : p, 1);
        }
        append_text(buffer, "\"");
    }
    append_text(buffer, "]");
}

static void append_numbers(text_buffer *buffer, const struct field *field, const ferry_model_card *card) {
    int count = field->count;
    while (field->count > 3 && count > 1 && load_value(field, card, count - 1) == 0) count--; /* unused levels */
    if (field->count > 1) append_text(buffer, "[");
    for (int i = 0; i < count; i++) {
        if (i) append_text(buffer, ", ");
        const double value = load_value(field, card, i);
        if (field->kind == FIELD_BOOL || field->kind == FIELD_BOOL32)
            append_text(buffer, value != 0 ? "true" : "false");
        else
            append_number(buffer, value);
    }
    if (field->count > 1) append_text(buffer, "]");
}

static void append_field(text_buffer *buffer, const struct field *field, const ferry_model_card *card) {
    append_text(buffer, field->key);
    append_text(buffer, ": ");
    if (field->kind == FIELD_ENUM) {
        int32_t value;
        memcpy(&value, (const char *)card + field->offset, sizeof value);
        const char *name = enum_name(field, value);
        append_text(buffer, name ? name : "?");
    } else if (field->kind == FIELD_REASON) {
        append(buffer, card->reason, strcspn(card->reason, "\r\n"));
    } else if (field->kind == FIELD_LABELS) {
        append_labels(buffer, card);
    } else {
        append_numbers(buffer, field, card);
    }
    append_text(buffer, "\n");
}

ferry_status ferry_card_write(const ferry_model_card *card, char **text, ferry_error *error) {
    text_buffer buffer = {0};
    for (int i = 0; i < FIELD_COUNT; i++) append_field(&buffer, &fields[i], card);
    if (buffer.failed) {
        ferry_free(buffer.items);
        *text = NULL;
        return ferry_fail_memory(error, buffer.count);
    }
    *text = buffer.items;
    return FERRY_OK;
}

/* One line, a terminated copy of its own. */
static ferry_status read_line(char *line, int number, bool tasks_only, ferry_model_card *card, ferry_error *error) {
    const char *key = skip_blanks(line);
    if (*key == 0 || *key == '#') return FERRY_OK;
    const size_t length = strcspn(key, ": \t");
    const char *colon = skip_blanks(key + length);
    const struct field *field = find_field(key, length);
    if (*colon != ':' || !field)
        return ferry_fail(error, FERRY_ERROR_FORMAT, "model card, line %d: '%.40s' is not a known `key: value`", number, key);
    if (tasks_only != (field->offset == HEAD(task) && field->kind == FIELD_ENUM)) return FERRY_OK;
    ferry_status status = set_field(field, card, skip_blanks(colon + 1), error);
    if (status != FERRY_OK) ferry_error_prefix(error, "model card, line %d: ", number);
    return status;
}

static ferry_status read_lines(const char *text, size_t length, bool tasks_only, ferry_model_card *card, ferry_error *error) {
    const char *end = text + length;
    for (int number = 1; text < end; number++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const size_t line_length = (size_t)((newline ? newline : end) - text);
        char *line = ferry_strndup(text, line_length);
        if (!line) return ferry_fail_memory(error, line_length + 1);
        if (line_length > 0 && line[line_length - 1] == '\r') line[line_length - 1] = 0;
        ferry_status status = read_line(line, number, tasks_only, card, error);
        ferry_free(line);
        FERRY_TRY(status);
        if (!newline) break;
        text = newline + 1;
    }
    return FERRY_OK;
}

ferry_status ferry_card_read(const char *text, size_t length, ferry_model_card *card, ferry_error *error) {
    ferry_card_free(card);
    ferry_card_init(card, FERRY_TASK_RAW);
    FERRY_TRY(read_lines(text, length, true, card, error));
    ferry_card_init(card, card->head.task);
    return read_lines(text, length, false, card, error);
}
