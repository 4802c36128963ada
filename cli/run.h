/* SPDX-License-Identifier: Apache-2.0 */
/* ferry run, between its parts: run.c (options), run_tensors.c (.npy in and out), run_vision.c (pictures and videos),
 * run_results.c (what is drawn and printed). */
#ifndef FERRY_CLI_RUN_H
#define FERRY_CLI_RUN_H

#include <ferry/media.h>
#include <ferry/predictor.h>

#include "options.h"
#include "output.h"
#include "terminal.h"

typedef struct ferry_run_options {
    ferry_cli_list arguments, inputs, outputs, classes, shapes, set;
    const char *task, *card, *snapshot, *font, *codec;
    int64_t threads, max_detections, snapshot_frame, limit, top, quality;
    double confidence, iou;
    bool json, no_labels, verbose, quiet;
} ferry_run_options;

/* ---- tensors ---- */

/* Whether the command line speaks of arrays and not of pictures. */
bool ferry_run_wants_tensors(const ferry_run_options *given);
ferry_status ferry_run_tensors(ferry_engine *engine, const ferry_run_options *given, ferry_error *error);

/* ---- pictures and videos ---- */

/* What an -o names, by its ending. */
typedef enum ferry_run_output_kind {
    FERRY_RUN_JSON,    /* .jsonl, .json, or "-" */
    FERRY_RUN_PICTURE, /* .jpg, .jpeg, .png */
    FERRY_RUN_VIDEO,   /* .mp4, .mkv, .mov, .avi, .ts, .m3u8, or an address with :// */
    FERRY_RUN_FOLDER   /* anything else */
} ferry_run_output_kind;
ferry_run_output_kind ferry_run_output_kind_of(const char *path);

/* Everything that lives while inputs are looked at. */
typedef struct ferry_run {
    const ferry_run_options *given;
    ferry_predictor *predictor;
    ferry_canvas *canvas; /* NULL when nothing is drawn */
    int *wanted;          /* classes that --classes names, in no order; wanted_count 0 = all */
    int wanted_count;
    ferry_cli_output json; /* stream NULL when no JSON is asked for */
    bool draws;            /* some output shows pictures */
    ferry_cli_progress progress;
    int64_t pictures, detections; /* seen so far */
} ferry_run;

ferry_status ferry_run_vision(ferry_engine *engine, const ferry_run_options *given, ferry_error *error);

/* ---- results ---- */

typedef struct ferry_run_origin {
    const char *source;
    int64_t frame; /* of a video; -1 for a picture */
    double seconds;
} ferry_run_origin;

/* Resolves --classes (names or numbers). */
ferry_status ferry_run_select_classes(ferry_run *run, ferry_error *error);
/* Number of detections that pass --classes. */
int ferry_run_count(const ferry_run *run, const ferry_vision_results *results);
/* One line of JSON. */
void ferry_run_write_json(ferry_run *run, const ferry_run_origin *origin, const ferry_image *image,
                          const ferry_vision_results *results);
/* Draws on `image`, whose pixels must be writable. */
ferry_status ferry_run_draw(ferry_run *run, const ferry_image *image, const ferry_vision_results *results, ferry_error *error);
/* "4 person, 1 bus", the best class, or the embedding's size, into text; returns it. */
char *ferry_run_summary(const ferry_run *run, const ferry_vision_results *results, char *text, size_t capacity);

#endif
