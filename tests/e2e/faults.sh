#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Truncated, mutated and hostile files: exit status 0 or 1, a message, nothing left behind, never a crash.
. "$(dirname "$0")/library.sh"
expect 0 "$MAKE_MODELS" "$work"
cd "$work" || exit 1
mkdir target
expect 0 "$ferry" build small.onnx -o small.ferry

# Unknown operators: all of them at once, with their nodes.
expect_clean_failure "$ferry" build unknown.onnx -o target/unknown.ferry
for word in Frobnicate Whatsit first_strange_node second_strange_node; do holds "$word" "$err"; done
only_files target

# An engine that was there stays as it was when a build fails.
cp small.ferry target/kept.ferry
expect_clean_failure "$ferry" build unknown.onnx -o target/kept.ferry
cmp -s small.ferry target/kept.ferry || fail "a failed build touched the engine that was there"
only_files target kept.ferry

# Places that cannot be written to.
expect_clean_failure "$ferry" build small.onnx -o absent/folder/x.ferry
expect_clean_failure "$ferry" build small.onnx -o target
checks=$((checks + 1))
"$ferry" build small.onnx -o /dev/full >"$out" 2>"$err" && fail "an engine fitted on a full disk"
if [ "$(id -u)" -ne 0 ]; then
    mkdir locked && chmod 555 locked
    expect_clean_failure "$ferry" build small.onnx -o locked/x.ferry
fi
# A full disk: a small tmpfs where we may mount one.
mkdir disk
if mount -t tmpfs -o size=16k tmpfs disk 2>/dev/null; then
    head -c 12000 /dev/zero >disk/filler
    expect_clean_failure "$ferry" build small.onnx -o disk/x.ferry
    only_files disk filler
    umount disk
fi

# survives FILE command...: status 0 or 1 and no sanitizer's report
survives() {
    local file=$1
    shift
    timeout 60 "$@" >"$out" 2>"$err"
    local status=$?
    checks=$((checks + 1))
    [ "$status" -le 1 ] || fail "exit status $status with $file: $*"
    [ "$status" -eq 0 ] || [ -s "$err" ] || fail "no message with $file: $*"
    grep -q -E 'Sanitizer|runtime error' "$err" && fail "a sanitizer complains of $file"
    return 0
}

# truncate_and_try FILE ENDING command...: at some thirty lengths; none may be taken for whole
truncate_and_try() {
    local file=$1 cut=cut$2 bytes length
    shift 2
    bytes=$(stat -c %s "$file")
    for i in $(seq 0 30); do
        length=$((bytes * i / 31))
        head -c "$length" "$file" >"$cut"
        survives "$cut at $length" "$@" "$cut"
        # ONNX cut inside its last field may still be a (smaller) valid message; an engine never is.
        [ "$cut" = cut.onnx ] || is 1 "$([ -s "$err" ] && echo 1)" "the refusal of $length bytes of $file"
    done
}

# mutate_and_try FILE ENDING TIMES command...: single bytes replaced at places from a fixed sequence
mutate_and_try() {
    local file=$1 changed=changed$2 times=$3 bytes place value
    shift 3
    bytes=$(stat -c %s "$file")
    RANDOM=4711
    for _ in $(seq "$times"); do
        place=$(((RANDOM * 32768 + RANDOM) % bytes))
        value=$((RANDOM % 256))
        cp "$file" "$changed"
        printf "\\x$(printf %02x "$value")" | dd of="$changed" bs=1 seek="$place" conv=notrunc status=none
        survives "$changed with byte $place = $value" "$@" "$changed"
    done
}

truncate_and_try small.onnx .onnx "$ferry" inspect
truncate_and_try small.ferry .ferry "$ferry" inspect
mutate_and_try small.onnx .onnx 120 "$ferry" build -o changed.engine --tuning off
mutate_and_try small.ferry .ferry 60 "$ferry" inspect
mutate_and_try small_x.npy .npy 40 "$ferry" run small.ferry

# Files of another kind.
for file in /dev/null small_x.npy picture.ppm "$MAKE_MODELS"; do
    cp "$file" other.ferry
    expect_clean_failure "$ferry" inspect other.ferry
    cp "$file" other.onnx
    survives other.onnx "$ferry" build other.onnx -o other.engine
done
expect_clean_failure "$ferry" inspect target
expect_clean_failure "$ferry" inspect /dev/zero
done_testing
