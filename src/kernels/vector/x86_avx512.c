/* SPDX-License-Identifier: Apache-2.0 */
/* The vector probes of AVX-512. */
#include "kernels/vector/probe_body.h"
