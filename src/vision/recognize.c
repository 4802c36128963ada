/* SPDX-License-Identifier: Apache-2.0 */
/* Which task a model does, told from its outputs' shapes and names and from its metadata. Each rule looks for one family and
 * explains itself; the first that applies wins. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "vision/card.h"

enum { DEFAULT_SIDE = 640, NOT_KNOWN = -1 };

typedef struct findings {
    const ferry_model_signature *signature;
    int64_t width, height, channels; /* of the input; NOT_KNOWN where dynamic */
    bool interleaved;
    const char *names, *task, *keypoint_shape; /* metadata; NULL */
    ferry_model_card *card;
} findings;

/* --- looking ----------------------------------------------------------------------------------------------------------- */

static const char *metadata(const ferry_model_signature *signature, const char *key) {
    for (int i = 0; i < signature->metadata_count; i++)
        if (strcmp(signature->metadata_keys[i], key) == 0) return signature->metadata_values[i];
    return NULL;
}

static int64_t known(int64_t dim) { return dim > 0 ? dim : NOT_KNOWN; }

static int64_t last_dim(const ferry_named_shape *value, int from_the_end) {
    const int index = value->shape.rank - 1 - from_the_end;
    return index >= 0 ? known(value->shape.dims[index]) : NOT_KNOWN;
}

static void look_at_input(findings *f) {
    const ferry_named_shape *input = f->signature->input_count > 0 ? &f->signature->inputs[0] : NULL;
    f->width = f->height = f->channels = NOT_KNOWN;
    if (!input || input->shape.rank != 4) return;
    const int64_t *d = input->shape.dims;
    f->interleaved = (d[3] == 3 || d[3] == 1) && d[1] != 3 && d[1] != 1;
    f->channels = known(f->interleaved ? d[3] : d[1]);
    f->height = known(f->interleaved ? d[1] : d[2]);
    f->width = known(f->interleaved ? d[2] : d[3]);
}

/* Cells of the grids of strides 8, 16, 32; NOT_KNOWN for a dynamic input. */
static int64_t grid_cells(const findings *f) {
    if (f->width < 1 || f->height < 1 || f->width > 16384 || f->height > 16384) return NOT_KNOWN;
    int64_t cells = 0;
    for (int stride = 8; stride <= 32; stride *= 2) cells += (f->width / stride) * (f->height / stride);
    return cells;
}

static int outputs_ending(const findings *f, int64_t last) {
    int count = 0;
    for (int i = 0; i < f->signature->output_count; i++) count += last_dim(&f->signature->outputs[i], 0) == last;
    return count;
}

static bool has_output(const findings *f, const char *name) {
    for (int i = 0; i < f->signature->output_count; i++)
        if (f->signature->outputs[i].name && strcmp(f->signature->outputs[i].name, name) == 0) return true;
    return false;
}

static bool name_contains(const ferry_named_shape *value, const char *part) { return value->name && strstr(value->name, part); }

/* --- defaults of preparation ------------------------------------------------------------------------------------------- */

static void normalize(ferry_preprocess_settings *settings, float divisor, float mean, float deviation) {
    settings->divisor = divisor;
    for (int c = 0; c < 3; c++) settings->mean[c] = mean, settings->deviation[c] = deviation;
}

static void normalize_imagenet(ferry_preprocess_settings *settings) {
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};
    settings->divisor = 255;
    memcpy(settings->mean, mean, sizeof mean);
    memcpy(settings->deviation, deviation, sizeof deviation);
}

static void letterbox_top_left(ferry_preprocess_settings *settings, ferry_size_rounding rounding, uint8_t pad) {
    settings->fit = FERRY_FIT_LETTERBOX_TOP_LEFT;
    settings->rounding = rounding;
    memset(settings->pad, pad, 3);
}

static void prepare_for(ferry_vision_task task, ferry_preprocess_settings *s) {
    switch (task) {
    case FERRY_TASK_YOLOX:
        letterbox_top_left(s, FERRY_SIZE_FLOOR, 114);
        normalize(s, 1, 0, 1);
        s->channels = FERRY_CHANNELS_BGR;
        break;
    case FERRY_TASK_SCRFD:
        letterbox_top_left(s, FERRY_SIZE_FLOOR_ASPECT, 0);
        normalize(s, 1, 127.5f, 128);
        break;
    case FERRY_TASK_RETINAFACE:
        letterbox_top_left(s, FERRY_SIZE_FLOOR_ASPECT, 0);
        normalize(s, 1, 0, 1);
        break;
    case FERRY_TASK_YUNET:
        letterbox_top_left(s, FERRY_SIZE_FLOOR_ASPECT, 0);
        normalize(s, 1, 0, 1);
        s->channels = FERRY_CHANNELS_BGR;
        break;
    case FERRY_TASK_ULTRAFACE:
        s->fit = FERRY_FIT_STRETCH;
        normalize(s, 1, 127, 128);
        break;
    case FERRY_TASK_CLASSIFY:
        s->fit = FERRY_FIT_CENTER_CROP;
        normalize_imagenet(s);
        break;
    case FERRY_TASK_POSE_HEATMAP:
        memset(s->pad, 0, 3);
        normalize_imagenet(s);
        break;
    case FERRY_TASK_EMBEDDING:
        s->fit = FERRY_FIT_STRETCH;
        normalize(s, 1, 127.5f, 127.5f);
        break;
    default: break; /* the settings' own defaults are Ultralytics' */
    }
}

void ferry_card_init(ferry_model_card *card, ferry_vision_task task) {
    *card = (ferry_model_card){.preprocess = ferry_preprocess_settings_default(), .head = ferry_head_settings_default(task)};
    prepare_for(task, &card->preprocess);
}

static ferry_status set_coco(ferry_model_card *card, ferry_error *error) {
    ferry_card_free(card);
    card->labels = ferry_calloc(80, sizeof *card->labels);
    if (!card->labels) return ferry_fail_memory(error, 80 * sizeof *card->labels);
    for (; card->label_count < 80; card->label_count++) {
        card->labels[card->label_count] = ferry_strdup(ferry_coco_labels[card->label_count]);
        if (!card->labels[card->label_count]) return ferry_fail_memory(error, 16);
    }
    return FERRY_OK;
}

/* --- rules: each fills the card and returns true when it applies -----------------------------------------------------------
 */

static bool choose(findings *f, ferry_vision_task task, const char *format, ...) FERRY_PRINTF(3, 4);
static bool choose(findings *f, ferry_vision_task task, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    ferry_card_init(f->card, task);
    vsnprintf(f->card->reason, sizeof f->card->reason, format, arguments);
    va_end(arguments);
    return true;
}

static bool is_yunet(findings *f) {
    if (!has_output(f, "cls_8") || !has_output(f, "obj_16") || !has_output(f, "bbox_32") || !has_output(f, "kps_8"))
        return false;
    return choose(f, FERRY_TASK_YUNET, "outputs cls_8, obj_16, bbox_32, kps_8 are YuNet's");
}

static bool is_retinaface(findings *f) {
    int maps[3] = {0};
    for (int i = 0; i < f->signature->output_count; i++) {
        const ferry_shape *shape = &f->signature->outputs[i].shape;
        if (shape->rank == 4) maps[0] += shape->dims[1] == 4, maps[1] += shape->dims[1] == 8, maps[2] += shape->dims[1] == 20;
    }
    if (maps[0] != 3 || maps[1] != 3 || maps[2] != 3) return false;
    return choose(f, FERRY_TASK_RETINAFACE, "three outputs each of 4, 8 and 20 channels: RetinaFace with two anchors a cell");
}

static bool is_scrfd(findings *f) {
    const int scores = outputs_ending(f, 1), boxes = outputs_ending(f, 4), points = outputs_ending(f, 10);
    if (scores != boxes || (scores != 3 && scores != 5) || (points != 0 && points != scores) ||
        f->signature->output_count != scores + boxes + points)
        return false;
    choose(f, FERRY_TASK_SCRFD, "%d outputs each ending in 1, 4%s: SCRFD", scores, points ? " and 10" : "");
    f->card->head.level_count = scores;
    for (int i = 0; i < scores; i++) f->card->head.strides[i] = 8 << i;
    if (!points) f->card->head.keypoints = 0;
    return true;
}

static bool is_ultraface(findings *f) {
    if (f->signature->output_count != 2 || outputs_ending(f, 2) != 1 || outputs_ending(f, 4) != 1) return false;
    return choose(f, FERRY_TASK_ULTRAFACE, "outputs N x 2 and N x 4: UltraFace scores and boxes");
}

static bool is_yolov5_raw(findings *f) {
    if (f->signature->output_count != 3) return false;
    for (int i = 0; i < 3; i++) {
        const ferry_shape *shape = &f->signature->outputs[i].shape;
        const bool maps = shape->rank == 4 && shape->dims[1] >= 18 && shape->dims[1] % 3 == 0;
        const bool rows = shape->rank == 5 && shape->dims[1] == 3 && shape->dims[4] >= 6;
        if (!maps && !rows) return false;
    }
    return choose(f, FERRY_TASK_YOLOV5_RAW, "three maps of 3 * (5 + classes) values: YOLOv5 heads before the sigmoid");
}

static int count_keypoints(const char *keypoint_shape) {
    int count = 0;
    if (keypoint_shape && sscanf(keypoint_shape, " [%3d", &count) == 1 && count > 0) return count;
    return 17;
}

/* One output, rank 3. */
static bool is_yolo(findings *f) {
    if (f->signature->output_count < 1 || f->signature->outputs[0].shape.rank != 3) return false;
    const int64_t rows = last_dim(&f->signature->outputs[0], 1), columns = last_dim(&f->signature->outputs[0], 0);
    const int64_t cells = grid_cells(f);
    if (columns == 6 && rows > 0 && rows <= 1000)
        return choose(f, FERRY_TASK_YOLO_END_TO_END, "output of %lld rows of 6: boxes after suppression", (long long)rows);
    if (cells != NOT_KNOWN && rows == 3 * cells && columns >= 6)
        return choose(f, FERRY_TASK_YOLOV5, "%lld rows = 3 anchors at each cell of strides 8, 16, 32: YOLOv5", (long long)rows);
    if (cells != NOT_KNOWN && rows == cells && columns >= 6)
        return choose(f, FERRY_TASK_YOLOX, "%lld rows = the cells of strides 8, 16, 32, values last: YOLOX", (long long)rows);
    const bool values_first = rows >= 5 && (columns == NOT_KNOWN || columns > rows);
    if (values_first && (columns == cells || f->names) && f->task && strcmp(f->task, "pose") == 0) {
        choose(f, FERRY_TASK_YOLOV8_POSE, "values first and metadata task: pose: YOLOv8 keypoints");
        f->card->head.keypoints = count_keypoints(f->keypoint_shape);
        return true;
    }
    if (values_first && (columns == cells || f->names) && !(f->task && strcmp(f->task, "detect") != 0))
        return choose(f, FERRY_TASK_YOLOV8, "%lld values first, then cells of strides 8, 16, 32: YOLOv8 or 11",
                      (long long)rows);
    if (f->signature->output_count == 1 && cells == NOT_KNOWN && (columns >= 6 || (columns == NOT_KNOWN && rows == NOT_KNOWN)))
        return choose(f, FERRY_TASK_YOLOV5, "dynamic input and an output of rank 3: taken as YOLOv5, which is a guess");
    return false;
}

static bool is_heatmap(findings *f) {
    const ferry_named_shape *output = f->signature->outputs;
    if (f->signature->output_count != 1 || output->shape.rank != 4) return false;
    const int64_t *d = output->shape.dims;
    if (d[1] < 2 || d[1] > FERRY_HEAD_KEYPOINTS || f->width < 1 || d[3] * 4 != f->width || d[2] * 4 != f->height) return false;
    choose(f, FERRY_TASK_POSE_HEATMAP, "%lld maps at a quarter of the input: keypoint heatmaps", (long long)d[1]);
    f->card->head.keypoints = (int32_t)d[1];
    return true;
}

/* Width of a single output that is a vector: 1 x C or 1 x C x 1 x 1. */
static int64_t vector_width(const findings *f) {
    if (f->signature->output_count != 1) return NOT_KNOWN;
    const ferry_shape *shape = &f->signature->outputs[0].shape;
    if (shape->rank == 2) return known(shape->dims[1]);
    return shape->rank == 4 && shape->dims[2] == 1 && shape->dims[3] == 1 ? known(shape->dims[1]) : NOT_KNOWN;
}

static bool is_embedding(findings *f) {
    const int64_t width = vector_width(f);
    const bool usual = width == 128 || width == 256 || width == 512, face = f->width == 112 && f->height == 112;
    if (!usual || f->names || (f->task && strcmp(f->task, "classify") == 0)) return false;
    return choose(f, FERRY_TASK_EMBEDDING, "one vector of %lld numbers%s, no class names: an embedding", (long long)width,
                  face ? " from a 112 x 112 picture" : "");
}

static bool is_classifier(findings *f) {
    const int64_t width = vector_width(f);
    if (width < 2) return false;
    choose(f, FERRY_TASK_CLASSIFY, "one vector of %lld numbers: class scores", (long long)width);
    const ferry_named_shape *output = f->signature->outputs;
    const bool ultralytics = f->task && strcmp(f->task, "classify") == 0;
    f->card->head.softmax = !ultralytics && !name_contains(output, "prob") && !name_contains(output, "softmax");
    if (ultralytics) {
        normalize(&f->card->preprocess, 255, 0, 1);
        f->card->preprocess.crop = 1;
    } else if (width == 1001) { /* TensorFlow's ImageNet with a background class */
        normalize(&f->card->preprocess, 1, 127.5f, 127.5f);
    }
    f->card->head.classes = (int32_t)(width < 1 << 20 ? width : 0);
    return true;
}

/* --- the whole --------------------------------------------------------------------------------------------------------- */

static void set_input(const findings *f) {
    ferry_preprocess_settings *settings = &f->card->preprocess;
    settings->width = f->width > 0 && f->width <= 16384 ? (int32_t)f->width : DEFAULT_SIDE;
    settings->height = f->height > 0 && f->height <= 16384 ? (int32_t)f->height : DEFAULT_SIDE;
    settings->interleaved = f->interleaved;
    if (f->channels == 1) settings->channels = FERRY_CHANNELS_GRAY;
    const ferry_named_shape *input = f->signature->input_count > 0 ? f->signature->inputs : NULL;
    if (input && (input->dtype == FERRY_FLOAT16 || input->dtype == FERRY_UINT8 || input->dtype == FERRY_INT8))
        settings->dtype = input->dtype;
}

static ferry_status set_labels(const findings *f, ferry_error *error) {
    const ferry_vision_task task = f->card->head.task;
    const ferry_named_shape *output = f->signature->outputs;
    /* Unreadable names are no reason to refuse a model: it then has numbers for labels. */
    if (f->names) {
        ferry_error reason = {0};
        ferry_status status = ferry_card_set_labels(f->card, f->names, &reason);
        if (status == FERRY_ERROR_OUT_OF_MEMORY) return ferry_fail_memory(error, strlen(f->names));
        return FERRY_OK;
    }
    const bool coco = ((task == FERRY_TASK_YOLOV5 || task == FERRY_TASK_YOLOX) && last_dim(output, 0) == 85) ||
                      (task == FERRY_TASK_YOLOV8 && last_dim(output, 1) == 84);
    return coco ? set_coco(f->card, error) : FERRY_OK;
}

ferry_status ferry_card_recognize(const ferry_model_signature *signature, ferry_model_card *card, ferry_error *error) {
    static bool (*const rules[])(findings *) = {is_yunet, is_retinaface, is_scrfd,     is_ultraface, is_yolov5_raw,
                                                is_yolo,  is_heatmap,    is_embedding, is_classifier};
    findings f = {.signature = signature, .card = card};
    f.names = metadata(signature, "names");
    f.task = metadata(signature, "task");
    f.keypoint_shape = metadata(signature, "kpt_shape");
    ferry_card_free(card);
    look_at_input(&f);
    bool found = false;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && !found; i++) found = rules[i](&f);
    if (!found) choose(&f, FERRY_TASK_RAW, "no known family has outputs of these shapes");
    set_input(&f);
    return set_labels(&f, error);
}
