/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch and the definition of matrix multiplication. */
#include "kernels/gemm/gemm.h"

#include "base/memory.h"
#include "kernels/vector/sets.h"

/* BAND_ROWS: rows whose chunk of A stays in the second-level cache. PLAIN_ROWS: as many rows and fewer do not pay for packing
 * B. */
enum { BAND_ROWS = 96, PLAIN_ROWS = 12, MIN_ROWS = 12 };

const ferry_gemm_kernels *ferry_gemm_kernels_for(uint32_t features) {
    (void)features;
#if defined(FERRY_SETS_X86)
    if (features & FERRY_NEED_AVX512) return &ferry_gemm_kernels_avx512;
    if (features & FERRY_NEED_AVX2) return &ferry_gemm_kernels_avx2;
    if (features & FERRY_NEED_SSE41) return &ferry_gemm_kernels_sse41;
#elif defined(FERRY_SETS_NEON)
    if (features & FERRY_NEED_NEON) return &ferry_gemm_kernels_neon;
#endif
    return &ferry_gemm_kernels_portable;
}

void ferry_gemm_reference(const ferry_gemm_params *p, const ferry_gemm_arguments *arguments, int64_t first, int64_t last) {
    const int64_t lda = ferry_gemm_lda(p), ldb = ferry_gemm_ldb(p);
    for (int64_t i = first; i < last; i++) {
        for (int64_t j = 0; j < p->n; j++) {
            double sum = 0.0;
            for (int64_t k = 0; k < p->k; k++)
                sum += (double)arguments->a[p->transpose_a ? k * lda + i : i * lda + k] *
                       (double)arguments->b[p->transpose_b ? j * ldb + k : k * ldb + j];
            sum = sum * (double)p->alpha + (arguments->bias ? (double)arguments->bias[j] : 0.0);
            const double added = arguments->residual ? (double)arguments->residual[i * ferry_gemm_ldr(p) + j] : 0.0;
            arguments->c[i * ferry_gemm_ldc(p) + j] = p->fused.residual_after
                                                          ? (float)((double)ferry_fused_apply(&p->fused, sum) + added)
                                                          : ferry_fused_apply(&p->fused, sum + added);
        }
    }
}

/* Floats of a row of a panel: whole vectors. */
int64_t ferry_gemm_panel_width(const ferry_gemm_kernels *kernels, const ferry_gemm_params *p, int64_t panel) {
    return ferry_min_int64(kernels->panel,
                           (int64_t)ferry_align_up((size_t)(p->n - panel * kernels->panel), (size_t)kernels->vector));
}

size_t ferry_gemm_packed_bytes(const ferry_gemm_kernels *kernels, const ferry_gemm_params *p) {
    return ferry_align_up((size_t)p->n, (size_t)kernels->vector) * (size_t)p->k * sizeof(float);
}

void ferry_gemm_pack_panel(const ferry_gemm_kernels *kernels, const ferry_gemm_params *p, const float *b, int64_t panel,
                           float *packed) {
    const int64_t ldb = ferry_gemm_ldb(p), column = panel * kernels->panel, wide = ferry_gemm_panel_width(kernels, p, panel);
    const int64_t valid = ferry_min_int64(wide, p->n - column);
    for (int64_t k = 0; k < p->k; k++, packed += wide) {
        for (int64_t j = 0; j < valid; j++)
            packed[j] = p->alpha * b[p->transpose_b ? (column + j) * ldb + k : k * ldb + column + j];
        for (int64_t j = valid; j < wide; j++) packed[j] = 0.0f;
    }
}

void ferry_gemm_pack(const ferry_gemm_kernels *kernels, const ferry_gemm_params *p, const float *b, float *packed,
                     int64_t first, int64_t last) {
    for (int64_t panel = first; panel < last; panel++)
        ferry_gemm_pack_panel(kernels, p, b, panel, packed + panel * kernels->panel * p->k);
}

void ferry_gemm_plan_for(const ferry_gemm_kernels *kernels, const ferry_gemm_params *p, bool constant_b, int threads,
                         ferry_gemm_plan *plan) {
    const int64_t wanted = threads > 1 ? (int64_t)threads * 3 : 1, panels = ferry_ceil_div(p->n, kernels->panel);
    *plan = (ferry_gemm_plan){.packed_b = constant_b || p->m > PLAIN_ROWS || p->transpose_b || p->alpha != 1.0f};
    int64_t bands = ferry_ceil_div(p->m, BAND_ROWS);
    if (bands < wanted) bands = ferry_max_int64(bands, ferry_min_int64(wanted, p->m / MIN_ROWS));
    plan->band_rows = ferry_ceil_div(p->m, bands);
    plan->bands = ferry_ceil_div(p->m, plan->band_rows);
    const int64_t splits = ferry_min_int64(panels, ferry_ceil_div(wanted, plan->bands));
    plan->split_panels = ferry_ceil_div(panels, splits);
    plan->splits = ferry_ceil_div(panels, plan->split_panels);
    plan->tasks = plan->bands * plan->splits;
    const int64_t depth = ferry_min_int64(p->k, kernels->depth);
    int64_t floats = p->transpose_a ? plan->band_rows * depth : 0;
    if (!plan->packed_b) floats += p->k * kernels->panel;
    plan->workspace_bytes = ferry_align_up((size_t)floats * sizeof(float), 64);
}
