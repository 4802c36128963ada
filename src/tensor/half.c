/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/half.h"

#include <math.h>
#include <string.h>

#include <ferry/tensor.h>

static uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

static float bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

float ferry_half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = (half >> 10) & 31, mantissa = half & 0x3ffu;
    if (exponent == 31) return bits_float(sign | 0x7f800000u | (mantissa << 13));
    if (exponent == 0) { /* zero or subnormal: mantissa * 2^-24 */
        float magnitude = (float)mantissa * 0x1p-24f;
        return bits_float(sign | float_bits(magnitude));
    }
    return bits_float(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

uint16_t ferry_float_to_half(float value) {
    uint32_t bits = float_bits(value), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
    if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* rounds beyond 65504 */
    if (magnitude < 0x38800000u) { /* subnormal half: adding 0.5 leaves mantissa*2^-24 rounded in the low bits */
        uint32_t rounded = float_bits(bits_float(magnitude) + 0.5f) - 0x3f000000u;
        return (uint16_t)(sign | rounded);
    }
    uint32_t odd = (magnitude >> 13) & 1;
    return (uint16_t)(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

float ferry_bfloat16_to_float(uint16_t bits) { return bits_float((uint32_t)bits << 16); }

uint16_t ferry_float_to_bfloat16(float value) {
    uint32_t bits = float_bits(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((bits >> 16) | 0x40u);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

/* A small float: sign, exponent and mantissa bits, and which codes are special. */
typedef struct small_float {
    int exponent_bits, mantissa_bits, bias;
    bool has_infinity;     /* IEEE-like: the top exponent is infinity and NaN */
    bool zero_is_unsigned; /* FNUZ: the code of -0 is the only NaN */
    bool has_nan;          /* FN: all ones is NaN */
} small_float;

static const small_float *small_float_of(int dtype) {
    static const small_float e4m3fn = {4, 3, 7, false, false, true}, e4m3fnuz = {4, 3, 8, false, true, true},
                             e5m2 = {5, 2, 15, true, false, true}, e5m2fnuz = {5, 2, 16, false, true, true},
                             e2m1 = {2, 1, 1, false, false, false};
    switch (dtype) {
    case FERRY_FLOAT8E4M3FN: return &e4m3fn;
    case FERRY_FLOAT8E4M3FNUZ: return &e4m3fnuz;
    case FERRY_FLOAT8E5M2: return &e5m2;
    case FERRY_FLOAT8E5M2FNUZ: return &e5m2fnuz;
    default: return &e2m1;
    }
}

/* The largest code (without sign) that is a finite number. */
static uint32_t largest_finite(const small_float *f) {
    uint32_t all = (1u << (f->exponent_bits + f->mantissa_bits)) - 1;
    if (f->has_infinity) return (((1u << f->exponent_bits) - 1) << f->mantissa_bits) - 1;
    return f->has_nan && !f->zero_is_unsigned ? all - 1 : all;
}

static float magnitude_of(const small_float *f, uint32_t code) {
    uint32_t mantissa = code & ((1u << f->mantissa_bits) - 1), exponent = code >> f->mantissa_bits;
    if (exponent == 0) return ldexpf((float)mantissa, 1 - f->bias - f->mantissa_bits);
    return ldexpf((float)(mantissa + (1u << f->mantissa_bits)), (int)exponent - f->bias - f->mantissa_bits);
}

float ferry_float8_to_float(int dtype, uint8_t bits) {
    if (dtype == FERRY_FLOAT8E8M0) return bits == 255 ? NAN : ldexpf(1.0f, (int)bits - 127);
    const small_float *f = small_float_of(dtype);
    uint32_t sign_bit = 1u << (f->exponent_bits + f->mantissa_bits), code = bits & (sign_bit - 1);
    bool negative = (bits & sign_bit) != 0;
    if (f->zero_is_unsigned && negative && code == 0) return NAN;
    if (code > largest_finite(f)) {
        bool infinite = f->has_infinity && code == largest_finite(f) + 1;
        return infinite ? (negative ? -INFINITY : INFINITY) : NAN;
    }
    float magnitude = magnitude_of(f, code);
    return negative ? -magnitude : magnitude;
}

static uint8_t float_to_e8m0(float value, bool saturate) {
    if (isnan(value)) return 255;
    if (isinf(value)) return saturate ? 254 : 255;
    uint32_t bits = float_bits(value) & 0x7fffffffu, exponent = bits >> 23, mantissa = bits & 0x7fffffu;
    if (exponent == 0) return mantissa > 0x400000u ? 1 : 0;
    /* Round half up on the power of two, as ONNX's default round_mode "up" does for values between powers. */
    if (mantissa > 0) exponent += 1;
    return (uint8_t)(exponent > 254 ? (saturate ? 254 : 255) : exponent);
}

uint8_t ferry_float_to_float8(int dtype, float value, bool saturate) {
    if (dtype == FERRY_FLOAT8E8M0) return float_to_e8m0(value, saturate);
    const small_float *f = small_float_of(dtype);
    uint32_t sign_bit = 1u << (f->exponent_bits + f->mantissa_bits), top = largest_finite(f);
    uint8_t not_a_number = f->zero_is_unsigned ? (uint8_t)sign_bit : (uint8_t)(sign_bit - 1);
    uint32_t sign = signbit(value) ? sign_bit : 0;
    if (isnan(value)) {
        if (!f->has_nan) return (uint8_t)sign_bit;
        return f->zero_is_unsigned ? not_a_number : (uint8_t)(sign | not_a_number);
    }
    float magnitude = fabsf(value), largest = magnitude_of(f, top);
    float half_step = (largest - magnitude_of(f, top - 1)) * 0.5f;
    if (magnitude > largest + half_step || (magnitude == largest + half_step && (top & 1)) || isinf(magnitude)) {
        bool keep = saturate || !f->has_nan;
        if (keep) return (uint8_t)(sign | top);
        if (f->has_infinity) return (uint8_t)(sign | (top + 1));
        return f->zero_is_unsigned ? not_a_number : (uint8_t)(sign | not_a_number);
    }
    int exponent;
    frexpf(magnitude, &exponent); /* magnitude = m * 2^exponent, m in [0.5, 1) */
    int step = exponent - 1 - f->mantissa_bits, smallest = 1 - f->bias - f->mantissa_bits;
    if (step < smallest || magnitude == 0) step = smallest;
    uint32_t scaled = (uint32_t)nearbyintf(ldexpf(magnitude, -step));
    uint32_t code = scaled + (uint32_t)(step - smallest) * (1u << f->mantissa_bits);
    if (code > top) code = top;
    if (f->zero_is_unsigned && code == 0) sign = 0;
    return (uint8_t)(sign | code);
}
