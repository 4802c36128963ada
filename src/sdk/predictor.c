/* SPDX-License-Identifier: Apache-2.0 */
/* A context and a detector joined. */
#include <ferry/predictor.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/file.h"
#include "sdk/context.h"
#include "vision/detector.h"

enum { MAX_OUTPUTS = 64, DEFAULT_SIDE = 640 };

struct ferry_predictor {
    ferry_engine *engine;
    ferry_context *context;
    ferry_detector *detector;
    ferry_model_card card;
    char *card_text;
    char number[16]; /* the label of a class without name */
    int output_count;
    const char *output_names[MAX_OUTPUTS];
    ferry_predictor_times times;
};

void ferry_predictor_settings_default(ferry_predictor_settings *settings) {
    *settings = (ferry_predictor_settings){.struct_size = sizeof *settings, .confidence = -1, .iou = -1};
}

/* ---- the card ---- */

static ferry_status recognize(ferry_engine *engine, ferry_model_card *card, ferry_error *error) {
    ferry_named_shape inputs[MAX_OUTPUTS], outputs[MAX_OUTPUTS];
    int input_count = ferry_engine_input_count(engine), output_count = ferry_engine_output_count(engine);
    if (input_count > MAX_OUTPUTS) input_count = MAX_OUTPUTS;
    if (output_count > MAX_OUTPUTS) output_count = MAX_OUTPUTS;
    for (int i = 0; i < input_count + output_count; i++) {
        ferry_binding_info info;
        bool is_input = i < input_count;
        FERRY_TRY(is_input ? ferry_engine_input(engine, i, &info, error) : ferry_engine_output(engine, i - input_count, &info, error));
        ferry_named_shape *slot = is_input ? &inputs[i] : &outputs[i - input_count];
        *slot = (ferry_named_shape){info.name, info.dtype, info.shape};
        if (slot->shape.rank < 0) slot->shape.rank = 0;
    }
    int count = ferry_engine_metadata_count(engine);
    const char **keys = ferry_calloc((size_t)count * 2 + 1, sizeof *keys);
    if (!keys) return ferry_fail_memory(error, (size_t)count * 2 * sizeof *keys);
    for (int i = 0; i < count; i++) ferry_engine_metadata_at(engine, i, &keys[i], &keys[count + i]);
    ferry_model_signature signature = {inputs, input_count, outputs, output_count, keys, keys + count, count};
    ferry_status status = ferry_card_recognize(&signature, card, error);
    ferry_free(keys);
    return status;
}

/* "key: value" lines over the card. A line `task: ...` starts again from that task's defaults, keeping labels and size. */
static ferry_status apply_line(ferry_model_card *card, const char *line, size_t length, int number, ferry_error *error) {
    while (length && (line[length - 1] == ' ' || line[length - 1] == '\r')) length--;
    while (length && *line == ' ') line++, length--;
    if (length == 0 || *line == '#') return FERRY_OK;
    const char *colon = memchr(line, ':', length);
    if (!colon) return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "model card, line %d: 'key: value' expected", number);
    char *key = ferry_strndup(line, (size_t)(colon - line));
    const char *text = colon + 1;
    while (text < line + length && *text == ' ') text++;
    char *value = ferry_strndup(text, (size_t)(line + length - text));
    ferry_status status = key && value ? ferry_card_set(card, key, value, error) : ferry_fail_memory(error, length);
    if (status != FERRY_OK) ferry_error_prefix(error, "model card, line %d: ", number);
    ferry_free(key);
    ferry_free(value);
    return status;
}

static ferry_status apply_overrides(ferry_model_card *card, const char *text, ferry_error *error) {
    for (int number = 1; text && *text; number++) {
        size_t length = strcspn(text, "\n");
        FERRY_TRY(apply_line(card, text, length, number, error));
        text += length + (text[length] == '\n');
    }
    return FERRY_OK;
}

/* What the graph fixes wins over the card: the network input's height and width, by its layout. */
static ferry_status fit_to_input(ferry_engine *engine, const ferry_predictor_settings *settings, ferry_model_card *card,
                                 ferry_error *error) {
    ferry_binding_info info;
    FERRY_TRY(ferry_engine_input(engine, 0, &info, error));
    if (info.shape.rank != 4 && info.shape.rank >= 0)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "input '%s' has rank %d; a picture needs 4", info.name, info.shape.rank);
    int height_axis = card->preprocess.interleaved ? 1 : 2;
    int64_t height = info.shape.rank == 4 ? info.shape.dims[height_axis] : -1;
    int64_t width = info.shape.rank == 4 ? info.shape.dims[height_axis + 1] : -1;
    if (settings->width > 0) card->preprocess.width = settings->width;
    if (settings->height > 0) card->preprocess.height = settings->height;
    if (width > 0) card->preprocess.width = (int32_t)width;
    if (height > 0) card->preprocess.height = (int32_t)height;
    if (card->preprocess.width <= 0) card->preprocess.width = DEFAULT_SIDE;
    if (card->preprocess.height <= 0) card->preprocess.height = DEFAULT_SIDE;
    card->preprocess.dtype = info.dtype;
    return FERRY_OK;
}

static ferry_status make_card(ferry_engine *engine, const ferry_predictor_settings *settings, ferry_model_card *card, ferry_error *error) {
    const char *stored = ferry_engine_metadata(engine, "ferry.card");
    FERRY_TRY(stored ? ferry_card_read(stored, strlen(stored), card, error) : recognize(engine, card, error));
    FERRY_TRY(apply_overrides(card, settings->card, error));
    if (card->head.task == FERRY_TASK_RAW)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "the model's task is not known (%s); name it with a model card, or run the "
                                                          "model on raw tensors",
                          card->reason);
    FERRY_TRY(fit_to_input(engine, settings, card, error));
    if (settings->confidence >= 0) card->head.confidence = settings->confidence;
    if (settings->iou >= 0) card->head.nms.iou = settings->iou;
    if (settings->max_detections > 0) card->head.nms.max_detections = settings->max_detections;
    return FERRY_OK;
}

/* ---- making ---- */

static ferry_status fill(ferry_predictor *predictor, const ferry_predictor_settings *settings, ferry_error *error) {
    FERRY_TRY(make_card(predictor->engine, settings, &predictor->card, error));
    FERRY_TRY(ferry_card_write(&predictor->card, &predictor->card_text, error));
    ferry_context_settings context_settings;
    ferry_context_settings_default(&context_settings);
    context_settings.threads = settings->threads;
    context_settings.profile = settings->profile;
    FERRY_TRY(ferry_context_create(predictor->engine, &context_settings, &predictor->context, error));
    ferry_pool *pool = ferry_context_pool(predictor->context);
    FERRY_TRY(ferry_detector_create(&predictor->card, ferry_cpu_features(), ferry_pool_threads(pool), &predictor->detector, error));
    predictor->output_count = ferry_engine_output_count(predictor->engine);
    if (predictor->output_count > MAX_OUTPUTS)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "the model has %d outputs; at most %d are decoded", predictor->output_count,
                          MAX_OUTPUTS);
    for (int i = 0; i < predictor->output_count; i++) {
        ferry_binding_info info;
        FERRY_TRY(ferry_engine_output(predictor->engine, i, &info, error));
        predictor->output_names[i] = info.name;
    }
    return FERRY_OK;
}

ferry_status ferry_predictor_create(ferry_engine *engine, const ferry_predictor_settings *settings, ferry_predictor **result,
                                    ferry_error *error) {
    *result = NULL;
    ferry_predictor_settings defaults;
    ferry_predictor_settings_default(&defaults);
    if (!settings) settings = &defaults;
    if (settings->struct_size != sizeof *settings)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT,
                          "settings.struct_size is %zu, not %zu: call ferry_predictor_settings_default first", settings->struct_size,
                          sizeof *settings);
    ferry_predictor *predictor = ferry_calloc(1, sizeof *predictor);
    if (!predictor) return ferry_fail_memory(error, sizeof *predictor);
    predictor->engine = ferry_engine_retain(engine);
    ferry_card_init(&predictor->card, FERRY_TASK_RAW);
    ferry_status status = fill(predictor, settings, error);
    if (status != FERRY_OK) {
        ferry_predictor_destroy(predictor);
        return status;
    }
    *result = predictor;
    return FERRY_OK;
}

void ferry_predictor_destroy(ferry_predictor *predictor) {
    if (!predictor) return;
    ferry_detector_destroy(predictor->detector);
    ferry_context_destroy(predictor->context);
    ferry_card_free(&predictor->card);
    ferry_free(predictor->card_text);
    ferry_engine_release(predictor->engine);
    ferry_free(predictor);
}

/* ---- running ---- */

static ferry_status preprocess(ferry_predictor *predictor, const ferry_image *image, ferry_input_geometry *geometry, ferry_error *error) {
    ferry_shape shape;
    ferry_tensor_view input;
    size_t bytes;
    FERRY_TRY(ferry_detector_input_shape(predictor->detector, image, &shape, error));
    FERRY_TRY(ferry_context_set_input_shape(predictor->context, 0, &shape, error));
    FERRY_TRY(ferry_context_input(predictor->context, 0, &input, error));
    if (!ferry_tensor_bytes(input.dtype, FERRY_LAYOUT_PLAIN, &input.shape, &bytes))
        return ferry_fail(error, FERRY_ERROR_SHAPE, "the network input is too large");
    return ferry_detector_preprocess(predictor->detector, image, ferry_context_pool(predictor->context), input.data, bytes, geometry,
                                     error);
}

static ferry_status postprocess(ferry_predictor *predictor, const ferry_input_geometry *geometry, ferry_vision_results *results,
                                ferry_error *error) {
    ferry_tensor outputs[MAX_OUTPUTS];
    for (int i = 0; i < predictor->output_count; i++) {
        ferry_tensor_view view;
        FERRY_TRY(ferry_context_output(predictor->context, i, &view, error));
        outputs[i] = (ferry_tensor){.dtype = view.dtype, .shape = view.shape, .data = view.data};
    }
    return ferry_detector_postprocess(predictor->detector, outputs, predictor->output_names, predictor->output_count, geometry, results,
                                      error);
}

ferry_status ferry_predictor_run(ferry_predictor *predictor, const ferry_image *image, ferry_vision_results *results, ferry_error *error) {
    ferry_input_geometry geometry;
    double start = ferry_time_seconds();
    FERRY_TRY(preprocess(predictor, image, &geometry, error));
    double prepared = ferry_time_seconds();
    FERRY_TRY(ferry_context_run(predictor->context, error));
    double inferred = ferry_time_seconds();
    FERRY_TRY(postprocess(predictor, &geometry, results, error));
    predictor->times =
        (ferry_predictor_times){(prepared - start) * 1e3, (inferred - prepared) * 1e3, (ferry_time_seconds() - inferred) * 1e3};
    return FERRY_OK;
}

/* ---- asking ---- */

ferry_vision_task ferry_predictor_task(const ferry_predictor *predictor) { return predictor->card.head.task; }
const char *ferry_predictor_reason(const ferry_predictor *predictor) { return predictor->card.reason; }
const char *ferry_predictor_card(const ferry_predictor *predictor) { return predictor->card_text; }
ferry_context *ferry_predictor_context(ferry_predictor *predictor) { return predictor->context; }

const char *ferry_predictor_label(ferry_predictor *predictor, int class_index) {
    const char *label = ferry_card_label(&predictor->card, class_index);
    if (label) return label;
    snprintf(predictor->number, sizeof predictor->number, "%d", class_index);
    return predictor->number;
}

/* The 17 keypoints of COCO joined as its annotation says (keypoints' "skeleton" of person_keypoints). */
static const int coco_skeleton[][2] = {{15, 13}, {13, 11}, {16, 14}, {14, 12}, {11, 12}, {5, 11}, {6, 12}, {5, 6}, {5, 7}, {6, 8},
                                       {7, 9},   {8, 10},  {1, 2},   {0, 1},   {0, 2},   {1, 3},  {2, 4},  {3, 5}, {4, 6}};

int ferry_predictor_skeleton(const ferry_predictor *predictor, const int (**pairs)[2]) {
    ferry_vision_task task = predictor->card.head.task;
    *pairs = coco_skeleton;
    bool body = (task == FERRY_TASK_POSE_HEATMAP || task == FERRY_TASK_YOLOV8_POSE) &&
                (predictor->card.head.keypoints == 0 || predictor->card.head.keypoints == 17);
    return body ? (int)(sizeof coco_skeleton / sizeof *coco_skeleton) : 0;
}

void ferry_predictor_last_times(const ferry_predictor *predictor, ferry_predictor_times *times) { *times = predictor->times; }
