/* SPDX-License-Identifier: Apache-2.0 */
/* ferry bench: how long a model takes here, as a whole and layer by layer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"
#include "commands.h"
#include "output.h"
#include "terminal.h"

#define FIELD(name) offsetof(ferry_bench_options, name)

static const ferry_option options[] = {
    {"iterations", 'n', FERRY_OPTION_INTEGER, FIELD(iterations), "N", "run exactly N times; with --duration, at least N times",
     .minimum = 1, .maximum = 1e8},
    {"duration", 0, FERRY_OPTION_NUMBER, FIELD(duration), "SECONDS",
     "run at least this long; without this and --iterations, 3 seconds and at least 10 times", .minimum = 0, .maximum = 1e6},
    {"warm-up", 0, FERRY_OPTION_NUMBER, FIELD(warm_up), "MS", "run this long before measuring, at least once", "200", 0, 1e6,
     .aliases = "warmUp"},
    FERRY_CLI_THREADS(ferry_bench_options),
    {"shapes", 0, FERRY_OPTION_LIST, FIELD(shapes), "NAME:DIMS,...", "shapes of dynamic inputs, as in images:1x3x640x640"},
    {"input", 'i', FERRY_OPTION_LIST, FIELD(inputs), "NAME=FILE.npy", "contents of an input; without it random numbers"},
    {"profile", 'p', FERRY_OPTION_FLAG, FIELD(profile), .help = "measure each layer too, in a second run",
     .aliases = "dumpProfile"},
    {"percentile", 0, FERRY_OPTION_NUMBER, FIELD(percentile), "P", "report this percentile as well", .minimum = 0.001,
     .maximum = 100},
    {"export-profile", 0, FERRY_OPTION_TEXT, FIELD(export_profile), "FILE", "write the layers' times as JSON",
     .aliases = "exportProfile"},
    {"export-times", 0, FERRY_OPTION_TEXT, FIELD(export_times), "FILE",
     "write the latency of every run as a JSON array of milliseconds", .aliases = "exportTimes"},
    {"engine", 0, FERRY_OPTION_TEXT, FIELD(engine), "FILE", "the engine, as trtexec spells it", .aliases = "loadEngine,onnx"},
    {"json", 0, FERRY_OPTION_FLAG, FIELD(json), .help = "print the report as JSON"},
    {"verbose", 'v', FERRY_OPTION_FLAG, FIELD(verbose), .help = "tell more while an ONNX file is being built"},
    FERRY_CLI_QUIET(ferry_bench_options),
    {0},
};

/* ---- inputs ---- */

/* Values in [0, 1) for floats, any byte for 8-bit types, zeros for the rest (indices, lengths, flags), from a fixed seed. */
static void fill_random(const ferry_tensor_view *view, size_t bytes) {
    uint32_t state = 0x9E3779B9u;
    memset(view->data, 0, bytes);
    size_t count = view->dtype == FERRY_FLOAT32 ? bytes / 4 : view->dtype == FERRY_FLOAT16 ? bytes / 2 : bytes;
    bool byte_sized = view->dtype == FERRY_UINT8 || view->dtype == FERRY_INT8;
    if (view->dtype != FERRY_FLOAT32 && view->dtype != FERRY_FLOAT16 && !byte_sized) return;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        if (view->dtype == FERRY_FLOAT32)
            ((float *)view->data)[i] = (float)(state >> 8) * 0x1p-24f;
        else if (view->dtype == FERRY_FLOAT16) /* exponent of [0.5, 1), random mantissa */
            ((uint16_t *)view->data)[i] = (uint16_t)(0x3800u | (state >> 22));
        else
            ((uint8_t *)view->data)[i] = (uint8_t)(state >> 24);
    }
}

static ferry_status set_shapes(ferry_bench *bench, ferry_context *context, ferry_error *error) {
    for (int i = 0; i < bench->shapes.count; i++) {
        int index;
        ferry_status status = ferry_cli_find_input(bench->engine, bench->shapes.names[i], &index, error);
        if (status == FERRY_OK) status = ferry_context_set_input_shape(context, index, &bench->shapes.shapes[i], error);
        if (status != FERRY_OK) return status;
    }
    return FERRY_OK;
}

static ferry_status bind_files(ferry_bench *bench, ferry_context *context, ferry_error *error) {
    for (int i = 0; i < bench->array_count; i++) {
        ferry_status status = ferry_context_bind_input(context, bench->array_inputs[i], &bench->arrays[i].view, error);
        if (status != FERRY_OK) return status;
    }
    return FERRY_OK;
}

static bool has_file(const ferry_bench *bench, int input) {
    for (int i = 0; i < bench->array_count; i++)
        if (bench->array_inputs[i] == input) return true;
    return false;
}

static ferry_status fill_inputs(ferry_bench *bench, ferry_context *context, ferry_error *error) {
    for (int i = 0; i < ferry_engine_input_count(bench->engine); i++) {
        ferry_tensor_view view;
        size_t bytes;
        if (has_file(bench, i)) continue;
        ferry_status status = ferry_context_input(context, i, &view, error);
        if (status != FERRY_OK) return status;
        if (view.dtype == FERRY_STRING || !ferry_npy_view_bytes(&view, &bytes))
            return ferry_cli_fail(error, FERRY_ERROR_UNSUPPORTED, 0, "input %d is of type %s, which cannot be made up", i,
                                  ferry_dtype_name(view.dtype));
        fill_random(&view, bytes);
    }
    return FERRY_OK;
}

static ferry_status read_files(ferry_bench *bench, const ferry_cli_list *inputs, ferry_error *error) {
    if (inputs->count == 0) return FERRY_OK;
    bench->arrays = calloc((size_t)inputs->count, sizeof *bench->arrays);
    bench->array_inputs = calloc((size_t)inputs->count, sizeof *bench->array_inputs);
    if (!bench->arrays || !bench->array_inputs) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    for (int i = 0; i < inputs->count; i++) {
        char name[512];
        const char *path;
        if (!ferry_cli_split_pair(inputs->items[i], name, sizeof name, &path))
            return ferry_cli_fail(error, FERRY_ERROR_INVALID_ARGUMENT, 0, "--input wants NAME=FILE.npy, not '%s'",
                                  inputs->items[i]);
        ferry_status status = ferry_cli_find_input(bench->engine, name, &bench->array_inputs[i], error);
        if (status == FERRY_OK) status = ferry_npy_read(path, &bench->arrays[i], error);
        if (status != FERRY_OK) return status;
        bench->array_count++;
    }
    return FERRY_OK;
}

static ferry_status make_context(ferry_bench *bench, int threads, bool profile, ferry_context **context, ferry_error *error) {
    ferry_context_settings settings;
    ferry_context_settings_default(&settings);
    settings.threads = threads;
    settings.profile = profile;
    ferry_status status = ferry_context_create(bench->engine, &settings, context, error);
    if (status == FERRY_OK) status = set_shapes(bench, *context, error);
    if (status == FERRY_OK) status = bind_files(bench, *context, error);
    if (status == FERRY_OK) status = fill_inputs(bench, *context, error);
    return status;
}

/* ---- measuring ---- */

static ferry_status warm_up(ferry_context *context, double milliseconds, ferry_error *error) {
    double end = ferry_cli_seconds() + milliseconds * 1e-3;
    do {
        ferry_status status = ferry_context_run(context, error);
        if (status != FERRY_OK) return status;
    } while (ferry_cli_seconds() < end);
    return FERRY_OK;
}

static ferry_status append_time(ferry_bench *bench, double milliseconds, ferry_error *error) {
    if (bench->runs == bench->capacity) {
        int capacity = bench->capacity ? bench->capacity * 2 : 1024;
        double *times = realloc(bench->times, (size_t)capacity * sizeof *times);
        if (!times) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
        bench->times = times;
        bench->capacity = capacity;
    }
    bench->times[bench->runs++] = milliseconds;
    return FERRY_OK;
}

static ferry_status measure(ferry_bench *bench, ferry_context *context, int64_t least_runs, double least_seconds, bool quiet,
                            ferry_error *error) {
    ferry_cli_progress progress;
    ferry_cli_progress_init(&progress, quiet);
    double start = ferry_cli_seconds(), now = start;
    while (bench->runs < least_runs || now - start < least_seconds) {
        double before = ferry_cli_seconds();
        ferry_status status = ferry_context_run(context, error);
        now = ferry_cli_seconds();
        if (status == FERRY_OK) status = append_time(bench, (now - before) * 1e3, error);
        if (status != FERRY_OK) return status;
        if (progress.bar && now - progress.last > 0.2)
            ferry_cli_progress_update(&progress, "measuring", bench->runs, least_seconds > 0 ? 0 : least_runs, NULL);
    }
    bench->seconds = now - start;
    ferry_cli_progress_clear(&progress);
    return FERRY_OK;
}

static ferry_status measure_whole(ferry_bench *bench, const ferry_bench_options *given, ferry_error *error) {
    ferry_context *context = NULL;
    double start = ferry_cli_seconds();
    int64_t runs = given->iterations > 0 ? given->iterations : 10;
    double seconds = !isnan(given->duration) ? given->duration : given->iterations > 0 ? 0 : 3;
    ferry_status status = make_context(bench, (int)given->threads, false, &context, error);
    bench->context_ms = (ferry_cli_seconds() - start) * 1e3;
    if (status == FERRY_OK) status = warm_up(context, given->warm_up, error);
    if (status == FERRY_OK) status = measure(bench, context, runs, seconds, given->quiet || given->json, error);
    if (status == FERRY_OK) bench->memory = ferry_context_memory(context);
    ferry_context_destroy(context);
    return status;
}

/* Profiling costs time at every layer, so that it has a run of its own: as many times as the measured run, at most for 3 s. */
static ferry_status measure_layers(ferry_bench *bench, const ferry_bench_options *given, ferry_error *error) {
    ferry_context *context = NULL;
    int layers = ferry_engine_layer_count(bench->engine);
    bench->layers = calloc((size_t)layers + 1, sizeof *bench->layers);
    if (!bench->layers) return ferry_cli_fail(error, FERRY_ERROR_OUT_OF_MEMORY, 0, "out of memory");
    ferry_status status = make_context(bench, (int)given->threads, true, &context, error);
    double end = ferry_cli_seconds() + 3;
    for (int i = 0; i < bench->runs && status == FERRY_OK && (i < 2 || ferry_cli_seconds() < end); i++)
        status = ferry_context_run(context, error);
    for (int i = 0; i < layers && status == FERRY_OK; i++) status = ferry_context_profile(context, i, &bench->layers[i], error);
    ferry_context_destroy(context);
    return status;
}

static ferry_status export_files(const ferry_bench *bench, const ferry_bench_options *given, ferry_error *error) {
    ferry_status status = FERRY_OK;
    if (given->export_times) status = ferry_bench_export(bench, given->export_times, ferry_bench_json_times, error);
    if (status == FERRY_OK && given->export_profile)
        status = ferry_bench_export(bench, given->export_profile, ferry_bench_json_layers, error);
    return status;
}

static ferry_status run_bench(ferry_bench *bench, const ferry_bench_options *given, const char *path, ferry_error *error) {
    ferry_cli_progress progress;
    ferry_cli_listener listener = {.command = "bench", .verbose = given->verbose, .progress = &progress};
    ferry_cli_progress_init(&progress, given->quiet || given->json);
    ferry_status status = ferry_cli_shapes_parse(&given->shapes, &bench->shapes, error);
    double start = ferry_cli_seconds();
    if (status == FERRY_OK)
        status = ferry_cli_open_engine(path, &bench->shapes, (int)given->threads, &listener, &bench->engine, error);
    bench->load_ms = (ferry_cli_seconds() - start) * 1e3;
    if (status == FERRY_OK) status = read_files(bench, &given->inputs, error);
    if (status == FERRY_OK) status = measure_whole(bench, given, error);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    bench->peak_bytes = (uint64_t)usage.ru_maxrss * 1024; /* Linux counts kibibytes */
    if (status == FERRY_OK && (given->profile || given->export_profile)) status = measure_layers(bench, given, error);
    if (status == FERRY_OK) status = export_files(bench, given, error);
    if (status == FERRY_OK) ferry_bench_report(bench, given, path);
    return status;
}

static void bench_free(ferry_bench *bench) {
    for (int i = 0; i < bench->array_count; i++) ferry_npy_free(&bench->arrays[i]);
    free(bench->arrays);
    free(bench->array_inputs);
    free(bench->times);
    free(bench->layers);
    ferry_cli_shapes_free(&bench->shapes);
    ferry_engine_destroy(bench->engine);
}

static int run(const ferry_command *command, const void *settings) {
    const ferry_bench_options *given = settings;
    ferry_bench bench = {0};
    ferry_error error;
    if (!given->engine == !given->arguments.count) return ferry_cli_misused("bench", "name one model");
    ferry_status status = run_bench(&bench, given, given->engine ? given->engine : given->arguments.items[0], &error);
    bench_free(&bench);
    return status == FERRY_OK ? FERRY_EXIT_OK : ferry_cli_failed(command, &error);
}

const ferry_command ferry_command_bench = {
    .name = "bench",
    .summary = "measure how fast a model runs here",
    .synopsis = "MODEL [options]",
    .description =
        "Runs the model again and again on the same input and reports what trtexec does: latency (minimum, mean, median, "
        "percentiles), throughput, time of loading and peak memory. An ONNX file is built in memory first.\n\n"
        "With --profile, a second run measures each layer: its time, share of the whole, and GFLOP/s.",
    .examples = "ferry bench yolov5s.ferry --threads 2 --profile\t\n"
                "ferry bench --loadEngine=yolov5s.ferry --iterations=100 --json\tthe spelling of trtexec",
    .options = options,
    .settings_size = sizeof(ferry_bench_options),
    .arguments_offset = FIELD(arguments),
    .min_arguments = 0,
    .max_arguments = 1,
    .run = run,
};
