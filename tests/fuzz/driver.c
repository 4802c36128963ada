/* SPDX-License-Identifier: Apache-2.0 */
/* A fuzz target without libFuzzer: replays seeds, files given by name, and deterministic mutations of the seeds.
 *   fuzz_X [--runs N] [--seed S] [--corpus DIR] [FILE...]
 * --corpus writes the seeds to a folder instead, as the start of a real fuzzing run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"

/* xorshift64* (Vigna): the same mutations on every machine. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1Dull;
}

static void run_exactly(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1); /* its own block, so that sanitizers see every step outside */
    if (!copy) abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static size_t mutate(uint8_t *data, size_t size, uint64_t *random) {
    static const uint8_t bytes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    size_t edits = 1 + next_random(random) % 4;
    for (size_t i = 0; i < edits && size > 1; i++) {
        uint64_t dice = next_random(random);
        size_t at = (size_t)(dice >> 8) % size, length = 1 + (size_t)(dice >> 40) % 16;
        if (length > size - at) length = size - at;
        switch (dice & 7) {
        case 0: data[at] ^= (uint8_t)(1u << (dice >> 3 & 7)); break;
        case 1: data[at] = bytes[(dice >> 3) % sizeof bytes]; break;
        case 2: data[at] = (uint8_t)(dice >> 32); break;
        case 3: memset(data + at, 0xff, length); break;
        case 4: size = at + 1; break;
        case 5: /* cut a piece out */
            memmove(data + at, data + at + length, size - at - length);
            size -= length;
            break;
        case 6:
            memmove(data + at, data + (dice >> 48) % size, size - ((dice >> 48) % size > at ? (dice >> 48) % size : at));
            break;
        default: data[at] = (uint8_t)(data[at] + 1); break;
        }
    }
    return size;
}

static void run_mutations(long runs, uint64_t random) {
    for (long done = 0; done < runs;) {
        size_t size;
        const char *name;
        uint8_t *seed;
        for (size_t i = 0; done < runs && (seed = fuzz_seed(i, &size, &name)); i++, done++) {
            run_exactly(seed, mutate(seed, size, &random));
            free(seed);
        }
    }
}

static int run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, capacity = 0;
    if (!file) return 0;
    for (size_t count = 1; count;) {
        if (size == capacity) data = realloc(data, capacity = capacity ? 2 * capacity : 65536);
        if (!data) abort();
        count = fread(data + size, 1, capacity - size, file);
        size += count;
    }
    fclose(file);
    run_exactly(data, size);
    free(data);
    return 1;
}

static int write_corpus(const char *folder) {
    uint8_t *seed;
    size_t size;
    const char *name;
    for (size_t i = 0; (seed = fuzz_seed(i, &size, &name)); i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *file = fopen(path, "wb");
        int written = file && fwrite(seed, 1, size, file) == size;
        free(seed);
        if (!file || fclose(file) != 0 || !written) return fprintf(stderr, "cannot write %s\n", path), 1;
    }
    return 0;
}

int main(int count, char **arguments) {
    long runs = 10000;
    uint64_t random = 0x9E3779B97F4A7C15ull;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--runs") == 0 && i + 1 < count)
            runs = atol(arguments[++i]);
        else if (strcmp(arguments[i], "--seed") == 0 && i + 1 < count)
            random ^= strtoull(arguments[++i], NULL, 0);
        else if (strcmp(arguments[i], "--corpus") == 0 && i + 1 < count)
            return write_corpus(arguments[i + 1]);
        else if (!run_file(arguments[i]))
            return fprintf(stderr, "cannot read %s\n", arguments[i]), 1;
    }
    uint8_t *seed;
    size_t size, seeds = 0;
    const char *name;
    for (; (seed = fuzz_seed(seeds, &size, &name)); seeds++) {
        run_exactly(seed, size);
        free(seed);
    }
    run_mutations(runs, random ? random : 1);
    printf("%zu seeds and %ld mutations survived\n", seeds, runs);
    return 0;
}
