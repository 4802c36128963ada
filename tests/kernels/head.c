/* SPDX-License-Identifier: Apache-2.0 */
/* Detection heads: all alignments of anchors to blocks, split into ranges, against the definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "kernels/head/head.h"

static void check(uint32_t mask, int block, int values, int boxes, int pixels, ferry_check_random *random) {
    enum { ANCHORS = 3 };
    const int blocks = (ANCHORS * values + block - 1) / block;
    ferry_check_buffer in = ferry_check_make_floats((size_t)(blocks * pixels * block));
    ferry_check_buffer coefficients = ferry_check_make_floats((size_t)(ANCHORS * pixels * 3 * boxes));
    ferry_check_buffer out = ferry_check_make_floats((size_t)(ANCHORS * pixels * values)),
                       expected = ferry_check_make_floats(out.size / 4);
    ferry_check_fill(random, FERRY_CHECK_UNIFORM, in.floats, in.size / 4);
    ferry_check_fill(random, FERRY_CHECK_UNIFORM, coefficients.floats, coefficients.size / 4);
    const ferry_head head = {.anchors = ANCHORS,
                             .values = values,
                             .boxes = boxes,
                             .pixels = pixels,
                             .block = block,
                             .coefficients = coefficients.floats};
    ferry_head_table table, reference;
    ferry_head_init(&table, mask);
    ferry_head_init(&reference, 0);
    int index = ferry_head_block_index(block);
    for (int anchor = ANCHORS - 1; anchor >= 0;
         anchor--) { /* backwards: what is written too far is not put right by the next */
        reference.run[index](&head, expected.floats, in.floats, anchor, 0, pixels);
        table.run[index](&head, out.floats, in.floats, anchor, pixels / 2, pixels);
        table.run[index](&head, out.floats, in.floats, anchor, 0, pixels / 2);
    }
    ferry_check_close(expected.floats, out.floats, out.size / 4, 1e-6, 1e-6, "%d values, %d boxes, c%d, mask %x", values, boxes,
                      block, mask);
    ferry_check_free(&in, "in");
    ferry_check_free(&coefficients, "coefficients");
    ferry_check_free(&out, "out");
    ferry_check_free(&expected, "expected");
}

static void against_the_definition(void **state) {
    (void)state;
    const uint32_t *masks;
    size_t count = ferry_check_masks(&masks);
    ferry_check_random random = {91};
    for (size_t m = 0; m < count; m++)
        for (int block = 4; block <= 16; block *= 2)
            for (int values = 1; values < 40; values++)
                check(masks[m], block, values, values < 4 ? values : values % 5, 1 + values % 7, &random);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_the_definition)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
