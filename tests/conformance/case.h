/* SPDX-License-Identifier: Apache-2.0 */
/* One folder in the layout of the ONNX backend tests: model.onnx and test_data_set_N/{input_M,output_M}.pb. */
#ifndef FERRY_CONFORMANCE_CASE_H
#define FERRY_CONFORMANCE_CASE_H

#include "compare.h"

typedef enum outcome { PASSED = 0, WRONG = 1, FAILED = 2, UNSUPPORTED = 3, OUTCOME_COUNT = 4 } outcome;
extern const char *const outcome_names[OUTCOME_COUNT];

typedef struct case_settings {
    tolerance tolerance;
    uint32_t features; /* of the CPU that implementations may use; 0 leaves little but references */
} case_settings;

typedef struct case_result {
    outcome outcome;
    char message[512]; /* empty when it passed */
} case_result;

/* Builds the model as the library does (reading, passes, choice of implementations), runs every data set and compares. May be
 * called by several threads at once. */
void case_run(const char *folder, const case_settings *settings, case_result *result);

#endif
