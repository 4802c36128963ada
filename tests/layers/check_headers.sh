#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles every public header alone, in C17, in C89 (with C99's 64-bit integers, which <stdint.h> needs) and in C++:
# usage check_headers.sh INCLUDE CC CXX
set -u

include=$1
cc=$2
cxx=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0

try() {
    label=$1
    shift
    if ! "$@" -I"$include" -Wall -Wextra -Werror -fsyntax-only 2>"$work/log"; then
        echo "$header does not compile alone in $label:"
        cat "$work/log"
        failed=1
    fi
}

for path in "$include"/ferry/*.h; do
    header=ferry/$(basename "$path")
    # Twice: an include guard must be there and work.
    printf '#include <%s>\n#include <%s>\nint ferry_check;\n' "$header" "$header" | tee "$work/check.c" >"$work/check.cc"
    try C17 "$cc" -std=c17 -pedantic "$work/check.c"
    try C89 "$cc" -std=c89 -pedantic -Wno-long-long "$work/check.c"
    try C++ "$cxx" -std=c++11 -pedantic "$work/check.cc"
    count=$((count + 1))
done
echo "$count headers"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
