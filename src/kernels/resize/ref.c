/* SPDX-License-Identifier: Apache-2.0 */
/* Resizing straight from the tables, one output at a time, and the dispatch. */
#include "kernels/resize/resize.h"

static float resize_one(const ferry_resizing *r, const float *in, int lanes, int64_t z, int64_t y, int64_t x) {
    const ferry_resize_axis *depth = &r->axis[0], *height = &r->axis[1], *width = &r->axis[2];
    double sum = 0.0;
    for (int i = 0; i < depth->taps; i++)
        for (int j = 0; j < height->taps; j++)
            for (int k = 0; k < width->taps; k++) {
                int64_t iz = depth->index[z * depth->taps + i], iy = height->index[y * height->taps + j];
                int64_t ix = width->index[x * width->taps + k];
                double weight = (double)depth->weight[z * depth->taps + i] * (double)height->weight[y * height->taps + j] *
                                (double)width->weight[x * width->taps + k];
                sum += weight * (double)in[((iz * height->input + iy) * width->input + ix) * lanes];
            }
    return (float)sum;
}

static void resize(const ferry_resizing *r, float *out, const float *in, int64_t first, int64_t last, int lanes) {
    out += first * r->axis[2].output * lanes;
    for (int64_t row = first; row < last; row++)
        for (int64_t x = 0; x < r->axis[2].output; x++)
            for (int lane = 0; lane < lanes; lane++)
                *out++ = resize_one(r, in + lane, lanes, row / r->axis[1].output, row % r->axis[1].output, x);
}

#define RESIZE(lanes)                                                                                                          \
    static void resize_##lanes(const ferry_resizing *r, float *out, const float *in, float *workspace, int64_t first,          \
                               int64_t last) {                                                                                 \
        (void)workspace;                                                                                                       \
        resize(r, out, in, first, last, lanes);                                                                                \
    }

RESIZE(1)
RESIZE(4)
RESIZE(8)
RESIZE(16)

void ferry_resize_init(ferry_resize_functions *functions, uint32_t features) {
    (void)features;
    *functions = (ferry_resize_functions){resize_1, {resize_4, resize_8, resize_16}};
#define FERRY_KERNEL_SET(set, need)                                                                                            \
    if ((features & (need)) == (need)) ferry_resize_init_##set(functions);
#include "kernels/sets.def"
}
