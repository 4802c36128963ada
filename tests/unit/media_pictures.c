/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing pictures, whole and broken. */
#include "media_help.h"

#include <jpeglib.h>
#include <unistd.h>

#include "base/map.h"
#include "base/memory.h"
#include "media/picture.h"
#include "tensor/image.h"

static const int sizes[][2] = {{1, 1}, {2, 1}, {3, 5}, {16, 16}, {17, 31}, {64, 33}, {200, 1}, {1, 77}};
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

static void test_png_keeps_every_byte(void **state) {
    (void)state;
    for (int i = 0; i < SIZE_COUNT; i++) {
        ferry_image image, read;
        ferry_error error;
        make_picture(sizes[i][0], sizes[i][1], -1, &image);
        check_ok(ferry_picture_write(scratch("a.png"), &image, 0, &error), &error);
        check_ok(ferry_picture_read(scratch("a.png"), &read, &error), &error);
        assert_int_equal(worst_difference(&image, &read), 0);
        ferry_picture_free(&read);
        ferry_picture_free(&image);
    }
}

static void test_jpeg_is_close(void **state) {
    (void)state;
    for (int i = 0; i < SIZE_COUNT; i++) {
        ferry_image image, read;
        ferry_error error;
        make_picture(sizes[i][0], sizes[i][1], 10, &image);
        check_ok(ferry_picture_write(scratch("a.jpg"), &image, 0, &error), &error);
        check_ok(ferry_picture_read(scratch("a.jpg"), &read, &error), &error);
        assert_true(psnr(&image, &read) > 40);
        ferry_picture_free(&read);
        ferry_picture_free(&image);
    }
}

static void test_jpeg_quality_counts(void **state) {
    (void)state;
    ferry_image image;
    ferry_error error;
    make_picture(160, 120, -1, &image);
    size_t before = 0;
    for (int quality = 10; quality <= 100; quality += 30) {
        void *data;
        size_t bytes;
        check_ok(ferry_picture_encode(FERRY_PICTURE_JPEG, &image, quality, &data, &bytes, &error), &error);
        assert_true(bytes > before);
        before = bytes;
        ferry_picture_encoded_free(data);
    }
    void *data;
    size_t bytes;
    check_fails(ferry_picture_encode(FERRY_PICTURE_JPEG, &image, 101, &data, &bytes, &error), FERRY_ERROR_INVALID_ARGUMENT,
                &error, "101");
    ferry_picture_free(&image);
}

/* The pixels that OpenCV 4 and 5 give for these files (imread, turned to RGB). */
static void test_jpeg_equals_opencv(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int width, height;
        uint64_t hash;
    } known[] = {{"images/bus.jpg", 810, 1080, 0x133b4f0fe4e19febu},
                 {"images/zidane.jpg", 1280, 720, 0x486d5c16bafb7659u},
                 {"images/dog.jpg", 768, 576, 0x3287264b980b027au}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ferry_image image;
        ferry_error error;
        check_ok(ferry_picture_read(asset(known[i].name), &image, &error), &error);
        assert_int_equal(image.width, known[i].width);
        assert_int_equal(image.height, known[i].height);
        assert_int_equal(image.strides[0], 3 * image.width);
        assert_true(ferry_hash64(image.planes[0], 3 * (size_t)image.width * (size_t)image.height, 0) == known[i].hash);
        ferry_picture_free(&image);
    }
}

/* Where pixel (x, y) of the upright picture lies in the stored one of width w, height h: Exif 2.32, table of tag 0x0112. */
static void stored_position(int orientation, int x, int y, int w, int h, int *sx, int *sy) {
    switch (orientation) {
    case 2: *sx = w - 1 - x, *sy = y; break;
    case 3: *sx = w - 1 - x, *sy = h - 1 - y; break;
    case 4: *sx = x, *sy = h - 1 - y; break;
    case 5: *sx = y, *sy = x; break;
    case 6: *sx = y, *sy = h - 1 - x; break;
    case 7: *sx = w - 1 - y, *sy = h - 1 - x; break;
    case 8: *sx = w - 1 - y, *sy = x; break;
    default: *sx = x, *sy = y; break;
    }
}

static size_t insert_exif(const uint8_t *jpeg, size_t bytes, int orientation, bool big_endian, uint8_t *result) {
    uint8_t block[] = {0xff, 0xe1, 0,    34,   'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0,
                       1,    0,    0x12, 0x01, 3,   0,   1,   0,   0, 0, 0,   0,   0,  0, 0, 0, 0, 0};
    block[28] = (uint8_t)orientation;
    if (big_endian) {
        static const uint8_t big[26] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1};
        memcpy(block + 10, big, sizeof big);
        block[29] = (uint8_t)orientation;
    }
    memcpy(result, jpeg, 2);
    memcpy(result + 2, block, sizeof block);
    memcpy(result + 2 + sizeof block, jpeg + 2, bytes - 2);
    return bytes + sizeof block;
}

static void check_orientation(const uint8_t *jpeg, size_t bytes, const ferry_image *stored, int orientation, bool big_endian) {
    uint8_t *turned = malloc(bytes + 64);
    ferry_image read;
    ferry_error error;
    size_t length = insert_exif(jpeg, bytes, orientation, big_endian, turned);
    check_ok(ferry_picture_read_memory(turned, length, "turned", &read, &error), &error);
    assert_int_equal(read.width, orientation < 5 ? stored->width : stored->height);
    assert_int_equal(read.height, orientation < 5 ? stored->height : stored->width);
    for (int y = 0; y < read.height; y++)
        for (int x = 0; x < read.width; x++) {
            int sx, sy;
            stored_position(orientation, x, y, stored->width, stored->height, &sx, &sy);
            assert_memory_equal(read.planes[0] + y * read.strides[0] + 3 * x,
                                stored->planes[0] + sy * stored->strides[0] + 3 * sx, 3);
        }
    ferry_picture_free(&read);
    free(turned);
}

static void test_exif_orientation(void **state) {
    (void)state;
    ferry_image image, stored;
    ferry_error error;
    void *jpeg;
    size_t bytes;
    make_picture(45, 70, 3, &image);
    check_ok(ferry_picture_encode(FERRY_PICTURE_JPEG, &image, 90, &jpeg, &bytes, &error), &error);
    check_ok(ferry_picture_read_memory(jpeg, bytes, NULL, &stored, &error), &error);
    for (int orientation = 1; orientation <= 8; orientation++)
        for (int big = 0; big < 2; big++) check_orientation(jpeg, bytes, &stored, orientation, big);
    check_orientation(jpeg, bytes, &stored, 1, false);
    ferry_picture_encoded_free(jpeg);
    ferry_picture_free(&stored);
    ferry_picture_free(&image);
}

/* A 4-ink JPEG as Adobe programs write it (inverted), or without their marker (not inverted). */
static size_t make_cmyk(bool adobe, const uint8_t inks[4], unsigned char **data) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned long bytes = 0;
    uint8_t row[16 * 4];
    JSAMPROW rows[1] = {row};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    *data = NULL;
    jpeg_mem_dest(&jpeg, data, &bytes);
    jpeg.image_width = jpeg.image_height = 16;
    jpeg.input_components = 4;
    jpeg.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg.write_Adobe_marker = adobe;
    for (int i = 0; i < 64; i++) row[i] = adobe ? (uint8_t)(255 - inks[i % 4]) : inks[i % 4];
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < 16) jpeg_write_scanlines(&jpeg, rows, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return bytes;
}

static void test_cmyk_jpeg(void **state) {
    (void)state;
    static const uint8_t inks[][4] = {{0, 0, 0, 0},   {255, 0, 0, 0}, {0, 255, 0, 0},
                                      {0, 0, 255, 0}, {0, 0, 0, 255}, {50, 100, 150, 30}};
    for (size_t i = 0; i < sizeof inks / sizeof *inks; i++)
        for (int adobe = 0; adobe < 2; adobe++) {
            unsigned char *data;
            ferry_image image;
            ferry_error error;
            size_t bytes = make_cmyk(adobe, inks[i], &data);
            check_ok(ferry_picture_read_memory(data, bytes, "inks", &image, &error), &error);
            for (int c = 0; c < 3; c++) {
                int expected = (255 - inks[i][c]) * (255 - inks[i][3]) / 255;
                assert_in_range(image.planes[0][c] + 3, expected, expected + 6);
            }
            ferry_picture_free(&image);
            free(data);
        }
}

/* Small files of other formats, spelt out: 3x2 pixels of red, green, blue / black, white, (1, 2, 3). */
static const uint8_t six_pixels[18] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 1, 2, 3};
static const char ppm_text[] = "P3\n# by hand\n3 2 255\n255 0 0 0 255 0 0 0 255 0 0 0 255 255 255 1 2 3\n";
static const uint8_t ppm_binary[] = {'P', '6', ' ', '3', ' ', '2', ' ', '2', '5', '5', '\n', 255, 0, 0, 0,
                                     255, 0,   0,   0,   255, 0,   0,   0,   255, 255, 255,  1,   2, 3};
static const uint8_t bmp[] = {'B', 'M', 78, 0, 0, 0,   0,   0,   0,  0, 54, 0, 0, 0, 40, 0, 0,   0, 3,   0, 0,   0, 2, 0, 0, 0,
                              1,   0,   24, 0, 0, 0,   0,   0,   24, 0, 0,  0, 0, 0, 0,  0, 0,   0, 0,   0, 0,   0, 0, 0, 0, 0,
                              0,   0,   0,  0, 0, 255, 255, 255, 3,  2, 1,  0, 0, 0, 0,  0, 255, 0, 255, 0, 255, 0, 0, 0, 0, 0};
static const uint8_t tiff[] = {'I', 'I', 42,  0, 8, 0, 0, 0, 9,   0, 0,   1, 3, 0, 1,   0, 0, 0, 3,   0, 0, 0, /* width 3 */
                               1,   1,   3,   0, 1, 0, 0, 0, 2,   0, 0,   0,                                   /* height 2 */
                               2,   1,   3,   0, 3, 0, 0, 0, 122, 0, 0,   0,                                   /* bits 8 8 8 */
                               3,   1,   3,   0, 1, 0, 0, 0, 1,   0, 0,   0, /* no compression */
                               6,   1,   3,   0, 1, 0, 0, 0, 2,   0, 0,   0, /* RGB */
                               17,  1,   4,   0, 1, 0, 0, 0, 128, 0, 0,   0, /* the strip at 128 */
                               21,  1,   3,   0, 1, 0, 0, 0, 3,   0, 0,   0, /* 3 samples a pixel */
                               22,  1,   3,   0, 1, 0, 0, 0, 2,   0, 0,   0, /* 2 rows a strip */
                               23,  1,   4,   0, 1, 0, 0, 0, 18,  0, 0,   0, /* of 18 bytes */
                               0,   0,   0,   0, 8, 0, 8, 0, 8,   0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0,
                               255, 255, 255, 1, 2, 3};
static const uint8_t gif[] = {'G', 'I',  'F', '8', '9', 'a', 1, 0, 1, 0, 0x80, 0, 0, 255,  0, 0, 0,   0,
                              0,   0x2c, 0,   0,   0,   0,   1, 0, 1, 0, 0,    2, 2, 0x44, 1, 0, 0x3b};

static void check_six(const void *data, size_t bytes, const char *name) {
    ferry_image image;
    ferry_error error = {0};
    check_ok(ferry_picture_read_memory(data, bytes, name, &image, &error), &error);
    assert_int_equal(image.width, 3);
    assert_int_equal(image.height, 2);
    assert_memory_equal(image.planes[0], six_pixels, 9);
    assert_memory_equal(image.planes[0] + image.strides[0], six_pixels + 9, 9);
    ferry_picture_free(&image);
}

static void test_other_formats(void **state) {
    (void)state;
    check_six(ppm_text, sizeof ppm_text - 1, "text.ppm");
    check_six(ppm_binary, sizeof ppm_binary, "binary.ppm");
    check_six(bmp, sizeof bmp, "a.bmp");
    check_six(tiff, sizeof tiff, "a.tif");
    ferry_image image;
    ferry_error error = {0};
    check_ok(ferry_picture_read_memory(gif, sizeof gif, "a.gif", &image, &error), &error);
    assert_int_equal(image.width * image.height, 1);
    assert_memory_equal(image.planes[0], six_pixels, 3);
    ferry_picture_free(&image);
}

/* Every shorter piece of a picture must be refused, but for what ends it without pixels. */
static void check_cuts(const void *data, size_t bytes, size_t harmless, const char *name) {
    for (size_t length = 0; length + harmless < bytes; length += 1 + bytes / 300) {
        uint8_t *copy = malloc(length ? length : 1); /* of its own, so that reading beyond it shows */
        memcpy(copy, data, length);
        ferry_image image;
        ferry_error error = {0};
        ferry_status status = ferry_picture_read_memory(copy, length, name, &image, &error);
        if (status == FERRY_OK) fail_msg("%s: %zu of %zu bytes are taken for a picture", name, length, bytes);
        assert_int_equal(status, FERRY_ERROR_FORMAT);
        assert_non_null(strstr(error.message, name));
        assert_null(image.planes[0]);
        free(copy);
    }
}

static void test_cut_short(void **state) {
    (void)state;
    ferry_image image;
    ferry_error error;
    make_picture(61, 47, -1, &image);
    for (int codec = FERRY_PICTURE_JPEG; codec <= FERRY_PICTURE_PNG; codec++) {
        void *data;
        size_t bytes;
        check_ok(ferry_picture_encode((ferry_picture_codec)codec, &image, 80, &data, &bytes, &error), &error);
        check_cuts(data, bytes, codec == FERRY_PICTURE_JPEG ? 4 : 12, codec == FERRY_PICTURE_JPEG ? "cut.jpg" : "cut.png");
        ferry_picture_encoded_free(data);
    }
    ferry_picture_free(&image);
    check_cuts(ppm_binary, sizeof ppm_binary, 0, "cut.ppm");
    check_cuts(bmp, sizeof bmp, 6, "cut.bmp"); /* rows without padding are taken as well */
    check_cuts(tiff, sizeof tiff, 0, "cut.tif");
    check_cuts(gif, sizeof gif, 2, "cut.gif");
}

static void test_not_a_picture(void **state) {
    (void)state;
    ferry_image image;
    ferry_error error;
    store(scratch("text.jpg"), "This is no picture, whatever its name says.", 43);
    store(scratch("empty.png"), "", 0);
    check_fails(ferry_picture_read(scratch("text.jpg"), &image, &error), FERRY_ERROR_FORMAT, &error,
                "text.jpg' is not a picture");
    check_fails(ferry_picture_read(scratch("empty.png"), &image, &error), FERRY_ERROR_FORMAT, &error, "empty.png' is empty");
    check_fails(ferry_picture_read(scratch("none.png"), &image, &error), FERRY_ERROR_IO, &error, "none.png");
    check_fails(ferry_picture_read("/tmp", &image, &error), FERRY_ERROR_IO, &error, "/tmp");
    check_fails(ferry_picture_read_memory("P1 and so on, a letter", 22, "letter", &image, &error), FERRY_ERROR_FORMAT, &error,
                "letter");
}

/* Headers that promise gigabytes. */
static void test_bombs(void **state) {
    (void)state;
    static const uint8_t png[] = {0x89, 'P',  'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I',  'H',  'D',  'R', 0,
                                  0,    0xf0, 0,   0,   0,    0xf0, 0,    8,    2, 0, 0, 0,  0x62, 0xa1, 0xcb, 0x95};
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0x40, 0, 0x40, 0, 3, 1, 0x11, 0,  2, 0x11, 0, 3,
                                   0x11, 0,    0xff, 0xda, 0, 12, 3, 1,    0, 2,    0, 3, 0, 0,    63, 0, 1,    2, 3};
    static const char ppm[] = "P6 60000 60000 255\nabc";
    ferry_image image;
    ferry_error error;
    assert_int_not_equal(ferry_picture_read_memory(png, sizeof png, "png", &image, &error), FERRY_OK);
    check_fails(ferry_picture_read_memory(jpeg, sizeof jpeg, "jpeg", &image, &error), FERRY_ERROR_FORMAT, &error,
                "16384x16384");
    assert_int_not_equal(ferry_picture_read_memory(ppm, sizeof ppm - 1, "ppm", &image, &error), FERRY_OK);
    ferry_bytes source = {(const uint8_t *)ppm, sizeof ppm, "size"};
    check_fails(ferry_picture_check_size(source, 65536, 1, 0, &error), FERRY_ERROR_UNSUPPORTED, &error, "65535");
    check_fails(ferry_picture_check_size(source, 30000, 30000, 0, &error), FERRY_ERROR_UNSUPPORTED, &error, "500000000");
    check_fails(ferry_picture_check_size(source, 0, 5, 0, &error), FERRY_ERROR_FORMAT, &error, "0x5");
}

static void test_writing_fails_clean(void **state) {
    (void)state;
    ferry_image image;
    ferry_error error;
    make_picture(300, 300, -1, &image);
    size_t before = scratch_count();
    check_fails(ferry_picture_write(scratch("a.xyz"), &image, 0, &error), FERRY_ERROR_UNSUPPORTED, &error, "a.xyz");
    check_fails(ferry_picture_write("/nowhere/a.png", &image, 0, &error), FERRY_ERROR_IO, &error, "/nowhere/a.png");
    assert_int_equal(scratch_count(), before);
    assert_int_equal(symlink("/dev/full", scratch("full.png")), 0);
    check_fails(ferry_picture_write(scratch("full.png"), &image, 0, &error), FERRY_ERROR_IO, &error, "No space left");
    remove(scratch("full.png"));
    assert_int_equal(scratch_count(), before);
    ferry_picture_free(&image);
}

static void test_every_allocation_may_fail(void **state) {
    (void)state;
    ferry_image image;
    ferry_error error;
    make_picture(20, 20, 5, &image);
    check_ok(ferry_picture_write(scratch("m.png"), &image, 0, &error), &error);
    for (int n = 1; n < 20; n++) {
        ferry_image read;
        ferry_allocation_fail_after(n);
        ferry_status status = ferry_picture_read(scratch("m.png"), &read, &error);
        if (status == FERRY_OK) ferry_picture_free(&read);
        assert_true(status == FERRY_OK || status == FERRY_ERROR_OUT_OF_MEMORY);
        ferry_allocation_fail_after(n);
        status = ferry_picture_write(scratch("n.jpg"), &image, 0, &error);
        assert_true(status == FERRY_OK || status == FERRY_ERROR_OUT_OF_MEMORY);
        ferry_allocation_fail_after(0);
    }
    ferry_picture_free(&image);
}

static void test_kinds(void **state) {
    (void)state;
    static const struct {
        const char *name;
        ferry_media_type type;
    } known[] = {
        {"k.png", FERRY_MEDIA_PICTURE}, {"k.txt", FERRY_MEDIA_VIDEO}, {"", FERRY_MEDIA_FOLDER}, {"*.png", FERRY_MEDIA_PATTERN}};
    store(scratch("k.png"), "\x89PNG\r\n\x1a\n", 8);
    store(scratch("k.txt"), "words and words and words", 25);
    ferry_media_type type;
    ferry_error error;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        check_ok(ferry_media_kind(scratch(known[i].name), &type, &error), &error);
        assert_int_equal(type, known[i].type);
    }
    check_ok(ferry_media_kind("rtsp://host/path", &type, &error), &error);
    assert_int_equal(type, FERRY_MEDIA_STREAM);
    check_fails(ferry_media_kind(scratch("nothing"), &type, &error), FERRY_ERROR_NOT_FOUND, &error, "nothing");
    char **paths;
    size_t count;
    check_ok(ferry_media_list(scratch("k.*"), &paths, &count, &error), &error);
    assert_int_equal(count, 2);
    assert_string_equal(paths[0], scratch("k.png"));
    assert_string_equal(paths[1], scratch("k.txt"));
    ferry_media_list_free(paths, count);
    check_ok(ferry_media_list(scratch(""), &paths, &count, &error), &error);
    assert_int_equal(count, scratch_count());
    ferry_media_list_free(paths, count);
    check_fails(ferry_media_list(scratch("z*"), &paths, &count, &error), FERRY_ERROR_NOT_FOUND, &error, "z*");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_keeps_every_byte),
        cmocka_unit_test(test_jpeg_is_close),
        cmocka_unit_test(test_jpeg_quality_counts),
        cmocka_unit_test(test_jpeg_equals_opencv),
        cmocka_unit_test(test_exif_orientation),
        cmocka_unit_test(test_cmyk_jpeg),
        cmocka_unit_test(test_other_formats),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_not_a_picture),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_writing_fails_clean),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, media_setup, media_teardown);
}
