/* SPDX-License-Identifier: Apache-2.0 */
/* Whether two float32 arrays are near: usage compare_npy A B TOLERANCE. The measure is the largest difference, relative to the
 * largest magnitude in B. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../cli/npy.h"

static double largest(const float *values, size_t count) {
    double most = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, fabs((double)values[i]));
    return most;
}

int main(int argc, char **argv) {
    ferry_npy arrays[2];
    ferry_error error;
    if (argc != 4) return 2;
    for (int i = 0; i < 2; i++)
        if (ferry_npy_read(argv[i + 1], &arrays[i], &error) != FERRY_OK) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
    if (arrays[0].view.dtype != FERRY_FLOAT32 || arrays[1].view.dtype != FERRY_FLOAT32 || arrays[0].bytes != arrays[1].bytes) {
        fprintf(stderr, "%s and %s are not of one size and float32\n", argv[1], argv[2]);
        return 1;
    }
    const float *a = arrays[0].view.data, *b = arrays[1].view.data;
    size_t count = arrays[0].bytes / sizeof *a;
    double difference = 0;
    for (size_t i = 0; i < count; i++)
        difference = isfinite(a[i]) ? fmax(difference, fabs((double)a[i] - (double)b[i])) : (double)INFINITY;
    double relative = difference / fmax(largest(b, count), 1e-30);
    printf("largest difference %g, relative %g\n", difference, relative);
    for (int i = 0; i < 2; i++) ferry_npy_free(&arrays[i]);
    return relative <= strtod(argv[3], NULL) ? 0 : 1;
}
