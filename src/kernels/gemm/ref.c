/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix multiplication with the portable set. */
#include "kernels/gemm/gemm_body.h"
