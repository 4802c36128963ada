/* SPDX-License-Identifier: Apache-2.0 */
/* The transform between picture and network input, and the ways to make one. Pure functions, thread-safe. */
#ifndef FERRY_VISION_AFFINE_H
#define FERRY_VISION_AFFINE_H

#include <stdbool.h>

#include <ferry/vision.h>

/* Computes the inverse of to_network. False when it is singular or not finite. */
bool ferry_affine_from_matrix(const double to_network[6], ferry_affine *affine);
/* x' = x * scale_x + offset_x and so on; both scales not 0. */
ferry_affine ferry_affine_from_scale(double scale_x, double scale_y, double offset_x, double offset_y);

/* From a matrix between pixel indices (cv2.warpAffine, face templates: integer = centre of a pixel) to continuous coordinates.
 */
void ferry_affine_from_index_matrix(const double index_matrix[6], double matrix[6]);

static inline void ferry_affine_apply(const double matrix[6], double x, double y, double *out_x, double *out_y) {
    *out_x = matrix[0] * x + matrix[1] * y + matrix[2];
    *out_y = matrix[3] * x + matrix[4] * y + matrix[5];
}

/* A box in network input to the box around it in the picture. */
void ferry_affine_box_to_picture(const ferry_affine *affine, const float box[4], float out[4]);
/* Clips to [0, width] x [0, height]. */
void ferry_box_clip(float box[4], int width, int height);

/* The similarity (rotation, one scale, shift) that takes `from` to `to` with the least squared error; `count` points as x, y
 * pairs. Umeyama 1991 without reflection, in its closed form for the plane:
 * a = sum(p . q) / sum |p|^2, b = sum(p x q) / sum |p|^2 over centred points. False when all points of `from` coincide. */
bool ferry_similarity_from_points(const double *from, const double *to, int count, double matrix[6]);

/* The five ArcFace points (left eye, right eye, nose, mouth corners as seen) for a square crop of `size` pixels, a multiple of
 * 112 or of 128 (then the face stands 8/128 further in), as pixel indices. False for other sizes. */
bool ferry_face_template(int size, double points[10]);

/* The transform of FERRY_FIT_AFFINE that brings a face upright into a square input of `size`: five keypoints in the order of
 * the template, as face detectors tell them, taken as pixel indices like InsightFace does. False when they make no transform.
 */
bool ferry_face_affine(const ferry_keypoint keypoints[5], int size, double to_network[6]);
/* The transform that fills a width x height input with a box (x0 y0 x1 y1) grown to the input's aspect and by `padding` (1.25
 * in mmpose 0.x, whose _box2cs and get_affine_transform this is, without half-pixel term). False for an empty box. */
bool ferry_pose_affine(const float box[4], int width, int height, double padding, double to_network[6]);

#endif
