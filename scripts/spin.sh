#!/bin/sh
# Checks server/run/life.pml with spin: the model as it is must hold, and each of its faulty variants must be found.
#   scripts/spin.sh FOLDER    for what spin and the compiler make
set -eu
model=$(pwd)/server/run/life.pml
mkdir -p "$1"
cd "$1"

# check TITLE WANTED "FLAGS OF THE MODEL" safety|ends: 0 errors wanted, or 1
check() {
	# shellcheck disable=SC2086 # lists of flags
	spin -a $3 "$model" >spin.log 2>&1 || { cat spin.log; exit 1; }
	if [ "$4" = safety ]; then
		gcc -O2 -w -DSAFETY -DNOCLAIM -DCOLLAPSE -DMEMLIM=4000 -o pan pan.c
		./pan -m1000000 >pan.log 2>&1 || true
	else
		gcc -O2 -w -DNFAIR=4 -DCOLLAPSE -DMEMLIM=4000 -o pan pan.c
		./pan -m1000000 -a -f >pan.log 2>&1 || true
	fi
	errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' pan.log)
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log)
	what=$(sed -n 's/^pan:1: //p' pan.log)
	echo "$1: ${errors:-no} errors in ${states:-no} states${what:+: $what}"
	if [ "${errors:-none}" != "$2" ] || grep -q 'max search depth too small\|memory limit' pan.log; then
		echo "  $2 were wanted; see pan.log" >&2
		exit 1
	fi
}

check "as it is, assertions" 0 "" safety
check "without the token" 1 "-DFAULT_TOKEN" safety
check "a cancel that does not wait" 1 "-DFAULT_CANCEL" safety
check "without recovery" 1 "-DWISHES=1 -DFAULT_RECOVER" ends
check "as it is, every experiment ends" 0 "-DWISHES=1" ends
