/* SPDX-License-Identifier: Apache-2.0 */
/* Elements as bare bytes: of any alignment (a slice may start anywhere), aliasing whatever type they really are. */
#ifndef FERRY_KERNELS_MOVEMENT_ELEMENTS_H
#define FERRY_KERNELS_MOVEMENT_ELEMENTS_H

#include <stdint.h>

typedef uint8_t bytes1 __attribute__((may_alias));
typedef uint16_t bytes2 __attribute__((aligned(1), may_alias));
typedef uint32_t bytes4 __attribute__((aligned(1), may_alias));
typedef uint64_t bytes8 __attribute__((aligned(1), may_alias));
typedef struct __attribute__((packed, aligned(1), may_alias)) bytes16 {
    uint64_t half[2];
} bytes16;

#endif
