/* SPDX-License-Identifier: Apache-2.0 */
/* The heads of the face detectors. Sources of the formulas stand at the declarations in heads.h. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "vision/heads.h"

enum { POINTS = 5 };

/* The outputs of one stride. `points` may be NULL; `objects` is YuNet's second score. */
typedef struct face_level {
    const float *scores, *objects, *boxes, *points;
    int stride, columns, rows, anchors;
} face_level;

static ferry_status check_count(const ferry_tensor *output, int64_t wanted, const char *what, int stride, ferry_error *error) {
    int64_t elements = output ? ferry_shape_count(&output->shape) : -1;
    if (elements != wanted)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "the %s of stride %d are %lld numbers where the input's size makes %lld",
                          what, stride, (long long)elements, (long long)wanted);
    return FERRY_OK;
}

static void set_grid(const ferry_head_input *input, int index, face_level *level) {
    level->stride = input->settings->strides[index];
    level->columns = input->width / level->stride;
    level->rows = input->height / level->stride;
}

static int64_t cells(const face_level *level) { return (int64_t)level->columns * level->rows; }

/* --- SCRFD -----------------------------------------------------------------------------------------------------------------
 */

/* The n-th largest output (by elements, 0 = the largest) whose last dimension is `last`; NULL when there is none. */
static const ferry_tensor *nth_with_last(const ferry_head_input *input, int64_t last, int n) {
    for (int i = 0; i < input->output_count; i++) {
        const ferry_shape *shape = &input->outputs[i].shape;
        if (shape->rank < 1 || shape->dims[shape->rank - 1] != last) continue;
        int larger = 0;
        for (int j = 0; j < input->output_count; j++) {
            const ferry_shape *other = &input->outputs[j].shape;
            if (other->rank < 1 || other->dims[other->rank - 1] != last) continue;
            const int64_t a = ferry_shape_count(other), b = ferry_shape_count(shape);
            larger += a > b || (a == b && j < i);
        }
        if (larger == n) return &input->outputs[i];
    }
    return NULL;
}

static ferry_status scrfd_level(const ferry_head_input *input, int index, face_level *level, ferry_error *error) {
    *level = (face_level){0};
    set_grid(input, index, level);
    const ferry_tensor *scores = nth_with_last(input, 1, index), *boxes = nth_with_last(input, 4, index);
    const ferry_tensor *points = nth_with_last(input, 2 * POINTS, index);
    const int64_t count = scores ? ferry_shape_count(&scores->shape) : 0, area = cells(level);
    if (count < 1 || area < 1 || count % area != 0 || count / area > 4)
        return ferry_fail(error, FERRY_ERROR_SHAPE,
                          "the scores of stride %d are %lld numbers, not 1 to 4 for each of %dx%d cells", level->stride,
                          (long long)count, level->columns, level->rows);
    level->anchors = (int)(count / area);
    FERRY_TRY(check_count(boxes, 4 * count, "boxes", level->stride, error));
    if (points) FERRY_TRY(check_count(points, 2 * POINTS * count, "keypoints", level->stride, error));
    level->scores = scores->data;
    level->boxes = boxes->data;
    level->points = points ? points->data : NULL;
    return FERRY_OK;
}

static ferry_status scrfd_candidate(const face_level *level, int anchor, int source, ferry_candidates *candidates,
                                    ferry_error *error) {
    const int cell = anchor / level->anchors;
    const float stride = (float)level->stride, *distance = level->boxes + 4 * (ptrdiff_t)anchor;
    const float x = (float)(cell % level->columns) * stride, y = (float)(cell / level->columns) * stride;
    const ferry_candidate candidate = {
        .box = {x - distance[0] * stride, y - distance[1] * stride, x + distance[2] * stride, y + distance[3] * stride},
        .score = level->scores[anchor],
        .source = source};
    return ferry_candidates_push(candidates, &candidate, error);
}

ferry_status ferry_decode_scrfd(const ferry_head_input *input, ferry_head_workspace *workspace, ferry_candidates *candidates,
                                ferry_error *error) {
    const float threshold = nextafterf(input->settings->confidence, -INFINITY);
    int base = 0;
    for (int index = 0; index < input->settings->level_count; index++) {
        face_level level;
        FERRY_TRY(scrfd_level(input, index, &level, error));
        const int count = (int)cells(&level) * level.anchors;
        FERRY_TRY(ferry_head_workspace_reserve(workspace, (size_t)count, error));
        const int found = input->kernels->above(level.scores, count, 1, threshold, workspace->indices);
        for (int i = 0; i < found; i++)
            FERRY_TRY(scrfd_candidate(&level, workspace->indices[i], base + workspace->indices[i], candidates, error));
        base += count;
    }
    return FERRY_OK;
}

void ferry_keypoints_scrfd(const ferry_head_input *input, int32_t source, ferry_keypoint *keypoints) {
    for (int index = 0; index < input->settings->level_count; index++) {
        face_level level;
        if (scrfd_level(input, index, &level, NULL) != FERRY_OK) return;
        const int count = (int)cells(&level) * level.anchors, cell = source / level.anchors;
        if (source >= count) {
            source -= count;
            continue;
        }
        const float stride = (float)level.stride;
        for (int k = 0; k < POINTS; k++) {
            const float *offset = level.points ? level.points + 2 * ((ptrdiff_t)source * POINTS + k) : (const float[2]){0, 0};
            keypoints[k] = (ferry_keypoint){((float)(cell % level.columns) + offset[0]) * stride,
                                            ((float)(cell / level.columns) + offset[1]) * stride, level.points ? 1.0f : 0.0f};
        }
        return;
    }
}

/* --- RetinaFace ------------------------------------------------------------------------------------------------------------
 */

/* The output of `channels` channels on the grid of a stride. */
static const ferry_tensor *map_with_channels(const ferry_head_input *input, int channels, const face_level *level) {
    for (int i = 0; i < input->output_count; i++) {
        const ferry_shape *shape = &input->outputs[i].shape;
        if (shape->rank == 4 && shape->dims[0] == 1 && shape->dims[1] == channels && shape->dims[2] == level->rows &&
            shape->dims[3] == level->columns)
            return &input->outputs[i];
    }
    return NULL;
}

static ferry_status retinaface_level(const ferry_head_input *input, int index, face_level *level, ferry_error *error) {
    *level = (face_level){.anchors = 2};
    set_grid(input, index, level);
    const ferry_tensor *scores = map_with_channels(input, 4, level), *boxes = map_with_channels(input, 8, level);
    const ferry_tensor *points = map_with_channels(input, 20, level);
    if (!scores || !boxes || !points)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "no outputs of 4, 8 and 20 channels of %dx%d for stride %d", level->rows,
                          level->columns, level->stride);
    level->scores = (const float *)scores->data + 2 * cells(level); /* the first half is the background's */
    level->boxes = boxes->data;
    level->points = points->data;
    return FERRY_OK;
}

/* Square anchors around the centre of a cell of 16 inclusive pixels, whatever the stride (generate_anchors.py). */
typedef struct face_anchor {
    float x, y, size;
} face_anchor;

static face_anchor retinaface_anchor(const face_level *level, int cell, int anchor) {
    /* 16 pixels times the scales 32 16, 8 4 and 2 1 of strides 32, 16 and 8. */
    const float large = level->stride >= 32 ? 512 : level->stride == 16 ? 128 : 32;
    return (face_anchor){.x = (float)(cell % level->columns * level->stride) + 7.5f,
                         .y = (float)(cell / level->columns * level->stride) + 7.5f,
                         .size = anchor == 0 ? large : large / 2};
}

static ferry_status retinaface_candidate(const face_level *level, int anchor, int cell, int source,
                                         ferry_candidates *candidates, ferry_error *error) {
    const ptrdiff_t pitch = (ptrdiff_t)cells(level);
    const float *delta = level->boxes + 4 * anchor * pitch + cell;
    const face_anchor a = retinaface_anchor(level, cell, anchor);
    const float x = delta[0] * a.size + a.x, y = delta[pitch] * a.size + a.y;
    const float half_width = 0.5f * (expf(delta[2 * pitch]) * a.size - 1),
                half_height = 0.5f * (expf(delta[3 * pitch]) * a.size - 1);
    const ferry_candidate candidate = {.box = {x - half_width, y - half_height, x + half_width, y + half_height},
                                       .score = level->scores[anchor * pitch + cell],
                                       .source = source};
    return ferry_candidates_push(candidates, &candidate, error);
}

ferry_status ferry_decode_retinaface(const ferry_head_input *input, ferry_head_workspace *workspace,
                                     ferry_candidates *candidates, ferry_error *error) {
    const float threshold = nextafterf(input->settings->confidence, -INFINITY);
    int base = 0;
    for (int index = 0; index < input->settings->level_count; index++) {
        face_level level;
        FERRY_TRY(retinaface_level(input, index, &level, error));
        const int count = (int)cells(&level) * level.anchors, pitch = (int)cells(&level);
        FERRY_TRY(ferry_head_workspace_reserve(workspace, (size_t)count, error));
        const int found = input->kernels->above(level.scores, count, 1, threshold, workspace->indices);
        for (int i = 0; i < found; i++) {
            const int which = workspace->indices[i];
            FERRY_TRY(retinaface_candidate(&level, which / pitch, which % pitch, base + which, candidates, error));
        }
        base += count;
    }
    return FERRY_OK;
}

void ferry_keypoints_retinaface(const ferry_head_input *input, int32_t source, ferry_keypoint *keypoints) {
    for (int index = 0; index < input->settings->level_count; index++) {
        face_level level;
        if (retinaface_level(input, index, &level, NULL) != FERRY_OK) return;
        const int pitch = (int)cells(&level), count = pitch * level.anchors;
        if (source >= count) {
            source -= count;
            continue;
        }
        const face_anchor anchor = retinaface_anchor(&level, source % pitch, source / pitch);
        const float *offset = level.points + (ptrdiff_t)(source / pitch) * 2 * POINTS * pitch + source % pitch;
        const float size = anchor.size * input->settings->keypoint_scale;
        for (int k = 0; k < POINTS; k++)
            keypoints[k] = (ferry_keypoint){offset[(ptrdiff_t)2 * k * pitch] * size + anchor.x,
                                            offset[(ptrdiff_t)(2 * k + 1) * pitch] * size + anchor.y, 1};
        return;
    }
}

/* --- YuNet -----------------------------------------------------------------------------------------------------------------
 */

static const ferry_tensor *output_named(const ferry_head_input *input, const char *stem, int stride) {
    const size_t length = strlen(stem);
    for (int i = 0; i < input->output_count; i++) {
        const char *name = input->names ? input->names[i] : NULL;
        if (!name || strncmp(name, stem, length) != 0 || name[length] != '_') continue;
        int value = 0;
        for (const char *digit = name + length + 1; *digit >= '0' && *digit <= '9' && value < 10000; digit++)
            value = 10 * value + *digit - '0';
        if (value == stride) return &input->outputs[i];
    }
    return NULL;
}

static ferry_status yunet_level(const ferry_head_input *input, int index, face_level *level, ferry_error *error) {
    *level = (face_level){.anchors = 1};
    set_grid(input, index, level);
    const struct {
        const char *stem;
        int values;
        const float **data;
    } parts[] = {
        {"cls", 1, &level->scores}, {"obj", 1, &level->objects}, {"bbox", 4, &level->boxes}, {"kps", 10, &level->points}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const ferry_tensor *output = output_named(input, parts[i].stem, level->stride);
        if (!output) return ferry_fail(error, FERRY_ERROR_SHAPE, "there is no output %s_%d", parts[i].stem, level->stride);
        FERRY_TRY(check_count(output, parts[i].values * cells(level), parts[i].stem, level->stride, error));
        *parts[i].data = output->data;
    }
    return FERRY_OK;
}

static float unit(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static ferry_candidate yunet_candidate(const face_level *level, int cell) {
    const float stride = (float)level->stride, *box = level->boxes + 4 * (ptrdiff_t)cell;
    const float x = ((float)(cell % level->columns) + box[0]) * stride, y = ((float)(cell / level->columns) + box[1]) * stride;
    const float width = expf(box[2]) * stride, height = expf(box[3]) * stride;
    return (ferry_candidate){.box = {x - width / 2, y - height / 2, x + width / 2, y + height / 2},
                             .score = sqrtf(unit(level->scores[cell]) * unit(level->objects[cell]))};
}

ferry_status ferry_decode_yunet(const ferry_head_input *input, ferry_head_workspace *workspace, ferry_candidates *candidates,
                                ferry_error *error) {
    (void)workspace;
    int base = 0;
    for (int index = 0; index < input->settings->level_count; index++) {
        face_level level;
        FERRY_TRY(yunet_level(input, index, &level, error));
        for (int cell = 0; cell < (int)cells(&level); cell++) {
            ferry_candidate candidate = yunet_candidate(&level, cell);
            if (!(candidate.score >= input->settings->confidence)) continue;
            candidate.source = base + cell;
            FERRY_TRY(ferry_candidates_push(candidates, &candidate, error));
        }
        base += (int)cells(&level);
    }
    return FERRY_OK;
}

void ferry_keypoints_yunet(const ferry_head_input *input, int32_t source, ferry_keypoint *keypoints) {
    for (int index = 0; index < input->settings->level_count; index++) {
        face_level level;
        if (yunet_level(input, index, &level, NULL) != FERRY_OK) return;
        const int count = (int)cells(&level);
        if (source >= count) {
            source -= count;
            continue;
        }
        const float *offset = level.points + (ptrdiff_t)source * 2 * POINTS, stride = (float)level.stride;
        for (int k = 0; k < POINTS; k++)
            keypoints[k] = (ferry_keypoint){((float)(source % level.columns) + offset[2 * k]) * stride,
                                            ((float)(source / level.columns) + offset[2 * k + 1]) * stride, 1};
        return;
    }
}

/* --- UltraFace -------------------------------------------------------------------------------------------------------------
 */

ferry_status ferry_decode_ultraface(const ferry_head_input *input, ferry_head_workspace *workspace,
                                    ferry_candidates *candidates, ferry_error *error) {
    const ferry_tensor *scores = nth_with_last(input, 2, 0), *boxes = nth_with_last(input, 4, 0);
    const int64_t count = scores ? ferry_shape_count(&scores->shape) / 2 : 0;
    if (count < 1 || count > INT32_MAX / 4 || !boxes || ferry_shape_count(&boxes->shape) != 4 * count)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "no outputs 1 x N x 2 and 1 x N x 4 of one N");
    FERRY_TRY(ferry_head_workspace_reserve(workspace, (size_t)count, error));
    const float *score = (const float *)scores->data + 1; /* class 0 is the background */
    const int found = input->kernels->above(score, (int)count, 2, input->settings->confidence, workspace->indices);
    for (int i = 0; i < found; i++) {
        const int index = workspace->indices[i];
        const float *box = (const float *)boxes->data + 4 * (ptrdiff_t)index;
        const float width = (float)input->width, height = (float)input->height;
        const ferry_candidate candidate = {.box = {box[0] * width, box[1] * height, box[2] * width, box[3] * height},
                                           .score = score[2 * (ptrdiff_t)index],
                                           .source = index};
        FERRY_TRY(ferry_candidates_push(candidates, &candidate, error));
    }
    return FERRY_OK;
}
