/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/memory.h"
#include "vision/card.h"

enum { MAX_LABELS = 65536, MAX_LABEL = 1024 };

const char *const ferry_coco_labels[80] = {
    "person",         "bicycle",    "car",           "motorcycle",    "airplane",     "bus",           "train",
    "truck",          "boat",       "traffic light", "fire hydrant",  "stop sign",    "parking meter", "bench",
    "bird",           "cat",        "dog",           "horse",         "sheep",        "cow",           "elephant",
    "bear",           "zebra",      "giraffe",       "backpack",      "umbrella",     "handbag",       "tie",
    "suitcase",       "frisbee",    "skis",          "snowboard",     "sports ball",  "kite",          "baseball bat",
    "baseball glove", "skateboard", "surfboard",     "tennis racket", "bottle",       "wine glass",    "cup",
    "fork",           "knife",      "spoon",         "bowl",          "banana",       "apple",         "sandwich",
    "orange",         "broccoli",   "carrot",        "hot dog",       "pizza",        "donut",         "cake",
    "chair",          "couch",      "potted plant",  "bed",           "dining table", "toilet",        "tv",
    "laptop",         "mouse",      "remote",        "keyboard",      "cell phone",   "microwave",     "oven",
    "toaster",        "sink",       "refrigerator",  "book",          "clock",        "vase",          "scissors",
    "teddy bear",     "hair drier", "toothbrush"};

const char *ferry_card_label(const ferry_model_card *card, int class_index) {
    return class_index >= 0 && class_index < card->label_count ? card->labels[class_index] : NULL;
}

static void free_labels(char **labels, int32_t count) {
    for (int32_t i = 0; i < count; i++) ferry_free(labels[i]);
    ferry_free(labels);
}

void ferry_card_free(ferry_model_card *card) {
    free_labels(card->labels, card->label_count);
    card->labels = NULL;
    card->label_count = 0;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* One item: quoted with backslash escapes, or bare up to a comma, colon or closing bracket. Moves *text past it. */
static size_t take_item(const char **text, char item[MAX_LABEL], bool *quoted) {
    const char *p = *text;
    size_t length = 0;
    *quoted = *p == '\'' || *p == '"';
    const char quote = *quoted ? *p++ : 0;
    while (*p && (quote ? *p != quote : !strchr(",:]}", *p))) {
        if (quote && *p == '\\' && p[1]) p++;
        if (length < MAX_LABEL - 1) item[length++] = *p;
        p++;
    }
    if (quote && *p) p++;
    while (!quote && length > 0 && is_space(item[length - 1])) length--;
    item[length] = 0;
    *text = p;
    return length;
}

static int parse_index(const char *item) {
    int value = 0;
    if (!*item) return -1;
    for (; *item; item++) {
        if (*item < '0' || *item > '9') return -1;
        value = 10 * value + *item - '0';
        if (value >= MAX_LABELS) return -1;
    }
    return value;
}

typedef struct label_list {
    char **items;
    size_t count, capacity;
} label_list;

static ferry_status put(label_list *list, size_t index, const char *item, ferry_error *error) {
    while (list->count <= index)
        if (!ferry_vector_push(list, NULL)) return ferry_fail_memory(error, (list->count + 1) * sizeof *list->items);
    ferry_free(list->items[index]);
    list->items[index] = ferry_strdup(item);
    return list->items[index] ? FERRY_OK : ferry_fail_memory(error, strlen(item) + 1);
}

static ferry_status parse(const char *text, label_list *list, ferry_error *error) {
    char item[MAX_LABEL];
    bool quoted;
    while (is_space(*text)) text++;
    const bool is_dict = *text == '{';
    size_t next = 0;
    for (;;) {
        while (is_space(*text) || (*text && strchr("{[,]}", *text))) text++;
        if (!*text) return FERRY_OK;
        size_t index = next, length = take_item(&text, item, &quoted);
        while (is_space(*text)) text++;
        if (is_dict && *text == ':') {
            int key = parse_index(item);
            if (key < 0)
                return ferry_fail(error, FERRY_ERROR_FORMAT, "label index '%.40s' is not a number below %d", item, MAX_LABELS);
            index = (size_t)key;
            text++;
            while (is_space(*text)) text++;
            length = take_item(&text, item, &quoted);
        } else if (*text == ':') {
            text++; /* a stray colon in a bare list */
        }
        if (length == 0 && !quoted) continue;
        if (index >= MAX_LABELS) return ferry_fail(error, FERRY_ERROR_FORMAT, "more than %d labels", MAX_LABELS);
        FERRY_TRY(put(list, index, item, error));
        next = index + 1;
    }
}

/* Classes that a dict leaves out get an empty name. */
static ferry_status fill_gaps(label_list *list, ferry_error *error) {
    for (size_t i = 0; i < list->count; i++)
        if (!list->items[i]) FERRY_TRY(put(list, i, "", error));
    return FERRY_OK;
}

ferry_status ferry_card_set_labels(ferry_model_card *card, const char *text, ferry_error *error) {
    label_list list = {0};
    ferry_status status = parse(text, &list, error);
    if (status == FERRY_OK) status = fill_gaps(&list, error);
    if (status != FERRY_OK) {
        free_labels(list.items, (int32_t)list.count);
        return status;
    }
    ferry_card_free(card);
    card->labels = list.items;
    card->label_count = (int32_t)list.count;
    return FERRY_OK;
}
