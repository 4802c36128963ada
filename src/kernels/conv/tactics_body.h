/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tactics, once an instruction set. */
#include "kernels/conv/depthwise_body.h"
#include "kernels/conv/direct_body.h"
#include "kernels/conv/winograd_body.h"
#include "kernels/vector/sets.h"

/* 24 KiB of weights stay in a first-level cache of 32 while inputs stream past; wider panels live in the second level. */
#define TACTIC_DEPTH (TILE_BLOCKS * FERRY_VEC > 32 ? 256 : 24576 / (TILE_BLOCKS * FERRY_VEC * 4))
#define TACTIC(name, method, in_block)                                                                                         \
    {                                                                                                                          \
#name, FERRY_ISA_TEXT, FERRY_ISA_NEED, FERRY_VEC, in_block, TILE_BLOCKS, TACTIC_DEPTH, ferry_conv_##method##_accepts,  \
            ferry_conv_##method##_packed_bytes, ferry_conv_##method##_pack, ferry_conv_##method##_plan,                        \
            ferry_conv_##method##_cost, method##_run                                                                           \
    }

const ferry_conv_tactic FERRY_ISA(ferry_conv_tactics)[FERRY_CONV_TACTICS] = {
    [FERRY_CONV_DEPTHWISE] = TACTIC(depthwise, depthwise, FERRY_VEC),
    [FERRY_CONV_DIRECT_PLAIN] = TACTIC(direct_plain, direct, 1),
    [FERRY_CONV_WINOGRAD] = TACTIC(winograd, winograd, FERRY_VEC),
    [FERRY_CONV_DIRECT] = TACTIC(direct, direct, FERRY_VEC),
};
