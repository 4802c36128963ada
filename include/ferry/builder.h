/* SPDX-License-Identifier: Apache-2.0 */
/* Models and the builder: from ONNX to an engine. In libferry-build, so that a device need not carry it. */
#ifndef FERRY_BUILDER_H
#define FERRY_BUILDER_H

#include <ferry/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ferry_message_level {
    FERRY_MESSAGE_ERROR = 0,
    FERRY_MESSAGE_WARNING = 1,
    FERRY_MESSAGE_INFO = 2,
    FERRY_MESSAGE_VERBOSE = 3
} ferry_message_level;

/* ---- model ---- */

/* A model read from ONNX (or, later, made by the network-definition API). Used by one thread at a time. */
typedef struct ferry_model ferry_model;

/* Where every fault that does not stop the reading is told, one line a call: each unsupported operator with node name, domain
 * and opset, warnings. May be NULL. */
typedef void (*ferry_message_function)(void *user, ferry_message_level level, const char *message);

/* Reads an ONNX file with its external data. When operators are unsupported, each is told to `message` and the call fails. */
FERRY_API ferry_status ferry_model_load(const char *path, ferry_message_function message, void *user, ferry_model **model,
                                        ferry_error *error);
FERRY_API void ferry_model_destroy(ferry_model *model); /* takes NULL */

FERRY_API int ferry_model_input_count(const ferry_model *model);
FERRY_API int ferry_model_output_count(const ferry_model *model);
FERRY_API ferry_status ferry_model_input(const ferry_model *model, int index, ferry_binding_info *info, ferry_error *error);
FERRY_API ferry_status ferry_model_output(const ferry_model *model, int index, ferry_binding_info *info, ferry_error *error);
/* Layers as in the file, after normalisation to the newest opset; implementation and layout are "". */
FERRY_API int ferry_model_layer_count(const ferry_model *model);
FERRY_API ferry_status ferry_model_layer(const ferry_model *model, int index, ferry_layer_info *info, ferry_error *error);
FERRY_API const char *ferry_model_metadata(const ferry_model *model, const char *key);
FERRY_API int ferry_model_metadata_count(const ferry_model *model);
FERRY_API void ferry_model_metadata_at(const ferry_model *model, int index, const char **key, const char **value);
/* Adds or replaces an entry; it goes into the engine. */
FERRY_API ferry_status ferry_model_set_metadata(ferry_model *model, const char *key, const char *value, ferry_error *error);

typedef struct ferry_model_info {
    uint64_t file_bytes, weight_bytes;
    int64_t parameters; /* elements of all constants */
    int64_t ir_version;
    int64_t opset;        /* of the default domain */
    const char *producer; /* "" when the file names none */
} ferry_model_info;
FERRY_API void ferry_model_describe(const ferry_model *model, ferry_model_info *info);

/* ---- builder ---- */

/* What the builder is doing: stage in words ("simplify", "choose", "pack", "write"), done of total steps in it. */
typedef void (*ferry_progress_function)(void *user, const char *stage, int64_t done, int64_t total);

typedef enum ferry_tuning {
    FERRY_TUNE_OFF = 0,  /* by rules alone: deterministic */
    FERRY_TUNE_FAST = 1, /* times the few most likely candidates */
    FERRY_TUNE_FULL = 2  /* times every candidate */
} ferry_tuning;

typedef struct ferry_build_settings {
    size_t struct_size;
    int threads;                   /* that the engine is tuned for, and that the builder uses; 0 = one a processor */
    ferry_tuning tuning;           /* default FERRY_TUNE_FAST */
    const char *timing_cache_path; /* NULL = none */
    const char *target_features;   /* "avx2", "avx512" ...; NULL = this machine's */
    int allow_lossy;               /* 1 (default): tactics within 1e-3 relative, such as Winograd F(6x6), are permitted */
    int shape_count;               /* fixed shapes for dynamic inputs: names and shapes, shape_count of each */
    const char *const *shape_names;
    const ferry_shape *shapes;        /* -1 leaves a dimension dynamic */
    ferry_progress_function progress; /* may be NULL */
    ferry_message_function message;   /* may be NULL; VERBOSE lines tell why implementations were rejected */
    void *user;                       /* for progress and message */
} ferry_build_settings;
FERRY_API void ferry_build_settings_default(ferry_build_settings *settings);

typedef struct ferry_build_report {
    int layers;
    int64_t nodes_before;
    uint64_t weight_bytes, file_bytes;
    double seconds;
} ferry_build_report;

/* Compiles the model (which stays as it was read) and writes the engine file atomically: at failure no file appears and one
 * that was there stays. report may be NULL. */
FERRY_API ferry_status ferry_build(const ferry_model *model, const ferry_build_settings *settings, const char *path,
                                   ferry_build_report *report, ferry_error *error);
/* The same, straight into an engine in memory. */
FERRY_API ferry_status ferry_build_engine(const ferry_model *model, const ferry_build_settings *settings, ferry_engine **engine,
                                          ferry_build_report *report, ferry_error *error);

#ifdef __cplusplus
}
#endif
#endif
