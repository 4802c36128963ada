/* SPDX-License-Identifier: Apache-2.0 */
/* Looking attributes up by name. Lists are short, so a linear search is the quickest. */
#include "ops/attribute.h"

#include <string.h>

const ferry_attribute *ferry_attribute_find(const ferry_attributes *attributes, const char *name) {
    for (int i = 0; attributes && i < attributes->count; i++)
        if (strcmp(attributes->items[i].name, name) == 0) return &attributes->items[i];
    return NULL;
}

static const ferry_attribute *find_typed(const ferry_attributes *attributes, const char *name, ferry_attribute_type type) {
    const ferry_attribute *found = ferry_attribute_find(attributes, name);
    return found && found->type == type ? found : NULL;
}

int64_t ferry_attribute_integer(const ferry_attributes *attributes, const char *name, int64_t fallback) {
    const ferry_attribute *found = find_typed(attributes, name, FERRY_ATTRIBUTE_INT);
    return found ? found->value.integer : fallback;
}

float ferry_attribute_real(const ferry_attributes *attributes, const char *name, float fallback) {
    const ferry_attribute *found = find_typed(attributes, name, FERRY_ATTRIBUTE_FLOAT);
    return found ? found->value.real : fallback;
}

bool ferry_attribute_is(const ferry_attributes *attributes, const char *name, const char *text, bool fallback) {
    const ferry_attribute *found = find_typed(attributes, name, FERRY_ATTRIBUTE_STRING);
    if (!found) return fallback;
    size_t length = strlen(text);
    return found->value.string.length == length && memcmp(found->value.string.text, text, length) == 0;
}

const int64_t *ferry_attribute_integers(const ferry_attributes *attributes, const char *name, int64_t *count) {
    const ferry_attribute *found = find_typed(attributes, name, FERRY_ATTRIBUTE_INTS);
    *count = found ? found->count : 0;
    return found ? found->value.integers : NULL;
}

const float *ferry_attribute_reals(const ferry_attributes *attributes, const char *name, int64_t *count) {
    const ferry_attribute *found = find_typed(attributes, name, FERRY_ATTRIBUTE_FLOATS);
    *count = found ? found->count : 0;
    return found ? found->value.reals : NULL;
}

const ferry_tensor *ferry_attribute_tensor(const ferry_attributes *attributes, const char *name) {
    const ferry_attribute *found = find_typed(attributes, name, FERRY_ATTRIBUTE_TENSOR);
    return found ? found->value.tensor : NULL;
}
