/* SPDX-License-Identifier: Apache-2.0 */
/* Conv on the kernels' tactics: one implementation a tactic and instruction set. Weights and bias are packed at build; the plan
 * of a concrete shape is made in prepare; run hands the plan's tasks to the pool. */
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/epilogue.h"
#include "kernels/conv/conv.h"
#include "kernels/vector/sets.h"
#include "ops/window.h"

enum { UNKNOWN_SIZE = 64 }; /* stands for spatial sizes not known at build; nothing that is packed depends on it */

typedef struct conv_state {
    const ferry_conv_tactic *tactic;
    ferry_conv_params params;
    ferry_conv_plan plan;
} conv_state;

static bool all_float(const ferry_call *call) {
    for (int i = 0; i < call->input_count; i++)
        if (ferry_call_input(call, i) && ferry_call_input(call, i)->dtype != FERRY_FLOAT32) return false;
    return true;
}

static bool fits_int32(const ferry_shape *shape) {
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] > INT32_MAX) return false;
    return true;
}

/* Sizes and window; unknown sizes are replaced. False for what no kernel does, with the reason. */
static bool read_params(const ferry_call *call, ferry_conv_params *p, ferry_reason *reason) {
    const ferry_tensor *x = ferry_call_input(call, 0), *w = ferry_call_input(call, 1);
    if (!x || !w || !all_float(call)) return ferry_reject(reason, "not all inputs are float32");
    const int rank = w->shape.rank, spatial = rank - 2;
    if (rank < 3 || rank > 4 || (x->shape.rank >= 0 && x->shape.rank != rank))
        return ferry_reject(reason, "%d spatial dimensions, not 1 or 2", spatial);
    for (int i = 0; i < rank; i++)
        if (w->shape.dims[i] <= 0) return ferry_reject(reason, "the weights' shape is not known");
    ferry_window window;
    if (ferry_window_read(call->attributes, spatial, w->shape.dims + 2, &window, NULL) != FERRY_OK)
        return ferry_reject(reason, "unreadable window attributes");
    if (!fits_int32(&w->shape) || (x->shape.rank > 0 && !fits_int32(&x->shape))) return ferry_reject(reason, "too large");
    int64_t in[2] = {1, 1}, out[2] = {1, 1};
    for (int i = 0; i < spatial; i++)
        in[i] = x->shape.rank < 0 || x->shape.dims[2 + i] < 0 ? UNKNOWN_SIZE : x->shape.dims[2 + i];
    ferry_window_resolve(&window, in);
    for (int i = 0; i < spatial; i++) {
        if (window.pad_begin[i] > 1 << 20 || window.pad_end[i] > 1 << 20) return ferry_reject(reason, "padding beyond reason");
        out[i] = ferry_conv_out_size((int32_t)in[i], (int32_t)window.kernel[i], (int32_t)window.stride[i],
                                     (int32_t)window.dilation[i], (int32_t)window.pad_begin[i], (int32_t)window.pad_end[i]);
    }
    const int y_axis = spatial == 2 ? 0 : -1, x_axis = spatial - 1;
    const int64_t groups = ferry_attribute_integer(call->attributes, "group", 1);
    if (groups < 1 || groups > w->shape.dims[0]) return ferry_reject(reason, "%lld groups", (long long)groups);
    *p = (ferry_conv_params){.batch = x->shape.rank < 0 || x->shape.dims[0] < 0 ? 1 : (int32_t)x->shape.dims[0],
                             .groups = (int32_t)groups,
                             .in_height = y_axis < 0 ? 1 : (int32_t)in[y_axis],
                             .in_width = (int32_t)in[x_axis],
                             .out_channels = (int32_t)w->shape.dims[0],
                             .out_height = y_axis < 0 ? 1 : (int32_t)out[y_axis],
                             .out_width = (int32_t)out[x_axis],
                             .kernel_height = y_axis < 0 ? 1 : (int32_t)window.kernel[y_axis],
                             .kernel_width = (int32_t)window.kernel[x_axis],
                             .stride_height = y_axis < 0 ? 1 : (int32_t)window.stride[y_axis],
                             .stride_width = (int32_t)window.stride[x_axis],
                             .dilation_height = y_axis < 0 ? 1 : (int32_t)window.dilation[y_axis],
                             .dilation_width = (int32_t)window.dilation[x_axis],
                             .pad_top = y_axis < 0 ? 0 : (int32_t)window.pad_begin[y_axis],
                             .pad_left = (int32_t)window.pad_begin[x_axis],
                             .residual = ferry_call_input(call, 3) != NULL};
    int64_t channels;
    if (!ferry_int64_multiply(w->shape.dims[1], groups, &channels) || channels > INT32_MAX)
        return ferry_reject(reason, "too many channels");
    p->in_channels = (int32_t)channels;
    return ferry_cpu_epilogue(call, &p->fused) || ferry_reject(reason, "an activation that kernels do not have");
}

static ferry_layout layout_of_block(int block) { return block == 1 ? FERRY_LAYOUT_PLAIN : (ferry_layout)block; }

static bool conv_accepts(const ferry_conv_tactic *tactic, const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs,
                         ferry_reason *reason) {
    ferry_conv_params params;
    const char *why = "";
    if (!read_params(call, &params, reason)) return false;
    if (!ferry_call_input(call, 1)->data) return ferry_reject(reason, "the weights are computed, not constant");
    if (ferry_call_input(call, 2) && !ferry_call_input(call, 2)->data)
        return ferry_reject(reason, "the bias is computed, not constant");
    if (!tactic->accepts(tactic, &params, &why)) return ferry_reject(reason, "%s", why);
    if (tactic->in_block == 1 && (ferry_call_input(call, 0)->layout != FERRY_LAYOUT_PLAIN || params.in_channels > 4))
        return ferry_reject(reason, "reads plain input only, of at most 4 channels");
    inputs[0] = layout_of_block(tactic->in_block);
    if (call->input_count > 3) inputs[3] = layout_of_block(tactic->block);
    outputs[0] = layout_of_block(tactic->block);
    return true;
}

/* Packed: the weights, then the bias in whole blocks. */
static size_t weight_bytes(const ferry_conv_tactic *tactic, const ferry_conv_params *params) {
    return ferry_align_up(tactic->packed_bytes(tactic, params), FERRY_ALIGNMENT);
}

static size_t conv_packed_bytes(const ferry_conv_tactic *tactic, const ferry_call *call) {
    ferry_conv_params params;
    ferry_reason reason;
    if (!read_params(call, &params, &reason)) return 0;
    return weight_bytes(tactic, &params) + ferry_align_up((size_t)params.out_channels, (size_t)tactic->block) * sizeof(float);
}

static void conv_pack(const ferry_conv_tactic *tactic, const ferry_call *call, void *packed) {
    ferry_conv_params params;
    ferry_reason reason;
    if (!read_params(call, &params, &reason)) return;
    tactic->pack(tactic, &params, ferry_call_input(call, 1)->data, packed);
    const ferry_tensor *bias = ferry_call_input(call, 2);
    if (bias) memcpy((char *)packed + weight_bytes(tactic, &params), bias->data, (size_t)params.out_channels * sizeof(float));
}

static double conv_cost(const ferry_conv_tactic *tactic, const ferry_call *call) {
    ferry_conv_params params;
    ferry_reason reason;
    return read_params(call, &params, &reason) ? tactic->cost(tactic, &params) / 6.0 : 1e30; /* two a cycle at 3 GHz */
}

static ferry_status conv_prepare(const ferry_conv_tactic *tactic, ferry_call *call) {
    conv_state *state = call->state;
    ferry_reason reason;
    const char *why = "";
    state->tactic = tactic;
    if (!read_params(call, &state->params, &reason))
        return ferry_fail(call->error, FERRY_ERROR_UNSUPPORTED, "%s.%s: %s", tactic->name, tactic->isa, reason.text);
    if (state->params.batch == 0 || state->params.in_height == 0 || state->params.in_width == 0) {
        state->plan = (ferry_conv_plan){.tasks = 0};
        return FERRY_OK;
    }
    if (!tactic->accepts(tactic, &state->params, &why))
        return ferry_fail(call->error, FERRY_ERROR_UNSUPPORTED, "%s.%s: %s", tactic->name, tactic->isa, why);
    tactic->plan(tactic, &state->params, call->threads, &state->plan);
    call->workspace_bytes = ferry_align_up(state->plan.workspace_bytes, FERRY_ALIGNMENT) * (size_t)call->threads;
    return FERRY_OK;
}

typedef struct conv_loop {
    const conv_state *state;
    ferry_conv_arguments arguments;
    char *workspace;
    size_t stride;
} conv_loop;

static void conv_task(void *user, int64_t index, int thread) {
    const conv_loop *loop = user;
    const conv_state *state = loop->state;
    state->tactic->run(state->tactic, &state->params, &state->plan, &loop->arguments, index,
                       loop->workspace + (size_t)thread * loop->stride);
}

static ferry_status conv_run(ferry_call *call) {
    const conv_state *state = call->state;
    const ferry_tensor *residual = ferry_call_input(call, 3);
    conv_loop loop = {.state = state, .workspace = call->workspace};
    loop.stride = ferry_align_up(state->plan.workspace_bytes, FERRY_ALIGNMENT);
    loop.arguments = (ferry_conv_arguments){
        .input = ferry_call_input(call, 0)->data,
        .weights = call->packed,
        .bias = (const float *)((const char *)call->packed + weight_bytes(state->tactic, &state->params)),
        .residual = residual ? residual->data : NULL,
        .output = ferry_call_output(call, 0)->data,
    };
    ferry_pool_run(call->pool, state->plan.tasks, conv_task, &loop);
    return FERRY_OK;
}

/* The functions of one implementation know their tactic by its place in the set's table. */
#define CONV(name_text, suffix, set, place)                                                                                    \
    static bool suffix##_accepts(const ferry_call *call, ferry_layout *inputs, ferry_layout *outputs, ferry_reason *reason) {  \
        return conv_accepts(&ferry_conv_tactics_##set[place], call, inputs, outputs, reason);                                  \
    }                                                                                                                          \
    static size_t suffix##_packed_bytes(const ferry_call *call) {                                                              \
        return conv_packed_bytes(&ferry_conv_tactics_##set[place], call);                                                      \
    }                                                                                                                          \
    static void suffix##_pack(const ferry_call *call, void *packed) {                                                          \
        conv_pack(&ferry_conv_tactics_##set[place], call, packed);                                                             \
    }                                                                                                                          \
    static double suffix##_cost(const ferry_call *call) { return conv_cost(&ferry_conv_tactics_##set[place], call); }          \
    static ferry_status suffix##_prepare(ferry_call *call) { return conv_prepare(&ferry_conv_tactics_##set[place], call); }    \
    extern const ferry_implementation ferry_cpu_conv_##suffix;                                                                 \
    const ferry_implementation ferry_cpu_conv_##suffix = {.name = name_text,                                                   \
                                                          .features = CONV_NEED_##set,                                         \
                                                          .state_bytes = sizeof(conv_state),                                   \
                                                          .packed_inputs = 1u << 1 | 1u << 2,                                  \
                                                          .accepts = suffix##_accepts,                                         \
                                                          .packed_bytes = suffix##_packed_bytes,                               \
                                                          .pack = suffix##_pack,                                               \
                                                          .cost = suffix##_cost,                                               \
                                                          .prepare = suffix##_prepare,                                         \
                                                          .run = conv_run};
#define CONV_NEED_portable 0
#define CONV_NEED_sse41 FERRY_NEED_SSE41
#define CONV_NEED_avx2 FERRY_NEED_AVX2
#define CONV_NEED_avx512 FERRY_NEED_AVX512
#define CONV_NEED_neon FERRY_NEED_NEON
#define CONV_SET(set)                                                                                                          \
    CONV("conv.depthwise." #set, depthwise_##set, set, FERRY_CONV_DEPTHWISE)                                                   \
    CONV("conv.direct_plain." #set, direct_plain_##set, set, FERRY_CONV_DIRECT_PLAIN)                                          \
    CONV("conv.winograd." #set, winograd_##set, set, FERRY_CONV_WINOGRAD)                                                      \
    CONV("conv.direct." #set, direct_##set, set, FERRY_CONV_DIRECT)

#if defined(FERRY_SETS_X86)
CONV_SET(avx512)
CONV_SET(avx2)
CONV_SET(sse41)
#elif defined(FERRY_SETS_NEON)
CONV_SET(neon)
#endif
CONV_SET(portable)
