/* SPDX-License-Identifier: Apache-2.0 */
/* The reports of ferry bench. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "output.h"
#include "terminal.h"

/* ---- layers ---- */

static double layer_mean(const ferry_layer_profile *layer) { return layer->runs ? layer->total_ms / (double)layer->runs : 0; }

static double layers_total(const ferry_bench *bench) {
    double total = 0;
    for (int i = 0; i < ferry_engine_layer_count(bench->engine); i++) total += layer_mean(&bench->layers[i]);
    return total;
}

static double gigaflops(const ferry_layer_profile *layer) {
    double mean = layer_mean(layer);
    return layer->operations > 0 && mean > 0 ? layer->operations / (mean * 1e6) : 0;
}

void ferry_bench_json_layers(ferry_json *json, const ferry_bench *bench) {
    double total = layers_total(bench);
    ferry_json_begin(json, '[');
    for (int i = 0; i < ferry_engine_layer_count(bench->engine); i++) {
        const ferry_layer_profile *layer = &bench->layers[i];
        ferry_layer_info info;
        if (ferry_engine_layer(bench->engine, i, &info, NULL) != FERRY_OK) continue;
        ferry_json_begin(json, '{');
        ferry_json_string_at(json, "name", info.name);
        ferry_json_string_at(json, "operator", info.type);
        ferry_json_string_at(json, "implementation", info.implementation);
        ferry_json_number_at(json, "mean_ms", layer_mean(layer), 6);
        ferry_json_number_at(json, "min_ms", layer->min_ms, 6);
        ferry_json_number_at(json, "share", total > 0 ? layer_mean(layer) / total : 0, 6);
        ferry_json_number_at(json, "operations", layer->operations, 0);
        ferry_json_number_at(json, "gflops", gigaflops(layer), 2);
        ferry_json_end(json, '}');
    }
    ferry_json_end(json, ']');
}

static void print_layers(const ferry_bench *bench) {
    static const char *const titles[] = {">#",       "layer",   "operator", "implementation", "output",
                                         ">mean ms", ">min ms", ">share %", ">GFLOP/s"};
    ferry_cli_table table;
    double total = layers_total(bench), operations = 0;
    ferry_cli_table_init(&table, titles, 9);
    for (int i = 0; i < ferry_engine_layer_count(bench->engine); i++) {
        const ferry_layer_profile *layer = &bench->layers[i];
        ferry_layer_info info;
        char shape[128], speed[32] = "";
        if (ferry_engine_layer(bench->engine, i, &info, NULL) != FERRY_OK) continue;
        if (layer->operations > 0) snprintf(speed, sizeof speed, "%.1f", gigaflops(layer));
        operations += layer->operations;
        ferry_cli_table_row(&table, "%d\t%s\t%s\t%s\t%s\t%.3f\t%.3f\t%.1f\t%s", i, info.name, info.type, info.implementation,
                            ferry_cli_shape(&layer->shape, NULL, shape, sizeof shape), layer_mean(layer), layer->min_ms,
                            total > 0 ? 100 * layer_mean(layer) / total : 0, speed);
    }
    ferry_cli_table_row(&table, "\tall layers\t\t\t\t%.3f\t\t100.0\t%.1f", total, total > 0 ? operations / (total * 1e6) : 0);
    ferry_cli_table_print(&table, stdout);
    ferry_cli_table_free(&table);
    putchar('\n');
}

/* ---- the whole ---- */

void ferry_bench_json_times(ferry_json *json, const ferry_bench *bench) {
    ferry_json_begin(json, '[');
    for (int i = 0; i < bench->runs; i++) ferry_json_number(json, bench->times[i], 6);
    ferry_json_end(json, ']');
}

static void print_json(const ferry_bench *bench, const ferry_bench_options *given, const char *path,
                       const ferry_cli_statistics *latency) {
    static const int percentiles[] = {90, 95, 99};
    ferry_json json;
    char key[32];
    ferry_json_init(&json, stdout, false);
    ferry_json_begin(&json, '{');
    ferry_json_string_at(&json, "model", path);
    ferry_json_integer_at(&json, "threads", given->threads);
    ferry_json_integer_at(&json, "iterations", bench->runs);
    ferry_json_number_at(&json, "min_ms", latency->minimum, 6);
    ferry_json_number_at(&json, "max_ms", latency->maximum, 6);
    ferry_json_number_at(&json, "mean_ms", latency->mean, 6);
    ferry_json_number_at(&json, "median_ms", latency->median, 6);
    ferry_json_number_at(&json, "deviation_ms", latency->deviation, 6);
    for (int i = 0; i < 3; i++) {
        snprintf(key, sizeof key, "p%d_ms", percentiles[i]);
        ferry_json_number_at(&json, key, ferry_cli_percentile(bench->times, bench->runs, percentiles[i]), 6);
    }
    if (!isnan(given->percentile)) {
        snprintf(key, sizeof key, "p%g_ms", given->percentile);
        ferry_json_number_at(&json, key, ferry_cli_percentile(bench->times, bench->runs, given->percentile), 6);
    }
    ferry_json_number_at(&json, "throughput_per_second", bench->runs / bench->seconds, 3);
    ferry_json_number_at(&json, "load_ms", bench->load_ms, 3);
    ferry_json_number_at(&json, "context_ms", bench->context_ms, 3);
    ferry_json_integer_at(&json, "context_bytes", (int64_t)bench->memory);
    ferry_json_integer_at(&json, "peak_bytes", (int64_t)bench->peak_bytes);
    if (bench->layers) {
        ferry_json_key(&json, "layers");
        ferry_bench_json_layers(&json, bench);
    }
    ferry_json_end(&json, '}');
}

static void print_text(const ferry_bench *bench, const ferry_bench_options *given, const ferry_cli_statistics *latency) {
    char memory[32], peak[32];
    if (bench->layers && given->profile) print_layers(bench);
    printf("runs        %d in %.2f s\n", bench->runs, bench->seconds);
    printf("latency     min %.3f ms, mean %.3f ms, median %.3f ms, max %.3f ms\n", latency->minimum, latency->mean,
           latency->median, latency->maximum);
    printf("percentiles p90 %.3f ms, p95 %.3f ms, p99 %.3f ms", ferry_cli_percentile(bench->times, bench->runs, 90),
           ferry_cli_percentile(bench->times, bench->runs, 95), ferry_cli_percentile(bench->times, bench->runs, 99));
    if (!isnan(given->percentile))
        printf(", p%g %.3f ms", given->percentile, ferry_cli_percentile(bench->times, bench->runs, given->percentile));
    printf("\nthroughput  %.2f runs/s\n", bench->runs / bench->seconds);
    printf("loading     %.1f ms, context %.1f ms\n", bench->load_ms, bench->context_ms);
    printf("memory      %s in the context, peak %s resident\n", ferry_cli_bytes(bench->memory, memory, sizeof memory),
           ferry_cli_bytes(bench->peak_bytes, peak, sizeof peak));
}

void ferry_bench_report(ferry_bench *bench, const ferry_bench_options *given, const char *path) {
    ferry_cli_statistics latency;
    ferry_cli_statistics_compute(bench->times, bench->runs, &latency);
    if (given->json)
        print_json(bench, given, path, &latency);
    else
        print_text(bench, given, &latency);
}

ferry_status ferry_bench_export(const ferry_bench *bench, const char *path,
                                void (*write)(ferry_json *json, const ferry_bench *bench), ferry_error *error) {
    ferry_cli_output output;
    ferry_json json;
    ferry_status status = ferry_cli_output_open(path, &output, error);
    if (status != FERRY_OK) return status;
    ferry_json_init(&json, output.stream, false);
    write(&json, bench);
    return ferry_cli_output_commit(&output, error);
}
