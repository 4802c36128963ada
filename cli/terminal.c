/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, progress and tables on a terminal. */
#include "terminal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

double ferry_cli_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void ferry_cli_message(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    if (isatty(STDERR_FILENO)) fputs("\r\033[K", stderr);
    fprintf(stderr, "ferry%s%s: ", *command ? " " : "", command);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static int terminal_width(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

/* ---- progress ---- */

void ferry_cli_progress_init(ferry_cli_progress *progress, bool quiet) {
    const char *terminal = getenv("TERM");
    memset(progress, 0, sizeof *progress);
    progress->quiet = quiet;
    progress->bar = isatty(STDERR_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0);
    progress->started = ferry_cli_seconds();
}

static void draw_bar(ferry_cli_progress *progress, int64_t done, int64_t total, const char *note) {
    enum { WIDEST = 40 };
    char bar[WIDEST + 1];
    int extra = (int)strlen(progress->stage) > 12 ? (int)strlen(progress->stage) - 12 : 0; /* of a long file name */
    int room = terminal_width() - 44 - extra - (int)strlen(note), width = room < WIDEST ? room : WIDEST;
    if (total > 0 && done > total) done = total;
    if (total <= 0 || width < 4) {
        fprintf(stderr, "\r\033[K%-12s %lld %s", progress->stage, (long long)done, note);
    } else {
        int filled = (int)((double)width * (double)done / (double)total);
        memset(bar, '.', sizeof bar);
        memset(bar, '#', (size_t)filled);
        bar[width] = '\0';
        fprintf(stderr, "\r\033[K%-12s [%s] %3d%%  %lld/%lld %s", progress->stage, bar, (int)(100 * done / total),
                (long long)done, (long long)total, note);
    }
    progress->drawn = true;
    fflush(stderr);
}

static void print_line(const ferry_cli_progress *progress, bool fresh, int64_t done, int64_t total, const char *note) {
    if (fresh)
        fprintf(stderr, "%s\n", progress->stage);
    else if (total > 0)
        fprintf(stderr, "%s: %lld of %lld %s\n", progress->stage, (long long)done, (long long)total, note);
    else
        fprintf(stderr, "%s: %lld %s\n", progress->stage, (long long)done, note);
}

void ferry_cli_progress_update(ferry_cli_progress *progress, const char *stage, int64_t done, int64_t total, const char *note) {
    const double bar_pause = 0.1, line_pause = 10;
    if (progress->quiet) return;
    double now = ferry_cli_seconds();
    bool fresh = strcmp(stage, progress->stage) != 0, complete = total > 0 && done >= total;
    if (fresh) snprintf(progress->stage, sizeof progress->stage, "%s", stage);
    if (!fresh && !(complete && progress->bar) && now - progress->last < (progress->bar ? bar_pause : line_pause)) return;
    progress->last = now;
    if (progress->bar)
        draw_bar(progress, done, total, note ? note : "");
    else
        print_line(progress, fresh, done, total, note ? note : "");
}

void ferry_cli_progress_clear(ferry_cli_progress *progress) {
    if (!progress->drawn) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->drawn = false;
}

/* ---- tables ---- */

void ferry_cli_table_init(ferry_cli_table *table, const char *const *titles, int columns) {
    memset(table, 0, sizeof *table);
    table->columns = columns;
    for (int i = 0; i < columns; i++) {
        table->right[i] = titles[i][0] == '>';
        table->titles[i] = titles[i] + table->right[i];
    }
}

static bool table_grow(ferry_cli_table *table) {
    if (table->rows < table->capacity) return true;
    int capacity = table->capacity ? table->capacity * 2 : 64;
    char **cells = realloc(table->cells, sizeof *cells * (size_t)capacity * (size_t)table->columns);
    if (!cells) return false;
    table->cells = cells;
    table->capacity = capacity;
    return true;
}

bool ferry_cli_table_row(ferry_cli_table *table, const char *format, ...) {
    char row[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(row, sizeof row, format, arguments);
    va_end(arguments);
    if (!table_grow(table)) return false;
    char **cells = table->cells + (size_t)table->rows * (size_t)table->columns;
    const char *at = row;
    for (int i = 0; i < table->columns; i++) {
        size_t length = strcspn(at, "\t");
        cells[i] = strndup(at, length);
        if (!cells[i]) {
            while (i-- > 0) free(cells[i]);
            return false;
        }
        at += length + (at[length] == '\t');
    }
    table->rows++;
    return true;
}

static void print_cell(const ferry_cli_table *table, int column, int width, const char *text, FILE *stream) {
    bool last = column == table->columns - 1;
    if (table->right[column])
        fprintf(stream, "%*s%s", width, text, last ? "" : "  ");
    else
        fprintf(stream, "%-*s%s", last ? 0 : width, text, last ? "" : "  ");
}

void ferry_cli_table_print(const ferry_cli_table *table, FILE *stream) {
    int widths[FERRY_CLI_COLUMNS];
    for (int i = 0; i < table->columns; i++) {
        widths[i] = (int)strlen(table->titles[i]);
        for (int row = 0; row < table->rows; row++) {
            int length = (int)strlen(table->cells[row * table->columns + i]);
            if (length > widths[i]) widths[i] = length;
        }
    }
    for (int i = 0; i < table->columns; i++) print_cell(table, i, widths[i], table->titles[i], stream);
    fputc('\n', stream);
    for (int row = 0; row < table->rows; row++) {
        for (int i = 0; i < table->columns; i++)
            print_cell(table, i, widths[i], table->cells[row * table->columns + i], stream);
        fputc('\n', stream);
    }
}

void ferry_cli_table_free(ferry_cli_table *table) {
    for (int i = 0; i < table->rows * table->columns; i++) free(table->cells[i]);
    free(table->cells);
    memset(table, 0, sizeof *table);
}

/* ---- texts ---- */

char *ferry_cli_bytes(uint64_t bytes, char *text, size_t capacity) {
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    int unit = 0;
    while (value >= 999.5 && unit < 4) {
        value /= 1000;
        unit++;
    }
    snprintf(text, capacity, unit && value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text;
}

char *ferry_cli_shape(const ferry_shape *shape, const char *const *names, char *text, size_t capacity) {
    size_t used = 0;
    snprintf(text, capacity, shape->rank < 0 ? "?" : "scalar");
    for (int i = 0; i < shape->rank && used + 1 < capacity; i++) {
        const char *separator = i ? "x" : "";
        if (shape->dims[i] >= 0)
            used += (size_t)snprintf(text + used, capacity - used, "%s%lld", separator, (long long)shape->dims[i]);
        else
            used += (size_t)snprintf(text + used, capacity - used, "%s%s", separator,
                                     names && names[i] && *names[i] ? names[i] : "?");
    }
    return text;
}
