/* SPDX-License-Identifier: Apache-2.0 */
/* Narrow floating-point formats, in portable C: the definition that vector code is tested against. All conversions from
 * float round to nearest, ties to even. Sources: IEEE 754-2008 (binary16), ONNX's float8 page (FN/FNUZ variants, E8M0),
 * OCP MX (E2M1). */
#ifndef FERRY_TENSOR_HALF_H
#define FERRY_TENSOR_HALF_H

#include <stdbool.h>
#include <stdint.h>

float ferry_half_to_float(uint16_t half);
uint16_t ferry_float_to_half(float value); /* overflow gives infinity; NaN stays NaN */
float ferry_bfloat16_to_float(uint16_t bits);
uint16_t ferry_float_to_bfloat16(float value);

/* dtype is one of the FERRY_FLOAT8* or FERRY_FLOAT4E2M1 values. saturate: values beyond the largest finite become it,
 * otherwise NaN or infinity as ONNX's Cast defines. */
float ferry_float8_to_float(int dtype, uint8_t bits);
uint8_t ferry_float_to_float8(int dtype, float value, bool saturate);

#endif
