/* SPDX-License-Identifier: Apache-2.0 */
/* Reads every #include of the project and holds it against floors.def: usage check_includes ROOT. Prints each violation as
 * file:line and exits with 1 if there is one, or if nothing was read. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct floor_rule {
    const char *folder, *allowed;
} floor_rule;

static const floor_rule floors[] = {
#define FLOOR(folder, allowed) {folder, allowed},
#include "floors.def"
#undef FLOOR
};
enum { FLOORS = sizeof floors / sizeof *floors, PATH = 1024 };

typedef struct check {
    const char *root;
    int files, includes, faults;
} check;

/* Headers of the outside world that only one folder may use: DESIGN says that src/media is the only one to include libav*. */
static const struct {
    const char *header, *folder;
} owned_headers[] = {
    {"libav", "src/media"}, {"libsw", "src/media"},    {"turbojpeg", "src/media"}, {"jpeglib", "src/media"},
    {"spng", "src/media"},  {"ft2build", "src/media"}, {"freetype", "src/media"},
};
enum { OWNED = sizeof owned_headers / sizeof *owned_headers };

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

/* The rule for a file named from the root: the longest folder that begins its path. */
static const floor_rule *rule_for(const char *path) {
    const floor_rule *best = NULL;
    for (int i = 0; i < FLOORS; i++) {
        size_t length = strlen(floors[i].folder);
        if (starts_with(path, floors[i].folder) && path[length] == '/' && (!best || length > strlen(best->folder)))
            best = &floors[i];
    }
    return best;
}

/* Whether `folder` stands as a word in the list. */
static bool listed(const char *list, const char *folder) {
    size_t length = strlen(folder);
    while (*list) {
        size_t word = strcspn(list, " ");
        if (word == length && memcmp(list, folder, word) == 0) return true;
        list += word + (list[word] == ' ');
    }
    return false;
}

static bool may_include(const floor_rule *rule, const char *folder) {
    if (strcmp(rule->folder, folder) == 0) return true;
    return listed(rule->allowed, folder) || (strcmp(rule->allowed, "src") == 0 && starts_with(folder, "src/"));
}

static bool exists(const check *state, const char *folder, const char *name) {
    char path[3 * PATH];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s/%s", state->root, folder, name);
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static void fault(check *state, const char *file, int line, const char *format, const char *what, const char *where) {
    printf("%s:%d: ", file, line);
    printf(format, what, where);
    putchar('\n');
    state->faults++;
}

/* An #include "name": from the file's own folder, from src/, or from include/. */
static void check_quoted(check *state, const floor_rule *rule, const char *file, int line, const char *name) {
    char own[PATH], target[2 * PATH];
    snprintf(own, sizeof own, "%.*s", (int)(strrchr(file, '/') - file), file);
    if (strstr(name, "..")) {
        fault(state, file, line, "\"%s\" climbs up with '..'; name it from %s", name, "src/");
        return;
    }
    if (exists(state, own, name)) return;
    snprintf(target, sizeof target, "src/%s", name);
    const floor_rule *below = rule_for(target);
    if (!exists(state, "src", name))
        fault(state, file, line, "\"%s\" is neither in %s nor under src/", name, own);
    else if (!below)
        fault(state, file, line, "\"%s\" lies in a folder that floors.def does not list%s", name, "");
    else if (!may_include(rule, below->folder))
        fault(state, file, line, "%s may not include %s", rule->folder, below->folder);
}

/* An #include <name>: the public headers are open to all; headers with an owner to it alone. */
static void check_angled(check *state, const floor_rule *rule, const char *file, int line, const char *name) {
    if (starts_with(rule->folder, "include") && !starts_with(name, "ferry/") && strcmp(name, "stddef.h") != 0 &&
        strcmp(name, "stdint.h") != 0)
        fault(state, file, line, "a public header may include <stddef.h>, <stdint.h> and its like, not <%s>%s", name, "");
    for (int i = 0; i < OWNED; i++)
        if (starts_with(name, owned_headers[i].header) && strcmp(rule->folder, owned_headers[i].folder) != 0)
            fault(state, file, line, "<%s> may be included in %s only", name, owned_headers[i].folder);
}

static void check_line(check *state, const floor_rule *rule, const char *file, int line, char *text) {
    text += strspn(text, " \t");
    if (*text++ != '#') return;
    text += strspn(text, " \t");
    if (!starts_with(text, "include")) return;
    text += strlen("include") + strspn(text + strlen("include"), " \t");
    char *end = strpbrk(text + 1, "\">");
    if (!end || (*text != '"' && *text != '<')) return; /* a macro */
    *end = '\0';
    state->includes++;
    if (*text == '"')
        check_quoted(state, rule, file, line, text + 1);
    else
        check_angled(state, rule, file, line, text + 1);
}

static void check_file(check *state, const char *file) {
    char path[3 * PATH], line[4096];
    const floor_rule *rule = rule_for(file);
    snprintf(path, sizeof path, "%s/%s", state->root, file);
    FILE *stream = fopen(path, "r");
    if (!stream || !rule) {
        fault(state, file, 1, rule ? "cannot be read%s%s" : "lies in a folder that floors.def does not list%s%s", "", "");
        if (stream) fclose(stream);
        return;
    }
    state->files++;
    for (int number = 1; fgets(line, sizeof line, stream); number++) check_line(state, rule, file, number, line);
    fclose(stream);
}

static bool is_source(const char *name) {
    const char *dot = strrchr(name, '.');
    static const char *const endings[] = {".c", ".h", ".def", ".inc", ".cc", ".cpp", ".hpp"};
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcmp(dot, endings[i]) == 0) return true;
    return false;
}

static void check_folder(check *state, const char *folder) {
    char path[3 * PATH], inner[PATH];
    snprintf(path, sizeof path, "%s/%s", state->root, folder);
    DIR *stream = opendir(path);
    for (struct dirent *entry = stream ? readdir(stream) : NULL; entry; entry = readdir(stream)) {
        struct stat info;
        if (entry->d_name[0] == '.') continue;
        if (snprintf(inner, sizeof inner, "%s/%s", folder, entry->d_name) >= (int)sizeof inner) continue;
        snprintf(path, sizeof path, "%s/%s", state->root, inner);
        if (stat(path, &info) != 0) continue;
        if (S_ISDIR(info.st_mode))
            check_folder(state, inner);
        else if (is_source(entry->d_name))
            check_file(state, inner);
    }
    if (stream) closedir(stream);
}

int main(int argc, char **argv) {
    static const char *const tops[] = {"src", "include", "cli", "server", "bindings", "examples"};
    check state = {.root = argc == 2 ? argv[1] : "."};
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++) check_folder(&state, tops[i]);
    printf("%d files, %d includes, %d against the floors\n", state.files, state.includes, state.faults);
    return state.files > 0 && state.faults == 0 ? 0 : 1;
}
