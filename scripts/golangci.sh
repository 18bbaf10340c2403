#!/usr/bin/env bash
# golangci.sh VERSION FILE: put golangci-lint VERSION at FILE: a link to an installed one of exactly that version, or a fresh build.
set -euo pipefail

version=$1
file=$2
mkdir -p "$(dirname "$file")"

for found in "$(command -v golangci-lint || true)" "$(go env GOPATH)/bin/golangci-lint"; do
	if [ -x "$found" ] && "$found" version 2>/dev/null | grep -q "version ${version#v} "; then
		ln -sf "$found" "$file"
		exit 0
	fi
done

GOBIN=$(cd "$(dirname "$file")" && pwd)
export GOBIN
go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
mv "$GOBIN/golangci-lint" "$file"
