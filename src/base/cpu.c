/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__arm__) || defined(__aarch64__)
#include <sys/auxv.h>
#endif

static const struct {
    const char *name;
    uint32_t bit;
} feature_names[] = {
    {"sse41", FERRY_CPU_SSE41},
    {"avx2", FERRY_CPU_AVX2},
    {"avx512", FERRY_CPU_AVX512},
    {"avx512vnni", FERRY_CPU_AVX512_VNNI},
    {"avx512bf16", FERRY_CPU_AVX512_BF16},
    {"avxvnni", FERRY_CPU_AVX_VNNI},
    {"neon", FERRY_CPU_NEON},
    {"fp16", FERRY_CPU_FP16},
    {"dotprod", FERRY_CPU_DOTPROD},
    {"i8mm", FERRY_CPU_I8MM},
    {"bf16", FERRY_CPU_BF16},
};
enum { FEATURE_COUNT = sizeof feature_names / sizeof *feature_names };

#if defined(__x86_64__) || defined(__i386__)
static uint64_t read_xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

static uint32_t detect(void) {
    uint32_t a, b, c, d, features = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    if (c & (1u << 19)) features |= FERRY_CPU_SSE41;
    bool os_saves = (c & (1u << 27)) != 0;
    bool fma_f16c_avx = (c & (1u << 12)) && (c & (1u << 29)) && (c & (1u << 28));
    if (!os_saves || !fma_f16c_avx) return features;
    uint64_t xcr0 = read_xcr0();
    uint32_t b7, c7, d7, a71 = 0;
    if ((xcr0 & 6) != 6 || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7)) return features;
    uint32_t leaves = a;
    if (!(b7 & (1u << 5))) return features;
    features |= FERRY_CPU_AVX2;
    if (leaves >= 1) __get_cpuid_count(7, 1, &a71, &b, &c, &d);
    if (a71 & (1u << 4)) features |= FERRY_CPU_AVX_VNNI;
    const uint32_t avx512 = (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31); /* F DQ BW VL */
    if ((xcr0 & 0xe6) == 0xe6 && (b7 & avx512) == avx512) {
        features |= FERRY_CPU_AVX512;
        if (c7 & (1u << 11)) features |= FERRY_CPU_AVX512_VNNI;
        if (a71 & (1u << 5)) features |= FERRY_CPU_AVX512_BF16;
    }
    return features;
}
#elif defined(__aarch64__)
static uint32_t detect(void) {
    unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
    uint32_t features = FERRY_CPU_NEON;
    if ((first & (1ul << 9)) && (first & (1ul << 10))) features |= FERRY_CPU_FP16; /* FPHP, ASIMDHP */
    if (first & (1ul << 20)) features |= FERRY_CPU_DOTPROD;
    if (second & (1ul << 13)) features |= FERRY_CPU_I8MM;
    if (second & (1ul << 14)) features |= FERRY_CPU_BF16;
    return features;
}
#elif defined(__arm__)
static uint32_t detect(void) { return (getauxval(AT_HWCAP) & (1ul << 12)) ? FERRY_CPU_NEON : 0; }
#else
static uint32_t detect(void) { return 0; }
#endif

static uint32_t environment_mask(void) {
    const char *text = getenv("FERRY_CPU_MASK");
    if (!text || !*text) return UINT32_MAX;
    uint32_t mask;
    if (ferry_cpu_features_parse(text, &mask)) return mask;
    char *end;
    unsigned long value = strtoul(text, &end, 16);
    return *end ? UINT32_MAX : (uint32_t)value;
}

uint32_t ferry_cpu_features(void) { return detect() & environment_mask(); }

const char *ferry_cpu_features_text(uint32_t features, char *text, size_t capacity) {
    size_t used = 0;
    if (capacity) *text = 0;
    for (int i = 0; i < FEATURE_COUNT; i++) {
        if (!(features & feature_names[i].bit) || used >= capacity) continue;
        int written = snprintf(text + used, capacity - used, "%s%s", used ? " " : "", feature_names[i].name);
        if (written > 0) used += (size_t)written;
    }
    if (!used && capacity) snprintf(text, capacity, "baseline");
    return text;
}

bool ferry_cpu_features_parse(const char *text, uint32_t *features) {
    uint32_t mask = 0;
    while (*text) {
        size_t length = strcspn(text, " ,+");
        bool known = length == 0 || (length == 8 && strncmp(text, "baseline", 8) == 0);
        for (int i = 0; i < FEATURE_COUNT && !known; i++)
            if (strlen(feature_names[i].name) == length && strncmp(text, feature_names[i].name, length) == 0) {
                mask |= feature_names[i].bit;
                known = true;
            }
        if (!known) return false;
        text += length;
        if (*text) text++;
    }
    *features = mask;
    return true;
}

int ferry_cpu_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        int count = CPU_COUNT(&set);
        if (count > 0) return count;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

const char *ferry_cpu_name(char *text, size_t capacity) {
    snprintf(text, capacity, "unknown CPU");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) return text;
    char line[256];
    while (fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", 10) != 0) continue;
        snprintf(text, capacity, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    fclose(file);
    return text;
}

size_t ferry_cpu_cache_bytes(int level) {
    static const size_t usual[4] = {0, 32 * 1024, 512 * 1024, 4 * 1024 * 1024};
    if (level < 1 || level > 3) return 0;
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    static const int names[4] = {0, _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
    long bytes = sysconf(names[level]);
    if (bytes > 0) return (size_t)bytes;
#endif
    return usual[level];
}
