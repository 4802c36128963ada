/* SPDX-License-Identifier: Apache-2.0 */
#include "vision/detector.h"

#include <string.h>

#include "base/memory.h"
#include "tensor/half.h"
#include "vision/affine.h"
#include "vision/preprocess.h"

enum { MAX_OUTPUTS = 32 };

struct ferry_detector {
    ferry_head_settings head;
    ferry_preprocessor *preprocessor;
    ferry_detect_kernels kernels;
    ferry_head_workspace workspace;
    ferry_candidates candidates;
    ferry_nms nms;
    FERRY_VECTOR(ferry_detection) detections;
    FERRY_VECTOR(ferry_keypoint) keypoints;
    FERRY_VECTOR(ferry_class_score) classes;
    FERRY_VECTOR(float) values; /* an embedding, or float32 copies of half-precision outputs */
};

ferry_status ferry_detector_create(const ferry_model_card *card, uint32_t cpu_features, int threads, ferry_detector **detector,
                                   ferry_error *error) {
    *detector = NULL;
    const ferry_head_settings *head = &card->head;
    if (head->level_count < 1 || head->level_count > FERRY_HEAD_LEVELS || head->keypoints < 0 ||
        head->keypoints > FERRY_HEAD_KEYPOINTS || head->nms.max_candidates < 1 || head->nms.max_detections < 1 ||
        head->top_k < 1)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT,
                          "model card: level_count, keypoints, top_k or the NMS limits are out "
                          "of range");
    for (int i = 0; i < head->level_count; i++)
        if (head->strides[i] < 1)
            return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "model card: stride %d is %d", i, head->strides[i]);
    ferry_detector *d = ferry_calloc(1, sizeof *d);
    if (!d) return ferry_fail_memory(error, sizeof *d);
    d->head = *head;
    ferry_detect_select(cpu_features, &d->kernels);
    ferry_status status = ferry_preprocessor_create(&card->preprocess, cpu_features, threads, &d->preprocessor, error);
    if (status != FERRY_OK) {
        ferry_free(d);
        return status;
    }
    *detector = d;
    return FERRY_OK;
}

void ferry_detector_destroy(ferry_detector *d) {
    if (!d) return;
    ferry_preprocessor_destroy(d->preprocessor);
    ferry_head_workspace_free(&d->workspace);
    ferry_candidates_free(&d->candidates);
    ferry_nms_free(&d->nms);
    ferry_vector_free(&d->detections);
    ferry_vector_free(&d->keypoints);
    ferry_vector_free(&d->classes);
    ferry_vector_free(&d->values);
    ferry_free(d);
}

ferry_status ferry_detector_input_shape(ferry_detector *d, const ferry_image *image, ferry_shape *shape, ferry_error *error) {
    return ferry_preprocessor_prepare(d->preprocessor, image, shape, error);
}

ferry_status ferry_detector_set_affine(ferry_detector *d, const double to_network[6], ferry_error *error) {
    return ferry_preprocessor_set_affine(d->preprocessor, to_network, error);
}

ferry_status ferry_detector_preprocess(ferry_detector *d, const ferry_image *image, ferry_pool *pool, void *input,
                                       size_t input_bytes, ferry_input_geometry *geometry, ferry_error *error) {
    ferry_shape shape;
    FERRY_TRY(ferry_preprocessor_prepare(d->preprocessor, image, &shape, error));
    const bool interleaved = ferry_preprocessor_settings(d->preprocessor)->interleaved != 0;
    *geometry = (ferry_input_geometry){.picture_width = image->width,
                                       .picture_height = image->height,
                                       .network_width = (int32_t)shape.dims[interleaved ? 2 : 3],
                                       .network_height = (int32_t)shape.dims[interleaved ? 1 : 2]};
    return ferry_preprocessor_run(d->preprocessor, image, pool, input, input_bytes, &geometry->affine, error);
}

/* --- outputs ------------------------------------------------------------------------------------------------------------- */

/* Float32 views of the outputs; half-precision ones are converted into d->values. */
static ferry_status read_outputs(ferry_detector *d, const ferry_tensor *outputs, int count, ferry_tensor *views,
                                 ferry_error *error) {
    size_t wanted = 0;
    for (int i = 0; i < count; i++) {
        int64_t elements;
        if (outputs[i].layout != FERRY_LAYOUT_PLAIN || !ferry_shape_elements(&outputs[i].shape, &elements) ||
            (!outputs[i].data && elements > 0) || (outputs[i].dtype != FERRY_FLOAT32 && outputs[i].dtype != FERRY_FLOAT16))
            return ferry_fail(error, FERRY_ERROR_SHAPE, "output %d is not a plain tensor of float32 or float16", i);
        if (outputs[i].dtype == FERRY_FLOAT16) wanted += (size_t)elements;
    }
    if (!ferry_vector_reserve(&d->values, wanted)) return ferry_fail_memory(error, wanted * sizeof(float));
    float *next = d->values.items;
    for (int i = 0; i < count; i++) {
        views[i] = outputs[i];
        if (outputs[i].dtype != FERRY_FLOAT16) continue;
        const uint16_t *half = outputs[i].data;
        const int64_t elements = ferry_shape_count(&outputs[i].shape);
        for (int64_t k = 0; k < elements; k++) next[k] = ferry_half_to_float(half[k]);
        views[i].dtype = FERRY_FLOAT32;
        views[i].data = next;
        next += elements;
    }
    return FERRY_OK;
}

static void keypoints_to_picture(const ferry_input_geometry *geometry, ferry_keypoint *keypoints, int count) {
    for (int i = 0; i < count; i++) {
        double x, y;
        ferry_affine_apply(geometry->affine.to_picture, keypoints[i].x, keypoints[i].y, &x, &y);
        float box[4] = {(float)x, (float)y, 0, 0};
        ferry_box_clip(box, geometry->picture_width, geometry->picture_height);
        keypoints[i].x = box[0];
        keypoints[i].y = box[1];
    }
}

static ferry_status add_detection(ferry_detector *d, const ferry_head_input *input, const ferry_input_geometry *geometry,
                                  const ferry_candidate *candidate, ferry_error *error) {
    const int keypoints = ferry_head_keypoint_count(input);
    float box[4];
    ferry_affine_box_to_picture(&geometry->affine, candidate->box, box);
    ferry_box_clip(box, geometry->picture_width, geometry->picture_height);
    const ferry_detection detection = {.x0 = box[0],
                                       .y0 = box[1],
                                       .x1 = box[2],
                                       .y1 = box[3],
                                       .score = candidate->score,
                                       .class_index = candidate->class_index,
                                       .keypoint_begin = (int32_t)d->keypoints.count,
                                       .keypoint_count = keypoints};
    if (!ferry_vector_push(&d->detections, detection) ||
        !ferry_vector_reserve(&d->keypoints, d->keypoints.count + (size_t)keypoints))
        return ferry_fail_memory(error, sizeof detection);
    if (keypoints == 0) return FERRY_OK;
    ferry_keypoint *points = d->keypoints.items + d->keypoints.count;
    memset(points, 0, (size_t)keypoints * sizeof *points);
    ferry_head_keypoints(input, candidate->source, points);
    keypoints_to_picture(geometry, points, keypoints);
    d->keypoints.count += (size_t)keypoints;
    return FERRY_OK;
}

static ferry_status detect(ferry_detector *d, const ferry_head_input *input, const ferry_input_geometry *geometry,
                           ferry_error *error) {
    d->candidates.count = 0;
    FERRY_TRY(ferry_head_decode(input, &d->workspace, &d->candidates, error));
    ferry_nms_settings settings = d->head.nms;
    if (!ferry_head_needs_nms(d->head.task)) settings.iou = 2; /* nothing overlaps by more: only sorted and cut */
    FERRY_TRY(ferry_nms_run(&d->nms, &d->kernels, &d->candidates, &settings, error));
    for (int i = 0; i < d->nms.kept_count; i++)
        FERRY_TRY(add_detection(d, input, geometry, &d->candidates.items[d->nms.kept[i]], error));
    return FERRY_OK;
}

static ferry_status need_one_output(const ferry_head_input *input, int64_t *elements, ferry_error *error) {
    *elements = input->output_count > 0 ? ferry_shape_count(&input->outputs[0].shape) : 0;
    if (*elements < 1 || *elements > INT32_MAX / 2)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "the first output has %lld numbers", (long long)*elements);
    return FERRY_OK;
}

static ferry_status classify(ferry_detector *d, const ferry_head_input *input, ferry_error *error) {
    int64_t elements;
    FERRY_TRY(need_one_output(input, &elements, error));
    const int k = (int)ferry_min_int64(d->head.top_k, elements);
    if (!ferry_vector_reserve(&d->classes, (size_t)k)) return ferry_fail_memory(error, (size_t)k * sizeof *d->classes.items);
    d->classes.count = (size_t)ferry_classify(input->outputs->data, (int)elements, d->head.softmax, k, d->classes.items);
    return FERRY_OK;
}

static ferry_status embed(ferry_detector *d, const ferry_head_input *input, ferry_vision_results *results, ferry_error *error) {
    int64_t elements;
    FERRY_TRY(need_one_output(input, &elements, error));
    if (!ferry_vector_reserve(&d->values, (size_t)elements)) return ferry_fail_memory(error, (size_t)elements * sizeof(float));
    /* A half-precision output is the head of d->values already, and normalising works in place. */
    const float *values = input->outputs->data;
    ferry_normalize_embedding(values, (int)elements, d->values.items);
    results->embedding = d->values.items;
    results->embedding_size = (int32_t)elements;
    return FERRY_OK;
}

/* A map's index i is index i * network / map of the network input, and the keypoint is told as an index of the picture: half a
 * pixel is added for the way through the transform and taken off again (mmpose 0.x transform_preds). */
static ferry_status read_pose(ferry_detector *d, const ferry_head_input *input, const ferry_input_geometry *geometry,
                              ferry_error *error) {
    const ferry_shape *shape = input->output_count > 0 ? &input->outputs[0].shape : NULL;
    if (!shape || shape->rank != 4 || shape->dims[0] != 1 || shape->dims[1] < 1 || shape->dims[1] > FERRY_HEAD_KEYPOINTS ||
        shape->dims[2] < 1 || shape->dims[3] < 1 || shape->dims[2] * shape->dims[3] > INT32_MAX / 2)
        return ferry_fail(error, FERRY_ERROR_SHAPE, "pose-heatmap head: the first output is not 1 x joints x H x W");
    const int joints = (int)shape->dims[1], height = (int)shape->dims[2], width = (int)shape->dims[3];
    if (!ferry_vector_reserve(&d->keypoints, (size_t)joints))
        return ferry_fail_memory(error, (size_t)joints * sizeof(ferry_keypoint));
    ferry_decode_heatmaps(input->outputs[0].data, joints, height, width, d->keypoints.items);
    for (int i = 0; i < joints; i++) {
        ferry_keypoint *point = &d->keypoints.items[i];
        const double x = (double)point->x * geometry->network_width / width + 0.5;
        const double y = (double)point->y * geometry->network_height / height + 0.5;
        double picture_x, picture_y;
        ferry_affine_apply(geometry->affine.to_picture, x, y, &picture_x, &picture_y);
        float clipped[4] = {(float)(picture_x - 0.5), (float)(picture_y - 0.5), 0, 0};
        ferry_box_clip(clipped, geometry->picture_width, geometry->picture_height);
        point->x = clipped[0];
        point->y = clipped[1];
    }
    d->keypoints.count = (size_t)joints;
    return FERRY_OK;
}

ferry_status ferry_detector_postprocess(ferry_detector *d, const ferry_tensor *outputs, const char *const *names,
                                        int output_count, const ferry_input_geometry *geometry, ferry_vision_results *results,
                                        ferry_error *error) {
    ferry_tensor views[MAX_OUTPUTS];
    *results = (ferry_vision_results){0};
    d->detections.count = d->keypoints.count = d->classes.count = 0;
    if (output_count < 0 || output_count > MAX_OUTPUTS)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "%d outputs where at most %d can be read", output_count, MAX_OUTPUTS);
    FERRY_TRY(read_outputs(d, outputs, output_count, views, error));
    const ferry_head_input input = {.settings = &d->head,
                                    .kernels = &d->kernels,
                                    .outputs = views,
                                    .names = names,
                                    .output_count = output_count,
                                    .width = geometry->network_width,
                                    .height = geometry->network_height};
    switch (d->head.task) {
    case FERRY_TASK_RAW: break;
    case FERRY_TASK_CLASSIFY: FERRY_TRY(classify(d, &input, error)); break;
    case FERRY_TASK_EMBEDDING: FERRY_TRY(embed(d, &input, results, error)); break;
    case FERRY_TASK_POSE_HEATMAP: FERRY_TRY(read_pose(d, &input, geometry, error)); break;
    default: FERRY_TRY(detect(d, &input, geometry, error));
    }
    results->detections = d->detections.items;
    results->detection_count = (int32_t)d->detections.count;
    results->keypoints = d->keypoints.items;
    results->keypoint_count = (int32_t)d->keypoints.count;
    results->classes = d->classes.items;
    results->class_count = (int32_t)d->classes.count;
    return FERRY_OK;
}
