/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the command line from inside: options, help, JSON, .npy, output files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../cli/json.h"
#include "../../cli/npy.h"
#include "../../cli/options.h"
#include "../../cli/output.h"
#include "../../cli/terminal.h"

/* ---- options ---- */

typedef struct sample {
    ferry_cli_list arguments, names;
    const char *output;
    int64_t count, depth;
    double share, rate;
    int how;
    bool loud, quiet;
} sample;

static const ferry_option sample_options[] = {
    {"output", 'o', FERRY_OPTION_TEXT, offsetof(sample, output), "FILE", "where to", .aliases = "saveTo,save-to"},
    {"count", 'n', FERRY_OPTION_INTEGER, offsetof(sample, count), "N", "how often", "3", 1, 10},
    {"depth", 0, FERRY_OPTION_INTEGER, offsetof(sample, depth), "N", "how deep", .minimum = 0, .maximum = 5},
    {"share", 0, FERRY_OPTION_NUMBER, offsetof(sample, share), "P", "which part", "0.5", 0, 1},
    {"rate", 0, FERRY_OPTION_NUMBER, offsetof(sample, rate), "P", "how fast", .minimum = 0, .maximum = 1},
    {"how", 0, FERRY_OPTION_CHOICE, offsetof(sample, how), "HOW", "in which way", "slow", .choices = "fast|slow|never"},
    {"name", 0, FERRY_OPTION_LIST, offsetof(sample, names), "NAME", "what to call it"},
    {"loud", 'l', FERRY_OPTION_FLAG, offsetof(sample, loud), .help = "aloud"},
    {"quiet", 'q', FERRY_OPTION_FLAG, offsetof(sample, quiet), .help = "in silence"},
    {0},
};

static const ferry_command sample_command = {.name = "sample",
                                             .summary = "an example",
                                             .synopsis = "WHAT...",
                                             .description = "First.\n\nSecond.",
                                             .examples = "ferry sample a\tso",
                                             .options = sample_options,
                                             .settings_size = sizeof(sample),
                                             .arguments_offset = offsetof(sample, arguments),
                                             .min_arguments = 1,
                                             .max_arguments = 2};

static ferry_parse_result parse(sample *settings, char *message, int argc, const char **argv) {
    return ferry_options_parse(&sample_command, argc, (char **)(void *)argv, settings, message, 256);
}

#define PARSE(settings, message, ...)                                                                                          \
    parse(settings, message, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]){__VA_ARGS__})

static void test_options_spellings(void **state) {
    (void)state;
    sample s;
    char message[256] = "";
    assert_int_equal(
        PARSE(&s, message, "one", "--output=a", "-n", "7", "--name", "x", "--name=y", "-lq", "--share", "0.25", "--how=never"),
        FERRY_PARSE_OK);
    assert_string_equal(s.output, "a");
    assert_int_equal(s.count, 7);
    assert_int_equal(s.names.count, 2);
    assert_string_equal(s.names.items[1], "y");
    assert_true(s.loud && s.quiet);
    assert_true(s.share == 0.25);
    assert_int_equal(s.how, 2);
    assert_int_equal(s.arguments.count, 1);
    ferry_options_release(&sample_command, &s);
    assert_int_equal(PARSE(&s, message, "--saveTo=b", "--", "-n", "--output"), FERRY_PARSE_OK);
    assert_string_equal(s.output, "b");
    assert_int_equal(s.arguments.count, 2);
    assert_string_equal(s.arguments.items[0], "-n");
    ferry_options_release(&sample_command, &s);
    assert_int_equal(PARSE(&s, message, "-oc", "-"), FERRY_PARSE_OK);
    assert_string_equal(s.output, "c");
    assert_string_equal(s.arguments.items[0], "-");
    ferry_options_release(&sample_command, &s);
}

static void test_options_defaults(void **state) {
    (void)state;
    sample s;
    char message[256] = "";
    assert_int_equal(PARSE(&s, message, "one"), FERRY_PARSE_OK);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.depth, -1);
    assert_true(s.share == 0.5 && isnan(s.rate));
    assert_int_equal(s.how, 1);
    assert_null(s.output);
    ferry_options_release(&sample_command, &s);
}

static void check_usage(const char *expected, int argc, const char **argv) {
    sample s;
    char message[256] = "";
    assert_int_equal(parse(&s, message, argc, argv), FERRY_PARSE_USAGE);
    if (!strstr(message, expected)) fail_msg("'%s' lacks '%s'", message, expected);
    ferry_options_release(&sample_command, &s);
}
#define USAGE(expected, ...)                                                                                                   \
    check_usage(expected, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]){__VA_ARGS__})

static void test_options_faults(void **state) {
    (void)state;
    USAGE("did you mean '--output'", "a", "--ouptut", "x");
    USAGE("did you mean '--quiet'", "a", "--quite");
    USAGE("unknown option '--zzzzzzzzzz'", "a", "--zzzzzzzzzz");
    USAGE("unknown option '-x'", "a", "-x");
    USAGE("between 1 and 10", "a", "-n", "11");
    USAGE("between 1 and 10", "a", "-n0");
    USAGE("wants an integer", "a", "--count=1.5");
    USAGE("wants an integer", "a", "--count=99999999999999999999");
    USAGE("wants an integer", "a", "--count=");
    USAGE("wants a number", "a", "--share=nan");
    USAGE("between 0 and 1", "a", "--share=1.01");
    USAGE("fast|slow|never", "a", "--how=fas");
    USAGE("takes no value", "a", "--loud=1");
    USAGE("wants a value", "a", "--output");
    USAGE("wants a value", "a", "-o");
    USAGE("missing", "-l");
    USAGE("one argument too many", "a", "b", "c");
}

static void test_options_help(void **state) {
    (void)state;
    static const ferry_help_form forms[] = {FERRY_HELP_TEXT, FERRY_HELP_MAN, FERRY_HELP_MARKDOWN};
    sample s;
    char message[256] = "";
    assert_int_equal(PARSE(&s, message, "--help"), FERRY_PARSE_HELP);
    ferry_options_release(&sample_command, &s);
    for (int form = 0; form < 3; form++) {
        char *text = NULL;
        size_t bytes = 0;
        FILE *stream = open_memstream(&text, &bytes);
        ferry_options_print_help(&sample_command, forms[form], stream);
        fclose(stream);
        for (const ferry_option *option = sample_options; option->name; option++) assert_non_null(strstr(text, option->name));
        assert_non_null(strstr(text, "Second."));
        free(text);
    }
}

/* ---- JSON ---- */

static void test_json(void **state) {
    (void)state;
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    ferry_json json;
    ferry_json_init(&json, stream, true);
    ferry_json_begin(&json, '{');
    ferry_json_string_at(&json, "a\"\\\n", "\x01 \xc3\xa9 \xff \xed\xa0\x80");
    ferry_json_key(&json, "list");
    ferry_json_begin(&json, '[');
    ferry_json_integer(&json, -5);
    ferry_json_number(&json, 0.5, 2);
    ferry_json_number(&json, (double)NAN, 2);
    ferry_json_string(&json, NULL);
    ferry_json_boolean(&json, true);
    ferry_json_begin(&json, '[');
    ferry_json_end(&json, ']');
    ferry_json_end(&json, ']');
    ferry_json_end(&json, '}');
    fclose(stream);
    assert_string_equal(text, "{\"a\\\"\\\\\\u000a\": \"\\u0001 \xc3\xa9 \\ufffd \\ufffd\\ufffd\\ufffd\", "
                              "\"list\": [-5, 0.50, null, null, true, []]}\n");
    free(text);
}

/* ---- .npy ---- */

static char scratch[64];
static char scratch_path[128];

static const char *in_scratch(const char *name) {
    snprintf(scratch_path, sizeof scratch_path, "%s/%s", scratch, name);
    return scratch_path;
}

/* A .npy file in memory: version 1.0, a header as given, and contents. */
static size_t make_npy(unsigned char *file, const char *header, const void *data, size_t bytes) {
    size_t length = strlen(header);
    memcpy(file, "\x93NUMPY\x01\x00", 8);
    file[8] = (unsigned char)length;
    file[9] = (unsigned char)(length >> 8);
    memcpy(file + 10, header, length);
    if (bytes) memcpy(file + 10 + length, data, bytes);
    return 10 + length + bytes;
}

static ferry_status parse_npy(const char *header, const void *data, size_t bytes, ferry_npy *array, ferry_error *error) {
    unsigned char file[512];
    size_t total = make_npy(file, header, data, bytes);
    unsigned char *exact = malloc(total); /* so that ASan sees any read beyond */
    memcpy(exact, file, total);
    ferry_status status = ferry_npy_parse(exact, total, "test", array, error);
    free(exact);
    return status;
}

static void test_npy_round_trip(void **state) {
    (void)state;
    static const ferry_dtype dtypes[] = {FERRY_FLOAT32, FERRY_UINT8, FERRY_INT64, FERRY_BOOL, FERRY_FLOAT16, FERRY_COMPLEX64};
    unsigned char data[96];
    ferry_error error;
    for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * 37);
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        ferry_tensor_view view = {dtypes[i], {3, {2, 3, 2}}, data};
        ferry_npy back;
        assert_int_equal(ferry_npy_write(in_scratch("a.npy"), &view, &error), FERRY_OK);
        assert_int_equal(ferry_npy_read(in_scratch("a.npy"), &back, &error), FERRY_OK);
        assert_int_equal(back.view.dtype, dtypes[i]);
        assert_memory_equal(&back.view.shape.dims, &view.shape.dims, 3 * sizeof(int64_t));
        assert_memory_equal(back.view.data, data, back.bytes);
        ferry_npy_free(&back);
    }
    ferry_tensor_view scalar = {FERRY_FLOAT32, {0, {0}}, data}, empty = {FERRY_FLOAT32, {2, {0, 4}}, NULL};
    ferry_npy back;
    assert_int_equal(ferry_npy_write(in_scratch("a.npy"), &scalar, &error), FERRY_OK);
    assert_int_equal(ferry_npy_read(in_scratch("a.npy"), &back, &error), FERRY_OK);
    assert_int_equal(back.bytes, 4);
    ferry_npy_free(&back);
    assert_int_equal(ferry_npy_write(in_scratch("a.npy"), &empty, &error), FERRY_OK);
    assert_int_equal(ferry_npy_read(in_scratch("a.npy"), &back, &error), FERRY_OK);
    assert_int_equal(back.bytes, 0);
    ferry_npy_free(&back);
}

static void test_npy_orders(void **state) {
    (void)state;
    static const uint8_t columns[] = {1, 4, 2, 5, 3, 6}, rows[] = {1, 2, 3, 4, 5, 6};
    static const uint8_t big_endian[] = {0x12, 0x34, 0x56, 0x78};
    static const uint16_t swapped[] = {0x1234, 0x5678};
    ferry_npy array;
    ferry_error error;
    assert_int_equal(parse_npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", columns, 6, &array, &error),
                     FERRY_OK);
    assert_memory_equal(array.view.data, rows, 6);
    ferry_npy_free(&array);
    assert_int_equal(
        parse_npy("{\"shape\": (2,), \"fortran_order\": False, \"descr\": \">u2\"}\n", big_endian, 4, &array, &error),
        FERRY_OK);
    assert_memory_equal(array.view.data, swapped, 4);
    ferry_npy_free(&array);
}

static void test_npy_faults(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t bytes;
        ferry_status status;
    } cases[] = {
        {"", 0, FERRY_ERROR_FORMAT},
        {"{", 0, FERRY_ERROR_FORMAT},
        {"{}", 0, FERRY_ERROR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 4, FERRY_ERROR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 8, FERRY_ERROR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}", 4, FERRY_ERROR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4, 4)}", 0, FERRY_ERROR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 0, FERRY_ERROR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 4, FERRY_ERROR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 4, FERRY_ERROR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1", 4, FERRY_ERROR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}", 4, FERRY_ERROR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'colour': 1}", 4, FERRY_ERROR_FORMAT},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4, FERRY_ERROR_FORMAT},
        {"{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}", 16, FERRY_ERROR_UNSUPPORTED},
        {"{'descr': '', 'fortran_order': False, 'shape': (1,)}", 4, FERRY_ERROR_UNSUPPORTED},
        {"{'descr': 'xf4', 'fortran_order': False, 'shape': (1,)}", 4, FERRY_ERROR_UNSUPPORTED},
    };
    unsigned char zeros[16] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ferry_npy array;
        ferry_error error;
        ferry_status status = parse_npy(cases[i].header, zeros, cases[i].bytes, &array, &error);
        if (status != cases[i].status) fail_msg("%s gives %d", cases[i].header, status);
        assert_null(array.view.data);
    }
}

static void test_npy_refuses_types(void **state) {
    (void)state;
    ferry_tensor_view view = {FERRY_STRING, {1, {1}}, scratch};
    ferry_error error;
    assert_int_equal(ferry_npy_write(in_scratch("string.npy"), &view, &error), FERRY_ERROR_UNSUPPORTED);
    assert_int_not_equal(access(in_scratch("string.npy"), F_OK), 0);
}

/* ---- output files ---- */

static void test_output(void **state) {
    (void)state;
    ferry_cli_output output;
    ferry_error error;
    struct stat info;
    assert_int_equal(ferry_cli_output_open(in_scratch("text"), &output, &error), FERRY_OK);
    fputs("hello", output.stream);
    assert_int_not_equal(access(in_scratch("text"), F_OK), 0); /* not before it is whole */
    assert_int_equal(ferry_cli_output_commit(&output, &error), FERRY_OK);
    assert_int_equal(stat(in_scratch("text"), &info), 0);
    assert_int_equal(info.st_size, 5);
    assert_int_equal(ferry_cli_output_open(in_scratch("text"), &output, &error), FERRY_OK);
    fputs("something else", output.stream);
    ferry_cli_output_abort(&output);
    assert_int_equal(stat(in_scratch("text"), &info), 0);
    assert_int_equal(info.st_size, 5);
    assert_int_equal(ferry_cli_output_open("/dev/full", &output, &error), FERRY_OK);
    fputs("no room", output.stream);
    assert_int_equal(ferry_cli_output_commit(&output, &error), FERRY_ERROR_IO);
    assert_int_equal(ferry_cli_output_open(scratch, &output, &error), FERRY_ERROR_IO);
    assert_int_equal(ferry_cli_output_open(in_scratch("absent/x"), &output, &error), FERRY_ERROR_IO);
    assert_int_equal(ferry_cli_make_folder(in_scratch("one/two/three"), &error), FERRY_OK);
    assert_int_equal(ferry_cli_make_folder(in_scratch("one/two/three"), &error), FERRY_OK);
    assert_int_equal(ferry_cli_make_folder(in_scratch("text/two"), &error), FERRY_ERROR_IO);
}

/* ---- texts ---- */

static void test_texts(void **state) {
    (void)state;
    char text[64];
    const ferry_shape shape = {4, {1, 3, -1, -1}}, scalar = {0, {0}}, unknown = {-1, {0}};
    const char *const names[] = {NULL, NULL, "height", NULL};
    assert_string_equal(ferry_cli_bytes(999, text, sizeof text), "999 bytes");
    assert_string_equal(ferry_cli_bytes(28900000, text, sizeof text), "28.9 MB");
    assert_string_equal(ferry_cli_bytes(999600, text, sizeof text), "1.0 MB");
    assert_string_equal(ferry_cli_bytes(123456789, text, sizeof text), "123 MB");
    assert_string_equal(ferry_cli_shape(&shape, names, text, sizeof text), "1x3xheightx?");
    assert_string_equal(ferry_cli_shape(&scalar, NULL, text, sizeof text), "scalar");
    assert_string_equal(ferry_cli_shape(&unknown, NULL, text, sizeof text), "?");
}

static int make_scratch(void **state) {
    (void)state;
    strcpy(scratch, "/tmp/ferry-test-XXXXXX");
    return mkdtemp(scratch) ? 0 : -1;
}

static int remove_scratch(void **state) {
    (void)state;
    static const char *const names[] = {"a.npy", "text", "one/two/three", "one/two", "one", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) remove(in_scratch(names[i]));
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_spellings),
        cmocka_unit_test(test_options_defaults),
        cmocka_unit_test(test_options_faults),
        cmocka_unit_test(test_options_help),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_npy_round_trip),
        cmocka_unit_test(test_npy_orders),
        cmocka_unit_test(test_npy_faults),
        cmocka_unit_test(test_npy_refuses_types),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
