/* SPDX-License-Identifier: Apache-2.0 */
/* What every kernel test needs: guarded memory, repeatable data, comparisons that say where, and the list of CPU masks. */
#ifndef FERRY_TESTS_KERNELS_CHECK_H
#define FERRY_TESTS_KERNELS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory between two unreadable pages. `data` is aligned to 64; what remains between its end and the page behind it (at most
 * 63 bytes), and 4096 bytes before it, hold canaries. Freshly made it is filled with bytes 0xCD (an absurd float). */
typedef struct ferry_check_buffer {
    union {
        void *data;
        float *floats;
        int32_t *ints;
        int8_t *int8s;
        uint8_t *bytes;
    };
    size_t size; /* bytes of data */
    void *map;
    size_t map_size;
} ferry_check_buffer;

/* size may be 0. Fails the test when out of memory. */
ferry_check_buffer ferry_check_make(size_t size);
ferry_check_buffer ferry_check_make_floats(size_t count);
/* Fails the test when a canary was overwritten; `what` names the buffer in the message. */
void ferry_check_canaries(const ferry_check_buffer *buffer, const char *what);
/* Checks the canaries, releases, zeroes. */
void ferry_check_free(ferry_check_buffer *buffer, const char *what);

/* A repeatable generator (splitmix64); any seed does. */
typedef struct ferry_check_random {
    uint64_t state;
} ferry_check_random;
uint64_t ferry_check_bits(ferry_check_random *random);
int ferry_check_int(ferry_check_random *random, int low, int high); /* inclusive at both ends */
float ferry_check_float(ferry_check_random *random, float low, float high);

typedef enum ferry_check_data {
    FERRY_CHECK_UNIFORM = 0,  /* -1 .. 1 */
    FERRY_CHECK_WIDE = 1,     /* magnitudes 1e-6 .. 1e6, both signs, some zeros of both signs; no infinity or NaN */
    FERRY_CHECK_DENORMAL = 2, /* denormals and the smallest normals */
    FERRY_CHECK_INTEGERS = 3, /* whole numbers -4 .. 4: sums of products are exact in any order */
    FERRY_CHECK_KINDS = 4
} ferry_check_data;
void ferry_check_fill(ferry_check_random *random, ferry_check_data kind, float *values, size_t count);

/* Fails the test at the first element with |actual - expected| > absolute + relative * |expected|. NaN equals NaN, an
 * infinity equals itself. `what` (printf style) names the case. */
void ferry_check_close(const float *expected, const float *actual, size_t count, double relative, double absolute,
                       const char *what, ...) __attribute__((format(printf, 6, 7)));
/* Distance in units of the last place, from the double-precision truth; for NaN: 0 if both are, else 1e9. */
double ferry_check_ulp(double truth, float actual);

/* The CPU masks to test, weakest first: 0, SSE4.1, + AVX2, + AVX-512 ..., as far as this machine has them. In a program
 * built with the emulated AVX-512 set only that set's mask. Returns the count; *masks stays valid. */
size_t ferry_check_masks(const uint32_t **masks);
/* Widest vector of a mask in floats: 4, 8 or 16. */
int ferry_check_mask_block(uint32_t mask);

#endif
