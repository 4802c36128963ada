#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target for some seconds, two at a time, under ASan and UBSan: usage run-fuzz.sh SECONDS. Wants the targets built:
# `make fuzz` does all.
# A target's finding stays in build/fuzz/findings/TARGET; its corpus in build/fuzz/corpus/TARGET is kept for the next run.
set -eu

seconds=${1:-60}
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/fuzz
mkdir -p "$root/build/results"
results=$root/build/results/fuzz.txt
: >"$results"

fuzz_one() {
    name=$(basename "$1")
    mkdir -p "$build/corpus/$name" "$build/findings/$name"
    # The same target in a build without libFuzzer writes its seeds.
    seeds=$build/seeds/$name
    mkdir -p "$seeds"
    if [ -x "$root/build/release/bin/$name" ]; then "$root/build/release/bin/$name" --corpus "$seeds" || true; fi
    if UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$1" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="$build/findings/$name/" "$build/corpus/$name" "$seeds" >"$build/$name.log" 2>&1; then
        echo "passed $name ($(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log") runs)"
    else
        echo "FAILED $name: see $build/$name.log"
        tail -n 40 "$build/$name.log" >&2
    fi | tee -a "$results"
}

count=0
for target in "$build"/bin/fuzz_*; do
    [ -x "$target" ] || continue
    fuzz_one "$target" &
    count=$((count + 1))
    [ $((count % 2)) -eq 1 ] || wait
done
wait
if [ "$count" -eq 0 ]; then
    echo "FAILED no fuzz target was built" | tee -a "$results"
fi
! grep -q '^FAILED' "$results"
