/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tactics, once an instruction set. */
#include "kernels/conv/depthwise_body.h"
#include "kernels/conv/direct_body.h"

#define TACTIC(name, in_block)                                                                                                 \
    {                                                                                                                          \
#name, FERRY_ISA_TEXT, FERRY_VEC, in_block, name##_accepts, name##_packed_bytes, name##_pack, name##_plan, name##_run, \
            name##_cost                                                                                                        \
    }

const ferry_conv_tactic FERRY_ISA(ferry_conv_tactics)[FERRY_CONV_TACTICS] = {
    TACTIC(depthwise, FERRY_VEC),
    TACTIC(direct, FERRY_VEC),
    TACTIC(direct_plain, 1),
};
