#!/usr/bin/env bash
# tune.sh show|apply|undo: compare the running kernel with tuning/sysctl.conf, raise what is too low, put it back.
#
#   show    print the difference and change nothing
#   apply   print the difference and apply it (root); what was there before goes into the undo file first
#   undo    restore what apply changed and remove the undo file (root)
#
# A setting is a lower bound: what is larger already is left alone, number by number. `# tune: exact` above a setting
# asks for exactly that value, `# tune: range` for a range at least as wide. Keys that the kernel lacks are skipped.
# Applying again adds to the undo file what it lacks and never overwrites an original value. A reboot resets the kernel,
# so an undo file from before it is worthless and is thrown away.
#
# Environment:
#   TUNE_SCALE  100k (default) or 1m: for which number of connections
#   TUNE_CONF   the settings         (default: tuning/sysctl.conf beside this script's directory)
#   TUNE_UNDO   the undo file        (default: /var/lib/tickgate/sysctl.undo)
#   TUNE_ROOT   where the kernel's sysctls are (default: /proc/sys; tests use a directory of their own)
set -euo pipefail

conf=${TUNE_CONF:-$(dirname "$(readlink -f "$0")")/../tuning/sysctl.conf}
undo=${TUNE_UNDO:-/var/lib/tickgate/sysctl.undo}
root=${TUNE_ROOT:-/proc/sys}
scale=${TUNE_SCALE:-100k}

die() {
	printf 'tune.sh: %s\n' "$*" >&2
	exit 1
}

# path KEY: the file of a sysctl.
path() { printf '%s/%s' "$root" "${1//.//}"; }

# current KEY: its value in this kernel, numbers separated by one space.
current() {
	local -a words
	read -r -a words <"$(path "$1")" || true # false at the end of a file without a line feed
	printf '%s' "${words[*]}"
}

# settings: one line «mode key value» for each setting of the chosen scale. `#1m key = value` replaces the value for a
# million connections.
settings() {
	awk -v scale="$scale" '
		function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); gsub(/[ \t]+/, " ", s); return s }
		/^# tune: (exact|range)$/ { mode = $3; next }
		/^#1m / { if (scale != "1m") next; sub(/^#1m /, "") }
		/^[ \t]*(#|$)/ { next }
		{
			split($0, part, "=")
			key = trim(part[1])
			if (!(key in value)) { order[++n] = key; modes[key] = mode == "" ? "least" : mode }
			value[key] = trim(part[2])
			mode = ""
		}
		END { for (i = 1; i <= n; i++) print modes[order[i]], order[i], value[order[i]] }
	' "$conf"
}

# wanted MODE NOW SETTING: the value that a key with value NOW should have.
wanted() {
	local -a now want
	local i
	read -r -a now <<<"$2"
	read -r -a want <<<"$3"
	if [ "$1" != exact ]; then
		for i in "${!want[@]}"; do
			if [ "$1" = range ] && [ "$i" = 0 ]; then
				((now[i] < want[i])) && want[i]=${now[i]}
			else
				((now[i] > want[i])) && want[i]=${now[i]}
			fi
		done
	fi
	printf '%s' "${want[*]}"
}

# difference: one line «key<TAB>now<TAB>wanted» for each key that has to change; says on stderr what it skips.
difference() {
	local mode key setting now want
	while read -r mode key setting; do
		if [ ! -e "$(path "$key")" ]; then
			printf '  %-34s this kernel has no such key, skipped\n' "$key" >&2
			continue
		fi
		now=$(current "$key")
		want=$(wanted "$mode" "$now" "$setting")
		if [ "$now" != "$want" ]; then
			printf '%s\t%s\t%s\n' "$key" "$now" "$want"
		fi
	done < <(settings)
}

print_changes() {
	local key now want
	while IFS=$'\t' read -r key now want; do
		printf '  %-34s %s -> %s\n' "$key" "$now" "$want"
	done <<<"$1"
}

# boot: names this boot of the machine, because a reboot resets what the undo file would restore.
boot() { cat "$root/kernel/random/boot_id" 2>/dev/null || echo unknown; }

# undo_values: the lines «key = value» of an undo file of this boot.
undo_values() {
	if [ -e "$undo" ] && grep -qxF "# boot $(boot)" "$undo"; then
		grep -E '^[a-z0-9_.]+ = [0-9 -]+$' "$undo" || true
	fi
}

# write_undo VALUES: replace the undo file in one step that survives a crash.
write_undo() {
	local new
	mkdir -p "$(dirname "$undo")"
	new=$(mktemp "$undo.XXXXXX")
	{
		printf '# kernel settings before tune.sh changed them; restored by: %s undo\n' "$0"
		printf '# boot %s\n' "$(boot)"
		printf '%s\n' "$1"
	} >"$new"
	chmod 644 "$new"
	sync "$new"
	mv "$new" "$undo"
	sync "$(dirname "$undo")"
}

# remember CHANGES: add the values of now to the undo file, except where it has an older one.
remember() {
	local values key now _
	values=$(undo_values)
	while IFS=$'\t' read -r key now _; do
		grep -q "^${key//./\\.} = " <<<"$values" || values+=${values:+$'\n'}"$key = $now"
	done <<<"$1"
	write_undo "$values"
}

# set_key KEY VALUE: change one key; says what went wrong.
set_key() {
	if ! { printf '%s\n' "$2" >"$(path "$1")"; } 2>/dev/null; then
		printf 'tune.sh: the kernel refuses %s = %s\n' "$1" "$2" >&2
		return 1
	fi
}

# check_writable KEY…: stop before the first change if there will be one that is not allowed.
check_writable() {
	local key
	for key; do
		[ -w "$(path "$key")" ] || die "cannot write $(path "$key"): run this as root (in a container: on its host)"
	done
}

# show: print the difference; false if there is none.
show() {
	local changes
	changes=$(difference)
	if [ -z "$changes" ]; then
		echo "nothing to change for $scale connections"
		return 1
	fi
	echo "for $scale connections:"
	print_changes "$changes"
}

apply() {
	local changes failed=0 key want _ keys
	show || return 0
	changes=$(difference 2>/dev/null)
	mapfile -t keys < <(cut -f1 <<<"$changes")
	check_writable "${keys[@]}"
	remember "$changes"
	while IFS=$'\t' read -r key _ want; do
		set_key "$key" "$want" || failed=1
	done <<<"$changes"
	echo "applied until the next reboot; back with: $0 undo (reads $undo)"
	return "$failed"
}

restore() {
	local values left='' line key value keys
	if [ ! -e "$undo" ]; then
		echo "nothing to undo: there is no $undo"
		return 0
	fi
	values=$(undo_values)
	if [ -z "$values" ]; then
		echo "nothing to undo: $undo is from before a reboot, which has reset the kernel"
		rm "$undo"
		return 0
	fi
	mapfile -t keys < <(cut -d' ' -f1 <<<"$values")
	check_writable "${keys[@]}"
	while IFS= read -r line; do
		key=${line%% = *} value=${line#* = }
		printf '  %-34s %s -> %s\n' "$key" "$(current "$key")" "$value"
		set_key "$key" "$value" || left+=${left:+$'\n'}$line
	done <<<"$values"
	if [ -n "$left" ]; then
		write_undo "$left"
		die "what could not be restored is still in $undo"
	fi
	rm "$undo"
	echo restored
}

[ -r "$conf" ] || die "cannot read $conf"
case $scale in 100k | 1m) ;; *) die "TUNE_SCALE is $scale, want 100k or 1m" ;; esac
case ${1:-} in
show) show || true ;;
apply) apply ;;
undo) restore ;;
*)
	sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "$0" >&2
	exit 2
	;;
esac
