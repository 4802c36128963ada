/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel tests' harness; see check.h. */
#define _DEFAULT_SOURCE
#include "check.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/memory.h"

enum { CANARY = 0xA5, FRESH = 0xCD, FRONT = 4096 };

ferry_check_buffer ferry_check_make(size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t middle = ferry_align_up(ferry_align_up(size, 64) + FRONT, page);
    ferry_check_buffer buffer = {.size = size, .map_size = middle + 2 * page};
    buffer.map = mmap(NULL, buffer.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer.map == MAP_FAILED) fail_msg("out of memory: %zu bytes for a guarded buffer", size);
    unsigned char *first = buffer.map, *end = first + page + middle;
    memset(first + page, CANARY, middle);
    buffer.bytes = end - ferry_align_up(size, 64);
    memset(buffer.bytes, FRESH, size);
    if (mprotect(first, page, PROT_NONE) != 0 || mprotect(end, page, PROT_NONE) != 0) fail_msg("mprotect failed");
    return buffer;
}

ferry_check_buffer ferry_check_make_floats(size_t count) { return ferry_check_make(count * sizeof(float)); }

void ferry_check_canaries(const ferry_check_buffer *buffer, const char *what) {
    for (int i = 1; i <= FRONT; i++)
        if (buffer->bytes[-i] != CANARY) fail_msg("%s: wrote %d bytes before its start", what, i);
    size_t padded = ferry_align_up(buffer->size, 64);
    for (size_t i = buffer->size; i < padded; i++)
        if (buffer->bytes[i] != CANARY) fail_msg("%s: wrote %zu bytes behind its end", what, i - buffer->size);
}

void ferry_check_free(ferry_check_buffer *buffer, const char *what) {
    ferry_check_canaries(buffer, what);
    munmap(buffer->map, buffer->map_size);
    memset(buffer, 0, sizeof *buffer);
}

uint64_t ferry_check_bits(ferry_check_random *random) {
    uint64_t z = random->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int ferry_check_int(ferry_check_random *random, int low, int high) {
    return low + (int)(ferry_check_bits(random) % (uint64_t)(high - low + 1));
}

float ferry_check_float(ferry_check_random *random, float low, float high) {
    return low + (high - low) * (float)((double)(ferry_check_bits(random) >> 11) * 0x1p-53);
}

static float wide(ferry_check_random *random) {
    uint64_t bits = ferry_check_bits(random);
    float magnitude = (bits & 15) == 0 ? 0.0f : powf(10.0f, ferry_check_float(random, -6.0f, 6.0f));
    return bits & 16 ? -magnitude : magnitude;
}

static float denormal(ferry_check_random *random) {
    uint32_t bits = (uint32_t)ferry_check_bits(random) & 0x80FFFFFFu;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void ferry_check_fill(ferry_check_random *random, ferry_check_data kind, float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        switch (kind) {
        case FERRY_CHECK_WIDE: values[i] = wide(random); break;
        case FERRY_CHECK_DENORMAL: values[i] = denormal(random); break;
        case FERRY_CHECK_INTEGERS: values[i] = (float)ferry_check_int(random, -4, 4); break;
        default: values[i] = ferry_check_float(random, -1.0f, 1.0f); break;
        }
    }
}

static bool close_enough(double expected, double actual, double relative, double absolute) {
    if (isnan(expected) || isnan(actual)) return isnan(expected) && isnan(actual);
    if (expected == actual) return true;
    return fabs(expected - actual) <= absolute + relative * fabs(expected) && isfinite(expected);
}

void ferry_check_close(const float *expected, const float *actual, size_t count, double relative, double absolute,
                       const char *what, ...) {
    for (size_t i = 0; i < count; i++) {
        if (close_enough(expected[i], actual[i], relative, absolute)) continue;
        char text[512];
        va_list list;
        va_start(list, what);
        vsnprintf(text, sizeof text, what, list);
        va_end(list);
        fail_msg("%s: element %zu of %zu: expected %.9g, got %.9g", text, i, count, (double)expected[i], (double)actual[i]);
    }
}

double ferry_check_ulp(double truth, float actual) {
    if (isnan(truth) || isnan(actual)) return isnan(truth) && isnan(actual) ? 0.0 : 1e9;
    float nearest = (float)truth;
    if (nearest == actual)
        return fabs(truth) > 3.4028234e38 ? 0.0 : fabs((double)actual - truth) / ldexp(1.0, -149) < 0.5 ? 0.0 : 0.5;
    if (isinf(nearest) || isinf(actual)) return 1e9;
    int exponent;
    frexp(truth, &exponent);
    double unit = ldexp(1.0, exponent - 24 > -149 ? exponent - 24 : -149);
    return fabs((double)actual - truth) / unit;
}

size_t ferry_check_masks(const uint32_t **masks) {
    static const uint32_t ladder[] = {
#if defined(FERRY_CHECK_EMULATED_AVX512)
        FERRY_CPU_SSE41 | FERRY_CPU_AVX2 | FERRY_CPU_AVX512,
#elif defined(__x86_64__) || defined(__i386__)
        0,
        FERRY_CPU_SSE41,
        FERRY_CPU_SSE41 | FERRY_CPU_AVX2,
        FERRY_CPU_SSE41 | FERRY_CPU_AVX2 | FERRY_CPU_AVX512,
#else
        0,
        FERRY_CPU_NEON,
#endif
    };
    *masks = ladder;
    uint32_t present = ferry_cpu_features();
#if defined(FERRY_CHECK_EMULATED_AVX512)
    present |= FERRY_CPU_AVX512;
#endif
    size_t count = 0;
    while (count < sizeof ladder / sizeof *ladder && (ladder[count] & ~present) == 0) count++;
    return count;
}

int ferry_check_mask_block(uint32_t mask) { return mask & FERRY_CPU_AVX512 ? 16 : mask & FERRY_CPU_AVX2 ? 8 : 4; }
