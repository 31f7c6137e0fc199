#!/bin/sh
# Runs tests against a daemon that runs under valgrind's memcheck, as does every worker and predictor that it starts.
# Ends with 1 when a test fails, or when a process touched what is not its own or lost memory for good; the logs say where.
#   scripts/valgrind.sh build/valgrind PYTHON tests/faults/test_session.py ...
set -u
build=$(cd "$1" && pwd) python=$2
shift 2
logs=$build/logs under=$build/under
rm -rf "$logs" "$under" && mkdir -p "$logs" "$under" || exit 1

# Programs in the place of those that are tested. The daemon is told which worker to start: valgrind does not follow.
wrapper() { # name, options before those that it is given
	cat >"$under/$1" <<-END
		#!/bin/sh
		case \${1-} in
		check | backup | restore | key) exec "$build/$1" "\$@" ;;
		esac
		exec valgrind -q --child-silent-after-fork=yes --leak-check=full --show-leak-kinds=definite,indirect \\
			--errors-for-leak-kinds=definite,indirect --num-callers=30 --error-exitcode=99 \\
			--log-file="$logs/$1.%p" "$build/$1" $2 "\$@"
	END
	chmod +x "$under/$1"
}
wrapper qlstmd "--worker '$under/qlstm-worker'"
wrapper qlstm-worker ""

QLSTM_BUILD=$under QLSTM_DEADLINE=${QLSTM_DEADLINE:-1200} "$python" -m pytest -q -p no:cacheprovider "$@"
status=$?
count=$(find "$logs" -type f | wc -l)
[ "$count" -gt 0 ] || { echo "no process ran under valgrind" >&2; exit 1; }
found=$(grep -l '^==' "$logs"/*) # lines with -- are about valgrind itself, such as a new system call that it does not have
echo "$count processes under valgrind, $(echo "$found" | grep -c .) with a finding"
[ -n "$found" ] || exit $status
# shellcheck disable=SC2086 # names without blanks, below the build folder
tail -n 60 $found
exit 1
