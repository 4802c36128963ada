/* SPDX-License-Identifier: Apache-2.0 */
/* What a node's activation attributes ask of the convolution and matrix kernels. */
#ifndef FERRY_BACKEND_CPU_EPILOGUE_H
#define FERRY_BACKEND_CPU_EPILOGUE_H

#include "backend/backend.h"
#include "kernels/gemm/fused.h"
#include "ops/activation.h"

/* False when the kernels have no such activation. residual_after follows from the attribute _residual_first. */
bool ferry_cpu_epilogue(const ferry_call *call, ferry_fused *fused);

#endif
