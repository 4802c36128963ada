#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every trained model: ferry's outputs beside ONNX Runtime's on the same input.

Two measures must both hold for each output, a being ferry's and b ONNX Runtime's:
  relative      max|a - b| / max|b|                        at most `tolerance`
  element-wise  |a - b| <= tolerance * (|b| + rms(b))      for all elements
The tolerance is 1e-4 for float32 models and 1e-2 for float16 ones.

For quantised models the measure is the quantisation step of the output: of its grid where its values lie on one, else max|b| / 127 of each
channel. ONNX Runtime itself is not one answer there: one activation that rounds to the other side, after a change of the input by 1e-7, moves
whole regions of a dynamically quantised network by several steps. So the share of elements more than a step away may be at most that of
ONNX Runtime from itself under such a change, half as much again, or one in a thousand if that is more.
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


def compare(ours, theirs, precision, disturbed):
    """A sentence of figures, and whether it is good enough. disturbed: ONNX Runtime's answer to a slightly changed input."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{ours.dtype}{list(ours.shape)} instead of {theirs.dtype}{list(theirs.shape)}", False
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    if b.size == 0:
        return "empty", True
    if not np.isfinite(a).all():
        return "not finite", False
    if precision == "int8":
        step = quantisation_step(theirs)
        beyond, unsure = (np.mean(np.abs(x - b) > 1.0001 * step) for x in (a, disturbed.astype(np.float64)))
        sentence = f"{np.max(np.abs(a - b) / step):.2f} steps at most, {beyond:.2e} beyond one (ONNX Runtime from itself: {unsure:.2e})"
        return sentence, beyond <= max(1e-3, 1.5 * unsure)
    difference = np.abs(a - b)
    relative = difference.max() / max(np.abs(b).max(), 1e-30)
    tolerance = TOLERANCES[precision]
    near = (difference <= tolerance * (np.abs(b) + np.sqrt(np.mean(b * b)))).all()
    return f"relative {relative:.2e}, element-wise {'near' if near else 'FAR'}", relative <= tolerance and near


def quantisation_step(values):
    """One step: 1 for integers, the spacing of the grid if float values lie on one of at most 256 levels, else max / 127 by channel."""
    if values.dtype.kind in "iu":
        return 1.0
    wide = values.astype(np.float64)
    levels = np.unique(wide)
    if 1 < len(levels) <= 256:
        return np.diff(levels).min()
    axes = tuple(range(2, wide.ndim)) if wide.ndim > 2 else None
    return np.maximum(np.abs(wide).max(axis=axes, keepdims=wide.ndim > 2), 1e-30) / 127


def check(name, precision, sizes, span, folder):
    path = os.path.join(r.MODELS, name + ".onnx")
    if not os.path.exists(path):
        print(f"{name}: not there")
        return True
    model = r.session(path)
    inputs = make_inputs(model, sizes, span)
    expected = model.run(None, inputs)
    disturbed = expected
    if precision == "int8":
        disturbed = model.run(None, {key: value + value.dtype.type(1e-7) if value.dtype.kind == "f" else value for key, value in inputs.items()})
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
    for info, theirs, other in zip(model.get_outputs(), expected, disturbed):
        sentence, near = compare(np.load(os.path.join(out, file_name(info.name))), theirs, precision, other)
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
