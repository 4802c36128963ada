#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A small model all the way: build, inspect, run on arrays, bench. Needs nothing from outside.
. "$(dirname "$0")/library.sh"
expect 0 "$MAKE_MODELS" "$work"
cd "$work" || exit 1
mkdir build outputs

expect 0 "$ferry" build small.onnx -o build/small.ferry
holds "build/small.ferry" "$out"
only_files build small.ferry
expect 0 "$ferry" build small.onnx --verbose -o build/small.ferry --timing-cache build/timing
holds "implementation" "$out"
holds "Conv" "$out"
expect 0 "$ferry" build --onnx=small.onnx --saveEngine=build/small.ferry --json
is true "$(jq '.layers > 0 and .file_bytes > 0' "$out")" "the build's report"
expect 0 "$ferry" build small.onnx
[ -s small.ferry ] || fail "without -o the engine lies not beside the model"

expect 0 "$ferry" inspect small.onnx
holds "1x3x9x9" "$out"
expect 0 "$ferry" inspect small.onnx --json
is '["x","float32",[1,3,9,9]]' "$(jq -c '.inputs[0] | [.name, .dtype, .shape]' "$out")" "the model's input"
is "ferry's tests" "$(jq -r '.metadata.author' "$out")" "the model's metadata"
expect 0 "$ferry" inspect small.ferry --json
is '["y","float32",[1,5,9,9]]' "$(jq -c '.outputs[0] | [.name, .dtype, .shape]' "$out")" "the engine's output"
is true "$(jq '.context_bytes > 0 and (.layers | length) > 0' "$out")" "the engine's memory"
expect 0 "$ferry" inspect small.ferry --layers
expect 0 "$ferry" inspect dynamic.onnx --json
is '[1,3,"d2","d3"]' "$(jq -c '.inputs[0].shape' "$out")" "the symbolic shape"

expect 0 "$ferry" run small.ferry --input x=small_x.npy -o outputs
expect 0 "$COMPARE_NPY" outputs/y.npy small_y.npy 1e-5
only_files outputs y.npy
expect 0 "$ferry" run small.onnx small_x.npy -o outputs --threads 1
expect 0 "$COMPARE_NPY" outputs/y.npy small_y.npy 1e-5
expect 0 "$ferry" run small.ferry small_x.npy --json
is '[1,5,9,9]' "$(jq -c .shape "$out")" "the output's shape"
expect 0 "$ferry" build dynamic.onnx -o dynamic.ferry
expect 0 "$ferry" run dynamic.ferry small_x.npy -o outputs
expect 0 "$COMPARE_NPY" outputs/y.npy small_y.npy 1e-5
expect 0 "$ferry" build dynamic.onnx -o fixed.ferry --shapes x:1x3x9x9
expect 0 "$ferry" inspect fixed.ferry --json
is '[1,3,9,9]' "$(jq -c '.inputs[0].shape' "$out")" "the fixed shape"

expect 0 "$ferry" bench small.ferry --iterations 20 --warm-up 1 --json --profile
is true "$(jq '.iterations == 20 and .min_ms <= .median_ms and .median_ms <= .p99_ms and .p99_ms <= .max_ms and .peak_bytes > 0
    and (.layers | length) > 0' "$out")" "the bench's report"
expect 0 "$ferry" bench --loadEngine=small.ferry --iterations=5 --warmUp=0 --exportTimes=times.json --dumpProfile --percentile=75
holds "p75" "$out"
is 5 "$(jq length times.json)" "the number of exported times"
expect 0 "$ferry" bench dynamic.ferry --shapes x:1x3x16x16 -n 3
expect_clean_failure "$ferry" bench dynamic.ferry -n 3 --shapes y:1x3x16x16

# Wrong arrays are refused.
expect_clean_failure "$ferry" run small.ferry --input z=small_x.npy
holds "'x'" "$err"
expect_clean_failure "$ferry" run small.ferry small_y.npy
expect_clean_failure "$ferry" run small.ferry small_x.npy small_x.npy
expect_clean_failure "$ferry" run small.ferry --input x=small.onnx
head -c 200 small_x.npy >short.npy
expect_clean_failure "$ferry" run small.ferry short.npy
done_testing
