/* SPDX-License-Identifier: Apache-2.0 */
#include "vision/preprocess.h"

#include <string.h>

#include "base/memory.h"
#include "kernels/warp/warp.h"
#include "tensor/image.h"
#include "tensor/tensor.h"
#include "vision/affine.h"
#include "vision/geometry.h"

/* Where the samples of a stream lie in its plane. */
typedef struct stream_rule {
    int plane, step, components;
    int offset[3], slot[3];
    int shift_x, shift_y; /* how much coarser than the luma */
} stream_rule;

static const struct format_rule {
    int streams;
    bool is_yuv, is_gray, wide;
    stream_rule stream[3];
} formats[] = {
    [FERRY_PIXEL_RGB24] = {1, 0, 0, 0, {{0, 3, 3, {0, 1, 2}, {0, 1, 2}, 0, 0}}},
    [FERRY_PIXEL_BGR24] = {1, 0, 0, 0, {{0, 3, 3, {2, 1, 0}, {0, 1, 2}, 0, 0}}},
    [FERRY_PIXEL_RGBA32] = {1, 0, 0, 0, {{0, 4, 3, {0, 1, 2}, {0, 1, 2}, 0, 0}}},
    [FERRY_PIXEL_BGRA32] = {1, 0, 0, 0, {{0, 4, 3, {2, 1, 0}, {0, 1, 2}, 0, 0}}},
    [FERRY_PIXEL_GRAY8] = {1, 0, 1, 0, {{0, 1, 1, {0}, {0}, 0, 0}}},
    [FERRY_PIXEL_NV12] = {2, 1, 0, 0, {{0, 1, 1, {0}, {0}, 0, 0}, {1, 2, 2, {0, 1}, {1, 2}, 1, 1}}},
    [FERRY_PIXEL_NV21] = {2, 1, 0, 0, {{0, 1, 1, {0}, {0}, 0, 0}, {1, 2, 2, {1, 0}, {1, 2}, 1, 1}}},
    [FERRY_PIXEL_YUV420P] = {3, 1, 0, 0, {{0, 1, 1, {0}, {0}, 0, 0}, {1, 1, 1, {0}, {1}, 1, 1}, {2, 1, 1, {0}, {2}, 1, 1}}},
    [FERRY_PIXEL_YUV422P] = {3, 1, 0, 0, {{0, 1, 1, {0}, {0}, 0, 0}, {1, 1, 1, {0}, {1}, 1, 0}, {2, 1, 1, {0}, {2}, 1, 0}}},
    [FERRY_PIXEL_YUV444P] = {3, 1, 0, 0, {{0, 1, 1, {0}, {0}, 0, 0}, {1, 1, 1, {0}, {1}, 0, 0}, {2, 1, 1, {0}, {2}, 0, 0}}},
    [FERRY_PIXEL_YUYV] = {2, 1, 0, 0, {{0, 2, 1, {0}, {0}, 0, 0}, {0, 4, 2, {1, 3}, {1, 2}, 1, 0}}},
    [FERRY_PIXEL_P010] = {2, 1, 0, 1, {{0, 2, 1, {0}, {0}, 0, 0}, {1, 4, 2, {0, 2}, {1, 2}, 1, 1}}},
};

struct ferry_preprocessor {
    ferry_preprocess_settings settings;
    ferry_warp_kernels kernels;
    int threads;
    ferry_image key; /* of the picture the tables fit: format, matrix, range, width, height; format NONE before the first */
    ferry_placement placement;
    ferry_warp_plan plan;
    void *tables;
    char *scratch; /* scratch_bytes a thread */
    size_t scratch_bytes;
};

const ferry_preprocess_settings *ferry_preprocessor_settings(const ferry_preprocessor *preprocessor) {
    return &preprocessor->settings;
}

/* The part of the plan that does not depend on the picture. */
static void plan_output(ferry_preprocessor *p) {
    const ferry_preprocess_settings *s = &p->settings;
    ferry_warp_plan *plan = &p->plan;
    plan->channels = s->channels == FERRY_CHANNELS_GRAY ? 1 : 3;
    plan->interleaved = s->interleaved != 0;
    plan->element = s->dtype == FERRY_FLOAT32 ? FERRY_WARP_F32 : s->dtype == FERRY_FLOAT16 ? FERRY_WARP_F16 : FERRY_WARP_U8;
    for (int c = 0; c < plan->channels; c++) {
        plan->channel[c] = s->channels == FERRY_CHANNELS_BGR ? 2 - c : c;
        plan->pad[c] = s->pad[plan->channel[c]];
        const ferry_warp_normalization normalization = {.divisor = s->divisor,
                                                        .mean = s->mean[c],
                                                        .deviation = s->deviation[c],
                                                        .quant_scale = s->quant_scale,
                                                        .zero_point = s->zero_point,
                                                        .is_signed = s->dtype == FERRY_INT8};
        ferry_warp_fill_scale(&normalization, plan->element, &plan->scales[c]);
    }
}

ferry_status ferry_preprocessor_create(const ferry_preprocess_settings *settings, uint32_t cpu_features, int threads,
                                       ferry_preprocessor **preprocessor, ferry_error *error) {
    *preprocessor = NULL;
    FERRY_TRY(ferry_preprocess_settings_check(settings, error));
    ferry_preprocessor *p = ferry_calloc(1, sizeof *p);
    if (!p) return ferry_fail_memory(error, sizeof *p);
    p->settings = *settings;
    p->threads = threads < 1 ? 1 : threads;
    ferry_warp_select(cpu_features, &p->kernels);
    plan_output(p);
    *preprocessor = p;
    return FERRY_OK;
}

static void release_tables(ferry_preprocessor *p) {
    ferry_aligned_free(p->tables);
    ferry_aligned_free(p->scratch);
    p->tables = NULL;
    p->scratch = NULL;
    p->key = (ferry_image){0};
}

void ferry_preprocessor_destroy(ferry_preprocessor *p) {
    if (!p) return;
    release_tables(p);
    ferry_free(p);
}

/* Bytes of one stream's tables, each rounded up to 64. */
static size_t stream_table_bytes(size_t padded, size_t lines, int components) {
    const size_t groups = padded / FERRY_WARP_GROUP;
    const size_t parts[] = {padded * 4, padded * 4, padded * 4, groups * 4, groups * 16 * (size_t)components,
                            lines * 4,  lines * 4,  lines * 4};
    size_t sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) sum += ferry_align_up(parts[i], 64);
    return sum;
}

static void *cut(char **next, size_t bytes) {
    void *part = *next;
    *next += ferry_align_up(bytes, 64);
    return part;
}

static int row_bytes(const stream_rule *rule, int width) { return ((width + rule->shift_x) >> rule->shift_x) * rule->step; }

/* Columns [begin_x, begin_x + plan content width) and likewise rows of the resized picture. */
static void fill_stream(ferry_preprocessor *p, int index, const stream_rule *rule, bool wide, int begin_x, int begin_y,
                        char **next) {
    ferry_warp_plan *plan = &p->plan;
    ferry_warp_stream *stream = &plan->streams[index];
    const int count = plan->content_width, lines = plan->content_height;
    const size_t padded = ferry_align_up((size_t)count, FERRY_WARP_PAD), groups = padded / FERRY_WARP_GROUP;
    *stream = (ferry_warp_stream){.plane = rule->plane};
    ferry_warp_columns *columns = &stream->columns;
    *columns = (ferry_warp_columns){.count = count, .padded = (int32_t)padded, .step = rule->step, .wide = wide};
    columns->components = rule->components;
    for (int c = 0; c < 3; c++) columns->offset[c] = rule->offset[c], stream->slot[c] = rule->slot[c];

    int32_t *first = cut(next, padded * 4), *second = cut(next, padded * 4);
    int16_t *weights = cut(next, padded * 4);
    ferry_warp_fill_taps(p->key.width, p->placement.content_width, begin_x, count, (int)padded, false, first, second, weights);
    if (rule->shift_x) ferry_warp_halve_taps((int)padded, first, second, weights);
    columns->first = first, columns->second = second, columns->weights = weights;
    int32_t *group_base = cut(next, groups * 4);
    uint8_t *group_masks = cut(next, groups * 16 * (size_t)rule->components);
    ferry_warp_fill_groups(columns, row_bytes(rule, p->key.width), group_base, group_masks);

    first = cut(next, (size_t)lines * 4), second = cut(next, (size_t)lines * 4);
    weights = cut(next, (size_t)lines * 4);
    ferry_warp_fill_taps(p->key.height, p->placement.content_height, begin_y, lines, lines, true, first, second, weights);
    if (rule->shift_y) ferry_warp_halve_taps(lines, first, second, weights);
    stream->lines = (ferry_warp_lines){.count = lines, .first = first, .second = second, .weights = weights};
}

/* The visible part of [begin, begin + count) within [0, limit). */
static void visible(int begin, int count, int limit, int *from, int *length) {
    int end = begin + count;
    *from = begin < 0 ? 0 : begin;
    *length = (end > limit ? limit : end) - *from;
    if (*length < 0) *length = 0;
}

static ferry_status plan_separable(ferry_preprocessor *p, const struct format_rule *format, ferry_error *error) {
    ferry_warp_plan *plan = &p->plan;
    const ferry_placement *place = &p->placement;
    visible(place->left, place->content_width, place->width, &plan->left, &plan->content_width);
    visible(place->top, place->content_height, place->height, &plan->top, &plan->content_height);
    plan->stream_count = format->streams;
    size_t bytes = 0;
    for (int i = 0; i < format->streams; i++)
        bytes += stream_table_bytes(ferry_align_up((size_t)plan->content_width, FERRY_WARP_PAD), (size_t)plan->content_height,
                                    format->stream[i].components);
    p->tables = ferry_aligned_malloc(bytes);
    if (!p->tables) return ferry_fail_memory(error, bytes);
    char *next = p->tables;
    for (int i = 0; i < format->streams; i++)
        fill_stream(p, i, &format->stream[i], format->wide, plan->left - place->left, plan->top - place->top, &next);
    return FERRY_OK;
}

static bool is_affine(const ferry_preprocessor *p) {
    return p->settings.fit == FERRY_FIT_AFFINE || p->settings.resample == FERRY_RESAMPLE_AFFINE;
}

static ferry_status build_plan(ferry_preprocessor *p, const ferry_image *image, ferry_error *error) {
    const struct format_rule *format = &formats[image->format];
    ferry_warp_plan *plan = &p->plan;
    release_tables(p);
    p->key = *image;
    p->placement = ferry_place(&p->settings, image->width, image->height);
    plan->width = p->placement.width;
    plan->height = p->placement.height;
    plan->is_yuv = format->is_yuv;
    plan->is_gray = format->is_gray;
    plan->stream_count = plan->content_width = 0;
    ferry_color_matrix matrix = image->matrix;
    if (matrix == FERRY_MATRIX_UNSPECIFIED) matrix = image->height < 720 ? FERRY_MATRIX_BT601 : FERRY_MATRIX_BT709;
    ferry_warp_fill_colors(matrix, image->range == FERRY_RANGE_FULL ? FERRY_RANGE_FULL : FERRY_RANGE_LIMITED, &plan->colors);
    if (!is_affine(p)) FERRY_TRY(plan_separable(p, format, error));
    p->scratch_bytes = ferry_align_up(ferry_warp_scratch_bytes(plan), 64);
    p->scratch = ferry_aligned_malloc(p->scratch_bytes * (size_t)p->threads);
    return p->scratch ? FERRY_OK : ferry_fail_memory(error, p->scratch_bytes * (size_t)p->threads);
}

static bool fits(const ferry_preprocessor *p, const ferry_image *image) {
    return p->key.format == image->format && p->key.width == image->width && p->key.height == image->height &&
           p->key.matrix == image->matrix && p->key.range == image->range;
}

ferry_status ferry_preprocessor_prepare(ferry_preprocessor *p, const ferry_image *image, ferry_shape *shape,
                                        ferry_error *error) {
    FERRY_TRY(ferry_image_check(image, error));
    if ((unsigned)image->matrix > FERRY_MATRIX_BT2020 || (unsigned)image->range > FERRY_RANGE_FULL)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "unknown colour matrix %d or range %d", (int)image->matrix,
                          (int)image->range);
    if (!fits(p, image)) {
        ferry_status status = build_plan(p, image, error);
        if (status != FERRY_OK) {
            release_tables(p);
            return status;
        }
    }
    const int64_t channels = p->plan.channels, height = p->placement.height, width = p->placement.width;
    const int64_t planar[4] = {1, channels, height, width}, interleaved[4] = {1, height, width, channels};
    *shape = ferry_shape_make(4, p->settings.interleaved ? interleaved : planar);
    return FERRY_OK;
}

ferry_status ferry_preprocessor_set_affine(ferry_preprocessor *p, const double to_network[6], ferry_error *error) {
    ferry_affine affine;
    if (p->settings.fit != FERRY_FIT_AFFINE)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "a transform can be set only where the fit is affine");
    if (!ferry_affine_from_matrix(to_network, &affine))
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "the affine transform is singular or not finite");
    memcpy(p->settings.affine, to_network, sizeof p->settings.affine);
    p->placement.affine = affine;
    return FERRY_OK;
}

typedef struct row_job {
    ferry_preprocessor *p;
    const ferry_image *image;
    void *output;
    int rows_a_task;
} row_job;

static void run_rows(void *user, int64_t index, int thread) {
    const row_job *job = user;
    ferry_preprocessor *p = job->p;
    const int begin = (int)index * job->rows_a_task;
    const int end = (int)ferry_min_int64(begin + job->rows_a_task, p->plan.height);
    char *scratch = p->scratch + p->scratch_bytes * (size_t)thread;
    if (is_affine(p))
        ferry_warp_affine_rows(&p->plan, &p->kernels, job->image, p->placement.affine.to_picture, begin, end, scratch,
                               job->output);
    else
        ferry_warp_rows(&p->plan, &p->kernels, job->image, begin, end, scratch, job->output);
}

ferry_status ferry_preprocessor_run(ferry_preprocessor *p, const ferry_image *image, ferry_pool *pool, void *output,
                                    size_t output_bytes, ferry_affine *transform, ferry_error *error) {
    ferry_shape shape;
    size_t wanted = 0;
    FERRY_TRY(ferry_preprocessor_prepare(p, image, &shape, error));
    if (!ferry_tensor_bytes(p->settings.dtype, FERRY_LAYOUT_PLAIN, &shape, &wanted) || wanted != output_bytes)
        return ferry_fail(error, FERRY_ERROR_SHAPE,
                          "network input of %zu bytes where the picture makes %dx%d pixels, %zu bytes", output_bytes,
                          p->plan.width, p->plan.height, wanted);
    if (ferry_pool_threads(pool) > p->threads)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "a pool of %d threads where the preprocessor was made for %d",
                          ferry_pool_threads(pool), p->threads);
    const int tasks = ferry_pool_threads(pool) > 1 ? 2 * ferry_pool_threads(pool) : 1;
    row_job job = {.p = p, .image = image, .output = output, .rows_a_task = (p->plan.height + tasks - 1) / tasks};
    ferry_pool_run(pool, ferry_ceil_div(p->plan.height, job.rows_a_task), run_rows, &job);
    *transform = p->placement.affine;
    return FERRY_OK;
}
