/* SPDX-License-Identifier: Apache-2.0 */
/* Gemm and MatMul on the matrix kernels: one implementation an instruction set. A constant B is packed at build; a computed one
 * is packed by all threads before the product, unless the rows are too few to pay for it. */
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/epilogue.h"
#include "kernels/gemm/gemm.h"
#include "kernels/vector/sets.h"
#include "ops/matmul.h"

/* What stands before the packed constants. Pieces are aligned to FERRY_ALIGNMENT; absent ones have 0 bytes. */
typedef struct packed_header {
    int64_t b_bytes, bias_bytes;
    int64_t reserved[6];
} packed_header;

typedef struct gemm_state {
    const ferry_gemm_kernels *kernels;
    ferry_gemm_params params; /* of one product */
    ferry_gemm_plan plan;     /* of one product */
    ferry_matmul_geometry geometry;
    int64_t batches, b_matrices;
    size_t b_bytes;   /* one packed matrix, aligned */
    bool bias, added; /* input 2 is computed: a bias, or a matrix to add */
} gemm_state;

static bool is_gemm(const ferry_call *call) { return ferry_op_index_of(call->op) == FERRY_OP_Gemm; }

static bool known(const ferry_tensor *tensor) {
    if (tensor->shape.rank < 0) return false;
    for (int i = 0; i < tensor->shape.rank; i++)
        if (tensor->shape.dims[i] < 0) return false;
    return true;
}

/* Inner and outer size of B and how it is stored; B's last dimensions must be known. */
static bool read_b(const ferry_call *call, ferry_gemm_params *p, int64_t *matrices) {
    const ferry_tensor *b = ferry_call_input(call, 1);
    const int rank = b->shape.rank;
    *p = (ferry_gemm_params){.m = 0};
    if (!known(b) || rank < 1) return false;
    p->transpose_a = is_gemm(call) && ferry_attribute_integer(call->attributes, "transA", 0);
    p->transpose_b = is_gemm(call) && ferry_attribute_integer(call->attributes, "transB", 0);
    p->alpha = is_gemm(call) ? ferry_attribute_real(call->attributes, "alpha", 1.0f) : 1.0f;
    p->k = rank == 1 ? b->shape.dims[0] : b->shape.dims[rank - 2 + p->transpose_b];
    p->n = rank == 1 ? 1 : b->shape.dims[rank - 1 - p->transpose_b];
    *matrices = rank > 2 ? ferry_shape_product(&b->shape, 0, rank - 2) : 1;
    return true;
}

/* Whether a tensor's shape is that of one value a column (or one for all, when constant). */
static bool is_row(const ferry_tensor *c, int64_t n) {
    int64_t elements;
    if (!known(c) || !ferry_shape_elements(&c->shape, &elements)) return false;
    if (elements == 1 && c->data) return true;
    return elements == n && c->shape.rank > 0 && c->shape.dims[c->shape.rank - 1] == n;
}

/* Input 2 of Gemm may be a bias or a whole matrix; of MatMul a bias only. */
static bool accepts_c(const ferry_call *call, int64_t n, ferry_reason *reason) {
    const ferry_tensor *c = ferry_call_input(call, 2), *y = ferry_call_output(call, 0);
    if (!c || is_row(c, n)) {
        const bool scaled = c && !c->data && ferry_attribute_real(call->attributes, "beta", 1.0f) != 1.0f;
        return !scaled || ferry_reject(reason, "beta with a computed C");
    }
    if (!is_gemm(call) || c->data) return ferry_reject(reason, "C is neither a bias nor a computed matrix");
    if (!known(c) || !y || !known(y) || !ferry_shape_equal(&c->shape, &y->shape))
        return ferry_reject(reason, "C is not known to have the shape of the result");
    return ferry_attribute_real(call->attributes, "beta", 1.0f) == 1.0f || ferry_reject(reason, "beta with a computed C");
}

static bool gemm_accepts(const ferry_call *call, ferry_reason *reason) {
    ferry_gemm_params params;
    ferry_fused fused;
    int64_t matrices;
    for (int i = 0; i < call->input_count; i++)
        if (ferry_call_input(call, i) && ferry_call_input(call, i)->dtype != FERRY_FLOAT32)
            return ferry_reject(reason, "not all inputs are float32");
    if (!ferry_call_input(call, 0) || !ferry_call_input(call, 1)) return ferry_reject(reason, "an operand is missing");
    if (!ferry_cpu_epilogue(call, &fused)) return ferry_reject(reason, "an activation that kernels do not have");
    if (!read_b(call, &params, &matrices)) {
        if (ferry_call_input(call, 2)) return ferry_reject(reason, "B's shape is not known, and there is a C");
        return true;
    }
    return accepts_c(call, params.n, reason);
}

/* ---- packing ---- */

static bool constant(const ferry_call *call, int index) {
    return ferry_call_input(call, index) && ferry_call_input(call, index)->data;
}

static packed_header header_of(const ferry_gemm_kernels *kernels, const ferry_call *call, ferry_gemm_params *p,
                               int64_t *matrices) {
    packed_header header = {0, 0, {0}};
    if (!read_b(call, p, matrices)) return header;
    if (constant(call, 1))
        header.b_bytes = *matrices * (int64_t)ferry_align_up(ferry_gemm_packed_bytes(kernels, p), FERRY_ALIGNMENT);
    if (constant(call, 2)) header.bias_bytes = (int64_t)ferry_align_up((size_t)p->n * sizeof(float), FERRY_ALIGNMENT);
    return header;
}

static size_t gemm_packed_bytes(const ferry_gemm_kernels *kernels, const ferry_call *call) {
    ferry_gemm_params p;
    int64_t matrices;
    const packed_header header = header_of(kernels, call, &p, &matrices);
    const int64_t bytes = header.b_bytes + header.bias_bytes;
    return bytes ? sizeof header + (size_t)bytes : 0;
}

static void gemm_pack(const ferry_gemm_kernels *kernels, const ferry_call *call, void *packed) {
    ferry_gemm_params p;
    int64_t matrices;
    const packed_header header = header_of(kernels, call, &p, &matrices);
    memcpy(packed, &header, sizeof header);
    char *to = (char *)packed + sizeof header;
    if (header.b_bytes) {
        const float *b = ferry_call_input(call, 1)->data;
        for (int64_t i = 0; i < matrices; i++)
            ferry_gemm_pack(kernels, &p, b + i * p.k * p.n, (float *)(to + i * (header.b_bytes / matrices)), 0,
                            ferry_ceil_div(p.n, kernels->panel));
    }
    if (!header.bias_bytes) return;
    const ferry_tensor *c = ferry_call_input(call, 2);
    const float beta = is_gemm(call) ? ferry_attribute_real(call->attributes, "beta", 1.0f) : 1.0f;
    const bool one = ferry_shape_count(&c->shape) == 1;
    float *bias = (float *)(to + header.b_bytes);
    for (int64_t j = 0; j < p.n; j++) bias[j] = beta * ((const float *)c->data)[one ? 0 : j];
}

static packed_header read_header(const ferry_call *call) {
    packed_header header = {0, 0, {0}};
    if (call->packed && call->packed_bytes >= sizeof header) memcpy(&header, call->packed, sizeof header);
    return header;
}

/* ---- running ---- */

/* Batches whose B is one and the same are one product of more rows. */
static void fold_batches(gemm_state *state, const ferry_call *call) {
    const ferry_tensor *a = ferry_call_input(call, 0);
    ferry_matmul_geometry *g = &state->geometry;
    if (is_gemm(call)) {
        state->params.m = a->shape.dims[state->params.transpose_a];
        state->batches = 1;
        return;
    }
    ferry_matmul_geometry_of(&a->shape, &ferry_call_input(call, 1)->shape, g);
    state->params.m = g->rows;
    state->batches = g->batches;
    if (state->b_matrices != 1 || g->batches == 0) return;
    state->params.m *= g->batches;
    state->batches = 1;
}

static ferry_status gemm_prepare(const ferry_gemm_kernels *kernels, ferry_call *call) {
    gemm_state *state = call->state;
    *state = (gemm_state){.kernels = kernels};
    const packed_header header = read_header(call);
    const ferry_tensor *c = ferry_call_input(call, 2);
    if (!read_b(call, &state->params, &state->b_matrices) || !ferry_cpu_epilogue(call, &state->params.fused))
        return ferry_fail(call->error, FERRY_ERROR_INTERNAL, "gemm: operands changed since the engine was built");
    state->params.fused.residual_after = false;
    fold_batches(state, call);
    if (header.b_bytes > 0 &&
        header.b_bytes !=
            state->b_matrices * (int64_t)ferry_align_up(ferry_gemm_packed_bytes(kernels, &state->params), FERRY_ALIGNMENT))
        return ferry_fail(call->error, FERRY_ERROR_FORMAT, "gemm: packed weights are of another size than the shapes say");
    if (state->params.m == 0 || state->params.n == 0) state->batches = 0;
    if (c && header.bias_bytes == 0) {
        state->bias = is_row(c, state->params.n);
        state->added = !state->bias;
    }
    if (state->batches == 0) return FERRY_OK;
    const int threads = state->batches >= 2 * call->threads ? 1 : call->threads;
    ferry_gemm_plan_for(kernels, &state->params, header.b_bytes > 0 || state->params.k == 0, threads, &state->plan);
    state->b_bytes = ferry_align_up(ferry_gemm_packed_bytes(kernels, &state->params), FERRY_ALIGNMENT);
    call->workspace_bytes = state->plan.workspace_bytes * (size_t)call->threads;
    if (state->plan.packed_b && header.b_bytes == 0) call->workspace_bytes += state->b_bytes * (size_t)state->b_matrices;
    return FERRY_OK;
}

typedef struct gemm_loop {
    const gemm_state *state;
    const float *a, *b, *bias, *added;
    const char *packed; /* all of B, or NULL: plain */
    char *packing;      /* the same, to be packed first */
    float *y;
    char *workspace;
} gemm_loop;

static void pack_task(void *user, int64_t index, int thread) {
    (void)thread;
    const gemm_loop *loop = user;
    const gemm_state *s = loop->state;
    const int64_t panels = ferry_ceil_div(s->params.n, s->kernels->panel), matrix = index / panels, panel = index % panels;
    ferry_gemm_pack(s->kernels, &s->params, loop->b + matrix * s->params.k * s->params.n,
                    (float *)(loop->packing + (size_t)matrix * s->b_bytes), panel, panel + 1);
}

static void product_task(void *user, int64_t index, int thread) {
    const gemm_loop *loop = user;
    const gemm_state *s = loop->state;
    const int64_t batch = index / s->plan.tasks;
    int64_t a = 0, b = 0;
    if (s->batches > 1) ferry_matmul_batch(&s->geometry, batch, &a, &b);
    const ferry_gemm_arguments arguments = {
        .a = loop->a + a * s->params.m * s->params.k,
        .b = loop->packed ? (const float *)(loop->packed + (size_t)b * s->b_bytes) : loop->b + b * s->params.k * s->params.n,
        .bias = loop->bias,
        .residual = loop->added,
        .c = loop->y + batch * s->params.m * s->params.n,
    };
    s->kernels->run(s->kernels, &s->params, &s->plan, &arguments, index % s->plan.tasks,
                    loop->workspace + (size_t)thread * s->plan.workspace_bytes);
}

static ferry_status gemm_run(ferry_call *call) {
    const gemm_state *s = call->state;
    if (s->batches == 0) return FERRY_OK;
    const packed_header header = read_header(call);
    const char *packed = (const char *)call->packed + sizeof header;
    gemm_loop loop = {
        .state = s, .workspace = call->workspace, .a = ferry_call_input(call, 0)->data, .y = ferry_call_output(call, 0)->data};
    loop.b = ferry_call_input(call, 1)->data;
    if (header.bias_bytes)
        loop.bias = (const float *)(packed + header.b_bytes);
    else if (s->bias)
        loop.bias = ferry_call_input(call, 2)->data;
    if (s->added) loop.added = ferry_call_input(call, 2)->data;
    if (header.b_bytes) {
        loop.packed = packed;
    } else if (s->plan.packed_b) {
        loop.packing = loop.workspace;
        loop.packed = loop.packing;
        loop.workspace += s->b_bytes * (size_t)s->b_matrices;
        ferry_pool_run(call->pool, s->b_matrices * ferry_ceil_div(s->params.n, s->kernels->panel), pack_task, &loop);
    }
    ferry_pool_run(call->pool, s->batches * s->plan.tasks, product_task, &loop);
    return FERRY_OK;
}

#define GEMM(set)                                                                                                              \
    static bool set##_accepts(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {     \
        (void)inputs; /* PLAIN, as they come */                                                                                \
        (void)outputs;                                                                                                         \
        return gemm_accepts(call, reason);                                                                                     \
    }                                                                                                                          \
    static size_t set##_packed_bytes(const ferry_call *call) { return gemm_packed_bytes(&ferry_gemm_kernels_##set, call); }    \
    static void set##_pack(const ferry_call *call, void *packed) { gemm_pack(&ferry_gemm_kernels_##set, call, packed); }       \
    static ferry_status set##_prepare(ferry_call *call) { return gemm_prepare(&ferry_gemm_kernels_##set, call); }              \
    extern const ferry_implementation ferry_cpu_gemm_##set;                                                                    \
    const ferry_implementation ferry_cpu_gemm_##set = {.name = "gemm." #set,                                                   \
                                                       .features = GEMM_NEED_##set,                                            \
                                                       .state_bytes = sizeof(gemm_state),                                      \
                                                       .packed_inputs = 1u << 1 | 1u << 2,                                     \
                                                       .accepts = set##_accepts,                                               \
                                                       .packed_bytes = set##_packed_bytes,                                     \
                                                       .pack = set##_pack,                                                     \
                                                       .prepare = set##_prepare,                                               \
                                                       .run = gemm_run};
#define GEMM_NEED_portable 0
#define GEMM_NEED_sse41 FERRY_NEED_SSE41
#define GEMM_NEED_avx2 FERRY_NEED_AVX2
#define GEMM_NEED_avx512 FERRY_NEED_AVX512
#define GEMM_NEED_neon FERRY_NEED_NEON

#if defined(FERRY_SETS_X86)
GEMM(avx512)
GEMM(avx2)
GEMM(sse41)
#elif defined(FERRY_SETS_NEON)
GEMM(neon)
#endif
GEMM(portable)
