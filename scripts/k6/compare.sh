#!/usr/bin/env bash
# compare.sh: let k6 and the swarm measure the latency of the same gateway at the same time, and say whether they agree.
#
#   CONNS=500       WebSocket connections of each of the two
#   TICKS=20        ticks that each of the two counts, a multiple of 5, at most 100
#   INTERVAL=500ms  time between two ticks, in ms
#   SLACK=1         milliseconds by which the two may differ besides what k6 itself costs; its clock cuts off up to 1
#   JUDGED='p50 p90 p99'   percentiles that must agree; the others of min p50 p90 p99 max are only shown
#   BIN=bin         directory with the gateway and the swarm; they are built if it is not given
#   K6=FILE         k6; by default bin/tools/k6-VERSION, which `make tools` builds
#
# Two rounds. In the first the ticks are fresh, as the gateway's feed makes them: what is compared is a few milliseconds. In the second this script writes
# the ticks itself and dates them back by 0, 100, 200, 300 and 400 ms in turn, so that a tool whose numbers are wrong by a factor or an offset is found out.
# Exit status 0: what is JUDGED differs by no more than SLACK and what k6 needs for one tick of all its connections (its processor time a message times
# CONNS). The largest value is not judged, since one pause of either tool decides it; nor is p99 worth it where other programs want the processors, for the ticks that the
# two count are not quite the same, and a single one that is late is 5 % of twenty.
set -euo pipefail
cd "$(dirname "$0")/../.."

conns=${CONNS:-500} ticks=${TICKS:-20} interval=${INTERVAL:-500ms} slack=${SLACK:-1} judged=${JUDGED:-p50 p90 p99}
k6=${K6:-$(find bin/tools -name 'k6-*' 2>/dev/null | sort -V | tail -n 1)}
if ! [[ $conns =~ ^[1-9][0-9]{0,4}$ && $ticks =~ ^([1-9]?[05]|100)$ && $ticks != 0 && $interval =~ ^[1-9][0-9]{1,4}ms$ && $judged =~ ^p(50|90|99)( p(50|90|99))*$ ]]; then
	echo "CONNS=$conns TICKS=$ticks INTERVAL=$interval JUDGED='$judged': want whole numbers, TICKS a multiple of 5 up to 100, and milliseconds such as 500ms, some of p50 p90 p99" >&2
	exit 2
fi
[ -x "$k6" ] || { echo "k6 is missing: \`make tools\` builds it, or K6=FILE names it" >&2; exit 3; }
[ -n "${BIN:-}" ] || make --no-print-directory build
bin=${BIN:-bin}

skip=5 # ticks that k6's connections do not count at first: meanwhile the swarm connects
dir=$(mktemp -d -t tickgate-k6-XXXXXX)
# stop ends what this script has started and waits for it.
stop() {
	local pid
	for pid in $(jobs -pr); do kill -TERM "$pid" 2>/dev/null || true; done
	wait
}
trap 'stop; rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# back_dated writes ticks for ever, each as old as it is said above.
back_dated() {
	local seq age pause
	pause=$(printf '%d.%03d' $((${interval%ms} / 1000)) $((${interval%ms} % 1000)))
	for ((seq = 1; ; seq++)); do
		age=$((seq % 5 * 100))
		printf '{"seq":%d,"ts":%d}\n' "$seq" $(((${EPOCHREALTIME/[.,]/} - age * 1000) * 1000)) || return 0
		sleep "$pause"
	done
}

# bound prints the address of a log line such as: msg="admin listening" addr=127.0.0.1:43211
bound() { sed -nE "s/.*msg=\"?$1\"? addr=([^ ]+).*/\1/p" "$dir/gateway.log" | head -n 1; }

# connections prints the number of clients that the gateway has.
connections() {
	local private
	private=$(bound 'admin listening')
	exec 3<>"/dev/tcp/${private%:*}/${private##*:}"
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
	awk '/^tickgate_connections\{.*state="open"/ { n += $2 } END { print n + 0 }' <&3
	exec 3<&-
}

# until_true polls a condition for 30 s.
until_true() {
	for _ in $(seq 300); do
		"$@" && return 0
		sleep 0.1
	done
	echo "not within 30 s: $*" >&2
	tail -n 20 "$dir"/*.log >&2
	return 1
}
listening() { [ -n "$(bound listening)" ] && [ -n "$(bound 'admin listening')" ]; }
connected() { [ "$(connections)" -ge "$1" ]; }

# processor prints the processor time of a process so far, in clock ticks.
processor() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat" 2>/dev/null; }

start_gateway() { # FEED
	local common=(--listen 127.0.0.1:0 --admin 127.0.0.1:0 --workers 1 --max-conns $((conns * 2 + 100)) --drain 1s)
	: >"$dir/gateway.log"
	if [ "$1" = stdin ]; then
		"$bin/gateway" "${common[@]}" --feed stdin < <(back_dated) 2>"$dir/gateway.log" &
	else
		"$bin/gateway" "${common[@]}" --feed "$1" --feed-interval "$interval" 2>"$dir/gateway.log" &
	fi
	until_true listening
}

# measure runs both tools and leaves their numbers in k6.txt and swarm.txt, as lines of a name and a number.
measure() {
	local k6_pid begin='' now end='' url
	url=$(bound listening)
	rm -f "$dir/k6.txt" "$dir/swarm.json"
	K6_AUTO_EXTENSION_RESOLUTION=false "$k6" run --no-usage-report --quiet --no-color --address '' -e "URL=ws://$url/ws" -e "CONNS=$conns" -e "SKIP=$skip" -e "TICKS=$ticks" \
		-e "PATIENCE=$(((skip + ticks + 10) * ${interval%ms} / 1000 + 20))" -e "SUMMARY=$dir/k6.txt" scripts/k6/ticks.js >"$dir/k6.log" 2>&1 &
	k6_pid=$!
	until_true connected "$conns"
	begin=$(processor "$k6_pid")
	# Nobody else may add to what is compared: the swarm reads at once, instead of waiting for more messages.
	"$bin/swarm" "http://$url" --mix ws=100 --conns "$conns" --ticks "$ticks" --coalesce 0s --json "$dir/swarm.json" --progress off >"$dir/swarm.log" 2>&1 &
	swarm_pid=$!
	while now=$(processor "$k6_pid") && [ -n "$now" ]; do
		end=$now
		sleep 0.1
	done
	wait "$k6_pid" || { cat "$dir/k6.log" >&2; return 1; }
	wait "$swarm_pid" || { cat "$dir/swarm.log" >&2; return 1; }
	# The last word on "latency" at the outermost level of the report, as lines.
	awk '/^  "latency": \{/ { on = 1; next } on && /^  \}/ { exit } on { gsub(/[",:]/, ""); sub(/_ms/, "", $1); print $1, $2 }' "$dir/swarm.json" >"$dir/swarm.txt"
	echo "cpu_ms $(((end - begin) * 1000 / $(getconf CLK_TCK)))" >>"$dir/k6.txt"
}

# judge prints both distributions side by side; its status says whether they agree.
judge() { # TITLE
	awk -v title="$1" -v conns="$conns" -v ticks="$ticks" -v skip="$skip" -v slack="$slack" -v which="$judged" '
		FNR == 1 { tool++ }
		{ value[tool, $1] = $2 }
		function gap(name) { return value[1, name] - value[2, name] }
		function size(x) { return x < 0 ? -x : x }
		END {
			if (value[1, "complete"] != conns || value[1, "faults"] != 0 || value[2, "count"] + 0 < conns * ticks * 0.9) {
				printf "%s: not comparable: k6 completed %d of %d connections with %d faults, the swarm has %d messages\n", title, value[1, "complete"], conns, value[1, "faults"], value[2, "count"]
				exit 1
			}
			cost = value[1, "cpu_ms"] / (conns * (ticks + skip))
			bound = slack + cost * conns
			printf "\n%s\n%-6s %10s %10s %12s\n", title, "", "k6", "swarm", "difference"
			n = split("min p50 p90 p99 max", names, " ")
			for (i = 1; i <= n; i++) {
				name = names[i]
				judged = index(" " which " ", " " name " ") > 0
				wrong = judged && size(gap(name)) > bound
				if (wrong) bad++
				if (judged && size(gap(name)) > worst) worst = size(gap(name))
				printf "%-6s %7.2f ms %7.2f ms %+9.2f ms%s\n", name, value[1, name], value[2, name], gap(name), wrong ? "  too much" : judged ? "" : "  not judged"
			}
			printf "messages: k6 %d, swarm %d; k6 took %.0f µs of processor a message, so %.1f ms for a tick of %d connections\n", value[1, "messages"], value[2, "count"], cost * 1000, cost * conns, conns
			printf "%s: %s differ by at most %.1f ms, and these tools can tell no less than %.1f ms apart (%s ms of it for the clock and noise)\n", bad ? "they disagree" : "they agree", which, worst, bound, slack
			exit bad > 0
		}' "$dir/k6.txt" "$dir/swarm.txt"
}

"$k6" version
status=0
for feed in sim stdin; do
	title="fresh ticks"
	[ "$feed" = sim ] || title="ticks dated back by 0 to 400 ms"
	start_gateway "$feed"
	measure
	stop
	judge "$title, $conns + $conns connections, every $interval" || status=1
done
exit "$status"
