#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ferry beside other engines: usage run.sh FERRY VENV FOLDER [options of compare.py]
set -eu

ferry=$1
venv=$2
folder=$3
shift 3
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$folder"
if [ ! -x "$venv/bin/python" ]; then
    echo "bench-peers: '$venv' holds no Python; see tools/make-venv.sh" >&2
    exit 1
fi
# The converter for ncnn, without the PyTorch that its package asks for; ncnn is left out where this fails.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps pnnx >/dev/null 2>&1 || true
FERRY_ASSETS=${FERRY_ASSETS:-$root/../shared/assets} exec "$venv/bin/python" "$root/bench/peers/compare.py" --ferry "$ferry" --folder "$folder" "$@"
