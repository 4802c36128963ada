/* SPDX-License-Identifier: Apache-2.0 */
/* The pixel kernels in plain C: the definition that vector code is tested against, and the way for machines without any. */
#include "kernels/warp/pixel.h"
#include "kernels/warp/warp.h"

static inline int load_sample(const ferry_warp_columns *columns, const uint8_t *address) {
    return columns->wide ? (address[0] | address[1] << 8) >> 6 : address[0];
}

void ferry_warp_horizontal_ref(const ferry_warp_columns *columns, const uint8_t *row, int16_t *const out[3]) {
    const int shift = columns->wide ? 6 : 4; /* 10-bit samples weigh four times as much */
    for (int component = 0; component < columns->components; component++) {
        const uint8_t *base = row + columns->offset[component];
        for (int i = 0; i < columns->padded; i++) {
            int first = load_sample(columns, base + (ptrdiff_t)columns->first[i] * columns->step);
            int second = load_sample(columns, base + (ptrdiff_t)columns->second[i] * columns->step);
            out[component][i] = (int16_t)((first * columns->weights[2 * i] + second * columns->weights[2 * i + 1]) >> shift);
        }
    }
}

void ferry_warp_vertical_ref(const int16_t *row0, const int16_t *row1, const int16_t weights[2], int count, uint8_t *out) {
    for (int i = 0; i < count; i++)
        out[i] = (uint8_t)((((row0[i] * weights[0]) >> 16) + ((row1[i] * weights[1]) >> 16) + 2) >> 2);
}

/* 8 * value of one sample from its two rows. */
static inline int blend(const int16_t *row0, const int16_t *row1, const int16_t weights[2], int i) {
    return ferry_warp_round_multiply(row0[i], weights[0]) + ferry_warp_round_multiply(row1[i], weights[1]);
}

/* Restricted pointers, or bytes written could change the numbers read and no compiler would make vectors of it. */
void ferry_warp_yuv_ref(const ferry_warp_colors *colors, const ferry_warp_yuv_rows *rows) {
    const int16_t *restrict y0 = rows->row0[0], *restrict u0 = rows->row0[1], *restrict v0 = rows->row0[2];
    const int16_t *restrict y1 = rows->row1[0], *restrict u1 = rows->row1[1], *restrict v1 = rows->row1[2];
    uint8_t *restrict red = rows->out[0], *restrict green = rows->out[1], *restrict blue = rows->out[2];
    const int16_t luma[2] = {rows->luma_weights[0], rows->luma_weights[1]};
    const int16_t chroma[2] = {rows->chroma_weights[0], rows->chroma_weights[1]};
    const ferry_warp_colors local = *colors;
    for (int i = 0; i < rows->count; i++) {
        const int yuv[3] = {blend(y0, y1, luma, i), blend(u0, u1, chroma, i), blend(v0, v1, chroma, i)};
        uint8_t rgb[3];
        ferry_warp_convert_pixel(&local, yuv, rgb);
        red[i] = rgb[0];
        green[i] = rgb[1];
        blue[i] = rgb[2];
    }
}

void ferry_warp_store_f32_ref(const ferry_warp_scale *scale, const uint8_t *row, int count, void *out, int step) {
    float *elements = out;
    for (int i = 0; i < count; i++) elements[(ptrdiff_t)i * step] = scale->table.f32[row[i]];
}

void ferry_warp_store_f16_ref(const ferry_warp_scale *scale, const uint8_t *row, int count, void *out, int step) {
    uint16_t *elements = out;
    for (int i = 0; i < count; i++) elements[(ptrdiff_t)i * step] = scale->table.f16[row[i]];
}

void ferry_warp_store_u8_ref(const ferry_warp_scale *scale, const uint8_t *row, int count, void *out, int step) {
    uint8_t *elements = out;
    for (int i = 0; i < count; i++) elements[(ptrdiff_t)i * step] = scale->table.u8[row[i]];
}
