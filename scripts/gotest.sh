#!/usr/bin/env bash
# gotest.sh NAME ARGUMENTS…: run `go test -v ARGUMENTS…` and print what a reader needs of it: a line for each package, everything that a
# failed package said, every skipped test with its reason, and one summary line. With CI=true a skipped test is a failure: there, nothing
# may be left out. (Inputs that a fuzz target finds not worth trying are no tests.) LIVE=1 also prints every top-level test as it ends.
set -uo pipefail

name=$1
shift

go test -v "$@" 2>&1 | LC_ALL=C awk -v name="$name" -v ci="${CI:-}" -v live="${LIVE:-}" '
function flush_failed(   i) {
	for (i = 1; i <= held; i++)
		if (buffer[i] !~ /^(=== (RUN|PAUSE|CONT|NAME)|[ \t]*--- PASS)/) print buffer[i]
}
{ buffer[++held] = $0 }
/^=== (RUN|CONT|NAME) / { current = $3; next }
/^[ \t]*--- (PASS|FAIL|SKIP): / {
	test = $3
	if ($2 == "PASS:") passed++
	if ($2 == "FAIL:") failed++
	if ($2 == "SKIP:" && test !~ /^Fuzz.*\//) { skipped++; print "skipped " test ": " (test in said ? said[test] : "no reason given") }
	if (live != "" && $0 ~ /^---/) { print $2, $3, $4; fflush() }
	next
}
/^    +[^ ]+_test\.go:[0-9]+: / { line = $0; sub(/^ +[^ ]+: /, "", line); said[current] = line; next }
/^ok  / || /^\?   / || /^\t[^ ]+\t+coverage:/ {
	if ($0 !~ /no test files/) { print; packages++ }
	fflush(); held = 0; split("", said); next
}
/^FAIL\t/ { flush_failed(); broken++; fflush(); held = 0; split("", said); next }
END {
	if (held > 0 && !packages && !broken) flush_failed()
	printf "%s: %d packages, %d tests passed, %d failed, %d skipped\n", name, packages + broken, passed, failed, skipped
	if (ci == "true" && skipped) { print name ": with CI=true nothing may be skipped"; exit 1 }
}'
status=("${PIPESTATUS[@]}")
exit $((status[0] | status[1]))
