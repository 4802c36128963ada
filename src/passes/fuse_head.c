/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an anchor-based detector becomes one DetectionHead. Exporters write it (YOLOv5 v6, and its kin) as
 *   Reshape to N x A x K x H x W, Transpose to N x A x H x W x K, Sigmoid, a Split or Slices along K, arithmetic with constants
 * on the parts that are boxes, and a Concat of the parts. Whatever that arithmetic is, as long as it is a polynomial of degree
 * two in the sigmoid with constants for coefficients. */
#include <string.h>

#include "passes/passes.h"
#include "passes/tools.h"

enum { DEGREES = 3, MAX_DEPTH = 8, MAX_PARTS = 8 };
static const int64_t max_elements = 1 << 24;

typedef struct head {
    ferry_graph *graph;
    ferry_graph_value *input;   /* of the Reshape: N x A*K x H x W */
    ferry_graph_value *sigmoid; /* N x A x H x W x K */
    int64_t anchors, height, width, values;
} head;

/* A part of the rows, values first .. first+count-1, as a polynomial: coefficient[degree] is A x H x W x count. */
typedef struct part {
    int64_t first, count;
    bool identity;
    float *coefficient[DEGREES];
} part;

static ferry_graph_node *made_by(const ferry_graph_value *value, ferry_op_index op) {
    return value && ferry_node_is(value->producer, op) ? value->producer : NULL;
}

/* ---- the way down to the convolution ---- */

static bool known_shape(const ferry_graph_value *value, int rank) {
    if (!value->type.ranked || value->type.shape.rank != rank || value->type.dtype != FERRY_FLOAT32) return false;
    for (int i = 1; i < rank; i++) /* the batch may vary */
        if (!ferry_dim_known(value->type.shape.dims[i])) return false;
    return true;
}

static bool find_head(ferry_graph *graph, ferry_graph_value *sigmoid, head *h) {
    const ferry_graph_node *node = made_by(sigmoid, FERRY_OP_Sigmoid);
    const ferry_graph_node *transpose = node ? made_by(node->inputs[0], FERRY_OP_Transpose) : NULL;
    const ferry_graph_node *reshape = transpose ? made_by(transpose->inputs[0], FERRY_OP_Reshape) : NULL;
    static const int64_t wanted[5] = {0, 1, 3, 4, 2};
    int64_t count = 0;
    const int64_t *perm = transpose ? ferry_attribute_integers(&transpose->attributes, "perm", &count) : NULL;
    if (!reshape || !perm || count != 5 || memcmp(perm, wanted, sizeof wanted) != 0) return false;
    ferry_graph_value *input = reshape->inputs[0];
    if (!known_shape(input, 4) || !known_shape(sigmoid, 5)) return false;
    const int64_t *in = input->type.shape.dims, *out = sigmoid->type.shape.dims;
    *h = (head){graph, input, sigmoid, out[1], out[2], out[3], out[4]};
    return in[1] == h->anchors * h->values && in[2] == h->height && in[3] == h->width && ferry_dim_equal(in[0], out[0]) &&
           h->anchors * h->height * h->width * h->values <= max_elements;
}

/* ---- parts ---- */

/* The value as values [first, first + count) of some Sigmoid's rows. */
static ferry_graph_value *cut_of(const ferry_graph_value *value, int64_t *first) {
    const ferry_graph_node *split = made_by(value, FERRY_OP_Split), *slice = made_by(value, FERRY_OP_Slice);
    *first = 0;
    if (split && (ferry_attribute_integer(&split->attributes, "axis", 0) == 4 ||
                  ferry_attribute_integer(&split->attributes, "axis", 0) == -1)) {
        for (int i = 0; i < value->producer_output; i++) {
            if (!split->outputs[i] || !known_shape(split->outputs[i], 5)) return NULL;
            *first += split->outputs[i]->type.shape.dims[4];
        }
        return split->inputs[0];
    }
    double start, axis, step = 1;
    const ferry_graph_value *steps = slice ? ferry_node_input(slice, 4) : NULL,
                            *axes = slice ? ferry_node_input(slice, 3) : NULL;
    if (!slice || !axes || !ferry_constant_scalar(slice->inputs[1], &start) || !ferry_constant_scalar(axes, &axis)) return NULL;
    if (steps && !ferry_constant_scalar(steps, &step)) return NULL;
    if (start < 0 || step != 1 || (axis != 4 && axis != -1)) return NULL;
    *first = (int64_t)start;
    return slice->inputs[0];
}

static int64_t part_elements(const head *h, const part *p) { return h->anchors * h->height * h->width * p->count; }

/* A constant spread over A x H x W x count; NULL when it is not constant, or has another shape. */
static float *spread(const head *h, const part *p, const ferry_graph_value *value) {
    int64_t count, total = part_elements(h, p), strides[FERRY_MAX_RANK];
    const ferry_shape target = {.rank = 5, .dims = {1, h->anchors, h->height, h->width, p->count}};
    ferry_shape joined;
    const float *given = ferry_constant_floats(h->graph, value, &count);
    if (!given || !ferry_shape_broadcast(&value->type.shape, &target, &joined) || !ferry_shape_equal(&joined, &target))
        return NULL;
    float *result = ferry_arena_allocate(&h->graph->arena, (size_t)total, sizeof *result);
    if (!result) return NULL;
    ferry_shape_broadcast_strides(&value->type.shape, &target, strides);
    for (int64_t i = 0; i < total; i++) {
        int64_t rest = i, at = 0;
        for (int d = 4; d >= 0; d--) {
            at += rest % target.dims[d] * strides[d];
            rest /= target.dims[d];
        }
        result[i] = given[at];
    }
    return result;
}

static bool start_polynomial(const head *h, part *p) {
    int64_t total = part_elements(h, p);
    for (int d = 0; d < DEGREES; d++) {
        p->coefficient[d] = ferry_arena_allocate(&h->graph->arena, (size_t)total, sizeof(float));
        if (!p->coefficient[d]) return false;
    }
    for (int64_t i = 0; i < total; i++) p->coefficient[1][i] = 1.0f;
    p->identity = true;
    return true;
}

static bool square(const head *h, part *p) {
    int64_t total = part_elements(h, p);
    for (int64_t i = 0; i < total; i++) {
        float c0 = p->coefficient[0][i], c1 = p->coefficient[1][i];
        if (p->coefficient[2][i] != 0.0f) return false; /* the fourth degree */
        p->coefficient[0][i] = c0 * c0, p->coefficient[1][i] = 2 * c0 * c1, p->coefficient[2][i] = c1 * c1;
    }
    return true;
}

static void multiply(const head *h, part *p, const float *factor) {
    int64_t total = part_elements(h, p);
    for (int d = 0; d < DEGREES; d++)
        for (int64_t i = 0; i < total; i++) p->coefficient[d][i] *= factor[i];
}

static void add(const head *h, part *p, const float *term, float sign) {
    int64_t total = part_elements(h, p);
    for (int64_t i = 0; i < total; i++) p->coefficient[0][i] += sign * term[i];
}

static bool polynomial(const head *h, const ferry_graph_value *value, part *p, int depth);

/* node = x op constant, for the four operators that keep a polynomial one. */
static bool apply(const head *h, const ferry_graph_node *node, part *p, int depth) {
    bool product = ferry_node_is(node, FERRY_OP_Mul), sum = ferry_node_is(node, FERRY_OP_Add);
    bool difference = ferry_node_is(node, FERRY_OP_Sub), power = ferry_node_is(node, FERRY_OP_Pow);
    if (!product && !sum && !difference && !power) return false;
    bool constant_first = ferry_value_is_constant(node->inputs[0]) && (product || sum);
    const ferry_graph_value *x = node->inputs[constant_first], *constant = node->inputs[!constant_first];
    double exponent;
    if (product && x == constant) return polynomial(h, x, p, depth + 1) && square(h, p);
    if (!ferry_value_is_constant(constant) || !polynomial(h, x, p, depth + 1)) return false;
    p->identity = false;
    if (power) return ferry_constant_scalar(constant, &exponent) && exponent == 2 && square(h, p);
    const float *spread_constant = spread(h, p, constant);
    if (!spread_constant) return false;
    if (product)
        multiply(h, p, spread_constant);
    else
        add(h, p, spread_constant, sum ? 1.0f : -1.0f);
    return true;
}

/* Whether the value is a part of the rows after such arithmetic; p->first, count and the coefficients tell which and what. */
static bool polynomial(const head *h, const ferry_graph_value *value, part *p, int depth) {
    if (depth > MAX_DEPTH || !value || !known_shape(value, 5)) return false;
    if (cut_of(value, &p->first) == h->sigmoid) {
        p->count = value->type.shape.dims[4];
        return start_polynomial(h, p);
    }
    return value->producer && value->producer->input_count == 2 && apply(h, value->producer, p, depth);
}

/* The Sigmoid under any part: down the first computed operand. */
static ferry_graph_value *sigmoid_under(const ferry_graph_value *value) {
    for (int depth = 0; value && value->producer && depth < MAX_DEPTH; depth++) {
        int64_t first;
        ferry_graph_value *whole = cut_of(value, &first);
        if (whole) return whole;
        const ferry_graph_node *node = value->producer;
        if (node->input_count != 2 || !node->inputs[0] || !node->inputs[1]) return NULL;
        value = node->inputs[ferry_value_is_constant(node->inputs[0])];
    }
    return NULL;
}

/* ---- the new node ---- */

/* A x H*W x 3 x boxes, from parts that follow each other. */
static ferry_status make_coefficients(const head *h, const part *parts, int count, int64_t boxes, ferry_graph_value **value,
                                      ferry_error *error) {
    int64_t rows = h->anchors * h->height * h->width;
    const int64_t dims[4] = {h->anchors, h->height * h->width, DEGREES, boxes};
    float *all = ferry_arena_allocate(&h->graph->arena, (size_t)(rows * DEGREES * boxes), sizeof *all);
    if (!all) return ferry_fail(error, FERRY_ERROR_OUT_OF_MEMORY, "out of memory");
    for (int i = 0; i < count && parts[i].first < boxes; i++)
        for (int64_t row = 0; row < rows; row++)
            for (int d = 0; d < DEGREES; d++)
                memcpy(all + (row * DEGREES + d) * boxes + parts[i].first, parts[i].coefficient[d] + row * parts[i].count,
                       (size_t)parts[i].count * sizeof *all);
    return ferry_make_floats(h->graph, "head", 4, dims, all, value, error);
}

/* The parts in order, covering the rows; *boxes is where the plain sigmoids of the end begin. */
static bool match_parts(const head *h, const ferry_graph_node *concat, part *parts, int64_t *boxes) {
    int64_t next = 0;
    *boxes = 0;
    for (int i = 0; i < concat->input_count; i++) {
        if (!polynomial(h, concat->inputs[i], &parts[i], 0) || parts[i].first != next) return false;
        next += parts[i].count;
        if (!parts[i].identity) *boxes = next;
    }
    return next == h->values && *boxes > 0;
}

static ferry_status fuse(ferry_graph *graph, ferry_graph_node *concat, int *changes, ferry_error *error) {
    int64_t axis = ferry_attribute_integer(&concat->attributes, "axis", 0), boxes;
    head h;
    part parts[MAX_PARTS] = {0};
    if ((axis != 4 && axis != -1) || concat->input_count > MAX_PARTS || !known_shape(concat->outputs[0], 5)) return FERRY_OK;
    ferry_graph_value *sigmoid = sigmoid_under(concat->inputs[0]), *inputs[2], *fresh;
    if (!sigmoid || !find_head(graph, sigmoid, &h) || !match_parts(&h, concat, parts, &boxes)) return FERRY_OK;
    inputs[0] = h.input;
    FERRY_TRY(make_coefficients(&h, parts, concat->input_count, boxes, &inputs[1], error));
    ferry_attribute anchors = {.name = "anchors", .type = FERRY_ATTRIBUTE_INT, .value.integer = h.anchors};
    const ferry_attributes attributes = {&anchors, 1};
    FERRY_TRY(ferry_graph_insert(graph, &ferry_ops[FERRY_OP_DetectionHead], &attributes, 2, inputs, concat->outputs[0]->name,
                                 concat, &fresh, error));
    FERRY_TRY(ferry_replace_node(graph, concat, fresh, error));
    ++*changes;
    return FERRY_OK;
}

ferry_status ferry_pass_fuse_head(ferry_graph *graph, int *changes, ferry_error *error) {
    for (size_t i = 0; i < graph->nodes.count; i++) {
        ferry_graph_node *node = graph->nodes.items[i];
        if (ferry_node_is(node, FERRY_OP_Concat) && node->outputs[0]) FERRY_TRY(fuse(graph, node, changes, error));
    }
    return FERRY_OK;
}
