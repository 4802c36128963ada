/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a value is what was expected, as the ONNX backend tests decide it. */
#ifndef FERRY_CONFORMANCE_COMPARE_H
#define FERRY_CONFORMANCE_COMPARE_H

#include "ops/ops.h"

typedef struct tolerance {
    double relative, absolute;
} tolerance;

/* Kind, element type and shape must agree. Floats: |actual - expected| <= absolute + relative * |expected| as numpy.allclose
 * has it, infinities equal, NaN equal to NaN; everything else exactly. Absent optionals and items of sequences one by one. On
 * false, `why` says what differs first and by how much. */
bool values_agree(const ferry_value *actual, const ferry_value *expected, const tolerance *tolerance, char *why,
                  size_t capacity);

#endif
