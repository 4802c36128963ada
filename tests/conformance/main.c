/* SPDX-License-Identifier: Apache-2.0 */
/* ferry-conformance: runs folders in the layout of the ONNX backend tests and sums up how many pass. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cpu.h"
#include "base/pool.h"
#include "case.h"

static const char usage[] = "usage: ferry-conformance [options] DIR...\n"
                            "Runs every folder below DIR that holds model.onnx and test_data_set_0.\n"
                            "  --filter TEXT     only cases whose path contains TEXT (may be repeated: any of them)\n"
                            "  --rtol X          relative tolerance, default 1e-3\n"
                            "  --atol X          absolute tolerance, default 1e-7\n"
                            "  --features LIST   CPU features that may be used, such as sse41,avx2; none for references only\n"
                            "  --threads N       cases at once, default one a processor\n"
                            "  --expect FILE     fail when a case listed in FILE (one name a line) does not pass\n"
                            "  --json FILE       writes all results\n"
                            "  --list FILE       writes the names of the cases that passed, for --expect\n"
                            "  --quiet           only the summary\n";

enum { MAX_FILTERS = 16, MAX_DEPTH = 6 };

typedef struct test_case {
    char *path;        /* of the folder */
    const char *name;  /* its last part */
    const char *group; /* the name of the folder above */
    case_result result;
} test_case;

typedef struct choices {
    const char *filters[MAX_FILTERS];
    int filter_count, threads;
    const char *expect, *json, *list;
    bool quiet;
    case_settings settings;
} choices;

typedef struct cases {
    FERRY_VECTOR(test_case) list;
    const choices *options;
} cases;

/* ---- finding ---- */

static bool is_wanted(const choices *options, const char *path) {
    for (int i = 0; i < options->filter_count; i++)
        if (strstr(path, options->filters[i])) return true;
    return options->filter_count == 0;
}

static bool exists(const char *folder, const char *name) {
    char path[4096];
    struct stat info;
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && stat(path, &info) == 0;
}

static bool add_case(cases *all, const char *folder) {
    test_case one = {.path = strdup(folder)};
    if (!one.path) return false;
    char *slash = strrchr(one.path, '/');
    one.name = slash ? slash + 1 : one.path;
    one.group = "";
    if (slash && slash > one.path) {
        const char *start = slash;
        while (start > one.path && start[-1] != '/') start--;
        char *group = strndup(start, (size_t)(slash - start));
        if (!group) return false;
        one.group = group;
    }
    return ferry_vector_push(&all->list, one);
}

static bool find_cases(cases *all, const char *folder, int depth) {
    if (exists(folder, "model.onnx"))
        return !exists(folder, "test_data_set_0") || !is_wanted(all->options, folder) || add_case(all, folder);
    DIR *directory = depth < MAX_DEPTH ? opendir(folder) : NULL;
    bool found = true;
    if (!directory) return true;
    for (struct dirent *entry; found && (entry = readdir(directory));) {
        char path[4096];
        struct stat info;
        if (entry->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path)
            continue;
        if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) found = find_cases(all, path, depth + 1);
    }
    closedir(directory);
    return found;
}

static int by_path(const void *a, const void *b) { return strcmp(((const test_case *)a)->path, ((const test_case *)b)->path); }

/* ---- telling ---- */

static void print_group(const char *name, const int counts[OUTCOME_COUNT]) {
    int total = counts[PASSED] + counts[WRONG] + counts[FAILED] + counts[UNSUPPORTED];
    printf("%-24s %5d of %5d passed (%5.1f %%), %4d wrong, %4d failed, %4d unsupported\n", name, counts[PASSED], total,
           total ? 100.0 * counts[PASSED] / total : 0.0, counts[WRONG], counts[FAILED], counts[UNSUPPORTED]);
}

static void print_summary(const cases *all) {
    int totals[OUTCOME_COUNT] = {0};
    for (size_t i = 0; i < all->list.count;) { /* cases are sorted by path, so that groups stand together */
        int counts[OUTCOME_COUNT] = {0};
        const char *group = all->list.items[i].group;
        for (; i < all->list.count && strcmp(all->list.items[i].group, group) == 0; i++) {
            counts[all->list.items[i].result.outcome]++;
            totals[all->list.items[i].result.outcome]++;
        }
        print_group(group, counts);
    }
    print_group("total", totals);
}

static void put_json_text(FILE *file, const char *text) {
    fputc('"', file);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(file, "\\%c", c);
        else if (c < 0x20)
            fprintf(file, "\\u%04x", c);
        else
            fputc(c, file);
    }
    fputc('"', file);
}

static bool write_json(const cases *all, const char *path) {
    FILE *file = fopen(path, "w");
    if (!file) return false;
    fprintf(file, "[\n");
    for (size_t i = 0; i < all->list.count; i++) {
        const test_case *one = &all->list.items[i];
        fprintf(file, "  {\"group\": ");
        put_json_text(file, one->group);
        fprintf(file, ", \"name\": ");
        put_json_text(file, one->name);
        fprintf(file, ", \"outcome\": \"%s\", \"message\": ", outcome_names[one->result.outcome]);
        put_json_text(file, one->result.message);
        fprintf(file, "}%s\n", i + 1 < all->list.count ? "," : "");
    }
    fprintf(file, "]\n");
    return fclose(file) == 0;
}

static bool write_list(const cases *all, const char *path) {
    FILE *file = fopen(path, "w");
    if (!file) return false;
    for (size_t i = 0; i < all->list.count; i++)
        if (all->list.items[i].result.outcome == PASSED)
            fprintf(file, "%s/%s\n", all->list.items[i].group, all->list.items[i].name);
    return fclose(file) == 0;
}

static const test_case *find_case(const cases *all, const char *name) {
    char own[1024];
    for (size_t i = 0; i < all->list.count; i++) {
        snprintf(own, sizeof own, "%s/%s", all->list.items[i].group, all->list.items[i].name);
        if (strcmp(own, name) == 0) return &all->list.items[i];
    }
    return NULL;
}

/* How many of the listed cases were run and did not pass; -1 when the list cannot be read. */
static int count_regressions(const cases *all, const char *path) {
    FILE *file = fopen(path, "r");
    char line[1024];
    int regressions = 0;
    if (!file) return -1;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        const test_case *one = *line && *line != '#' ? find_case(all, line) : NULL;
        if (!one || one->result.outcome == PASSED) continue;
        printf("REGRESSION %s: %s\n", line, one->result.message);
        regressions++;
    }
    fclose(file);
    return regressions;
}

/* ---- running ---- */

static void run_task(void *user, int64_t index, int thread) {
    cases *all = user;
    test_case *one = &all->list.items[index];
    (void)thread;
    case_run(one->path, &all->options->settings, &one->result);
}

static bool take_option(choices *options, const char *name, const char *value) {
    if (strcmp(name, "--filter") == 0 && options->filter_count < MAX_FILTERS)
        options->filters[options->filter_count++] = value;
    else if (strcmp(name, "--rtol") == 0)
        options->settings.tolerance.relative = strtod(value, NULL);
    else if (strcmp(name, "--atol") == 0)
        options->settings.tolerance.absolute = strtod(value, NULL);
    else if (strcmp(name, "--threads") == 0)
        options->threads = atoi(value);
    else if (strcmp(name, "--expect") == 0)
        options->expect = value;
    else if (strcmp(name, "--json") == 0)
        options->json = value;
    else if (strcmp(name, "--list") == 0)
        options->list = value;
    else if (strcmp(name, "--features") == 0)
        return ferry_cpu_features_parse(strcmp(value, "none") == 0 ? "" : value, &options->settings.features);
    else
        return false;
    return true;
}

/* Options into `options`, folders to the front of `arguments`; the count of folders, or -1. */
static int take_arguments(int count, char **arguments, choices *options) {
    int folders = 0;
    for (int i = 1; i < count; i++) {
        if (arguments[i][0] != '-')
            arguments[folders++] = arguments[i];
        else if (strcmp(arguments[i], "--quiet") == 0)
            options->quiet = true;
        else if (i + 1 >= count || !take_option(options, arguments[i], arguments[i + 1]))
            return -1;
        else
            i++;
    }
    return folders ? folders : -1;
}

static int report(const cases *all, const choices *options) {
    for (size_t i = 0; i < all->list.count && !options->quiet; i++) {
        const test_case *one = &all->list.items[i];
        if (one->result.outcome != PASSED)
            printf("%-11s %s/%s: %s\n", outcome_names[one->result.outcome], one->group, one->name, one->result.message);
    }
    print_summary(all);
    if (options->json && !write_json(all, options->json)) return 2;
    if (options->list && !write_list(all, options->list)) return 2;
    if (!options->expect) return 0;
    int regressions = count_regressions(all, options->expect);
    if (regressions < 0) fprintf(stderr, "ferry-conformance: cannot read %s\n", options->expect);
    return regressions ? 1 : 0;
}

int main(int count, char **arguments) {
    choices options = {.settings = {.tolerance = {1e-3, 1e-7}, .features = ferry_cpu_features()}};
    cases all = {.options = &options};
    ferry_pool *pool = NULL;
    ferry_error error;
    int folders = take_arguments(count, arguments, &options);
    if (folders < 0) {
        fputs(usage, stderr);
        return 2;
    }
    for (int i = 0; i < folders; i++) {
        size_t length = strlen(arguments[i]);
        while (length > 1 && arguments[i][length - 1] == '/') arguments[i][--length] = 0;
        if (!find_cases(&all, arguments[i], 0)) return 2;
    }
    if (all.list.count == 0) {
        fprintf(stderr, "ferry-conformance: no cases found\n");
        return 77; /* ctest reads it as skipped */
    }
    qsort(all.list.items, all.list.count, sizeof *all.list.items, by_path);
    if (ferry_pool_create(options.threads, &pool, &error) != FERRY_OK) {
        fprintf(stderr, "ferry-conformance: %s\n", error.message);
        return 2;
    }
    ferry_pool_run(pool, (int64_t)all.list.count, run_task, &all);
    ferry_pool_destroy(pool);
    int status = report(&all, &options);
    for (size_t i = 0; i < all.list.count; i++) {
        free(all.list.items[i].path);
        if (*all.list.items[i].group) free((char *)(uintptr_t)all.list.items[i].group);
    }
    ferry_vector_free(&all.list);
    return status;
}
