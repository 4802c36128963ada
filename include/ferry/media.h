/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures and video: what comes in (files, folders, streams), what goes out (pictures, video files, streams). */
#ifndef FERRY_MEDIA_H
#define FERRY_MEDIA_H

#include <stddef.h>
#include <stdint.h>

#include <ferry/draw.h>
#include <ferry/image.h>
#include <ferry/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What lies behind a path ---- */

typedef enum ferry_media_type {
    FERRY_MEDIA_NONE = 0,
    FERRY_MEDIA_PICTURE = 1, /* a file that begins as JPEG, PNG, BMP, GIF, TIFF, WebP, PNM, JPEG 2000 or QOI does */
    FERRY_MEDIA_VIDEO = 2,   /* any other regular file: only opening it tells whether it is a video */
    FERRY_MEDIA_FOLDER = 3,
    FERRY_MEDIA_PATTERN = 4, /* does not exist by this name and holds one of * ? [ */
    FERRY_MEDIA_STREAM = 5   /* scheme://... : rtsp, rtmp, http, udp, ... */
} ferry_media_type;

/* Looks at the name and, for files, at the first bytes. FERRY_ERROR_NOT_FOUND when nothing is there. Thread-safe. */
FERRY_API ferry_status ferry_media_kind(const char *path, ferry_media_type *type, ferry_error *error);

/* The files of a folder (not its sub-folders; those whose names begin with a dot are left out) or those that match a pattern,
 * sorted by name; a plain file gives itself. *paths is an array of *count strings that ferry_media_list_free releases.
 * FERRY_ERROR_NOT_FOUND when there is not one. Thread-safe. */
FERRY_API ferry_status ferry_media_list(const char *path, char ***paths, size_t *count, ferry_error *error);
FERRY_API void ferry_media_list_free(char **paths, size_t count);

/* FFmpeg prints to stderr by itself; this sets how much, for the whole process: 0 nothing, 1 errors, 2 warnings, 3 all. The
 * library never calls it: it is for a program's main(). */
FERRY_API void ferry_media_set_chatter(int level);

/* ---- Pictures ---- */

/* Largest side and largest number of pixels that are read; checked before any memory is taken. */
#define FERRY_PICTURE_MAX_SIDE 65535
#define FERRY_PICTURE_MAX_PIXELS 500000000

/* Reads a picture as RGB24 that the caller owns (ferry_picture_free). JPEG comes from libjpeg-turbo (accurate integer DCT,
 * smooth chroma upsampling: the same bytes as OpenCV's imread), PNG from libspng (16-bit samples are cut to their high byte),
 * others from FFmpeg (the first frame of GIFs). The EXIF orientation is applied. Alpha is dropped: the colour below it stays.
 * FERRY_ERROR_IO when the file cannot be read, FERRY_ERROR_FORMAT when it is no picture, is cut short or corrupt,
 * FERRY_ERROR_UNSUPPORTED when it is too large; `image` is zeroed then. Thread-safe. */
FERRY_API ferry_status ferry_picture_read(const char *path, ferry_image *image, ferry_error *error);
/* The same from memory; `name` is what messages call it and may be NULL. */
FERRY_API ferry_status ferry_picture_read_memory(const void *data, size_t bytes, const char *name, ferry_image *image,
                                                 ferry_error *error);

/* Writes a picture in any pixel format of ferry_image but P010: JPEG for .jpg and .jpeg (`quality` 1..100, 0 means 95; 4:2:0,
 * 4:4:4 from 95 on), PNG for .png. YUV is converted by its own matrix and range. Nothing half-written stays behind. */
FERRY_API ferry_status ferry_picture_write(const char *path, const ferry_image *image, int quality, ferry_error *error);

typedef enum ferry_picture_codec { FERRY_PICTURE_JPEG = 0, FERRY_PICTURE_PNG = 1 } ferry_picture_codec;
/* The same into memory that ferry_picture_encoded_free releases. */
FERRY_API ferry_status ferry_picture_encode(ferry_picture_codec codec, const ferry_image *image, int quality, void **data,
                                            size_t *bytes, ferry_error *error);
FERRY_API void ferry_picture_encoded_free(void *data);

/* An owned picture of the same pixels in the wanted format: RGB24 or BGR24 from every format, or the source's own format (a
 * copy, matrix and range kept). YUV becomes RGB by its matrix and range, chroma repeated, exact within one level of the
 * formulas of ITU-R BT.601/709/2020 (no tone or gamut mapping). `copy` must not be `source`. */
FERRY_API ferry_status ferry_picture_convert(const ferry_image *source, ferry_pixel_format format, ferry_image *copy,
                                             ferry_error *error);
/* Releases a picture that one of these functions made, and zeroes it; takes a zeroed one. */
FERRY_API void ferry_picture_free(ferry_image *image);

/* ---- Video in ---- */

/* A source reads and decodes in a thread of its own, ahead of its reader by a few frames. One thread may read; any thread may
 * ask for the state or cancel. */
typedef struct ferry_video_source ferry_video_source;

typedef enum ferry_video_state {
    FERRY_VIDEO_CONNECTING = 0, /* opening */
    FERRY_VIDEO_PLAYING = 1,    /* frames flow */
    FERRY_VIDEO_STALLED = 2,    /* connected, yet nothing came for half of read_timeout */
    FERRY_VIDEO_WAITING = 3,    /* connection lost or refused: waits before it tries again */
    FERRY_VIDEO_ENDED = 4       /* nothing more will come: end of the file, failure, or cancelled */
} ferry_video_state;

typedef struct ferry_video_settings {
    size_t size;          /* of this struct; set by ferry_video_settings_default */
    int threads;          /* decoder threads; 0 (default) = one a processor, at most 16 */
    int queue;            /* decoded frames held ready, 1..64; default 4 */
    double open_timeout;  /* seconds for opening once; default 10; 0 = no limit */
    double read_timeout;  /* seconds without data after which a stream counts as lost; default 10; 0 = no limit */
    int live;             /* 1: a camera or the like: decode with least delay, drop the oldest frame when the reader is slow;
                             0: a file: every frame is delivered; -1 (default): live for rtsp, rtmp, udp, rtp, srt URLs */
    int reconnect;        /* 1: open again for ever when a stream is lost, fails or ends; 0: end; -1 (default): as live */
    int retry_open;       /* 1: ferry_video_open succeeds even if the first connection does not, and goes on trying (needs
                             reconnect); default 0 */
    double backoff_least; /* seconds before the first new try, doubled up to backoff_most, 25 % random; default 1 and 30 */
    double backoff_most;
    int keep_rotation;     /* 1: leave the pixels as coded although the file says that they are to be turned; default 0 */
    const char *transport; /* RTSP: "tcp" (default), "udp", or "auto" (udp first, then tcp) */
    int keyframes_only;    /* 1: decode key frames alone; default 0 */
} ferry_video_settings;
FERRY_API ferry_video_settings ferry_video_settings_default(void);

typedef struct ferry_video_info {
    int32_t width, height;     /* of the frames delivered, after turning; 0 when not connected yet */
    ferry_pixel_format format; /* of the latest frames, after conversion */
    double fps;                /* average frames a second; 0 unknown */
    double real_fps;           /* lowest rate that represents every timestamp (FFmpeg's guess); 0 unknown */
    int64_t frames;            /* number of frames, exact or estimated from the duration; 0 unknown */
    double duration;           /* seconds; 0 unknown */
    int rotation;              /* degrees by which frames are turned clockwise: 0, 90, 180, 270 */
    int live;
    char codec[32];     /* "h264", "mpeg4" ... */
    char container[32]; /* "mov,mp4,m4a,3gp,3g2,mj2", "avi", "rtsp" ... */
} ferry_video_info;

enum {
    FERRY_FRAME_KEY = 1,     /* coded without reference to others */
    FERRY_FRAME_CHANGED = 2, /* first frame, or width, height or format differ from the frame before */
    FERRY_FRAME_DAMAGED = 4  /* the decoder concealed errors */
};

/* A decoded frame, owned by whoever read it. The pixels are the decoder's own, read-only until ferry_video_frame_make_writable;
 * the frame may outlive its source and go to other threads, one at a time. */
typedef struct ferry_video_frame {
    ferry_image image; /* NV12, NV21, YUV420P, YUV422P, YUV444P, P010, YUYV, GRAY8, RGB; others become the nearest of these */
    int64_t index;     /* 0, 1, 2 ... as decoded since the source was opened; gaps are frames that were dropped */
    int64_t microseconds; /* presentation time since the stream began (goes on across reconnections); strictly increasing */
    double seconds;       /* the same in seconds */
    int64_t capture_time; /* when the camera took it, microseconds since 1970, if the stream tells (RTCP); 0 unknown */
    int64_t arrival_time; /* when it was decoded here, microseconds since 1970 */
    int32_t generation;   /* 1 for the first connection, one more after each reconnection */
    uint32_t flags;       /* FERRY_FRAME_... */
    void *owner;          /* private */
} ferry_video_frame;

/* Opens a file or a URL. Fails with FERRY_ERROR_NOT_FOUND, _IO, _FORMAT (not a video), _UNSUPPORTED (no video stream, no
 * decoder) or _DEADLINE; a message says which. `settings` may be NULL. A local file is never allowed to name network addresses.
 */
FERRY_API ferry_status ferry_video_open(const char *url, const ferry_video_settings *settings, ferry_video_source **source,
                                        ferry_error *error);
/* The next frame in *frame, or NULL there with FERRY_OK at the end. Waits at most `timeout` seconds (negative: no limit), then
 * FERRY_ERROR_DEADLINE: the source is as good as before and may be read again. FERRY_ERROR_CANCELLED after
 * ferry_video_cancel. A file that is cut short delivers what can be decoded and then ends: ferry_video_warning tells. */
FERRY_API ferry_status ferry_video_read(ferry_video_source *source, double timeout, ferry_video_frame **frame,
                                        ferry_error *error);
FERRY_API void ferry_video_frame_release(ferry_video_frame *frame); /* takes NULL; any thread */
/* Gives the frame pixels of its own if the decoder still needs them, so that one can draw on them. */
FERRY_API ferry_status ferry_video_frame_make_writable(ferry_video_frame *frame, ferry_error *error);

FERRY_API void ferry_video_get_info(ferry_video_source *source, ferry_video_info *info);
FERRY_API ferry_video_state ferry_video_get_state(ferry_video_source *source);
/* Frames decoded, frames dropped because the reader was slow, packets that could not be decoded, connections made. */
typedef struct ferry_video_statistics {
    int64_t decoded, dropped, damaged, connections;
} ferry_video_statistics;
FERRY_API void ferry_video_get_statistics(ferry_video_source *source, ferry_video_statistics *statistics);
/* Copies the latest trouble ("'a.avi' ends early: 312 of 795 frames", "connection lost: ...") to `text`, empty when there was
 * none; returns text. */
FERRY_API const char *ferry_video_warning(ferry_video_source *source, char *text, size_t capacity);
/* Makes the call that waits and all later ones return FERRY_ERROR_CANCELLED soon. Any thread. */
FERRY_API void ferry_video_cancel(ferry_video_source *source);
FERRY_API void ferry_video_close(ferry_video_source **source); /* sets NULL; takes NULL in it; ends within a second */

/* ---- Video out ---- */

typedef struct ferry_video_sink ferry_video_sink;

typedef struct ferry_sink_settings {
    size_t size;       /* of this struct; set by ferry_sink_settings_default */
    const char *codec; /* NULL (default): H.264 if this build can encode it, else MPEG-4; or "h264", "hevc", "mpeg4", "mjpeg" */
    const char *format;      /* NULL (default): by the name; or FFmpeg's name of a container, such as "mpegts" */
    double fps;              /* for rate control, and the frame grid of AVI; default 25. Times of frames come with each frame */
    int quality;             /* constant quality, 0 (best) to 51; default 23; used when bitrate is 0 */
    int64_t bitrate;         /* bits a second; default 0 */
    const char *preset;      /* of libx264 and libx265; default "veryfast" */
    int threads;             /* encoder threads; 0 (default) = the encoder's choice */
    double timeout;          /* seconds for connecting to or sending to a network address; default 10 */
    int low_latency;         /* 1: no B-frames, no look-ahead; always so for network addresses; default 0 */
    double keyframe_seconds; /* default 2 for network addresses, else 10 */
} ferry_sink_settings;
FERRY_API ferry_sink_settings ferry_sink_settings_default(void);

/* Opens a video file (.mp4, .m4v, .mov, .mkv, .avi, .ts, .flv, .mjpeg), an HLS playlist (.m3u8, its segments beside it), or a
 * network address (rtsp://, rtmp://, udp://, srt://; http:// posts motion JPEG). A file is written under a temporary name
 * beside it and appears under its own on ferry_video_sink_close, an MP4 with its index in front; a device or pipe is written in
 * place. The encoder is opened by the first frame. FERRY_ERROR_UNSUPPORTED when no container or encoder fits. `settings` may be
 * NULL. One thread at a time. */
FERRY_API ferry_status ferry_video_sink_open(const char *url, const ferry_sink_settings *settings, ferry_video_sink **sink,
                                             ferry_error *error);
/* Encodes a frame of any pixel format as YUV 4:2:0, 8 bits, tagged with the frame's matrix, range and the primaries that go
 * with them; RGB is made BT.709 from 720 lines on, else BT.601, limited range. Odd sizes grow by one repeated column or row. A
 * later frame of another size is scaled to the first one's. Times count from the first frame's and must grow; one that does not
 * is moved just behind the one before. The pixels are read before this returns. After a failure the sink only fails on. */
FERRY_API ferry_status ferry_video_sink_write(ferry_video_sink *sink, const ferry_image *image, int64_t microseconds,
                                              ferry_error *error);
/* Flushes, finishes and frees; sets NULL. On failure (say, a full disk) nothing is left under the name. */
FERRY_API ferry_status ferry_video_sink_close(ferry_video_sink **sink, ferry_error *error);
/* Frees and removes what was written; sets NULL; takes NULL in it. */
FERRY_API void ferry_video_sink_abort(ferry_video_sink **sink);
/* "libx264" ...; NULL before the first frame. */
FERRY_API const char *ferry_video_sink_encoder(const ferry_video_sink *sink);

#ifdef __cplusplus
}
#endif
#endif
