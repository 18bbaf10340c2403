#!/usr/bin/env bash
# demo.sh: hold CONNS real connections on this machine, send every one of them a price each second, and report.
#
#   CONNS=100000    connections, 70 % WebSocket and 30 % SSE; where the machine holds fewer, the swarm takes what fits and says why
#   TICKS=60        how many ticks to hold them for once they are connected
#   INTERVAL=1s     time between two ticks
#   REPORT=demo-report.html   where the report goes as a page for the browser
#   ASSERT=loss=0,… what the report must meet, else the exit status is 1
#   LISTEN, ADMIN   addresses of the gateway; by default free ports on loopback
#   GATEWAY_FLAGS, SWARM_FLAGS   added to the command lines
#
# Starts the gateway, waits until it is ready, runs the swarm, and stops the gateway however the swarm or this script ends.
set -euo pipefail
cd "$(dirname "$0")/.."

conns=${CONNS:-100000}
ticks=${TICKS:-60}
interval=${INTERVAL:-1s}
assert=${ASSERT:-loss=0,conflated=0,duplicates=0,reordered=0,disconnects=0}
report=${REPORT:-demo-report.html}
if ! [[ $conns =~ ^[1-9][0-9]*$ && $ticks =~ ^[1-9][0-9]*$ ]]; then
	echo "CONNS=$conns TICKS=$ticks: both are whole numbers from 1 up" >&2
	exit 2
fi
read -ra gateway_flags <<<"${GATEWAY_FLAGS:-}"
read -ra swarm_flags <<<"${SWARM_FLAGS:-}"

. scripts/gateway.sh
start_gateway --max-conns $((conns + conns / 20)) --feed replay:data/sp500-2000.csv --feed-interval "$interval" --drain 2s "${gateway_flags[@]}"

rm -f -- "$report" # not to be taken for this run's, should that not get so far
status=0
setpriv --pdeathsig INT "$bin/swarm" "http://$public" --conns "$conns" --mix ws=70,sse=30 --ticks "$ticks" --assert "$assert" \
	--admin "http://$private" --report "$report" "${swarm_flags[@]}" || status=$?
[ -s "$report" ] && echo "the report as a page: $report"

if grep -qE 'level=ERROR' "$log"; then
	echo "the gateway logged errors:" >&2
	grep -E 'level=ERROR' "$log" | head -n 10 >&2
	status=1
fi
exit "$status"
