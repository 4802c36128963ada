/* SPDX-License-Identifier: Apache-2.0 */
/* ferry run on pictures and videos: read, detect, draw, write. A video's decoder works ahead in threads of its own and its
 * encoder lags behind in others, so that the loop below waits for little but the network. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "commands.h"
#include "run.h"

/* ---- where results go ---- */

static bool ends_with_any(const char *path, const char *const *endings) {
    const char *dot = strrchr(path, '.');
    for (int i = 0; dot && endings[i]; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

ferry_run_output_kind ferry_run_output_kind_of(const char *path) {
    static const char *const json[] = {".jsonl", ".json", ".ndjson", NULL};
    static const char *const pictures[] = {".jpg", ".jpeg", ".png", NULL};
    static const char *const videos[] = {".mp4", ".mkv", ".mov", ".avi", ".ts", ".webm", ".m3u8", NULL};
    if (strcmp(path, "-") == 0 || ends_with_any(path, json)) return FERRY_RUN_JSON;
    if (strstr(path, "://") || ends_with_any(path, videos)) return FERRY_RUN_VIDEO;
    return ends_with_any(path, pictures) ? FERRY_RUN_PICTURE : FERRY_RUN_FOLDER;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* FOLDER/NAME, with `ending` in place of the name's own unless that is among `kept`. Owned by the caller; NULL without memory.
 */
static char *path_in_folder(const char *folder, const char *source, const char *ending, bool keep) {
    const char *name = base_name(source), *dot = strrchr(name, '.');
    size_t stem = dot && dot > name && !keep ? (size_t)(dot - name) : strlen(name);
    size_t bytes = strlen(folder) + stem + strlen(ending) + 2;
    char *path = malloc(bytes);
    if (path) snprintf(path, bytes, "%s/%.*s%s", folder, (int)stem, name, keep ? "" : ending);
    return path;
}

/* The file that output `out` means for `source`, NULL (and no error) when it is of another kind. */
static ferry_status resolve_output(const char *out, const char *source, ferry_run_output_kind wanted, char **path,
                                   ferry_error *error) {
    ferry_run_output_kind kind = ferry_run_output_kind_of(out);
    *path = NULL;
    if (kind != wanted && kind != FERRY_RUN_FOLDER) return FERRY_OK;
    if (kind == FERRY_RUN_FOLDER) {
        ferry_status status = ferry_cli_make_folder(out, error);
        if (status != FERRY_OK) return status;
        bool keep = wanted == FERRY_RUN_PICTURE && ferry_run_output_kind_of(source) == FERRY_RUN_PICTURE;
        *path = path_in_folder(out, source, wanted == FERRY_RUN_PICTURE ? ".jpg" : ".mp4", keep);
    } else {
        *path = strdup(out);
    }
    return *path ? FERRY_OK : ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
}

static ferry_status open_json(ferry_run *run, ferry_error *error) {
    const ferry_run_options *given = run->given;
    const char *path = given->json || given->outputs.count == 0 ? "-" : NULL;
    for (int i = 0; i < given->outputs.count; i++) {
        if (ferry_run_output_kind_of(given->outputs.items[i]) != FERRY_RUN_JSON) {
            run->draws = true;
        } else if (path) {
            return ferry_cli_fail(error, FERRY_ERROR_INVALID_ARGUMENT, 0, "'%s': JSON lines go to one place only",
                                  given->outputs.items[i]);
        } else {
            path = given->outputs.items[i];
        }
    }
    if (given->snapshot) run->draws = true;
    return path ? ferry_cli_output_open(path, &run->json, error) : FERRY_OK;
}

/* ---- pictures ---- */

static ferry_status write_pictures(ferry_run *run, const char *source, const ferry_image *image, ferry_error *error) {
    ferry_status status = FERRY_OK;
    for (int i = 0; i < run->given->outputs.count && status == FERRY_OK; i++) {
        char *path;
        status = resolve_output(run->given->outputs.items[i], source, FERRY_RUN_PICTURE, &path, error);
        if (status == FERRY_OK && path) status = ferry_picture_write(path, image, (int)run->given->quality, error);
        free(path);
    }
    return status;
}

static ferry_status see_picture(ferry_run *run, const char *path, ferry_error *error) {
    ferry_run_origin origin = {.source = path, .frame = -1};
    ferry_vision_results results;
    ferry_image image;
    char words[256];
    ferry_status status = ferry_picture_read(path, &image, error);
    if (status != FERRY_OK) return status;
    double start = ferry_cli_seconds();
    status = ferry_predictor_run(run->predictor, &image, &results, error);
    double milliseconds = (ferry_cli_seconds() - start) * 1e3;
    if (status == FERRY_OK) {
        run->pictures++;
        run->detections += ferry_run_count(run, &results);
        ferry_run_write_json(run, &origin, &image, &results);
        if (!run->given->quiet)
            fprintf(stderr, "%s: %s; %.1f ms\n", path, ferry_run_summary(run, &results, words, sizeof words), milliseconds);
    }
    if (status == FERRY_OK && run->draws) status = ferry_run_draw(run, &image, &results, error);
    if (status == FERRY_OK && run->draws) status = write_pictures(run, path, &image, error);
    ferry_picture_free(&image);
    return status;
}

/* ---- videos ---- */

static volatile sig_atomic_t interrupted; /* by Ctrl-C: what was done so far is finished properly */

static void interrupt(int number) {
    (void)number;
    interrupted = 1;
}

typedef struct video_job {
    const char *path;
    ferry_video_source *source;
    ferry_video_sink **sinks;
    int sink_count;
    ferry_video_info info;
    int64_t frames;
    double started;
} video_job;

static ferry_status open_sinks(ferry_run *run, video_job *job, ferry_error *error) {
    ferry_sink_settings settings = ferry_sink_settings_default();
    ferry_status status = FERRY_OK;
    settings.codec = run->given->codec;
    if (job->info.fps > 0) settings.fps = job->info.fps;
    job->sinks = calloc((size_t)run->given->outputs.count + 1, sizeof *job->sinks);
    if (!job->sinks) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    for (int i = 0; i < run->given->outputs.count && status == FERRY_OK; i++) {
        char *path;
        status = resolve_output(run->given->outputs.items[i], job->path, FERRY_RUN_VIDEO, &path, error);
        if (status == FERRY_OK && path) status = ferry_video_sink_open(path, &settings, &job->sinks[job->sink_count], error);
        if (status == FERRY_OK && path) job->sink_count++;
        free(path);
    }
    return status;
}

static ferry_status write_snapshot(ferry_run *run, const ferry_video_frame *frame, const ferry_image *image,
                                   ferry_error *error) {
    if (!run->given->snapshot || frame->index != run->given->snapshot_frame) return FERRY_OK;
    return ferry_picture_write(run->given->snapshot, image, (int)run->given->quality, error);
}

static ferry_status show_frame(ferry_run *run, video_job *job, const ferry_video_frame *frame, const ferry_image *image,
                               const ferry_vision_results *results, ferry_error *error) {
    ferry_status status = ferry_run_draw(run, image, results, error);
    if (status == FERRY_OK) status = write_snapshot(run, frame, image, error);
    for (int i = 0; i < job->sink_count && status == FERRY_OK; i++)
        status = ferry_video_sink_write(job->sinks[i], image, frame->microseconds, error);
    return status;
}

/* Frames of 10 bits cannot be drawn on; they are shown as RGB. */
static ferry_status draw_frame(ferry_run *run, video_job *job, ferry_video_frame *frame, const ferry_vision_results *results,
                               ferry_error *error) {
    ferry_image copy;
    if (frame->image.format != FERRY_PIXEL_P010) {
        ferry_status status = ferry_video_frame_make_writable(frame, error);
        return status == FERRY_OK ? show_frame(run, job, frame, &frame->image, results, error) : status;
    }
    ferry_status status = ferry_picture_convert(&frame->image, FERRY_PIXEL_RGB24, &copy, error);
    if (status != FERRY_OK) return status;
    status = show_frame(run, job, frame, &copy, results, error);
    ferry_picture_free(&copy);
    return status;
}

static ferry_status see_frame(ferry_run *run, video_job *job, ferry_video_frame *frame, ferry_error *error) {
    ferry_run_origin origin = {.source = job->path, .frame = frame->index, .seconds = frame->seconds};
    ferry_vision_results results;
    char note[64];
    ferry_status status = ferry_predictor_run(run->predictor, &frame->image, &results, error);
    if (status != FERRY_OK) return status;
    run->detections += ferry_run_count(run, &results);
    ferry_run_write_json(run, &origin, &frame->image, &results);
    if (run->draws) status = draw_frame(run, job, frame, &results, error);
    job->frames++;
    snprintf(note, sizeof note, "%.1f frames/s", (double)job->frames / (ferry_cli_seconds() - job->started));
    ferry_cli_progress_update(&run->progress, base_name(job->path), job->frames,
                              run->given->limit > 0 && (job->info.frames == 0 || run->given->limit < job->info.frames)
                                  ? run->given->limit
                                  : job->info.frames,
                              note);
    return status;
}

static ferry_status see_frames(ferry_run *run, video_job *job, ferry_error *error) {
    const double patience = 0.5; /* seconds between looks at `interrupted` */
    while (!interrupted && (run->given->limit < 0 || job->frames < run->given->limit)) {
        ferry_video_frame *frame = NULL;
        ferry_status status = ferry_video_read(job->source, patience, &frame, error);
        if (status == FERRY_ERROR_DEADLINE) continue;
        if (status != FERRY_OK || !frame) return status;
        status = see_frame(run, job, frame, error);
        ferry_video_frame_release(frame);
        if (status != FERRY_OK) return status;
    }
    return FERRY_OK;
}

/* Outputs appear under their names only when all frames went well. */
static ferry_status close_sinks(video_job *job, ferry_status status, ferry_error *error) {
    for (int i = 0; i < job->sink_count; i++) {
        if (status == FERRY_OK && job->frames > 0)
            status = ferry_video_sink_close(&job->sinks[i], error);
        else
            ferry_video_sink_abort(&job->sinks[i]);
    }
    free(job->sinks);
    return status;
}

static void report_video(ferry_run *run, const video_job *job) {
    double seconds = ferry_cli_seconds() - job->started;
    ferry_cli_progress_clear(&run->progress);
    if (!run->given->quiet)
        fprintf(stderr, "%s: %lld frames in %.1f s, %.1f frames/s\n", job->path, (long long)job->frames, seconds,
                (double)job->frames / (seconds > 0 ? seconds : 1));
}

static ferry_status see_video(ferry_run *run, const char *path, ferry_error *error) {
    video_job job = {.path = path};
    char warning[512];
    ferry_status status = ferry_video_open(path, NULL, &job.source, error);
    if (status != FERRY_OK) return status;
    ferry_video_get_info(job.source, &job.info);
    job.started = ferry_cli_seconds();
    status = open_sinks(run, &job, error);
    if (status == FERRY_OK) status = see_frames(run, &job, error);
    status = close_sinks(&job, status, error);
    if (status == FERRY_OK) report_video(run, &job);
    if (status == FERRY_OK && !interrupted && (run->given->limit < 0 || job.frames < run->given->limit) &&
        *ferry_video_warning(job.source, warning, sizeof warning))
        status = ferry_cli_fail(error, FERRY_ERROR_FORMAT, 0, "%s", warning);
    ferry_cli_progress_clear(&run->progress);
    ferry_video_close(&job.source);
    return status;
}

/* ---- inputs ---- */

/* The files of a folder or pattern: pictures always, videos only where a pattern names them. */
static ferry_status see_many(ferry_run *run, const char *path, bool videos, ferry_error *error) {
    char **paths;
    size_t count;
    int64_t seen = 0;
    ferry_status status = ferry_media_list(path, &paths, &count, error);
    if (status != FERRY_OK) return status;
    for (size_t i = 0; i < count && status == FERRY_OK && !interrupted; i++) {
        ferry_media_type type;
        status = ferry_media_kind(paths[i], &type, error);
        if (status != FERRY_OK || (type != FERRY_MEDIA_PICTURE && !(videos && type == FERRY_MEDIA_VIDEO))) continue;
        status = type == FERRY_MEDIA_PICTURE ? see_picture(run, paths[i], error) : see_video(run, paths[i], error);
        seen++;
    }
    ferry_media_list_free(paths, count);
    if (status == FERRY_OK && seen == 0)
        status = ferry_cli_fail(error, FERRY_ERROR_NOT_FOUND, 0, "'%s' holds no pictures", path);
    return status;
}

static ferry_status see_input(ferry_run *run, const char *path, ferry_error *error) {
    ferry_media_type type;
    ferry_status status = ferry_media_kind(path, &type, error);
    if (status != FERRY_OK) return status;
    switch (type) {
    case FERRY_MEDIA_PICTURE: return see_picture(run, path, error);
    case FERRY_MEDIA_VIDEO:
    case FERRY_MEDIA_STREAM: return see_video(run, path, error);
    case FERRY_MEDIA_FOLDER: return see_many(run, path, false, error);
    case FERRY_MEDIA_PATTERN: return see_many(run, path, true, error);
    case FERRY_MEDIA_NONE: break;
    }
    return ferry_cli_fail(error, FERRY_ERROR_NOT_FOUND, 0, "'%s' is nothing that can be looked at", path);
}

/* A single picture or video file can be the output only when there is a single input of that kind to fill it. */
static ferry_status check_outputs(const ferry_run_options *given, ferry_error *error) {
    for (int i = 0; i < given->outputs.count; i++) {
        const char *out = given->outputs.items[i];
        ferry_run_output_kind kind = ferry_run_output_kind_of(out);
        ferry_media_type type = FERRY_MEDIA_NONE;
        if (kind == FERRY_RUN_JSON || kind == FERRY_RUN_FOLDER) continue;
        ferry_status status = ferry_media_kind(given->arguments.items[1], &type, error);
        if (status != FERRY_OK) return status;
        bool video = type == FERRY_MEDIA_VIDEO || type == FERRY_MEDIA_STREAM;
        if (given->arguments.count > 2 || type == FERRY_MEDIA_FOLDER || type == FERRY_MEDIA_PATTERN)
            return ferry_cli_fail(error, FERRY_ERROR_INVALID_ARGUMENT, 0, "'%s' cannot hold several results; name a folder",
                                  out);
        if (video != (kind == FERRY_RUN_VIDEO))
            return ferry_cli_fail(error, FERRY_ERROR_INVALID_ARGUMENT, 0, "'%s' is a %s, but the input is a %s", out,
                                  video ? "picture" : "video", video ? "video (--snapshot writes one frame)" : "picture");
    }
    return FERRY_OK;
}

/* ---- the whole ---- */

/* A model card is a small text file; what is longer than this is none. */
enum { LONGEST_CARD = 1 << 20 };

static ferry_status append_file(const char *path, char *text, size_t *used, ferry_error *error) {
    FILE *file = fopen(path, "rb");
    if (!file) return ferry_cli_fail(error, FERRY_ERROR_IO, errno, "cannot open '%s'", path);
    size_t bytes = fread(text, 1, LONGEST_CARD, file);
    bool good = !ferror(file) && bytes < LONGEST_CARD && !memchr(text, 0, bytes);
    fclose(file);
    if (!good) return ferry_cli_fail(error, FERRY_ERROR_FORMAT, 0, "'%s' is no model card", path);
    text[bytes++] = '\n';
    *used = bytes;
    return FERRY_OK;
}

/* The card that --card, --task and --set make up, as text owned by the caller; NULL when none of them is given. */
static ferry_status compose_card(const ferry_run_options *given, char **card, ferry_error *error) {
    size_t capacity = LONGEST_CARD + 1, used = 0;
    *card = NULL;
    if (!given->card && !given->task && given->set.count == 0) return FERRY_OK;
    for (int i = 0; i < given->set.count; i++) capacity += strlen(given->set.items[i]) + 3;
    capacity += given->task ? strlen(given->task) + sizeof "task: \n" : 0;
    char *text = *card = calloc(1, capacity + 1);
    if (!text) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    ferry_status status = given->card ? append_file(given->card, text, &used, error) : FERRY_OK;
    if (status == FERRY_OK && given->task) used += (size_t)snprintf(text + used, capacity - used, "task: %s\n", given->task);
    for (int i = 0; i < given->set.count && status == FERRY_OK; i++) {
        char key[64];
        const char *value;
        if (!ferry_cli_split_pair(given->set.items[i], key, sizeof key, &value))
            return ferry_cli_fail(error, FERRY_ERROR_INVALID_ARGUMENT, 0, "--set wants KEY=VALUE, not '%s'",
                                  given->set.items[i]);
        used += (size_t)snprintf(text + used, capacity - used, "%s: %s\n", key, value);
    }
    return status;
}

static ferry_status make_predictor(ferry_run *run, ferry_engine *engine, ferry_error *error) {
    const ferry_run_options *given = run->given;
    ferry_predictor_settings settings;
    char *card = NULL;
    ferry_predictor_settings_default(&settings);
    settings.threads = (int)given->threads;
    if (!isnan(given->confidence)) settings.confidence = (float)given->confidence;
    if (!isnan(given->iou)) settings.iou = (float)given->iou;
    if (given->max_detections > 0) settings.max_detections = (int)given->max_detections;
    ferry_status status = compose_card(given, &card, error);
    settings.card = card;
    if (status == FERRY_OK) status = ferry_predictor_create(engine, &settings, &run->predictor, error);
    free(card);
    if (status == FERRY_OK && given->verbose)
        ferry_cli_message("run", "%s\n%s", ferry_predictor_reason(run->predictor), ferry_predictor_card(run->predictor));
    return status;
}

static ferry_status make_canvas(ferry_run *run, ferry_error *error) {
    ferry_canvas_settings settings = ferry_canvas_settings_default();
    if (!run->draws) return FERRY_OK;
    settings.font = run->given->font;
    ferry_status status = ferry_canvas_create(&settings, &run->canvas, error);
    const char *warning = status == FERRY_OK ? ferry_canvas_warning(run->canvas) : NULL;
    if (warning) ferry_cli_message("run", "warning: %s", warning);
    return status;
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESETHAND}; /* a second Ctrl-C ends at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

ferry_status ferry_run_vision(ferry_engine *engine, const ferry_run_options *given, ferry_error *error) {
    ferry_run run = {.given = given};
    ferry_cli_progress_init(&run.progress, given->quiet);
    ferry_media_set_chatter(0);
    catch_signals();
    ferry_status status = check_outputs(given, error);
    if (status == FERRY_OK) status = make_predictor(&run, engine, error);
    if (status == FERRY_OK) status = ferry_run_select_classes(&run, error);
    if (status == FERRY_OK) status = open_json(&run, error);
    if (status == FERRY_OK) status = make_canvas(&run, error);
    for (int i = 1; i < given->arguments.count && status == FERRY_OK && !interrupted; i++)
        status = see_input(&run, given->arguments.items[i], error);
    /* Lines of inputs that went well are kept although a later one failed. */
    if (run.json.stream && (status == FERRY_OK || run.pictures + run.detections > 0)) {
        ferry_status closed = ferry_cli_output_commit(&run.json, status == FERRY_OK ? error : NULL);
        if (status == FERRY_OK) status = closed;
    }
    ferry_cli_output_abort(&run.json);
    ferry_canvas_destroy(run.canvas);
    ferry_predictor_destroy(run.predictor);
    free(run.wanted);
    return status;
}
