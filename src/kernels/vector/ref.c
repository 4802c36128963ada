/* SPDX-License-Identifier: Apache-2.0 */
/* The vector probes of the portable set. */
#include "kernels/vector/probe_body.h"
