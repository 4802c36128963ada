/* SPDX-License-Identifier: Apache-2.0 */
/* Breaks the rule that FFmpeg is for src/media alone, on purpose. */
#include <libavutil/frame.h>
