/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix multiplication in float32: C[M,N] = fused(alpha * op(A) * op(B) + bias [+ residual]), row-major. Kernels are pure: one
 * thread, no allocation; a caller runs the tasks of a plan on as many threads as it likes, in any order. */
#ifndef FERRY_KERNELS_GEMM_GEMM_H
#define FERRY_KERNELS_GEMM_GEMM_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/gemm/fused.h"

typedef struct ferry_gemm_params {
    int64_t m, n, k;               /* at least 1; k may be 0: the product is then 0 */
    bool transpose_a, transpose_b; /* A is stored [k][m], B is stored [n][k] */
    int64_t lda, ldb, ldc, ldr;    /* floats from a stored row of A, B, C, residual to the next; 0 means packed */
    float alpha;                   /* goes into packed B */
    ferry_fused fused;
} ferry_gemm_params;

typedef struct ferry_gemm_arguments {
    const float *a;
    const float *b;        /* packed by `pack`, or plain where plan.packed_b is false */
    const float *bias;     /* n values, or NULL */
    const float *residual; /* [m,n], or NULL; may not overlap c */
    float *c;
} ferry_gemm_arguments;

typedef struct ferry_gemm_plan {
    int64_t tasks;
    size_t workspace_bytes; /* for each thread; aligned to 64 */
    bool packed_b;
    int64_t bands, band_rows, splits, split_panels;
} ferry_gemm_plan;

typedef struct ferry_gemm_kernels ferry_gemm_kernels;
struct ferry_gemm_kernels {
    const char *isa;
    uint32_t features; /* bits of base/cpu.h that run needs */
    int panel;         /* columns of B that are packed together */
    int vector;        /* floats of a vector: the last panel is as many vectors wide as it needs */
    int depth;         /* steps of k whose panel the first-level cache holds */
    void (*run)(const ferry_gemm_kernels *kernels, const ferry_gemm_params *params, const ferry_gemm_plan *plan,
                const ferry_gemm_arguments *arguments, int64_t task, void *workspace);
};

/* Plain C, usable at build time for targets that this machine is not. Bytes of all of packed B; 0 when k is 0. */
size_t ferry_gemm_packed_bytes(const ferry_gemm_kernels *kernels, const ferry_gemm_params *params);
/* Packs panels [first, last) of ceil(n/panel) to their place in packed (aligned to 64), so that threads may share the work. */
void ferry_gemm_pack(const ferry_gemm_kernels *kernels, const ferry_gemm_params *params, const float *b, float *packed,
                     int64_t first, int64_t last);
/* One panel alone, to `packed` itself. */
void ferry_gemm_pack_panel(const ferry_gemm_kernels *kernels, const ferry_gemm_params *params, const float *b, int64_t panel,
                           float *packed);
int64_t ferry_gemm_panel_width(const ferry_gemm_kernels *kernels, const ferry_gemm_params *params, int64_t panel);
/* constant_b: B is packed already. Otherwise the plan says whether packing it pays: not for few rows. */
void ferry_gemm_plan_for(const ferry_gemm_kernels *kernels, const ferry_gemm_params *params, bool constant_b, int threads,
                         ferry_gemm_plan *plan);

/* The kernels of the widest set within `features` (bits of base/cpu.h); never NULL. */
const ferry_gemm_kernels *ferry_gemm_kernels_for(uint32_t features);

/* The definition, accumulated in double, B plain: rows [first, last) of C. */
void ferry_gemm_reference(const ferry_gemm_params *params, const ferry_gemm_arguments *arguments, int64_t first, int64_t last);

/* Row strides with 0 replaced by the packed one. */
static inline int64_t ferry_gemm_lda(const ferry_gemm_params *p) { return p->lda ? p->lda : p->transpose_a ? p->m : p->k; }
static inline int64_t ferry_gemm_ldb(const ferry_gemm_params *p) { return p->ldb ? p->ldb : p->transpose_b ? p->k : p->n; }
static inline int64_t ferry_gemm_ldc(const ferry_gemm_params *p) { return p->ldc ? p->ldc : p->n; }
static inline int64_t ferry_gemm_ldr(const ferry_gemm_params *p) { return p->ldr ? p->ldr : p->n; }

extern const ferry_gemm_kernels ferry_gemm_kernels_portable, ferry_gemm_kernels_sse41, ferry_gemm_kernels_avx2,
    ferry_gemm_kernels_avx512, ferry_gemm_kernels_neon;

#endif
