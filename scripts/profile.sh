#!/usr/bin/env bash
# profile.sh: hold CONNS connections and collect what the Go runtime can tell about the gateway under that load.
#
#   CONNS=20000          connections, 70 % WebSocket and 30 % SSE
#   TAKE=10              how many seconds to sample processor time, waits and (half of it) the trace
#   DIR=out/profile      where everything goes; an older run's files there are replaced
#   GATEWAY_FLAGS        added to the gateway's command line; GOGC, GOMEMLIMIT and GOMAXPROCS are heeded
#
# Prints the top lines of each profile. docs/profiling.md reads them one by one.
set -euo pipefail
cd "$(dirname "$0")/.."

conns=${CONNS:-20000}
take=${TAKE:-10}
dir=${DIR:-out/profile}
if ! [[ $conns =~ ^[1-9][0-9]*$ && $take =~ ^[1-9][0-9]*$ ]]; then
	echo "CONNS=$conns TAKE=$take: both are whole numbers from 1 up" >&2
	exit 2
fi
for program in go curl; do
	command -v "$program" >/dev/null || { echo "$program is missing: this script needs it" >&2; exit 1; }
done
read -ra gateway_flags <<<"${GATEWAY_FLAGS:-}"

mkdir -p "$dir"
. scripts/gateway.sh
export GODEBUG=memprofilerate=16384${GODEBUG:+,$GODEBUG} # the usual 512 KiB would show a slab of connections or not, by chance
start_gateway --max-conns $((conns + conns / 20)) --feed replay:data/sp500-2000.csv --drain 2s "${gateway_flags[@]}"

# fetch saves an answer of the private listener.
fetch() { curl -fsS --max-time $((take + 60)) -o "$dir/$1" "http://$private/$2"; }

# worker is the part of a path that names one process, where there are several.
worker=
fetch metrics-before.txt metrics
grep -q '^tickgate_worker_up' "$dir/metrics-before.txt" && worker=worker/0/
fetch heap-before.pb.gz 'debug/pprof/heap?gc=1'

setpriv --pdeathsig KILL "$bin/swarm" "http://$public" --conns "$conns" --hold 1h --progress off >"$dir/swarm.txt" 2>&1 &
swarm=$!
open() { curl -fsS "http://$private/metrics" | awk '/^tickgate_connections{.*state="open"/ { n += $2 } END { print n + 0 }'; }
printf 'connecting %s clients' "$conns"
until [ "$(open)" -ge "$conns" ]; do
	kill -0 "$swarm" 2>/dev/null || { echo; echo "the swarm ended:" >&2; cat "$dir/swarm.txt" >&2; exit 1; }
	printf .
	sleep 1
done
echo ' done'

fetch profile.pb.gz "debug/pprof/profile?seconds=$take"
fetch mutex.pb.gz "debug/pprof/mutex?seconds=$take"
fetch block.pb.gz "debug/pprof/block?seconds=$take"
fetch trace.out "debug/pprof/${worker}trace?seconds=$(((take + 1) / 2))"
fetch heap.pb.gz 'debug/pprof/heap?gc=1'
fetch allocs.pb.gz debug/pprof/allocs
fetch goroutine.txt 'debug/pprof/goroutine?debug=1'
fetch metrics.txt metrics
fetch ticks.json debug/ticks

# top prints the first lines of a profile.
top() {
	local title=$1
	shift
	printf '\n== %s\n   go tool pprof -top %s\n' "$title" "$*"
	go tool pprof -top -nodecount=12 "$@" 2>/dev/null |
		sed -E '/^(File|Build ID|Time|Type|Dropped)/d; s/\[go\.shape[^]]*\]/[…]/g' || true
}
top 'processor time' "$dir/profile.pb.gz"
top 'the heap after a collection' -sample_index=inuse_space "$dir/heap.pb.gz"
top "what $conns clients added to it" -sample_index=inuse_space -diff_base="$dir/heap-before.pb.gz" "$dir/heap.pb.gz"
top 'allocated since the start' -sample_index=alloc_space "$dir/allocs.pb.gz"
top 'waits for mutexes' "$dir/mutex.pb.gz"
top 'waits of any kind' "$dir/block.pb.gz"
printf '\n== a trace\n   go tool trace %s\n' "$dir/trace.out"
printf '\nall of it is in %s; a profile in the browser: go tool pprof -http=: %s/heap.pb.gz\n' "$dir" "$dir"
