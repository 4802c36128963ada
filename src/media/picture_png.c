/* SPDX-License-Identifier: Apache-2.0 */
/* PNG through libspng. */
#include <stdlib.h>
#include <string.h>

#include <spng.h>

#include "base/memory.h"
#include "media/convert.h"
#include "media/picture.h"

static ferry_status png_failed(ferry_bytes source, int code, ferry_error *error) {
    if (code == SPNG_EMEM) return ferry_fail_memory(error, source.bytes);
    const char *reason = code == SPNG_IO_EOF ? "it ends early" : spng_strerror(code);
    return ferry_fail(error, FERRY_ERROR_FORMAT, "'%s' is a damaged PNG: %s", source.name, reason);
}

/* Deflate packs at most 1032 times; the least a pixel can take is one bit. */
static ferry_status check_header(ferry_bytes source, const struct spng_ihdr *header, ferry_error *error) {
    static const int channels[7] = {[0] = 1, [2] = 3, [3] = 1, [4] = 2, [6] = 4};
    int bits = header->bit_depth * (header->color_type < 7 ? channels[header->color_type] : 1);
    return ferry_picture_check_size(source, header->width, header->height, bits / 8.0 / 1040, error);
}

static ferry_status decode(spng_ctx *png, ferry_bytes source, ferry_image *image, ferry_error *error) {
    enum { CHUNK_LIMIT = 64 << 20 };
    struct spng_ihdr header;
    struct spng_exif exif;
    spng_set_image_limits(png, 0x7fffffff, 0x7fffffff); /* ours are in ferry_picture_check_size */
    spng_set_chunk_limits(png, CHUNK_LIMIT, CHUNK_LIMIT);
    int code = spng_set_png_buffer(png, source.data, source.bytes);
    if (!code) code = spng_get_ihdr(png, &header);
    if (code) return png_failed(source, code, error);
    FERRY_TRY(check_header(source, &header, error));
    FERRY_TRY(ferry_image_allocate(FERRY_PIXEL_RGB24, (int)header.width, (int)header.height, image, error));
    code = spng_decode_image(png, image->planes[0], (size_t)image->strides[0] * header.height, SPNG_FMT_RGB8, 0);
    if (code) return png_failed(source, code, error);
    if (spng_get_exif(png, &exif) != 0) return FERRY_OK;
    return ferry_image_make_upright(image, ferry_exif_orientation((const uint8_t *)exif.data, exif.length), error);
}

ferry_status ferry_png_decode(ferry_bytes source, ferry_image *image, ferry_error *error) {
    *image = (ferry_image){0};
    spng_ctx *png = spng_ctx_new(0);
    if (!png) return ferry_fail_memory(error, 4096);
    ferry_status status = decode(png, source, image, error);
    spng_ctx_free(png);
    if (status != FERRY_OK) ferry_image_free(image);
    return status;
}

static int encode_rows(spng_ctx *png, const ferry_image *image, uint8_t *row) {
    struct spng_ihdr header = {.width = (uint32_t)image->width,
                               .height = (uint32_t)image->height,
                               .bit_depth = 8,
                               .color_type = SPNG_COLOR_TYPE_TRUECOLOR};
    spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
    /* On photographs the best compression takes five times as long for an eighth less. */
    enum { RUN_LENGTHS_ONLY = 3 }; /* zlib's Z_RLE */
    spng_set_option(png, SPNG_IMG_COMPRESSION_STRATEGY, RUN_LENGTHS_ONLY);
    spng_set_option(png, SPNG_FILTER_CHOICE, SPNG_FILTER_CHOICE_SUB | SPNG_FILTER_CHOICE_UP);
    int code = spng_set_ihdr(png, &header);
    if (!code) code = spng_encode_image(png, NULL, 0, SPNG_FMT_PNG, SPNG_ENCODE_PROGRESSIVE | SPNG_ENCODE_FINALIZE);
    ferry_row_converter converter = ferry_row_converter_for(image, false);
    for (int y = 0; y < image->height && !code; y++) {
        ferry_convert_row(&converter, y, row);
        code = spng_encode_row(png, row, (size_t)image->width * 3);
        if (code == SPNG_EOI) code = 0; /* the last row went in */
    }
    return code;
}

static ferry_status take_buffer(spng_ctx *png, void **data, size_t *bytes, ferry_error *error) {
    int code = 0;
    void *buffer = spng_get_png_buffer(png, bytes, &code);
    if (!buffer) return ferry_fail(error, FERRY_ERROR_INTERNAL, "the PNG encoder gave nothing: %s", spng_strerror(code));
    *data = ferry_malloc(*bytes);
    if (*data) memcpy(*data, buffer, *bytes);
    free(buffer);
    return *data ? FERRY_OK : ferry_fail_memory(error, *bytes);
}

ferry_status ferry_png_encode(const ferry_image *image, void **data, size_t *bytes, ferry_error *error) {
    uint8_t *row = ferry_malloc((size_t)image->width * 3);
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    ferry_status status = FERRY_OK;
    int code = row && png ? encode_rows(png, image, row) : SPNG_EMEM;
    if (code == SPNG_EMEM)
        status = ferry_fail_memory(error, (size_t)image->width * 3);
    else if (code)
        status = ferry_fail(error, FERRY_ERROR_INTERNAL, "the PNG encoder refuses: %s", spng_strerror(code));
    else
        status = take_buffer(png, data, bytes, error);
    spng_ctx_free(png);
    ferry_free(row);
    return status;
}
