#!/usr/bin/env bash
# topics.sh: clients of several topics each, on this machine; every message is checked by client and topic.
#
#   topics.sh            CONNS clients with two of TOPICS topics each, of which every one ticks once per INTERVAL
#   topics.sh replay     the same, but AWAY of the clients leave together, stay away for PAUSE and come back with their ids
#
#   CONNS=100000    connections, 25000 for replay; where the machine holds fewer, the swarm takes what fits and says why
#   TOPICS=1000     50 for replay; what topics tick is spread evenly over the interval
#   INTERVAL=4s     1s for replay. CONNS x 2 / INTERVAL deliveries a second
#   HOLD=60s        how long to measure without replay
#   AWAY=20000, PAUSE=30s, AWAY_RATE=2000   who leaves, for how long, and how many of them leave and come back per second
#   RING=1024       messages that the gateway keeps of each topic; those of PAUSE must fit
#   ASSERT=loss=0,… what the report must meet, else the exit status is 1
#   REPORT=topics-report.html   where the report goes as a page for the browser; replay-report.html for replay
#   LISTEN, ADMIN   addresses of the gateway; by default free ports on loopback
#   GATEWAY_FLAGS, SWARM_FLAGS   added to the command lines
#
# Starts the gateway, waits until it is ready, runs the swarm, and stops the gateway however the swarm or this script ends.
set -euo pipefail
cd "$(dirname "$0")/.."

assert=loss=0,conflated=0,duplicates=0,reordered=0,strays=0,ids_backward=0,disconnects=0
case ${1:-} in
'')
	conns=${CONNS:-100000} topics=${TOPICS:-1000} interval=${INTERVAL:-4s} report=${REPORT:-topics-report.html}
	load=(--mix ws=70,sse=30 --hold "${HOLD:-60s}")
	;;
replay)
	conns=${CONNS:-25000} topics=${TOPICS:-50} interval=${INTERVAL:-1s} report=${REPORT:-replay-report.html}
	away=${AWAY:-20000}
	# Raw WebSocket messages have no ids to come back with.
	load=(--mix sse=1 --away-clients "$away" --away "${PAUSE:-30s}" --away-rate "${AWAY_RATE:-2000}")
	assert+=,gaps=0,returned=$away,resumed=$away
	;;
*)
	echo "topics.sh $1: there is only replay" >&2
	exit 2
	;;
esac
if ! [[ $conns =~ ^[1-9][0-9]*$ && $topics =~ ^[1-9][0-9]*$ ]] || ((topics < 2)); then
	echo "CONNS=$conns TOPICS=$topics: whole numbers, at least 1 and 2" >&2
	exit 2
fi
read -ra gateway_flags <<<"${GATEWAY_FLAGS:-}"
read -ra swarm_flags <<<"${SWARM_FLAGS:-}"

. scripts/gateway.sh
start_gateway --max-conns $((conns + conns / 20)) --feed-symbols "$topics" --feed-interval "$interval" --feed-topic 'price.{sym}' \
	--policy all --ring "${RING:-1024}" --drain 2s "${gateway_flags[@]}"

rm -f -- "$report" # not to be taken for this run's, should that not get so far
status=0
setpriv --pdeathsig INT "$bin/swarm" "http://$public" --conns "$conns" "${load[@]}" --policy all --topics "price.S{0..$((topics - 1))}" \
	--topics-per-client 2 --assert "${ASSERT:-$assert}" --admin "http://$private" --report "$report" "${swarm_flags[@]}" || status=$?
[ -s "$report" ] && echo "the report as a page: $report"

if grep -qE 'level=ERROR' "$log"; then
	echo "the gateway logged errors:" >&2
	grep -E 'level=ERROR' "$log" | head -n 10 >&2
	status=1
fi
exit "$status"
