/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch and the definition of matrix multiplication. */
#include "kernels/gemm/gemm.h"

#include "kernels/vector/sets.h"

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
