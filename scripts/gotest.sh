#!/usr/bin/env bash
# gotest.sh NAME ARGUMENTS…: run `go test -v ARGUMENTS…` and print what a reader needs of it: a line for each package, everything that a
# failed package said, every skipped test with its reason, every try of a test about time that had to be repeated (internal/trial), one summary
# line and, last, what each failed test said. With CI=true a skipped test is a failure: there, nothing may be left out. (Inputs that a fuzz
# target finds not worth trying are no tests.) LIVE=1 also prints every top-level test as it ends. What comes last is added to the file FAILURES
# too, if that is set: make may run other things afterwards.
set -uo pipefail

name=$1
shift

go test -v "$@" 2>&1 | LC_ALL=C awk -v name="$name" -v ci="${CI:-}" -v live="${LIVE:-}" -v file="${FAILURES:-}" '
# A failed package: everything at once, and for the end what its failed tests said, with the beginnings of crashes and races and what the compiler
# said; if that is nothing, its last lines.
function flush_failed(   i, until, kept) {
	for (i = 1; i <= held; i++) {
		if (buffer[i] ~ /^(=== (RUN|PAUSE|CONT|NAME)|FAIL\t|[ \t]*--- PASS)/) continue
		print buffer[i]
		if (buffer[i] ~ /^(panic: |fatal error: |WARNING: DATA RACE|# )/) until = i + 60
		if (i < until || owner[i] in fails) { kept++; last = last buffer[i] "\n" }
	}
	for (i = held > 100 ? held - 99 : 1; i < held && !kept; i++) last = last buffer[i] "\n"
	print buffer[held]
	last = last buffer[held] "\n"
}
function forget() { held = 0; current = ""; split("", said); split("", fails) }
{ buffer[++held] = $0; owner[held] = current }
/^=== (RUN|CONT|NAME) / { current = $3; next }
/^[ \t]*--- (PASS|FAIL|SKIP): / {
	test = $3
	if ($2 == "PASS:") passed++
	if ($2 == "FAIL:") { failed++; fails[test]; owner[held] = test }
	if ($2 == "SKIP:" && test !~ /^Fuzz.*\//) { skipped++; print "skipped " test ": " (test in said ? said[test] : "no reason given") }
	if (live != "" && $0 ~ /^---/) { print $2, $3, $4; fflush() }
	next
}
/in this try: |try [0-9]+ of [0-9]+ failed/ {
	line = $0; sub(/^ +[^ ]+: /, "", line); print "repeated " current ": " line; fflush()
	if (line ~ /^try /) repeated++
}
/^    +[^ ]+_test\.go:[0-9]+: / { line = $0; sub(/^ +[^ ]+: /, "", line); said[current] = line; next }
/^ok  / || /^\?   / || /^\t[^ ]+\t+coverage:/ {
	if ($0 !~ /no test files/) { print; packages++ }
	fflush(); forget(); next
}
/^FAIL\t/ { flush_failed(); broken++; fflush(); forget(); next }
END {
	if (held > 0 && !packages && !broken) flush_failed() # go test itself had something to say
	printf "%s: %d packages, %d tests passed, %d failed, %d skipped, %d repeated\n", name, packages + broken, passed, failed, skipped, repeated
	if (ci == "true" && skipped) { print name ": with CI=true nothing may be skipped"; last = last name ": skipped tests\n" }
	if (last != "") printf "== %s, what failed:\n%s", name, last
	if (last != "" && file != "") printf "== %s, what failed:\n%s", name, last >> file
	if (ci == "true" && skipped) exit 1
}'
status=("${PIPESTATUS[@]}")
exit $((status[0] | status[1]))
