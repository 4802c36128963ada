/* SPDX-License-Identifier: Apache-2.0 */
/* What the rest of the SDK needs of a context. */
#ifndef FERRY_SDK_CONTEXT_H
#define FERRY_SDK_CONTEXT_H

#include "base/pool.h"
#include "sdk/engine.h"

/* The context's threads, for work before and after a run. */
ferry_pool *ferry_context_pool(const ferry_context *context);

#endif
