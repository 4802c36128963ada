/* SPDX-License-Identifier: Apache-2.0 */
/* What ferry run says and draws about a picture. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "run.h"

enum { MOST_EDGES = 64 };

/* ---- classes ---- */

static const char *class_name(const ferry_run *run, int index) { return ferry_predictor_label(run->predictor, index); }

/* A number stands for itself; a name is looked for among the labels, which end where a label is but its own number. */
static int find_class(const ferry_run *run, const char *word, size_t length) {
    enum { MOST = 100000 };
    char *end, number[16];
    long value = strtol(word, &end, 10);
    if (length > 0 && end == word + length && value >= 0 && value < MOST) return (int)value;
    for (int i = 0; i < MOST; i++) {
        const char *name = class_name(run, i);
        snprintf(number, sizeof number, "%d", i);
        if (strcmp(name, number) == 0) return -1;
        if (strlen(name) == length && memcmp(name, word, length) == 0) return i;
    }
    return -1;
}

static ferry_status select_class(ferry_run *run, const char *word, size_t length, ferry_error *error) {
    int index = find_class(run, word, length);
    if (index < 0) return ferry_cli_fail(error, FERRY_ERROR_NOT_FOUND, 0, "the model has no class '%.*s'", (int)length, word);
    int *grown = realloc(run->wanted, sizeof *grown * (size_t)(run->wanted_count + 1));
    if (!grown) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    run->wanted = grown;
    grown[run->wanted_count++] = index;
    return FERRY_OK;
}

ferry_status ferry_run_select_classes(ferry_run *run, ferry_error *error) {
    const ferry_cli_list *lists = &run->given->classes;
    for (int i = 0; i < lists->count; i++) {
        for (const char *word = lists->items[i]; *word;) {
            size_t length = strcspn(word, ",");
            ferry_status status = select_class(run, word, length, error);
            if (status != FERRY_OK) return status;
            word += length + (word[length] == ',');
        }
    }
    return FERRY_OK;
}

static bool passes(const ferry_run *run, const ferry_detection *detection) {
    for (int i = 0; i < run->wanted_count; i++)
        if (run->wanted[i] == detection->class_index) return true;
    return run->wanted_count == 0;
}

int ferry_run_count(const ferry_run *run, const ferry_vision_results *results) {
    int count = 0;
    for (int i = 0; i < results->detection_count; i++) count += passes(run, &results->detections[i]);
    return count;
}

static int class_scores(const ferry_run *run, const ferry_vision_results *results) {
    return results->class_count < run->given->top ? results->class_count : (int)run->given->top;
}

/* ---- JSON ---- */

static void json_keypoints(ferry_json *json, const ferry_keypoint *points, int count) {
    ferry_json_key(json, "keypoints");
    ferry_json_begin(json, '[');
    for (int i = 0; i < count; i++) {
        ferry_json_begin(json, '[');
        ferry_json_number(json, points[i].x, 2);
        ferry_json_number(json, points[i].y, 2);
        ferry_json_number(json, points[i].score, 4);
        ferry_json_end(json, ']');
    }
    ferry_json_end(json, ']');
}

static void json_detection(ferry_json *json, const ferry_run *run, const ferry_vision_results *results,
                           const ferry_detection *detection) {
    const float box[] = {detection->x0, detection->y0, detection->x1, detection->y1};
    ferry_json_begin(json, '{');
    ferry_json_integer_at(json, "class", detection->class_index);
    ferry_json_string_at(json, "name", class_name(run, detection->class_index));
    ferry_json_number_at(json, "score", detection->score, 4);
    ferry_json_key(json, "box");
    ferry_json_begin(json, '[');
    for (int i = 0; i < 4; i++) ferry_json_number(json, box[i], 2);
    ferry_json_end(json, ']');
    if (detection->keypoint_count > 0)
        json_keypoints(json, results->keypoints + detection->keypoint_begin, detection->keypoint_count);
    ferry_json_end(json, '}');
}

static void json_classes(ferry_json *json, const ferry_run *run, const ferry_vision_results *results) {
    ferry_json_key(json, "classes");
    ferry_json_begin(json, '[');
    for (int i = 0; i < class_scores(run, results); i++) {
        ferry_json_begin(json, '{');
        ferry_json_integer_at(json, "class", results->classes[i].class_index);
        ferry_json_string_at(json, "name", class_name(run, results->classes[i].class_index));
        ferry_json_number_at(json, "score", results->classes[i].score, 4);
        ferry_json_end(json, '}');
    }
    ferry_json_end(json, ']');
}

static void json_embedding(ferry_json *json, const ferry_vision_results *results) {
    ferry_json_key(json, "embedding");
    ferry_json_begin(json, '[');
    for (int i = 0; i < results->embedding_size; i++) ferry_json_number(json, results->embedding[i], 6);
    ferry_json_end(json, ']');
}

void ferry_run_write_json(ferry_run *run, const ferry_run_origin *origin, const ferry_image *image,
                          const ferry_vision_results *results) {
    ferry_json json;
    if (!run->json.stream) return;
    ferry_json_init(&json, run->json.stream, true);
    ferry_json_begin(&json, '{');
    ferry_json_string_at(&json, "source", origin->source);
    if (origin->frame >= 0) {
        ferry_json_integer_at(&json, "frame", origin->frame);
        ferry_json_number_at(&json, "seconds", origin->seconds, 6);
    }
    ferry_json_integer_at(&json, "width", image->width);
    ferry_json_integer_at(&json, "height", image->height);
    if (results->class_count > 0) json_classes(&json, run, results);
    if (results->embedding_size > 0) json_embedding(&json, results);
    if (results->class_count == 0 && results->embedding_size == 0) {
        ferry_json_key(&json, "detections");
        ferry_json_begin(&json, '[');
        for (int i = 0; i < results->detection_count; i++)
            if (passes(run, &results->detections[i])) json_detection(&json, run, results, &results->detections[i]);
        ferry_json_end(&json, ']');
    }
    ferry_json_end(&json, '}');
}

/* ---- drawing ---- */

static void draw_points(ferry_run *run, const ferry_vision_results *results, const ferry_detection *detection,
                        ferry_color color) {
    const ferry_keypoint *points = results->keypoints + detection->keypoint_begin;
    size_t count = (size_t)detection->keypoint_count;
    uint8_t edges[MOST_EDGES][2];
    const int(*pairs)[2];
    const float least = 0.3f; /* less sure points are usually hidden ones */
    _Static_assert(sizeof *points == 3 * sizeof(float), "a keypoint is three floats");
    int edge_count = ferry_predictor_skeleton(run->predictor, &pairs);
    for (int i = 0; i < edge_count && i < MOST_EDGES; i++)
        for (int end = 0; end < 2; end++) edges[i][end] = (uint8_t)pairs[i][end];
    if (edge_count > 0)
        ferry_draw_skeleton(run->canvas, &points->x, count, (const uint8_t(*)[2])edges,
                            (size_t)(edge_count < MOST_EDGES ? edge_count : MOST_EDGES), least);
    else if (count > 0)
        ferry_draw_points(run->canvas, &points->x, count, least, color);
}

static void draw_detection(ferry_run *run, const ferry_vision_results *results, const ferry_detection *detection) {
    ferry_color color = ferry_palette_color(detection->class_index);
    char label[128];
    snprintf(label, sizeof label, "%.100s %.2f", class_name(run, detection->class_index), (double)detection->score);
    ferry_draw_box(run->canvas, detection->x0, detection->y0, detection->x1, detection->y1,
                   run->given->no_labels ? NULL : label, color);
    draw_points(run, results, detection, color);
}

static void draw_classes(ferry_run *run, const ferry_vision_results *results) {
    float step = 1.5f * (float)ferry_draw_text_size(run->canvas);
    for (int i = 0; i < class_scores(run, results); i++) {
        char label[160];
        snprintf(label, sizeof label, "%.120s %.2f", class_name(run, results->classes[i].class_index),
                 (double)results->classes[i].score);
        ferry_draw_label(run->canvas, step / 2, step / 2 + step * (float)i, label, ferry_palette_color(i));
    }
}

ferry_status ferry_run_draw(ferry_run *run, const ferry_image *image, const ferry_vision_results *results, ferry_error *error) {
    ferry_status status = ferry_canvas_begin(run->canvas, image, error);
    if (status != FERRY_OK) return status;
    for (int i = results->detection_count; i-- > 0;) /* the surest last, on top */
        if (passes(run, &results->detections[i])) draw_detection(run, results, &results->detections[i]);
    if (!run->given->no_labels) draw_classes(run, results);
    return FERRY_OK;
}

/* ---- in words ---- */

static size_t append(char *text, size_t capacity, size_t used, const char *name, int count) {
    if (used + 1 >= capacity) return used;
    int written = snprintf(text + used, capacity - used, "%s%d %s", used ? ", " : "", count, name);
    return used + (size_t)written;
}

static int count_class(const ferry_vision_results *results, int from, int index) {
    int count = 0;
    for (int i = from; i < results->detection_count; i++) count += results->detections[i].class_index == index;
    return count;
}

static void summarise_detections(const ferry_run *run, const ferry_vision_results *results, char *text, size_t capacity) {
    size_t used = 0;
    snprintf(text, capacity, "nothing");
    for (int i = 0; i < results->detection_count; i++) {
        int index = results->detections[i].class_index, before = i;
        while (before > 0 && results->detections[before - 1].class_index != index) before--;
        if (before > 0 || !passes(run, &results->detections[i])) continue; /* counted at its first detection */
        used = append(text, capacity, used, class_name(run, index), count_class(results, i, index));
    }
}

char *ferry_run_summary(const ferry_run *run, const ferry_vision_results *results, char *text, size_t capacity) {
    if (results->class_count > 0)
        snprintf(text, capacity, "%s %.2f", class_name(run, results->classes[0].class_index),
                 (double)results->classes[0].score);
    else if (results->embedding_size > 0)
        snprintf(text, capacity, "an embedding of %d numbers", results->embedding_size);
    else
        summarise_detections(run, results, text, capacity);
    return text;
}
