/* SPDX-License-Identifier: Apache-2.0 */
/* Writing rows of 8-bit R, G, B into the tensor: shared by the separable and the affine pass. */
#ifndef FERRY_KERNELS_WARP_OUTPUT_H
#define FERRY_KERNELS_WARP_OUTPUT_H

#include "kernels/warp/warp.h"

/* Row y of the result: padding, `count` pixels from column `left`, padding. rows: R, G, B, or only rows[0] when `is_gray`;
 * where grey is wanted of a coloured picture rows[0] is overwritten with it. count may be 0. */
void ferry_warp_write_row(const ferry_warp_plan *plan, const ferry_warp_kernels *kernels, bool is_gray, uint8_t *const rows[3],
                          int y, int left, int count, void *output);

#endif
