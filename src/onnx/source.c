/* SPDX-License-Identifier: Apache-2.0 */
#include "onnx/source.h"

#include <string.h>

/* TensorProto's typed data fields */
enum { FLOAT_DATA = 4, INT32_DATA = 5, STRING_DATA = 6, INT64_DATA = 7, DOUBLE_DATA = 10, UINT64_DATA = 11 };

/* ---- files ---- */

static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return ferry_strdup(".");
    return slash == path ? ferry_strdup("/") : ferry_strndup(path, (size_t)(slash - path));
}

ferry_status ferry_onnx_source_open(const char *path, ferry_onnx_source **result, ferry_error *error) {
    ferry_onnx_source *source = ferry_calloc(1, sizeof *source);
    if (!source) return ferry_fail_memory(error, sizeof *source);
    source->folder = folder_of(path);
    ferry_status status =
        source->folder ? ferry_file_map_open(path, &source->file, error) : ferry_fail_memory(error, strlen(path));
    if (status != FERRY_OK) {
        source->borrowed = true; /* nothing mapped */
        ferry_onnx_source_close(source);
        return status;
    }
    *result = source;
    return FERRY_OK;
}

ferry_status ferry_onnx_source_memory(const void *data, size_t bytes, const char *folder, ferry_onnx_source **result,
                                      ferry_error *error) {
    ferry_onnx_source *source = ferry_calloc(1, sizeof *source);
    if (!source) return ferry_fail_memory(error, sizeof *source);
    source->file = (ferry_file_map){data, bytes};
    source->borrowed = true;
    source->folder = folder ? ferry_strdup(folder) : NULL;
    if (folder && !source->folder) {
        ferry_onnx_source_close(source);
        return ferry_fail_memory(error, strlen(folder));
    }
    *result = source;
    return FERRY_OK;
}

void ferry_onnx_source_close(void *memory) {
    ferry_onnx_source *source = memory;
    if (!source) return;
    for (size_t i = 0; i < source->externals.count; i++) {
        ferry_file_map_close(&source->externals.items[i].map);
        ferry_free(source->externals.items[i].location);
    }
    ferry_vector_free(&source->externals);
    if (!source->borrowed) ferry_file_map_close(&source->file);
    ferry_free(source->folder);
    ferry_free(source);
}

/* A relative path that stays below its folder: no root, no drive, no "..", no backslash. */
static bool location_is_safe(const char *location) {
    if (!*location || *location == '/' || strchr(location, '\\') || strchr(location, ':')) return false;
    for (const char *part = location; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == 0)) return false;
    }
    return true;
}

static ferry_status map_external(ferry_onnx_source *source, const ferry_onnx_tensor *tensor, const ferry_file_map **map,
                                 ferry_error *error) {
    for (size_t i = 0; i < source->externals.count; i++)
        if (strcmp(source->externals.items[i].location, tensor->location) == 0) {
            *map = &source->externals.items[i].map;
            return FERRY_OK;
        }
    if (!source->folder)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED,
                          "tensor '%.128s' keeps its data in another file, but the model was read from memory", tensor->name);
    if (!location_is_safe(tensor->location))
        return ferry_fail(error, FERRY_ERROR_FORMAT,
                          "tensor '%.128s' keeps its data in '%.256s', which is outside the model's folder", tensor->name,
                          tensor->location);
    size_t length = strlen(source->folder) + strlen(tensor->location) + 2;
    ferry_onnx_external external = {.location = ferry_strdup(tensor->location)};
    char *path = ferry_malloc(length);
    ferry_status status = path && external.location ? FERRY_OK : ferry_fail_memory(error, length);
    if (status == FERRY_OK) {
        strcpy(path, source->folder);
        strcat(path, "/");
        strcat(path, tensor->location);
        status = ferry_file_map_open(path, &external.map, error);
        if (status != FERRY_OK) ferry_error_prefix(error, "external data of tensor '%.128s': ", tensor->name);
    }
    ferry_free(path);
    if (status == FERRY_OK && !ferry_vector_push(&source->externals, external)) {
        ferry_file_map_close(&external.map);
        status = ferry_fail_memory(error, sizeof external);
    }
    if (status != FERRY_OK) {
        ferry_free(external.location);
        return status;
    }
    *map = &source->externals.items[source->externals.count - 1].map;
    return FERRY_OK;
}

/* ---- raw bytes ---- */

static bool is_misaligned(const ferry_onnx_tensor *tensor, const unsigned char *data) {
    size_t size = ferry_dtype_bytes(tensor->dtype);
    if (tensor->dtype == FERRY_COMPLEX64 || tensor->dtype == FERRY_COMPLEX128) size /= 2;
    return size > 1 && (uintptr_t)data % size != 0;
}

static bool is_clean_bool(const unsigned char *data, size_t bytes) {
    unsigned char any = 0;
    for (size_t i = 0; i < bytes; i++) any |= data[i];
    return any <= 1;
}

/* Bytes that already have the layout of memory: used in place where that is allowed. */
static ferry_status take_raw(const ferry_onnx_tensor *tensor, const unsigned char *data, bool may_borrow, ferry_arena *arena,
                             ferry_tensor *result, ferry_error *error) {
    bool unclean = tensor->dtype == FERRY_BOOL && !is_clean_bool(data, tensor->bytes);
    if (may_borrow && !unclean && !is_misaligned(tensor, data)) {
        memcpy(&result->data, &data, sizeof data); /* read-only by contract: constants are never written */
        return FERRY_OK;
    }
    result->data = ferry_arena_copy(arena, data, tensor->bytes);
    if (!result->data) return ferry_fail_memory(error, tensor->bytes);
    unsigned char *bytes = result->data;
    for (size_t i = 0; unclean && i < tensor->bytes; i++) bytes[i] = bytes[i] != 0;
    return FERRY_OK;
}

static ferry_status load_external(ferry_onnx_source *source, const ferry_onnx_tensor *tensor, ferry_arena *arena,
                                  ferry_tensor *result, ferry_error *error) {
    const ferry_file_map *map = NULL;
    FERRY_TRY(map_external(source, tensor, &map, error));
    uint64_t offset = (uint64_t)tensor->external_offset;
    bool fits = offset <= map->bytes && tensor->bytes <= map->bytes - offset;
    if (!fits || (tensor->external_length >= 0 && (uint64_t)tensor->external_length != tensor->bytes))
        return ferry_fail(
            error, FERRY_ERROR_FORMAT,
            "tensor '%.128s' needs %zu bytes at offset %llu of '%.128s', which has %zu; its stated length is %lld",
            tensor->name, tensor->bytes, (unsigned long long)offset, tensor->location, map->bytes,
            (long long)tensor->external_length);
    return take_raw(tensor, map->data + offset, true, arena, result, error);
}

static ferry_status load_raw(const ferry_onnx_source *source, const ferry_onnx_tensor *tensor, ferry_arena *arena,
                             ferry_tensor *result, ferry_error *error) {
    size_t length = tensor->raw_end - tensor->raw_begin;
    if (length != tensor->bytes)
        return ferry_fail(error, FERRY_ERROR_FORMAT, "byte %zu: tensor '%.128s' needs %zu bytes of data, but has %zu",
                          tensor->raw_begin, tensor->name, tensor->bytes, length);
    return take_raw(tensor, tensor->message.base + tensor->raw_begin, !source->borrowed, arena, result, error);
}

/* ---- typed fields ---- */

/* Which field holds a type's values, how they are encoded, and how many there must be. */
typedef struct typed_field {
    uint32_t number;
    ferry_protobuf_type element;
    int64_t count;
} typed_field;

static typed_field field_for(const ferry_onnx_tensor *tensor) {
    int64_t n = tensor->elements;
    switch (tensor->dtype) {
    case FERRY_FLOAT32: return (typed_field){FLOAT_DATA, FERRY_PROTOBUF_FIXED32, n};
    case FERRY_COMPLEX64: return (typed_field){FLOAT_DATA, FERRY_PROTOBUF_FIXED32, 2 * n};
    case FERRY_FLOAT64: return (typed_field){DOUBLE_DATA, FERRY_PROTOBUF_FIXED64, n};
    case FERRY_COMPLEX128: return (typed_field){DOUBLE_DATA, FERRY_PROTOBUF_FIXED64, 2 * n};
    case FERRY_INT64: return (typed_field){INT64_DATA, FERRY_PROTOBUF_VARINT, n};
    case FERRY_UINT32:
    case FERRY_UINT64: return (typed_field){UINT64_DATA, FERRY_PROTOBUF_VARINT, n};
    case FERRY_STRING: return (typed_field){STRING_DATA, FERRY_PROTOBUF_BYTES, n};
    default: /* 8-, 16- and 32-bit integers and floats, one each; 4- and 2-bit types, a byte of packed elements each */
        return (typed_field){INT32_DATA, FERRY_PROTOBUF_VARINT,
                             ferry_dtype_bits(tensor->dtype) < 8 ? (int64_t)tensor->bytes : n};
    }
}

static void store(const ferry_onnx_tensor *tensor, unsigned char *data, size_t index, uint64_t value) {
    size_t size = ferry_dtype_bits(tensor->dtype) < 8 ? 1 : ferry_dtype_bytes(tensor->dtype);
    if (tensor->dtype == FERRY_COMPLEX64 || tensor->dtype == FERRY_COMPLEX128) size /= 2;
    if (tensor->dtype == FERRY_BOOL) value = value != 0;
    memcpy(data + index * size, &value, size); /* little-endian: the low bytes */
}

static ferry_status wrong_count(const ferry_onnx_tensor *tensor, int64_t wanted, size_t count, ferry_error *error) {
    return ferry_fail(error, FERRY_ERROR_FORMAT, "byte %zu: tensor '%.128s' needs %lld values, but has %zu", tensor->message.at,
                      tensor->name, (long long)wanted, count);
}

static ferry_status load_numbers(const ferry_onnx_tensor *tensor, const typed_field *typed, ferry_arena *arena,
                                 ferry_tensor *result, ferry_error *error) {
    ferry_protobuf message = tensor->message;
    size_t count, filled = 0;
    message.error = error;
    FERRY_TRY(ferry_protobuf_count_values(&message, typed->number, typed->element, &count));
    if (typed->count < 0 || count != (uint64_t)typed->count) return wrong_count(tensor, typed->count, count, error);
    unsigned char *data = ferry_arena_allocate(arena, 1, tensor->bytes);
    if (!data) return ferry_fail_memory(error, tensor->bytes);
    result->data = data;
    while (filled < count) {
        ferry_protobuf_field field;
        ferry_protobuf_values values;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (field.number != typed->number) continue;
        FERRY_TRY(ferry_protobuf_values_open(&message, &field, typed->element, &values));
        for (bool more = true; more;) {
            uint64_t value = 0;
            FERRY_TRY(ferry_protobuf_values_next(&values, &value, &more));
            if (more) store(tensor, data, filled++, value);
        }
    }
    return FERRY_OK;
}

static ferry_status load_strings(const ferry_onnx_source *source, const ferry_onnx_tensor *tensor, ferry_arena *arena,
                                 ferry_tensor *result, ferry_error *error) {
    ferry_protobuf message = tensor->message;
    size_t counts[FERRY_PROTOBUF_CENSUS];
    message.error = error;
    FERRY_TRY(ferry_protobuf_census(&message, counts));
    size_t count = counts[STRING_DATA];
    if (count != (uint64_t)tensor->elements) return wrong_count(tensor, tensor->elements, count, error);
    ferry_string *strings = ferry_arena_allocate(arena, count, sizeof *strings);
    if (!strings) return ferry_fail_memory(error, tensor->bytes);
    result->data = strings;
    for (size_t filled = 0; filled < count;) {
        ferry_protobuf_field field;
        FERRY_TRY(ferry_protobuf_next(&message, &field));
        if (field.number != STRING_DATA) continue;
        ferry_string *string = &strings[filled++];
        FERRY_TRY(ferry_protobuf_string(&message, &field, string));
        if (!source->borrowed) continue;
        string->text = ferry_arena_strndup(arena, string->text, string->length);
        if (!string->text) return ferry_fail_memory(error, string->length);
    }
    return FERRY_OK;
}

ferry_status ferry_onnx_tensor_load(ferry_onnx_source *source, const ferry_onnx_tensor *tensor, ferry_arena *arena,
                                    ferry_tensor *result, ferry_error *error) {
    *result = (ferry_tensor){.dtype = tensor->dtype, .layout = FERRY_LAYOUT_PLAIN, .shape = tensor->shape};
    if (tensor->elements == 0) {
        result->data = ferry_arena_allocate(arena, 1, 1);
        return result->data ? FERRY_OK : ferry_fail_memory(error, 1);
    }
    if (tensor->dtype == FERRY_STRING && (tensor->external || tensor->has_raw))
        return ferry_fail(error, FERRY_ERROR_FORMAT, "tensor '%.128s' holds strings, which cannot be raw or external",
                          tensor->name);
    if (tensor->external) return load_external(source, tensor, arena, result, error);
    if (tensor->has_raw) return load_raw(source, tensor, arena, result, error);
    if (tensor->dtype == FERRY_STRING) return load_strings(source, tensor, arena, result, error);
    typed_field typed = field_for(tensor);
    return load_numbers(tensor, &typed, arena, result, error);
}

/* ---- sparse ---- */

/* The linear index of the i-th value: from NNZ linear indices, or from NNZ x rank coordinates. False when outside. */
static bool sparse_place(const ferry_onnx_sparse *sparse, const ferry_tensor *indices, int64_t i, int64_t elements,
                         int64_t *place) {
    const int64_t *data = indices->data;
    if (indices->shape.rank == 1) {
        *place = data[i];
        return data[i] >= 0 && data[i] < elements;
    }
    int64_t linear = 0;
    for (int d = 0; d < sparse->shape.rank; d++) {
        int64_t coordinate = data[i * sparse->shape.rank + d];
        if (coordinate < 0 || coordinate >= sparse->shape.dims[d]) return false;
        linear = linear * sparse->shape.dims[d] + coordinate;
    }
    *place = linear;
    return true;
}

static bool sparse_is_sound(const ferry_onnx_sparse *sparse) {
    const ferry_shape *values = &sparse->values.shape, *indices = &sparse->indices.shape;
    if (values->rank != 1 || sparse->indices.dtype != FERRY_INT64 || sparse->values.dtype == FERRY_STRING ||
        ferry_dtype_bits(sparse->values.dtype) < 8)
        return false;
    if (indices->rank == 1) return indices->dims[0] == values->dims[0];
    return indices->rank == 2 && indices->dims[0] == values->dims[0] && indices->dims[1] == sparse->shape.rank;
}

ferry_status ferry_onnx_sparse_load(ferry_onnx_source *source, const ferry_onnx_sparse *sparse, ferry_arena *arena,
                                    ferry_tensor *result, ferry_error *error) {
    ferry_tensor values, indices;
    int64_t elements, place;
    size_t bytes, size = ferry_dtype_bytes(sparse->values.dtype);
    const char *name = sparse->values.name;
    if (!sparse_is_sound(sparse))
        return ferry_fail(error, FERRY_ERROR_FORMAT,
                          "byte %zu: values and indices of sparse tensor '%.128s' do not fit together", sparse->at, name);
    if (!ferry_shape_elements(&sparse->shape, &elements) ||
        !ferry_tensor_bytes(sparse->values.dtype, FERRY_LAYOUT_PLAIN, &sparse->shape, &bytes) || bytes > FERRY_ONNX_MAX_DENSE)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "byte %zu: sparse tensor '%.128s' is too large to be made dense",
                          sparse->at, name);
    FERRY_TRY(ferry_onnx_tensor_load(source, &sparse->values, arena, &values, error));
    FERRY_TRY(ferry_onnx_tensor_load(source, &sparse->indices, arena, &indices, error));
    unsigned char *dense = ferry_arena_allocate(arena, 1, bytes);
    if (!dense) return ferry_fail_memory(error, bytes);
    *result = (ferry_tensor){.dtype = values.dtype, .layout = FERRY_LAYOUT_PLAIN, .shape = sparse->shape, .data = dense};
    for (int64_t i = 0; i < values.shape.dims[0]; i++) {
        if (!sparse_place(sparse, &indices, i, elements, &place))
            return ferry_fail(error, FERRY_ERROR_FORMAT, "byte %zu: an index of sparse tensor '%.128s' is outside its shape",
                              sparse->at, name);
        memcpy(dense + (size_t)place * size, (const unsigned char *)values.data + (size_t)i * size, size);
    }
    return FERRY_OK;
}
