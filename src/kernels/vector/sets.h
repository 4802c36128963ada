/* SPDX-License-Identifier: Apache-2.0 */
/* Which instruction sets are compiled in beside the reference, for the dispatch of a family. A set is usable when all bits
 * of its need are in the feature mask. */
#ifndef FERRY_KERNELS_VECTOR_SETS_H
#define FERRY_KERNELS_VECTOR_SETS_H

#include "base/cpu.h"

#if defined(__x86_64__) || defined(__i386__)
#define FERRY_SETS_X86 1
#elif defined(__aarch64__) || defined(__arm__)
#define FERRY_SETS_NEON 1
#endif

#define FERRY_NEED_SSE41 FERRY_CPU_SSE41
#define FERRY_NEED_AVX2 FERRY_CPU_AVX2
#define FERRY_NEED_AVX512 FERRY_CPU_AVX512
#define FERRY_NEED_NEON FERRY_CPU_NEON

#endif
