/* SPDX-License-Identifier: Apache-2.0 */
#include "vision/heads.h"

#include "base/memory.h"

enum { ANY_NUMBER = -1 };

static const struct task_rule {
    const char *name;
    ferry_head_decode_fn *decode;
    ferry_head_keypoints_fn *keypoints;
    int keypoint_count; /* ANY_NUMBER: as the settings say */
    bool needs_nms, inclusive;
    float confidence, iou;
    int max_candidates, max_detections;
} tasks[] = {
    [FERRY_TASK_RAW] = {.name = "raw"},
    [FERRY_TASK_YOLOV5] = {"yolov5", ferry_decode_yolov5, NULL, 0, true, false, 0.25f, 0.45f, 30000, 300},
    [FERRY_TASK_YOLOV5_RAW] = {"yolov5-raw", ferry_decode_yolov5_raw, NULL, 0, true, false, 0.25f, 0.45f, 30000, 300},
    [FERRY_TASK_YOLOV8] = {"yolov8", ferry_decode_yolov8, NULL, 0, true, false, 0.25f, 0.7f, 30000, 300},
    [FERRY_TASK_YOLO_END_TO_END] = {"yolo-end-to-end", ferry_decode_yolo_end_to_end, NULL, 0, false, false, 0.25f, 0.7f, 30000,
                                    300},
    [FERRY_TASK_YOLOX] = {"yolox", ferry_decode_yolox, NULL, 0, true, false, 0.25f, 0.45f, 30000, 300},
    [FERRY_TASK_SCRFD] = {"scrfd", ferry_decode_scrfd, ferry_keypoints_scrfd, 5, true, true, 0.5f, 0.4f, 30000, 1000},
    [FERRY_TASK_RETINAFACE] = {"retinaface", ferry_decode_retinaface, ferry_keypoints_retinaface, 5, true, true, 0.5f, 0.4f,
                               30000, 1000},
    [FERRY_TASK_YUNET] = {"yunet", ferry_decode_yunet, ferry_keypoints_yunet, 5, true, false, 0.7f, 0.3f, 5000, 1000},
    [FERRY_TASK_ULTRAFACE] = {"ultraface", ferry_decode_ultraface, NULL, 0, true, false, 0.7f, 0.3f, 30000, 1000},
    [FERRY_TASK_CLASSIFY] = {.name = "classify"},
    [FERRY_TASK_POSE_HEATMAP] = {.name = "pose-heatmap"},
    [FERRY_TASK_YOLOV8_POSE] = {"yolov8-pose", ferry_decode_yolov8, ferry_keypoints_yolov8, ANY_NUMBER, true, false, 0.25f,
                                0.7f, 30000, 300},
    [FERRY_TASK_EMBEDDING] = {.name = "embedding"},
};
enum { TASK_COUNT = sizeof tasks / sizeof *tasks };

static const struct task_rule *rule_of(ferry_vision_task task) {
    return &tasks[(unsigned)task < TASK_COUNT ? task : FERRY_TASK_RAW];
}

const char *ferry_vision_task_name(ferry_vision_task task) { return rule_of(task)->name; }

/* yolov5s.yaml: P3/8, P4/16, P5/32. */
static const float yolov5_anchors[3][FERRY_HEAD_ANCHORS][2] = {
    {{10, 13}, {16, 30}, {33, 23}}, {{30, 61}, {62, 45}, {59, 119}}, {{116, 90}, {156, 198}, {373, 326}}};

ferry_head_settings ferry_head_settings_default(ferry_vision_task task) {
    const struct task_rule *rule = rule_of(task);
    ferry_head_settings settings = {.task = task,
                                    .keypoints = rule->keypoint_count == ANY_NUMBER ? 17 : rule->keypoint_count,
                                    .top_k = 5,
                                    .keypoint_scale = task == FERRY_TASK_RETINAFACE ? 0.2f : 1,
                                    .confidence = rule->confidence,
                                    .nms = {.iou = rule->iou,
                                            .max_candidates = rule->decode ? rule->max_candidates : 1,
                                            .max_detections = rule->decode ? rule->max_detections : 1,
                                            .inclusive = rule->inclusive},
                                    .level_count = 3,
                                    .strides = {8, 16, 32}};
    for (int level = 0; level < 3; level++)
        for (int anchor = 0; anchor < FERRY_HEAD_ANCHORS; anchor++)
            for (int axis = 0; axis < 2; axis++) settings.anchors[level][anchor][axis] = yolov5_anchors[level][anchor][axis];
    return settings;
}

void ferry_head_workspace_free(ferry_head_workspace *workspace) {
    ferry_free(workspace->indices);
    ferry_free(workspace->scores);
    *workspace = (ferry_head_workspace){0};
}

ferry_status ferry_head_workspace_reserve(ferry_head_workspace *workspace, size_t count, ferry_error *error) {
    if (count <= workspace->capacity) return FERRY_OK;
    ferry_head_workspace_free(workspace);
    workspace->indices = ferry_calloc(count, sizeof *workspace->indices);
    workspace->scores = ferry_calloc(count, sizeof *workspace->scores);
    if (!workspace->indices || !workspace->scores) {
        ferry_head_workspace_free(workspace);
        return ferry_fail_memory(error, count * (sizeof *workspace->indices + sizeof *workspace->scores));
    }
    workspace->capacity = count;
    return FERRY_OK;
}

bool ferry_head_detects(ferry_vision_task task) { return rule_of(task)->decode != NULL; }

bool ferry_head_needs_nms(ferry_vision_task task) { return rule_of(task)->needs_nms; }

ferry_status ferry_head_decode(const ferry_head_input *input, ferry_head_workspace *workspace, ferry_candidates *candidates,
                               ferry_error *error) {
    const struct task_rule *rule = rule_of(input->settings->task);
    if (!rule->decode) return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "the task %s gives no boxes", rule->name);
    for (int i = 0; i < input->output_count; i++) {
        const ferry_tensor *output = &input->outputs[i];
        if (output->dtype != FERRY_FLOAT32 || output->layout != FERRY_LAYOUT_PLAIN || !output->data)
            return ferry_fail(error, FERRY_ERROR_SHAPE, "output %d is not a plain float32 tensor", i);
    }
    ferry_status status = rule->decode(input, workspace, candidates, error);
    if (status != FERRY_OK) ferry_error_prefix(error, "%s head: ", rule->name);
    return status;
}

int ferry_head_keypoint_count(const ferry_head_input *input) {
    const struct task_rule *rule = rule_of(input->settings->task);
    if (!rule->keypoints) return 0;
    return rule->keypoint_count == ANY_NUMBER ? input->settings->keypoints : rule->keypoint_count;
}

void ferry_head_keypoints(const ferry_head_input *input, int32_t source, ferry_keypoint *keypoints) {
    rule_of(input->settings->task)->keypoints(input, source, keypoints);
}
