/* SPDX-License-Identifier: Apache-2.0 */
/* The loops, left to the compiler's vectoriser: included once by the reference and once by each set. Needs
 * convert_float16_float32 and convert_float32_float16 before. */
typedef float element_float32;
typedef double element_float64;
typedef uint16_t element_float16;
typedef int8_t element_int8;
typedef uint8_t element_uint8;
typedef int32_t element_int32;
typedef int64_t element_int64;
typedef uint8_t element_boolean;

static inline int64_t truncated(float value) {
    if (value != value) return 0;
    if (value >= 0x1p63f) return INT64_MAX;
    return value <= -0x1p63f ? INT64_MIN : (int64_t)value;
}

#define CONVERT(from, to, expression)                                                                                          \
    static void convert_##from##_##to(void *out, const void *in, int64_t count) {                                              \
        const element_##from *x = in;                                                                                          \
        element_##to *y = out;                                                                                                 \
        for (int64_t i = 0; i < count; i++) y[i] = (element_##to)(expression);                                                 \
    }

CONVERT(int8, float32, x[i])
CONVERT(uint8, float32, x[i])
CONVERT(int32, float32, x[i])
CONVERT(int64, float32, x[i])
CONVERT(boolean, float32, x[i])
CONVERT(float64, float32, x[i])
CONVERT(float32, float64, x[i])
CONVERT(float32, int8, truncated(x[i]))
CONVERT(float32, uint8, truncated(x[i]))
CONVERT(float32, int32, truncated(x[i]))
CONVERT(float32, int64, truncated(x[i]))
CONVERT(float32, boolean, x[i] != 0.0f)
CONVERT(int64, int32, x[i])
CONVERT(int32, int64, x[i])
CONVERT(boolean, int64, x[i])
CONVERT(boolean, int32, x[i])
CONVERT(uint8, int32, x[i])
CONVERT(int8, int32, x[i])
#undef CONVERT

static void fill_table(ferry_convert_table *table) {
#define FERRY_CONVERT(from, to) table->run[FERRY_CONVERT_##from][FERRY_CONVERT_##to] = convert_##from##_##to;
#include "kernels/convert/convert.def"
#undef FERRY_CONVERT
}
