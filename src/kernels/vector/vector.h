/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of the instruction set that this file is compiled for, so that a kernel's body is written once. A set's source file
 * (ref.c, x86_sse41.c, x86_avx2.c, x86_avx512.c, arm_neon.c) includes this header, then the family's *_body.h.
 *
 * Types: vec (FERRY_VEC floats), vec_int (as many int32), vec_mask (one truth value a lane).
 *   vec_zero() vec_set1(x) vec_load(p) vec_store(p, v)           any alignment of 4 bytes; aligned is faster
 *   vec_load_partial(p, n) vec_store_partial(p, v, n)            0 <= n <= FERRY_VEC; reads/writes n floats, the rest is 0
 *   vec_add vec_sub vec_mul vec_div vec_sqrt vec_neg vec_abs
 *   vec_fmadd(a, b, c) = a*b + c, vec_fnmadd(a, b, c) = c - a*b  fused where the set has it
 *   vec_accumulate(&sum, a, b): sum += a*b, for inner loops    kept in its register by an asm statement on x86
 *   vec_min(a, b) = a < b ? a : b, vec_max(a, b) = a > b ? a : b on x86: the second operand is returned when one is NaN
 *     (ARM returns NaN instead): where NaN matters put the value that may be NaN second
 *   vec_round(v) to nearest, ties to even; vec_floor vec_ceil vec_trunc
 *   vec_less(a, b) vec_less_equal vec_equal -> vec_mask (false for NaN); vec_mask_and vec_mask_or vec_mask_not
 *   vec_select(mask, a, b) = mask ? a : b, a lane at a time
 *   vec_to_int(v) to nearest even, vec_truncate(v) towards 0 (in int32's range only); vec_from_int(i); vec_bits(v)/vec_float(i)
 * reinterpret vec_int_set1 vec_int_load vec_int_store vec_int_add vec_int_sub vec_int_and vec_int_or vec_int_shift_left(i, n)
 *   vec_int_shift_right(i, n) (zeros come in), vec_int_shift_right_signed(i, n); n is a constant
 *   vec_sum(v) vec_highest(v) vec_lowest(v): across the lanes
 * FERRY_VEC: lanes, the channel block of the set's tensors. FERRY_FMA: 1 when vec_fmadd is fused.
 * FERRY_ISA(name): the name with the set's suffix, such as name_avx2. FERRY_ISA_TEXT: "avx2". */
#ifndef FERRY_KERNELS_VECTOR_VECTOR_H
#define FERRY_KERNELS_VECTOR_VECTOR_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FERRY_INLINE static inline __attribute__((always_inline, unused))
/* Floats of a cache line. */
#define FERRY_LINE 16
/* Loops over registers must vanish before register allocation. */
#define FERRY_UNROLL _Pragma("GCC unroll 32")

#if defined(FERRY_KERNEL_SET_AVX512)
#include "kernels/vector/avx512.h"
#elif defined(FERRY_KERNEL_SET_AVX2)
#include "kernels/vector/avx2.h"
#elif defined(FERRY_KERNEL_SET_SSE41)
#include "kernels/vector/sse41.h"
#elif defined(FERRY_KERNEL_SET_NEON)
#include "kernels/vector/neon.h"
#else
#include "kernels/vector/portable.h"
#endif

#endif
