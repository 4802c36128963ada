#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boxes on real pictures: ferry beside a reference of OpenCV (letterbox), ONNX Runtime and NumPy (decoding, NMS as Ultralytics does
it). Every box must have its like within 1 pixel a side and 0.01 in score, of the same class, and none may be left over on either
side except within 0.01 of the threshold."""
import os
import sys

import reference as r
from reference import numpy as np

try:
    import cv2
except ImportError as missing:
    r.skip(f"a Python package is missing: {missing}")

# The weights at hand want RGB scaled to 1 and normalised as for ImageNet; exports of today want BGR from 0 to 255, which is what the
# model card says unless told otherwise.
YOLOX_CARD = ["divisor=255", "channels=rgb", "mean=[0.485, 0.456, 0.406]", "deviation=[0.229, 0.224, 0.225]"]
PICTURES = ["bus.jpg", "zidane.jpg", "dog.jpg"]
CONFIDENCE, IOU, PIXELS, SCORE = 0.25, 0.45, 1.0, 0.01


def letterbox(picture, size, centred):
    height, width = picture.shape[:2]
    ratio = min(size / height, size / width)
    if centred:  # ultralytics/utils: rounding to nearest, padding split in two
        new = round(width * ratio), round(height * ratio)
        left, top = round((size - new[0]) / 2 - 0.1), round((size - new[1]) / 2 - 0.1)
    else:  # YOLOX: cut off, at the top left
        new, left, top = (int(width * ratio), int(height * ratio)), 0, 0
    resized = cv2.resize(picture, new, interpolation=cv2.INTER_LINEAR) if new != (width, height) else picture
    padded = np.full((size, size, 3), 114, np.uint8)
    padded[top : top + new[1], left : left + new[0]] = resized
    return padded, ratio, left, top


def network_input(padded, kind):
    values = padded[:, :, ::-1].astype(np.float32) / np.float32(255)
    if kind == "yolox":
        values = (values - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def decode(output, kind, size):
    """Boxes (centre, size), scores and classes above the threshold."""
    rows = output[0].astype(np.float32)
    if kind == "yolov8":
        rows = rows.T
        scores = rows[:, 4:]
    else:
        if kind == "yolox":
            grids, strides = [], []
            for stride in (8, 16, 32):
                cells = size // stride
                ys, xs = np.mgrid[:cells, :cells]
                grids.append(np.stack([xs, ys], -1).reshape(-1, 2))
                strides.append(np.full((cells * cells, 1), stride))
            grid, stride = np.concatenate(grids), np.concatenate(strides)
            rows = np.concatenate([(rows[:, :2] + grid) * stride, np.exp(rows[:, 2:4]) * stride, rows[:, 4:]], 1)
        rows = rows[rows[:, 4] > CONFIDENCE] if kind == "yolov5" else rows
        scores = rows[:, 5:] * rows[:, 4:5]
    best = scores.argmax(1) if len(scores) else np.zeros(0, int)
    score = scores[np.arange(len(scores)), best]
    keep = score > CONFIDENCE
    centre, half = rows[keep, :2], rows[keep, 2:4] / 2
    return np.concatenate([centre - half, centre + half], 1), score[keep], best[keep]


def overlap(box, others):
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(1)
    return shared / ((box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - shared)


def suppress(boxes, scores, classes):
    kept = []
    for index in np.argsort(-scores, kind="stable"):
        rivals = [k for k in kept if classes[k] == classes[index]]
        if not rivals or (overlap(boxes[index], boxes[rivals]) <= IOU).all():
            kept.append(index)
    return kept


def reference_boxes(model, kind, size, picture):
    padded, ratio, left, top = letterbox(picture, size, kind != "yolox")
    values = network_input(padded, kind)
    info = model.get_inputs()[0]
    output = model.run(None, {info.name: values.astype(np.float16) if "float16" in info.type else values})[0]
    boxes, scores, classes = decode(output, kind, size)
    found = []
    for index in suppress(boxes, scores, classes):
        box = (boxes[index] - [left, top, left, top]) / ratio
        height, width = picture.shape[:2]
        found.append((np.clip(box, 0, [width, height, width, height]), float(scores[index]), int(classes[index])))
    return found


def match(ours, theirs):
    """Faults in words."""
    left, faults = list(theirs), []
    for box, score, label in ours:
        twin = next((t for t in left if t[2] == label and np.abs(t[0] - box).max() <= PIXELS and abs(t[1] - score) <= SCORE), None)
        if twin is not None:
            left = [t for t in left if t is not twin]
        elif score > CONFIDENCE + SCORE:
            faults.append(f"ours alone: class {label} {score:.3f} {np.round(box, 1).tolist()}")
    faults += [f"theirs alone: class {t[2]} {t[1]:.3f} {np.round(t[0], 1).tolist()}" for t in left if t[1] > CONFIDENCE + SCORE]
    return faults


def main():
    cases = [("yolov5n", "yolov5", 640), ("yolov5s", "yolov5", 640), ("yolov8n", "yolov8", 640), ("yolox_nano", "yolox", 416)]
    failures = compared = 0
    for name, kind, size in cases:
        path = os.path.join(r.MODELS, name + ".onnx")
        if not os.path.exists(path):
            continue
        model = r.session(path)
        pictures = [os.path.join(r.IMAGES, picture) for picture in PICTURES]
        card = [word for line in YOLOX_CARD for word in ("--set", line)] if kind == "yolox" else []
        lines = r.ferry_json_lines("run", path, *pictures, "--confidence", str(CONFIDENCE), "--iou", str(IOU), "--quiet", *card)
        for line, picture in zip(lines, pictures):
            ours = [(np.array(d["box"]), d["score"], d["class"]) for d in line["detections"]]
            theirs = reference_boxes(model, kind, size, cv2.imread(picture))
            faults = match(ours, theirs)
            compared += 1
            failures += bool(faults)
            print("\n         ".join([f"{'FAILED' if faults else 'ok    '} {name} {os.path.basename(picture)}: {len(ours)} boxes", *faults]))
    print(f"{compared} comparisons, {failures} failed")
    return 1 if failures or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
