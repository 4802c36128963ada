/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sdk/engine.h"

static double elements(const ferry_shape *shape, int first) {
    double product = 1;
    for (int i = first; i < shape->rank; i++) product *= (double)shape->dims[i];
    return product;
}

double ferry_count_operations(const ferry_plan_node *node, const ferry_shape *const *inputs, const ferry_shape *output) {
    const char *type = node->op->name;
    bool convolution = strcmp(type, "Conv") == 0 || strcmp(type, "ConvInteger") == 0;
    if (convolution && inputs[1]) return 2 * elements(output, 0) * elements(inputs[1], 1); /* weights: M x C/g x kernel */
    if (strcmp(type, "ConvTranspose") == 0 && inputs[0] && inputs[1])
        return 2 * elements(inputs[0], 0) * elements(inputs[1], 1);
    bool matmul = strcmp(type, "MatMul") == 0 || strcmp(type, "Gemm") == 0 || strcmp(type, "MatMulInteger") == 0;
    if (!matmul || !inputs[0] || inputs[0]->rank < 1) return 0;
    bool transposed = ferry_attribute_integer(&node->attributes, "transA", 0) != 0;
    return 2 * elements(output, 0) * (double)inputs[0]->dims[transposed ? 0 : inputs[0]->rank - 1];
}
