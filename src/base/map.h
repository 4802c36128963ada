/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from strings to non-negative integers (indices into an array of the caller's). Zero-initialise it. */
#ifndef FERRY_BASE_MAP_H
#define FERRY_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ferry_map {
    struct ferry_map_slot *slots;
    size_t count, capacity;
} ferry_map;

/* The value stored under key, or -1. */
int64_t ferry_map_get(const ferry_map *map, const char *key);
/* Stores or replaces; the key is copied. False when out of memory. */
bool ferry_map_set(ferry_map *map, const char *key, int64_t value);
bool ferry_map_remove(ferry_map *map, const char *key);
void ferry_map_free(ferry_map *map);

/* XXH64 (Yann Collet, public specification): 64-bit hash of memory, also the checksum of engine files. */
uint64_t ferry_hash64(const void *memory, size_t bytes, uint64_t seed);

#endif
