/* SPDX-License-Identifier: Apache-2.0 */
/* Body of probe.h, once an instruction set. */
#include "kernels/vector/math.h"
#include "kernels/vector/probe.h"

#define MAP(name)                                                                                                              \
    static void map_##name(const float *x, float *y, int64_t count) {                                                          \
        int64_t i = 0;                                                                                                         \
        for (; i + FERRY_VEC <= count; i += FERRY_VEC) vec_store(y + i, vec_##name(vec_load(x + i)));                          \
        int rest = (int)(count - i);                                                                                           \
        if (rest > 0) vec_store_partial(y + i, vec_##name(vec_load_partial(x + i, rest)), rest);                               \
    }
MAP(exp)
MAP(sigmoid)
MAP(silu)
MAP(tanh)
MAP(erf)
MAP(gelu)
MAP(mish)

static void lanes_test(const float *x, float across[3], float *rounded, float *floored, float *converted) {
    vec v = vec_load(x);
    across[0] = vec_sum(v);
    across[1] = vec_highest(v);
    across[2] = vec_lowest(v);
    vec_store(rounded, vec_round(v));
    vec_store(floored, vec_floor(v));
    vec_store(converted, vec_from_int(vec_to_int(v)));
}

static double peak(int64_t rounds, float *sink) {
    vec a[12], scale = vec_set1(0.999f), step = vec_set1(*sink);
    FERRY_UNROLL for (int i = 0; i < 12; i++) a[i] = vec_set1((float)i);
    for (int64_t round = 0; round < rounds; round++) {
        FERRY_UNROLL for (int i = 0; i < 12; i++) a[i] = vec_fmadd(a[i], scale, step);
    }
    vec total = vec_zero();
    FERRY_UNROLL for (int i = 0; i < 12; i++) total = vec_add(total, a[i]);
    *sink = vec_sum(total);
    return (double)rounds * 12 * FERRY_VEC * 2;
}

const ferry_vector_probe FERRY_ISA(ferry_vector_probe) = {
    FERRY_ISA_TEXT, FERRY_VEC, map_exp, map_sigmoid, map_silu, map_tanh, map_erf, map_gelu, map_mish, lanes_test, peak,
};
