#!/bin/sh
# Runs C tests, as many at a time as there are processors, and prints what each said in one piece.
#   scripts/unit.sh build/unit/test_csv build/unit/test_spec
set -u
jobs=$(getconf _NPROCESSORS_ONLN)
logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
# shellcheck disable=SC2016 # for the inner shells
printf '%s\n' "$@" | LOGS="$logs" xargs -P "$jobs" -I{} sh -c '
	log=$LOGS/$(basename "$1")
	"$1" >"$log" 2>&1
	status=$?
	{ echo "== $1"; cat "$log"; [ $status = 0 ] || echo "== $1 failed with status $status"; } >"$log.all"
	flock "$LOGS/lock" cat "$log.all"
	[ $status = 0 ] || echo "$1" >>"$LOGS/failed"' sh {}
if [ -s "$logs/failed" ]; then
	echo "failed:" && cat "$logs/failed"
	exit 1
fi
