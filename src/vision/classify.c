/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "vision/heads.h"

/* Insertion into a list of the k best: k is small, and most scores fail the first comparison. */
int ferry_classify(const float *scores, int count, bool softmax, int k, ferry_class_score *best) {
    int found = 0;
    for (int i = 0; k > 0 && i < count; i++) {
        if (scores[i] != scores[i] || (found == k && !(scores[i] > best[found - 1].score))) continue;
        int place = found < k ? found++ : k - 1;
        for (; place > 0 && scores[i] > best[place - 1].score; place--) best[place] = best[place - 1];
        best[place] = (ferry_class_score){i, scores[i]};
    }
    if (!softmax || found == 0) return found;
    const float top = best[0].score;
    double sum = 0;
    for (int i = 0; i < count; i++)
        if (scores[i] == scores[i]) sum += exp((double)(scores[i] - top));
    for (int i = 0; i < found; i++) best[i].score = (float)(exp((double)(best[i].score - top)) / sum);
    return found;
}

void ferry_normalize_embedding(const float *values, int count, float *out) {
    double square = 0;
    for (int i = 0; i < count; i++) square += (double)values[i] * values[i];
    const float factor = square > 0 ? (float)(1 / sqrt(square)) : 0;
    for (int i = 0; i < count; i++) out[i] = values[i] * factor;
}

static float quarter_step(float before, float after) { return after > before ? 0.25f : after < before ? -0.25f : 0; }

static ferry_keypoint heatmap_peak(const float *map, int height, int width) {
    int peak = 0;
    for (int i = 1; i < height * width; i++)
        if (map[i] > map[peak]) peak = i;
    if (!(map[peak] > 0)) return (ferry_keypoint){-1, -1, map[peak]};
    const int x = peak % width, y = peak / width;
    ferry_keypoint point = {(float)x, (float)y, map[peak]};
    if (x > 1 && x < width - 1 && y > 1 && y < height - 1) {
        point.x += quarter_step(map[peak - 1], map[peak + 1]);
        point.y += quarter_step(map[peak - width], map[peak + width]);
    }
    return point;
}

void ferry_decode_heatmaps(const float *maps, int joints, int height, int width, ferry_keypoint *keypoints) {
    for (int joint = 0; joint < joints; joint++)
        keypoints[joint] = heatmap_peak(maps + (ptrdiff_t)joint * height * width, height, width);
}
