/* SPDX-License-Identifier: Apache-2.0 */
/* From FFmpeg's frames to ferry_video_frame. */
#ifndef FERRY_MEDIA_FRAME_H
#define FERRY_MEDIA_FRAME_H

#include <libavutil/frame.h>

#include <ferry/media.h>

#include "base/error.h"

struct SwsContext;

/* Takes over the pixels of `decoded` (which is left empty), converting and turning them if need be. Only image, flags (KEY,
 * DAMAGED) and owner are set. `scaler` is kept between calls. */
ferry_status ferry_frame_take(AVFrame *decoded, int orientation, struct SwsContext **scaler, ferry_video_frame **frame,
                              ferry_error *error);

#endif
