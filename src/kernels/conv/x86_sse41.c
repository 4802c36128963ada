/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution with SSE4.1. */
#include "kernels/conv/tactics_body.h"
