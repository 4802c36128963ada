/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix multiplication with NEON. */
#include "kernels/gemm/gemm_body.h"
