#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs into a folder of its own, builds the example against that with pkg-config, as C and as C++, and runs it.
. "$(dirname "$0")/library.sh"
[ -f "$FERRY_BUILD/lib/ferry.pc" ] || skip "this build makes no libraries"
expect 0 "$MAKE_MODELS" "$work"
prefix=$work/prefix
expect 0 cmake --install "$FERRY_BUILD" --prefix "$prefix"
for file in bin/ferry lib/libferry.so lib/libferry-build.so include/ferry/engine.h; do
    checks=$((checks + 1))
    [ -e "$prefix/$file" ] || fail "$file was not installed"
done
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
expect 0 "$prefix/bin/ferry" build "$work/boxes.onnx" -o "$work/boxes.ferry"

for package in ferry ferry-build; do
    flags=$(pkg-config --cflags --libs "$package" ferry-media)
    expect 0 ${CC:-cc} -std=c11 -Wall -Wextra -Werror "$FERRY_SOURCE/examples/detect.c" -o "$work/detect" $flags
    expect 0 "$work/detect" "$work/boxes.ferry" "$work/picture.ppm"
    holds "harbour seal 0.76 at 100 40 140 80" "$out"
done
cp "$FERRY_SOURCE/examples/detect.c" "$work/detect.cc"
expect 0 ${CXX:-c++} -std=c++11 -Wall -Wextra -Werror "$work/detect.cc" -o "$work/detect" $(pkg-config --cflags --libs ferry ferry-media)
expect 0 "$work/detect" "$work/boxes.ferry" "$work/picture.ppm"
expect_clean_failure "$work/detect" "$work/boxes.onnx" "$work/picture.ppm"

# The runtime alone carries no compiler, and nobody's symbols but ours are in sight.
checks=$((checks + 2))
nm -D --defined-only "$prefix/lib/libferry.so" | grep -q ferry_model_load && fail "libferry holds the compiler"
nm -D --defined-only "$prefix/lib/libferry-build.so" | awk '{print $3}' | grep -v '^ferry_' && fail "libferry-build shows foreign symbols"
done_testing
