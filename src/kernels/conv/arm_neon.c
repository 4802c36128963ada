/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution with NEON. */
#include "kernels/conv/tactics_body.h"
