/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/passes.h"

static bool is_needed(const ferry_graph_node *node) {
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i] && (node->outputs[i]->uses.count > 0 || node->outputs[i]->is_output)) return true;
    return false;
}

/* Backwards, so that one sweep takes whole chains. Outputs nobody reads are forgotten where they are optional. */
ferry_status ferry_pass_dead_code(ferry_graph *graph, int *changes, ferry_error *error) {
    (void)error;
    for (size_t i = graph->nodes.count; i-- > 0;) {
        ferry_graph_node *node = graph->nodes.items[i];
        if (node->removed || is_needed(node)) continue;
        ferry_graph_remove_node(graph, node);
        ++*changes;
    }
    return FERRY_OK;
}
