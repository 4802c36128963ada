/* SPDX-License-Identifier: Apache-2.0 */
/* The vector probes of NEON. */
#include "kernels/vector/probe_body.h"
