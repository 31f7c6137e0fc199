#!/bin/sh
# Format, layering and static checks. Every finding fails.
set -eu
cd "$(dirname "$0")/.."
status=0
say() { echo "lint: $*" >&2; status=1; }

sources=$(git ls-files -co --exclude-standard '*.c' '*.h')
# shellcheck disable=SC2086 # a list of files
clang-format --dry-run --Werror $sources || say "run make fmt"

# shellcheck disable=SC2046 # a list of files
includes() { grep -lE "^#include [<\"]$1" $(echo "$sources" | grep -E "$2") 2>/dev/null || true; }
forbid() { # forbid PATTERN FILES REASON
	found=$(includes "$1" "$2")
	[ -z "$found" ] || say "$3: $found"
}
python3 scripts/arrows.py || say "an include points where it may not; see ARROWS in scripts/arrows.py"
forbid '(jansson|sqlite3|uv|microhttpd|sodium|yaml|zlib|minizip|expat)' '^engine/' "the engine meets a service library"
only() { # only HEADER FILE
	found=$(includes "$1" '\.[ch]$' | grep -vx "$2" | grep -v '^tests/' || true)
	[ -z "$found" ] || say "$1 is met outside $2: $found"
}
only microhttpd "server/http/mhd/.*"
only gnutls server/http/tls.c
only sqlite3 server/store/db.c
only zlib server/common/gzip.c
only minizip server/common/xlsx/zip_part.c
only expat server/common/xlsx/xml.c
printing=$(grep -nE '\b(printf|puts|exit|abort)\(' engine/*.c engine/*/*.c engine/*/*/*.c | grep -v '^engine/examples/' | grep -vE 's?nprintf|vsnprintf' || true)
[ -z "$printing" ] || say "the engine prints or exits: $printing"

crowded=$(echo "$sources" | grep -v '^tests/' | xargs -n1 dirname | sort | uniq -c | awk '$1 > 40 { print $2 }')
[ -z "$crowded" ] || say "more than 40 C files in a folder: $crowded"
# shellcheck disable=SC2086 # a list of files
headless=$(awk 'FNR == 1 && !/^\/\*/ { print FILENAME }' $sources)
[ -z "$headless" ] || say "files that do not begin by saying what is in them: $headless"

python3 tests/mutation/check_rooms.py || say "a source, a test or a pattern without a room"
python3 scripts/hyperparameters.py --check || say "run scripts/hyperparameters.py"
shellcheck -s sh scripts/*.sh tests/docker/*.sh .ci/run || say "shellcheck"
# What gcc takes and clang does not; the flags are those of WARN in the Makefile.
# shellcheck disable=SC2046 # lists of flags
git ls-files -co --exclude-standard 'server/*.c' 'schema/*.c' 'engine/*.c' 'tests/fuzz/*.c' | grep -v '_kernel\|^engine/examples/' |
	xargs -P "$(nproc)" -n 16 clang -fsyntax-only -std=c17 -I. -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
		-Wstrict-prototypes -Werror $(pkg-config --cflags libmicrohttpd gnutls libuv sqlite3 jansson libsodium yaml-0.1 zlib minizip expat libseccomp) ||
	say "clang"
# One file a run: clang-tidy 14 carries va_list state from file to file and then reports what is not there.
# shellcheck disable=SC2046 # lists of flags
git ls-files -co --exclude-standard '*.c' | grep -vE '^tests/' | xargs -P "$(nproc)" -I{} \
	clang-tidy --quiet {} -- -std=c17 -I. -Iengine -D_GNU_SOURCE -DKERNEL_ISA=generic $(pkg-config --cflags libuv jansson) \
	2>/dev/null || say "clang-tidy"
exit $status
