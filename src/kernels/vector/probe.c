/* SPDX-License-Identifier: Apache-2.0 */
/* Picks the widest vector probe. */
#include "kernels/vector/probe.h"

#include "kernels/vector/sets.h"

const ferry_vector_probe *ferry_vector_probe_for(uint32_t features) {
    (void)features;
#if defined(FERRY_SETS_X86)
    if (features & FERRY_NEED_AVX512) return &ferry_vector_probe_avx512;
    if (features & FERRY_NEED_AVX2) return &ferry_vector_probe_avx2;
    if (features & FERRY_NEED_SSE41) return &ferry_vector_probe_sse41;
#elif defined(FERRY_SETS_NEON)
    if (features & FERRY_NEED_NEON) return &ferry_vector_probe_neon;
#endif
    return &ferry_vector_probe_portable;
}
