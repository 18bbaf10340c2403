#!/usr/bin/env bash
# compare.sh: put tickgate beside other push servers: the same clients, the same ticks, one cold server after the other. Prints a Markdown table.
#
#   scripts/rivals/compare.sh [NAME…]     default: all whose program is there
#
#   CONNS=15000     connections; one process with nofile 20,000 holds so many
#   HOLD=15s        how long to measure
#   ROUNDS=2        how often; the order moves on by one each round
#   RATE=3000       connects a second
#   CENTRIFUGO, MERCURE, NGINX, UWEBSOCKETS   the programs, by default those in PATH
#   NCHAN           nchan's module for nginx
#   DIR             for reports and logs, by default a new directory
#
# README.md beside this file says which versions were compared and how to get them. A server whose program is missing is left out, with a line that says so.
set -euo pipefail
cd "$(dirname "$0")/../.."

conns=${CONNS:-15000} hold=${HOLD:-15s} rounds=${ROUNDS:-2} rate=${RATE:-3000}
dir=${DIR:-$(mktemp -d -t rivals-XXXXXX)}
secret=a-secret-for-this-comparison-only-32
centrifugo=${CENTRIFUGO:-centrifugo} mercure=${MERCURE:-mercure} nginx=${NGINX:-nginx} uws=${UWEBSOCKETS:-uwebsockets}
nchan=${NCHAN:-/usr/lib/nginx/modules/ngx_nchan_module.so}
names=("$@")
[ $# -gt 0 ] || names=(tickgate uwebsockets nchan centrifugo tickgate-sse nchan-sse mercure)
mkdir -p "$dir"
make --no-print-directory build
go build -o "$dir/publisher" ./scripts/rivals/publisher

# server NAME sets command, environment, url, publish (the publisher's arguments, or none) and fields (the swarm's); it fails if the program is missing.
server() {
	command=() environment=() publish=() fields=(--ts-field ts --seq-field seq)
	case $1 in
	tickgate | tickgate-sse)
		port=21001 command=(bin/gateway --listen "127.0.0.1:21001" --admin off --workers 1 --max-conns 19000 --payload-bytes 120 --log-level warn)
		url=ws://127.0.0.1:21001/ws
		[ "$1" = tickgate ] || url=http://127.0.0.1:21001/sse
		;;
	uwebsockets)
		port=21005 command=("$uws" 21005 2) url=ws://127.0.0.1:21005/ws
		;;
	nchan | nchan-sse)
		port=21004 command=("$nginx" -p "$dir" -c "$dir/nginx.conf") url=ws://127.0.0.1:21004/ws
		[ "$1" = nchan ] || url=http://127.0.0.1:21004/sse
		publish=(-kind nchan -url http://127.0.0.1:21004/pub)
		sed "s|@DIR@|$dir|; s|@MODULE@|$nchan|; s|@WORKERS@|2|" scripts/rivals/nginx.conf >"$dir/nginx.conf"
		[ -e "$nchan" ] || return 1
		;;
	centrifugo)
		port=21002 command=("$centrifugo" -c scripts/rivals/centrifugo.json) url=ws://127.0.0.1:21002/connection/websocket
		publish=(-kind centrifugo -url http://127.0.0.1:21002/api/publish -secret rivals-key)
		fields=(--ts-field data.ts --seq-field data.seq --send '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"ticks"}}')
		;;
	mercure)
		port=21003 command=("$mercure" run --config scripts/rivals/Caddyfile --adapter caddyfile)
		environment=(XDG_DATA_HOME="$dir" XDG_CONFIG_HOME="$dir") url=http://127.0.0.1:21003/.well-known/mercure?topic=ticks
		publish=(-kind mercure -url http://127.0.0.1:21003/.well-known/mercure -secret "$secret")
		;;
	*)
		echo "compare.sh: $1: want some of tickgate uwebsockets nchan centrifugo tickgate-sse nchan-sse mercure" >&2
		exit 2
		;;
	esac
	command -v "${command[0]}" >/dev/null
}

running=()
stop() {
	for pid in "${running[@]}"; do
		kill -TERM "$pid" 2>/dev/null || true
		for _ in $(seq 80); do kill -0 "$pid" 2>/dev/null && sleep 0.1 || break; done
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	running=()
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

# run NAME ROUND
run() {
	if ! server "$1"; then
		echo "$1 is left out: ${command[0]}, or a part of it, is missing" >&2
		return
	fi
	env "${environment[@]}" setpriv --pdeathsig TERM "${command[@]}" >"$dir/$1.log" 2>&1 &
	running+=($!)
	local pid=$!
	for _ in $(seq 100); do listens && break || sleep 0.1; done
	listens || { echo "$1 does not listen; see $dir/$1.log" >&2; exit 1; }
	if [ ${#publish[@]} -gt 0 ]; then
		setpriv --pdeathsig TERM "$dir/publisher" "${publish[@]}" >"$dir/$1.publisher.log" 2>&1 &
		running+=($!)
	fi
	sleep 2.5 # two ticks: what is warm in production shall be warm
	bin/swarm "$url" --conns "$conns" --hold "$hold" --rate "$rate" --policy all --pid "$pid" --progress off --json "$dir/$1.$2.json" "${fields[@]}" \
		--assert "connected=$conns,loss=0,duplicates=0,disconnects=0" >"$dir/$1.$2.txt" 2>&1 || echo "$1: see $dir/$1.$2.txt" >&2
	stop
}

for ((round = 0; round < rounds; round++)); do
	for ((i = 0; i < ${#names[@]}; i++)); do
		run "${names[$(((i + round) % ${#names[@]}))]}" "$round"
	done
done

echo "| | CPU per message | per connection | process | p50, p99 | CPU per connect | lost |"
echo "|---|---|---|---|---|---|---|"
for name in "${names[@]}"; do
	files=("$dir/$name".*.json)
	[ -e "${files[0]}" ] || continue
	# one value a round, in order
	each() { jq -r -s "[.[] | $1] | join(\"; \")" "${files[@]}"; }
	echo "| $name | $(each '.server.cpu_us_per_message * 100 | round / 100') µs | $(each '.server.bytes_per_connection | round') B |" \
		"$(each '.server.pss_after_bytes / 1048576 | round') MiB | $(each '"\(.latency.p50_ms | round), \(.latency.p99_ms | round)"') ms |" \
		"$(each '.server.cpu_us_per_connect | round') µs | $(each '.messages.lost') |"
done
echo "reports and logs: $dir" >&2
