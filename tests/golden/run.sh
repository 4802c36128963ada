#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a comparison with the Python that has the packages (usage: run.sh SCRIPT ARGUMENT...): FERRY_PYTHON, else the virtual
# environment that `make test` makes, else python3. 77 (skipped) without any.
folder=$(cd "$(dirname "$0")" && pwd)
for python in "${FERRY_PYTHON:-}" "$folder/../../build/venv/bin/python" python3; do
    [ -n "$python" ] && command -v "$python" >/dev/null && break
done
command -v "$python" >/dev/null || { echo "skipped: no python3"; exit 77; }
script=$1
shift
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$folder/$script" "$@"
