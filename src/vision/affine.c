/* SPDX-License-Identifier: Apache-2.0 */
#include "vision/affine.h"

#include <math.h>
#include <string.h>

bool ferry_affine_from_matrix(const double to_network[6], ferry_affine *affine) {
    const double *m = to_network;
    const double determinant = m[0] * m[4] - m[1] * m[3];
    for (int i = 0; i < 6; i++)
        if (!isfinite(m[i])) return false;
    if (determinant == 0 || !isfinite(1 / determinant)) return false;
    memcpy(affine->to_network, m, sizeof affine->to_network);
    double *inverse = affine->to_picture;
    inverse[0] = m[4] / determinant;
    inverse[1] = -m[1] / determinant;
    inverse[3] = -m[3] / determinant;
    inverse[4] = m[0] / determinant;
    inverse[2] = -(inverse[0] * m[2] + inverse[1] * m[5]);
    inverse[5] = -(inverse[3] * m[2] + inverse[4] * m[5]);
    return true;
}

ferry_affine ferry_affine_from_scale(double scale_x, double scale_y, double offset_x, double offset_y) {
    return (ferry_affine){.to_network = {scale_x, 0, offset_x, 0, scale_y, offset_y},
                          .to_picture = {1 / scale_x, 0, -offset_x / scale_x, 0, 1 / scale_y, -offset_y / scale_y}};
}

void ferry_affine_from_index_matrix(const double index_matrix[6], double matrix[6]) {
    for (int row = 0; row < 6; row += 3) {
        const double a = index_matrix[row], b = index_matrix[row + 1];
        matrix[row] = a;
        matrix[row + 1] = b;
        matrix[row + 2] = index_matrix[row + 2] + 0.5 - 0.5 * (a + b);
    }
}

void ferry_affine_box_to_picture(const ferry_affine *affine, const float box[4], float out[4]) {
    double x[4], y[4];
    for (int i = 0; i < 4; i++) ferry_affine_apply(affine->to_picture, box[i & 1 ? 2 : 0], box[i & 2 ? 3 : 1], &x[i], &y[i]);
    out[0] = (float)fmin(fmin(x[0], x[1]), fmin(x[2], x[3]));
    out[1] = (float)fmin(fmin(y[0], y[1]), fmin(y[2], y[3]));
    out[2] = (float)fmax(fmax(x[0], x[1]), fmax(x[2], x[3]));
    out[3] = (float)fmax(fmax(y[0], y[1]), fmax(y[2], y[3]));
}

static float clip(float value, int limit) { return value > 0 ? (value < (float)limit ? value : (float)limit) : 0; }

void ferry_box_clip(float box[4], int width, int height) {
    for (int i = 0; i < 4; i++) box[i] = clip(box[i], i & 1 ? height : width);
}

static void center_of(const double *points, int count, double *x, double *y) {
    *x = *y = 0;
    for (int i = 0; i < count; i++) *x += points[2 * i] / count, *y += points[2 * i + 1] / count;
}

bool ferry_similarity_from_points(const double *from, const double *to, int count, double matrix[6]) {
    double from_x, from_y, to_x, to_y, dot = 0, cross = 0, square = 0;
    center_of(from, count, &from_x, &from_y);
    center_of(to, count, &to_x, &to_y);
    for (int i = 0; i < count; i++) {
        double px = from[2 * i] - from_x, py = from[2 * i + 1] - from_y;
        double qx = to[2 * i] - to_x, qy = to[2 * i + 1] - to_y;
        dot += px * qx + py * qy;
        cross += px * qy - py * qx;
        square += px * px + py * py;
    }
    if (!(square > 0) || !isfinite(square)) return false;
    const double a = dot / square, b = cross / square;
    const double result[6] = {a, -b, to_x - a * from_x + b * from_y, b, a, to_y - b * from_x - a * from_y};
    memcpy(matrix, result, sizeof result);
    return isfinite(a) && isfinite(b);
}

bool ferry_face_template(int size, double points[10]) {
    /* insightface/utils/face_align.py, arcface_dst, for 112 x 112. */
    static const double reference[10] = {38.2946, 51.6963, 73.5318, 51.5014, 56.0252,
                                         71.7366, 41.5493, 92.3655, 70.7299, 92.2041};
    const bool wide = size % 112 != 0;
    if (size < 112 || (wide && size % 128 != 0)) return false;
    const double ratio = wide ? size / 128.0 : size / 112.0;
    for (int i = 0; i < 10; i++) points[i] = reference[i] * ratio + (wide && i % 2 == 0 ? 8 * ratio : 0);
    return true;
}

bool ferry_face_affine(const ferry_keypoint keypoints[5], int size, double to_network[6]) {
    double from[10], to[10], index_matrix[6];
    if (!ferry_face_template(size, to)) return false;
    for (int i = 0; i < 5; i++) from[2 * i] = (double)keypoints[i].x, from[2 * i + 1] = (double)keypoints[i].y;
    if (!ferry_similarity_from_points(from, to, 5, index_matrix)) return false;
    ferry_affine_from_index_matrix(index_matrix, to_network);
    return true;
}

bool ferry_pose_affine(const float box[4], int width, int height, double padding, double to_network[6]) {
    const double x = ((double)box[0] + (double)box[2]) / 2, y = ((double)box[1] + (double)box[3]) / 2;
    const double box_width = (double)box[2] - (double)box[0], box_height = (double)box[3] - (double)box[1];
    if (!(box_width > 0 && box_height > 0 && padding > 0 && isfinite(box_width * box_height))) return false;
    const double grown = fmax(box_width, box_height * width / height) * padding, scale = width / grown;
    const double index_matrix[6] = {scale, 0, width / 2.0 - scale * x, 0, scale, height / 2.0 - scale * y};
    ferry_affine_from_index_matrix(index_matrix, to_network);
    return true;
}
