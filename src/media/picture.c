/* SPDX-License-Identifier: Apache-2.0 */
#include "media/picture.h"

#include <string.h>
#include <strings.h>

#include <ferry/media.h>

#include "base/file.h"
#include "base/memory.h"

static bool begins(const uint8_t *data, size_t bytes, const char *magic, size_t length) {
    return bytes >= length && memcmp(data, magic, length) == 0;
}

ferry_picture_decoder *ferry_picture_recognise(const uint8_t *data, size_t bytes) {
    if (begins(data, bytes, "\xff\xd8\xff", 3)) return ferry_jpeg_decode;
    if (begins(data, bytes, "\x89PNG\r\n\x1a\n", 8)) return ferry_png_decode;
    return ferry_other_picture_codec(data, bytes) ? ferry_other_picture_decode : NULL;
}

ferry_status ferry_picture_check_size(ferry_bytes source, int64_t width, int64_t height, double least_bytes_per_pixel,
                                      ferry_error *error) {
    enum { SLACK = 1 << 20 }; /* pixels that any file may claim */
    if (width < 1 || height < 1)
        return ferry_fail(error, FERRY_ERROR_FORMAT, "'%s' claims a size of %lldx%lld pixels", source.name, (long long)width,
                          (long long)height);
    if (width > FERRY_PICTURE_MAX_SIDE || height > FERRY_PICTURE_MAX_SIDE || width * height > FERRY_PICTURE_MAX_PIXELS)
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "'%s' is %lldx%lld pixels; at most %d a side and %d in all are read",
                          source.name, (long long)width, (long long)height, FERRY_PICTURE_MAX_SIDE, FERRY_PICTURE_MAX_PIXELS);
    if ((double)(width * height - SLACK) * least_bytes_per_pixel > (double)source.bytes)
        return ferry_fail(error, FERRY_ERROR_FORMAT,
                          "'%s' claims %lldx%lld pixels, more than its %zu bytes can hold: cut short or corrupt", source.name,
                          (long long)width, (long long)height, source.bytes);
    return FERRY_OK;
}

ferry_status ferry_picture_read_memory(const void *data, size_t bytes, const char *name, ferry_image *image,
                                       ferry_error *error) {
    *image = (ferry_image){0};
    ferry_bytes source = {data, bytes, name ? name : "picture in memory"};
    if (bytes == 0) return ferry_fail(error, FERRY_ERROR_FORMAT, "'%s' is empty", source.name);
    ferry_picture_decoder *decode = ferry_picture_recognise(source.data, bytes);
    if (!decode)
        return ferry_fail(error, FERRY_ERROR_FORMAT,
                          "'%s' is not a picture (JPEG, PNG, BMP, GIF, TIFF, WebP, PNM, JPEG 2000 or QOI)", source.name);
    return decode(source, image, error);
}

ferry_status ferry_picture_read(const char *path, ferry_image *image, ferry_error *error) {
    *image = (ferry_image){0};
    ferry_file_map map;
    FERRY_TRY(ferry_file_map_open(path, &map, error));
    ferry_status status = ferry_picture_read_memory(map.data, map.bytes, path, image, error);
    ferry_file_map_close(&map);
    return status;
}

ferry_status ferry_picture_encode(ferry_picture_codec codec, const ferry_image *image, int quality, void **data, size_t *bytes,
                                  ferry_error *error) {
    *data = NULL;
    *bytes = 0;
    FERRY_TRY(ferry_image_check(image, error));
    if (quality < 0 || quality > 100)
        return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "JPEG quality %d is outside 1 to 100", quality);
    if (codec == FERRY_PICTURE_PNG) return ferry_png_encode(image, data, bytes, error);
    if (codec == FERRY_PICTURE_JPEG) return ferry_jpeg_encode(image, quality ? quality : 95, data, bytes, error);
    return ferry_fail(error, FERRY_ERROR_INVALID_ARGUMENT, "unknown picture codec %d", (int)codec);
}

void ferry_picture_encoded_free(void *data) { ferry_free(data); }

static bool codec_for_name(const char *path, ferry_picture_codec *codec) {
    const char *dot = strrchr(path, '.');
    if (!dot) return false;
    *codec = FERRY_PICTURE_JPEG;
    if (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0) return true;
    *codec = FERRY_PICTURE_PNG;
    return strcasecmp(dot, ".png") == 0;
}

ferry_status ferry_picture_write(const char *path, const ferry_image *image, int quality, ferry_error *error) {
    ferry_picture_codec codec;
    if (!codec_for_name(path, &codec))
        return ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "cannot tell the picture format of '%s': name it .jpg or .png", path);
    void *data;
    size_t bytes;
    ferry_status status = ferry_picture_encode(codec, image, quality, &data, &bytes, error);
    if (status != FERRY_OK) {
        ferry_error_prefix(error, "'%s': ", path);
        return status;
    }
    ferry_file_writer *writer;
    status = ferry_file_writer_open(path, &writer, error);
    if (status == FERRY_OK) {
        (void)ferry_file_writer_write(writer, data, bytes, NULL); /* commit reports it */
        status = ferry_file_writer_commit(&writer, error);
    }
    ferry_free(data);
    return status;
}
