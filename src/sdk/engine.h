/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the SDK: what an engine holds. */
#ifndef FERRY_SDK_ENGINE_H
#define FERRY_SDK_ENGINE_H

#include <ferry/engine.h>
#include <stdatomic.h>

#include "base/file.h"
#include "engine/file.h"

/* Shared by the handle and its contexts; freed with the last of them. */
struct ferry_engine {
    _Atomic int references;
    ferry_file_map map;    /* of a file */
    unsigned char *memory; /* or a copy, from ferry_aligned_malloc */
    size_t bytes;
    ferry_plan *plan;
    char target[96];
};

ferry_engine *ferry_engine_retain(ferry_engine *engine);
void ferry_engine_release(ferry_engine *engine);
/* Takes over `memory` (from ferry_aligned_malloc), also when it fails. */
ferry_status ferry_engine_adopt(unsigned char *memory, size_t bytes, ferry_engine **engine, ferry_error *error);

/* Counts operations (multiplications and additions) of a node for reports: 2 a multiply-add; 0 where not counted. Shapes are of
 * the call's tensors. */
double ferry_count_operations(const ferry_plan_node *node, const ferry_shape *const *inputs, const ferry_shape *output);

#endif
