/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/file.h"

#include <string.h>

#include "base/cpu.h"
#include "base/map.h"
#include "engine/serialize.h"

static const unsigned char magic[8] = {'F', 'E', 'R', 'R', 'Y', 0, '\r', '\n'};

typedef struct header {
    unsigned char magic[8];
    uint32_t format, architecture, features, reserved;
    uint64_t plan_offset, plan_bytes, weights_offset, weights_bytes;
    uint64_t plan_hash, weights_hash, header_hash;
} header;
_Static_assert(sizeof(header) == FERRY_ENGINE_HEADER_BYTES, "the header has no padding");

enum { ARCHITECTURE_ANY = 0, ARCHITECTURE_X86_64 = 1, ARCHITECTURE_AARCH64 = 2, ARCHITECTURE_ARM = 3, ARCHITECTURES = 4 };
static const char *const architecture_names[ARCHITECTURES] = {"any", "x86-64", "aarch64", "arm"};

static uint32_t this_architecture(void) {
#if defined(__x86_64__)
    return ARCHITECTURE_X86_64;
#elif defined(__aarch64__)
    return ARCHITECTURE_AARCH64;
#elif defined(__arm__)
    return ARCHITECTURE_ARM;
#else
    return ARCHITECTURE_ANY;
#endif
}

bool ferry_engine_is(const void *data, size_t bytes) { return bytes >= sizeof magic && memcmp(data, magic, sizeof magic) == 0; }

static uint64_t header_hash(const header *h) { return ferry_hash64(h, offsetof(header, header_hash), 0); }

/* ---- writing ---- */

/* The header and the plan's bytes, which stream->out holds afterwards. */
static ferry_status encode(const ferry_plan *plan, ferry_stream *stream, header *h, ferry_error *error) {
    *stream = (ferry_stream){.writing = true, .error = error};
    ferry_plan_stream(stream, (ferry_plan *)plan); /* writing leaves the plan as it is */
    if (stream->status != FERRY_OK) return stream->status;
    *h = (header){.format = FERRY_ENGINE_FORMAT, .architecture = this_architecture(), .features = plan->features};
    memcpy(h->magic, magic, sizeof magic);
    h->plan_offset = sizeof *h;
    h->plan_bytes = stream->out.count;
    h->weights_offset = ferry_align_up(h->plan_offset + h->plan_bytes, FERRY_ENGINE_PAGE);
    h->weights_bytes = plan->weights_bytes;
    h->plan_hash = ferry_hash64(stream->out.items, stream->out.count, 0);
    h->weights_hash = ferry_hash64(plan->weights, plan->weights_bytes, 0);
    h->header_hash = header_hash(h);
    return FERRY_OK;
}

static ferry_status write_parts(ferry_file_writer *writer, const header *h, const ferry_stream *stream, const ferry_plan *plan,
                                ferry_error *error) {
    FERRY_TRY(ferry_file_writer_write(writer, h, sizeof *h, error));
    FERRY_TRY(ferry_file_writer_write(writer, stream->out.items, stream->out.count, error));
    FERRY_TRY(ferry_file_writer_align(writer, FERRY_ENGINE_PAGE, error));
    return ferry_file_writer_write(writer, plan->weights, plan->weights_bytes, error);
}

ferry_status ferry_engine_write(const ferry_plan *plan, const char *path, ferry_error *error) {
    ferry_stream stream;
    header h;
    ferry_file_writer *writer = NULL;
    ferry_status status = encode(plan, &stream, &h, error);
    if (status == FERRY_OK) status = ferry_file_writer_open(path, &writer, error);
    if (status == FERRY_OK) status = write_parts(writer, &h, &stream, plan, error);
    if (status == FERRY_OK) status = ferry_file_writer_commit(&writer, error);
    ferry_file_writer_abort(&writer);
    ferry_vector_free(&stream.out);
    return status;
}

ferry_status ferry_engine_serialize(const ferry_plan *plan, unsigned char **data, size_t *bytes, ferry_error *error) {
    ferry_stream stream;
    header h;
    ferry_status status = encode(plan, &stream, &h, error);
    if (status == FERRY_OK) {
        *bytes = (size_t)(h.weights_offset + h.weights_bytes);
        *data = ferry_aligned_malloc(*bytes);
        if (*data) {
            memset(*data, 0, (size_t)h.weights_offset);
            memcpy(*data, &h, sizeof h);
            memcpy(*data + h.plan_offset, stream.out.items, stream.out.count);
            if (h.weights_bytes) memcpy(*data + h.weights_offset, plan->weights, (size_t)h.weights_bytes);
        } else {
            status = ferry_fail_memory(error, *bytes);
        }
    }
    ferry_vector_free(&stream.out);
    return status;
}

/* ---- reading ---- */

static ferry_status check_target(const header *h, uint32_t features, ferry_error *error) {
    if (h->architecture != ARCHITECTURE_ANY && h->architecture != this_architecture()) {
        const char *name = h->architecture < ARCHITECTURES ? architecture_names[h->architecture] : "an unknown architecture";
        return ferry_fail(error, FERRY_ERROR_CPU_FEATURE,
                          "the engine was built for %s; this machine is %s: build it again here", name,
                          architecture_names[this_architecture()]);
    }
    uint32_t missing = h->features & ~features;
    if (!missing) return FERRY_OK;
    char missing_text[128], have_text[128];
    return ferry_fail(error, FERRY_ERROR_CPU_FEATURE,
                      "the engine needs CPU features that this machine lacks: %s (it has: %s). Build it again with --target %s",
                      ferry_cpu_features_text(missing, missing_text, sizeof missing_text),
                      ferry_cpu_features_text(features, have_text, sizeof have_text), have_text);
}

static bool inside(uint64_t offset, uint64_t bytes, size_t total) { return offset <= total && bytes <= total - offset; }

static ferry_status check_header(const header *h, size_t bytes, ferry_error *error) {
    if (h->format != FERRY_ENGINE_FORMAT)
        return ferry_fail(error, FERRY_ERROR_VERSION,
                          "engine format %u; this Ferry reads format %d: build the engine again with this "
                          "version, or update Ferry",
                          h->format, FERRY_ENGINE_FORMAT);
    if (h->header_hash != header_hash(h))
        return ferry_fail(error, FERRY_ERROR_FORMAT, "the engine's header is corrupt (checksum)");
    if (!inside(h->plan_offset, h->plan_bytes, bytes) || !inside(h->weights_offset, h->weights_bytes, bytes))
        return ferry_fail(error, FERRY_ERROR_FORMAT, "the engine is truncated: %zu bytes, but its weights end at byte %llu",
                          bytes, (unsigned long long)(h->weights_offset + h->weights_bytes));
    if (h->plan_offset < sizeof *h || h->weights_offset % FERRY_ENGINE_PAGE != 0)
        return ferry_fail(error, FERRY_ERROR_FORMAT, "the engine's sections are misplaced");
    return FERRY_OK;
}

ferry_status ferry_engine_parse(const void *data, size_t bytes, uint32_t features, ferry_plan **result, ferry_error *error) {
    *result = NULL;
    if (!ferry_engine_is(data, bytes)) return ferry_fail(error, FERRY_ERROR_FORMAT, "not a Ferry engine");
    header h;
    if (bytes < sizeof h) return ferry_fail(error, FERRY_ERROR_FORMAT, "the engine is truncated: only %zu bytes", bytes);
    memcpy(&h, data, sizeof h);
    FERRY_TRY(check_header(&h, bytes, error));
    FERRY_TRY(check_target(&h, features, error));
    const unsigned char *base = data;
    if (h.plan_hash != ferry_hash64(base + h.plan_offset, (size_t)h.plan_bytes, 0))
        return ferry_fail(error, FERRY_ERROR_FORMAT, "the engine's plan is corrupt (checksum)");
    if (h.weights_hash != ferry_hash64(base + h.weights_offset, (size_t)h.weights_bytes, 0))
        return ferry_fail(error, FERRY_ERROR_FORMAT, "the engine's weights are corrupt (checksum)");
    ferry_plan *plan = ferry_calloc(1, sizeof *plan);
    if (!plan) return ferry_fail_memory(error, sizeof *plan);
    plan->features = h.features;
    plan->weights = base + h.weights_offset;
    plan->weights_bytes = h.weights_bytes;
    ferry_stream stream = {.arena = &plan->arena, .data = base + h.plan_offset, .bytes = (size_t)h.plan_bytes, .error = error};
    ferry_plan_stream(&stream, plan);
    if (stream.status != FERRY_OK) {
        ferry_plan_destroy(plan);
        return stream.status;
    }
    *result = plan;
    return FERRY_OK;
}

void ferry_plan_destroy(ferry_plan *plan) {
    if (!plan) return;
    ferry_arena_release(&plan->arena);
    ferry_free(plan);
}
