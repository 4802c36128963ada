/* SPDX-License-Identifier: Apache-2.0 */
/* The tuner: where several implementations accept a node, each runs on the node's real shape and the quickest is kept. Results
 * go into a timing cache, a text file that a later build, or a machine with the same processor, reads instead of measuring:
 *
 *   ferry-timing-cache 1
 *   <16 hex digits: hash of processor, threads, operator, attributes, shapes and candidates> <implementation> <nanoseconds> */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "compile/compile.h"

static const char cache_header[] = "ferry-timing-cache 1";

typedef struct timing {
    char key[17];
    char implementation[64];
    double nanoseconds;
} timing;

struct ferry_tuner {
    const ferry_compile_settings *settings;
    ferry_pool *pool;
    FERRY_VECTOR(timing) timings;
    ferry_map keys; /* to indices of timings */
    bool grew;
    char cpu[128];
};

/* ---- cache file ---- */

static bool remember(ferry_tuner *tuner, const timing *t) {
    int64_t index = ferry_map_get(&tuner->keys, t->key);
    if (index >= 0) {
        tuner->timings.items[index] = *t;
        return true;
    }
    return ferry_map_set(&tuner->keys, t->key, (int64_t)tuner->timings.count) && ferry_vector_push(&tuner->timings, *t);
}

/* A cache that is no cache, or a line that is none, costs only time: it is told and skipped. */
static void read_cache(ferry_tuner *tuner) {
    FILE *file = tuner->settings->timing_cache ? fopen(tuner->settings->timing_cache, "r") : NULL;
    if (!file) return;
    char line[256];
    bool valid = fgets(line, sizeof line, file) && strncmp(line, cache_header, strlen(cache_header)) == 0;
    if (!valid)
        ferry_log_write(tuner->settings->log, FERRY_LOG_WARNING, "'%s' is not a timing cache; it will be replaced",
                        tuner->settings->timing_cache);
    timing t;
    while (valid && fgets(line, sizeof line, file))
        if (sscanf(line, "%16s %63s %lf", t.key, t.implementation, &t.nanoseconds) == 3 && !remember(tuner, &t)) break;
    fclose(file);
}

static ferry_status write_cache(const ferry_tuner *tuner, ferry_error *error) {
    ferry_file_writer *writer;
    FERRY_TRY(ferry_file_writer_open(tuner->settings->timing_cache, &writer, error));
    char line[160];
    int length = snprintf(line, sizeof line, "%s\n", cache_header);
    ferry_status status = ferry_file_writer_write(writer, line, (size_t)length, error);
    for (size_t i = 0; i < tuner->timings.count && status == FERRY_OK; i++) {
        const timing *t = &tuner->timings.items[i];
        length = snprintf(line, sizeof line, "%s %s %.0f\n", t->key, t->implementation, t->nanoseconds);
        status = ferry_file_writer_write(writer, line, (size_t)length, error);
    }
    if (status == FERRY_OK) return ferry_file_writer_commit(&writer, error);
    ferry_file_writer_abort(&writer);
    return status;
}

ferry_status ferry_tuner_create(const ferry_compile_settings *settings, ferry_tuner **result, ferry_error *error) {
    ferry_tuner *tuner = ferry_calloc(1, sizeof *tuner);
    *result = tuner;
    if (!tuner) return ferry_fail_memory(error, sizeof *tuner);
    tuner->settings = settings;
    ferry_cpu_name(tuner->cpu, sizeof tuner->cpu);
    read_cache(tuner);
    return FERRY_OK;
}

void ferry_tuner_destroy(ferry_tuner *tuner) {
    if (!tuner) return;
    ferry_error error;
    if (tuner->grew && tuner->settings->timing_cache && write_cache(tuner, &error) != FERRY_OK)
        ferry_log_write(tuner->settings->log, FERRY_LOG_WARNING, "timing cache: %s", error.message);
    ferry_pool_destroy(tuner->pool);
    ferry_vector_free(&tuner->timings);
    ferry_map_free(&tuner->keys);
    ferry_free(tuner);
}

/* ---- keys ---- */

static uint64_t mix_text(uint64_t hash, const char *text) { return ferry_hash64(text, strlen(text), hash); }

static uint64_t mix_value(uint64_t hash, const ferry_value *value) {
    if (!value) return ferry_hash64("none", 4, hash);
    int64_t about[3 + FERRY_MAX_RANK] = {value->tensor.dtype, value->tensor.layout, value->tensor.shape.rank};
    for (int i = 0; i < value->tensor.shape.rank; i++) about[3 + i] = value->tensor.shape.dims[i];
    return ferry_hash64(about, sizeof about, hash);
}

static uint64_t mix_attributes(uint64_t hash, const ferry_attributes *attributes) {
    for (int i = 0; i < attributes->count; i++) {
        const ferry_attribute *a = &attributes->items[i];
        hash = mix_text(hash, a->name);
        if (a->type == FERRY_ATTRIBUTE_INT) hash = ferry_hash64(&a->value.integer, sizeof a->value.integer, hash);
        if (a->type == FERRY_ATTRIBUTE_STRING) hash = ferry_hash64(a->value.string.text, a->value.string.length, hash);
        if (a->type == FERRY_ATTRIBUTE_INTS) hash = ferry_hash64(a->value.integers, (size_t)a->count * sizeof(int64_t), hash);
    }
    return hash;
}

static void make_key(const ferry_tuner *tuner, const ferry_call *call, const ferry_implementation *const *candidates, int count,
                     char key[17]) {
    uint64_t hash = mix_text((uint64_t)call->threads, tuner->cpu);
    hash = mix_attributes(mix_text(hash, call->op->name), call->attributes);
    for (int i = 0; i < call->input_count; i++) hash = mix_value(hash, call->inputs[i]);
    for (int i = 0; i < call->output_count; i++) hash = mix_value(hash, call->outputs[i]);
    for (int i = 0; i < count; i++) hash = mix_text(hash, candidates[i]->name);
    snprintf(key, 17, "%016llx", (unsigned long long)hash);
}

/* ---- measuring ---- */

enum { FAST_CANDIDATES = 3, MIN_RUNS = 3, MAX_RUNS = 20 };
static const double budget_ns = 8e6; /* of one candidate */

static bool give_memory(ferry_tensor *tensor, ferry_layout layout, ferry_arena *arena, bool fill) {
    size_t bytes;
    tensor->layout = layout;
    if (tensor->data && layout == FERRY_LAYOUT_PLAIN) return true;
    if (!ferry_tensor_bytes(tensor->dtype, layout, &tensor->shape, &bytes)) return false;
    unsigned char *memory = ferry_arena_allocate(arena, 1, bytes + FERRY_ALIGNMENT);
    if (!memory) return false;
    tensor->data = (void *)ferry_align_up((uintptr_t)memory, FERRY_ALIGNMENT);
    if (fill && tensor->dtype == FERRY_FLOAT32) /* no denormals, no blanks: small numbers of both signs */
        for (size_t i = 0; i < bytes / 4; i++)
            ((float *)tensor->data)[i] = (float)((int)(i * 2654435761u >> 24 & 255) - 128) / 128;
    return true;
}

static bool shapes_known(const ferry_call *call) {
    for (int i = 0; i < call->input_count + call->output_count; i++) {
        const ferry_value *value = i < call->input_count ? call->inputs[i] : call->outputs[i - call->input_count];
        if (!value) continue;
        if (value->kind != FERRY_VALUE_TENSOR || value->tensor.shape.rank < 0) return false;
        for (int d = 0; d < value->tensor.shape.rank; d++)
            if (value->tensor.shape.dims[d] < 0) return false;
    }
    return true;
}

static bool prepare_call(ferry_call *call, const ferry_implementation *implementation, const ferry_layout *inputs,
                         const ferry_layout *outputs, ferry_arena *arena) {
    size_t packed = implementation->packed_bytes ? implementation->packed_bytes(call) : 0;
    if (packed) {
        unsigned char *memory = ferry_arena_allocate(arena, 1, packed + FERRY_ALIGNMENT);
        if (!memory) return false;
        memory = (void *)ferry_align_up((uintptr_t)memory, FERRY_ALIGNMENT);
        implementation->pack(call, memory);
        call->packed = memory;
        call->packed_bytes = packed;
    }
    for (int i = 0; i < call->input_count; i++)
        if (call->inputs[i] && !give_memory((ferry_tensor *)&call->inputs[i]->tensor, inputs[i], arena, true)) return false;
    for (int i = 0; i < call->output_count; i++)
        if (call->outputs[i] && !give_memory(&call->outputs[i]->tensor, outputs[i], arena, false)) return false;
    call->state = ferry_arena_allocate(arena, 1, implementation->state_bytes);
    if (!call->state || (implementation->prepare && implementation->prepare(call) != FERRY_OK)) return false;
    unsigned char *workspace = ferry_arena_allocate(arena, 1, call->workspace_bytes + FERRY_ALIGNMENT);
    call->workspace = (void *)ferry_align_up((uintptr_t)workspace, FERRY_ALIGNMENT);
    return workspace != NULL;
}

static double time_call(ferry_call *call, const ferry_implementation *implementation) {
    double best = -1, spent = 0;
    for (int run = 0; run < MAX_RUNS && (run < MIN_RUNS || spent < budget_ns); run++) {
        uint64_t start = ferry_time_nanoseconds();
        if (implementation->run(call) != FERRY_OK) return -1;
        double elapsed = (double)(ferry_time_nanoseconds() - start);
        spent += elapsed;
        if (run > 0 && (best < 0 || elapsed < best)) best = elapsed; /* the first run warms caches and pages */
    }
    return best;
}

static double measure(ferry_tuner *tuner, const ferry_graph_node *node, const ferry_implementation *implementation,
                      const ferry_layout *inputs, const ferry_layout *outputs) {
    ferry_arena arena = {0};
    ferry_call call;
    double nanoseconds = -1;
    if (ferry_make_call(node, tuner->settings, &arena, &call, NULL) == FERRY_OK &&
        prepare_call(&call, implementation, inputs, outputs, &arena)) {
        call.pool = tuner->pool;
        nanoseconds = time_call(&call, implementation);
    }
    ferry_arena_release(&arena);
    return nanoseconds;
}

/* ---- choosing ---- */

/* Without measuring: the least estimated cost where all candidates give one, else the first of the list. */
static const ferry_implementation *by_rule(const ferry_call *call, const ferry_implementation *const *candidates, int count) {
    const ferry_implementation *best = candidates[0];
    double least = -1;
    for (int i = 0; i < count; i++) {
        if (!candidates[i]->cost) continue;
        double cost = candidates[i]->cost(call);
        if (least < 0 || cost < least) {
            least = cost;
            best = candidates[i];
        }
    }
    return candidates[0]->cost ? best : candidates[0];
}

static int is_reference(const ferry_implementation *implementation) { return strcmp(implementation->name, "reference") == 0; }

/* The most likely first: by cost, else by the list's order; the scalar reference is never worth timing. */
static int shortlist(const ferry_call *call, const ferry_implementation *const *candidates, int count, int limit,
                     const ferry_implementation **list) {
    int kept = 0;
    double costs[64];
    for (int i = 0; i < count; i++) {
        if (is_reference(candidates[i]) || kept >= 64) continue;
        double cost = candidates[i]->cost ? candidates[i]->cost(call) : (double)i;
        int place = kept++;
        for (; place > 0 && costs[place - 1] > cost; place--) {
            costs[place] = costs[place - 1];
            list[place] = list[place - 1];
        }
        costs[place] = cost;
        list[place] = candidates[i];
    }
    return kept < limit ? kept : limit;
}

static const ferry_implementation *find_named(const ferry_implementation *const *candidates, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(candidates[i]->name, name) == 0) return candidates[i];
    return NULL;
}

static const ferry_implementation *race(ferry_tuner *tuner, const ferry_graph_node *node, const ferry_layout *inputs,
                                        const ferry_layout *outputs, const ferry_implementation *const *list, int count,
                                        timing *t) {
    const ferry_implementation *best = list[0];
    t->nanoseconds = -1;
    for (int i = 0; i < count; i++) {
        double nanoseconds = measure(tuner, node, list[i], inputs, outputs);
        ferry_log_write(tuner->settings->log, FERRY_LOG_VERBOSE, "%s (%s): %s takes %.3f ms", node->name, node->op->name,
                        list[i]->name, nanoseconds * 1e-6);
        if (nanoseconds < 0 || (t->nanoseconds >= 0 && nanoseconds >= t->nanoseconds)) continue;
        t->nanoseconds = nanoseconds;
        best = list[i];
    }
    snprintf(t->implementation, sizeof t->implementation, "%s", best->name);
    return best;
}

static bool can_measure(ferry_tuner *tuner, const ferry_call *call) {
    if (tuner->settings->tune == FERRY_TUNE_LEVEL_OFF || !shapes_known(call)) return false;
    if (tuner->settings->features & ~ferry_cpu_features()) return false; /* built for another machine */
    if (!tuner->pool && call->threads > 1) return ferry_pool_create(call->threads, &tuner->pool, NULL) == FERRY_OK;
    return true;
}

const ferry_implementation *ferry_tuner_choose(ferry_tuner *tuner, const ferry_graph_node *node, const ferry_layout *inputs,
                                               const ferry_layout *outputs, const ferry_implementation *const *candidates,
                                               int count) {
    ferry_arena arena = {0};
    ferry_call call;
    const ferry_implementation *chosen = candidates[0], *list[64];
    timing t = {.nanoseconds = -1};
    if (count > 64) count = 64;
    if (ferry_make_call(node, tuner->settings, &arena, &call, NULL) == FERRY_OK) {
        chosen = by_rule(&call, candidates, count);
        int limit = tuner->settings->tune == FERRY_TUNE_LEVEL_FULL ? count : FAST_CANDIDATES;
        int listed = shortlist(&call, candidates, count, limit, list);
        if (listed > 1 && can_measure(tuner, &call)) {
            make_key(tuner, &call, list, listed, t.key);
            int64_t known = ferry_map_get(&tuner->keys, t.key);
            const ferry_implementation *cached =
                known < 0 ? NULL : find_named(list, listed, tuner->timings.items[known].implementation);
            chosen = cached ? cached : race(tuner, node, inputs, outputs, list, listed, &t);
            if (!cached && t.nanoseconds >= 0) tuner->grew |= remember(tuner, &t);
        }
    }
    ferry_arena_release(&arena);
    return chosen;
}
