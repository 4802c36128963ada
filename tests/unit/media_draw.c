/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing: exact where it can be, clipped everywhere, the same on YUV as on RGB. */
#include "media_help.h"

#include <math.h>
#include <time.h>

#include "media/color.h"
#include "tensor/image.h"

static const ferry_pixel_format formats[] = {
    FERRY_PIXEL_RGB24, FERRY_PIXEL_BGR24,   FERRY_PIXEL_RGBA32,  FERRY_PIXEL_BGRA32,  FERRY_PIXEL_GRAY8, FERRY_PIXEL_NV12,
    FERRY_PIXEL_NV21,  FERRY_PIXEL_YUV420P, FERRY_PIXEL_YUV422P, FERRY_PIXEL_YUV444P, FERRY_PIXEL_YUYV,
};
enum { FORMAT_COUNT = sizeof formats / sizeof *formats, GUARD = 256, CANARY = 0xa5 };

static const ferry_color red = {255, 0, 0, 255}, white = {255, 255, 255, 255};

static ferry_canvas *new_canvas(void) {
    ferry_canvas *canvas;
    ferry_error error;
    check_ok(ferry_canvas_create(NULL, &canvas, &error), &error);
    return canvas;
}

static void begin(ferry_canvas *canvas, const ferry_image *image) {
    ferry_error error;
    check_ok(ferry_canvas_begin(canvas, image, &error), &error);
}

static void black(ferry_pixel_format format, int width, int height, ferry_image *image) {
    ferry_error error;
    size_t bytes;
    ferry_image layout;
    check_ok(ferry_image_allocate(format, width, height, image, &error), &error);
    check_ok(ferry_image_layout(format, width, height, NULL, &layout, &bytes, &error), &error);
    memset(image->planes[0], 0, bytes);
    if (ferry_pixel_format_is_yuv(format) && format != FERRY_PIXEL_YUYV) paint_all(image, 16, 128, 128);
    for (size_t i = 0; format == FERRY_PIXEL_YUYV && i < bytes; i++) image->planes[0][i] = i % 2 ? 128 : 16;
}

static ferry_image to_rgb(const ferry_image *image) {
    ferry_image rgb;
    ferry_error error;
    check_ok(ferry_picture_convert(image, FERRY_PIXEL_RGB24, &rgb, &error), &error);
    return rgb;
}

static const uint8_t *pixel(const ferry_image *rgb, int x, int y) { return rgb->planes[0] + y * rgb->strides[0] + 3 * x; }

/* A filled rectangle on even coordinates covers whole chroma samples: exact colour inside, nothing outside, in every format. */
static void test_fill_is_exact(void **state) {
    (void)state;
    ferry_canvas *canvas = new_canvas();
    for (int f = 0; f < FORMAT_COUNT; f++) {
        ferry_image image;
        black(formats[f], 33, 21, &image);
        begin(canvas, &image);
        ferry_draw_fill(canvas, 4, 6, 20, 14, red);
        ferry_image rgb = to_rgb(&image);
        for (int y = 0; y < 21; y++)
            for (int x = 0; x < 33; x++) {
                bool inside = x >= 4 && x < 20 && y >= 6 && y < 14, gray = formats[f] == FERRY_PIXEL_GRAY8;
                const uint8_t *p = pixel(&rgb, x, y);
                if (abs(p[0] - (inside ? gray ? 76 : 255 : 0)) > 2 || abs(p[1] - (inside && gray ? 76 : 0)) > 2)
                    fail_msg("format %d at %d %d: %d %d %d", formats[f], x, y, p[0], p[1], p[2]);
            }
        ferry_picture_free(&rgb);
        ferry_picture_free(&image);
    }
    ferry_canvas_destroy(canvas);
}

static void draw_scene(ferry_canvas *canvas) {
    const float points[] = {20, 150, 60, 110, 100, 150, 140, 110};
    ferry_draw_fill(canvas, 10, 10, 90, 60, (ferry_color){40, 180, 90, 128});
    ferry_draw_line(canvas, 10, 200, 200, 90, 5, (ferry_color){250, 200, 40, 255});
    ferry_draw_circle(canvas, 160, 60, 30, 0, (ferry_color){90, 90, 240, 255});
    ferry_draw_circle(canvas, 160, 60, 40, 6, red);
    ferry_draw_polyline(canvas, points, 4, 0, 7, (ferry_color){220, 60, 220, 150});
    ferry_draw_box(canvas, 30, 40, 120, 130, "box 0.93", ferry_palette_color(3));
    ferry_draw_label(canvas, 100, 180, "Größe 12", (ferry_color){10, 10, 10, 220});
}

static double mean_difference(const ferry_image *a, const ferry_image *b) {
    double sum = 0;
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < 3 * a->width; x++)
            sum += abs(a->planes[0][y * a->strides[0] + x] - b->planes[0][y * b->strides[0] + x]);
    return sum / (3.0 * a->width * a->height);
}

/* The same scene on every format looks the same; sub-sampled chroma differs at the edges only. */
static void test_formats_agree(void **state) {
    (void)state;
    ferry_canvas *canvas = new_canvas();
    ferry_image reference;
    black(FERRY_PIXEL_RGB24, 230, 220, &reference);
    begin(canvas, &reference);
    draw_scene(canvas);
    for (int f = 0; f < FORMAT_COUNT; f++) {
        ferry_image image;
        if (formats[f] == FERRY_PIXEL_GRAY8) continue;
        black(formats[f], 230, 220, &image);
        begin(canvas, &image);
        draw_scene(canvas);
        ferry_image rgb = to_rgb(&image);
        double difference = mean_difference(&reference, &rgb);
        bool full = !ferry_pixel_format_is_yuv(formats[f]);
        if (difference > (full ? 0 : formats[f] == FERRY_PIXEL_YUV444P ? 1.0 : 2.5))
            fail_msg("format %d differs by %.2f", formats[f], difference);
        ferry_picture_free(&rgb);
        ferry_picture_free(&image);
    }
    ferry_picture_free(&reference);
    ferry_canvas_destroy(canvas);
}

/* An image whose planes lie apart in a larger block: whatever is written beyond a row's pixels or the planes shows. */
typedef struct guarded {
    uint8_t *block;
    size_t bytes;
    ferry_image image;
    ptrdiff_t row_bytes[3];
    int rows[3];
} guarded;

static void make_guarded(ferry_pixel_format format, int width, int height, guarded *g) {
    ferry_image packed;
    size_t bytes;
    ferry_error error;
    check_ok(ferry_image_layout(format, width, height, NULL, &packed, &bytes, &error), &error);
    g->image = packed;
    g->bytes = (bytes + (size_t)GUARD * (size_t)(height + 4)) * 3;
    g->block = malloc(g->bytes);
    memset(g->block, CANARY, g->bytes);
    uint8_t *at = g->block + GUARD;
    for (int plane = 0; plane < ferry_pixel_format_planes(format); plane++) {
        bool halved = plane > 0 && format != FERRY_PIXEL_YUV422P && format != FERRY_PIXEL_YUV444P;
        g->row_bytes[plane] = packed.strides[plane];
        g->rows[plane] = halved ? (height + 1) / 2 : height;
        g->image.planes[plane] = at;
        g->image.strides[plane] = packed.strides[plane] + GUARD / 2;
        at += g->image.strides[plane] * g->rows[plane] + GUARD;
    }
}

static void check_guards(const guarded *g, const char *what) {
    for (size_t i = 0; i < g->bytes; i++) {
        bool inside = false;
        for (int plane = 0; plane < 3 && g->image.planes[plane]; plane++) {
            ptrdiff_t offset = g->block + i - g->image.planes[plane];
            if (offset >= 0 && offset < g->image.strides[plane] * g->rows[plane] &&
                offset % g->image.strides[plane] < g->row_bytes[plane])
                inside = true;
        }
        if (!inside && g->block[i] != CANARY) fail_msg("%s wrote outside of format %d", what, g->image.format);
    }
}

static float wild(uint32_t *random) {
    static const float strange[] = {0, -1, 1e9f, -1e9f, 3e38f, -3e38f, 0.5f, 1e-30f};
    *random = *random * 1664525u + 1013904223u;
    uint32_t r = *random >> 8;
    if (r % 23 == 0) return NAN;
    if (r % 23 == 1) return r & 1024 ? INFINITY : -INFINITY;
    if (r % 23 < 4) return strange[r / 32 % 8];
    return (float)(r / 32 % 2000) / 10 - 60;
}

static void draw_wild(ferry_canvas *canvas, uint32_t *random) {
    static const char *const texts[] = {
        "person 0.87", "", "\xff\xfe\xc0\x80 bad", "日本 Ärger \t\n x", "\xf0\x9f\x98\x80\xe2\x82", "gjpq|ÅÇ"};
    float v[12];
    for (int i = 0; i < 12; i++) v[i] = wild(random);
    *random = *random * 1664525u + 1013904223u;
    uint32_t r = *random >> 8;
    ferry_color color = {(uint8_t)r, (uint8_t)(r >> 4), (uint8_t)(r >> 8), (uint8_t)(r >> 2)};
    const uint8_t edges[][2] = {{0, 1}, {1, 2}, {2, 200}};
    switch (r / 16 % 9) {
    case 0: ferry_draw_fill(canvas, v[0], v[1], v[2], v[3], color); break;
    case 1: ferry_draw_rectangle(canvas, v[0], v[1], v[2], v[3], (int)(r % 40) - 4, color); break;
    case 2: ferry_draw_line(canvas, v[0], v[1], v[2], v[3], v[4], color); break;
    case 3: ferry_draw_polyline(canvas, v, r % 7, (int)(r / 8 % 2), v[11], color); break;
    case 4: ferry_draw_circle(canvas, v[0], v[1], v[2], v[3], color); break;
    case 5: ferry_draw_text(canvas, v[0], v[1], (int)(r % 60) - 5, texts[r / 8 % 6], color); break;
    case 6: ferry_draw_box(canvas, v[0], v[1], v[2], v[3], texts[r / 8 % 6], color); break;
    case 7: ferry_draw_label(canvas, v[0], v[1], texts[r / 8 % 6], color); break;
    default: ferry_draw_skeleton(canvas, v, 4, edges, 3, 0); break;
    }
}

static void test_nothing_is_written_outside(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 3}, {17, 9}, {64, 40}, {101, 77}};
    ferry_canvas *canvas = new_canvas();
    uint32_t random = 7;
    ferry_draw_fill(canvas, 0, 0, 10, 10, red); /* before a picture is set: nothing */
    for (int f = 0; f < FORMAT_COUNT; f++)
        for (int s = 0; s < 5; s++) {
            guarded g;
            make_guarded(formats[f], sizes[s][0], sizes[s][1], &g);
            begin(canvas, &g.image);
            for (int i = 0; i < 400; i++) draw_wild(canvas, &random);
            check_guards(&g, "a shape");
            free(g.block);
        }
    ferry_canvas_destroy(canvas);
}

static void test_transparency(void **state) {
    (void)state;
    ferry_canvas *canvas = new_canvas();
    ferry_image image, before;
    ferry_error error;
    make_picture(80, 60, 4, &image);
    check_ok(ferry_picture_convert(&image, FERRY_PIXEL_RGB24, &before, &error), &error);
    begin(canvas, &image);
    ferry_draw_fill(canvas, 0, 0, 80, 60, (ferry_color){255, 255, 255, 0});
    ferry_draw_text(canvas, 5, 5, 20, "nothing", (ferry_color){255, 255, 255, 0});
    ferry_draw_line(canvas, 0, 0, 80, 60, 4, (ferry_color){255, 255, 255, 0});
    assert_int_equal(worst_difference(&image, &before), 0);
    ferry_draw_fill(canvas, 0, 0, 80, 60, (ferry_color){255, 255, 255, 128});
    for (int i = 0; i < 80 * 60 * 3; i++) {
        int expected = (before.planes[0][i] + 255 + 1) / 2;
        assert_in_range(image.planes[0][i] + 1, expected - 1, expected + 3);
    }
    ferry_picture_free(&before);
    ferry_picture_free(&image);
    ferry_canvas_destroy(canvas);
}

static double ink(const ferry_image *gray) {
    double sum = 0;
    for (int i = 0; i < gray->width * gray->height; i++) sum += gray->planes[0][i] / 255.0;
    return sum;
}

/* Smooth edges must not change the area: a line covers length * thickness plus its round ends, a disc pi r^2, a ring its width.
 */
static void test_areas(void **state) {
    (void)state;
    static const float angles[] = {0, 10, 30, 45, 60, 89, 90, 120, 171};
    ferry_canvas *canvas = new_canvas();
    for (size_t i = 0; i < sizeof angles / sizeof *angles; i++)
        for (float thickness = 2; thickness < 12; thickness += 3) {
            ferry_image image;
            black(FERRY_PIXEL_GRAY8, 201, 201, &image);
            begin(canvas, &image);
            float dx = 70 * cosf(angles[i] * 0.0174533f), dy = 70 * sinf(angles[i] * 0.0174533f);
            ferry_draw_line(canvas, 100 - dx, 100 - dy, 100 + dx, 100 + dy, thickness, white);
            double expected = 140 * thickness + 3.14159 * thickness * thickness / 4;
            if (fabs(ink(&image) / expected - 1) > 0.03)
                fail_msg("%g degrees, %g wide: %.1f of %.1f", angles[i], thickness, ink(&image), expected);
            memset(image.planes[0], 0, 201 * 201);
            ferry_draw_circle(canvas, 100.3f, 99.6f, 5 * thickness, 0, white);
            assert_true(fabs(ink(&image) / (3.14159 * 25 * thickness * thickness) - 1) < 0.02);
            memset(image.planes[0], 0, 201 * 201);
            ferry_draw_circle(canvas, 100, 100, 40, thickness, white);
            assert_true(fabs(ink(&image) / (2 * 3.14159 * 40 * thickness) - 1) < 0.02);
            ferry_picture_free(&image);
        }
    ferry_canvas_destroy(canvas);
}

static void test_rectangle_frame(void **state) {
    (void)state;
    ferry_canvas *canvas = new_canvas();
    for (int thickness = 1; thickness < 8; thickness++) {
        ferry_image image;
        black(FERRY_PIXEL_GRAY8, 100, 100, &image);
        begin(canvas, &image);
        ferry_draw_rectangle(canvas, 80, 70, 20, 30, thickness, white); /* corners in any order */
        int half = thickness / 2, w = 60 + 2 * half, h = 40 + 2 * half;
        assert_int_equal((int)ink(&image), w * h - (w - 2 * thickness) * (h - 2 * thickness));
        assert_int_equal(image.planes[0][(30 - half) * 100 + 20 - half], 255);
        assert_int_equal(image.planes[0][50 * 100 + 50], 0);
        ferry_picture_free(&image);
    }
    ferry_canvas_destroy(canvas);
}

static void test_text(void **state) {
    (void)state;
    ferry_canvas *canvas = new_canvas();
    if (ferry_canvas_warning(canvas)) {
        printf("skipped: %s\n", ferry_canvas_warning(canvas));
        ferry_canvas_destroy(canvas);
        skip();
    }
    ferry_image image;
    black(FERRY_PIXEL_GRAY8, 400, 100, &image);
    begin(canvas, &image);
    int one = ferry_text_width(canvas, 30, "m"), three = ferry_text_width(canvas, 30, "mmm");
    assert_true(one > 5 && abs(three - 3 * one) <= 3);
    assert_true(ferry_text_width(canvas, 60, "m") > 3 * one / 2);
    assert_int_equal(ferry_text_width(canvas, 30, ""), 0);
    assert_true(ferry_text_width(canvas, 30, "AVAVAV") <
                3 * (ferry_text_width(canvas, 30, "A") + ferry_text_width(canvas, 30, "V"))); /* kerned */
    ferry_draw_text(canvas, 50, 20, 30, "Hamburg", white);
    int width = ferry_text_width(canvas, 30, "Hamburg"), left = 400, right = 0, top = 100, bottom = 0;
    for (int i = 0; i < 400 * 100; i++) {
        if (image.planes[0][i] < 64) continue;
        int x = i % 400, y = i / 400;
        left = x < left ? x : left, right = x > right ? x : right, top = y < top ? y : top, bottom = y > bottom ? y : bottom;
    }
    assert_in_range(left, 49, 56);
    assert_in_range(right, 50 + width - 6, 50 + width + 1);
    assert_in_range(top, 20, 28); /* the capital's head, below the line's upper edge */
    assert_in_range(bottom, 43, 52);
    double before = ink(&image);
    ferry_draw_text(canvas, 50, 20, 30, "Hamburg", white); /* from the cache: the same places */
    assert_true(ink(&image) < before * 1.2);
    for (int size = 4; size < 300; size++)
        ferry_draw_text(canvas, 0, 0, size, "Abcdefghijklmnop qrstuvwxyz 0123456789", red); /* refills the atlas */
    ferry_picture_free(&image);
    ferry_canvas_destroy(canvas);
}

static void test_bad_fonts(void **state) {
    (void)state;
    ferry_canvas *canvas;
    ferry_error error;
    ferry_canvas_settings settings = ferry_canvas_settings_default();
    store(scratch("words.ttf"), "this is no font", 15);
    settings.font = scratch("words.ttf");
    check_fails(ferry_canvas_create(&settings, &canvas, &error), FERRY_ERROR_FORMAT, &error, "words.ttf");
    settings.font = "/nowhere/font.ttf";
    check_fails(ferry_canvas_create(&settings, &canvas, &error), FERRY_ERROR_FORMAT, &error, "/nowhere/font.ttf");
    assert_null(canvas);
}

static void test_bad_pictures(void **state) {
    (void)state;
    ferry_canvas *canvas = new_canvas();
    ferry_error error;
    ferry_image image;
    check_ok(ferry_image_allocate(FERRY_PIXEL_P010, 16, 16, &image, &error), &error);
    check_fails(ferry_canvas_begin(canvas, &image, &error), FERRY_ERROR_UNSUPPORTED, &error, "convert");
    ferry_draw_fill(canvas, 0, 0, 9, 9, red);
    image.format = FERRY_PIXEL_RGB24;
    image.strides[0] = 3;
    check_fails(ferry_canvas_begin(canvas, &image, &error), FERRY_ERROR_INVALID_ARGUMENT, &error, "stride");
    ferry_draw_fill(canvas, 0, 0, 9, 9, red);
    ferry_picture_free(&image);
    ferry_canvas_destroy(canvas);
}

static double luminance(ferry_color c) {
    const uint8_t v[3] = {c.red, c.green, c.blue};
    double l[3];
    for (int i = 0; i < 3; i++) l[i] = v[i] <= 10 ? v[i] / 255.0 / 12.92 : pow((v[i] / 255.0 + 0.055) / 1.055, 2.4);
    return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2];
}

static void test_palette(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        ferry_color a = ferry_palette_color(i), text = ferry_contrast_color(a);
        double la = luminance(a) + 0.05, lt = luminance(text) + 0.05;
        assert_true((la > lt ? la / lt : lt / la) >= 2.5);
        for (int k = 0; k < i; k++) {
            ferry_color b = ferry_palette_color(k);
            assert_true(abs(a.red - b.red) + abs(a.green - b.green) + abs(a.blue - b.blue) > 40);
        }
        ferry_color again = ferry_palette_color(i - 20), beyond = ferry_palette_color(i + 2000);
        assert_memory_equal(&a, &again, sizeof a);
        assert_memory_equal(&a, &beyond, sizeof a);
    }
}

/* Printed, not judged: the machine may be busy. The aim is 1 ms for 50 labelled boxes at 1080p. */
static void test_speed(void **state) {
    (void)state;
    ferry_canvas *canvas = new_canvas();
    for (int f = 0; f < FORMAT_COUNT; f++) {
        ferry_image image;
        black(formats[f], 1920, 1080, &image);
        begin(canvas, &image);
        clock_t began = clock();
        for (int round = 0; round < 10; round++)
            for (int i = 0; i < 50; i++) {
                float x = (float)(i % 10) * 190, y = 30 + (float)(i / 10) * 210.0f;
                ferry_draw_box(canvas, x, y, x + 150, y + 160, "person 0.87", ferry_palette_color(i));
            }
        printf("format %2d: %.2f ms for 50 labelled boxes at 1080p\n", formats[f],
               (double)(clock() - began) * 100 / CLOCKS_PER_SEC);
        assert_true(image.planes[0][30 * image.strides[0]] != 16 || formats[f] < FERRY_PIXEL_NV12);
        ferry_picture_free(&image);
    }
    ferry_canvas_destroy(canvas);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill_is_exact),
        cmocka_unit_test(test_formats_agree),
        cmocka_unit_test(test_nothing_is_written_outside),
        cmocka_unit_test(test_transparency),
        cmocka_unit_test(test_areas),
        cmocka_unit_test(test_rectangle_frame),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_bad_fonts),
        cmocka_unit_test(test_bad_pictures),
        cmocka_unit_test(test_palette),
        cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests(tests, media_setup, media_teardown);
}
