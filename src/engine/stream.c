/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stream.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ferry_stream_fail(ferry_stream *stream, ferry_status status, const char *format, ...) {
    if (stream->status != FERRY_OK) return;
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (stream->writing)
        stream->status = ferry_fail(stream->error, status, "%s", message);
    else
        stream->status = ferry_fail(stream->error, status, "%s (at byte %zu of the plan)", message, stream->offset);
}

void ferry_stream_bytes(ferry_stream *stream, void *bytes, size_t count) {
    if (stream->status != FERRY_OK || count == 0) return;
    if (stream->writing) {
        if (!ferry_vector_reserve(&stream->out, stream->out.count + count)) {
            ferry_stream_fail(stream, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while writing the plan");
            return;
        }
        memcpy(stream->out.items + stream->out.count, bytes, count);
        stream->out.count += count;
        return;
    }
    if (count > stream->bytes - stream->offset) {
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "the plan ends early: %zu bytes wanted, %zu left", count,
                          stream->bytes - stream->offset);
        return;
    }
    memcpy(bytes, stream->data + stream->offset, count);
    stream->offset += count;
}

void ferry_stream_u8(ferry_stream *stream, uint8_t *value) { ferry_stream_bytes(stream, value, 1); }
void ferry_stream_u32(ferry_stream *stream, uint32_t *value) { ferry_stream_bytes(stream, value, 4); }
void ferry_stream_i32(ferry_stream *stream, int32_t *value) { ferry_stream_bytes(stream, value, 4); }
void ferry_stream_u64(ferry_stream *stream, uint64_t *value) { ferry_stream_bytes(stream, value, 8); }
void ferry_stream_i64(ferry_stream *stream, int64_t *value) { ferry_stream_bytes(stream, value, 8); }
void ferry_stream_f32(ferry_stream *stream, float *value) { ferry_stream_bytes(stream, value, 4); }

void ferry_stream_text(ferry_stream *stream, const char **text) {
    uint32_t length = stream->writing ? (uint32_t)strlen(*text) : 0;
    ferry_stream_u32(stream, &length);
    if (stream->status != FERRY_OK) {
        *text = "";
        return;
    }
    if (stream->writing) {
        ferry_stream_bytes(stream, (void *)*text, length);
        return;
    }
    *text = "";
    if (length > stream->bytes - stream->offset) {
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "a text of %u bytes runs past the end", length);
        return;
    }
    char *copy = ferry_arena_strndup(stream->arena, (const char *)stream->data + stream->offset, length);
    if (!copy) {
        ferry_stream_fail(stream, FERRY_ERROR_OUT_OF_MEMORY, "out of memory while reading the plan");
        return;
    }
    if (strlen(copy) != length) ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "a text holds a zero byte");
    stream->offset += length;
    *text = copy;
}

void ferry_stream_range(ferry_stream *stream, int *value, int low, int high, const char *what) {
    int32_t number = stream->writing ? *value : low;
    ferry_stream_i32(stream, &number);
    if (stream->status == FERRY_OK && (number < low || number > high))
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "%s is %d, not within %d to %d", what, number, low, high);
    if (!stream->writing) *value = stream->status == FERRY_OK ? number : low;
}

void ferry_stream_array(ferry_stream *stream, int *count, void **items, size_t size, size_t item_bytes, const char *what) {
    uint32_t length = stream->writing ? (uint32_t)*count : 0;
    ferry_stream_u32(stream, &length);
    if (stream->writing) return;
    *count = 0;
    *items = NULL;
    if (stream->status != FERRY_OK) return;
    size_t left = stream->bytes - stream->offset;
    if (length > INT_MAX || (item_bytes ? left / item_bytes : left) < length) {
        ferry_stream_fail(stream, FERRY_ERROR_FORMAT, "%u %s cannot fit in the %zu bytes that are left", length, what, left);
        return;
    }
    *items = ferry_arena_allocate(stream->arena, length, size);
    if (!*items) {
        ferry_stream_fail(stream, FERRY_ERROR_OUT_OF_MEMORY, "out of memory for %u %s", length, what);
        return;
    }
    *count = (int)length;
}
