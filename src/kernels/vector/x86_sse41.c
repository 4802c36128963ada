/* SPDX-License-Identifier: Apache-2.0 */
/* The vector probes of SSE4.1. */
#include "kernels/vector/probe_body.h"
