#!/usr/bin/env bash
# experiments.sh [NAME…]: run shipped experiments one after the other, all but io-models-100k if none is named. What they find stays in DIR;
# `bin/lab keep DIR/*/` writes it into their files, `bin/lab table DIR/NAME` prints medians.
#
#   DIR=out/experiments   results; an experiment that is there already is gone on with, or left alone if it is complete
#   SEED=1                seed of the order of runs
#
# The programs are copied to DIR/.bin first and taken from there ever after, so that a new build does not mix with the old results. The machine should have nothing
# else to do: other work makes differences vanish in noise, and what is measured here is not worth keeping then. Network experiments take root.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${DIR:-out/experiments}
names=("$@")
if [ ${#names[@]} = 0 ]; then
	# Those that show that lab itself is to be trusted come first.
	names=(aa tick-rate payload-size somaxconn-storm nofile-workers sndbuf-slow-readers notsent-lowat keepalive-user-timeout conntrack
		loops-gomaxprocs slice-fairness gogc-memlimit gogc-goroutines io-models)
fi
mkdir -p "$dir/.bin"
for program in gateway swarm lab; do
	[ -x "$dir/.bin/$program" ] || cp "bin/$program" "$dir/.bin/$program"
done

status=0
for name in "${names[@]}"; do
	echo "== $name ($SECONDS s)"
	result=0
	if [ -e "$dir/$name/result.json" ]; then
		echo "complete: $dir/$name"
	elif [ -e "$dir/$name/manifest.json" ]; then
		"$dir/.bin/lab" run --resume "$dir/$name" || result=$?
	else
		"$dir/.bin/lab" run "$name" --seed "${SEED:-1}" --out "$dir/$name" || result=$?
	fi
	case $result in
	0) ;;
	130) exit 130 ;;
	*) echo "$name ended with status $result; the others go on" >&2 && status=1 ;;
	esac
done
echo "== done in $SECONDS s; bin/lab keep $dir/*/ writes the results into the files"
exit "$status"
