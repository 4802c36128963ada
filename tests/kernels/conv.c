/* SPDX-License-Identifier: Apache-2.0 */
/* Every convolution tactic under every CPU mask against the definition: odd sizes, borders, groups, dilation, activations,
 * residuals, slices of larger tensors, guarded memory, zero tail channels, exact and extreme values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "check.h"
#include "kernels/conv/conv.h"

typedef struct shape {
    int channels, height, width, out, kernel_height, kernel_width, stride, dilation, top, left, bottom, right, groups, batch;
} shape;

static const shape shapes[] = {
    {3, 20, 22, 16, 6, 6, 2, 1, 2, 2, 2, 2, 1, 1},   {3, 17, 19, 24, 3, 3, 2, 1, 1, 1, 1, 1, 1, 2},
    {4, 9, 11, 7, 7, 7, 2, 1, 3, 3, 3, 3, 1, 1},     {16, 12, 13, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
    {32, 20, 20, 64, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1},  {40, 7, 9, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1, 2},
    {64, 10, 10, 48, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1},  {17, 9, 9, 31, 1, 1, 1, 1, 0, 0, 0, 0, 1, 3},
    {24, 11, 9, 40, 1, 1, 2, 1, 0, 0, 0, 0, 1, 1},   {520, 4, 5, 18, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1},
    {72, 5, 6, 35, 3, 3, 1, 2, 2, 2, 2, 2, 1, 1},    {16, 8, 8, 16, 5, 3, 1, 1, 2, 0, 1, 2, 1, 1},
    {12, 1, 40, 20, 1, 7, 1, 1, 0, 3, 0, 3, 1, 2},   {32, 14, 15, 32, 3, 3, 1, 1, 1, 1, 1, 1, 32, 2},
    {21, 13, 17, 21, 3, 3, 2, 1, 1, 1, 1, 1, 21, 1}, {16, 12, 21, 16, 5, 5, 1, 1, 2, 2, 2, 2, 16, 1},
    {10, 11, 18, 10, 5, 5, 2, 1, 2, 2, 2, 2, 10, 1}, {18, 9, 10, 18, 3, 3, 1, 2, 2, 2, 2, 2, 18, 1},
    {20, 6, 7, 20, 7, 4, 1, 1, 3, 1, 3, 2, 20, 1},   {8, 3, 2, 8, 7, 7, 1, 1, 3, 3, 3, 3, 8, 1},
    {32, 9, 9, 64, 3, 3, 1, 1, 1, 1, 1, 1, 2, 1},    {32, 9, 8, 32, 3, 3, 1, 1, 1, 1, 1, 1, 8, 1},
    {24, 8, 8, 36, 3, 3, 1, 1, 1, 1, 1, 1, 12, 2},   {9, 7, 7, 27, 3, 3, 1, 1, 1, 1, 1, 1, 9, 1},
    {64, 6, 6, 64, 1, 1, 1, 1, 0, 0, 0, 0, 4, 1},    {5, 1, 1, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1},
    {8, 2, 2, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},      {16, 4, 4, 16, 3, 3, 1, 1, 2, 2, 2, 2, 1, 1},
    {16, 5, 5, 16, 3, 3, 1, 1, 0, 0, 0, 0, 1, 1},    {7, 16, 3, 5, 4, 2, 3, 1, 1, 0, 1, 1, 1, 1},
    {2, 3, 3, 4, 2, 2, 1, 1, 5, 4, 5, 4, 1, 1},      {130, 9, 11, 70, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
    {8, 4, 70, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},     {48, 33, 30, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
};

static ferry_conv_params params_of(const shape *s) {
    ferry_conv_params p = {.batch = s->batch,
                           .groups = s->groups,
                           .in_channels = s->channels,
                           .in_height = s->height,
                           .in_width = s->width,
                           .out_channels = s->out,
                           .kernel_height = s->kernel_height,
                           .kernel_width = s->kernel_width,
                           .stride_height = s->stride,
                           .stride_width = s->stride,
                           .dilation_height = s->dilation,
                           .dilation_width = s->dilation,
                           .pad_top = s->top,
                           .pad_left = s->left};
    p.out_height = ferry_conv_out_size(s->height, s->kernel_height, s->stride, s->dilation, s->top, s->bottom);
    p.out_width = ferry_conv_out_size(s->width, s->kernel_width, s->stride, s->dilation, s->left, s->right);
    return p;
}

/* Plain [channels][plane] of an image to blocks and back; tail channels become 0. */
static void to_blocks(const float *plain, int64_t channels, int64_t plane, int block, float *blocked) {
    for (int64_t c = 0; c < (int64_t)ferry_align_up((size_t)channels, (size_t)block); c++)
        for (int64_t i = 0; i < plane; i++)
            blocked[(c / block * plane + i) * block + c % block] = c < channels ? plain[c * plane + i] : 0.0f;
}

static void from_blocks(const float *blocked, int64_t channels, int64_t plane, int block, float *plain, const char *what) {
    for (int64_t c = 0; c < (int64_t)ferry_align_up((size_t)channels, (size_t)block); c++) {
        for (int64_t i = 0; i < plane; i++) {
            float value = blocked[(c / block * plane + i) * block + c % block];
            if (c < channels)
                plain[c * plane + i] = value;
            else if (value != 0.0f)
                fail_msg("%s: tail channel %d holds %g", what, (int)c, (double)value);
        }
    }
}

/* The plain tensors of one case and the reference's answer, made once for all tactics. */
typedef struct problem {
    ferry_conv_params params;
    size_t in_count, out_count, weight_count; /* an image's input and output; all weights */
    ferry_check_buffer input, weights, bias, residual, expected;
    double tolerance, loose; /* loose: of Winograd, whose transforms round more */
} problem;

static problem problem_make(const ferry_conv_params *params, ferry_check_random *random, ferry_check_data kind) {
    problem q = {.params = *params};
    const ferry_conv_params *p = params;
    q.in_count = (size_t)p->in_channels * (size_t)p->in_height * (size_t)p->in_width;
    q.out_count = (size_t)p->out_channels * (size_t)p->out_height * (size_t)p->out_width;
    const size_t depth = (size_t)(p->in_channels / p->groups) * (size_t)p->kernel_height * (size_t)p->kernel_width;
    q.weight_count = (size_t)p->out_channels * depth;
    const size_t batch = (size_t)p->batch;
    q.input = ferry_check_make_floats(q.in_count * batch);
    q.weights = ferry_check_make_floats(q.weight_count);
    q.bias = ferry_check_make_floats((size_t)p->out_channels);
    q.residual = ferry_check_make_floats(q.out_count * batch);
    q.expected = ferry_check_make_floats(q.out_count * batch);
    ferry_check_fill(random, kind, q.input.floats, q.in_count * batch);
    ferry_check_fill(random, kind == FERRY_CHECK_WIDE ? FERRY_CHECK_UNIFORM : kind, q.weights.floats, q.weight_count);
    ferry_check_fill(random, kind, q.bias.floats, (size_t)p->out_channels);
    ferry_check_fill(random, kind, q.residual.floats, q.out_count * batch);
    const ferry_conv_arguments arguments = {q.input.floats, q.weights.floats, q.bias.floats, q.residual.floats,
                                            q.expected.floats};
    ferry_conv_reference(p, &arguments, 0, (int64_t)batch * p->out_channels * p->out_height);
    /* Rounding of a sum of `depth` products, the largest as large as the data allow. */
    const double largest = kind == FERRY_CHECK_WIDE       ? 1e6
                           : kind == FERRY_CHECK_DENORMAL ? 1e-37
                           : kind == FERRY_CHECK_INTEGERS ? 16.0
                                                          : 1.0;
    const double rounding = 1e-7 * largest * sqrt((double)depth + 8.0);
    q.tolerance = kind == FERRY_CHECK_INTEGERS && p->fused.kind <= FERRY_FUSED_RELU ? 0.0 : 16.0 * rounding;
    q.loose = 100.0 * rounding;
    return q;
}

static void problem_free(problem *q) {
    ferry_check_free(&q->input, "input");
    ferry_check_free(&q->weights, "weights");
    ferry_check_free(&q->bias, "bias");
    ferry_check_free(&q->residual, "residual");
    ferry_check_free(&q->expected, "expected");
}

static const char *case_text(const ferry_conv_params *p, const ferry_conv_tactic *tactic, char *text, size_t capacity) {
    snprintf(text, capacity, "%s %s %dx%dx%dx%d k%dx%d s%d d%d p%d,%d o%d %dx%d g%d %s%s%s", tactic->isa, tactic->name,
             p->batch, p->in_channels, p->in_height, p->in_width, p->kernel_height, p->kernel_width, p->stride_height,
             p->dilation_height, p->pad_top, p->pad_left, p->out_channels, p->out_height, p->out_width, p->groups,
             ferry_fused_name(p->fused.kind), p->residual ? " +residual" : "", p->fused.residual_after ? " after" : "");
    return text;
}

/* `gap`: floats between the images of the batch beyond what they need, a multiple of the block. */
static void run_tactic(const problem *q, const ferry_conv_tactic *tactic, int threads, size_t gap) {
    ferry_conv_params p = q->params;
    char text[256];
    case_text(&p, tactic, text, sizeof text);
    const double tolerance = strcmp(tactic->name, "winograd") == 0 ? q->loose : q->tolerance;
    const size_t block = (size_t)tactic->block, batch = (size_t)p.batch, plane = (size_t)p.out_height * (size_t)p.out_width;
    const size_t in_plane = (size_t)p.in_height * (size_t)p.in_width;
    const size_t in_count = ferry_align_up((size_t)p.in_channels, (size_t)tactic->in_block) * in_plane + gap;
    const size_t out_count = ferry_align_up((size_t)p.out_channels, block) * plane + gap;
    if (gap > 0) p.in_batch_stride = (int64_t)in_count, p.out_batch_stride = p.residual_batch_stride = (int64_t)out_count;
    ferry_check_buffer input = ferry_check_make_floats(in_count * batch - gap);
    ferry_check_buffer residual = ferry_check_make_floats(out_count * batch - gap);
    ferry_check_buffer output = ferry_check_make_floats(out_count * batch - gap);
    ferry_check_buffer bias = ferry_check_make_floats(ferry_align_up((size_t)p.out_channels, block));
    ferry_check_buffer packed = ferry_check_make(tactic->packed_bytes(tactic, &p));
    ferry_check_buffer actual = ferry_check_make_floats(q->out_count);
    for (size_t n = 0; n < batch; n++) {
        to_blocks(q->input.floats + n * q->in_count, p.in_channels, (int64_t)in_plane, tactic->in_block,
                  input.floats + n * in_count);
        to_blocks(q->residual.floats + n * q->out_count, p.out_channels, (int64_t)plane, tactic->block,
                  residual.floats + n * out_count);
    }
    to_blocks(q->bias.floats, p.out_channels, 1, tactic->block, bias.floats);
    tactic->pack(tactic, &p, q->weights.floats, packed.floats);
    ferry_conv_plan plan;
    tactic->plan(tactic, &p, threads, &plan);
    assert_true(plan.tasks > 0);
    const ferry_conv_arguments arguments = {input.floats, packed.floats, bias.floats, residual.floats, output.floats};
    for (int64_t i = 0; i < plan.tasks; i++) {
        ferry_check_buffer workspace = ferry_check_make(plan.workspace_bytes);
        tactic->run(tactic, &p, &plan, &arguments, plan.tasks - 1 - i, workspace.data);
        ferry_check_free(&workspace, text);
    }
    for (size_t n = 0; n < batch; n++) {
        from_blocks(output.floats + n * out_count, p.out_channels, (int64_t)plane, tactic->block, actual.floats, text);
        ferry_check_close(q->expected.floats + n * q->out_count, actual.floats, q->out_count, 3e-6, tolerance,
                          "%s (%d threads, image %d)", text, threads, (int)n);
        for (size_t i = 0; n + 1 < batch && i < gap * sizeof(float); i++)
            if (((unsigned char *)(output.floats + (n + 1) * out_count))[-(ptrdiff_t)i - 1] != 0xCD)
                fail_msg("%s: gap hit", text);
    }
    ferry_check_free(&input, text);
    ferry_check_free(&residual, text);
    ferry_check_free(&output, text);
    ferry_check_free(&bias, text);
    ferry_check_free(&packed, text);
    ferry_check_free(&actual, text);
}

static int runs;

static void run_all(const ferry_conv_params *p, ferry_check_random *random, ferry_check_data kind, int threads, size_t gap) {
    const uint32_t *masks;
    const size_t count = ferry_check_masks(&masks);
    problem q = problem_make(p, random, kind);
    for (size_t m = 0; m < count; m++) {
        size_t tactic_count;
        const ferry_conv_tactic *tactics = ferry_conv_tactics(masks[m], &tactic_count);
        assert_int_equal(tactics[0].block, ferry_check_mask_block(masks[m]));
        for (size_t t = 0; t < tactic_count; t++) {
            const char *why = NULL;
            if (tactics[t].accepts(&tactics[t], p, &why)) {
                run_tactic(&q, &tactics[t], threads, gap);
                runs++;
            } else
                assert_non_null(why);
        }
    }
    problem_free(&q);
}

static void fixed_shapes(void **state) {
    (void)state;
    ferry_check_random random = {1};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        ferry_conv_params p = params_of(&shapes[i]);
        const char *why = "";
        if (!ferry_conv_valid(&p, &why)) fail_msg("shape %zu: %s", i, why);
        p.fused.kind = i % 2 ? FERRY_FUSED_NONE : FERRY_FUSED_RELU;
        p.residual = i % 3 == 0;
        run_all(&p, &random, FERRY_CHECK_INTEGERS, 1 + (int)(i % 4), i % 2 ? 32 : 0);
        p.fused.kind = FERRY_FUSED_SILU;
        run_all(&p, &random, FERRY_CHECK_UNIFORM, 1, 0);
    }
}

static void activations(void **state) {
    (void)state;
    ferry_check_random random = {2};
    const shape cases[] = {{9, 7, 6, 21, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, {13, 7, 9, 13, 3, 3, 1, 1, 1, 1, 1, 1, 13, 1}};
    for (int kind = 0; kind < FERRY_FUSED_KINDS; kind++) {
        for (int variant = 0; variant < 3; variant++) {
            for (int c = 0; c < 2; c++) {
                ferry_conv_params p = params_of(&cases[c]);
                p.fused =
                    (ferry_fused){(ferry_fused_kind)kind, 0.25f, kind == FERRY_FUSED_HARD_SIGMOID ? 0.4f : 3.0f, variant == 2};
                p.residual = variant > 0;
                run_all(&p, &random, FERRY_CHECK_UNIFORM, 1, 0);
            }
        }
    }
}

static void extremes(void **state) {
    (void)state;
    ferry_check_random random = {3};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i += 3) {
        ferry_conv_params p = params_of(&shapes[i]);
        run_all(&p, &random, FERRY_CHECK_WIDE, 2, 0);
        p.fused.kind = FERRY_FUSED_SILU;
        run_all(&p, &random, FERRY_CHECK_DENORMAL, 2, 0);
        run_all(&p, &random, FERRY_CHECK_WIDE, 2, 0);
    }
}

static void random_shapes(void **state) {
    (void)state;
    ferry_check_random random = {4};
    for (int i = 0; i < 150;) {
        const int groups = ferry_check_int(&random, 0, 2) ? 1 : ferry_check_int(&random, 1, 12), reach = 5;
        const shape s = {groups * ferry_check_int(&random, 1, groups > 1 ? 9 : 50),
                         ferry_check_int(&random, 1, 14),
                         ferry_check_int(&random, 1, 26),
                         groups * ferry_check_int(&random, 1, groups > 1 ? 9 : 70),
                         ferry_check_int(&random, 1, reach),
                         ferry_check_int(&random, 1, reach),
                         ferry_check_int(&random, 1, 3),
                         ferry_check_int(&random, 1, 2),
                         ferry_check_int(&random, 0, 3),
                         ferry_check_int(&random, 0, 3),
                         ferry_check_int(&random, 0, 3),
                         ferry_check_int(&random, 0, 3),
                         groups,
                         ferry_check_int(&random, 1, 2)};
        ferry_conv_params p = params_of(&s);
        if (!ferry_conv_valid(&p, NULL)) continue;
        p.residual = ferry_check_int(&random, 0, 1);
        run_all(&p, &random, FERRY_CHECK_INTEGERS, ferry_check_int(&random, 1, 5), 0);
        i++;
    }
    printf("  %d runs\n", runs);
}

static void refusals(void **state) {
    (void)state;
    const char *why = NULL;
    ferry_conv_params p = params_of(&shapes[3]);
    assert_true(ferry_conv_valid(&p, &why));
    p.groups = 3;
    assert_false(ferry_conv_valid(&p, &why));
    assert_non_null(why);
    p = params_of(&shapes[3]);
    p.stride_width = 0;
    assert_false(ferry_conv_valid(&p, NULL));
    p = params_of(&shapes[3]);
    p.in_height = p.in_width = p.in_channels = INT32_MAX;
    assert_false(ferry_conv_valid(&p, NULL));
    assert_int_equal(ferry_conv_out_size(2, 5, 1, 1, 1, 1), 0);
    assert_int_equal(ferry_conv_out_size(640, 6, 2, 1, 2, 2), 320);
}

static void choice(void **state) {
    (void)state;
    ferry_conv_params p = params_of(&shapes[13]);
    assert_string_equal(ferry_conv_choose(0, &p, 0)->name, "depthwise");
    p = params_of(&shapes[0]);
    assert_string_equal(ferry_conv_choose(0, &p, 1)->name, "direct_plain");
    assert_null(ferry_conv_choose(0, &p, 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(refusals),     cmocka_unit_test(choice),
                                       cmocka_unit_test(fixed_shapes), cmocka_unit_test(activations),
                                       cmocka_unit_test(extremes),     cmocka_unit_test(random_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
