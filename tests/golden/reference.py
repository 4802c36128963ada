# SPDX-License-Identifier: Apache-2.0
"""What the golden tests share: finding the models, skipping, and running ferry."""
import json
import os
import subprocess
import sys

SKIP = 77


def skip(reason):
    print("SKIPPED:", reason)
    sys.exit(SKIP)


try:
    import numpy
    import onnxruntime
except ImportError as missing:
    skip(f"a Python package is missing: {missing}")

ASSETS = os.environ.get("FERRY_ASSETS", "")
FERRY = os.environ.get("FERRY", "ferry")
MODELS = os.path.join(ASSETS, "models")
IMAGES = os.path.join(ASSETS, "images")
if not os.path.isdir(MODELS):
    skip(f"the trained models are not there (FERRY_ASSETS={ASSETS})")


def ferry(*arguments):
    """Runs ferry; gives its standard output, or ends the test with its message."""
    done = subprocess.run([FERRY, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"FAILED: ferry {' '.join(arguments)} gave {done.returncode}\n{done.stderr}")
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no message")
    return done.stdout


def ferry_json_lines(*arguments):
    return [json.loads(line) for line in ferry(*arguments).splitlines()]


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
