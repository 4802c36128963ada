/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of options as a help text, a troff manual page and a Markdown page. */
#include <string.h>

#include "options.h"

enum { HELP_COLUMN = 30, HELP_WIDTH = 100 };

/* ---- plain text ---- */

/* Prints words of `text` wrapped to HELP_WIDTH, continuing at `indent`; the cursor stands at `column`. */
static void print_wrapped(FILE *stream, const char *text, int column, int indent) {
    int at = column;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (at > indent && at + 1 + (int)word > HELP_WIDTH) {
            fprintf(stream, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', stream);
            at++;
        }
        fwrite(text, 1, word, stream);
        at += (int)word;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', stream);
}

/* "-o, --output FILE" */
static void option_label(const ferry_option *option, char *text, size_t capacity) {
    int used = 0;
    if (option->letter) used = snprintf(text, capacity, "-%c, ", option->letter);
    snprintf(text + used, capacity - (size_t)used, "--%s%s%s", option->name, option->value ? " " : "",
             option->value ? option->value : "");
}

/* What the table knows beyond the sentence: choices, range, default, other spellings. */
static void option_remarks(const ferry_option *option, char *text, size_t capacity) {
    size_t used = 0;
    text[0] = '\0';
    if (option->choices) used += (size_t)snprintf(text + used, capacity - used, " [%s]", option->choices);
    if (option->kind == FERRY_OPTION_LIST) used += (size_t)snprintf(text + used, capacity - used, "; may be repeated");
    if (option->initial) used += (size_t)snprintf(text + used, capacity - used, "; default %s", option->initial);
    if (option->aliases) {
        used += (size_t)snprintf(text + used, capacity - used, "; also --");
        for (const char *c = option->aliases; *c && used + 8 < capacity; c++)
            used += (size_t)snprintf(text + used, capacity - used, *c == ',' ? ", --" : "%c", *c);
    }
}

static void print_option(FILE *stream, const ferry_option *option) {
    char label[96], remarks[256], sentence[768];
    option_label(option, label, sizeof label);
    option_remarks(option, remarks, sizeof remarks);
    snprintf(sentence, sizeof sentence, "%s%s", option->help, remarks);
    int used = fprintf(stream, "  %s%s", option->letter ? "" : "    ", label);
    if (used >= HELP_COLUMN - 1) {
        fputc('\n', stream);
        used = 0;
    }
    fprintf(stream, "%*s", HELP_COLUMN - used, "");
    print_wrapped(stream, sentence, HELP_COLUMN, HELP_COLUMN);
}

/* Calls `line` for every paragraph of text. */
static void each_paragraph(const char *text, FILE *stream, void (*line)(FILE *stream, const char *paragraph)) {
    char paragraph[2048];
    while (text && *text) {
        const char *end = strstr(text, "\n\n");
        size_t length = end ? (size_t)(end - text) : strlen(text);
        if (length >= sizeof paragraph) length = sizeof paragraph - 1;
        memcpy(paragraph, text, length);
        paragraph[length] = '\0';
        for (char *c = paragraph; *c; c++)
            if (*c == '\n') *c = ' ';
        line(stream, paragraph);
        text = end ? end + 2 : NULL;
    }
}

/* Calls `line` for every "command\tcomment" line. */
static void each_example(const char *text, FILE *stream, void (*line)(FILE *stream, const char *command, const char *comment)) {
    char copy[512];
    while (text && *text) {
        size_t length = strcspn(text, "\n");
        snprintf(copy, sizeof copy, "%.*s", (int)length, text);
        char *tab = strchr(copy, '\t');
        if (tab) *tab = '\0';
        line(stream, copy, tab ? tab + 1 : "");
        text += length + (text[length] == '\n');
    }
}

static void text_paragraph(FILE *stream, const char *paragraph) {
    fputc('\n', stream);
    print_wrapped(stream, paragraph, 0, 0);
}

static void text_example(FILE *stream, const char *command, const char *comment) {
    if (*comment) fprintf(stream, "  # %s\n", comment);
    fprintf(stream, "  %s\n", command);
}

static void print_text(const ferry_command *command, FILE *stream) {
    fprintf(stream, "Usage: ferry %s %s\n", command->name, command->synopsis);
    each_paragraph(command->description, stream, text_paragraph);
    fputs("\nOptions:\n", stream);
    for (const ferry_option *option = command->options; option->name; option++) print_option(stream, option);
    fprintf(stream, "  %-*s%s\n", HELP_COLUMN - 2, "-h, --help", "print this help");
    if (command->examples) {
        fputs("\nExamples:\n", stream);
        each_example(command->examples, stream, text_example);
    }
}

/* ---- troff ---- */

/* Text with troff's special characters escaped: backslash, hyphen (a minus, so that it can be copied), leading dot or quote. */
static void troff(FILE *stream, const char *text) {
    if (*text == '.' || *text == '\'') fputs("\\&", stream);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", stream);
        else if (*text == '-')
            fputs("\\-", stream);
        else
            fputc(*text, stream);
    }
}

static void man_paragraph(FILE *stream, const char *paragraph) {
    fputs(".PP\n", stream);
    troff(stream, paragraph);
    fputc('\n', stream);
}

static void man_example(FILE *stream, const char *command, const char *comment) {
    fputs(".PP\n", stream);
    troff(stream, comment);
    fputs("\n.PP\n.RS\n.nf\n", stream);
    troff(stream, command);
    fputs("\n.fi\n.RE\n", stream);
}

static void man_option(FILE *stream, const char *label, const char *sentence) {
    fputs(".TP\n.B ", stream);
    troff(stream, label);
    fputc('\n', stream);
    troff(stream, sentence);
    fputs(".\n", stream);
}

static void print_man(const ferry_command *command, FILE *stream) {
    char label[96], remarks[256], sentence[768], upper[32];
    size_t i = 0;
    for (; command->name[i] && i + 1 < sizeof upper; i++)
        upper[i] = (char)(command->name[i] >= 'a' && command->name[i] <= 'z' ? command->name[i] - 'a' + 'A' : command->name[i]);
    upper[i] = '\0';
    fprintf(stream, ".TH FERRY\\-%s 1 \"\" ferry \"Ferry Manual\"\n.SH NAME\nferry\\-%s \\- ", upper, command->name);
    troff(stream, command->summary);
    fprintf(stream, "\n.SH SYNOPSIS\n.B ferry %s\n", command->name);
    troff(stream, command->synopsis);
    fputs("\n.SH DESCRIPTION\n", stream);
    each_paragraph(command->description, stream, man_paragraph);
    fputs(".SH OPTIONS\n", stream);
    for (const ferry_option *option = command->options; option->name; option++) {
        option_label(option, label, sizeof label);
        option_remarks(option, remarks, sizeof remarks);
        snprintf(sentence, sizeof sentence, "%s%s", option->help, remarks);
        man_option(stream, label, sentence);
    }
    man_option(stream, "-h, --help", "print a help text");
    fputs(".SH \"EXIT STATUS\"\n0 on success, 1 on failure, 2 when the command line is wrong.\n", stream);
    if (command->examples) {
        fputs(".SH EXAMPLES\n", stream);
        each_example(command->examples, stream, man_example);
    }
}

/* ---- Markdown ---- */

/* Escapes what Markdown and HTML would take for markup inside a table. */
static void markdown(FILE *stream, const char *text) {
    for (; *text; text++) {
        if (strchr("|<*_\\", *text)) fputc('\\', stream);
        fputc(*text, stream);
    }
}

static void markdown_paragraph(FILE *stream, const char *paragraph) {
    markdown(stream, paragraph);
    fputs("\n\n", stream);
}

static void markdown_example(FILE *stream, const char *command, const char *comment) {
    if (*comment) fprintf(stream, "# %s\n", comment);
    fprintf(stream, "%s\n", command);
}

static void print_markdown(const ferry_command *command, FILE *stream) {
    char label[96], remarks[256];
    fprintf(stream, "# ferry %s\n\n", command->name);
    markdown(stream, command->summary);
    fprintf(stream, "\n\n    ferry %s %s\n\n", command->name, command->synopsis);
    each_paragraph(command->description, stream, markdown_paragraph);
    fputs("| option | |\n|---|---|\n", stream);
    for (const ferry_option *option = command->options; option->name; option++) {
        option_label(option, label, sizeof label);
        option_remarks(option, remarks, sizeof remarks);
        fprintf(stream, "| `%s` | ", label);
        markdown(stream, option->help);
        markdown(stream, remarks);
        fputs(" |\n", stream);
    }
    fputs("\nExit status: 0 on success, 1 on failure, 2 when the command line is wrong.\n", stream);
    if (command->examples) {
        fputs("\n```sh\n", stream);
        each_example(command->examples, stream, markdown_example);
        fputs("```\n", stream);
    }
}

void ferry_options_print_help(const ferry_command *command, ferry_help_form form, FILE *stream) {
    switch (form) {
    case FERRY_HELP_TEXT: print_text(command, stream); break;
    case FERRY_HELP_MAN: print_man(command, stream); break;
    case FERRY_HELP_MARKDOWN: print_markdown(command, stream); break;
    }
}
