#!/usr/bin/env bash
# install.sh VERSION FILE: put k6 VERSION at FILE: a link to an installed one of exactly that version, or a fresh build (a minute or two).
# k6 is a program of its own and no dependency of tickgate: it stays out of go.mod.
set -euo pipefail

version=$1
file=$2
mkdir -p "$(dirname "$file")"

for found in "$(command -v k6 || true)" "$(go env GOPATH)/bin/k6"; do
	if [ -x "$found" ] && "$found" version 2>/dev/null | grep -qF " $version "; then
		ln -sf "$found" "$file"
		exit 0
	fi
done

GOBIN=$(mktemp -d)
export GOBIN
trap 'rm -rf "$GOBIN"' EXIT
GOFLAGS='' go install "go.k6.io/k6@$version"
mv "$GOBIN/k6" "$file"
