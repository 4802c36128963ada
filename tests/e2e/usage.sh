#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Help, exit statuses, spelling, and where messages go.
. "$(dirname "$0")/library.sh"

expect 0 "$ferry" help --list
commands=$(cat "$out")
is "bench build devices help inspect run version " "$(printf '%s\n' $commands | sort | tr '\n' ' ')" "the list of commands"

for command in $commands; do
    expect 0 "$ferry" "$command" --help
    holds "Usage: ferry $command" "$out"
    is "" "$(cat "$err")" "stderr of $command --help"
    expect 0 "$ferry" help "$command"
    expect 0 "$ferry" help "$command" --man
    holds ".TH FERRY" "$out"
    holds ".SH OPTIONS" "$out"
    expect 0 "$ferry" help "$command" --markdown
    page=$FERRY_SOURCE/docs/cli/$command.md
    checks=$((checks + 1))
    cmp -s "$out" "$page" || fail "docs/cli/$command.md differs from the table of options: run 'make docs'"
    expect 2 "$ferry" "$command" --no-such-option
    is "" "$(cat "$out")" "stdout of a wrong $command"
    holds "unknown option '--no-such-option'" "$err"
    holds "ferry $command --help" "$err"
done

expect 0 "$ferry" --help
holds "Commands:" "$out"
expect 0 "$ferry" --version
holds "ferry " "$out"
expect 2 "$ferry"
expect 2 "$ferry" buidl
holds "did you mean 'build'" "$err"
expect 2 "$ferry" build
expect 2 "$ferry" build a.onnx b.onnx
expect 2 "$ferry" build a.onnx --otput x
holds "did you mean '--output'" "$err"
expect 2 "$ferry" build a.onnx --output
expect 2 "$ferry" build a.onnx --tuning=sometimes
holds "off|fast|full" "$err"
expect 2 "$ferry" build a.onnx --verbose=yes
expect 2 "$ferry" bench a.ferry --threads many
expect 2 "$ferry" bench a.ferry --threads -3
expect 2 "$ferry" bench a.ferry -n 0
expect 2 "$ferry" run only-a-model.ferry
expect 2 "$ferry" help nothing-of-the-kind

# Failures are 1, with the file's name.
expect_clean_failure "$ferry" inspect "$work/absent.onnx"
holds "absent.onnx" "$err"
expect_clean_failure "$ferry" run "$work/absent.ferry" x.jpg
expect_clean_failure "$ferry" bench "$work/absent.ferry"

# Results that cannot be written are failures too.
checks=$((checks + 1))
"$ferry" help >/dev/full 2>"$err" && fail "writing to a full disk succeeded"
holds "cannot write" "$err"
expect 0 "$ferry" devices --json
is cpu "$(jq -r '.[0].kind' "$out")" "the first device's kind"
done_testing
