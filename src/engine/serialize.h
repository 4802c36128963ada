/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FERRY_ENGINE_SERIALIZE_H
#define FERRY_ENGINE_SERIALIZE_H

#include "engine/plan.h"
#include "engine/stream.h"

/* Moves a whole plan (weights excepted) through the stream. Reading fills a zeroed plan and resolves operators, bodies and
 * pointers into plan->weights, which must be set before. */
void ferry_plan_stream(ferry_stream *stream, ferry_plan *plan);

#endif
