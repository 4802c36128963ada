/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/cpu.h"
#include "base/memory.h"

/* How long an idle worker spins before it sleeps: about 50 us, so that the gap between two layers never costs a wake-up. */
enum { SPIN_ROUNDS = 4000, MAX_THREADS = 256 };

typedef struct part {
    alignas(64) _Atomic int64_t next; /* next index of this thread's static part */
    int64_t end;
} part;

typedef struct worker {
    ferry_pool *pool;
    pthread_t thread;
    int index;
} worker;

struct ferry_pool {
    int threads;
    worker *workers; /* threads - 1 of them */
    part *parts;     /* one a thread */
    ferry_task task;
    void *user;
    atomic_flag busy;
    alignas(64) _Atomic uint32_t generation; /* counts loops; workers wait for it to move */
    alignas(64) _Atomic int running;         /* workers still inside the current loop */
    _Atomic bool stop;
    _Atomic int sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
};

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

static void work(ferry_pool *pool, int thread) {
    for (int k = 0; k < pool->threads; k++) { /* own part first, then the neighbours' */
        part *p = &pool->parts[(thread + k) % pool->threads];
        for (;;) {
            if (atomic_load_explicit(&p->next, memory_order_relaxed) >= p->end) break;
            int64_t index = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);
            if (index >= p->end) break;
            pool->task(pool->user, index, thread);
        }
    }
}

static void wait_for_work(ferry_pool *pool, uint32_t seen) {
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        if (atomic_load_explicit(&pool->generation, memory_order_acquire) != seen) return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->generation) == seen) pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *argument) {
    worker *self = argument;
    ferry_pool *pool = self->pool;
    uint32_t seen = 0;
    for (;;) {
        wait_for_work(pool, seen);
        seen = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (atomic_load(&pool->stop)) return NULL;
        work(pool, self->index);
        atomic_fetch_sub_explicit(&pool->running, 1, memory_order_release);
    }
}

/* Moves the generation on and wakes those who sleep. Sequentially consistent against the sleepers' count. */
static void announce(ferry_pool *pool) {
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers) == 0) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

ferry_status ferry_pool_create(int threads, ferry_pool **result, ferry_error *error) {
    *result = NULL;
    if (threads < 0 || threads > MAX_THREADS)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "threads must be 0 to %d, not %d", MAX_THREADS, threads);
    if (threads == 0) threads = ferry_cpu_count() < MAX_THREADS ? ferry_cpu_count() : MAX_THREADS;
    ferry_pool *pool = ferry_aligned_malloc(sizeof *pool);
    if (!pool) return ferry_fail_memory(error, sizeof *pool);
    *pool = (ferry_pool){.threads = 1, .busy = ATOMIC_FLAG_INIT};
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->parts = ferry_aligned_malloc((size_t)threads * sizeof *pool->parts);
    pool->workers = ferry_calloc((size_t)threads, sizeof *pool->workers);
    if (!pool->parts || !pool->workers) {
        ferry_pool_destroy(pool);
        return ferry_fail_memory(error, (size_t)threads * sizeof *pool->parts);
    }
    for (int i = 0; i < threads - 1; i++) {
        worker *w = &pool->workers[i];
        w->pool = pool;
        w->index = i + 1;
        int failure = pthread_create(&w->thread, NULL, worker_main, w);
        if (failure) {
            ferry_pool_destroy(pool);
            return ferry_fail_errno(error, failure, "cannot start thread %d of %d", i + 2, threads);
        }
        pool->threads++;
    }
    *result = pool;
    return FERRY_OK;
}

void ferry_pool_destroy(ferry_pool *pool) {
    if (!pool) return;
    atomic_store(&pool->stop, true);
    announce(pool);
    for (int i = 0; i < pool->threads - 1; i++) pthread_join(pool->workers[i].thread, NULL);
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->wake);
    ferry_aligned_free(pool->parts);
    ferry_free(pool->workers);
    ferry_aligned_free(pool);
}

int ferry_pool_threads(const ferry_pool *pool) { return pool ? pool->threads : 1; }

static void run_alone(int64_t count, ferry_task task, void *user) {
    for (int64_t i = 0; i < count; i++) task(user, i, 0);
}

/* The last tasks of the others end within microseconds, unless the processor was taken from them: then give ours away too. */
static void wait_for_others(ferry_pool *pool) {
    for (int i = 0; atomic_load_explicit(&pool->running, memory_order_acquire) > 0; i++) {
        if (i < SPIN_ROUNDS)
            relax();
        else
            sched_yield();
    }
}

void ferry_pool_run(ferry_pool *pool, int64_t count, ferry_task task, void *user) {
    if (!pool || pool->threads == 1 || count <= 1 || atomic_flag_test_and_set_explicit(&pool->busy, memory_order_acquire)) {
        run_alone(count, task, user);
        return;
    }
    pool->task = task;
    pool->user = user;
    for (int i = 0; i < pool->threads; i++) {
        atomic_store_explicit(&pool->parts[i].next, count * i / pool->threads, memory_order_relaxed);
        pool->parts[i].end = count * (i + 1) / pool->threads;
    }
    atomic_store_explicit(&pool->running, pool->threads - 1, memory_order_relaxed);
    announce(pool);
    work(pool, 0);
    wait_for_others(pool);
    atomic_flag_clear_explicit(&pool->busy, memory_order_release);
}
