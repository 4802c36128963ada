/* SPDX-License-Identifier: Apache-2.0 */
/* What the processor can do. Dispatch everywhere goes by a mask of these bits, so that a test can hide any of them. */
#ifndef FERRY_BASE_CPU_H
#define FERRY_BASE_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits are part of the engine file format: never renumber. */
enum {
    FERRY_CPU_SSE41 = 1u << 0,
    FERRY_CPU_AVX2 = 1u << 1,   /* AVX2, FMA and F16C together, usable by the operating system */
    FERRY_CPU_AVX512 = 1u << 2, /* AVX-512 F, BW, DQ, VL */
    FERRY_CPU_AVX512_VNNI = 1u << 3,
    FERRY_CPU_AVX512_BF16 = 1u << 4,
    FERRY_CPU_AVX_VNNI = 1u << 5,
    FERRY_CPU_NEON = 1u << 16,
    FERRY_CPU_FP16 = 1u << 17,    /* ARMv8.2 half-precision arithmetic */
    FERRY_CPU_DOTPROD = 1u << 18, /* ARMv8.2 SDOT/UDOT */
    FERRY_CPU_I8MM = 1u << 19,
    FERRY_CPU_BF16 = 1u << 20
};

/* The features of this machine, less those named in the environment variable FERRY_CPU_MASK (a hexadecimal mask of bits
 * that may be used, or a list such as "sse41,avx2"). Constant within a process. */
uint32_t ferry_cpu_features(void);

/* Writes "sse41 avx2 avx512" for a mask; returns text. An empty mask gives "baseline". */
const char *ferry_cpu_features_text(uint32_t features, char *text, size_t capacity);
/* Reads such a list, separated by spaces, commas or '+'. False at an unknown name. */
bool ferry_cpu_features_parse(const char *text, uint32_t *features);

/* Processors that this process may run on (affinity), at least 1. */
int ferry_cpu_count(void);
/* Model name for reports, such as "AMD EPYC 9654"; the same pointer each time, never NULL. */
const char *ferry_cpu_name(char *text, size_t capacity);
/* Data-cache bytes of level 1, 2, 3 (of one core for 1 and 2); a sane default where unknown. */
size_t ferry_cpu_cache_bytes(int level);

#endif
