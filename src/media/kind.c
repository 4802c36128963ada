/* SPDX-License-Identifier: Apache-2.0 */
/* What a path stands for, and the files behind folders and patterns. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/media.h>

#include "base/memory.h"
#include "media/picture.h"

static bool is_url(const char *path) {
    size_t scheme = strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    return scheme > 1 && strncmp(path + scheme, "://", 3) == 0;
}

static bool file_is_picture(const char *path) {
    uint8_t begin[FERRY_PICTURE_SNIFF_BYTES];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    ssize_t got = read(descriptor, begin, sizeof begin);
    close(descriptor);
    return got > 0 && ferry_picture_recognise(begin, (size_t)got) != NULL;
}

ferry_status ferry_media_kind(const char *path, ferry_media_type *type, ferry_error *error) {
    *type = FERRY_MEDIA_NONE;
    struct stat about;
    if (is_url(path)) {
        *type = FERRY_MEDIA_STREAM;
    } else if (stat(path, &about) == 0) {
        if (S_ISDIR(about.st_mode))
            *type = FERRY_MEDIA_FOLDER;
        else
            *type = S_ISREG(about.st_mode) && file_is_picture(path) ? FERRY_MEDIA_PICTURE : FERRY_MEDIA_VIDEO;
    } else if (errno != ENOENT && errno != ENOTDIR) {
        return ferry_fail_errno(error, errno, "cannot examine '%s'", path);
    } else if (strpbrk(path, "*?[")) {
        *type = FERRY_MEDIA_PATTERN;
    } else {
        return ferry_fail(error, FERRY_ERROR_NOT_FOUND, "'%s' does not exist", path);
    }
    return FERRY_OK;
}

typedef FERRY_VECTOR(char *) path_list;

/* Adds folder/name unless it is something else than a file. False when out of memory. */
static bool add_path(path_list *list, const char *folder, const char *name) {
    size_t length = strlen(folder), bytes = length + strlen(name) + 2;
    char *path = ferry_malloc(bytes);
    if (!path) return false;
    snprintf(path, bytes, "%s%s%s", folder, length > 0 && folder[length - 1] != '/' ? "/" : "", name);
    struct stat about;
    bool is_file = stat(path, &about) == 0 && S_ISREG(about.st_mode);
    bool added = is_file && ferry_vector_push(list, path);
    if (!added) ferry_free(path);
    return added || !is_file;
}

static ferry_status list_folder(const char *path, path_list *list, ferry_error *error) {
    DIR *folder = opendir(path);
    if (!folder) return ferry_fail_errno(error, errno, "cannot open the folder '%s'", path);
    ferry_status status = FERRY_OK;
    for (struct dirent *entry; status == FERRY_OK && (entry = readdir(folder));)
        if (entry->d_name[0] != '.' && !add_path(list, path, entry->d_name)) status = ferry_fail_memory(error, strlen(path));
    closedir(folder);
    return status;
}

static ferry_status list_pattern(const char *pattern, path_list *list, ferry_error *error) {
    glob_t found;
    int code = glob(pattern, 0, NULL, &found);
    if (code == GLOB_NOMATCH) return FERRY_OK;
    if (code != 0) return ferry_fail(error, FERRY_ERROR_IO, "cannot search for '%s'", pattern);
    ferry_status status = FERRY_OK;
    for (size_t i = 0; i < found.gl_pathc && status == FERRY_OK; i++)
        if (!add_path(list, "", found.gl_pathv[i])) status = ferry_fail_memory(error, strlen(found.gl_pathv[i]));
    globfree(&found);
    return status;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

ferry_status ferry_media_list(const char *path, char ***paths, size_t *count, ferry_error *error) {
    *paths = NULL;
    *count = 0;
    ferry_media_type type;
    FERRY_TRY(ferry_media_kind(path, &type, error));
    path_list list = {0};
    ferry_status status = FERRY_OK;
    if (type == FERRY_MEDIA_FOLDER)
        status = list_folder(path, &list, error);
    else if (type == FERRY_MEDIA_PATTERN)
        status = list_pattern(path, &list, error);
    else if (!add_path(&list, "", path))
        status = ferry_fail_memory(error, strlen(path));
    if (status == FERRY_OK && list.count == 0)
        status =
            ferry_fail(error, FERRY_ERROR_NOT_FOUND, "no file %s '%s'", type == FERRY_MEDIA_FOLDER ? "in" : "matches", path);
    if (status != FERRY_OK) {
        ferry_media_list_free(list.items, list.count);
        return status;
    }
    qsort(list.items, list.count, sizeof *list.items, by_name);
    *paths = list.items;
    *count = list.count;
    return FERRY_OK;
}

void ferry_media_list_free(char **paths, size_t count) {
    for (size_t i = 0; i < count; i++) ferry_free(paths[i]);
    ferry_free(paths);
}
