#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every trained model: ferry's outputs beside ONNX Runtime's on the same input.

Two measures must both hold for each output, a being ferry's and b ONNX Runtime's:
  relative      max|a - b| / max|b|                        at most `tolerance`
  element-wise  |a - b| <= tolerance * (|b| + rms(b))      for all elements
The tolerance is 1e-4 for float32 models and 1e-2 for float16 ones. For quantised models ONNX Runtime itself is not one answer: the
rounding of a single activation may fall on either side. There the differences, in steps of the output's own quantisation (or, for
float outputs of dynamically quantised models, of max|b| / 127), may be at most one step for all but one element in a thousand.
"""
import os
import sys
import tempfile

import reference as r
from reference import numpy as np

# name, precision, shapes of dynamic inputs, sensible range of the input's values
CASES = [
    ("yolov5n", "fp32", {}, (0, 1)),
    ("yolov5s", "fp32", {}, (0, 1)),
    ("yolov5n_fp16", "fp16", {"h": 640, "w": 640}, (0, 1)),
    ("yolov8n", "fp32", {}, (0, 1)),
    ("yolov8n_int8", "int8", {}, (0, 1)),
    ("yolox_nano", "fp32", {}, (-2, 2)),
    ("scrfd_500m_kps", "fp32", {"h": 320, "w": 320}, (-1, 1)),
    ("scrfd_2.5g_bnkps", "fp32", {"h": 320, "w": 256}, (-1, 1)),
    ("retinaface_mnet25_v2", "fp32", {"h": 320, "w": 320}, (0, 255)),
    ("ultraface_version-RFB-320", "fp32", {}, (-1, 1)),
    ("yunet_n_dynamic", "fp32", {"h": 320, "w": 320}, (0, 255)),
    ("mobilefacenet", "fp32", {}, (-1, 1)),
    ("ultralight_simplepose_fixed", "fp32", {}, (-2, 2)),
    ("squeezenet1.1_caffe", "fp32", {}, (-120, 150)),
    ("mobilenet_v2_1.0_224_quant_from_tflite", "int8", {}, (-1, 1)),
]
TOLERANCES = {"fp32": 1e-4, "fp16": 1e-2}
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8, "tensor(double)": np.float64,
         "tensor(int64)": np.int64}


def picture_like(shape, low, high, seed):
    """Smooth noise with edges, as pictures have, in the range that the model is used to."""
    generator = np.random.default_rng(seed)
    if len(shape) == 4 and min(shape[2:]) >= 8:
        coarse = generator.random((shape[0], shape[1], shape[2] // 8 + 1, shape[3] // 8 + 1))
        fine = coarse.repeat(8, axis=2).repeat(8, axis=3)[:, :, : shape[2], : shape[3]]
        values = 0.8 * fine + 0.2 * generator.random(shape)
    else:
        values = generator.random(shape)
    return low + (high - low) * values


def make_inputs(model, sizes, span):
    inputs = {}
    for index, info in enumerate(model.get_inputs()):
        dims = []
        for axis, dim in enumerate(info.shape):
            if isinstance(dim, int) and dim > 0:
                dims.append(dim)
            else:
                dims.append(sizes["h"] if axis == 2 and sizes else sizes["w"] if axis == 3 and sizes else 1)
        inputs[info.name] = picture_like(dims, *span, seed=index + 1).astype(TYPES[info.type])
    return inputs


def file_name(name):
    changed = name.replace("/", "_").replace(":", "_").replace("\\", "_")
    return ("_" + changed[1:] if changed.startswith(".") else changed) + ".npy"


def compare(ours, theirs, precision):
    """A sentence of figures, and whether it is good enough."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{ours.dtype}{list(ours.shape)} instead of {theirs.dtype}{list(theirs.shape)}", False
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    if b.size == 0:
        return "empty", True
    if not np.isfinite(a).all():
        return "not finite", False
    difference = np.abs(a - b)
    largest = np.abs(b).max()
    relative = difference.max() / max(largest, 1e-30)
    if precision == "int8":
        step = 1.0 if theirs.dtype.kind in "iu" else quantisation_step(theirs, largest)
        steps = difference / step
        beyond = np.count_nonzero(steps > 1.0001) / b.size
        return f"relative {relative:.2e}, {steps.max():.2f} steps, {beyond:.2e} of the elements beyond one step", beyond <= 1e-3
    tolerance = TOLERANCES[precision]
    near = (difference <= tolerance * (np.abs(b) + np.sqrt(np.mean(b * b)))).all()
    return f"relative {relative:.2e}, element-wise {'near' if near else 'FAR'}", relative <= tolerance and near


def quantisation_step(values, largest):
    """The distance of neighbouring levels if the values lie on a grid of at most 256, else max|b| / 127."""
    levels = np.unique(values.astype(np.float64))
    if 1 < len(levels) <= 256:
        return np.diff(levels).min()
    return max(largest, 1e-30) / 127


def check(name, precision, sizes, span, folder):
    path = os.path.join(r.MODELS, name + ".onnx")
    if not os.path.exists(path):
        print(f"{name}: not there")
        return True
    model = r.session(path)
    inputs = make_inputs(model, sizes, span)
    expected = model.run(None, inputs)
    arguments = []
    for index, (key, value) in enumerate(inputs.items()):
        file = os.path.join(folder, f"in{index}.npy")
        np.save(file, value)
        arguments += ["--input", f"{key}={file}"]
    engine = os.path.join(folder, name + ".ferry")
    out = os.path.join(folder, name)
    try:
        r.ferry("build", path, "-o", engine, "--quiet", *sys.argv[1:])
        r.ferry("run", engine, *arguments, "-o", out, "--threads", "2", "--quiet")
    except RuntimeError as problem:
        print(f"FAILED {name}: {problem}")
        return False
    good = True
    for info, theirs in zip(model.get_outputs(), expected):
        sentence, near = compare(np.load(os.path.join(out, file_name(info.name))), theirs, precision)
        good &= near
        print(f"{'ok    ' if near else 'FAILED'} {name} {precision} '{info.name}': {sentence}")
    return good


def main():
    wanted = os.environ.get("FERRY_MODELS", "").split()
    failures = seen = 0
    for name, precision, sizes, span in CASES:
        if wanted and name not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            seen += 1
            failures += not check(name, precision, sizes, span, folder)
    print(f"{seen} models, {failures} failed")
    return 1 if failures or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
