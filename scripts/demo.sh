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
listen=${LISTEN:-127.0.0.1:0}
admin=${ADMIN:-127.0.0.1:0}
if ! [[ $conns =~ ^[1-9][0-9]*$ && $ticks =~ ^[1-9][0-9]*$ ]]; then
	echo "CONNS=$conns TICKS=$ticks: both are whole numbers from 1 up" >&2
	exit 2
fi
read -ra gateway_flags <<<"${GATEWAY_FLAGS:-}"
read -ra swarm_flags <<<"${SWARM_FLAGS:-}"

make --no-print-directory build

log=$(mktemp -t tickgate-demo-XXXXXX.log)
gateway=
stop() {
	trap - EXIT INT TERM HUP
	if [ -n "$gateway" ] && kill -TERM "$gateway" 2>/dev/null; then
		# The drain below is 2 s; whoever is not gone long after that has a fault, and must not stay behind.
		for _ in $(seq 100); do
			kill -0 "$gateway" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL -- "-$gateway" 2>/dev/null || true
		wait "$gateway" 2>/dev/null || true
	fi
	rm -f "$log"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# In a session of its own the gateway does not see the Ctrl-C that ends the swarm, which then still reports; and it dies with this script.
setsid setpriv --pdeathsig TERM bin/gateway --listen "$listen" --admin "$admin" --max-conns $((conns + conns / 20)) \
	--feed replay:data/sp500-2000.csv --feed-interval "$interval" --drain 2s "${gateway_flags[@]}" 2>"$log" &
gateway=$!

# bound prints the address of a log line such as: msg="admin listening" addr=127.0.0.1:43211
bound() { sed -nE "s/.*msg=\"?$1\"? addr=([^ ]+).*/\1/p" "$log" | head -n 1; }

# ready asks the private listener whether the gateway serves. A fresh machine may have no curl.
ready() {
	local answer
	{ exec 3<>"/dev/tcp/${private%:*}/${private##*:}" && printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3 && read -r answer <&3; } 2>/dev/null &&
		[[ $answer == *' 200 '* ]]
}

public='' private=''
for _ in $(seq 300); do
	if ! kill -0 "$gateway" 2>/dev/null; then
		echo "the gateway did not start:" >&2
		cat "$log" >&2
		exit 1
	fi
	public=$(bound listening)
	private=$(bound 'admin listening')
	[ -n "$public" ] && [ -n "$private" ] && ready && break
	sleep 0.1
done
if ! ready; then
	echo "the gateway is not ready after 30 s:" >&2
	cat "$log" >&2
	exit 1
fi
grep -E 'level=(WARN|ERROR)|worker processes' "$log" >&2 || true
echo "gateway on $public, metrics and pprof on http://$private"

rm -f -- "$report" # not to be taken for this run's, should that not get so far
status=0
setpriv --pdeathsig INT bin/swarm "http://$public" --conns "$conns" --mix ws=70,sse=30 --ticks "$ticks" --assert "$assert" \
	--admin "http://$private" --report "$report" "${swarm_flags[@]}" || status=$?
[ -s "$report" ] && echo "the report as a page: $report"

if grep -qE 'level=ERROR' "$log"; then
	echo "the gateway logged errors:" >&2
	grep -E 'level=ERROR' "$log" | head -n 10 >&2
	status=1
fi
exit "$status"
