/* SPDX-License-Identifier: Apache-2.0 */
/* Unary functions over contiguous floats: activations and elementary mathematics. */
#ifndef FERRY_KERNELS_ACTIVATION_ACTIVATION_H
#define FERRY_KERNELS_ACTIVATION_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

typedef enum ferry_unary {
#define FERRY_UNARY(name, alpha, beta, zero) FERRY_UNARY_##name,
#include "kernels/activation/unary.def"
#undef FERRY_UNARY
    FERRY_UNARY_COUNT
} ferry_unary;

/* out[i] = f(in[i]; alpha, beta) for i in [0, count). out may be in; otherwise they do not overlap. Any alignment. */
typedef void (*ferry_unary_function)(float *out, const float *in, int64_t count, float alpha, float beta);

typedef struct ferry_unary_table {
    ferry_unary_function run[FERRY_UNARY_COUNT];
} ferry_unary_table;

typedef struct ferry_unary_info {
    const char *name;
    float alpha, beta; /* default parameters */
    bool keeps_zero;
} ferry_unary_info;

extern const ferry_unary_info ferry_unary_infos[FERRY_UNARY_COUNT];

/* Fills the table with the best functions for a CPU with these features. Errors against the exact value: the reference rounds a
 * double, so 0.5 ulp; vector sets at most 2 ulp for exp, log, sigmoid, 3 for tanh, erf, softplus, elu, 4 for silu, mish (all
 * one more without FMA), and 4e-7 |x| for the gelus. Results below 2e-36 in magnitude may be off by that much. */
void ferry_unary_init(ferry_unary_table *table, uint32_t features);

#define FERRY_KERNEL_SET(set, need) void ferry_unary_init_##set(ferry_unary_table *table);
#include "kernels/sets.def"

#endif
