#!/bin/sh
# Runs fuzz targets one after the other, each for SECONDS, from the seeds of its replay program and what earlier runs
# found worth keeping. Prints what each did; ends with 1 when one found a fault, whose input it names.
#   scripts/fuzz.sh build/replay build/fuzz SECONDS NAME ...
set -u
replay=$1 fuzz=$2 seconds=$3
shift 3
status=0
for name in "$@"; do
	folder=$fuzz/$name
	mkdir -p "$folder/corpus" "$folder/seeds"
	"$replay/$name" --seeds "$folder/seeds" || exit 1
	if "$fuzz/bin/$name" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=3000 -print_final_stats=1 \
		-artifact_prefix="$folder/" "$folder/corpus" "$folder/seeds" >"$folder/log" 2>&1; then
		echo "$name: $(sed -n 's/.*number_of_executed_units: //p' "$folder/log") inputs in $seconds s," \
			"$(sed -n 's/^#[0-9]*\tDONE *\(cov: [0-9]*\) .*/\1/p' "$folder/log" | tail -n 1): held"
	else
		status=1
		tail -n 40 "$folder/log"
		echo "$name: a fault; $folder/log and the input it names. Run it alone: $replay/$name FILE"
	fi
done
exit $status
