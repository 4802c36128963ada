/* SPDX-License-Identifier: Apache-2.0 */
/* Dimensions that are not numbers yet. A dimension is an int64: a known number, or the code of a symbolic expression held by a
 * table of symbols ("batch", "floor(height/2)+1"). Shape rules are written with the functions below, so that the same rule
 * serves the compiler (symbolic) and the runtime (all known; the table may then be NULL). */
#ifndef FERRY_OPS_SYMBOLS_H
#define FERRY_OPS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ferry_symbols ferry_symbols;

/* Codes of symbols lie below this; numbers in shape tensors (such as -1 in Reshape) stay numbers. */
#define FERRY_DIM_FIRST_NUMBER (INT64_MIN / 2)
static inline bool ferry_dim_known(int64_t dim) { return dim >= FERRY_DIM_FIRST_NUMBER; }

ferry_symbols *ferry_symbols_create(void); /* NULL when out of memory */
void ferry_symbols_destroy(ferry_symbols *symbols);

/* The same name gives the same symbol, taken to be at least 1 (what an empty batch gives is for the runtime, which infers
 * again with numbers). A fresh one, at least 0, equals nothing but itself. Out of memory gives FERRY_DIM_UNKNOWN. */
#define FERRY_DIM_UNKNOWN INT64_MIN
int64_t ferry_symbol_named(ferry_symbols *symbols, const char *name);
int64_t ferry_symbol_fresh(ferry_symbols *symbols);

/* Arithmetic on known or symbolic dimensions. Known operands give known results; symbolic ones are simplified to sums of
 * products with integer coefficients, so that equal expressions get equal codes: (h+1)-1 == h. Overflow, division by zero
 * and a missing table give FERRY_DIM_UNKNOWN, which never equals anything. */
int64_t ferry_dim_add(ferry_symbols *symbols, int64_t a, int64_t b);
int64_t ferry_dim_subtract(ferry_symbols *symbols, int64_t a, int64_t b);
int64_t ferry_dim_multiply(ferry_symbols *symbols, int64_t a, int64_t b);
int64_t ferry_dim_floor_divide(ferry_symbols *symbols, int64_t a, int64_t b);
int64_t ferry_dim_ceil_divide(ferry_symbols *symbols, int64_t a, int64_t b);
int64_t ferry_dim_minimum(ferry_symbols *symbols, int64_t a, int64_t b);
int64_t ferry_dim_maximum(ferry_symbols *symbols, int64_t a, int64_t b);
/* Provably equal: the same number, or the same symbol. */
static inline bool ferry_dim_equal(int64_t a, int64_t b) { return a == b && a != FERRY_DIM_UNKNOWN; }

/* "640", "batch", "floor(height/2) + 1", "?" for unknown. Returns text. */
const char *ferry_dim_text(const ferry_symbols *symbols, int64_t dim, char *text, size_t capacity);
/* The value of an expression when each named symbol has one: lookup returns a number >= 0 or -1 for "not known". False when
 * any is not known. */
bool ferry_dim_evaluate(const ferry_symbols *symbols, int64_t dim, int64_t (*lookup)(void *user, const char *name), void *user,
                        int64_t *value);

#endif
