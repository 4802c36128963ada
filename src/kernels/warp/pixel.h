/* SPDX-License-Identifier: Apache-2.0 */
/* The colour rule of one pixel, shared by the plain kernels. */
#ifndef FERRY_KERNELS_WARP_PIXEL_H
#define FERRY_KERNELS_WARP_PIXEL_H

#include "kernels/warp/warp.h"

static inline int ferry_warp_round_multiply(int a, int b) { return (a * b + 0x4000) >> 15; }

static inline uint8_t ferry_warp_clip_sixteenths(int value) {
    value = (value + 8) >> 4;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* yuv: 8 * value each; see ferry_warp_colors. */
static inline void ferry_warp_convert_pixel(const ferry_warp_colors *colors, const int yuv[3], uint8_t rgb[3]) {
    int y = ferry_warp_round_multiply((yuv[0] - 8 * colors->luma_offset) * 8, colors->luma);
    int u = (yuv[1] - 1024) * 8, v = (yuv[2] - 1024) * 8;
    rgb[0] = ferry_warp_clip_sixteenths(y + ferry_warp_round_multiply(v, colors->red_v));
    rgb[1] = ferry_warp_clip_sixteenths(y - ferry_warp_round_multiply(u, colors->green_u) -
                                        ferry_warp_round_multiply(v, colors->green_v));
    rgb[2] = ferry_warp_clip_sixteenths(y + ferry_warp_round_multiply(u, colors->blue_u));
}

/* Luma of BT.601 with 15 fraction bits, as cv2.cvtColor makes grey of RGB. */
static inline uint8_t ferry_warp_gray(int red, int green, int blue) {
    return (uint8_t)((red * 9798 + green * 19235 + blue * 3735 + (1 << 14)) >> 15);
}

#endif
