/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix multiplication under every CPU mask against the definition: odd sizes, transposes, wide rows, bias, residual, packed
 * and plain B, several tasks, guarded memory. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "check.h"
#include "kernels/gemm/gemm.h"

typedef struct matrices {
    ferry_check_buffer a, b, bias, residual, expected;
    bool with_bias, with_residual;
} matrices;

static matrices matrices_make(const ferry_gemm_params *p, ferry_check_random *random, ferry_check_data kind) {
    matrices x;
    const size_t a_rows = (size_t)(p->transpose_a ? p->k : p->m), b_rows = (size_t)(p->transpose_b ? p->n : p->k);
    const size_t a = a_rows * (size_t)ferry_gemm_lda(p), b = b_rows * (size_t)ferry_gemm_ldb(p), m = (size_t)p->m;
    x.a = ferry_check_make_floats(a);
    x.b = ferry_check_make_floats(b);
    x.bias = ferry_check_make_floats((size_t)p->n);
    x.residual = ferry_check_make_floats(m * (size_t)ferry_gemm_ldr(p));
    x.expected = ferry_check_make_floats(m * (size_t)ferry_gemm_ldc(p));
    ferry_check_fill(random, kind, x.a.floats, a);
    ferry_check_fill(random, kind == FERRY_CHECK_WIDE ? FERRY_CHECK_UNIFORM : kind, x.b.floats, b);
    ferry_check_fill(random, kind, x.bias.floats, (size_t)p->n);
    ferry_check_fill(random, kind, x.residual.floats, m * (size_t)ferry_gemm_ldr(p));
    x.with_bias = ferry_check_int(random, 0, 1);
    x.with_residual = ferry_check_int(random, 0, 1);
    return x;
}

static void run(const ferry_gemm_kernels *kernels, const ferry_gemm_params *p, const matrices *x, bool constant_b, int threads,
                double tolerance) {
    char text[160];
    snprintf(text, sizeof text, "%s %dx%dx%d%s%s %s%s%s%s", kernels->isa, (int)p->m, (int)p->n, (int)p->k,
             p->transpose_a ? " At" : "", p->transpose_b ? " Bt" : "", ferry_fused_name(p->fused.kind),
             x->with_bias ? " bias" : "", x->with_residual ? " residual" : "", constant_b ? " constant" : "");
    const size_t count = (size_t)p->m * (size_t)ferry_gemm_ldc(p);
    ferry_check_buffer c = ferry_check_make_floats(count), packed = ferry_check_make(ferry_gemm_packed_bytes(kernels, p));
    ferry_gemm_plan plan;
    ferry_gemm_plan_for(kernels, p, constant_b, threads, &plan);
    assert_true(plan.tasks > 0 && (plan.packed_b || !constant_b));
    const int64_t panels = ferry_ceil_div(p->n, kernels->panel);
    if (plan.packed_b)
        for (int64_t i = panels; i-- > 0;) ferry_gemm_pack(kernels, p, x->b.floats, packed.floats, i, i + 1);
    const ferry_gemm_arguments arguments = {x->a.floats, plan.packed_b ? packed.floats : x->b.floats,
                                            x->with_bias ? x->bias.floats : NULL, x->with_residual ? x->residual.floats : NULL,
                                            c.floats};
    for (int64_t i = plan.tasks; i-- > 0;) {
        ferry_check_buffer workspace = ferry_check_make(plan.workspace_bytes);
        kernels->run(kernels, p, &plan, &arguments, i, workspace.data);
        ferry_check_free(&workspace, text);
    }
    ferry_check_close(x->expected.floats, c.floats, count, 3e-6, tolerance, "%s", text);
    ferry_check_free(&c, text);
    ferry_check_free(&packed, text);
}

static void check(const ferry_gemm_params *p, ferry_check_random *random, ferry_check_data kind, int threads) {
    const uint32_t *masks;
    const size_t count = ferry_check_masks(&masks);
    matrices x = matrices_make(p, random, kind);
    const ferry_gemm_arguments arguments = {x.a.floats, x.b.floats, x.with_bias ? x.bias.floats : NULL,
                                            x.with_residual ? x.residual.floats : NULL, x.expected.floats};
    ferry_gemm_reference(p, &arguments, 0, p->m);
    const double largest = kind == FERRY_CHECK_WIDE ? 1e6 : kind == FERRY_CHECK_DENORMAL ? 1e-37 : 4.0;
    const double tolerance = kind == FERRY_CHECK_INTEGERS ? 0.0 : 4e-7 * largest * sqrt((double)p->k + 8.0);
    for (size_t m = 0; m < count; m++)
        for (int constant = 0; constant < 2; constant++)
            run(ferry_gemm_kernels_for(masks[m]), p, &x, constant, threads, tolerance);
    ferry_check_free(&x.a, "a");
    ferry_check_free(&x.b, "b");
    ferry_check_free(&x.bias, "bias");
    ferry_check_free(&x.residual, "residual");
    ferry_check_free(&x.expected, "expected");
}

static void random_sizes(void **state) {
    (void)state;
    ferry_check_random random = {11};
    for (int i = 0; i < 250; i++) {
        ferry_gemm_params p = {
            .m = ferry_check_int(&random, 1, i % 2 ? 40 : 9), .n = ferry_check_int(&random, 1, 150), .alpha = 1.0f};
        p.k = ferry_check_int(&random, i % 10 ? 1 : 0, i % 5 ? 40 : 900);
        p.transpose_a = ferry_check_int(&random, 0, 1);
        p.transpose_b = ferry_check_int(&random, 0, 1);
        if (i % 3 == 0) {
            p.lda = (p.transpose_a ? p.m : p.k) + 3;
            p.ldb = (p.transpose_b ? p.k : p.n) + 5;
            p.ldc = p.n + 7;
            p.ldr = p.n + 2;
            p.alpha = 2.0f;
        }
        p.fused.kind = ferry_check_int(&random, 0, 1) ? FERRY_FUSED_RELU : FERRY_FUSED_NONE;
        check(&p, &random, FERRY_CHECK_INTEGERS, ferry_check_int(&random, 1, 4));
    }
}

static void values(void **state) {
    (void)state;
    ferry_check_random random = {12};
    for (int kind = 0; kind < FERRY_CHECK_KINDS; kind++) {
        for (int fused = 0; fused < FERRY_FUSED_KINDS; fused++) {
            if (kind == FERRY_CHECK_INTEGERS && fused > FERRY_FUSED_RELU) continue;
            ferry_gemm_params p = {
                .m = 19, .n = 37, .k = 65, .alpha = 1.0f, .fused = {(ferry_fused_kind)fused, 0.2f, 0.7f, fused & 1}};
            check(&p, &random, (ferry_check_data)kind, 2);
        }
    }
}

static void large(void **state) {
    (void)state;
    ferry_check_random random = {13};
    const ferry_gemm_params p = {.m = 210, .n = 131, .k = 777, .alpha = 1.0f};
    check(&p, &random, FERRY_CHECK_INTEGERS, 1);
    const ferry_gemm_params q = {.m = 1, .n = 1000, .k = 1280, .alpha = 1.0f, .transpose_b = true};
    check(&q, &random, FERRY_CHECK_INTEGERS, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_sizes), cmocka_unit_test(values), cmocka_unit_test(large)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
