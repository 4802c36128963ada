# SPDX-License-Identifier: Apache-2.0
"""One engine in a process of its own: worker.py ENGINE MODEL THREADS FOLDER. Loads the model, prints {"load_ms": ...}, then answers each
line "N" on standard input with the milliseconds of N runs as JSON, and the end of input with {"peak_rss_mb": ...}."""
import glob
import importlib.util
import json
import os
import resource
import sys
import time

import numpy as np


def shape_of(dims):
    """Open dimensions: one for the batch, 3 channels, 640 pixels."""
    usual = [1, 3, 640, 640]
    return [d if isinstance(d, int) and d > 0 else usual[i] if i < 4 else 1 for i, d in enumerate(dims)]


def onnx_input(model):
    """Name, shape and NumPy type of the only input."""
    import onnxruntime

    info = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()[0]
    return info.name, shape_of(info.shape), np.float16 if "float16" in info.type else np.float32


def onnxruntime_engine(model, threads, folder):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    info = session.get_inputs()[0]
    x = np.random.default_rng(1).random(shape_of(info.shape)).astype(np.float16 if "float16" in info.type else np.float32)
    return lambda: session.run(None, {info.name: x})


def openvino_engine(model, threads, folder):
    import openvino

    core = openvino.Core()
    name, shape, dtype = onnx_input(model)
    network = core.read_model(model)
    network.reshape({name: shape})
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(network, "CPU", settings).create_infer_request()
    x = np.random.default_rng(1).random(shape).astype(dtype)
    return lambda: request.infer({0: x}, share_inputs=True)


def ncnn_engine(model, threads, folder):
    import subprocess

    import ncnn

    name, shape, dtype = onnx_input(model)
    stem = os.path.join(folder, os.path.basename(model)[:-5])
    if not os.path.exists(stem + ".ncnn.param"):
        # pnnx' wheel carries the converter; importing the package would want PyTorch.
        places = importlib.util.find_spec("pnnx").submodule_search_locations
        converter = next(path for place in places for path in glob.glob(os.path.join(place, "**", "pnnx"), recursive=True)
                         if os.path.isfile(path))
        sizes = "[" + ",".join(map(str, shape)) + "]f32"
        subprocess.run([converter, model, f"inputshape={sizes}", "fp16=0", f"ncnnparam={stem}.ncnn.param", f"ncnnbin={stem}.ncnn.bin"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    if net.load_param(stem + ".ncnn.param") or net.load_model(stem + ".ncnn.bin"):
        raise RuntimeError("ncnn refuses the converted model")
    x = np.random.default_rng(1).random(shape[1:]).astype(np.float32)
    outputs = net.output_names()

    def run():
        extractor = net.create_extractor()
        extractor.input(net.input_names()[0], ncnn.Mat(x))
        return [extractor.extract(output) for output in outputs]

    return run


def mnn_engine(model, threads, folder):
    import subprocess

    import MNN

    path = os.path.join(folder, os.path.basename(model)[:-5] + ".mnn")
    name, shape, dtype = onnx_input(model)
    if not os.path.exists(path):
        converter = os.path.join(os.path.dirname(sys.executable), "mnnconvert")
        subprocess.run([converter, "-f", "ONNX", "--modelFile", model, "--MNNModel", path, "--bizCode", "bench"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    interpreter = MNN.Interpreter(path)
    session = interpreter.createSession({"backend": "CPU", "numThread": threads, "precision": "high"})
    tensor = interpreter.getSessionInput(session)
    interpreter.resizeTensor(tensor, tuple(shape))
    interpreter.resizeSession(session)
    x = np.random.default_rng(1).random(shape).astype(np.float32)
    source = MNN.Tensor(tuple(shape), MNN.Halide_Type_Float, x, MNN.Tensor_DimensionType_Caffe)
    outputs = interpreter.getSessionOutputAll(session)

    def run():
        tensor.copyFrom(source)
        interpreter.runSession(session)
        return [output.getNumpyData().ravel()[0] for output in outputs.values()]

    return run


ENGINES = {"onnxruntime": onnxruntime_engine, "openvino": openvino_engine, "ncnn": ncnn_engine, "mnn": mnn_engine}


def main():
    engine, model, threads, folder = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the libraries print is no answer

    def answer(value):
        print(json.dumps(value), file=answers, flush=True)

    start = time.perf_counter()
    run = ENGINES[engine](model, int(threads), folder)
    run()
    answer({"load_ms": (time.perf_counter() - start) * 1e3})
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            before = time.perf_counter()
            run()
            times.append((time.perf_counter() - before) * 1e3)
        answer(times)
    answer({"peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})


if __name__ == "__main__":
    main()
