/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/twister.h"

enum { WORDS = FERRY_TWISTER_WORDS, MIDDLE = 397 };

void ferry_twister_seed(ferry_twister *twister, uint32_t seed) {
    twister->words[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++) {
        uint32_t before = twister->words[i - 1];
        twister->words[i] = 1812433253u * (before ^ (before >> 30)) + i;
    }
    twister->used = WORDS;
}

static void twist(ferry_twister *twister) {
    uint32_t *w = twister->words;
    for (int i = 0; i < WORDS; i++) {
        uint32_t joined = (w[i] & 0x80000000u) | (w[(i + 1) % WORDS] & 0x7fffffffu);
        w[i] = w[(i + MIDDLE) % WORDS] ^ (joined >> 1) ^ (joined & 1 ? 0x9908b0dfu : 0);
    }
    twister->used = 0;
}

uint32_t ferry_twister_next(ferry_twister *twister) {
    if (twister->used == WORDS) twist(twister);
    uint32_t y = twister->words[twister->used++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

double ferry_twister_uniform(ferry_twister *twister) {
    uint32_t high = ferry_twister_next(twister) >> 5, low = ferry_twister_next(twister) >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
}
