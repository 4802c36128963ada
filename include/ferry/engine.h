/* SPDX-License-Identifier: Apache-2.0 */
/* Engines: load, ask, run. An engine is immutable and may be used by any number of contexts in any threads at once. */
#ifndef FERRY_ENGINE_H
#define FERRY_ENGINE_H

#include <ferry/status.h>
#include <ferry/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0": of the library that runs, not of the header. */
FERRY_API const char *ferry_version(void);

/* ---- engine ---- */

typedef struct ferry_engine ferry_engine;

/* Maps an engine file. Refuses what is no engine, truncated, corrupt, made by a newer Ferry, or in need of CPU features that
 * this machine lacks; the error says which. On success *engine must be destroyed by the caller. */
FERRY_API ferry_status ferry_engine_load(const char *path, ferry_engine **engine, ferry_error *error);
/* The same from memory, which is copied. */
FERRY_API ferry_status ferry_engine_load_memory(const void *data, size_t bytes, ferry_engine **engine, ferry_error *error);
/* Contexts keep what they need: an engine may be destroyed before its contexts. Takes NULL. */
FERRY_API void ferry_engine_destroy(ferry_engine *engine);

/* A model's input or output. Pointers live as long as the engine. */
typedef struct ferry_binding_info {
    const char *name;
    ferry_dtype dtype;
    ferry_shape shape;            /* -1 for a dimension that is chosen when running */
    const char *const *dim_names; /* rank entries, NULL where the dimension is fixed; NULL when all are */
} ferry_binding_info;

FERRY_API int ferry_engine_input_count(const ferry_engine *engine);
FERRY_API int ferry_engine_output_count(const ferry_engine *engine);
/* index from 0 to count-1; FERRY_ERROR_INVALID_ARGUMENT otherwise. */
FERRY_API ferry_status ferry_engine_input(const ferry_engine *engine, int index, ferry_binding_info *info, ferry_error *error);
FERRY_API ferry_status ferry_engine_output(const ferry_engine *engine, int index, ferry_binding_info *info, ferry_error *error);

/* One executed layer. Pointers live as long as the engine. */
typedef struct ferry_layer_info {
    const char *name;
    const char *type;           /* the operator */
    const char *implementation; /* chosen by the builder */
    ferry_dtype dtype;          /* of output 0 */
    const char *layout;         /* of output 0: "plain", "c8" ... */
    ferry_shape shape;          /* of output 0; -1 where dynamic; rank -1 where unknown */
    uint64_t weight_bytes;
} ferry_layer_info;
FERRY_API int ferry_engine_layer_count(const ferry_engine *engine);
FERRY_API ferry_status ferry_engine_layer(const ferry_engine *engine, int index, ferry_layer_info *info, ferry_error *error);

typedef struct ferry_engine_info {
    uint64_t file_bytes, weight_bytes;
    const char *producer;  /* "ferry 0.1.0" */
    const char *precision; /* "fp32" ... */
    const char *target;    /* "x86-64: avx2" */
} ferry_engine_info;
FERRY_API void ferry_engine_describe(const ferry_engine *engine, ferry_engine_info *info);

/* Metadata that travelled with the model (names, stride, task ...) and what the builder added. NULL when absent. */
FERRY_API const char *ferry_engine_metadata(const ferry_engine *engine, const char *key);
FERRY_API int ferry_engine_metadata_count(const ferry_engine *engine);
FERRY_API void ferry_engine_metadata_at(const ferry_engine *engine, int index, const char **key, const char **value);

/* ---- execution context ---- */

typedef struct ferry_context ferry_context;

typedef struct ferry_context_settings {
    size_t struct_size; /* sizeof(ferry_context_settings) */
    int threads;        /* working threads, the caller's included; 0 = one a processor */
    int profile;        /* 1: measure each layer (ferry_context_profile) */
} ferry_context_settings;
FERRY_API void ferry_context_settings_default(ferry_context_settings *settings);

/* A context holds the memory and the threads of one run at a time: use it from one thread at a time. When all shapes are fixed
 * it is ready at once; otherwise give shapes with ferry_context_set_input_shape or by binding. settings NULL = defaults. */
FERRY_API ferry_status ferry_context_create(ferry_engine *engine, const ferry_context_settings *settings,
                                            ferry_context **context, ferry_error *error);
FERRY_API void ferry_context_destroy(ferry_context *context); /* takes NULL */

/* Chooses the shape of an input. Dimensions that the engine fixes must agree. Plans memory anew when all are known. */
FERRY_API ferry_status ferry_context_set_input_shape(ferry_context *context, int input, const ferry_shape *shape,
                                                     ferry_error *error);

/* A tensor in memory. For strings, data points to ferry_string. */
typedef struct ferry_tensor_view {
    ferry_dtype dtype;
    ferry_shape shape;
    void *data;
} ferry_tensor_view;

/* The context's own memory of an input, to write into before ferry_context_run: no copy. The shape must be known. Valid until
 * shapes change or the context dies. */
FERRY_API ferry_status ferry_context_input(ferry_context *context, int input, ferry_tensor_view *view, ferry_error *error);
/* Uses the caller's memory as the input (64-byte alignment gives best speed; any alignment of the element type works), and its
 * shape. dtype must be the engine's. The memory must stay until the run is over. data NULL goes back to the context's own. */
FERRY_API ferry_status ferry_context_bind_input(ferry_context *context, int input, const ferry_tensor_view *view,
                                                ferry_error *error);
/* Has the output written into the caller's memory of `bytes` bytes. data NULL goes back to the context's own. */
FERRY_API ferry_status ferry_context_bind_output(ferry_context *context, int output, void *data, size_t bytes,
                                                 ferry_error *error);

/* Runs the model once. */
FERRY_API ferry_status ferry_context_run(ferry_context *context, ferry_error *error);

/* An output after a run (its shape is known before, if it does not depend on contents). Valid until the next run, change of
 * shapes, or the context's end. */
FERRY_API ferry_status ferry_context_output(ferry_context *context, int output, ferry_tensor_view *view, ferry_error *error);

/* Bytes of activations and workspace that the context holds. */
FERRY_API size_t ferry_context_memory(const ferry_context *context);

typedef struct ferry_layer_profile {
    uint64_t runs;
    double total_ms, min_ms;
    double operations; /* multiplications and additions of one run, 0 where not counted */
    ferry_shape shape; /* of output 0 */
} ferry_layer_profile;
/* layer as in ferry_engine_layer. Needs settings.profile. */
FERRY_API ferry_status ferry_context_profile(const ferry_context *context, int layer, ferry_layer_profile *profile,
                                             ferry_error *error);

#ifdef __cplusplus
}
#endif
#endif
