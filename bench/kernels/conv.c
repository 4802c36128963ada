/* SPDX-License-Identifier: Apache-2.0 */
/* Times every tactic on the convolution shapes of known networks, one thread: bench_kernels_conv [network] [tactic] [isa mask].
 * Prints GFLOP/s and the share of this core's multiply-add peak, measured in turn with the convolution. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/memory.h"
#include "kernels/conv/conv.h"
#include "kernels/vector/probe.h"

typedef struct layer {
    const char *network;
    int in, height, out, kernel, stride, groups, count; /* square; count: how often the network has it */
} layer;

static const layer layers[] = {
#include "layers.def"
};

static ferry_conv_params params_of(const layer *l) {
    ferry_conv_params p = {.batch = 1,
                           .groups = l->groups,
                           .in_channels = l->in,
                           .in_height = l->height,
                           .in_width = l->height,
                           .out_channels = l->out,
                           .kernel_height = l->kernel,
                           .kernel_width = l->kernel,
                           .stride_height = l->stride,
                           .stride_width = l->stride,
                           .dilation_height = 1,
                           .dilation_width = 1};
    const int pad = l->kernel == 6 ? 2 : l->kernel / 2;
    p.pad_top = p.pad_left = pad;
    p.out_height = p.out_width = ferry_conv_out_size(l->height, l->kernel, l->stride, 1, pad, pad);
    return p;
}

static double peak_rate(const ferry_vector_probe *probe) {
    float sink = 0.5f;
    const double start = ferry_time_seconds(), done = probe->peak(20000, &sink);
    return done / (ferry_time_seconds() - start);
}

/* A convolution made ready to run again and again. */
typedef struct subject {
    const ferry_conv_tactic *tactic;
    ferry_conv_params params;
    ferry_conv_plan plan;
    float *packed, *input, *output, *bias;
    void *workspace;
} subject;

static void subject_free(subject *s) {
    ferry_aligned_free(s->packed), ferry_aligned_free(s->input), ferry_aligned_free(s->output);
    ferry_aligned_free(s->bias), ferry_aligned_free(s->workspace);
}

static bool subject_make(const ferry_conv_tactic *tactic, const ferry_conv_params *p, subject *s) {
    const size_t block = (size_t)tactic->block;
    const size_t in =
        ferry_align_up((size_t)p->in_channels, (size_t)tactic->in_block) * (size_t)p->in_height * (size_t)p->in_width;
    const size_t out = ferry_align_up((size_t)p->out_channels, block) * (size_t)p->out_height * (size_t)p->out_width;
    const size_t weights =
        (size_t)p->out_channels * (size_t)(p->in_channels / p->groups) * (size_t)p->kernel_height * (size_t)p->kernel_width;
    *s = (subject){.tactic = tactic, .params = *p};
    tactic->plan(tactic, p, 1, &s->plan);
    float *plain = ferry_aligned_malloc(weights * sizeof(float));
    s->packed = ferry_aligned_malloc(tactic->packed_bytes(tactic, p));
    s->input = ferry_aligned_malloc(in * sizeof(float));
    s->output = ferry_aligned_malloc(out * sizeof(float));
    s->bias = ferry_aligned_malloc((size_t)(p->out_channels + 16) * sizeof(float));
    s->workspace = ferry_aligned_malloc(s->plan.workspace_bytes + 64);
    if (!plain || !s->packed || !s->input || !s->output || !s->bias || !s->workspace) {
        ferry_aligned_free(plain);
        return subject_free(s), false;
    }
    for (size_t i = 0; i < weights; i++) plain[i] = (float)(i % 13) * 0.01f - 0.06f;
    for (size_t i = 0; i < in; i++) s->input[i] = (float)(i % 17) * 0.1f - 0.8f;
    memset(s->bias, 0, (size_t)(p->out_channels + 16) * sizeof(float));
    tactic->pack(tactic, p, plain, s->packed);
    ferry_aligned_free(plain);
    return true;
}

static double subject_seconds(const subject *s) {
    const ferry_conv_arguments arguments = {s->input, s->packed, s->bias, NULL, s->output};
    const double start = ferry_time_seconds();
    for (int64_t task = 0; task < s->plan.tasks; task++)
        s->tactic->run(s->tactic, &s->params, &s->plan, &arguments, task, s->workspace);
    return ferry_time_seconds() - start;
}

typedef struct timing {
    double seconds, peak; /* the fastest of the rounds */
} timing;

/* `gauge` is a tiny convolution that stays in the first-level cache: when it is slow, somebody else uses this core, and the
 * round does not count, for two seconds at most. */
static timing measure(const ferry_conv_tactic *tactic, const ferry_conv_params *p, const ferry_vector_probe *probe,
                      const subject *gauge, double *gauge_best) {
    timing best = {1e9, 0.0}, any = {1e9, 0.0};
    subject s;
    if (!subject_make(tactic, p, &s)) return best;
    const double give_up = ferry_time_seconds() + 2.0, least = ferry_time_seconds() + 0.1;
    for (int good = 0; ferry_time_seconds() < give_up && (good < 5 || ferry_time_seconds() < least);) {
        const double rate = peak_rate(probe), before = subject_seconds(gauge), seconds = subject_seconds(&s),
                     after = subject_seconds(gauge);
        const double worst = before > after ? before : after;
        if (before < *gauge_best) *gauge_best = before;
        if (rate > any.peak) any.peak = rate;
        if (seconds < any.seconds) any.seconds = seconds;
        if (worst > *gauge_best * 1.06) continue;
        good++;
        if (seconds < best.seconds) best.seconds = seconds;
    }
    subject_free(&s);
    best.peak = any.peak;
    return best.seconds < 1e9 ? best : any;
}

int main(int argc, char **argv) {
    const char *network = argc > 1 ? argv[1] : "", *wanted = argc > 2 ? argv[2] : "";
    uint32_t features = ferry_cpu_features();
    if (argc > 3 && !ferry_cpu_features_parse(argv[3], &features)) return fprintf(stderr, "unknown set %s\n", argv[3]), 2;
    const ferry_vector_probe *probe = ferry_vector_probe_for(features);
    size_t count;
    const ferry_conv_tactic *tactics = ferry_conv_tactics(features, &count);
    double total = 0.0, ideal = 0.0, gauge_best = 1e9;
    const layer tiny = {"", 128, 12, 16, 1, 1, 1, 1};
    const ferry_conv_params tiny_params = params_of(&tiny);
    subject gauge;
    if (!subject_make(ferry_conv_choose(features, &tiny_params, tactics[0].block), &tiny_params, &gauge)) return 1;
    for (double stop = ferry_time_seconds() + 0.5; ferry_time_seconds() < stop;) {
        const double seconds = subject_seconds(&gauge);
        if (seconds < gauge_best) gauge_best = seconds;
    }
    printf("%-12s %-28s %-14s %9s %9s %7s\n", "network", "layer", "tactic", "ms", "GFLOP/s", "% peak");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const layer *l = &layers[i];
        if (*network && strcmp(network, l->network) != 0) continue;
        ferry_conv_params p = params_of(l);
        p.fused.kind = getenv("FERRY_BENCH_SILU") ? FERRY_FUSED_SILU : FERRY_FUSED_NONE;
        const double flops = 2.0 * ferry_conv_multiply_adds(&p);
        double least = 1e9, peak = 0.0;
        for (size_t t = 0; t < count; t++) {
            if ((*wanted && strcmp(wanted, tactics[t].name) != 0) || !tactics[t].accepts(&tactics[t], &p, NULL)) continue;
            if ((l->in < tactics[t].block) != (tactics[t].in_block == 1)) continue;
            const timing time = measure(&tactics[t], &p, probe, &gauge, &gauge_best);
            char text[64];
            snprintf(text, sizeof text, "%dx%dx%d k%d s%d g%d -> %d", l->in, l->height, l->height, l->kernel, l->stride,
                     l->groups, l->out);
            printf("%-12s %-28s %-14s %9.3f %9.2f %6.1f%s\n", l->network, text, tactics[t].name, time.seconds * 1e3,
                   flops / time.seconds * 1e-9, 100.0 * flops / time.seconds / time.peak,
                   ferry_conv_choose(features, &p, tactics[t].in_block) == &tactics[t] ? " *" : "");
            if (time.seconds < least) least = time.seconds, peak = time.peak;
        }
        if (least < 1e9) total += least * l->count, ideal += flops / peak * l->count;
    }
    printf("all layers: %.2f ms, direct at peak would be %.2f ms (%.1f %%)\n", total * 1e3, ideal * 1e3, 100.0 * ideal / total);
    subject_free(&gauge);
    return 0;
}
