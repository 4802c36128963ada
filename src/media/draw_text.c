/* SPDX-License-Identifier: Apache-2.0 */
/* Text: FreeType draws each glyph of each size once, into an atlas; a line of text is put together from it and blended. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ft2build.h>
#include FT_FREETYPE_H

#include "base/memory.h"
#include "media/draw_canvas.h"

enum { MAX_FACES = 8, ATLAS_LIMIT = 4 << 20, MAX_SIZE = 400, MAX_GLYPHS_A_LINE = 1024 };

static const char *const usual_fonts[] = {
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/usr/share/fonts/truetype/liberation2/LiberationSans-Regular.ttf",
    "/usr/share/fonts/truetype/freefont/FreeSans.ttf",
    "/usr/share/fonts/opentype/cantarell/Cantarell-VF.otf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
};
/* For signs that the first font lacks. */
static const char *const spare_fonts[] = {
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
};

typedef struct text_glyph {
    uint32_t codepoint; /* 0 = empty slot */
    int size;
    int face;
    FT_UInt index;
    int left, top, width, height; /* of the coverage, in pixels; top counts up from the base line */
    int advance;                  /* 26.6 */
    size_t offset;                /* into the atlas */
} text_glyph;

struct ferry_text {
    FT_Library library;
    FT_Face faces[MAX_FACES];
    int face_count;
    bool spares_opened;
    text_glyph *glyphs; /* open addressing */
    size_t glyph_capacity, glyph_count;
    FERRY_VECTOR(uint8_t) atlas;
    FERRY_VECTOR(uint8_t) mask; /* the line under way */
};

static bool open_face(struct ferry_text *text, const char *path) {
    if (text->face_count == MAX_FACES || access(path, R_OK) != 0) return false;
    FT_Face face;
    if (FT_New_Face(text->library, path, 0, &face) != 0) return false;
    if (!FT_IS_SCALABLE(face)) {
        FT_Done_Face(face);
        return false;
    }
    text->faces[text->face_count++] = face;
    return true;
}

ferry_status ferry_text_create(const char *font, struct ferry_text **result, ferry_error *error) {
    *result = NULL;
    struct ferry_text *text = ferry_calloc(1, sizeof *text);
    if (!text) return ferry_fail_memory(error, sizeof *text);
    if (FT_Init_FreeType(&text->library) != 0) {
        ferry_free(text);
        return ferry_fail(error, FERRY_ERROR_INTERNAL, "FreeType cannot start");
    }
    if (font) {
        if (!open_face(text, font)) {
            ferry_text_destroy(text);
            return ferry_fail(error, FERRY_ERROR_FORMAT, "'%s' cannot be read or is not a scalable font", font);
        }
    } else {
        for (size_t i = 0; i < sizeof usual_fonts / sizeof *usual_fonts && !text->face_count; i++)
            open_face(text, usual_fonts[i]);
    }
    if (text->face_count)
        *result = text;
    else
        ferry_text_destroy(text);
    return FERRY_OK;
}

void ferry_text_destroy(struct ferry_text *text) {
    if (!text) return;
    for (int i = 0; i < text->face_count; i++) FT_Done_Face(text->faces[i]);
    FT_Done_FreeType(text->library);
    ferry_vector_free(&text->atlas);
    ferry_vector_free(&text->mask);
    ferry_free(text->glyphs);
    ferry_free(text);
}

/* The next code point of UTF-8 text (RFC 3629), U+FFFD for malformed bytes, 0 at the end. */
static uint32_t next_codepoint(const char **at) {
    const unsigned char *s = (const unsigned char *)*at;
    if (!*s) return 0;
    int more = *s >= 0xf0 && *s < 0xf5 ? 3 : *s >= 0xe0 && *s < 0xf0 ? 2 : *s >= 0xc2 && *s < 0xe0 ? 1 : 0;
    uint32_t value = more == 3 ? *s & 7u : more == 2 ? *s & 15u : more == 1 ? *s & 31u : *s;
    if (!more && *s >= 0x80) value = 0xfffd;
    int i = 1;
    for (; i <= more && (s[i] & 0xc0) == 0x80; i++) value = value << 6 | (s[i] & 63u);
    *at += i;
    static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
    if (i <= more || value < least[more] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return 0xfffd;
    return value < 32 ? ' ' : value;
}

/* The face that has the sign, opening the spare fonts when the first one lacks it; U+FFFD and then '?' stand in. */
static int find_face(struct ferry_text *text, uint32_t codepoint, FT_UInt *index) {
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < text->face_count; i++)
            if ((*index = FT_Get_Char_Index(text->faces[i], codepoint)) != 0) return i;
        if (text->spares_opened) break;
        text->spares_opened = true;
        for (size_t i = 0; i < sizeof spare_fonts / sizeof *spare_fonts; i++) open_face(text, spare_fonts[i]);
    }
    *index = FT_Get_Char_Index(text->faces[0], 0xfffd);
    if (!*index) *index = FT_Get_Char_Index(text->faces[0], '?');
    return 0;
}

/* The em size in pixels for lines `size` apart. */
static int em_for(FT_Face face, int size) {
    int line = face->ascender - face->descender;
    int em = line > 0 ? (int)lround((double)size * face->units_per_EM / line) : size;
    return em < 1 ? 1 : em;
}

static bool set_size(FT_Face face, int size) { return FT_Set_Pixel_Sizes(face, 0, (FT_UInt)em_for(face, size)) == 0; }

static bool draw_glyph(struct ferry_text *text, text_glyph *glyph) {
    FT_Face face = text->faces[glyph->face];
    if (!set_size(face, glyph->size) || FT_Load_Glyph(face, glyph->index, FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT) != 0)
        return false;
    const FT_Bitmap *bitmap = &face->glyph->bitmap;
    bool visible = bitmap->pixel_mode == FT_PIXEL_MODE_GRAY && bitmap->buffer && bitmap->pitch >= 0;
    glyph->left = face->glyph->bitmap_left;
    glyph->top = face->glyph->bitmap_top;
    glyph->width = visible ? (int)bitmap->width : 0;
    glyph->height = visible ? (int)bitmap->rows : 0;
    glyph->advance = (int)face->glyph->advance.x;
    glyph->offset = text->atlas.count;
    size_t bytes = (size_t)glyph->width * (size_t)glyph->height;
    if (!ferry_vector_reserve(&text->atlas, text->atlas.count + bytes)) return false;
    for (int y = 0; y < glyph->height; y++)
        memcpy(text->atlas.items + glyph->offset + (size_t)y * (size_t)glyph->width, bitmap->buffer + y * bitmap->pitch,
               (size_t)glyph->width);
    text->atlas.count += bytes;
    return true;
}

static text_glyph *slot_for(struct ferry_text *text, uint32_t codepoint, int size) {
    size_t at = (codepoint * 2654435761u ^ (uint32_t)size * 40503u) & (text->glyph_capacity - 1);
    while (text->glyphs[at].codepoint && (text->glyphs[at].codepoint != codepoint || text->glyphs[at].size != size))
        at = (at + 1) & (text->glyph_capacity - 1);
    return &text->glyphs[at];
}

static void forget_glyphs(struct ferry_text *text) {
    if (text->glyphs) memset(text->glyphs, 0, text->glyph_capacity * sizeof *text->glyphs);
    text->glyph_count = text->atlas.count = 0;
}

/* NULL when out of memory. A pointer is good until the next call. */
static const text_glyph *get_glyph(struct ferry_text *text, uint32_t codepoint, int size) {
    enum { CAPACITY = 4096 };
    if (!text->glyphs) {
        text->glyphs = ferry_calloc(CAPACITY, sizeof *text->glyphs);
        if (!text->glyphs) return NULL;
        text->glyph_capacity = CAPACITY;
    }
    text_glyph *slot = slot_for(text, codepoint, size);
    if (slot->codepoint) return slot;
    if (text->glyph_count > CAPACITY * 3 / 4 || text->atlas.count > ATLAS_LIMIT) {
        forget_glyphs(text);
        slot = slot_for(text, codepoint, size);
    }
    text_glyph made = {.codepoint = codepoint, .size = size};
    made.face = find_face(text, codepoint, &made.index);
    if (!draw_glyph(text, &made)) return NULL;
    text->glyph_count++;
    *slot = made;
    return slot;
}

/* In 26.6. Taken unscaled: setting a face's size for it would cost more than all the rest. */
static int kerning(FT_Face face, FT_UInt before, FT_UInt index, int size) {
    FT_Vector delta;
    if (!before || !FT_HAS_KERNING(face)) return 0;
    if (FT_Get_Kerning(face, before, index, FT_KERNING_UNSCALED, &delta) != 0 || face->units_per_EM == 0) return 0;
    return (int)(delta.x * 64 * em_for(face, size) / face->units_per_EM);
}

/* Where a line of text goes in the mask: the pen starts at `start`, on the base line. Rows [top, bottom) hold signs. */
typedef struct line_box {
    int start, base, width, height;
    int top, bottom;
} line_box;

static void put_glyph(struct ferry_text *text, const text_glyph *glyph, int x, line_box *box) {
    int left = x + glyph->left, top = box->base - glyph->top;
    if (glyph->height > 0 && top < box->top) box->top = top < 0 ? 0 : top;
    if (glyph->height > 0 && top + glyph->height > box->bottom)
        box->bottom = top + glyph->height > box->height ? box->height : top + glyph->height;
    for (int y = 0; y < glyph->height; y++) {
        if (top + y < 0 || top + y >= box->height) continue;
        const uint8_t *from = text->atlas.items + glyph->offset + (size_t)y * (size_t)glyph->width;
        uint8_t *to = text->mask.items + (size_t)(top + y) * (size_t)box->width;
        for (int i = 0; i < glyph->width; i++)
            if (left + i >= 0 && left + i < box->width && from[i] > to[left + i]) to[left + i] = from[i];
    }
}

/* Walks over a line of text; unless `box` is NULL its glyphs go into the mask. Returns the pen's way in pixels. */
static int walk_line(struct ferry_text *text, int size, const char *line, line_box *box) {
    int pen = 0, before_face = -1;
    FT_UInt before = 0;
    uint32_t codepoint;
    for (int count = 0; count < MAX_GLYPHS_A_LINE && (codepoint = next_codepoint(&line)) != 0; count++) {
        const text_glyph *glyph = get_glyph(text, codepoint, size);
        if (!glyph) continue;
        if (glyph->face == before_face) pen += kerning(text->faces[glyph->face], before, glyph->index, size);
        if (box) put_glyph(text, glyph, box->start + ((pen + 32) >> 6), box);
        pen += glyph->advance;
        before_face = glyph->face;
        before = glyph->index;
    }
    return (pen + 63) >> 6;
}

static int clamp_size(int size) { return size < 4 ? 4 : size > MAX_SIZE ? MAX_SIZE : size; }

int ferry_text_width(ferry_canvas *canvas, int size, const char *text) {
    return canvas->text && text ? walk_line(canvas->text, clamp_size(size), text, NULL) : 0;
}

void ferry_draw_text(ferry_canvas *canvas, float x, float y, int size, const char *line, ferry_color color) {
    struct ferry_text *text = canvas->text;
    if (!canvas->image.width || !text || !line || !*line || !isfinite(x) || !isfinite(y)) return;
    if (fabsf(x) > 200000 || fabsf(y) > 200000) return;
    size = clamp_size(size);
    FT_Face face = text->faces[0];
    int margin = size / 4 + 1; /* for signs that reach beyond their advance or the line */
    line_box box = {.start = margin,
                    .base = margin + (int)lround((double)face->ascender * em_for(face, size) / face->units_per_EM),
                    .width = walk_line(text, size, line, NULL) + 2 * margin,
                    .height = size + 2 * margin,
                    .top = size + 2 * margin};
    size_t bytes = (size_t)box.width * (size_t)box.height;
    if (!ferry_vector_reserve(&text->mask, bytes)) return;
    memset(text->mask.items, 0, bytes);
    walk_line(text, size, line, &box);
    ferry_paint_mask(canvas, (int)lrintf(x) - margin, (int)lrintf(y) - margin + box.top, box.width, box.bottom - box.top,
                     text->mask.items + (size_t)box.top * (size_t)box.width, box.width, ferry_ink_for(canvas, color));
}
