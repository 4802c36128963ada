/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix multiplication with SSE4.1. */
#include "kernels/gemm/gemm_body.h"
