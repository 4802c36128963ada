/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU's adaptors share: looking at tensors as planes, choosing layouts, splitting planes over threads. */
#ifndef FERRY_BACKEND_CPU_ADAPT_H
#define FERRY_BACKEND_CPU_ADAPT_H

#include "backend/backend.h"

/* A tensor of rank >= 2 as `batch` pictures of `channels` channels of `pixels` pixels. block is 1 for PLAIN. */
typedef struct ferry_planes {
    int64_t batch, channels, pixels;
    int block;
    int64_t blocks;       /* ceil(channels / block): planes a picture */
    int64_t plane_floats; /* pixels * block */
    int tail;             /* real channels of the last block: 1 .. block */
} ferry_planes;

ferry_planes ferry_planes_of(const ferry_tensor *tensor);

/* True when inputs [0, count) that are there, and output 0, are float32 (or of unknown type: the importer is trusted to have
 * typed what can be typed; at build an UNDEFINED output is refused too). Otherwise false, with the reason. */
bool ferry_all_float32(const ferry_call *call, int inputs, ferry_reason *reason);

/* Whether the tensor came in blocked layout and has the rank for it. */
static inline bool ferry_is_blocked(const ferry_tensor *tensor) { return tensor && tensor->layout != FERRY_LAYOUT_PLAIN; }

/* A dimension from the end or the start, `axis` as ONNX has it. -1 when it is outside. */
static inline int ferry_axis_of(int64_t axis, int rank) {
    if (axis < 0) axis += rank;
    return axis >= 0 && axis < rank ? (int)axis : -1;
}

/* Sets the channels behind the real ones to zero, everywhere in a blocked float tensor. */
void ferry_zero_tails(const ferry_tensor *tensor);

/* Calls body(user, plane, first, last, thread) for parts [first, last) of `rows` rows of each of `planes` planes, over the
 * threads, each part about `grain` rows or more. */
typedef void (*ferry_plane_body)(void *user, int64_t plane, int64_t first, int64_t last, int thread);
void ferry_parallel_planes(ferry_pool *pool, int64_t planes, int64_t rows, int64_t grain, ferry_plane_body body, void *user);

/* Rows a part should have so that it moves at least about 16 KiB. */
static inline int64_t ferry_grain(int64_t floats_a_row) {
    return floats_a_row >= 4096 ? 1 : 4096 / (floats_a_row > 0 ? floats_a_row : 1);
}

/* An integer tensor (int32 or int64) of rank 0 or 1: its i-th element. */
int64_t ferry_integer_at(const ferry_tensor *tensor, int64_t index);
/* Element bytes of types whose elements move as whole bytes: 1, 2, 4, 8 or 16; 0 for strings and packed types. */
size_t ferry_movable_bytes(ferry_dtype dtype);

#endif
