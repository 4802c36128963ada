/* SPDX-License-Identifier: Apache-2.0 */
#include "vision/nms.h"

#include <string.h>

#include "base/memory.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES = 3 };

ferry_status ferry_candidates_push(ferry_candidates *candidates, const ferry_candidate *candidate, ferry_error *error) {
    if (!ferry_vector_push(candidates, *candidate))
        return ferry_fail_memory(error, (candidates->count + 1) * sizeof *candidates->items);
    return FERRY_OK;
}

void ferry_candidates_free(ferry_candidates *candidates) { ferry_vector_free(candidates); }

void ferry_nms_free(ferry_nms *nms) {
    ferry_free(nms->keys[0]);
    ferry_free(nms->keys[1]);
    ferry_free(nms->boxes);
    ferry_free(nms->kept);
    ferry_free(nms->class_begin);
    ferry_free(nms->class_kept);
    *nms = (ferry_nms){0};
}

static bool grow(void **memory, size_t count, size_t size) {
    ferry_free(*memory);
    *memory = ferry_calloc(count, size);
    return *memory != NULL;
}

static ferry_status reserve(ferry_nms *nms, size_t count, size_t classes, ferry_error *error) {
    bool ok = true;
    if (count > nms->capacity) {
        const size_t capacity = count + count / 2;
        nms->capacity = 0;
        ok = grow((void **)&nms->keys[0], capacity, sizeof **nms->keys) &&
             grow((void **)&nms->keys[1], capacity, sizeof **nms->keys) &&
             grow((void **)&nms->boxes, 5 * capacity, sizeof *nms->boxes) &&
             grow((void **)&nms->kept, capacity, sizeof *nms->kept);
        if (ok) nms->capacity = capacity;
    }
    if (ok && classes > nms->class_capacity) {
        nms->class_capacity = 0;
        ok = grow((void **)&nms->class_begin, classes + 1, sizeof *nms->class_begin) &&
             grow((void **)&nms->class_kept, classes, sizeof *nms->class_kept);
        if (ok) nms->class_capacity = classes;
    }
    return ok ? FERRY_OK : ferry_fail_memory(error, (count + classes) * sizeof(ferry_candidate));
}

/* An integer that is smaller the greater the score. */
static uint32_t descending_key(float score) {
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    return bits & 0x80000000u ? bits : ~(bits | 0x80000000u);
}

/* Radix sort of (key << 32 | index), least digit first, which keeps the order of equal keys. The result is in keys[1]. */
static void sort_by_score(ferry_nms *nms, const ferry_candidate *items, size_t count) {
    uint32_t histogram[PASSES][DIGITS] = {{0}};
    for (size_t i = 0; i < count; i++) {
        const uint32_t key = descending_key(items[i].score);
        nms->keys[0][i] = (uint64_t)key << 32 | i;
        for (int pass = 0; pass < PASSES; pass++) histogram[pass][key >> pass * DIGIT_BITS & (DIGITS - 1)]++;
    }
    for (int pass = 0; pass < PASSES; pass++) {
        const uint64_t *from = nms->keys[pass & 1];
        uint64_t *to = nms->keys[~pass & 1];
        uint32_t next = 0;
        for (int digit = 0; digit < DIGITS; digit++) {
            const uint32_t found = histogram[pass][digit];
            histogram[pass][digit] = next;
            next += found;
        }
        for (size_t i = 0; i < count; i++) to[histogram[pass][from[i] >> (32 + pass * DIGIT_BITS) & (DIGITS - 1)]++] = from[i];
    }
}

static size_t class_count(const ferry_candidates *candidates, bool agnostic) {
    int32_t highest = 0;
    for (size_t i = 0; !agnostic && i < candidates->count; i++)
        if (candidates->items[i].class_index > highest) highest = candidates->items[i].class_index;
    return (size_t)highest + 1;
}

/* Gives each class a part of the kept-box rows, as long as it has candidates. */
static void divide_rows(ferry_nms *nms, const ferry_candidates *candidates, size_t classes, size_t count, bool agnostic) {
    memset(nms->class_begin, 0, (classes + 1) * sizeof *nms->class_begin);
    memset(nms->class_kept, 0, classes * sizeof *nms->class_kept);
    for (size_t i = 0; i < count; i++)
        nms->class_begin[1 + (agnostic ? 0 : candidates->items[(uint32_t)nms->keys[1][i]].class_index)]++;
    for (size_t i = 0; i < classes; i++) nms->class_begin[i + 1] += nms->class_begin[i];
}

ferry_status ferry_nms_run(ferry_nms *nms, const ferry_detect_kernels *kernels, const ferry_candidates *candidates,
                           const ferry_nms_settings *settings, ferry_error *error) {
    const size_t classes = class_count(candidates, settings->agnostic);
    size_t count = candidates->count;
    nms->kept_count = 0;
    if (count == 0) return FERRY_OK;
    FERRY_TRY(reserve(nms, count, classes, error));
    sort_by_score(nms, candidates->items, count);
    if (count > (size_t)settings->max_candidates) count = (size_t)settings->max_candidates;
    divide_rows(nms, candidates, classes, count, settings->agnostic);
    const float extra = settings->inclusive ? 1 : 0;
    for (size_t i = 0; i < count && nms->kept_count < settings->max_detections; i++) {
        const uint32_t index = (uint32_t)nms->keys[1][i];
        const ferry_candidate *candidate = &candidates->items[index];
        const int32_t class_index = settings->agnostic ? 0 : candidate->class_index;
        float *rows = nms->boxes + nms->class_begin[class_index];
        const size_t pitch = nms->capacity;
        const ferry_detect_boxes kept = {.x0 = rows,
                                         .y0 = rows + pitch,
                                         .x1 = rows + 2 * pitch,
                                         .y1 = rows + 3 * pitch,
                                         .area = rows + 4 * pitch,
                                         .count = nms->class_kept[class_index]};
        const float *box = candidate->box;
        const float area = (box[2] - box[0] + extra) * (box[3] - box[1] + extra);
        if (kernels->overlaps(box, area, &kept, settings->iou, extra)) continue;
        for (int k = 0; k < 4; k++) rows[(size_t)k * pitch + (size_t)kept.count] = box[k];
        kept.area[kept.count] = area;
        nms->class_kept[class_index]++;
        nms->kept[nms->kept_count++] = (int32_t)index;
    }
    return FERRY_OK;
}
