/* SPDX-License-Identifier: Apache-2.0 */
/* The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded and read as NumPy's RandomState does, which defines what
 * ONNX's operators with a `seed` give. For src/ops only. */
#ifndef FERRY_OPS_TWISTER_H
#define FERRY_OPS_TWISTER_H

#include <stdint.h>

enum { FERRY_TWISTER_WORDS = 624 };

typedef struct ferry_twister {
    uint32_t words[FERRY_TWISTER_WORDS];
    int used;
} ferry_twister;

void ferry_twister_seed(ferry_twister *twister, uint32_t seed);
uint32_t ferry_twister_next(ferry_twister *twister);
/* Uniform in [0, 1) with 53 bits. */
double ferry_twister_uniform(ferry_twister *twister);

#endif
