/* SPDX-License-Identifier: Apache-2.0 */
/* The linear assignment problem with a limit on costs. */
#ifndef FERRY_VISION_ASSIGNMENT_H
#define FERRY_VISION_ASSIGNMENT_H

#include <stddef.h>

#include "base/error.h"

/* Working memory, kept from call to call. Zero-initialise it. */
typedef struct ferry_assignment {
    double *costs; /* the caller's matrix, rows x columns, row-major: fill it after reserve */
    double *reduced, *row_potential, *column_potential, *slack;
    int *column_row, *previous;
    char *seen;
    int *row_match, *column_match; /* results: the partner of each, or -1 */
    size_t capacity, side_capacity;
} ferry_assignment;

ferry_status ferry_assignment_reserve(ferry_assignment *assignment, int rows, int columns, ferry_error *error);
void ferry_assignment_free(ferry_assignment *assignment);

/* Matches rows and columns so that the sum of (cost - limit) over the matched pairs is least; pairs that cost `limit` or more
 * stay apart. The same optimum as lap.lapjv(costs, extend_cost=True, cost_limit=limit). Shortest augmenting paths with
 * potentials (Kuhn 1955; Jonker and Volgenant 1987), O(min^2 * max). Costs must not be NaN. */
void ferry_assign(ferry_assignment *assignment, int rows, int columns, double limit);

#endif
