/* SPDX-License-Identifier: Apache-2.0 */
/* Operators on strings (UTF-8): StringConcat, StringNormalizer, StringSplit. */
#include <string.h>

#include "ops/support.h"

enum { STRINGS = 1 << FERRY_STRING };

static bool same_text(ferry_string a, ferry_string b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.text, b.text, a.length) == 0);
}

/* ---- StringConcat ---- */

ferry_status ferry_infer_string_concat(ferry_inference *inference) {
    ferry_shape shape;
    FERRY_TRY(ferry_rule_dtypes(inference, 0, STRINGS));
    FERRY_TRY(ferry_rule_dtypes(inference, 1, STRINGS));
    const ferry_shape *a = ferry_rule_shape(inference, 0), *b = ferry_rule_shape(inference, 1);
    if (a && b) FERRY_TRY(ferry_rule_broadcast(inference, a, b, &shape));
    ferry_rule_output(inference, 0, FERRY_STRING, a && b ? &shape : NULL);
    return FERRY_OK;
}

static ferry_status join_texts(ferry_evaluation *evaluation, ferry_string a, ferry_string b, ferry_string *joined) {
    char *text;
    FERRY_SCRATCH(text, evaluation, a.length + b.length);
    if (a.length) memcpy(text, a.text, a.length);
    if (b.length) memcpy(text + a.length, b.text, b.length);
    *joined = (ferry_string){text, a.length + b.length};
    return FERRY_OK;
}

ferry_status ferry_evaluate_string_concat(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *a = ferry_input(evaluation, 0), *b = ferry_input(evaluation, 1);
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    int64_t a_strides[FERRY_MAX_RANK], b_strides[FERRY_MAX_RANK], index[FERRY_MAX_RANK] = {0},
                                                                  count = ferry_shape_count(&y->shape);
    ferry_shape_broadcast_strides(&a->shape, &y->shape, a_strides);
    ferry_shape_broadcast_strides(&b->shape, &y->shape, b_strides);
    for (int64_t i = 0; i < count; i++) {
        int64_t at_a = 0, at_b = 0;
        for (int d = 0; d < y->shape.rank; d++) at_a += index[d] * a_strides[d], at_b += index[d] * b_strides[d];
        FERRY_TRY(join_texts(evaluation, ((const ferry_string *)a->data)[at_a], ((const ferry_string *)b->data)[at_b],
                             &((ferry_string *)y->data)[i]));
        ferry_next_index(y->shape.rank, y->shape.dims, index);
    }
    return ferry_evaluation_own_strings(evaluation, y);
}

/* ---- StringNormalizer ---- */

/* A vector, or a matrix of one row; how many words stay is only known when they are seen. */
ferry_status ferry_infer_string_normalizer(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, STRINGS));
    FERRY_TRY(ferry_rule_rank(inference, 0, 1, 2));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_rule_output(inference, 0, FERRY_STRING, NULL);
    if (!x) return FERRY_OK;
    ferry_shape shape = *x;
    if (x->rank == 2 && ferry_dims_clash(x->dims[0], 1))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "StringNormalizer: a matrix must have one row, not %lld",
                          (long long)x->dims[0]);
    int64_t count;
    const ferry_attribute *stops = ferry_attribute_find(inference->attributes, "stopwords");
    count = stops ? stops->count : 0;
    if (count > 0 || !ferry_dim_known(x->dims[x->rank - 1]) || x->dims[x->rank - 1] == 0)
        shape.dims[x->rank - 1] = ferry_rule_fresh(inference);
    ferry_rule_output(inference, 0, FERRY_STRING, &shape);
    return FERRY_OK;
}

/* Changes the case of ASCII and Latin-1 letters; other characters stay. */
static ferry_status change_case(ferry_evaluation *evaluation, ferry_string from, bool upper, ferry_string *to) {
    unsigned char *text;
    FERRY_SCRATCH(text, evaluation, from.length);
    if (from.length) memcpy(text, from.text, from.length);
    unsigned char low = upper ? 'a' : 'A', high = upper ? 'z' : 'Z';
    for (size_t i = 0; i < from.length; i++) {
        if (text[i] >= low && text[i] <= high) text[i] ^= 0x20;
        bool latin = text[i] == 0xC3 && i + 1 < from.length; /* U+00C0..U+00FF; not the signs at 0xD7 and 0xF7, nor sharp s */
        if (!latin) continue;
        unsigned char *next = &text[++i];
        bool is_upper = *next >= 0x80 && *next <= 0x9E && *next != 0x97,
             is_lower = *next >= 0xA0 && *next <= 0xBE && *next != 0xB7;
        if (upper ? is_lower : is_upper) *next ^= 0x20;
    }
    *to = (ferry_string){(const char *)text, from.length};
    return FERRY_OK;
}

static ferry_status is_stop_word(ferry_evaluation *evaluation, ferry_string word, bool exact, bool *found) {
    const ferry_attribute *stops = ferry_attribute_find(evaluation->attributes, "stopwords");
    ferry_string own = word, other;
    *found = false;
    if (!exact) FERRY_TRY(change_case(evaluation, word, false, &own));
    for (int64_t i = 0; stops && i < stops->count && !*found; i++) {
        other = stops->value.strings[i];
        if (!exact) FERRY_TRY(change_case(evaluation, stops->value.strings[i], false, &other));
        *found = same_text(own, other);
    }
    return FERRY_OK;
}

ferry_status ferry_evaluate_string_normalizer(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    const ferry_attributes *attributes = evaluation->attributes;
    int64_t count = ferry_shape_count(&x->shape), kept = 0;
    bool exact = ferry_attribute_integer(attributes, "is_case_sensitive", 0) != 0;
    bool lower = ferry_attribute_is(attributes, "case_change_action", "LOWER", false),
         upper = ferry_attribute_is(attributes, "case_change_action", "UPPER", false);
    ferry_string *words;
    FERRY_SCRATCH(words, evaluation, count);
    for (int64_t i = 0; i < count; i++) {
        bool stop;
        ferry_string word = ((const ferry_string *)x->data)[i];
        FERRY_TRY(is_stop_word(evaluation, word, exact, &stop));
        if (stop) continue;
        if (lower || upper) FERRY_TRY(change_case(evaluation, word, upper, &word));
        words[kept++] = word;
    }
    if (kept == 0) words[kept++] = (ferry_string){"", 0};
    ferry_shape shape = x->shape;
    shape.dims[shape.rank - 1] = kept;
    FERRY_TRY(ferry_evaluation_allocate(evaluation, 0, FERRY_STRING, &shape));
    ferry_tensor *y = ferry_output(evaluation, 0);
    if (!y) return FERRY_OK;
    memcpy(y->data, words, (size_t)kept * sizeof *words);
    return ferry_evaluation_own_strings(evaluation, y);
}

/* ---- StringSplit ---- */

ferry_status ferry_infer_string_split(ferry_inference *inference) {
    FERRY_TRY(ferry_rule_dtypes(inference, 0, STRINGS));
    FERRY_TRY(ferry_rule_rank(inference, 0, 0, FERRY_MAX_RANK - 1));
    const ferry_shape *x = ferry_rule_shape(inference, 0);
    ferry_rule_output(inference, 0, FERRY_STRING, NULL);
    ferry_rule_output(inference, 1, FERRY_INT64, x);
    if (!x) return FERRY_OK;
    ferry_shape shape = *x;
    shape.dims[shape.rank++] = ferry_rule_fresh(inference);
    ferry_rule_output(inference, 0, FERRY_STRING, &shape);
    return FERRY_OK;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Takes the next piece off *rest; false when there is none. delimiter.length 0: white space separates, and does not count at
 * the ends. last: no further split, the rest is one piece. *more tells whether a delimiter followed. */
static bool next_piece(ferry_string *rest, ferry_string delimiter, bool last, bool *more, ferry_string *piece) {
    if (delimiter.length == 0) {
        while (rest->length && is_space(*rest->text)) rest->text++, rest->length--;
        if (rest->length == 0) return false;
        size_t length = 0;
        while (length < rest->length && (last || !is_space(rest->text[length]))) length++;
        *piece = (ferry_string){rest->text, length};
    } else {
        if (!*more) return false;
        size_t length = 0;
        *more = false;
        for (; !last && length + delimiter.length <= rest->length; length++)
            if (memcmp(rest->text + length, delimiter.text, delimiter.length) == 0) {
                *more = true;
                break;
            }
        if (!*more) length = rest->length;
        *piece = (ferry_string){rest->text, length};
        if (*more) length += delimiter.length;
        *rest = (ferry_string){rest->text + length, rest->length - length};
        return true;
    }
    rest->text += piece->length;
    rest->length -= piece->length;
    return true;
}

/* Counts the pieces of a text, and stores them when `pieces` is not NULL. */
static int64_t split_text(ferry_string text, ferry_string delimiter, int64_t limit, ferry_string *pieces) {
    int64_t count = 0;
    bool more = true;
    ferry_string piece;
    while (next_piece(&text, delimiter, limit >= 0 && count >= limit, &more, &piece)) {
        if (pieces) pieces[count] = piece;
        count++;
    }
    return count;
}

ferry_status ferry_evaluate_string_split(ferry_evaluation *evaluation) {
    FERRY_TRY(ferry_evaluation_prepare(evaluation));
    const ferry_tensor *x = ferry_input(evaluation, 0);
    const ferry_attribute *given = ferry_attribute_find(evaluation->attributes, "delimiter");
    ferry_string delimiter = given ? given->value.string : (ferry_string){"", 0};
    int64_t limit = ferry_attribute_integer(evaluation->attributes, "maxsplit", -1), count = ferry_shape_count(&x->shape),
            widest = 0;
    const ferry_string *texts = x->data;
    for (int64_t i = 0; i < count; i++) widest = ferry_max_int64(widest, split_text(texts[i], delimiter, limit, NULL));
    ferry_shape shape = x->shape;
    shape.dims[shape.rank++] = widest;
    FERRY_TRY(ferry_evaluation_allocate(evaluation, 0, FERRY_STRING, &shape));
    ferry_tensor *y = ferry_output(evaluation, 0), *counts = ferry_output(evaluation, 1);
    for (int64_t i = 0; i < count; i++) {
        ferry_string *row = y ? (ferry_string *)y->data + i * widest : NULL;
        int64_t pieces = split_text(texts[i], delimiter, limit, row);
        for (int64_t k = pieces; row && k < widest; k++) row[k] = (ferry_string){"", 0};
        if (counts) ((int64_t *)counts->data)[i] = pieces;
    }
    return y ? ferry_evaluation_own_strings(evaluation, y) : FERRY_OK;
}
