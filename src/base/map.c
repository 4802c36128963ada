/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <string.h>

#include "base/memory.h"

struct ferry_map_slot {
    char *key; /* NULL = empty */
    uint64_t hash;
    int64_t value;
};

static struct ferry_map_slot *find_slot(const ferry_map *map, const char *key, uint64_t hash) {
    size_t mask = map->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct ferry_map_slot *slot = &map->slots[i];
        if (!slot->key || (slot->hash == hash && strcmp(slot->key, key) == 0)) return slot;
    }
}

static bool grow(ferry_map *map) {
    ferry_map grown = {.count = map->count, .capacity = map->capacity ? map->capacity * 2 : 64};
    grown.slots = ferry_calloc(grown.capacity, sizeof *grown.slots);
    if (!grown.slots) return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].key) *find_slot(&grown, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    ferry_free(map->slots);
    *map = grown;
    return true;
}

int64_t ferry_map_get(const ferry_map *map, const char *key) {
    if (!map->capacity) return -1;
    const struct ferry_map_slot *slot = find_slot(map, key, ferry_hash64(key, strlen(key), 0));
    return slot->key ? slot->value : -1;
}

bool ferry_map_set(ferry_map *map, const char *key, int64_t value) {
    if (map->count * 3 >= map->capacity * 2 && !grow(map)) return false;
    uint64_t hash = ferry_hash64(key, strlen(key), 0);
    struct ferry_map_slot *slot = find_slot(map, key, hash);
    if (!slot->key) {
        slot->key = ferry_strdup(key);
        if (!slot->key) return false;
        slot->hash = hash;
        map->count++;
    }
    slot->value = value;
    return true;
}

bool ferry_map_remove(ferry_map *map, const char *key) {
    if (!map->capacity) return false;
    struct ferry_map_slot *slot = find_slot(map, key, ferry_hash64(key, strlen(key), 0));
    if (!slot->key) return false;
    ferry_free(slot->key);
    slot->key = NULL;
    map->count--;
    /* Linear probing: entries behind the hole are put in again. */
    size_t mask = map->capacity - 1;
    for (size_t i = ((size_t)(slot - map->slots) + 1) & mask; map->slots[i].key; i = (i + 1) & mask) {
        struct ferry_map_slot moved = map->slots[i];
        map->slots[i].key = NULL;
        *find_slot(map, moved.key, moved.hash) = moved;
    }
    return true;
}

void ferry_map_free(ferry_map *map) {
    for (size_t i = 0; i < map->capacity; i++) ferry_free(map->slots[i].key);
    ferry_free(map->slots);
    *map = (ferry_map){0};
}

#define PRIME1 0x9E3779B185EBCA87ull
#define PRIME2 0xC2B2AE3D27D4EB4Full
#define PRIME3 0x165667B19E3779F9ull
#define PRIME4 0x85EBCA77C2B2AE63ull
#define PRIME5 0x27D4EB2F165667C5ull

static uint64_t rotate_left(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

static uint64_t read64(const unsigned char *p) {
    uint64_t value;
    memcpy(&value, p, 8);
    return value;
}

static uint64_t hash_round(uint64_t lane, uint64_t input) { return rotate_left(lane + input * PRIME2, 31) * PRIME1; }

uint64_t ferry_hash64(const void *memory, size_t bytes, uint64_t seed) {
    const unsigned char *p = memory, *end = p + bytes;
    uint64_t hash = seed + PRIME5;
    if (bytes >= 32) {
        uint64_t lanes[4] = {seed + PRIME1 + PRIME2, seed + PRIME2, seed, seed - PRIME1};
        for (; end - p >= 32; p += 32)
            for (int i = 0; i < 4; i++) lanes[i] = hash_round(lanes[i], read64(p + 8 * i));
        hash = rotate_left(lanes[0], 1) + rotate_left(lanes[1], 7) + rotate_left(lanes[2], 12) + rotate_left(lanes[3], 18);
        for (int i = 0; i < 4; i++) hash = (hash ^ hash_round(0, lanes[i])) * PRIME1 + PRIME4;
    }
    hash += bytes;
    for (; end - p >= 8; p += 8) hash = rotate_left(hash ^ hash_round(0, read64(p)), 27) * PRIME1 + PRIME4;
    if (end - p >= 4) {
        uint32_t word;
        memcpy(&word, p, 4);
        hash = rotate_left(hash ^ (word * PRIME1), 23) * PRIME2 + PRIME3;
        p += 4;
    }
    for (; p < end; p++) hash = rotate_left(hash ^ (*p * PRIME5), 11) * PRIME1;
    hash = (hash ^ (hash >> 33)) * PRIME2;
    hash = (hash ^ (hash >> 29)) * PRIME3;
    return hash ^ (hash >> 32);
}
