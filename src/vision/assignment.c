/* SPDX-License-Identifier: Apache-2.0 */
#include "vision/assignment.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

void ferry_assignment_free(ferry_assignment *a) {
    void *parts[] = {a->costs,      a->reduced,  a->row_potential, a->column_potential, a->slack,
                     a->column_row, a->previous, a->seen,          a->row_match,        a->column_match};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) ferry_free(parts[i]);
    *a = (ferry_assignment){0};
}

ferry_status ferry_assignment_reserve(ferry_assignment *a, int rows, int columns, ferry_error *error) {
    const size_t cells = (size_t)rows * (size_t)columns, side = (size_t)(rows > columns ? rows : columns) + 1;
    if (cells <= a->capacity && side <= a->side_capacity && a->costs) return FERRY_OK;
    const size_t capacity = cells + cells / 2 + 1, side_capacity = side + side / 2;
    ferry_assignment_free(a);
    a->costs = ferry_calloc(capacity, sizeof *a->costs);
    a->reduced = ferry_calloc(capacity, sizeof *a->reduced);
    a->row_potential = ferry_calloc(side_capacity, sizeof *a->row_potential);
    a->column_potential = ferry_calloc(side_capacity, sizeof *a->column_potential);
    a->slack = ferry_calloc(side_capacity, sizeof *a->slack);
    a->column_row = ferry_calloc(side_capacity, sizeof *a->column_row);
    a->previous = ferry_calloc(side_capacity, sizeof *a->previous);
    a->seen = ferry_calloc(side_capacity, 1);
    a->row_match = ferry_calloc(side_capacity, sizeof *a->row_match);
    a->column_match = ferry_calloc(side_capacity, sizeof *a->column_match);
    if (!a->costs || !a->reduced || !a->row_potential || !a->column_potential || !a->slack || !a->column_row || !a->previous ||
        !a->seen || !a->row_match || !a->column_match) {
        ferry_assignment_free(a);
        return ferry_fail_memory(error, capacity * 2 * sizeof(double));
    }
    a->capacity = capacity;
    a->side_capacity = side_capacity;
    return FERRY_OK;
}

/* Finds a place for row `row` (from 1) by the shortest augmenting path over n <= m; column 0 and row 0 stand for none. */
static void augment(ferry_assignment *a, int row, int m) {
    int column = 0;
    a->column_row[0] = row;
    for (int j = 0; j <= m; j++) a->slack[j] = INFINITY, a->seen[j] = 0;
    do {
        const int current = a->column_row[column];
        const double *costs = a->reduced + (size_t)(current - 1) * (size_t)m;
        double least = INFINITY;
        int next = 0;
        a->seen[column] = 1;
        for (int j = 1; j <= m; j++) {
            if (a->seen[j]) continue;
            const double reduced = costs[j - 1] - a->row_potential[current] - a->column_potential[j];
            if (reduced < a->slack[j]) a->slack[j] = reduced, a->previous[j] = column;
            if (a->slack[j] < least) least = a->slack[j], next = j;
        }
        for (int j = 0; j <= m; j++) {
            if (a->seen[j])
                a->row_potential[a->column_row[j]] += least, a->column_potential[j] -= least;
            else
                a->slack[j] -= least;
        }
        column = next;
    } while (a->column_row[column] != 0);
    for (; column != 0; column = a->previous[column]) a->column_row[column] = a->column_row[a->previous[column]];
}

void ferry_assign(ferry_assignment *a, int rows, int columns, double limit) {
    const bool turned = rows > columns;
    const int n = turned ? columns : rows, m = turned ? rows : columns;
    for (int i = 0; i < rows; i++) a->row_match[i] = -1;
    for (int j = 0; j < columns; j++) a->column_match[j] = -1;
    /* A pair at the limit or above is as good as none: both weigh 0, and every row finds a column. */
    for (int i = 0; i < n; i++)
        for (int j = 0; j < m; j++) {
            const double cost = a->costs[turned ? j * columns + i : i * columns + j] - limit;
            a->reduced[(size_t)i * (size_t)m + (size_t)j] = cost < 0 ? cost : 0;
        }
    memset(a->row_potential, 0, ((size_t)n + 1) * sizeof *a->row_potential);
    memset(a->column_potential, 0, ((size_t)m + 1) * sizeof *a->column_potential);
    memset(a->column_row, 0, ((size_t)m + 1) * sizeof *a->column_row);
    for (int row = 1; row <= n; row++) augment(a, row, m);
    for (int j = 1; j <= m; j++) {
        const int i = a->column_row[j] - 1;
        if (i < 0 || !(a->reduced[(size_t)i * (size_t)m + (size_t)(j - 1)] < 0)) continue;
        const int row = turned ? j - 1 : i, column = turned ? i : j - 1;
        a->row_match[row] = column;
        a->column_match[column] = row;
    }
}
