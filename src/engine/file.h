/* SPDX-License-Identifier: Apache-2.0 */
/* The engine file: a header, the plan, and page-aligned weights that are used straight from the map.
 *
 *   0    8  magic "FERRY\0\r\n"
 *   8    4  format version (FERRY_ENGINE_FORMAT)
 *  12    4  architecture (1 x86-64, 2 aarch64, 3 arm; 0 any)
 *  16    4  CPU features needed (base/cpu.h)
 *  20    4  reserved, 0
 *  24   16  plan: offset, bytes
 *  40   16  weights: offset (a multiple of 4096), bytes
 *  56    8  hash64 of the plan
 *  64    8  hash64 of the weights
 *  72    8  hash64 of bytes 0..71
 * Numbers are little-endian. */
#ifndef FERRY_ENGINE_FILE_H
#define FERRY_ENGINE_FILE_H

#include "base/file.h"
#include "engine/plan.h"

enum { FERRY_ENGINE_FORMAT = 1, FERRY_ENGINE_HEADER_BYTES = 80, FERRY_ENGINE_PAGE = 4096 };

/* Whether the bytes start as an engine file does. */
bool ferry_engine_is(const void *data, size_t bytes);

/* Writes plan and plan->weights to `path`, atomically. */
ferry_status ferry_engine_write(const ferry_plan *plan, const char *path, ferry_error *error);
/* The same into memory from ferry_aligned_malloc, owned by the caller. */
ferry_status ferry_engine_serialize(const ferry_plan *plan, unsigned char **data, size_t *bytes, ferry_error *error);

/* Reads the plan. `data` must stay, unchanged and aligned to 64 bytes, as long as the plan: weights point into it. Refuses
 * wrong, truncated, corrupt and newer files, and ones for another architecture or for CPU features outside `features`. Every
 * offset, count, name and index is checked, so that what is returned can be executed without further checks of structure. */
ferry_status ferry_engine_parse(const void *data, size_t bytes, uint32_t features, ferry_plan **plan, ferry_error *error);
void ferry_plan_destroy(ferry_plan *plan); /* takes NULL */

#endif
