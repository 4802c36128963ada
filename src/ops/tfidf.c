/* SPDX-License-Identifier: Apache-2.0 */
/* TfIdfVectorizer: counts n-grams of a pool, with up to max_skip_count items skipped between their parts. */
#include <string.h>

#include "ops/support.h"

typedef struct gram_pool {
    const int64_t *integers;     /* either these */
    const ferry_string *strings; /* or these */
    int64_t items;
    const int64_t *starts; /* ngram_counts: where in the pool the grams of length 1, 2 ... begin */
    int64_t lengths;
    const int64_t *places; /* ngram_indexes: the output's place of each gram */
    int64_t grams, width;  /* width: largest place + 1 */
    int64_t shortest, longest, skips;
} gram_pool;

static ferry_status bad_pool(ferry_error *error, const char *what) {
    return ferry_fail(error, FERRY_ERROR_SHAPE, "TfIdfVectorizer: %s", what);
}

/* Items of the pool between which grams of `length` lie. */
static void gram_range(const gram_pool *pool, int64_t length, int64_t *first, int64_t *last) {
    *first = length <= pool->lengths ? pool->starts[length - 1] : pool->items;
    *last = length < pool->lengths ? pool->starts[length] : pool->items;
}

static ferry_status read_pool(const ferry_attributes *attributes, ferry_error *error, gram_pool *pool) {
    *pool = (gram_pool){.shortest = ferry_attribute_integer(attributes, "min_gram_length", 1),
                        .longest = ferry_attribute_integer(attributes, "max_gram_length", 1),
                        .skips = ferry_attribute_integer(attributes, "max_skip_count", 0)};
    const ferry_attribute *strings = ferry_attribute_find(attributes, "pool_strings");
    pool->integers = ferry_attribute_integers(attributes, "pool_int64s", &pool->items);
    if (!pool->integers && strings) pool->strings = strings->value.strings, pool->items = strings->count;
    pool->starts = ferry_attribute_integers(attributes, "ngram_counts", &pool->lengths);
    pool->places = ferry_attribute_integers(attributes, "ngram_indexes", &pool->grams);
    if (pool->shortest < 1 || pool->longest < pool->shortest || pool->longest > 64 || pool->skips < 0 ||
        pool->skips > INT32_MAX)
        return bad_pool(error, "min_gram_length, max_gram_length or max_skip_count is out of range");
    if (!pool->starts || !pool->places) return bad_pool(error, "ngram_counts and ngram_indexes are missing");
    int64_t total = 0;
    for (int64_t length = 1; length <= pool->lengths; length++) {
        int64_t first, last;
        gram_range(pool, length, &first, &last);
        if (first < 0 || last < first || last > pool->items || (last - first) % length)
            return bad_pool(error, "ngram_counts does not divide the pool into whole n-grams");
        total += (last - first) / length;
    }
    if (total > pool->grams) return bad_pool(error, "ngram_indexes has fewer entries than the pool has n-grams");
    for (int64_t i = 0; i < pool->grams; i++) {
        if (pool->places[i] < 0 || pool->places[i] > INT32_MAX)
            return bad_pool(error, "ngram_indexes holds a place out of range");
        pool->width = ferry_max_int64(pool->width, pool->places[i] + 1);
    }
    return FERRY_OK;
}

ferry_status ferry_infer_tf_idf_vectorizer(ferry_inference *inference) {
    gram_pool pool;
    FERRY_TRY(read_pool(inference->attributes, inference->error, &pool));
    FERRY_TRY(ferry_rule_dtypes(inference, 0, pool.strings ? 1u << FERRY_STRING : FERRY_DTYPES_INDEX));
    FERRY_TRY(ferry_rule_rank(inference, 0, 1, 2));
    int64_t count;
    if (ferry_attribute_reals(inference->attributes, "weights", &count) && count != pool.grams)
        return bad_pool(inference->error, "weights and ngram_indexes differ in length");
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_rule_output(inference, 0, FERRY_FLOAT32, NULL);
    if (!x) return FERRY_OK;
    ferry_shape shape = *x;
    shape.dims[x->rank - 1] = pool.width;
    ferry_rule_output(inference, 0, FERRY_FLOAT32, &shape);
    return FERRY_OK;
}

static bool same_item(const gram_pool *pool, int64_t item, const ferry_tensor *x, int64_t index) {
    if (pool->integers) return pool->integers[item] == ferry_load_int64(x->dtype, x->data, index);
    ferry_string a = pool->strings[item], b = ((const ferry_string *)x->data)[index];
    return a.length == b.length && (a.length == 0 || memcmp(a.text, b.text, a.length) == 0);
}

/* Counts every gram of `length` in a row of `columns` items, its parts `step` items apart. */
static void count_grams(const gram_pool *pool, int64_t length, int64_t step, const ferry_tensor *x, int64_t row,
                        int64_t columns, double *counts) {
    int64_t first, last, gram = 0, from, to;
    gram_range(pool, length, &first, &last);
    for (int64_t shorter = 1; shorter < length && shorter <= pool->lengths; shorter++) {
        gram_range(pool, shorter, &from, &to);
        gram += (to - from) / shorter;
    }
    for (int64_t at = first; at + length <= last; at += length, gram++)
        for (int64_t start = 0; start < columns && step * (length - 1) < columns - start; start++) {
            int64_t k = 0;
            while (k < length && same_item(pool, at + k, x, row * columns + start + k * step)) k++;
            counts[gram] += k == length;
        }
}

static double weigh(const ferry_attributes *attributes, const float *weights, int64_t gram, double count) {
    double weight = weights ? weights[gram] : 1;
    if (ferry_attribute_is(attributes, "mode", "IDF", false)) return count > 0 ? weight : 0;
    return ferry_attribute_is(attributes, "mode", "TFIDF", false) ? count * weight : count;
}

ferry_status ferry_evaluate_tf_idf_vectorizer(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    gram_pool pool;
    FERRY_TRY(read_pool(evaluation->attributes, evaluation->error, &pool));
    int64_t columns = x->shape.dims[x->shape.rank - 1], rows = x->shape.rank == 2 ? x->shape.dims[0] : 1, weight_count;
    const float *weights = ferry_attribute_reals(evaluation->attributes, "weights", &weight_count);
    double *counts;
    FERRY_SCRATCH(counts, evaluation, pool.grams);
    float *out = y->data;
    memset(out, 0, (size_t)(rows * pool.width) * sizeof *out);
    for (int64_t row = 0; row < rows; row++) {
        memset(counts, 0, (size_t)pool.grams * sizeof *counts);
        for (int64_t length = pool.shortest; length <= pool.longest; length++) {
            int64_t farthest =
                length == 1 ? 1 : ferry_min_int64(pool.skips + 1, columns); /* single items have nothing between */
            for (int64_t step = 1; step <= farthest; step++) count_grams(&pool, length, step, x, row, columns, counts);
        }
        for (int64_t g = 0; g < pool.grams; g++)
            if (counts[g] > 0)
                out[row * pool.width + pool.places[g]] += (float)weigh(evaluation->attributes, weights, g, counts[g]);
    }
    return FERRY_OK;
}
