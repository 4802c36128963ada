/* SPDX-License-Identifier: Apache-2.0 */
/* Symbolic dimensions as polynomials with integer coefficients over atoms (names, fresh symbols, floor quotients, minima and
 * maxima). Expressions are kept in one normal form and interned by their text, so equal expressions share a code. */
#include "ops/symbols.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/map.h"
#include "base/memory.h"

/* Beyond these an expression becomes FERRY_DIM_UNKNOWN: no real network comes near, hostile ones must not cost time or stack.
 */
enum { MAX_TERMS = 24, MAX_FACTORS = 8, MAX_WEIGHT = 2000, KEY_BYTES = 3072 };

typedef enum atom_kind { ATOM_NAMED, ATOM_FRESH, ATOM_FLOOR, ATOM_MINIMUM, ATOM_MAXIMUM } atom_kind;

typedef struct atom {
    atom_kind kind;
    const char *name; /* NAMED */
    int64_t a, b;     /* operands: floor(a / b), min(a, b), max(a, b) */
    int64_t lower;    /* the atom is at least this; INT64_MIN when no bound is known */
    int weight;       /* nodes of the whole expression tree below */
} atom;

typedef struct term {
    int64_t coefficient;
    int32_t count;
    int32_t factors[MAX_FACTORS]; /* atoms, ascending; none for the constant */
} term;

/* Terms in descending graded order, the constant last; no zero coefficients. */
typedef struct sum {
    int count;
    term terms[MAX_TERMS];
} sum;

typedef struct stored_sum {
    int count;
    const term *terms;
} stored_sum;

struct ferry_symbols {
    ferry_arena arena;
    FERRY_VECTOR(atom) atoms;
    FERRY_VECTOR(stored_sum) sums;
    ferry_map keys; /* "=..." an expression, "n..." a name, "/a,b" and so on an atom */
};

ferry_symbols *ferry_symbols_create(void) { return ferry_calloc(1, sizeof(ferry_symbols)); }

void ferry_symbols_destroy(ferry_symbols *symbols) {
    if (!symbols) return;
    ferry_arena_release(&symbols->arena);
    ferry_vector_free(&symbols->atoms);
    ferry_vector_free(&symbols->sums);
    ferry_map_free(&symbols->keys);
    ferry_free(symbols);
}

/* ---- text that grows in a fixed buffer ---- */

typedef struct writer {
    char *text;
    size_t capacity, used;
} writer;

static void put(writer *out, const char *format, ...) FERRY_PRINTF(2, 3);
static void put(writer *out, const char *format, ...) {
    if (out->used >= out->capacity) return;
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(out->text + out->used, out->capacity - out->used, format, arguments);
    va_end(arguments);
    if (written > 0) out->used += (size_t)written;
}

/* ---- codes ---- */

static int64_t code_of(size_t index) { return INT64_MIN + 1 + (int64_t)index; }

static const stored_sum *stored(const ferry_symbols *symbols, int64_t dim) {
    if (!symbols || dim == FERRY_DIM_UNKNOWN || ferry_dim_known(dim)) return NULL;
    size_t index = (size_t)(dim - INT64_MIN - 1);
    return index < symbols->sums.count ? &symbols->sums.items[index] : NULL;
}

static int64_t number(int64_t value) { return ferry_dim_known(value) ? value : FERRY_DIM_UNKNOWN; }

static bool decode(const ferry_symbols *symbols, int64_t dim, sum *result) {
    result->count = 0;
    if (ferry_dim_known(dim)) {
        if (dim != 0) result->terms[result->count++] = (term){.coefficient = dim};
        return true;
    }
    const stored_sum *found = stored(symbols, dim);
    if (!found) return false;
    result->count = found->count;
    memcpy(result->terms, found->terms, (size_t)found->count * sizeof *found->terms);
    return true;
}

static int sum_weight(const ferry_symbols *symbols, const term *terms, int count) {
    int weight = count;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < terms[i].count; j++) weight += symbols->atoms.items[terms[i].factors[j]].weight;
    return weight;
}

static int dim_weight(const ferry_symbols *symbols, int64_t dim) {
    const stored_sum *found = stored(symbols, dim);
    return found ? sum_weight(symbols, found->terms, found->count) : 1;
}

static void sum_key(const sum *s, writer *key) {
    put(key, "=");
    for (int i = 0; i < s->count; i++) {
        put(key, "+%" PRId64, s->terms[i].coefficient);
        for (int j = 0; j < s->terms[i].count; j++) put(key, "*%d", s->terms[i].factors[j]);
    }
}

static int64_t encode(ferry_symbols *symbols, const sum *s) {
    if (s->count == 0) return 0;
    if (s->count == 1 && s->terms[0].count == 0) return number(s->terms[0].coefficient);
    char text[KEY_BYTES];
    writer key = {text, sizeof text, 0};
    sum_key(s, &key);
    if (key.used >= sizeof text || sum_weight(symbols, s->terms, s->count) > MAX_WEIGHT) return FERRY_DIM_UNKNOWN;
    int64_t index = ferry_map_get(&symbols->keys, text);
    if (index >= 0) return code_of((size_t)index);
    stored_sum fresh = {s->count, ferry_arena_copy(&symbols->arena, s->terms, (size_t)s->count * sizeof *s->terms)};
    if (!fresh.terms || !ferry_vector_push(&symbols->sums, fresh)) return FERRY_DIM_UNKNOWN;
    if (!ferry_map_set(&symbols->keys, text, (int64_t)symbols->sums.count - 1)) {
        symbols->sums.count--;
        return FERRY_DIM_UNKNOWN;
    }
    return code_of(symbols->sums.count - 1);
}

/* ---- polynomials ---- */

/* Graded order: more factors first, then the one with more of the older atoms. Compatible with multiplication. */
static int compare_terms(const term *a, const term *b) {
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    for (int i = 0; i < a->count; i++)
        if (a->factors[i] != b->factors[i]) return a->factors[i] < b->factors[i] ? -1 : 1;
    return 0;
}

static bool sum_insert(sum *s, const term *t) {
    if (t->coefficient == 0) return true;
    int at = 0;
    while (at < s->count && compare_terms(&s->terms[at], t) < 0) at++;
    if (at < s->count && compare_terms(&s->terms[at], t) == 0) {
        if (__builtin_add_overflow(s->terms[at].coefficient, t->coefficient, &s->terms[at].coefficient)) return false;
        if (s->terms[at].coefficient != 0) return true;
        s->count--;
        memmove(&s->terms[at], &s->terms[at + 1], (size_t)(s->count - at) * sizeof *s->terms);
        return true;
    }
    if (s->count == MAX_TERMS) return false;
    memmove(&s->terms[at + 1], &s->terms[at], (size_t)(s->count - at) * sizeof *s->terms);
    s->terms[at] = *t;
    s->count++;
    return true;
}

static bool term_multiply(const term *a, const term *b, term *result) {
    if (a->count + b->count > MAX_FACTORS) return false;
    if (!ferry_int64_multiply(a->coefficient, b->coefficient, &result->coefficient)) return false;
    result->count = a->count + b->count;
    for (int i = 0, j = 0, k = 0; k < result->count; k++) {
        bool from_a = j == b->count || (i < a->count && a->factors[i] <= b->factors[j]);
        result->factors[k] = from_a ? a->factors[i++] : b->factors[j++];
    }
    return true;
}

static bool sum_add_product(sum *s, const sum *a, const term *b) {
    for (int i = 0; i < a->count; i++) {
        term product;
        if (!term_multiply(&a->terms[i], b, &product) || !sum_insert(s, &product)) return false;
    }
    return true;
}

/* a / b when b divides a, coefficients too. */
static bool term_divide(const term *a, const term *b, term *result) {
    if (a->coefficient == INT64_MIN || a->coefficient % b->coefficient != 0) return false;
    *result = (term){.coefficient = a->coefficient / b->coefficient};
    int j = 0;
    for (int i = 0; i < a->count; i++) {
        if (j < b->count && a->factors[i] == b->factors[j])
            j++;
        else
            result->factors[result->count++] = a->factors[i];
    }
    return j == b->count;
}

/* Polynomial long division; false when there is a remainder. */
static bool sum_divide_exactly(const sum *a, const sum *b, sum *quotient) {
    sum rest = *a;
    quotient->count = 0;
    for (int steps = 0; rest.count > 0; steps++) {
        term factor;
        if (steps == MAX_TERMS || !term_divide(&rest.terms[0], &b->terms[0], &factor)) return false;
        term negative = factor;
        negative.coefficient = -factor.coefficient;
        if (!sum_insert(quotient, &factor) || !sum_add_product(&rest, b, &negative)) return false;
    }
    return true;
}

static const term one = {.coefficient = 1}, minus_one = {.coefficient = -1};

/* ---- atoms ---- */

/* The least value of a sum, when all its coefficients beside the constant are positive and its atoms bounded. */
static int64_t sum_lower(const ferry_symbols *symbols, const sum *s) {
    int64_t total = 0;
    for (int i = 0; i < s->count; i++) {
        int64_t value = s->terms[i].coefficient;
        if (value < 0 && s->terms[i].count > 0) return INT64_MIN;
        for (int j = 0; j < s->terms[i].count; j++) {
            int64_t lower = symbols->atoms.items[s->terms[i].factors[j]].lower;
            if (lower < 0 || !ferry_int64_multiply(value, lower, &value)) return INT64_MIN;
        }
        if (__builtin_add_overflow(total, value, &total)) return INT64_MIN;
    }
    return total;
}

static int64_t dim_lower(const ferry_symbols *symbols, int64_t dim) {
    sum s;
    return decode(symbols, dim, &s) ? sum_lower(symbols, &s) : INT64_MIN;
}

static int64_t atom_lower(const ferry_symbols *symbols, const atom *a) {
    if (a->kind == ATOM_NAMED) return 1;
    if (a->kind == ATOM_FRESH) return 0;
    int64_t first = dim_lower(symbols, a->a), second = dim_lower(symbols, a->b);
    if (a->kind == ATOM_MINIMUM) return ferry_min_int64(first, second);
    if (a->kind == ATOM_MAXIMUM) return ferry_max_int64(first, second);
    if (first < 0 || second <= 0) return INT64_MIN;
    return ferry_dim_known(a->b) ? first / a->b : 0;
}

static int64_t atom_dim(ferry_symbols *symbols, int32_t index) {
    sum s = {.count = 1};
    s.terms[0] = (term){.coefficient = 1, .count = 1, .factors = {index}};
    return encode(symbols, &s);
}

static int64_t atom_make(ferry_symbols *symbols, const char *key, atom fresh) {
    int64_t found = key ? ferry_map_get(&symbols->keys, key) : -1;
    if (found >= 0) return atom_dim(symbols, (int32_t)found);
    fresh.weight = 1;
    if (fresh.kind >= ATOM_FLOOR) fresh.weight += dim_weight(symbols, fresh.a) + dim_weight(symbols, fresh.b);
    if (fresh.weight > MAX_WEIGHT || symbols->atoms.count >= INT32_MAX) return FERRY_DIM_UNKNOWN;
    fresh.lower = atom_lower(symbols, &fresh);
    if (!ferry_vector_push(&symbols->atoms, fresh)) return FERRY_DIM_UNKNOWN;
    int32_t index = (int32_t)(symbols->atoms.count - 1);
    if (key && !ferry_map_set(&symbols->keys, key, index)) {
        symbols->atoms.count--;
        return FERRY_DIM_UNKNOWN;
    }
    return atom_dim(symbols, index);
}

static int64_t operation(ferry_symbols *symbols, atom_kind kind, int64_t a, int64_t b) {
    char key[64];
    snprintf(key, sizeof key, "%d:%" PRId64 ",%" PRId64, (int)kind, a, b);
    return atom_make(symbols, key, (atom){.kind = kind, .a = a, .b = b});
}

int64_t ferry_symbol_named(ferry_symbols *symbols, const char *name) {
    if (!symbols) return FERRY_DIM_UNKNOWN;
    size_t length = strlen(name);
    char *key = ferry_arena_allocate(&symbols->arena, length + 2, 1);
    if (!key) return FERRY_DIM_UNKNOWN;
    key[0] = 'n';
    memcpy(key + 1, name, length);
    return atom_make(symbols, key, (atom){.kind = ATOM_NAMED, .name = key + 1});
}

int64_t ferry_symbol_fresh(ferry_symbols *symbols) {
    return symbols ? atom_make(symbols, NULL, (atom){.kind = ATOM_FRESH}) : FERRY_DIM_UNKNOWN;
}

/* ---- arithmetic ---- */

int64_t ferry_dim_add(ferry_symbols *symbols, int64_t a, int64_t b) {
    int64_t result;
    if (ferry_dim_known(a) && ferry_dim_known(b))
        return __builtin_add_overflow(a, b, &result) ? FERRY_DIM_UNKNOWN : number(result);
    sum left, right;
    if (!decode(symbols, a, &left) || !decode(symbols, b, &right)) return FERRY_DIM_UNKNOWN;
    return sum_add_product(&left, &right, &one) ? encode(symbols, &left) : FERRY_DIM_UNKNOWN;
}

int64_t ferry_dim_subtract(ferry_symbols *symbols, int64_t a, int64_t b) {
    int64_t result;
    if (ferry_dim_known(a) && ferry_dim_known(b))
        return __builtin_sub_overflow(a, b, &result) ? FERRY_DIM_UNKNOWN : number(result);
    sum left, right;
    if (!decode(symbols, a, &left) || !decode(symbols, b, &right)) return FERRY_DIM_UNKNOWN;
    return sum_add_product(&left, &right, &minus_one) ? encode(symbols, &left) : FERRY_DIM_UNKNOWN;
}

int64_t ferry_dim_multiply(ferry_symbols *symbols, int64_t a, int64_t b) {
    int64_t result;
    if (ferry_dim_known(a) && ferry_dim_known(b))
        return ferry_int64_multiply(a, b, &result) ? number(result) : FERRY_DIM_UNKNOWN;
    sum left, right, product = {.count = 0};
    if (!decode(symbols, a, &left) || !decode(symbols, b, &right)) return FERRY_DIM_UNKNOWN;
    for (int i = 0; i < right.count; i++)
        if (!sum_add_product(&product, &left, &right.terms[i])) return FERRY_DIM_UNKNOWN;
    return encode(symbols, &product);
}

static int64_t floor_number(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

static int64_t greatest_divisor(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

/* Moves the multiples of b out of a, leaving coefficients in [0, b). */
static bool split_multiples(const sum *a, int64_t b, sum *whole, sum *rest) {
    whole->count = rest->count = 0;
    for (int i = 0; i < a->count; i++) {
        term out = a->terms[i], in = a->terms[i];
        out.coefficient = floor_number(a->terms[i].coefficient, b);
        in.coefficient = a->terms[i].coefficient - out.coefficient * b;
        if (!sum_insert(whole, &out) || !sum_insert(rest, &in)) return false;
    }
    return true;
}

/* floor((g x + c) / (g m)) = floor((x + floor(c / g)) / m) for integer x. */
static int64_t cancel_divisor(sum *rest, int64_t b) {
    int64_t g = b;
    for (int i = 0; i < rest->count; i++)
        if (rest->terms[i].count > 0) g = greatest_divisor(g, rest->terms[i].coefficient);
    sum reduced = {.count = 0};
    for (int i = 0; i < rest->count; i++) {
        term t = rest->terms[i];
        t.coefficient /= g; /* both are positive here */
        sum_insert(&reduced, &t);
    }
    *rest = reduced;
    return b / g;
}

/* floor((floor(x / d) + c) / b) = floor((x + d c) / (d b)). Gives the atom, and the constant, when rest has that form. */
static const atom *inner_floor(const ferry_symbols *symbols, const sum *rest, int64_t *constant) {
    bool has_constant = rest->count == 2 && rest->terms[1].count == 0;
    if (!(rest->count == 1 || has_constant) || rest->terms[0].count != 1 || rest->terms[0].coefficient != 1) return NULL;
    const atom *inner = &symbols->atoms.items[rest->terms[0].factors[0]];
    *constant = has_constant ? rest->terms[1].coefficient : 0;
    return inner->kind == ATOM_FLOOR && ferry_dim_known(inner->b) && inner->b > 0 ? inner : NULL;
}

static int64_t floor_by_number(ferry_symbols *symbols, const sum *a, int64_t b) {
    sum whole, rest;
    if (!split_multiples(a, b, &whole, &rest)) return FERRY_DIM_UNKNOWN;
    int64_t quotient = encode(symbols, &whole), constant;
    if (rest.count == 0 || (rest.count == 1 && rest.terms[0].count == 0)) return quotient;
    b = cancel_divisor(&rest, b);
    if (b == 1) return ferry_dim_add(symbols, quotient, encode(symbols, &rest));
    const atom *inner = inner_floor(symbols, &rest, &constant);
    if (!inner) return ferry_dim_add(symbols, quotient, operation(symbols, ATOM_FLOOR, encode(symbols, &rest), b));
    int64_t divisor = inner->b;
    int64_t numerator = ferry_dim_add(symbols, inner->a, ferry_dim_multiply(symbols, divisor, constant));
    int64_t merged = ferry_dim_floor_divide(symbols, numerator, ferry_dim_multiply(symbols, divisor, b));
    return ferry_dim_add(symbols, quotient, merged);
}

int64_t ferry_dim_floor_divide(ferry_symbols *symbols, int64_t a, int64_t b) {
    if (b == 0) return FERRY_DIM_UNKNOWN;
    if (ferry_dim_known(a) && ferry_dim_known(b)) return number(floor_number(a, b));
    sum left, right, quotient;
    if (!decode(symbols, a, &left) || !decode(symbols, b, &right)) return FERRY_DIM_UNKNOWN;
    if (sum_divide_exactly(&left, &right, &quotient)) return encode(symbols, &quotient);
    if (ferry_dim_known(b) && b > 0) return floor_by_number(symbols, &left, b);
    return operation(symbols, ATOM_FLOOR, a, b);
}

int64_t ferry_dim_ceil_divide(ferry_symbols *symbols, int64_t a, int64_t b) {
    if (b == 0) return FERRY_DIM_UNKNOWN;
    if (ferry_dim_known(a) && ferry_dim_known(b)) return number(a / b + (a % b != 0 && (a < 0) == (b < 0)));
    if (ferry_dim_known(b) && b > 0) return ferry_dim_floor_divide(symbols, ferry_dim_add(symbols, a, b - 1), b);
    int64_t negative = ferry_dim_floor_divide(symbols, ferry_dim_subtract(symbols, 0, a), b);
    return ferry_dim_subtract(symbols, 0, negative);
}

/* -1: a <= b always; 1: a >= b always; 0: cannot tell. */
static int order(ferry_symbols *symbols, int64_t a, int64_t b) {
    if (ferry_dim_known(a) && ferry_dim_known(b)) return a <= b ? -1 : 1;
    if (dim_lower(symbols, ferry_dim_subtract(symbols, b, a)) >= 0) return -1;
    return dim_lower(symbols, ferry_dim_subtract(symbols, a, b)) >= 0 ? 1 : 0;
}

int64_t ferry_dim_minimum(ferry_symbols *symbols, int64_t a, int64_t b) {
    if (a == FERRY_DIM_UNKNOWN || b == FERRY_DIM_UNKNOWN) return FERRY_DIM_UNKNOWN;
    /* "To the end" is written as the largest int32 or int64: no dimension reaches it. */
    if (!ferry_dim_known(a) && b >= INT32_MAX) return a;
    if (!ferry_dim_known(b) && a >= INT32_MAX) return b;
    int known = order(symbols, a, b);
    if (known != 0) return known < 0 ? a : b;
    return symbols ? operation(symbols, ATOM_MINIMUM, ferry_min_int64(a, b), ferry_max_int64(a, b)) : FERRY_DIM_UNKNOWN;
}

int64_t ferry_dim_maximum(ferry_symbols *symbols, int64_t a, int64_t b) {
    if (a == FERRY_DIM_UNKNOWN || b == FERRY_DIM_UNKNOWN) return FERRY_DIM_UNKNOWN;
    int known = order(symbols, a, b);
    if (known != 0) return known < 0 ? b : a;
    return symbols ? operation(symbols, ATOM_MAXIMUM, ferry_min_int64(a, b), ferry_max_int64(a, b)) : FERRY_DIM_UNKNOWN;
}

/* ---- reading ---- */

static void put_dim(const ferry_symbols *symbols, int64_t dim, writer *out);

static void put_atom(const ferry_symbols *symbols, int32_t index, writer *out) {
    const atom *a = &symbols->atoms.items[index];
    if (a->kind == ATOM_NAMED) {
        put(out, "%s", a->name);
        return;
    }
    if (a->kind == ATOM_FRESH) {
        put(out, "?%d", index);
        return;
    }
    const stored_sum *numerator = stored(symbols, a->a);
    bool bracket = a->kind == ATOM_FLOOR && numerator && numerator->count > 1;
    put(out, a->kind == ATOM_FLOOR ? "floor(" : a->kind == ATOM_MINIMUM ? "min(" : "max(");
    put(out, bracket ? "(" : "");
    put_dim(symbols, a->a, out);
    put(out, bracket ? ")" : "");
    put(out, a->kind == ATOM_FLOOR ? "/" : ", ");
    put_dim(symbols, a->b, out);
    put(out, ")");
}

static void put_term(const ferry_symbols *symbols, const term *t, bool first, writer *out) {
    uint64_t magnitude = t->coefficient < 0 ? 0 - (uint64_t)t->coefficient : (uint64_t)t->coefficient;
    put(out, "%s", t->coefficient < 0 ? (first ? "-" : " - ") : (first ? "" : " + "));
    if (magnitude != 1 || t->count == 0) put(out, "%" PRIu64 "%s", magnitude, t->count ? "*" : "");
    for (int i = 0; i < t->count; i++) {
        if (i) put(out, "*");
        put_atom(symbols, t->factors[i], out);
    }
}

static void put_dim(const ferry_symbols *symbols, int64_t dim, writer *out) {
    const stored_sum *s = stored(symbols, dim);
    if (ferry_dim_known(dim))
        put(out, "%" PRId64, dim);
    else if (!s)
        put(out, "?");
    for (int i = 0; s && i < s->count; i++) put_term(symbols, &s->terms[i], i == 0, out);
}

const char *ferry_dim_text(const ferry_symbols *symbols, int64_t dim, char *text, size_t capacity) {
    writer out = {text, capacity, 0};
    if (capacity) *text = 0;
    put_dim(symbols, dim, &out);
    return text;
}

typedef struct evaluation {
    const ferry_symbols *symbols;
    int64_t (*lookup)(void *user, const char *name);
    void *user;
} evaluation;

static bool evaluate_dim(const evaluation *e, int64_t dim, int64_t *value);

static bool evaluate_atom(const evaluation *e, const atom *a, int64_t *value) {
    if (a->kind == ATOM_FRESH) return false;
    if (a->kind == ATOM_NAMED) {
        *value = e->lookup(e->user, a->name);
        return *value >= 0;
    }
    int64_t first, second;
    if (!evaluate_dim(e, a->a, &first) || !evaluate_dim(e, a->b, &second)) return false;
    if (a->kind == ATOM_FLOOR) {
        if (second == 0 || (second == -1 && first == INT64_MIN)) return false;
        *value = floor_number(first, second);
    } else {
        *value = a->kind == ATOM_MINIMUM ? ferry_min_int64(first, second) : ferry_max_int64(first, second);
    }
    return true;
}

static bool evaluate_dim(const evaluation *e, int64_t dim, int64_t *value) {
    *value = dim;
    if (ferry_dim_known(dim)) return true;
    const stored_sum *s = stored(e->symbols, dim);
    if (!s) return false;
    *value = 0;
    for (int i = 0; i < s->count; i++) {
        int64_t product = s->terms[i].coefficient, factor;
        for (int j = 0; j < s->terms[i].count; j++) {
            if (!evaluate_atom(e, &e->symbols->atoms.items[s->terms[i].factors[j]], &factor)) return false;
            if (!ferry_int64_multiply(product, factor, &product)) return false;
        }
        if (__builtin_add_overflow(*value, product, value)) return false;
    }
    return true;
}

bool ferry_dim_evaluate(const ferry_symbols *symbols, int64_t dim, int64_t (*lookup)(void *user, const char *name), void *user,
                        int64_t *value) {
    evaluation e = {symbols, lookup, user};
    int64_t result;
    if (!evaluate_dim(&e, dim, &result)) return false;
    *value = result;
    return true;
}
