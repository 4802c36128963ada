/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

ferry_status ferry_file_map_open(const char *path, ferry_file_map *map, ferry_error *error) {
    *map = (ferry_file_map){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return ferry_fail_errno(error, errno, "cannot open '%s'", path);
    struct stat about;
    ferry_status status = FERRY_OK;
    if (fstat(descriptor, &about) != 0) {
        status = ferry_fail_errno(error, errno, "cannot examine '%s'", path);
    } else if (!S_ISREG(about.st_mode)) {
        status = ferry_fail(error, FERRY_ERROR_IO, "'%s' is not a regular file", path);
    } else if (about.st_size > 0) {
        void *data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (data == MAP_FAILED)
            status = ferry_fail_errno(error, errno, "cannot map '%s'", path);
        else
            *map = (ferry_file_map){data, (size_t)about.st_size};
    }
    close(descriptor);
    return status;
}

void ferry_file_map_close(ferry_file_map *map) {
    if (map->data) munmap((void *)map->data, map->bytes);
    *map = (ferry_file_map){0};
}

struct ferry_file_writer {
    FILE *file;
    char *path, *temporary;
    uint64_t offset;
    int failure; /* errno of the first failed write */
};

ferry_status ferry_file_writer_open(const char *path, ferry_file_writer **result, ferry_error *error) {
    *result = NULL;
    struct stat about;
    bool exists = stat(path, &about) == 0;
    if (exists && S_ISDIR(about.st_mode)) return ferry_fail(error, FERRY_ERROR_IO, "cannot write '%s': it is a folder", path);
    bool in_place = exists && !S_ISREG(about.st_mode); /* a device or pipe: a rename would replace it */
    ferry_file_writer *writer = ferry_calloc(1, sizeof *writer);
    size_t bytes = strlen(path) + 32;
    if (writer) {
        writer->path = ferry_strdup(path);
        if (!in_place) writer->temporary = ferry_malloc(bytes);
    }
    if (!writer || !writer->path || (!in_place && !writer->temporary)) {
        ferry_file_writer_abort(&writer);
        return ferry_fail_memory(error, bytes);
    }
    if (writer->temporary) snprintf(writer->temporary, bytes, "%s.%ld.tmp", path, (long)getpid());
    writer->file = fopen(ferry_file_writer_temporary_path(writer), in_place ? "wb" : "wb+");
    if (!writer->file) {
        ferry_status status = ferry_fail_errno(error, errno, "cannot create '%s'", ferry_file_writer_temporary_path(writer));
        ferry_file_writer_abort(&writer);
        return status;
    }
    *result = writer;
    return FERRY_OK;
}

static ferry_status writer_failed(const ferry_file_writer *writer, ferry_error *error) {
    return ferry_fail_errno(error, writer->failure, "cannot write '%s'", writer->path);
}

ferry_status ferry_file_writer_write(ferry_file_writer *writer, const void *data, size_t bytes, ferry_error *error) {
    if (!writer->failure && bytes && fwrite(data, 1, bytes, writer->file) != bytes) writer->failure = errno ? errno : EIO;
    if (writer->failure) return writer_failed(writer, error);
    writer->offset += bytes;
    return FERRY_OK;
}

ferry_status ferry_file_writer_align(ferry_file_writer *writer, size_t alignment, ferry_error *error) {
    static const char zeros[4096];
    size_t padding = ferry_align_up(writer->offset, alignment) - writer->offset;
    while (padding > 0) {
        size_t part = padding < sizeof zeros ? padding : sizeof zeros;
        FERRY_TRY(ferry_file_writer_write(writer, zeros, part, error));
        padding -= part;
    }
    return FERRY_OK;
}

ferry_status ferry_file_writer_patch(ferry_file_writer *writer, uint64_t offset, const void *data, size_t bytes,
                                     ferry_error *error) {
    if (!writer->failure && (fseeko(writer->file, (off_t)offset, SEEK_SET) != 0 ||
                             fwrite(data, 1, bytes, writer->file) != bytes || fseeko(writer->file, 0, SEEK_END) != 0))
        writer->failure = errno ? errno : EIO;
    return writer->failure ? writer_failed(writer, error) : FERRY_OK;
}

uint64_t ferry_file_writer_offset(const ferry_file_writer *writer) { return writer->offset; }
const char *ferry_file_writer_temporary_path(const ferry_file_writer *writer) {
    return writer->temporary ? writer->temporary : writer->path;
}

/* Devices and pipes have nothing to sync. */
static bool sync_file(FILE *file) { return fsync(fileno(file)) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP; }

ferry_status ferry_file_writer_commit(ferry_file_writer **handle, ferry_error *error) {
    ferry_file_writer *writer = *handle;
    if (!writer->failure && (fflush(writer->file) != 0 || !sync_file(writer->file))) writer->failure = errno;
    int closed = fclose(writer->file);
    writer->file = NULL;
    if (!writer->failure && closed != 0) writer->failure = errno;
    if (!writer->failure && writer->temporary && rename(writer->temporary, writer->path) != 0) writer->failure = errno;
    ferry_status status = writer->failure ? writer_failed(writer, error) : FERRY_OK;
    if (status == FERRY_OK) {
        ferry_free(writer->temporary);
        writer->temporary = NULL; /* renamed away: nothing to remove */
    }
    ferry_file_writer_abort(handle);
    return status;
}

void ferry_file_writer_abort(ferry_file_writer **handle) {
    ferry_file_writer *writer = *handle;
    *handle = NULL;
    if (!writer) return;
    if (writer->file) fclose(writer->file);
    if (writer->temporary) unlink(writer->temporary);
    ferry_free(writer->temporary);
    ferry_free(writer->path);
    ferry_free(writer);
}

uint64_t ferry_time_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double ferry_time_seconds(void) { return (double)ferry_time_nanoseconds() * 1e-9; }
