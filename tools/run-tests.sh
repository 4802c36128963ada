#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Configures, builds and tests one preset, and leaves its results in build/results: usage run-tests.sh PRESET [ctest options]
set -eu

preset=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
mkdir -p build/results
rm -f "build/results/$preset.xml"
echo "FAILED building $preset" >"build/results/$preset.txt" # until it is built
cmake --preset "$preset" >"build/results/$preset-configure.log" || { cat "build/results/$preset-configure.log"; exit 1; }
cmake --build --preset "$preset"
rm -f "build/results/$preset.txt"
ctest --preset "$preset" --output-junit "$root/build/results/$preset.xml" "$@"
