/* SPDX-License-Identifier: Apache-2.0 */
/* The binary functions in plain C, and their dispatch. */
#include <math.h>

#include "kernels/elementwise/elementwise.h"

static float add(float a, float b) { return a + b; }
static float sub(float a, float b) { return a - b; }
static float mul(float a, float b) { return a * b; }
static float divide(float a, float b) { return a / b; }
static float maximum(float a, float b) { return a > b || isnan(a) ? a : b; }
static float minimum(float a, float b) { return a < b || isnan(a) ? a : b; }
static float prelu(float a, float b) { return a < 0.0f ? a * b : a; }

#define LOOPS(name, function)                                                                                                  \
    static void name##_vector_vector(float *out, const float *a, const float *b, int64_t count) {                              \
        for (int64_t i = 0; i < count; i++) out[i] = function(a[i], b[i]);                                                     \
    }                                                                                                                          \
    static void name##_vector_scalar(float *out, const float *a, const float *b, int64_t count) {                              \
        const float scalar = b[0];                                                                                             \
        for (int64_t i = 0; i < count; i++) out[i] = function(a[i], scalar);                                                   \
    }                                                                                                                          \
    static void name##_scalar_vector(float *out, const float *a, const float *b, int64_t count) {                              \
        const float scalar = a[0];                                                                                             \
        for (int64_t i = 0; i < count; i++) out[i] = function(scalar, b[i]);                                                   \
    }

LOOPS(add, add)
LOOPS(sub, sub)
LOOPS(mul, mul)
LOOPS(div, divide)
LOOPS(max, maximum)
LOOPS(min, minimum)
LOOPS(prelu, prelu)
LOOPS(pow, powf)

bool ferry_binary_keeps_zero(ferry_binary function) {
    static const bool keeps[FERRY_BINARY_COUNT] = {
#define FERRY_BINARY(name, zero) zero,
#include "kernels/elementwise/binary.def"
#undef FERRY_BINARY
    };
    return keeps[function];
}

void ferry_binary_init(ferry_binary_table *table, uint32_t features) {
    (void)features;
#define FERRY_BINARY(name, zero)                                                                                               \
    table->run[FERRY_BINARY_##name][FERRY_VECTOR_VECTOR] = name##_vector_vector;                                               \
    table->run[FERRY_BINARY_##name][FERRY_VECTOR_SCALAR] = name##_vector_scalar;                                               \
    table->run[FERRY_BINARY_##name][FERRY_SCALAR_VECTOR] = name##_scalar_vector;
#include "kernels/elementwise/binary.def"
#undef FERRY_BINARY
#define FERRY_KERNEL_SET(set, need)                                                                                            \
    if ((features & (need)) == (need)) ferry_binary_init_##set(table);
#include "kernels/sets.def"
}
