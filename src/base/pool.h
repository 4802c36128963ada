/* SPDX-License-Identifier: Apache-2.0 */
/* The thread pool: the calling thread works too. One pool may serve several contexts, one parallel loop at a time; a
 * second caller that finds it busy runs its loop alone rather than wait. */
#ifndef FERRY_BASE_POOL_H
#define FERRY_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ferry_pool ferry_pool;

/* Runs task `index` of a loop on worker `thread` (0 = the caller, below ferry_pool_threads). */
typedef void (*ferry_task)(void *user, int64_t index, int thread);

/* threads counts the caller: 1 makes a pool that starts no thread; 0 means one a processor. */
ferry_status ferry_pool_create(int threads, ferry_pool **pool, ferry_error *error);
void ferry_pool_destroy(ferry_pool *pool);      /* takes NULL */
int ferry_pool_threads(const ferry_pool *pool); /* a NULL pool has one thread */

/* Calls task for every index in [0, count), in any order, on all threads, and returns when all are done. Tasks are handed
 * out by static parts, and a thread that is done steals from the others. pool NULL = the caller alone. Allocates nothing. */
void ferry_pool_run(ferry_pool *pool, int64_t count, ferry_task task, void *user);

#endif
