#!/bin/sh
# Checks licences, sources and advisories of all dependencies by deny.toml. Says loudly what
# could not be checked: cargo-deny may be missing, the advisory database out of reach.
set -eu
cd "$(dirname "$0")/.."

unchecked() { printf '\nNOT CHECKED: %s\n' "$*" >&2; }

if ! command -v cargo-deny >/dev/null; then
	unchecked 'sources and advisories of the dependencies, as cargo-deny is not installed' \
		'(cargo install --locked cargo-deny). xtask has checked the licences.'
	exit 0
fi

cargo-deny --locked check bans licenses sources

# A database that can't be fetched is no finding; everything else that fails is.
output=$(mktemp)
trap 'rm -f "$output"' EXIT
if cargo-deny --locked check advisories 2>"$output"; then
	cat "$output" >&2
elif grep -q 'failed to fetch advisory database' "$output"; then
	unchecked "advisories, as their database can't be fetched:" \
		"$(grep -m1 '^fatal:' "$output" || head -1 "$output")"
else
	cat "$output" >&2
	exit 1
fi
