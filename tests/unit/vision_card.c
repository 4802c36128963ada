/* SPDX-License-Identifier: Apache-2.0 */
/* Model cards: recognition by signature, labels in any dress, text there and back, hostile text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "vision/card.h"

typedef struct known_model {
    const char *name;
    ferry_vision_task task;
    ferry_dtype dtype;
    int64_t input[4];
    int output_count;
    struct {
        const char *name;
        int rank;
        int64_t dims[5];
    } outputs[12];
    const char *metadata[4][2];
} known_model;

/* Signatures as exporters write them. */
static const known_model models[] = {
    {"yolov5s", FERRY_TASK_YOLOV5, FERRY_FLOAT32, {1, 3, 640, 640}, 1, {{"output", 3, {1, 25200, 85}}}, {{"stride", "32"}}},
    {"yolov5n fp16, dynamic", FERRY_TASK_YOLOV5, FERRY_FLOAT16, {-1, 3, -1, -1}, 1, {{"output", 3, {-1, -1, -1}}}, {{0}}},
    {"yolov5s at 320", FERRY_TASK_YOLOV5, FERRY_FLOAT32, {1, 3, 320, 320}, 1, {{"output", 3, {1, 6300, 7}}}, {{0}}},
    {"yolov5 raw",
     FERRY_TASK_YOLOV5_RAW,
     FERRY_FLOAT32,
     {1, 3, 640, 640},
     3,
     {{"a", 4, {1, 255, 80, 80}}, {"b", 4, {1, 255, 40, 40}}, {"c", 4, {1, 255, 20, 20}}},
     {{0}}},
    {"yolov8n", FERRY_TASK_YOLOV8, FERRY_FLOAT32, {1, 3, 640, 640}, 1, {{"output0", 3, {1, 84, 8400}}}, {{"task", "detect"}}},
    {"yolov8n-pose",
     FERRY_TASK_YOLOV8_POSE,
     FERRY_FLOAT32,
     {1, 3, 640, 640},
     1,
     {{"output0", 3, {1, 56, 8400}}},
     {{"task", "pose"}, {"kpt_shape", "[17, 3]"}, {"names", "{0: 'person'}"}}},
    {"yolov8n-seg",
     FERRY_TASK_RAW,
     FERRY_FLOAT32,
     {1, 3, 640, 640},
     2,
     {{"output0", 3, {1, 116, 8400}}, {"output1", 4, {1, 32, 160, 160}}},
     {{"task", "segment"}}},
    {"yolov10n",
     FERRY_TASK_YOLO_END_TO_END,
     FERRY_FLOAT32,
     {1, 3, 640, 640},
     1,
     {{"output0", 3, {1, 300, 6}}},
     {{"task", "detect"}}},
    {"yolox_nano", FERRY_TASK_YOLOX, FERRY_FLOAT32, {1, 3, 416, 416}, 1, {{"output", 3, {1, 3549, 85}}}, {{0}}},
    {"scrfd dynamic",
     FERRY_TASK_SCRFD,
     FERRY_FLOAT32,
     {1, 3, -1, -1},
     9,
     {{"446", 2, {-1, 1}},
      {"466", 2, {-1, 1}},
      {"486", 2, {-1, 1}},
      {"449", 2, {-1, 4}},
      {"469", 2, {-1, 4}},
      {"489", 2, {-1, 4}},
      {"452", 2, {-1, 10}},
      {"472", 2, {-1, 10}},
      {"492", 2, {-1, 10}}},
     {{0}}},
    {"scrfd without keypoints",
     FERRY_TASK_SCRFD,
     FERRY_FLOAT32,
     {1, 3, 640, 640},
     6,
     {{"a", 3, {1, 12800, 1}},
      {"b", 3, {1, 3200, 1}},
      {"c", 3, {1, 800, 1}},
      {"d", 3, {1, 12800, 4}},
      {"e", 3, {1, 3200, 4}},
      {"f", 3, {1, 800, 4}}},
     {{0}}},
    {"retinaface",
     FERRY_TASK_RETINAFACE,
     FERRY_FLOAT32,
     {1, 3, 640, 640},
     9,
     {{"a", 4, {1, 4, 20, 20}},
      {"b", 4, {1, 8, 20, 20}},
      {"c", 4, {1, 20, 20, 20}},
      {"d", 4, {1, 4, 40, 40}},
      {"e", 4, {1, 8, 40, 40}},
      {"f", 4, {1, 20, 40, 40}},
      {"g", 4, {1, 4, 80, 80}},
      {"h", 4, {1, 8, 80, 80}},
      {"i", 4, {1, 20, 80, 80}}},
     {{0}}},
    {"yunet",
     FERRY_TASK_YUNET,
     FERRY_FLOAT32,
     {-1, 3, -1, -1},
     4,
     {{"cls_8", 3, {-1, -1, 1}}, {"obj_16", 3, {-1, -1, 1}}, {"bbox_32", 3, {-1, -1, 4}}, {"kps_8", 3, {-1, -1, 10}}},
     {{0}}},
    {"ultraface",
     FERRY_TASK_ULTRAFACE,
     FERRY_FLOAT32,
     {1, 3, 240, 320},
     2,
     {{"scores", 3, {1, 4420, 2}}, {"boxes", 3, {1, 4420, 4}}},
     {{0}}},
    {"squeezenet", FERRY_TASK_CLASSIFY, FERRY_FLOAT32, {1, 3, 227, 227}, 1, {{"prob", 2, {1, 1000}}}, {{0}}},
    {"yolov8n-cls of 512 classes",
     FERRY_TASK_CLASSIFY,
     FERRY_FLOAT32,
     {1, 3, 224, 224},
     1,
     {{"output0", 2, {1, 512}}},
     {{"task", "classify"}}},
    {"mobilefacenet", FERRY_TASK_EMBEDDING, FERRY_FLOAT32, {1, 3, 112, 112}, 1, {{"output", 2, {1, 128}}}, {{0}}},
    {"simplepose", FERRY_TASK_POSE_HEATMAP, FERRY_FLOAT32, {1, 3, 256, 192}, 1, {{"fwd", 4, {1, 17, 64, 48}}}, {{0}}},
    {"a depth network", FERRY_TASK_RAW, FERRY_FLOAT32, {1, 3, 256, 256}, 1, {{"depth", 4, {1, 1, 256, 256}}}, {{0}}},
    {"nothing at all", FERRY_TASK_RAW, FERRY_FLOAT32, {0, 0, 0, 0}, 0, {{0}}, {{0}}},
};

static void recognize(const known_model *model, ferry_model_card *card) {
    ferry_named_shape input = {.name = "images", .dtype = model->dtype, .shape = {.rank = 4}}, outputs[12];
    const char *keys[4], *values[4];
    memcpy(input.shape.dims, model->input, sizeof model->input);
    for (int i = 0; i < model->output_count; i++) {
        outputs[i] = (ferry_named_shape){
            .name = model->outputs[i].name, .dtype = FERRY_FLOAT32, .shape = {.rank = model->outputs[i].rank}};
        memcpy(outputs[i].shape.dims, model->outputs[i].dims, sizeof model->outputs[i].dims);
    }
    ferry_model_signature signature = {.inputs = &input,
                                       .input_count = 1,
                                       .outputs = outputs,
                                       .output_count = model->output_count,
                                       .metadata_keys = keys,
                                       .metadata_values = values};
    for (; signature.metadata_count < 4 && model->metadata[signature.metadata_count][0]; signature.metadata_count++) {
        keys[signature.metadata_count] = model->metadata[signature.metadata_count][0];
        values[signature.metadata_count] = model->metadata[signature.metadata_count][1];
    }
    ferry_error error;
    if (ferry_card_recognize(&signature, card, &error) != FERRY_OK) fail_msg("%s", error.message);
}

static void families_are_recognised(void **state) {
    (void)state;
    ferry_model_card card = {0};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        recognize(&models[i], &card);
        if (card.head.task != models[i].task)
            fail_msg("%s was taken for %s: %s", models[i].name, ferry_vision_task_name(card.head.task), card.reason);
        assert_true(strlen(card.reason) > 10);
        if (models[i].input[2] > 0) assert_int_equal(card.preprocess.height, models[i].input[2]);
    }
    recognize(&models[0], &card);
    assert_string_equal(ferry_card_label(&card, 79), "toothbrush");
    assert_null(ferry_card_label(&card, 80));
    recognize(&models[1], &card);
    assert_int_equal(card.preprocess.dtype, FERRY_FLOAT16);
    recognize(&models[14], &card);
    assert_false(card.head.softmax);
    ferry_card_free(&card);
}

static void check_labels(const char *text, int count, const char *first, const char *last) {
    ferry_model_card card = {0};
    assert_int_equal(ferry_card_set_labels(&card, text, NULL), FERRY_OK);
    assert_int_equal(card.label_count, count);
    if (count > 0) {
        assert_string_equal(card.labels[0], first);
        assert_string_equal(card.labels[count - 1], last);
    }
    ferry_card_free(&card);
}

static void labels_in_any_dress(void **state) {
    (void)state;
    check_labels("['person', 'traffic light']", 2, "person", "traffic light");
    check_labels("{0: 'person', 1: \"it's\"}", 2, "person", "it's");
    check_labels("{2: 'c', 0: 'a'}", 3, "a", "c");
    check_labels("[\"a\\\"b\", \"\\\\\"]", 2, "a\"b", "\\");
    check_labels("cat, big dog", 2, "cat", "big dog");
    check_labels("{'0': 'a', '1': 'b, c: d'}", 2, "a", "b, c: d");
    check_labels("", 0, NULL, NULL);
    check_labels("[]", 0, NULL, NULL);
    check_labels("['unfinished", 1, "unfinished", "unfinished");
    ferry_model_card card = {0};
    assert_int_equal(ferry_card_set_labels(&card, "{99999999999: 'x'}", NULL), FERRY_ERROR_FORMAT);
    assert_int_equal(ferry_card_set_labels(&card, "{a: 'x'}", NULL), FERRY_ERROR_FORMAT);
}

static void text_there_and_back(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        ferry_model_card card = {0}, other = {0};
        char *text, *again;
        recognize(&models[i], &card);
        assert_int_equal(ferry_card_set(&card, "mean", "[0.485, 0.456, 0.406]", NULL), FERRY_OK);
        assert_int_equal(ferry_card_set(&card, "labels", "a, \"b \\\" c\", d", NULL), FERRY_OK);
        assert_int_equal(ferry_card_write(&card, &text, NULL), FERRY_OK);
        ferry_error error;
        if (ferry_card_read(text, strlen(text), &other, &error) != FERRY_OK) fail_msg("%s", error.message);
        assert_memory_equal(&card.preprocess, &other.preprocess, sizeof card.preprocess);
        assert_int_equal(ferry_card_write(&other, &again, NULL), FERRY_OK);
        assert_string_equal(text, again);
        ferry_free(text);
        ferry_free(again);
        ferry_card_free(&card);
        ferry_card_free(&other);
    }
}

static void fields_are_set_and_checked(void **state) {
    (void)state;
    static const struct {
        const char *key, *value;
        ferry_status status;
    } cases[] = {
        {"confidence", "0.3", FERRY_OK},
        {"confidence", "2", FERRY_ERROR_INVALID_ARGUMENT},
        {"confidence", "high", FERRY_ERROR_INVALID_ARGUMENT},
        {"confidence", "", FERRY_ERROR_INVALID_ARGUMENT},
        {"fit", "stretch", FERRY_OK},
        {"fit", "squeeze", FERRY_ERROR_INVALID_ARGUMENT},
        {"pad", "0", FERRY_OK},
        {"pad", "[1, 2, 3, 4]", FERRY_ERROR_INVALID_ARGUMENT},
        {"pad", "[1, 2", FERRY_ERROR_INVALID_ARGUMENT},
        {"agnostic", "yes", FERRY_OK},
        {"width", "12.5", FERRY_ERROR_INVALID_ARGUMENT},
        {"width", "0", FERRY_ERROR_INVALID_ARGUMENT},
        {"width", "1e99999999999", FERRY_ERROR_INVALID_ARGUMENT},
        {"divisor", "1.275e2", FERRY_OK},
        {"colour", "red", FERRY_ERROR_NOT_FOUND},
    };
    ferry_model_card card = {0};
    ferry_card_init(&card, FERRY_TASK_YOLOV5);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ferry_error error = {0};
        ferry_status status = ferry_card_set(&card, cases[i].key, cases[i].value, &error);
        if (status != cases[i].status) fail_msg("%s: %s gave %d: %s", cases[i].key, cases[i].value, status, error.message);
    }
    assert_true(card.head.confidence == 0.3f && card.preprocess.divisor == 127.5f && card.head.nms.agnostic);
    assert_int_equal(card.preprocess.fit, FERRY_FIT_STRETCH);
    assert_int_equal(card.preprocess.pad[2], 0);
}

static void bad_text_is_refused_with_its_line(void **state) {
    (void)state;
    ferry_model_card card = {0};
    ferry_error error;
    const char *text = "# a card\r\n\r\ntask: yolov8\r\nconfidence 3\n";
    assert_int_equal(ferry_card_read(text, strlen(text), &card, &error), FERRY_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "line 4"));
    text = "iou: 7";
    assert_int_equal(ferry_card_read(text, strlen(text), &card, &error), FERRY_ERROR_INVALID_ARGUMENT);
    text = "task: yolov8\r\n# fine\r\niou: 0.5";
    assert_int_equal(ferry_card_read(text, strlen(text), &card, &error), FERRY_OK);
    assert_true(card.head.nms.iou == 0.5f && card.head.task == FERRY_TASK_YOLOV8);
    ferry_card_free(&card);
}

/* Every cut and many flips of a good text: no crash, and the card stays usable. */
static void damaged_text_does_no_harm(void **state) {
    (void)state;
    ferry_model_card card = {0};
    char *text, *copy;
    recognize(&models[0], &card);
    ferry_card_write(&card, &text, NULL);
    const size_t length = strlen(text);
    uint32_t random = 5;
    for (size_t i = 0; i < length; i += 3) {
        copy = malloc(i + 1);
        memcpy(copy, text, i);
        (void)ferry_card_read(copy, i, &card, NULL);
        free(copy);
        copy = malloc(length);
        memcpy(copy, text, length);
        for (int k = 0; k < 3; k++) {
            random = random * 1664525u + 1013904223u;
            copy[(random >> 8) % length] = (char)(random >> 3);
        }
        (void)ferry_card_read(copy, length, &card, NULL);
        assert_true(ferry_card_label(&card, -1) == NULL);
        free(copy);
    }
    ferry_free(text);
    ferry_card_free(&card);
}

static void out_of_memory_is_reported(void **state) {
    (void)state;
    for (int64_t n = 1;; n++) {
        ferry_model_card card = {0};
        char *text = NULL;
        const char *source = "task: yolov5\nlabels: [a, b, c]\n";
        ferry_allocation_fail_after(n);
        ferry_status status = ferry_card_read(source, strlen(source), &card, NULL);
        if (status == FERRY_OK) status = ferry_card_write(&card, &text, NULL);
        ferry_allocation_fail_after(0);
        ferry_free(text);
        ferry_card_free(&card);
        if (status == FERRY_OK) {
            assert_true(n > 6);
            return;
        }
        assert_int_equal(status, FERRY_ERROR_OUT_OF_MEMORY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_are_recognised),
        cmocka_unit_test(labels_in_any_dress),
        cmocka_unit_test(text_there_and_back),
        cmocka_unit_test(fields_are_set_and_checked),
        cmocka_unit_test(bad_text_is_refused_with_its_line),
        cmocka_unit_test(damaged_text_does_no_harm),
        cmocka_unit_test(out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
