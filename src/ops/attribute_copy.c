/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/attribute.h"

static bool copy_string(ferry_arena *arena, const ferry_string *from, ferry_string *to) {
    to->length = from->length;
    to->text = ferry_arena_strndup(arena, from->text ? from->text : "", from->length);
    return to->text != NULL;
}

static bool copy_strings(ferry_arena *arena, const ferry_attribute *from, ferry_attribute *to) {
    ferry_string *strings = ferry_arena_allocate(arena, (size_t)from->count, sizeof *strings);
    if (!strings) return false;
    for (int64_t i = 0; i < from->count; i++)
        if (!copy_string(arena, &from->value.strings[i], &strings[i])) return false;
    to->value.strings = strings;
    return true;
}

static bool copy_tensor(ferry_arena *arena, const ferry_tensor *from, const ferry_tensor **to) {
    ferry_tensor *tensor = ferry_arena_copy(arena, from, sizeof *from);
    size_t bytes;
    if (!tensor || !ferry_tensor_bytes(from->dtype, from->layout, &from->shape, &bytes)) return false;
    tensor->data = ferry_arena_copy(arena, from->data, bytes);
    if (from->dtype == FERRY_STRING && tensor->data)
        for (int64_t i = 0; i < ferry_shape_count(&from->shape); i++)
            if (!copy_string(arena, &((const ferry_string *)from->data)[i], &((ferry_string *)tensor->data)[i])) return false;
    *to = tensor;
    return tensor->data != NULL;
}

static bool copy_attribute(ferry_arena *arena, const ferry_attribute *from, ferry_attribute *to) {
    *to = *from;
    to->name = ferry_arena_strdup(arena, from->name);
    if (!to->name) return false;
    size_t count = (size_t)from->count;
    switch (from->type) {
    case FERRY_ATTRIBUTE_STRING: return copy_string(arena, &from->value.string, &to->value.string);
    case FERRY_ATTRIBUTE_STRINGS: return copy_strings(arena, from, to);
    case FERRY_ATTRIBUTE_TENSOR: return copy_tensor(arena, from->value.tensor, &to->value.tensor);
    case FERRY_ATTRIBUTE_INTS:
        to->value.integers = ferry_arena_copy(arena, from->value.integers, count * sizeof(int64_t));
        return to->value.integers != NULL;
    case FERRY_ATTRIBUTE_FLOATS:
        to->value.reals = ferry_arena_copy(arena, from->value.reals, count * sizeof(float));
        return to->value.reals != NULL;
    default: return true;
    }
}

bool ferry_attributes_copy(ferry_arena *arena, const ferry_attributes *from, ferry_attributes *to) {
    *to = (ferry_attributes){0};
    if (from->count == 0) return true;
    to->items = ferry_arena_allocate(arena, (size_t)from->count, sizeof *to->items);
    if (!to->items) return false;
    for (int i = 0; i < from->count; i++)
        if (!copy_attribute(arena, &from->items[i], &to->items[i])) return false;
    to->count = from->count;
    return true;
}
