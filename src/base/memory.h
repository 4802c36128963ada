/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: the allocator that a caller may give, aligned blocks, arenas, and arithmetic that notices overflow. */
#ifndef FERRY_BASE_MEMORY_H
#define FERRY_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Alignment of every tensor's memory: one cache line, one AVX-512 register. */
#define FERRY_ALIGNMENT 64

/* A given allocator. `allocate` returns memory aligned to FERRY_ALIGNMENT or NULL; both may be called from any thread. */
typedef struct ferry_allocator {
    void *(*allocate)(void *user, size_t bytes);
    void (*release)(void *user, void *memory);
    void *user;
} ferry_allocator;

/* The process's allocator. Tests make it fail through ferry_allocation_fail_after. */
const ferry_allocator *ferry_default_allocator(void);

/* malloc and friends, through one place so that tests can fail each in turn. NULL on failure or when count*size
 * overflows; ferry_free takes NULL. Memory from these is not aligned to FERRY_ALIGNMENT. */
void *ferry_malloc(size_t bytes);
void *ferry_calloc(size_t count, size_t size);
void *ferry_realloc(void *memory, size_t bytes);
char *ferry_strdup(const char *text);
char *ferry_strndup(const char *text, size_t length);
void ferry_free(void *memory);

/* Aligned to FERRY_ALIGNMENT; released with ferry_aligned_free. */
void *ferry_aligned_malloc(size_t bytes);
void ferry_aligned_free(void *memory);

/* For tests: the n-th allocation from now on (1 = the next) fails once, of all threads; 0 switches it off. */
void ferry_allocation_fail_after(int64_t countdown);
int64_t ferry_allocation_count(void);

/* An arena: many small allocations, one release. Zero-initialise it. Memory is aligned to 16 and zeroed. Not thread-safe. */
typedef struct ferry_arena_chunk ferry_arena_chunk;
typedef struct ferry_arena {
    ferry_arena_chunk *chunks;
} ferry_arena;

void *ferry_arena_allocate(ferry_arena *arena, size_t count, size_t size); /* NULL when out of memory or on overflow */
void *ferry_arena_copy(ferry_arena *arena, const void *source, size_t bytes);
char *ferry_arena_strdup(ferry_arena *arena, const char *text);
char *ferry_arena_strndup(ferry_arena *arena, const char *text, size_t length);
void ferry_arena_release(ferry_arena *arena);

/* Each returns false on overflow and leaves *result undefined. */
static inline bool ferry_size_multiply(size_t a, size_t b, size_t *result) { return !__builtin_mul_overflow(a, b, result); }
static inline bool ferry_size_add(size_t a, size_t b, size_t *result) { return !__builtin_add_overflow(a, b, result); }
static inline bool ferry_int64_multiply(int64_t a, int64_t b, int64_t *result) { return !__builtin_mul_overflow(a, b, result); }

static inline size_t ferry_align_up(size_t value, size_t alignment) { return (value + alignment - 1) / alignment * alignment; }
static inline int64_t ferry_min_int64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t ferry_max_int64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t ferry_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* A growing array. Use: FERRY_VECTOR(int) v = {0}; if (!ferry_vector_push(&v, 3)) ...; v.items[i], v.count;
 * ferry_vector_free(&v). */
#define FERRY_VECTOR(type)                                                                                                     \
    struct {                                                                                                                   \
        type *items;                                                                                                           \
        size_t count, capacity;                                                                                                \
    }
bool ferry_vector_grow_(void **items, size_t *capacity, size_t wanted, size_t item_size);
#define ferry_vector_reserve(vector, wanted)                                                                                   \
    ((wanted) <= (vector)->capacity ||                                                                                         \
     ferry_vector_grow_((void **)&(vector)->items, &(vector)->capacity, (wanted), sizeof *(vector)->items))
#define ferry_vector_push(vector, item)                                                                                        \
    (ferry_vector_reserve(vector, (vector)->count + 1) ? ((vector)->items[(vector)->count++] = (item), true) : false)
#define ferry_vector_free(vector)                                                                                              \
    (ferry_free((vector)->items), (vector)->items = NULL, (vector)->count = (vector)->capacity = 0)

#endif
