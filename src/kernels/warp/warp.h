/* SPDX-License-Identifier: Apache-2.0 */
/* Pixels to network input: resize, colour and normalisation of one picture in one pass, row by row through buffers that stay
 * in the first-level cache. Every kernel is pure, single-threaded and allocates nothing; the tables are made by taps.c.
 *
 * The rule, exact for every variant. A row of the source is resized horizontally with weights of 11 bits as OpenCV's
 * INTER_LINEAR on 8-bit pictures does (imgproc/resize): H = (first * w0 + second * w1) >> 4, so H = 128 * value. Two such rows
 * become one of the result:
 *   RGB, BGR, grey:  (((H0 * b0) >> 16) + ((H1 * b1) >> 16) + 2) >> 2         (equal to cv2.resize, bit for bit)
 *   YUV:             Y, U and V each  ((H0 * b0 + 2^14) >> 15) + ((H1 * b1 + 2^14) >> 15)  = 8 * value, then RGB by 16-bit
 *                    coefficients of 13 fraction bits, rounded once at the end (see ferry_warp_colors).
 * YUV is interpolated before the conversion, which for a linear conversion differs from converting first only by rounding and
 * by clipping. Chroma is read at the luma taps (sample x >> 1), the replication that cv2.cvtColor uses; no siting filter. */
#ifndef FERRY_KERNELS_WARP_WARP_H
#define FERRY_KERNELS_WARP_WARP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ferry/image.h>

/* One: weights are fractions of it. Tables and row buffers are padded to a multiple of FERRY_WARP_PAD outputs. */
enum { FERRY_WARP_ONE = 2048, FERRY_WARP_PAD = 32, FERRY_WARP_GROUP = 4 };

/* How outputs of a row are made from a row of one plane. Arrays have `padded` entries; those past `count` repeat the last
 * sample with both weights 0. `first` never decreases; second is first or first + 1, and where it is first, weight 1 is 0. */
typedef struct ferry_warp_columns {
    int32_t count, padded;
    int32_t step;       /* bytes from a sample to the next of the same component */
    int32_t components; /* 1 to 3 taken from each row */
    int32_t offset[3];  /* bytes from the sample's address to each component; step + offset stays below 8 */
    bool wide;          /* 16-bit samples, the 10 bits on top (P010) */
    int32_t safe;       /* outputs from the left, a multiple of 8, whose 8 bytes at first * step lie within the row */
    const int32_t *first, *second;
    const int16_t *weights; /* pairs */
    /* Group form: the samples of four neighbouring outputs lie within 16 bytes from group_base, and group_masks (16 bytes a
     * group and component, component fastest) picks them as eight zero-extended 16-bit values. NULL where scale or layout
     * do not allow it. */
    const int32_t *group_base;
    const uint8_t *group_masks;
} ferry_warp_columns;

/* How rows of the result are made: as ferry_warp_columns, by row of the plane. */
typedef struct ferry_warp_lines {
    int32_t count;
    const int32_t *first, *second;
    const int16_t *weights;
} ferry_warp_lines;

/* RGB from YUV in 16-bit arithmetic, with round(a, b) = (a * b + 2^14) >> 15 and Y, U, V as 8 * value:
 *   y = (Y - 8 * luma_offset) * 8,  u = (U - 1024) * 8,  v = (V - 1024) * 8
 *   R = round(y, luma) + round(v, red_v)                    all of these hold 16 * value
 *   G = round(y, luma) - round(u, green_u) - round(v, green_v)
 *   B = round(y, luma) + round(u, blue_u);   each (x + 8) >> 4, clipped to 0..255.  Coefficients are factor * 2^13. */
typedef struct ferry_warp_colors {
    int16_t luma_offset, luma, red_v, green_u, green_v, blue_u;
} ferry_warp_colors;

/* Normalisation of one channel: (x / divisor - mean) / deviation, rounded to float after each step. `table` holds the result
 * for each of the 256 values as elements of the output's type. The arithmetic form (float output only) divides by
 * multiplication with the reciprocal and one correction; `arithmetic` says that it was found equal to the table. */
typedef struct ferry_warp_scale {
    float divisor, mean, deviation;
    float divisor_reciprocal, deviation_reciprocal;
    bool arithmetic;
    union {
        float f32[256];
        uint16_t f16[256];
        uint8_t u8[256];
    } table;
} ferry_warp_scale;

typedef enum ferry_warp_element {
    FERRY_WARP_F32 = 0,
    FERRY_WARP_F16 = 1,
    FERRY_WARP_U8 = 2 /* also int8 */
} ferry_warp_element;

/* --- kernel types; count below is the padded count of the columns, and rows hold that many ---------------------------- */

/* One row of a plane to H values, one row of out[] a component. */
typedef void ferry_warp_horizontal_fn(const ferry_warp_columns *columns, const uint8_t *row, int16_t *const out[3]);
/* Two H rows to one row of 8-bit values. count is a multiple of FERRY_WARP_PAD. */
typedef void ferry_warp_vertical_fn(const int16_t *row0, const int16_t *row1, const int16_t weights[2], int count,
                                    uint8_t *out);
/* Two H rows each of Y, U and V to rows of R, G and B. */
typedef struct ferry_warp_yuv_rows {
    const int16_t *row0[3], *row1[3];
    int16_t luma_weights[2], chroma_weights[2];
    int count; /* a multiple of FERRY_WARP_PAD */
    uint8_t *out[3];
} ferry_warp_yuv_rows;
typedef void ferry_warp_yuv_fn(const ferry_warp_colors *colors, const ferry_warp_yuv_rows *rows);
/* `count` (any) 8-bit values, normalised, to elements `step` apart. `out` points to elements of the kernel's type. */
typedef void ferry_warp_store_fn(const ferry_warp_scale *scale, const uint8_t *row, int count, void *out, int step);

typedef struct ferry_warp_kernels {
    ferry_warp_horizontal_fn *horizontal;       /* works on every table */
    ferry_warp_horizontal_fn *horizontal_group; /* needs group_masks; 8-bit samples, one or two components */
    ferry_warp_vertical_fn *vertical;
    ferry_warp_yuv_fn *yuv;
    ferry_warp_store_fn *store_f32, *store_f16, *store_u8;
} ferry_warp_kernels;

#define FERRY_WARP_KERNEL(field, type, function, features) ferry_warp_##type##_fn function;
#include "kernels/warp/warp.def"
#undef FERRY_WARP_KERNEL

/* The best kernels for a machine with `features` (base/cpu.h). */
void ferry_warp_select(uint32_t features, ferry_warp_kernels *kernels);

/* --- tables (taps.c) ----------------------------------------------------------------------------------------------------- */

/* Fills first, second and weights for outputs [begin, begin + count) of a resize from `source` to `target` samples; entries
 * up to `padded` are filled too. Coordinates and rounding as OpenCV's: (i + 0.5) * source / target - 0.5, in float. `vertical`
 * follows OpenCV in that only columns beyond the edge lose their second tap. All sizes at least 1, begin + count <= target. */
void ferry_warp_fill_taps(int source, int target, int begin, int count, int padded, bool vertical, int32_t *first,
                          int32_t *second, int16_t *weights);
/* Turns taps at luma samples into taps at samples half as dense, replicated. */
void ferry_warp_halve_taps(int count, int32_t *first, int32_t *second, int16_t *weights);
/* Sets `safe` and, where they fit, fills group_base (padded / 4) and group_masks (padded / 4 * components * 16); false where
 * the group form does not apply (then the columns' pointers stay NULL). Needs every other field; row_bytes is a whole row. */
bool ferry_warp_fill_groups(ferry_warp_columns *columns, int row_bytes, int32_t *group_base, uint8_t *group_masks);
/* Fills table, reciprocals and `arithmetic`; F32 and F16 only divide as told, U8 and int8 use `quant_scale` and `zero_point`:
 * clamp(round_half_even(value / quant_scale) + zero_point), with quant_scale 0 meaning the 8-bit value itself. */
typedef struct ferry_warp_normalization {
    float divisor, mean, deviation;
    float quant_scale;
    int32_t zero_point;
    bool is_signed; /* int8 instead of uint8 */
} ferry_warp_normalization;
void ferry_warp_fill_scale(const ferry_warp_normalization *normalization, ferry_warp_element element, ferry_warp_scale *scale);
/* Coefficients of a matrix and range, neither UNSPECIFIED. */
void ferry_warp_fill_colors(ferry_color_matrix matrix, ferry_color_range range, ferry_warp_colors *colors);

/* --- the whole pass (rows.c) ------------------------------------------------------------------------------------------- */

/* Samples of one plane that share a table: RGB24 has one stream, NV12 two, YUV420P three. */
typedef struct ferry_warp_stream {
    int32_t plane;
    int32_t slot[3]; /* where each component goes: R G B, or Y U V */
    ferry_warp_columns columns;
    ferry_warp_lines lines;
} ferry_warp_stream;

typedef struct ferry_warp_plan {
    int32_t width, height;                            /* of the result */
    int32_t left, top, content_width, content_height; /* where the picture lands; all around is padding */
    bool is_yuv, is_gray;                             /* of the source */
    int32_t stream_count;
    ferry_warp_stream streams[3];
    ferry_warp_colors colors;
    int32_t channels;   /* of the result: 1 (grey) or 3 */
    int32_t channel[3]; /* which of R, G, B (0, 1, 2) each output channel holds */
    bool interleaved;   /* NHWC instead of NCHW */
    ferry_warp_element element;
    uint8_t pad[3];             /* by output channel, before normalisation */
    ferry_warp_scale scales[3]; /* by output channel */
} ferry_warp_plan;

/* Bytes of scratch memory, aligned to 64, that one call of ferry_warp_rows needs; concurrent calls need one each. */
size_t ferry_warp_scratch_bytes(const ferry_warp_plan *plan);
/* Writes rows [begin, end) of the result. `image` must be of the plan's format and size and checked. Callers may split the
 * rows over threads. `output` is the whole tensor: width * height * channels elements. */
void ferry_warp_rows(const ferry_warp_plan *plan, const ferry_warp_kernels *kernels, const ferry_image *image, int begin,
                     int end, void *scratch, void *output);

/* --- free affine sampling (affine.c) ---------------------------------------------------------------------------------- */

/* Rows [begin, end) sampled through `to_source` (2x3, row-major, continuous coordinates: pixel i covers i to i + 1): float
 * bilinear, neighbours outside the picture are the padding colour, result floor(v + 0.5); YUV is interpolated before it is
 * converted except at the border. Uses of the plan: width, height,
 * channels, channel, interleaved, element, pad, scales, colors, is_yuv. */
void ferry_warp_affine_rows(const ferry_warp_plan *plan, const ferry_warp_kernels *kernels, const ferry_image *image,
                            const double to_source[6], int begin, int end, void *scratch, void *output);

#endif
