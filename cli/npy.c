/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing .npy. */
#include "npy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "output.h"

/* NumPy's kind letter and bytes an element, and our type. */
typedef struct npy_type {
    char kind;
    int bytes;
    ferry_dtype dtype;
} npy_type;

static const npy_type npy_types[] = {
    {'f', 4, FERRY_FLOAT32},   {'f', 2, FERRY_FLOAT16},     {'f', 8, FERRY_FLOAT64}, {'b', 1, FERRY_BOOL},
    {'i', 1, FERRY_INT8},      {'i', 2, FERRY_INT16},       {'i', 4, FERRY_INT32},   {'i', 8, FERRY_INT64},
    {'u', 1, FERRY_UINT8},     {'u', 2, FERRY_UINT16},      {'u', 4, FERRY_UINT32},  {'u', 8, FERRY_UINT64},
    {'c', 8, FERRY_COMPLEX64}, {'c', 16, FERRY_COMPLEX128},
};
enum { NPY_TYPES = sizeof npy_types / sizeof *npy_types, NPY_PREFIX = 8, NPY_ALIGNMENT = 64 };

typedef struct npy_header {
    const npy_type *type;
    bool swap, fortran;
    ferry_shape shape;
} npy_header;

typedef struct reader {
    const char *at, *end, *name;
    ferry_error *error;
} reader;

static ferry_status malformed(const reader *in, const char *what) {
    return ferry_cli_fail(in->error, FERRY_ERROR_FORMAT, 0, "'%s': %s", in->name, what);
}

/* ---- the header: a Python dict literal ---- */

static void skip_spaces(reader *in) {
    while (in->at < in->end && strchr(" \t\r\n", *in->at) && *in->at) in->at++;
}

static bool take(reader *in, char wanted) {
    skip_spaces(in);
    if (in->at >= in->end || *in->at != wanted) return false;
    in->at++;
    return true;
}

static bool take_word(reader *in, const char *word) {
    size_t length = strlen(word);
    skip_spaces(in);
    if ((size_t)(in->end - in->at) < length || memcmp(in->at, word, length) != 0) return false;
    in->at += length;
    return true;
}

static bool take_quoted(reader *in, char *text, size_t capacity) {
    skip_spaces(in);
    if (in->at >= in->end || (*in->at != '\'' && *in->at != '"')) return false;
    char quote = *in->at++;
    size_t used = 0;
    while (in->at < in->end && *in->at != quote) {
        if (used + 1 >= capacity) return false;
        text[used++] = *in->at++;
    }
    text[used] = '\0';
    return take(in, quote);
}

static bool take_integer(reader *in, int64_t *value) {
    skip_spaces(in);
    *value = 0;
    if (in->at >= in->end || *in->at < '0' || *in->at > '9') return false;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, *in->at++ - '0', value)) return false;
    if (in->at < in->end && *in->at == 'L') in->at++; /* Python 2 wrote long integers so */
    return true;
}

static ferry_status take_descr(reader *in, npy_header *header) {
    char text[32];
    if (!take_quoted(in, text, sizeof text)) return malformed(in, "structured or unreadable element type; plain arrays only");
    header->type = NULL;
    char order = text[0], kind = text[0] ? text[1] : '\0';
    int bytes = kind ? atoi(text + 2) : 0;
    for (int i = 0; i < NPY_TYPES; i++)
        if (npy_types[i].kind == kind && npy_types[i].bytes == bytes) header->type = &npy_types[i];
    if (!header->type || !strchr("<>=|", order))
        return ferry_cli_fail(in->error, FERRY_ERROR_UNSUPPORTED, 0, "'%s': element type '%s' is not supported", in->name,
                              text);
    header->swap = order == '>' && bytes > 1;
    return FERRY_OK;
}

static ferry_status take_shape(reader *in, npy_header *header) {
    if (!take(in, '(')) return malformed(in, "the header's shape is no tuple");
    header->shape.rank = 0;
    while (!take(in, ')')) {
        int64_t dim;
        if (header->shape.rank >= FERRY_MAX_RANK) return malformed(in, "more than 8 dimensions");
        if (!take_integer(in, &dim)) return malformed(in, "a dimension in the header is no number");
        header->shape.dims[header->shape.rank++] = dim;
        if (!take(in, ',') && !(in->at < in->end && *in->at == ')')) return malformed(in, "the header's shape is no tuple");
    }
    return FERRY_OK;
}

static ferry_status take_header(reader *in, npy_header *header) {
    enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
    char key[32];
    int seen = 0;
    if (!take(in, '{')) return malformed(in, "the header is no dictionary");
    while (!take(in, '}')) {
        ferry_status status = FERRY_OK;
        if (!take_quoted(in, key, sizeof key) || !take(in, ':')) return malformed(in, "the header is no dictionary");
        if (strcmp(key, "descr") == 0) {
            status = take_descr(in, header);
            seen |= DESCR;
        } else if (strcmp(key, "fortran_order") == 0) {
            header->fortran = take_word(in, "True");
            if (!header->fortran && !take_word(in, "False")) return malformed(in, "fortran_order is neither True nor False");
            seen |= ORDER;
        } else if (strcmp(key, "shape") == 0) {
            status = take_shape(in, header);
            seen |= SHAPE;
        } else {
            return malformed(in, "the header has an unknown key");
        }
        if (status != FERRY_OK) return status;
        take(in, ',');
    }
    return seen == ALL ? FERRY_OK : malformed(in, "the header lacks descr, fortran_order or shape");
}

/* ---- contents ---- */

bool ferry_npy_view_bytes(const ferry_tensor_view *view, size_t *bytes) {
    int bits = ferry_dtype_bits(view->dtype);
    size_t total = (size_t)bits / 8;
    if (bits == 0 || bits % 8 || view->shape.rank < 0 || view->shape.rank > FERRY_MAX_RANK) return false;
    for (int i = 0; i < view->shape.rank; i++)
        if (view->shape.dims[i] < 0 || __builtin_mul_overflow(total, (size_t)view->shape.dims[i], &total)) return false;
    *bytes = total;
    return true;
}

static void swap_bytes(unsigned char *data, size_t bytes, int unit) {
    for (size_t i = 0; i + (size_t)unit <= bytes; i += (size_t)unit)
        for (int j = 0; j < unit / 2; j++) {
            unsigned char keep = data[i + (size_t)j];
            data[i + (size_t)j] = data[i + (size_t)(unit - 1 - j)];
            data[i + (size_t)(unit - 1 - j)] = keep;
        }
}

/* Copies an array whose first dimension runs fastest into row-major order, stepping a counter of indices. */
static void copy_fortran(unsigned char *target, const unsigned char *source, const ferry_shape *shape, size_t element,
                         size_t bytes) {
    int64_t index[FERRY_MAX_RANK] = {0};
    for (size_t written = 0; written < bytes; written += element) {
        size_t offset = 0;
        for (int axis = shape->rank - 1; axis >= 0; axis--) offset = offset * (size_t)shape->dims[axis] + (size_t)index[axis];
        memcpy(target + written, source + offset * element, element);
        for (int axis = shape->rank - 1; axis >= 0 && ++index[axis] == shape->dims[axis]; axis--) index[axis] = 0;
    }
}

static ferry_status take_contents(reader *in, const npy_header *header, ferry_npy *array) {
    size_t bytes, there = (size_t)(in->end - in->at);
    array->view.dtype = header->type->dtype;
    array->view.shape = header->shape;
    if (!ferry_npy_view_bytes(&array->view, &bytes) || bytes != there)
        return malformed(in, "contents and shape disagree in size");
    unsigned char *data = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (!data) return ferry_cli_fail(in->error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory reading '%s'", in->name);
    int element = header->type->bytes, unit = header->type->kind == 'c' ? element / 2 : element;
    if (header->fortran && header->shape.rank > 1)
        copy_fortran(data, (const unsigned char *)in->at, &header->shape, (size_t)element, bytes);
    else if (bytes)
        memcpy(data, in->at, bytes);
    if (header->swap) swap_bytes(data, bytes, unit);
    array->view.data = data;
    array->bytes = bytes;
    return FERRY_OK;
}

ferry_status ferry_npy_parse(const void *data, size_t bytes, const char *name, ferry_npy *array, ferry_error *error) {
    const unsigned char *start = data;
    reader in = {.name = name, .error = error};
    npy_header header = {0};
    memset(array, 0, sizeof *array);
    if (bytes < NPY_PREFIX + 2 || memcmp(start, "\x93NUMPY", 6) != 0) return malformed(&in, "no .npy file");
    if (start[6] < 1 || start[6] > 3) return malformed(&in, "a version of .npy that is not known");
    size_t length_bytes = start[6] == 1 ? 2 : 4, length = 0;
    if (bytes < NPY_PREFIX + length_bytes) return malformed(&in, "truncated");
    for (size_t i = length_bytes; i-- > 0;) length = length << 8 | start[NPY_PREFIX + i];
    if (length > bytes - NPY_PREFIX - length_bytes) return malformed(&in, "truncated");
    in.at = (const char *)start + NPY_PREFIX + length_bytes;
    in.end = in.at + length;
    ferry_status status = take_header(&in, &header);
    if (status != FERRY_OK) return status;
    in.at = in.end;
    in.end = (const char *)start + bytes;
    return take_contents(&in, &header, array);
}

static ferry_status read_whole(const char *path, void **data, size_t *bytes, ferry_error *error) {
    struct stat info;
    FILE *file = fopen(path, "rb");
    if (!file) return ferry_cli_fail(error, FERRY_ERROR_IO, errno, "cannot open '%s'", path);
    *data = NULL;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        fclose(file);
        return ferry_cli_fail(error, FERRY_ERROR_IO, 0, "'%s' is no regular file", path);
    }
    *bytes = (size_t)info.st_size;
    *data = malloc(*bytes + 1);
    bool good = *data && fread(*data, 1, *bytes, file) == *bytes;
    fclose(file);
    if (good) return FERRY_OK;
    free(*data);
    return ferry_cli_fail(error, FERRY_ERROR_IO, 0, "cannot read '%s'", path);
}

ferry_status ferry_npy_read(const char *path, ferry_npy *array, ferry_error *error) {
    void *data = NULL;
    size_t bytes = 0;
    memset(array, 0, sizeof *array);
    ferry_status status = read_whole(path, &data, &bytes, error);
    if (status != FERRY_OK) return status;
    status = ferry_npy_parse(data, bytes, path, array, error);
    free(data);
    return status;
}

void ferry_npy_free(ferry_npy *array) {
    free(array->view.data);
    memset(array, 0, sizeof *array);
}

/* ---- writing ---- */

static const npy_type *type_for(ferry_dtype dtype) {
    for (int i = 0; i < NPY_TYPES; i++)
        if (npy_types[i].dtype == dtype) return &npy_types[i];
    return dtype == FERRY_BFLOAT16 ? &npy_types[0] : NULL;
}

static void write_header(FILE *stream, const npy_type *type, const ferry_shape *shape) {
    char dict[320];
    const char order = type->bytes == 1 ? '|' : '<';
    int used =
        snprintf(dict, sizeof dict, "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (", order, type->kind, type->bytes);
    for (int i = 0; i < shape->rank; i++)
        used += snprintf(dict + used, sizeof dict - (size_t)used, "%lld,%s", (long long)shape->dims[i],
                         i + 1 < shape->rank ? " " : "");
    used += snprintf(dict + used, sizeof dict - (size_t)used, "), }");
    int total = (NPY_PREFIX + 2 + used + 1 + NPY_ALIGNMENT - 1) / NPY_ALIGNMENT * NPY_ALIGNMENT,
        length = total - NPY_PREFIX - 2;
    fwrite("\x93NUMPY\x01\x00", 1, NPY_PREFIX, stream);
    fputc(length & 255, stream);
    fputc(length >> 8, stream);
    fprintf(stream, "%-*s\n", length - 1, dict);
}

static void write_bfloat16(FILE *stream, const uint16_t *data, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)data[i] << 16;
        fwrite(&bits, sizeof bits, 1, stream);
    }
}

ferry_status ferry_npy_write(const char *path, const ferry_tensor_view *view, ferry_error *error) {
    const npy_type *type = type_for(view->dtype);
    ferry_cli_output output;
    size_t bytes;
    if (!type || !ferry_npy_view_bytes(view, &bytes))
        return ferry_cli_fail(error, FERRY_ERROR_UNSUPPORTED, 0, "'%s': .npy has no type for %s", path,
                              ferry_dtype_name(view->dtype));
    ferry_status status = ferry_cli_output_open(path, &output, error);
    if (status != FERRY_OK) return status;
    write_header(output.stream, type, &view->shape);
    if (view->dtype == FERRY_BFLOAT16)
        write_bfloat16(output.stream, view->data, bytes / sizeof(uint16_t));
    else if (bytes)
        fwrite(view->data, 1, bytes, output.stream);
    return ferry_cli_output_commit(&output, error);
}
