/* SPDX-License-Identifier: Apache-2.0 */
/* Free affine sampling, as the GPU pre-processing of many C++ ports does it: one bilinear read a pixel, in float. */
#include <math.h>

#include "kernels/warp/output.h"
#include "kernels/warp/pixel.h"

static int read_wide(const uint8_t *address) { return (address[0] | address[1] << 8) >> 6; }

/* Y, U, V of one pixel as 8 * value. */
static void read_yuv(const ferry_image *image, int x, int y, int yuv[3]) {
    const uint8_t *luma = image->planes[0] + image->strides[0] * y;
    const int half = x >> 1;
    switch (image->format) {
    case FERRY_PIXEL_NV12:
    case FERRY_PIXEL_NV21: {
        const uint8_t *chroma = image->planes[1] + image->strides[1] * (y >> 1) + 2 * half;
        const int swap = image->format == FERRY_PIXEL_NV21;
        yuv[0] = 8 * luma[x], yuv[1] = 8 * chroma[swap], yuv[2] = 8 * chroma[!swap];
        return;
    }
    case FERRY_PIXEL_P010: {
        const uint8_t *chroma = image->planes[1] + image->strides[1] * (y >> 1) + 4 * half;
        yuv[0] = 2 * read_wide(luma + 2 * x), yuv[1] = 2 * read_wide(chroma), yuv[2] = 2 * read_wide(chroma + 2);
        return;
    }
    case FERRY_PIXEL_YUYV: {
        yuv[0] = 8 * luma[2 * x], yuv[1] = 8 * luma[4 * half + 1], yuv[2] = 8 * luma[4 * half + 3];
        return;
    }
    default: {
        const int shift_x = image->format != FERRY_PIXEL_YUV444P, shift_y = image->format == FERRY_PIXEL_YUV420P;
        yuv[0] = 8 * luma[x];
        for (int p = 1; p < 3; p++) yuv[p] = 8 * image->planes[p][image->strides[p] * (y >> shift_y) + (x >> shift_x)];
    }
    }
}

static void read_rgb(const ferry_warp_plan *plan, const ferry_image *image, int x, int y, uint8_t rgb[3]) {
    if (plan->is_yuv) {
        int yuv[3];
        read_yuv(image, x, y, yuv);
        ferry_warp_convert_pixel(&plan->colors, yuv, rgb);
        return;
    }
    const uint8_t *row = image->planes[0] + image->strides[0] * y;
    const bool four = image->format == FERRY_PIXEL_RGBA32 || image->format == FERRY_PIXEL_BGRA32;
    const bool swap = image->format == FERRY_PIXEL_BGR24 || image->format == FERRY_PIXEL_BGRA32;
    const uint8_t *pixel = row + (ptrdiff_t)x * (plan->is_gray ? 1 : four ? 4 : 3);
    rgb[0] = pixel[plan->is_gray ? 0 : swap ? 2 : 0];
    rgb[1] = pixel[plan->is_gray ? 0 : 1];
    rgb[2] = pixel[plan->is_gray ? 0 : swap ? 0 : 2];
}

/* The padding colour as R, G, B. */
static void padding_rgb(const ferry_warp_plan *plan, uint8_t rgb[3]) {
    for (int c = 0; c < 3; c++) rgb[plan->channels == 1 ? c : plan->channel[c]] = plan->pad[plan->channels == 1 ? 0 : c];
}

static void sample(const ferry_warp_plan *plan, const ferry_image *image, double x, double y, const uint8_t padding[3],
                   uint8_t *const rows[3], int i) {
    for (int c = 0; c < 3; c++) rows[c][i] = padding[c];
    if (!(x > -1 && x < image->width && y > -1 && y < image->height)) return;
    const int left = (int)floor(x), top = (int)floor(y);
    const float fx = (float)(x - left), fy = (float)(y - top);
    float sum[3] = {0, 0, 0};
    for (int tap = 0; tap < 4; tap++) {
        const int tx = left + (tap & 1), ty = top + (tap >> 1);
        const float weight = (tap & 1 ? fx : 1 - fx) * (tap >> 1 ? fy : 1 - fy);
        uint8_t rgb[3] = {padding[0], padding[1], padding[2]};
        if (tx >= 0 && tx < image->width && ty >= 0 && ty < image->height) read_rgb(plan, image, tx, ty, rgb);
        for (int c = 0; c < 3; c++) sum[c] += weight * rgb[c];
    }
    for (int c = 0; c < 3; c++) rows[c][i] = (uint8_t)(sum[c] + 0.5f);
}

void ferry_warp_affine_rows(const ferry_warp_plan *plan, const ferry_warp_kernels *kernels, const ferry_image *image,
                            const double to_source[6], int begin, int end, void *scratch, void *output) {
    uint8_t *rows[3], padding[3];
    for (int c = 0; c < 3; c++) rows[c] = (uint8_t *)scratch + (size_t)c * (size_t)plan->width;
    padding_rgb(plan, padding);
    for (int y = begin; y < end; y++) {
        for (int x = 0; x < plan->width; x++) {
            double cx = x + 0.5, cy = y + 0.5;
            sample(plan, image, to_source[0] * cx + to_source[1] * cy + to_source[2] - 0.5,
                   to_source[3] * cx + to_source[4] * cy + to_source[5] - 0.5, padding, rows, x);
        }
        ferry_warp_write_row(plan, kernels, false, rows, y, 0, plan->width, output);
    }
}
