/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing the plan by one description: every function moves a field either way, so the two directions cannot drift
 * apart. Numbers are little-endian; strings are a 32-bit length and bytes. Reading checks every bound; after the first
 * failure all calls do nothing. */
#ifndef FERRY_ENGINE_STREAM_H
#define FERRY_ENGINE_STREAM_H

#include "base/error.h"
#include "base/memory.h"

typedef struct ferry_stream {
    bool writing;
    ferry_arena *arena;        /* reading: where strings and arrays go */
    const unsigned char *data; /* reading */
    size_t bytes, offset;
    FERRY_VECTOR(unsigned char) out; /* writing */
    ferry_status status;
    ferry_error *error;
} ferry_stream;

void ferry_stream_fail(ferry_stream *stream, ferry_status status, const char *format, ...) FERRY_PRINTF(3, 4);
void ferry_stream_bytes(ferry_stream *stream, void *bytes, size_t count);
void ferry_stream_u8(ferry_stream *stream, uint8_t *value);
void ferry_stream_u32(ferry_stream *stream, uint32_t *value);
void ferry_stream_i32(ferry_stream *stream, int32_t *value);
void ferry_stream_u64(ferry_stream *stream, uint64_t *value);
void ferry_stream_i64(ferry_stream *stream, int64_t *value);
void ferry_stream_f32(ferry_stream *stream, float *value);
void ferry_stream_text(ferry_stream *stream, const char **text); /* terminated; no zero bytes inside */
/* A number that must lie in [low, high]. */
void ferry_stream_range(ferry_stream *stream, int *value, int low, int high, const char *what);
/* The length of an array whose items take at least item_bytes each in the stream, so that a lie is refused before memory is
 * asked for. Reading: allocates count * size zeroed bytes into *items. */
void ferry_stream_array(ferry_stream *stream, int *count, void **items, size_t size, size_t item_bytes, const char *what);

#endif
