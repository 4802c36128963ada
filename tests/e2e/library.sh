# SPDX-License-Identifier: Apache-2.0
# What the end-to-end tests share. A test sources this file; then `expect STATUS command...` runs a command, keeps its output in
# $out and $err, and complains when the exit status is another; `done_testing` ends the test.
set -u

ferry=$FERRY
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/stdout.txt
err=$work/stderr.txt
checks=0
faults=0

fail() {
    faults=$((faults + 1))
    echo "FAILED: $*"
    [ -s "$err" ] && sed 's/^/    stderr: /' "$err" | head -n 20
    return 0
}

# expect STATUS command...
expect() {
    local wanted=$1
    shift
    "$@" >"$out" 2>"$err"
    local status=$?
    checks=$((checks + 1))
    [ "$status" -eq "$wanted" ] || fail "exit status $status instead of $wanted: $*"
}

# expect_clean_failure command...: exit status 1, a message, and no sanitizer's report
expect_clean_failure() {
    expect 1 "$@"
    [ -s "$err" ] || fail "no message on stderr: $*"
    grep -q -E 'Sanitizer|runtime error' "$err" && fail "a sanitizer complains: $*"
    return 0
}

# holds 'text' file
holds() {
    checks=$((checks + 1))
    grep -q -F -e "$1" "$2" || fail "'$1' is not in $(basename "$2"): $(head -c 400 "$2")"
}

# is WANTED GOT what
is() {
    checks=$((checks + 1))
    [ "$1" = "$2" ] || fail "$3 is '$2' instead of '$1'"
}

# absent FILE
absent() {
    checks=$((checks + 1))
    [ ! -e "$1" ] || fail "$1 was left behind"
}

# only_files FOLDER name...: that nothing else lies there
only_files() {
    local folder=$1
    shift
    is "$(echo $(printf '%s\n' "$@" | sort))" "$(echo $(ls -A "$folder" | sort))" "the contents of $(basename "$folder")"
}

skip() {
    echo "SKIPPED: $*"
    exit 77
}

need_assets() {
    [ -d "${FERRY_ASSETS:-}" ] || skip "the trained models are not there (FERRY_ASSETS=${FERRY_ASSETS:-})"
}

done_testing() {
    echo "$checks checks, $faults faults"
    [ "$checks" -gt 0 ] && [ "$faults" -eq 0 ]
    exit $?
}
