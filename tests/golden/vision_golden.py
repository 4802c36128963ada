#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares Ferry's vision stages with the Python originals: vision_golden.py PROBE ASSETS [name...].

For each model and picture: network input (must be equal to the last bit), then boxes, classes and keypoints from the same raw
outputs (1 pixel, 0.01). ONNX Runtime gives the outputs, OpenCV the reference input, this file restates the decoders from their
published formulas. Exit 77 (skipped) without the packages or the assets.
"""
import csv
import os
import subprocess
import sys
import tempfile

SKIP = 77
try:
    import cv2
    import numpy as np
    import onnxruntime
except ImportError as error:
    print(f"skipped: {error} (needs numpy, opencv, onnxruntime)")
    sys.exit(SKIP)

from make_preprocess_vectors import letterbox, top_left

PROBE, ASSETS = sys.argv[1:3]
ONLY = sys.argv[3:]
if not os.path.isdir(os.path.join(ASSETS, "models")):
    print(f"skipped: no models under {ASSETS}")
    sys.exit(SKIP)
BGR24 = 2
DTYPES = {"tensor(float)": 1, "tensor(uint8)": 2, "tensor(int8)": 3, "tensor(float16)": 10}
MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def picture(name):
    return cv2.imread(os.path.join(ASSETS, "images", name), cv2.IMREAD_COLOR)


class Model:
    """A model with its recognised card, its session and a folder for the probe's files."""

    def __init__(self, name, folder, **overrides):
        self.name, self.folder = name, folder
        path = os.path.join(ASSETS, "models", name + ".onnx")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 2
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.card = self.recognize()
        self.task = self.card.split("\n")[0].split(": ")[1]
        lines = [line for line in self.card.split("\n") if line.split(":")[0] not in overrides]
        self.card = "\n".join(lines + [f"{key}: {value}" for key, value in overrides.items()]) + "\n"
        self.card_path = os.path.join(folder, name + ".card")
        with open(self.card_path, "w") as file:
            file.write(self.card)

    def recognize(self):
        path = os.path.join(self.folder, self.name + ".signature")
        with open(path, "w") as file:
            for kind, values in (("input", self.session.get_inputs()), ("output", self.session.get_outputs())):
                for value in values:
                    dims = [dim if isinstance(dim, int) else -1 for dim in value.shape]
                    print(kind, value.name, DTYPES[value.type], *dims, file=file)
            for key, value in self.session.get_modelmeta().custom_metadata_map.items():
                print("meta", key, value.replace("\n", " "), file=file)
        return subprocess.run([PROBE, "recognize", path], check=True, capture_output=True, text=True).stdout

    def infer(self, tensor):
        name = self.session.get_inputs()[0].name
        values = self.session.run(None, {name: tensor})
        return {output.name: value for output, value in zip(self.session.get_outputs(), values)}

    def probe(self, image, outputs=None, affine="-"):
        """Returns the network input that the C side makes, and its lines of results."""
        image_path, input_path = os.path.join(self.folder, "image.raw"), os.path.join(self.folder, "input.raw")
        np.ascontiguousarray(image).tofile(image_path)
        command = [PROBE, "run", self.card_path, image_path, str(BGR24), str(image.shape[1]), str(image.shape[0]), affine, input_path]
        if outputs is not None:
            listing = os.path.join(self.folder, "outputs.txt")
            with open(listing, "w") as file:
                for index, (name, value) in enumerate(outputs.items()):
                    path = os.path.join(self.folder, f"output{index}.raw")
                    np.ascontiguousarray(value, np.float32).tofile(path)
                    print(name, path, *value.shape, file=file)
            command.append(listing)
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
        shape = [int(word) for word in lines[0].split()[1:]]
        return np.fromfile(input_path, np.float32).reshape(shape), lines[1:]


def rows(lines, kind):
    return np.array([[float(word) for word in line.split()[1:]] for line in lines if line.startswith(kind + " ")], np.float64)


def same_input(model, ours, reference):
    assert ours.shape == reference.shape, f"{model.name}: network input {ours.shape}, reference {reference.shape}"
    worst = np.abs(ours - reference).max()
    assert np.array_equal(ours, reference), f"{model.name}: network input differs by up to {worst}"


def same_boxes(what, ours, reference, pixels=1.0, score=0.01):
    """Every box of the reference has one of ours of the same class beside it, and none is left over."""
    assert len(ours) == len(reference), f"{what}: {len(ours)} boxes, reference {len(reference)}"
    left = list(range(len(ours)))
    for row in reference:
        near = [i for i in left if ours[i, 5] == row[5] and abs(ours[i, 4] - row[4]) <= score
                and np.abs(ours[i, :4] - row[:4]).max() <= pixels
                and (len(row) == 6 or np.abs(ours[i, 6:] - row[6:]).max() <= pixels)]
        assert near, f"{what}: no box of ours near {row}"
        left.remove(near[0])


# --- references ------------------------------------------------------------------------------------------------------------

def planar(rgb):
    return np.ascontiguousarray(rgb.transpose(2, 0, 1))[None]


def greedy(boxes, scores, threshold, extra=0):
    order, kept = np.argsort(-scores, kind="stable"), []
    areas = (boxes[:, 2] - boxes[:, 0] + extra) * (boxes[:, 3] - boxes[:, 1] + extra)
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low, high = np.maximum(boxes[best, :2], boxes[order, :2]), np.minimum(boxes[best, 2:], boxes[order, 2:])
        size = np.maximum(high - low + extra, 0)
        inter = size[:, 0] * size[:, 1]
        order = order[~(inter / (areas[best] + areas[order] - inter) > threshold)]
    return kept


def suppress(found, iou, max_detections=300):
    """Ultralytics non_max_suppression after its thresholds: rows x0 y0 x1 y1 score class. It shifts classes apart by 7680 pixels
    each, which in float32 moves boxes of high classes by up to 1/32 pixel; here classes are taken one by one instead."""
    found = found[np.argsort(-found[:, 4], kind="stable")[:30000]]
    kept = []
    for cls in np.unique(found[:, 5]):
        members = (found[:, 5] == cls).nonzero()[0]
        kept += list(members[greedy(found[members, :4], found[members, 4], iou)])
    return found[sorted(kept)[:max_detections]]


def corners(xywh):
    half = xywh[:, 2:4] / 2
    return np.concatenate([xywh[:, :2] - half, xywh[:, :2] + half], 1)


def pick(boxes, scores, conf, multi_label):
    if multi_label:
        anchor, cls = (scores > conf).nonzero()
    else:
        cls = scores.argmax(1)
        anchor = (scores.max(1) > conf).nonzero()[0]
        cls = cls[anchor]
    return np.concatenate([boxes[anchor], scores[anchor, cls][:, None], cls[:, None].astype(np.float32)], 1)


def decode_yolov5(output, conf, iou, multi_label=False):
    rows_ = output[0][output[0][:, 4] > conf]
    return suppress(pick(corners(rows_), rows_[:, 5:] * rows_[:, 4:5], conf, multi_label), iou)


def decode_yolov8(output, conf, iou, multi_label=False):
    rows_ = output[0].T
    return suppress(pick(corners(rows_), rows_[:, 4:], conf, multi_label), iou)


def decode_yolox(output, size, conf, iou):
    grid, stride = [], []
    for s in (8, 16, 32):
        ys, xs = np.mgrid[:size // s, :size // s]
        grid.append(np.stack([xs.ravel(), ys.ravel()], 1))
        stride.append(np.full((xs.size, 1), s))
    grid, stride = np.concatenate(grid).astype(np.float32), np.concatenate(stride).astype(np.float32)
    rows_ = output[0]
    boxes = corners(np.concatenate([(rows_[:, :2] + grid) * stride, np.exp(rows_[:, 2:4]) * stride], 1))
    found = pick(boxes, rows_[:, 5:] * rows_[:, 4:5], np.nextafter(np.float32(conf), np.float32(0)), False)
    return suppress(found, iou)


def decode_scrfd(outputs, width, height, conf, iou):
    values = [value.reshape(-1, value.shape[-1]) for value in outputs.values()]
    found, points = [], []
    for level, stride in enumerate((8, 16, 32)):
        score, box, kps = values[level][:, 0], values[level + 3] * stride, values[level + 6] * stride
        ys, xs = np.mgrid[:height // stride, :width // stride]
        centers = np.stack([xs, ys], -1).astype(np.float32).reshape(-1, 2) * stride
        centers = np.repeat(centers, len(score) // len(centers), 0)
        keep = score >= conf
        boxes = np.concatenate([centers - box[:, :2], centers + box[:, 2:]], 1)[keep]
        found.append(np.concatenate([boxes, score[keep][:, None], np.zeros((keep.sum(), 1))], 1))
        points.append((kps.reshape(-1, 5, 2) + centers[:, None])[keep].reshape(-1, 10))
    found = np.concatenate([np.concatenate(found), np.concatenate(points)], 1).astype(np.float32)
    return found[greedy(found[:, :4], found[:, 4], iou, extra=1)] if len(found) else found


def back(found, image, width, height, centered):
    """Network input to picture by the real integer padding and each axis's own scale; clipped."""
    found = found.astype(np.float64).copy()
    h, w = image.shape[:2]
    ratio = min(height / h, width / w)
    nw, nh = (round(w * ratio), round(h * ratio)) if centered else (int(w * ratio), int(h * ratio))
    left, top = (round((width - nw) / 2 - 0.1), round((height - nh) / 2 - 0.1)) if centered else (0, 0)
    columns = [0, 2] + list(range(6, found.shape[1], 2)), [1, 3] + list(range(7, found.shape[1], 2))
    found[:, columns[0]] = np.clip((found[:, columns[0]] - left) * w / nw, 0, w)
    found[:, columns[1]] = np.clip((found[:, columns[1]] - top) * h / nh, 0, h)
    return found


# --- tests -----------------------------------------------------------------------------------------------------------------

def count_class(found, cls):
    return int((found[:, 5] == cls).sum()) if len(found) else 0


def check_counts(name, file, found):
    person, bicycle, car, bus, truck, dog = (count_class(found, c) for c in (0, 1, 2, 5, 7, 16))
    if file == "bus.jpg":
        assert person >= 3 and bus == 1, f"{name} on bus.jpg: {person} persons, {bus} buses"
    elif file == "zidane.jpg":
        assert 2 <= person <= 3, f"{name} on zidane.jpg: {person} persons"
    elif file == "dog.jpg" and not name.startswith("yolox"):
        assert dog == 1 and bicycle >= 1 and car + truck >= 1, f"{name} on dog.jpg: dog {dog} bicycle {bicycle} car {car + truck}"


def test_yolo(folder):
    for name, decode, iou, task in (("yolov5n", decode_yolov5, 0.45, "yolov5"), ("yolov5s", decode_yolov5, 0.45, "yolov5"),
                                    ("yolov8n", decode_yolov8, 0.7, "yolov8")):
        model, dense = Model(name, folder), Model(name, folder + "/dense", confidence=0.001, iou=0.6, multi_label="true")
        assert model.task == task, f"{name} was taken for {model.task}"
        for file in ("bus.jpg", "zidane.jpg", "dog.jpg"):
            image = picture(file)
            reference = planar(letterbox(image, 640, 640)[:, :, ::-1]).astype(np.float32) / 255
            outputs = model.infer(reference)
            output = next(iter(outputs.values()))
            ours, lines = model.probe(image, outputs)
            same_input(model, ours, reference)
            found = rows(lines, "box")
            same_boxes(f"{name} {file}", found, back(decode(output, 0.25, iou), image, 640, 640, True))
            check_counts(name, file, found)
            _, lines = dense.probe(image, outputs)
            same_boxes(f"{name} {file} dense", rows(lines, "box"),
                       back(decode(output, 0.001, 0.6, multi_label=True), image, 640, 640, True))
            print(f"{name} {file}: input equal, {len(found)} boxes")


def test_yolox(folder):
    model = Model("yolox_nano", folder, channels="rgb", divisor=255, mean="[0.485, 0.456, 0.406]",
                  deviation="[0.229, 0.224, 0.225]")
    assert model.task == "yolox", model.task
    for file in ("bus.jpg", "zidane.jpg", "dog.jpg"):
        image = picture(file)
        reference = planar(((top_left(image, 416, 416)[:, :, ::-1].astype(np.float32) / 255 - MEAN) / DEVIATION))
        outputs = model.infer(reference)
        ours, lines = model.probe(image, outputs)
        same_input(model, ours, reference)
        found = rows(lines, "box")
        same_boxes(f"yolox {file}", found,
                   back(decode_yolox(next(iter(outputs.values())), 416, 0.25, 0.45), image, 416, 416, False))
        check_counts("yolox_nano", file, found)
        print(f"yolox_nano {file}: input equal, {len(found)} boxes")


def test_scrfd(folder):
    for name in ("scrfd_500m_kps", "scrfd_2.5g_bnkps"):
        model = Model(name, folder)
        assert model.task == "scrfd", model.task
        for file, low, high in (("zidane.jpg", 2, 2), ("bus.jpg", 1, 3), ("selfie.jpg", 60, 200)):
            image = picture(file)
            h, w = image.shape[:2]
            nw, nh = (int(640 / (h / w)), 640) if h > w else (640, int(640 * (h / w)))
            canvas = np.zeros((640, 640, 3), np.uint8)
            canvas[:nh, :nw] = cv2.resize(image, (nw, nh))
            reference = planar((canvas[:, :, ::-1].astype(np.float32) - np.float32(127.5)) / np.float32(128))
            outputs = model.infer(reference)
            ours, lines = model.probe(image, outputs)
            same_input(model, ours, reference)
            found = rows(lines, "box")
            same_boxes(f"{name} {file}", found, back(decode_scrfd(outputs, 640, 640, 0.5, 0.4), image, 640, 640, False))
            assert low <= len(found) <= high, f"{name} {file}: {len(found)} faces"
            print(f"{name} {file}: input equal, {len(found)} faces")


def count_faces(folder, name, task, expected, **overrides):
    model = Model(name, folder, **overrides)
    assert model.task == task, model.task
    for file, (low, high) in expected.items():
        image = picture(file)
        outputs = model.infer(model.probe(image)[0])
        found = rows(model.probe(image, outputs)[1], "box")
        assert low <= len(found) <= high, f"{name} {file}: {len(found)} faces"
        inside = all((row[0] - 2 <= row[6::2]).all() and (row[6::2] <= row[2] + 2).all() for row in found if row[4] > 0.8)
        assert inside, f"{name} {file}: keypoints outside their box"
        print(f"{name} {file}: {len(found)} faces")


def test_retinaface(folder):
    count_faces(folder, "retinaface_mnet25_v2", "retinaface", {"zidane.jpg": (2, 2), "bus.jpg": (2, 2)}, confidence=0.8)


def test_ultraface(folder):
    count_faces(folder, "ultraface_version-RFB-320", "ultraface", {"zidane.jpg": (2, 2)})


def test_yunet(folder):
    count_faces(folder, "yunet_n_dynamic", "yunet", {"zidane.jpg": (2, 2), "bus.jpg": (1, 3)})


def test_classify(folder):
    model = Model("squeezenet1.1_caffe", folder, fit="stretch", channels="bgr", divisor=1, mean="[104, 117, 123]",
                  deviation="[1, 1, 1]")
    assert model.task == "classify", model.task
    image = picture("squirrel_cls.jpg")
    tensor, _ = model.probe(image)
    reference = planar(cv2.resize(image, (227, 227)).astype(np.float32) - np.float32([104, 117, 123]))
    same_input(model, tensor, reference)
    classes = rows(model.probe(image, model.infer(tensor))[1], "class")
    assert classes[0, 0] == 335 and classes[0, 1] > 0.9, classes
    print(f"squeezenet: class {int(classes[0, 0])} at {classes[0, 1]:.3f}")


def test_pose(folder):
    model = Model("ultralight_simplepose_fixed", folder, fit="stretch")
    assert model.task == "pose-heatmap", model.task
    image = picture("pose_test.jpg")
    tensor, _ = model.probe(image)
    reference = planar((cv2.resize(image, (192, 256))[:, :, ::-1].astype(np.float32) / 255 - MEAN) / DEVIATION)
    same_input(model, tensor, reference)
    outputs = model.infer(tensor)
    maps = next(iter(outputs.values()))[0]
    points = rows(model.probe(image, outputs)[1], "keypoint")
    for joint, heat in enumerate(maps):
        y, x = np.unravel_index(heat.argmax(), heat.shape)
        scale = np.float64([image.shape[1] / 48, image.shape[0] / 64])
        assert np.abs(points[joint, :2] - np.float64([x, y]) * scale).max() <= 0.25 * scale.max() + 1e-3, f"joint {joint}"
    print(f"simplepose: {len(points)} keypoints")


def similarity(source, target):
    """Umeyama by least squares over (a, b, tx, ty)."""
    rows_, values = [], []
    for (x, y), (u, v) in zip(source, target):
        rows_ += [[x, -y, 1, 0], [y, x, 0, 1]]
        values += [u, v]
    a, b, tx, ty = np.linalg.lstsq(np.float64(rows_), np.float64(values), rcond=None)[0]
    return np.float64([[a, -b, tx], [b, a, ty]])


def test_embedding(folder):
    detector, embedder = Model("scrfd_2.5g_bnkps", folder), Model("mobilefacenet", folder, fit="affine")
    assert embedder.task == "embedding", embedder.task
    template = np.float64([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])
    cache = {}

    def embed(file):
        if file not in cache:
            image = picture("faces/" + file)
            found = rows(detector.probe(image, detector.infer(detector.probe(image)[0]))[1], "box")
            largest = found[((found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])).argmax()]
            matrix = similarity(largest[6:].reshape(5, 2) - 0.5, template)  # to pixel indices
            to_network = np.concatenate([matrix[:, :2], (matrix[:, 2] + 0.5 - 0.5 * matrix[:, :2].sum(1))[:, None]], 1)
            affine = " ".join(repr(float(value)) for value in to_network.ravel())
            tensor, _ = embedder.probe(image, affine=affine)
            warped = cv2.warpAffine(image, matrix, (112, 112), flags=cv2.INTER_LINEAR)[:, :, ::-1]
            difference = np.abs((tensor[0].transpose(1, 2, 0) * 127.5 + 127.5) - warped)
            assert difference[8:-8, 8:-8].mean() < 2, f"{file}: aligned face differs by {difference.mean()}"
            cache[file] = rows(embedder.probe(image, embedder.infer(tensor), affine=affine)[1], "value")[:, 0]
        return cache[file]

    same, other = [], []
    with open(os.path.join(ASSETS, "images/faces/pairs.csv")) as file:
        for line in csv.reader(file):
            if len(line) < 3 or not line[2].strip().isdigit():
                continue
            (same if int(line[2]) else other).append(float(embed(line[0]) @ embed(line[1])))
    assert abs(np.linalg.norm(next(iter(cache.values()))) - 1) < 1e-5
    assert min(same) > 0.48 > max(other), f"same from {min(same):.3f}, different up to {max(other):.3f}"
    print(f"mobilefacenet: same from {min(same):.3f}, different up to {max(other):.3f}")


def main():
    tests = {name: function for name, function in globals().items() if name.startswith("test_")}
    failed = 0
    for name, function in tests.items():
        if ONLY and name[5:] not in ONLY:
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(folder + "/dense")
            try:
                function(folder)
            except (AssertionError, subprocess.CalledProcessError) as error:
                failed += 1
                print(f"FAILED {name}: {error} {getattr(error, 'stderr', '') or ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
