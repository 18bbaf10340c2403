#!/usr/bin/env bash
# Publishes one message, or lines of messages from standard input, and prints what the gateway has stored.
#
#   [TICKGATE_KEY=…] publish.sh http://127.0.0.1:9090 price.ACME '{"p":101.25}'
#   [TICKGATE_KEY=…] publish.sh http://127.0.0.1:9090 < lines      # {"topic":"price.ACME","data":{"p":101.25}}
#
# The URL is that of the private listener, the key one of --publish-keys or a token that grants publishing.
set -euo pipefail

url=${1:?usage: publish.sh URL [TOPIC DATA]}/v1

authorization() { # in a file of its own: a command line is for all to see
	[ -z "${TICKGATE_KEY:-}" ] || printf 'Authorization: Bearer %s\n' "$TICKGATE_KEY"
}

if [ $# -eq 3 ]; then
	# curl repeats after 429 and 503, when Retry-After says; the message id lets the gateway recognise what it has stored already.
	curl --silent --show-error --fail-with-body --retry 10 --retry-connrefused --retry-max-time 120 --max-time 30 \
		--header @<(authorization) --header "Nats-Msg-Id: $(cat /proc/sys/kernel/random/uuid)" --data-binary "$3" "$url/topics/$2"
else
	# A line with the result for each line of input, in order, while input is still coming.
	curl --silent --show-error --fail-with-body --no-buffer --header @<(authorization) --request POST --upload-file - "$url/messages"
fi
