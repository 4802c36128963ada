/* SPDX-License-Identifier: Apache-2.0 */
/* The unary functions on vectors; compiled once an instruction set. */
#include "kernels/activation/activation.h"
#include "kernels/activation/functions.h"

#define FERRY_UNARY(name, alpha, beta, zero)                                                                                   \
    static void map_##name(float *out, const float *in, int64_t count, float a, float b) {                                     \
        const vec va = vec_set1(a), vb = vec_set1(b);                                                                          \
        int64_t i = 0;                                                                                                         \
        for (; i + 2 * FERRY_VEC <= count; i += 2 * FERRY_VEC) {                                                               \
            vec first = apply_##name(vec_load(in + i), va, vb);                                                                \
            vec second = apply_##name(vec_load(in + i + FERRY_VEC), va, vb);                                                   \
            vec_store(out + i, first);                                                                                         \
            vec_store(out + i + FERRY_VEC, second);                                                                            \
        }                                                                                                                      \
        for (; i < count; i += FERRY_VEC) {                                                                                    \
            int n = count - i < FERRY_VEC ? (int)(count - i) : FERRY_VEC;                                                      \
            vec_store_partial(out + i, apply_##name(vec_load_partial(in + i, n), va, vb), n);                                  \
        }                                                                                                                      \
    }
#include "kernels/activation/unary.def"
#undef FERRY_UNARY

void FERRY_ISA(ferry_unary_init)(ferry_unary_table *table) {
#define FERRY_UNARY(name, alpha, beta, zero) table->run[FERRY_UNARY_##name] = map_##name;
#include "kernels/activation/unary.def"
#undef FERRY_UNARY
}
