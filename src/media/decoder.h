/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: a file or stream opened once, demuxed and decoded by the calling thread. */
#ifndef FERRY_MEDIA_DECODER_H
#define FERRY_MEDIA_DECODER_H

#include <libavutil/frame.h>

#include <ferry/media.h>

#include "base/error.h"
#include "media/watch.h"

typedef struct ferry_decoder ferry_decoder;

/* `settings` complete; live and reconnect resolved to 0 or 1. `watch` must outlive the decoder. Errors as ferry_video_open. */
ferry_status ferry_decoder_open(const char *url, const ferry_video_settings *settings, ferry_watch *watch,
                                ferry_decoder **decoder, ferry_error *error);
void ferry_decoder_close(ferry_decoder **decoder);

/* What a decoded frame is, apart from its pixels. */
typedef struct ferry_decoded {
    bool end; /* nothing more: `warning` of the decoder tells if that was too early */
    bool has_time;
    int64_t microseconds; /* since the stream's start; may be negative or jump */
    int64_t capture_time; /* as in ferry_video_frame */
} ferry_decoded;

/* Decodes the next frame into `frame` (unreferenced before). Damaged packets are counted and skipped. FERRY_ERROR_CANCELLED
 * when the watch was cancelled; every other trouble is an end with a warning. */
ferry_status ferry_decoder_next(ferry_decoder *decoder, AVFrame *frame, ferry_decoded *decoded, ferry_error *error);

/* All but format and live; width and height as the frames will be delivered. */
void ferry_decoder_info(const ferry_decoder *decoder, ferry_video_info *info);
/* How frames must be turned, as in media/convert.h. */
int ferry_decoder_orientation(const ferry_decoder *decoder);
int64_t ferry_decoder_damaged(const ferry_decoder *decoder);
const char *ferry_decoder_warning(const ferry_decoder *decoder); /* never NULL */

#endif
