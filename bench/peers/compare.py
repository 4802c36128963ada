# SPDX-License-Identifier: Apache-2.0
"""Times Ferry and other engines on the same models: the same number of threads, each engine in a process of its own, rounds of a few
runs taken in turn so that a slow moment of the machine falls on all of them. Writes FOLDER/peers.json and prints a table.

A row of peers.json: model, precision, threads, engine, median_ms, min_ms, load_ms, peak_rss_mb."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = [("yolov5n", "fp32"), ("yolov5s", "fp32"), ("yolov8n", "fp32"), ("yolox_nano", "fp32"), ("mobilefacenet", "fp32"), ("squeezenet1.1_caffe", "fp32")]


class Peer:
    """A worker.py that waits for its turns."""

    def __init__(self, engine, model, threads, folder):
        self.engine = engine
        self.times = []
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS="1")
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "worker.py"), engine, model, str(threads), folder],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        self.load_ms = self.read()["load_ms"]

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.engine} ended")
        return json.loads(line)

    def turn(self, runs):
        self.process.stdin.write(f"{runs}\n")
        self.process.stdin.flush()
        self.times += self.read()

    def close(self):
        self.process.stdin.close()
        peak = self.read()["peak_rss_mb"]
        self.process.wait()
        return peak


class Ferry:
    """`ferry bench`, started anew for each turn."""

    engine = "ferry"

    def __init__(self, program, model, threads, folder):
        self.program, self.threads, self.times, self.peak = program, threads, [], 0
        self.file = os.path.join(folder, os.path.basename(model)[:-5] + f".{threads}.ferry")
        subprocess.run([program, "build", model, "-o", self.file, "--threads", str(threads), "--quiet", "--timing-cache",
                        os.path.join(folder, "timing.cache")], check=True)
        self.shapes = []
        report = json.loads(subprocess.run([program, "inspect", self.file, "--json"], check=True, capture_output=True, text=True).stdout)
        info = report["inputs"][0]
        if any(not isinstance(d, int) for d in info["shape"]):
            usual = [1, 3, 640, 640]
            dims = "x".join(str(d if isinstance(d, int) else usual[i]) for i, d in enumerate(info["shape"]))
            self.shapes = ["--shapes", f"{info['name']}:{dims}"]
        self.turn(2)
        self.times.clear()

    def turn(self, runs):
        with tempfile.NamedTemporaryFile() as times:
            command = [self.program, "bench", self.file, "--threads", str(self.threads), "--iterations", str(runs), "--warm-up", "50", "--json",
                       "--export-times", times.name, *self.shapes]
            report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            with open(times.name, encoding="utf-8") as stream:
                self.times += json.load(stream)
        self.load_ms = report["load_ms"] + report["context_ms"]
        self.peak = max(self.peak, report["peak_bytes"] / 2**20)

    def close(self):
        return self.peak


def start(engines, program, model, threads, folder):
    running = []
    for engine in engines:
        try:
            running.append(Ferry(program, model, threads, folder) if engine == "ferry" else Peer(engine, model, threads, folder))
        except (RuntimeError, OSError, subprocess.CalledProcessError) as problem:
            print(f"{os.path.basename(model)}: {engine} is left out ({problem})", file=sys.stderr)
    return running


def measure(name, precision, threads, given):
    path = os.path.join(given.models, name + ".onnx")
    running = start(given.engines, given.ferry, path, threads, given.folder)
    for _ in range(given.rounds):
        for engine in running:
            engine.turn(given.runs)
    return [{"model": name, "precision": precision, "threads": threads, "engine": engine.engine, "median_ms": statistics.median(engine.times),
             "min_ms": min(engine.times), "load_ms": engine.load_ms, "peak_rss_mb": engine.close()} for engine in running]


def print_table(rows):
    ours = next((row["median_ms"] for row in rows if row["engine"] == "ferry"), None)
    for row in rows:
        ratio = f"{ours / row['median_ms']:.2f}" if ours else "-"
        print(f"{row['model']:<22} {row['precision']:<5} {row['threads']:>7}  {row['engine']:<12} {row['median_ms']:>10.2f} {row['min_ms']:>9.2f} {ratio:>12}"
              f" {row['load_ms']:>9.0f} {row['peak_rss_mb']:>9.0f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ferry", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--models", default=os.path.join(os.environ.get("FERRY_ASSETS", "../shared/assets"), "models"))
    parser.add_argument("--only", nargs="*", help="names of models")
    parser.add_argument("--engines", nargs="*", default=["ferry", "onnxruntime", "openvino", "ncnn", "mnn"])
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=8, help="in a round")
    given = parser.parse_args()
    given.folder = os.path.abspath(given.folder)
    given.ferry = os.path.abspath(given.ferry)
    if not os.path.isdir(given.models):
        sys.exit(f"the trained models are not in {given.models}; set FERRY_ASSETS")
    print(f"{'model':<22} {'':<5} {'threads':>7}  {'engine':<12} {'median ms':>10} {'min ms':>9} {'ferry/engine':>12} {'load ms':>9} {'peak MB':>9}")
    rows = []
    for name, precision in MODELS:
        if (given.only and name not in given.only) or not os.path.exists(os.path.join(given.models, name + ".onnx")):
            continue
        for threads in given.threads:
            measured = measure(name, precision, threads, given)
            print_table(measured)
            rows += measured
    path = os.path.join(given.folder, "peers.json")
    with open(path + ".tmp", "w", encoding="utf-8") as stream:
        json.dump(rows, stream, indent=1)
    os.replace(path + ".tmp", path)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
