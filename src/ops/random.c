/* SPDX-License-Identifier: Apache-2.0 */
/* Random operators. A seed makes a node repeatable; without one the run's generator goes on. The numbers are our own, as ONNX
 * leaves the generator open. */
#include <math.h>
#include <string.h>

#include "ops/support.h"

/* splitmix64 (Steele, Lea, Flood, 2014). */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state) { return (double)(next_random(state) >> 11) * 0x1p-53; }

/* Box and Muller, 1958. */
static double normal(uint64_t *state) {
    double radius = sqrt(-2 * log(1 - uniform(state))), angle = 6.28318530717958647692 * uniform(state);
    return radius * cos(angle);
}

/* The state to draw from: `own`, made of the seed, or the run's. */
static uint64_t *generator(const ferry_evaluation *evaluation, uint64_t *own) {
    const ferry_attribute *seed = ferry_attribute_find(evaluation->attributes, "seed");
    if (!seed && evaluation->random) return evaluation->random;
    float value = seed ? seed->value.real : 0;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    *own = bits;
    return own;
}

/* ---- RandomNormal, RandomUniform and their Like forms ---- */

static ferry_status random_dtype(const ferry_inference *inference, ferry_dtype fallback, unsigned set, ferry_dtype *dtype) {
    int64_t given = ferry_attribute_integer(inference->attributes, "dtype", (int64_t)fallback);
    *dtype = (ferry_dtype)given;
    if (given == 0 || (given > 0 && given <= FERRY_INT2 && (set & FERRY_DTYPE_BIT(given)))) return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: dtype %lld is not possible", inference->op->name,
                      (long long)given);
}

ferry_status ferry_infer_random(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(random_dtype(inference, FERRY_FLOAT32, FERRY_DTYPES_FLOAT, &dtype));
    int64_t count;
    const int64_t *dims = ferry_attribute_integers(inference->attributes, "shape", &count);
    if (count > FERRY_MAX_RANK)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: a rank of %lld is more than %d", inference->op->name,
                          (long long)count, FERRY_MAX_RANK);
    ferry_shape shape = ferry_shape_make((int)count, dims);
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

ferry_status ferry_infer_random_like(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(random_dtype(inference, ferry_rule_dtype(inference, 0), FERRY_DTYPES_FLOAT, &dtype));
    ferry_rule_output(inference, 0, dtype, ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

ferry_status ferry_evaluate_random_normal(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    ferry_tensor *y = ferry_output(evaluation, 0);
    double mean = ferry_attribute_real(evaluation->attributes, "mean", 0),
           scale = ferry_attribute_real(evaluation->attributes, "scale", 1);
    uint64_t own, *state = generator(evaluation, &own);
    int64_t count = y ? ferry_shape_count(&y->shape) : 0;
    for (int64_t i = 0; i < count; i++) ferry_store_double(y->dtype, y->data, i, mean + scale * normal(state));
    return FERRY_OK;
}

ferry_status ferry_evaluate_random_uniform(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    ferry_tensor *y = ferry_output(evaluation, 0);
    double low = ferry_attribute_real(evaluation->attributes, "low", 0),
           high = ferry_attribute_real(evaluation->attributes, "high", 1);
    uint64_t own, *state = generator(evaluation, &own);
    int64_t count = y ? ferry_shape_count(&y->shape) : 0;
    for (int64_t i = 0; i < count; i++) ferry_store_double(y->dtype, y->data, i, low + (high - low) * uniform(state));
    return FERRY_OK;
}

/* ---- Bernoulli and Multinomial ---- */

ferry_status ferry_infer_bernoulli(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    FERRY_TRY(random_dtype(inference, ferry_rule_dtype(inference, 0), FERRY_DTYPES_NUMBER | FERRY_DTYPES_BOOL, &dtype));
    ferry_rule_output(inference, 0, dtype, ferry_rule_shape(inference, 0));
    return FERRY_OK;
}

ferry_status ferry_evaluate_bernoulli(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    uint64_t own, *state = generator(evaluation, &own);
    int64_t count = y ? ferry_shape_count(&y->shape) : 0;
    for (int64_t i = 0; i < count; i++)
        ferry_store_int64(y->dtype, y->data, i, uniform(state) < ferry_load_double(x->dtype, x->data, i));
    return FERRY_OK;
}

/* Rows of unnormalised logarithms of probabilities -> drawn classes. */
ferry_status ferry_infer_multinomial(ferry_inference *inference) {
    ferry_dtype dtype;
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_FLOAT));
    FERRY_TRY(ferry_rule_rank(inference, 0, 2, 2));
    FERRY_TRY(random_dtype(inference, FERRY_INT32, FERRY_DTYPES_INDEX, &dtype));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    int64_t samples = ferry_attribute_integer(inference->attributes, "sample_size", 1);
    if (samples < 1) return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Multinomial: sample_size must be positive");
    ferry_shape shape = {.rank = 2, .dims = {x ? x->dims[0] : ferry_rule_fresh(inference), samples}};
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

ferry_status ferry_evaluate_multinomial(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t classes = x->shape.dims[1], samples = y->shape.dims[1];
    if (classes == 0) return ferry_fail(evaluation->error, FERRY_ERROR_SHAPE, "Multinomial: there are no classes");
    uint64_t own, *state = generator(evaluation, &own);
    double *cumulative;
    FERRY_SCRATCH(cumulative, evaluation, classes);
    for (int64_t row = 0; row < x->shape.dims[0]; row++) {
        double largest = -INFINITY, sum = 0;
        for (int64_t c = 0; c < classes; c++) largest = fmax(largest, ferry_load_double(x->dtype, x->data, row * classes + c));
        for (int64_t c = 0; c < classes; c++)
            cumulative[c] = sum += exp(ferry_load_double(x->dtype, x->data, row * classes + c) - largest);
        for (int64_t s = 0; s < samples; s++) {
            double drawn = uniform(state) * sum;
            int64_t c = 0;
            while (c < classes - 1 && !(drawn < cumulative[c])) c++;
            ferry_store_int64(y->dtype, y->data, row * samples + s, c);
        }
    }
    return FERRY_OK;
}
