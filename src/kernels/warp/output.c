/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/warp/output.h"

#include "kernels/warp/pixel.h"

static size_t element_bytes(ferry_warp_element element) {
    return element == FERRY_WARP_F32 ? 4 : element == FERRY_WARP_F16 ? 2 : 1;
}

/* `count` elements of padding, `step` apart. */
static void fill(const ferry_warp_plan *plan, int channel, void *out, int count, int step) {
    const ferry_warp_scale *scale = &plan->scales[channel];
    const uint8_t pad = plan->pad[channel];
    if (plan->element == FERRY_WARP_F32) {
        float value = scale->table.f32[pad], *elements = out;
        if (step == 1)
            for (int i = 0; i < count; i++) elements[i] = value;
        else
            for (int i = 0; i < count; i++) elements[(ptrdiff_t)i * step] = value;
    } else if (plan->element == FERRY_WARP_F16) {
        uint16_t value = scale->table.f16[pad], *elements = out;
        for (int i = 0; i < count; i++) elements[(ptrdiff_t)i * step] = value;
    } else {
        uint8_t value = scale->table.u8[pad], *elements = out;
        for (int i = 0; i < count; i++) elements[(ptrdiff_t)i * step] = value;
    }
}

static void make_gray(uint8_t *const rows[3], int count) {
    for (int i = 0; i < count; i++) rows[0][i] = ferry_warp_gray(rows[0][i], rows[1][i], rows[2][i]);
}

void ferry_warp_write_row(const ferry_warp_plan *plan, const ferry_warp_kernels *kernels, bool is_gray, uint8_t *const rows[3],
                          int y, int left, int count, void *output) {
    ferry_warp_store_fn *const store = plan->element == FERRY_WARP_F32   ? kernels->store_f32
                                       : plan->element == FERRY_WARP_F16 ? kernels->store_f16
                                                                         : kernels->store_u8;
    const int step = plan->interleaved ? plan->channels : 1;
    const size_t bytes = element_bytes(plan->element), width = (size_t)plan->width;
    if (plan->channels == 1 && !is_gray) make_gray(rows, count);
    for (int c = 0; c < plan->channels; c++) {
        size_t index = plan->interleaved ? (size_t)y * width * (size_t)plan->channels + (size_t)c
                                         : ((size_t)c * (size_t)plan->height + (size_t)y) * width;
        char *out = (char *)output + index * bytes;
        const uint8_t *row = rows[is_gray || plan->channels == 1 ? 0 : plan->channel[c]];
        fill(plan, c, out, left, step);
        store(&plan->scales[c], row, count, out + (size_t)left * (size_t)step * bytes, step);
        fill(plan, c, out + (size_t)(left + count) * (size_t)step * bytes, plan->width - left - count, step);
    }
}
