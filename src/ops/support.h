/* SPDX-License-Identifier: Apache-2.0 */
/* A few more helpers for rules and evaluations, on top of ops/rules.h: scratch in one line, sets of inputs, scalars. */
#ifndef FERRY_OPS_SUPPORT_H
#define FERRY_OPS_SUPPORT_H

#include "ops/rules.h"

/* Zeroed scratch for `count` items, or return out of memory from the calling function. */
#define FERRY_SCRATCH(pointer, evaluation, count)                                                                              \
    do {                                                                                                                       \
        (pointer) = ferry_evaluation_scratch((evaluation), (size_t)(count) + 1, sizeof *(pointer));                            \
        if (!(pointer)) return FERRY_ERROR_OUT_OF_MEMORY;                                                                      \
    } while (0)
/* Assigns, and returns out of memory from the calling function when the expression gave NULL. */
#define FERRY_NEED(pointer, expression)                                                                                        \
    do {                                                                                                                       \
        (pointer) = (expression);                                                                                              \
        if (!(pointer)) return FERRY_ERROR_OUT_OF_MEMORY;                                                                      \
    } while (0)

/* Whether two dimensions are surely different numbers. */
static inline bool ferry_dims_clash(int64_t a, int64_t b) { return ferry_dim_known(a) && ferry_dim_known(b) && a != b; }

/* FERRY_ERROR_SHAPE unless input `index` is there, is of a type in the set and, where its rank is known, of this rank (-1:
 * any). *shape is its shape, or NULL where its rank is not known. */
ferry_status ferry_rule_require(const ferry_inference *inference, int index, unsigned dtypes, int rank,
                                const ferry_shape **shape);
/* FERRY_ERROR_SHAPE unless the optional input `index` is absent, or a vector of `length` elements (as far as is known). */
ferry_status ferry_rule_vector(const ferry_inference *inference, int index, const char *what, int64_t length);
/* Rule: output 0 has input 0's dtype and shape; float64, float32, float16 or bfloat16. */
ferry_status ferry_infer_same_float(ferry_inference *inference);

/* One number of an optional scalar input; the fallback when it is absent or empty. */
double ferry_scalar_double(const ferry_tensor *tensor, double fallback);
int64_t ferry_scalar_integer(const ferry_tensor *tensor, int64_t fallback);
/* The constant elements of a tensor as doubles in the arena; NULL when they are not known (or memory ran out). */
const double *ferry_rule_reals(const ferry_inference *inference, int index, int64_t *count);

/* Steps a multi-index through `dims` in row-major order; false, and all zero again, after the last. */
bool ferry_next_index(int rank, const int64_t *dims, int64_t *index);

#endif
