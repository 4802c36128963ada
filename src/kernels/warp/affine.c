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

/* Where R, G and B lie in a pixel of one plane. */
typedef struct packing {
    int bytes, offset[3];
} packing;

static packing find_packing(const ferry_image *image, bool is_gray) {
    const bool four = image->format == FERRY_PIXEL_RGBA32 || image->format == FERRY_PIXEL_BGRA32;
    const bool swap = image->format == FERRY_PIXEL_BGR24 || image->format == FERRY_PIXEL_BGRA32;
    if (is_gray) return (packing){1, {0, 0, 0}};
    return (packing){four ? 4 : 3, {swap ? 2 : 0, 1, swap ? 0 : 2}};
}

static void read_rgb(const ferry_warp_plan *plan, const ferry_image *image, int x, int y, uint8_t rgb[3]) {
    if (plan->is_yuv) {
        int yuv[3];
        read_yuv(image, x, y, yuv);
        ferry_warp_convert_pixel(&plan->colors, yuv, rgb);
        return;
    }
    const packing source = find_packing(image, plan->is_gray);
    const uint8_t *pixel = image->planes[0] + image->strides[0] * y + (ptrdiff_t)x * source.bytes;
    for (int c = 0; c < 3; c++) rgb[c] = pixel[source.offset[c]];
}

/* The padding colour as R, G, B. */
static void padding_rgb(const ferry_warp_plan *plan, uint8_t rgb[3]) {
    for (int c = 0; c < 3; c++) rgb[plan->channels == 1 ? c : plan->channel[c]] = plan->pad[plan->channels == 1 ? 0 : c];
}

/* The four neighbours of a point and their weights. */
typedef struct neighbours {
    int left, top;
    float weights[4]; /* top left, top right, bottom left, bottom right */
} neighbours;

static neighbours neighbours_of(double x, double y) {
    neighbours n = {.left = (int)floor(x), .top = (int)floor(y)};
    const float fx = (float)(x - n.left), fy = (float)(y - n.top);
    n.weights[0] = (1 - fx) * (1 - fy);
    n.weights[1] = fx * (1 - fy);
    n.weights[2] = (1 - fx) * fy;
    n.weights[3] = fx * fy;
    return n;
}

/* Near the border: each neighbour converted on its own, since the padding is a colour. */
static void sample_border(const ferry_warp_plan *plan, const ferry_image *image, const neighbours *n, const uint8_t padding[3],
                          uint8_t *const rows[3], int i) {
    float sum[3] = {0, 0, 0};
    for (int tap = 0; tap < 4; tap++) {
        const int x = n->left + (tap & 1), y = n->top + (tap >> 1);
        uint8_t rgb[3] = {padding[0], padding[1], padding[2]};
        if (x >= 0 && x < image->width && y >= 0 && y < image->height) read_rgb(plan, image, x, y, rgb);
        for (int c = 0; c < 3; c++) sum[c] += n->weights[tap] * rgb[c];
    }
    for (int c = 0; c < 3; c++) rows[c][i] = (uint8_t)(sum[c] + 0.5f);
}

/* Inside a YUV picture: interpolated first, converted once, as in the separable pass. */
static void sample_yuv(const ferry_warp_plan *plan, const ferry_image *image, const neighbours *n, uint8_t *const rows[3],
                       int i) {
    float sum[3] = {0.5f, 0.5f, 0.5f};
    for (int tap = 0; tap < 4; tap++) {
        int yuv[3];
        read_yuv(image, n->left + (tap & 1), n->top + (tap >> 1), yuv);
        for (int c = 0; c < 3; c++) sum[c] += n->weights[tap] * (float)yuv[c];
    }
    const int mean[3] = {(int)sum[0], (int)sum[1], (int)sum[2]};
    uint8_t rgb[3];
    ferry_warp_convert_pixel(&plan->colors, mean, rgb);
    for (int c = 0; c < 3; c++) rows[c][i] = rgb[c];
}

/* Inside a packed picture. */
static void sample_packed(const packing *source, const ferry_image *image, const neighbours *n, uint8_t *const rows[3], int i) {
    const uint8_t *top = image->planes[0] + image->strides[0] * n->top + (ptrdiff_t)n->left * source->bytes;
    const uint8_t *bottom = top + image->strides[0];
    for (int c = 0; c < 3; c++) {
        const int here = source->offset[c], right = here + source->bytes;
        const float sum = n->weights[0] * top[here] + n->weights[1] * top[right] + n->weights[2] * bottom[here] +
                          n->weights[3] * bottom[right];
        rows[c][i] = (uint8_t)(sum + 0.5f);
    }
}

static void sample(const ferry_warp_plan *plan, const packing *source, const ferry_image *image, double x, double y,
                   const uint8_t padding[3], uint8_t *const rows[3], int i) {
    if (!(x > -1 && x < image->width && y > -1 && y < image->height)) {
        for (int c = 0; c < 3; c++) rows[c][i] = padding[c];
        return;
    }
    const neighbours n = neighbours_of(x, y);
    if (n.left < 0 || n.top < 0 || n.left + 1 >= image->width || n.top + 1 >= image->height)
        sample_border(plan, image, &n, padding, rows, i);
    else if (plan->is_yuv)
        sample_yuv(plan, image, &n, rows, i);
    else
        sample_packed(source, image, &n, rows, i);
}

void ferry_warp_affine_rows(const ferry_warp_plan *plan, const ferry_warp_kernels *kernels, const ferry_image *image,
                            const double to_source[6], int begin, int end, void *scratch, void *output) {
    uint8_t *rows[3], padding[3];
    for (int c = 0; c < 3; c++) rows[c] = (uint8_t *)scratch + (size_t)c * (size_t)plan->width;
    const packing source = find_packing(image, plan->is_gray);
    padding_rgb(plan, padding);
    for (int y = begin; y < end; y++) {
        for (int x = 0; x < plan->width; x++) {
            const double cx = x + 0.5, cy = y + 0.5;
            sample(plan, &source, image, to_source[0] * cx + to_source[1] * cy + to_source[2] - 0.5,
                   to_source[3] * cx + to_source[4] * cy + to_source[5] - 0.5, padding, rows, x);
        }
        ferry_warp_write_row(plan, kernels, false, rows, y, 0, plan->width, output);
    }
}
