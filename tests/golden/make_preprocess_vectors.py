#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/unit/vision_preprocess_vectors.inc: what OpenCV makes of synthetic pictures, as CRC-32 of the 8-bit result.

Run: python3 tests/golden/make_preprocess_vectors.py > tests/unit/vision_preprocess_vectors.inc   (needs numpy, opencv)
The pictures come from a formula that the C test repeats, so that nothing but numbers is stored.
"""
import sys
import zlib

import cv2
import numpy as np

LETTERBOX, TOP_LEFT, STRETCH, MINIMUM_RECTANGLE = range(4)


def synthetic(count, seed):
    index = np.arange(count, dtype=np.uint64)
    return ((((index + seed) * 2654435761) % (1 << 32)) >> 13).astype(np.uint8)


def letterbox(image, width, height, auto=False, scale_up=True, stride=32):
    """Ultralytics yolov5 utils/augmentations.py, restated."""
    h, w = image.shape[:2]
    ratio = min(height / h, width / w)
    if not scale_up:
        ratio = min(ratio, 1.0)
    new_w, new_h = round(w * ratio), round(h * ratio)
    dw, dh = width - new_w, height - new_h
    if auto:
        dw, dh = dw % stride, dh % stride
    dw, dh = dw / 2, dh / 2
    if (w, h) != (new_w, new_h):
        image = cv2.resize(image, (new_w, new_h), interpolation=cv2.INTER_LINEAR)
    return cv2.copyMakeBorder(image, round(dh - 0.1), round(dh + 0.1), round(dw - 0.1), round(dw + 0.1),
                              cv2.BORDER_CONSTANT, value=(114, 114, 114))


def top_left(image, width, height):
    """YOLOX data_augment.py, restated."""
    h, w = image.shape[:2]
    ratio = min(height / h, width / w)
    resized = cv2.resize(image, (int(w * ratio), int(h * ratio)), interpolation=cv2.INTER_LINEAR)
    padded = np.full((height, width) + image.shape[2:], 114, np.uint8)
    padded[:resized.shape[0], :resized.shape[1]] = resized
    return padded


def run(fit, image, width, height, scale_up):
    if fit == STRETCH:
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    if fit == TOP_LEFT:
        return top_left(image, width, height)
    return letterbox(image, width, height, auto=fit == MINIMUM_RECTANGLE, scale_up=bool(scale_up))


def cases():
    rng = np.random.default_rng(7)
    yield from [(LETTERBOX, 3, 1280, 720, 640, 640, 1), (LETTERBOX, 3, 810, 1080, 640, 640, 1),
                (LETTERBOX, 3, 1920, 1080, 640, 640, 1), (LETTERBOX, 1, 1920, 1080, 640, 640, 1),
                (LETTERBOX, 3, 3840, 2160, 640, 640, 1), (LETTERBOX, 3, 100, 80, 640, 640, 1),
                (LETTERBOX, 3, 100, 80, 640, 640, 0), (LETTERBOX, 3, 640, 640, 640, 640, 1),
                (MINIMUM_RECTANGLE, 3, 1280, 720, 640, 640, 1), (MINIMUM_RECTANGLE, 3, 810, 1080, 640, 640, 1),
                (TOP_LEFT, 3, 810, 1080, 416, 416, 1), (STRETCH, 3, 1, 1, 7, 5, 1), (STRETCH, 1, 1, 9, 16, 3, 1),
                (STRETCH, 3, 2, 2, 33, 31, 1), (STRETCH, 1, 17, 1, 9, 4, 1), (STRETCH, 3, 6, 3, 3, 2, 1)]
    for index in range(90):
        fit = (STRETCH, LETTERBOX, TOP_LEFT, MINIMUM_RECTANGLE)[index % 4]
        channels = 1 if index % 5 == 0 else 3
        w, h = (int(value) for value in rng.integers(1 if fit == STRETCH else 40, 500, 2))
        width, height = (int(value) for value in rng.integers(1 if fit == STRETCH else 40, 400, 2))
        yield fit, channels, w, h, width, height, index % 3 != 0 or fit == TOP_LEFT


def yuv_case():
    """A picture within the RGB cube, so that converting before or after the resize differs by rounding alone."""
    w, h, width, height = 38, 22, 17, 11
    luma = 80 + synthetic(w * h, 11).reshape(h, w) % 90
    chroma = 104 + synthetic((w // 2) * (h // 2) * 2, 5).reshape(h // 2, w) % 48
    nv12 = np.vstack([luma, chroma]).astype(np.uint8)
    return cv2.resize(cv2.cvtColor(nv12, cv2.COLOR_YUV2RGB_NV12), (width, height), interpolation=cv2.INTER_LINEAR)


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print(f"/* Made by tests/golden/make_preprocess_vectors.py with OpenCV {cv2.__version__}. */")
    print("static const preprocess_case preprocess_cases[] = {")
    for fit, channels, w, h, width, height, scale_up in cases():
        image = synthetic(w * h * channels, w + 31 * h).reshape(h, w, channels) if channels > 1 else \
            synthetic(w * h, w + 31 * h).reshape(h, w)
        result = run(fit, image, width, height, scale_up)
        crc = zlib.crc32(np.ascontiguousarray(result).tobytes())
        print(f"    {{{fit}, {channels}, {w}, {h}, {width}, {height}, {int(scale_up)}, {result.shape[1]}, {result.shape[0]}, "
              f"0x{crc:08x}}},")
    print("};")
    print("static const unsigned char nv12_expected[11 * 17 * 3] = {")
    values = yuv_case().reshape(-1)
    for start in range(0, len(values), 24):
        print("    " + ", ".join(str(value) for value in values[start:start + 24]) + ",")
    print("};")


if __name__ == "__main__":
    sys.exit(main())
