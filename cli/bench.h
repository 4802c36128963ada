/* SPDX-License-Identifier: Apache-2.0 */
/* What ferry bench measured, between bench.c, which measures, and bench_report.c, which prints. */
#ifndef FERRY_CLI_BENCH_H
#define FERRY_CLI_BENCH_H

#include <ferry/engine.h>

#include "json.h"
#include "npy.h"
#include "options.h"
#include "values.h"

typedef struct ferry_bench_options {
    ferry_cli_list arguments, shapes, inputs;
    const char *engine, *export_profile, *export_times;
    int64_t iterations, threads;
    double duration, warm_up, percentile;
    bool profile, json, verbose, quiet;
} ferry_bench_options;

typedef struct ferry_bench {
    ferry_engine *engine;
    ferry_cli_shapes shapes;
    ferry_npy *arrays; /* contents of inputs from files, and which inputs */
    int *array_inputs;
    int array_count;
    double load_ms, context_ms;
    double *times; /* milliseconds of each run, in order */
    int runs, capacity;
    double seconds; /* of the measured runs together */
    size_t memory;
    uint64_t peak_bytes;
    ferry_layer_profile *layers; /* one a layer of the engine, NULL without --profile */
} ferry_bench;

void ferry_bench_report(ferry_bench *bench, const ferry_bench_options *given, const char *path);
void ferry_bench_json_layers(ferry_json *json, const ferry_bench *bench); /* an array */
void ferry_bench_json_times(ferry_json *json, const ferry_bench *bench);  /* an array */
ferry_status ferry_bench_export(const ferry_bench *bench, const char *path,
                                void (*write)(ferry_json *json, const ferry_bench *bench), ferry_error *error);

#endif
