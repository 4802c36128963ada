/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/pool.h"

static void error_prefix_keeps_what_fits(void **state) {
    (void)state;
    ferry_error error;
    assert_int_equal(ferry_fail(&error, FERRY_ERROR_SHAPE, "rank %d", 9), FERRY_ERROR_SHAPE);
    ferry_error_prefix(&error, "node '%s': ", "a");
    assert_string_equal(error.message, "node 'a': rank 9");
    for (int i = 0; i < 200; i++) ferry_error_prefix(&error, "again and again ");
    assert_true(strlen(error.message) < sizeof error.message);
    assert_string_equal(ferry_status_name(FERRY_ERROR_SHAPE), "FERRY_ERROR_SHAPE");
    assert_string_equal(ferry_status_name((ferry_status)999), "FERRY_ERROR_UNKNOWN");
    assert_int_equal(ferry_fail(NULL, FERRY_ERROR_IO, "nobody listens"), FERRY_ERROR_IO);
}

/* Known answers of XXH64 with seed 0. */
static void hash_is_xxh64(void **state) {
    (void)state;
    assert_true(ferry_hash64("", 0, 0) == 0xEF46DB3751D8E999ull);
    assert_true(ferry_hash64("a", 1, 0) == 0xD24EC4F1A98C6E5Bull);
    assert_true(ferry_hash64("abc", 3, 0) == 0x44BC2CF5AD770999ull);
    assert_true(ferry_hash64("Nobody inspects the spammish repetition", 39, 0) == 0xFBCEA83C8A378BF1ull);
}

static void map_keeps_everything(void **state) {
    (void)state;
    ferry_map map = {0};
    char key[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_true(ferry_map_set(&map, key, i));
    }
    for (int i = 0; i < 5000; i += 3) {
        snprintf(key, sizeof key, "key%d", i);
        assert_true(ferry_map_remove(&map, key));
        assert_false(ferry_map_remove(&map, key));
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_int_equal(ferry_map_get(&map, key), i % 3 == 0 ? -1 : i);
    }
    ferry_map_free(&map);
    assert_int_equal(ferry_map_get(&map, "key1"), -1);
}

static void arena_gives_zeroed_aligned_memory(void **state) {
    (void)state;
    ferry_arena arena = {0};
    for (size_t bytes = 1; bytes < 100000; bytes = bytes * 3 + 1) {
        unsigned char *memory = ferry_arena_allocate(&arena, 1, bytes);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < bytes; i++) assert_int_equal(memory[i], 0);
        memset(memory, 0xff, bytes);
    }
    assert_null(ferry_arena_allocate(&arena, SIZE_MAX / 2, 3));
    ferry_arena_release(&arena);
    ferry_allocation_fail_after(1);
    assert_null(ferry_arena_allocate(&arena, 1, 10));
    ferry_allocation_fail_after(0);
}

typedef struct tally {
    _Atomic int visits[1000];
    int threads;
} tally;

static void visit(void *user, int64_t index, int thread) {
    tally *t = user;
    assert_true(thread >= 0 && thread < t->threads);
    atomic_fetch_add(&t->visits[index], 1);
}

static void pool_visits_every_index_once(void **state) {
    (void)state;
    for (int threads = 1; threads <= 5; threads++) {
        ferry_pool *pool;
        assert_int_equal(ferry_pool_create(threads, &pool, NULL), FERRY_OK);
        assert_int_equal(ferry_pool_threads(pool), threads);
        for (int64_t count = 0; count <= 1000; count = count * 2 + 1) {
            tally t = {.threads = threads};
            ferry_pool_run(pool, count, visit, &t);
            for (int64_t i = 0; i < 1000; i++) assert_int_equal(t.visits[i], i < count);
        }
        ferry_pool_destroy(pool);
    }
    ferry_pool *pool;
    ferry_error error;
    assert_int_equal(ferry_pool_create(-1, &pool, &error), FERRY_ERROR_INVALID_ARGUMENT);
    assert_int_equal(ferry_pool_create(100000, &pool, &error), FERRY_ERROR_INVALID_ARGUMENT);
}

typedef struct nesting {
    ferry_pool *pool;
    tally *t;
} nesting;

static void nest(void *user, int64_t index, int thread) {
    nesting *n = user;
    (void)index;
    (void)thread;
    ferry_pool_run(n->pool, 100, visit, n->t);
}

static void pool_runs_nested_loops_alone(void **state) {
    (void)state;
    ferry_pool *pool;
    assert_int_equal(ferry_pool_create(3, &pool, NULL), FERRY_OK);
    tally t = {.threads = 3};
    nesting n = {pool, &t};
    ferry_pool_run(pool, 7, nest, &n);
    for (int i = 0; i < 100; i++) assert_int_equal(t.visits[i], 7);
    ferry_pool_destroy(pool);
}

static void cpu_features_read_and_print(void **state) {
    (void)state;
    char text[128];
    uint32_t features = 0;
    assert_true(ferry_cpu_features_parse("avx2,sse41", &features));
    assert_int_equal(features, FERRY_CPU_AVX2 | FERRY_CPU_SSE41);
    assert_string_equal(ferry_cpu_features_text(features, text, sizeof text), "sse41 avx2");
    assert_string_equal(ferry_cpu_features_text(0, text, sizeof text), "baseline");
    assert_true(ferry_cpu_features_parse("baseline", &features));
    assert_int_equal(features, 0);
    assert_false(ferry_cpu_features_parse("avx3", &features));
    assert_true(ferry_cpu_count() >= 1);
    for (int level = 1; level <= 3; level++) assert_true(ferry_cpu_cache_bytes(level) >= 1024);
}

static void writer_leaves_all_or_nothing(void **state) {
    (void)state;
    char folder[] = "/tmp/ferry-base-XXXXXX", path[64], temporary[96];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    ferry_file_writer *writer;
    ferry_error error;
    assert_int_equal(ferry_file_writer_open(path, &writer, &error), FERRY_OK);
    snprintf(temporary, sizeof temporary, "%s", ferry_file_writer_temporary_path(writer));
    assert_int_equal(ferry_file_writer_write(writer, "abc", 3, &error), FERRY_OK);
    assert_int_equal(ferry_file_writer_align(writer, 16, &error), FERRY_OK);
    assert_int_equal(ferry_file_writer_patch(writer, 1, "X", 1, &error), FERRY_OK);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(ferry_file_writer_commit(&writer, &error), FERRY_OK);
    assert_null(writer);
    assert_int_not_equal(access(temporary, F_OK), 0);
    ferry_file_map map;
    assert_int_equal(ferry_file_map_open(path, &map, &error), FERRY_OK);
    assert_int_equal(map.bytes, 16);
    assert_memory_equal(map.data, "aXc\0\0", 5);
    ferry_file_map_close(&map);
    assert_int_equal(ferry_file_writer_open(path, &writer, &error), FERRY_OK);
    ferry_file_writer_abort(&writer);
    assert_int_equal(access(path, F_OK), 0); /* the old file stays */
    assert_int_not_equal(access(temporary, F_OK), 0);
    unlink(path);
    rmdir(folder);
    assert_int_equal(ferry_file_writer_open("/nowhere/file", &writer, &error), FERRY_ERROR_IO);
    assert_int_equal(ferry_file_map_open("/tmp", &map, &error), FERRY_ERROR_IO);
}

static void unwritable_places_are_told(void **state) {
    (void)state;
    ferry_error error = {FERRY_OK, ""};
    ferry_file_writer *writer;
    assert_int_equal(ferry_file_writer_open("/proc/ferry-test", &writer, &error), FERRY_ERROR_IO);
    assert_null(writer);
    assert_non_null(strstr(error.message, "/proc/ferry-test"));
    assert_int_equal(ferry_file_writer_open("/tmp", &writer, &error), FERRY_ERROR_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_prefix_keeps_what_fits), cmocka_unit_test(hash_is_xxh64),
        cmocka_unit_test(map_keeps_everything),         cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(pool_visits_every_index_once), cmocka_unit_test(pool_runs_nested_loops_alone),
        cmocka_unit_test(cpu_features_read_and_print),  cmocka_unit_test(writer_leaves_all_or_nothing),
        cmocka_unit_test(unwritable_places_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
