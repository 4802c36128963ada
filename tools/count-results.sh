#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sums up what run-tests.sh and run-fuzz.sh left in build/results; the last line is "N passed, N failed". Fails if anything failed.
set -eu

results=$(cd "$(dirname "$0")/.." && pwd)/build/results
passed=0
failed=0
skipped=0

attribute() { sed -n "s/.*[[:space:]]$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1; }

for file in "$results"/*.xml; do
    [ -f "$file" ] || continue
    head=$results/head.tmp
    sed -n '/<testsuite /,/>/p' "$file" | tr '\n' ' ' | sed 's/>.*//; s/^/ /' >"$head"
    echo >>"$head"
    all=$(attribute "$head" tests)
    bad=$(attribute "$head" failures)
    left=$(($(attribute "$head" skipped) + $(attribute "$head" disabled)))
    rm -f "$head"
    echo "$(basename "$file" .xml): $((all - bad - left)) passed, $bad failed, $left skipped"
    passed=$((passed + all - bad - left))
    failed=$((failed + bad))
    skipped=$((skipped + left))
done
for file in "$results"/*.txt; do
    [ -f "$file" ] || continue
    good=$(grep -c '^passed' "$file" || true)
    bad=$(grep -c '^FAILED' "$file" || true)
    echo "$(basename "$file" .txt): $good passed, $bad failed"
    passed=$((passed + good))
    failed=$((failed + bad))
done
[ "$skipped" -eq 0 ] || echo "($skipped skipped for want of the trained models or of Python packages)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
