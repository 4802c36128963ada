/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target gives to libFuzzer and, in builds without it, to driver.c. */
#ifndef FERRY_FUZZ_TARGET_H
#define FERRY_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Must return 0 and leave nothing behind, whatever the bytes are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Seeds of the target: the index-th one in memory to be freed with free, or NULL behind the last; *name is a file name for it.
 */
uint8_t *fuzz_seed(size_t index, size_t *size, const char **name);

#endif
