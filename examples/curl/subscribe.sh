#!/usr/bin/env bash
# Prints the messages of topics as lines "ID DATA", and goes on where it was when the connection breaks.
#
#   [TICKGATE_TOKEN=…] subscribe.sh http://127.0.0.1:8080 'price.*' chat.1
#
# Status 1: the gateway refuses, and would do so again.
set -euo pipefail

[ $# -ge 2 ] || { echo "usage: subscribe.sh URL TOPIC…" >&2; exit 2; }
url=$1/sse
shift
options=(--silent --show-error --no-buffer --include --connect-timeout 10 --get)
for topic; do options+=(--data-urlencode "topic=$topic"); done

last=      # the id of the last whole message
retry=2000 # milliseconds until the next try, as the gateway says
failures=0 # tries in a row without success
silence=75 # seconds; the gateway sends a heartbeat every 30, so a stream that is silent for longer is dead

headers() { # in a file of their own: a command line is for all to see
	echo 'Accept: text/event-stream'
	[ -z "${TICKGATE_TOKEN:-}" ] || printf 'Authorization: Bearer %s\n' "$TICKGATE_TOKEN"
	[ -z "$last" ] || printf 'Last-Event-ID: %s\n' "$last"
}

# The answer's status and Retry-After, up to the empty line behind its head.
read_head() {
	local line
	status=0 after=
	while IFS= read -rt "$silence" line && line=${line%$'\r'} && [ -n "$line" ]; do
		case ${line,,} in
			http/*) status=${line#* } status=${status%% *} ;;
			retry-after:*) after=$((${line##*[: ]} * 1000)) ;;
		esac
	done
}

# Events, line by line (WHATWG HTML §9.2.6); an event that was cut off is not one.
read_events() {
	local line value id='' type='' data=''
	while IFS= read -rt "$silence" line; do
		value=${line#*:} value=${value# }
		case $line in
			id:*) id=$value ;;
			event:*) type=$value ;;
			data:*) data+=$value$'\n' ;;
			retry:*) retry=$value ;;
			'')
				if [ "$type" = gap ]; then
					echo "gap: messages are missing: ${data%$'\n'}" >&2
				elif [ -n "$id" ]; then
					printf '%s %s\n' "$id" "${data%$'\n'}"
					last=$id
				fi
				id='' type='' data=''
				;;
		esac
	done
}

trap 'kill "${curl:-}" 2>/dev/null || true' EXIT
while true; do
	exec 3< <(curl "${options[@]}" --header @<(headers) "$url")
	curl=$!
	read_head <&3
	case $status in
		200)
			echo "connected" >&2
			failures=0
			read_events <&3
			wait=$retry
			;;
		0 | 408 | 429 | 5*) wait=${after:-$((retry << (failures < 5 ? failures : 5)))} failures=$((failures + 1)) ;;
		*)
			echo "given up: $status $(cat <&3)" >&2
			exit 1
			;;
	esac
	kill "$curl" 2>/dev/null || true # if it was silent
	exec 3<&-
	echo "disconnected, back in $wait ms" >&2
	sleep "$((wait / 1000)).$(printf %03d $((wait % 1000)))"
done
