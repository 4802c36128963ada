/* SPDX-License-Identifier: Apache-2.0 */
/* The binary functions on vectors; compiled once an instruction set. pow stays with the reference. */
#include "kernels/elementwise/elementwise.h"
#include "kernels/vector/vector.h"

FERRY_INLINE vec apply_add(vec a, vec b) { return vec_add(a, b); }
FERRY_INLINE vec apply_sub(vec a, vec b) { return vec_sub(a, b); }
FERRY_INLINE vec apply_mul(vec a, vec b) { return vec_mul(a, b); }
FERRY_INLINE vec apply_div(vec a, vec b) { return vec_div(a, b); }
/* vec_max and vec_min return b when a is NaN. */
FERRY_INLINE vec apply_max(vec a, vec b) { return vec_select(vec_equal(a, a), vec_max(a, b), a); }
FERRY_INLINE vec apply_min(vec a, vec b) { return vec_select(vec_equal(a, a), vec_min(a, b), a); }
FERRY_INLINE vec apply_prelu(vec a, vec b) { return vec_select(vec_less(a, vec_zero()), vec_mul(a, b), a); }

#define WALK(name, form, load_a, load_b, partial_a, partial_b)                                                                 \
    static void name##_##form(float *out, const float *a, const float *b, int64_t count) {                                     \
        __attribute__((unused)) const vec scalar_a = vec_set1(a[0]), scalar_b = vec_set1(b[0]);                                \
        int64_t i = 0;                                                                                                         \
        for (; i + 2 * FERRY_VEC <= count; i += 2 * FERRY_VEC) {                                                               \
            vec first = apply_##name(load_a(0), load_b(0));                                                                    \
            vec second = apply_##name(load_a(FERRY_VEC), load_b(FERRY_VEC));                                                   \
            vec_store(out + i, first);                                                                                         \
            vec_store(out + i + FERRY_VEC, second);                                                                            \
        }                                                                                                                      \
        for (; i < count; i += FERRY_VEC) {                                                                                    \
            int n = count - i < FERRY_VEC ? (int)(count - i) : FERRY_VEC;                                                      \
            vec_store_partial(out + i, apply_##name(partial_a, partial_b), n);                                                 \
        }                                                                                                                      \
    }
#define LOAD_A(offset) vec_load(a + i + (offset))
#define LOAD_B(offset) vec_load(b + i + (offset))
#define SCALAR_A(offset) scalar_a
#define SCALAR_B(offset) scalar_b
#define WALKS(name)                                                                                                            \
    WALK(name, vector_vector, LOAD_A, LOAD_B, vec_load_partial(a + i, n), vec_load_partial(b + i, n))                          \
    WALK(name, vector_scalar, LOAD_A, SCALAR_B, vec_load_partial(a + i, n), scalar_b)                                          \
    WALK(name, scalar_vector, SCALAR_A, LOAD_B, scalar_a, vec_load_partial(b + i, n))

WALKS(add)
WALKS(sub)
WALKS(mul)
WALKS(div)
WALKS(max)
WALKS(min)
WALKS(prelu)

void FERRY_ISA(ferry_binary_init)(ferry_binary_table *table) {
#define FILL(name)                                                                                                             \
    table->run[FERRY_BINARY_##name][FERRY_VECTOR_VECTOR] = name##_vector_vector;                                               \
    table->run[FERRY_BINARY_##name][FERRY_VECTOR_SCALAR] = name##_vector_scalar;                                               \
    table->run[FERRY_BINARY_##name][FERRY_SCALAR_VECTOR] = name##_scalar_vector;
    FILL(add) FILL(sub) FILL(mul) FILL(div) FILL(max) FILL(min) FILL(prelu)
#undef FILL
}
