/* SPDX-License-Identifier: Apache-2.0 */
/* Kalman filters of boxes under constant velocity. All noise in ByteTrack's and SORT's filters is diagonal and the model
 * couples a coordinate only with its own velocity, so that the 8x8 covariance stays in blocks of 2x2: four small filters are
 * the same filter, without a matrix in sight. */
#ifndef FERRY_VISION_KALMAN_H
#define FERRY_VISION_KALMAN_H

/* A coordinate and its velocity a frame, with the covariance [pp pv; pv vv]. */
typedef struct ferry_kalman {
    double position, velocity;
    double pp, pv, vv;
} ferry_kalman;

/* One frame on; noise as variances. */
static inline void ferry_kalman_predict(ferry_kalman *k, double position_noise, double velocity_noise) {
    k->position += k->velocity;
    k->pp += 2 * k->pv + k->vv + position_noise;
    k->pv += k->vv;
    k->vv += velocity_noise;
}

/* A measured position with its variance. */
static inline void ferry_kalman_update(ferry_kalman *k, double measured, double noise) {
    const double sum = k->pp + noise, gain = k->pp / sum, velocity_gain = k->pv / sum, surprise = measured - k->position;
    k->position += gain * surprise;
    k->velocity += velocity_gain * surprise;
    k->vv -= velocity_gain * k->pv;
    k->pv -= gain * k->pv;
    k->pp -= gain * k->pp;
}

#endif
