/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the reader of .npy files: what it accepts has exactly the bytes that its shape says. */
#include <stdlib.h>
#include <string.h>

#include "../../cli/npy.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ferry_npy array;
    ferry_error error = {0};
    size_t bytes;
    ferry_status status = ferry_npy_parse(data, size, "fuzz", &array, &error);
    if (status != FERRY_OK) {
        if (array.view.data || !*error.message) abort();
        return 0;
    }
    if (!ferry_npy_view_bytes(&array.view, &bytes) || bytes != array.bytes || bytes > size) abort();
    volatile unsigned char sum = 0; /* reads every byte, so that ASan sees a short block */
    for (size_t i = 0; i < bytes; i++) sum ^= ((const unsigned char *)array.view.data)[i];
    ferry_npy_free(&array);
    return 0;
}

uint8_t *fuzz_seed(size_t index, size_t *size, const char **name) {
    static const struct {
        const char *name, *header;
        size_t bytes;
    } seeds[] = {
        {"float32", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24},
        {"fortran", "{'descr': '>i8', 'fortran_order': True, 'shape': (3, 1, 2), }", 48},
        {"scalar", "{'descr': '|b1', 'fortran_order': False, 'shape': (), }", 1},
        {"complex", "{'shape': (4,), 'descr': '>c8', 'fortran_order': False}", 32},
        {"empty", "{\"descr\": \"<u2\", \"fortran_order\": False, \"shape\": (0, 7L)}", 0},
    };
    if (index >= sizeof seeds / sizeof *seeds) return NULL;
    size_t header = strlen(seeds[index].header);
    *name = seeds[index].name;
    *size = 10 + header + seeds[index].bytes;
    uint8_t *file = calloc(1, *size);
    if (!file) return NULL;
    memcpy(file, "\x93NUMPY\x01\x00", 8);
    file[8] = (uint8_t)header;
    memcpy(file + 10, seeds[index].header, header);
    return file;
}
