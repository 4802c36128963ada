/* SPDX-License-Identifier: Apache-2.0 */
/* Col2Im: sums sliding blocks, laid out as columns, back into a picture of any rank. */
#include "ops/elementwise.h"

enum { MAX_SPATIAL = FERRY_MAX_RANK - 2 };

typedef struct geometry {
    int rank;
    int64_t image[MAX_SPATIAL], block[MAX_SPATIAL], strides[MAX_SPATIAL], dilations[MAX_SPATIAL], begin[MAX_SPATIAL];
    int64_t places[MAX_SPATIAL]; /* of the block along each axis */
} geometry;

static ferry_status read_list(const ferry_inference *inference, const char *name, int64_t wanted, int64_t low, int64_t fallback,
                              int64_t *values) {
    int64_t count;
    const int64_t *given = ferry_attribute_integers(inference->attributes, name, &count);
    if (given && count != wanted)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Col2Im: %s has %lld entries, expected %lld", name,
                          (long long)count, (long long)wanted);
    for (int64_t i = 0; i < wanted; i++) {
        values[i] = given ? given[i] : fallback;
        if (values[i] < low || values[i] > INT32_MAX)
            return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "Col2Im: %s[%lld] is %lld", name, (long long)i,
                              (long long)values[i]);
    }
    return FERRY_OK;
}

/* *known is false when the shapes of image and block are not. */
static ferry_status read_geometry(const ferry_inference *inference, geometry *g, bool *known) {
    int64_t image_count, block_count, pads[2 * MAX_SPATIAL];
    const int64_t *image = ferry_rule_values(inference, 1, &image_count),
                  *block = ferry_rule_values(inference, 2, &block_count);
    *known = image && block;
    if (!*known) return FERRY_OK;
    if (image_count != block_count || image_count < 1 || image_count > MAX_SPATIAL)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Col2Im: image_shape has %lld and block_shape %lld entries",
                          (long long)image_count, (long long)block_count);
    g->rank = (int)image_count;
    FERRY_TRY(read_list(inference, "strides", g->rank, 1, 1, g->strides));
    FERRY_TRY(read_list(inference, "dilations", g->rank, 1, 1, g->dilations));
    FERRY_TRY(read_list(inference, "pads", 2 * g->rank, 0, 0, pads));
    for (int i = 0; i < g->rank; i++) {
        g->image[i] = image[i];
        g->block[i] = block[i];
        g->begin[i] = pads[i];
        if (!ferry_dim_known(image[i]) || !ferry_dim_known(block[i])) {
            *known = false;
            continue;
        }
        bool sane = image[i] >= 0 && image[i] <= INT32_MAX && block[i] >= 1 && block[i] <= INT32_MAX;
        int64_t room = sane ? image[i] + pads[i] + pads[i + g->rank] - g->dilations[i] * (block[i] - 1) - 1 : -1;
        if (room < 0)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "Col2Im: a block of %lld does not fit an image of %lld",
                              (long long)block[i], (long long)image[i]);
        g->places[i] = room / g->strides[i] + 1;
    }
    return FERRY_OK;
}

static ferry_status check_columns(const ferry_inference *inference, const ferry_shape *in, const geometry *g,
                                  int64_t *channels) {
    int64_t block = 1, places = 1;
    for (int i = 0; i < g->rank; i++) {
        block = ferry_dim_multiply(NULL, block, g->block[i]);
        places = ferry_dim_multiply(NULL, places, g->places[i]);
    }
    *channels = ferry_dim_floor_divide(inference->symbols, in->dims[1], block);
    bool rows_fit = block != FERRY_DIM_UNKNOWN && (!ferry_dim_known(in->dims[1]) || in->dims[1] % block == 0);
    if (!rows_fit || (ferry_dim_known(in->dims[2]) && in->dims[2] != places))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE,
                          "Col2Im: %lld rows and %lld columns, expected a multiple of %lld and %lld", (long long)in->dims[1],
                          (long long)in->dims[2], (long long)block, (long long)places);
    return FERRY_OK;
}

ferry_status ferry_infer_col2im(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, FERRY_DTYPES_NUMBER | FERRY_DTYPES_BOOL));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, FERRY_DTYPE_BIT(FERRY_INT64)));
    FERRY_TRY(ferry_rule_dtypes(inference, 2, FERRY_DTYPE_BIT(FERRY_INT64)));
    FERRY_TRY(ferry_rule_rank(inference, 0, 3, 3));
    ferry_dtype dtype = ferry_rule_dtype(inference, 0);
    const ferry_shape *in = ferry_rule_shape(inference, 0);
    ferry_rule_output(inference, 0, dtype, NULL);
    geometry g;
    bool known;
    FERRY_TRY(read_geometry(inference, &g, &known));
    if (!in || !known) return FERRY_OK;
    ferry_shape shape = {.rank = g.rank + 2, .dims = {in->dims[0]}};
    FERRY_TRY(check_columns(inference, in, &g, &shape.dims[1]));
    for (int i = 0; i < g.rank; i++) shape.dims[2 + i] = g.image[i];
    ferry_rule_output(inference, 0, dtype, &shape);
    return FERRY_OK;
}

/* Where element `cell` of the block at `place` lies in the image, or -1 in the padding. */
static int64_t image_offset(const geometry *g, int64_t cell, int64_t place) {
    int64_t offset = 0, stride = 1;
    for (int i = g->rank - 1; i >= 0; i--) {
        int64_t position = place % g->places[i] * g->strides[i] + cell % g->block[i] * g->dilations[i] - g->begin[i];
        if (position < 0 || position >= g->image[i]) return -1;
        offset += position * stride;
        stride *= g->image[i];
        place /= g->places[i];
        cell /= g->block[i];
    }
    return offset;
}

static void add_columns(const geometry *g, const ferry_shape *in, const ferry_shape *out, ferry_compute compute,
                        const void *columns, void *image) {
    int64_t area = ferry_shape_product(out, 2, out->rank), cells = in->dims[1] / (out->dims[1] ? out->dims[1] : 1),
            places = in->dims[2];
    for (int64_t row = 0; row < in->dims[0] * in->dims[1]; row++)
        for (int64_t place = 0; place < places; place++) {
            int64_t offset = image_offset(g, row % cells, place);
            if (offset < 0) continue;
            int64_t to = row / cells * area + offset, from = row * places + place;
            if (compute == FERRY_COMPUTE_FLOAT)
                ((float *)image)[to] += ((const float *)columns)[from];
            else if (compute == FERRY_COMPUTE_DOUBLE)
                ((double *)image)[to] += ((const double *)columns)[from];
            else
                ((uint64_t *)image)[to] += ((const uint64_t *)columns)[from];
        }
}

ferry_status ferry_evaluate_col2im(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *in = ferry_input(evaluation, 0), *out = ferry_output(evaluation, 0);
    if (!out) return FERRY_OK;
    ferry_value_type image = {.dtype = FERRY_INT64,
                              .ranked = true,
                              .shape = ferry_input(evaluation, 1)->shape,
                              .data = ferry_input(evaluation, 1)->data};
    ferry_value_type block = {.dtype = FERRY_INT64,
                              .ranked = true,
                              .shape = ferry_input(evaluation, 2)->shape,
                              .data = ferry_input(evaluation, 2)->data};
    const ferry_value_type *inputs[] = {NULL, &image, &block};
    ferry_inference inference = {.op = evaluation->op,
                                 .attributes = evaluation->attributes,
                                 .input_count = 3,
                                 .inputs = inputs,
                                 .arena = evaluation->scratch,
                                 .error = evaluation->error};
    geometry g;
    bool known;
    FERRY_TRY(read_geometry(&inference, &g, &known));
    ferry_compute compute = ferry_compute_of(in->dtype);
    const void *columns = ferry_compute_view(evaluation, compute, in);
    void *sums = ferry_evaluation_scratch(evaluation, (size_t)ferry_shape_count(&out->shape), sizeof(int64_t));
    if (!columns || !sums) return FERRY_ERROR_OUT_OF_MEMORY;
    add_columns(&g, &in->shape, &out->shape, compute, columns, sums);
    ferry_compute_store(compute, out, sums);
    return FERRY_OK;
}
