/* SPDX-License-Identifier: Apache-2.0 */
/* The table itself, looking operators up, checking a node against the table, and the guard around shape rules. */
#include "ops/ops.h"

#include <string.h>

#include "ops/rules.h"

#define FERRY_OP(name, ...) {#name, __VA_ARGS__},
const ferry_op ferry_ops[FERRY_OP_COUNT] = {
#include "ops/ops.def"
};
#undef FERRY_OP

/* A node is looked up once, when its model is read; the first letter rules most entries out, so linear search is enough. */
const ferry_op *ferry_op_find(const char *domain, const char *name) {
    if (!domain || strcmp(domain, "ai.onnx") == 0) domain = "";
    for (int i = 0; i < FERRY_OP_COUNT; i++)
        if (strcmp(ferry_ops[i].name, name) == 0 && strcmp(ferry_ops[i].domain, domain) == 0) return &ferry_ops[i];
    return NULL;
}

/* ---- the attribute schema: "axis:i=0 pads:I body:g!" ---- */

static const char schema_letters[] = {
    [FERRY_ATTRIBUTE_INT] = 'i',    [FERRY_ATTRIBUTE_FLOAT] = 'f',  [FERRY_ATTRIBUTE_STRING] = 's',
    [FERRY_ATTRIBUTE_INTS] = 'I',   [FERRY_ATTRIBUTE_FLOATS] = 'F', [FERRY_ATTRIBUTE_STRINGS] = 'S',
    [FERRY_ATTRIBUTE_TENSOR] = 't', [FERRY_ATTRIBUTE_GRAPH] = 'g'};

static const char *const schema_type_names[] = {
    [FERRY_ATTRIBUTE_INT] = "an int",      [FERRY_ATTRIBUTE_FLOAT] = "a float", [FERRY_ATTRIBUTE_STRING] = "a string",
    [FERRY_ATTRIBUTE_INTS] = "ints",       [FERRY_ATTRIBUTE_FLOATS] = "floats", [FERRY_ATTRIBUTE_STRINGS] = "strings",
    [FERRY_ATTRIBUTE_TENSOR] = "a tensor", [FERRY_ATTRIBUTE_GRAPH] = "a graph"};

/* Takes the next entry; false at the end. *name is not terminated. */
static bool next_entry(const char **schema, const char **name, int *length, char *letter, bool *required) {
    const char *at = *schema + strspn(*schema, " ");
    const char *colon = strchr(at, ':');
    if (!colon) return false;
    *name = at;
    *length = (int)(colon - at);
    *letter = colon[1];
    *required = colon[2] == '!';
    *schema = colon + 1 + strcspn(colon + 1, " ");
    return true;
}

static bool known_type(ferry_attribute_type type) { return type >= FERRY_ATTRIBUTE_INT && type <= FERRY_ATTRIBUTE_GRAPH; }

static ferry_status verify_attribute(const ferry_op *op, const ferry_attribute *attribute, ferry_error *error) {
    const char *schema = op->attributes, *name;
    char letter;
    bool required;
    for (int length; next_entry(&schema, &name, &length, &letter, &required);) {
        if (strncmp(name, attribute->name, (size_t)length) != 0 || attribute->name[length] != 0) continue;
        if (known_type(attribute->type) && schema_letters[attribute->type] == letter) return FERRY_OK;
        int wanted = FERRY_ATTRIBUTE_INT;
        while (wanted < FERRY_ATTRIBUTE_GRAPH && schema_letters[wanted] != letter) wanted++;
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "%s: attribute '%s' must be %s, it is %s", op->name,
                          attribute->name, schema_type_names[wanted],
                          known_type(attribute->type) ? schema_type_names[attribute->type] : "of another type");
    }
    return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "%s has no attribute '%.64s'", op->name, attribute->name);
}

static ferry_status verify_required(const ferry_op *op, const ferry_attributes *attributes, ferry_error *error) {
    const char *schema = op->attributes, *name;
    char letter;
    bool required;
    for (int length; next_entry(&schema, &name, &length, &letter, &required);) {
        bool found = !required;
        for (int i = 0; attributes && !found && i < attributes->count; i++)
            found = strncmp(name, attributes->items[i].name, (size_t)length) == 0 && attributes->items[i].name[length] == 0;
        if (!found)
            return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "%s needs the attribute '%.*s'", op->name, length, name);
    }
    return FERRY_OK;
}

static ferry_status verify_count(const ferry_op *op, const char *what, int count, int low, int high, ferry_error *error) {
    if (count >= low && count <= high) return FERRY_OK;
    if (high == FERRY_MANY)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "%s takes %d or more %s, the node has %d", op->name, low, what,
                          count);
    return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "%s takes %d to %d %s, the node has %d", op->name, low, high, what,
                      count);
}

ferry_status ferry_op_verify(const ferry_op *op, const ferry_attributes *attributes, int input_count, int output_count,
                             ferry_error *error) {
    FERRY_TRY(verify_count(op, "inputs", input_count, op->min_inputs, op->max_inputs, error));
    FERRY_TRY(verify_count(op, "outputs", output_count, op->min_outputs, op->max_outputs, error));
    for (int i = 0; attributes && i < attributes->count; i++) FERRY_TRY(verify_attribute(op, &attributes->items[i], error));
    return verify_required(op, attributes, error);
}

/* ---- inference ---- */

/* Sizes that no memory holds are refused even where another dimension is 0, so that products of dimensions and strides stay
 * within int64 everywhere behind this check. */
static ferry_status check_shape(const ferry_inference *inference, const ferry_value_type *type, const char *what, int index) {
    const char *name = inference->op->name;
    if (type->shape.rank < 0 || type->shape.rank > FERRY_MAX_RANK)
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: rank %d of %s %d is outside 0 to %d", name,
                          (int)type->shape.rank, what, index, FERRY_MAX_RANK);
    ferry_shape least = type->shape;
    for (int i = 0; i < least.rank; i++) {
        int64_t dim = type->shape.dims[i];
        if (ferry_dim_known(dim) && dim < 0)
            return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: dimension %d of %s %d is %lld", name, i, what, index,
                              (long long)dim);
        least.dims[i] = ferry_dim_known(dim) ? ferry_max_int64(dim, 1) : 1;
    }
    size_t bytes;
    char text[FERRY_SHAPE_TEXT];
    if (ferry_tensor_bytes(FERRY_COMPLEX128, FERRY_LAYOUT_PLAIN, &least, &bytes)) return FERRY_OK;
    return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: %s %d has the shape %s, more than memory can hold", name, what,
                      index, ferry_shape_text(&type->shape, text, sizeof text));
}

static ferry_status check_input(const ferry_inference *inference, int index) {
    const ferry_value_type *type = inference->inputs[index];
    if (!type) {
        if (index >= inference->op->min_inputs) return FERRY_OK;
        return ferry_fail(inference->error, FERRY_ERROR_INVALID_ARGUMENT, "%s: input %d is required and absent",
                          inference->op->name, index);
    }
    if (type->kind != FERRY_VALUE_TENSOR && !(inference->op->flags & FERRY_OP_CONTAINERS))
        return ferry_fail(inference->error, FERRY_ERROR_SHAPE, "%s: input %d must be a tensor, it is a sequence or an optional",
                          inference->op->name, index);
    return type->ranked ? check_shape(inference, type, "input", index) : FERRY_OK;
}

static ferry_status check_output(const ferry_inference *inference, int index) {
    const ferry_value_type *type = &inference->outputs[index];
    return type->ranked ? check_shape(inference, type, "output", index) : FERRY_OK;
}

/* Gives an unknown dimension a symbol of its own, so that what follows can see that it is the same one. */
static void name_unknown_dims(const ferry_inference *inference, ferry_value_type *type) {
    for (int i = 0; inference->symbols && type->ranked && i < type->shape.rank; i++)
        if (type->shape.dims[i] == FERRY_DIM_UNKNOWN) type->shape.dims[i] = ferry_rule_fresh(inference);
}

ferry_status ferry_op_infer(ferry_inference *inference) {
    FERRY_TRY(ferry_op_verify(inference->op, inference->attributes, inference->input_count, inference->output_count,
                              inference->error));
    for (int i = 0; i < inference->input_count; i++) FERRY_TRY(check_input(inference, i));
    FERRY_TRY(inference->op->infer(inference));
    for (int i = 0; i < inference->output_count; i++) {
        FERRY_TRY(check_output(inference, i));
        name_unknown_dims(inference, &inference->outputs[i]);
    }
    return FERRY_OK;
}
