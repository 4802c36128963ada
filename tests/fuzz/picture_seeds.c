/* SPDX-License-Identifier: Apache-2.0 */
/* Writes small pictures of each format into the folder given, for the picture fuzz target to start from. */
#include <stdio.h>
#include <string.h>

#include <ferry/media.h>

#include "base/file.h"
#include "tensor/image.h"

static const char *folder;

static bool save(const char *name, const void *data, size_t bytes) {
    char path[1024];
    ferry_file_writer *writer;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (ferry_file_writer_open(path, &writer, NULL) != FERRY_OK) return false;
    ferry_file_writer_write(writer, data, bytes, NULL);
    return ferry_file_writer_commit(&writer, NULL) == FERRY_OK;
}

static bool save_picture(const char *name, ferry_picture_codec codec, const ferry_image *image, int quality) {
    void *data;
    size_t bytes;
    if (ferry_picture_encode(codec, image, quality, &data, &bytes, NULL) != FERRY_OK) return false;
    bool saved = save(name, data, bytes);
    ferry_picture_encoded_free(data);
    return saved;
}

int main(int count, char **arguments) {
    static const char ppm[] = "P6 2 2 255\nabcdefghijkl", pgm[] = "P2\n# c\n2 1 255\n7 9\n", pbm[] = "P4 9 2\nabcd";
    static const char pam[] = "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\nabc";
    static const unsigned char gif[] = {'G', 'I', 'F', '8', '9', 'a', 1, 0, 1, 0, 0x80, 0, 0, 255, 0, 0, 0, 0, 0,
                                        0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3b};
    static const unsigned char qoi[] = {'q', 'o', 'i', 'f', 0, 0, 0, 2, 0, 0, 0, 1, 3, 0, 0xfe, 1, 2, 3, 0xc0, 0, 0, 0, 0, 0, 0, 0, 1};
    static const unsigned char tiff[] = {'I', 'I', 42, 0, 8, 0, 0, 0, 4, 0, 0, 1, 3, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1, 1, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0,
                                         17, 1, 4, 0, 1, 0, 0, 0, 62, 0, 0, 0, 23, 1, 4, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
    if (count != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
        return 2;
    }
    folder = arguments[1];
    ferry_image image;
    if (ferry_image_allocate(FERRY_PIXEL_RGB24, 19, 11, &image, NULL) != FERRY_OK) return 1;
    for (int i = 0; i < 19 * 11 * 3; i++) image.planes[0][i] = (uint8_t)(i * 7);
    bool saved = save_picture("a.jpg", FERRY_PICTURE_JPEG, &image, 60) && save_picture("b.jpg", FERRY_PICTURE_JPEG, &image, 97) &&
                 save_picture("c.png", FERRY_PICTURE_PNG, &image, 0) && save("d.ppm", ppm, sizeof ppm - 1) &&
                 save("e.pgm", pgm, sizeof pgm - 1) && save("f.pbm", pbm, sizeof pbm - 1) && save("g.pam", pam, sizeof pam - 1) &&
                 save("h.gif", gif, sizeof gif) && save("i.qoi", qoi, sizeof qoi) && save("j.tif", tiff, sizeof tiff);
    ferry_picture_free(&image);
    if (!saved) fprintf(stderr, "cannot write the seeds to '%s'\n", folder);
    return saved ? 0 : 1;
}
