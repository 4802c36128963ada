/* SPDX-License-Identifier: Apache-2.0 */
/* Video written and read back: every frame, its time, its colours; and what happens when something is amiss. */
#include "media_help.h"

#include <math.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "media/color.h"
#include "tensor/image.h"

enum { FRAMES = 30, WIDTH = 96, HEIGHT = 64 };

/* An uneven clock: frames 20 to 61 ms apart. */
static int64_t time_of(int index) { return 40000 * index + 1000 * (index * 7 % 22); }

static void write_frames(const char *path, const ferry_sink_settings *settings, int count, int width, int height,
                         int64_t (*clock)(int)) {
    ferry_video_sink *sink;
    ferry_error error;
    check_ok(ferry_video_sink_open(path, settings, &sink, &error), &error);
    for (int i = 0; i < count; i++) {
        ferry_image image;
        make_picture(width, height, 2 * i, &image);
        check_ok(ferry_video_sink_write(sink, &image, clock(i), &error), &error);
        ferry_picture_free(&image);
    }
    assert_non_null(ferry_video_sink_encoder(sink));
    check_ok(ferry_video_sink_close(&sink, &error), &error);
    assert_null(sink);
}

static ferry_video_source *open_video(const char *path) {
    ferry_video_source *source;
    ferry_error error;
    check_ok(ferry_video_open(path, NULL, &source, &error), &error);
    return source;
}

static ferry_video_frame *next_frame(ferry_video_source *source) {
    ferry_video_frame *frame;
    ferry_error error;
    check_ok(ferry_video_read(source, 20, &frame, &error), &error);
    return frame;
}

static int count_frames(const char *path) {
    ferry_video_source *source = open_video(path);
    int count = 0;
    for (ferry_video_frame *frame; (frame = next_frame(source)); count++) ferry_video_frame_release(frame);
    ferry_video_close(&source);
    return count;
}

static void check_frame(const ferry_video_frame *frame, int index) {
    ferry_image expected, got;
    ferry_error error;
    make_picture(frame->image.width, frame->image.height, 2 * index, &expected);
    check_ok(ferry_picture_convert(&frame->image, FERRY_PIXEL_RGB24, &got, &error), &error);
    double quality = psnr(&expected, &got);
    if (quality < 30) fail_msg("frame %d: %.1f dB", index, quality);
    ferry_picture_free(&got);
    ferry_picture_free(&expected);
}

static int64_t grid(int index) { return 40000 * index; }

static void test_containers(void **state) {
    (void)state;
    static const struct {
        const char *name, *codec, *reported;
        int64_t tolerance; /* microseconds: of the container's clock */
        bool even;
    } kinds[] = {
        {"a.mp4", NULL, "h264", 12, false},   {"a.mov", "h264", "h264", 12, false},    {"a.mkv", NULL, "h264", 500, false},
        {"a.ts", NULL, "h264", 12, false},    {"a.avi", NULL, "h264", 1, true},        {"b.mp4", "mpeg4", "mpeg4", 17, false},
        {"b.avi", "mpeg4", "mpeg4", 1, true}, {"c.mkv", "mjpeg", "mjpeg", 500, false},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        ferry_sink_settings settings = ferry_sink_settings_default();
        settings.codec = kinds[k].codec;
        settings.quality = 10;
        const char *path = scratch(kinds[k].name);
        write_frames(path, &settings, FRAMES, WIDTH, HEIGHT, kinds[k].even ? grid : time_of);
        ferry_video_source *source = open_video(path);
        ferry_video_info info;
        ferry_video_get_info(source, &info);
        assert_int_equal(info.width, WIDTH);
        assert_int_equal(info.height, HEIGHT);
        assert_string_equal(info.codec, kinds[k].reported);
        int count = 0;
        for (ferry_video_frame *frame; (frame = next_frame(source)); count++) {
            int64_t expected = (kinds[k].even ? grid : time_of)(count);
            if (llabs(frame->microseconds - expected) > kinds[k].tolerance)
                fail_msg("%s: frame %d at %lld instead of %lld us", path, count, (long long)frame->microseconds,
                         (long long)expected);
            assert_int_equal(frame->index, count);
            assert_int_equal(frame->generation, 1);
            assert_int_equal(!!(frame->flags & FERRY_FRAME_CHANGED), count == 0);
            check_frame(frame, count);
            ferry_video_frame_release(frame);
        }
        assert_int_equal(count, FRAMES);
        char warning[600];
        assert_string_equal(ferry_video_warning(source, warning, sizeof warning), "");
        assert_int_equal(ferry_video_get_state(source), FERRY_VIDEO_ENDED);
        ferry_video_close(&source);
    }
}

static void test_odd_sizes(void **state) {
    (void)state;
    static const int odd[][2] = {{63, 47}, {64, 47}, {63, 48}, {17, 17}};
    static const ferry_pixel_format formats[] = {FERRY_PIXEL_RGB24, FERRY_PIXEL_YUV420P, FERRY_PIXEL_NV12};
    for (size_t i = 0; i < 4; i++)
        for (size_t f = 0; f < 3; f++) {
            ferry_image image;
            ferry_error error;
            ferry_video_sink *sink;
            check_ok(ferry_image_allocate(formats[f], odd[i][0], odd[i][1], &image, &error), &error);
            paint_all(&image, 180, 100, 90);
            check_ok(ferry_video_sink_open(scratch("odd.mp4"), NULL, &sink, &error), &error);
            for (int n = 0; n < 3; n++) check_ok(ferry_video_sink_write(sink, &image, grid(n), &error), &error);
            check_ok(ferry_video_sink_close(&sink, &error), &error);
            ferry_picture_free(&image);
            ferry_video_source *source = open_video(scratch("odd.mp4"));
            ferry_video_frame *frame = next_frame(source);
            assert_non_null(frame);
            assert_int_equal(frame->image.width, (odd[i][0] + 1) & ~1);
            assert_int_equal(frame->image.height, (odd[i][1] + 1) & ~1);
            for (int y = 0; y < frame->image.height; y += 5) { /* the added column is as the one before it */
                const uint8_t *end = frame->image.planes[0] + y * frame->image.strides[0] + frame->image.width;
                assert_in_range(end[-1] + 4, end[-3], end[-3] + 8);
            }
            ferry_video_frame_release(frame);
            ferry_video_close(&source);
        }
}

static const uint8_t primaries[][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}, {0, 0, 0}, {200, 120, 40}};

/* Writes one frame of a colour, reads it, and compares it as RGB. */
static void check_color(const ferry_image *image, const uint8_t rgb[3], ferry_color_matrix matrix, ferry_color_range range) {
    ferry_error error;
    ferry_video_sink *sink;
    ferry_image read;
    ferry_sink_settings settings = ferry_sink_settings_default();
    settings.quality = 4;
    check_ok(ferry_video_sink_open(scratch("color.mp4"), &settings, &sink, &error), &error);
    for (int n = 0; n < 2; n++) check_ok(ferry_video_sink_write(sink, image, grid(n), &error), &error);
    check_ok(ferry_video_sink_close(&sink, &error), &error);
    ferry_video_source *source = open_video(scratch("color.mp4"));
    ferry_video_frame *frame = next_frame(source);
    assert_int_equal(frame->image.matrix, matrix);
    assert_int_equal(frame->image.range, range);
    check_ok(ferry_picture_convert(&frame->image, FERRY_PIXEL_RGB24, &read, &error), &error);
    const uint8_t *pixel = read.planes[0] + (read.height / 2) * read.strides[0] + 3 * (read.width / 2);
    for (int c = 0; c < 3; c++)
        if (abs(pixel[c] - rgb[c]) > 4)
            fail_msg("matrix %d range %d: %d %d %d instead of %d %d %d", matrix, range, pixel[0], pixel[1], pixel[2], rgb[0],
                     rgb[1], rgb[2]);
    ferry_picture_free(&read);
    ferry_video_frame_release(frame);
    ferry_video_close(&source);
}

static void test_colors(void **state) {
    (void)state;
    static const ferry_pixel_format formats[] = {FERRY_PIXEL_YUV420P, FERRY_PIXEL_NV12, FERRY_PIXEL_YUV444P};
    for (int i = 0; i < (int)(sizeof primaries / sizeof *primaries); i++)
        for (ferry_color_matrix matrix = FERRY_MATRIX_BT601; matrix <= FERRY_MATRIX_BT2020; matrix++)
            for (ferry_color_range range = FERRY_RANGE_LIMITED; range <= FERRY_RANGE_FULL; range++) {
                ferry_image image;
                ferry_error error;
                uint8_t yuv[3];
                check_ok(ferry_image_allocate(formats[i % 3], 64, 48, &image, &error), &error);
                ferry_rgb_to_yuv(matrix, range == FERRY_RANGE_FULL, primaries[i], yuv);
                paint_all(&image, yuv[0], yuv[1], yuv[2]);
                image.matrix = matrix;
                image.range = range;
                check_color(&image, primaries[i], matrix, range);
                ferry_picture_free(&image);
            }
}

static void test_colors_of_rgb(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof primaries / sizeof *primaries; i++)
        for (int large = 0; large < 2; large++) {
            ferry_image image;
            ferry_error error;
            check_ok(ferry_image_allocate(FERRY_PIXEL_RGB24, 64, large ? 720 : 48, &image, &error), &error);
            paint_all(&image, primaries[i][0], primaries[i][1], primaries[i][2]);
            check_color(&image, primaries[i], large ? FERRY_MATRIX_BT709 : FERRY_MATRIX_BT601, FERRY_RANGE_LIMITED);
            ferry_picture_free(&image);
        }
}

/* The formulas in floating point, against the table-free integer code: within one level everywhere. */
static void test_conversion_follows_the_formulas(void **state) {
    (void)state;
    static const double weights[][2] = {{0, 0}, {0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}};
    ferry_image image, rgb;
    ferry_error error;
    check_ok(ferry_image_allocate(FERRY_PIXEL_YUV444P, 64, 64, &image, &error), &error);
    for (int matrix = 1; matrix <= 3; matrix++)
        for (int full = 0; full < 2; full++)
            for (int y = 0; y < 256; y += 15) {
                image.matrix = (ferry_color_matrix)matrix;
                image.range = full ? FERRY_RANGE_FULL : FERRY_RANGE_LIMITED;
                memset(image.planes[0], y, 64 * 64);
                for (int i = 0; i < 64 * 64; i++)
                    image.planes[1][i] = (uint8_t)(i % 64 * 4 + 1), image.planes[2][i] = (uint8_t)(i / 64 * 4 + 1);
                check_ok(ferry_picture_convert(&image, FERRY_PIXEL_RGB24, &rgb, &error), &error);
                double kr = weights[matrix][0], kb = weights[matrix][1], kg = 1 - kr - kb;
                for (int i = 0; i < 64 * 64; i++) {
                    double luma = full ? y : (y - 16) * 255.0 / 219;
                    double u = (image.planes[1][i] - 128) * (full ? 1 : 255.0 / 224),
                           v = (image.planes[2][i] - 128) * (full ? 1 : 255.0 / 224);
                    double expected[3] = {luma + 2 * (1 - kr) * v, luma - (2 * (1 - kb) * kb * u + 2 * (1 - kr) * kr * v) / kg,
                                          luma + 2 * (1 - kb) * u};
                    for (int c = 0; c < 3; c++) {
                        double clipped = expected[c] < 0 ? 0 : expected[c] > 255 ? 255 : expected[c];
                        if (fabs(rgb.planes[0][3 * i + c] - clipped) > 1)
                            fail_msg("%d instead of %.2f", rgb.planes[0][3 * i + c], clipped);
                    }
                }
                ferry_picture_free(&rgb);
            }
    ferry_picture_free(&image);
}

/* Writing into frames must not leak into those that the decoder predicts from them. */
static void test_writable_frames_stay_private(void **state) {
    (void)state;
    write_frames(scratch("w.mp4"), NULL, FRAMES, WIDTH, HEIGHT, grid);
    ferry_video_source *clean = open_video(scratch("w.mp4")), *spoilt = open_video(scratch("w.mp4"));
    for (ferry_video_frame *a, *b; (a = next_frame(clean));) {
        ferry_error error;
        assert_non_null(b = next_frame(spoilt));
        check_ok(ferry_video_frame_make_writable(b, &error), &error);
        for (int y = 0; y < HEIGHT; y++)
            assert_memory_equal(a->image.planes[0] + y * a->image.strides[0], b->image.planes[0] + y * b->image.strides[0],
                                WIDTH);
        for (int y = 0; y < HEIGHT; y++) memset(b->image.planes[0] + y * b->image.strides[0], 77, WIDTH);
        ferry_video_frame_release(a);
        ferry_video_frame_release(b);
    }
    ferry_video_close(&clean);
    ferry_video_close(&spoilt);
}

static void test_frames_outlive_their_source(void **state) {
    (void)state;
    write_frames(scratch("o.mp4"), NULL, FRAMES, WIDTH, HEIGHT, grid);
    ferry_video_source *source = open_video(scratch("o.mp4"));
    ferry_video_frame *frames[FRAMES];
    for (int i = 0; i < FRAMES; i++) assert_non_null(frames[i] = next_frame(source));
    ferry_video_close(&source);
    for (int i = 0; i < FRAMES; i++) {
        check_frame(frames[i], i);
        ferry_video_frame_release(frames[i]);
    }
    ferry_video_close(&source);
}

static void cut(const char *from, const char *to, double share) {
    size_t bytes;
    uint8_t *data = load(from, &bytes);
    store(to, data, (size_t)((double)bytes * share));
    free(data);
}

static void test_cut_short(void **state) {
    (void)state;
    static const char *const names[][2] = {{"s.avi", "t.avi"}, {"s.mp4", "t.mp4"}, {"s.mkv", "t.mkv"}};
    for (size_t i = 0; i < 3; i++) {
        write_frames(scratch(names[i][0]), NULL, 200, WIDTH, HEIGHT, grid);
        cut(scratch(names[i][0]), scratch(names[i][1]), 0.6);
        ferry_video_source *source = open_video(scratch(names[i][1]));
        int count = 0;
        for (ferry_video_frame *frame; (frame = next_frame(source)); count++) ferry_video_frame_release(frame);
        char warning[600];
        ferry_video_warning(source, warning, sizeof warning);
        if (count < 40 || count > 180) fail_msg("%s: %d frames", names[i][1], count);
        if (!strstr(warning, names[i][1]) || !strstr(warning, "early"))
            fail_msg("%s: the warning is '%s'", names[i][1], warning);
        ferry_video_close(&source);
    }
}

static void test_damage_is_survived(void **state) {
    (void)state;
    write_frames(scratch("d.mp4"), NULL, 60, WIDTH, HEIGHT, grid);
    size_t bytes;
    uint8_t *data = load(scratch("d.mp4"), &bytes);
    uint32_t random = 1;
    for (int round = 0; round < 12; round++) {
        uint8_t *spoilt = malloc(bytes);
        memcpy(spoilt, data, bytes);
        for (int i = 0; i < 1 << (round / 2); i++) {
            random = random * 1664525u + 1013904223u;
            spoilt[bytes / 4 + random % (bytes / 4 * 3)] ^= (uint8_t)(1 + random / 65536 % 255);
        }
        store(scratch("e.mp4"), spoilt, bytes);
        free(spoilt);
        ferry_video_source *source;
        ferry_error error;
        if (ferry_video_open(scratch("e.mp4"), NULL, &source, &error) != FERRY_OK) continue;
        for (ferry_video_frame *frame; (frame = next_frame(source));) ferry_video_frame_release(frame);
        ferry_video_close(&source);
    }
    free(data);
}

static void test_no_video(void **state) {
    (void)state;
    ferry_video_source *source;
    ferry_error error;
    store(scratch("words.mp4"), "no video at all, only words that go on for a while", 50);
    store(scratch("list.m3u8"), "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n", 82);
    check_fails(ferry_video_open(scratch("words.mp4"), NULL, &source, &error), FERRY_ERROR_FORMAT, &error, "words.mp4");
    check_fails(ferry_video_open(scratch("none.mp4"), NULL, &source, &error), FERRY_ERROR_NOT_FOUND, &error, "none.mp4");
    assert_int_not_equal(ferry_video_open(scratch("list.m3u8"), NULL, &source, &error),
                         FERRY_OK); /* must not reach the network */
    assert_int_not_equal(ferry_video_open("/tmp", NULL, &source, &error), FERRY_OK);
    assert_null(source);
}

/* The transformation matrix of the track header: ISO/IEC 14496-12, 8.3.2. */
static void set_matrix(const char *path, int32_t a, int32_t b, int32_t c, int32_t d) {
    size_t bytes;
    uint8_t *data = load(path, &bytes);
    const int32_t values[9] = {a * 65536, b * 65536, 0, c * 65536, d * 65536, 0, 0, 0, 0x40000000};
    for (size_t at = 0; at + 80 < bytes; at++) {
        if (memcmp(data + at, "tkhd", 4) != 0) continue;
        uint8_t *matrix = data + at + 4 + 40;
        for (int i = 0; i < 36; i++) matrix[i] = (uint8_t)((uint32_t)values[i / 4] >> (24 - 8 * (i % 4)));
        store(path, data, bytes);
        free(data);
        return;
    }
    fail_msg("no track header");
}

static void test_rotation(void **state) {
    (void)state;
    static const struct {
        int a, b, c, d, degrees;
    } turns[] = {{1, 0, 0, 1, 0}, {0, 1, -1, 0, 90}, {-1, 0, 0, -1, 180}, {0, -1, 1, 0, 270}};
    ferry_error error;
    ferry_video_sink *sink;
    ferry_image image;
    check_ok(ferry_image_allocate(FERRY_PIXEL_YUV420P, 64, 32, &image, &error), &error);
    paint_all(&image, 40, 128, 128);
    for (int y = 0; y < 16; y++) memset(image.planes[0] + y * image.strides[0], 220, 16); /* a light corner at the upper left */
    for (size_t i = 0; i < 4; i++) {
        check_ok(ferry_video_sink_open(scratch("r.mp4"), NULL, &sink, &error), &error);
        for (int n = 0; n < 2; n++) check_ok(ferry_video_sink_write(sink, &image, grid(n), &error), &error);
        check_ok(ferry_video_sink_close(&sink, &error), &error);
        set_matrix(scratch("r.mp4"), turns[i].a, turns[i].b, turns[i].c, turns[i].d);
        ferry_video_source *source = open_video(scratch("r.mp4"));
        ferry_video_info info;
        ferry_video_get_info(source, &info);
        ferry_video_frame *frame = next_frame(source);
        int w = frame->image.width, h = frame->image.height, degrees = turns[i].degrees;
        assert_int_equal(info.rotation, degrees);
        assert_int_equal(w, degrees % 180 ? 32 : 64);
        assert_int_equal(h, degrees % 180 ? 64 : 32);
        int light_x = degrees == 90 || degrees == 180 ? w - 5 : 5, light_y = degrees >= 180 ? h - 5 : 5;
        for (int corner = 0; corner < 4; corner++) {
            int x = corner & 1 ? w - 5 : 5, y = corner & 2 ? h - 5 : 5;
            int value = frame->image.planes[0][y * frame->image.strides[0] + x];
            if ((value > 130) != (x == light_x && y == light_y)) fail_msg("turned by %d: %d at %d %d", degrees, value, x, y);
        }
        ferry_video_frame_release(frame);
        ferry_video_close(&source);
    }
    ferry_picture_free(&image);
}

/* Transport streams may be joined end to end: the picture's size changes on the way. */
static void test_size_changes(void **state) {
    (void)state;
    size_t first, second;
    write_frames(scratch("1.ts"), NULL, 20, 96, 64, grid);
    write_frames(scratch("2.ts"), NULL, 20, 128, 80, grid);
    uint8_t *a = load(scratch("1.ts"), &first), *b = load(scratch("2.ts"), &second), *both = malloc(first + second);
    memcpy(both, a, first);
    memcpy(both + first, b, second);
    store(scratch("3.ts"), both, first + second);
    free(a);
    free(b);
    free(both);
    ferry_video_source *source = open_video(scratch("3.ts"));
    int small = 0, large = 0, changes = 0;
    int64_t before = -1;
    for (ferry_video_frame *frame; (frame = next_frame(source));) {
        small += frame->image.width == 96;
        large += frame->image.width == 128;
        changes += !!(frame->flags & FERRY_FRAME_CHANGED);
        assert_true(frame->microseconds > before);
        before = frame->microseconds;
        ferry_video_frame_release(frame);
    }
    assert_true(before > 1400000 && before < 1600000); /* the second stream's clock began anew; ours goes on */
    assert_int_equal(small, 20);
    assert_true(large >= 18);
    assert_int_equal(changes, 2);
    ferry_video_close(&source);
}

static void test_sink_scales_later_sizes(void **state) {
    (void)state;
    ferry_video_sink *sink;
    ferry_error error;
    check_ok(ferry_video_sink_open(scratch("z.mp4"), NULL, &sink, &error), &error);
    for (int i = 0; i < 6; i++) {
        ferry_image image;
        make_picture(i < 3 ? 96 : 60, i < 3 ? 64 : 90, i, &image);
        check_ok(ferry_video_sink_write(sink, &image, 5, &error), &error); /* the same time again and again */
        ferry_picture_free(&image);
    }
    check_ok(ferry_video_sink_close(&sink, &error), &error);
    assert_int_equal(count_frames(scratch("z.mp4")), 6);
}

static ferry_status write_until_failure(const char *path, ferry_error *error) {
    ferry_video_sink *sink;
    ferry_status status = ferry_video_sink_open(path, NULL, &sink, error);
    if (status != FERRY_OK) return status;
    for (int i = 0; i < 40 && status == FERRY_OK; i++) {
        ferry_image image;
        make_picture(320, 240, -1, &image);
        status = ferry_video_sink_write(sink, &image, grid(i), error);
        ferry_picture_free(&image);
    }
    ferry_status closed = ferry_video_sink_close(&sink, error);
    assert_int_equal(status == FERRY_OK ? closed : status, closed); /* a failure stays */
    return closed;
}

static void test_sink_failures(void **state) {
    (void)state;
    ferry_error error;
    ferry_video_sink *sink;
    ferry_sink_settings settings = ferry_sink_settings_default();
    size_t before = scratch_count();
    check_fails(write_until_failure("/nowhere/a.mp4", &error), FERRY_ERROR_IO, &error, "/nowhere/a.mp4");
    check_fails(write_until_failure(scratch("a.xyz"), &error), FERRY_ERROR_UNSUPPORTED, &error, "a.xyz");
    check_fails(write_until_failure(scratch("a.webm"), &error), FERRY_ERROR_UNSUPPORTED, &error, "webm");
    static const char *const full[] = {"full.mkv", "full.mp4", "full.avi", "full.ts"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(symlink("/dev/full", scratch(full[i])), 0);
        check_fails(write_until_failure(scratch(full[i]), &error), FERRY_ERROR_IO, &error, "No space left");
        remove(scratch(full[i]));
    }
    settings.codec = "nonsense";
    check_ok(ferry_video_sink_open(scratch("n.mp4"), &settings, &sink, &error), &error);
    ferry_image image;
    make_picture(64, 64, 0, &image);
    check_fails(ferry_video_sink_write(sink, &image, 0, &error), FERRY_ERROR_UNSUPPORTED, &error, "nonsense");
    check_fails(ferry_video_sink_close(&sink, &error), FERRY_ERROR_UNSUPPORTED, &error, "nonsense");
    check_ok(ferry_video_sink_open(scratch("n.mp4"), NULL, &sink, &error), &error);
    check_fails(ferry_video_sink_close(&sink, &error), FERRY_ERROR_INVALID_ARGUMENT, &error, "no frame");
    check_ok(ferry_video_sink_open(scratch("n.mp4"), NULL, &sink, &error), &error);
    check_ok(ferry_video_sink_write(sink, &image, 0, &error), &error);
    ferry_video_sink_abort(&sink);
    settings.codec = NULL, settings.fps = 0;
    check_fails(ferry_video_sink_open(scratch("n.mp4"), &settings, &sink, &error), FERRY_ERROR_INVALID_ARGUMENT, &error,
                "frames a second");
    ferry_picture_free(&image);
    assert_int_equal(scratch_count(), before); /* nothing half-written */
}

static void *cancel_soon(void *user) {
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    ferry_video_cancel(user);
    return NULL;
}

static void test_deadlines_and_cancelling(void **state) {
    (void)state;
    ferry_video_source *source;
    ferry_video_frame *frame;
    ferry_error error;
    ferry_video_settings settings = ferry_video_settings_default();
    settings.open_timeout = 0.5;
    double began = ferry_time_seconds();
    check_fails(ferry_video_open("udp://127.0.0.1:27531", &settings, &source, &error), FERRY_ERROR_DEADLINE, &error,
                "0.5 seconds");
    assert_true(ferry_time_seconds() - began < 3);
    settings.retry_open = 1; /* a camera that is not there yet */
    settings.backoff_least = 0.1;
    check_ok(ferry_video_open("udp://127.0.0.1:27531", &settings, &source, &error), &error);
    began = ferry_time_seconds();
    check_fails(ferry_video_read(source, 0.2, &frame, &error), FERRY_ERROR_DEADLINE, &error, "0.2 seconds");
    assert_true(ferry_time_seconds() - began < 1);
    assert_int_not_equal(ferry_video_get_state(source), FERRY_VIDEO_ENDED);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, source), 0);
    check_fails(ferry_video_read(source, -1, &frame, &error), FERRY_ERROR_CANCELLED, &error, "cancelled");
    pthread_join(thread, NULL);
    began = ferry_time_seconds();
    ferry_video_close(&source);
    assert_true(ferry_time_seconds() - began < 2);
}

static void test_closing_early(void **state) {
    (void)state;
    write_frames(scratch("c.mp4"), NULL, 100, WIDTH, HEIGHT, grid);
    for (int frames = 0; frames < 6; frames++) {
        ferry_video_source *source = open_video(scratch("c.mp4"));
        for (int i = 0; i < frames; i++) ferry_video_frame_release(next_frame(source));
        ferry_video_close(&source);
    }
}

static void test_real_videos(void **state) {
    (void)state;
    static const struct {
        const char *name, *codec;
        int width, height, frames;
        double fps;
        ferry_color_matrix matrix;
    } known[] = {{"videos/vtest.avi", "msmpeg4v3", 768, 576, 795, 10, FERRY_MATRIX_UNSPECIFIED},
                 {"videos/vtest_h264.mp4", "h264", 768, 576, 795, 10, FERRY_MATRIX_UNSPECIFIED},
                 {"videos/one-by-one-person-detection.mp4", "h264", 768, 432, 1394, 10, FERRY_MATRIX_BT601}};
    for (size_t i = 0; i < 3; i++) {
        ferry_video_source *source = open_video(asset(known[i].name));
        ferry_video_info info;
        ferry_video_get_info(source, &info);
        assert_string_equal(info.codec, known[i].codec);
        assert_int_equal(info.frames, known[i].frames);
        assert_true(fabs(info.fps - known[i].fps) < 0.01 && fabs(info.duration - known[i].frames / known[i].fps) < 0.01);
        int count = 0;
        for (ferry_video_frame *frame; (frame = next_frame(source)); count++) {
            assert_int_equal(frame->image.width, known[i].width);
            assert_int_equal(frame->image.height, known[i].height);
            assert_int_equal(frame->image.matrix, known[i].matrix);
            assert_true(fabs(frame->seconds - count / known[i].fps) < 1e-4);
            ferry_video_frame_release(frame);
        }
        assert_int_equal(count, known[i].frames);
        ferry_video_close(&source);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_odd_sizes),
        cmocka_unit_test(test_colors),
        cmocka_unit_test(test_colors_of_rgb),
        cmocka_unit_test(test_conversion_follows_the_formulas),
        cmocka_unit_test(test_writable_frames_stay_private),
        cmocka_unit_test(test_frames_outlive_their_source),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_damage_is_survived),
        cmocka_unit_test(test_no_video),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_size_changes),
        cmocka_unit_test(test_sink_scales_later_sizes),
        cmocka_unit_test(test_sink_failures),
        cmocka_unit_test(test_deadlines_and_cancelling),
        cmocka_unit_test(test_closing_early),
        cmocka_unit_test(test_real_videos),
    };
    return cmocka_run_group_tests(tests, media_setup, media_teardown);
}
