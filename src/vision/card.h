/* SPDX-License-Identifier: Apache-2.0 */
/* The model card: all that is known about using a model - its task, how pictures are prepared, how outputs are read, labels.
 * Recognised from the model, stored as text with the engine, and changed key by key from the command line. */
#ifndef FERRY_VISION_CARD_H
#define FERRY_VISION_CARD_H

#include <stddef.h>

#include <ferry/vision.h>

#include "vision/heads.h"

enum { FERRY_CARD_REASON = 320 };

/* `head.task` is the task. Owns its labels; release with ferry_card_free. */
typedef struct ferry_model_card {
    char reason[FERRY_CARD_REASON]; /* why this task was chosen, in words */
    ferry_preprocess_settings preprocess;
    ferry_head_settings head;
    char **labels;
    int32_t label_count;
} ferry_model_card;

/* A card with the defaults of a task and no labels. */
void ferry_card_init(ferry_model_card *card, ferry_vision_task task);
void ferry_card_free(ferry_model_card *card); /* leaves a valid card without labels */

/* Decides the task by names, shapes and metadata and fills the card (initialised or zero; what it held is released). Models
 * that nothing is known of give FERRY_TASK_RAW; only lack of memory fails. */
ferry_status ferry_card_recognize(const ferry_model_signature *signature, ferry_model_card *card, ferry_error *error);

/* The label of a class; NULL when there is none. */
const char *ferry_card_label(const ferry_model_card *card, int class_index);
/* Labels from a Python list or dict as text (Ultralytics' `names`), a JSON list, or names parted by commas. Tolerant: what
 * has no quotes is taken to the next comma. Replaces the card's labels; at most 65536 of 1024 bytes. */
ferry_status ferry_card_set_labels(ferry_model_card *card, const char *text, ferry_error *error);
/* The 80 classes of COCO 2017, in Ultralytics' order. */
extern const char *const ferry_coco_labels[80];

/* --- text: one `key: value` a line, a subset of YAML (card_text.c) ------------------------------------------------------ */

/* Sets one field. FERRY_ERROR_NOT_FOUND for an unknown key (the message lists all), INVALID_ARGUMENT for a bad value. `task`
 * changes only the task; ferry_card_init gives its defaults. */
ferry_status ferry_card_set(ferry_model_card *card, const char *key, const char *value, ferry_error *error);
/* Names of the keys, for help texts; NULL past the last. */
const char *ferry_card_key(int index);
/* The whole card as text, which the caller releases with ferry_free. */
ferry_status ferry_card_write(const ferry_model_card *card, char **text, ferry_error *error);
/* Reads what ferry_card_write made, or a person. Starts from the defaults of the `task` line where there is one. Empty lines
 * and those that begin with # are skipped; unknown keys are an error that names the line. On failure the card is valid. */
ferry_status ferry_card_read(const char *text, size_t length, ferry_model_card *card, ferry_error *error);

#endif
