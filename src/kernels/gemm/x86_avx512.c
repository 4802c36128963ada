/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix multiplication with AVX-512. */
#include "kernels/gemm/gemm_body.h"
