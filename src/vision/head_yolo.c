/* SPDX-License-Identifier: Apache-2.0 */
/* The heads of the YOLO families. Sources of the formulas stand at the declarations in heads.h. */
#include <math.h>

#include "base/memory.h"
#include "vision/heads.h"

static ferry_status wrong_shape(const ferry_head_input *input, int index, const char *wanted, ferry_error *error) {
    char text[FERRY_SHAPE_TEXT];
    return ferry_fail(error, FERRY_ERROR_SHAPE, "output %d has shape %s where %s is expected", index,
                      ferry_shape_text(&input->outputs[index].shape, text, sizeof text), wanted);
}

/* Takes an output as a matrix of its last two dimensions; those before must be 1. */
static bool as_matrix(const ferry_tensor *output, int *rows, int *columns) {
    const ferry_shape *shape = &output->shape;
    if (shape->rank < 2) return false;
    for (int i = 0; i < shape->rank - 2; i++)
        if (shape->dims[i] != 1) return false;
    const int64_t r = shape->dims[shape->rank - 2], c = shape->dims[shape->rank - 1];
    if (r < 0 || c < 0 || r > INT32_MAX / 2 || c > INT32_MAX / 2) return false;
    *rows = (int)r;
    *columns = (int)c;
    return true;
}

static ferry_candidate from_center(float cx, float cy, float width, float height) {
    return (ferry_candidate){.box = {cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2}};
}

/* --- rows of cx cy w h objectness classes ------------------------------------------------------------------------------- */

/* Pushes a candidate for the best class of one row, or for each class with multi_label, where objectness * class exceeds the
 * threshold. `candidate` holds box and source. */
static ferry_status push_classes(const ferry_head_input *input, const float *classes, int count, float objectness,
                                 float threshold, ferry_candidate *candidate, ferry_candidates *candidates,
                                 ferry_error *error) {
    if (!input->settings->multi_label || count == 1) {
        candidate->score = input->kernels->row_max(classes, count, objectness, &candidate->class_index);
        return candidate->score > threshold ? ferry_candidates_push(candidates, candidate, error) : FERRY_OK;
    }
    for (int c = 0; c < count; c++) {
        candidate->score = classes[c] * objectness;
        candidate->class_index = c;
        if (candidate->score > threshold) FERRY_TRY(ferry_candidates_push(candidates, candidate, error));
    }
    return FERRY_OK;
}

ferry_status ferry_decode_yolov5(const ferry_head_input *input, ferry_head_workspace *workspace, ferry_candidates *candidates,
                                 ferry_error *error) {
    int rows, columns;
    if (input->output_count < 1) return ferry_fail(error, FERRY_ERROR_SHAPE, "there are no outputs");
    if (!as_matrix(input->outputs, &rows, &columns) || columns < 6)
        return wrong_shape(input, 0, "1 x N x (5 + classes)", error);
    const float threshold = input->settings->confidence, *data = input->outputs->data;
    FERRY_TRY(ferry_head_workspace_reserve(workspace, (size_t)rows + 1, error));
    const int found = input->kernels->above(data + 4, rows, columns, threshold, workspace->indices);
    for (int i = 0; i < found; i++) {
        const float *row = data + (ptrdiff_t)workspace->indices[i] * columns;
        ferry_candidate candidate = from_center(row[0], row[1], row[2], row[3]);
        candidate.source = workspace->indices[i];
        FERRY_TRY(push_classes(input, row + 5, columns - 5, row[4], threshold, &candidate, candidates, error));
    }
    return FERRY_OK;
}

/* The grid cell of row `index` when the cells of all strides follow each other. */
typedef struct grid_cell {
    int x, y, stride;
} grid_cell;

static int grid_total(const ferry_head_input *input) {
    int64_t total = 0;
    for (int level = 0; level < input->settings->level_count; level++) {
        const int stride = input->settings->strides[level];
        total += (int64_t)(input->width / stride) * (input->height / stride);
    }
    return total > INT32_MAX ? -1 : (int)total;
}

static grid_cell cell_at(const ferry_head_input *input, int index) {
    grid_cell cell = {0, 0, 1};
    for (int level = 0; level < input->settings->level_count; level++) {
        cell.stride = input->settings->strides[level];
        const int columns = input->width / cell.stride, cells = columns * (input->height / cell.stride);
        if (index < cells) {
            cell.x = index % columns;
            cell.y = index / columns;
            break;
        }
        index -= cells;
    }
    return cell;
}

ferry_status ferry_decode_yolox(const ferry_head_input *input, ferry_head_workspace *workspace, ferry_candidates *candidates,
                                ferry_error *error) {
    int rows, columns;
    if (input->output_count < 1) return ferry_fail(error, FERRY_ERROR_SHAPE, "there are no outputs");
    if (!as_matrix(input->outputs, &rows, &columns) || columns < 6)
        return wrong_shape(input, 0, "1 x N x (5 + classes)", error);
    if (rows != grid_total(input))
        return ferry_fail(error, FERRY_ERROR_SHAPE, "%d rows where the strides make %d cells of a %dx%d input", rows,
                          grid_total(input), input->width, input->height);
    const float threshold = nextafterf(input->settings->confidence, -INFINITY), *data = input->outputs->data; /* >= */
    FERRY_TRY(ferry_head_workspace_reserve(workspace, (size_t)rows + 1, error));
    const int found = input->kernels->above(data + 4, rows, columns, threshold, workspace->indices);
    for (int i = 0; i < found; i++) {
        const float *row = data + (ptrdiff_t)workspace->indices[i] * columns;
        const grid_cell cell = cell_at(input, workspace->indices[i]);
        const float stride = (float)cell.stride;
        ferry_candidate candidate = from_center((row[0] + (float)cell.x) * stride, (row[1] + (float)cell.y) * stride,
                                                expf(row[2]) * stride, expf(row[3]) * stride);
        candidate.source = workspace->indices[i];
        FERRY_TRY(push_classes(input, row + 5, columns - 5, row[4], threshold, &candidate, candidates, error));
    }
    return FERRY_OK;
}

/* --- YOLOv5 before the sigmoid ------------------------------------------------------------------------------------------- */

/* One head: where value k of anchor a at cell (y, x) lies: a * anchor_pitch + (y * columns + x) * cell_pitch + k * value_pitch.
 */
typedef struct raw_level {
    const float *data;
    int rows, columns, values, stride;
    ptrdiff_t anchor_pitch, cell_pitch, value_pitch;
    const float (*anchors)[2];
} raw_level;

static bool read_raw_level(const ferry_tensor *output, raw_level *level) {
    const int64_t *d = output->shape.dims;
    if (output->shape.rank == 4 && d[0] == 1 && d[1] % FERRY_HEAD_ANCHORS == 0 && d[1] / FERRY_HEAD_ANCHORS >= 6) {
        *level = (raw_level){.rows = (int)d[2], .columns = (int)d[3], .values = (int)(d[1] / FERRY_HEAD_ANCHORS)};
        level->value_pitch = (ptrdiff_t)(d[2] * d[3]);
        level->cell_pitch = 1;
        level->anchor_pitch = level->value_pitch * level->values;
    } else if (output->shape.rank == 5 && d[0] == 1 && d[1] == FERRY_HEAD_ANCHORS && d[4] >= 6) {
        *level = (raw_level){.rows = (int)d[2], .columns = (int)d[3], .values = (int)d[4], .value_pitch = 1};
        level->cell_pitch = level->values;
        level->anchor_pitch = (ptrdiff_t)(d[2] * d[3] * d[4]);
    } else {
        return false;
    }
    level->data = output->data;
    return level->rows > 0 && level->columns > 0;
}

/* Fits a head to the stride that makes its size. */
static bool match_stride(const ferry_head_input *input, raw_level *level, int *index) {
    for (int i = 0; i < input->settings->level_count; i++) {
        const int stride = input->settings->strides[i];
        if (level->columns * stride != input->width || level->rows * stride != input->height) continue;
        level->stride = stride;
        level->anchors = input->settings->anchors[i];
        *index = i;
        return true;
    }
    return false;
}

static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

static ferry_status decode_raw_cell(const ferry_head_input *input, const raw_level *level, int anchor, int cell,
                                    ferry_head_workspace *workspace, ferry_candidates *candidates, ferry_error *error) {
    const float *value = level->data + anchor * level->anchor_pitch + cell * level->cell_pitch;
    const ptrdiff_t pitch = level->value_pitch;
    const float threshold = input->settings->confidence, objectness = sigmoid(value[4 * pitch]);
    if (!(objectness > threshold)) return FERRY_OK;
    const float stride = (float)level->stride;
    const float x = (2 * sigmoid(value[0]) + (float)(cell % level->columns) - 0.5f) * stride;
    const float y = (2 * sigmoid(value[pitch]) + (float)(cell / level->columns) - 0.5f) * stride;
    const float w = 2 * sigmoid(value[2 * pitch]), h = 2 * sigmoid(value[3 * pitch]);
    ferry_candidate candidate = from_center(x, y, w * w * level->anchors[anchor][0], h * h * level->anchors[anchor][1]);
    for (int c = 5; c < level->values; c++) workspace->scores[c - 5] = sigmoid(value[c * pitch]);
    return push_classes(input, workspace->scores, level->values - 5, objectness, threshold, &candidate, candidates, error);
}

ferry_status ferry_decode_yolov5_raw(const ferry_head_input *input, ferry_head_workspace *workspace,
                                     ferry_candidates *candidates, ferry_error *error) {
    raw_level levels[FERRY_HEAD_LEVELS] = {0};
    if (input->output_count != input->settings->level_count)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "%d outputs where %d strides are set", input->output_count,
                          input->settings->level_count);
    for (int i = 0; i < input->output_count; i++) {
        raw_level level;
        int index;
        if (!read_raw_level(&input->outputs[i], &level) || !match_stride(input, &level, &index) || levels[index].data)
            return wrong_shape(input, i, "1 x (3 * (5 + classes)) x H x W of a stride of its own", error);
        levels[index] = level;
        FERRY_TRY(ferry_head_workspace_reserve(workspace, (size_t)level.values, error));
    }
    for (int i = 0; i < input->settings->level_count; i++)
        for (int anchor = 0; anchor < FERRY_HEAD_ANCHORS; anchor++)
            for (int cell = 0; cell < levels[i].rows * levels[i].columns; cell++)
                FERRY_TRY(decode_raw_cell(input, &levels[i], anchor, cell, workspace, candidates, error));
    return FERRY_OK;
}

/* --- YOLOv8, 11 ---------------------------------------------------------------------------------------------------------- */

static int yolov8_keypoint_rows(const ferry_head_input *input) {
    return input->settings->task == FERRY_TASK_YOLOV8_POSE ? 3 * input->settings->keypoints : 0;
}

static ferry_status push_column(const ferry_head_input *input, int column, int columns, float score, int32_t class_index,
                                ferry_candidates *candidates, ferry_error *error) {
    const float *value = (const float *)input->outputs->data + column;
    ferry_candidate candidate =
        from_center(value[0], value[columns], value[2 * (ptrdiff_t)columns], value[3 * (ptrdiff_t)columns]);
    candidate.score = score;
    candidate.class_index = class_index;
    candidate.source = column;
    return ferry_candidates_push(candidates, &candidate, error);
}

ferry_status ferry_decode_yolov8(const ferry_head_input *input, ferry_head_workspace *workspace, ferry_candidates *candidates,
                                 ferry_error *error) {
    int rows, columns;
    const int keypoint_rows = yolov8_keypoint_rows(input);
    if (input->output_count < 1) return ferry_fail(error, FERRY_ERROR_SHAPE, "there are no outputs");
    if (!as_matrix(input->outputs, &rows, &columns) || rows < 5 + keypoint_rows || keypoint_rows > 3 * FERRY_HEAD_KEYPOINTS)
        return wrong_shape(input, 0, "1 x (4 + classes + 3 * keypoints) x N", error);
    const int classes = rows - 4 - keypoint_rows;
    const float threshold = input->settings->confidence, *scores = (const float *)input->outputs->data + 4 * (ptrdiff_t)columns;
    FERRY_TRY(ferry_head_workspace_reserve(workspace, (size_t)columns, error));
    input->kernels->column_max(scores, columns, classes, columns, workspace->scores, workspace->indices);
    for (int i = 0; i < columns; i++) {
        if (!(workspace->scores[i] > threshold)) continue;
        if (!input->settings->multi_label || classes == 1) {
            FERRY_TRY(push_column(input, i, columns, workspace->scores[i], workspace->indices[i], candidates, error));
            continue;
        }
        for (int c = 0; c < classes; c++) {
            const float score = scores[(ptrdiff_t)c * columns + i];
            if (score > threshold) FERRY_TRY(push_column(input, i, columns, score, c, candidates, error));
        }
    }
    return FERRY_OK;
}

void ferry_keypoints_yolov8(const ferry_head_input *input, int32_t source, ferry_keypoint *keypoints) {
    int rows = 0, columns = 0;
    if (!as_matrix(input->outputs, &rows, &columns)) return;
    const ptrdiff_t pitch = columns;
    const float *value = (const float *)input->outputs->data + (rows - yolov8_keypoint_rows(input)) * pitch + source;
    for (int k = 0; k < input->settings->keypoints; k++, value += 3 * pitch)
        keypoints[k] = (ferry_keypoint){value[0], value[pitch], value[2 * pitch]};
}

ferry_status ferry_decode_yolo_end_to_end(const ferry_head_input *input, ferry_head_workspace *workspace,
                                          ferry_candidates *candidates, ferry_error *error) {
    int rows, columns;
    (void)workspace;
    if (input->output_count < 1) return ferry_fail(error, FERRY_ERROR_SHAPE, "there are no outputs");
    if (!as_matrix(input->outputs, &rows, &columns) || columns != 6) return wrong_shape(input, 0, "1 x N x 6", error);
    const float *row = input->outputs->data;
    for (int i = 0; i < rows; i++, row += 6) {
        if (!(row[4] > input->settings->confidence) || !(row[5] >= 0 && row[5] < 1e6f)) continue;
        const ferry_candidate candidate = {
            .box = {row[0], row[1], row[2], row[3]}, .score = row[4], .class_index = (int32_t)row[5], .source = i};
        FERRY_TRY(ferry_candidates_push(candidates, &candidate, error));
    }
    return FERRY_OK;
}
