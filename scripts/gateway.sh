#!/usr/bin/env bash
# gateway.sh, to be sourced by scripts at the top of the repository: start a gateway on free ports of loopback and stop it with the script.
#
#   start_gateway FLAG…   starts the gateway and waits until it is ready; its addresses are then in $public and $private, its log in $log
#
# The gateway ends with the script, however that ends. LISTEN and ADMIN choose other addresses, BIN a folder with built programs; without it
# they are built.

set -euo pipefail

bin=${BIN:-bin}
[ -n "${BIN:-}" ] || make --no-print-directory build

log=$(mktemp -t tickgate-XXXXXX.log)
gateway=
public=
private=

stop_gateway() {
	trap - EXIT INT TERM HUP
	if [ -n "$gateway" ] && kill -TERM "$gateway" 2>/dev/null; then
		# Drains are short below; whoever is not gone long after that has a fault, and must not stay behind.
		for _ in $(seq 100); do
			kill -0 "$gateway" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL -- "-$gateway" 2>/dev/null || true
		wait "$gateway" 2>/dev/null || true
	fi
	rm -f "$log"
}
trap stop_gateway EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# bound prints the address of a log line such as: msg="admin listening" addr=127.0.0.1:43211
bound() { sed -nE "s/.*msg=\"?$1\"? addr=([^ ]+).*/\1/p" "$log" | head -n 1; }

# ready asks the private listener whether the gateway serves. A fresh machine may have no curl.
ready() {
	local answer
	{ exec 3<>"/dev/tcp/${private%:*}/${private##*:}" && printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3 && read -r answer <&3; } 2>/dev/null &&
		[[ $answer == *' 200 '* ]]
}

start_gateway() {
	# In a session of its own the gateway does not see the Ctrl-C that ends the swarm, which then still reports; and it dies with this script.
	setsid setpriv --pdeathsig TERM "$bin/gateway" --listen "${LISTEN:-127.0.0.1:0}" --admin "${ADMIN:-127.0.0.1:0}" "$@" 2>"$log" &
	gateway=$!
	for _ in $(seq 300); do
		if ! kill -0 "$gateway" 2>/dev/null; then
			echo "the gateway did not start:" >&2
			cat "$log" >&2
			exit 1
		fi
		public=$(bound listening)
		private=$(bound 'admin listening')
		if [ -n "$public" ] && [ -n "$private" ] && ready; then
			grep -E 'level=(WARN|ERROR)|worker processes' "$log" >&2 || true
			echo "gateway on $public, metrics and pprof on http://$private"
			return
		fi
		sleep 0.1
	done
	echo "the gateway is not ready after 30 s:" >&2
	cat "$log" >&2
	exit 1
}
