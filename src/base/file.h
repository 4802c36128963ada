/* SPDX-License-Identifier: Apache-2.0 */
/* Files: read-only maps, and writing that leaves nothing half-written: to a temporary name beside the target, then rename.
 * A target that exists and is no regular file (a device, a pipe) is written in place. */
#ifndef FERRY_BASE_FILE_H
#define FERRY_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ferry_file_map {
    const unsigned char *data;
    size_t bytes;
} ferry_file_map;

/* Maps a regular file read-only; an empty file gives bytes 0. Directories and devices are refused. */
ferry_status ferry_file_map_open(const char *path, ferry_file_map *map, ferry_error *error);
void ferry_file_map_close(ferry_file_map *map);

/* A file under way. On ferry_file_writer_commit it is flushed, synced and renamed to its path; on abort it is removed.
 * After the first failed write every call returns the failure again, so that only commit needs a check. */
typedef struct ferry_file_writer ferry_file_writer;
ferry_status ferry_file_writer_open(const char *path, ferry_file_writer **writer, ferry_error *error);
ferry_status ferry_file_writer_write(ferry_file_writer *writer, const void *data, size_t bytes, ferry_error *error);
ferry_status ferry_file_writer_align(ferry_file_writer *writer, size_t alignment, ferry_error *error); /* pads with zeros */
/* Overwrites bytes written before, for a header that is known last. */
ferry_status ferry_file_writer_patch(ferry_file_writer *writer, uint64_t offset, const void *data, size_t bytes,
                                     ferry_error *error);
uint64_t ferry_file_writer_offset(const ferry_file_writer *writer);
/* The temporary name (the path itself when written in place), for libraries that write by themselves. */
const char *ferry_file_writer_temporary_path(const ferry_file_writer *writer);
ferry_status ferry_file_writer_commit(ferry_file_writer **writer, ferry_error *error); /* frees; sets NULL */
void ferry_file_writer_abort(ferry_file_writer **writer);                              /* frees; sets NULL; takes NULL */

/* Monotonic time in seconds, and in nanoseconds. */
double ferry_time_seconds(void);
uint64_t ferry_time_nanoseconds(void);

#endif
