/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution with the portable set. */
#include "kernels/conv/tactics_body.h"
