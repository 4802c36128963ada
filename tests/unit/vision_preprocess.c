/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures to network input: equal to OpenCV to the last bit (committed vectors), every format, every CPU mask, any threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/pool.h"
#include "tensor/half.h"
#include "tensor/image.h"
#include "vision/preprocess.h"

typedef struct preprocess_case {
    int fit, channels, width, height, target_width, target_height, scale_up, result_width, result_height;
    uint32_t crc;
} preprocess_case;

#include "vision_preprocess_vectors.inc"

static void synthetic(uint8_t *out, size_t count, uint64_t seed) {
    for (size_t i = 0; i < count; i++) out[i] = (uint8_t)((((uint64_t)i + seed) * 2654435761u % (UINT64_C(1) << 32)) >> 13);
}

static uint32_t crc32(const uint8_t *data, size_t bytes) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static ferry_preprocess_settings bytes_settings(int width, int height) {
    ferry_preprocess_settings settings = ferry_preprocess_settings_default();
    settings.width = width;
    settings.height = height;
    settings.dtype = FERRY_UINT8;
    settings.interleaved = 1;
    return settings;
}

/* Runs and returns the tensor in memory of exactly its size, for the address sanitizer. */
static void *run(const ferry_preprocess_settings *settings, uint32_t features, int threads, const ferry_image *image,
                 ferry_shape *shape, ferry_affine *transform) {
    ferry_error error = {0};
    ferry_preprocessor *preprocessor;
    ferry_pool *pool;
    assert_int_equal(ferry_pool_create(threads, &pool, &error), FERRY_OK);
    if (ferry_preprocessor_create(settings, features, threads, &preprocessor, &error) != FERRY_OK)
        fail_msg("%s", error.message);
    if (ferry_preprocessor_prepare(preprocessor, image, shape, &error) != FERRY_OK) fail_msg("%s", error.message);
    size_t bytes = (size_t)(shape->dims[1] * shape->dims[2] * shape->dims[3]) * (settings->dtype == FERRY_FLOAT32   ? 4
                                                                                 : settings->dtype == FERRY_FLOAT16 ? 2
                                                                                                                    : 1);
    void *output = malloc(bytes);
    memset(output, 0xa5, bytes);
    if (ferry_preprocessor_run(preprocessor, image, pool, output, bytes, transform, &error) != FERRY_OK)
        fail_msg("%s", error.message);
    ferry_preprocessor_destroy(preprocessor);
    ferry_pool_destroy(pool);
    return output;
}

static void check_case(const preprocess_case *c, uint32_t features, int threads) {
    const size_t bytes = (size_t)c->width * (size_t)c->height * (size_t)c->channels;
    uint8_t *pixels = malloc(bytes);
    synthetic(pixels, bytes, (uint64_t)c->width + 31u * (uint64_t)c->height);
    ferry_image image = {.format = c->channels == 3 ? FERRY_PIXEL_RGB24 : FERRY_PIXEL_GRAY8,
                         .width = c->width,
                         .height = c->height,
                         .planes = {pixels},
                         .strides = {(ptrdiff_t)c->width * c->channels}};
    ferry_preprocess_settings settings = bytes_settings(c->target_width, c->target_height);
    settings.fit = (ferry_fit)c->fit;
    settings.scale_up = c->scale_up;
    settings.channels = c->channels == 3 ? FERRY_CHANNELS_RGB : FERRY_CHANNELS_GRAY;
    settings.rounding = c->fit == FERRY_FIT_LETTERBOX_TOP_LEFT ? FERRY_SIZE_FLOOR : FERRY_SIZE_NEAREST;
    ferry_shape shape;
    ferry_affine transform;
    uint8_t *output = run(&settings, features, threads, &image, &shape, &transform);
    assert_int_equal(shape.dims[1], c->result_height);
    assert_int_equal(shape.dims[2], c->result_width);
    if (crc32(output, (size_t)(shape.dims[1] * shape.dims[2] * shape.dims[3])) != c->crc)
        fail_msg("%dx%d x%d to %dx%d, fit %d differs from OpenCV", c->width, c->height, c->channels, c->target_width,
                 c->target_height, c->fit);
    free(output);
    free(pixels);
}

static void equals_opencv(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof preprocess_cases / sizeof *preprocess_cases; i++) {
        check_case(&preprocess_cases[i], 0, 1);
        check_case(&preprocess_cases[i], ferry_cpu_features(), i % 4 ? 1 : 3);
    }
}

/* --- colour ------------------------------------------------------------------------------------------------------------ */

static void nv12_stays_near_opencv(void **state) {
    (void)state;
    enum { WIDTH = 38, HEIGHT = 22 };
    uint8_t pixels[WIDTH * HEIGHT * 3 / 2];
    synthetic(pixels, WIDTH * HEIGHT, 11);
    synthetic(pixels + WIDTH * HEIGHT, WIDTH * HEIGHT / 2, 5);
    for (int i = 0; i < WIDTH * HEIGHT * 3 / 2; i++)
        pixels[i] = (uint8_t)(i < WIDTH * HEIGHT ? 80 + pixels[i] % 90 : 104 + pixels[i] % 48);
    ferry_image image;
    size_t bytes;
    assert_int_equal(ferry_image_layout(FERRY_PIXEL_NV12, WIDTH, HEIGHT, pixels, &image, &bytes, NULL), FERRY_OK);
    image.matrix = FERRY_MATRIX_BT601;
    ferry_preprocess_settings settings = bytes_settings(17, 11);
    settings.fit = FERRY_FIT_STRETCH;
    for (int masked = 0; masked < 2; masked++) {
        ferry_shape shape;
        ferry_affine transform;
        uint8_t *output = run(&settings, masked ? 0 : ferry_cpu_features(), 1, &image, &shape, &transform);
        int worst = 0, sum = 0;
        for (size_t i = 0; i < sizeof nv12_expected; i++) {
            int difference = abs(output[i] - nv12_expected[i]);
            worst = difference > worst ? difference : worst;
            sum += difference;
        }
        assert_in_range(worst, 0, 1);
        assert_in_range(sum, 0, sizeof nv12_expected / 4);
        free(output);
    }
}

typedef struct rgb {
    int red, green, blue;
} rgb;

static uint8_t to_byte(double value) { return (uint8_t)lrint(value < 0 ? 0 : value > 255 ? 255 : value); }

/* A picture of one colour in any format, by the textbook formula in double. */
static void paint(ferry_image *image, rgb color) {
    static const double luma_red[4] = {0, 0.299, 0.2126, 0.2627}, luma_blue[4] = {0, 0.114, 0.0722, 0.0593};
    const double kr = luma_red[image->matrix], kb = luma_blue[image->matrix];
    const bool full = image->range == FERRY_RANGE_FULL;
    double y = kr * color.red + (1 - kr - kb) * color.green + kb * color.blue;
    double u = (color.blue - y) / (2 - 2 * kb), v = (color.red - y) / (2 - 2 * kr);
    y = full ? y : y * 219 / 255 + 16;
    u = (full ? u : u * 224 / 255) + 128;
    v = (full ? v : v * 224 / 255) + 128;
    const uint8_t by = to_byte(y), bu = to_byte(u), bv = to_byte(v);
    const uint8_t gray = to_byte(color.green), red = (uint8_t)color.red, blue = (uint8_t)color.blue;
    const uint8_t patterns[][3][4] = {[FERRY_PIXEL_RGB24] = {{red, gray, blue}},
                                      [FERRY_PIXEL_BGR24] = {{blue, gray, red}},
                                      [FERRY_PIXEL_RGBA32] = {{red, gray, blue, 77}},
                                      [FERRY_PIXEL_BGRA32] = {{blue, gray, red, 77}},
                                      [FERRY_PIXEL_GRAY8] = {{gray}},
                                      [FERRY_PIXEL_NV12] = {{by}, {bu, bv}},
                                      [FERRY_PIXEL_NV21] = {{by}, {bv, bu}},
                                      [FERRY_PIXEL_YUV420P] = {{by}, {bu}, {bv}},
                                      [FERRY_PIXEL_YUV422P] = {{by}, {bu}, {bv}},
                                      [FERRY_PIXEL_YUV444P] = {{by}, {bu}, {bv}},
                                      [FERRY_PIXEL_YUYV] = {{by, bu, by, bv}}};
    const int periods[][3] = {
        [FERRY_PIXEL_RGB24] = {3},         [FERRY_PIXEL_BGR24] = {3},         [FERRY_PIXEL_RGBA32] = {4},
        [FERRY_PIXEL_BGRA32] = {4},        [FERRY_PIXEL_GRAY8] = {1},         [FERRY_PIXEL_NV12] = {1, 2},
        [FERRY_PIXEL_NV21] = {1, 2},       [FERRY_PIXEL_YUV420P] = {1, 1, 1}, [FERRY_PIXEL_YUV422P] = {1, 1, 1},
        [FERRY_PIXEL_YUV444P] = {1, 1, 1}, [FERRY_PIXEL_YUYV] = {4}};
    for (int p = 0; p < ferry_pixel_format_planes(image->format); p++) {
        int rows = p > 0 && image->format != FERRY_PIXEL_YUV422P && image->format != FERRY_PIXEL_YUV444P
                       ? (image->height + 1) / 2
                       : image->height;
        for (ptrdiff_t i = 0; i < rows * image->strides[p]; i++) {
            ptrdiff_t column = i % image->strides[p];
            if (image->format == FERRY_PIXEL_P010) {
                double sample = p == 0 ? y : column % 4 < 2 ? u : v;
                int code = (int)lrint(4 * sample) << 6;
                image->planes[p][i] = (uint8_t)(column % 2 ? code >> 8 : code);
            } else {
                image->planes[p][i] = patterns[image->format][p][column % periods[image->format][p]];
            }
        }
    }
}

static void check_color(ferry_pixel_format format, ferry_color_matrix matrix, ferry_color_range range, ferry_resample resample,
                        uint32_t features) {
    static const rgb colors[] = {{255, 255, 255}, {0, 0, 0}, {200, 40, 90}, {20, 220, 130}, {30, 60, 250}};
    for (size_t i = 0; i < sizeof colors / sizeof *colors; i++) {
        ferry_image image;
        assert_int_equal(ferry_image_allocate(format, 53, 37, &image, NULL), FERRY_OK);
        image.matrix = matrix;
        image.range = range;
        paint(&image, colors[i]);
        ferry_preprocess_settings settings = bytes_settings(29, 20);
        settings.fit = FERRY_FIT_STRETCH;
        settings.resample = resample;
        settings.channels = FERRY_CHANNELS_BGR;
        settings.interleaved = 0;
        ferry_shape shape;
        ferry_affine transform;
        uint8_t *output = run(&settings, features, 1, &image, &shape, &transform);
        const bool gray = format == FERRY_PIXEL_GRAY8;
        const int expected[3] = {gray ? colors[i].green : colors[i].blue, colors[i].green,
                                 gray ? colors[i].green : colors[i].red};
        const size_t middle = 10 * 29 + 14;
        for (size_t c = 0; c < 3; c++)
            if (abs(output[c * 29 * 20 + middle] - expected[c]) > 2)
                fail_msg("format %d matrix %d range %d: channel %zu is %d, not %d", format, matrix, range, c,
                         output[c * 29 * 20 + middle], expected[c]);
        free(output);
        ferry_image_free(&image);
    }
}

static void every_format_shows_its_colors(void **state) {
    (void)state;
    for (int format = FERRY_PIXEL_RGB24; format <= FERRY_PIXEL_P010; format++)
        for (int matrix = FERRY_MATRIX_BT601; matrix <= FERRY_MATRIX_BT2020; matrix++)
            for (int range = FERRY_RANGE_LIMITED; range <= FERRY_RANGE_FULL; range++)
                for (int masked = 0; masked < 2; masked++) {
                    uint32_t features = masked ? 0 : ferry_cpu_features();
                    check_color((ferry_pixel_format)format, (ferry_color_matrix)matrix, (ferry_color_range)range,
                                FERRY_RESAMPLE_OPENCV, features);
                    check_color((ferry_pixel_format)format, (ferry_color_matrix)matrix, (ferry_color_range)range,
                                FERRY_RESAMPLE_AFFINE, features);
                }
}

/* Sizes where groups, tails and edges differ, with noise: masked and unmasked agree to the bit, however rows are split. */
static void masks_and_threads_agree(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 3}, {5, 4}, {17, 9}, {31, 33}, {64, 48}, {199, 101}, {641, 361}};
    static const int targets[][2] = {{1, 1}, {8, 8}, {33, 17}, {100, 60}, {224, 224}};
    for (int format = FERRY_PIXEL_RGB24; format <= FERRY_PIXEL_P010; format++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t t = 0; t < sizeof targets / sizeof *targets; t++) {
                ferry_image image;
                size_t bytes;
                ferry_image_layout((ferry_pixel_format)format, sizes[s][0], sizes[s][1], NULL, &image, &bytes, NULL);
                uint8_t *memory = malloc(bytes);
                synthetic(memory, bytes, 99 + s);
                ferry_image_layout((ferry_pixel_format)format, sizes[s][0], sizes[s][1], memory, &image, &bytes, NULL);
                ferry_preprocess_settings settings = ferry_preprocess_settings_default();
                settings.width = targets[t][0];
                settings.height = targets[t][1];
                settings.mean[1] = 0.456f;
                settings.deviation[1] = 0.224f;
                settings.fit = (s + t) % 2 ? FERRY_FIT_LETTERBOX : FERRY_FIT_CENTER_CROP;
                ferry_shape shape;
                ferry_affine transform;
                void *one = run(&settings, 0, 1, &image, &shape, &transform);
                void *other = run(&settings, ferry_cpu_features(), 3, &image, &shape, &transform);
                size_t elements = (size_t)targets[t][0] * (size_t)targets[t][1] * 3;
                if (memcmp(one, other, elements * 4) != 0)
                    fail_msg("format %d, %dx%d to %dx%d differs", format, sizes[s][0], sizes[s][1], targets[t][0],
                             targets[t][1]);
                free(one);
                free(other);
                free(memory);
            }
}

static void normalisation_is_exact(void **state) {
    (void)state;
    static const float constants[][3] = {{255, 0, 1},           {1, 127.5f, 128},      {1, 127.5f, 127.5f},
                                         {255, 0.485f, 0.229f}, {255, 0.406f, 0.225f}, {1, 0, 1},
                                         {1, 104, 1},           {1, 127, 128},         {128, 1, 3}};
    uint8_t pixels[256];
    for (int i = 0; i < 256; i++) pixels[i] = (uint8_t)i;
    ferry_image image = {.format = FERRY_PIXEL_GRAY8, .width = 256, .height = 1, .planes = {pixels}, .strides = {256}};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        ferry_preprocess_settings settings = ferry_preprocess_settings_default();
        settings.width = 256;
        settings.height = 1;
        settings.channels = FERRY_CHANNELS_GRAY;
        settings.divisor = constants[i][0];
        settings.mean[0] = constants[i][1];
        settings.deviation[0] = constants[i][2];
        ferry_shape shape;
        ferry_affine transform;
        float *output = run(&settings, ferry_cpu_features(), 1, &image, &shape, &transform);
        settings.dtype = FERRY_FLOAT16;
        uint16_t *half = run(&settings, ferry_cpu_features(), 1, &image, &shape, &transform);
        for (int x = 0; x < 256; x++) {
            float value = (float)x / constants[i][0];
            value = value - constants[i][1];
            value = value / constants[i][2];
            assert_true(output[x] == value);
            assert_int_equal(half[x], ferry_float_to_half(value));
        }
        free(output);
        free(half);
    }
}

static void int8_follows_scale_and_zero_point(void **state) {
    (void)state;
    uint8_t pixels[4] = {0, 100, 200, 255};
    ferry_image image = {.format = FERRY_PIXEL_GRAY8, .width = 4, .height = 1, .planes = {pixels}, .strides = {4}};
    ferry_preprocess_settings settings = ferry_preprocess_settings_default();
    settings.width = 4;
    settings.height = 1;
    settings.channels = FERRY_CHANNELS_GRAY;
    settings.dtype = FERRY_INT8;
    settings.quant_scale = 1 / 200.0f;
    settings.zero_point = -100;
    ferry_shape shape;
    ferry_affine transform;
    int8_t *output = run(&settings, ferry_cpu_features(), 1, &image, &shape, &transform);
    assert_int_equal(output[0], -100);
    assert_int_equal(output[1], -22); /* 100 / 255 * 200 = 78.4 */
    assert_int_equal(output[2], 57);
    assert_int_equal(output[3], 100);
    free(output);
}

static void affine_shifts_and_pads(void **state) {
    (void)state;
    uint8_t pixels[3] = {10, 20, 30};
    ferry_image image = {.format = FERRY_PIXEL_GRAY8, .width = 3, .height = 1, .planes = {pixels}, .strides = {3}};
    ferry_preprocess_settings settings = bytes_settings(5, 1);
    settings.channels = FERRY_CHANNELS_GRAY;
    settings.fit = FERRY_FIT_AFFINE;
    settings.affine[2] = 1.5; /* the picture starts one and a half pixels in */
    settings.pad[0] = 50;
    ferry_shape shape;
    ferry_affine transform;
    uint8_t *output = run(&settings, 0, 1, &image, &shape, &transform);
    const uint8_t expected[5] = {50, 30, 15, 25, 40};
    assert_memory_equal(output, expected, 5);
    free(output);
}

static void bad_settings_are_refused(void **state) {
    (void)state;
    ferry_error error;
    ferry_preprocessor *preprocessor;
    ferry_preprocess_settings settings = ferry_preprocess_settings_default();
    settings.width = 0;
    assert_int_equal(ferry_preprocessor_create(&settings, 0, 1, &preprocessor, &error), FERRY_ERROR_INVALID_ARGUMENT);
    settings = ferry_preprocess_settings_default();
    settings.deviation[2] = 0;
    assert_int_equal(ferry_preprocessor_create(&settings, 0, 1, &preprocessor, &error), FERRY_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "channel 2"));
    settings = ferry_preprocess_settings_default();
    settings.fit = FERRY_FIT_AFFINE;
    settings.affine[0] = 0;
    assert_int_equal(ferry_preprocessor_create(&settings, 0, 1, &preprocessor, &error), FERRY_ERROR_INVALID_ARGUMENT);
    settings = ferry_preprocess_settings_default();
    assert_int_equal(ferry_preprocessor_create(&settings, 0, 1, &preprocessor, &error), FERRY_OK);
    uint8_t pixels[12] = {0};
    ferry_image image = {.format = FERRY_PIXEL_RGB24, .width = 2, .height = 2, .planes = {pixels}, .strides = {6}};
    float output[4];
    ferry_affine transform;
    assert_int_equal(ferry_preprocessor_run(preprocessor, &image, NULL, output, sizeof output, &transform, &error),
                     FERRY_ERROR_SHAPE);
    image.strides[0] = 5;
    assert_int_equal(ferry_preprocessor_run(preprocessor, &image, NULL, output, sizeof output, &transform, &error),
                     FERRY_ERROR_INVALID_ARGUMENT);
    ferry_preprocessor_destroy(preprocessor);
}

static void out_of_memory_is_reported(void **state) {
    (void)state;
    uint8_t pixels[12] = {0};
    ferry_image image = {.format = FERRY_PIXEL_RGB24, .width = 2, .height = 2, .planes = {pixels}, .strides = {6}};
    ferry_preprocess_settings settings = ferry_preprocess_settings_default();
    for (int64_t n = 1;; n++) {
        ferry_preprocessor *preprocessor;
        ferry_shape shape;
        ferry_allocation_fail_after(n);
        ferry_status status = ferry_preprocessor_create(&settings, 0, 2, &preprocessor, NULL);
        if (status == FERRY_OK) status = ferry_preprocessor_prepare(preprocessor, &image, &shape, NULL);
        ferry_allocation_fail_after(0);
        ferry_preprocessor_destroy(preprocessor);
        if (status == FERRY_OK) {
            assert_true(n == 4); /* the object, its tables, its scratch memory */
            return;
        }
        assert_int_equal(status, FERRY_ERROR_OUT_OF_MEMORY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_opencv),
        cmocka_unit_test(nv12_stays_near_opencv),
        cmocka_unit_test(every_format_shows_its_colors),
        cmocka_unit_test(masks_and_threads_agree),
        cmocka_unit_test(normalisation_is_exact),
        cmocka_unit_test(int8_follows_scale_and_zero_point),
        cmocka_unit_test(affine_shifts_and_pads),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
