/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering slices along one axis. */
#include <string.h>

#include "kernels/movement/elements.h"
#include "kernels/movement/movement.h"

static int64_t index_at(const ferry_gather *g, int64_t i) {
    return g->wide ? ((const int64_t *)g->indices)[i] : ((const int32_t *)g->indices)[i];
}

int64_t ferry_gather_check(const ferry_gather *gather) {
    for (int64_t i = 0; i < gather->count; i++) {
        int64_t index = index_at(gather, i);
        if (index < -gather->axis || index >= gather->axis) return i;
    }
    return -1;
}

#define GATHER_SMALL(type)                                                                                                     \
    for (int64_t i = first; i < last; i++) {                                                                                   \
        int64_t index = index_at(gather, i % gather->count);                                                                   \
        ((type *)out)[i] = ((const type *)in)[i / gather->count * gather->axis + (index < 0 ? index + gather->axis : index)];  \
    }

void ferry_gather_run(const ferry_gather *gather, void *out, const void *in, int64_t first, int64_t last) {
    size_t bytes = gather->inner_bytes;
    if (bytes == 4) {
        GATHER_SMALL(bytes4)
    } else if (bytes == 8) {
        GATHER_SMALL(bytes8)
    } else {
        for (int64_t i = first; i < last; i++) {
            int64_t index = index_at(gather, i % gather->count);
            int64_t from = i / gather->count * gather->axis + (index < 0 ? index + gather->axis : index);
            memcpy((unsigned char *)out + (size_t)i * bytes, (const unsigned char *)in + (size_t)from * bytes, bytes);
        }
    }
}
