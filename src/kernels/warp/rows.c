/* SPDX-License-Identifier: Apache-2.0 */
/* The separable pass: horizontally resized rows are kept while the next output row may need them again. */
#include "base/memory.h"
#include "kernels/warp/output.h"
#include "kernels/warp/warp.h"

/* Scratch memory cut into rows. Of each stream the two latest H rows are kept, told apart by the parity of their row. */
typedef struct row_pass {
    const ferry_warp_plan *plan;
    const ferry_warp_kernels *kernels;
    const ferry_image *image;
    int16_t *horizontal[3][2][3]; /* stream, parity, component */
    int32_t held[3][2];           /* which source row each holds; -1 none */
    uint8_t *colors[3];           /* R, G, B of the current output row */
} row_pass;

static size_t row_capacity(const ferry_warp_plan *plan) {
    size_t wanted = plan->content_width > plan->width ? (size_t)plan->content_width : (size_t)plan->width;
    return ferry_align_up(wanted, 64);
}

size_t ferry_warp_scratch_bytes(const ferry_warp_plan *plan) {
    return row_capacity(plan) * (3 /* colours */ + 2 * 3 * sizeof(int16_t) /* at most three components in all */);
}

static void cut_scratch(row_pass *pass, void *scratch) {
    const size_t capacity = row_capacity(pass->plan);
    int16_t *next = scratch;
    for (int s = 0; s < pass->plan->stream_count; s++)
        for (int parity = 0; parity < 2; parity++) {
            pass->held[s][parity] = -1;
            for (int c = 0; c < pass->plan->streams[s].columns.components; c++, next += capacity)
                pass->horizontal[s][parity][c] = next;
        }
    for (int c = 0; c < 3; c++) pass->colors[c] = (uint8_t *)next + (size_t)c * capacity;
}

/* Makes sure that row y of a stream's plane is resized horizontally; returns its component rows. */
static int16_t *const *horizontal_row(row_pass *pass, int s, int32_t y) {
    const ferry_warp_stream *stream = &pass->plan->streams[s];
    const int parity = y & 1;
    int16_t *const *rows = pass->horizontal[s][parity];
    if (pass->held[s][parity] == y) return rows;
    const uint8_t *source = pass->image->planes[stream->plane] + pass->image->strides[stream->plane] * y;
    const bool grouped = stream->columns.group_masks && pass->kernels->horizontal_group;
    (grouped ? pass->kernels->horizontal_group : pass->kernels->horizontal)(&stream->columns, source, rows);
    pass->held[s][parity] = y;
    return rows;
}

/* The two H rows and weights of each R, G, B or Y, U, V for content row y. A row with weight 0 is not made. */
static void gather(row_pass *pass, int y, const int16_t *row0[3], const int16_t *row1[3], int16_t weights[3][2]) {
    for (int s = 0; s < pass->plan->stream_count; s++) {
        const ferry_warp_stream *stream = &pass->plan->streams[s];
        const int16_t *weight = stream->lines.weights + 2 * y;
        int16_t *const *first = horizontal_row(pass, s, stream->lines.first[y]);
        int16_t *const *second = weight[1] == 0 ? first : horizontal_row(pass, s, stream->lines.second[y]);
        for (int c = 0; c < stream->columns.components; c++) {
            int slot = stream->slot[c];
            row0[slot] = first[c];
            row1[slot] = second[c];
            weights[slot][0] = weight[0];
            weights[slot][1] = weight[1];
        }
    }
}

static void resize_row(row_pass *pass, int y) {
    const ferry_warp_plan *plan = pass->plan;
    const int count = plan->streams[0].columns.padded;
    const int16_t *row0[3], *row1[3];
    int16_t weights[3][2];
    gather(pass, y, row0, row1, weights);
    if (!plan->is_yuv) {
        for (int c = 0; c < (plan->is_gray ? 1 : 3); c++)
            pass->kernels->vertical(row0[c], row1[c], weights[c], count, pass->colors[c]);
        return;
    }
    ferry_warp_yuv_rows rows = {.row0 = {row0[0], row0[1], row0[2]},
                                .row1 = {row1[0], row1[1], row1[2]},
                                .luma_weights = {weights[0][0], weights[0][1]},
                                .chroma_weights = {weights[1][0], weights[1][1]},
                                .count = count,
                                .out = {pass->colors[0], pass->colors[1], pass->colors[2]}};
    pass->kernels->yuv(&plan->colors, &rows);
}

void ferry_warp_rows(const ferry_warp_plan *plan, const ferry_warp_kernels *kernels, const ferry_image *image, int begin,
                     int end, void *scratch, void *output) {
    row_pass pass = {.plan = plan, .kernels = kernels, .image = image};
    cut_scratch(&pass, scratch);
    for (int y = begin; y < end; y++) {
        const int content = y - plan->top;
        const bool inside = content >= 0 && content < plan->content_height && plan->content_width > 0;
        if (inside) resize_row(&pass, content);
        ferry_warp_write_row(plan, kernels, plan->is_gray, pass.colors, y, inside ? plan->left : 0,
                             inside ? plan->content_width : 0, output);
    }
}
