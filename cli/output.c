/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic result files. */
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ferry_status ferry_cli_fail(ferry_error *error, ferry_status status, int errnum, const char *format, ...) {
    if (!error) return status;
    va_list arguments;
    va_start(arguments, format);
    error->status = status;
    int used = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (errnum && used >= 0 && (size_t)used < sizeof error->message)
        snprintf(error->message + used, sizeof error->message - (size_t)used, ": %s", strerror(errnum));
    return status;
}

static ferry_status open_temporary(ferry_cli_output *output, ferry_error *error) {
    size_t bytes = strlen(output->path) + 32;
    output->temporary = malloc(bytes);
    if (!output->temporary) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    snprintf(output->temporary, bytes, "%s.%ld.tmp", output->path, (long)getpid());
    output->stream = fopen(output->temporary, "wb");
    return output->stream ? FERRY_OK : ferry_cli_fail(error, FERRY_ERROR_IO, errno, "cannot create '%s'", output->path);
}

static ferry_status open_stream(ferry_cli_output *output, ferry_error *error) {
    struct stat info;
    bool there = stat(output->path, &info) == 0;
    if (there && S_ISDIR(info.st_mode)) return ferry_cli_fail(error, FERRY_ERROR_IO, 0, "'%s' is a folder", output->path);
    if (!there || S_ISREG(info.st_mode)) return open_temporary(output, error);
    output->stream = fopen(output->path, "wb");
    return output->stream ? FERRY_OK : ferry_cli_fail(error, FERRY_ERROR_IO, errno, "cannot open '%s'", output->path);
}

ferry_status ferry_cli_output_open(const char *path, ferry_cli_output *output, ferry_error *error) {
    memset(output, 0, sizeof *output);
    output->path = strdup(path);
    if (!output->path) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    if (strcmp(path, "-") == 0) {
        output->stream = stdout;
        return FERRY_OK;
    }
    ferry_status status = open_stream(output, error);
    if (status != FERRY_OK) ferry_cli_output_abort(output);
    return status;
}

static void release(ferry_cli_output *output) {
    free(output->temporary);
    free(output->path);
    memset(output, 0, sizeof *output);
}

ferry_status ferry_cli_output_commit(ferry_cli_output *output, ferry_error *error) {
    bool standard = output->stream == stdout;
    bool good = fflush(output->stream) == 0 && !ferror(output->stream);
    int errnum = errno;
    if (good && output->temporary && fsync(fileno(output->stream)) != 0) {
        good = false;
        errnum = errno;
    }
    if (!standard && fclose(output->stream) != 0 && good) {
        good = false;
        errnum = errno;
    }
    output->stream = NULL;
    if (good && output->temporary && rename(output->temporary, output->path) != 0) {
        good = false;
        errnum = errno;
    }
    ferry_status status = FERRY_OK;
    if (!good) status = ferry_cli_fail(error, FERRY_ERROR_IO, errnum, "cannot write '%s'", output->path);
    if (!good && output->temporary) unlink(output->temporary);
    release(output);
    return status;
}

void ferry_cli_output_abort(ferry_cli_output *output) {
    if (output->stream && output->stream != stdout) fclose(output->stream);
    if (output->stream && output->temporary) unlink(output->temporary);
    release(output);
}

ferry_status ferry_cli_make_folder(const char *path, ferry_error *error) {
    struct stat info;
    char *copy = strdup(path);
    if (!copy) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    for (char *c = copy + 1; *copy && *c; c++) {
        if (*c != '/') continue;
        *c = '\0';
        mkdir(copy, 0777); /* whether it worked shows at the last one */
        *c = '/';
    }
    int result = mkdir(copy, 0777), errnum = errno;
    free(copy);
    if (result == 0) return FERRY_OK;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return FERRY_OK;
    return ferry_cli_fail(error, FERRY_ERROR_IO, errnum, "cannot make the folder '%s'", path);
}
