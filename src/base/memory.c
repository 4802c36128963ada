/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The only process-wide state of the library: the countdown with which tests fail an allocation. */
static _Atomic int64_t fail_countdown;
static _Atomic int64_t allocation_count;

void ferry_allocation_fail_after(int64_t countdown) { atomic_store(&fail_countdown, countdown); }
int64_t ferry_allocation_count(void) { return atomic_load(&allocation_count); }

static bool allocation_fails(void) {
    atomic_fetch_add_explicit(&allocation_count, 1, memory_order_relaxed);
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) <= 0) return false;
    return atomic_fetch_sub(&fail_countdown, 1) == 1;
}

void *ferry_malloc(size_t bytes) { return allocation_fails() ? NULL : malloc(bytes ? bytes : 1); }

void *ferry_calloc(size_t count, size_t size) {
    if (allocation_fails()) return NULL;
    return calloc(count ? count : 1, size ? size : 1);
}

void *ferry_realloc(void *memory, size_t bytes) { return allocation_fails() ? NULL : realloc(memory, bytes ? bytes : 1); }

void ferry_free(void *memory) { free(memory); }

char *ferry_strndup(const char *text, size_t length) {
    char *copy = length == SIZE_MAX ? NULL : ferry_malloc(length + 1);
    if (!copy) return NULL;
    if (length) memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

char *ferry_strdup(const char *text) { return ferry_strndup(text, strlen(text)); }

void *ferry_aligned_malloc(size_t bytes) {
    if (allocation_fails() || bytes > SIZE_MAX - FERRY_ALIGNMENT) return NULL;
    size_t rounded = ferry_align_up(bytes ? bytes : 1, FERRY_ALIGNMENT);
    return aligned_alloc(FERRY_ALIGNMENT, rounded);
}

void ferry_aligned_free(void *memory) { free(memory); }

static void *default_allocate(void *user, size_t bytes) {
    (void)user;
    return ferry_aligned_malloc(bytes);
}

static void default_release(void *user, void *memory) {
    (void)user;
    ferry_aligned_free(memory);
}

const ferry_allocator *ferry_default_allocator(void) {
    static const ferry_allocator allocator = {default_allocate, default_release, NULL};
    return &allocator;
}

struct ferry_arena_chunk {
    ferry_arena_chunk *next;
    size_t used, capacity;
    _Alignas(16) unsigned char bytes[];
};

enum { ARENA_CHUNK_BYTES = 32 * 1024 };

void *ferry_arena_allocate(ferry_arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (!ferry_size_multiply(count, size, &bytes) || bytes > SIZE_MAX / 2) return NULL;
    bytes = ferry_align_up(bytes ? bytes : 1, 16);
    ferry_arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->capacity - chunk->used < bytes) {
        size_t capacity = bytes > ARENA_CHUNK_BYTES / 4 ? bytes : ARENA_CHUNK_BYTES;
        ferry_arena_chunk *fresh = ferry_calloc(1, sizeof *fresh + capacity);
        if (!fresh) return NULL;
        fresh->capacity = capacity;
        if (capacity == bytes && chunk) { /* a large block of its own: keep filling the chunk in front */
            fresh->next = chunk->next;
            chunk->next = fresh;
        } else {
            fresh->next = chunk;
            arena->chunks = fresh;
        }
        chunk = fresh;
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += bytes;
    return memory;
}

void *ferry_arena_copy(ferry_arena *arena, const void *source, size_t bytes) {
    void *copy = ferry_arena_allocate(arena, 1, bytes);
    if (copy && bytes) memcpy(copy, source, bytes);
    return copy;
}

char *ferry_arena_strndup(ferry_arena *arena, const char *text, size_t length) {
    if (length == SIZE_MAX) return NULL;
    char *copy = ferry_arena_allocate(arena, length + 1, 1);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

char *ferry_arena_strdup(ferry_arena *arena, const char *text) { return ferry_arena_strndup(arena, text, strlen(text)); }

void ferry_arena_release(ferry_arena *arena) {
    ferry_arena_chunk *chunk = arena->chunks;
    while (chunk) {
        ferry_arena_chunk *next = chunk->next;
        ferry_free(chunk);
        chunk = next;
    }
    arena->chunks = NULL;
}

bool ferry_vector_grow_(void **items, size_t *capacity, size_t wanted, size_t item_size) {
    size_t grown = *capacity < 8 ? 8 : *capacity + *capacity / 2;
    if (grown < wanted) grown = wanted;
    size_t bytes;
    if (!ferry_size_multiply(grown, item_size, &bytes)) return false;
    void *memory = ferry_realloc(*items, bytes);
    if (!memory) return false;
    *items = memory;
    *capacity = grown;
    return true;
}
