#!/usr/bin/env bash
# screenshots.sh: start a gateway, hold CONNS connections on it, and photograph its dashboard under that load.
#
#   CONNS=100000      connections, 70 % WebSocket and 30 % SSE; 1 % of them read slowly, CHURN a second come and go
#   CHURN=200
#   WATCH=90s         how long the page is open under load before the pictures are taken
#   MINUTES=2         time shown: 1, 2, 5 or 10
#   OUT=docs/images   where dashboard-light.png, dashboard-dark.png and dashboard-narrow.png go
#   FEED=replay:data/sp500-2000.csv
#   GATEWAY_FLAGS, SWARM_FLAGS   added to the command lines
#
# Prints what the dashboard costs: the gateway's processor time a second, before the page is open and while it is. Everything that it starts
# ends with it.
set -euo pipefail
cd "$(dirname "$0")/.."

conns=${CONNS:-100000}
out=${OUT:-docs/images}
watch=${WATCH:-90s}
read -ra gateway_flags <<<"${GATEWAY_FLAGS:-}"
read -ra swarm_flags <<<"${SWARM_FLAGS:-}"
mkdir -p "$out"

. scripts/gateway.sh
tmp=$(mktemp -d -t tickgate-screenshots-XXXXXX)
pids=()
stop() {
	local pid
	for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
	rm -rf "$tmp"
	stop_gateway
}
trap stop EXIT
go build -trimpath -o "$tmp/" ./scripts/screenshots
start_gateway --max-conns $((conns + conns / 20 + 10)) --feed "${FEED:-replay:data/sp500-2000.csv}" --drain 2s "${gateway_flags[@]}"

setsid setpriv --pdeathsig TERM "$bin/swarm" "http://$public" --conns "$conns" --mix ws=70,sse=30 --slow $((conns / 100)) \
	--churn "${CHURN:-200}" --hold 1h "${swarm_flags[@]}" >"$tmp/swarm.log" 2>&1 &
pids+=("$!")
touch "$tmp/swarm.log"
for _ in $(seq 600); do
	grep -q ' hold ' "$tmp/swarm.log" && break
	kill -0 "${pids[0]}" 2>/dev/null || { cat "$tmp/swarm.log" >&2; exit 1; }
	sleep 0.5
done
grep ' hold ' "$tmp/swarm.log" | tail -n 1

# spent prints the processor time of the gateway and its workers in ticks of 10 ms.
spent() {
	local pid total=0 fields
	for pid in "$gateway" $(pgrep -P "$gateway" || true); do
		read -ra fields <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
		total=$((total + fields[11] + fields[12]))
	done
	echo "$total"
}
measure() { # what, seconds
	local before after
	before=$(spent)
	sleep "$2"
	after=$(spent)
	awk -v t=$((after - before)) -v s="$2" -v what="$1" 'BEGIN { printf "gateway %s: %.3f cores over %d s\n", what, t / 100 / s, s }'
}
measure "without a page" 20
"$tmp/screenshots" --url "http://$private" --out "$out" --minutes "${MINUTES:-2}" --watch "$watch" &
page=$!
pids+=("$page")
sleep 5
measure "with the page" 20
wait "$page"
ls -l "$out"/dashboard-*.png
