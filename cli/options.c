/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing of command lines by the tables of options.h. */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef struct parse_state {
    const ferry_command *command;
    char *settings;
    char *message;
    size_t capacity;
    int argc, next;
    char **argv;
} parse_state;

static bool complain(parse_state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool complain(parse_state *state, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(state->message, state->capacity, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- finding options ---- */

static bool word_in_list(const char *list, char separator, const char *word, size_t length, int *index) {
    int position = 0;
    while (list && *list) {
        const char *end = strchr(list, separator);
        size_t bytes = end ? (size_t)(end - list) : strlen(list);
        if (bytes == length && memcmp(list, word, length) == 0) {
            if (index) *index = position;
            return true;
        }
        list = end ? end + 1 : NULL;
        position++;
    }
    return false;
}

static const ferry_option *find_long(const ferry_command *command, const char *name, size_t length) {
    for (const ferry_option *option = command->options; option->name; option++) {
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0) return option;
        if (word_in_list(option->aliases, ',', name, length, NULL)) return option;
    }
    return NULL;
}

static const ferry_option *find_short(const ferry_command *command, char letter) {
    for (const ferry_option *option = command->options; option->name; option++)
        if (option->letter == letter) return option;
    return NULL;
}

static size_t smallest(size_t a, size_t b, size_t c) { return a < b ? (a < c ? a : c) : (b < c ? b : c); }

/* Levenshtein's distance, over words short enough for a line of the table on the stack. */
static size_t edit_distance(const char *a, const char *b) {
    enum { LONGEST = 40 };
    size_t row[LONGEST + 1], a_length = strlen(a), b_length = strlen(b);
    if (a_length > LONGEST || b_length > LONGEST) return LONGEST;
    for (size_t j = 0; j <= b_length; j++) row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t above = row[j];
            row[j] = smallest(row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_length];
}

const char *ferry_options_nearest(const char *word, const char *const *names, int count) {
    const char *nearest = NULL;
    size_t length = strlen(word), best = length / 3 + 2;
    for (int i = 0; i < count; i++) {
        size_t distance = edit_distance(word, names[i]);
        if (length >= 3 && strncmp(word, names[i], length) == 0) distance = 1; /* a beginning is a good guess too */
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}

static bool unknown_option(parse_state *state, const char *word, size_t length) {
    enum { MOST = 64 };
    const char *names[MOST];
    char typed[64];
    int count = 0;
    names[count++] = "help";
    for (const ferry_option *option = state->command->options; option->name && count < MOST; option++)
        names[count++] = option->name;
    snprintf(typed, sizeof typed, "%.*s", (int)length, word);
    const char *nearest = ferry_options_nearest(typed, names, count);
    if (nearest) return complain(state, "unknown option '--%s'; did you mean '--%s'?", typed, nearest);
    return complain(state, "unknown option '--%s'", typed);
}

/* ---- values ---- */

static bool in_range(const ferry_option *option, double value) {
    return (option->minimum == 0 && option->maximum == 0) || (value >= option->minimum && value <= option->maximum);
}

static bool store_integer(parse_state *state, const ferry_option *option, const char *text) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno) return complain(state, "--%s wants an integer, not '%s'", option->name, text);
    if (!in_range(option, (double)value))
        return complain(state, "--%s is %lld; it must lie between %.0f and %.0f", option->name, value, option->minimum,
                        option->maximum);
    *(int64_t *)(void *)(state->settings + option->offset) = value;
    return true;
}

static bool store_number(parse_state *state, const ferry_option *option, const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value)) return complain(state, "--%s wants a number, not '%s'", option->name, text);
    if (!in_range(option, value))
        return complain(state, "--%s is %g; it must lie between %g and %g", option->name, value, option->minimum,
                        option->maximum);
    *(double *)(void *)(state->settings + option->offset) = value;
    return true;
}

static bool store_choice(parse_state *state, const ferry_option *option, const char *text) {
    if (word_in_list(option->choices, '|', text, strlen(text), (int *)(void *)(state->settings + option->offset))) return true;
    return complain(state, "--%s must be one of %s, not '%s'", option->name, option->choices, text);
}

static bool list_append(parse_state *state, ferry_cli_list *list, const char *text) {
    const char **items = realloc(list->items, sizeof *items * (size_t)(list->count + 1));
    if (!items) return complain(state, "out of memory");
    list->items = items;
    items[list->count++] = text;
    return true;
}

static bool store(parse_state *state, const ferry_option *option, const char *text) {
    void *field = state->settings + option->offset;
    switch (option->kind) {
    case FERRY_OPTION_FLAG: *(bool *)field = true; return true;
    case FERRY_OPTION_INTEGER: return store_integer(state, option, text);
    case FERRY_OPTION_NUMBER: return store_number(state, option, text);
    case FERRY_OPTION_TEXT: *(const char **)field = text; return true;
    case FERRY_OPTION_CHOICE: return store_choice(state, option, text);
    case FERRY_OPTION_LIST: return list_append(state, field, text);
    }
    return true;
}

static void store_absent(parse_state *state, const ferry_option *option) {
    void *field = state->settings + option->offset;
    if (option->kind == FERRY_OPTION_INTEGER) *(int64_t *)field = -1;
    if (option->kind == FERRY_OPTION_NUMBER) *(double *)field = (double)NAN;
    if (option->kind == FERRY_OPTION_CHOICE) *(int *)field = -1;
}

static bool store_defaults(parse_state *state) {
    memset(state->settings, 0, state->command->settings_size);
    for (const ferry_option *option = state->command->options; option->name; option++) {
        store_absent(state, option);
        if (option->initial && !store(state, option, option->initial)) return false;
    }
    return true;
}

/* ---- the walk over argv ---- */

static bool take_long(parse_state *state, const char *word) {
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const ferry_option *option = find_long(state->command, word, length);
    if (!option) return unknown_option(state, word, length);
    if (option->kind == FERRY_OPTION_FLAG)
        return equals ? complain(state, "--%s takes no value", option->name) : store(state, option, NULL);
    if (equals) return store(state, option, equals + 1);
    if (state->next >= state->argc) return complain(state, "--%s wants a value: %s", option->name, option->value);
    return store(state, option, state->argv[state->next++]);
}

static bool take_short(parse_state *state, const char *letters) {
    for (; *letters; letters++) {
        const ferry_option *option = find_short(state->command, *letters);
        if (!option) return complain(state, "unknown option '-%c'", *letters);
        if (option->kind == FERRY_OPTION_FLAG) {
            store(state, option, NULL);
            continue;
        }
        if (letters[1]) return store(state, option, letters[1] == '=' ? letters + 2 : letters + 1);
        if (state->next >= state->argc) return complain(state, "-%c wants a value: %s", *letters, option->value);
        return store(state, option, state->argv[state->next++]);
    }
    return true;
}

static bool is_help(const char *word) { return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0; }

static bool take_all(parse_state *state, bool *help) {
    ferry_cli_list *arguments = (ferry_cli_list *)(void *)(state->settings + state->command->arguments_offset);
    bool options_over = false;
    while (state->next < state->argc) {
        const char *word = state->argv[state->next++];
        bool taken;
        if (!options_over && is_help(word)) {
            *help = true;
            return true;
        }
        if (!options_over && strcmp(word, "--") == 0) {
            options_over = true;
            continue;
        }
        if (options_over || word[0] != '-' || word[1] == '\0')
            taken = list_append(state, arguments, word);
        else
            taken = word[1] == '-' ? take_long(state, word + 2) : take_short(state, word + 1);
        if (!taken) return false;
    }
    return true;
}

static bool check_arguments(parse_state *state) {
    const ferry_command *command = state->command;
    const ferry_cli_list *arguments = (const ferry_cli_list *)(const void *)(state->settings + command->arguments_offset);
    if (arguments->count < command->min_arguments)
        return complain(state, "something is missing; usage: ferry %s %s", command->name, command->synopsis);
    if (arguments->count > command->max_arguments)
        return complain(state, "'%s' is one argument too many; usage: ferry %s %s", arguments->items[command->max_arguments],
                        command->name, command->synopsis);
    return true;
}

ferry_parse_result ferry_options_parse(const ferry_command *command, int argc, char **argv, void *settings, char *message,
                                       size_t capacity) {
    parse_state state = {
        .command = command, .settings = settings, .message = message, .capacity = capacity, .argc = argc, .argv = argv};
    bool help = false;
    if (!store_defaults(&state) || !take_all(&state, &help)) return FERRY_PARSE_USAGE;
    if (help) return FERRY_PARSE_HELP;
    return check_arguments(&state) ? FERRY_PARSE_OK : FERRY_PARSE_USAGE;
}

void ferry_options_release(const ferry_command *command, void *settings) {
    for (const ferry_option *option = command->options; option->name; option++)
        if (option->kind == FERRY_OPTION_LIST) free(((ferry_cli_list *)(void *)((char *)settings + option->offset))->items);
    free(((ferry_cli_list *)(void *)((char *)settings + command->arguments_offset))->items);
    memset(settings, 0, command->settings_size);
}
