#!/usr/bin/env bash
# fuzz.sh TIME [PACKAGE…]: run every native fuzz target of the packages (all of them by default) for TIME each, one after another, because
# `go test -fuzz` takes one target at a time. A crasher is written to the package's testdata/fuzz, from where `go test` replays it for ever.
set -euo pipefail

time=$1
shift
[ $# -gt 0 ] || set -- ./...

targets=0
for package in $(go list "$@"); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		printf '== %s %s for %s\n' "$package" "$target" "$time"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
		targets=$((targets + 1))
	done
done
printf 'fuzz: %d targets, %s each, no crasher\n' "$targets" "$time"
