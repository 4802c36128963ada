/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a GIF or TIFF is all there: FFmpeg's decoders show what they got of a file that was cut short, and say nothing.
 * GIF89a specification, sections 17 to 23; TIFF 6.0, section 2. */
#include <string.h>

#include "media/picture.h"

/* A table of 2 << (flags & 7) colours, if there is one. */
static size_t color_table_bytes(uint8_t flags) { return flags & 0x80 ? 3 * ((size_t)2 << (flags & 7)) : 0; }

/* The position behind a chain of sub-blocks, or SIZE_MAX when the file ends first. */
static size_t skip_sub_blocks(const uint8_t *data, size_t bytes, size_t at) {
    while (at < bytes && data[at]) at += data[at] + (size_t)1;
    return at < bytes ? at + 1 : SIZE_MAX;
}

bool ferry_gif_is_whole(const uint8_t *data, size_t bytes) {
    enum { HEADER = 13, EXTENSION = 0x21, IMAGE = 0x2c, DESCRIPTOR = 10 };
    if (bytes < HEADER) return false;
    size_t at = HEADER + color_table_bytes(data[10]);
    while (at < bytes && data[at] == EXTENSION) at = skip_sub_blocks(data, bytes, at + 2);
    if (at >= bytes || bytes - at < DESCRIPTOR + 1 || data[at] != IMAGE) return false;
    at += DESCRIPTOR + color_table_bytes(data[at + 9]) + 1; /* 1: the code size */
    return skip_sub_blocks(data, bytes, at) != SIZE_MAX;
}

typedef struct tiff {
    const uint8_t *data;
    size_t bytes;
    bool big_endian;
} tiff;

static uint64_t tiff_number(const tiff *file, size_t at, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)file->data[at + (size_t)i] << 8 * (file->big_endian ? bytes - 1 - i : i);
    return value;
}

typedef struct tiff_array {
    size_t at, count;
    int bytes; /* an element: 2 or 4 */
} tiff_array;

/* The numbers of a directory entry at `entry`; count 0 when they are not SHORT or LONG or lie outside. */
static tiff_array tiff_array_at(const tiff *file, size_t entry) {
    enum { SHORT = 3, LONG = 4 };
    uint64_t type = tiff_number(file, entry + 2, 2), count = tiff_number(file, entry + 4, 4);
    int bytes = type == SHORT ? 2 : type == LONG ? 4 : 0;
    uint64_t length = count * (uint64_t)bytes, at = length <= 4 ? entry + 8 : tiff_number(file, entry + 8, 4);
    if (!bytes || at > file->bytes || length > file->bytes - at) return (tiff_array){0};
    return (tiff_array){(size_t)at, (size_t)count, bytes};
}

bool ferry_tiff_is_whole(const uint8_t *data, size_t bytes) {
    enum { ENTRY = 12, STRIP_OFFSETS = 273, STRIP_BYTES = 279, TILE_OFFSETS = 324, TILE_BYTES = 325 };
    tiff file = {data, bytes, bytes > 1 && data[0] == 'M'};
    uint64_t directory = bytes >= 8 ? tiff_number(&file, 4, 4) : bytes;
    if (directory + 2 > bytes) return false;
    uint64_t entries = tiff_number(&file, (size_t)directory, 2);
    if (entries * ENTRY > bytes - directory - 2) return false;
    tiff_array offsets = {0}, lengths = {0};
    for (size_t i = 0; i < entries; i++) {
        size_t entry = (size_t)directory + 2 + i * ENTRY;
        uint64_t tag = tiff_number(&file, entry, 2);
        if (tag == STRIP_OFFSETS || tag == TILE_OFFSETS) offsets = tiff_array_at(&file, entry);
        if (tag == STRIP_BYTES || tag == TILE_BYTES) lengths = tiff_array_at(&file, entry);
    }
    if (!lengths.count) return true; /* an old uncompressed file may leave them out: FFmpeg checks those */
    for (size_t i = 0; i < offsets.count && i < lengths.count; i++)
        if (tiff_number(&file, offsets.at + i * (size_t)offsets.bytes, offsets.bytes) +
                tiff_number(&file, lengths.at + i * (size_t)lengths.bytes, lengths.bytes) >
            bytes)
            return false;
    return offsets.count > 0;
}
