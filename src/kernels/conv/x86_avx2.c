/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution with AVX2. */
#include "kernels/conv/tactics_body.h"
