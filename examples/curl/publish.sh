#!/usr/bin/env bash
# Publishes one message, or lines of messages from standard input, and prints what the gateway has stored.
#
#   [TICKGATE_KEY=…] publish.sh http://127.0.0.1:9090 price.ACME '{"p":101.25}'
#   [TICKGATE_KEY=…] publish.sh http://127.0.0.1:9090 < lines      # {"topic":"price.ACME","data":{"p":101.25}}
#
# The URL is that of the private listener, the key one of --publish-keys or a token that grants publishing.
set -euo pipefail

[ $# = 1 ] || [ $# = 3 ] || { echo "usage: publish.sh URL [TOPIC DATA]" >&2; exit 2; }
url=$1/v1

authorization() { # in a file of its own: a command line is for all to see
	[ -z "${TICKGATE_KEY:-}" ] || printf 'Authorization: Bearer %s\n' "$TICKGATE_KEY"
}

options=(--silent --show-error --fail-with-body)
if [ $# -eq 1 ]; then
	# A line with the result for each line of input, in order, while input is still coming.
	curl "${options[@]}" --header @<(authorization) --no-buffer --request POST --upload-file - "$url/messages" |
		awk '/^{"error"/ { failed = 1 } { print; fflush() } END { exit failed }'
	exit
fi

# The message id lets the gateway recognise, at the next try, what it has stored already.
id=$(cat /proc/sys/kernel/random/uuid)
for ((try = 1; try <= 10; try++)); do
	# By itself curl repeats after 429 and 503, when Retry-After says.
	status=0
	curl "${options[@]}" --header @<(authorization) --retry 10 --max-time 60 --header "Nats-Msg-Id: $id" --data-binary "$3" "$url/topics/$2" || status=$?
	case $status in
		0) exit 0 ;;
		22) exit 1 ;; # refused
	esac
	sleep "$try" # nobody there, or cut off
done
exit 1
