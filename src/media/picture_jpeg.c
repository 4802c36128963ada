/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG through libjpeg-turbo, with its defaults (accurate integer DCT, smooth upsampling), which OpenCV uses as well. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/memory.h"
#include "media/convert.h"
#include "media/picture.h"

/* libjpeg reports fatal errors by calling back; the only way out is longjmp. `manager` must come first. */
typedef struct jpeg_trap {
    struct jpeg_error_mgr manager;
    jmp_buf exit;
    char message[JMSG_LENGTH_MAX];
} jpeg_trap;

static void trap_exit(j_common_ptr common) {
    jpeg_trap *trap = (jpeg_trap *)common->err;
    trap->manager.format_message(common, trap->message);
    longjmp(trap->exit, 1);
}

/* Warnings that mean lost pixels end the reading; others, such as stray bytes between markers, are harmless. */
static void trap_message(j_common_ptr common, int level) {
    if (level >= 0) return;
    switch (common->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_JPEG_EOF: trap_exit(common); break;
    default: break;
    }
}

static void trap_init(jpeg_trap *trap) {
    jpeg_std_error(&trap->manager);
    trap->manager.error_exit = trap_exit;
    trap->manager.emit_message = trap_message;
    trap->message[0] = 0;
}

typedef struct jpeg_reader {
    struct jpeg_decompress_struct jpeg;
    jpeg_trap trap;
    struct jpeg_source_mgr input;
    struct jpeg_progress_mgr progress;
    bool exhausted; /* the data ended before the end marker */
    ferry_bytes source;
    ferry_image image;
    uint8_t *row; /* one row of CMYK, else NULL */
    int orientation;
    ferry_error *error;
} jpeg_reader;

static void input_nothing(j_decompress_ptr jpeg) { (void)jpeg; }

/* A file that only lacks its end marker is whole: give it one, and let the entropy decoder say if it missed more. */
static boolean input_end(j_decompress_ptr jpeg) {
    static const JOCTET end_marker[2] = {0xff, JPEG_EOI};
    jpeg_reader *reader = jpeg->client_data;
    if (reader->exhausted && jpeg->progressive_mode) ERREXIT(jpeg, JERR_INPUT_EOF);
    reader->exhausted = true;
    jpeg->src->next_input_byte = end_marker;
    jpeg->src->bytes_in_buffer = 2;
    return TRUE;
}

static void input_skip(j_decompress_ptr jpeg, long count) {
    if (count <= 0) return;
    size_t left = jpeg->src->bytes_in_buffer, skipped = (size_t)count < left ? (size_t)count : left;
    jpeg->src->next_input_byte += skipped;
    jpeg->src->bytes_in_buffer -= skipped;
}

/* A progressive file of thousands of tiny scans keeps the decoder busy for hours. */
static void limit_scans(j_common_ptr common) {
    enum { MOST_SCANS = 500 };
    j_decompress_ptr jpeg = (j_decompress_ptr)common;
    if (jpeg->input_scan_number > MOST_SCANS) ERREXIT(jpeg, JERR_BAD_PROGRESSION);
}

static void find_orientation(jpeg_reader *reader) {
    reader->orientation = 1;
    for (jpeg_saved_marker_ptr marker = reader->jpeg.marker_list; marker; marker = marker->next)
        if (marker->marker == JPEG_APP0 + 1 && marker->data_length > 6 && memcmp(marker->data, "Exif\0\0", 6) == 0) {
            reader->orientation = ferry_exif_orientation(marker->data + 6, marker->data_length - 6);
            return;
        }
}

static ferry_status read_header(jpeg_reader *reader) {
    j_decompress_ptr jpeg = &reader->jpeg;
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(jpeg, TRUE);
    /* A block of 8x8 pixels takes at least one bit of Huffman code; arithmetic coding may go below. */
    FERRY_TRY(ferry_picture_check_size(reader->source, jpeg->image_width, jpeg->image_height,
                                       jpeg->arith_code ? 1.0 / 8192 : 1.0 / 512, reader->error));
    find_orientation(reader);
    bool inks = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    if (inks && !(reader->row = ferry_malloc((size_t)jpeg->image_width * 4)))
        return ferry_fail_memory(reader->error, jpeg->image_width * 4ull);
    return ferry_image_allocate(FERRY_PIXEL_RGB24, (int)jpeg->image_width, (int)jpeg->image_height, &reader->image,
                                reader->error);
}

/* Adobe writes inks inverted (255 = none), others do not. The product is cut to 8 bits as OpenCV does. */
static void inks_to_rgb(const uint8_t *inks, bool inverted, int width, uint8_t *rgb) {
    for (int x = 0; x < width; x++, inks += 4, rgb += 3) {
        int black = inverted ? inks[3] : 255 - inks[3];
        for (int i = 0; i < 3; i++) {
            int ink = inverted ? inks[i] : 255 - inks[i];
            rgb[i] = (uint8_t)(black - ((255 - ink) * black >> 8));
        }
    }
}

static void read_rows(jpeg_reader *reader) {
    j_decompress_ptr jpeg = &reader->jpeg;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *target = reader->image.planes[0] + (ptrdiff_t)jpeg->output_scanline * reader->image.strides[0];
        JSAMPROW row = reader->row ? reader->row : target;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (reader->row) inks_to_rgb(reader->row, jpeg->saw_Adobe_marker, reader->image.width, target);
    }
}

static ferry_status read_all(jpeg_reader *reader) {
    j_decompress_ptr jpeg = &reader->jpeg;
    jpeg->err = &reader->trap.manager;
    if (setjmp(reader->trap.exit))
        return ferry_fail(reader->error, FERRY_ERROR_FORMAT, "'%s' is a damaged JPEG: %s", reader->source.name,
                          reader->trap.message);
    jpeg_create_decompress(jpeg);
    jpeg->client_data = reader;
    jpeg->src = &reader->input;
    jpeg->progress = &reader->progress;
    FERRY_TRY(read_header(reader));
    read_rows(reader);
    return FERRY_OK;
}

ferry_status ferry_jpeg_decode(ferry_bytes source, ferry_image *image, ferry_error *error) {
    jpeg_reader reader = {.source = source, .error = error};
    trap_init(&reader.trap);
    reader.input = (struct jpeg_source_mgr){.next_input_byte = source.data,
                                            .bytes_in_buffer = source.bytes,
                                            .init_source = input_nothing,
                                            .fill_input_buffer = input_end,
                                            .skip_input_data = input_skip,
                                            .resync_to_restart = jpeg_resync_to_restart,
                                            .term_source = input_nothing};
    reader.progress.progress_monitor = limit_scans;
    ferry_status status = read_all(&reader);
    jpeg_destroy_decompress(&reader.jpeg);
    ferry_free(reader.row);
    if (status == FERRY_OK) status = ferry_image_make_upright(&reader.image, reader.orientation, error);
    if (status != FERRY_OK) ferry_image_free(&reader.image);
    *image = reader.image;
    return status;
}

typedef struct jpeg_writer {
    struct jpeg_compress_struct jpeg;
    jpeg_trap trap;
    const ferry_image *image;
    int quality;
    uint8_t *row;
    unsigned char *data; /* libjpeg's malloc */
    unsigned long bytes;
} jpeg_writer;

static void write_rows(jpeg_writer *writer) {
    j_compress_ptr jpeg = &writer->jpeg;
    ferry_row_converter converter = ferry_row_converter_for(writer->image, false);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = writer->row;
        ferry_convert_row(&converter, (int)jpeg->next_scanline, row);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
}

static bool write_all(jpeg_writer *writer) {
    j_compress_ptr jpeg = &writer->jpeg;
    jpeg->err = &writer->trap.manager;
    if (setjmp(writer->trap.exit)) return false;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &writer->data, &writer->bytes);
    jpeg->image_width = (JDIMENSION)writer->image->width;
    jpeg->image_height = (JDIMENSION)writer->image->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, writer->quality, TRUE);
    if (writer->quality > 95) jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
    write_rows(writer);
    return true;
}

ferry_status ferry_jpeg_encode(const ferry_image *image, int quality, void **data, size_t *bytes, ferry_error *error) {
    jpeg_writer writer = {.image = image, .quality = quality, .row = ferry_malloc((size_t)image->width * 3)};
    if (!writer.row) return ferry_fail_memory(error, (size_t)image->width * 3);
    trap_init(&writer.trap);
    ferry_status status = FERRY_OK;
    if (!write_all(&writer))
        status = ferry_fail(error, FERRY_ERROR_UNSUPPORTED, "the JPEG encoder refuses: %s", writer.trap.message);
    jpeg_destroy_compress(&writer.jpeg);
    ferry_free(writer.row);
    if (status == FERRY_OK) {
        *data = ferry_malloc(writer.bytes);
        *bytes = writer.bytes;
        if (*data)
            memcpy(*data, writer.data, writer.bytes);
        else
            status = ferry_fail_memory(error, writer.bytes);
    }
    free(writer.data);
    return status;
}
