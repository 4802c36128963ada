/* SPDX-License-Identifier: Apache-2.0 */
/* The list of the CPU's implementations, made from implementations.def. */
#include "backend/backend.h"
#include "backend/cpu/cpu.h"

#define FERRY_CPU_IMPLEMENTATION(op, symbol) extern const ferry_implementation symbol;
#include "backend/cpu/implementations.def"
#undef FERRY_CPU_IMPLEMENTATION

static const struct {
    ferry_op_index op;
    const ferry_implementation *implementation;
} list[] = {
#define FERRY_CPU_IMPLEMENTATION(op, symbol) {FERRY_OP_##op, &symbol},
#include "backend/cpu/implementations.def"
#undef FERRY_CPU_IMPLEMENTATION
    {FERRY_OP_COUNT, NULL},
};

static const ferry_implementation *implementation(const ferry_op *op, int index) {
    ferry_op_index wanted = ferry_op_index_of(op);
    for (size_t i = 0; list[i].implementation; i++)
        if (list[i].op == wanted && index-- == 0) return list[i].implementation;
    if (index != 0) return NULL;
    return ferry_cpu_reference_for(op);
}

const ferry_backend *ferry_cpu_backend(void) {
    static const ferry_backend backend = {"cpu", implementation};
    return &backend;
}

ferry_layout ferry_cpu_block_layout(uint32_t features) {
    if (features & FERRY_CPU_AVX512) return FERRY_LAYOUT_BLOCKED_16;
    if (features & FERRY_CPU_AVX2) return FERRY_LAYOUT_BLOCKED_8;
    return FERRY_LAYOUT_BLOCKED_4;
}
