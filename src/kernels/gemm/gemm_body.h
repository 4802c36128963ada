/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix multiplication on register tiles, once an instruction set. Rows of A are the tile's pixels, columns of B its channels.
 * The depth is cut into chunks whose panel of B stays in the first-level cache; partial sums wait in C. Where A is transposed,
 * a band's chunk is turned in the workspace first. Where B is plain (few rows), its rows are read in place, but the last panel
 * is copied when it is not whole, since vectors would read beyond its end. */
#ifndef FERRY_KERNELS_GEMM_GEMM_BODY_H
#define FERRY_KERNELS_GEMM_GEMM_BODY_H

#include "base/memory.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/tile_body.h"
#include "kernels/vector/sets.h"

#define GEMM_PANEL (TILE_BLOCKS * FERRY_VEC)
#define GEMM_DEPTH (GEMM_PANEL > 32 ? 256 : 384)

typedef struct gemm_task {
    const ferry_gemm_kernels *kernels;
    const ferry_gemm_params *params;
    const ferry_gemm_arguments *arguments;
    int64_t first_row, rows;
    float *turned; /* the chunk of a transposed A */
    float *tail;   /* the last panel of a plain B */
    bool packed_b;
} gemm_task;

static void gemm_turn(const gemm_task *task, int64_t k, int64_t depth) {
    const int64_t lda = ferry_gemm_lda(task->params);
    for (int64_t d = 0; d < depth; d++)
        for (int64_t row = 0; row < task->rows; row++)
            task->turned[row * depth + d] = task->arguments->a[(k + d) * lda + task->first_row + row];
}

/* Where the rows of a panel of B begin, and how far they lie apart. */
static const float *gemm_weights(const gemm_task *task, int64_t panel, int64_t *step) {
    const ferry_gemm_params *p = task->params;
    *step = ferry_gemm_panel_width(task->kernels, p, panel);
    if (task->packed_b) return task->arguments->b + panel * GEMM_PANEL * p->k;
    if (panel * GEMM_PANEL + *step > p->n) return task->tail;
    *step = ferry_gemm_ldb(p);
    return task->arguments->b + panel * GEMM_PANEL;
}

static void gemm_panel(const gemm_task *task, tile_job *job, const float *a, int64_t lda, int64_t panel) {
    const ferry_gemm_params *p = task->params;
    const int64_t ldc = ferry_gemm_ldc(p), ldr = ferry_gemm_ldr(p), column = panel * GEMM_PANEL;
    const int blocks = (int)(ferry_gemm_panel_width(task->kernels, p, panel) / FERRY_VEC);
    const float *residual = task->arguments->residual;
    float bias[GEMM_PANEL] = {0};
    job->lanes = (int)ferry_min_int64(FERRY_VEC, p->n - column - (blocks - 1) * FERRY_VEC);
    job->bias = NULL;
    if (task->arguments->bias) {
        memcpy(bias, task->arguments->bias + column, (size_t)ferry_min_int64(GEMM_PANEL, p->n - column) * sizeof *bias);
        job->bias = bias;
    }
    for (int64_t row = 0; row < task->rows;) {
        const int count = tile_next(task->rows - row);
        const int64_t place = task->first_row + row;
        const float *inputs[TILE_PIXELS];
        for (int i = 0; i < count; i++) inputs[i] = a + (row + i) * lda;
        tile_functions[blocks - 1][count - 1](job, inputs, task->arguments->c + place * ldc + column,
                                              residual ? residual + place * ldr + column : NULL);
        row += count;
    }
}

static void gemm_run(const ferry_gemm_kernels *kernels, const ferry_gemm_params *p, const ferry_gemm_plan *plan,
                     const ferry_gemm_arguments *arguments, int64_t index, void *workspace) {
    const int64_t band = index / plan->splits, panels = ferry_ceil_div(p->n, GEMM_PANEL),
                  start = index % plan->splits * plan->split_panels;
    const int64_t end = ferry_min_int64(start + plan->split_panels, panels);
    gemm_task task = {.kernels = kernels,
                      .params = p,
                      .arguments = arguments,
                      .first_row = band * plan->band_rows,
                      .packed_b = plan->packed_b};
    task.rows = ferry_min_int64(plan->band_rows, p->m - task.first_row);
    task.tail = workspace;
    task.turned = task.tail + (plan->packed_b ? 0 : p->k * GEMM_PANEL);
    if (!plan->packed_b && end == panels && p->n % FERRY_VEC != 0)
        ferry_gemm_pack_panel(kernels, p, arguments->b, panels - 1, task.tail);
    const ptrdiff_t offset = 0;
    for (int64_t k = 0; k == 0 || k < p->k; k += GEMM_DEPTH) {
        const int64_t depth = ferry_min_int64(GEMM_DEPTH, p->k - k);
        int64_t lda = ferry_gemm_lda(p);
        const float *a = arguments->a + task.first_row * lda + k;
        if (p->transpose_a) {
            gemm_turn(&task, k, depth);
            a = task.turned;
            lda = depth;
        }
        tile_job job = {.offsets = &offset,
                        .taps = 1,
                        .run = depth,
                        .block_stride = FERRY_VEC,
                        .pixel_stride = ferry_gemm_ldc(p),
                        .residual_block_stride = FERRY_VEC,
                        .residual_pixel_stride = ferry_gemm_ldr(p),
                        .fused = &p->fused,
                        .first = k == 0,
                        .last = k + depth == p->k,
                        .row_major = true};
        for (int64_t panel = start; panel < end; panel++) {
            int64_t step;
            const float *weights = gemm_weights(&task, panel, &step);
            job.weights = weights + k * step;
            job.weight_step = step;
            gemm_panel(&task, &job, a, lda, panel);
        }
    }
}

const ferry_gemm_kernels FERRY_ISA(ferry_gemm_kernels) = {FERRY_ISA_TEXT, FERRY_ISA_NEED, GEMM_PANEL,
                                                          FERRY_VEC,      GEMM_DEPTH,     gemm_run};

#endif
